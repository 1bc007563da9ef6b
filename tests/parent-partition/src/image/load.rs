//! Mapping a PE file: sections with their own protections, relocations, imports by name.

use std::fmt;
use std::io;
use std::path::Path;
use std::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicPtr, AtomicU8};

use object::LittleEndian as LE;
use object::pe::{self, ImageNtHeaders64};
use object::read::pe::{ExportTarget, ImageOptionalHeader, Import, PeFile64};

use super::load_config;
use super::section::Section;
use super::{Exports, Image, LOADED, publish};
use crate::machine::guard::Listed;
use crate::memory::pages::{self, PAGE};

/// Maps the image of `path` and binds its imports to `exports`.
///
/// Its code has not run; headers are readable, sections have the protections of their headers.
///
/// # Errors
///
/// The file is not a driver image for this machine, or imports what `exports` does not have.
pub fn load(path: &Path, exports: &Exports) -> Result<&'static Image, LoadError> {
    let data = std::fs::read(path).map_err(LoadError::Read)?;
    let file = parse(&data)?;
    let headers: &ImageNtHeaders64 = file.nt_headers();
    let optional = &headers.optional_header;
    let alignment = optional.section_alignment() as usize;
    if alignment < PAGE {
        return Err(LoadError::Alignment(alignment));
    }
    let view = View::reserve(optional.size_of_image() as usize);
    match fill(&view, &file, &data, exports) {
        Ok(Filled { sections, exported, guarded }) => Ok(publish(Image {
            guarded,
            path: path.to_string_lossy().into_owned(),
            base: view.base,
            size: view.size,
            entry: view.base + optional.address_of_entry_point() as usize,
            sections,
            functions: file
                .data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION)
                .map_or((0, 0), |directory| directory.address_range()),
            exported,
            state: AtomicU8::new(LOADED),
            older: AtomicPtr::default(),
        })),
        Err(error) => {
            pages::release(view.base, view.size);
            Err(error)
        }
    }
}

/// What the image of `path` imports, by module and name, in the order of its table; nothing is mapped.
///
/// # Errors
///
/// The file is no driver image for this machine.
pub fn imports(path: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let data = std::fs::read(path).map_err(LoadError::Read)?;
    let file = parse(&data)?;
    let mut imports = Vec::new();
    each_import(&file, |_slot, module, name| {
        imports.push((module.to_owned(), name));
        Ok(())
    })?;
    Ok(imports)
}

/// Why a file cannot be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file cannot be read.
    Read(io::Error),
    /// It is no well-formed PE file.
    Format(String),
    /// It is for another machine (the header's value).
    Machine(u16),
    /// Its sections are not aligned to pages (the header's value).
    Alignment(usize),
    /// The named section is both writable and executable.
    WritableCode(String),
    /// It imports a name that is not exported.
    UnknownImport {
        /// Module the import table names.
        module: String,
        /// Name it asks of that module.
        name: String,
    },
}

impl From<object::Error> for LoadError {
    fn from(error: object::Error) -> Self {
        Self::Format(error.to_string())
    }
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Format(reason) => write!(f, "is no driver image: {reason}"),
            Self::Machine(machine) => write!(f, "is for machine {machine:#x}, not x64"),
            Self::Alignment(alignment) => write!(f, "aligns its sections to {alignment} bytes, not to pages"),
            Self::WritableCode(section) => write!(f, "has a section that is writable code: {section}"),
            Self::UnknownImport { module, name } => {
                write!(f, "imports {module}!{name}, which does not exist")
            }
        }
    }
}

fn parse(data: &[u8]) -> Result<PeFile64<'_>, LoadError> {
    let machine = match object::FileKind::parse(data)? {
        // The other kinds name their machine in their own headers.
        object::FileKind::Pe32 => object::read::pe::PeFile32::parse(data)?.nt_headers().file_header.machine,
        _ => PeFile64::parse(data)?.nt_headers().file_header.machine,
    };
    match machine.get(LE) {
        pe::IMAGE_FILE_MACHINE_AMD64 => Ok(PeFile64::parse(data)?),
        other => Err(LoadError::Machine(other.0)),
    }
}

struct Filled {
    sections: Vec<Section>,
    exported: Vec<(String, usize)>,
    guarded: Option<Listed>,
}

fn fill(view: &View, file: &PeFile64<'_>, data: &[u8], exports: &Exports) -> Result<Filled, LoadError> {
    let optional = &file.nt_headers().optional_header;
    let headers = (optional.size_of_headers() as usize).min(data.len());
    pages::open(view.base, headers);
    view.write(0, &data[..headers])?;
    let mut sections = Vec::new();
    for header in file.section_table().iter() {
        let name = String::from_utf8_lossy(header.raw_name()).into_owned();
        let offset = header.virtual_address.get(LE) as usize;
        let memory = (header.virtual_size.get(LE) as usize).next_multiple_of(PAGE);
        let characteristics = header.characteristics.get(LE).0;
        if !offset.is_multiple_of(PAGE) || offset < headers || view.address(offset, memory).is_none() {
            return Err(LoadError::Format(format!("section {name} lies outside the image")));
        }
        if characteristics & WRITABLE_CODE == WRITABLE_CODE {
            return Err(LoadError::WritableCode(name));
        }
        pages::open(view.base + offset, memory);
        let bytes = header.pe_data(data)?;
        view.write(offset, &bytes[..bytes.len().min(memory)])?;
        sections.push(Section::new(name, view.base + offset, memory, characteristics));
    }
    relocate(view, file, data)?;
    bind(view, file, exports)?;
    let exported = exported(view, file)?;
    let configuration = file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG);
    let configuration = configuration.map_or(0, |directory| directory.address_range().0 as usize);
    let guarded = if configuration == 0 { None } else { load_config::fill(view, configuration)? };
    pages::make_read_only(view.base, headers);
    sections.iter().for_each(Section::protect);
    Ok(Filled { sections, exported, guarded })
}

fn relocate(view: &View, file: &PeFile64<'_>, data: &[u8]) -> Result<(), LoadError> {
    let moved = (view.base as u64).wrapping_sub(file.nt_headers().optional_header.image_base());
    if file.nt_headers().file_header.characteristics.get(LE).0 & pe::IMAGE_FILE_RELOCS_STRIPPED.0 != 0 {
        return Err(LoadError::Format("its relocations are stripped".to_owned()));
    }
    let Some(mut blocks) = file.data_directories().relocation_blocks(data, &file.section_table())? else {
        return Ok(());
    };
    while let Some(block) = blocks.next()? {
        for relocation in block {
            match relocation.typ {
                pe::IMAGE_REL_BASED_ABSOLUTE => {}
                pe::IMAGE_REL_BASED_DIR64 => {
                    let offset = relocation.virtual_address as usize;
                    let value = view.read(offset)?;
                    view.write(offset, &value.wrapping_add(moved).to_le_bytes())?;
                }
                other => return Err(LoadError::Format(format!("relocation of type {}", other.0))),
            }
        }
    }
    Ok(())
}

fn bind(view: &View, file: &PeFile64<'_>, exports: &Exports) -> Result<(), LoadError> {
    each_import(file, |slot, module, name| match exports.find(module, &name) {
        Some(export) => view.write(slot, &(export.bound() as u64).to_le_bytes()),
        None => Err(LoadError::UnknownImport { module: module.to_owned(), name }),
    })
}

/// Has `found` told of each import: where its address goes, the module, and the name.
fn each_import(
    file: &PeFile64<'_>,
    mut found: impl FnMut(usize, &str, String) -> Result<(), LoadError>,
) -> Result<(), LoadError> {
    let Some(table) = file.import_table()? else { return Ok(()) };
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let module = String::from_utf8_lossy(table.name(descriptor.name.get(LE))?).into_owned();
        let names = match descriptor.original_first_thunk.get(LE) {
            0 => descriptor.first_thunk.get(LE),
            lookup => lookup,
        };
        let mut thunks = table.thunks(names)?;
        let mut slot = descriptor.first_thunk.get(LE) as usize;
        while let Some(thunk) = thunks.next::<ImageNtHeaders64>()? {
            let name = match table.import::<ImageNtHeaders64>(thunk)? {
                Import::Name(_, name) => String::from_utf8_lossy(name).into_owned(),
                Import::Ordinal(ordinal) => format!("#{ordinal}"),
            };
            found(slot, &module, name)?;
            slot += size_of::<u64>();
        }
    }
    Ok(())
}

fn exported(view: &View, file: &PeFile64<'_>) -> Result<Vec<(String, usize)>, LoadError> {
    let Some(table) = file.export_table()? else { return Ok(Vec::new()) };
    let mut exported = Vec::new();
    for export in table.exports()? {
        if let (Some(name), ExportTarget::Address(offset)) = (export.name, export.target) {
            exported.push((String::from_utf8_lossy(name).into_owned(), view.base + offset as usize));
        }
    }
    Ok(exported)
}

/// The address range being filled; every access is checked against it.
pub(super) struct View {
    base: usize,
    size: usize,
}

impl View {
    fn reserve(size: usize) -> Self {
        let size = size.next_multiple_of(PAGE);
        Self { base: pages::reserve(size), size }
    }

    fn address(&self, offset: usize, length: usize) -> Option<usize> {
        let end = offset.checked_add(length)?;
        (end <= self.size).then_some(self.base + offset)
    }

    /// The distance of an address from the image's start.
    pub(super) fn offset_of(&self, address: usize) -> Result<usize, LoadError> {
        let offset = address.wrapping_sub(self.base);
        if offset < self.size { Ok(offset) } else { Err(outside(offset)) }
    }

    /// Checks that a range lies in the image.
    pub(super) fn expect_inside(&self, offset: usize, length: usize) -> Result<(), LoadError> {
        self.address(offset, length).map(|_| ()).ok_or_else(|| outside(offset))
    }

    pub(super) fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), LoadError> {
        let address = self.address(offset, bytes.len()).ok_or_else(|| outside(offset))?;
        // SAFETY: the range is inside the reserved image. A page that no section opened faults here, which
        // only a file with relocations or imports outside its sections does.
        unsafe {
            with_exposed_provenance_mut::<u8>(address).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        Ok(())
    }

    pub(super) fn read(&self, offset: usize) -> Result<u64, LoadError> {
        let address = self.address(offset, size_of::<u64>()).ok_or_else(|| outside(offset))?;
        // SAFETY: as in `write`.
        Ok(unsafe { with_exposed_provenance::<u64>(address).read_unaligned() })
    }
}

fn outside(offset: usize) -> LoadError {
    LoadError::Format(format!("{offset:#x} lies outside the image"))
}

const WRITABLE_CODE: u32 = pe::IMAGE_SCN_MEM_EXECUTE.0 | pe::IMAGE_SCN_MEM_WRITE.0;

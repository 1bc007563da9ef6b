//! The lines of the driver's sources that an image has code of, from its PDB: those of functions, and those inlined.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::path::Path;

use pdb2::{AddressMap, FallibleIterator, FileIndex, LineInfo, LineProgram, PDB, StringTable, SymbolData};

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The file's path below the project's root.
    pub file: String,
    /// From 1.
    pub number: u32,
}

/// Offsets in the image, and the lines that begin there.
pub type Lines = BTreeMap<u32, BTreeSet<Line>>;

/// Reads the PDB beside an image.
///
/// # Errors
/// It is missing or malformed.
pub fn of_image(image: &Path) -> Result<Lines, pdb2::Error> {
    let mut pdb = PDB::open(File::open(image.with_extension("pdb")).map_err(pdb2::Error::IoError)?)?;
    let addresses = pdb.address_map()?;
    let strings = pdb.string_table()?;
    let debug = pdb.debug_information()?;
    let mut lines = Lines::new();
    let mut modules = debug.modules()?;
    while let Some(module) = modules.next()? {
        let Some(info) = pdb.module_info(&module)? else { continue };
        let program = info.line_program()?;
        let mut found =
            Found { lines: &mut lines, program: &program, addresses: &addresses, strings: &strings };
        let mut records = program.lines();
        while let Some(record) = records.next()? {
            found.add(&record)?;
        }
        let inlinees: HashMap<_, _> =
            info.inlinees()?.map(|inlinee| Ok((inlinee.index(), inlinee))).collect()?;
        let mut symbols = info.symbols()?;
        let mut procedure = None;
        while let Some(symbol) = symbols.next()? {
            match symbol.parse() {
                Ok(SymbolData::Procedure(begun)) => procedure = Some(begun.offset),
                Ok(SymbolData::InlineSite(site)) => {
                    let (Some(inlinee), Some(procedure)) = (inlinees.get(&site.inlinee), procedure) else {
                        continue;
                    };
                    let mut records = inlinee.lines(procedure, &site);
                    while let Some(record) = records.next()? {
                        found.add(&record)?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(lines)
}

struct Found<'a, 'module, 'pdb> {
    lines: &'a mut Lines,
    program: &'a LineProgram<'module>,
    addresses: &'a AddressMap<'pdb>,
    strings: &'a StringTable<'pdb>,
}

impl Found<'_, '_, '_> {
    fn add(&mut self, record: &LineInfo) -> Result<(), pdb2::Error> {
        let Some(file) = self.file(record.file_index)? else { return Ok(()) };
        // Line 0 stands for code of no line.
        if let Some(offset) = record.offset.to_rva(self.addresses)
            && record.line_start != 0
        {
            self.lines.entry(offset.0).or_default().insert(Line { file, number: record.line_start });
        }
        Ok(())
    }

    /// The path of a source of the driver; `None` of any other.
    fn file(&self, index: FileIndex) -> Result<Option<String>, pdb2::Error> {
        let name = self.program.get_file_info(index)?.name.to_string_lossy(self.strings)?.replace('\\', "/");
        Ok(name.find(DRIVER).map(|at| name[at + 1..].to_owned()))
    }
}

/// Where the driver's sources lie, below the project's root.
const DRIVER: &str = "/driver/src/";

//! The stack frames of an image's functions, read from the file without loading it.

use std::io;
use std::path::Path;

use object::pe;
use object::read::pe::PeFile64;
use serde_json::{Value, json};

use crate::image::LoadError;
use crate::image::unwind::RuntimeFunction;
use crate::symbols::Symbols;

/// The largest frame that one function makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionFrame {
    /// The function's name in the PDB; its offset in the image when the PDB has none.
    pub function: String,
    /// Where it starts in the image.
    pub offset: u32,
    /// Bytes it pushes and allocates below its return address.
    pub bytes: u32,
}

/// Reads the frame of every function of the image at `path`, largest first.
///
/// Functions without unwind data are leaves that touch no stack; they are not listed.
///
/// # Errors
///
/// The image or its PDB cannot be read, or its unwind data are malformed.
pub fn of_image(path: &Path) -> Result<Vec<FunctionFrame>, LoadError> {
    let data = std::fs::read(path).map_err(LoadError::Read)?;
    let symbols = Symbols::beside(path).map_err(|error| LoadError::Read(io::Error::other(error)))?;
    let file = PeFile64::parse(&*data)?;
    let sections = file.section_table();
    let Some(directory) = file.data_directory(pe::IMAGE_DIRECTORY_ENTRY_EXCEPTION) else {
        return Ok(Vec::new());
    };
    let (start, length) = directory.address_range();
    let read = |offset: u32, length: u32| sections.pe_data_at(&*data, offset)?.get(..length as usize);
    let table = read(start, length).ok_or_else(|| malformed(start))?;
    let mut frames: Vec<FunctionFrame> = Vec::new();
    for entry in table.chunks_exact(RuntimeFunction::SIZE) {
        let function = RuntimeFunction::parse(entry).ok_or_else(|| malformed(start))?;
        let frame = function.frame(read).ok_or_else(|| malformed(function.begin))?;
        let named = symbols.function(function.begin);
        let name = named.map_or_else(|| format!("+{:#x}", function.begin), str::to_owned);
        frames.push(FunctionFrame { function: name, offset: function.begin, bytes: frame.bytes });
    }
    frames.sort_by_key(|frame| (std::cmp::Reverse(frame.bytes), frame.offset));
    Ok(frames)
}

/// The frames as one JSON object.
pub fn to_json(path: &Path, frames: &[FunctionFrame]) -> Value {
    let row = |frame: &FunctionFrame| json!({ "function": frame.function, "offset": frame.offset, "bytes": frame.bytes });
    json!({ "image": path.to_string_lossy(), "frames": frames.iter().map(row).collect::<Vec<_>>() })
}

fn malformed(offset: u32) -> LoadError {
    LoadError::Format(format!("unwind data at {offset:#x} are malformed"))
}

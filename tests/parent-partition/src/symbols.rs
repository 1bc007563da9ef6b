//! Function names of an image, from the PDB beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use pdb2::{FallibleIterator, PDB, SymbolData};

/// The functions of one image, by offset in it.
#[derive(Debug, Default)]
pub struct Symbols {
    functions: BTreeMap<u32, Function>,
}

#[derive(Debug)]
struct Function {
    name: String,
    /// Bytes of code; 0 when the PDB does not tell (a public symbol reaches to the next).
    length: u32,
}

impl Symbols {
    /// Reads the PDB of the image at `path`: the same file name, ending in `.pdb`.
    ///
    /// # Errors
    ///
    /// The PDB is missing or malformed.
    pub fn beside(path: &Path) -> Result<Self, pdb2::Error> {
        Self::read(&pdb_path(path))
    }

    fn read(path: &Path) -> Result<Self, pdb2::Error> {
        let mut pdb = PDB::open(File::open(path).map_err(pdb2::Error::IoError)?)?;
        let addresses = pdb.address_map()?;
        let mut functions = BTreeMap::new();
        let globals = pdb.global_symbols()?;
        let mut publics = globals.iter();
        while let Some(symbol) = publics.next()? {
            if let Ok(SymbolData::Public(public)) = symbol.parse()
                && public.function
                && let Some(offset) = public.offset.to_rva(&addresses)
            {
                let name = demangled(&public.name.to_string());
                functions.insert(offset.0, Function { name, length: 0 });
            }
        }
        let debug = pdb.debug_information()?;
        let mut modules = debug.modules()?;
        while let Some(module) = modules.next()? {
            let Some(info) = pdb.module_info(&module)? else { continue };
            let mut symbols = info.symbols()?;
            while let Some(symbol) = symbols.next()? {
                if let Ok(SymbolData::Procedure(procedure)) = symbol.parse()
                    && let Some(offset) = procedure.offset.to_rva(&addresses)
                {
                    let name = demangled(&procedure.name.to_string());
                    functions.insert(offset.0, Function { name, length: procedure.len });
                }
            }
        }
        Ok(Self { functions })
    }

    /// Name of the function that holds the image's byte `offset`.
    pub fn function(&self, offset: u32) -> Option<&str> {
        let (start, function) = self.functions.range(..=offset).next_back()?;
        (function.length == 0 || offset < start + function.length).then_some(&*function.name)
    }

    /// All functions: offset in the image and name.
    pub fn functions(&self) -> impl Iterator<Item = (u32, &str)> {
        self.functions.iter().map(|(offset, function)| (*offset, &*function.name))
    }
}

fn pdb_path(image: &Path) -> PathBuf {
    image.with_extension("pdb")
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

//! What the simulated kernel exports, by module and name.

use std::collections::HashMap;

use crate::machine::thunk;

/// One exported name.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    module: &'static str,
    name: &'static str,
    address: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Routine { stack_arguments: u8 },
    Data,
}

impl Export {
    /// An `extern "win64"` routine; `stack_arguments` is the number of its arguments beyond the fourth.
    pub fn routine(
        module: &'static str,
        name: &'static str,
        routine: *const (),
        stack_arguments: u8,
    ) -> Self {
        Self { module, name, address: routine.expose_provenance(), kind: Kind::Routine { stack_arguments } }
    }

    /// A variable, whose address images import.
    pub fn data(module: &'static str, name: &'static str, variable: *const ()) -> Self {
        Self { module, name, address: variable.expose_provenance(), kind: Kind::Data }
    }

    /// The exporting module, as an import table spells it (`ntoskrnl.exe`, `hal.dll`, `WDFLDR.SYS`).
    pub fn module(&self) -> &'static str {
        self.module
    }

    /// The exported name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How many arguments of a routine travel on the stack; `None` for a variable.
    pub fn stack_arguments(&self) -> Option<u8> {
        match self.kind {
            Kind::Routine { stack_arguments } => Some(stack_arguments),
            Kind::Data => None,
        }
    }

    /// The address an image is given: a variable, or a routine's thunk.
    pub fn bound(&self) -> usize {
        match self.kind {
            Kind::Routine { stack_arguments } => thunk::make(self.name, self.address, stack_arguments),
            Kind::Data => self.address,
        }
    }
}

/// All exports, ready to bind an image to.
#[derive(Debug, Default)]
pub struct Exports {
    by_name: HashMap<String, Export>,
}

impl Exports {
    /// The exports of several modules together.
    ///
    /// # Panics
    ///
    /// When two exports of one module share a name.
    pub fn new(exports: impl IntoIterator<Item = Export>) -> Self {
        let mut by_name = HashMap::new();
        for export in exports {
            let twice = by_name.insert(key(export.module, export.name), export);
            assert!(twice.is_none(), "{}!{} is exported twice", export.module, export.name);
        }
        Self { by_name }
    }

    /// The export of that name; module names are compared without regard to case.
    pub fn find(&self, module: &str, name: &str) -> Option<&Export> {
        self.by_name.get(&key(module, name))
    }

    /// The export of that name in any module (MmGetSystemRoutineAddress).
    pub fn find_anywhere(&self, name: &str) -> Option<&Export> {
        self.by_name.values().find(|export| export.name == name)
    }
}

fn key(module: &str, name: &str) -> String {
    format!("{}!{name}", module.to_ascii_lowercase())
}

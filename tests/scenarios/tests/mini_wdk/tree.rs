//! A tree of headers: the mini WDK, or a small wrong one made by a test.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempDir};

/// The driver's target.
pub(crate) const TARGET: &str = "x86_64-pc-windows-msvc";

/// Where headers lie, and which of them are read.
#[derive(Debug)]
pub(crate) struct Tree {
    includes: Vec<PathBuf>,
    headers: Vec<String>,
    /// Keeps a test's own headers until they have been read.
    _own: Option<TempDir>,
}

impl Tree {
    /// What wdk-sys reads.
    pub(crate) fn of_wdk_sys() -> Self {
        Self::with(&["ntifs.h", "ntddk.h", "ntstrsafe.h", "wdf.h"])
    }

    /// The whole mini WDK: what wdk-sys reads, and what only drivers in C include.
    pub(crate) fn whole() -> Self {
        Self::with(&[
            "ntifs.h",
            "ntddk.h",
            "ntstrsafe.h",
            "wdf.h",
            "wdfbindinfo.h",
            "wdmguid.h",
            "ntstatus.h",
            "pcivirt.h",
            "vpci.h",
        ])
    }

    /// The mini WDK's base types, and one more header with the given text.
    pub(crate) fn wrong(text: &str) -> Self {
        let own = TempDir::new().expect("a temporary folder");
        std::fs::write(own.path().join("wrong.h"), text).expect("a header is written");
        let mut tree = Self::with(&["ntdef.h", "wrong.h"]);
        tree.includes.push(own.path().to_owned());
        tree._own = Some(own);
        tree
    }

    fn with(headers: &[&str]) -> Self {
        let include = include();
        let includes = ["10.0.22621.0/km", "10.0.22621.0/shared", "wdf/kmdf/1.33"]
            .map(|folder| include.join(folder))
            .to_vec();
        Self { includes, headers: headers.iter().map(|&header| header.to_owned()).collect(), _own: None }
    }

    /// `-I` for every folder.
    pub(crate) fn include_arguments(&self) -> Vec<String> {
        self.includes.iter().map(|folder| format!("-I{}", folder.display())).collect()
    }

    /// A source that includes every header.
    pub(crate) fn source(&self) -> String {
        self.headers.iter().map(|header| format!("#include \"{header}\"\n")).collect()
    }

    /// The same as a file.
    pub(crate) fn source_file(&self) -> NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".c").tempfile().expect("a temporary file");
        file.write_all(self.source().as_bytes()).expect("the source is written");
        file
    }
}

/// The folder of all headers.
pub(crate) fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wdk/Include")
}

/// Every file below a folder, as its path.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder is readable");
            open.extend(entries.map(|entry| entry.expect("an entry is readable").path()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

//! The folder that wdk-build takes for an installed WDK: our headers and the import libraries made from them.
//!
//! It is assembled under `target/` from `tests/wdk`. A file is written only when its content changes, because cargo
//! decides by modification times what to build again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::workspace::{hexadecimal, relative_files, run, write_if_changed};

/// The WDK version that the headers speak for.
pub(crate) const WDK_VERSION: &str = "10.0.22621.0";

/// Folders that wdk-build expects to exist, whether or not a header of ours lies in them.
const EXPECTED: &[&str] = &["km", "km/crt", "km/ufx/1.1", "shared"];

/// Import libraries: the library's name, as a driver links it, and the `.def` file it is made from.
const IMPORT_LIBRARIES: &[(&str, &str)] = &[("ntoskrnl.lib", "ntoskrnl.def"), ("hal.lib", "hal.def")];

/// Libraries that a driver names and takes nothing from.
const EMPTY_LIBRARIES: &[&str] = &["BufferOverflowFastFailK.lib", "wmilib.lib", "rpcrt4.lib"];

/// Assembles the content root below `folder` and returns a digest of all headers in it.
///
/// # Errors
/// A tool failed; the error holds its words.
pub(crate) fn assemble(wdk: &Path, folder: &Path) -> Result<String> {
    let include = folder.join("Include");
    let digest = copy_tree(&wdk.join("Include"), &include)?;
    for expected in EXPECTED {
        fs::create_dir_all(include.join(WDK_VERSION).join(expected))?;
    }
    let kernel = folder.join("Lib").join(WDK_VERSION).join("km/x64");
    let framework = folder.join("Lib/wdf/kmdf/x64/1.33");
    for (library, definition) in IMPORT_LIBRARIES {
        import_library(&wdk.join("lib").join(definition), &kernel.join(library))?;
    }
    import_library(&wdk.join("lib/wdfldr.def"), &framework.join("WdfLdr.lib"))?;
    for library in EMPTY_LIBRARIES {
        static_library(None, &[], &kernel.join(library))?;
    }
    let includes = [
        include.join(WDK_VERSION).join("km"),
        include.join(WDK_VERSION).join("shared"),
        include.join("wdf/kmdf/1.33"),
    ];
    static_library(Some(&wdk.join("lib/entry_stub.c")), &includes, &framework.join("WdfDriverEntry.lib"))?;
    Ok(digest)
}

/// Makes `to` equal to `from`, leaves unchanged files alone, and returns a digest of names and contents.
fn copy_tree(from: &Path, to: &Path) -> Result<String> {
    let wanted = relative_files(from)?;
    let mut digest = Sha256::new();
    for file in &wanted {
        let text = fs::read(from.join(file))
            .with_context(|| format!("cannot read {}", from.join(file).display()))?;
        digest.update(file.to_string_lossy().as_bytes());
        digest.update(&text);
        write_if_changed(&to.join(file), &text)?;
    }
    if to.exists() {
        let kept: BTreeSet<&PathBuf> = wanted.iter().collect();
        for stale in relative_files(to)?.iter().filter(|file| !kept.contains(file)) {
            fs::remove_file(to.join(stale)).with_context(|| format!("cannot remove {}", stale.display()))?;
        }
    }
    Ok(hexadecimal(&digest.finalize()))
}

fn import_library(definition: &Path, library: &Path) -> Result<()> {
    if is_newer(library, &[definition]) {
        return Ok(());
    }
    make_folder_of(library)?;
    run(Command::new("llvm-dlltool-19")
        .args(["-m", "i386:x86-64", "-d"])
        .arg(definition)
        .arg("-l")
        .arg(library))
}

/// A library of one C source, or of none.
fn static_library(source: Option<&Path>, includes: &[PathBuf], library: &Path) -> Result<()> {
    let mut inputs: Vec<PathBuf> = source.iter().map(|path| path.to_path_buf()).collect();
    for include in includes {
        inputs.extend(relative_files(include)?.into_iter().map(|file| include.join(file)));
    }
    if is_newer(library, &inputs.iter().map(PathBuf::as_path).collect::<Vec<_>>()) {
        return Ok(());
    }
    make_folder_of(library)?;
    let object = library.with_extension("obj");
    let mut compile = Command::new("clang-cl-19");
    compile.args([
        "--target=x86_64-pc-windows-msvc",
        "/nologo",
        "/c",
        "/Zl",
        "/GS-",
        "/O2",
        "/W4",
        "/WX",
        "/kernel",
    ]);
    compile.args(["/D_AMD64_", "/D_WIN64", "/DKMDF_VERSION_MAJOR=1", "/DKMDF_VERSION_MINOR=33"]);
    compile.args(includes.iter().map(|include| format!("/I{}", include.display())));
    compile.arg(format!("/Fo{}", object.display()));
    match source {
        Some(source) => run(compile.arg("--").arg(source))?,
        None => {
            let empty = library.with_extension("c");
            write_if_changed(&empty, b"typedef int nothing;\n")?;
            run(compile.arg("--").arg(&empty))?;
        }
    }
    run(Command::new("llvm-lib-19").arg("/nologo").arg(format!("/out:{}", library.display())).arg(&object))
}

/// Whether `product` is there and no input changed after it was made.
fn is_newer(product: &Path, inputs: &[&Path]) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    changed(product)
        .is_ok_and(|made| inputs.iter().all(|input| changed(input).is_ok_and(|changed| changed <= made)))
}

fn make_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file at the root")?;
    ensure!(!folder.as_os_str().is_empty(), "{} names no folder", file.display());
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

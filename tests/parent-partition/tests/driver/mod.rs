//! WDM drivers in C against the mini WDK's headers, compiled when a test wants them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// Compiles `source` (a file of `tests/images`) to a driver image with a PDB; everything ntoskrnl.exe has may be imported.
pub fn build(source: &str) -> PathBuf {
    build_with(source, &[], &[])
}

/// As [`build`], with more options for the compiler and for the linker.
pub fn build_with(source: &str, to_compiler: &[&str], to_linker: &[&str]) -> PathBuf {
    let folder = new_folder();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wdk = package.join("../wdk");
    let stem = folder.join(source);
    let (object, library, image) =
        (stem.with_extension("obj"), folder.join("ntoskrnl.lib"), stem.with_extension("sys"));
    let mut compile = Command::new("clang-19");
    compile.args(["--target=x86_64-pc-windows-msvc", "-std=c11", "-O0", "-g", "-gcodeview", "-c"]);
    compile.args(["-ffreestanding", "-nostdinc", "-fms-extensions", "-mno-stack-arg-probe"]);
    compile.arg("-fasynchronous-unwind-tables");
    compile.args(["-Wall", "-Werror", "-Wno-microsoft-anon-tag", "-D_AMD64_", "-D_WIN64"]);
    compile.args(to_compiler);
    for include in ["10.0.22621.0/km", "10.0.22621.0/shared", "wdf/kmdf/1.33"] {
        compile.arg("-isystem").arg(wdk.join("Include").join(include));
    }
    run(compile.arg(package.join("tests/images").join(source)).arg("-o").arg(&object));
    let mut exports = Command::new("llvm-dlltool-19");
    exports.args(["-m", "i386:x86-64", "-d"]).arg(wdk.join("lib/ntoskrnl.def"));
    run(exports.arg("-l").arg(&library));
    let mut link = Command::new("lld-link-19");
    link.args(["/nologo", "/subsystem:native", "/driver", "/entry:DriverEntry", "/nodefaultlib", "/debug"]);
    link.args(to_linker).arg("/incremental:no").arg(format!("/out:{}", image.display()));
    link.arg(import_library("WDFLDR.SYS", &LOADER_ROUTINES));
    run(link.arg(&object).arg(&library));
    image
}

/// Makes a library to import these routines of a module with, whether it has them or not; returns its path.
pub fn import_library(module: &str, routines: &[&str]) -> String {
    let folder = new_folder();
    let (definitions, library) = (folder.join("module.def"), folder.join("module.lib"));
    fs::write(&definitions, format!("LIBRARY {module}\nEXPORTS\n{}\n", routines.join("\n"))).expect("a .def");
    let mut tool = Command::new("llvm-dlltool-19");
    run(tool.args(["-m", "i386:x86-64", "-d"]).arg(definitions).arg("-l").arg(&library));
    library.into_os_string().into_string().expect("a path in UTF-8")
}

fn new_folder() -> PathBuf {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("wdm-{}-{number}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for what is built");
    folder
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = [output.stderr, output.stdout].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&words));
}

/// What the loader exports to drivers and frameworks.
const LOADER_ROUTINES: [&str; 4] =
    ["WdfVersionBind", "WdfVersionUnbind", "WdfVersionBindClass", "WdfRegisterLibrary"];

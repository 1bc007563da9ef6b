//! Small driver images in C, compiled when a test wants them, and the routines they import.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use parent_partition::image::{Export, Exports, Image, load};

/// Compiles `source` (a file of `tests/images`) to a driver image with a PDB; imports come from `imported`.
pub fn build(source: &str, imported: &[&str]) -> PathBuf {
    static BUILT: AtomicU32 = AtomicU32::new(0);
    let number = BUILT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for the image");
    let stem = folder.join(source);
    let (object, library) = (stem.with_extension("obj"), folder.join("ntoskrnl.lib"));
    let (image, definitions) = (stem.with_extension("sys"), folder.join("ntoskrnl.def"));
    fs::write(&definitions, format!("LIBRARY ntoskrnl.exe\nEXPORTS\n{}\n", imported.join("\n")))
        .expect("a .def");
    let path = |path: &Path| path.to_str().expect("a path in UTF-8").to_owned();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    run(
        "clang-19",
        &[
            "--target=x86_64-pc-windows-msvc",
            "-O1",
            "-g",
            "-gcodeview",
            "-ffreestanding",
            "-fasynchronous-unwind-tables",
            "-mno-stack-arg-probe",
            "-Wall",
            "-Werror",
            "-c",
            &path(&sources.join(source)),
            "-o",
            &path(&object),
        ],
    );
    run("llvm-dlltool-19", &["-m", "i386:x86-64", "-d", &path(&definitions), "-l", &path(&library)]);
    run(
        "lld-link-19",
        &[
            "/nologo",
            "/subsystem:native",
            "/driver",
            "/entry:DriverEntry",
            "/nodefaultlib",
            "/debug",
            "/incremental:no",
            "/section:INIT,ERD",
            &format!("/out:{}", path(&image)),
            &path(&object),
            &path(&library),
        ],
    );
    image
}

/// Builds and loads `source`, bound to `routines`.
pub fn loaded(source: &str, routines: impl IntoIterator<Item = Export>) -> &'static Image {
    let routines: Vec<_> = routines.into_iter().collect();
    let names: Vec<_> = routines.iter().map(Export::name).collect();
    load(&build(source, &names), &Exports::new(routines)).expect("a loadable image")
}

/// A routine of `ntoskrnl.exe` under its Rust function's own name.
#[macro_export]
macro_rules! routine {
    ($function:ident, $stack_arguments:expr) => {
        parent_partition::image::Export::routine(
            "ntoskrnl.exe",
            stringify!($function),
            $function as *const (),
            $stack_arguments,
        )
    };
}

/// Calls an exported function of the image with word arguments.
#[macro_export]
macro_rules! run_exported {
    ($image:expr, $name:literal $(, $argument:expr)* $(,)?) => {
        parent_partition::invoke!($image.exported($name).expect($name); $($argument),*)
    };
}

fn run(tool: &str, arguments: &[&str]) {
    let output =
        Command::new(tool).args(arguments).output().unwrap_or_else(|error| panic!("{tool}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {errors}{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

//! Driver images compiled from C against the mini WDK, with a PDB beside each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::places;

/// What a driver is written against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// The kernel alone: the entry point is `DriverEntry`.
    Wdm,
    /// The framework: the entry point is the framework's, which calls `DriverEntry`.
    Kmdf,
}

/// Compiles the C source at `source` (below the workspace's root) and returns the image's path.
///
/// `definition` is a module-definition file (below the root too) with names to import besides the mini WDK's. The PDB
/// lies beside the image. Unoptimised, so that each function of the source is one of the image. A source is compiled
/// once in a process.
///
/// # Panics
///
/// When the source does not compile; the message holds the compiler's words.
pub fn compile(model: Model, source: &str, definition: Option<&Path>) -> PathBuf {
    let made = Arc::clone(
        MADE.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default()
            .entry(source.to_owned())
            .or_default(),
    );
    let root = places::root();
    made.get_or_init(|| build(model, &root, Path::new(source), definition)).clone()
}

fn build(model: Model, root: &Path, source: &Path, definition: Option<&Path>) -> PathBuf {
    // Sources of one name in several folders make images of one name, which must not meet.
    let folder =
        places::profile().join("c-drivers").join(source.parent().expect("a source lies in a folder"));
    std::fs::create_dir_all(&folder).expect("the folder of products can be made");
    let product = |extension: &str| {
        folder.join(source.file_stem().expect("a source has a name")).with_extension(extension)
    };
    let (object, image) = (product("obj"), product("sys"));
    compile_object(&root.join(source), &object);
    let mut link = Command::new("lld-link-19");
    link.args(["/nologo", "/driver", "/subsystem:native", "/nodefaultlib", "/debug", "/WX"]);
    // A section of its own for code that is needed at start only, as the WDK's build gives it.
    link.arg("/section:INIT,ERD").arg(format!("/pdb:{}", product("pdb").display()));
    link.arg(format!("/out:{}", image.display())).arg(&object);
    let libraries = places::wdk().join("Lib");
    link.arg(libraries.join(VERSION).join("km/x64/ntoskrnl.lib"));
    match model {
        Model::Wdm => link.arg("/entry:DriverEntry"),
        Model::Kmdf => {
            let framework = libraries.join("wdf/kmdf/x64/1.33");
            link.arg("/entry:FxDriverEntry")
                .args(["WdfDriverEntry.lib", "WdfLdr.lib"].map(|name| framework.join(name)))
        }
    };
    if let Some(definition) = definition {
        let library = product("lib");
        run(Command::new("llvm-dlltool-19")
            .args(["-m", "i386:x86-64", "-d"])
            .arg(root.join(definition))
            .arg("-l")
            .arg(&library));
        link.arg(library);
    }
    run(&mut link);
    image
}

fn compile_object(source: &Path, object: &Path) {
    let include = places::wdk().join("Include");
    let mut compile = Command::new("clang-19");
    compile.args(["--target=x86_64-pc-windows-msvc", "-std=c11", "-c", "-O0", "-g", "-gcodeview"]);
    compile.args([
        "-ffreestanding",
        "-nostdinc",
        "-fms-extensions",
        "-fno-stack-protector",
        "-mno-implicit-float",
    ]);
    compile.args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-microsoft-anon-tag"]);
    compile.args(["-D_AMD64_", "-D_WIN64", "-DKMDF_VERSION_MAJOR=1", "-DKMDF_VERSION_MINOR=33"]);
    let folders = [
        include.join(VERSION).join("km"),
        include.join(VERSION).join("shared"),
        include.join("wdf/kmdf/1.33"),
    ];
    for folder in folders {
        compile.arg("-isystem").arg(folder);
    }
    // The driver's own headers are held to the same warnings as the source.
    compile.arg("-I").arg(places::root().join("driver/include"));
    run(compile.arg(source).arg("-o").arg(object));
}

fn run(command: &mut Command) {
    let ended = command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
    let words = [ended.stderr, ended.stdout].concat();
    assert!(ended.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&words));
}

type Made = HashMap<String, Arc<OnceLock<PathBuf>>>;
static MADE: Mutex<Option<Made>> = Mutex::new(None);

/// The WDK version that the mini WDK speaks for.
const VERSION: &str = "10.0.22621.0";

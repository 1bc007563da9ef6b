//! Makes the NT and KMDF types of `sys` from the mini WDK's headers.
//!
//! The headers are read as a compiler for the driver's own target reads them, so that every layout is the
//! image's. Function pointers come out with the image's calling convention.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let include = package.join("../wdk/Include").canonicalize()?;
    println!("cargo::rerun-if-changed={}", include.display());
    println!("cargo::rerun-if-env-changed=LIBCLANG_PATH");
    if env::var_os("LIBCLANG_PATH").is_none() && Path::new(LIBCLANG).is_dir() {
        // SAFETY: a build script's main thread is its only one.
        unsafe { env::set_var("LIBCLANG_PATH", LIBCLANG) };
    }
    let mut bindings = bindgen::builder()
        .header_contents("parent_partition.h", HEADERS)
        .clang_args(["-target", "x86_64-pc-windows-msvc", "-nostdinc", "-fms-extensions", "-w"])
        .clang_args(["-D_AMD64_", "-D_WIN64", "-D_KERNEL_MODE=1", "-DNTDDI_VERSION=0x0A00000C"])
        .ignore_functions()
        .blocklist_var("WdfFunctions.*|WdfDriverGlobals|WdfFunctionCount")
        .default_enum_style(bindgen::EnumVariation::ModuleConsts)
        .prepend_enum_name(false)
        .derive_default(true)
        .derive_debug(false)
        .layout_tests(false)
        .generate_comments(false)
        .use_core();
    for folder in include_folders(&include)? {
        bindings = bindings.clang_arg(format!("-I{}", folder.display()));
    }
    let text = bindings.generate().map_err(io::Error::other)?.to_string();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    // The modules of constants import what they do not use, under an exemption without a reason.
    let text = text.replace("    #[allow(unused_imports)]\n    use super::*;\n", "");
    fs::write(out.join("sys.rs"), text.replace("extern \"C\"", "extern \"win64\""))
}

/// Every folder below `root` that holds a header.
fn include_folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        let mut has_header = false;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                has_header |= path.extension().is_some_and(|extension| extension == "h");
            }
        }
        if has_header {
            found.push(folder);
        }
    }
    found.sort();
    Ok(found)
}

const HEADERS: &str = "
    #include <ntifs.h>
    #include <ntddk.h>
    #include <pcivirt.h>
    #include <vpci.h>
    #include <wdf.h>
";
const LIBCLANG: &str = "/usr/lib/llvm-19/lib";

//! `cargo xtask plugin PATH`: builds a plug-in driver of an IHV, from one C file or from a package in Rust.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    content_root::WDK_VERSION,
    cross_build::{CrossBuild, Profile, TARGET, cross_target},
    image::{Image, place},
    workspace::{root, run},
};

/// Builds the plug-in at `path` as shipped and returns where its image lies; its PDB lies beside it.
///
/// # Errors
/// The path is neither a C file nor a package's folder, or it does not build.
pub(crate) fn build(path: &Path) -> Result<PathBuf> {
    let build = CrossBuild::prepare(&[])?;
    let image = if path.extension().is_some_and(|extension| extension == "c") && path.is_file() {
        of_c(path)?
    } else if path.join("Cargo.toml").is_file() {
        of_rust(&build, path)?
    } else {
        bail!("{} is neither a C file nor a folder with a Cargo.toml", path.display());
    };
    // Reads the headers: a kernel image that imports from the kernel and the framework alone.
    Image::read(&image)?;
    Ok(image)
}

/// A WDM driver of one source file, which may include the headers in `driver/include`.
fn of_c(source: &Path) -> Result<PathBuf> {
    let folder = cross_target().join("plugins");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let name = source.file_stem().context("a source has a name")?;
    let product = |extension: &str| folder.join(name).with_extension(extension);
    let wdk = cross_target().join("wdk");
    let include = wdk.join("Include").join(WDK_VERSION);
    run(Command::new("clang-19")
        .args([&format!("--target={TARGET}"), "-std=c11", "-c", "-O2", "-g", "-gcodeview", "-ffreestanding"])
        .args(["-nostdinc", "-fms-extensions", "-fno-stack-protector", "-mno-implicit-float"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-microsoft-anon-tag"])
        .args(["-D_AMD64_", "-D_WIN64"])
        .arg("-isystem")
        .arg(include.join("km"))
        .arg("-isystem")
        .arg(include.join("shared"))
        .arg("-I")
        .arg(root().join("driver/include"))
        .arg(source)
        .arg("-o")
        .arg(product("obj")))?;
    run(Command::new("lld-link-19")
        .args([
            "/nologo",
            "/driver",
            "/subsystem:native",
            "/nodefaultlib",
            "/debug",
            "/WX",
            "/entry:DriverEntry",
        ])
        .arg(format!("/pdb:{}", product("pdb").display()))
        .arg(format!("/out:{}", product("sys").display()))
        .arg(product("obj"))
        .arg(wdk.join("Lib").join(WDK_VERSION).join("km/x64/ntoskrnl.lib")))?;
    Ok(product("sys"))
}

/// A KMDF driver of a package that is a workspace of its own; it gets this workspace's versions of what both need.
fn of_rust(build: &CrossBuild, package: &Path) -> Result<PathBuf> {
    let lock = package.join("Cargo.lock");
    if !lock.exists() {
        fs::copy(root().join("Cargo.lock"), &lock)
            .with_context(|| format!("cannot write {}", lock.display()))?;
    }
    let manifest = package.join("Cargo.toml").canonicalize()?;
    let name = fs::read_to_string(&manifest)?
        .lines()
        .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"').map(str::to_owned))
        .with_context(|| format!("{} has no line `name = \"...\"`", manifest.display()))?;
    let manifest = manifest.to_str().context("the package's path is UTF-8")?;
    build.cargo(&["build", "--release", "--quiet", "--manifest-path", manifest], &[])?;
    let product = cross_target().join(TARGET).join(Profile::Release.folder()).join(name);
    place(&product.with_extension("dll"), &product.with_extension("sys"))?;
    Ok(product.with_extension("sys"))
}

//! `cargo xtask image`: builds `pf_backchannel.sys` and says what came out.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use object::{
    LittleEndian as LE,
    pe::{IMAGE_SUBSYSTEM_NATIVE, ImageNtHeaders64, Subsystem},
    read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    cross_build::{CrossBuild, Profile},
    workspace::hexadecimal,
};

/// The modules that a driver image may import from.
pub(crate) const MODULES: [&str; 3] = ["ntoskrnl.exe", "hal.dll", "WDFLDR.SYS"];

/// A built driver image and what its headers say.
#[derive(Debug)]
pub(crate) struct Image {
    path: PathBuf,
    size: usize,
    sha256: String,
    subsystem: Subsystem,
    entry: u32,
    imports: Vec<(String, Vec<String>)>,
    built_in: Duration,
}

impl Image {
    /// Builds a driver and reads the product's headers.
    ///
    /// # Errors
    /// The build failed, or the product is not a kernel image that imports from [`MODULES`] alone.
    pub(crate) fn build(package: &str, profile: Profile) -> Result<Self> {
        let begun = Instant::now();
        let folder = CrossBuild::prepare(&[])?.build(package, profile)?;
        let path = folder.join(package).with_extension("sys");
        place(&folder.join(package).with_extension("dll"), &path)?;
        let mut image = Self::read(&path)?;
        image.built_in = begun.elapsed();
        Ok(image)
    }

    /// Reads an image's headers.
    ///
    /// # Errors
    /// The file is not a 64-bit kernel image, or it imports from a module that no driver of ours may need.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file =
            PeFile64::parse(&*bytes).with_context(|| format!("{} is no 64-bit PE image", path.display()))?;
        let headers: &ImageNtHeaders64 = file.nt_headers();
        let imports = imports(&file).with_context(|| format!("the import table of {}", path.display()))?;
        let subsystem = headers.optional_header().subsystem();
        if subsystem != IMAGE_SUBSYSTEM_NATIVE {
            bail!(
                "{} has subsystem {}; a kernel image has {} (native)",
                path.display(),
                subsystem.0,
                IMAGE_SUBSYSTEM_NATIVE.0
            );
        }
        if let Some((module, names)) = imports.iter().find(|(module, _)| !MODULES.contains(&module.as_str()))
        {
            bail!(
                "{} imports {} from {module}; a driver may import from {} only",
                path.display(),
                names.join(", "),
                MODULES.join(", ")
            );
        }
        Ok(Self {
            path: path.to_owned(),
            size: bytes.len(),
            sha256: hexadecimal(&Sha256::digest(&bytes)),
            subsystem,
            entry: headers.optional_header().address_of_entry_point(),
            imports,
            built_in: Duration::ZERO,
        })
    }

    /// Where the image lies; its PDB lies beside it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The image's size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The report of `--json`.
    pub(crate) fn json(&self) -> Value {
        let imports: serde_json::Map<String, Value> =
            self.imports.iter().map(|(module, names)| (module.clone(), json!(names))).collect();
        json!({
            "path": self.path.to_string_lossy(),
            "pdb": self.pdb().to_string_lossy(),
            "size": self.size,
            "sha256": self.sha256,
            "subsystem": self.subsystem.0,
            "entry": format!("{:#x}", self.entry),
            "imports": imports,
            "seconds": self.built_in.as_secs_f64(),
        })
    }

    /// The report for a person.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "image      {}\nPDB        {}\nsize       {} bytes\nSHA-256    {}\nsubsystem  {} (native)\nentry      {:#x}\n",
            self.path.display(),
            self.pdb().display(),
            self.size,
            self.sha256,
            self.subsystem.0,
            self.entry
        );
        for (module, names) in &self.imports {
            text.push_str(&format!("imports    {module}: {}\n", names.join(", ")));
        }
        text.push_str(&format!("built in   {:.1} s\n", self.built_in.as_secs_f64()));
        text
    }

    fn pdb(&self) -> PathBuf {
        self.path.with_extension("pdb")
    }
}

/// Gives cargo's product its name as a driver, by a second link to the same file.
pub(crate) fn place(product: &Path, driver: &Path) -> Result<()> {
    if driver.exists() {
        fs::remove_file(driver).with_context(|| format!("cannot replace {}", driver.display()))?;
    }
    fs::hard_link(product, driver)
        .or_else(|_| fs::copy(product, driver).map(drop))
        .with_context(|| format!("cannot write {}", driver.display()))
}

fn imports(file: &PeFile64<'_>) -> Result<Vec<(String, Vec<String>)>> {
    let mut modules = Vec::new();
    let Some(table) = file.import_table()? else { return Ok(modules) };
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let module = String::from_utf8_lossy(table.name(descriptor.name.get(LE))?).into_owned();
        let mut names = Vec::new();
        let mut thunks = table.thunks(descriptor.original_first_thunk.get(LE))?;
        while let Some(thunk) = thunks.next::<ImageNtHeaders64>()? {
            match table.import::<ImageNtHeaders64>(thunk)? {
                object::read::pe::Import::Name(_, name) => {
                    names.push(String::from_utf8_lossy(name).into_owned())
                }
                object::read::pe::Import::Ordinal(ordinal) => names.push(format!("#{ordinal}")),
            }
        }
        names.sort();
        modules.push((module, names));
    }
    modules.sort();
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use super::*;
    use crate::workspace::{run, write_if_changed};

    /// Links a C function that calls `Beep` of `module`, for the given subsystem, in a folder of its own.
    fn linked(name: &str, module: &str, subsystem: &str) -> PathBuf {
        let folder = env::temp_dir().join(format!("image-{name}-{}", std::process::id()));
        let file = |extension: &str| folder.join(name).with_extension(extension);
        write_if_changed(&file("def"), format!("LIBRARY {module}\nEXPORTS\nBeep\n").as_bytes()).unwrap();
        write_if_changed(&file("c"), b"void Beep(void); int Entry(void) { Beep(); return 0; }\n").unwrap();
        run(Command::new("llvm-dlltool-19")
            .args(["-m", "i386:x86-64", "-d"])
            .arg(file("def"))
            .arg("-l")
            .arg(file("lib")))
        .unwrap();
        run(Command::new("clang-19")
            .args(["--target=x86_64-pc-windows-msvc", "-c", "-o"])
            .arg(file("obj"))
            .arg(file("c")))
        .unwrap();
        run(Command::new("lld-link-19")
            .args(["/nodefaultlib", "/entry:Entry", &format!("/subsystem:{subsystem}")])
            .arg(format!("/out:{}", file("sys").display()))
            .args([file("obj"), file("lib")]))
        .unwrap();
        file("sys")
    }

    fn verdict(image: &Path) -> Result<Image> {
        let verdict = Image::read(image);
        fs::remove_dir_all(image.parent().unwrap()).unwrap();
        verdict
    }

    #[test]
    fn an_image_that_imports_from_the_kernel_is_accepted() {
        let image = verdict(&linked("kernel", "ntoskrnl.exe", "native")).unwrap();
        assert_eq!(image.imports, [("ntoskrnl.exe".to_owned(), vec!["Beep".to_owned()])]);
    }

    #[test]
    fn an_image_that_imports_from_elsewhere_is_refused_by_name() {
        let refusal = verdict(&linked("elsewhere", "kernel32.dll", "native")).unwrap_err().to_string();
        assert!(refusal.contains("imports Beep from kernel32.dll"), "{refusal}");
    }

    #[test]
    fn an_image_for_user_mode_is_refused() {
        let refusal = verdict(&linked("user", "ntoskrnl.exe", "console")).unwrap_err().to_string();
        assert!(refusal.contains("subsystem 3"), "{refusal}");
    }

    #[test]
    fn a_file_that_is_no_image_is_refused() {
        let refusal = Image::read(&crate::workspace::root().join("Cargo.toml")).unwrap_err().to_string();
        assert!(refusal.contains("is no 64-bit PE image"), "{refusal}");
    }
}

//! The cross build of the driver: the unmodified wdk crates, without Windows.
//!
//! The root configuration stays that of any Windows driver. What this machine needs is written to a configuration file
//! of its own that only these builds read: a compiler with its library source, the wrapper for host crates, our WDK
//! folder, lld as linker.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    content_root,
    packages::{self, Package},
    rustc_wrapper,
    workspace::{relative_files, root, run_shown, target, write_if_changed},
};

/// The driver's target.
pub(crate) const TARGET: &str = "x86_64-pc-windows-msvc";

/// The driver that is shipped.
pub(crate) const DRIVER: &str = "pf_backchannel";

/// A driver that links it as a library.
pub(crate) const LIBRARY_DRIVER: &str = "library_driver";

/// What a plug-in driver in Rust is written against.
pub(crate) const PLUGIN_LIBRARY: &str = "pf_backchannel_plugin";

/// A plug-in driver in Rust.
pub(crate) const PLUGIN_DRIVER: &str = "mac_vlan_rust";

/// Everything in Rust that is for drivers: packages that build for Windows' kernel only.
pub(crate) const DRIVERS: [&str; 4] = [DRIVER, LIBRARY_DRIVER, PLUGIN_LIBRARY, PLUGIN_DRIVER];

/// How the code is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// With debug assertions, unoptimised.
    Debug,
    /// As shipped.
    Release,
}

impl Profile {
    /// The profile's folder below the target's.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// A prepared cross build.
#[derive(Debug)]
pub(crate) struct CrossBuild {
    configuration: PathBuf,
    toolchain: Toolchain,
}

#[derive(Debug)]
enum Toolchain {
    /// The user's own, with the driver's target installed.
    Own,
    /// Debian's compiler of the web packages, which builds core and alloc from source.
    Debian,
}

impl CrossBuild {
    /// Installs what is missing, assembles the WDK folder and writes the configuration.
    ///
    /// # Errors
    /// A package is missing and cannot be installed, or a tool failed.
    pub(crate) fn prepare(also: &[&[Package]]) -> Result<Self> {
        let mut wanted = vec![packages::CROSS_BUILD];
        wanted.extend(also);
        packages::ensure(&wanted)?;
        let folder = cross_target();
        let digest = content_root::assemble(&root().join("tests/wdk"), &folder.join("wdk"))?;
        forget_signatures_when_changed(&folder, &digest)?;
        let toolchain = Toolchain::find();
        let configuration = folder.join("configuration.toml");
        write_if_changed(&configuration, toolchain.configuration(&folder)?.as_bytes())?;
        Ok(Self { configuration, toolchain })
    }

    /// Runs a cargo task for the driver's target with the given words.
    ///
    /// # Errors
    /// The task failed; its messages are on standard error.
    pub(crate) fn cargo(&self, words: &[&str], environment: &[(&str, &str)]) -> Result<()> {
        let command = match self.toolchain {
            Toolchain::Own => Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into())),
            Toolchain::Debian => Command::new("/usr/bin/cargo"),
        };
        self.run(command, words, environment)
    }

    /// Lints a package for the driver's target and denies every finding.
    ///
    /// # Errors
    /// Clippy found something; its words are on standard error.
    pub(crate) fn clippy(&self, package: &str) -> Result<()> {
        let words = ["clippy", "--quiet", "--package", package, "--", "-D", "warnings"];
        match self.toolchain {
            Toolchain::Own => self.cargo(&words, &[]),
            // Called by its path: cargo would prefer a clippy of another version that a user's toolchain manager put first.
            Toolchain::Debian => {
                self.run(Command::new("/usr/bin/cargo-clippy"), &words, &[("CARGO", "/usr/bin/cargo")])
            }
        }
    }

    fn run(&self, mut command: Command, words: &[&str], environment: &[(&str, &str)]) -> Result<()> {
        // The variables of the cargo that runs this task must not reach the compiler of another version.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy().into_owned();
            let of_rustup = text == "RUSTUP_TOOLCHAIN" && matches!(self.toolchain, Toolchain::Debian);
            if text.starts_with("CARGO_") && text != "CARGO_HOME"
                || text == "CARGO"
                || text == "RUSTFLAGS"
                || of_rustup
            {
                command.env_remove(name);
            }
        }
        let (task, rest) = words.split_first().context("a cargo task has a name")?;
        command.current_dir(root()).arg(task).arg("--config").arg(&self.configuration).args(rest);
        command.envs(environment.iter().copied());
        if matches!(self.toolchain, Toolchain::Debian) {
            command.env("RUSTC_BOOTSTRAP", "1");
        }
        run_shown(&mut command)
    }

    /// Builds a package of the workspace and returns the folder of its products.
    ///
    /// # Errors
    /// The build failed; its messages are on standard error.
    pub(crate) fn build(&self, package: &str, profile: Profile) -> Result<PathBuf> {
        let mut words = vec!["build", "--package", package];
        if profile == Profile::Release {
            words.push("--release");
        }
        self.cargo(&words, &[])?;
        Ok(cross_target().join(TARGET).join(profile.folder()))
    }
}

impl Toolchain {
    fn find() -> Self {
        let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let library = Command::new(compiler).args(["--print", "target-libdir", "--target", TARGET]).output();
        let installed = library.is_ok_and(|output| {
            Path::new(String::from_utf8_lossy(&output.stdout).trim())
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_some())
        });
        if installed { Self::Own } else { Self::Debian }
    }

    fn configuration(&self, folder: &Path) -> Result<String> {
        let wrapper = env::current_exe().context("this command does not know its own path")?;
        let quoted = |path: &Path| format!("{:?}", path.to_string_lossy());
        let (compiler, library) = match self {
            Self::Own => ("", ""),
            Self::Debian => (
                "rustc = \"/usr/bin/rustc\"\nrustdoc = \"/usr/bin/rustdoc\"\n",
                "[unstable]\nbuild-std = [\"core\", \"alloc\"]\n",
            ),
        };
        Ok(format!(
            "[build]\n{compiler}rustc-wrapper = {wrapper}\ntarget = \"{TARGET}\"\ntarget-dir = {folder}\n\n{library}\n\
             [target.{TARGET}]\nlinker = \"lld-link-19\"\n\n\
             [env]\n{scratch_variable} = {scratch}\nWDKContentRoot = {wdk}\nVersion_Number = \"{version}\"\n\
             LIBCLANG_PATH = \"/usr/lib/llvm-19/lib\"\nCC_x86_64_pc_windows_msvc = \"clang-cl-19\"\n\
             AR_x86_64_pc_windows_msvc = \"llvm-lib-19\"\n\n\
             [profile.dev.package.compiler_builtins]\nopt-level = 2\n",
            wrapper = quoted(&wrapper),
            folder = quoted(folder),
            scratch_variable = rustc_wrapper::SCRATCH_VARIABLE,
            scratch = quoted(&folder.join("host-crates")),
            wdk = quoted(&folder.join("wdk")),
            version = content_root::WDK_VERSION,
        ))
    }
}

/// The cross build's own target folder; it lies in the workspace because wdk-build looks for `Cargo.lock` above it.
pub(crate) fn cross_target() -> PathBuf {
    target().join("cross")
}

/// Deletes the function signatures that wdk-macros keeps when the headers they came from have changed.
fn forget_signatures_when_changed(folder: &Path, digest: &str) -> Result<()> {
    let stamp = folder.join("headers.sha256");
    if fs::read_to_string(&stamp).is_ok_and(|present| present == digest) {
        return Ok(());
    }
    if folder.exists() {
        for file in
            relative_files(folder)?.iter().filter(|file| file.ends_with("cached_function_info_map.json"))
        {
            fs::remove_file(folder.join(file))
                .with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    write_if_changed(&stamp, digest.as_bytes())
}

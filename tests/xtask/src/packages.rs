//! The Debian packages a task needs: named with their reason, installed where that is allowed.
//!
//! A task asks for the tools it runs. What is there already is left alone; what is missing is installed as root or
//! through `sudo -n`, and where neither works the task stops with the line to type.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// A Debian package, the file that shows it is installed, and why a task needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    name: &'static str,
    shows: &'static str,
    reason: &'static str,
}

/// What building the driver image takes.
pub(crate) const CROSS_BUILD: &[Package] = &[
    Package {
        name: "rustc-web",
        shows: "/usr/bin/rustc",
        reason: "a compiler whose library source Debian ships",
    },
    Package { name: "cargo-web", shows: "/usr/bin/cargo", reason: "the build tool of the same version" },
    Package {
        name: "rust-web-src",
        shows: "/usr/lib/rustlib/src/rust/library/core/src/lib.rs",
        reason: "core and alloc, built for Windows' kernel",
    },
    CLANG,
    Package {
        name: "clang-tools-19",
        shows: "/usr/bin/clang-cl-19",
        reason: "clang-cl, for wdk-sys' C shim",
    },
    Package { name: "lld-19", shows: "/usr/bin/lld-link-19", reason: "links the .sys and writes its PDB" },
    Package { name: "llvm-19", shows: "/usr/bin/llvm-dlltool-19", reason: "makes the import libraries" },
    LIBCLANG,
];

/// What building the parent partition takes.
pub(crate) const PARENT_PARTITION: &[Package] = &[CLANG, LIBCLANG];

/// What linting the driver for its own target takes, beside the cross build.
pub(crate) const DRIVER_LINT: &[Package] = &[Package {
    name: "rust-web-clippy",
    shows: "/usr/bin/cargo-clippy",
    reason: "clippy of the compiler that builds the driver",
}];

const CLANG: Package = Package {
    name: "clang-19",
    shows: "/usr/bin/clang-19",
    reason: "compiles C drivers, finds the C headers",
};
const LIBCLANG: Package = Package {
    name: "libclang-19-dev",
    shows: "/usr/lib/llvm-19/lib/libclang.so",
    reason: "bindgen reads the headers with it",
};

/// Installs what is missing and returns how long that took.
///
/// # Errors
/// A package is missing and may not be installed here; the error holds the `apt-get` line to type.
pub(crate) fn ensure(packages: &[&[Package]]) -> Result<Duration> {
    let mut missing: Vec<Package> = Vec::new();
    for package in packages.iter().copied().flatten() {
        if !Path::new(package.shows).exists() && !missing.iter().any(|other| other.name == package.name) {
            missing.push(*package);
        }
    }
    if missing.is_empty() {
        return Ok(Duration::ZERO);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    eprintln!("Missing Debian packages:");
    for package in &missing {
        eprintln!("  {:16} {}", package.name, package.reason);
    }
    let line = format!("apt-get install --no-install-recommends {}", names.join(" "));
    let Some(prefix) = privilege() else {
        bail!(
            "these packages cannot be installed from here; please run:\n  sudo apt-get update && sudo {line}"
        );
    };
    let begun = Instant::now();
    eprintln!("Installing them ({line}) ...");
    apt(prefix, &["update", "--quiet"])?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(&names);
    apt(prefix, &install).with_context(|| format!("please run:\n  sudo apt-get update && sudo {line}"))?;
    if let Some(package) = missing.iter().find(|package| !Path::new(package.shows).exists()) {
        bail!(
            "{} is installed, but {} is not there: is this Debian 12 or later?",
            package.name,
            package.shows
        );
    }
    let took = begun.elapsed();
    eprintln!("Downloaded and installed in {:.1} s.", took.as_secs_f64());
    Ok(took)
}

/// The words before `apt-get`, or none where this user may not install.
fn privilege() -> Option<&'static [&'static str]> {
    let answers = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    let apt = answers("apt-get", &["--version"]).is_ok_and(|output| output.status.success());
    if !apt {
        return None;
    }
    if answers("id", &["-u"]).is_ok_and(|output| output.stdout.trim_ascii() == b"0") {
        return Some(&[]);
    }
    let sudo = answers("sudo", &["-n", "true"]).is_ok_and(|output| output.status.success());
    sudo.then_some(&["sudo", "-n"])
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let mut words = prefix.to_vec();
    words.push("apt-get");
    words.extend(arguments);
    let status = Command::new(words[0])
        .args(&words[1..])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot run {}", words.join(" ")))?;
    if !status.success() {
        bail!("`{}` failed ({status})", words.join(" "));
    }
    Ok(())
}

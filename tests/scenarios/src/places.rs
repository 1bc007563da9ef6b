//! Where the workspace and its products lie.

use std::path::{Path, PathBuf};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("this package lies in the workspace")
}

/// The folder that the running program's profile is built into (`target/debug`).
pub(crate) fn profile() -> PathBuf {
    let program = std::env::current_exe().expect("a program knows its own path");
    let folder = program.parent().expect("a program lies in a folder");
    // Tests lie one deeper than the commands.
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    profile.expect("`deps` lies in the profile's folder").to_owned()
}

/// The folder that wdk-build takes for an installed WDK; the cross build assembles it.
pub(crate) fn wdk() -> PathBuf {
    let assembled = root().join("target/cross/wdk");
    assert!(assembled.is_dir(), "{} is missing: run `cargo xtask image` first", assembled.display());
    assembled
}

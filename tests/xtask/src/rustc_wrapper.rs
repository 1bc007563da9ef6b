//! The compiler wrapper that lets wdk-build run on a Linux host.
//!
//! wdk-build refuses any host but Windows. Cargo calls this wrapper for every crate of the cross build; crates for the
//! driver's target pass through untouched. Of the host crates three kinds are given another source: `wdk_build` (a copy
//! in which two symbolic-link calls are their Unix twins, compiled as if for Windows), `windows` (a stub with an empty
//! registry), and the crates below `windows` (empty). Nothing that ends up in the driver is changed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::workspace::{relative_files, write_if_changed};

/// Set by the cross build's configuration: the folder for the host crates' other sources.
pub(crate) const SCRATCH_VARIABLE: &str = "PF_BACKCHANNEL_HOST_CRATES";

const WINDOWS_STUB: &str = include_str!("../host/windows.rs");
const EMPTIED: [&str; 8] = [
    "windows_collections",
    "windows_core",
    "windows_future",
    "windows_link",
    "windows_numerics",
    "windows_result",
    "windows_strings",
    "windows_threading",
];
const NOTHING: &str = "//! Not used on this host.\n";
const WINDOWS_SYMLINK: &str = "std::os::windows::fs::symlink_file";
const UNIX_SYMLINK: &str = "std::os::unix::fs::symlink";

/// Whether the first word after the command's name is a compiler: then cargo has called this process as a wrapper.
pub(crate) fn is_compiler(word: &str) -> bool {
    let name = Path::new(word).file_name().unwrap_or_default();
    name == "rustc" || name == "clippy-driver"
}

/// Runs the compiler with the words that follow it, changed where a host crate needs it.
///
/// Returns the compiler's exit code.
pub(crate) fn run(compiler: &str) -> Result<u8> {
    let mut arguments: Vec<String> = env::args().skip(2).collect();
    if let Some(scratch) = env::var_os(SCRATCH_VARIABLE) {
        redirect(&mut arguments, Path::new(&scratch))?;
    }
    let status =
        Command::new(compiler).args(&arguments).status().with_context(|| format!("cannot run {compiler}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn redirect(arguments: &mut Vec<String>, scratch: &Path) -> Result<()> {
    if arguments.iter().any(|argument| argument == "--target" || argument.starts_with("--target=")) {
        return Ok(());
    }
    let Some(name) = crate_name(arguments).map(str::to_owned) else { return Ok(()) };
    let Some(root) = arguments.iter().position(|argument| argument.ends_with("lib.rs")) else {
        return Ok(());
    };
    let original = PathBuf::from(&arguments[root]);
    match name.as_str() {
        "wdk_build" => {
            arguments[root] = path_text(&unix_copy(&original, scratch)?)?;
            arguments.extend(["--cfg".into(), "target_os=\"windows\"".into()]);
        }
        "windows" => arguments[root] = replaced(&original, &scratch.join("windows.rs"), WINDOWS_STUB)?,
        emptied if EMPTIED.contains(&emptied) => {
            arguments[root] = replaced(&original, &scratch.join("empty.rs"), NOTHING)?;
        }
        _ => {}
    }
    Ok(())
}

fn crate_name(arguments: &[String]) -> Option<&str> {
    let flag = arguments.iter().position(|argument| argument == "--crate-name")?;
    arguments.get(flag + 1).map(String::as_str)
}

/// Copies the crate's source folder with Unix symbolic links and returns the copy's root file.
fn unix_copy(root: &Path, scratch: &Path) -> Result<PathBuf> {
    let from = root.parent().context("wdk-build's lib.rs lies in no folder")?;
    let to = scratch.join("wdk_build");
    let mut links = 0;
    for file in relative_files(from)? {
        let path = from.join(&file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        links += text.matches(WINDOWS_SYMLINK).count();
        replaced(&path, &to.join(&file), &text.replace(WINDOWS_SYMLINK, UNIX_SYMLINK))?;
    }
    ensure!(links == 2, "wdk-build makes {links} symbolic links where 2 were expected: another version?");
    Ok(to.join("lib.rs"))
}

/// Writes another source for a crate, as old as the original, and returns its path as text.
///
/// It is written while cargo builds the crate: a file newer than that build would be built again the next time.
fn replaced(original: &Path, path: &Path, text: &str) -> Result<String> {
    let is_new = !path.exists();
    write_if_changed(path, text.as_bytes())?;
    if is_new {
        let age = fs::metadata(original).and_then(|data| data.modified());
        let file = fs::File::options().write(true).open(path);
        age.and_then(|age| file?.set_modified(age))
            .with_context(|| format!("cannot date {}", path.display()))?;
    }
    path_text(path)
}

fn path_text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("the path is not UTF-8")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn crates_of_the_driver_pass_through_untouched() {
        let line = "--crate-name windows --target x86_64-pc-windows-msvc src/lib.rs";
        let mut changed = arguments(line);
        redirect(&mut changed, Path::new("scratch")).unwrap();
        assert_eq!(changed, arguments(line));
    }

    #[test]
    fn other_host_crates_pass_through_untouched() {
        let line = "--crate-name anyhow src/lib.rs";
        let mut changed = arguments(line);
        redirect(&mut changed, Path::new("scratch")).unwrap();
        assert_eq!(changed, arguments(line));
    }

    #[test]
    fn a_wdk_build_with_other_symbolic_links_is_refused() {
        let scratch = env::temp_dir().join(format!("wdk-build-{}", std::process::id()));
        let source = scratch.join("src");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("lib.rs"), "fn links() { std::os::windows::fs::symlink_file(); }").unwrap();
        let mut line = arguments("--crate-name wdk_build");
        line.push(source.join("lib.rs").to_str().unwrap().to_owned());
        let refusal = redirect(&mut line, &scratch).unwrap_err().to_string();
        fs::remove_dir_all(&scratch).unwrap();
        assert!(refusal.contains("1 symbolic links where 2 were expected"), "{refusal}");
    }
}

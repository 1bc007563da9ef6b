//! The guide for IHVs, followed step by step: its files are written as it shows them, built and run by its commands.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    cross_build::{DRIVER, Profile},
    image::Image,
    partition::{self, FRAMEWORK_VARIABLE, IMAGE_VARIABLE},
    plugin,
    workspace::{root, write_if_changed},
};

/// The page.
const GUIDE: &str = "driver/README.md";
/// The folder that its steps work in.
const FOLDER: &str = "target/guide";
/// The plug-ins that it makes: what is built, the file that the reader types, and how many lines that may have.
const PLUGINS: [(&str, &str, usize); 2] =
    [("total_c.c", "total_c.c", 100), ("total_rust", "total_rust/src/lib.rs", 60)];

/// Follows the guide, on a framework image if one is given, and returns how many of its answers were compared.
///
/// # Errors
/// A file of the guide is missing or too long, a step fails, or an answer is another than the guide shows.
pub(crate) fn follow(framework: Option<&Path>) -> Result<usize> {
    let page = fs::read_to_string(root().join(GUIDE)).with_context(|| format!("cannot read {GUIDE}"))?;
    let folder = root().join(FOLDER);
    for (name, text) in files(&page) {
        write_if_changed(&folder.join(name), text.as_bytes())?;
    }
    let script = folder.join("total.jsonl");
    let expected: Vec<Value> = lines(&text_of(&page, "answers.jsonl")?)?;
    let image = Image::build(DRIVER, Profile::Release)?;
    let command = partition::build()?;
    let mut compared = 0;
    for (built, typed, longest) in PLUGINS {
        for step in [format!("plugin {FOLDER}/{built}"), "partition run target/guide/total.jsonl".to_owned()]
        {
            ensure!(
                page.contains(&format!("cargo xtask {step}")),
                "{GUIDE} has no step `cargo xtask {step}`"
            );
        }
        let text = text_of(&page, typed)?;
        ensure!(text.lines().count() <= longest, "{typed} has more than {longest} lines");
        ensure!(!text.lines().any(is_unsafe), "{typed} contains unsafe code");
        let plugin = plugin::build(&folder.join(built))?;
        let loaded = Loaded { image: image.path(), plugin: &plugin, framework };
        let answers = run(&command, &script, &loaded)?;
        ensure!(answers == expected, "{built} answers {answers:?}, and {GUIDE} shows {expected:?}");
        compared += answers.len();
    }
    Ok(compared)
}

/// What a run of the guide loads.
#[derive(Debug)]
struct Loaded<'a> {
    image: &'a Path,
    plugin: &'a Path,
    framework: Option<&'a Path>,
}

fn run(command: &Path, script: &Path, loaded: &Loaded<'_>) -> Result<Vec<Value>> {
    let Loaded { image, plugin, framework } = *loaded;
    let output = Command::new(command)
        .arg("run")
        .arg(script)
        .arg("--plugin")
        .arg(plugin)
        .env(IMAGE_VARIABLE, image)
        .env(FRAMEWORK_VARIABLE, framework.unwrap_or_else(|| Path::new("")))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{} ended with {}: {text}", plugin.display(), output.status);
    lines(&text)
}

fn lines(text: &str) -> Result<Vec<Value>> {
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default().replace("forbid(unsafe_code)", "");
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "unsafe")
}

fn text_of(page: &str, name: &str) -> Result<String> {
    let found = files(page).into_iter().find(|(file, _)| *file == name);
    found.map(|(_, text)| text).with_context(|| format!("{GUIDE} has no file {name}"))
}

/// The page's blocks of code that have a file's name behind their language, with their texts.
fn files(page: &str) -> Vec<(&str, String)> {
    let mut found: Vec<(&str, String)> = Vec::new();
    let mut open = None;
    for line in page.lines() {
        match (line.trim().strip_prefix("```"), &mut open) {
            (Some(head), None) => open = Some((head.split_once(' ').map(|(_, name)| name), String::new())),
            (Some(_), Some(_)) => {
                if let Some((Some(name), text)) = open.take() {
                    found.push((name, text));
                }
            }
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_with_a_files_name_are_files() {
        let page = "a\n```\nx\n```\n```c one.c\nint a;\n\n```\n```rust two/lib.rs\n```\n";
        assert_eq!(files(page), [("one.c", "int a;\n\n".to_owned()), ("two/lib.rs", String::new())]);
    }

    #[test]
    fn unsafe_code_is_found_and_its_prohibition_is_not() {
        assert!(is_unsafe("    unsafe { f() }"));
        assert!(!is_unsafe("#![forbid(unsafe_code)]"));
    }
}

//! What the built images are, read from their files.

use std::{env, fs, path::PathBuf};

use scenarios::command;

/// No function may need more of the kernel's 24 KiB stack, in bytes.
const LARGEST_FRAME: u64 = 1024;

/// The image as shipped.
fn release() -> PathBuf {
    named("PF_BACKCHANNEL_IMAGE")
}

/// The image with debug assertions, unoptimised.
fn debug() -> PathBuf {
    named("PF_BACKCHANNEL_DEBUG_IMAGE")
}

fn named(variable: &str) -> PathBuf {
    env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} names no image: run `cargo xtask test`"))
        .into()
}

/// Every function's frame in bytes, with its name.
fn frames(image: PathBuf) -> Vec<(u64, String)> {
    let run = command::run(["inspect".as_ref(), image.as_os_str(), "--frames".as_ref(), "--json".as_ref()]);
    assert_eq!(run.code, command::CLEAN, "{}", run.errors);
    let report: serde_json::Value = serde_json::from_str(&run.output).expect("one JSON object");
    let frames = report["frames"].as_array().expect("a list of frames");
    assert!(frames.len() > 50, "the driver has more than {} functions", frames.len());
    frames
        .iter()
        .map(|frame| (frame["bytes"].as_u64().expect("bytes"), frame["function"].to_string()))
        .collect()
}

fn too_large(frames: Vec<(u64, String)>, limit: u64) -> Vec<(u64, String)> {
    frames.into_iter().filter(|(bytes, _)| *bytes > limit).collect()
}

#[test]
fn no_frame_of_the_shipped_image_exceeds_1_kib() {
    assert_eq!(too_large(frames(release()), LARGEST_FRAME), []);
}

#[test]
fn no_frame_of_the_debug_image_exceeds_1_kib() {
    assert_eq!(too_large(frames(debug()), LARGEST_FRAME), []);
}

#[test]
fn the_search_for_large_frames_finds_them() {
    assert_ne!(too_large(frames(debug()), 256), [], "some function needs more than 256 bytes");
}

#[test]
fn the_pdb_names_the_drivers_types() {
    let file = fs::File::open(release().with_extension("pdb")).expect("the PDB lies beside the image");
    let mut pdb = pdb2::PDB::open(file).expect("a PDB");
    let types = pdb.type_information().expect("a type stream");
    let mut names = Vec::new();
    let mut all = types.iter();
    while let Some(entry) = pdb2::FallibleIterator::next(&mut all).expect("a readable type") {
        if let Ok(pdb2::TypeData::Class(class)) = entry.parse() {
            names.push(class.name.to_string().into_owned());
        }
    }
    for wanted in ["pf_backchannel::pf::Pf", "pf_backchannel::device::Device", "backchannel::gate::Gate"] {
        assert!(names.iter().any(|name| name == wanted), "the PDB has no type {wanted}");
    }
}

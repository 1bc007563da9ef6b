//! What is refused before any code of an image runs, and what a file tells without being loaded.

#![expect(non_snake_case, reason = "routines have the names that images import")]

mod image;

use std::path::Path;
use std::process::Command;

use parent_partition::image::{Exports, LoadError, load};
use parent_partition::judge::{Rule, violation_at_load};
use parent_partition::{frames, invoke, scenario};

unsafe extern "win64" fn TenArguments() {}

#[test]
fn an_unknown_import_is_refused_by_name() {
    let path = image::build("crossing.c", &["TenArguments", "CallBack", "RaiseOnly", "EnterOnly"]);
    let known = Exports::new([routine!(TenArguments, 6)]);
    let Err(LoadError::UnknownImport { module, name }) = load(&path, &known) else { panic!("it was loaded") };
    assert_eq!(module, "ntoskrnl.exe");
    assert!(["CallBack", "RaiseOnly", "EnterOnly"].contains(&&*name), "{name}");
}

#[test]
fn an_unknown_import_ends_a_run_with_the_images_name() {
    let verdict = scenario!(|| {
        violation_at_load(Rule::UnknownImport, "ZwNothing", Path::new("/x/pf_backchannel.sys"), "imported")
    });
    let json = verdict.expect_broken(Rule::UnknownImport).to_json();
    assert_eq!(
        (&json["call"], &json["image"], &json["in"]),
        (&"ZwNothing".into(), &"pf_backchannel.sys".into(), &"image".into())
    );
}

#[test]
fn the_first_image_is_the_one_under_test_and_others_are_plugins() {
    let verdict = scenario!(|| {
        image::loaded("pointers.c", []);
        let second = image::loaded("pointers.c", []);
        run_exported!(second, "Follow", 1u64 << 40);
    });
    assert_eq!(verdict.expect_broken(Rule::Access).to_json()["in"], "plugin");
}

#[test]
fn an_image_loaded_again_is_still_the_one_under_test() {
    let verdict = scenario!(|| {
        let path = image::build("pointers.c", &[]);
        load(&path, &Exports::default()).expect("an image").unload();
        let again = load(&path, &Exports::default()).expect("an image");
        run_exported!(again, "Follow", 1u64 << 40);
    });
    assert_eq!(verdict.expect_broken(Rule::Access).to_json()["in"], "image");
}

#[test]
fn an_export_missing_from_one_module_is_not_taken_from_another() {
    let exports = Exports::new([routine!(TenArguments, 6)]);
    assert!(exports.find("NTOSKRNL.EXE", "TenArguments").is_some());
    assert!(exports.find("hal.dll", "TenArguments").is_none());
    assert!(exports.find_anywhere("TenArguments").is_some());
}

#[test]
fn a_file_that_is_no_image_is_refused() {
    let none = Exports::default();
    assert!(matches!(load(Path::new("/nonexistent.sys"), &none), Err(LoadError::Read(_))));
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    assert!(matches!(load(&text, &none), Err(LoadError::Format(_))));
}

#[test]
fn an_image_for_another_machine_is_refused() {
    let path = image::build("faults.c", &["Allocate", "Free", "Fill", "ReadItself", "CallBack", "Stop"]);
    let mut bytes = std::fs::read(&path).expect("the image");
    let headers = u32::from_le_bytes(bytes[0x3C..0x40].try_into().expect("four bytes")) as usize;
    bytes[headers + 4..headers + 6].copy_from_slice(&0xAA64u16.to_le_bytes());
    std::fs::write(&path, bytes).expect("the image");
    assert!(matches!(load(&path, &Exports::default()), Err(LoadError::Machine(0xAA64))));
}

#[test]
fn relocated_pointers_point_into_the_image() {
    scenario!(|| {
        let image = image::loaded("pointers.c", []);
        for index in 0..3u64 {
            assert_eq!(run_exported!(image, "Follow", index), 10 + index);
        }
        assert_eq!(invoke!(image.entry()), 0);
    })
    .expect_clean();
}

#[test]
fn frames_are_those_of_the_source() {
    let path = image::build("crossing.c", &["TenArguments", "CallBack", "RaiseOnly", "EnterOnly"]);
    let frames = frames::of_image(&path).expect("frames");
    let bytes = |name: &str| frames.iter().find(|frame| frame.function == name).map(|frame| frame.bytes);
    assert!(matches!(bytes("DeepFrame"), Some(2000..2064)), "{frames:?}");
    // Ten arguments are ten slots, kept aligned with the return address.
    assert_eq!(bytes("CallOut"), Some(88));
    assert_eq!(frames[0].function, "DeepFrame");
}

#[test]
fn the_command_lists_frames_as_json() {
    let path = image::build("crossing.c", &["TenArguments", "CallBack", "RaiseOnly", "EnterOnly"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_parent-partition"));
    let output =
        command.arg("inspect").arg(&path).args(["--frames", "--json"]).output().expect("the command");
    assert!(output.status.success());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["frames"][0]["function"], "DeepFrame");
}

#[test]
fn the_command_refuses_a_file_that_is_no_image() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parent-partition"));
    let status = command.args(["inspect", "/nonexistent.sys", "--frames"]).status().expect("the command");
    assert_eq!(status.code(), Some(2));
}

//! A framework image in the place of the simulated framework: how it is bound and taken away, and why a file is refused.

mod driver;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use parent_partition::judge::Rule;
use parent_partition::nt::status;
use parent_partition::pnp::{self, DriverRef, LoadError};
use parent_partition::wdfldr::{self, choice};
use parent_partition::{invoke, scenario};

fn framework(options: &[&str]) -> PathBuf {
    driver::build_with("framework.c", options, &[])
}

fn client() -> PathBuf {
    driver::build("framework_client.c")
}

fn other_client(option: &str) -> PathBuf {
    driver::build_with("framework_client.c", &[option], &[])
}

/// A machine whose drivers are bound to this framework.
fn boot_with(framework: &Path) {
    choice::choose(framework).expect("a framework");
    pnp::boot();
}

fn loaded(service: &str, image: &Path) -> DriverRef {
    pnp::load_driver(service, image).expect("the driver is bound")
}

macro_rules! run {
    ($driver:expr, $name:literal) => {
        invoke!($driver.image().exported($name).expect($name);) as u32
    };
}

#[test]
fn drivers_share_a_framework_image_and_the_last_takes_it_along() {
    scenario!(|| {
        boot_with(&framework(&[]));
        let image = client();
        assert_eq!(wdfldr::version(), None, "it is loaded for its first client");
        for _ in 0..2 {
            let first = loaded("first", &image);
            assert_eq!(run!(first, "Clients"), 1);
            let second = loaded("second", &image);
            assert_eq!((run!(first, "Clients"), run!(second, "Clients")), (2, 2));
            assert!([&first, &second].iter().all(|driver| run!(driver, "IsKnownByItsDriverObject") == 1));
            pnp::unload(first);
            assert_eq!(run!(second, "Clients"), 1);
            pnp::unload(second);
        }
        assert_eq!(choice::name(), "1.33.7");
    })
    .expect_clean();
}

#[test]
fn a_framework_that_refuses_its_only_client_is_taken_away() {
    scenario!(|| {
        boot_with(&framework(&["-DCLIENT_STATUS=STATUS_INSUFFICIENT_RESOURCES"]));
        let refused = pnp::load_driver("client", &client()).expect_err("it is refused");
        assert!(matches!(refused, LoadError::Entry(status::INSUFFICIENT_RESOURCES)), "{refused}");
    })
    .expect_clean();
}

#[test]
fn a_component_that_is_not_the_framework_is_refused() {
    scenario!(|| {
        boot_with(&framework(&[]));
        let other = other_client("-DCOMPONENT=L\"SmallComponent\"");
        let refused = pnp::load_driver("client", &other).expect_err("it is refused");
        assert!(matches!(refused, LoadError::Entry(status::OBJECT_TYPE_MISMATCH)), "{refused}");
    })
    .expect_clean();
}

macro_rules! judged {
    ($($sentence:ident: $framework:expr, $body:expr, breaks $rule:ident calling $call:literal in $image:literal, $detail:literal;)+) => { $(
        #[test]
        fn $sentence() {
            let verdict = scenario!(|| {
                boot_with(&framework(&$framework));
                let driver = loaded("client", &client());
                $body(&driver);
                pnp::unload(driver);
            });
            let report = verdict.expect_broken(Rule::$rule).to_json();
            assert_eq!((&report["call"], &report["image"]), (&$call.into(), &$image.into()), "{report}");
            assert!(report["detail"].as_str().is_some_and(|detail| detail.contains($detail)), "{report}");
        }
    )+ };
}

judged! {
    a_framework_image_leaves_nothing_behind:
        ["-DKEEP_GLOBALS"], |_| (), breaks Leak calling "" in "framework.sys", "16 bytes";
    a_framework_registers_once:
        ["-DREGISTRATIONS=2"], |_| (),
        breaks ObjectState calling "WdfRegisterLibrary" in "framework.sys", "has registered already";
    a_framework_registers_with_the_loaders_structure:
        ["-DSIZE=48"], |_| (),
        breaks BadParameter calling "WdfRegisterLibrary" in "framework.sys", "48 bytes, must be 56";
    a_driver_is_no_framework:
        [], |driver: &DriverRef| _ = run!(driver, "RegistersAsAFramework"),
        breaks ObjectState calling "WdfRegisterLibrary" in "framework_client.sys", "no framework is being loaded";
    a_class_extension_is_refused_by_its_name:
        [], |driver: &DriverRef| _ = run!(driver, "BindsAClass"),
        breaks NotServed calling "WdfVersionBindClass" in "framework_client.sys", "SmallClass";
}

#[test]
fn what_goes_wrong_in_a_framework_image_names_the_driver_that_called_it() {
    let verdict = scenario!(|| {
        boot_with(&framework(&[]));
        run!(loaded("client", &client()), "AsksWithoutGlobals");
    });
    let report = verdict.expect_broken(Rule::Access);
    assert_eq!(report.caller(), Some(("framework_client.sys", "AsksWithoutGlobals")), "{}", report.to_json());
    assert_eq!(report.to_json()["image"], "framework.sys");
}

#[test]
fn what_goes_wrong_in_a_driver_itself_has_no_caller_in_another_image() {
    let verdict = scenario!(|| {
        boot_with(&framework(&[]));
        run!(loaded("client", &client()), "BindsAClass");
    });
    assert_eq!(verdict.expect_broken(Rule::NotServed).caller(), None);
}

/// Takes the client through a life on a framework file.
fn exercise(framework: &Path, client: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parent-partition"));
    command.arg("exercise").arg(client).arg("--framework").arg(framework);
    command.output().expect("the command")
}

#[test]
fn a_run_says_which_version_the_image_registered() {
    let ended = exercise(&framework(&["-DMINOR=35"]), &client());
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    assert!(said.contains(r#"{"framework":"1.35.7"}"#), "{said}");
}

/// The run ends before the driver has a part in it, and says why.
#[track_caller]
fn expect_refused(framework: &Path, client: &Path, why: &str) {
    let ended = exercise(framework, client);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(BAD_ARGUMENTS), "{said}");
    assert!(said.contains(why), "{said}");
}

#[test]
fn a_framework_file_that_imports_what_does_not_exist_is_refused_by_name() {
    let file = driver::build_with(
        "framework.c",
        &["-DCALLS_WHAT_DOES_NOT_EXIST"],
        &[&driver::import_library("ntoskrnl.exe", &["ZwDoesNotExist"])],
    );
    expect_refused(&file, &client(), "imports what does not exist: ntoskrnl.exe!ZwDoesNotExist");
}

#[test]
fn a_framework_file_for_another_machine_is_refused() {
    let file = framework(&[]);
    let mut bytes = std::fs::read(&file).expect("the image");
    let headers = u32::from_le_bytes(bytes[0x3C..0x40].try_into().expect("four bytes")) as usize;
    bytes[headers + 4..headers + 6].copy_from_slice(&ARM64.to_le_bytes());
    std::fs::write(&file, bytes).expect("the image");
    expect_refused(&file, &client(), "is for machine 0xaa64, not x64");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    expect_refused(Path::new("nowhere.sys"), &client(), "nowhere.sys cannot be read");
}

#[test]
fn a_driver_that_is_no_library_is_refused() {
    expect_refused(&framework(&["-DNO_LIBRARY"]), &client(), "is no framework: it does not import");
}

#[test]
fn a_library_that_does_not_register_is_refused() {
    expect_refused(&framework(&["-DREGISTRATIONS=0"]), &client(), "does not register itself");
}

#[test]
fn a_framework_whose_entry_fails_is_refused_with_its_status() {
    let file = framework(&["-DENTRY_STATUS=STATUS_NOT_SUPPORTED"]);
    expect_refused(&file, &client(), "DriverEntry failed with 0xc00000bb");
}

#[test]
fn a_framework_that_cannot_be_commissioned_is_refused_with_its_status() {
    let file = framework(&["-DCOMMISSION_STATUS=STATUS_INSUFFICIENT_RESOURCES"]);
    expect_refused(&file, &client(), "DriverEntry failed with 0xc000009a");
}

#[test]
fn an_older_framework_than_the_driver_needs_is_refused_with_both_versions() {
    expect_refused(&framework(&["-DMINOR=31"]), &client(), "has version 1.31, the driver needs 1.33");
}

#[test]
fn a_framework_of_another_major_version_is_refused_with_both_versions() {
    expect_refused(&framework(&[]), &other_client("-DMAJOR=2"), "has version 1.33, the driver needs 2.33");
}

const BAD_ARGUMENTS: i32 = 2;
const ARM64: u16 = 0xAA64;

//! The driver's own headers compile against `<wdm.h>` alone, as C and C++, and mean in C what they mean in Rust.

use std::{io::Write, path::PathBuf, process::Command};

use backchannel::abi::{
    GUID,
    handler_interface::{
        GUID_PF_BACKCHANNEL_HANDLER_INTERFACE, PF_BACKCHANNEL_CALL, PF_BACKCHANNEL_HANDLER_INTERFACE,
        PF_BACKCHANNEL_REGISTRATION, PF_BACKCHANNEL_SCHEMA, PF_BACKCHANNEL_STATISTICS,
        PF_BACKCHANNEL_STATUS_SCHEMA_DEFERRED, PF_BACKCHANNEL_STATUS_WRONG_SIZE, PF_BACKCHANNEL_VF_STATUS,
    },
    operator_interface::{
        GUID_DEVINTERFACE_PF_BACKCHANNEL, IOCTL_PF_BACKCHANNEL_INVALIDATE, IOCTL_PF_BACKCHANNEL_QUERY_PF,
        PF_BACKCHANNEL_EVIDENCE, PF_BACKCHANNEL_PF,
    },
};

use crate::{
    records::clang,
    tree::{TARGET, include},
};

const HANDLER: &str = "#define INITGUID\n#include <pf_backchannel.h>\n";
const OPERATOR: &str = "#define INITGUID\n#include <wdm.h>\n#include <pf_backchannel_operator.h>\n";

fn folder() -> PathBuf {
    include().join("../../../driver/include")
}

/// Compiles a source in both languages; gives the compiler's words if it refused one.
fn compile(source: &str) -> Result<(), String> {
    for (language, standard) in [("c", "c11"), ("c++", "c++17")] {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        file.write_all(source.as_bytes()).expect("it can be written");
        let kernel = include().join("10.0.22621.0");
        let output = Command::new(clang())
            .args([
                "-fsyntax-only",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-ffreestanding",
                "-nostdinc",
                "-fms-extensions",
            ])
            // The kernel's headers have structures without a name inside others; these are not ours.
            .arg("-Wno-microsoft-anon-tag")
            .args(["-D_WIN64", "-D_AMD64_", "-x", language])
            .arg(format!("-std={standard}"))
            .arg(format!("--target={TARGET}"))
            .arg("-isystem")
            .arg(kernel.join("km"))
            .arg("-isystem")
            .arg(kernel.join("shared"))
            .arg("-I")
            .arg(folder())
            .arg(file.path())
            .output()
            .expect("clang runs");
        if !output.status.success() {
            return Err(format!("{language}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// `static_assert` in both languages.
fn claim(condition: &str) -> String {
    format!("typedef char claim[({condition}) ? 1 : -1];\n")
}

fn size<T>(name: &str) -> String {
    claim(&format!("sizeof({name}) == {}", size_of::<T>()))
}

/// Checks how the header spells an identifier; gives a function that uses it, so that its type is seen to be right.
fn guid(name: &str, guid: GUID) -> String {
    let header = std::fs::read_dir(folder())
        .expect("the folder is there")
        .map(|entry| std::fs::read_to_string(entry.expect("readable").path()).expect("readable"))
        .collect::<String>();
    let rest = guid.Data4.map(|byte| format!("0x{byte:02X}")).join(", ");
    let spelled = format!("0x{:08X}, 0x{:04X}, 0x{:04X}, {rest}", guid.Data1, guid.Data2, guid.Data3);
    assert!(header.contains(&format!("DEFINE_GUID({name},\n    {spelled});")), "{name} is not {spelled}");
    format!("const GUID *use(void);\nconst GUID *use(void) {{ return &{name}; }}\n")
}

#[test]
fn the_handler_interface_is_the_same_in_c() {
    let claims = [
        guid("GUID_PF_BACKCHANNEL_HANDLER_INTERFACE", GUID_PF_BACKCHANNEL_HANDLER_INTERFACE),
        size::<PF_BACKCHANNEL_SCHEMA>("PF_BACKCHANNEL_SCHEMA"),
        size::<PF_BACKCHANNEL_CALL>("PF_BACKCHANNEL_CALL"),
        size::<PF_BACKCHANNEL_REGISTRATION>("PF_BACKCHANNEL_REGISTRATION"),
        size::<PF_BACKCHANNEL_VF_STATUS>("PF_BACKCHANNEL_VF_STATUS"),
        size::<PF_BACKCHANNEL_STATISTICS>("PF_BACKCHANNEL_STATISTICS"),
        size::<PF_BACKCHANNEL_HANDLER_INTERFACE>("PF_BACKCHANNEL_HANDLER_INTERFACE"),
        claim(&format!("PF_BACKCHANNEL_STATUS_WRONG_SIZE == {PF_BACKCHANNEL_STATUS_WRONG_SIZE}")),
        claim(&format!("PF_BACKCHANNEL_STATUS_SCHEMA_DEFERRED == {PF_BACKCHANNEL_STATUS_SCHEMA_DEFERRED}")),
        claim("!NT_SUCCESS(PF_BACKCHANNEL_STATUS_WRONG_SIZE)"),
    ];
    compile(&format!("{HANDLER}{}", claims.concat())).expect("C says the same as Rust");
}

#[test]
fn the_operator_interface_is_the_same_in_c() {
    let claims = [
        guid("GUID_DEVINTERFACE_PF_BACKCHANNEL", GUID_DEVINTERFACE_PF_BACKCHANNEL),
        size::<PF_BACKCHANNEL_PF>("PF_BACKCHANNEL_PF"),
        size::<PF_BACKCHANNEL_EVIDENCE>("PF_BACKCHANNEL_EVIDENCE"),
        claim(&format!("IOCTL_PF_BACKCHANNEL_QUERY_PF == {IOCTL_PF_BACKCHANNEL_QUERY_PF}")),
        claim(&format!("IOCTL_PF_BACKCHANNEL_INVALIDATE == {IOCTL_PF_BACKCHANNEL_INVALIDATE}")),
    ];
    compile(&format!("{OPERATOR}{}", claims.concat())).expect("C says the same as Rust");
}

#[test]
fn the_headers_can_be_included_together_and_twice() {
    compile(&format!("{HANDLER}{OPERATOR}{HANDLER}")).expect("no name collides");
}

#[test]
fn the_handler_interface_includes_wdm_h_and_nothing_else() {
    let text = std::fs::read_to_string(folder().join("pf_backchannel.h")).expect("the header is there");
    let included: Vec<_> = text.lines().filter(|line| line.starts_with("#include")).collect();
    assert_eq!(included, ["#include <wdm.h>"]);
}

/// A comparison that accepted everything would find nothing.
#[test]
fn a_wrong_claim_does_not_compile() {
    let wrong = claim("sizeof(PF_BACKCHANNEL_CALL) == 39");
    assert!(compile(&format!("{HANDLER}{wrong}")).is_err());
    let unused = "static int unused_function(void) { return 0; }\n";
    assert!(compile(&format!("{HANDLER}{unused}")).is_err(), "warnings are errors");
}

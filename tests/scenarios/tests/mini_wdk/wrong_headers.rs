//! Every kind of finding, made once by a small header that is wrong in one way.

use crate::{
    compare::{Findings, compare},
    facts::Facts,
    tree::Tree,
};

fn findings(header: &str) -> Findings {
    compare(&Tree::wrong(header), &Facts::carried())
}

/// The only contradiction that a header gives.
fn only_wrong(header: &str) -> String {
    let findings = findings(header);
    let [wrong] = findings.wrong.as_slice() else { panic!("{:?}", findings.wrong) };
    wrong.clone()
}

fn outside(header: &str, kind: &str, name: &str) -> bool {
    holds(&findings(header), kind, name)
}

fn holds(findings: &Findings, kind: &str, name: &str) -> bool {
    findings.outside.iter().any(|outside| outside.kind == kind && outside.name == name)
}

#[test]
fn a_right_header_gives_no_finding_of_its_own() {
    let empty = findings("");
    assert_eq!(empty.wrong, Vec::<String>::new());
    assert_eq!(empty.not_bindable, Vec::<String>::new());
    let right = findings("ULONG DbgPrint(PCSTR Format, ...);");
    assert_eq!(right.wrong, Vec::<String>::new());
    assert_eq!(right.outside, empty.outside);
}

#[test]
fn a_field_at_a_wrong_offset_is_found() {
    let found =
        findings("typedef struct _CLIENT_ID { HANDLE UniqueThread; HANDLE UniqueProcess; } CLIENT_ID;");
    assert_eq!(
        found.wrong,
        [
            "_CLIENT_ID.UniqueProcess is @8 HANDLE, the table says @0 HANDLE",
            "_CLIENT_ID.UniqueThread is @0 HANDLE, the table says @8 HANDLE",
        ]
    );
}

#[test]
fn a_field_of_a_wrong_type_is_found() {
    let wrong =
        only_wrong("typedef struct _CLIENT_ID { HANDLE UniqueProcess; ULONGLONG UniqueThread; } CLIENT_ID;");
    assert_eq!(wrong, "_CLIENT_ID.UniqueThread is @8 ULONGLONG, the table says @8 HANDLE");
}

#[test]
fn a_structure_of_a_wrong_size_is_found() {
    let found = findings(
        "typedef struct _CLIENT_ID { HANDLE UniqueProcess; HANDLE UniqueThread; ULONG More; } CLIENT_ID;",
    );
    assert!(found.wrong.iter().any(|wrong| wrong.starts_with("_CLIENT_ID has size and alignment (24, 8)")));
    assert!(holds(&found, "field", "_CLIENT_ID.More"));
}

#[test]
fn a_missing_field_is_found() {
    let wrong = only_wrong("typedef struct _CLIENT_ID { HANDLE UniqueProcess; ULONGLONG : 64; } CLIENT_ID;");
    assert_eq!(wrong, "_CLIENT_ID.UniqueThread is in the table and not declared");
}

#[test]
fn bits_in_a_wrong_place_are_found() {
    let wrong = only_wrong(
        "typedef struct _PCI_EXPRESS_ENHANCED_CAPABILITY_HEADER {
            USHORT CapabilityID; USHORT Version : 4; USHORT Gap : 4; USHORT Next : 8;
        } PCI_EXPRESS_ENHANCED_CAPABILITY_HEADER;",
    );
    assert!(wrong.starts_with("_PCI_EXPRESS_ENHANCED_CAPABILITY_HEADER.Next is "), "{wrong}");
}

#[test]
fn a_wrong_signature_is_found() {
    let wrong = only_wrong("ULONG DbgPrint(PCSTR Format);");
    assert_eq!(
        wrong,
        "DbgPrint is declared (Format:PCSTR) -> ULONG, the table says (Format:PCSTR;...) -> ULONG"
    );
}

#[test]
fn a_routine_that_returns_though_it_must_not_is_found() {
    let wrong = only_wrong(
        "VOID KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1, ULONG_PTR BugCheckParameter2,
             ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4);",
    );
    assert!(wrong.contains("-> void, the table says"), "{wrong}");
}

#[test]
fn a_routine_that_the_wdk_has_inline_is_found() {
    let found = findings("VOID KeMemoryBarrier(VOID);").not_bindable;
    assert_eq!(found, ["KeMemoryBarrier is declared, but the WDK has it as inline"]);
}

#[test]
fn the_same_routine_defined_inline_is_none() {
    let found = findings("FORCEINLINE VOID KeMemoryBarrier(VOID) {}").not_bindable;
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn declarations_that_no_table_holds_are_found() {
    assert!(outside("VOID IoInvented(VOID);", "function", "IoInvented"));
    assert!(outside("extern ULONG Invented;", "variable", "Invented"));
    assert!(outside("#define INVENTED 1\n", "constant", "INVENTED"));
    assert!(outside("typedef struct _INVENTED { ULONG A; } INVENTED;", "structure", "_INVENTED"));
    assert!(outside("typedef struct _INVENTED *PINVENTED;", "opaque", "_INVENTED"));
    assert!(outside("typedef enum _INVENTED { Invented } INVENTED;", "enumeration", "_INVENTED"));
    assert!(outside("typedef VOID (*PINVENTED)(VOID);", "callback", "PINVENTED"));
    assert!(outside("typedef ULONG INVENTED;", "alias", "INVENTED"));
}

#[test]
fn a_pointer_type_that_points_to_another_structure_is_found() {
    let header = "typedef struct _CLIENT_ID *PCLIENT_ID; typedef struct _KEVENT *PKTIMER;";
    assert!(!outside(header, "alias", "PCLIENT_ID"));
    assert!(outside(header, "alias", "PKTIMER"));
}

#[test]
fn a_wrong_enumerator_and_a_missing_one_are_found() {
    let found = findings("typedef enum _MODE { KernelMode = 0, UserMode = 2, Extra = 3 } MODE;");
    assert_eq!(
        found.wrong,
        ["_MODE::UserMode is 2, the table says 1", "_MODE::MaximumMode is in the table and not declared"]
    );
    assert!(holds(&found, "enumerator", "_MODE::Extra"));
}

#[test]
fn a_wrong_constant_is_found() {
    let wrong = only_wrong("#define DISPATCH_LEVEL 3\n");
    assert_eq!(wrong, r#"DISPATCH_LEVEL is ("u32", "3"), the table says ("u32", "2")"#);
}

#[test]
fn a_framework_function_at_a_wrong_position_is_found() {
    let wrong = only_wrong(
        "typedef struct _WDF_DRIVER_GLOBALS *PWDF_DRIVER_GLOBALS;
         typedef struct WDFQUEUE__ *WDFQUEUE;
         typedef VOID (*PFN_WDFIOQUEUESTART)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFQUEUE Queue);
         typedef enum _WDFFUNCENUM { WdfIoQueueStartTableIndex = 155 } WDFFUNCENUM;",
    );
    assert!(wrong.starts_with("WdfIoQueueStart has position 155, the table says "), "{wrong}");
}

#[test]
fn a_framework_function_with_a_wrong_signature_is_found() {
    let found = findings(
        "typedef struct _WDF_DRIVER_GLOBALS *PWDF_DRIVER_GLOBALS;
         typedef struct WDFQUEUE__ *WDFQUEUE;
         typedef NTSTATUS (*PFN_WDFIOQUEUESTART)(PWDF_DRIVER_GLOBALS DriverGlobals, WDFQUEUE Queue);
         typedef VOID (*PFN_WDFIOQUEUESTOPSYNCHRONOUSLY)(WDFQUEUE Queue);",
    );
    assert!(
        found
            .wrong
            .iter()
            .any(|wrong| wrong.starts_with("WdfIoQueueStart is declared (Queue:WDFQUEUE) -> NTSTATUS"))
    );
    assert!(found.wrong.iter().any(|wrong| wrong.contains("does not take the driver's globals first")));
    assert!(found.wrong.iter().any(|wrong| wrong == "WdfIoQueueStart has a pointer type and no position"));
}

//! The NT and KMDF types, generated from the mini WDK's headers for the image's own target.
//!
//! Callbacks are `Option<unsafe extern "win64" fn(..)>`; enumerations are modules of constants, as in the
//! driver's own bindings.

#![expect(
    missing_debug_implementations,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    reason = "generated: the names are the headers'"
)]

include!(concat!(env!("OUT_DIR"), "/sys.rs"));

//! C mirrors of the platform's headers: layouts, codes and identifiers, with every layout asserted at compile time.
//!
//! The rules of the engine never import them; only a host that speaks C does. Names are those of the headers, so that a
//! reader finds them there. Offsets and sizes are those of 64-bit Windows.

#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "the headers' own names")]

pub mod handler_interface;
pub mod operator_interface;
pub mod pci_virtualization;
pub mod pcivirt;
pub mod vpci;

use core::ffi::c_void;

use crate::halves::{join, split};

/// A kernel status, as C functions return it; see [`NtStatus`](crate::NtStatus).
pub type NTSTATUS = i32;

/// Identifies an interface or a class (`guiddef.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct GUID {
    /// The first group of digits.
    pub Data1: u32,
    /// The second.
    pub Data2: u16,
    /// The third.
    pub Data3: u16,
    /// The fourth and fifth.
    pub Data4: [u8; 8],
}

/// Identifies a device until the next restart (`ntdef.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct LUID {
    /// The lower half.
    pub LowPart: u32,
    /// The upper half.
    pub HighPart: i32,
}

/// What every interface structure begins with (`wdm.h`); the interfaces repeat its members.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct INTERFACE {
    /// The size of the whole structure, in bytes.
    pub Size: u16,
    /// The version of the interface.
    pub Version: u16,
    /// What the exporter wants back as the first argument of every call.
    pub Context: *mut c_void,
    /// Takes a reference.
    pub InterfaceReference: INTERFACE_REFERENCE,
    /// Drops a reference.
    pub InterfaceDereference: INTERFACE_REFERENCE,
}

/// Declares the type of a C function, nullable, in the calling convention of 64-bit Windows on every host.
///
/// On x86-64 that convention has a name of its own, so that a Linux process can call a Windows image and be called by
/// it; on Windows it is the same as "C".
macro_rules! c_function {
    ($(#[$meta:meta])* $vis:vis type $name:ident = fn($($argument:ident: $type:ty),* $(,)?) $(-> $return:ty)?;) => {
        $(#[$meta])*
        #[cfg(target_arch = "x86_64")]
        $vis type $name = Option<unsafe extern "win64" fn($($argument: $type),*) $(-> $return)?>;
        $(#[$meta])*
        #[cfg(not(target_arch = "x86_64"))]
        $vis type $name = Option<unsafe extern "C" fn($($argument: $type),*) $(-> $return)?>;
    };
}

/// Asserts the size of a structure and the offsets of its members.
macro_rules! layout {
    ($type:ty, $size:expr, { $($member:ident: $offset:expr),* $(,)? }) => {
        const _: () = {
            assert!(size_of::<$type>() == $size, concat!("size of ", stringify!($type)));
            $(assert!(
                core::mem::offset_of!($type, $member) == $offset,
                concat!("offset of ", stringify!($type), ".", stringify!($member))
            );)*
        };
    };
}

pub(crate) use {c_function, layout};

c_function! {
    /// Takes or drops a reference to what `Context` stands for (`PINTERFACE_REFERENCE`, `PINTERFACE_DEREFERENCE`).
    pub type INTERFACE_REFERENCE = fn(Context: *mut c_void);
}

impl LUID {
    /// Makes an identifier from its value.
    #[must_use]
    pub const fn from_value(value: u64) -> Self {
        let (low, high) = split(value);
        Self { LowPart: low, HighPart: high.cast_signed() }
    }

    /// Gives the value; no two devices have the same.
    #[must_use]
    pub fn value(self) -> u64 {
        join(self.LowPart, self.HighPart.cast_unsigned())
    }
}

impl GUID {
    /// Makes an identifier from its groups of digits; the last two as one number of 16 digits.
    #[must_use]
    pub const fn new(data1: u32, data2: u16, data3: u16, data4: u64) -> Self {
        Self { Data1: data1, Data2: data2, Data3: data3, Data4: data4.to_be_bytes() }
    }
}

/// Makes the code of a device control request.
///
/// Source: `CTL_CODE` of `devioctl.h`.
const fn ctl_code(device: u32, function: u32, method: u32, access: u32) -> u32 {
    device << 16 | access << 14 | function << 2 | method
}

layout!(GUID, 16, { Data1: 0, Data2: 4, Data3: 6, Data4: 8 });
layout!(LUID, 8, { LowPart: 0, HighPart: 4 });
layout!(INTERFACE, 32, { Size: 0, Version: 2, Context: 8, InterfaceReference: 16, InterfaceDereference: 24 });

#[cfg(test)]
mod tests {
    use super::LUID;

    #[test]
    fn identifier_has_its_value_in_two_halves() {
        let luid = LUID::from_value(0x8807_0605_0403_0201);
        assert_eq!((luid.LowPart, luid.HighPart), (0x0403_0201, -0x77F8_F9FB));
        assert_eq!(luid.value(), 0x8807_0605_0403_0201);
    }
}

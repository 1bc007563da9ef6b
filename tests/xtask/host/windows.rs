//! The crate `windows`, as far as wdk-build uses it, on a machine without a registry.
//!
//! wdk-build reads the WDK's place from the registry when its environment does not say it. On Linux the environment
//! always says it, so every key is absent here.

#[doc(hidden)]
#[macro_export]
macro_rules! s {
    ($text:literal) => {
        $crate::core::PCSTR(concat!($text, "\0").as_ptr())
    };
}

/// What wdk-build takes from `windows::core`.
pub mod core {
    pub use crate::s;

    /// A NUL-terminated string.
    #[derive(Clone, Copy)]
    pub struct PCSTR(pub *const u8);
}

/// What wdk-build takes from `windows::Win32`.
pub mod Win32 {
    /// The system's services.
    pub mod System {
        /// A registry that holds no key.
        pub mod Registry {
            use crate::core::PCSTR;

            /// A registry key's handle.
            #[derive(Clone, Copy, Default)]
            pub struct HKEY(pub usize);

            /// A Windows error code; never success here.
            #[derive(Clone, Copy, Debug)]
            pub struct WIN32_ERROR(pub u32);

            /// Access rights.
            #[derive(Clone, Copy)]
            pub struct REG_SAM_FLAGS(pub u32);

            /// Value types.
            #[derive(Clone, Copy)]
            pub struct REG_ROUTINE_FLAGS(pub u32);

            /// The machine's keys.
            pub const HKEY_LOCAL_MACHINE: HKEY = HKEY(2);
            /// Read access.
            pub const KEY_READ: REG_SAM_FLAGS = REG_SAM_FLAGS(0x0002_0019);
            /// String values.
            pub const RRF_RT_REG_SZ: REG_ROUTINE_FLAGS = REG_ROUTINE_FLAGS(2);

            const FILE_NOT_FOUND: WIN32_ERROR = WIN32_ERROR(2);

            impl WIN32_ERROR {
                /// Whether the call succeeded.
                pub fn is_ok(self) -> bool {
                    self.0 == 0
                }

                /// The same as a result.
                pub fn ok(self) -> Result<(), Self> {
                    if self.is_ok() { Ok(()) } else { Err(self) }
                }
            }

            /// Finds no key.
            ///
            /// # Safety
            /// None: nothing is touched.
            pub unsafe fn RegOpenKeyExA(
                _key: HKEY,
                _sub_key: PCSTR,
                _options: Option<u32>,
                _access: REG_SAM_FLAGS,
                _opened: *mut HKEY,
            ) -> WIN32_ERROR {
                FILE_NOT_FOUND
            }

            /// Finds no value.
            ///
            /// # Safety
            /// None: nothing is touched.
            pub unsafe fn RegGetValueA(
                _key: HKEY,
                _sub_key: Option<PCSTR>,
                _value: PCSTR,
                _flags: REG_ROUTINE_FLAGS,
                _kind: Option<*mut u32>,
                _data: Option<*mut ::core::ffi::c_void>,
                _length: Option<*mut u32>,
            ) -> WIN32_ERROR {
                FILE_NOT_FOUND
            }

            /// Closes no key.
            ///
            /// # Safety
            /// None: nothing is touched.
            pub unsafe fn RegCloseKey(_key: HKEY) -> WIN32_ERROR {
                FILE_NOT_FOUND
            }
        }
    }
}

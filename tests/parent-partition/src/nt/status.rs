//! The NTSTATUS values that the simulated kernel answers with, from "NTSTATUS Values" of MS-ERREF.

/// A status as the kernel's routines return it.
pub type Status = i32;

macro_rules! statuses {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: Status = ($value as u32).cast_signed();)*
    };
}

statuses! {
    SUCCESS = 0, "The operation is complete.";
    TIMEOUT = 0x102, "A wait ended by its time-out.";
    PENDING = 0x103, "The operation goes on; the request will be completed later.";
    OBJECT_NAME_EXISTS = 0x4000_0000, "The object was in that state already.";
    BUFFER_OVERFLOW = 0x8000_0005, "The data is longer than the buffer, which holds its start.";
    NO_MORE_ENTRIES = 0x8000_001A, "The enumeration is at its end.";
    UNSUCCESSFUL = 0xC000_0001, "The operation failed.";
    INVALID_INFO_CLASS = 0xC000_0003, "There is no such class of information.";
    INVALID_HANDLE = 0xC000_0008, "No such handle.";
    INVALID_PARAMETER = 0xC000_000D, "An argument is out of its range.";
    NO_SUCH_DEVICE = 0xC000_000E, "No such device.";
    INVALID_DEVICE_REQUEST = 0xC000_0010, "The device does not serve this request.";
    MORE_PROCESSING_REQUIRED = 0xC000_0016, "A completion routine keeps the request.";
    ACCESS_DENIED = 0xC000_0022, "The caller may not do this.";
    BUFFER_TOO_SMALL = 0xC000_0023, "The buffer holds not even the fixed part.";
    OBJECT_TYPE_MISMATCH = 0xC000_0024, "The handle's object is of another type.";
    OBJECT_NAME_INVALID = 0xC000_0033, "The name is not well formed.";
    OBJECT_NAME_NOT_FOUND = 0xC000_0034, "No object of that name.";
    OBJECT_NAME_COLLISION = 0xC000_0035, "An object of that name exists.";
    DELETE_PENDING = 0xC000_0056, "The object is being deleted.";
    INSUFFICIENT_RESOURCES = 0xC000_009A, "No memory.";
    DEVICE_NOT_READY = 0xC000_00A3, "The device is not started.";
    NOT_SUPPORTED = 0xC000_00BB, "Nobody answers this request.";
    NOT_FOUND = 0xC000_0225, "There is no such thing.";
    CANCELLED = 0xC000_0120, "The request was cancelled.";
    CANNOT_DELETE = 0xC000_0121, "The object cannot be deleted.";
    INVALID_DEVICE_STATE = 0xC000_0184, "The device is in another state.";
    INVALID_IMAGE_FORMAT = 0xC000_007B, "The file is no image that can be loaded.";
    PROCEDURE_NOT_FOUND = 0xC000_007A, "The image has no routine of that name.";
    DEVICE_BUSY = 0x8000_0011, "The device is in use.";
}

/// `NT_SUCCESS`: success and informational statuses.
#[must_use]
pub fn is_success(status: Status) -> bool {
    status >= 0
}

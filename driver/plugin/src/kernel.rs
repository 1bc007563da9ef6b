//! The kernel's routines that the connection needs.
#![expect(unsafe_code, reason = "the kernel's routines take pointers")]

use core::{ffi::c_void, ptr::null_mut};

use backchannel::{
    NtStatus,
    abi::{
        handler_interface::{
            GUID_PF_BACKCHANNEL_HANDLER_INTERFACE, PF_BACKCHANNEL_HANDLER_INTERFACE,
            PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION,
        },
        operator_interface::GUID_DEVINTERFACE_PF_BACKCHANNEL,
    },
};
use wdk_sys::{
    _EVENT_TYPE::NotificationEvent,
    _IO_NOTIFICATION_EVENT_CATEGORY::{EventCategoryDeviceInterfaceChange, EventCategoryTargetDeviceChange},
    _KWAIT_REASON::Executive,
    _MODE::KernelMode,
    DEVICE_INTERFACE_CHANGE_NOTIFICATION, HANDLE, IO_STATUS_BLOCK, IRP_MJ_PNP, IRP_MN_QUERY_INTERFACE,
    KEVENT, KMUTEX, NT_SUCCESS, OBJ_KERNEL_HANDLE, OBJECT_ATTRIBUTES, PCUNICODE_STRING,
    PDRIVER_NOTIFICATION_CALLBACK_ROUTINE, PDRIVER_OBJECT, PFILE_OBJECT,
    PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES, STATUS_NOT_SUPPORTED, STATUS_PENDING,
    TARGET_DEVICE_REMOVAL_NOTIFICATION, UNICODE_STRING,
    ntddk::{
        IoBuildSynchronousFsdRequest, IoGetRelatedDeviceObject, IoRegisterPlugPlayNotification,
        IoUnregisterPlugPlayNotificationEx, IofCallDriver, KeInitializeEvent, KeInitializeMutex,
        KeReleaseMutex, KeWaitForSingleObject, ObReferenceObjectByHandle, ObfDereferenceObject,
        RtlCopyUnicodeString, ZwClose, ZwCreateFile,
    },
};

/// The routine of a notification.
pub(crate) type Routine = unsafe extern "C" fn(*mut c_void, *mut c_void) -> i32;

/// What becomes of a device that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetChange {
    /// It may be removed: whoever has it open closes it.
    MayGo,
    /// It is not removed after all.
    Stays,
    /// It is gone.
    Gone,
}

/// A device interface's name.
pub(crate) struct Name {
    characters: [u16; LONGEST_NAME],
    bytes: u16,
}

/// An open device: its handle and its file object; NULL when none is open.
pub(crate) struct Opened {
    handle: HANDLE,
    file: PFILE_OBJECT,
}

impl Name {
    pub(crate) const EMPTY: Self = Self { characters: [0; LONGEST_NAME], bytes: 0 };

    /// Copies a name; one that is longer is cut.
    ///
    /// # Safety
    /// `name` is valid.
    pub(crate) unsafe fn copy(&mut self, name: PCUNICODE_STRING) {
        let mut own = self.string();
        // SAFETY: our caller's string, and our own buffer with its size.
        unsafe { RtlCopyUnicodeString(&raw mut own, name) };
        self.bytes = own.Length;
    }

    fn string(&mut self) -> UNICODE_STRING {
        UNICODE_STRING {
            Length: self.bytes,
            MaximumLength: u16::try_from(size_of::<[u16; LONGEST_NAME]>()).unwrap_or(0),
            Buffer: self.characters.as_mut_ptr(),
        }
    }
}

impl Opened {
    pub(crate) const NONE: Self = Self { handle: null_mut(), file: null_mut() };

    pub(crate) const fn is_open(&self) -> bool {
        !self.handle.is_null()
    }

    pub(crate) const fn file(&self) -> PFILE_OBJECT {
        self.file
    }

    /// Opens the device of a name. Its handle stays open: registrations end with it.
    ///
    /// # Errors
    /// What the kernel says; nothing is open then.
    pub(crate) fn open(&mut self, name: &mut Name) -> Result<(), NtStatus> {
        let mut path = name.string();
        let mut attributes = OBJECT_ATTRIBUTES {
            Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).unwrap_or(0),
            ObjectName: &raw mut path,
            Attributes: OBJ_KERNEL_HANDLE,
            ..OBJECT_ATTRIBUTES::default()
        };
        let mut answer = IO_STATUS_BLOCK::default();
        // SAFETY: every pointer outlives the call.
        checked(unsafe {
            ZwCreateFile(
                &raw mut self.handle,
                ACCESS,
                &raw mut attributes,
                &raw mut answer,
                null_mut(),
                0,
                SHARE_READ_WRITE,
                OPEN,
                NON_DIRECTORY_FILE,
                null_mut(),
                0,
            )
        })
        .inspect_err(|_| self.handle = null_mut())?;
        let mut file: *mut c_void = null_mut();
        // SAFETY: the handle was just opened, by kernel mode, as a file; the place for the pointer outlives the call.
        let referenced = checked(unsafe {
            ObReferenceObjectByHandle(self.handle, 0, null_mut(), kernel_mode(), &raw mut file, null_mut())
        });
        self.file = file.cast();
        referenced.inspect_err(|_| self.close())
    }

    /// Asks the device's stack for the handler interface.
    ///
    /// # Errors
    /// What the stack answers.
    pub(crate) fn interface(&self) -> Result<PF_BACKCHANNEL_HANDLER_INTERFACE, NtStatus> {
        // SAFETY: the file object is referenced.
        let device = unsafe { IoGetRelatedDeviceObject(self.file) };
        let mut event = KEVENT::default();
        // SAFETY: the event is ours.
        unsafe { KeInitializeEvent(&raw mut event, NotificationEvent, 0) };
        let mut answer = IO_STATUS_BLOCK::default();
        // SAFETY: a device's major functions are few; event and status block outlive the request.
        let irp = unsafe {
            IoBuildSynchronousFsdRequest(
                IRP_MJ_PNP,
                device,
                null_mut(),
                0,
                null_mut(),
                &raw mut event,
                &raw mut answer,
            )
        };
        // SAFETY: NULL or a new request.
        let request = unsafe { irp.as_mut() }.ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        request.IoStatus.__bindgen_anon_1.Status = STATUS_NOT_SUPPORTED;
        // SAFETY: the union's member that the I/O manager uses while a request travels.
        let overlay = unsafe { &request.Tail.Overlay };
        // SAFETY: as above.
        let current = unsafe { overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation };
        // SAFETY: a new request has a location below its current one.
        let next = unsafe { current.sub(1) };
        // SAFETY: as above; nobody else knows the request yet.
        let next = unsafe { &mut *next };
        let mut interface = core::mem::MaybeUninit::<PF_BACKCHANNEL_HANDLER_INTERFACE>::zeroed();
        let identity = GUID_PF_BACKCHANNEL_HANDLER_INTERFACE;
        next.MinorFunction = u8::try_from(IRP_MN_QUERY_INTERFACE).unwrap_or(0);
        next.Parameters.QueryInterface.InterfaceType = (&raw const identity).cast();
        next.Parameters.QueryInterface.Size =
            u16::try_from(size_of::<PF_BACKCHANNEL_HANDLER_INTERFACE>()).unwrap_or(0);
        next.Parameters.QueryInterface.Version = PF_BACKCHANNEL_HANDLER_INTERFACE_VERSION;
        next.Parameters.QueryInterface.Interface = interface.as_mut_ptr().cast();
        next.Parameters.QueryInterface.InterfaceSpecificData = null_mut();
        // SAFETY: the request is complete and is the device's from here on.
        if unsafe { IofCallDriver(device, irp) } == STATUS_PENDING {
            let object = (&raw mut event).cast();
            // SAFETY: the event is ours; we run at PASSIVE_LEVEL.
            let _awake = unsafe { KeWaitForSingleObject(object, Executive, kernel_mode(), 0, null_mut()) };
        }
        // SAFETY: the request has ended, which wrote the status.
        checked(unsafe { answer.__bindgen_anon_1.Status })?;
        // SAFETY: zeroes are a value of it, and a success has filled it.
        Ok(unsafe { interface.assume_init() })
    }

    /// Closes what is open.
    pub(crate) fn close(&mut self) {
        if !self.file.is_null() {
            // SAFETY: the reference that `open` took.
            unsafe { ObfDereferenceObject(self.file.cast()) };
            self.file = null_mut();
        }
        if !self.handle.is_null() {
            // SAFETY: the handle that `open` opened. It cannot be refused.
            let _closed = unsafe { ZwClose(self.handle) };
            self.handle = null_mut();
        }
    }
}

/// Has `routine` called for each PF that is there or comes.
///
/// # Safety
/// `driver` is the caller's driver object.
pub(crate) unsafe fn notify_of_interfaces(
    driver: PDRIVER_OBJECT,
    routine: Routine,
) -> Result<*mut c_void, NtStatus> {
    let mut class = GUID_DEVINTERFACE_PF_BACKCHANNEL;
    let flags = PNPNOTIFY_DEVICE_INTERFACE_INCLUDE_EXISTING_INTERFACES;
    // SAFETY: our caller's driver object; the class is copied.
    unsafe {
        notify(EventCategoryDeviceInterfaceChange, flags, (&raw mut class).cast(), driver, Some(routine))
    }
}

/// Has `routine` called for what becomes of the device behind a file object.
///
/// # Safety
/// `driver` is the caller's driver object, and `file` is open.
pub(crate) unsafe fn notify_of_target(
    driver: PDRIVER_OBJECT,
    file: PFILE_OBJECT,
    routine: Routine,
) -> Result<*mut c_void, NtStatus> {
    // SAFETY: our caller's objects.
    unsafe { notify(EventCategoryTargetDeviceChange, 0, file.cast(), driver, Some(routine)) }
}

/// # Safety
/// `data` is what the category asks for; `driver` is the caller's driver object.
unsafe fn notify(
    category: i32,
    flags: u32,
    data: *mut c_void,
    driver: PDRIVER_OBJECT,
    routine: PDRIVER_NOTIFICATION_CALLBACK_ROUTINE,
) -> Result<*mut c_void, NtStatus> {
    let mut entry = null_mut();
    // SAFETY: our caller; the place for the entry outlives the call.
    checked(unsafe {
        IoRegisterPlugPlayNotification(category, flags, data, driver, routine, null_mut(), &raw mut entry)
    })?;
    Ok(entry)
}

/// Ends a registration for notifications, unless it is NULL.
pub(crate) fn notify_no_more(entry: *mut c_void) {
    if !entry.is_null() {
        // SAFETY: what `notify` gave, once.
        let _ended = unsafe { IoUnregisterPlugPlayNotificationEx(entry) };
    }
}

/// The name of an interface that has come; `None` for other news.
///
/// # Safety
/// `news` is the argument of a routine of [`notify_of_interfaces`].
pub(crate) unsafe fn arrived(news: *mut c_void) -> Option<PCUNICODE_STRING> {
    // SAFETY: our caller.
    let news = unsafe { &*news.cast::<DEVICE_INTERFACE_CHANGE_NOTIFICATION>() };
    (news.Event.Data1 == ARRIVAL).then_some(news.SymbolicLinkName.cast_const())
}

/// What becomes of the device.
///
/// # Safety
/// `news` is the argument of a routine of [`notify_of_target`].
pub(crate) unsafe fn target_change(news: *mut c_void) -> TargetChange {
    // SAFETY: our caller.
    let news = unsafe { &*news.cast::<TARGET_DEVICE_REMOVAL_NOTIFICATION>() };
    match news.Event.Data1 {
        QUERY_REMOVE => TargetChange::MayGo,
        REMOVE_CANCELLED => TargetChange::Stays,
        _ => TargetChange::Gone,
    }
}

/// Makes a mutex.
///
/// # Safety
/// `mutex` is writable and nobody's yet.
pub(crate) unsafe fn initialize_mutex(mutex: *mut KMUTEX) {
    // SAFETY: our caller.
    unsafe { KeInitializeMutex(mutex, 0) };
}

/// Waits for a mutex. IRQL: `PASSIVE_LEVEL`.
///
/// # Safety
/// `mutex` is initialised.
pub(crate) unsafe fn acquire_mutex(mutex: *mut KMUTEX) {
    // SAFETY: our caller; a wait without a limit that is not alertable ends with the mutex.
    let _acquired = unsafe { KeWaitForSingleObject(mutex.cast(), Executive, kernel_mode(), 0, null_mut()) };
}

/// Releases a mutex.
///
/// # Safety
/// This thread has acquired it.
pub(crate) unsafe fn release_mutex(mutex: *mut KMUTEX) {
    // SAFETY: our caller.
    let _before = unsafe { KeReleaseMutex(mutex, 0) };
}

fn kernel_mode() -> i8 {
    i8::try_from(KernelMode).unwrap_or(0)
}

fn checked(status: i32) -> Result<(), NtStatus> {
    if NT_SUCCESS(status) { Ok(()) } else { Err(NtStatus::from_raw(status)) }
}

const LONGEST_NAME: usize = 256;
/// `FILE_READ_DATA`, `FILE_WRITE_DATA`, `SYNCHRONIZE`.
const ACCESS: u32 = 0x0010_0003;
/// `FILE_SHARE_READ`, `FILE_SHARE_WRITE`.
const SHARE_READ_WRITE: u32 = 3;
/// `FILE_OPEN`.
const OPEN: u32 = 1;
/// `FILE_NON_DIRECTORY_FILE`.
const NON_DIRECTORY_FILE: u32 = 0x40;
/// SPEC: the notifications' identifiers in wdmguid.h differ in their first group alone.
const ARRIVAL: u32 = 0xCB3A_4004;
const QUERY_REMOVE: u32 = 0xCB3A_4006;
const REMOVE_CANCELLED: u32 = 0xCB3A_4007;

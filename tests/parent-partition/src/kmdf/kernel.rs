//! The routines of NT that the framework uses, in the shapes it uses them in.
//!
//! Everything here goes through the routines that NT exports to any driver; there is no other way down.

mod timer;

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;

use super::callback;
use super::irp::Irp;
use super::status::{self, Status};
use crate::nt;
use crate::sys;

pub(super) use timer::{Dpc, Timer};

/// Takes zeroed non-paged memory of the framework's tag.
pub(super) fn allocate(size: usize) -> Option<usize> {
    allocate_with(POOL_FLAG_NON_PAGED, size, TAG)
}

/// Takes zeroed memory of a pool and a tag.
pub(super) fn allocate_with(flags: u64, size: usize, tag: u32) -> Option<usize> {
    let block = nt::pool::ExAllocatePool2(flags, size, tag) as usize;
    (block != 0).then_some(block)
}

/// Gives memory of [`allocate`] or [`allocate_with`] back.
pub(super) fn free(block: usize) {
    nt::pool::ExFreePool(block as *mut c_void);
}

/// An event that threads wait for.
pub(super) struct Event(Box<UnsafeCell<sys::KEVENT>>);

// SAFETY: a KEVENT is made to be used from any thread, through the routines of NT only.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// A notification event, not signalled: once set it lets every waiter through until it is cleared.
    pub(super) fn notification() -> Self {
        let event = Self(Box::new(UnsafeCell::new(sys::KEVENT::default())));
        // SAFETY: the event is writable and nobody else has it.
        unsafe { nt::event::KeInitializeEvent(event.0.get(), 0, 0) };
        event
    }

    /// A synchronization event: once set it lets one waiter through.
    pub(super) fn synchronization() -> Self {
        let event = Self(Box::new(UnsafeCell::new(sys::KEVENT::default())));
        // SAFETY: as above.
        unsafe { nt::event::KeInitializeEvent(event.0.get(), 1, 0) };
        event
    }

    /// Signals it.
    pub(super) fn set(&self) {
        // SAFETY: initialised when made, at the same address since.
        unsafe { nt::event::KeSetEvent(self.0.get(), 0, 0) };
    }

    /// Ends the signal.
    pub(super) fn clear(&self) {
        // SAFETY: as in `set`.
        unsafe { nt::event::KeClearEvent(self.0.get()) };
    }

    /// Waits for the signal, however long it takes. Not above APC_LEVEL.
    pub(super) fn wait(&self) {
        self.wait_until(None);
    }

    /// Waits for the signal or for a time (units of 100 ns, negative for relative); false when the time passed.
    pub(super) fn wait_until(&self, timeout: Option<i64>) -> bool {
        let timeout = timeout.map(|QuadPart| sys::LARGE_INTEGER { QuadPart });
        let address = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the event is initialised and the time-out, if any, readable during the call.
        let status = unsafe { nt::wait::KeWaitForSingleObject(self.0.get().cast(), 0, 0, 0, address) };
        status != status::TIMEOUT
    }
}

/// Sends an IRP to a device (IofCallDriver).
pub(super) fn call_driver(device: usize, irp: Irp) -> Status {
    // SAFETY: the framework holds the IRP, whose next stack location it has filled.
    unsafe { nt::call::IofCallDriver(device as *mut _, irp.raw()) }
}

/// Completes an IRP (IofCompleteRequest).
pub(super) fn complete(irp: Irp, boost: i8) {
    // SAFETY: the framework holds the IRP and gives it up with this call.
    unsafe { nt::complete::IofCompleteRequest(irp.raw(), boost) };
}

/// Makes an IRP with as many stack locations as a device's stack needs.
pub(super) fn allocate_irp(target: usize) -> Option<Irp> {
    let target = target as *mut sys::DEVICE_OBJECT;
    // SAFETY: the target is a device object that the framework keeps a reference to, or that its own stack is on.
    let irp = unsafe { nt::irp::IoAllocateIrp((*target).StackSize, 0) };
    (!irp.is_null()).then(|| Irp::new(irp as usize))
}

/// Frees an IRP of [`allocate_irp`].
pub(super) fn free_irp(irp: Irp) {
    // SAFETY: the IRP was allocated by the framework and came back to it.
    unsafe { nt::irp::IoFreeIrp(irp.raw()) };
}

/// Releases the cancel spin lock that a cancel routine is entered with.
pub(super) fn release_cancel_spin_lock(irp: Irp) {
    nt::spin_lock::IoReleaseCancelSpinLock(irp.cancel_irql());
}

/// Runs a routine on a thread of its own at PASSIVE_LEVEL, once, for a device.
pub(super) struct WorkItem(usize);

impl WorkItem {
    /// Makes a work item of a device object.
    pub(super) fn new(device: usize) -> Option<Self> {
        let item = nt::work_item::IoAllocateWorkItem(device as *mut _);
        (!item.is_null()).then_some(Self(item as usize))
    }

    /// Queues it; not again before the routine has begun.
    pub(super) fn queue(&self, routine: extern "win64" fn(usize, usize), context: usize) {
        // SAFETY: the item is live and the routine has the type of an IO_WORKITEM_ROUTINE.
        unsafe {
            let routine = std::mem::transmute::<usize, sys::PIO_WORKITEM_ROUTINE>(routine as usize);
            nt::work_item::IoQueueWorkItem(
                self.0 as *mut _,
                routine,
                DELAYED_WORK_QUEUE,
                context as *mut c_void,
            );
        }
    }
}

impl Drop for WorkItem {
    fn drop(&mut self) {
        nt::work_item::IoFreeWorkItem(self.0 as *mut _);
    }
}

/// Runs a routine once on a thread of its own at PASSIVE_LEVEL, with a work item that goes with it.
pub(super) fn run_on_thread(device: usize, routine: extern "win64" fn(usize, usize), context: usize) {
    let Some(item) = WorkItem::new(device) else { return };
    let once = Box::new(Once { item, routine, context });
    let once = Box::into_raw(once);
    // SAFETY: the routine below takes the box back when it has run; nobody else has it.
    unsafe { (*once).item.queue(run_once, once as usize) };
}

struct Once {
    item: WorkItem,
    routine: extern "win64" fn(usize, usize),
    context: usize,
}

extern "win64" fn run_once(device: usize, once: usize) {
    // SAFETY: the address is that of the box that `run_on_thread` gave away, once.
    let once = unsafe { Box::from_raw(once as *mut Once) };
    (once.routine)(device, once.context);
}

/// Makes an MDL of a non-paged buffer.
pub(super) fn allocate_mdl(address: usize, length: usize) -> Option<usize> {
    // SAFETY: the buffer is the system buffer of an IRP that the framework holds; the MDL goes before it does.
    unsafe {
        let buffer = address as *mut c_void;
        let mdl = nt::memory_list::IoAllocateMdl(buffer, length as u32, 0, 0, std::ptr::null_mut());
        if mdl.is_null() {
            return None;
        }
        nt::memory_list::MmBuildMdlForNonPagedPool(mdl);
        Some(mdl as usize)
    }
}

/// Frees an MDL of [`allocate_mdl`]; 0 is none.
pub(super) fn free_mdl(mdl: usize) {
    if mdl != 0 {
        // SAFETY: allocated by the routine above, freed once.
        unsafe { nt::memory_list::IoFreeMdl(mdl as *mut sys::MDL) };
    }
}

/// What a device object is made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeviceKind {
    /// FILE_DEVICE_ code.
    pub(super) device_type: u32,
    /// Characteristics.
    pub(super) characteristics: u32,
    /// Whether one handle at a time may be open.
    pub(super) exclusive: bool,
}

/// Makes a device object of a driver.
pub(super) fn create_device(driver_object: usize, kind: &DeviceKind) -> Result<usize, Status> {
    let mut device = std::ptr::null_mut();
    let driver = driver_object as *mut sys::DRIVER_OBJECT;
    let (device_type, characteristics) = (kind.device_type, kind.characteristics);
    let exclusive = u8::from(kind.exclusive);
    // SAFETY: the driver object is the one that NT entered the driver with; `device` is writable.
    let status = unsafe {
        let name = std::ptr::null();
        nt::device::IoCreateDevice(driver, 0, name, device_type, characteristics, exclusive, &raw mut device)
    };
    if status::is_success(status) { Ok(device as usize) } else { Err(status) }
}

/// Puts a device on top of the stack of a physical device and returns the device that was the top.
pub(super) fn attach_device(device: usize, physical_device: usize) -> Option<usize> {
    // SAFETY: both are device objects: the framework's own and the one that AddDevice was called with.
    let below =
        unsafe { nt::device::IoAttachDeviceToDeviceStack(device as *mut _, physical_device as *mut _) };
    (!below.is_null()).then_some(below as usize)
}

/// Takes what is attached to a device off it.
pub(super) fn detach_device(below: usize) {
    // SAFETY: the framework attached its device there and the one below stays until it is detached.
    unsafe { nt::device::IoDetachDevice(below as *mut _) };
}

/// Deletes a device object of the framework's.
pub(super) fn delete_device(device: usize) {
    // SAFETY: the framework made it and deletes it once.
    unsafe { nt::device::IoDeleteDevice(device as *mut _) };
}

/// The flags of a device object.
pub(super) fn device_flags(device: usize) -> u32 {
    // SAFETY: the device is one that the framework's own is attached to, so it stays.
    unsafe { (*(device as *const sys::DEVICE_OBJECT)).Flags }
}

/// Adds flags and stack locations to a device object and ends its initialization.
pub(super) fn finish_device(device: usize, flags: u32, extra_locations: i8) {
    let device = device as *mut sys::DEVICE_OBJECT;
    // SAFETY: the framework made the device and is still inside AddDevice: nobody else uses it yet.
    unsafe {
        (*device).StackSize += extra_locations;
        (*device).Flags |= flags;
        (*device).Flags &= !DO_DEVICE_INITIALIZING;
    }
}

/// Runs `body` with the top of a physical device's stack, referenced for that time.
pub(super) fn with_top_of_stack(physical_device: usize, body: impl FnOnce(usize)) {
    // SAFETY: AddDevice was called with this device object.
    let top = unsafe { nt::device::IoGetAttachedDeviceReference(physical_device as *mut _) };
    body(top as usize);
    nt::object::ObfDereferenceObject(top.cast());
}

/// Tells the PnP manager to ask a device for its state.
pub(super) fn invalidate_device_state(physical_device: usize) {
    if let Some(routine) = *INVALIDATE_DEVICE_STATE {
        callback::call(routine, &[physical_device as u64]);
    }
}

/// IoInvalidateDeviceState, looked up as drivers look up what not every NT exports.
static INVALIDATE_DEVICE_STATE: LazyLock<Option<usize>> = LazyLock::new(|| {
    let name: Vec<u16> = "IoInvalidateDeviceState".encode_utf16().collect();
    let name = counted(&name);
    // SAFETY: the string lives during the call.
    let routine = unsafe { nt::system::MmGetSystemRoutineAddress(&raw const name) };
    (!routine.is_null()).then_some(routine as usize)
});

/// Registers a device interface and returns its name.
pub(super) fn register_device_interface(
    physical_device: usize,
    class: &sys::GUID,
    reference: &[u16],
) -> Result<Vec<u16>, Status> {
    let mut name = counted(&[]);
    let text = counted(reference);
    let reference = if reference.is_empty() { std::ptr::null() } else { std::ptr::from_ref(&text) };
    // SAFETY: the physical device stays; the other arguments live during the call.
    let status = unsafe {
        let device = physical_device as *mut _;
        nt::device_interface::IoRegisterDeviceInterface(device, class, reference, &raw mut name)
    };
    if !status::is_success(status) {
        return Err(status);
    }
    let units = super::driver_memory::units(name.Buffer as usize, usize::from(name.Length) / 2);
    // SAFETY: the string's buffer was allocated by the routine above for this.
    unsafe { nt::string::RtlFreeUnicodeString(&raw mut name) };
    Ok(units)
}

/// Enables or disables a device interface by its name.
pub(super) fn set_device_interface_state(name: &[u16], enable: bool) {
    let name = counted(name);
    // SAFETY: the string lives during the call. Enabling twice is no error.
    unsafe { nt::device_interface::IoSetDeviceInterfaceState(&raw const name, u8::from(enable)) };
}

/// A registry value as it is stored.
#[derive(Clone, Debug)]
pub(super) struct KeyValue {
    /// REG_ code.
    pub(super) kind: u32,
    /// Its bytes.
    pub(super) data: Vec<u8>,
}

/// Opens the hardware or software key of a physical device.
pub(super) fn open_device_key(physical_device: usize, kind: u32, access: u32) -> Result<usize, Status> {
    let mut key = std::ptr::null_mut();
    // SAFETY: the physical device stays; `key` is writable.
    let status = unsafe {
        nt::registry::IoOpenDeviceRegistryKey(physical_device as *mut _, kind, access, &raw mut key)
    };
    if status::is_success(status) { Ok(key as usize) } else { Err(status) }
}

/// Opens a key by its path, below another key or from the root (0).
pub(super) fn open_key(root: usize, path: &[u16], access: u32) -> Result<usize, Status> {
    let mut key = std::ptr::null_mut();
    let mut name = counted(path);
    let attributes = sys::OBJECT_ATTRIBUTES {
        Length: size_of::<sys::OBJECT_ATTRIBUTES>() as u32,
        RootDirectory: root as *mut c_void,
        ObjectName: &raw mut name,
        Attributes: OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE,
        SecurityDescriptor: std::ptr::null_mut(),
        SecurityQualityOfService: std::ptr::null_mut(),
    };
    // SAFETY: the attributes and what they point to live during the call; `key` is writable.
    let status = unsafe { nt::registry::ZwOpenKey(&raw mut key, access, &raw const attributes) };
    if status::is_success(status) { Ok(key as usize) } else { Err(status) }
}

/// Closes a key.
pub(super) fn close_key(key: usize) {
    nt::handle::ZwClose(key as *mut c_void);
}

/// Reads a value of an open key.
pub(super) fn query_key_value(key: usize, name: &[u16]) -> Result<KeyValue, Status> {
    let name = counted(name);
    let mut buffer = vec![0_u32; 64];
    loop {
        let mut length = 0;
        let room = (buffer.len() * 4) as u32;
        // SAFETY: the name lives during the call, the buffer has `room` bytes and `length` is writable.
        let status = unsafe {
            let (key, information) = (key as *mut c_void, buffer.as_mut_ptr().cast());
            let class = KEY_VALUE_PARTIAL;
            nt::registry::ZwQueryValueKey(key, &raw const name, class, information, room, &raw mut length)
        };
        match status {
            status::BUFFER_OVERFLOW | status::BUFFER_TOO_SMALL => {
                buffer.resize((length as usize).div_ceil(4), 0)
            }
            status if status::is_success(status) => {
                let bytes: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).collect();
                let data = bytes[PARTIAL_DATA..PARTIAL_DATA + buffer[2] as usize].to_vec();
                return Ok(KeyValue { kind: buffer[1], data });
            }
            status => return Err(status),
        }
    }
}

/// Writes a value of an open key.
pub(super) fn set_key_value(key: usize, name: &[u16], kind: u32, data: &[u8]) -> Status {
    let name = counted(name);
    // SAFETY: name and data live during the call.
    unsafe {
        let (key, bytes) = (key as *mut c_void, data.as_ptr().cast());
        nt::registry::ZwSetValueKey(key, &raw const name, 0, kind, bytes, data.len() as u32)
    }
}

/// Deletes a value of an open key.
pub(super) fn delete_key_value(key: usize, name: &[u16]) -> Status {
    let name = counted(name);
    // SAFETY: the name lives during the call.
    unsafe { nt::registry::ZwDeleteValueKey(key as *mut c_void, &raw const name) }
}

/// The current thread's object, which a driver finds at `gs:[0x188]`.
pub(super) fn current_thread() -> usize {
    crate::machine::current_thread() as usize
}

/// The processor's current level.
pub(super) fn current_irql() -> u8 {
    nt::irql::KeGetCurrentIrql()
}

/// Makes a free spin lock of a word that stays where it is.
pub(super) fn initialize_spin_lock(lock: &AtomicU64) {
    // SAFETY: the word is writable, and used through these routines only.
    unsafe { nt::spin_lock::KeInitializeSpinLock(lock.as_ptr()) };
}

/// Takes a spin lock and returns the IRQL from before.
pub(super) fn acquire_spin_lock(lock: &AtomicU64) -> u8 {
    // SAFETY: the word is a spin lock, initialised to zero, used through these routines only.
    unsafe { nt::spin_lock::KeAcquireSpinLockRaiseToDpc(lock.as_ptr()) }
}

/// Gives a spin lock back and lowers the IRQL.
pub(super) fn release_spin_lock(lock: &AtomicU64, before: u8) {
    // SAFETY: as above; the caller holds it.
    unsafe { nt::spin_lock::KeReleaseSpinLock(lock.as_ptr(), before) };
}

/// Waits until every DPC that was queued has run.
pub(super) fn flush_dpcs() {
    nt::dpc::KeFlushQueuedDpcs();
}

fn counted(units: &[u16]) -> sys::UNICODE_STRING {
    let bytes = (units.len() * 2) as u16;
    sys::UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units.as_ptr().cast_mut() }
}

const DO_DEVICE_INITIALIZING: u32 = 0x80;
const OBJ_CASE_INSENSITIVE: u32 = 0x40;
const OBJ_KERNEL_HANDLE: u32 = 0x200;
const KEY_VALUE_PARTIAL: i32 = 2;
/// Offset of the data in KEY_VALUE_PARTIAL_INFORMATION.
const PARTIAL_DATA: usize = 12;
const POOL_FLAG_NON_PAGED: u64 = 0x40;
const DELAYED_WORK_QUEUE: i32 = 1;
/// The framework's pool tag, "FxDr".
const TAG: u32 = u32::from_le_bytes(*b"FxDr");

//! The way to the PF: it is looked for, opened, asked for its interface, and every block is registered with it.
//!
//! ```text
//!   apart ──PF's interface arrives──► open ──registered──► connected
//!     ▲                                                       │ the PF may be removed
//!     └───────────── unregistered, given back, closed ◄───────┘
//! ```
//!
//! LOCK: one kernel mutex guards the state. No callback of the PF takes it, since unregistering waits for them under it.
#![expect(unsafe_code, reason = "the kernel's routines and the PF's interface take pointers")]

use core::{
    cell::UnsafeCell,
    ffi::c_void,
    ptr::null_mut,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering},
};

use backchannel::{
    NtStatus,
    abi::handler_interface::{
        PF_BACKCHANNEL_HANDLER_INTERFACE, PF_BACKCHANNEL_REGISTRATION, PF_BACKCHANNEL_REGISTRATION_VERSION,
        PF_BACKCHANNEL_STATUS_STILL_IN_USE,
    },
};
use wdk_sys::{KMUTEX, NT_SUCCESS, PDRIVER_OBJECT, PFILE_OBJECT};

use crate::{Operator, Plugin, Service, callbacks, kernel};

/// Takes what the plug-in is; once, before anything else.
///
/// # Errors
/// `STATUS_INVALID_PARAMETER` for more blocks than a plug-in may have.
pub(crate) fn describe(driver: PDRIVER_OBJECT, plugin: &'static Plugin) -> Result<(), NtStatus> {
    if plugin.services.len() > BLOCKS {
        return Err(NtStatus::INVALID_PARAMETER);
    }
    for (place, service) in CONNECTION.services.iter().zip(plugin.services) {
        place.store(core::ptr::from_ref(service).cast_mut(), Ordering::Release);
    }
    CONNECTION.plugin.store(core::ptr::from_ref(plugin).cast_mut(), Ordering::Release);
    CONNECTION.driver.store(driver.cast(), Ordering::Release);
    // SAFETY: the mutex lives for ever, and nobody uses it yet.
    unsafe { kernel::initialize_mutex(CONNECTION.lock.get()) };
    Ok(())
}

/// Gives who answers the plug-in's operator.
pub(crate) fn operator() -> Option<&'static dyn Operator> {
    plugin()?.operator
}

/// Begins to look for the PF; what is there already is opened at once. Nothing when that has begun.
///
/// # Errors
/// What registering for the PF's coming fails with.
pub(crate) fn connect() -> Result<(), NtStatus> {
    if CONNECTION.looking.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let driver = CONNECTION.driver.load(Ordering::Acquire).cast();
    // SAFETY: the driver object is the plug-in's own; the routine takes no context.
    match unsafe { kernel::notify_of_interfaces(driver, interface_changed) } {
        Ok(entry) => {
            CONNECTION.arrival.store(entry, Ordering::Release);
            Ok(())
        }
        Err(status) => {
            CONNECTION.looking.store(false, Ordering::Release);
            Err(status)
        }
    }
}

/// Looks for the PF no more, and gives up the one that is open; then no handler runs or will run.
pub(crate) fn disconnect() {
    if !CONNECTION.looking.load(Ordering::Acquire) {
        return;
    }
    kernel::notify_no_more(CONNECTION.arrival.swap(null_mut(), Ordering::AcqRel));
    let mut held = lock();
    CONNECTION.looking.store(false, Ordering::Release);
    let target = core::mem::take(&mut held.state().target);
    held.state().close();
    drop(held);
    // Waits for the routine, which takes the lock.
    kernel::notify_no_more(target);
}

/// Asks something of the PF while it cannot go.
///
/// # Errors
/// What `ask` fails with; `STATUS_DEVICE_NOT_READY` when no PF is there.
pub(crate) fn while_held<T>(ask: impl FnOnce() -> Result<T, NtStatus>) -> Result<T, NtStatus> {
    let held = lock();
    let answer = ask();
    drop(held);
    answer
}

pub(crate) fn publish(vf: u16, generation: Option<u32>, block: u32, content: &[u8]) -> Result<(), NtStatus> {
    let interface = interface()?;
    let handler = handler_of(block)?;
    let length = u32::try_from(content.len()).map_err(|_| NtStatus::INVALID_PARAMETER)?;
    let (service, bytes) = (interface.Context, content.as_ptr());
    let routines = interface.Publish.zip(interface.PublishInLife);
    let (publish, publish_in_life) = routines.ok_or(NtStatus::DEVICE_NOT_READY)?;
    checked(match generation {
        // SAFETY: the interface is held; the content has that length.
        None => unsafe { publish(service, handler, vf, bytes, length) },
        // SAFETY: as above.
        Some(generation) => unsafe { publish_in_life(service, handler, vf, generation, bytes, length) },
    })
}

pub(crate) fn invalidate(vf: u16, blocks: u64) -> Result<(), NtStatus> {
    let interface = interface()?;
    let invalidate = interface.Invalidate.ok_or(NtStatus::DEVICE_NOT_READY)?;
    // SAFETY: the interface is held.
    checked(unsafe { invalidate(interface.Context, vf, blocks) })
}

pub(crate) fn complete(ticket: u64, answer: Result<(), NtStatus>) -> Result<(), NtStatus> {
    let interface = interface()?;
    let complete = interface.Complete.ok_or(NtStatus::DEVICE_NOT_READY)?;
    let status = answer.err().unwrap_or(NtStatus::SUCCESS).raw();
    // SAFETY: the interface is held.
    checked(unsafe { complete(interface.Context, ticket, status) })
}

pub(crate) fn vf_count() -> Result<u16, NtStatus> {
    let interface = interface()?;
    let count = interface.QueryVfCount.ok_or(NtStatus::DEVICE_NOT_READY)?;
    // SAFETY: the interface is held.
    Ok(unsafe { count(interface.Context) })
}

/// Replaces the handler of a block; the lock is held.
pub(crate) fn replace(service: &'static Service) -> Result<(), NtStatus> {
    let interface = interface()?;
    let place = place_of(service.block.id()).ok_or(NtStatus::INVALID_PARAMETER)?;
    let handler = place.handler.load(Ordering::Acquire);
    let replace = interface.Replace.ok_or(NtStatus::DEVICE_NOT_READY)?;
    // SAFETY: the lock is held.
    let file = unsafe { &*CONNECTION.state.get() }.opened.file();
    let registration = registration(service, file);
    // SAFETY: the interface is held; the registration outlives the call, which copies it.
    checked(unsafe { replace(interface.Context, handler, &raw const registration) })?;
    place.service.store(core::ptr::from_ref(service).cast_mut(), Ordering::Release);
    Ok(())
}

/// The plug-in's one connection.
struct Connection {
    plugin: AtomicPtr<Plugin>,
    driver: AtomicPtr<c_void>,
    services: [AtomicPtr<Service>; BLOCKS],
    handlers: [AtomicU64; BLOCKS],
    looking: AtomicBool,
    arrival: AtomicPtr<c_void>,
    lock: UnsafeCell<KMUTEX>,
    /// INVARIANT: written under the lock, while no block is registered; so a callback may read it.
    interface: UnsafeCell<Option<PF_BACKCHANNEL_HANDLER_INTERFACE>>,
    /// INVARIANT: touched under the lock alone.
    state: UnsafeCell<State>,
}

// SAFETY: the cells are guarded as their invariants say.
unsafe impl Sync for Connection {}

struct State {
    opened: kernel::Opened,
    /// The registration for what becomes of the device that is open.
    target: *mut c_void,
    name: kernel::Name,
}

struct Place {
    service: &'static AtomicPtr<Service>,
    handler: &'static AtomicU64,
}

/// The lock, held.
struct Held {
    connection: &'static Connection,
}

fn lock() -> Held {
    // SAFETY: the mutex was initialised by `describe`, before the plug-in had a device.
    unsafe { kernel::acquire_mutex(CONNECTION.lock.get()) };
    Held { connection: &CONNECTION }
}

impl Held {
    fn state(&mut self) -> &mut State {
        // SAFETY: the lock is held, and this borrows it.
        unsafe { &mut *self.connection.state.get() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the lock was acquired when this was made.
        unsafe { kernel::release_mutex(self.connection.lock.get()) };
    }
}

impl State {
    /// Opens the device of the name and registers every block, or none.
    fn open(&mut self) -> Result<(), NtStatus> {
        self.opened.open(&mut self.name)?;
        let opened = self.register();
        if opened.is_err() {
            self.close();
        }
        opened
    }

    fn register(&mut self) -> Result<(), NtStatus> {
        let driver = CONNECTION.driver.load(Ordering::Acquire).cast();
        // SAFETY: the driver object is the plug-in's own; the file object is open.
        self.target = unsafe { kernel::notify_of_target(driver, self.opened.file(), target_changed) }?;
        let interface = self.opened.interface()?;
        // SAFETY: the lock is held, and no block is registered.
        unsafe { *CONNECTION.interface.get() = Some(interface) };
        let register = interface.Register.ok_or(NtStatus::DEVICE_NOT_READY)?;
        let services = CONNECTION.services.iter().zip(&CONNECTION.handlers);
        for (service, handler) in services {
            let Some(service) = service_behind(service) else { break };
            let registration = registration(service, self.opened.file());
            let mut number = 0;
            // SAFETY: the interface is held; both pointers outlive the call.
            checked(unsafe { register(interface.Context, &raw const registration, &raw mut number) })?;
            handler.store(number, Ordering::Release);
        }
        Ok(())
    }

    /// Ends the registrations and gives interface and handle back.
    fn close(&mut self) {
        if let Ok(interface) = interface() {
            for handler in &CONNECTION.handlers {
                let number = handler.load(Ordering::Acquire);
                let Some(unregister) = interface.Unregister.filter(|_| number != 0) else { continue };
                // A callback that does not end keeps its code in use: nothing of this driver may go before it.
                // SAFETY: the interface is held.
                while unsafe { unregister(interface.Context, number) } == PF_BACKCHANNEL_STATUS_STILL_IN_USE {
                }
                handler.store(0, Ordering::Release);
            }
            if let Some(dereference) = interface.InterfaceDereference {
                // SAFETY: the reference that the query took; no call follows.
                unsafe { dereference(interface.Context) };
            }
            // SAFETY: the lock is held, and no block is registered.
            unsafe { *CONNECTION.interface.get() = None };
        }
        self.opened.close();
    }
}

/// Hears of PFs that come; one that comes while another is open is left alone.
unsafe extern "C" fn interface_changed(news: *mut c_void, _context: *mut c_void) -> i32 {
    // SAFETY: the kernel's argument, of the kind that was registered for.
    if let Some(name) = unsafe { kernel::arrived(news) } {
        let mut held = lock();
        let state = held.state();
        if !state.opened.is_open() && state.target.is_null() {
            // SAFETY: the name lives as long as the notification.
            unsafe { state.name.copy(name) };
            // A PF that refuses is no PF for this plug-in: the next one may be.
            let _refused = state.open();
        }
    }
    0
}

/// Hears what becomes of the PF that is open: it may go only when its handle is closed.
unsafe extern "C" fn target_changed(news: *mut c_void, _context: *mut c_void) -> i32 {
    // SAFETY: the kernel's argument, of the kind that was registered for.
    let change = unsafe { kernel::target_change(news) };
    let mut held = lock();
    let state = held.state();
    state.close();
    let mut ended = null_mut();
    if change != kernel::TargetChange::MayGo && CONNECTION.looking.load(Ordering::Acquire) {
        ended = core::mem::take(&mut state.target);
        if change == kernel::TargetChange::Stays {
            let _refused = state.open();
        }
    }
    drop(held);
    kernel::notify_no_more(ended);
    0
}

fn plugin() -> Option<&'static Plugin> {
    // SAFETY: NULL or what `describe` was given.
    unsafe { CONNECTION.plugin.load(Ordering::Acquire).as_ref() }
}

fn service_behind(place: &AtomicPtr<Service>) -> Option<&'static Service> {
    // SAFETY: NULL or a reference that lives for ever.
    unsafe { place.load(Ordering::Acquire).as_ref() }
}

/// The interface, for a caller that holds the lock or is inside a callback.
fn interface() -> Result<&'static PF_BACKCHANNEL_HANDLER_INTERFACE, NtStatus> {
    // SAFETY: it is written under the lock while no callback can run.
    let interface = unsafe { &*CONNECTION.interface.get() };
    interface.as_ref().ok_or(NtStatus::DEVICE_NOT_READY)
}

fn place_of(block: u32) -> Option<Place> {
    let mut places = CONNECTION.services.iter().zip(&CONNECTION.handlers);
    let found =
        places.find(|(service, _)| service_behind(service).is_some_and(|one| one.block.id() == block));
    found.map(|(service, handler)| Place { service, handler })
}

fn handler_of(block: u32) -> Result<u64, NtStatus> {
    let place = place_of(block).ok_or(NtStatus::INVALID_PARAMETER)?;
    Ok(place.handler.load(Ordering::Acquire))
}

fn registration(service: &'static Service, file: PFILE_OBJECT) -> PF_BACKCHANNEL_REGISTRATION {
    PF_BACKCHANNEL_REGISTRATION {
        Size: u16::try_from(size_of::<PF_BACKCHANNEL_REGISTRATION>()).unwrap_or(0),
        Version: PF_BACKCHANNEL_REGISTRATION_VERSION,
        Reserved: 0,
        Schema: service.block.schema(),
        HandlerContext: core::ptr::from_ref(service).cast_mut().cast(),
        Write: Some(callbacks::write),
        Read: Some(callbacks::read),
        VfEvent: Some(callbacks::vf_event),
        FileObject: file.cast(),
        DriverObject: CONNECTION.driver.load(Ordering::Acquire),
    }
}

fn checked(status: i32) -> Result<(), NtStatus> {
    if NT_SUCCESS(status) { Ok(()) } else { Err(NtStatus::from_raw(status)) }
}

/// How many blocks a plug-in registers.
const BLOCKS: usize = 8;
static CONNECTION: Connection = Connection {
    plugin: AtomicPtr::new(null_mut()),
    driver: AtomicPtr::new(null_mut()),
    services: [const { AtomicPtr::new(null_mut()) }; BLOCKS],
    handlers: [const { AtomicU64::new(0) }; BLOCKS],
    looking: AtomicBool::new(false),
    arrival: AtomicPtr::new(null_mut()),
    // SAFETY: a mutex of zeroes is what `describe` initialises.
    lock: UnsafeCell::new(unsafe { core::mem::zeroed() }),
    interface: UnsafeCell::new(None),
    state: UnsafeCell::new(State {
        opened: kernel::Opened::NONE,
        target: null_mut(),
        name: kernel::Name::EMPTY,
    }),
};

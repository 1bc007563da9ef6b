//! Handlers of other drivers: registered, replaced and unregistered while VFs call, and gone when their owner is.
//!
//! A registration has a place ([`Plugin`]), and the engine's [`Places`] say who may touch it. Whoever ends a registration does
//! so in two steps: the engine lets nobody in any more, then waits for those inside. What could not be awaited (a callback
//! that does not return; an owner that leaves from inside its own callback) keeps its place, and with it its driver's code,
//! and is looked at again whenever something here is called.
#![expect(unsafe_code, reason = "places are filled and emptied by who is alone with them")]

use core::sync::atomic::{AtomicUsize, Ordering};

use backchannel::{
    BlockHandler, BlockId, LateHandlers, Leaving, MILLISECOND, NtStatus, PlaceState, Places, Platform,
    SECOND, Service, UnregisterError,
    abi::{
        NTSTATUS,
        handler_interface::{
            PF_BACKCHANNEL_HANDLER, PF_BACKCHANNEL_REGISTRATION, PF_BACKCHANNEL_REGISTRATION_VERSION,
            PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK, PF_BACKCHANNEL_STATUS_FOREIGN_FILE,
            PF_BACKCHANNEL_STATUS_NO_DRIVER, PF_BACKCHANNEL_STATUS_NOT_REGISTERED,
            PF_BACKCHANNEL_STATUS_NULL_CALLBACK, PF_BACKCHANNEL_STATUS_OTHER_SCHEMA,
            PF_BACKCHANNEL_STATUS_OWN_CALLBACK, PF_BACKCHANNEL_STATUS_RESERVED_NOT_ZERO,
            PF_BACKCHANNEL_STATUS_TABLE_FULL, PF_BACKCHANNEL_STATUS_WRONG_VERSION, register_status,
            schema_status, unregister_status,
        },
    },
};

use crate::{
    irql::pause,
    kernel_object::{DriverReference, is_file_on},
    pf::{Pf, Serving},
    plugin::Plugin,
    storage::Zeroed,
    wdf::irp::File,
};

/// How many handlers can come at run time: as many as there are blocks.
const PLACES: usize = 64;

/// How long ending a registration waits for callbacks that are running.
const PATIENCE: u64 = 30 * SECOND;

/// The handlers of other drivers. Zeros are none.
pub(crate) struct Plugins {
    places: Places<PLACES>,
    handlers: [Plugin; PLACES],
    /// The physical device object of the PF, to recognise its files by; 0 when the device is gone.
    physical_device: AtomicUsize,
}

// SAFETY: zero is no handlers: vacant places, and cells that are not looked at before they are filled.
unsafe impl Zeroed for Plugins {}

impl LateHandlers for Plugins {
    fn handler(&self, place: u8) -> Option<&dyn BlockHandler> {
        let plugin: &dyn BlockHandler = self.handlers.get(usize::from(place))?;
        Some(plugin)
    }
}

/// A registration that was checked.
struct Checked {
    schema: backchannel::Schema,
    driver: DriverReference,
}

impl Plugins {
    /// Takes registrations with files of a device from now on.
    pub(crate) fn open(&self, physical_device: usize) {
        self.physical_device.store(physical_device, Ordering::Release);
    }

    /// Says whether nobody has registered anything.
    pub(crate) fn are_none(&self) -> bool {
        self.places.are_vacant()
    }

    /// The block of a registration.
    pub(crate) fn block(&self, number: PF_BACKCHANNEL_HANDLER) -> Option<BlockId> {
        self.places.find(number).map(|(_, block)| block)
    }

    /// How often the handler of a registration was blamed for what its calls showed, and what for.
    pub(crate) fn blames(&self, number: PF_BACKCHANNEL_HANDLER) -> (u32, u32) {
        let place = self.places.find(number).and_then(|(place, _)| self.plugin(place));
        place.map_or((0, 0), Plugin::blames)
    }

    fn plugin(&self, place: u8) -> Option<&Plugin> {
        self.handlers.get(usize::from(place))
    }

    /// Every place with its state and the number of its registration.
    fn states(&self) -> impl Iterator<Item = (u8, &Plugin, PlaceState, u64)> {
        (0..=u8::MAX).zip(&self.handlers).map(|(place, plugin)| {
            let (state, number) = self.places.state(place);
            (place, plugin, state, number)
        })
    }

    /// Checks everything that needs no table.
    ///
    /// # Safety
    /// The file object and the driver object of the registration are the kernel's, and stay during this call.
    unsafe fn check(&self, registration: &PF_BACKCHANNEL_REGISTRATION) -> Result<Checked, NTSTATUS> {
        if registration.Version != PF_BACKCHANNEL_REGISTRATION_VERSION {
            return Err(PF_BACKCHANNEL_STATUS_WRONG_VERSION);
        }
        if registration.Reserved != 0 || registration.Schema.has_unknown_flags() {
            return Err(PF_BACKCHANNEL_STATUS_RESERVED_NOT_ZERO);
        }
        let callbacks = addresses(registration);
        if callbacks.contains(&None) {
            return Err(PF_BACKCHANNEL_STATUS_NULL_CALLBACK);
        }
        // SAFETY: our caller.
        let driver = unsafe { DriverReference::new(registration.DriverObject) }
            .ok_or(PF_BACKCHANNEL_STATUS_NO_DRIVER)?;
        if !callbacks.into_iter().flatten().all(|callback| driver.contains(callback)) {
            return Err(PF_BACKCHANNEL_STATUS_FOREIGN_CALLBACK);
        }
        let device = self.physical_device.load(Ordering::Acquire);
        if device == 0 {
            return Err(NtStatus::DEVICE_NOT_READY.raw());
        }
        // SAFETY: our caller.
        if !unsafe { is_file_on(registration.FileObject, device) } {
            return Err(PF_BACKCHANNEL_STATUS_FOREIGN_FILE);
        }
        let schema = registration.Schema.checked().map_err(schema_status)?;
        Ok(Checked { schema, driver })
    }

    /// Claims and fills a place, under a new number or that of the registration it is to replace.
    fn fill(
        &self,
        registration: &PF_BACKCHANNEL_REGISTRATION,
        checked: Checked,
        replacing: Option<u64>,
    ) -> Result<(u8, u64), NTSTATUS> {
        let block = checked.schema.id();
        let (place, number) = self.places.claim(block, replacing).ok_or(PF_BACKCHANNEL_STATUS_TABLE_FULL)?;
        if let Some(plugin) = self.plugin(place) {
            // SAFETY: the place was claimed just now; the callbacks were checked to be code of the driver that is referenced.
            unsafe { plugin.fill(number, block, registration, checked.driver) };
        }
        Ok((place, number))
    }

    /// Empties a place whose handler does not run and will not run.
    fn vacate(&self, place: u8, from: PlaceState) {
        if let Some(plugin) = self.plugin(place) {
            // SAFETY: the caller brought the place into `Filling` or `Changing`, and the engine let its handler leave.
            unsafe { plugin.empty() };
        }
        let _always = self.places.go_on(place, from, PlaceState::Vacant);
    }
}

#[expect(clippy::as_conversions, reason = "there is no other way from a function to its address")]
fn addresses(registration: &PF_BACKCHANNEL_REGISTRATION) -> [Option<usize>; 3] {
    [
        registration.Write.map(|callback| callback as usize),
        registration.Read.map(|callback| callback as usize),
        registration.VfEvent.map(|callback| callback as usize),
    ]
}

impl Pf {
    /// Registers a handler of another driver.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// See the header.
    ///
    /// # Safety
    /// The file object and the driver object of the registration are the kernel's, and stay during this call.
    pub(crate) unsafe fn register(
        &self,
        registration: &PF_BACKCHANNEL_REGISTRATION,
    ) -> Result<PF_BACKCHANNEL_HANDLER, NTSTATUS> {
        let (plugins, serving) = self.late()?;
        // SAFETY: our caller.
        let checked = unsafe { plugins.check(registration) }?;
        self.look_again();
        let schema = checked.schema;
        let (place, number) = plugins.fill(registration, checked, None)?;
        match serving.engine.register(&schema, self.service(place)) {
            Ok(()) => {
                let _always = plugins.places.go_on(place, PlaceState::Filling, PlaceState::Serving);
                Ok(number)
            }
            Err(error) => {
                plugins.vacate(place, PlaceState::Filling);
                Err(register_status(error))
            }
        }
    }

    /// Puts another handler into the place of a registered one.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// See the header.
    ///
    /// # Safety
    /// As for [`Pf::register`].
    pub(crate) unsafe fn replace(
        &self,
        number: PF_BACKCHANNEL_HANDLER,
        registration: &PF_BACKCHANNEL_REGISTRATION,
    ) -> Result<(), NTSTATUS> {
        let (plugins, serving) = self.late()?;
        // SAFETY: our caller.
        let checked = unsafe { plugins.check(registration) }?;
        let kernel = serving.kernel();
        self.look_again();
        let block = plugins.block(number).ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
        if self.schema(block) != Some(checked.schema) {
            return Err(PF_BACKCHANNEL_STATUS_OTHER_SCHEMA);
        }
        if serving.engine.is_own_callback(block, &kernel) {
            return Err(PF_BACKCHANNEL_STATUS_OWN_CALLBACK);
        }
        let (new, _) = plugins.fill(registration, checked, Some(number))?;
        let begun = match plugins.places.begin_change(number) {
            Some((old, _, PlaceState::Serving)) => serving
                .engine
                .begin_replace(block, self.service(new), &kernel)
                .map(|leaving| (old, leaving))
                .map_err(|error| {
                    let _always = plugins.places.go_on(old, PlaceState::Changing, PlaceState::Serving);
                    unregister_status(error)
                }),
            Some((old, _, state)) => {
                let _always = plugins.places.go_on(old, PlaceState::Changing, state);
                Err(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)
            }
            None => Err(PF_BACKCHANNEL_STATUS_NOT_REGISTERED),
        };
        match begun {
            Ok((old, leaving)) => {
                let _always = plugins.places.go_on(new, PlaceState::Filling, PlaceState::Serving);
                self.await_left(old, leaving, PlaceState::Replaced, PATIENCE)?;
                self.await_replaced(number)
            }
            Err(status) => {
                plugins.vacate(new, PlaceState::Filling);
                Err(status)
            }
        }
    }

    /// Ends a registration.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    ///
    /// # Errors
    /// See the header.
    pub(crate) fn unregister(&self, number: PF_BACKCHANNEL_HANDLER) -> Result<(), NTSTATUS> {
        let (plugins, serving) = self.late()?;
        let is_own = |block| serving.engine.is_own_callback(block, &serving.kernel());
        if plugins.block(number).is_some_and(is_own) {
            return Err(PF_BACKCHANNEL_STATUS_OWN_CALLBACK);
        }
        let (place, block, state) =
            plugins.places.begin_change(number).ok_or(PF_BACKCHANNEL_STATUS_NOT_REGISTERED)?;
        self.end(place, block, state, PlaceState::Leaving, PATIENCE)?;
        self.await_replaced(number)
    }

    /// Ends all registrations that were made with a file, which is closed: nobody is there to ask again.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn end_registrations_of(&self, file: File) {
        self.end_registrations(|plugin| plugin.is_of(file));
    }

    /// Ends all registrations: the device is gone.
    ///
    /// IRQL: `PASSIVE_LEVEL`.
    pub(crate) fn end_all_registrations(&self) {
        if let Ok((plugins, _)) = self.late() {
            plugins.physical_device.store(0, Ordering::Release);
        }
        self.end_registrations(|_| true);
    }

    fn end_registrations(&self, is_it: impl Fn(&Plugin) -> bool) {
        let Ok((plugins, serving)) = self.late() else { return };
        let kernel = serving.kernel();
        let until = kernel.now().saturating_add(PATIENCE);
        for (place, plugin, _, _) in plugins.states() {
            while is_it(plugin) && kernel.now() < until {
                let (state, _) = plugins.places.state(place);
                match state {
                    PlaceState::Vacant | PlaceState::Filling | PlaceState::Orphaned => break,
                    // Its owner is about it in another thread: until that has ended, a callback may run.
                    PlaceState::Changing => pause(MILLISECOND),
                    PlaceState::Serving | PlaceState::Leaving | PlaceState::Replaced => {
                        if !plugins.places.go_on(place, state, PlaceState::Changing) {
                            continue;
                        }
                        let block = plugins.places.block(place);
                        // Who leaves from inside its own callback cannot be awaited here.
                        let is_own = serving.engine.is_own_callback(block, &kernel);
                        let patience = if is_own { 0 } else { until.saturating_sub(kernel.now()) };
                        let _status = self.end(place, block, state, PlaceState::Orphaned, patience);
                        break;
                    }
                }
            }
        }
    }

    /// Ends what a place in `Changing` holds; it goes on to `otherwise` if a callback is still running.
    fn end(
        &self,
        place: u8,
        block: BlockId,
        from: PlaceState,
        otherwise: PlaceState,
        patience: u64,
    ) -> Result<(), NTSTATUS> {
        let (plugins, serving) = self.late()?;
        let begun = if from == PlaceState::Serving {
            serving.engine.begin_unregister(block)
        } else {
            // SAFETY: the place is ours alone, and was filled.
            let kept = plugins.plugin(place).and_then(|plugin| unsafe { plugin.swap_leaving(None) });
            kept.ok_or(UnregisterError::NotRegistered)
        };
        match begun {
            Ok(leaving) => self.await_left(place, leaving, otherwise, patience),
            Err(error) => {
                plugins.vacate(place, PlaceState::Changing);
                Err(unregister_status(error))
            }
        }
    }

    /// Waits until the handler at a place in `Changing` has left, and vacates the place; it goes on to `otherwise` if not.
    fn await_left(
        &self,
        place: u8,
        leaving: Leaving,
        otherwise: PlaceState,
        patience: u64,
    ) -> Result<(), NTSTATUS> {
        let (plugins, serving) = self.late()?;
        let kernel = serving.kernel();
        match serving.engine.finish(leaving, kernel.now().saturating_add(patience), &kernel) {
            Ok(()) => {
                plugins.vacate(place, PlaceState::Changing);
                Ok(())
            }
            Err(error) => {
                if let Some(plugin) = plugins.plugin(place) {
                    // SAFETY: the place is ours alone but for the callback that runs, and was filled.
                    let _none = unsafe { plugin.swap_leaving(Some(leaving)) };
                }
                let _always = plugins.places.go_on(place, PlaceState::Changing, otherwise);
                Err(unregister_status(error))
            }
        }
    }

    /// Waits for handlers that others have replaced under the same number.
    fn await_replaced(&self, number: PF_BACKCHANNEL_HANDLER) -> Result<(), NTSTATUS> {
        self.look_at(PATIENCE, |state, found| state == PlaceState::Replaced && found == number)
    }

    /// Looks whether handlers that could not be awaited have left by now.
    fn look_again(&self) {
        let _still_in_use =
            self.look_at(0, |state, _| matches!(state, PlaceState::Replaced | PlaceState::Orphaned));
    }

    fn look_at(&self, patience: u64, is_it: impl Fn(PlaceState, u64) -> bool) -> Result<(), NTSTATUS> {
        let (plugins, _) = self.late()?;
        let mut ended = Ok(());
        for (place, _, state, number) in plugins.states() {
            if is_it(state, number) && plugins.places.go_on(place, state, PlaceState::Changing) {
                let block = plugins.places.block(place);
                ended = ended.and(self.end(place, block, state, state, patience));
            }
        }
        ended
    }

    /// The handlers of other drivers, and the engine that calls them.
    fn late(&self) -> Result<(&Plugins, &Serving), NTSTATUS> {
        let none = const { NtStatus::DEVICE_NOT_READY.raw() };
        Ok((self.plugins().ok_or(none)?, self.serving().ok_or(none)?))
    }

    fn service(&self, place: u8) -> Service {
        Service::Handler(self.first_late_handler().saturating_add(place))
    }
}

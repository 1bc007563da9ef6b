//! The parent partition put together: the PF's driver, the VSP, and the guests.
//!
//! ```text
//!   guest ── VF driver ── VPCI bus driver ══ channel ══ VSP ── interface ── the image under test
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::guest::vf::VfDriver;
use crate::nt::status::{self, Status};
use crate::pci_bus::Function;
use crate::pnp::{self, DeviceRef, DriverRef};
use crate::vmbus::channel::End;
use crate::vmbus::message::Slot;
use crate::vpci::device::VfDevice;
use crate::vpci::link::{Client, Link};
use crate::vsp::provider::Provider;
use crate::vsp::service;

/// A booted machine with one device whose driver is judged.
#[derive(Debug)]
pub struct Partition {
    image: PathBuf,
    vfs: Vfs,
    setup: Setup,
    client: Client,
    pf: Option<LoadedPf>,
    // Dropped in this order: VF drivers before their devices, and those after their channels.
    vsp: Provider,
    guests: BTreeMap<u16, Guest>,
}

/// How many VFs a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vfs {
    /// TotalVFs of its SR-IOV capability.
    pub total: u16,
    /// NumVFs of its hardware key, where there is such a value.
    pub number: Option<u32>,
}

impl Vfs {
    /// As many as are asked for, all of them in use.
    pub fn all(count: u16) -> Self {
        Self { total: count, number: Some(count.into()) }
    }
}

/// What else is unlike an ordinary machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// Further DWORDs of the device's hardware key.
    pub values: Vec<(String, u32)>,
    /// The device's interrupt is a line, not a message.
    pub line_interrupt: bool,
    /// The function driver of the device, which then lies below the driver under test.
    pub below: Option<PathBuf>,
}

/// A guest with one VF.
#[derive(Debug)]
pub struct Guest {
    /// The VF's driver; dropped first, since it holds the bus's interface.
    pub driver: VfDriver,
    /// The VF's device.
    pub device: VfDevice,
}

/// Who decided how an operation of a guest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    /// The guest's own bus driver; nothing was sent.
    Vpci,
    /// The VSP; the PF was not asked.
    Vsp,
    /// The PF's driver.
    Pf,
    /// A plug-in driver, or what loads and unloads it.
    Plugin,
}

#[derive(Debug)]
struct LoadedPf {
    driver: DriverRef,
    below: Option<DriverRef>,
    /// Until it is removed.
    device: Option<Arc<DeviceRef>>,
}

impl Partition {
    /// Boots the machine; the calling thread becomes one of its kernel threads.
    ///
    /// The driver is not loaded yet: see [`Partition::load`].
    pub fn boot(image: PathBuf, vfs: Vfs, client: Client) -> Self {
        pnp::boot();
        let (vsp, guests) = Default::default();
        Self { image, vfs, setup: Setup::default(), client, pf: None, vsp, guests }
    }

    /// Makes the machine another one, from the next load on.
    pub fn set_up(&mut self, setup: Setup) {
        self.setup = setup;
    }

    /// Loads the driver, adds the device, starts it, and lets VSP and guests have it.
    ///
    /// What a failure leaves half-made is taken down again.
    ///
    /// # Errors
    ///
    /// STATUS_IMAGE_ALREADY_LOADED, or the status with which a step failed.
    pub fn load(&mut self) -> Result<(), Status> {
        if self.pf.is_some() {
            return Err(IMAGE_ALREADY_LOADED);
        }
        let below = self.setup.below.as_ref().map(|image| pnp::load_driver(SERVICE_BELOW, image));
        let below = below.transpose().map_err(|error| error.status())?;
        let driver = match pnp::load_driver(SERVICE, &self.image) {
            Ok(driver) => driver,
            Err(error) => {
                unload_all(below);
                return Err(error.status());
            }
        };
        let stack: Vec<&DriverRef> = below.iter().chain([&driver]).collect();
        let device = match pnp::add_device_stack(&stack, self.function()) {
            Ok(device) => device,
            Err(status) => {
                unload_all([driver].into_iter().chain(below));
                return Err(status);
            }
        };
        let started = pnp::start(&device);
        self.pf = Some(LoadedPf { driver, below, device: Some(Arc::new(device)) });
        let ready = if started == status::SUCCESS { self.vsp.take_pf() } else { Err(started) };
        if let Err(status) = ready {
            self.unload()?;
            return Err(status);
        }
        for (vf, guest) in &mut self.guests {
            guest.device.connect(self.vsp.offer(guest.device.link().slot(), *vf));
        }
        Ok(())
    }

    /// Removes the device as [`Partition::remove`] does, unless that is done, and unloads the driver.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when it is not loaded.
    pub fn unload(&mut self) -> Result<(), Status> {
        // Removed already: nothing is left to take away.
        let _removed = self.remove();
        let LoadedPf { driver, below, .. } = self.pf.take().ok_or(status::DEVICE_NOT_READY)?;
        unload_all([driver].into_iter().chain(below));
        Ok(())
    }

    /// Takes the device from the guests, gives the interface back, and removes the device.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no device.
    ///
    /// # Panics
    ///
    /// When somebody else still has what [`Partition::device`] gave.
    pub fn remove(&mut self) -> Result<(), Status> {
        let loaded = self.pf.as_mut().ok_or(status::DEVICE_NOT_READY)?;
        let device = loaded.device.take().ok_or(status::DEVICE_NOT_READY)?;
        self.vsp.withdraw();
        self.vsp.release_pf();
        pnp::remove(Arc::into_inner(device).expect("nobody has the device any more"));
        Ok(())
    }

    /// Asks whether the device can be removed once the VSP has given back its handle and its interface, as it does when PnP
    /// tells it of the question; it takes both again if the device stays.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no device; the status with which the PF is not taken again.
    pub fn query_remove_released(&mut self) -> Result<Status, Status> {
        let device = self.device()?;
        self.vsp.release_pf();
        let status = pnp::query_remove(&device);
        if !status::is_success(status) {
            self.vsp.take_pf()?;
        }
        Ok(status)
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is none.
    pub fn device(&self) -> Result<Arc<DeviceRef>, Status> {
        self.pf.as_ref().and_then(|pf| pf.device.clone()).ok_or(status::DEVICE_NOT_READY)
    }

    /// Whether there is a device that the VSP can offer.
    pub fn has_device(&self) -> bool {
        self.device().is_ok()
    }

    /// The VSP.
    pub fn vsp(&self) -> &Provider {
        &self.vsp
    }

    /// Has the VSP keep a request for invalidations at the PF.
    ///
    /// # Errors
    ///
    /// STATUS_DEVICE_NOT_READY when there is no PF.
    pub fn listen(&mut self) -> Result<(), Status> {
        self.vsp.listen()
    }

    /// Offers a VF to a guest that is played by hand, and returns the guest's end of the channel.
    ///
    /// # Panics
    ///
    /// When the VF has a guest already.
    pub fn offer(&mut self, slot: Slot, vf: u16) -> End {
        self.vsp.offer(slot, vf)
    }

    /// Lets a guest's VF driver act, and says who decided how it ended; the guest is made if there is none.
    ///
    /// Nothing else may use the guest meanwhile.
    pub fn let_guest<T>(&mut self, vf: u16, act: impl FnOnce(&VfDriver) -> T) -> (T, Decider) {
        let guest = self.guest(vf);
        let ejected = guest.device.link().is_ejected();
        let decisions =
            |partition: &Self| partition.vsp.offer_of(vf).map_or((0, None), |offer| offer.decisions());
        let before = decisions(self).0;
        let value = act(&self.guests[&vf].driver);
        let (after, last) = decisions(self);
        let decider = match last {
            // The VSP took the device away: the bus driver only says so.
            _ if ejected => Decider::Vsp,
            Some(service::Decider::Vsp) if after != before => Decider::Vsp,
            Some(service::Decider::Pf) if after != before => Decider::Pf,
            _ => Decider::Vpci,
        };
        (value, decider)
    }

    /// Takes a guest out, to act on a thread of its own; the guest is made if there is none.
    pub fn take_guest(&mut self, vf: u16) -> Guest {
        self.guest(vf);
        self.guests.remove(&vf).expect("just made")
    }

    /// Puts a guest back.
    pub fn put_guest(&mut self, vf: u16, guest: Guest) {
        self.guests.insert(vf, guest);
    }

    fn guest(&mut self, vf: u16) -> &Guest {
        if !self.guests.contains_key(&vf) {
            // The guest's name for the device: no VF index, and not all guests' are alike.
            let slot = Slot::new(2 + (vf % 30) as u8, 0);
            let mut device = VfDevice::new(Link::new(slot, self.client));
            if self.has_device() {
                device.connect(self.vsp.offer(slot, vf));
            }
            let driver = VfDriver::new(&device);
            self.guests.insert(vf, Guest { driver, device });
        }
        &self.guests[&vf]
    }

    fn function(&self) -> Function {
        Function {
            vendor: VENDOR,
            device: DEVICE,
            vf_device: VF_DEVICE,
            total_vfs: self.vfs.total,
            num_vfs: self.vfs.number,
            values: self.setup.values.clone(),
            line_interrupt: self.setup.line_interrupt,
        }
    }
}

/// Unloads drivers, from the top of their stack down.
fn unload_all(drivers: impl IntoIterator<Item = DriverRef>) {
    drivers.into_iter().for_each(pnp::unload);
}

impl Drop for Partition {
    /// Ends in order, so that what the driver leaves behind is found.
    fn drop(&mut self) {
        if self.pf.is_some() {
            self.unload().expect("it is loaded");
        }
    }
}

const SERVICE: &str = "pf_backchannel";
const SERVICE_BELOW: &str = "function_driver";
const IMAGE_ALREADY_LOADED: Status = 0xC000_010E_u32.cast_signed();
/// ConnectX-5 and its VFs, which the worked example's protocol is of.
const VENDOR: u16 = 0x15B3;
const DEVICE: u16 = 0x1017;
const VF_DEVICE: u16 = 0x1018;

//! A machine with the WDM driver loaded, its device started and opened.

use std::path::Path;
use std::time::Duration;

use parent_partition::nt::control::Control;
use parent_partition::nt::{device_interface, file, status};
use parent_partition::pci_bus::Function;
use parent_partition::pnp::{self, DeviceRef, DriverRef};
use parent_partition::sys::{FILE_OBJECT, GUID};

use crate::driver;

/// A loaded driver with a started, opened device.
pub(crate) struct Machine {
    pub(crate) driver: DriverRef,
    pub(crate) device: DeviceRef,
    pub(crate) file: *mut FILE_OBJECT,
}

impl Machine {
    /// The driver as it is, with its device.
    pub(crate) fn started() -> Self {
        Self::of(&driver::build("wdm.c"))
    }

    /// An image of the driver, with its device.
    pub(crate) fn of(image: &Path) -> Self {
        pnp::boot();
        let driver = pnp::load_driver("wdm", image).expect("the driver loads");
        let device = pnp::add_device(&driver, FUNCTION).expect("the driver adds its device");
        assert!(device_interface::enabled_of(&CLASS).is_empty());
        assert_eq!(pnp::start(&device), status::SUCCESS);
        let path = device_interface::enabled_of(&CLASS).pop().expect("the interface is enabled");
        let file = file::open_path(&path).expect("the device opens");
        Self { driver, device, file }
    }

    /// Has a story told that takes nothing; its status and its answer.
    pub(crate) fn story(&self, number: u32) -> (i32, Vec<u8>) {
        let (outcome, data) = control(number, &[], 4).run(self.file);
        (outcome.status, data)
    }

    /// Closes, removes, unloads.
    pub(crate) fn end(self) {
        file::close_handle(self.file);
        pnp::remove(self.device);
        assert!(device_interface::enabled_of(&CLASS).is_empty());
        pnp::unload(self.driver);
    }
}

/// A request of a story, with its buffers.
pub(crate) fn control(story: u32, input: &[u8], output: usize) -> Control {
    Control { code: code(story), internal: false, user: true, input: input.to_vec(), output }
}

/// The control code of a story.
pub(crate) fn code(story: u32) -> u32 {
    0x22 << 16 | (0x800 + story) << 2
}

/// How its buffers travel, added to a control code.
pub(crate) const METHOD_OUT_DIRECT: u32 = 2;
/// How its buffers travel, added to a control code.
pub(crate) const METHOD_NEITHER: u32 = 3;
/// The function that the device is.
pub(crate) const FUNCTION: Function = Function {
    vendor: 0x1234,
    device: 0x5678,
    vf_device: 0x5679,
    total_vfs: 8,
    num_vfs: Some(5),
    values: Vec::new(),
    line_interrupt: false,
};
/// Longer than any request takes that is not forgotten.
pub(crate) const SOON: Duration = Duration::from_secs(5);
/// The class of the device's interface.
pub(crate) const CLASS: GUID =
    GUID { Data1: 0x5a1f_0c3e, Data2: 0x0b1d, Data3: 0x4c55, Data4: [0x9e, 0x21, 1, 2, 3, 4, 5, 6] };

//! Foreign drivers beside the one under test: those that register handlers with it at run time.
//!
//! Each is loaded as a service of its own, named after its file. One with an add-device routine gets a device that the root
//! enumerates; one without makes its own devices. How it finds the PF is its own affair: the simulator only serves the
//! kernel's routines for it.

use std::path::{Path, PathBuf};

use crate::image::Image;
use crate::nt::control::{Control, Data};
use crate::nt::request::Sent;
use crate::nt::status::{self, Status};
use crate::nt::{file, handle};
use crate::pnp::{self, DeviceRef, DriverRef, LoadError};

/// The plug-in drivers of a run.
#[derive(Debug, Default)]
pub struct Plugins {
    all: Vec<Plugin>,
}

/// One plug-in driver.
#[derive(Debug)]
struct Plugin {
    name: String,
    path: PathBuf,
    loaded: Option<Loaded>,
    /// What it was when it was unloaded without being judged; it may have left handles open.
    abandoned: Vec<&'static Image>,
}

#[derive(Debug)]
struct Loaded {
    driver: DriverRef,
    device: Option<DeviceRef>,
    /// Address of the file object that requests to it are sent to; opened for the first one.
    file: Option<usize>,
}

impl Plugins {
    /// The plug-ins of these files; none is loaded yet.
    ///
    /// # Errors
    ///
    /// A file does not exist, has no name, or has another's name; the text says which.
    pub fn new(files: &[PathBuf]) -> Result<Self, String> {
        let mut all: Vec<Plugin> = Vec::new();
        for path in files {
            let name = name_of(path).ok_or_else(|| format!("{} is no driver's file", path.display()))?;
            if !path.is_file() {
                return Err(format!("{} does not exist", path.display()));
            }
            if all.iter().any(|plugin| plugin.name == name) {
                return Err(format!("two plug-ins have the name {name}: it is what a script calls them by"));
            }
            all.push(Plugin { name, path: path.clone(), loaded: None, abandoned: Vec::new() });
        }
        Ok(Self { all })
    }

    /// Loads all, in order.
    ///
    /// # Errors
    ///
    /// The first that does not load, and why.
    pub fn load_all(&mut self) -> Result<(), String> {
        let names: Vec<String> = self.all.iter().map(|plugin| plugin.name.clone()).collect();
        names.iter().try_for_each(|name| {
            self.load(name).map_err(|status| format!("the plug-in {name} does not load: {status:#010x}"))
        })
    }

    /// Loads a plug-in, and starts its device if it adds one.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND for a name that no plug-in has, STATUS_IMAGE_ALREADY_LOADED, or the status of the step that failed.
    pub fn load(&mut self, name: &str) -> Result<(), Status> {
        let plugin = self.find(name)?;
        if plugin.loaded.is_some() {
            return Err(IMAGE_ALREADY_LOADED);
        }
        let driver =
            pnp::load_driver(&plugin.name, &plugin.path).map_err(|error: LoadError| error.status())?;
        let added = match driver.adds_devices() {
            true => pnp::add_rooted_device(&driver).map(Some),
            false => Ok(None),
        };
        let device = match added {
            Ok(device) => device,
            Err(status) => {
                pnp::unload(driver);
                return Err(status);
            }
        };
        let started = device.as_ref().map_or(status::SUCCESS, pnp::start);
        plugin.loaded = Some(Loaded { driver, device, file: None });
        if started != status::SUCCESS {
            self.unload(name)?;
            return Err(started);
        }
        Ok(())
    }

    /// Removes a plug-in's device and unloads it; what it leaves behind breaks a rule.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND for a name that no plug-in has, STATUS_DEVICE_NOT_READY when it is not loaded.
    pub fn unload(&mut self, name: &str) -> Result<(), Status> {
        let driver = self.remove_device(name)?;
        pnp::unload(driver);
        Ok(())
    }

    /// Unloads a plug-in and lets it leave behind what it likes, which is returned by name.
    ///
    /// Handles that it left open are closed when the run ends, as Windows closes them when it shuts down.
    ///
    /// # Errors
    ///
    /// As [`Plugins::unload`].
    pub fn abandon(&mut self, name: &str) -> Result<Vec<String>, Status> {
        let driver = self.remove_device(name)?;
        self.find(name)?.abandoned.push(driver.image());
        Ok(pnp::unload_forgiving(driver))
    }

    /// Sends a plug-in a device control request from a program: to its own device, or to the one named after it.
    ///
    /// # Errors
    ///
    /// STATUS_NOT_FOUND and STATUS_DEVICE_NOT_READY as [`Plugins::unload`]; the status that opening the device ends with.
    pub fn control(&mut self, name: &str, control: &Control) -> Result<(Sent, Data), Status> {
        let plugin = self.find(name)?;
        let loaded = plugin.loaded.as_mut().ok_or(status::DEVICE_NOT_READY)?;
        let opened = match (loaded.file, &loaded.device) {
            (Some(file), _) => std::ptr::with_exposed_provenance_mut(file),
            (None, Some(device)) => file::open(device.physical(), "")?,
            (None, None) => file::open_path(&format!(r"\Device\{name}"))?,
        };
        loaded.file = Some(opened.expose_provenance());
        Ok(control.send(opened))
    }

    fn remove_device(&mut self, name: &str) -> Result<DriverRef, Status> {
        let Loaded { driver, device, file } =
            self.find(name)?.loaded.take().ok_or(status::DEVICE_NOT_READY)?;
        if let Some(file) = file {
            file::close_handle(std::ptr::with_exposed_provenance_mut(file));
        }
        if let Some(device) = device {
            pnp::remove(device);
        }
        Ok(driver)
    }

    fn find(&mut self, name: &str) -> Result<&mut Plugin, Status> {
        self.all.iter_mut().find(|plugin| plugin.name == name).ok_or(status::NOT_FOUND)
    }
}

impl Drop for Plugins {
    /// Unloads what is loaded, the last one first, and closes what abandoned ones have left open.
    fn drop(&mut self) {
        let loaded = self.all.iter().filter(|plugin| plugin.loaded.is_some());
        let names: Vec<String> = loaded.map(|plugin| plugin.name.clone()).collect();
        for name in names.iter().rev() {
            self.unload(name).expect("it is loaded");
        }
        self.all.iter().flat_map(|plugin| &plugin.abandoned).for_each(|image| handle::close_left_of(image));
    }
}

/// The name of a plug-in's service: its file's, without the ending.
fn name_of(path: &Path) -> Option<String> {
    path.file_stem()?.to_str().map(str::to_owned)
}

const IMAGE_ALREADY_LOADED: Status = 0xC000_010E_u32.cast_signed();

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Plugins;

    #[test]
    fn a_plugin_that_does_not_exist_is_named() {
        let refused = Plugins::new(&[PathBuf::from("/nowhere/mine.sys")]).expect_err("no such file");
        assert_eq!(refused, "/nowhere/mine.sys does not exist");
    }

    #[test]
    fn two_plugins_of_one_name_are_refused() {
        let this = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/plugins.rs");
        let refused = Plugins::new(&[this.clone(), this]).expect_err("one name");
        assert!(refused.contains("two plug-ins have the name plugins"), "{refused}");
    }
}

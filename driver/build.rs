//! Links the driver as a KMDF image.

fn main() -> Result<(), wdk_build::ConfigError> {
    // The framework's entry stub calls `DriverEntry`. Ours has a name of its own, so that a driver of an IHV that links
    // this package as a library brings its own `DriverEntry`; only this package's own image gives ours that name.
    println!("cargo::rustc-cdylib-link-arg=/ALTERNATENAME:DriverEntry=pf_backchannel_driver_entry");
    // The image is loaded as a driver, never linked against.
    println!("cargo::rustc-cdylib-link-arg=/NOIMPLIB");
    wdk_build::configure_wdk_binary_build()
}

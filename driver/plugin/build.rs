//! Tells the compiler which WDK configuration the package is built for.

fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_wdk_library_build()
}

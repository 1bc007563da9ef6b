//! No panic can be reached in an optimised build of the engine.
//!
//! A probe links every entry of the engine with a panic handler that calls a function which does not exist. It links;
//! and with a single index expression in a handler it does not, so the check can fail.

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    const MISSING: &str = "the_engine_can_panic";

    /// Links the probe; gives what the linker said.
    fn link(features: &str) -> (bool, String) {
        let probe = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/panics/probe");
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panic-probe");
        let output = Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "--features", features, "--manifest-path"])
            .arg(probe.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target)
            .env("RUSTFLAGS", "-Clink-arg=-Wl,-z,defs")
            .output()
            .expect("cargo runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    #[test]
    fn engine_links_without_a_panic_and_not_with_one_index_expression() {
        let (links, said) = link("");
        assert!(links, "a panic is reachable:\n{said}");
        let (links, said) = link("one-index");
        assert!(!links && said.contains(MISSING), "the check cannot fail:\n{said}");
    }
}

//! Messages over blocks: through the engine, with everything lost, repeated and reordered that can be.
#![expect(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests run on std")]
#![expect(clippy::arithmetic_side_effects, reason = "a sum that overflows fails its test")]

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
#[path = "../engine/host/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the host serves the other tests, too")]
mod host;
#[cfg(test)]
mod lossy;
#[cfg(test)]
mod script;
#[cfg(test)]
mod way;
#[cfg(test)]
mod wire;

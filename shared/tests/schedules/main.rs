//! Schedules: the engine's own types under every interleaving (loom) or many random ones (shuttle).
//!
//! `RUSTFLAGS="--cfg loom" cargo test --release -p backchannel --test schedules`, and the same with `--cfg shuttle`.
//! Without one of them there is nothing to run: this file is then empty.
#![cfg(any(loom, shuttle))]
#![expect(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "models run on std")]
#![expect(clippy::arithmetic_side_effects, reason = "a sum that overflows fails its model")]

#[cfg(test)]
mod host;
#[cfg(test)]
mod models;
#[cfg(test)]
#[cfg_attr(loom, expect(unsafe_code, reason = "the cell of a place"))]
mod places;

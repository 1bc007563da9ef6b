//! The engine through its public interface, on a host made of threads.
#![expect(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests run on std")]
#![expect(clippy::arithmetic_side_effects, reason = "a sum that overflows fails its test")]

#[cfg(test)]
mod content;
#[cfg(test)]
mod handlers;
#[cfg(test)]
mod host;
#[cfg(test)]
mod immunity;
#[cfg(test)]
mod invalidations;
#[cfg(test)]
mod late;
#[cfg(test)]
mod late_handlers;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod mitigation;
#[cfg(test)]
mod negotiation;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod policing;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod reset;
#[cfg(test)]
mod services;
#[cfg(test)]
mod unclaimed;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod zeroed;

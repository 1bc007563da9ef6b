//! Recorded traces of the real framework, played again on this one and compared line by line.
//!
//! A scenario is a function of a probe driver (`tests/traces/probes`): it loads and unloads its own driver, sends it
//! IRPs, lets time pass. Driver, bus and framework write what happens as lines of JSON, in the format of the recorded
//! files; the machine has one processor without preemption, as the one that recorded them had, so that a run repeats.
//!
//! | part | does |
//! | --- | --- |
//! | [`mod@play`] | one scenario, in a process of its own |
//! | `host` | what a probe calls: names of objects, lines, stimuli |
//! | `stage`, `send_pnp`, `send_io`, `sent`, `buffers` | the stimuli: driver, device, IRPs |
//! | `bus` | the bus driver, which records what arrives |
//! | `debugger` | where a framework image stops, and what it says |
//! | `line`, `names` | lines, and the names of objects in them |
//! | [`recorded`] | the recorded files, their index, the table of known differences |
//! | [`compare`] | two traces, line by line |
//! | [`mod@check`], [`summary`] | all scenarios against their files, and the counts |

mod buffers;
mod bus;
pub mod check;
pub mod compare;
mod debugger;
mod host;
mod line;
mod names;
mod play;
pub mod recorded;
mod send_io;
mod send_pnp;
mod sent;
mod stage;
pub mod summary;

pub use check::check;
pub use play::play;

//! The scripted run: one JSON object a line in, one JSON object a line out.
//!
//! A script plays guests and the VSP against the loaded image. Whoever writes scripts is trusted to judge
//! the image, not to write JSON: a line that is no operation is answered as such, and the run goes on.
//!
//! * [`operation`]: what a line asks for.
//! * [`answer`]: what is said back.
//! * [`interpreter`]: line by line, flushed, so that a program can converse.

pub mod answer;
pub mod interpreter;
pub mod operation;

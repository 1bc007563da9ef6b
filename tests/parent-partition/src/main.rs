//! The command `parent-partition`: runs a driver image against a simulated parent partition.

fn main() {}

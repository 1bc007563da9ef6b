//! The engine against a slow model that is obviously right, over millions of random operations.
//!
//! An optimised build tries ten million operations, others fewer. A failure names its seed and the shortest list of
//! operations that still fails.
#![expect(clippy::std_instead_of_core, clippy::std_instead_of_alloc, reason = "tests run on std")]
#![expect(clippy::arithmetic_side_effects, reason = "a sum that overflows fails its test")]

#[cfg(test)]
#[path = "../engine/host/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the host serves the other tests, too")]
mod host;
#[cfg(test)]
mod operation;
#[cfg(test)]
mod slow;

#[cfg(test)]
mod tests {
    use backchannel::Unclaimed;

    use super::operation::{Operation, Random};
    use super::slow::{Handlers, Memory, Pair};

    /// Operations of one life of a PF; then another begins.
    const LIFE: u64 = 500;

    /// What becomes of unclaimed blocks, life after life.
    const POLICIES: [Unclaimed; 3] = [Unclaimed::Refuse, Unclaimed::Store(2), Unclaimed::Echo(3)];

    const LIVES: u64 = if cfg!(debug_assertions) { 400 } else { 20_000 };

    const OPERATIONS: u64 = LIVES * LIFE;

    const _: () = assert!(cfg!(debug_assertions) || OPERATIONS >= 10_000_000, "ten million operations a run");

    #[test]
    #[expect(clippy::print_stdout, reason = "who runs the tests shows how much was compared")]
    fn engine_does_what_the_model_does() {
        for seed in 0..LIVES {
            let mut random = Random::new(seed);
            let operations: Vec<Operation> = (0..LIFE).map(|_| Operation::any(&mut random)).collect();
            let unclaimed = POLICIES[usize::try_from(seed % 3).expect("below 3")];
            if let Err(difference) = run(unclaimed, &operations) {
                let shortest = shrink(unclaimed, operations);
                let difference = run(unclaimed, &shortest).err().unwrap_or(difference);
                panic!("seed {seed}, {unclaimed:?}: {difference}\nafter {shortest:#?}");
            }
        }
        println!("\ncounted: {OPERATIONS} random operations");
    }

    #[test]
    fn shrinking_keeps_what_fails_and_drops_the_rest() {
        let mut random = Random::new(1);
        let mut operations: Vec<Operation> = (0..64).map(|_| Operation::any(&mut random)).collect();
        operations.insert(40, Operation::Wrong);
        assert_eq!(shrink(Unclaimed::Refuse, operations), [Operation::Wrong]);
    }

    fn run(unclaimed: Unclaimed, operations: &[Operation]) -> Result<(), String> {
        let handlers = Handlers::default();
        let slice = handlers.slice();
        let memory = Memory::new(&handlers, &slice, unclaimed);
        let mut pair = Pair::new(&memory);
        operations.iter().enumerate().try_for_each(|(place, operation)| {
            pair.step(operation)
                .map_err(|difference| format!("operation {place}, {operation:?}: {difference}"))
        })
    }

    /// Leaves out ever smaller parts as long as the rest still fails.
    fn shrink(unclaimed: Unclaimed, mut operations: Vec<Operation>) -> Vec<Operation> {
        let mut part = operations.len();
        while part > 0 {
            let mut from = 0;
            while from < operations.len() {
                let mut fewer = operations.clone();
                fewer.drain(from..(from + part).min(operations.len()));
                if run(unclaimed, &fewer).is_err() {
                    operations = fewer;
                } else {
                    from += part;
                }
            }
            part /= 2;
        }
        operations
    }
}

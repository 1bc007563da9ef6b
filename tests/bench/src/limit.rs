//! The limit: what any service must do that serialises a VF's calls, keeps the last value, calls a handler through a
//! pointer and knows its time. One uncontended lock that callers can wait at, one copy of 128 bytes, one indirect call, two
//! readings of the clock.

use std::sync::Mutex;

use bench_engine::{Handler, clock, handler};

use crate::contender::{Contender, Size};

/// The contender.
pub fn limit(size: Size) -> Contender {
    let limit = Limit::new(size);
    Box::new(move |vf, block, bytes| limit.write(vf, block, bytes))
}

/// One VF: a value for each block, on cache lines of its own, as far apart as ours.
#[repr(align(64))]
struct State {
    values: Mutex<Values>,
}

struct Values {
    blocks: [[u8; 128]; 64],
    /// What a VF of ours has beside its store, so that both tread the same memory.
    _beside: [u8; 7 * 1024],
    last: u64,
}

fn reference(block: u32) -> &'static dyn Handler {
    fn leak(handler: impl Handler + 'static) -> &'static dyn Handler {
        Box::leak(Box::new(handler))
    }
    handler!(block, leak)
}

struct Limit {
    vfs: Vec<State>,
    handlers: Vec<&'static dyn Handler>,
}

impl Limit {
    fn new(size: Size) -> Self {
        let state = || State {
            values: Mutex::new(Values { blocks: [[0; 128]; 64], _beside: [0; 7 * 1024], last: 0 }),
        };
        Self {
            vfs: (0..size.vfs).map(|_| state()).collect(),
            handlers: (0..size.handlers).map(reference).collect(),
        }
    }
}

impl Limit {
    fn write(&self, vf: u16, block: u32, bytes: &[u8; 128]) -> bool {
        let block = block as usize;
        let (Some(vf), Some(handler)) = (self.vfs.get(usize::from(vf)), self.handlers.get(block)) else {
            return false;
        };
        let mut values = vf.values.lock().expect("no handler fails");
        let began = clock::now();
        let Some(value) = values.blocks.get_mut(block) else { return false };
        value.copy_from_slice(bytes);
        let accepted = handler.take(value);
        values.last = clock::now() - began;
        accepted
    }
}

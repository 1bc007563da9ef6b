//! Two rivals, as one would write them without thinking of a host under attack: handlers in a map, last values in a map.
//! They check the length and nothing else, and count nothing.

use std::collections::HashMap;
use std::sync::Mutex;

use bench_engine::{Handler, clock, handler};
use dashmap::DashMap;

use crate::contender::{Contender, Size};

type Boxed = Box<dyn Handler>;

fn boxed(block: u32) -> Boxed {
    fn make(handler: impl Handler + 'static) -> Boxed {
        Box::new(handler)
    }
    handler!(block, make)
}

/// One lock around everything.
pub fn one_lock(size: Size) -> Contender {
    let maps = OneLock::new(size);
    Box::new(move |vf, block, bytes| maps.write(vf, block, bytes))
}

/// A map of shards, each behind a lock.
pub fn shards(size: Size) -> Contender {
    let maps = Shards::new(size);
    Box::new(move |vf, block, bytes| maps.write(vf, block, bytes))
}

struct OneLock {
    inside: Mutex<Maps>,
}

struct Maps {
    handlers: HashMap<u32, Boxed>,
    values: HashMap<(u16, u32), ([u8; 128], u64)>,
}

impl OneLock {
    fn new(size: Size) -> Self {
        let handlers = (0..size.handlers).map(|block| (block, boxed(block))).collect();
        Self { inside: Mutex::new(Maps { handlers, values: HashMap::new() }) }
    }
}

impl OneLock {
    fn write(&self, vf: u16, block: u32, bytes: &[u8; 128]) -> bool {
        let mut inside = self.inside.lock().expect("no handler fails");
        let began = clock::now();
        let Some(handler) = inside.handlers.get(&block) else { return false };
        let accepted = handler.take(bytes);
        inside.values.insert((vf, block), (*bytes, clock::now() - began));
        accepted
    }
}

struct Shards {
    handlers: DashMap<u32, Boxed>,
    values: DashMap<(u16, u32), ([u8; 128], u64)>,
}

impl Shards {
    fn new(size: Size) -> Self {
        let handlers = (0..size.handlers).map(|block| (block, boxed(block))).collect();
        Self { handlers, values: DashMap::new() }
    }
}

impl Shards {
    fn write(&self, vf: u16, block: u32, bytes: &[u8; 128]) -> bool {
        let began = clock::now();
        let Some(handler) = self.handlers.get(&block) else { return false };
        let accepted = handler.take(bytes);
        self.values.insert((vf, block), (*bytes, clock::now() - began));
        accepted
    }
}

//! What every contender does: take one block of one VF and hand it to the handler of the block.

/// Takes one block of one VF; says whether it was accepted.
pub type Contender = Box<dyn Fn(u16, u32, &[u8; 128]) -> bool + Sync>;

/// How many VFs and handlers a contender is made for.
#[derive(Clone, Copy)]
pub struct Size {
    pub vfs: u16,
    pub handlers: u32,
}

/// The engine, compiled as in the driver's image.
pub fn ours(size: Size) -> Contender {
    let engine = bench_engine::Ours::new(size.vfs, size.handlers);
    Box::new(move |vf, block, bytes| engine.write(vf, block, bytes))
}

//! Simulated kernel threads: a host thread with its own kernel stack and its own block at `gs`.

use std::ffi::c_void;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::stack::{self, KernelStack};
use super::thread_block::{self, ThreadBlock};
use super::turn::Seat;
use super::{fault, interrupt, irql, wait};
use crate::memory::pages;

/// Waits for the end of a spawned kernel thread.
#[derive(Debug)]
pub struct JoinHandle<T> {
    host: std::thread::JoinHandle<T>,
    ended: Arc<AtomicBool>,
}

impl<T> JoinHandle<T> {
    /// Blocks until the thread has ended and returns its value.
    pub fn join(self) -> T {
        wait::until(None, || self.is_finished().then_some(()));
        // A panic of simulator code ends a judged process; elsewhere it goes on where the thread is joined.
        self.host.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Whether the thread has ended; never blocks.
    pub fn is_finished(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// Starts a kernel thread at PASSIVE_LEVEL.
///
/// # Errors
///
/// The host's, when it has no more threads.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&ended);
    let seat = Seat::reserve();
    let host = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        seat.take();
        // Moved in: the seat is given up last, when the thread's end is known.
        let _seat = seat;
        let _ending = Ending(flag);
        let _kernel_thread = KernelThread::begin();
        body()
    })?;
    Ok(JoinHandle { host, ended })
}

/// Makes the calling host thread a kernel thread for the rest of its life; a second call changes nothing.
pub fn adopt() {
    if !thread_block::is_kernel_thread() {
        ADOPTED.with(|adopted| {
            adopted.get_or_init(KernelThread::begin);
        });
    }
}

thread_local! {
    static ADOPTED: std::cell::OnceCell<KernelThread> = const { std::cell::OnceCell::new() };
}

/// Says that the thread has ended, when nothing of it is left.
struct Ending(Arc<AtomicBool>);

impl Drop for Ending {
    fn drop(&mut self) {
        wait::change(|| self.0.store(true, Ordering::Release));
    }
}

struct KernelThread {
    // Dropped first: nobody interrupts a thread that is ending.
    _admitted: interrupt::Admitted,
    block: Box<ThreadBlock>,
    _signal_stack: fault::SignalStack,
}

impl KernelThread {
    fn begin() -> Self {
        fault::install();
        let block = ThreadBlock::new(KernelStack::new(), thread_object());
        block.install();
        let signal_stack = fault::SignalStack::install();
        Self { _admitted: interrupt::admit(), block, _signal_stack: signal_stack }
    }
}

impl Drop for KernelThread {
    fn drop(&mut self) {
        let level = self.block.irql();
        assert!(
            level == irql::PASSIVE_LEVEL || std::thread::panicking(),
            "a kernel thread ends at IRQL {level}"
        );
        let used = self.block.stack().used(self.block.lowest_sp());
        stack::remember(std::thread::current().name().unwrap_or(""), used);
        self.block.remove();
    }
}

/// A thread object's address: a page that stays for the life of the process, so that no two threads are
/// ever taken for one another, and that is inaccessible, since its layout is the kernel's own affair.
fn thread_object() -> *mut c_void {
    std::ptr::with_exposed_provenance_mut(pages::reserve(pages::PAGE))
}

//! DPCs on the processor of a thread that is running an image's code.
//!
//! Each simulated thread has a processor to itself while it runs. Work of DISPATCH_LEVEL that the simulator has (a timer
//! that is due, a request that is cancelled by a DPC) is done as on the real machine: it interrupts a thread that runs
//! below DISPATCH_LEVEL, wherever in the image that is, and the thread goes on when it is done. A thread at
//! DISPATCH_LEVEL is not interrupted. So code that takes a spin lock without raising the level meets a DPC that wants the
//! same lock, and neither goes on: [`Rule::Deadlock`].
//!
//! ```text
//!   image code ── signal ──► handler sets rip ──► entry (saves all registers)
//!                                                   └► work, on the host stack, at DISPATCH_LEVEL
//!   image code ◄── registers as they were ──────────┘
//! ```

use std::arch::global_asm;
use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use super::thread_block::{self, HOST_SP, IMAGE_SP, RESUME};
use super::{irql, turn};
use crate::image::{self, Callers, Registers};
use crate::judge::{Rule, violation_at};
use crate::record::{self, Kind, Record};

/// Runs `work` at DISPATCH_LEVEL, if it can be on the processor of another thread that runs an image's code, else here;
/// returns when it is done.
///
/// On a machine of one processor without preemption it is done here. Breaks [`Rule::Deadlock`] when it is not done after
/// [`LIMIT`].
pub fn run(work: impl FnOnce() + Send + 'static) {
    if turn::is_alone() {
        irql::at(irql::DISPATCH_LEVEL, work);
        return;
    }
    install();
    let job = Arc::new(Job { work: Mutex::new(Some(Box::new(work))), done: AtomicBool::new(false) });
    queue().push_back(Arc::clone(&job));
    WAITING.fetch_add(1, Ordering::Release);
    let begun = Instant::now();
    while !job.done.load(Ordering::Acquire) {
        if begun.elapsed() > IDLE && job.begin_here() {
            return;
        }
        if begun.elapsed() > LIMIT {
            DEADLOCK.store(true, Ordering::Release);
        }
        if begun.elapsed() > LIMIT + LIMIT {
            violation_at(Rule::Deadlock, "", 0, "a DPC does not end");
        }
        signal_all();
        std::thread::sleep(BETWEEN_SIGNALS);
    }
}

/// Lists the calling thread as one that can be interrupted; undone by dropping what is returned.
pub(super) fn admit() -> Admitted {
    install();
    // SAFETY: it has no precondition.
    let thread = unsafe { libc::pthread_self() };
    threads().push(thread);
    Admitted(thread)
}

/// A listed thread.
pub(super) struct Admitted(libc::pthread_t);

impl Drop for Admitted {
    fn drop(&mut self) {
        threads().retain(|thread| *thread != self.0);
    }
}

struct Job {
    work: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    done: AtomicBool,
}

impl Job {
    /// Does the work on this thread unless another one has begun it.
    fn begin_here(&self) -> bool {
        let Some(work) = self.work.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return false;
        };
        WAITING.fetch_sub(1, Ordering::AcqRel);
        irql::at(irql::DISPATCH_LEVEL, work);
        self.done.store(true, Ordering::Release);
        true
    }
}

/// Called from the entry below, on the host stack of the interrupted thread.
extern "C" fn interrupted() {
    while let Some(job) = next() {
        job.begin_here();
    }
}

fn next() -> Option<Arc<Job>> {
    queue().pop_front()
}

fn signal_all() {
    // SAFETY: it has no precondition.
    let own = unsafe { libc::pthread_self() };
    for thread in threads().iter().filter(|thread| **thread != own) {
        // SAFETY: a listed thread lives: it takes itself off the list, under the lock held here, before it ends.
        unsafe { libc::pthread_kill(*thread, SIGNAL) };
    }
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: an all-zero `sigaction` is a valid value of the plain C structure.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // SAFETY: the handler has the signature that SA_SIGINFO asks for.
        let result = unsafe { libc::sigaction(SIGNAL, &action, std::ptr::null_mut()) };
        assert_eq!(result, 0, "sigaction({SIGNAL})");
    });
}

/// Leads the thread to the entry when it is in an image's code and may be interrupted. Nothing here takes a lock.
extern "C" fn on_signal(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(block) = thread_block::current() else { return };
    // SAFETY: the kernel passes a valid context to an SA_SIGINFO handler, which is this thread's alone.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let (rip, rsp) = (registers[libc::REG_RIP as usize] as usize, registers[libc::REG_RSP as usize] as usize);
    let Some(image) = image::find_known(rip).filter(|image| image.is_executable(rip)) else { return };
    if !block.stack().contains(rsp) {
        return;
    }
    if block.irql() < irql::DISPATCH_LEVEL {
        if WAITING.load(Ordering::Acquire) != 0 {
            block.set_resume(rip);
            registers[libc::REG_RIP as usize] = (parent_partition_interrupted as *const () as usize) as i64;
        }
    } else if DEADLOCK.load(Ordering::Acquire) {
        let rbp = registers[libc::REG_RBP as usize] as usize;
        let mut record = Record::new(Kind::Violation);
        record.blame(Rule::Deadlock, "", rip);
        record.add_callers(Callers::of_instruction(
            image,
            block.stack().range(),
            Registers { rip, rsp, rbp },
        ));
        record.describe(format_args!("at IRQL {} without an end, waiting for a lock", block.irql()));
        record::end(&record);
    }
}

unsafe extern "C" {
    fn parent_partition_interrupted();
}

global_asm!(
    ".globl parent_partition_interrupted",
    ".p2align 4",
    "parent_partition_interrupted:",
    // The image's stack: where it goes on, its flags, its registers. Windows code keeps nothing below its stack pointer.
    "push gs:[{resume}]",
    "pushfq",
    "push rax",
    "push rcx",
    "push rdx",
    "push rbx",
    "push rbp",
    "push rsi",
    "push rdi",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "push r12",
    "mov rbp, rsp",
    "mov rbx, gs:[{image_sp}]",
    "mov rax, rsp",
    "and rax, -16",
    "mov gs:[{image_sp}], rax",
    "mov rsp, gs:[{host_sp}]",
    "and rsp, -16",
    "sub rsp, 512",
    "fxsave64 [rsp]",
    "cld",
    "call {interrupted}",
    "fxrstor64 [rsp]",
    "mov gs:[{image_sp}], rbx",
    "mov rsp, rbp",
    "pop r12",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rdi",
    "pop rsi",
    "pop rbp",
    "pop rbx",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "popfq",
    "ret",
    resume = const RESUME,
    image_sp = const IMAGE_SP,
    host_sp = const HOST_SP,
    interrupted = sym interrupted,
);

fn queue() -> MutexGuard<'static, VecDeque<Arc<Job>>> {
    static QUEUE: Mutex<VecDeque<Arc<Job>>> = Mutex::new(VecDeque::new());
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn threads() -> MutexGuard<'static, Vec<libc::pthread_t>> {
    static THREADS: Mutex<Vec<libc::pthread_t>> = Mutex::new(Vec::new());
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a DPC may take: the DPC watchdog of the real machine is as patient.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a DPC waits for a thread to interrupt before a processor that is idle takes it: longer than a busy host keeps a
/// thread that is ready off its processors.
const IDLE: Duration = Duration::from_millis(100);
const BETWEEN_SIGNALS: Duration = Duration::from_micros(20);
const SIGNAL: libc::c_int = libc::SIGUSR1;
static WAITING: AtomicUsize = AtomicUsize::new(0);
static DEADLOCK: AtomicBool = AtomicBool::new(false);

//! DPCs on the processor of a thread that is running an image's code.
//!
//! Work of DISPATCH_LEVEL that the simulator has (a timer
//! that is due, a request that is cancelled by a DPC) is done as on the real machine: it interrupts a thread that runs
//! below DISPATCH_LEVEL, wherever in the image that is or where it calls a routine, and the thread goes on when it is done.
//! A thread at DISPATCH_LEVEL owns its processor and is not interrupted. So code that takes a spin lock without raising the level meets a DPC that
//! wants the same lock, and neither goes on: [`Rule::Deadlock`]. When no thread is found in an image, a processor that is
//! idle does the work.
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
use super::{irql, processor, turn};
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
    // One asks at a time: the answers are counted.
    let _asking = asking();
    let begun = Instant::now();
    let mut idle_rounds = 0;
    while !job.done.load(Ordering::Acquire) {
        idle_rounds = if all_are_outside(&job) { idle_rounds + 1 } else { 0 };
        if idle_rounds >= IDLE_ROUNDS && job.begin_here() {
            return;
        }
        if begun.elapsed() > LIMIT {
            DEADLOCK.store(true, Ordering::Release);
        }
        if begun.elapsed() > LIMIT + LIMIT {
            violation_at(Rule::Deadlock, "", 0, "a DPC does not end");
        }
    }
}

/// Runs `work` at DISPATCH_LEVEL when a thread calls the routine `name` next, on that thread's processor; where that is at
/// DISPATCH_LEVEL, at the next call of any routine below it. Returns when it is done.
///
/// Breaks [`Rule::Deadlock`] when the work does not end.
pub fn run_at_call(name: &str, work: impl FnOnce() + Send + 'static) {
    install();
    let begun = Arc::new(Mutex::new(None));
    let started = Arc::clone(&begun);
    let work = move || {
        *started.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        work();
    };
    let job = Arc::new(Job { work: Mutex::new(Some(Box::new(work))), done: AtomicBool::new(false) });
    at_calls().push((name.to_owned(), Arc::clone(&job)));
    WAITING.fetch_add(1, Ordering::Release);
    while !job.done.load(Ordering::Acquire) {
        let begun = *begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.is_some_and(|begun| begun.elapsed() > LIMIT) {
            find_deadlock();
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Does the work that waits, on the processor of the calling thread; called where an image calls a routine.
pub(super) extern "win64" fn preempted() {
    let block = thread_block::expect_current();
    processor::pass(block);
    let mut at_calls = at_calls();
    if let Some(place) = at_calls.iter().position(|(name, _)| block.call_name() == Some(name.as_str())) {
        queue().push_back(at_calls.swap_remove(place).1);
    }
    drop(at_calls);
    run_waiting();
}

/// Does the work that waits, unless the calling thread is at DISPATCH_LEVEL.
pub(crate) fn run_waiting() {
    if WAITING.load(Ordering::Acquire) != 0 && irql::current() < irql::DISPATCH_LEVEL {
        interrupted();
    }
}

/// Ends the run at a thread that is at DISPATCH_LEVEL in an image, if there is one: it waits for what does not come.
pub(super) fn find_deadlock() {
    DEADLOCK.store(true, Ordering::Release);
    signal_all();
}

/// Interrupts every thread, and says whether each was seen outside of all images.
///
/// A thread that its host keeps off the processors answers when it runs again.
fn all_are_outside(job: &Job) -> bool {
    OUTSIDE.store(0, Ordering::Release);
    let asked = signal_all();
    let begun = Instant::now();
    while begun.elapsed() < ROUND && !job.done.load(Ordering::Acquire) {
        if OUTSIDE.load(Ordering::Acquire) >= asked {
            return true;
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
    false
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

/// How many threads were signalled.
fn signal_all() -> usize {
    // SAFETY: it has no precondition.
    let own = unsafe { libc::pthread_self() };
    let threads = threads();
    let others = threads.iter().filter(|thread| **thread != own);
    others
        .map(|thread| {
            // SAFETY: a listed thread lives: it takes itself off the list, under the lock held here, before it ends.
            unsafe { libc::pthread_kill(*thread, SIGNAL) };
        })
        .count()
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
    let image =
        image::find_known(rip).filter(|image| image.is_executable(rip) && block.stack().contains(rsp));
    let Some(image) = image else {
        OUTSIDE.fetch_add(1, Ordering::AcqRel);
        return;
    };
    if block.irql() < irql::DISPATCH_LEVEL {
        if WAITING.load(Ordering::Acquire) != 0 {
            block.set_resume(rip);
            registers[libc::REG_RIP as usize] = (parent_partition_interrupted as *const () as usize) as i64;
        }
    } else if DEADLOCK.load(Ordering::Acquire) {
        let rbp = registers[libc::REG_RBP as usize] as usize;
        let mut record = Record::new(Kind::Violation);
        record.blame(Rule::Deadlock, "", rip);
        let registers = Registers { rip, rsp, rbp };
        record.add_callers(Some(Callers::of_instruction(image, block.stack().range(), registers)));
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

/// Work for the next call of a routine.
fn at_calls() -> MutexGuard<'static, Vec<(String, Arc<Job>)>> {
    static AT_CALLS: Mutex<Vec<(String, Arc<Job>)>> = Mutex::new(Vec::new());
    AT_CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn asking() -> MutexGuard<'static, ()> {
    static ASKING: Mutex<()> = Mutex::new(());
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn threads() -> MutexGuard<'static, Vec<libc::pthread_t>> {
    static THREADS: Mutex<Vec<libc::pthread_t>> = Mutex::new(Vec::new());
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a DPC may take: the DPC watchdog of the real machine is as patient.
const LIMIT: Duration = Duration::from_secs(5);
/// How often in a row every thread must be seen outside of all images before a processor that is idle does the work: a
/// thread that calls routines all the time is outside now and then.
const IDLE_ROUNDS: u32 = 8;
/// How long a round waits for answers: a thread that has ended since, or that is at DISPATCH_LEVEL, does not answer.
const ROUND: Duration = Duration::from_millis(20);
const BETWEEN_LOOKS: Duration = Duration::from_micros(20);
const SIGNAL: libc::c_int = libc::SIGUSR1;
/// How much work waits, and one more while all processors are owned; the gate looks at it, too.
pub(super) static WAITING: AtomicUsize = AtomicUsize::new(0);
/// How many threads have answered that they are outside of all images.
static OUTSIDE: AtomicUsize = AtomicUsize::new(0);
static DEADLOCK: AtomicBool = AtomicBool::new(false);

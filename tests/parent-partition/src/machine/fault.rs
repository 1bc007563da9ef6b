//! What happens when the processor stops: who did it, and which rule that breaks.
//!
//! Runs in a signal handler on a stack of its own, in a process that is broken: it reads, fills one record,
//! and ends the process. Nothing here allocates or takes a lock.

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::{null_mut, with_exposed_provenance};
use std::sync::Once;

use super::context::Context;
use super::exception::{self, Raised};
use super::thread_block::{self, ThreadBlock};
use super::{instruction, irql};
use crate::coverage;
use crate::image::{self, Callers, Registers};
use crate::judge::Rule;
use crate::memory::{self, pages};
use crate::nt::debug;
use crate::record::{self, Kind, Record};

/// Routes faults and panics of this process here; done once.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        for signal in SIGNALS {
            // SAFETY: an all-zero `sigaction` is a valid value of the plain C structure.
            let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
            action.sa_sigaction = on_fault as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            // SAFETY: the handler has the signature that SA_SIGINFO asks for and never returns.
            let result = unsafe { libc::sigaction(signal, &action, null_mut()) };
            assert_eq!(result, 0, "sigaction({signal})");
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            if record::is_heard() {
                let mut record = Record::new(Kind::Defect);
                record.describe(format_args!("{info}"));
                record::end(&record);
            }
        }));
    });
}

/// The stack that one thread's faults are handled on.
#[derive(Debug)]
pub(super) struct SignalStack {
    base: usize,
}

impl SignalStack {
    pub(super) fn install() -> Self {
        let base = pages::reserve(pages::PAGE + SIGNAL_STACK) + pages::PAGE;
        pages::open(base, SIGNAL_STACK);
        set_signal_stack(base, 0);
        Self { base }
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        set_signal_stack(0, libc::SS_DISABLE);
        pages::release(self.base - pages::PAGE, pages::PAGE + SIGNAL_STACK);
    }
}

fn set_signal_stack(base: usize, flags: libc::c_int) {
    let stack = libc::stack_t {
        ss_sp: std::ptr::with_exposed_provenance_mut(base),
        ss_flags: flags,
        ss_size: SIGNAL_STACK,
    };
    // SAFETY: the stack is mapped until `SignalStack` drops, which disables it first.
    let result = unsafe { libc::sigaltstack(&stack, null_mut()) };
    assert_eq!(result, 0, "sigaltstack");
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid context to an SA_SIGINFO handler, which is this thread's alone, and takes it back
    // when this returns.
    let frame = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let registers = &mut frame.uc_mcontext.gregs;
    if signal == libc::SIGTRAP {
        let after = &mut registers[libc::REG_RIP as usize];
        if let Some(at) = coverage::resume(*after as usize) {
            *after = at as i64;
            return;
        }
        // Code of an image stopped by itself, so no lock of the simulator's is held here.
        if debug::goes_on_at(*after as usize) {
            return;
        }
    }
    let register = |index: libc::c_int| registers[index as usize] as usize;
    // SAFETY: the kernel passes valid information to an SA_SIGINFO handler.
    let (address, code) = unsafe { ((*info).si_addr() as usize, (*info).si_code) };
    let fault = Fault {
        signal,
        // A general protection fault has no address: the kernel marks it by this code.
        address: (code != SI_KERNEL).then_some(address),
        rip: register(libc::REG_RIP),
        rsp: register(libc::REG_RSP),
        rbp: register(libc::REG_RBP),
        rcx: register(libc::REG_RCX),
        is_write: register(libc::REG_ERR) & 2 != 0,
    };
    let block = thread_block::current();
    if !block.is_some_and(|block| fault.is_served(block, frame, code)) {
        fault.end(block);
    }
}

/// Why the processor stopped, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    signal: i32,
    address: Option<usize>,
    rip: usize,
    rsp: usize,
    rbp: usize,
    rcx: usize,
    is_write: bool,
}

impl Fault {
    /// Carries out the instruction, or sends the thread to whoever handles the exception; false when the run ends here.
    fn is_served(&self, block: &ThreadBlock, frame: &mut libc::ucontext_t, code: i32) -> bool {
        let image = image::find(self.rip)
            .filter(|image| image.is_executable(self.rip) && block.stack().contains(self.rsp));
        let mut context = Context::of_signal(frame);
        if let Some(image) = image
            && self.signal == libc::SIGSEGV
            && instruction::carry_out(block, image, &mut context)
        {
            context.put_into(frame);
            return true;
        }
        let Some(record) = self.record(code) else { return false };
        let (context, place, returned) = match image {
            Some(_) => (context, block.place(), false),
            // A routine touches what the image has named: the exception is raised at the call.
            None if block.is_for_caller() && block.call_name().is_some_and(passes_exceptions) => {
                let (context, place) = Context::of_caller(block);
                (context, place, true)
            }
            None => return false,
        };
        if !exception::may_be_handled(block, context, returned) {
            return false;
        }
        let outer = block.raised();
        let raised = Raised { context, place, record, returned, fault: Some(*self), outer };
        raised.send_thread(frame);
        true
    }

    /// The exception that this is to an image; `None` where Windows stops the system.
    fn record(&self, code: i32) -> Option<exception::Record> {
        let at = self.rip;
        match (self.signal, self.address) {
            (libc::SIGSEGV | libc::SIGBUS, Some(address)) => {
                let is_user = address < USER_END && memory::place(address).is_none();
                let is_kernels = image::find_known(address).is_some()
                    || thread_block::current().is_none_or(|block| block.stack().is_near(address));
                let may_page = irql::current() < irql::DISPATCH_LEVEL;
                let access = if address == at { 8 } else { u64::from(self.is_write) };
                (is_user && !is_kernels && may_page)
                    .then(|| exception::Record::new(ACCESS_VIOLATION, at, &[access, address as u64]))
            }
            (libc::SIGFPE, _) => {
                let status = if code == FPE_INTDIV { DIVIDE_BY_ZERO } else { INTEGER_OVERFLOW };
                Some(exception::Record::new(status, at, &[]))
            }
            (libc::SIGILL, _) => Some(exception::Record::new(ILLEGAL_INSTRUCTION, at, &[])),
            (libc::SIGTRAP, _) => Some(exception::Record::new(BREAKPOINT, at, &[])),
            _ => None,
        }
    }

    pub(super) fn end(&self, block: Option<&ThreadBlock>) -> ! {
        let Some((block, Blame { at, call, callers })) =
            block.and_then(|block| Some((block, self.blamed(block)?)))
        else {
            let mut record = Record::new(Kind::Defect);
            record.fault(self.signal, self.address.unwrap_or(0));
            record
                .describe(format_args!("signal {} in the simulator at {:#x}: {self}", self.signal, self.rip));
            record::end(&record)
        };
        let mut record = Record::new(Kind::Fault);
        record.fault(self.signal, self.address.unwrap_or(0));
        record.blame(self.rule(block), call, at);
        record.add_callers(callers);
        record.describe(format_args!("{self}"));
        record::end(&record)
    }

    /// Who did it; `None` when the simulator did.
    fn blamed<'a>(&self, block: &'a ThreadBlock) -> Option<Blame<'a>> {
        let Self { rip, rsp, rbp, .. } = *self;
        let stack = block.stack();
        if let Some(image) = image::find_known(rip).filter(|image| image.is_executable(rip)) {
            let callers = Callers::of_instruction(image, stack.range(), Registers { rip, rsp, rbp });
            return Some(Blame { at: rip, call: "", callers: Some(callers) });
        }
        if stack.contains(rsp) {
            // On the kernel stack, but outside any image's code: a jump through a bad pointer, with the return
            // address on top; or the gate itself, on the way out of an image.
            // SAFETY: `rsp` lies in the current thread's mapped kernel stack.
            let top = unsafe { with_exposed_provenance::<usize>(rsp & !7).read() };
            let callers = image::find(top.wrapping_sub(1)).map(|image| {
                Callers::of_return(image, stack.range(), Registers { rip: top, rsp: rsp + 8, rbp })
            });
            return Some(Blame { at: block.code_or_entered(top.wrapping_sub(1)), call: "", callers });
        }
        let is_images = self.stack_overflow(block) || stack.below(rsp).is_some() || block.is_for_caller();
        is_images.then(|| Blame {
            at: block.return_address(),
            call: block.call_name().unwrap_or(""),
            callers: block.callers(),
        })
    }

    fn stack_overflow(&self, block: &ThreadBlock) -> bool {
        self.address.is_some_and(|address| block.stack().below(address).is_some())
    }

    fn rule(&self, block: &ThreadBlock) -> Rule {
        match self.signal {
            _ if self.stack_overflow(block) => Rule::StackOverflow,
            _ if self.fast_fail().is_some() => Rule::Bugcheck,
            _ if self.is_privileged() => Rule::Exception,
            libc::SIGSEGV | libc::SIGBUS => Rule::Access,
            _ => Rule::Exception,
        }
    }

    /// The code of `__fastfail`, when that is what stopped: `int 29h` with the code in `rcx`.
    fn fast_fail(&self) -> Option<usize> {
        (self.instruction()? == [0xCD, 0x29]).then_some(self.rcx)
    }

    /// Whether the instruction is one that user mode is refused, so that a general protection fault was its.
    ///
    /// SPEC: Intel SDM volume 2: HLT, CLI, STI, IN, OUT, INS, OUTS; LGDT and its group, CLTS, INVD, WBINVD, moves
    /// from and to control and debug registers, WRMSR, RDMSR.
    fn is_privileged(&self) -> bool {
        match self.instruction() {
            Some([0x0F, second]) => {
                matches!(second, 0x00 | 0x01 | 0x06 | 0x08 | 0x09 | 0x20..=0x23 | 0x30 | 0x32)
            }
            Some([first, _]) => {
                matches!(first, 0xF4 | 0xFA | 0xFB | 0x6C..=0x6F | 0xE4..=0xE7 | 0xEC..=0xEF)
            }
            None => false,
        }
    }

    /// The first two bytes of the image's instruction that a general protection fault stopped, prefixes passed.
    fn instruction(&self) -> Option<[u8; 2]> {
        let image = image::find(self.rip)?;
        if self.signal != libc::SIGSEGV || self.address.is_some() {
            return None;
        }
        let byte = |address: usize| {
            // SAFETY: the byte lies in mapped code of a loaded image.
            image.is_executable(address).then(|| unsafe { with_exposed_provenance::<u8>(address).read() })
        };
        let mut at = self.rip;
        while matches!(byte(at)?, 0x40..=0x4F | 0x66 | 0xF2 | 0xF3) {
            at += 1;
        }
        Some([byte(at)?, byte(at + 1)?])
    }
}

/// Whether what a routine's caller has named may raise an exception in it: copies and probes, which hold nothing then.
fn passes_exceptions(routine: &str) -> bool {
    matches!(
        routine,
        "memcpy"
            | "memmove"
            | "memset"
            | "memcmp"
            | "RtlCompareMemory"
            | "ProbeForWrite"
            | "MmProbeAndLockPages"
    )
}

/// The image code that did it, the routine it was calling, and who called it.
struct Blame<'a> {
    at: usize,
    call: &'a str,
    callers: Option<Callers<'static>>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.fast_fail() {
            return write!(f, "fast fail, code {code}");
        }
        match self.signal {
            libc::SIGILL => return f.write_str("illegal instruction"),
            libc::SIGTRAP => return f.write_str("breakpoint"),
            libc::SIGFPE => return f.write_str("arithmetic exception"),
            libc::SIGABRT => return f.write_str("abort"),
            _ => {}
        }
        let Some(address) = self.address else {
            return f.write_str(match self.is_privileged() {
                true => "privileged instruction",
                false => "an address that is not canonical",
            });
        };
        let touch = match address {
            address if address == self.rip => "jump",
            _ if self.is_write => "write",
            _ => "read",
        };
        write!(f, "{touch} at {address:#x}, ")?;
        if let Some(block) = thread_block::current() {
            if let Some(distance) = block.stack().below(address) {
                return write!(f, "{distance} bytes below the kernel stack");
            }
            if let Some(distance) = block.stack().above(address) {
                return write!(f, "{distance} bytes above the kernel stack");
            }
        }
        if let Some(place) = memory::place(address) {
            return write!(f, "{place}");
        }
        if let Some(image) = image::find_known(address) {
            let section = image.section_of(address);
            let name = section.map_or("the headers", image::Section::name);
            let state = match section {
                _ if !image.is_loaded() => ", which is unloaded",
                Some(section) if section.is_discarded() => ", which is discarded",
                _ => "",
            };
            return write!(f, "{name} of {}{state}", image.name());
        }
        match address {
            ..0x10000 => f.write_str("a null pointer"),
            _ => f.write_str("no memory of the image"),
        }
    }
}

/// MmHighestUserAddress and one.
const USER_END: usize = 0x7FFF_FFFF_0000;
/// The statuses of exceptions that a processor raises.
const ACCESS_VIOLATION: u32 = 0xC000_0005;
const ILLEGAL_INSTRUCTION: u32 = 0xC000_001D;
const DIVIDE_BY_ZERO: u32 = 0xC000_0094;
const INTEGER_OVERFLOW: u32 = 0xC000_0095;
const BREAKPOINT: u32 = 0x8000_0003;
const FPE_INTDIV: i32 = 1;
const SIGNALS: [libc::c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGTRAP, libc::SIGABRT];
const SIGNAL_STACK: usize = 0x10000;
const SI_KERNEL: i32 = 0x80;

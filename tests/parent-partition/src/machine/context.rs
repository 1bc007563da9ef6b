//! The registers of an image's code at one point, and the way back to it.
//!
//! They are taken where an image has called a routine (the gate keeps what the win64 convention wants kept), or from a
//! signal's frame. [`Place`] is what the thread's block has to say for the image to go on.

use std::arch::global_asm;
use std::ptr::with_exposed_provenance;

use super::gate::{SAVED_GENERAL, SAVED_VECTORS};
use super::thread_block::ThreadBlock;

/// General registers in the order of their numbers, `rip`, the flags, and the vector registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub(crate) struct Context {
    pub(crate) general: [u64; 16],
    pub(crate) rip: u64,
    pub(crate) flags: u64,
    pub(crate) vectors: [u128; 16],
}

/// Numbers of general registers in unwind codes.
pub(crate) const RAX: usize = 0;
pub(crate) const RSP: usize = 4;
pub(crate) const RBP: usize = 5;

/// Where a thread's block stands while an image's code runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(super) host_sp: usize,
    pub(super) image_sp: usize,
    pub(super) descriptor: usize,
    pub(super) return_address: usize,
    pub(super) entered: usize,
}

impl Context {
    /// The caller of the routine that is being served, right after its call; and where the block stands when it goes on.
    pub(crate) fn of_caller(block: &ThreadBlock) -> (Self, Place) {
        let (host_sp, image_sp) = (block.host_sp(), block.image_sp());
        // SAFETY: a call is being served, so the gate has saved these words below `host_sp`, and the image's `rbp`, with
        // the return address behind it, at `image_sp`.
        let word = |address: usize| unsafe { with_exposed_provenance::<u64>(address).read() };
        let mut context = Self { general: [0; 16], rip: word(image_sp + 8), flags: FLAGS, vectors: [0; 16] };
        for (index, register) in KEPT_GENERAL.into_iter().enumerate() {
            context.general[register] = word(host_sp - SAVED_GENERAL - 8 * index);
        }
        context.general[RBP] = word(image_sp);
        context.general[RSP] = image_sp as u64 + 16;
        for index in 0..KEPT_VECTORS {
            // SAFETY: as above; the gate saves xmm6 to xmm15 upwards from there.
            context.vectors[index + 6] =
                unsafe { with_exposed_provenance::<u128>(host_sp - SAVED_VECTORS + 16 * index).read() };
        }
        let place = Place {
            host_sp,
            image_sp: word(host_sp - 8) as usize,
            descriptor: word(host_sp - 16) as usize,
            return_address: word(host_sp - 24) as usize,
            entered: block.entered(),
        };
        (context, place)
    }

    /// The code that a signal has stopped.
    pub(crate) fn of_signal(frame: &libc::ucontext_t) -> Self {
        let register = |index: libc::c_int| frame.uc_mcontext.gregs[index as usize].cast_unsigned();
        let mut vectors = [0; 16];
        if let Some(floating) = std::ptr::NonNull::new(frame.uc_mcontext.fpregs) {
            // SAFETY: the kernel points to the state that it saved in the signal's frame.
            let saved = unsafe { floating.as_ref() }._xmm;
            for (vector, xmm) in vectors.iter_mut().zip(saved) {
                let [a, b, c, d] = xmm.element.map(u128::from);
                *vector = a | b << 32 | c << 64 | d << 96;
            }
        }
        Self {
            general: GENERAL.map(register),
            rip: register(libc::REG_RIP),
            flags: register(libc::REG_EFL),
            vectors,
        }
    }

    /// Has the code that a signal has stopped go on with these general registers.
    pub(super) fn put_into(&self, frame: &mut libc::ucontext_t) {
        let registers = &mut frame.uc_mcontext.gregs;
        for (value, index) in self.general.iter().zip(GENERAL) {
            registers[index as usize] = value.cast_signed();
        }
        registers[libc::REG_RIP as usize] = self.rip.cast_signed();
        registers[libc::REG_EFL as usize] = self.flags.cast_signed();
    }

    /// Goes on in the image. What simulator code has left on the host stack below `place` is given up.
    ///
    /// # Safety
    /// The registers are those of code of an image on the current thread's kernel stack, whose frames are all there; no
    /// value with a destructor, and no lock, lives in what is given up.
    pub(crate) unsafe fn resume(&self, block: &ThreadBlock, place: Place) -> ! {
        block.stand_at(place);
        // SAFETY: the caller's promise.
        unsafe { parent_partition_resume(self) }
    }
}

unsafe extern "C" {
    fn parent_partition_resume(context: *const Context) -> !;
}

global_asm!(
    ".globl parent_partition_resume",
    ".p2align 4",
    "parent_partition_resume:",
    "movaps xmm0, [rdi + 144]",
    "movaps xmm1, [rdi + 160]",
    "movaps xmm2, [rdi + 176]",
    "movaps xmm3, [rdi + 192]",
    "movaps xmm4, [rdi + 208]",
    "movaps xmm5, [rdi + 224]",
    "movaps xmm6, [rdi + 240]",
    "movaps xmm7, [rdi + 256]",
    "movaps xmm8, [rdi + 272]",
    "movaps xmm9, [rdi + 288]",
    "movaps xmm10, [rdi + 304]",
    "movaps xmm11, [rdi + 320]",
    "movaps xmm12, [rdi + 336]",
    "movaps xmm13, [rdi + 352]",
    "movaps xmm14, [rdi + 368]",
    "movaps xmm15, [rdi + 384]",
    // Where the image goes on, and its flags, below its stack pointer: win64 code keeps nothing there.
    "mov rsp, [rdi + 32]",
    "push qword ptr [rdi + 128]",
    "push qword ptr [rdi + 136]",
    "mov rax, [rdi]",
    "mov rcx, [rdi + 8]",
    "mov rdx, [rdi + 16]",
    "mov rbx, [rdi + 24]",
    "mov rbp, [rdi + 40]",
    "mov rsi, [rdi + 48]",
    "mov r8, [rdi + 64]",
    "mov r9, [rdi + 72]",
    "mov r10, [rdi + 80]",
    "mov r11, [rdi + 88]",
    "mov r12, [rdi + 96]",
    "mov r13, [rdi + 104]",
    "mov r14, [rdi + 112]",
    "mov r15, [rdi + 120]",
    "mov rdi, [rdi + 56]",
    "popfq",
    "ret",
);

/// The general registers that the gate saves, in the order of their places.
const KEPT_GENERAL: [usize; 7] = [3, 6, 7, 12, 13, 14, 15];
const KEPT_VECTORS: usize = 10;
/// Interrupts on, and the bit that is always set.
const FLAGS: u64 = 0x202;
/// Places in a signal's frame of the general registers, by their numbers.
const GENERAL: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

const _: () = {
    assert!(std::mem::offset_of!(Context, rip) == 128);
    assert!(std::mem::offset_of!(Context, flags) == 136);
    assert!(std::mem::offset_of!(Context, vectors) == 144);
};

//! Control flow guard: what an image calls before, or instead of, a call through a pointer.
//!
//! An image that was linked with the guard has two pointers in its load configuration. The kernel's loader fills them with
//! routines that keep every register: one checks the address in `rcx`, one checks that in `rax` and jumps there. An address is
//! good when it is a function that its image lists, code of an image without a list, or a routine of the kernel.

use std::arch::global_asm;
use std::ptr::with_exposed_provenance;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::thunk;
use crate::image;
use crate::judge::{Rule, violation_at};

/// The routine that checks the address in `rcx`.
pub fn check() -> usize {
    prepare();
    parent_partition_guard_check as *const () as usize
}

/// The routine that checks the address in `rax` and jumps there.
pub fn dispatch() -> usize {
    prepare();
    parent_partition_guard_dispatch as *const () as usize
}

fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        let entry = thunk::make("guard check", examine as *const () as usize, 0);
        EXAMINE.store(entry, Ordering::Release);
    });
}

/// Judges a call to `target` from before `returns_to`; breaks [`Rule::BadCallback`].
extern "win64" fn examine(target: usize, returns_to: usize) {
    if thunk::contains(target) || image::code::is_simulator(target) {
        return;
    }
    let Some(image) = image::find_known(target).filter(|image| image.is_executable(target)) else {
        refuse(returns_to, format_args!("{target:#x} is no code that can run"))
    };
    let (list, offset) = (image.guarded_functions(), image.offset_of(target) as u32);
    if list.is_some_and(|list| !list.contains(&offset)) {
        refuse(returns_to, format_args!("{}+{offset:#x} is no function that it lists", image.name()));
    }
}

fn refuse(returns_to: usize, why: std::fmt::Arguments<'_>) -> ! {
    violation_at(
        Rule::BadCallback,
        "",
        returns_to.wrapping_sub(1),
        format_args!("control flow guard, fast fail, code 10: {why}"),
    )
}

unsafe extern "C" {
    fn parent_partition_guard_check();
    fn parent_partition_guard_dispatch();
}

global_asm!(
    ".globl parent_partition_guard_check",
    ".p2align 4",
    "parent_partition_guard_check:",
    "push rax",
    "mov rax, rcx",
    "call parent_partition_guard_examine",
    "pop rax",
    "ret",
    "",
    ".globl parent_partition_guard_dispatch",
    ".p2align 4",
    "parent_partition_guard_dispatch:",
    // As the check has it on the stack, so that both have the return address in one place.
    "push rax",
    "call parent_partition_guard_examine",
    "pop rax",
    "jmp rax",
    "",
    // Checks the address in rax and keeps every register.
    "parent_partition_guard_examine:",
    "push rax",
    "push rcx",
    "push rdx",
    "push r8",
    "push r9",
    "push r10",
    "push r11",
    "sub rsp, 136",
    "movups [rsp + 32], xmm0",
    "movups [rsp + 48], xmm1",
    "movups [rsp + 64], xmm2",
    "movups [rsp + 80], xmm3",
    "movups [rsp + 96], xmm4",
    "movups [rsp + 112], xmm5",
    "mov rcx, rax",
    "mov rdx, [rsp + 136 + 56 + 8 + 8]",
    "call qword ptr [rip + {examine}]",
    "movups xmm0, [rsp + 32]",
    "movups xmm1, [rsp + 48]",
    "movups xmm2, [rsp + 64]",
    "movups xmm3, [rsp + 80]",
    "movups xmm4, [rsp + 96]",
    "movups xmm5, [rsp + 112]",
    "add rsp, 136",
    "pop r11",
    "pop r10",
    "pop r9",
    "pop r8",
    "pop rdx",
    "pop rcx",
    "pop rax",
    "ret",
    examine = sym EXAMINE,
);

/// The thunk of [`examine`].
static EXAMINE: AtomicUsize = AtomicUsize::new(0);

/// Whether the offsets that an image lists hold one; the list is in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    start: usize,
    count: usize,
    stride: usize,
}

impl Listed {
    /// A list in a loaded image's read-only data: entries of `stride` bytes that begin with an offset.
    pub(crate) fn new(start: usize, count: usize, stride: usize) -> Self {
        Self { start, count, stride }
    }

    fn contains(&self, offset: &u32) -> bool {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            // SAFETY: the loader has checked that the list lies in the image.
            let entry =
                unsafe { with_exposed_provenance::<u32>(self.start + middle * self.stride).read_unaligned() };
            match entry.cmp(offset) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return true,
            }
        }
        false
    }
}

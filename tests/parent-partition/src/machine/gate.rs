//! The two crossings between host stack and kernel stack, in assembly.
//!
//! `gate` is where every thunk jumps (`r11` = descriptor): from an image to a routine. `enter` is the other way.
//! Both keep all registers that either calling convention wants kept.

use std::arch::global_asm;

use super::interrupt;
use super::stack::KERNEL_STACK_SIZE;
use super::thread_block::{DESCRIPTOR, HOST_SP, IMAGE_SP, LOWEST_SP, RETURN_ADDRESS, STACK_LOW};
use super::thunk::{STACK_ARGUMENTS, TARGET};

unsafe extern "C" {
    fn parent_partition_gate();

    /// Calls `function` by the win64 convention and returns its `rax`.
    ///
    /// `arguments` has `count` (four or more) words. The callee's frame starts at `stack`, a multiple of 16,
    /// or on the current stack when that is 0.
    ///
    /// # Safety
    ///
    /// The caller vouches for the function, its arguments, and that `stack` has nothing live below it.
    #[link_name = "parent_partition_enter"]
    pub(super) fn enter(function: usize, arguments: *const u64, count: usize, stack: usize) -> u64;
}

/// Where thunks jump.
pub(super) fn address() -> usize {
    parent_partition_gate as *const () as usize
}

global_asm!(
    ".globl parent_partition_gate",
    ".p2align 4",
    "parent_partition_gate:",
    "mov r10, [rsp]",
    "mov rax, rsp",
    "sub rax, gs:[{stack_low}]",
    "cmp rax, {stack_size}",
    // Simulator code calls through the same pointers: there is nothing to switch.
    "jae 5f",
    "push rbp",
    "mov rbp, rsp",
    "cmp rsp, gs:[{lowest_sp}]",
    "jae 2f",
    "mov gs:[{lowest_sp}], rsp",
    "2:",
    "mov rax, gs:[{image_sp}]",
    "mov gs:[{image_sp}], rsp",
    "mov rsp, gs:[{host_sp}]",
    "push rax",
    "push gs:[{descriptor}]",
    "push gs:[{return_address}]",
    // What the caller wants kept, for when the call does not return but raises an exception.
    "push rbx",
    "push rsi",
    "push rdi",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, {saved_vectors} - 80",
    "movaps [rsp], xmm6",
    "movaps [rsp + 16], xmm7",
    "movaps [rsp + 32], xmm8",
    "movaps [rsp + 48], xmm9",
    "movaps [rsp + 64], xmm10",
    "movaps [rsp + 80], xmm11",
    "movaps [rsp + 96], xmm12",
    "movaps [rsp + 112], xmm13",
    "movaps [rsp + 128], xmm14",
    "movaps [rsp + 144], xmm15",
    "mov gs:[{descriptor}], r11",
    "mov gs:[{return_address}], r10",
    // Stack arguments: an even number of slots, then the 32 bytes every callee may use.
    "mov rax, [r11 + {stack_arguments}]",
    "lea r10, [rax + 1]",
    "and r10, -2",
    "shl r10, 3",
    "sub rsp, r10",
    "sub rsp, 32",
    "3:",
    "test rax, rax",
    "jz 4f",
    "dec rax",
    "mov r10, [rbp + rax*8 + 48]",
    "mov [rsp + rax*8 + 32], r10",
    "jmp 3b",
    "4:",
    "lea r10, [rip + {waiting}]",
    "cmp qword ptr [r10], 0",
    "jne 8f",
    "9:",
    "call [r11 + {target}]",
    "mov r10, gs:[{host_sp}]",
    "mov r11, [r10 - 8]",
    "mov gs:[{image_sp}], r11",
    "mov r11, [r10 - 16]",
    "mov gs:[{descriptor}], r11",
    "mov r11, [r10 - 24]",
    "mov gs:[{return_address}], r11",
    "mov rsp, rbp",
    "pop rbp",
    "ret",
    "5:",
    "jmp [r11 + {target}]",
    // Work of DISPATCH_LEVEL waits: the thread is preempted here, with its arguments kept.
    "8:",
    "push rcx",
    "push rdx",
    "push r8",
    "push r9",
    "push r11",
    "sub rsp, 104",
    "movups [rsp + 32], xmm0",
    "movups [rsp + 48], xmm1",
    "movups [rsp + 64], xmm2",
    "movups [rsp + 80], xmm3",
    "call {preempted}",
    "movups xmm0, [rsp + 32]",
    "movups xmm1, [rsp + 48]",
    "movups xmm2, [rsp + 64]",
    "movups xmm3, [rsp + 80]",
    "add rsp, 104",
    "pop r11",
    "pop r9",
    "pop r8",
    "pop rdx",
    "pop rcx",
    "jmp 9b",
    "",
    ".globl parent_partition_enter",
    ".p2align 4",
    "parent_partition_enter:",
    "push rbp",
    "mov rbp, rsp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "push gs:[{host_sp}]",
    "mov gs:[{host_sp}], rsp",
    "test rcx, rcx",
    "cmovz rcx, rsp",
    "mov rsp, rcx",
    "lea rax, [rdx - 4]",
    "lea r10, [rax + 1]",
    "and r10, -2",
    "shl r10, 3",
    "sub rsp, r10",
    "sub rsp, 32",
    "6:",
    "test rax, rax",
    "jz 7f",
    "dec rax",
    "mov r10, [rsi + rax*8 + 32]",
    "mov [rsp + rax*8 + 32], r10",
    "jmp 6b",
    "7:",
    "mov r10, rdi",
    "mov rcx, [rsi]",
    "mov rdx, [rsi + 8]",
    "mov r8, [rsi + 16]",
    "mov r9, [rsi + 24]",
    "call r10",
    "mov rsp, gs:[{host_sp}]",
    "pop gs:[{host_sp}]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    image_sp = const IMAGE_SP,
    host_sp = const HOST_SP,
    stack_low = const STACK_LOW,
    lowest_sp = const LOWEST_SP,
    descriptor = const DESCRIPTOR,
    return_address = const RETURN_ADDRESS,
    stack_size = const KERNEL_STACK_SIZE,
    stack_arguments = const STACK_ARGUMENTS,
    target = const TARGET,
    saved_vectors = const SAVED_VECTORS,
    waiting = sym interrupt::WAITING,
    preempted = sym interrupt::preempted,
);

/// Where the gate saves what the caller of a routine wants kept, in bytes below the host's stack pointer: rbx, rsi, rdi, r12
/// to r15 downwards from the first, xmm6 to xmm15 upwards from the second.
pub(super) const SAVED_GENERAL: usize = 32;
pub(super) const SAVED_VECTORS: usize = 240;

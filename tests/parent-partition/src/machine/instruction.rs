//! The few instructions that only the kernel can run, carried out for an image that stopped at one.
//!
//! Moves from and to CR8, which is the IRQL, and reads of KUSER_SHARED_DATA, which lies in the kernel's half of the address
//! space, where a process can map nothing. Runs in the signal handler, on behalf of the image's code, which holds no lock.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpAccess, OpKind, Register};
use iced_x86::{InstructionInfoFactory, InstructionInfoOptions, UsedMemory};

use super::context::{Context, RSP};
use super::irql;
use super::thread_block::ThreadBlock;
use crate::image::Image;
use crate::judge::{Rule, violation_at};
use crate::nt::{self, shared_data, spin_lock};

/// Carries out the image's instruction at `context.rip` and moves on to the next one; false when it is not one of these.
pub(super) fn carry_out(block: &ThreadBlock, image: &Image, context: &mut Context) -> bool {
    let Some(bytes) = image.code_at(context.rip as usize, LONGEST) else { return false };
    let instruction = Decoder::with_ip(64, bytes, context.rip, DecoderOptions::NONE).decode();
    let done = match instruction.code() {
        Code::Mov_r64_cr if instruction.op1_register() == Register::CR8 => {
            write(context, instruction.op0_register(), u64::from(block.irql()));
            true
        }
        Code::Mov_cr_r64 if instruction.op0_register() == Register::CR8 => {
            set_level(block, context, instruction.op1_register());
            true
        }
        _ => read_shared_data(&instruction, context),
    };
    if done {
        context.rip = instruction.next_ip();
    }
    done
}

/// CR8 is written: KeRaiseIrql and KeLowerIrql in one, as the WDK's inline forms of both are.
fn set_level(block: &ThreadBlock, context: &Context, from: Register) {
    let (level, at) = (value(context, from), context.rip as usize);
    let Some(level) = u8::try_from(level).ok().filter(|level| *level <= irql::HIGH_LEVEL) else {
        violation_at(Rule::Exception, "", at, format_args!("{level:#x} is moved to CR8, which takes 0 to 15"))
    };
    if level < irql::DISPATCH_LEVEL && spin_lock::held() != 0 {
        violation_at(Rule::SpinLock, "", at, "the IRQL is lowered while a spin lock is held");
    }
    // DPCs that waited for this run below the frames that are there.
    let before = block.image_sp();
    block.set_image_sp(context.general[RSP] as usize & !15);
    nt::irql::set(level);
    block.set_image_sp(before);
}

/// Reads of the page that the kernel shares with everybody: loads, comparisons and tests of 1, 2, 4 or 8 bytes.
fn read_shared_data(instruction: &Instruction, context: &mut Context) -> bool {
    let Some((address, size)) = memory_operand(instruction, context) else { return false };
    let Some(read) = shared_data::read(address, size) else { return false };
    let bits = size as u32 * 8;
    let other = |index: u32| match instruction.op_kind(index) {
        OpKind::Register => Some(value(context, instruction.op_register(index))),
        OpKind::Memory => Some(read),
        _ => instruction.try_immediate(index).ok(),
    };
    let signed = |value: u64| (value << (64 - bits)).cast_signed() >> (64 - bits);
    match instruction.mnemonic() {
        Mnemonic::Mov | Mnemonic::Movzx if instruction.op0_kind() == OpKind::Register => {
            write(context, instruction.op0_register(), read);
        }
        Mnemonic::Movsx | Mnemonic::Movsxd => {
            write(context, instruction.op0_register(), signed(read).cast_unsigned());
        }
        Mnemonic::Cmp | Mnemonic::Test => {
            let (Some(left), Some(right)) = (other(0), other(1)) else { return false };
            let flags = match instruction.mnemonic() {
                Mnemonic::Cmp => flags_of_comparison(left, right, bits),
                _ => flags_of_value(left & right, bits),
            };
            context.flags = context.flags & !ARITHMETIC | flags;
        }
        _ => return false,
    }
    true
}

/// Address and size of the memory that the instruction reads; `None` when it reads none or writes some.
fn memory_operand(instruction: &Instruction, context: &Context) -> Option<(u64, usize)> {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info_options(instruction, InstructionInfoOptions::NONE);
    let [used]: &[UsedMemory; 1] = info.used_memory().try_into().ok()?;
    if used.access() != OpAccess::Read {
        return None;
    }
    let address = used.virtual_address(0, |register, _, _| Some(value(context, register)))?;
    Some((address, used.memory_size().size()))
}

/// The value of a general register or a part of one.
fn value(context: &Context, register: Register) -> u64 {
    let Some(whole) = whole(context, register) else { return 0 };
    match register {
        Register::AH | Register::CH | Register::DH | Register::BH => whole >> 8 & 0xFF,
        _ => match register.size() {
            8 => whole,
            size => whole & ((1 << (size * 8)) - 1),
        },
    }
}

fn whole(context: &Context, register: Register) -> Option<u64> {
    if register.is_ip() {
        return Some(context.rip);
    }
    register.is_gpr().then(|| context.general[register.full_register().number()])
}

/// Writes a general register or a part of one; the upper half goes to zero with a part of 32 bits.
fn write(context: &mut Context, register: Register, value: u64) {
    let whole = &mut context.general[register.full_register().number()];
    *whole = match (register, register.size()) {
        (Register::AH | Register::CH | Register::DH | Register::BH, _) => {
            *whole & !0xFF00 | (value & 0xFF) << 8
        }
        (_, 1) => *whole & !0xFF | value & 0xFF,
        (_, 2) => *whole & !0xFFFF | value & 0xFFFF,
        (_, 4) => value & 0xFFFF_FFFF,
        _ => value,
    };
}

/// Flags of `left - right`, of that many bits.
fn flags_of_comparison(left: u64, right: u64, bits: u32) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let (left, right) = (left & mask, right & mask);
    let result = left.wrapping_sub(right) & mask;
    let overflow = (left ^ right) & (left ^ result) & sign(bits);
    let bit = |set: bool, flag: u64| if set { flag } else { 0 };
    flags_of_value(result, bits)
        | bit(left < right, CARRY)
        | bit((left ^ right ^ result) & 0x10 != 0, ADJUST)
        | bit(overflow != 0, OVERFLOW)
}

fn flags_of_value(value: u64, bits: u32) -> u64 {
    let value = value & (u64::MAX >> (64 - bits));
    let bit = |set: bool, flag: u64| if set { flag } else { 0 };
    bit(value == 0, ZERO)
        | bit(value & sign(bits) != 0, SIGN)
        | bit((value as u8).count_ones().is_multiple_of(2), PARITY)
}

fn sign(bits: u32) -> u64 {
    1 << (bits - 1)
}

const LONGEST: usize = 15;
const CARRY: u64 = 1;
const PARITY: u64 = 1 << 2;
const ADJUST: u64 = 1 << 4;
const ZERO: u64 = 1 << 6;
const SIGN: u64 = 1 << 7;
const OVERFLOW: u64 = 1 << 11;
const ARITHMETIC: u64 = CARRY | PARITY | ADJUST | ZERO | SIGN | OVERFLOW;

#[cfg(test)]
mod tests {
    use super::{ADJUST, CARRY, OVERFLOW, PARITY, SIGN, ZERO, flags_of_comparison, flags_of_value};

    #[test]
    fn a_comparison_sets_the_flags_of_a_subtraction() {
        assert_eq!(flags_of_comparison(5, 5, 32), ZERO | PARITY);
        assert_eq!(flags_of_comparison(0, 1, 8), CARRY | SIGN | ADJUST | PARITY);
        assert_eq!(flags_of_comparison(0x80, 1, 8), OVERFLOW | ADJUST);
        assert_eq!(flags_of_comparison(1 << 63, 1, 64) & OVERFLOW, OVERFLOW);
        assert_eq!(flags_of_comparison(0x1_0000_0005, 5, 32), ZERO | PARITY);
    }

    #[test]
    fn a_test_sets_sign_and_zero() {
        assert_eq!(flags_of_value(0x100, 8), ZERO | PARITY);
        assert_eq!(flags_of_value(0x80, 8), SIGN);
    }
}

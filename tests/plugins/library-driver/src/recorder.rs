//! The handlers: one takes numbers into the journal, one gives the journal out.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use backchannel::{BlockHandler, Call, NtStatus, Output, PublishError};
use wdk_sys::{LARGE_INTEGER, ntddk::KeDelayExecutionThread};

use crate::{
    STAMP_ID,
    journal::{self, Entry, OVERLAPPED, OVERTAKEN},
};

/// Takes numbers.
pub(crate) struct Recorder;

/// Gives the journal out, and is told of mistakes to make.
pub(crate) struct Keeper;

impl BlockHandler for Recorder {
    fn write(&self, call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let (Some(number), Some(time)) = (block.first_chunk().copied(), block.get(8..12)) else {
            return Err(NtStatus::INVALID_PARAMETER);
        };
        let number = u64::from_le_bytes(number);
        let time = time.first_chunk().copied().map_or(0, u32::from_le_bytes);
        let ring = journal::ring(call.vf().index.value()).ok_or(NtStatus::INVALID_PARAMETER)?;
        let overlapped = ring.enter();
        if time != 0 {
            wait(time);
        }
        let stamped = call.publish(STAMP_ID, &number.to_le_bytes());
        // With room for what a mistake adds.
        let taken = if ring.has_room(2) {
            let mut flags = if overlapped { OVERLAPPED } else { 0 };
            if stamped == Err(PublishError::Stale) {
                flags |= OVERTAKEN;
            }
            let vf = call.vf();
            let first = u64::from(vf.index.value()) | flags << 24 | u64::from(vf.generation.value()) << 32;
            note(ring, vf.index.value(), [first, number]);
            Ok(())
        } else {
            Err(NtStatus::INSUFFICIENT_RESOURCES)
        };
        ring.leave();
        taken
    }
}

impl BlockHandler for Keeper {
    fn read(&self, _call: &Call<'_>, out: &mut Output<'_>) -> Result<(), NtStatus> {
        for place in out.bytes_mut().chunks_exact_mut(16) {
            let Some(entry) = journal::take() else { break };
            for (byte, value) in place.iter_mut().zip(entry.into_iter().flat_map(u64::to_le_bytes)) {
                *byte = value;
            }
        }
        Ok(())
    }

    fn write(&self, _call: &Call<'_>, block: &[u8]) -> Result<(), NtStatus> {
        let [mistake, times] = *block else { return Err(NtStatus::INVALID_PARAMETER) };
        MISTAKES_LEFT.store(u32::from(times), Ordering::Relaxed);
        MISTAKE.store(u32::from(mistake), Ordering::Release);
        Ok(())
    }
}

/// Puts an entry into the journal, or makes the mistake that was asked for.
fn note(ring: &journal::Ring, vf: u16, entry: Entry) {
    match MISTAKE.load(Ordering::Acquire) {
        DROP if is_mistaken() => {}
        DOUBLE if is_mistaken() => {
            ring.add(entry);
            ring.add(entry);
        }
        REORDER if vf == 0 => {
            let [first, number] = entry;
            let before = [HELD_FIRST.swap(0, Ordering::Relaxed), HELD_NUMBER.swap(0, Ordering::Relaxed)];
            if before != [0, 0] {
                ring.add(entry);
                ring.add(before);
            } else if is_mistaken() {
                HELD_FIRST.store(first, Ordering::Relaxed);
                HELD_NUMBER.store(number, Ordering::Relaxed);
            } else {
                ring.add(entry);
            }
        }
        _ => ring.add(entry),
    }
}

fn is_mistaken() -> bool {
    MISTAKES_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

/// Waits for some microseconds.
fn wait(microseconds: u32) {
    let mut interval = LARGE_INTEGER { QuadPart: i64::from(microseconds).saturating_mul(-10) };
    // SAFETY: handlers are called at PASSIVE_LEVEL; the interval outlives the call.
    let _status = unsafe { KeDelayExecutionThread(0, 0, &raw mut interval) };
}

/// The entry is lost.
const DROP: u32 = 1;
/// The entry is there twice.
const DOUBLE: u32 = 2;
/// The entry comes after the one of the VF's next write; of VF 0 alone, whose calls never overlap.
const REORDER: u32 = 3;

static MISTAKE: AtomicU32 = AtomicU32::new(0);
static MISTAKES_LEFT: AtomicU32 = AtomicU32::new(0);
static HELD_FIRST: AtomicU64 = AtomicU64::new(0);
static HELD_NUMBER: AtomicU64 = AtomicU64::new(0);

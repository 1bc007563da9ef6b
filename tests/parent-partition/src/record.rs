//! The one message a judged process sends its supervisor before it ends.
//!
//! Fixed size, written with one `write` and made without allocation, so that a signal handler can do it on a
//! broken process. A process without a supervisor prints the same facts in one line and ends the same way.

use std::fmt::{self, Write};
use std::mem::{MaybeUninit, size_of};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::image::{self, Callers};
use crate::judge::Rule;

/// What ends a judged process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Simulator code found a broken rule.
    Violation = 1,
    /// The processor stopped the image (or what it asked the simulator to touch).
    Fault = 2,
    /// The simulator itself is wrong: a panic, or a fault in its own code.
    Defect = 3,
}

/// The facts of the end, all inline.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    magic: u32,
    kind: u32,
    rule: u32,
    signal: i32,
    fault_address: u64,
    at: u64,
    /// 1 when the blamed image is not the first that was loaded.
    is_plugin: u64,
    /// Offsets of code addresses in the blamed image, innermost first; 0 ends the list.
    frames: [u64; FRAMES],
    /// The offset of the code that called into the blamed image from another one, 0 for none.
    caller: u64,
    call: Text<64>,
    image: Text<256>,
    caller_image: Text<256>,
    detail: Text<512>,
}

impl Record {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            magic: MAGIC,
            kind: kind as u32,
            rule: u32::MAX,
            signal: 0,
            fault_address: 0,
            at: 0,
            is_plugin: 0,
            frames: [0; FRAMES],
            caller: 0,
            call: Text::EMPTY,
            image: Text::EMPTY,
            caller_image: Text::EMPTY,
            detail: Text::EMPTY,
        }
    }

    /// Names the rule, the routine called, and the code to blame (an address in an image, or 0).
    pub(crate) fn blame(&mut self, rule: Rule, call: &str, at: usize) {
        self.rule = rule as u32;
        self.at = at as u64;
        self.call.append(call);
        if let Some(found) = image::find_known(at) {
            self.name_image(found.path());
            self.frames[0] = found.offset_of(at) as u64;
        }
    }

    /// Adds the callers of the code to blame, and who called into its image from another one.
    pub(crate) fn add_callers(&mut self, callers: Option<Callers<'_>>) {
        let (Some(mut callers), Some(image)) = (callers, image::find_known(self.at as usize)) else { return };
        let mut frames = self.frames.iter_mut().skip_while(|frame| **frame != 0);
        // The chain is walked to its end, whether there is room for all of it or not.
        for caller in callers.by_ref() {
            if let Some(frame) = frames.next() {
                *frame = image.offset_of(caller) as u64;
            }
        }
        if let Some(caller) = callers.outside()
            && let Some(other) = image::find_known(caller)
        {
            self.caller = other.offset_of(caller) as u64;
            self.caller_image.append(other.path());
        }
    }

    /// Names an image by path where no code address tells it.
    pub(crate) fn name_image(&mut self, path: &str) {
        self.image = Text::EMPTY;
        self.image.append(path);
        let is_first = image::first().is_none_or(|first| first.path() == path);
        self.is_plugin = u64::from(!is_first);
    }

    pub(crate) fn fault(&mut self, signal: i32, address: usize) {
        self.signal = signal;
        self.fault_address = address as u64;
    }

    pub(crate) fn describe(&mut self, detail: fmt::Arguments<'_>) {
        // A text that does not fit is cut; there is nobody to tell.
        let _ = self.detail.write_fmt(detail);
    }

    /// Who or what ended the process.
    pub fn kind(&self) -> Kind {
        match self.kind {
            1 => Kind::Violation,
            2 => Kind::Fault,
            _ => Kind::Defect,
        }
    }

    /// The broken rule, if it was one.
    pub fn rule(&self) -> Option<Rule> {
        Rule::ALL.get(self.rule as usize).copied()
    }

    /// The routine the image was calling, empty when it called none.
    pub fn call(&self) -> &str {
        self.call.as_str()
    }

    /// What happened, for a person.
    pub fn detail(&self) -> &str {
        self.detail.as_str()
    }

    /// Path of the blamed image, empty when no image is to blame.
    pub fn image(&self) -> &str {
        self.image.as_str()
    }

    /// Whether the blamed image is not the one under test, the first that was loaded.
    pub fn is_plugin(&self) -> bool {
        self.is_plugin != 0
    }

    /// Offsets in the blamed image, innermost first.
    pub fn frames(&self) -> impl Iterator<Item = u64> + '_ {
        self.frames.iter().copied().take_while(|frame| *frame != 0)
    }

    /// Path of the other image whose code called into the blamed one, and the offset of that code.
    pub fn caller(&self) -> Option<(&str, u64)> {
        (self.caller != 0).then(|| (self.caller_image.as_str(), self.caller))
    }

    /// Reads a record back; `None` when the bytes are none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != size_of::<Self>() {
            return None;
        }
        let mut record = MaybeUninit::<Self>::uninit();
        // SAFETY: the lengths are equal; every bit pattern is a valid `Record` (integers and byte arrays).
        let record = unsafe {
            record.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            record.assume_init()
        };
        (record.magic == MAGIC).then_some(record)
    }

    fn as_bytes(&self) -> &[u8] {
        // SAFETY: `Record` is `repr(C)` without padding (asserted below), so all its bytes are initialised.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

/// Tells this process where its supervisor listens.
pub(crate) fn listen_on(fd: i32) {
    SUPERVISOR.store(fd, Ordering::SeqCst);
}

/// Whether a supervisor listens.
pub(crate) fn is_heard() -> bool {
    SUPERVISOR.load(Ordering::SeqCst) >= 0
}

/// Sends the record and ends the process; async-signal-safe.
///
/// Only the first caller of a process is heard; a second one waits for the end.
pub(crate) fn end(record: &Record) -> ! {
    if ENDING.swap(true, Ordering::SeqCst) {
        loop {
            // SAFETY: `pause` has no preconditions.
            unsafe { libc::pause() };
        }
    }
    let fd = SUPERVISOR.load(Ordering::SeqCst);
    if fd >= 0 {
        write_all(fd, record.as_bytes());
    } else {
        let mut line = Text::<1024>::EMPTY;
        let rule = record.rule().map_or("simulator defect", Rule::name);
        let _ = writeln!(
            line,
            "{rule}: {} called from {}+{:#x}: {}",
            record.call(),
            record.image(),
            record.frames[0],
            record.detail()
        );
        write_all(libc::STDERR_FILENO, line.as_str().as_bytes());
    }
    let code = if record.kind() == Kind::Defect { EXIT_DEFECT } else { EXIT_RULE_BROKEN };
    // SAFETY: `_exit` ends the process and is async-signal-safe.
    unsafe { libc::_exit(code) }
}

/// Exit code of a run in which a rule was broken.
pub const EXIT_RULE_BROKEN: i32 = 3;
/// Exit code of a run that the simulator's own defect ended.
pub const EXIT_DEFECT: i32 = 4;

fn write_all(fd: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length are those of a live slice.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if written <= 0 {
            return;
        }
        bytes = &bytes[written as usize..];
    }
}

/// A short text with its length in front; what does not fit is cut.
#[derive(Clone, Copy)]
#[repr(C)]
struct Text<const N: usize> {
    length: u64,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    const EMPTY: Self = Self { length: 0, bytes: [0; N] };

    fn append(&mut self, text: &str) {
        for byte in text.bytes() {
            let at = self.length as usize;
            if at == N {
                return;
            }
            self.bytes[at] = byte;
            self.length += 1;
        }
    }

    fn as_str(&self) -> &str {
        let bytes = &self.bytes[..(self.length as usize).min(N)];
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // A cut may fall into a character.
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text);
        Ok(())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

const MAGIC: u32 = u32::from_le_bytes(*b"PPRC");
const FRAMES: usize = 16;
static SUPERVISOR: AtomicI32 = AtomicI32::new(-1);
static ENDING: AtomicBool = AtomicBool::new(false);

const _: () = assert!(size_of::<Record>() == 48 + 8 * FRAMES + (8 + 64) + 2 * (8 + 256) + (8 + 512));
const _: () = assert!(size_of::<Record>() <= libc::PIPE_BUF);

#[cfg(test)]
mod tests {
    use super::{Kind, Record, Text};
    use crate::judge::Rule;

    #[test]
    fn a_record_survives_the_pipe() {
        let mut record = Record::new(Kind::Violation);
        record.blame(Rule::Leak, "IoCreateDevice", 0);
        record.describe(format_args!("{} left", 3));
        let back = Record::from_bytes(record.as_bytes()).expect("a record");
        assert_eq!((back.kind(), back.rule()), (Kind::Violation, Some(Rule::Leak)));
        assert_eq!((back.call(), back.detail(), back.image()), ("IoCreateDevice", "3 left", ""));
    }

    #[test]
    fn bytes_that_are_no_record_are_refused() {
        assert!(Record::from_bytes(&[0; 12]).is_none());
        assert!(Record::from_bytes(&[0; size_of::<Record>()]).is_none());
    }

    #[test]
    fn a_text_too_long_is_cut_between_characters() {
        let mut text = Text::<4>::EMPTY;
        text.append("abc\u{e4}");
        assert_eq!(text.as_str(), "abc");
    }
}

//! A guest on the image, whose way to the PF can be spoilt.

use backchannel::{BlockId, Blocks, MessageBlocks};
use scenarios::script::{self, Conversation};
use serde_json::{Value, json};

/// The blocks of the library driver's messages.
pub(crate) const IDS: MessageBlocks =
    MessageBlocks { control: BlockId::new(20), to_pf: BlockId::new(21), to_vf: BlockId::new(22) };

/// What a client asked for: a write's bytes, or a read's length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Write(u32, Vec<u8>),
    Read(u32, usize),
}

/// One VF's way to the PF.
pub(crate) struct Guest {
    partition: Option<Conversation>,
    vf: u16,
    calls: Vec<Call>,
    is_spoilt: bool,
    spoilt: [u32; 3],
    held: Option<(u32, Vec<u8>)>,
}

impl Guest {
    pub(crate) fn on(partition: Conversation, vf: u16) -> Self {
        Self {
            partition: Some(partition),
            vf,
            calls: Vec::new(),
            is_spoilt: false,
            spoilt: [0; 3],
            held: None,
        }
    }

    /// From the second call after the first two on, some calls are lost, repeated, or overtaken by the next.
    pub(crate) fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// How many were lost, repeated and overtaken.
    pub(crate) fn spoilt(&self) -> [u32; 3] {
        self.spoilt
    }

    /// The VF changes hands.
    pub(crate) fn reset(&mut self) {
        let answer = self.ask(&json!({"do": "reset", "vf": self.vf}));
        assert_eq!(answer["status"], "0x00000000");
    }

    /// Ends the run, which was clean, and gives what was asked for.
    pub(crate) fn end(&mut self) -> Vec<Call> {
        self.partition.take().expect("it has not ended").end();
        std::mem::take(&mut self.calls)
    }

    fn ask(&mut self, line: &Value) -> Value {
        self.partition.as_mut().expect("it has not ended").ask(line)
    }

    fn arrive(&mut self, block: u32, bytes: &[u8]) -> u32 {
        let line = script::write(self.vf, block, bytes);
        status(&self.ask(&line))
    }

    /// What happens to this call: by its number alone, so that every client meets the same.
    fn fate(&self) -> usize {
        // The conversation has begun with two calls.
        let number = self.calls.len().saturating_sub(3);
        if self.is_spoilt { number * 7 % 13 } else { usize::MAX }
    }
}

impl Blocks for Guest {
    type Refusal = u32;

    fn write(&mut self, block: u32, bytes: &[u8]) -> Result<(), u32> {
        self.calls.push(Call::Write(block, bytes.to_vec()));
        let held = self.held.take();
        let status = match self.fate() {
            2 => {
                self.spoilt[0] += 1;
                0
            }
            5 => {
                self.spoilt[1] += 1;
                self.arrive(block, bytes);
                self.arrive(block, bytes)
            }
            8 => {
                self.spoilt[2] += 1;
                self.held = Some((block, bytes.to_vec()));
                0
            }
            _ => self.arrive(block, bytes),
        };
        if let Some((block, bytes)) = held {
            self.arrive(block, &bytes);
        }
        if status == 0 { Ok(()) } else { Err(status) }
    }

    fn read(&mut self, block: u32, bytes: &mut [u8]) -> Result<(), u32> {
        self.calls.push(Call::Read(block, bytes.len()));
        let line = script::read(self.vf, block, bytes.len() as u64);
        let answer = self.ask(&line);
        let text = answer["data"].as_str().unwrap_or_default().as_bytes();
        for (to, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).expect("hexadecimal digits");
            *to = u8::from_str_radix(digits, 16).expect("hexadecimal digits");
        }
        match (self.fate(), status(&answer)) {
            (4, _) => {
                self.spoilt[0] += 1;
                Err(0xC000_00B5)
            }
            (_, 0) => Ok(()),
            (_, status) => Err(status),
        }
    }
}

fn status(answer: &Value) -> u32 {
    let text = answer["status"].as_str().unwrap_or_default();
    u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or_else(|_| panic!("no status in {answer}"))
}

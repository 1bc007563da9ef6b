//! A VF driver that behaves as the Linux one for mlx5 devices.
//!
//! It looks at the control block once on its own, and again at each invalidation; when the PF addresses its
//! statistics agent it sends its counters, piece by piece, all to one block.
//!
//! SPEC: `drivers/net/ethernet/mellanox/mlx5/core/lib/hv_vhca.c` and `en/hv_vhca_stats.c` of Linux.

use bytes::{Buf, BufMut};

use super::backchannel::{Backchannel, Refused};
use super::statistics::{BLOCK, RingCounters, Traffic, pieces};

/// The driver of one VF.
#[derive(Debug)]
pub struct Mlx5<B> {
    backchannel: B,
    traffic: Traffic,
    rings: u16,
    sequence: u16,
    record: Record,
}

/// What the driver remembers of what it sent: the only source of what the PF is expected to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The last set of counters that went out whole.
    pub last_set: Vec<RingCounters>,
    /// The sequence number it carried.
    pub last_sequence: u16,
    /// Sets sent.
    pub sets: u32,
    /// Pieces sent.
    pub pieces: u32,
}

/// The fields of the control block; what is reserved travels as zeros.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ControlBlock {
    /// Agents that the VF has, by bit; the VF's.
    pub capabilities: u32,
    /// Agents that the PF addresses, by bit; the PF's.
    pub control: u32,
    /// What the addressed agents are told; the PF's.
    pub command: u16,
    /// The command that was carried out last; the VF's.
    pub command_ack: u16,
    /// Version of the statistics' format; the VF's.
    pub version: u16,
    /// Rings whose counters make a set; the VF's.
    pub rings: u16,
}

/// How a control cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycle {
    /// The block was read and written back so.
    Answered(ControlBlock),
    /// The PF addressed an agent that is not there, so nothing was written.
    UnknownAgent(ControlBlock),
}

impl<B: Backchannel> Mlx5<B> {
    /// A driver with one agent, for statistics.
    pub fn new(backchannel: B, seed: u64, vf: u16, rings: u16) -> Self {
        let traffic = Traffic::new(seed, vf, rings);
        Self { backchannel, traffic, rings, sequence: 0, record: Record::default() }
    }

    /// Reads the control block, runs the agents that it addresses, and writes it back.
    ///
    /// # Errors
    ///
    /// [`Refused`] when the PF does not serve the block.
    pub fn control_cycle(&mut self) -> Result<Cycle, Refused> {
        let mut bytes = [0; BLOCK];
        self.backchannel.read(CONTROL, &mut bytes)?;
        let mut block = ControlBlock::from_bytes(&bytes);
        block.capabilities = STATISTICS_AGENT;
        if block.control & !block.capabilities != 0 {
            return Ok(Cycle::UnknownAgent(block));
        }
        if block.control & STATISTICS_AGENT != 0 {
            block.version = 1;
            block.rings = self.rings;
        }
        block.command_ack = block.command;
        self.backchannel.write(CONTROL, &block.to_bytes())?;
        Ok(Cycle::Answered(block))
    }

    /// Sends one set of counters.
    ///
    /// # Errors
    ///
    /// [`Refused`] at the first piece the PF does not take; the next set repeats the sequence number.
    pub fn send_statistics(&mut self) -> Result<(), Refused> {
        let rings = self.traffic.advance();
        for piece in pieces(self.sequence, rings) {
            self.backchannel.write(STATISTICS, &piece)?;
            self.record.pieces += 1;
        }
        self.record.last_set = rings.to_vec();
        self.record.last_sequence = self.sequence;
        self.record.sets += 1;
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// What was sent so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The way to the PF, for whoever asks it something else.
    pub fn backchannel(&self) -> &B {
        &self.backchannel
    }
}

impl ControlBlock {
    /// Parses a block; reserved bytes are not looked at.
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        Self {
            capabilities: bytes.get_u32_le(),
            control: bytes.get_u32_le(),
            command: bytes.get_u16_le(),
            command_ack: bytes.get_u16_le(),
            version: bytes.get_u16_le(),
            rings: bytes.get_u16_le(),
        }
    }

    /// The block as it travels.
    pub fn to_bytes(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut fields = &mut block[..];
        fields.put_u32_le(self.capabilities);
        fields.put_u32_le(self.control);
        fields.put_u16_le(self.command);
        fields.put_u16_le(self.command_ack);
        fields.put_u16_le(self.version);
        fields.put_u16_le(self.rings);
        block
    }

    /// Whether the PF has the VF's statistics sent periodically.
    pub fn asks_for_statistics(&self) -> bool {
        self.control & STATISTICS_AGENT != 0 && self.command != 0
    }
}

/// The block in which PF and VF agree on what is sent.
pub const CONTROL: u32 = 0;
/// The block to which every piece of the statistics is written.
pub const STATISTICS: u32 = 1;

/// The statistics agent's bit in capabilities and control.
const STATISTICS_AGENT: u32 = 1;

#[cfg(test)]
mod tests;

//! Blocks 20 to 22: messages of up to 64 KiB, sent back as they came.

use backchannel::{
    BlockId, Call, LONGEST_MESSAGE, MessageBlocks, MessageHandler, MessageLimits, Messages, NtStatus, Outbox,
    Schema, SendError,
};

const BLOCKS: MessageBlocks =
    MessageBlocks { control: BlockId::new(20), to_pf: BlockId::new(21), to_vf: BlockId::new(22) };

/// The blocks' descriptions.
pub(crate) const SCHEMAS: [Schema; 3] = BLOCKS.schemas();

/// The handler of the three blocks.
pub(crate) static MESSAGES: Messages<Echo> = Messages::new(
    Echo,
    BLOCKS,
    MessageLimits { to_pf: LONGEST_MESSAGE, to_vf: LONGEST_MESSAGE, ..MessageLimits::DEFAULT },
);

/// Sends each message back.
#[derive(Debug)]
pub(crate) struct Echo;

impl MessageHandler for Echo {
    fn message(&self, _call: &Call<'_>, message: &[u8], outbox: &mut Outbox<'_>) -> Result<(), NtStatus> {
        outbox.send(message).map_err(SendError::status)
    }
}

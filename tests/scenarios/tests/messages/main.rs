//! Messages through the real image of a driver that links the library: 64 KiB there and back, over a bad way.

mod c_client;
mod guest;

use std::env;

use backchannel::{MessageClient, NtStatus};
use guest::{Call, Guest, IDS};
use scenarios::script::Conversation;

/// The largest message, and one whose last piece is short.
const LENGTHS: [usize; 2] = [65_536, 1_234];

/// What a test's guests send.
fn message(length: usize) -> Vec<u8> {
    (0..length).map(|place| ((place * 31) >> 3) as u8).collect()
}

fn begin() -> Conversation {
    let image = env::var("PF_BACKCHANNEL_LIBRARY_IMAGE").expect("run `cargo xtask test`");
    Conversation::begin(&["--image", &image, "--vfs", "2"])
}

#[test]
fn message_of_64_kib_arrives_intact_with_pieces_lost_repeated_and_reordered() {
    let partition = begin();
    let mut client = MessageClient::open(Guest::on(partition, 1), IDS).expect("the driver speaks messages");
    client.blocks().spoil();
    let mut buffer = vec![0; 65_536];
    for length in LENGTHS {
        let sent = message(length);
        client.send(&sent).expect("it arrives in the end");
        assert_eq!(client.receive(&mut buffer), Ok(Some(length)));
        assert!(buffer[..length] == sent, "what came back is what was sent");
    }
    let spoilt = client.blocks().spoilt();
    assert!(spoilt.iter().all(|count| *count > 50), "lost, repeated, overtaken: {spoilt:?}");
    client.blocks().end();
}

#[test]
fn reset_in_the_middle_of_a_message_leaves_the_next_tenant_nothing() {
    let partition = begin();
    let mut client = MessageClient::open(Guest::on(partition, 0), IDS).expect("the driver speaks messages");
    client.send(&message(600)).expect("it arrives");
    client.blocks().reset();
    assert_eq!(client.receive(&mut [0; 600]), Ok(None));
    let refused = client.send(&message(600));
    assert_eq!(refused, Err(backchannel::ClientError::Call(NtStatus::INVALID_DEVICE_STATE.bits())));
    client.blocks().end();
}

#[test]
fn clients_in_c_and_in_rust_make_the_same_calls_with_the_same_bytes() {
    for length in LENGTHS {
        let mut client = MessageClient::open(Guest::on(begin(), 0), IDS).expect("the driver speaks messages");
        client.blocks().spoil();
        let sent = message(length);
        client.send(&sent).expect("it arrives in the end");
        assert_eq!(client.receive(&mut vec![0; 65_536]), Ok(Some(length)));
        let in_rust = client.blocks().end();
        for standard in c_client::STANDARDS {
            let mut guest = Guest::on(begin(), 0);
            c_client::converse(&c_client::compile(standard), length, &mut guest);
            let in_c: Vec<Call> = guest.end();
            assert_eq!(in_c.len(), in_rust.len(), "{standard:?}");
            let differs = in_c.iter().zip(&in_rust).position(|(c, rust)| c != rust);
            assert_eq!(differs, None, "the first call that differs, of {standard:?}");
        }
    }
}

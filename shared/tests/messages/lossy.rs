//! Whatever is lost, repeated and reordered: a message arrives whole and once, or not at all.

use backchannel::{ClientError, LONGEST_MESSAGE, MessageClient, MessageLimits, NtStatus};
use proptest::collection::vec;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::test_runner::TestCaseError;

use super::way::{Echo, Fate, LARGE, Way, world};

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        6 => Just(Fate::Arrives), 2 => Just(Fate::Lost), 1 => Just(Fate::Repeated), 2 => Just(Fate::Overtaken)
    ];
    vec(fate, 50..150)
}

fn message(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|place| (place.wrapping_mul(31) >> 3).to_le_bytes()[0] ^ seed).collect()
}

/// Sends a message over a bad way and receives its echo over it, each once more over a good one if it was given up; gives how
/// often it was.
fn converse(
    client: &mut MessageClient<Way>,
    echo: &Echo,
    fates: &[Fate],
    sent: &[u8],
) -> Result<u8, TestCaseError> {
    let given_up = |error: &ClientError<NtStatus>| {
        matches!(error, ClientError::Lost | ClientError::Call(NtStatus::IO_TIMEOUT))
    };
    let (mut buffer, mut times) = (vec![0; 65_536], 0);
    client.blocks().worsen(fates);
    let first = client.send(sent);
    let mut taken = echo.taken();
    if let Err(error) = first {
        prop_assert!(given_up(&error), "{:?}", error);
        times += 1;
    }
    if taken.is_empty() {
        prop_assert!(first.is_err());
        client.blocks().worsen(&[]);
        prop_assert_eq!(client.send(sent), Ok(()));
        taken = echo.taken();
        client.blocks().worsen(fates);
    }
    prop_assert_eq!(taken, vec![sent.to_vec()]);
    let mut received = client.receive(&mut buffer);
    client.blocks().worsen(&[]);
    if let Err(error) = received {
        prop_assert!(given_up(&error), "{:?}", error);
        times += 1;
        received = client.receive(&mut buffer);
    }
    prop_assert_eq!(received, Ok(Some(sent.len())));
    prop_assert_eq!(&buffer[..sent.len()], sent);
    // What was held back on the way arrives now, and changes nothing.
    prop_assert_eq!(client.receive(&mut buffer), Ok(None));
    prop_assert_eq!(echo.taken(), Vec::<Vec<u8>>::new());
    Ok(times)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_way_changes_or_repeats_a_message(
        fates in fates(),
        lengths in vec(prop_oneof![1..=240_usize, 1..=65_536_usize, Just(65_536_usize)], 1..4),
    ) {
        let (world, echo) = world(LARGE);
        let mut client = Way::open(world, 1);
        for (length, seed) in lengths.into_iter().zip(0..) {
            let _attempts = converse(&mut client, echo, &fates, &message(length, seed))?;
        }
    }

    #[test]
    fn message_of_any_length_arrives(length in 1..2_000_usize, seed in any::<u8>()) {
        let (world, echo) = world(MessageLimits::DEFAULT);
        let mut client = Way::open(world, 0);
        let sent = message(length, seed);
        prop_assert_eq!(client.send(&sent), Ok(()));
        prop_assert_eq!(echo.taken(), vec![sent]);
    }
}

#[test]
fn message_of_64_kib_arrives_and_comes_back() {
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 0);
    assert_eq!((client.longest_to_pf(), client.longest_to_vf()), (LONGEST_MESSAGE, LONGEST_MESSAGE));
    let sent = message(65_536, 0x5A);
    client.send(&sent).unwrap();
    assert_eq!(echo.taken(), std::slice::from_ref(&sent));
    let mut buffer = vec![0; 65_536];
    assert_eq!(client.receive(&mut buffer), Ok(Some(65_536)));
    assert_eq!(buffer, sent);
}

#[test]
fn messages_survive_a_way_that_loses_every_fifth_call_and_mixes_up_others() {
    let [arrives, lost, overtaken] = [[Fate::Arrives; 6].as_slice(), &[Fate::Lost; 2], &[Fate::Overtaken; 2]];
    let fates = [arrives, lost, overtaken, &[Fate::Repeated]].concat();
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 1);
    for (length, seed) in [1, 240, 241, 30_000, 65_536].into_iter().zip(0..) {
        let given_up = converse(&mut client, echo, &fates, &message(length, seed)).unwrap();
        assert_eq!(given_up, 0, "{length} bytes");
    }
}

#[test]
fn way_that_lets_nothing_through_is_given_up() {
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 0);
    client.blocks().worsen(&[Fate::Lost]);
    assert_eq!(client.send(&[1; 500]), Err(ClientError::Call(NtStatus::IO_TIMEOUT)));
    assert_eq!(client.receive(&mut [0; 500]), Err(ClientError::Call(NtStatus::IO_TIMEOUT)));
    client.blocks().worsen(&[]);
    client.send(&[2; 500]).unwrap();
    assert_eq!(echo.taken(), [vec![2; 500]]);
}

#[test]
fn handlers_refusal_reaches_the_guest_and_the_next_message_is_taken() {
    let (world, echo) = world(LARGE);
    let mut client = Way::open(world, 0);
    let refused = Err(ClientError::Refused(NtStatus::ACCESS_DENIED.bits()));
    assert_eq!(client.send(&[b"no", &[0; 300][..]].concat()), refused);
    client.send(b"yes").unwrap();
    assert_eq!(echo.taken(), [b"yes"]);
}

#[test]
fn message_beyond_the_limit_is_not_sent_and_one_beyond_the_buffer_waits() {
    let (world, echo) = world(MessageLimits { to_pf: 100, to_vf: 300, ..LARGE });
    let mut client = Way::open(world, 0);
    assert_eq!((client.longest_to_pf(), client.longest_to_vf()), (100, 300));
    assert_eq!(client.send(&[0; 101]), Err(ClientError::Length));
    assert_eq!(client.send(&[]), Err(ClientError::Length));
    echo.to_send.lock().unwrap().push(vec![7; 300]);
    assert_eq!(client.receive(&mut [0; 299]), Err(ClientError::Length));
    let mut buffer = [0; 300];
    assert_eq!(client.receive(&mut buffer), Ok(Some(300)));
    assert_eq!(buffer, [7; 300]);
}

#[test]
fn messages_of_two_vfs_do_not_meet() {
    let (world, echo) = world(LARGE);
    let (mut first, mut second) = (Way::open(world, 0), Way::open(world, 1));
    let mut buffer = [0; 700];
    for fill in 0..4 {
        first.send(&[fill; 600]).unwrap();
        second.send(&[fill + 100; 700]).unwrap();
        assert_eq!(echo.taken(), [vec![fill; 600], vec![fill + 100; 700]]);
        assert_eq!(second.receive(&mut buffer), Ok(Some(700)));
        assert_eq!(buffer, [fill + 100; 700]);
        assert_eq!(first.receive(&mut buffer), Ok(Some(600)));
        assert_eq!(buffer[..600], [fill; 600]);
    }
}

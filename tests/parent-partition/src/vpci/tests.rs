//! The bus driver between a VF driver and a host that is played by hand.

use super::device::VfDevice;
use super::link::{Client, Link};
use super::{interface, ioctl};
use crate::guest::vf::VfDriver;
use crate::judge::Rule;
use crate::machine::thread;
use crate::nt::request::Request;
use crate::nt::status;
use crate::sys::{
    IRP_MJ_INTERNAL_DEVICE_CONTROL, IRP_MJ_PNP, IRP_MN_QUERY_INTERFACE, VPCI_INTERFACE_STANDARD,
};
use crate::vmbus::channel::{self, End};
use crate::vmbus::message::{GuestMessage, HostMessage, ReadCompletion, Slot, WriteCompletion};
use crate::vmbus::packet::{Packet, PacketKind};
use crate::{machine, scenario};

const SLOT: Slot = Slot(0x25);
const INVALID_LENGTHS: [usize; 2] = [0, 129];

/// A guest, and the host's end of its channel, which is closed at the end as the VSP does.
struct Bench {
    host: End,
    driver: VfDriver,
    device: VfDevice,
}

impl Bench {
    fn new() -> Self {
        thread::adopt();
        let (guest, host) = channel::open();
        let mut device = VfDevice::new(Link::new(SLOT, Client::Windows));
        device.connect(guest);
        let driver = VfDriver::new(&device);
        Self { host, driver, device }
    }

    fn next(&self) -> (Packet, GuestMessage) {
        let packet = self.host.receive().expect("the guest's request");
        let message = GuestMessage::decode(&packet.payload).expect("a message");
        (packet, message)
    }

    fn complete(&self, packet: &Packet, payload: Vec<u8>) {
        self.host.send(PacketKind::Completion, packet.transaction, payload).expect("open");
    }

    /// Answers the next request on a thread of its own, and yields what it was.
    fn answer(&self, payload: Vec<u8>) -> std::thread::JoinHandle<GuestMessage> {
        let host = self.host.clone();
        std::thread::spawn(move || {
            let packet = host.receive().expect("the guest's request");
            host.send(PacketKind::Completion, packet.transaction, payload).expect("open");
            GuestMessage::decode(&packet.payload).expect("a message")
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.host.close();
    }
}

#[test]
fn write_through_the_interface_returns_the_answered_status() {
    let bench = Bench::new();
    let asked = bench.answer(WriteCompletion { status: 0xC000_0044 }.encode());
    assert_eq!(bench.driver.write_block(7, &[1, 2, 3]).cast_unsigned(), 0xC000_0044);
    let expected = GuestMessage::WriteBlock { slot: SLOT, block: 7, bytes: vec![1, 2, 3] };
    assert_eq!(asked.join().expect("a message"), expected);
}

#[test]
fn read_through_the_interface_fills_the_buffer() {
    let bench = Bench::new();
    let asked = bench.answer(ReadCompletion { status: 0, bytes: vec![9; 5] }.encode());
    let mut buffer = [0; 5];
    assert_eq!(bench.driver.read_block(1, &mut buffer, 5), status::SUCCESS);
    assert_eq!(buffer, [9; 5]);
    let expected = GuestMessage::ReadBlock { slot: SLOT, block: 1, bytes_requested: 5 };
    assert_eq!(asked.join().expect("a message"), expected);
}

#[test]
fn read_answered_with_too_few_bytes_fails() {
    let bench = Bench::new();
    let _asked = bench.answer(ReadCompletion { status: 0, bytes: vec![9; 8] }.encode());
    let mut buffer = [0; 128];
    assert_eq!(bench.driver.read_block(1, &mut buffer, 128).cast_unsigned(), 0xC000_090B);
    assert_eq!(buffer, [0; 128]);
}

#[test]
fn lengths_that_no_message_carries_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    for length in INVALID_LENGTHS {
        let data = vec![0; length];
        assert_eq!(bench.driver.write_block(1, &data), status::INVALID_PARAMETER);
        assert_eq!(bench.driver.read_block(1, &mut data.clone(), length as u32), status::INVALID_PARAMETER);
        let write = bench.driver.send_write(1, &data);
        assert_eq!(
            (write.dispatched(), write.outcome()),
            (status::INVALID_PARAMETER, Some((status::INVALID_PARAMETER, 0)))
        );
        let read = bench.driver.send_read(1, length as u32);
        assert_eq!(read.outcome(), Some((status::INVALID_PARAMETER, 0)));
    }
    assert_eq!(bench.driver.read_block(1, &mut [], u32::MAX), status::INVALID_PARAMETER);
}

#[test]
fn write_request_is_pended_and_completed_with_the_bytes_written() {
    let bench = Bench::new();
    let control = bench.driver.send_write(1, &[5; 20]);
    assert_eq!((control.dispatched(), control.outcome()), (status::PENDING, None));
    let (packet, message) = bench.next();
    assert_eq!(message, GuestMessage::WriteBlock { slot: SLOT, block: 1, bytes: vec![5; 20] });
    bench.complete(&packet, WriteCompletion { status: 0 }.encode());
    assert_eq!(control.finish(), (status::SUCCESS, vec![]));
}

#[test]
fn refused_write_request_has_written_nothing() {
    let bench = Bench::new();
    let control = bench.driver.send_write(1, &[5; 20]);
    let (packet, _) = bench.next();
    bench.complete(&packet, WriteCompletion { status: 0xC000_000D }.encode());
    while control.outcome().is_none() {
        machine::wait::yield_now();
    }
    assert_eq!(control.outcome(), Some((status::INVALID_PARAMETER, 0)));
}

#[test]
fn read_request_is_pended_and_completed_with_the_bytes_read() {
    let bench = Bench::new();
    let control = bench.driver.send_read(1, 128);
    assert_eq!(control.dispatched(), status::PENDING);
    let (packet, _) = bench.next();
    bench.complete(&packet, ReadCompletion { status: 0, bytes: (0..128).collect() }.encode());
    assert_eq!(control.finish(), (status::SUCCESS, (0..128).collect()));
}

#[test]
fn requests_are_answered_in_any_order() {
    let bench = Bench::new();
    let (first, second) = (bench.driver.send_write(1, &[1]), bench.driver.send_write(1, &[2]));
    let (first_packet, _) = bench.next();
    let (second_packet, _) = bench.next();
    bench.complete(&second_packet, WriteCompletion { status: 0 }.encode());
    assert_eq!(second.finish().0, status::SUCCESS);
    assert_eq!(first.outcome(), None);
    bench.complete(&first_packet, WriteCompletion { status: 0xC000_00A3 }.encode());
    assert_eq!(first.finish().0, status::DEVICE_NOT_READY);
}

#[test]
fn cancelled_request_ends_and_its_late_answer_is_dropped() {
    let bench = Bench::new();
    let control = bench.driver.send_read(1, 16);
    let (packet, _) = bench.next();
    assert!(control.cancel());
    assert_eq!(control.outcome(), Some((status::CANCELLED, 0)));
    assert!(!control.cancel());
    bench.complete(&packet, ReadCompletion { status: 0, bytes: vec![1; 16] }.encode());
    // A second request, answered on the same thread, comes after the late answer.
    let asked = bench.answer(WriteCompletion { status: 0 }.encode());
    assert_eq!(bench.driver.write_block(1, &[1]), status::SUCCESS);
    asked.join().expect("a message");
    assert_eq!(bench.device.link().late_answers(), 1);
}

#[test]
fn request_cancelled_before_it_is_sent_ends_at_once() {
    let bench = Bench::new();
    let input = [1_u32.to_le_bytes(), 1_u32.to_le_bytes(), [0; 4]].concat();
    let request = Request::new(
        bench.device.object(),
        status::SUCCESS,
        Vec::new(),
        |_, location| {
            location.MajorFunction = IRP_MJ_INTERNAL_DEVICE_CONTROL as u8;
            // SAFETY: writing a member of the union, which is plain data.
            let control = unsafe { &mut location.Parameters.DeviceIoControl };
            control.IoControlCode = ioctl::WRITE_BLOCK;
            control.InputBufferLength = 12;
            control.Type3InputBuffer = input.as_ptr().cast_mut().cast();
        },
        |_| (),
    );
    let sent = request.cancelled().send();
    assert_eq!((sent.dispatched(), sent.finish().status), (status::PENDING, status::CANCELLED));
}

#[test]
fn input_shorter_than_it_claims_is_refused() {
    let bench = Bench::new();
    let outcome = |code, input: Vec<u8>| bench.driver.send(code, input, vec![0; 4].into(), 4).finish().0;
    let header = |length: u32| [1_u32.to_le_bytes(), length.to_le_bytes()].concat();
    assert_eq!(outcome(ioctl::WRITE_BLOCK, vec![0; 7]), status::BUFFER_TOO_SMALL);
    assert_eq!(outcome(ioctl::READ_BLOCK, vec![0; 7]), status::BUFFER_TOO_SMALL);
    assert_eq!(outcome(ioctl::WRITE_BLOCK, header(1)), status::BUFFER_TOO_SMALL);
    assert_eq!(outcome(ioctl::WRITE_BLOCK, [header(128), vec![0; 127]].concat()), status::BUFFER_TOO_SMALL);
}

#[test]
fn write_of_one_byte_needs_nine_bytes_of_input_and_not_the_structure() {
    let bench = Bench::new();
    let asked = bench.answer(WriteCompletion { status: 0 }.encode());
    assert_eq!(bench.driver.send_write(1, &[0xEE]).finish().0, status::SUCCESS);
    assert_eq!(
        asked.join().expect("a message"),
        GuestMessage::WriteBlock { slot: SLOT, block: 1, bytes: vec![0xEE] }
    );
}

#[test]
fn output_of_another_length_than_asked_for_is_refused() {
    let bench = Bench::new();
    let input = [1_u32.to_le_bytes(), 16_u32.to_le_bytes()].concat();
    let outcome = |length: u32| {
        let output = vec![0; length as usize].into();
        bench.driver.send(ioctl::READ_BLOCK, input.clone(), output, length).finish().0
    };
    assert_eq!(outcome(15), status::BUFFER_TOO_SMALL);
    assert_eq!(outcome(17), status::INVALID_PARAMETER);
}

#[test]
fn read_without_a_buffer_is_refused() {
    let bench = Bench::new();
    let input = [1_u32.to_le_bytes(), 16_u32.to_le_bytes()].concat();
    let outcome = bench.driver.send(ioctl::READ_BLOCK, input, Box::default(), 16).finish().0;
    assert_eq!(outcome, status::INVALID_PARAMETER);
}

#[test]
fn unknown_device_control_is_refused() {
    let bench = Bench::new();
    let outcome = bench.driver.send(0x002A_C003, vec![0; 12], Box::default(), 0).finish().0;
    assert_eq!(outcome, status::INVALID_DEVICE_REQUEST);
}

#[test]
fn query_for_less_than_the_interface_is_not_answered() {
    let bench = Bench::new();
    let query = |size: u16, version: u16| {
        let mut buffer = VPCI_INTERFACE_STANDARD::default();
        let pointer = (&raw mut buffer).cast();
        let fill = |_: &mut _, location: &mut crate::sys::IO_STACK_LOCATION| {
            location.MajorFunction = IRP_MJ_PNP as u8;
            location.MinorFunction = IRP_MN_QUERY_INTERFACE as u8;
            // SAFETY: writing a member of the union, which is plain data.
            let query = unsafe { &mut location.Parameters.QueryInterface };
            query.InterfaceType = &raw const interface::INTERFACE;
            (query.Size, query.Version, query.Interface) = (size, version, pointer);
        };
        let sent =
            Request::new(bench.device.object(), status::NOT_SUPPORTED, Vec::new(), fill, |_| ()).send();
        (sent.finish().status, buffer.Size)
    };
    assert_eq!(query(interface::SIZE - 1, interface::VERSION), (status::NOT_SUPPORTED, 0));
    assert_eq!(query(interface::SIZE, 0), (status::NOT_SUPPORTED, 0));
}

#[test]
fn ejected_device_is_not_ready_by_either_way_in() {
    let bench = Bench::new();
    let waiting = bench.driver.send_read(1, 8);
    bench.next();
    bench.host.send(PacketKind::Message, 0, HostMessage::Eject { slot: SLOT }.encode()).expect("open");
    assert_eq!(waiting.finish().0, status::DEVICE_NOT_READY);
    let (_, consent) = bench.next();
    assert_eq!(consent, GuestMessage::EjectComplete { slot: SLOT, status: 0 });
    assert_eq!(bench.driver.write_block(1, &[0]), status::DEVICE_NOT_READY);
    assert_eq!(bench.driver.read_block(1, &mut [0], 1), status::DEVICE_NOT_READY);
    assert_eq!(bench.driver.send_write(1, &[0]).finish().0, status::DEVICE_NOT_READY);
    assert_eq!(bench.driver.send_read(1, 1).finish().0, status::DEVICE_NOT_READY);
    // What is wrong with a request no longer matters.
    assert_eq!(bench.driver.write_block(1, &[]), status::DEVICE_NOT_READY);
    assert_eq!(bench.driver.read_block(1, &mut [], 129), status::DEVICE_NOT_READY);
    assert_eq!(bench.driver.send_write(1, &[]).finish().0, status::DEVICE_NOT_READY);
}

#[test]
fn interface_at_dispatch_level_breaks_a_rule() {
    let verdict = scenario!(|| {
        let bench = Bench::new();
        machine::irql::raise(machine::irql::DISPATCH_LEVEL);
        bench.driver.write_block(1, &[0]);
    });
    verdict.expect_broken(Rule::Irql);
}

//! The contract for languages that poll: a descriptor that is readable while there are events, and
//! many events per call.

use std::io::Read;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;

use pigato::client::Event;
use pigato::config::ClientOptions;
use pigato::endpoint::{open_client, ClientCommand};
use pigato::protocol::{Frame, ServiceName};
use pigato::reactor::{Engine, EventQueue, EventSink};
use pigato::{limits, RequestOptions};

use crate::support::serve::{broker, serve_echo};
use crate::support::wait::{eventually, WAIT_TIMEOUT};

fn is_readable<E>(queue: &EventQueue<E>, millis: i64) -> bool {
    let mut items = [zmq::PollItem::from_fd(queue.descriptor(), zmq::POLLIN)];
    zmq::poll(&mut items, millis).unwrap() > 0
}

#[test]
fn the_descriptor_is_readable_exactly_while_there_are_events() {
    let mut queue = EventQueue::<u32>::new().unwrap();
    let mut events = Vec::new();
    assert!(!is_readable(&queue, 0));
    assert_eq!(queue.drain(&mut events, 10), (0, false));

    for _ in 0..3 {
        queue.deliver(&mut (0..100).collect());
        queue.deliver(&mut (100..200).collect());
        assert!(is_readable(&queue, 0));
        assert_eq!(queue.drain(&mut events, 150), (150, false));
        assert!(is_readable(&queue, 0), "50 events are left");
        assert_eq!(queue.drain(&mut events, 150), (50, false));
        assert!(!is_readable(&queue, 0));
        assert_eq!(events, (0..200).collect::<Vec<_>>());
        events.clear();
    }
}

#[test]
fn the_descriptor_can_be_requested_late() {
    let mut queue = EventQueue::<u32>::new().unwrap();
    let mut events = Vec::new();
    queue.deliver(&mut vec![1]);
    queue.drain(&mut events, 10);
    queue.deliver(&mut vec![2]);
    assert!(is_readable(&queue, 0), "an event was queued before");
    queue.drain(&mut events, 10);
    assert!(!is_readable(&queue, 0));
}

#[test]
fn one_wake_up_covers_many_events() {
    let mut queue = EventQueue::<u32>::new().unwrap();
    // Requested before and after an event: it is written once in either case.
    assert!(!is_readable(&queue, 0));
    for number in 0..1_000 {
        queue.deliver(&mut vec![number]);
    }
    // SAFETY: the queue, and with it the descriptor, lives longer than this borrow.
    let descriptor = unsafe { BorrowedFd::borrow_raw(queue.descriptor()) };
    let mut wakes = UnixStream::from(descriptor.try_clone_to_owned().unwrap());
    assert_eq!(wakes.read(&mut [0; 16]).unwrap(), 1);
}

#[test]
fn a_full_queue_reports_that_it_is_and_was_full() {
    let mut queue = EventQueue::<usize>::new().unwrap();
    queue.deliver(&mut (0..limits::EVENTS - 1).collect());
    assert!(!queue.is_full());
    queue.deliver(&mut vec![0]);
    assert!(queue.is_full());
    let mut events = Vec::new();
    assert_eq!(queue.drain(&mut events, 1), (1, true));
    assert!(!queue.is_full());
    assert_eq!(queue.drain(&mut events, usize::MAX), (limits::EVENTS - 1, false));
}

#[test]
fn each_command_ends_in_one_event_and_the_descriptor_announces_it() {
    const REQUESTS: u64 = 5_000;
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let queue = EventQueue::<Event>::new().unwrap();
    let engine = Engine::current().unwrap();
    let client = open_client(&engine, broker.endpoint(), ClientOptions::default(), Box::new(queue.clone())).unwrap();
    for number in 0..REQUESTS {
        let command = ClientCommand::Request {
            number,
            service: ServiceName::new(Frame::from("echo")).unwrap(),
            data: Frame::from(number.to_string()),
            options: Box::new(RequestOptions::default()),
        };
        client.submit(command).unwrap();
    }

    let mut answered = vec![false; REQUESTS as usize];
    let mut left = REQUESTS;
    let mut events = Vec::new();
    while left > 0 {
        assert!(is_readable(&queue, WAIT_TIMEOUT.as_millis() as i64), "{left} are left");
        let (count, was_full) = queue.drain(&mut events, 256);
        assert!(count > 0 && count <= 256, "readable without events");
        assert!(!was_full);
        for event in events.drain(..) {
            match event {
                Event::Final { number, payload } => {
                    assert_eq!(&payload.data[..], number.to_string().as_bytes());
                    assert!(!std::mem::replace(&mut answered[number as usize], true), "{number} ended twice");
                    left -= 1;
                }
                Event::Connected => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(!is_readable(&queue, 0));

    client.submit(ClientCommand::Stop).unwrap();
    assert!(is_readable(&queue, WAIT_TIMEOUT.as_millis() as i64));
    eventually("it has stopped", || {
        queue.drain(&mut events, 16);
        events.contains(&Event::Stopped).then_some(())
    });
}

#[test]
fn a_consumer_that_reads_late_loses_nothing() {
    // More than the queue holds: reading from the socket pauses and continues.
    let count = limits::EVENTS as u64 + 20_000;
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let queue = EventQueue::<Event>::new().unwrap();
    let engine = Engine::current().unwrap();
    let client = open_client(&engine, broker.endpoint(), ClientOptions::default(), Box::new(queue.clone())).unwrap();
    for number in 0..count {
        eventually("there is room for the command", || {
            let command = ClientCommand::Request {
                number,
                service: ServiceName::new(Frame::from("echo")).unwrap(),
                data: Frame::from("null"),
                options: Box::new(RequestOptions::default()),
            };
            client.submit(command).ok()
        });
    }
    eventually("the queue is full", || queue.is_full().then_some(()));

    let mut events = Vec::new();
    let mut finals = 0;
    while finals < count {
        let (_, was_full) = queue.wait(&mut events, 1_024, WAIT_TIMEOUT);
        assert!(!events.is_empty(), "{finals} of {count}");
        if was_full {
            client.wake();
        }
        finals += events.drain(..).filter(|event| matches!(event, Event::Final { .. })).count() as u64;
    }
    assert_eq!(finals, count);
    client.submit_urgent(ClientCommand::Stop).unwrap();
}

//! A peer that does not read its messages.

use std::time::Duration;

use pigato::broker::{Event, Loss};
use pigato::{Broker, Client, ErrorCode, Job, Worker};

use crate::frames;
use crate::support::events::recorder;
use crate::support::raw::Raw;
use crate::support::serve::{serve, serve_echo, ANY_PORT};
use crate::support::wait::{receive, within};

#[test]
fn a_client_that_never_reads_is_given_up_and_affects_nobody() {
    let (sender, mut events) = recorder();
    let broker =
        Broker::builder().bind(ANY_PORT).intch(None).on_event(move |event| sender.send(event.clone())).start().unwrap();
    let (outcome_sender, outcome) = std::sync::mpsc::channel();
    let _flood = serve(Worker::builder(broker.endpoint(), "flood"), move |_, reply| {
        // This handler never ends by itself.
        let filler = "x".repeat(512);
        let error = loop {
            if let Err(error) = reply.write_blocking(&filler) {
                break error;
            }
        };
        outcome_sender.send(error.code())?;
        Ok(())
    });
    let _echo = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let slow = Raw::slow_dealer(broker.endpoint(), "slow");

    slow.send(frames!["C", "2", "flood", "rid", "null", "{}"]);
    let mut answered = 0;
    let handlers_outcome = loop {
        // The other pair keeps working.
        let answer: u32 = within("the reply", client.call("echo", &answered)).unwrap();
        assert_eq!(answer, answered);
        answered += 1;
        if let Ok(code) = outcome.try_recv() {
            break code;
        }
    };

    assert_eq!(handlers_outcome, ErrorCode::Cancelled);
    let left = events.wait_for("loss of the client", |event| matches!(event, Event::ClientLeft { .. }));
    assert!(
        matches!(left, Event::ClientLeft { client, reason: Loss::Overflow } if client.as_bytes() == b"slow"),
        "{left:?}"
    );
    assert!(answered > 0);
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.in_flight, statistics.queued), (0, 0));
    assert!(statistics.undeliverable > 0);
}

#[test]
fn a_client_that_reads_late_gets_everything_in_order() {
    const COUNT: usize = 20_000;
    let broker = Broker::builder().bind(ANY_PORT).intch(None).start().unwrap();
    let (sender, written) = std::sync::mpsc::channel();
    let _flood = serve(Worker::builder(broker.endpoint(), "flood"), move |_, reply| {
        let filler = "x".repeat(500);
        for number in 0..COUNT {
            reply.write_blocking(&format!("{number} {filler}"))?;
        }
        sender.send(())?;
        Ok("end")
    });
    let slow = Raw::slow_dealer(broker.endpoint(), "slow");
    slow.send(frames!["C", "2", "flood", "rid", "null", "{}"]);
    receive("the worker has written everything", &written);

    for number in 0..COUNT {
        let partial = slow.receive();
        assert!(partial[5].starts_with(format!("\"{number} ").as_bytes()), "not {number}: {:?}", &partial[5][..20]);
    }
    assert_eq!(slow.receive()[5], b"\"end\"");
}

/// A worker with a job, from a broker's socket that buffers few messages.
fn job_from_slow_broker() -> (Raw, Worker, Job) {
    let (router, endpoint) = Raw::slow_router();
    let worker = Worker::connect(&endpoint, "flood").unwrap();
    let identity = router.receive()[0].clone();
    router.send(frames![&identity, "W", "1"]);
    router.send(frames![&identity, "W", "2", "client", "flood", "", "rid", "null", "{}"]);
    let job = within("the request", worker.next()).unwrap();
    (router, worker, job)
}

#[test]
fn all_replies_of_a_stopped_worker_reach_a_broker_that_reads_late() {
    // Far more than the system buffers for a connection, and read in far less than the worker's
    // stop timeout.
    const COUNT: usize = 200;
    for _ in 0..5 {
        let (router, worker, job) = job_from_slow_broker();
        let filler = "x".repeat(100_000);
        for _ in 0..COUNT {
            job.reply.write_blocking(&filler).unwrap();
        }
        job.reply.end(&"end").unwrap();
        let stopping = std::thread::spawn(move || within("the worker stops", worker.stop()));

        for _ in 0..COUNT {
            router.receive_where(|message| is_worker_message(message, "6"));
        }
        router.receive_where(|message| is_worker_message(message, "3"));
        router.receive_where(|message| is_worker_message(message, "5"));
        stopping.join().unwrap();
    }
}

#[test]
fn a_worker_stops_even_if_its_broker_stops_reading() {
    let (_router, worker, job) = job_from_slow_broker();
    let filler = "x".repeat(500);
    for _ in 0..40_000 {
        job.reply.write_blocking(&filler).unwrap();
    }
    within("the worker stops", worker.stop_within(Duration::ZERO));
}

fn is_worker_message(message: &[Vec<u8>], kind: &str) -> bool {
    message[1] == b"W" && message[2] == kind.as_bytes()
}

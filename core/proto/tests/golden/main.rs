//! Decodes and encodes the golden files of `interop-tests/golden` with this implementation.

#![allow(clippy::disallowed_methods, reason = "a machine needs some time to begin with")]

mod describe;
mod files;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pigato_proto::broker::{Machine, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::error::ErrorCode;
use pigato_proto::protocol::{BrokerToClient, Frame, Malformed, Payload, PeerId, ReplyKind};
use serde_json::Value;

use describe::{broker_to_client, broker_to_worker, client_to_broker, error, worker_to_broker, Message};
use files::{accepted, names, refused, Accepted, Direction};

/// Fails with all problems of all files, so that one run reports everything.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The files of messages that this implementation decodes: all but publications.
fn decodable() -> impl Iterator<Item = Accepted> {
    accepted().into_iter().filter(|file| file.direction != Direction::BrokerToSubscribers)
}

fn decoded(file: &Accepted) -> Message {
    let mut frames = file.frames();
    let message = Message::decode(file.direction, file.published, &mut frames);
    assert!(frames.is_empty(), "{}: frames are left over", file.name);
    message.unwrap_or_else(|error| panic!("{}: {error}", file.name))
}

#[test]
fn every_message_decodes_as_its_file_says() {
    let mut wrong = Vec::new();
    for file in decodable() {
        let mut expected = file.message.clone();
        if let Some(message) = expected.as_object_mut() {
            message.remove("broker_error");
        }
        let message = decoded(&file).describe();
        if message != expected {
            wrong.push(format!("{}:\n  expected {expected}\n  read     {message}", file.name));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_message_encodes_as_its_file_says() {
    let mut wrong = Vec::new();
    for file in decodable() {
        let (expected, frames) = (file.sent_as(), decoded(&file).encode());
        if frames != expected {
            wrong.push(format!("{}:\n  expected {expected:?}\n  written  {frames:?}", file.name));
        }
    }
    assert_none(&wrong);
}

#[test]
fn encoding_a_decoded_message_again_changes_nothing() {
    for file in decodable() {
        let again = Message::decode(file.direction, file.published, &mut file.sent_as());
        let again = again.unwrap_or_else(|error| panic!("{}: {error}", file.name)).encode();
        assert_eq!(again, file.sent_as(), "{}", file.name);
    }
}

#[test]
fn every_malformed_message_is_refused_as_its_file_says() {
    let mut wrong = Vec::new();
    for file in refused() {
        let mut frames = file.frames();
        let found = match Message::decode(file.direction, true, &mut frames) {
            Ok(message) => message.describe(),
            Err(found) => error(&found),
        };
        assert!(frames.is_empty(), "{}: frames are left over", file.name);
        if found != file.error {
            wrong.push(format!("{}:\n  expected {}\n  found    {found}", file.name, file.error));
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_kind_of_message_has_a_canonical_file() {
    let directions = [
        (Direction::ClientToBroker, client_to_broker::KINDS),
        (Direction::BrokerToClient, broker_to_client::KINDS),
        (Direction::WorkerToBroker, worker_to_broker::KINDS),
        (Direction::BrokerToWorker, broker_to_worker::KINDS),
        (Direction::BrokerToSubscribers, &["directory"]),
    ];
    let files = accepted();
    let canonical = |direction| files.iter().filter(move |file| file.canonical && file.direction == direction);
    for (direction, kinds) in directions {
        let covered: BTreeSet<&str> = canonical(direction).filter_map(|file| file.message["kind"].as_str()).collect();
        assert_eq!(covered, kinds.iter().copied().collect(), "{direction:?}");
    }
}

#[test]
fn every_kind_of_decode_error_has_a_file() {
    let files = refused();
    let covered: BTreeSet<&str> = files.iter().filter_map(|file| file.error["malformed"].as_str()).collect();
    let all: Vec<String> = Malformed::ALL.iter().map(|malformed| format!("{malformed:?}")).collect();
    assert_eq!(covered, all.iter().map(String::as_str).collect());
}

#[test]
fn files_are_named_after_their_messages_and_describe_them() {
    let (accepted, refused) = (accepted(), refused());
    let of_accepted = accepted.iter().map(|file| (&file.name, &file.description));
    let of_refused = refused.iter().map(|file| (&file.name, &file.description));
    let (mut inside, mut outside) = (Vec::new(), names());
    for (name, description) in of_accepted.chain(of_refused) {
        assert!(!description.is_empty(), "{name}");
        inside.push(name.clone());
    }
    inside.sort();
    outside.sort();
    assert_eq!(inside, outside);
}

#[test]
fn only_messages_that_are_not_canonical_change_when_encoded() {
    for file in accepted().iter().filter(|file| file.has_sent_as()) {
        assert!(!file.canonical, "{} is canonical and has `sent_as`", file.name);
        assert_ne!(file.sent_as(), file.frames(), "{} has a `sent_as` equal to its frames", file.name);
    }
}

#[test]
fn broker_errors_are_built_as_their_files_say() {
    let mut count = 0;
    for file in accepted() {
        let Some(code) = file.message["broker_error"].as_str() else { continue };
        let code = ErrorCode::parse(code).unwrap_or_else(|| panic!("{}: no such error", file.name));
        let id = Frame::from(file.message["id"].as_str().unwrap_or_default());
        let mut frames = Vec::new();
        let payload = Payload::broker_error(code);
        BrokerToClient::Reply { kind: ReplyKind::Final, id, payload }.encode(&mut frames);
        assert_eq!(frames, file.frames(), "{}", file.name);
        count += 1;
    }
    assert!(count > 0, "no file has an error of the broker");
}

#[test]
fn directory_is_published_as_its_file_says() {
    let files: Vec<Accepted> =
        accepted().into_iter().filter(|file| file.direction == Direction::BrokerToSubscribers).collect();
    assert!(!files.is_empty(), "no file has a publication");
    for file in files {
        let published = published(file.message["services"].as_object().expect("services"));
        assert_eq!(vec![published], file.frames(), "{}", file.name);
    }
}

/// The last publication of a broker with which these workers register.
fn published(services: &serde_json::Map<String, Value>) -> Frame {
    let mut broker = Machine::new(BrokerOptions::default(), Entropy::from_number(1));
    let mut now = Instant::now();
    for (service, workers) in services {
        for worker in workers.as_array().expect("identities") {
            let worker: files::Notation = serde_json::from_value(worker.clone()).expect("a frame");
            let peer = PeerId::new(worker.frame().0);
            let ready = ["W", "1", service].map(Frame::from);
            broker.handle_message(now, &peer, &mut ready.to_vec());
            now += Duration::from_secs(1);
            broker.handle_timeout(now);
        }
    }
    let publications = std::iter::from_fn(|| broker.poll_output()).filter_map(|output| match output {
        Output::Publish(frame) => Some(frame),
        _ => None,
    });
    publications.last().expect("a publication")
}

//! The fault that decoding reports for a message, and the peer that gets the error.

use super::*;
use crate::protocol::{BrokerToClient, BrokerToWorker, PeerId, ToBroker};

fn frames(texts: &[&str]) -> Vec<Frame> {
    texts.iter().map(|text| Frame::from(*text)).collect()
}

/// A message with extra frames at its end, `count` frames in all.
fn padded(texts: &[&str], count: usize) -> Vec<Frame> {
    let mut frames = frames(texts);
    frames.resize(count, Frame::from("x"));
    frames
}

fn error_at_broker(mut frames: Vec<Frame>) -> DecodeError {
    ToBroker::decode(&mut frames).expect_err("is malformed")
}

#[test]
fn every_kind_of_malformed_is_listed_once() {
    for (index, malformed) in Malformed::ALL.iter().enumerate() {
        // A new kind does not compile here until it has a number, and fails until it stands in the list.
        let number = match malformed {
            Malformed::Empty => 0,
            Malformed::TooManyFrames => 1,
            Malformed::Side => 2,
            Malformed::NoType => 3,
            Malformed::Type => 4,
            Malformed::RequestId => 5,
            Malformed::NoService => 6,
            Malformed::ServiceTooLong => 7,
            Malformed::Length => 8,
            Malformed::Credit => 9,
        };
        assert_eq!(number, index);
    }
    assert_eq!(Malformed::ALL.len(), 10);
}

#[test]
fn error_says_the_published_name_and_the_exact_one() {
    let error = error_at_broker(frames(&["C", "9", "", "rid", "none"]));
    assert_eq!(error.to_string(), "ERR_MSG_TYPE (Credit)");
}

#[test]
fn error_names_the_side_once_it_is_known() {
    assert_eq!(error_at_broker(frames(&["X", "1"])).side, None);
    assert_eq!(error_at_broker(frames(&["C"])).side, Some(Side::Client));
    assert_eq!(error_at_broker(frames(&["W", "3"])).side, Some(Side::Worker));
}

#[test]
fn refused_request_is_named_whatever_is_wrong_with_it() {
    let id = RequestId::new(Frame::from("rid"));
    let long = "x".repeat(256);
    for service in ["", long.as_str()] {
        assert_eq!(error_at_broker(frames(&["C", "2", service, "rid"])).refused_request, Some(id.clone()));
        assert_eq!(error_at_broker(frames(&["C", "2", service])).refused_request, Some(None));
    }
    for request_id in ["", long.as_str()] {
        assert_eq!(error_at_broker(frames(&["C", "2", "echo", request_id])).refused_request, Some(None));
    }
    let oversized = padded(&["C", "2", "echo", "rid"], limits::MESSAGE_FRAMES + 1);
    assert_eq!(error_at_broker(oversized).refused_request, Some(id));
}

#[test]
fn nothing_but_a_request_is_refused() {
    for message in [&["C", "8", "", ""][..], &["C", "4", "request", ""], &["W", "2", "echo", "rid"]] {
        assert_eq!(error_at_broker(frames(message)).refused_request, None, "{message:?}");
    }
    for message in [["C", "8", "", "rid"], ["W", "2", "echo", "rid"]] {
        let oversized = padded(&message, limits::MESSAGE_FRAMES + 1);
        assert_eq!(error_at_broker(oversized).refused_request, None, "{message:?}");
    }
}

#[test]
fn longest_request_still_fits_with_what_the_broker_adds() {
    let mut longest = padded(&["C", "2", "echo", "rid", "1", "{}"], limits::MESSAGE_FRAMES);
    let Ok(ToBroker::Client(crate::protocol::ClientToBroker::Request { service, id, data, options, extra })) =
        ToBroker::decode(&mut longest)
    else {
        panic!("the longest request is taken");
    };
    let client = PeerId::new(Frame::from("C-1"));
    let metadata = crate::protocol::Metadata::parse(b"{}");
    let handed_on = BrokerToWorker::Request { client, service, id, data, options, extra, metadata };
    let mut frames = Vec::new();
    handed_on.clone().encode(&mut frames);
    let mut received = BrokerToWorker::decode(&mut frames).expect("the worker takes it, too");
    received.take_metadata();
    assert_eq!(received, handed_on);
}

#[test]
fn there_is_an_end_to_frames() {
    let too_many = limits::MESSAGE_FRAMES + 1;
    let reply = ["W", "3", "C-1", "", "rid", "0", "1", "{}"];
    assert_eq!(error_at_broker(padded(&reply, too_many)).malformed, Malformed::TooManyFrames);
    let too_many = limits::MESSAGE_FRAMES + ADDED_BY_BROKER + 1;
    let reply = BrokerToClient::decode(&mut padded(&["C", "3", "", "rid"], too_many));
    assert_eq!(reply.expect_err("is too long").malformed, Malformed::TooManyFrames);
    let request = BrokerToWorker::decode(&mut padded(&["W", "2", "C-1", "echo", "", "rid"], too_many));
    assert_eq!(request.expect_err("is too long").malformed, Malformed::TooManyFrames);
}

#[test]
fn longest_names_are_taken_and_longer_ones_named() {
    let (long, too_long) = ("x".repeat(255), "x".repeat(256));
    assert!(ToBroker::decode(&mut frames(&["W", "1", &long])).is_ok());
    assert!(ToBroker::decode(&mut frames(&["C", "2", &long, &long])).is_ok());
    assert_eq!(error_at_broker(frames(&["W", "1", &too_long])).malformed, Malformed::ServiceTooLong);
    assert_eq!(error_at_broker(frames(&["C", "2", "echo", &too_long])).malformed, Malformed::RequestId);
    let request = BrokerToWorker::decode(&mut frames(&["W", "2", "C-1", &too_long, "", "rid"]));
    assert_eq!(request.expect_err("is too long").malformed, Malformed::ServiceTooLong);
    let request = BrokerToWorker::decode(&mut frames(&["W", "2", "C-1"]));
    assert_eq!(request.expect_err("has no service").malformed, Malformed::NoService);
}

#[test]
fn credit_is_a_positive_number() {
    let credit = |number: &str| ToBroker::decode(&mut frames(&["C", "9", "", "rid", number]));
    for number in ["1", " 5 ", "4294967295"] {
        assert!(credit(number).is_ok(), "{number}");
    }
    for number in ["", "0", "-1", "1.5", "many", "4294967296"] {
        assert_eq!(credit(number).expect_err("is none").malformed, Malformed::Credit, "{number}");
    }
}

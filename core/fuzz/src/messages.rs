//! The protocol's decoders: no input makes them panic, and accepted messages are stable.

use pigato_proto::config::{Concurrency, Timeout};
use pigato_proto::limits;
use pigato_proto::protocol::{
    codec_of, is_null, BrokerToClient, BrokerToWorker, ClientToBroker, DecodeError, Frame, Metadata, ReplyOptions,
    RequestSettings, Status, ToBroker, WorkerToBroker,
};

/// Ends a frame in the input of [`decode`].
const END: u8 = b'\n';

/// A message's frames as input of [`decode`].
#[must_use]
pub fn joined(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.join(&END)
}

/// Decodes a message as each kind of receiver. An accepted message must decode again after
/// encoding.
pub fn decode(bytes: &[u8]) {
    let frames: Vec<Frame> = bytes.split(|byte| *byte == END).map(Frame::copy_from_slice).collect();
    stable(&frames, ToBroker::decode, |message, frames| match message {
        ToBroker::Client(message) => message.encode(frames),
        ToBroker::Worker(message) => message.encode(frames),
    });
    stable(&frames, BrokerToClient::decode, BrokerToClient::encode);
    stable(&frames, BrokerToWorker::decode, BrokerToWorker::encode);
    stable(&frames, with_metadata, BrokerToWorker::encode);
}

fn with_metadata(frames: &mut Vec<Frame>) -> Result<BrokerToWorker, DecodeError> {
    let mut message = BrokerToWorker::decode(frames)?;
    message.take_metadata();
    Ok(message)
}

fn stable<M, E: std::fmt::Debug>(
    frames: &[Frame],
    decode: impl Fn(&mut Vec<Frame>) -> Result<M, E>,
    encode: impl Fn(M, &mut Vec<Frame>),
) {
    let mut rest = frames.to_vec();
    let Ok(message) = decode(&mut rest) else { return };
    assert!(rest.is_empty(), "frames are left");
    let mut once = Vec::new();
    encode(message, &mut once);
    let again = decode(&mut once.clone()).expect("a message of our own making");
    let mut twice = Vec::new();
    encode(again, &mut twice);
    assert_eq!(once, twice);
}

/// Parses the bytes as each small format and checks that the result is within its limits.
pub fn parse(bytes: &[u8]) {
    let settings = RequestSettings::parse(bytes);
    assert_within(settings.timeout);
    assert_ne!(settings.worker_id.as_deref(), Some(""));
    let reply = ReplyOptions::parse(bytes);
    assert!(reply.cache.is_none_or(|time| !time.is_zero() && time <= limits::DURATION));
    assert_eq!(reply.codec, codec_of(bytes));
    if let Some(metadata) = Metadata::parse(bytes) {
        assert_within(metadata.remaining);
        assert!(metadata.attempt >= 1);
        assert_eq!(Metadata::parse(&metadata.to_frame()).map(|again| again.attempt), Some(metadata.attempt));
    }
    assert!(!is_null(bytes) || Status::parse(bytes) == Status::Ok);
    announcements(bytes);
}

fn assert_within(timeout: Timeout) {
    assert!(timeout.duration().is_none_or(|duration| duration <= limits::DURATION));
    assert!(timeout.as_millis() >= -1);
}

/// Parses the bytes as the JSON of an announcement and of a heartbeat.
fn announcements(bytes: &[u8]) {
    let frames = |head: &[&str]| {
        let head = head.iter().map(|text| Frame::from(*text));
        head.chain([Frame::copy_from_slice(bytes)]).collect::<Vec<_>>()
    };
    let heartbeats = limits::HEARTBEAT.0..=limits::HEARTBEAT.1;
    if let Ok(ToBroker::Client(ClientToBroker::Hello(hello))) = ToBroker::decode(&mut frames(&["C", "4"])) {
        assert!(heartbeats.contains(&hello.heartbeat));
    }
    if let Ok(BrokerToClient::Hello(hello)) = BrokerToClient::decode(&mut frames(&["C", "4"])) {
        assert!(heartbeats.contains(&hello.heartbeat));
    }
    if let Ok(BrokerToWorker::Ready(Some(hello))) = BrokerToWorker::decode(&mut frames(&["W", "1"])) {
        assert!(heartbeats.contains(&hello.heartbeat));
    }
    if let Ok(ToBroker::Worker(message)) = ToBroker::decode(&mut frames(&["W", "1", "echo"])) {
        let WorkerToBroker::Ready { hello, .. } = message else { panic!("a ready was sent") };
        let Some(hello) = hello else { return };
        assert!(heartbeats.contains(&hello.heartbeat));
        assert_ne!(hello.concurrency, Concurrency::Limited(0));
    }
    if let Ok(ToBroker::Worker(message)) = ToBroker::decode(&mut frames(&["W", "4", ""])) {
        let WorkerToBroker::Heartbeat(heartbeat) = message else { panic!("a heartbeat was sent") };
        assert_ne!(heartbeat.concurrency, Some(Concurrency::Limited(0)));
    }
}

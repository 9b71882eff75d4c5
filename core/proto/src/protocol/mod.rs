//! The wire protocol: frames ⇄ typed messages. No state, no I/O.
//!
//! Received frames become a [`ToBroker`], a [`BrokerToClient`] or a [`BrokerToWorker`] here, or a
//! [`DecodeError`]; no other code accesses a frame by its position. Data frames pass unchanged.

mod client;
mod hello;
mod identity;
mod json;
mod options;
mod payload;
mod reader;
mod worker;

pub use client::{BrokerToClient, ClientToBroker};
pub use hello::{BrokerHello, Capabilities, ClientHello, WorkerHello, VERSION};
pub use identity::{PeerId, RequestId, ServiceName};
pub use options::{encode_reply_options, encode_request_options, ReplyOptions, RequestSettings, RAW_OPTIONS};
pub use payload::{codec_of, is_null, Metadata, Payload, Status, StatusFrame};
pub use pigato_frame::Frame;
pub use reader::{DecodeError, Malformed};
pub use worker::{BrokerToWorker, ReplyKind, WorkerHeartbeat, WorkerToBroker};

use reader::Reader;

/// Which side of the broker a peer is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Makes requests.
    Client,
    /// Answers them.
    Worker,
}

/// Message types, the second frame of every message.
pub(crate) mod tag {
    pub(crate) const CLIENT: &[u8] = b"C";
    pub(crate) const WORKER: &[u8] = b"W";
    pub(crate) const READY: &[u8] = b"1";
    pub(crate) const REQUEST: &[u8] = b"2";
    pub(crate) const REPLY: &[u8] = b"3";
    pub(crate) const HEARTBEAT: &[u8] = b"4";
    pub(crate) const DISCONNECT: &[u8] = b"5";
    pub(crate) const REPLY_PARTIAL: &[u8] = b"6";
    pub(crate) const REPLY_REJECT: &[u8] = b"7";
    pub(crate) const CANCEL: &[u8] = b"8";
    pub(crate) const CREDIT: &[u8] = b"9";
}

/// Any message that a broker receives.
#[derive(Debug, Clone, PartialEq)]
pub enum ToBroker {
    /// From a client.
    Client(ClientToBroker),
    /// From a worker.
    Worker(WorkerToBroker),
}

impl ToBroker {
    /// Decodes what a broker received, without the identity frame. Leaves `frames` empty.
    pub fn decode(frames: &mut Vec<Frame>) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frames);
        match reader.side()? {
            Side::Client => ClientToBroker::decode(&mut reader).map(Self::Client),
            Side::Worker => WorkerToBroker::decode(&mut reader).map(Self::Worker),
        }
    }
}

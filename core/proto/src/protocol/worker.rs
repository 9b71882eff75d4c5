//! Messages between a worker and the broker.

use serde::de::MapAccess;

use super::reader::Reader;
use super::{
    json, tag, BrokerHello, DecodeError, Frame, Malformed, Metadata, Payload, PeerId, RequestId, ServiceName, Side,
    WorkerHello,
};
use crate::config::Concurrency;

/// Whether a reply is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyKind {
    /// Another reply follows.
    Partial,
    /// The last one.
    Final,
}

impl ReplyKind {
    pub(super) fn tag(self) -> &'static [u8] {
        match self {
            Self::Partial => tag::REPLY_PARTIAL,
            Self::Final => tag::REPLY,
        }
    }

    pub(super) fn from_tag(frame: &[u8]) -> Option<Self> {
        match frame {
            tag::REPLY_PARTIAL => Some(Self::Partial),
            tag::REPLY => Some(Self::Final),
            _ => None,
        }
    }
}

/// The contents of a worker's heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkerHeartbeat {
    /// The concurrency; `None`: missing or invalid.
    pub concurrency: Option<Concurrency>,
    /// Whether a core service asks for a publication of the directory.
    pub update: bool,
}

impl json::Object for WorkerHeartbeat {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "concurrency" => {
                self.concurrency = json::scalar(members)?.whole().and_then(Concurrency::from_number);
            }
            "update" => self.update = json::scalar(members)?.truthy(),
            _ => json::skip(members)?,
        }
        Ok(())
    }
}

impl WorkerHeartbeat {
    fn parse(frame: &[u8]) -> Self {
        json::read(frame, Self::default()).unwrap_or_default()
    }

    fn to_frame(self) -> Frame {
        let update = self.update.then(|| r#""update":1"#.to_owned());
        let concurrency = self.concurrency.map(|concurrency| format!(r#""concurrency":{}"#, concurrency.as_number()));
        let members: Vec<String> = update.into_iter().chain(concurrency).collect();
        Frame::from(format!("{{{}}}", members.join(",")))
    }
}

/// What a worker sends.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerToBroker {
    /// `W|1|service` and, with version 1, `json`: the worker offers a service.
    Ready {
        /// The service name, which may be a wildcard or carry a version.
        service: ServiceName,
        /// The hello of a version 1 worker.
        hello: Option<WorkerHello>,
    },
    /// `W|4|""|json`: a heartbeat.
    Heartbeat(WorkerHeartbeat),
    /// `W|3` or `W|6`, `clientId|""|rid|status|data|opts`: a reply.
    Reply {
        /// Partial or final.
        kind: ReplyKind,
        /// The client's identity, from the request.
        client: PeerId,
        /// The request.
        id: RequestId,
        /// The reply itself.
        payload: Payload,
    },
    /// `W|7|clientId|""|rid|0|reason|opts`: a rejection; another worker gets the request.
    Reject {
        /// The client's identity, from the request.
        client: PeerId,
        /// The request.
        id: RequestId,
        /// The reason.
        payload: Payload,
    },
    /// `W|5`: the worker stops.
    Disconnect,
}

impl WorkerToBroker {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message_type = reader.message_type()?;
        match &*message_type {
            tag::READY => {
                let service = reader.service()?;
                let hello = reader.next().and_then(|frame| WorkerHello::parse(&frame));
                Ok(Self::Ready { service, hello })
            }
            tag::HEARTBEAT => {
                reader.next_or_empty();
                Ok(Self::Heartbeat(WorkerHeartbeat::parse(&reader.next_or_empty())))
            }
            tag::REPLY_REJECT => {
                let (client, id) = Self::decode_address(reader)?;
                Ok(Self::Reject { client, id, payload: Payload::decode(reader) })
            }
            tag::DISCONNECT => Ok(Self::Disconnect),
            other => {
                let kind = ReplyKind::from_tag(other).ok_or_else(|| reader.error(Malformed::Type))?;
                let (client, id) = Self::decode_address(reader)?;
                Ok(Self::Reply { kind, client, id, payload: Payload::decode(reader) })
            }
        }
    }

    fn decode_address(reader: &mut Reader<'_>) -> Result<(PeerId, RequestId), DecodeError> {
        let client = PeerId::new(reader.next_or_empty());
        reader.next_or_empty();
        Ok((client, reader.request_id()?))
    }

    /// Appends the message's frames.
    pub fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(Frame::from(tag::WORKER));
        match self {
            Self::Ready { service, hello } => {
                frames.extend([Frame::from(tag::READY), service.to_frame()]);
                frames.extend(hello.map(|hello| hello.to_frame()));
            }
            Self::Heartbeat(heartbeat) => {
                frames.extend([Frame::from(tag::HEARTBEAT), Frame::default(), heartbeat.to_frame()]);
            }
            Self::Reply { kind, client, id, payload } => {
                frames.extend([Frame::from(kind.tag()), client.to_frame(), Frame::default(), id.to_frame()]);
                payload.encode(frames);
            }
            Self::Reject { client, id, payload } => {
                frames.extend([Frame::from(tag::REPLY_REJECT), client.to_frame(), Frame::default(), id.to_frame()]);
                payload.encode(frames);
            }
            Self::Disconnect => frames.push(Frame::from(tag::DISCONNECT)),
        }
    }
}

/// What a worker receives.
#[derive(Debug, Clone, PartialEq)]
pub enum BrokerToWorker {
    /// `W|1` and, with version 1, `json`: the answer to a ready.
    Ready(Option<BrokerHello>),
    /// `W|2|clientId|service|""|rid|data|opts …`: a request.
    Request {
        /// The client's identity.
        client: PeerId,
        /// The name that the client asked for.
        service: ServiceName,
        /// The client's request id.
        id: RequestId,
        /// The request's data.
        data: Frame,
        /// The request's options.
        options: Frame,
        /// Further frames of the client.
        extra: Vec<Frame>,
        /// The last frame, if the broker speaks version 1. `decode` cannot know that and does not set it; see
        /// [`BrokerToWorker::take_metadata`].
        metadata: Option<Metadata>,
    },
    /// `W|4`: a heartbeat.
    Heartbeat,
    /// `W|4|clientId|""|rid`: the client still wants the reply.
    RequestHeartbeat {
        /// The client's identity.
        client: PeerId,
        /// The request.
        id: RequestId,
    },
    /// `W|5`: reconnect with a new identity.
    Disconnect,
    /// `W|8|clientId|""|rid`: the reply is no longer wanted.
    Cancel {
        /// The client's identity.
        client: PeerId,
        /// The request.
        id: RequestId,
    },
    /// `W|9|clientId|""|rid|n`: this many more partial replies may be sent.
    Credit {
        /// The client's identity.
        client: PeerId,
        /// The request.
        id: RequestId,
        /// How many more.
        partials: u32,
    },
}

impl BrokerToWorker {
    /// Decodes what a worker received. Leaves `frames` empty.
    pub fn decode(frames: &mut Vec<Frame>) -> Result<Self, DecodeError> {
        let heartbeat_has_request = frames.len() == 5;
        let mut reader = Reader::from_broker(frames);
        let reader = &mut reader;
        reader.expect_side(Side::Worker)?;
        let message_type = reader.message_type()?;
        match &*message_type {
            tag::READY => Ok(Self::Ready(reader.next().and_then(|frame| BrokerHello::parse(&frame)))),
            tag::REQUEST => {
                let client = PeerId::new(reader.next_or_empty());
                let service = reader.service()?;
                reader.next_or_empty();
                let id = reader.request_id()?;
                let (data, options) = (reader.data(), reader.options());
                Ok(Self::Request { client, service, id, data, options, extra: reader.rest(), metadata: None })
            }
            tag::HEARTBEAT if heartbeat_has_request => {
                let (client, id) = WorkerToBroker::decode_address(reader)?;
                Ok(Self::RequestHeartbeat { client, id })
            }
            tag::HEARTBEAT => Ok(Self::Heartbeat),
            tag::DISCONNECT => Ok(Self::Disconnect),
            tag::CANCEL => {
                let (client, id) = WorkerToBroker::decode_address(reader)?;
                Ok(Self::Cancel { client, id })
            }
            tag::CREDIT => {
                let (client, id) = WorkerToBroker::decode_address(reader)?;
                Ok(Self::Credit { client, id, partials: reader.credit()? })
            }
            _ => Err(reader.error(Malformed::Type)),
        }
    }

    /// Moves the last extra frame of a request into `metadata`. Call it when the broker speaks version 1: it adds that frame to
    /// each request.
    pub fn take_metadata(&mut self) {
        if let Self::Request { extra, metadata, .. } = self {
            *metadata = extra.last().and_then(|frame| Metadata::parse(frame));
            if metadata.is_some() {
                extra.pop();
            }
        }
    }

    /// Appends the message's frames.
    pub fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(Frame::from(tag::WORKER));
        match self {
            Self::Ready(hello) => {
                frames.push(Frame::from(tag::READY));
                frames.extend(hello.map(|hello| hello.to_frame()));
            }
            Self::Request { client, service, id, data, options, extra, metadata } => {
                frames.extend([Frame::from(tag::REQUEST), client.to_frame(), service.to_frame(), Frame::default()]);
                frames.extend([id.to_frame(), data, options]);
                frames.extend(extra);
                frames.extend(metadata.map(Metadata::to_frame));
            }
            Self::Heartbeat => frames.push(Frame::from(tag::HEARTBEAT)),
            Self::RequestHeartbeat { client, id } => {
                frames.extend([Frame::from(tag::HEARTBEAT), client.to_frame(), Frame::default(), id.to_frame()]);
            }
            Self::Disconnect => frames.push(Frame::from(tag::DISCONNECT)),
            Self::Cancel { client, id } => {
                frames.extend([Frame::from(tag::CANCEL), client.to_frame(), Frame::default(), id.to_frame()]);
            }
            Self::Credit { client, id, partials } => {
                frames.extend([Frame::from(tag::CREDIT), client.to_frame(), Frame::default(), id.to_frame()]);
                frames.push(Frame::from(partials.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests;

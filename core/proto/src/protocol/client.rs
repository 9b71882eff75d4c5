//! Messages between a client and the broker.

use super::hello::looks_like_hello;
use super::reader::Reader;
use super::worker::ReplyKind;
use super::{tag, BrokerHello, ClientHello, DecodeError, Frame, Malformed, Payload, RequestId, ServiceName, Side};

/// What a client sends.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientToBroker {
    /// `C|2|service|rid|data|opts`: a request.
    Request {
        /// The requested service.
        service: ServiceName,
        /// The client's request id.
        id: RequestId,
        /// The request's data.
        data: Frame,
        /// The request's options: JSON, or one of the forms in which published peers send none.
        options: Frame,
        /// Further frames, which the worker receives.
        extra: Vec<Frame>,
    },
    /// `C|4`: a heartbeat.
    Heartbeat,
    /// `C|4|json`: a heartbeat with a version 1 hello.
    Hello(ClientHello),
    /// `C|4|request|rid`: the client still wants the reply.
    RequestHeartbeat {
        /// The request.
        id: RequestId,
        /// Whether the form was the older `C|4|rid`, which the broker answers like a heartbeat.
        answered: bool,
    },
    /// `C|4|worker|workerId`: a client reports that a worker is alive.
    WorkerLiveness(Frame),
    /// `C|8|""|rid`: the client no longer wants the reply.
    Cancel(RequestId),
    /// `C|9|""|rid|n`: the worker may send this many more partial replies.
    Credit {
        /// The request.
        id: RequestId,
        /// How many more.
        partials: u32,
    },
}

impl ClientToBroker {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let message_type = reader.message_type()?;
        match &*message_type {
            tag::REQUEST => Self::decode_request(reader),
            tag::HEARTBEAT => Self::decode_heartbeat(reader),
            tag::CANCEL => {
                reader.next_or_empty();
                Ok(Self::Cancel(reader.request_id()?))
            }
            tag::CREDIT => {
                reader.next_or_empty();
                Ok(Self::Credit { id: reader.request_id()?, partials: reader.credit()? })
            }
            _ => Err(reader.error(Malformed::Type)),
        }
    }

    fn decode_request(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match (reader.service(), reader.request_id()) {
            (Ok(service), Ok(id)) => {
                let (data, options) = (reader.data(), reader.options());
                Ok(Self::Request { service, id, data, options, extra: reader.rest() })
            }
            (Err(error), id) => Err(DecodeError { refused_request: Some(id.ok()), ..error }),
            (Ok(_), Err(error)) => Err(DecodeError { refused_request: Some(None), ..error }),
        }
    }

    fn decode_heartbeat(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let Some(first) = reader.next() else { return Ok(Self::Heartbeat) };
        if reader.remaining() == 0 {
            if first.is_empty() || looks_like_hello(&first) {
                return Ok(ClientHello::parse(&first).map_or(Self::Heartbeat, Self::Hello));
            }
            let id = RequestId::new(first).ok_or_else(|| reader.error(Malformed::RequestId))?;
            return Ok(Self::RequestHeartbeat { id, answered: true });
        }
        match &*first {
            b"request" | b"req" => Ok(Self::RequestHeartbeat { id: reader.request_id()?, answered: false }),
            b"worker" => Ok(Self::WorkerLiveness(reader.next_or_empty())),
            _ => Ok(ClientHello::parse(&first).map_or(Self::Heartbeat, Self::Hello)),
        }
    }

    /// Appends the message's frames.
    pub fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(Frame::from(tag::CLIENT));
        match self {
            Self::Request { service, id, data, options, extra } => {
                frames.extend([Frame::from(tag::REQUEST), service.to_frame(), id.to_frame(), data, options]);
                frames.extend(extra);
            }
            Self::Heartbeat => frames.push(Frame::from(tag::HEARTBEAT)),
            Self::Hello(hello) => frames.extend([Frame::from(tag::HEARTBEAT), hello.to_frame()]),
            Self::RequestHeartbeat { id, answered } => {
                frames.push(Frame::from(tag::HEARTBEAT));
                if !answered {
                    frames.push(Frame::from("request"));
                }
                frames.push(id.to_frame());
            }
            Self::WorkerLiveness(worker) => {
                frames.extend([Frame::from(tag::HEARTBEAT), Frame::from("worker"), worker]);
            }
            Self::Cancel(id) => frames.extend([Frame::from(tag::CANCEL), Frame::default(), id.to_frame()]),
            Self::Credit { id, partials } => {
                let partials = Frame::from(partials.to_string());
                frames.extend([Frame::from(tag::CREDIT), Frame::default(), id.to_frame(), partials]);
            }
        }
    }
}

/// What a client receives.
#[derive(Debug, Clone, PartialEq)]
pub enum BrokerToClient {
    /// `C|4`: the answer to a heartbeat.
    Heartbeat,
    /// `C|4|json`: the answer to a hello.
    Hello(BrokerHello),
    /// `C|3` or `C|6`, `""|rid|status|data|opts`: a reply.
    Reply {
        /// Partial or final.
        kind: ReplyKind,
        /// The client's request id; empty if the broker refuses a request without one.
        id: Frame,
        /// The reply itself.
        payload: Payload,
    },
}

impl BrokerToClient {
    /// Decodes what a client received. Leaves `frames` empty.
    pub fn decode(frames: &mut Vec<Frame>) -> Result<Self, DecodeError> {
        let mut reader = Reader::from_broker(frames);
        let reader = &mut reader;
        reader.expect_side(Side::Client)?;
        let message_type = reader.message_type()?;
        match &*message_type {
            tag::HEARTBEAT => {
                let hello = reader.next().and_then(|frame| BrokerHello::parse(&frame));
                Ok(hello.map_or(Self::Heartbeat, Self::Hello))
            }
            other => {
                let kind = ReplyKind::from_tag(other).ok_or_else(|| reader.error(Malformed::Type))?;
                reader.next_or_empty();
                let id = reader.next().ok_or_else(|| reader.error(Malformed::Length))?;
                Ok(Self::Reply { kind, id, payload: Payload::decode(reader) })
            }
        }
    }

    /// Appends the message's frames.
    pub fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(Frame::from(tag::CLIENT));
        match self {
            Self::Heartbeat => frames.push(Frame::from(tag::HEARTBEAT)),
            Self::Hello(hello) => frames.extend([Frame::from(tag::HEARTBEAT), hello.to_frame()]),
            Self::Reply { kind, id, payload } => {
                frames.extend([Frame::from(kind.tag()), Frame::default(), id]);
                payload.encode(frames);
            }
        }
    }
}

//! One connection: greeting, handshake, messages.

use std::fmt;

use pigato_frame::Frame;

use crate::decoder::{put_header, Decoder, Received, COMMAND_BYTES};
use crate::greeting::{opening, Greeting, Version};
use crate::outgoing::Outgoing;

/// Longest identity that a peer may have (RFC 28).
const IDENTITY_BYTES: usize = 255;

/// Longest part of a `PING` that its answer repeats (RFC 37).
const CONTEXT_BYTES: usize = 16;

/// With so many bytes to be written a `PING` is not answered: who does not read needs no answer.
const UNREAD_BYTES: usize = 64 << 10;

/// What the socket on one's own side is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketType {
    /// Talks with DEALER, REQ and ROUTER.
    Router,
    /// Talks with ROUTER, REP and DEALER.
    Dealer,
}

impl SocketType {
    fn name(self) -> &'static str {
        match self {
            Self::Router => "ROUTER",
            Self::Dealer => "DEALER",
        }
    }

    /// As ZMTP 2.0 has it.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Dealer => 5,
            Self::Router => 6,
        }
    }

    pub(crate) fn accepts_number(self, peer: u8) -> bool {
        match self {
            Self::Router => matches!(peer, 3 | 5 | 6),
            Self::Dealer => matches!(peer, 4..=6),
        }
    }

    fn accepts(self, peer: &[u8]) -> bool {
        match self {
            Self::Router => matches!(peer, b"DEALER" | b"REQ" | b"ROUTER"),
            Self::Dealer => matches!(peer, b"ROUTER" | b"REP" | b"DEALER"),
        }
    }
}

/// Why a peer cannot be talked with. Its connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It does not speak ZMTP, or a version that is not known here.
    Version,
    /// It wants another mechanism than NULL.
    Mechanism,
    /// Its socket is not of a type that fits.
    SocketType,
    /// A frame is longer than what is taken.
    TooLong,
    /// A command that cannot be read, or one that does not belong there.
    Command,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "it speaks no version of ZMTP that is known here (2.0, 3.0, 3.1)",
            Self::Mechanism => "it wants another mechanism than NULL",
            Self::SocketType => "its socket's type does not fit",
            Self::TooLong => "a frame is too long",
            Self::Command => "a command is malformed",
        })
    }
}

impl std::error::Error for Malformed {}

/// What a connection has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The handshake is over; the peer has this identity, empty if it has none. Told once, before the first message.
    Ready(Frame),
    /// There is a message.
    Message,
}

#[derive(Debug)]
enum Stage {
    Greeting(Greeting),
    Handshake(Version),
    Messages,
}

/// One side of a connection.
///
/// Inputs: [`decode`](Self::decode) with what was read, [`send`](Self::send) with what is to be sent. Output:
/// [`outgoing`](Self::outgoing), to be written whenever it is not empty. After an error nothing more is to be done but to close.
#[derive(Debug)]
pub struct Connection {
    kind: SocketType,
    identity: Frame,
    stage: Stage,
    decoder: Decoder,
    most_frame_bytes: usize,
    most_frames: usize,
    /// Whether part of a message has come.
    is_inside: bool,
    message_bytes: usize,
    outgoing: Outgoing,
}

impl Connection {
    /// A connection that has just been made. `identity` may be empty. Frames beyond `most_frame_bytes` end the connection, as do
    /// messages beyond twice that; of a message that has more than `most_frames` the rest is dropped.
    #[must_use]
    pub fn new(kind: SocketType, identity: Frame, most_frame_bytes: usize, most_frames: usize) -> Self {
        let mut outgoing = Outgoing::default();
        outgoing.put_bytes(|output| output.extend_from_slice(&opening()));
        let stage = Stage::Greeting(Greeting::default());
        let decoder = Decoder::default();
        Self {
            kind,
            identity,
            stage,
            decoder,
            most_frame_bytes,
            most_frames,
            is_inside: false,
            message_bytes: 0,
            outgoing,
        }
    }

    /// Whether the handshake is over.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Messages)
    }

    /// Whether part of a message has come, and its end not.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// What is to be written.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// What is to be written, for whoever writes it.
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Sends a message. Leaves `frames` empty. Only after [`Input::Ready`].
    pub fn send(&mut self, frames: &mut Vec<Frame>) {
        self.outgoing.put_message(frames);
    }

    /// Takes bytes from the front of `input` until there is something to tell; `None`: until it is empty. A message is in `frames`
    /// when it is complete; until then they hold what has come of it, and are to be given again as they are.
    pub fn decode(&mut self, input: &mut &[u8], frames: &mut Vec<Frame>) -> Result<Option<Input>, Malformed> {
        loop {
            if let Stage::Greeting(greeting) = &mut self.stage {
                let mut answer = Vec::new();
                let version = greeting.decode(self.kind, input, &mut answer)?;
                if !answer.is_empty() {
                    self.outgoing.put_bytes(|output| output.extend_from_slice(&answer));
                }
                let Some(version) = version else { return Ok(None) };
                self.stage = Stage::Handshake(version);
                self.send_handshake(version);
            }
            let most_bytes = if self.is_ready() { self.most_frame_bytes } else { COMMAND_BYTES };
            let Some(received) = self.decoder.decode(input, most_bytes)? else { return Ok(None) };
            match self.stage {
                Stage::Messages if received.is_command => self.command(&received.frame)?,
                Stage::Messages => {
                    if !std::mem::replace(&mut self.is_inside, received.has_more) {
                        frames.clear();
                        self.message_bytes = 0;
                    }
                    self.message_bytes += received.frame.len();
                    if self.message_bytes > self.most_frame_bytes.saturating_mul(2) {
                        return Err(Malformed::TooLong);
                    }
                    if frames.len() < self.most_frames {
                        frames.push(received.frame);
                    }
                    if !received.has_more {
                        return Ok(Some(Input::Message));
                    }
                }
                Stage::Greeting(_) => {}
                Stage::Handshake(version) => {
                    let identity = self.peers_identity(version, received)?;
                    self.stage = Stage::Messages;
                    return Ok(Some(Input::Ready(identity)));
                }
            }
        }
    }

    fn send_handshake(&mut self, version: Version) {
        let (kind, identity) = (self.kind, self.identity.clone());
        self.outgoing.put_bytes(|output| match version {
            Version::Two => {
                put_header(output, identity.len(), false, false);
                output.extend_from_slice(&identity);
            }
            Version::Three => put_command(output, b"READY", |body| {
                put_property(body, b"Socket-Type", kind.name().as_bytes());
                put_property(body, b"Identity", &identity);
            }),
        });
    }

    fn peers_identity(&self, version: Version, received: Received) -> Result<Frame, Malformed> {
        let identity = match version {
            Version::Two if !received.has_more => received.frame,
            Version::Three if received.is_command => self.read_ready(&received.frame)?,
            _ => return Err(Malformed::Command),
        };
        if identity.len() > IDENTITY_BYTES {
            return Err(Malformed::Command);
        }
        Ok(identity)
    }

    fn read_ready(&self, frame: &[u8]) -> Result<Frame, Malformed> {
        let (name, mut rest) = split_command(frame)?;
        if name != b"READY" {
            return Err(Malformed::Command);
        }
        let (mut identity, mut socket_type) = (Frame::default(), None);
        while !rest.is_empty() {
            let (name, value, after) = split_property(rest).ok_or(Malformed::Command)?;
            if name.eq_ignore_ascii_case(b"Identity") {
                identity = Frame::from(value);
            } else if name.eq_ignore_ascii_case(b"Socket-Type") {
                socket_type = Some(value);
            }
            rest = after;
        }
        match socket_type {
            Some(socket_type) if self.kind.accepts(socket_type) => Ok(identity),
            _ => Err(Malformed::SocketType),
        }
    }

    /// A command after the handshake. Those that are not known mean nothing here.
    fn command(&mut self, frame: &[u8]) -> Result<(), Malformed> {
        match split_command(frame)? {
            (b"PING", rest) if rest.len() >= 2 => {
                // Behind two bytes of how long to wait for the next comes what the answer repeats.
                let context = &rest[2..];
                if context.len() > CONTEXT_BYTES {
                    return Err(Malformed::Command);
                }
                if self.outgoing.bytes() > UNREAD_BYTES {
                    return Ok(());
                }
                self.outgoing.put_bytes(|output| put_command(output, b"PONG", |body| body.extend_from_slice(context)));
                Ok(())
            }
            (b"PING" | b"ERROR", _) => Err(Malformed::Command),
            _ => Ok(()),
        }
    }
}

fn put_command(output: &mut Vec<u8>, name: &[u8], put: impl FnOnce(&mut Vec<u8>)) {
    let mut body = vec![name.len() as u8];
    body.extend_from_slice(name);
    put(&mut body);
    put_header(output, body.len(), false, true);
    output.extend_from_slice(&body);
}

fn put_property(output: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    output.push(name.len() as u8);
    output.extend_from_slice(name);
    output.extend_from_slice(&(value.len() as u32).to_be_bytes());
    output.extend_from_slice(value);
}

fn split_command(frame: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, rest) = frame.split_first().ok_or(Malformed::Command)?;
    rest.split_at_checked(usize::from(*length)).ok_or(Malformed::Command)
}

fn split_property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some((name, value, rest))
}

//! One connection: greeting, handshake, messages.

use pigato_frame::Frame;

use crate::decoder::{put_header, Decoder, Received, COMMAND_BYTES};
use crate::error::ProtocolError;
use crate::greeting::{opening, Greeting, Version};
use crate::outgoing::Outgoing;
use crate::socket_type::SocketType;

/// Longest identity that a peer may have (RFC 28).
const IDENTITY_BYTES: usize = 255;

/// Longest part of a `PING` that its `PONG` repeats (RFC 37).
const CONTEXT_BYTES: usize = 16;

/// With more unwritten bytes than this, a connection does not answer a `PING`: the peer does not
/// read, and the answers would fill memory.
const UNREAD_BYTES: usize = 64 << 10;

/// What [`Connection::decode`] found in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The handshake is complete. Contains the peer's identity, which is empty if it has none.
    /// Returned once, before the first message.
    Ready(Frame),
    /// A message is complete.
    Message,
}

#[derive(Debug)]
enum Stage {
    Greeting(Greeting),
    Handshake(Version),
    Messages,
}

/// The local side of one connection.
///
/// Pass received bytes to [`decode`](Self::decode) and messages to [`send`](Self::send). Write
/// [`outgoing`](Self::outgoing) to the transport whenever it is not empty. After an error, close
/// the connection.
#[derive(Debug)]
pub struct Connection {
    kind: SocketType,
    identity: Frame,
    stage: Stage,
    decoder: Decoder,
    most_frame_bytes: usize,
    most_frames: usize,
    /// Whether a message has begun and is not complete.
    is_inside: bool,
    message_bytes: usize,
    outgoing: Outgoing,
}

impl Connection {
    /// Creates the state of a new connection. `identity` may be empty.
    ///
    /// `decode` fails on a frame longer than `most_frame_bytes` and on a message longer than twice
    /// that. It drops all frames of a message after the first `most_frames`.
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

    /// Whether the handshake is complete.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Messages)
    }

    /// Whether a message has begun and is not complete.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// The bytes to write.
    #[must_use]
    pub fn outgoing(&self) -> &Outgoing {
        &self.outgoing
    }

    /// The bytes to write, for [`Outgoing::consume`].
    pub fn outgoing_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Queues a message and leaves `frames` empty. Call it only after [`Input::Ready`].
    pub fn send(&mut self, frames: &mut Vec<Frame>) {
        self.outgoing.put_message(frames);
    }

    /// Consumes bytes from the front of `input` up to the next [`Input`]. Returns `None` when
    /// `input` is empty.
    ///
    /// On [`Input::Message`], `frames` contains the complete message. Before that, `frames`
    /// contains its first frames: pass the same vector, unchanged, to the next call.
    ///
    /// # Errors
    ///
    /// A [`ProtocolError`] says why the peer's bytes are not valid. Close the connection: further
    /// calls return nothing useful.
    pub fn decode(&mut self, input: &mut &[u8], frames: &mut Vec<Frame>) -> Result<Option<Input>, ProtocolError> {
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
                        return Err(ProtocolError::TooLong);
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

    fn peers_identity(&self, version: Version, received: Received) -> Result<Frame, ProtocolError> {
        let identity = match version {
            Version::Two if !received.has_more => received.frame,
            Version::Three if received.is_command => self.read_ready(&received.frame)?,
            _ => return Err(ProtocolError::Command),
        };
        if identity.len() > IDENTITY_BYTES {
            return Err(ProtocolError::Command);
        }
        Ok(identity)
    }

    fn read_ready(&self, frame: &[u8]) -> Result<Frame, ProtocolError> {
        let (name, mut rest) = split_command(frame)?;
        if name != b"READY" {
            return Err(ProtocolError::Command);
        }
        let (mut identity, mut socket_type) = (Frame::default(), None);
        while !rest.is_empty() {
            let (name, value, after) = split_property(rest).ok_or(ProtocolError::Command)?;
            if name.eq_ignore_ascii_case(b"Identity") {
                identity = Frame::from(value);
            } else if name.eq_ignore_ascii_case(b"Socket-Type") {
                socket_type = Some(value);
            }
            rest = after;
        }
        match socket_type {
            Some(socket_type) if self.kind.accepts(socket_type) => Ok(identity),
            _ => Err(ProtocolError::SocketType),
        }
    }

    /// Handles a command after the handshake. Unknown commands are ignored.
    fn command(&mut self, frame: &[u8]) -> Result<(), ProtocolError> {
        match split_command(frame)? {
            (b"PING", rest) if rest.len() >= 2 => {
                // The first 2 bytes are the time to live; the `PONG` repeats the bytes after them.
                let context = &rest[2..];
                if context.len() > CONTEXT_BYTES {
                    return Err(ProtocolError::Command);
                }
                if self.outgoing.bytes() > UNREAD_BYTES {
                    return Ok(());
                }
                self.outgoing.put_bytes(|output| put_command(output, b"PONG", |body| body.extend_from_slice(context)));
                Ok(())
            }
            (b"PING" | b"ERROR", _) => Err(ProtocolError::Command),
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

fn split_command(frame: &[u8]) -> Result<(&[u8], &[u8]), ProtocolError> {
    let (length, rest) = frame.split_first().ok_or(ProtocolError::Command)?;
    rest.split_at_checked(usize::from(*length)).ok_or(ProtocolError::Command)
}

fn split_property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    Some((name, value, rest))
}

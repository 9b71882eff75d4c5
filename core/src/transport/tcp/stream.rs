//! One TCP connection that speaks ZMTP: its state, what it still has to write and what it has read in part.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, ProtocolError, SocketType};
use socket2::{SockRef, TcpKeepalive};

use crate::limits;
use crate::protocol::PeerId;
use crate::transport::settings::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES};

/// Writing to a broken connection must return an error and raise no SIGPIPE, which would end a program of another language. The
/// standard library does so for single buffers.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
/// On Apple systems it is an option of the socket.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: i32 = 0;

/// Most reads of discarded input: more than the operating system buffers for a connection.
const DISCARDING_READS: usize = 1_024;

/// Most buffers of one write.
const SLICES: usize = 32;

/// The outcome of a read.
pub(super) enum Received {
    Bytes(usize),
    Nothing,
    End,
}

/// One TCP connection that speaks ZMTP.
pub(super) struct ZmtpStream {
    stream: TcpStream,
    pub(super) connection: Connection,
    /// Frames of a message that is not complete.
    partial: Vec<Frame>,
    /// The peer's identity, after the handshake.
    pub(super) peer: Option<PeerId>,
    /// The number of the connection.
    pub(super) number: u64,
    /// Whether the connection is in the list to read, or to write.
    pub(super) is_readable: bool,
    pub(super) is_dirty: bool,
    /// Whether the peer has closed its side, so that the connection must be read to its end.
    pub(super) is_ending: bool,
    /// Bytes of the queued messages that do not count against the bound.
    pub(super) kept_bytes: usize,
    /// Whether writing has failed.
    pub(super) is_broken: bool,
    /// Whether there is no room to write; the operating system reports when there is.
    pub(super) is_blocked: bool,
}

impl ZmtpStream {
    pub(super) fn new(stream: TcpStream, kind: SocketType, identity: Frame, number: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_PROBES))?;
        // The bound of a peer's message, 3 frames that a broker may add, and one too many, by which the decoder sees the excess.
        let connection = Connection::new(kind, identity, limits::FRAME_BYTES, limits::MESSAGE_FRAMES + 4);
        Ok(Self {
            stream,
            connection,
            partial: Vec::new(),
            peer: None,
            number,
            is_readable: false,
            is_dirty: false,
            is_ending: false,
            kept_bytes: 0,
            is_broken: false,
            is_blocked: false,
        })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// Whether the connection is established; an error if it failed.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        let peer = match self.stream.peer_addr() {
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            peer => peer?,
        };
        // TCP self-connect: on an ephemeral port without a listener, the operating system may connect a socket with itself. The port
        // would stay taken, and a restarted broker could not listen there.
        if peer == self.stream.local_addr()? {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        Ok(true)
    }

    /// Reads and drops a bounded part of the input. Closing a connection with unread input resets it, and the peer loses what it has
    /// not read.
    pub(super) fn discard_input(&mut self, buffer: &mut [u8]) {
        let mut reads = 0..DISCARDING_READS;
        while !buffer.is_empty() && reads.next().is_some() {
            let Received::Bytes(_) = self.read(buffer) else { return };
        }
    }

    /// Decodes the next part of `bytes` from `from` on, and advances `from`; `None`: nothing is complete. A message is in `frames`, which
    /// are empty after an error.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        from: &mut usize,
        frames: &mut Vec<Frame>,
    ) -> Result<Option<Input>, ProtocolError> {
        if !self.partial.is_empty() {
            *frames = std::mem::take(&mut self.partial);
        }
        let mut input = &bytes[*from..];
        let decoded = self.connection.decode(&mut input, frames);
        *from = bytes.len() - input.len();
        match &decoded {
            Ok(None) if self.connection.is_inside() => self.partial = std::mem::take(frames),
            Ok(Some(Input::Message)) => {}
            _ => frames.clear(),
        }
        decoded
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Received {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Received::End,
                Ok(count) => return Received::Bytes(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Nothing,
                Err(_) => return Received::End,
            }
        }
    }

    /// Writes queued bytes as far as there is room.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.is_blocked && !self.connection.outgoing().is_empty() {
            let outgoing = self.connection.outgoing();
            let written = match outgoing.only_slice() {
                Some(bytes) => self.stream.write(bytes),
                None => {
                    let mut slices = [IoSlice::new(&[]); SLICES];
                    let count = outgoing.slices(&mut slices);
                    SockRef::from(&self.stream).send_vectored_with_flags(&slices[..count], NO_SIGNAL)
                }
            };
            match written {
                Ok(count) => self.connection.outgoing_mut().consume(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_blocked = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn a_tcp_self_connect_counts_as_refused() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        let own = socket.local_addr().expect("its address");
        socket.connect(&own).expect("a TCP self-connect");
        let stream = ZmtpStream::new(socket.into(), SocketType::Dealer, Frame::default(), 0).expect("a stream");
        let refusal = stream.is_connected().expect_err("a refusal");
        assert_eq!(refusal.kind(), ErrorKind::ConnectionRefused);
    }
}

//! TCP connections of our own: addresses, and one connection with what it has still to write and to read.
//!
//! `ipc`, `inproc` and addresses that only libzmq resolves are left to its sockets.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, ProtocolError, SocketType};
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use super::socket::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES};
use crate::limits;
use crate::protocol::PeerId;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// A connection that is broken is an error and no signal, which would end a program of another language. What is written in one
/// piece is written so by the standard library.
#[cfg(not(target_vendor = "apple"))]
const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
/// There the socket is made so.
#[cfg(target_vendor = "apple")]
const NO_SIGNAL: i32 = 0;

/// Most reads of an endpoint's connections before others get their turn.
pub(super) const READS_PER_TURN: usize = 64;

/// Most reads of what is thrown away: more than the system keeps for a connection.
const DISCARDING_READS: usize = 1_024;

/// Most pieces written at a time.
const SLICES: usize = 32;

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// All of this machine's addresses, of both families if it has both.
    Any(u16),
    One(SocketAddr),
}

impl Address {
    /// Reads an endpoint; `None` for one that is libzmq's business.
    pub(super) fn parse(endpoint: &str) -> Option<Self> {
        let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
        let port = if port == "*" { 0 } else { port.parse().ok()? };
        if host == "*" {
            return Some(Self::Any(port));
        }
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match in_brackets {
            Some(host) => IpAddr::V6(host.parse().ok()?),
            None => IpAddr::V4(host.parse().ok()?),
        };
        Some(Self::One(SocketAddr::new(address, port)))
    }

    /// Listens there. Returns the endpoint with its real port, too.
    pub(super) fn listen(self) -> io::Result<(TcpListener, String)> {
        let listener = match self {
            Self::One(address) => listen_at(address)?,
            Self::Any(port) => match listen_at(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)) {
                Err(error) if !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
                    // A machine without IPv6.
                    listen_at(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?
                }
                listening => listening?,
            },
        };
        let endpoint = format!("tcp://{}", listener.local_addr()?);
        Ok((listener, endpoint))
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How long a peer may take to be reached and to say who it is.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(30);

/// Begins to connect.
pub(super) fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(zmq::Error::EINPROGRESS.to_raw()) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// What a read gave.
pub(super) enum Received {
    Bytes(usize),
    Nothing,
    End,
}

/// One connection.
pub(super) struct Link {
    stream: TcpStream,
    pub(super) connection: Connection,
    /// What has come of a message whose end is still to come.
    partial: Vec<Frame>,
    /// Whose it is, once that is known.
    pub(super) peer: Option<PeerId>,
    /// Which of all it is.
    pub(super) number: u64,
    /// Whether it is among those that are to be read, or to be written.
    pub(super) is_readable: bool,
    pub(super) is_dirty: bool,
    /// Whether the peer has ended it, so that it is to be read to its end.
    pub(super) is_ending: bool,
    /// Bytes of the messages that may wait whatever their size.
    pub(super) kept_bytes: usize,
    /// Whether nothing can be written any more.
    pub(super) is_broken: bool,
    /// Whether it had no room; the system tells when it has.
    pub(super) is_blocked: bool,
}

impl Link {
    pub(super) fn new(stream: TcpStream, kind: SocketType, identity: Frame, number: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_IDLE).with_interval(KEEPALIVE_INTERVAL);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive.with_retries(KEEPALIVE_PROBES))?;
        // What a broker may add to a peer's longest message, and one too many, which tells the decoder.
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

    /// Whether the connection has been made; an error if it could not be.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        let peer = match self.stream.peer_addr() {
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            peer => peer?,
        };
        // Where nobody listens on a port that the system gives out to those who connect, it may connect one of them with itself.
        // A broker that starts again could not listen there.
        if peer == self.stream.local_addr()? {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        Ok(true)
    }

    /// Drops what has come, a bounded part of it: a connection that is closed with unread bytes in it loses what its peer has not
    /// read.
    pub(super) fn discard_input(&mut self, buffer: &mut [u8]) {
        let mut reads = 0..DISCARDING_READS;
        while !buffer.is_empty() && reads.next().is_some() {
            let Received::Bytes(_) = self.read(buffer) else { return };
        }
    }

    /// The next thing that `bytes` tell, from `from` on, which is moved behind it; `None`: nothing more. A message is in `frames`,
    /// and nothing is after an error.
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

    /// Writes what there is, as far as there is room.
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
    use super::*;

    #[test]
    fn a_connection_with_itself_is_none() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("a port");
        let own = socket.local_addr().expect("its address");
        socket.connect(&own).expect("the system connects a socket with itself");
        let link = Link::new(socket.into(), SocketType::Dealer, Frame::default(), 0).expect("a link");
        let refusal = link.is_connected().expect_err("nobody is there");
        assert_eq!(refusal.kind(), ErrorKind::ConnectionRefused);
    }
}

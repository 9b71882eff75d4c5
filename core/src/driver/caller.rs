//! What a DEALER is to libzmq, for a connection of our own: it calls until it is answered, once.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pigato_frame::Frame;
use pigato_zmtp::{Input, SocketType};

use super::closing::Closing;
use super::dealer::{Dealer, Transport};
use super::engine::{Io, Readiness};
use super::tcp::{connect_to, Link, Received, HANDSHAKE, READS_PER_TURN};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

const SLOT: usize = 0;

/// Bytes read at a time.
const READ_BYTES: usize = 32 << 10;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Address(SocketAddr),
    Name(String, u16),
}

impl Target {
    /// Reads an endpoint; `None` for one that is libzmq's business.
    pub(super) fn parse(endpoint: &str) -> Option<Self> {
        let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match in_brackets {
            Some(host) => Some(IpAddr::V6(host.parse().ok()?)),
            None => host.parse().ok().map(IpAddr::V4),
        };
        if let Some(address) = address {
            return Some(Self::Address(SocketAddr::new(address, port)));
        }
        let is_name =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        is_name.then(|| Self::Name(host.to_owned(), port))
    }
}

enum State {
    /// Nothing is tried before this time; `None`: it has not begun.
    Waiting(Option<Instant>),
    /// Until this time; a search that takes longer counts as failed.
    Resolving(Resolving, Instant),
    /// Connected or not, the handshake is to come, until this time.
    Opening(Box<Link>, Instant),
    Open(Box<Link>),
    /// Whether that was told, last.
    Lost(Box<Link>, bool),
}

/// The connecting side of one connection.
pub(super) struct Caller {
    target: Target,
    /// What the target's name stands for, as far as it was not tried.
    addresses: Vec<SocketAddr>,
    identity: Frame,
    state: State,
    pause: Duration,
    most_pause: Duration,
    buffer: Box<[u8]>,
    /// What of the buffer is not dealt with.
    from: usize,
    to: usize,
    is_readable: bool,
    is_released: bool,
}

impl Caller {
    /// A connection that is made when it is watched for the first time. `pause` is that between the first attempts, which doubles
    /// up to `most_pause`.
    pub(super) fn new(target: Target, identity: &PeerId, pause: Duration, most_pause: Duration) -> Self {
        Self {
            target,
            addresses: Vec::new(),
            identity: identity.to_frame(),
            state: State::Waiting(None),
            pause,
            most_pause,
            buffer: Box::default(),
            from: 0,
            to: 0,
            is_readable: false,
            is_released: false,
        }
    }

    fn begin(&mut self, now: Instant, io: &Io<'_>) {
        match &self.target {
            Target::Address(address) => {
                self.addresses = vec![*address];
                self.connect(now, io);
            }
            Target::Name(host, port) => match Resolving::begin(host, *port, io) {
                Ok(resolving) => self.state = State::Resolving(resolving, now + HANDSHAKE),
                Err(_) => self.connect(now, io),
            },
        }
    }

    /// Tries the next address, or waits for the next attempt if there is none.
    fn connect(&mut self, now: Instant, io: &Io<'_>) {
        (self.from, self.to, self.is_readable) = (0, 0, false);
        while let Some(address) = self.addresses.pop() {
            let link = connect_to(address)
                .and_then(|stream| Link::new(stream, SocketType::Dealer, self.identity.clone(), 0))
                .and_then(|link| io.watch_stream(link.descriptor(), SLOT).map(|()| link));
            if let Ok(link) = link {
                self.state = State::Opening(Box::new(link), now + HANDSHAKE);
                return;
            }
        }
        // Not all clients of a broker that went at the same time again and again.
        let spread = self.pause * u32::from(self.identity.last().map_or(0, |byte| byte % 32)) / 64;
        self.state = State::Waiting(Some(now + self.pause + spread));
        self.pause = (self.pause * 2).min(self.most_pause);
    }

    /// The next thing in the buffer or behind it. Returns whether the connection goes on.
    fn advance(&mut self, frames: &mut Vec<Frame>) -> Advance {
        let (State::Opening(link, _) | State::Open(link)) = &mut self.state else { return Advance::Nothing };
        for _ in 0..READS_PER_TURN {
            if self.from < self.to {
                match link.decode(&self.buffer[..self.to], &mut self.from, frames) {
                    Ok(Some(Input::Message)) => return Advance::Message,
                    Ok(Some(Input::Ready(_))) => return Advance::Ready,
                    Ok(None) => {}
                    Err(_) => return Advance::End,
                }
            }
            if !self.is_readable {
                break;
            }
            if self.buffer.is_empty() {
                self.buffer = vec![0; READ_BYTES].into();
            }
            match link.read(&mut self.buffer) {
                Received::Bytes(count) => {
                    // A read that gives less than was asked for has emptied it, and the I/O thread is told of what comes after.
                    self.is_readable = count == self.buffer.len() || link.is_ending || self.is_released;
                    (self.from, self.to) = (0, count);
                }
                Received::Nothing => self.is_readable = false,
                Received::End => return Advance::End,
            }
        }
        Advance::Nothing
    }

    /// Goes on with the opening, as far as there is news. Returns whether that is over.
    fn open(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<bool> {
        let State::Opening(link, until) = &self.state else { return None };
        if now < *until {
            match link.is_connected() {
                Ok(false) => return Some(false),
                Ok(true) => match self.advance(frames) {
                    // There is something to say before anything is heard, and in answer to that.
                    Advance::Nothing if self.flush_opening() => return Some(false),
                    Advance::Ready if self.flush_opening() => return Some(true),
                    // There can be no message before.
                    _ => {}
                },
                Err(_) => {}
            }
        }
        self.unwatch(io);
        self.connect(now, io);
        None
    }

    fn flush_opening(&mut self) -> bool {
        let State::Opening(link, _) = &mut self.state else { return false };
        link.flush().is_ok()
    }

    fn link(&self) -> Option<&Link> {
        match &self.state {
            State::Opening(link, _) | State::Open(link) | State::Lost(link, _) => Some(link),
            State::Waiting(_) | State::Resolving(..) => None,
        }
    }

    fn lose(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Waiting(None)) {
            State::Open(link) => State::Lost(link, false),
            other => other,
        };
    }

    fn unwatch(&self, io: &Io<'_>) {
        match &self.state {
            State::Resolving(resolving, _) => io.unwatch(resolving.reader.as_raw_fd()),
            _ => {
                let _ = self.link().map(|link| io.unwatch(link.descriptor()));
            }
        }
    }
}

/// What came next.
enum Advance {
    Nothing,
    Ready,
    Message,
    End,
}

impl Dealer for Caller {
    fn ready(&mut self, readiness: Readiness) {
        self.is_readable |= readiness.is_readable;
        if let State::Opening(link, _) | State::Open(link) = &mut self.state {
            link.is_ending |= readiness.is_ending;
            link.is_blocked &= !readiness.is_writable;
        }
    }

    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error> {
        if let State::Waiting(None) = self.state {
            self.begin(now, io);
        }
        Ok(())
    }

    fn transport(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<Transport> {
        loop {
            match &mut self.state {
                State::Waiting(Some(at)) if *at <= now => self.begin(now, io),
                State::Waiting(_) | State::Open(_) => return None,
                State::Resolving(resolving, until) => {
                    self.addresses = match resolving.result() {
                        None if now < *until => return None,
                        addresses => addresses.unwrap_or_default(),
                    };
                    self.unwatch(io);
                    self.connect(now, io);
                }
                State::Opening(..) => match self.open(now, io, frames) {
                    Some(false) => return None,
                    Some(true) => {
                        if let State::Opening(link, _) = std::mem::replace(&mut self.state, State::Waiting(None)) {
                            self.state = State::Open(link);
                        }
                        return Some(Transport::Up);
                    }
                    None => {}
                },
                State::Lost(_, is_told) => {
                    return (!std::mem::replace(is_told, true)).then_some(Transport::Down);
                }
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(at) => *at,
            State::Resolving(_, until) | State::Opening(_, until) => Some(*until),
            _ => None,
        }
    }

    fn receive(&mut self, frames: &mut Vec<Frame>) -> bool {
        if !matches!(self.state, State::Open(_)) {
            return false;
        }
        self.is_readable |= self.is_released;
        match self.advance(frames) {
            Advance::Message => true,
            Advance::Nothing => false,
            Advance::Ready | Advance::End => {
                self.lose();
                false
            }
        }
    }

    fn has_input(&self) -> bool {
        match self.state {
            State::Open(_) => self.is_readable || self.from < self.to,
            State::Lost(_, is_told) => !is_told,
            _ => false,
        }
    }

    fn send(&mut self, frames: &mut Vec<Frame>) {
        match &mut self.state {
            State::Open(link) if !link.is_broken => link.connection.send(frames),
            _ => frames.clear(),
        }
    }

    fn flush(&mut self) {
        let State::Open(link) = &mut self.state else { return };
        // Nothing tells when there is room while another thread waits for what arrives.
        link.is_blocked &= !self.is_released;
        if link.flush().is_err() {
            // What the peer has sent before still counts, and its end follows.
            link.is_broken = true;
            link.is_ending = true;
            self.is_readable = true;
        }
    }

    fn is_blocked(&self) -> bool {
        let State::Open(link) = &self.state else { return false };
        let outgoing = link.connection.outgoing();
        !link.is_broken && outgoing.messages() > limits::SOCKET_MESSAGES as usize
    }

    fn has_unsent(&self) -> bool {
        let State::Open(link) = &self.state else { return false };
        !link.is_broken && !link.connection.outgoing().is_empty()
    }

    fn tells_of_room(&self) -> bool {
        !self.is_released
    }

    fn release(&mut self, io: &Io<'_>) -> bool {
        let State::Open(link) = &self.state else { return false };
        if std::mem::replace(&mut self.is_released, true) {
            return false;
        }
        io.unwatch(link.descriptor());
        true
    }

    fn released(&self) -> Option<RawFd> {
        let State::Open(link) = &self.state else { return None };
        self.is_released.then(|| link.descriptor())
    }

    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_released) {
            return Ok(());
        }
        let Some(link) = self.link() else { return Ok(()) };
        io.watch_stream(link.descriptor(), SLOT).map_err(|error| {
            let error = Error::new(ErrorCode::System, error.to_string());
            self.lose();
            error
        })
    }

    fn close(mut self: Box<Self>, io: &Io<'_>) {
        self.flush();
        self.unwatch(io);
        if let State::Open(link) = &mut self.state {
            link.discard_input(&mut self.buffer);
        }
    }

    fn close_expected(self: Box<Self>, _now: Instant, _closing: &mut Closing, io: &Io<'_>) {
        self.close(io);
    }
}

/// The search for what a name stands for, on a thread of its own: it may take long.
struct Resolving {
    /// At its end when the thread is.
    reader: UnixStream,
    addresses: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Resolving {
    fn begin(host: &str, port: u16, io: &Io<'_>) -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let addresses = Arc::new(Mutex::default());
        let target = (host.to_owned(), port);
        std::thread::Builder::new().name("pigato-resolve".to_owned()).spawn({
            let addresses = Arc::clone(&addresses);
            move || {
                // A name that is not known yet may be later: the attempt counts as failed.
                *addresses.lock() = target.to_socket_addrs().into_iter().flatten().collect();
                drop(writer);
            }
        })?;
        io.watch(reader.as_raw_fd(), SLOT)?;
        Ok(Self { reader, addresses })
    }

    /// All addresses, the best last, once they are known.
    fn result(&mut self) -> Option<Vec<SocketAddr>> {
        match io::Read::read(&mut self.reader, &mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(self.addresses.lock().drain(..).rev().collect()),
        }
    }
}

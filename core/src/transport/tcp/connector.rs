//! The connecting side over TCP: what a DEALER socket is for libzmq. It tries until a broker answers, and ends when that connection
//! is lost; the machine then asks for another one.

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::Instant;

use pigato_frame::Frame;
use pigato_zmtp::{Input, SocketType};

use super::address::{connect_to, ConnectAddress};
use super::resolver::Resolution;
use super::stream::{Received, ZmtpStream};
use super::{HANDSHAKE, READS_PER_TURN};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;
use crate::reactor::{Io, Readiness};
use crate::transport::backoff::ConnectBackoff;
use crate::transport::connection::{BrokerConnection, TransportEvent};
use crate::transport::zmq::Closing;

const SLOT: usize = 0;

/// Bytes read at a time.
const READ_BYTES: usize = 32 << 10;

enum State {
    /// The pause before the next attempt; `None`: not started.
    Waiting(Option<Instant>),
    /// The host name is being resolved, until this time at the latest.
    Resolving(Resolution, Instant),
    /// TCP connection and handshake are under way, until this time at the latest.
    Opening(Box<ZmtpStream>, Instant),
    Open(Box<ZmtpStream>),
    /// The connection is lost. The flag: the loss has been reported.
    Lost(Box<ZmtpStream>, bool),
}

/// One connection to a broker, from the first attempt to its loss.
pub(crate) struct Connector {
    target: ConnectAddress,
    /// Addresses of the target that have not been tried.
    addresses: Vec<SocketAddr>,
    identity: Frame,
    state: State,
    backoff: ConnectBackoff,
    buffer: Box<[u8]>,
    /// The part of the buffer that has not been decoded.
    from: usize,
    to: usize,
    is_readable: bool,
    is_released: bool,
}

impl Connector {
    /// A connection that is made when it is watched for the first time.
    pub(crate) fn new(target: ConnectAddress, identity: &PeerId, backoff: ConnectBackoff) -> Self {
        Self {
            target,
            addresses: Vec::new(),
            identity: identity.to_frame(),
            state: State::Waiting(None),
            backoff,
            buffer: Box::default(),
            from: 0,
            to: 0,
            is_readable: false,
            is_released: false,
        }
    }

    fn begin(&mut self, now: Instant, io: &Io<'_>) {
        match &self.target {
            ConnectAddress::Address(address) => {
                self.addresses = vec![*address];
                self.connect(now, io);
            }
            ConnectAddress::Name(host, port) => match Resolution::begin(host, *port, io, SLOT) {
                Ok(resolving) => self.state = State::Resolving(resolving, now + HANDSHAKE),
                Err(_) => self.connect(now, io),
            },
        }
    }

    /// Tries the next address. Without one, waits for the next attempt.
    fn connect(&mut self, now: Instant, io: &Io<'_>) {
        (self.from, self.to, self.is_readable) = (0, 0, false);
        while let Some(address) = self.addresses.pop() {
            let stream = connect_to(address)
                .and_then(|socket| ZmtpStream::new(socket, SocketType::Dealer, self.identity.clone(), 0))
                .and_then(|stream| io.watch_stream(stream.descriptor(), SLOT).map(|()| stream));
            if let Ok(stream) = stream {
                self.state = State::Opening(Box::new(stream), now + HANDSHAKE);
                return;
            }
        }
        let pause = self.backoff.next(self.identity.last().copied().unwrap_or(0));
        self.state = State::Waiting(Some(now + pause));
    }

    /// Decodes the buffer, and reads more, up to the next message.
    fn advance(&mut self, frames: &mut Vec<Frame>) -> Advance {
        let (State::Opening(stream, _) | State::Open(stream)) = &mut self.state else { return Advance::Nothing };
        for _ in 0..READS_PER_TURN {
            if self.from < self.to {
                match stream.decode(&self.buffer[..self.to], &mut self.from, frames) {
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
            match stream.read(&mut self.buffer) {
                Received::Bytes(count) => {
                    // A short read has emptied the socket; the I/O thread hears of further input.
                    self.is_readable = count == self.buffer.len() || stream.is_ending || self.is_released;
                    (self.from, self.to) = (0, count);
                }
                Received::Nothing => self.is_readable = false,
                Received::End => return Advance::End,
            }
        }
        Advance::Nothing
    }

    /// Continues connecting. Returns whether the handshake is complete; `None` after a failed attempt.
    fn open(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<bool> {
        let State::Opening(stream, until) = &self.state else { return None };
        if now < *until {
            match stream.is_connected() {
                Ok(false) => return Some(false),
                Ok(true) => match self.advance(frames) {
                    // The greeting goes out before and during the handshake.
                    Advance::Nothing if self.flush_opening() => return Some(false),
                    Advance::Ready if self.flush_opening() => return Some(true),
                    // Messages follow only after the handshake.
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
        let State::Opening(stream, _) = &mut self.state else { return false };
        stream.flush().is_ok()
    }

    fn stream(&self) -> Option<&ZmtpStream> {
        match &self.state {
            State::Opening(stream, _) | State::Open(stream) | State::Lost(stream, _) => Some(stream),
            State::Waiting(_) | State::Resolving(..) => None,
        }
    }

    fn lose(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Waiting(None)) {
            State::Open(stream) => State::Lost(stream, false),
            other => other,
        };
    }

    fn unwatch(&self, io: &Io<'_>) {
        match &self.state {
            State::Resolving(resolving, _) => io.unwatch(resolving.descriptor()),
            _ => {
                let _ = self.stream().map(|stream| io.unwatch(stream.descriptor()));
            }
        }
    }
}

/// The outcome of decoding.
enum Advance {
    Nothing,
    Ready,
    Message,
    End,
}

impl BrokerConnection for Connector {
    fn ready(&mut self, readiness: Readiness) {
        self.is_readable |= readiness.is_readable;
        if let State::Opening(stream, _) | State::Open(stream) = &mut self.state {
            stream.is_ending |= readiness.is_ending;
            stream.is_blocked &= !readiness.is_writable;
        }
    }

    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error> {
        if let State::Waiting(None) = self.state {
            self.begin(now, io);
        }
        Ok(())
    }

    fn transport(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<TransportEvent> {
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
                        if let State::Opening(stream, _) = std::mem::replace(&mut self.state, State::Waiting(None)) {
                            self.state = State::Open(stream);
                        }
                        return Some(TransportEvent::Up);
                    }
                    None => {}
                },
                State::Lost(_, is_reported) => {
                    return (!std::mem::replace(is_reported, true)).then_some(TransportEvent::Down);
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
            State::Lost(_, is_reported) => !is_reported,
            _ => false,
        }
    }

    fn send(&mut self, frames: &mut Vec<Frame>) {
        match &mut self.state {
            State::Open(stream) if !stream.is_broken => stream.connection.send(frames),
            _ => frames.clear(),
        }
    }

    fn flush(&mut self) {
        let State::Open(stream) = &mut self.state else { return };
        // While another thread waits for input, nothing reports room: try again each time.
        stream.is_blocked &= !self.is_released;
        if stream.flush().is_err() {
            // Messages that the peer sent before still count; the end of the stream follows.
            stream.is_broken = true;
            stream.is_ending = true;
            self.is_readable = true;
        }
    }

    fn is_blocked(&self) -> bool {
        let State::Open(stream) = &self.state else { return false };
        let outgoing = stream.connection.outgoing();
        !stream.is_broken && outgoing.messages() > limits::SOCKET_MESSAGES as usize
    }

    fn has_unsent(&self) -> bool {
        let State::Open(stream) = &self.state else { return false };
        !stream.is_broken && !stream.connection.outgoing().is_empty()
    }

    fn tells_of_room(&self) -> bool {
        !self.is_released
    }

    fn release(&mut self, io: &Io<'_>) -> bool {
        let State::Open(stream) = &self.state else { return false };
        if std::mem::replace(&mut self.is_released, true) {
            return false;
        }
        io.unwatch(stream.descriptor());
        true
    }

    fn released(&self) -> Option<RawFd> {
        let State::Open(stream) = &self.state else { return None };
        self.is_released.then(|| stream.descriptor())
    }

    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_released) {
            return Ok(());
        }
        let Some(stream) = self.stream() else { return Ok(()) };
        io.watch_stream(stream.descriptor(), SLOT).map_err(|error| {
            let error = Error::new(ErrorCode::System, error.to_string());
            self.lose();
            error
        })
    }

    fn close(mut self: Box<Self>, io: &Io<'_>) {
        self.flush();
        self.unwatch(io);
        if let State::Open(stream) = &mut self.state {
            stream.discard_input(&mut self.buffer);
        }
    }

    fn close_expected(self: Box<Self>, _now: Instant, _closing: &mut Closing, io: &Io<'_>) {
        self.close(io);
    }
}

//! The accepting side over TCP: what a ROUTER socket is for libzmq. Listeners, connections, and the identity of each peer.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use pigato_frame::Frame;
use pigato_zmtp::{Input, SocketType};

use super::address::ListenAddress;
use super::stream::{Received, ZmtpStream};
use super::{HANDSHAKE, READS_PER_TURN};
use crate::error::Error;
use crate::limits;
use crate::protocol::PeerId;
use crate::random;
use crate::reactor::{Io, Readiness};
use crate::transport::delivery::Delivery;
use crate::transport::error::{endpoint_error, os_error};

/// Bytes read from a connection at a time.
const READ_BYTES: usize = 64 << 10;

/// Bytes queued for one peer that are written at once instead of at the end of the turn.
const FLUSH_BYTES: usize = 256 << 10;

/// Pause after the operating system had no descriptor for a new connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Listeners and their connections.
pub(crate) struct Listener {
    /// The first slot of watched descriptors: listeners, then connections.
    first_slot: usize,
    first_stream_slot: usize,
    listeners: Vec<TcpListener>,
    are_watched: bool,
    has_callers: bool,
    accept_at: Option<Instant>,
    streams: Vec<Option<ZmtpStream>>,
    free: Vec<usize>,
    by_peer: HashMap<PeerId, usize, RandomState>,
    /// Connections to read, and connections to write.
    readable: VecDeque<usize>,
    dirty: Vec<usize>,
    /// Connections whose handshake is not complete, with its deadline, oldest first.
    opening: VecDeque<(Instant, usize, u64)>,
    /// The number of connections so far, and the counter of generated identities.
    accepted: u64,
    nameless: u32,
    reading: Option<Reading>,
    reads_left: usize,
    buffer: Box<[u8]>,
}

/// Input of a connection that has been read and not decoded.
struct Reading {
    key: usize,
    from: usize,
    to: usize,
    /// Whether the socket may have more.
    has_more: bool,
}

/// Whether the peer's send queue exceeds its bound. [`limits::SOCKET_MESSAGES`] messages are free, as with libzmq.
fn has_overflowed(stream: &mut ZmtpStream) -> bool {
    let outgoing = stream.connection.outgoing();
    let behind = outgoing.messages().saturating_sub(limits::SOCKET_MESSAGES as usize);
    if behind == 0 {
        stream.kept_bytes = outgoing.bytes();
    }
    behind > limits::SEND_QUEUE_MESSAGES
        || outgoing.bytes().saturating_sub(stream.kept_bytes) > limits::SEND_QUEUE_BYTES
}

impl Listener {
    /// Listens at the TCP endpoints and replaces each by the endpoint with its real port. `None` without one.
    pub(crate) fn listen(endpoints: &mut [String], first_slot: usize) -> Result<Option<Self>, Error> {
        let mut listeners = Vec::new();
        for endpoint in endpoints {
            let Some(address) = ListenAddress::parse(endpoint) else { continue };
            let listening = address.listen();
            let (listener, bound) = listening.map_err(|error| endpoint_error(endpoint, os_error(&error)))?;
            listeners.push(listener);
            *endpoint = bound;
        }
        let nameless = random::entropy()?.uuid().as_fields().0;
        Ok((!listeners.is_empty()).then(|| Self {
            first_slot,
            first_stream_slot: first_slot + listeners.len(),
            listeners,
            are_watched: false,
            has_callers: false,
            accept_at: None,
            streams: Vec::new(),
            free: Vec::new(),
            by_peer: HashMap::default(),
            readable: VecDeque::new(),
            dirty: Vec::new(),
            opening: VecDeque::new(),
            accepted: 0,
            nameless,
            reading: None,
            reads_left: 0,
            buffer: vec![0; READ_BYTES].into(),
        }))
    }

    /// Watches the listeners. Returns whether that worked.
    pub(crate) fn watch(&mut self, io: &Io<'_>) -> bool {
        if std::mem::replace(&mut self.are_watched, true) {
            return true;
        }
        let watch = |(slot, listener): (usize, &TcpListener)| io.watch(listener.as_raw_fd(), self.first_slot + slot);
        self.listeners.iter().enumerate().all(|listener| watch(listener).is_ok())
    }

    /// Notes the readiness of a descriptor.
    pub(crate) fn ready(&mut self, slot: usize, readiness: Readiness) {
        let Some(key) = slot.checked_sub(self.first_stream_slot) else {
            self.has_callers |= slot >= self.first_slot;
            return;
        };
        let Some(stream) = self.streams.get_mut(key).and_then(Option::as_mut) else { return };
        if readiness.is_writable && std::mem::take(&mut stream.is_blocked) {
            self.mark_dirty(key);
        }
        if readiness.is_readable {
            self.note_readable(key, readiness.is_ending);
        }
    }

    fn note_readable(&mut self, key: usize, is_ending: bool) {
        if let Some(stream) = &mut self.streams[key] {
            stream.is_ending |= is_ending;
            if !std::mem::replace(&mut stream.is_readable, true) {
                self.readable.push_back(key);
            }
        }
    }

    fn mark_dirty(&mut self, key: usize) {
        if let Some(stream) = &mut self.streams[key] {
            if !std::mem::replace(&mut stream.is_dirty, true) {
                self.dirty.push(key);
            }
        }
    }

    /// Closes connections whose handshake took too long.
    pub(crate) fn expire(&mut self, now: Instant, io: &Io<'_>) {
        while let Some((_, key, number)) = self.opening.front().copied().filter(|(until, ..)| *until <= now) {
            self.opening.pop_front();
            let stream = self.streams[key].as_ref();
            if stream.is_some_and(|stream| stream.number == number && stream.peer.is_none()) {
                self.close(io, key);
            }
        }
    }

    /// Restarts the time for all handshakes.
    pub(crate) fn renew_handshakes(&mut self, now: Instant) {
        self.opening.iter_mut().for_each(|(until, ..)| *until = now + HANDSHAKE);
    }

    /// Marks all connections as readable, whatever the operating system has reported.
    pub(crate) fn look_everywhere(&mut self) {
        (0..self.streams.len()).for_each(|key| self.note_readable(key, false));
    }

    /// Accepts waiting connections.
    pub(crate) fn accept(&mut self, now: Instant, io: &Io<'_>) {
        if !std::mem::take(&mut self.has_callers) && self.accept_at.is_none_or(|at| at > now) {
            return;
        }
        self.accept_at = None;
        for listener in 0..self.listeners.len() {
            loop {
                match self.listeners[listener].accept() {
                    Ok((socket, _)) => self.welcome(now, io, socket),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    // The peer has closed it already.
                    Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                    // No descriptor or memory is left, and nothing reports when there is: try again later.
                    Err(_) => {
                        self.accept_at = Some(now + ACCEPT_RETRY);
                        break;
                    }
                }
            }
        }
    }

    fn welcome(&mut self, now: Instant, io: &Io<'_>, socket: TcpStream) {
        self.accepted += 1;
        // Fails if the connection is broken already.
        let Ok(stream) = ZmtpStream::new(socket, SocketType::Router, Frame::default(), self.accepted) else { return };
        let key = self.free.pop().unwrap_or_else(|| {
            self.streams.push(None);
            self.streams.len() - 1
        });
        let slot = self.first_stream_slot + key;
        if io.watch_stream(stream.descriptor(), slot).is_err() {
            self.free.push(key);
            return;
        }
        self.opening.push_back((now + HANDSHAKE, key, stream.number));
        self.streams[key] = Some(stream);
        self.mark_dirty(key);
    }

    fn close(&mut self, io: &Io<'_>, key: usize) {
        let Some(stream) = self.streams[key].take() else { return };
        io.unwatch(stream.descriptor());
        self.forget(stream.peer, key);
        if self.reading.as_ref().is_some_and(|reading| reading.key == key) {
            self.reading = None;
        }
        self.free.push(key);
    }

    fn forget(&mut self, peer: Option<PeerId>, key: usize) {
        if let Some(peer) = peer.filter(|peer| self.by_peer.get(peer) == Some(&key)) {
            self.by_peer.remove(&peer);
        }
    }

    /// The next message, in `frames`, and its sender.
    pub(crate) fn receive(&mut self, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<PeerId> {
        loop {
            if self.reading.is_none() && !self.read_next(io) {
                return None;
            }
            let Some(reading) = &mut self.reading else { continue };
            let key = reading.key;
            let Some(stream) = &mut self.streams[key] else { continue };
            match stream.decode(&self.buffer[..reading.to], &mut reading.from, frames) {
                Ok(Some(Input::Message)) => return stream.peer.clone(),
                Ok(Some(Input::Ready(identity))) => self.introduce(io, key, identity),
                Ok(None) => {
                    let (has_more, has_output) = (reading.has_more, !stream.connection.outgoing().is_empty());
                    self.reading = None;
                    if has_output {
                        self.mark_dirty(key);
                    }
                    if has_more {
                        self.note_readable(key, false);
                    }
                }
                Err(_) => self.close(io, key),
            }
        }
    }

    /// Whether everything read has been decoded, so that it is time to write.
    pub(crate) fn has_read_all(&self) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.from == reading.to)
    }

    /// Whether there is more to read than the work budget of this turn allowed.
    pub(crate) fn has_more(&self) -> bool {
        self.reading.is_some() || !self.readable.is_empty()
    }

    /// Begins a turn with its work budget of reads.
    pub(crate) fn begin_turn(&mut self) {
        self.reads_left = READS_PER_TURN;
    }

    /// Reads from the next readable connection.
    fn read_next(&mut self, io: &Io<'_>) -> bool {
        while self.reads_left > 0 {
            let Some(key) = self.readable.pop_front() else { return false };
            self.reads_left -= 1;
            let Some(stream) = &mut self.streams[key] else { continue };
            stream.is_readable = false;
            match stream.read(&mut self.buffer) {
                Received::Bytes(to) => {
                    // A short read has emptied the socket; the operating system reports further input.
                    let has_more = to == self.buffer.len() || stream.is_ending;
                    self.reading = Some(Reading { key, from: 0, to, has_more });
                    return true;
                }
                Received::Nothing => {}
                Received::End => self.close(io, key),
            }
        }
        false
    }

    /// Notes the identity of a connection's peer. A second connection with the same identity replaces the first.
    fn introduce(&mut self, io: &Io<'_>, key: usize, identity: Frame) {
        if identity.first() == Some(&0) {
            // Reserved for generated identities: it could be another peer's.
            return self.close(io, key);
        }
        let peer = PeerId::new(if identity.is_empty() { self.next_name() } else { identity });
        if let Some(former) = self.by_peer.insert(peer.clone(), key) {
            self.close(io, former);
        }
        if let Some(stream) = &mut self.streams[key] {
            stream.peer = Some(peer);
        }
        self.mark_dirty(key);
    }

    /// A generated identity: 5 bytes, as libzmq's. The first is 0, with which no peer's own identity begins.
    fn next_name(&mut self) -> Frame {
        self.nameless = self.nameless.wrapping_add(1);
        Frame::concat(&[&[0], &self.nameless.to_be_bytes()])
    }

    /// The key of a peer's connection, for [`Listener::send`].
    pub(crate) fn find(&self, peer: &PeerId) -> Option<usize> {
        self.by_peer.get(peer).copied()
    }

    /// Sends a message on the connection `key`. Leaves `frames` empty.
    pub(crate) fn send(&mut self, io: &Io<'_>, key: usize, frames: &mut Vec<Frame>) -> Delivery {
        let Some(stream) = &mut self.streams[key] else { return Delivery::NoPeer };
        stream.connection.send(frames);
        self.mark_dirty(key);
        if self.streams[key].as_ref().is_some_and(|stream| stream.connection.outgoing().bytes() > FLUSH_BYTES) {
            self.flush_stream(key);
        }
        if self.streams[key].as_mut().is_some_and(has_overflowed) {
            self.close(io, key);
            return Delivery::Overflow;
        }
        Delivery::Done
    }

    /// Closes a peer's connection: the peer is now connected over libzmq.
    pub(crate) fn give_up(&mut self, io: &Io<'_>, peer: &PeerId) {
        if let Some(key) = self.find(peer) {
            self.close(io, key);
        }
    }

    /// Writes what waits for connections.
    pub(crate) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            self.flush_stream(key);
        }
        // Keeps the allocation; nothing has been added meanwhile.
        self.dirty = dirty;
    }

    fn flush_stream(&mut self, key: usize) {
        let Some(stream) = &mut self.streams[key] else { return };
        stream.is_dirty = false;
        if !stream.is_broken && stream.flush().is_err() {
            // Messages that the peer sent before still count; the end of the stream follows.
            stream.is_broken = true;
            let peer = stream.peer.clone();
            self.forget(peer, key);
            self.note_readable(key, true);
        }
    }

    /// When there is something to do even if nothing happens. While nothing is read, no handshake expires.
    pub(crate) fn deadline(&self, is_reading: bool) -> Option<Instant> {
        let opening = self.opening.front().filter(|_| is_reading).map(|(until, ..)| *until);
        [opening, self.accept_at].into_iter().flatten().min()
    }
}

impl Listener {
    /// Closes the listeners. Connections stay until what waits for them is written.
    pub(crate) fn end_listening(&mut self, io: &Io<'_>) {
        for listener in self.listeners.drain(..) {
            io.unwatch(listener.as_raw_fd());
        }
        self.accept_at = None;
        self.opening.clear();
    }

    /// Whether everything is written. Drops what peers send meanwhile.
    pub(crate) fn has_written_all(&mut self) -> bool {
        (0..self.streams.len()).for_each(|key| self.flush_stream(key));
        let mut has_written_all = true;
        for stream in self.streams.iter_mut().flatten() {
            stream.discard_input(&mut self.buffer);
            has_written_all &= stream.connection.outgoing().is_empty() || stream.peer.is_none() || stream.is_broken;
        }
        has_written_all
    }

    /// Stops watching all descriptors.
    pub(crate) fn unwatch(&mut self, io: &Io<'_>) {
        self.end_listening(io);
        self.streams.iter().flatten().for_each(|stream| io.unwatch(stream.descriptor()));
    }
}

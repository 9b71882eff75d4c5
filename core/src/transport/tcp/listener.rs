//! What a ROUTER is to libzmq, for connections of our own: listeners, connections, and which peer is at which.

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

/// Bytes for a peer that are written at once, before all that was read is dealt with.
const FLUSH_BYTES: usize = 256 << 10;

/// Pause after the system had no descriptor for a new connection.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Listeners and the connections that were made to them.
pub(crate) struct Listener {
    /// The first of the slots that descriptors here are watched under: listeners, then connections.
    first_slot: usize,
    first_stream_slot: usize,
    listeners: Vec<TcpListener>,
    are_watched: bool,
    has_callers: bool,
    accept_at: Option<Instant>,
    streams: Vec<Option<ZmtpStream>>,
    free: Vec<usize>,
    by_peer: HashMap<PeerId, usize, RandomState>,
    /// Connections that have something to read, and to write.
    readable: VecDeque<usize>,
    dirty: Vec<usize>,
    /// Those whose peer has not said who it is, with the time when it should have, oldest first.
    opening: VecDeque<(Instant, usize, u64)>,
    /// How many connections there were, and names for peers without one.
    accepted: u64,
    nameless: u32,
    reading: Option<Reading>,
    reads_left: usize,
    buffer: Box<[u8]>,
}

/// A connection of which something was read that is not dealt with.
struct Reading {
    key: usize,
    from: usize,
    to: usize,
    /// Whether there may be more behind it.
    has_more: bool,
}

/// Whether more waits for a peer than may wait, behind the messages that libzmq's socket would keep, too.
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
    /// Listens at the endpoints that can be listened at without libzmq, and writes their real ports in their places. `None` if
    /// there is none.
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

    /// Has its owner processed when somebody connects. Returns whether that could be done.
    pub(crate) fn watch(&mut self, io: &Io<'_>) -> bool {
        if std::mem::replace(&mut self.are_watched, true) {
            return true;
        }
        let watch = |(slot, listener): (usize, &TcpListener)| io.watch(listener.as_raw_fd(), self.first_slot + slot);
        self.listeners.iter().enumerate().all(|listener| watch(listener).is_ok())
    }

    /// Notes what the system says of one of its descriptors.
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

    /// Gives up those who have not said who they are in time.
    pub(crate) fn expire(&mut self, now: Instant, io: &Io<'_>) {
        while let Some((_, key, number)) = self.opening.front().copied().filter(|(until, ..)| *until <= now) {
            self.opening.pop_front();
            let stream = self.streams[key].as_ref();
            if stream.is_some_and(|stream| stream.number == number && stream.peer.is_none()) {
                self.close(io, key);
            }
        }
    }

    /// Gives all who have not said who they are the whole time anew.
    pub(crate) fn renew_handshakes(&mut self, now: Instant) {
        self.opening.iter_mut().for_each(|(until, ..)| *until = now + HANDSHAKE);
    }

    /// Has all connections read, whatever the system has told of them.
    pub(crate) fn look_everywhere(&mut self) {
        (0..self.streams.len()).for_each(|key| self.note_readable(key, false));
    }

    /// Takes those who have connected.
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
                    // It was gone again.
                    Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                    // No descriptor or memory is left; nothing tells when there is.
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
        // One that is broken already.
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

    /// The next message, in `frames`, and who sent it.
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

    /// Whether nothing that was read is left, so that it is time to write.
    pub(crate) fn has_read_all(&self) -> bool {
        self.reading.as_ref().is_none_or(|reading| reading.from == reading.to)
    }

    /// Whether there is more to read than was read in this turn.
    pub(crate) fn has_more(&self) -> bool {
        self.reading.is_some() || !self.readable.is_empty()
    }

    /// Begins a turn, in which a bounded number of reads is made.
    pub(crate) fn begin_turn(&mut self) {
        self.reads_left = READS_PER_TURN;
    }

    /// Reads from the next connection that has something.
    fn read_next(&mut self, io: &Io<'_>) -> bool {
        while self.reads_left > 0 {
            let Some(key) = self.readable.pop_front() else { return false };
            self.reads_left -= 1;
            let Some(stream) = &mut self.streams[key] else { continue };
            stream.is_readable = false;
            match stream.read(&mut self.buffer) {
                Received::Bytes(to) => {
                    // A read that gives less than was asked for has emptied it, and the system tells of what comes after.
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

    /// Notes who is at a connection. Who connects again takes the place of its former self.
    fn introduce(&mut self, io: &Io<'_>, key: usize, identity: Frame) {
        if identity.first() == Some(&0) {
            // As the names that are given here: it might be somebody else's.
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

    /// Five bytes, as libzmq names them. The first is 0, which no name of a peer's own begins with.
    fn next_name(&mut self) -> Frame {
        self.nameless = self.nameless.wrapping_add(1);
        Frame::concat(&[&[0], &self.nameless.to_be_bytes()])
    }

    /// Where a peer is, for [`Listener::send`].
    pub(crate) fn find(&self, peer: &PeerId) -> Option<usize> {
        self.by_peer.get(peer).copied()
    }

    /// Sends a message to the peer that was found at `key`. Leaves `frames` empty.
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

    /// Where a peer is that is known to be elsewhere now: that connection is no longer it.
    pub(crate) fn give_up(&mut self, io: &Io<'_>, peer: &PeerId) {
        if let Some(key) = self.find(peer) {
            self.close(io, key);
        }
    }

    /// Writes what there is to be written.
    pub(crate) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            self.flush_stream(key);
        }
        // Keeps the memory; nothing has been added meanwhile.
        self.dirty = dirty;
    }

    fn flush_stream(&mut self, key: usize) {
        let Some(stream) = &mut self.streams[key] else { return };
        stream.is_dirty = false;
        if !stream.is_broken && stream.flush().is_err() {
            // What it has sent before still counts, and its end follows.
            stream.is_broken = true;
            let peer = stream.peer.clone();
            self.forget(peer, key);
            self.note_readable(key, true);
        }
    }

    /// When there is something to do even if nothing happens. Nobody is given up while nothing is read.
    pub(crate) fn deadline(&self, is_reading: bool) -> Option<Instant> {
        let opening = self.opening.front().filter(|_| is_reading).map(|(until, ..)| *until);
        [opening, self.accept_at].into_iter().flatten().min()
    }
}

impl Listener {
    /// Gives the addresses back. Connections stay, for what they have still to write.
    pub(crate) fn end_listening(&mut self, io: &Io<'_>) {
        for listener in self.listeners.drain(..) {
            io.unwatch(listener.as_raw_fd());
        }
        self.accept_at = None;
        self.opening.clear();
    }

    /// Whether all is written. What comes from peers meanwhile is dropped.
    pub(crate) fn has_written_all(&mut self) -> bool {
        (0..self.streams.len()).for_each(|key| self.flush_stream(key));
        let mut has_written_all = true;
        for stream in self.streams.iter_mut().flatten() {
            stream.discard_input(&mut self.buffer);
            has_written_all &= stream.connection.outgoing().is_empty() || stream.peer.is_none() || stream.is_broken;
        }
        has_written_all
    }

    /// Ends all watches, before it is dropped.
    pub(crate) fn unwatch(&mut self, io: &Io<'_>) {
        self.end_listening(io);
        self.streams.iter().flatten().for_each(|stream| io.unwatch(stream.descriptor()));
    }
}

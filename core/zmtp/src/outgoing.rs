//! What is to be written: bytes of short frames behind each other, long frames as they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use pigato_frame::Frame;

use crate::decoder::put_header;

/// Frames up to here are copied, longer ones are written from where they are.
const COPIED_BYTES: usize = 2_048;

/// A segment of copied bytes is closed when it has this many, so that what is written can be given back.
const SEGMENT_BYTES: usize = 64 << 10;

/// Memory kept when all is written.
const KEPT_BYTES: usize = 16 << 10;

#[derive(Debug)]
enum Data {
    Copied(Vec<u8>),
    Shared(Frame),
}

#[derive(Debug)]
struct Segment {
    data: Data,
    /// How many messages end in it.
    messages: usize,
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match &self.data {
            Data::Copied(bytes) => bytes,
            Data::Shared(frame) => frame,
        }
    }
}

/// What a connection has to write, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    segments: VecDeque<Segment>,
    segment_bytes: usize,
    /// Behind the segments.
    tail: Vec<u8>,
    tail_messages: usize,
    /// How much is written of the first segment, or of the tail if there is none.
    written: usize,
    messages: usize,
}

impl Outgoing {
    /// Whether all is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Bytes that are not written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.segment_bytes + self.tail.len() - self.written
    }

    /// Messages that are not written, those in part among them, and what the handshake consists of.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// What is to be written next, if that is in one piece.
    #[must_use]
    pub fn only_slice(&self) -> Option<&[u8]> {
        self.segments.is_empty().then(|| &self.tail[self.written..])
    }

    /// Fills `slices` with what is to be written next, and returns how many there are.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.segments.iter().map(Segment::bytes).chain([&self.tail[..]]);
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(if count == 0 { &piece[self.written..] } else { piece });
            count += 1;
        }
        count
    }

    /// Notes that so many bytes are written.
    pub fn consume(&mut self, bytes: usize) {
        self.written += bytes;
        while let Some(length) = self.segments.front().map(|first| first.bytes().len()) {
            if self.written < length {
                return;
            }
            self.written -= length;
            self.segment_bytes -= length;
            self.messages -= self.segments.pop_front().map_or(0, |first| first.messages);
        }
        if self.written == self.tail.len() {
            self.written = 0;
            self.messages -= std::mem::take(&mut self.tail_messages);
            self.tail.clear();
            if self.tail.capacity() > KEPT_BYTES {
                self.tail = Vec::new();
            }
        }
    }

    /// Adds a message. Leaves `frames` empty.
    pub fn put_message(&mut self, frames: &mut Vec<Frame>) {
        let last = frames.len().saturating_sub(1);
        for (position, frame) in frames.drain(..).enumerate() {
            put_header(&mut self.tail, frame.len(), position < last, false);
            if frame.len() <= COPIED_BYTES {
                self.tail.extend_from_slice(&frame);
            } else {
                self.close_tail();
                self.segment_bytes += frame.len();
                self.segments.push_back(Segment { data: Data::Shared(frame), messages: 0 });
            }
        }
        self.end();
    }

    /// Adds what is no message.
    pub(crate) fn put_bytes(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.tail);
        self.end();
    }

    fn end(&mut self) {
        self.messages += 1;
        self.tail_messages += 1;
        if self.tail.len() >= SEGMENT_BYTES {
            self.close_tail();
        }
    }

    fn close_tail(&mut self) {
        self.segment_bytes += self.tail.len();
        let data = Data::Copied(std::mem::take(&mut self.tail));
        self.segments.push_back(Segment { data, messages: std::mem::take(&mut self.tail_messages) });
    }
}

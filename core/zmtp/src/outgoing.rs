//! Bytes to write: short frames are copied together, long frames are shared.

use std::collections::VecDeque;
use std::io::IoSlice;

use pigato_frame::Frame;

use crate::decoder::put_header;

/// Longest frame that is copied. Longer frames are written from their own memory.
const COPIED_BYTES: usize = 2_048;

/// Length at which a segment of copied bytes is closed, so that its memory can be freed once it is
/// written.
const SEGMENT_BYTES: usize = 64 << 10;

/// Capacity that the tail keeps once everything is written.
const KEPT_BYTES: usize = 16 << 10;

#[derive(Debug)]
enum Data {
    Copied(Vec<u8>),
    Shared(Frame),
}

#[derive(Debug)]
struct Segment {
    data: Data,
    /// Number of messages that end in this segment.
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

/// The bytes that a connection has to write, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    segments: VecDeque<Segment>,
    segment_bytes: usize,
    /// Bytes behind the last segment.
    tail: Vec<u8>,
    tail_messages: usize,
    /// Number of bytes written of the first segment, or of the tail if there is no segment.
    written: usize,
    messages: usize,
}

impl Outgoing {
    /// Whether everything is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Number of bytes not yet written.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.segment_bytes + self.tail.len() - self.written
    }

    /// Number of messages not yet completely written. Counts each part of the handshake and each
    /// command as a message.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// The bytes to write, if they are one slice.
    #[must_use]
    pub fn only_slice(&self) -> Option<&[u8]> {
        self.segments.is_empty().then(|| &self.tail[self.written..])
    }

    /// Fills `slices` with the next bytes to write and returns the number of slices filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.segments.iter().map(Segment::bytes).chain([&self.tail[..]]);
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(if count == 0 { &piece[self.written..] } else { piece });
            count += 1;
        }
        count
    }

    /// Removes the first `bytes` bytes, which have been written.
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

    /// Appends a message and leaves `frames` empty.
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

    /// Appends bytes that are not a message: a part of the handshake or a command.
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

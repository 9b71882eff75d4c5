//! Splits a byte stream into frames, at whatever points its reads are cut.

use pigato_frame::Frame;

use crate::error::ProtocolError;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Length of the longest header: 1 byte of flags and 8 bytes of length.
const LONG_HEADER_BYTES: usize = 9;

/// Most memory reserved for a frame before its bytes arrive: a peer may announce more than it ever
/// sends.
const ADVANCE_BYTES: usize = 64 << 10;

/// Limit for the length of a command. The known commands have at most 100 bytes.
pub(crate) const COMMAND_BYTES: usize = 8 << 10;

/// One frame as received.
pub(crate) struct Received {
    pub(crate) frame: Frame,
    pub(crate) has_more: bool,
    pub(crate) is_command: bool,
}

/// The part of an incomplete frame that has arrived.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    header: [u8; LONG_HEADER_BYTES],
    header_bytes: usize,
    /// The body received so far and its full length; `None` until the header is complete.
    body: Option<(Vec<u8>, usize)>,
}

impl Decoder {
    /// Consumes the next frame from `input`, or all of `input` as the beginning of a frame.
    pub(crate) fn decode(&mut self, input: &mut &[u8], most_bytes: usize) -> Result<Option<Received>, ProtocolError> {
        if self.body.is_none() {
            let Some((header_bytes, length)) = self.header(input, most_bytes)? else { return Ok(None) };
            if self.header_bytes == 0 && input.len() - header_bytes >= length {
                // The common case: the whole frame is in `input`.
                let flags = input[0];
                let (body, rest) = input[header_bytes..].split_at(length);
                *input = rest;
                return Ok(Some(received(flags, Frame::from(body))));
            }
            let taken = header_bytes - self.header_bytes;
            self.header[self.header_bytes..header_bytes].copy_from_slice(&input[..taken]);
            self.header_bytes = header_bytes;
            *input = &input[taken..];
            self.body = Some((Vec::with_capacity(length.min(ADVANCE_BYTES)), length));
        }
        let Some((body, length)) = &mut self.body else { return Ok(None) };
        let (taken, rest) = input.split_at((*length - body.len()).min(input.len()));
        body.extend_from_slice(taken);
        *input = rest;
        if body.len() < *length {
            return Ok(None);
        }
        let body = std::mem::take(body);
        self.body = None;
        self.header_bytes = 0;
        Ok(Some(received(self.header[0], Frame::from(body))))
    }

    /// Returns the length of the header, with the bytes received before, and the length of the
    /// body. If the header is not complete, consumes all of `input` and returns `None`.
    fn header(&mut self, input: &mut &[u8], most_bytes: usize) -> Result<Option<(usize, usize)>, ProtocolError> {
        let at = |index: usize| {
            if index < self.header_bytes {
                Some(self.header[index])
            } else {
                input.get(index - self.header_bytes).copied()
            }
        };
        let Some(flags) = at(0) else { return Ok(None) };
        let header_bytes = if flags & LONG == 0 { 2 } else { LONG_HEADER_BYTES };
        if self.header_bytes + input.len() < header_bytes {
            self.header[self.header_bytes..][..input.len()].copy_from_slice(input);
            self.header_bytes += input.len();
            *input = &[];
            return Ok(None);
        }
        let most_bytes = if flags & COMMAND == 0 { most_bytes } else { most_bytes.min(COMMAND_BYTES) };
        let length = (1..header_bytes).filter_map(at).fold(0, |length, byte| (length << 8) | u64::from(byte));
        match usize::try_from(length) {
            Ok(length) if length <= most_bytes => Ok(Some((header_bytes, length))),
            _ => Err(ProtocolError::TooLong),
        }
    }
}

fn received(flags: u8, frame: Frame) -> Received {
    Received { frame, has_more: flags & MORE != 0, is_command: flags & COMMAND != 0 }
}

/// Appends the header of a frame.
pub(crate) fn put_header(output: &mut Vec<u8>, length: usize, has_more: bool, is_command: bool) {
    let flags = if has_more { MORE } else { 0 } | if is_command { COMMAND } else { 0 };
    match u8::try_from(length) {
        Ok(length) => output.extend_from_slice(&[flags, length]),
        Err(_) => {
            output.push(flags | LONG);
            output.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

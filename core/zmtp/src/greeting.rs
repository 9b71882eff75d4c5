//! The greeting, with which a connection begins, before the first frame.

use crate::error::ProtocolError;
use crate::socket_type::SocketType;

/// The part of the greeting that all versions share: a signature of 10 bytes and the major version.
const OPENING_BYTES: usize = 11;

/// Length of the greeting of ZMTP 3.
const GREETING_BYTES: usize = 64;

/// Length of the greeting of ZMTP 2: signature, revision, socket type.
const GREETING_2_BYTES: usize = 12;

/// Position of the mechanism in the greeting of ZMTP 3.
const MECHANISM: std::ops::Range<usize> = 12..32;

const NULL: [u8; 20] = *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The revision number of ZMTP 2.0.
const REVISION_2: u8 = 1;

const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// The version whose framing follows the greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The identity as a frame, then messages.
    Two,
    /// Commands and messages.
    Three,
}

/// The local signature and major version. The rest of the greeting depends on the peer's version.
pub(crate) fn opening() -> [u8; OPENING_BYTES] {
    [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, MAJOR]
}

/// The part of the peer's greeting that has arrived.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    bytes: Vec<u8>,
}

impl Greeting {
    /// Consumes the greeting from `input` and appends to `output` the rest of the local greeting
    /// for the peer's version. Returns the version once the greeting is complete.
    pub(crate) fn decode(
        &mut self,
        kind: SocketType,
        input: &mut &[u8],
        output: &mut Vec<u8>,
    ) -> Result<Option<Version>, ProtocolError> {
        if self.bytes.len() < OPENING_BYTES {
            if !self.take(input, OPENING_BYTES)? {
                return Ok(None);
            }
            if self.bytes[OPENING_BYTES - 2] & 1 == 0 {
                return Err(ProtocolError::Version);
            }
            match self.bytes[OPENING_BYTES - 1] {
                REVISION_2 => output.push(kind.number()),
                major if major >= MAJOR => {
                    output.push(MINOR);
                    output.extend_from_slice(&NULL);
                    output.extend_from_slice(&[0; GREETING_BYTES - MECHANISM.end]);
                }
                _ => return Err(ProtocolError::Version),
            }
        }
        if self.bytes[OPENING_BYTES - 1] == REVISION_2 {
            return match self.take(input, GREETING_2_BYTES)? {
                false => Ok(None),
                true if kind.accepts_number(self.bytes[OPENING_BYTES]) => Ok(Some(Version::Two)),
                true => Err(ProtocolError::SocketType),
            };
        }
        match self.take(input, GREETING_BYTES)? {
            false => Ok(None),
            true if self.bytes[MECHANISM] == NULL => Ok(Some(Version::Three)),
            true => Err(ProtocolError::Mechanism),
        }
    }

    /// Consumes bytes until `needed` have arrived; returns whether they have.
    fn take(&mut self, input: &mut &[u8], needed: usize) -> Result<bool, ProtocolError> {
        let (taken, rest) = input.split_at((needed - self.bytes.len()).min(input.len()));
        self.bytes.extend_from_slice(taken);
        *input = rest;
        // Fail early: a peer of libzmq 2, whose greeting has no version, would wait for an answer
        // forever.
        if self.bytes.first().is_some_and(|first| *first != 0xff) {
            return Err(ProtocolError::Version);
        }
        Ok(self.bytes.len() == needed)
    }
}

//! What a connection begins with, before there are frames.

use crate::connection::{Malformed, SocketType};

/// Bytes after which the versions differ: the signature of ten and the major version.
const OPENING_BYTES: usize = 11;

/// Bytes of the greeting of ZMTP 3.
const GREETING_BYTES: usize = 64;

/// Bytes of the greeting of ZMTP 2: signature, revision, socket type.
const GREETING_2_BYTES: usize = 12;

/// Where the greeting of ZMTP 3 names the mechanism.
const MECHANISM: std::ops::Range<usize> = 12..32;

const NULL: [u8; 20] = *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The revision that stands for ZMTP 2.0.
const REVISION_2: u8 = 1;

const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// What frames follow a greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The identity as a frame, then messages.
    Two,
    /// Commands and messages.
    Three,
}

/// The side's own signature and major version; what follows depends on the peer's.
pub(crate) fn opening() -> [u8; OPENING_BYTES] {
    [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, MAJOR]
}

/// What is known of a peer's greeting.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    bytes: Vec<u8>,
}

impl Greeting {
    /// Takes what belongs to the greeting from `input` and appends to `output` what the peer's version wants to hear. Returns the
    /// version once the greeting is complete.
    pub(crate) fn decode(
        &mut self,
        kind: SocketType,
        input: &mut &[u8],
        output: &mut Vec<u8>,
    ) -> Result<Option<Version>, Malformed> {
        if self.bytes.len() < OPENING_BYTES {
            if !self.take(input, OPENING_BYTES)? {
                return Ok(None);
            }
            if self.bytes[OPENING_BYTES - 2] & 1 == 0 {
                return Err(Malformed::Version);
            }
            match self.bytes[OPENING_BYTES - 1] {
                REVISION_2 => output.push(kind.number()),
                major if major >= MAJOR => {
                    output.push(MINOR);
                    output.extend_from_slice(&NULL);
                    output.extend_from_slice(&[0; GREETING_BYTES - MECHANISM.end]);
                }
                _ => return Err(Malformed::Version),
            }
        }
        if self.bytes[OPENING_BYTES - 1] == REVISION_2 {
            return match self.take(input, GREETING_2_BYTES)? {
                false => Ok(None),
                true if kind.accepts_number(self.bytes[OPENING_BYTES]) => Ok(Some(Version::Two)),
                true => Err(Malformed::SocketType),
            };
        }
        match self.take(input, GREETING_BYTES)? {
            false => Ok(None),
            true if self.bytes[MECHANISM] == NULL => Ok(Some(Version::Three)),
            true => Err(Malformed::Mechanism),
        }
    }

    /// Takes bytes until there are `needed`; returns whether there are.
    fn take(&mut self, input: &mut &[u8], needed: usize) -> Result<bool, Malformed> {
        let (taken, rest) = input.split_at((needed - self.bytes.len()).min(input.len()));
        self.bytes.extend_from_slice(taken);
        *input = rest;
        // A peer of libzmq 2, which has no version, would wait for an answer for ever.
        if self.bytes.first().is_some_and(|first| *first != 0xff) {
            return Err(Malformed::Version);
        }
        Ok(self.bytes.len() == needed)
    }
}

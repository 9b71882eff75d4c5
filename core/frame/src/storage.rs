//! Where the bytes of a frame are stored: short ones inside the frame, longer ones in a block that
//! clones share.
//!
//! Ids, tags, statuses and most options are short. Reading, cloning and dropping them needs no call
//! into libzmq; a move copies 80 bytes.

#[cfg(feature = "zmq")]
mod message;
#[cfg(feature = "zmq")]
pub(crate) use message::{Block, RawMessage};

#[cfg(not(feature = "zmq"))]
mod portable;
#[cfg(not(feature = "zmq"))]
use portable::Block;

/// Longest frame that is stored inside the value. It fills 80 bytes, and is enough for an identity
/// of two UUIDs (74 bytes), the options of a plain request and the broker's metadata.
pub(crate) const INLINE: usize = 78;

/// Longer blocks do not fit into a receive buffer, so they are never a slice of one.
const RECEIVE_BUFFER: usize = 8192;

#[derive(Clone)]
pub(crate) enum Storage {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Block),
}

impl Storage {
    pub(crate) fn copy_from(source: &[u8]) -> Self {
        if source.len() > INLINE {
            return Self::Shared(Block::copy_from(source));
        }
        let mut bytes = [0; INLINE];
        bytes[..source.len()].copy_from_slice(source);
        Self::Inline { len: source.len() as u8, bytes }
    }

    pub(crate) fn concat(parts: &[&[u8]]) -> Self {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > INLINE {
            return Self::from_vec(parts.concat());
        }
        let mut bytes = [0; INLINE];
        let mut free = &mut bytes[..];
        for part in parts {
            let (target, rest) = free.split_at_mut(part.len());
            target.copy_from_slice(part);
            free = rest;
        }
        Self::Inline { len: len as u8, bytes }
    }

    /// Takes ownership of the vector's memory, with its spare capacity; copies short vectors into
    /// the value.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        if bytes.len() > INLINE {
            Self::Shared(Block::from_vec(bytes))
        } else {
            Self::copy_from(&bytes)
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(block) => block.as_slice(),
        }
    }

    /// A copy that keeps neither a receive buffer (18 KiB with its bookkeeping) nor a connection's
    /// properties alive.
    ///
    /// A frame longer than a receive buffer has its own block and is shared like any clone.
    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Shared(block) if block.as_slice().len() <= RECEIVE_BUFFER => Self::copy_from(block.as_slice()),
            _ => self.clone(),
        }
    }
}

#[cfg(feature = "zmq")]
impl Storage {
    /// Moves the bytes out of a message. If they were copied, the message still contains them, else
    /// it is empty.
    pub(crate) fn take_from(message: &mut RawMessage) -> Self {
        let bytes = message.bytes();
        if bytes.len() <= INLINE {
            Self::copy_from(bytes)
        } else {
            Self::Shared(Block::adopt(std::mem::replace(message, RawMessage::empty())))
        }
    }

    /// The frame as a message to send.
    pub(crate) fn into_message(self) -> RawMessage {
        match self {
            Self::Inline { .. } => RawMessage::copy_from(self.as_slice()),
            Self::Shared(block) => block.into_message(),
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self::Inline { len: 0, bytes: [0; INLINE] }
    }
}

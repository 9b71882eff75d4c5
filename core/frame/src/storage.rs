//! Where the bytes of a frame are: short ones in the frame itself, longer ones in a block, whose bytes clones share.
//!
//! Ids, tags, statuses and most options are short. They are read, cloned and dropped without a call into libzmq, and a
//! frame is 80 bytes to move.

#[cfg(feature = "zmq")]
mod message;
#[cfg(feature = "zmq")]
pub(crate) use message::{Block, RawMessage};

#[cfg(not(feature = "zmq"))]
mod portable;
#[cfg(not(feature = "zmq"))]
use portable::Block;

/// Up to this length bytes are kept inside: as many as fit into 80 bytes, and enough for
/// an identity of two UUIDs (74), the options of a plain request and the broker's metadata.
pub(crate) const INLINE: usize = 78;

/// Blocks longer than this are never slices of a receive buffer, because they do not fit into one.
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

    /// Adopts the vector's memory, with its spare capacity, instead of copying it; short ones are moved inside.
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

    /// A copy that keeps neither a receive buffer (18 KiB with its bookkeeping) nor a connection's properties alive.
    ///
    /// What is longer than a receive buffer has a block of its own, and is shared like any clone.
    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Shared(block) if block.as_slice().len() <= RECEIVE_BUFFER => Self::copy_from(block.as_slice()),
            _ => self.clone(),
        }
    }
}

#[cfg(feature = "zmq")]
impl Storage {
    /// The bytes of a message, which is empty afterwards or still has them.
    pub(crate) fn take_from(message: &mut RawMessage) -> Self {
        let bytes = message.bytes();
        if bytes.len() <= INLINE {
            Self::copy_from(bytes)
        } else {
            Self::Shared(Block::adopt(std::mem::replace(message, RawMessage::empty())))
        }
    }

    /// A message to send.
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

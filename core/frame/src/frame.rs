//! The frame type: conversions, comparison and formatting, over the storage of the build.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use crate::storage::Storage;

/// An immutable, reference-counted byte buffer: one frame of a ZeroMQ message.
///
/// - The value itself stores up to 78 bytes; creating or cloning such a frame does not allocate.
/// - Clones of longer frames share their bytes: a clone increments a reference count, whatever the
///   length. Different threads may drop or send the clones.
/// - A frame is equal, ordered and hashed like its bytes, so a map with `Frame` keys can be queried
///   with a `&[u8]`.
///
/// A received frame shorter than 8 KiB may be a slice of the connection's receive buffer and keeps
/// that buffer alive (18 KiB). This makes receiving cheap and does not matter for a frame in
/// transit. Store a [`detached`](Frame::detached) frame if you keep it for long.
#[derive(Clone, Default)]
pub struct Frame {
    pub(crate) storage: Storage,
}

impl Frame {
    /// A frame with a copy of `bytes`.
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        Self { storage: Storage::copy_from(bytes) }
    }

    /// A frame that contains all parts in order; up to 78 bytes without an allocation.
    pub fn concat(parts: &[&[u8]]) -> Self {
        Self { storage: Storage::concat(parts) }
    }

    /// A frame with the same bytes that keeps no receive buffer alive, for frames that are stored
    /// for long.
    ///
    /// Copies at most 8 KiB: longer frames are never part of a receive buffer, and are shared.
    pub fn detached(&self) -> Self {
        Self { storage: self.storage.detached() }
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.storage.as_slice()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Frame {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl From<&[u8]> for Frame {
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

/// Takes ownership of the vector's memory, including its spare capacity. With the feature `zmq`,
/// only up to 78 bytes are copied.
impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self { storage: Storage::from_vec(bytes) }
    }
}

/// Takes ownership of the string's memory, as for a `Vec<u8>`.
impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl PartialEq for Frame {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Frame {}

impl PartialEq<[u8]> for Frame {
    fn eq(&self, other: &[u8]) -> bool {
        **self == *other
    }
}

impl PartialEq<&[u8]> for Frame {
    fn eq(&self, other: &&[u8]) -> bool {
        **self == **other
    }
}

impl PartialEq<&str> for Frame {
    fn eq(&self, other: &&str) -> bool {
        **self == *other.as_bytes()
    }
}

impl PartialOrd for Frame {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Frame {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

// Must hash like `[u8]`, because `Borrow<[u8]>` promises it.
impl Hash for Frame {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

/// Text if the bytes are text, else hexadecimal; only the first bytes, then the length:
/// `Frame("MDPC01")`, `Frame(0x0080fa)`, `Frame("{\"name\":\"…", 2048 bytes)`.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 32;
        let head = &self[..self.len().min(SHOWN)];
        let cut = self.len() > head.len();

        f.write_str("Frame(")?;
        match printable(head, cut) {
            Some(text) => {
                f.write_str("\"")?;
                write!(f, "{}", text.escape_debug())?;
                f.write_str(if cut { "…\"" } else { "\"" })?;
            }
            None => {
                f.write_str("0x")?;
                head.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(if cut { "…" } else { "" })?;
            }
        }
        if cut {
            write!(f, ", {} bytes", self.len())?;
        }
        f.write_str(")")
    }
}

/// The bytes as text, if they are text without control characters. If `cut` is set, the last
/// character may be incomplete.
fn printable(head: &[u8], cut: bool) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => std::str::from_utf8(&head[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    (!text.chars().any(char::is_control)).then_some(text)
}

//! Frames in ordinary memory, for builds without libzmq.

use std::sync::Arc;

/// As many bytes as libzmq keeps inside a message on 64-bit platforms, so that both builds allocate at the same sizes.
const INLINE: usize = 33;

#[derive(Clone)]
pub(crate) enum Portable {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<[u8]>),
}

impl Portable {
    pub(crate) fn copy_from(source: &[u8]) -> Self {
        let mut bytes = [0; INLINE];
        match bytes.get_mut(..source.len()) {
            Some(start) => {
                start.copy_from_slice(source);
                Self::Inline {
                    // At most INLINE, which fits.
                    len: source.len() as u8,
                    bytes,
                }
            }
            None => Self::Shared(Arc::from(source)),
        }
    }

    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        if bytes.len() <= INLINE {
            Self::copy_from(&bytes)
        } else {
            Self::Shared(Arc::from(bytes))
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(bytes) => bytes,
        }
    }

    /// Nothing here is ever part of a larger buffer.
    pub(crate) fn detached(&self) -> Self {
        self.clone()
    }
}

impl Default for Portable {
    fn default() -> Self {
        Self::copy_from(&[])
    }
}

//! Unpacks many requests or replies from one buffer, which `lib/packer.js` writes.

use crate::error::{misuse, Result};

/// A length that means "the same as in the entry before".
const SAME: u32 = u32::MAX;

/// Entries of one batch: the I/O thread works on a batch while the next one is unpacked.
pub(crate) const BATCH: usize = 128;

/// Reads a buffer from its start to its end. Numbers are little-endian.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, left) = self.bytes.split_at_checked(count).ok_or_else(|| misuse("a packed buffer is too short"))?;
        self.bytes = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| misuse("a packed buffer is too short"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn length(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A whole number, which JavaScript writes as a double.
    pub(crate) fn integer(&mut self) -> Result<u64> {
        Ok(self.number()? as u64)
    }

    pub(crate) fn number(&mut self) -> Result<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.take(length as usize)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        as_text(self.bytes()?)
    }

    /// A text, or `None` if it is the same as in the entry before.
    pub(crate) fn text_unless_same(&mut self) -> Result<Option<&'a str>> {
        match self.length()? {
            SAME => Ok(None),
            length => Ok(Some(as_text(self.take(length as usize)?)?)),
        }
    }
}

fn as_text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| misuse("a text in a packed buffer is not UTF-8"))
}

//! Blocks without libzmq.

pub(crate) struct Block(Vec<u8>);

impl Block {
    pub(crate) fn copy_from(source: &[u8]) -> Self {
        Self(source.to_vec())
    }

    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

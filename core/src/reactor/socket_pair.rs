//! A descriptor that any thread can make readable.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use pigato_sync::Signal;

/// Two connected sockets: a byte written to one makes the other readable.
#[derive(Debug)]
pub(super) struct SocketPair {
    reader: UnixStream,
    writer: UnixStream,
}

impl SocketPair {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self { reader, writer })
    }
}

impl Signal for SocketPair {
    fn raise(&self) {
        // Fails only if there is no room, and then the reader is readable already.
        let _ = (&self.writer).write(&[1]);
    }

    fn clear(&self) {
        let _ = (&self.reader).read(&mut [0; 8]);
    }
}

impl AsRawFd for SocketPair {
    fn as_raw_fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}

//! Resolves host names to addresses.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::reactor::Io;

/// The resolution of one host name, on a thread of its own because it may take long.
pub(super) struct Resolution {
    /// At its end when the thread has ended.
    reader: UnixStream,
    addresses: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Resolution {
    pub(super) fn begin(host: &str, port: u16, io: &Io<'_>, slot: usize) -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let addresses = Arc::new(Mutex::default());
        let target = (host.to_owned(), port);
        std::thread::Builder::new().name("pigato-resolve".to_owned()).spawn({
            let addresses = Arc::clone(&addresses);
            move || {
                // Without addresses the attempt counts as failed; a later one may resolve the name.
                *addresses.lock() = target.to_socket_addrs().into_iter().flatten().collect();
                drop(writer);
            }
        })?;
        io.watch(reader.as_raw_fd(), slot)?;
        Ok(Self { reader, addresses })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    /// All addresses, the preferred one last; `None` while the resolution is under way.
    pub(super) fn result(&mut self) -> Option<Vec<SocketAddr>> {
        match io::Read::read(&mut self.reader, &mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(self.addresses.lock().drain(..).rev().collect()),
        }
    }
}

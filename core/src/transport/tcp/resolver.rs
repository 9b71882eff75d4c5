//! Host names to addresses.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::reactor::Io;

/// The search for what a name stands for, on a thread of its own: it may take long.
pub(super) struct Resolution {
    /// At its end when the thread is.
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
                // A name that is not known yet may be later: the attempt counts as failed.
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

    /// All addresses, the best last, once they are known.
    pub(super) fn result(&mut self) -> Option<Vec<SocketAddr>> {
        match io::Read::read(&mut self.reader, &mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            _ => Some(self.addresses.lock().drain(..).rev().collect()),
        }
    }
}

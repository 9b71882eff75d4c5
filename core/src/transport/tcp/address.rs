//! TCP addresses to listen at and to connect to.
//!
//! `parse` returns `None` for an endpoint that only libzmq resolves: another transport, the name of an interface, a source
//! address.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// An address to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// All addresses of this machine, IPv4 and IPv6.
    Any(u16),
    One(SocketAddr),
}

impl ListenAddress {
    /// Parses an endpoint; `None` for one that only libzmq resolves.
    pub(crate) fn parse(endpoint: &str) -> Option<Self> {
        let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
        let port = if port == "*" { 0 } else { port.parse().ok()? };
        if host == "*" {
            return Some(Self::Any(port));
        }
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match in_brackets {
            Some(host) => IpAddr::V6(host.parse().ok()?),
            None => IpAddr::V4(host.parse().ok()?),
        };
        Some(Self::One(SocketAddr::new(address, port)))
    }

    /// Listens at the address. Returns the endpoint with its real port, too.
    pub(crate) fn listen(self) -> io::Result<(TcpListener, String)> {
        let listener = match self {
            Self::One(address) => listen_at(address)?,
            Self::Any(port) => match listen_at(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)) {
                Err(error) if !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
                    // The machine has no IPv6.
                    listen_at(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?
                }
                listening => listening?,
            },
        };
        let endpoint = format!("tcp://{}", listener.local_addr()?);
        Ok((listener, endpoint))
    }
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// An address to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectAddress {
    Address(SocketAddr),
    Name(String, u16),
}

impl ConnectAddress {
    /// Parses an endpoint; `None` for one that only libzmq resolves.
    pub(crate) fn parse(endpoint: &str) -> Option<Self> {
        let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = match in_brackets {
            Some(host) => Some(IpAddr::V6(host.parse().ok()?)),
            None => host.parse().ok().map(IpAddr::V4),
        };
        if let Some(address) = address {
            return Some(Self::Address(SocketAddr::new(address, port)));
        }
        let is_name =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        is_name.then(|| Self::Name(host.to_owned(), port))
    }
}

/// Starts a TCP connection; it is established later.
pub(crate) fn connect_to(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address.into()) {
        Err(error) if error.raw_os_error() != Some(zmq::Error::EINPROGRESS.to_raw()) => Err(error),
        _ => Ok(socket.into()),
    }
}

//! Violations of ZMTP.

use std::fmt;

/// Why a connection has to be closed: the peer violated ZMTP, or uses a part of it that is not
/// supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// The peer does not speak ZMTP, or only a version that is not supported.
    Version,
    /// The peer requires a mechanism other than NULL.
    Mechanism,
    /// The type of the peer's socket does not fit the type of the local socket.
    SocketType,
    /// A frame, or a message, is longer than the limit.
    TooLong,
    /// A command is malformed, or not allowed at this point.
    Command,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the peer speaks no supported version of ZMTP (2.0, 3.0, 3.1)",
            Self::Mechanism => "the peer requires a mechanism other than NULL",
            Self::SocketType => "the type of the peer's socket does not fit",
            Self::TooLong => "a frame or message is too long",
            Self::Command => "a command is malformed or not allowed here",
        })
    }
}

impl std::error::Error for ProtocolError {}

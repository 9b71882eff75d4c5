//! A connection that receives any bytes, in one piece and in several.

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, ProtocolError, SocketType};

const GREETING: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06";

/// The decoded inputs and the result.
type Decoded = (Vec<(Input, Vec<Frame>)>, Result<(), ProtocolError>);

/// Decodes the bytes. The first byte selects the local side, whether a valid handshake precedes,
/// and where the rest is cut.
pub fn zmtp(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let kind = if first & 1 == 0 { SocketType::Router } else { SocketType::Dealer };
    let mut received = Vec::new();
    if first & 2 != 0 {
        let peer = if kind == SocketType::Router { b"DEALER" } else { b"ROUTER" };
        received = [GREETING, READY, peer].concat();
    }
    received.extend_from_slice(rest);
    let whole = decode(kind, &received, received.len());
    let cut = decode(kind, &received, usize::from(first >> 2) + 1);
    assert_eq!(whole, cut, "decoded differently in pieces");
    assert!(first & 2 == 0 || matches!(whole.0.first(), Some((Input::Ready(_), _))), "the handshake is valid");
}

fn decode(kind: SocketType, bytes: &[u8], piece: usize) -> Decoded {
    let mut connection = Connection::new(kind, Frame::from("me"), 1_000, 8);
    let (mut frames, mut decoded) = (Vec::new(), Vec::new());
    for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            match connection.decode(&mut piece, &mut frames) {
                Ok(Some(input)) => decoded.push((input, frames.clone())),
                Ok(None) => break,
                Err(error) => return (decoded, Err(error)),
            }
        }
        assert!(piece.is_empty(), "all bytes are consumed");
    }
    (decoded, Ok(()))
}

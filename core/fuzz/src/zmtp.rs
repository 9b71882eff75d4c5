//! A connection that hears anything, in one piece and in many.

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, ProtocolError, SocketType};

const GREETING: &[u8] = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const READY: &[u8] = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06";

/// What one was told, and how it ended.
type Told = (Vec<(Input, Vec<Frame>)>, Result<(), ProtocolError>);

/// Hears what the bytes say: the first tells which side it is, whether the other has introduced itself properly, and where what
/// follows is cut.
pub fn zmtp(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let kind = if first & 1 == 0 { SocketType::Router } else { SocketType::Dealer };
    let mut said = Vec::new();
    if first & 2 != 0 {
        let peer = if kind == SocketType::Router { b"DEALER" } else { b"ROUTER" };
        said = [GREETING, READY, peer].concat();
    }
    said.extend_from_slice(rest);
    let whole = hear(kind, &said, said.len());
    let cut = hear(kind, &said, usize::from(first >> 2) + 1);
    assert_eq!(whole, cut, "told differently in pieces");
    assert!(first & 2 == 0 || matches!(whole.0.first(), Some((Input::Ready(_), _))), "a proper peer");
}

fn hear(kind: SocketType, bytes: &[u8], piece: usize) -> Told {
    let mut connection = Connection::new(kind, Frame::from("me"), 1_000, 8);
    let (mut frames, mut told) = (Vec::new(), Vec::new());
    for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            match connection.decode(&mut piece, &mut frames) {
                Ok(Some(input)) => told.push((input, frames.clone())),
                Ok(None) => break,
                Err(error) => return (told, Err(error)),
            }
        }
        assert!(piece.is_empty(), "all is taken");
    }
    (told, Ok(()))
}

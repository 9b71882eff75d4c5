//! The three kinds of names on the wire, each a type of its own.

use std::fmt;

use uuid::Uuid;

use super::Frame;
use crate::limits;

/// A peer's identity: bytes that the peer or the ROUTER chose. It need not be text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(Frame);

impl PeerId {
    /// From an identity frame.
    #[must_use]
    pub fn new(frame: Frame) -> Self {
        Self(frame)
    }

    /// The identity of a new session: `<prefix>-<uuid v4>`.
    #[must_use]
    pub fn make(prefix: &str, uuid: Uuid) -> Self {
        Self(Frame::from(format!("{prefix}-{uuid}")))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(&self) -> Frame {
        self.0.clone()
    }

    /// The identity that has this text; see [`PeerId::to_text`].
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        let byte = |pair: &[u8]| {
            let digits = std::str::from_utf8(pair).ok().filter(|_| pair.iter().all(u8::is_ascii_hexdigit))?;
            (pair.len() == 2).then(|| u8::from_str_radix(digits, 16).ok())?
        };
        let bytes = text.strip_prefix("0x").and_then(|digits| digits.as_bytes().chunks(2).map(byte).collect());
        Self(bytes.map_or_else(|| Frame::from(text), |bytes: Vec<u8>| Frame::from(bytes)))
    }

    /// The identity as text for directories, logs and `workerId`: itself when it is UTF-8 without control
    /// characters, otherwise `0x` and its bytes in hexadecimal. Two identities never have the same text.
    #[must_use]
    pub fn to_text(&self) -> String {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.starts_with("0x") && !text.chars().any(char::is_control) => text.to_owned(),
            _ => self.0.iter().fold(String::from("0x"), |text, byte| format!("{text}{byte:02x}")),
        }
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A client's id of a request, unique only together with the client's identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(Frame);

impl RequestId {
    /// An id of 1 to 255 bytes; `None` for any other length.
    #[must_use]
    pub fn new(frame: Frame) -> Option<Self> {
        (1..=limits::REQUEST_ID_BYTES).contains(&frame.len()).then_some(Self(frame))
    }

    /// An id from a UUID: 32 hexadecimal digits, which libzmq stores without allocating.
    #[must_use]
    pub fn make(uuid: Uuid) -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self(Frame::copy_from_slice(uuid.simple().encode_lower(&mut buffer).as_bytes()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(&self) -> Frame {
        self.0.clone()
    }

    /// A copy that does not keep the received message's memory alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.0.detached())
    }
}

/// The name of a service: 1 to 255 bytes, usually text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(Frame);

impl ServiceName {
    /// A name of 1 to 255 bytes; `None` for any other length.
    #[must_use]
    pub fn new(frame: Frame) -> Option<Self> {
        (1..=limits::SERVICE_NAME_BYTES).contains(&frame.len()).then_some(Self(frame))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(&self) -> Frame {
        self.0.clone()
    }

    /// A copy that does not keep the received message's memory alive.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.0.detached())
    }

    /// The name as text; bytes that are not UTF-8 become replacement characters.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(identity: &[u8]) -> String {
        PeerId::new(Frame::from(identity)).to_text()
    }

    #[test]
    fn identity_that_is_text_stands_for_itself() {
        for text in ["", "W-1", "Wörker", "a b", "\u{202e}"] {
            assert_eq!(text_of(text.as_bytes()), text);
        }
    }

    #[test]
    fn text_that_looks_like_hexadecimal_is_not_taken_for_a_binary_identity() {
        assert_ne!(text_of(b"0x006b"), text_of(&[0x00, 0x6b]));
    }

    #[test]
    fn binary_identity_is_written_in_hexadecimal() {
        assert_eq!(text_of(&[0x00, 0x6b, 0x8b, 0x45, 0x67]), "0x006b8b4567");
        assert_eq!(text_of(&[0xff]), "0xff");
        assert_eq!(text_of(b"W-1\n"), "0x572d310a");
        assert_eq!(text_of("W\u{85}".as_bytes()), "0x57c285");
        assert_eq!(text_of(b"caf\xc3"), "0x636166c3");
    }

    #[test]
    fn identity_comes_back_from_its_text() {
        for identity in [&b""[..], b"W-1", "W\u{f6}rker".as_bytes(), b"0x006b", b"0x", &[0x00, 0x6b], &[0xff], b"W-1\n"]
        {
            assert_eq!(PeerId::from_text(&text_of(identity)).as_bytes(), identity);
        }
        // No identity has these texts; they are read as they are.
        for text in ["0x1", "0xzz", "0x+1", "0x1\u{f6}"] {
            assert_eq!(PeerId::from_text(text).as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn identity_of_a_connection_is_its_prefix_and_a_uuid() {
        let uuid = Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_cdef);
        assert_eq!(PeerId::make("W", uuid).to_text(), "W-12345678-9abc-4def-8123-456789abcdef");
        assert_eq!(RequestId::make(uuid).as_bytes(), b"123456789abc4def8123456789abcdef");
    }

    #[test]
    fn names_have_between_1_and_255_bytes() {
        for (length, fits) in [(0, false), (1, true), (255, true), (256, false)] {
            let frame = Frame::from(vec![0xff; length]);
            assert_eq!(RequestId::new(frame.clone()).is_some(), fits, "{length}");
            assert_eq!(ServiceName::new(frame).is_some(), fits, "{length}");
        }
    }

    #[test]
    fn service_name_that_is_not_text_can_still_be_shown() {
        let name = ServiceName::new(Frame::from(&[b'a', 0xff, b'b']));
        assert_eq!(name.map(|name| name.to_text()), Some("a\u{fffd}b".to_owned()));
    }
}

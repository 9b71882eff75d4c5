//! Socket types, and which of them fit together.

/// The type of the local socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketType {
    /// Connects to DEALER, REQ and ROUTER.
    Router,
    /// Connects to ROUTER, REP and DEALER.
    Dealer,
}

impl SocketType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Router => "ROUTER",
            Self::Dealer => "DEALER",
        }
    }

    /// The number of the type in the greeting of ZMTP 2.0.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Dealer => 5,
            Self::Router => 6,
        }
    }

    pub(crate) fn accepts_number(self, peer: u8) -> bool {
        match self {
            Self::Router => matches!(peer, 3 | 5 | 6),
            Self::Dealer => matches!(peer, 4..=6),
        }
    }

    pub(crate) fn accepts(self, peer: &[u8]) -> bool {
        match self {
            Self::Router => matches!(peer, b"DEALER" | b"REQ" | b"ROUTER"),
            Self::Dealer => matches!(peer, b"ROUTER" | b"REP" | b"DEALER"),
        }
    }
}

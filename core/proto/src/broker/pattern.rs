//! Matches the service names of workers and clients (protocol document, "Services").

use nodejs_semver::{Range, Version};

use crate::protocol::ServiceName;

/// What a worker offers.
#[derive(Debug, Clone)]
pub(super) enum Offer {
    /// Only its name.
    Exact,
    /// Every plain name with this prefix: `ech*`.
    Wildcard { prefix: Vec<u8> },
    /// One version of a name: `name@1.2.3`.
    Version { base: Vec<u8>, version: Version },
}

/// What a client asks for.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    /// A name that wildcards may cover.
    Plain,
    /// Versions of a name: `name@^1.2.0`.
    Range { base: Vec<u8>, range: Range },
    /// Only the name itself: core services (`$…`) and names with `@` but without a valid range.
    Exact,
}

impl Offer {
    pub(super) fn of(service: &ServiceName) -> Self {
        let name = service.as_bytes();
        if let Some((base, version)) = split_version(name) {
            return match Version::parse(version) {
                Ok(version) => Self::Version { base: base.to_vec(), version },
                Err(_) => Self::Exact,
            };
        }
        match name.strip_suffix(b"*") {
            Some(prefix) if !name.contains(&b'@') => Self::Wildcard { prefix: prefix.to_vec() },
            _ => Self::Exact,
        }
    }

    /// Whether an offer under the name `offered` covers a request for `asked`.
    pub(super) fn covers(&self, offered: &ServiceName, asked: &ServiceName) -> bool {
        if offered == asked {
            return true;
        }
        match (self, Ask::of(asked)) {
            (Self::Wildcard { prefix }, Ask::Plain) => asked.as_bytes().starts_with(prefix),
            (Self::Version { base, version }, Ask::Range { base: asked_base, range }) => {
                *base == asked_base && range.satisfies(version)
            }
            _ => false,
        }
    }
}

impl Ask {
    pub(super) fn of(service: &ServiceName) -> Self {
        let name = service.as_bytes();
        if name.contains(&b'@') {
            return match split_version(name).and_then(|(base, range)| Some((base, Range::parse(range).ok()?))) {
                Some((base, range)) => Self::Range { base: base.to_vec(), range },
                None => Self::Exact,
            };
        }
        if name.starts_with(b"$") {
            Self::Exact
        } else {
            Self::Plain
        }
    }
}

/// Splits `name@rest` at the last `@`; `None` if the name is empty or the rest is not UTF-8.
fn split_version(name: &[u8]) -> Option<(&[u8], &str)> {
    let at = name.iter().rposition(|byte| *byte == b'@').filter(|at| *at > 0)?;
    Some((&name[..at], std::str::from_utf8(&name[at + 1..]).ok()?))
}

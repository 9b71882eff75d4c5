//! What the handles of brokers, clients and workers share.

use std::time::Duration;

use napi::bindgen_prelude::Buffer;
use pigato::config::Timeout;
use pigato::{Error, PeerEvent};

use crate::pack::{Kind, Packed, Record};

/// Packs the events that `poll` moves into a list. `None` if there are none.
pub(crate) fn drain<E>(
    poll: impl FnOnce(&mut Vec<E>) -> Result<usize, Error>,
    pack: impl Fn(&mut Packed, &E),
) -> Option<Buffer> {
    let mut events = Vec::new();
    // The only possible error is C_CLOSED: no event can follow.
    let count = poll(&mut events).ok().filter(|count| *count > 0)?;
    let mut packed = Packed::for_events(count);
    events.iter().for_each(|event| pack(&mut packed, event));
    Some(packed.finish().into())
}

/// An event about a client's or worker's connection.
pub(crate) fn pack_peer(packed: &mut Packed, event: PeerEvent) {
    let record = match event {
        PeerEvent::Connected => Record::new(Kind::Connected),
        PeerEvent::Disconnected => Record::new(Kind::Disconnected),
        PeerEvent::Stopped => Record::new(Kind::Stopped),
        PeerEvent::ProtocolError(malformed) => {
            Record::new(Kind::ProtocolError).part(2, malformed.published_name().as_bytes())
        }
        _ => return,
    };
    packed.add(&record);
}

/// A peer's identity, for JavaScript.
pub(crate) fn identity_text(identity: &[u8]) -> String {
    String::from_utf8_lossy(identity).into_owned()
}

/// Milliseconds from JavaScript; below 0 there is no time limit.
pub(crate) fn timeout(millis: f64) -> Duration {
    match Timeout::from_millis(millis) {
        Some(Timeout::After(duration)) => duration,
        Some(Timeout::Never) => Duration::MAX,
        None => Duration::ZERO,
    }
}

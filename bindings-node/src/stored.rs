//! Unpacks stored requests that `lib/store.js` packs to restore them.

use pigato::broker::StoredRequest;
use pigato::protocol::{Frame, PeerId, RequestId, ServiceName};
use pigato::Timeout;

use crate::error::Result;
use crate::unpack::Reader;

/// Fields of each request: client, service, id, data, options, worker (empty if it has none), the
/// number of extra frames, the extra frames, the attempts, the remaining milliseconds (NaN: the
/// timeout in the options applies).
///
/// Returns the valid requests, and the indices of those whose service name or id is invalid.
pub(crate) fn unpack(packed: &[u8]) -> Result<(Vec<StoredRequest>, Vec<u32>)> {
    let mut reader = Reader::new(packed);
    let (mut requests, mut refused) = (Vec::new(), Vec::new());
    for at in 0.. {
        if reader.is_empty() {
            break;
        }
        match request(&mut reader)? {
            Some(request) => requests.push(request),
            None => refused.push(at),
        }
    }
    Ok((requests, refused))
}

fn request(reader: &mut Reader<'_>) -> Result<Option<StoredRequest>> {
    let client = PeerId::from_text(reader.text()?);
    let (service, id) = (ServiceName::new(frame(reader)?), RequestId::new(frame(reader)?));
    let (data, options, worker) = (frame(reader)?, frame(reader)?, reader.text()?);
    let extra = (0..reader.integer()?).map(|_| frame(reader)).collect::<Result<Vec<Frame>>>()?;
    let (attempt, remaining) = (reader.integer()?, reader.number()?);
    let (Some(service), Some(id)) = (service, id) else { return Ok(None) };
    let mut request = StoredRequest::new(client, id, service, data, options);
    request.extra = extra;
    request.worker = (!worker.is_empty()).then(|| PeerId::from_text(worker));
    request.attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
    request.remaining = Timeout::from_millis(remaining).unwrap_or(request.remaining);
    Ok(Some(request))
}

fn frame(reader: &mut Reader<'_>) -> Result<Frame> {
    Ok(Frame::copy_from_slice(reader.bytes()?))
}

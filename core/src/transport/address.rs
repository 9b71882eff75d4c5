//! Checks of endpoint addresses before anything binds or connects.

use super::error::endpoint_error;
use crate::error::Error;

/// Refuses an endpoint that nothing can bind.
pub(crate) fn check_bindable(endpoint: &str) -> Result<(), Error> {
    check_text(endpoint)?;
    if endpoint.ends_with('*') {
        return Ok(());
    }
    check_port(endpoint, |_| true)
}

/// Refuses an endpoint that nothing can connect to.
pub(crate) fn check_connectable(endpoint: &str) -> Result<(), Error> {
    check_text(endpoint)?;
    check_port(endpoint, |port| port > 0)
}

/// Refuses an endpoint that cannot be passed to libzmq.
fn check_text(endpoint: &str) -> Result<(), Error> {
    if endpoint.contains('\0') {
        return Err(endpoint_error(&endpoint.replace('\0', "\\0"), zmq::Error::EINVAL));
    }
    Ok(())
}

/// Refuses a port that libzmq would truncate to 16 bits, or reject only after the call has returned.
fn check_port(endpoint: &str, accepts: impl Fn(u16) -> bool) -> Result<(), Error> {
    let port = endpoint.strip_prefix("tcp://").and_then(|address| address.rsplit_once(':')).map(|(_, port)| port);
    match port {
        Some(port) if !port.parse().is_ok_and(accepts) => Err(endpoint_error(endpoint, zmq::Error::EINVAL)),
        _ => Ok(()),
    }
}

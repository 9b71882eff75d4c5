//! Where the bytes of a frame are.
//!
//! Both variants have the same few methods, and [`Frame`](crate::Frame) is written once on top of them:
//! `copy_from`, `from_vec`, `as_slice`, `detached`, `Clone` and `Default` (empty).

#[cfg(feature = "zmq")]
mod message;
#[cfg(feature = "zmq")]
pub(crate) use message::Message as Storage;

#[cfg(not(feature = "zmq"))]
mod portable;
#[cfg(not(feature = "zmq"))]
pub(crate) use portable::Portable as Storage;

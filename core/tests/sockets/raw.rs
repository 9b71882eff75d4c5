//! Peers played frame by frame over libzmq sockets.

use std::time::{Duration, Instant};

use super::wait::WAIT_TIMEOUT;

/// The frames of a message.
pub(crate) type Frames = Vec<Vec<u8>>;

/// A socket whose messages the test writes and reads itself.
pub(crate) struct Raw {
    socket: zmq::Socket,
    /// Declared after the socket, which must be closed first.
    context: zmq::Context,
}

/// The endpoint of a socket's monitor, in its own context.
const MONITOR: &str = "inproc://monitor";

/// A message for [`Raw::send`], from anything that converts to bytes.
#[macro_export]
macro_rules! frames {
    ($($frame:expr),* $(,)?) => { vec![$(AsRef::<[u8]>::as_ref($frame).to_vec()),*] };
}

impl Raw {
    fn open(kind: zmq::SocketType, set: impl FnOnce(&zmq::Socket) -> zmq::Result<()>) -> Self {
        let context = zmq::Context::new();
        let socket = context.socket(kind).expect("a socket");
        socket.set_linger(0).expect("linger");
        set(&socket).expect("the socket's options and endpoint");
        Self { socket, context }
    }

    /// A client or worker with this identity; if it is empty, libzmq's own 5 bytes.
    pub(crate) fn dealer(endpoint: &str, identity: impl AsRef<[u8]>) -> Self {
        Self::open(zmq::DEALER, |socket| {
            if !identity.as_ref().is_empty() {
                socket.set_identity(identity.as_ref())?;
            }
            socket.connect(endpoint)
        })
    }

    /// A peer whose libzmq pings the other side at this interval and gives it up after 10
    /// intervals.
    pub(crate) fn dealer_with_heartbeats(endpoint: &str, identity: &str, interval: Duration) -> Self {
        let millis = i32::try_from(interval.as_millis()).expect("a short one");
        Self::open(zmq::DEALER, |socket| {
            socket.set_heartbeat_ivl(millis)?;
            socket.set_heartbeat_timeout(10 * millis)?;
            socket.set_identity(identity.as_bytes())?;
            let events = zmq::SocketEvent::DISCONNECTED.to_raw();
            socket.monitor(MONITOR, i32::from(events))?;
            socket.connect(endpoint)
        })
    }

    /// Whether the connection of a [`Raw::dealer_with_heartbeats`] ends within this time.
    pub(crate) fn disconnects_within(&self, timeout: Duration) -> bool {
        let monitor = self.context.socket(zmq::PAIR).expect("a socket");
        monitor.connect(MONITOR).expect("it was bound");
        let millis = i64::try_from(timeout.as_millis()).expect("a short one");
        monitor.poll(zmq::POLLIN, millis).expect("poll") > 0
    }

    /// A client that buffers few messages and reads none unless asked: messages for it queue at the
    /// sender.
    pub(crate) fn slow_dealer(endpoint: &str, identity: &str) -> Self {
        Self::open(zmq::DEALER, |socket| {
            socket.set_rcvhwm(1)?;
            socket.set_rcvbuf(4_096)?;
            socket.set_identity(identity.as_bytes())?;
            socket.connect(endpoint)
        })
    }

    /// A broker's socket and its endpoint.
    pub(crate) fn router() -> (Self, String) {
        Self::router_at("tcp://127.0.0.1:*")
    }

    pub(crate) fn router_at(endpoint: &str) -> (Self, String) {
        Self::bound_router(endpoint, |_| Ok(()))
    }

    /// A broker's socket that buffers few messages: messages for it queue at the sender.
    pub(crate) fn slow_router() -> (Self, String) {
        Self::bound_router("tcp://127.0.0.1:*", |socket| {
            socket.set_rcvhwm(1)?;
            socket.set_rcvbuf(65_536)
        })
    }

    fn bound_router(endpoint: &str, set: impl FnOnce(&zmq::Socket) -> zmq::Result<()>) -> (Self, String) {
        let raw = Self::open(zmq::ROUTER, |socket| set(socket).and_then(|()| socket.bind(endpoint)));
        let endpoint = raw.socket.get_last_endpoint().expect("an endpoint").expect("that is text");
        (raw, endpoint)
    }

    /// A subscriber, like a core service's.
    pub(crate) fn subscriber(endpoint: &str, topic: &str) -> Self {
        Self::open(zmq::SUB, |socket| {
            socket.set_subscribe(topic.as_bytes())?;
            socket.connect(endpoint)
        })
    }

    /// Closes the connection after everything has been sent.
    pub(crate) fn close_after_sending(self) {
        self.socket.set_linger(WAIT_TIMEOUT.as_millis() as i32).expect("linger");
    }

    pub(crate) fn send(&self, frames: Frames) {
        self.socket.send_multipart(frames, 0).expect("the message leaves");
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn receive(&self) -> Frames {
        self.receive_within(WAIT_TIMEOUT).expect("a message in time")
    }

    /// The next message for which `accepts` returns true; skips others.
    #[track_caller]
    pub(crate) fn receive_where(&self, mut accepts: impl FnMut(&Frames) -> bool) -> Frames {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.receive_within(left).expect("such a message in time");
            if accepts(&message) {
                return message;
            }
        }
    }

    /// The next message, if it arrives in time.
    pub(crate) fn receive_within(&self, timeout: Duration) -> Option<Frames> {
        let millis = i64::try_from(timeout.as_millis()).expect("a finite time");
        let has_message = self.socket.poll(zmq::POLLIN, millis).expect("poll") > 0;
        has_message.then(|| self.socket.recv_multipart(0).expect("the message that is there"))
    }
}

/// Frames as text, for comparison and for error messages.
pub(crate) fn text(frames: &Frames) -> Vec<String> {
    frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
}

/// Whether the first two frames of a message are this side and type.
pub(crate) fn is(frames: &Frames, side: &str, kind: &str) -> bool {
    frames.len() >= 2 && frames[0] == side.as_bytes() && frames[1] == kind.as_bytes()
}

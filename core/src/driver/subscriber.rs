//! What a core service hears of its broker: a SUB socket on `intch`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pigato_frame::Frame;

use super::engine::{Endpoint, Engine, Io, Progress};
use super::handle::Handle;
use super::mailbox::Mailbox;
use super::socket::{configure, connect, receive, system_error};
use super::EventSink;
use crate::error::Error;

/// Publications dealt with before other endpoints get their turn.
const BATCH: usize = 64;

/// What a subscriber may be told.
#[derive(Debug)]
pub enum SubscriberCommand {
    /// Close the socket. Nothing follows.
    Stop,
}

/// Subscribes to the publications that begin with `topic`. Events are their frames, those of one frame only.
pub fn open_subscriber(
    engine: &Arc<Engine>,
    endpoint: &str,
    topic: &str,
    sink: Box<dyn EventSink<Frame>>,
) -> Result<Handle<SubscriberCommand>, Error> {
    let socket = engine.context()?.socket(zmq::SUB).map_err(system_error)?;
    configure(&socket)?;
    socket.set_subscribe(topic.as_bytes()).map_err(system_error)?;
    connect(&socket, endpoint)?;
    let mailbox = Arc::new(Mailbox::default());
    let subscriber = Subscriber { socket, mailbox: Arc::clone(&mailbox), sink, is_watched: false };
    Ok(engine.adopt(mailbox, Box::new(subscriber)))
}

struct Subscriber {
    socket: zmq::Socket,
    mailbox: Arc<Mailbox<SubscriberCommand>>,
    sink: Box<dyn EventSink<Frame>>,
    is_watched: bool,
}

impl Endpoint for Subscriber {
    fn process(&mut self, _now: Instant, io: &Io<'_>) -> Progress {
        let mut commands = VecDeque::new();
        self.mailbox.take(&mut commands, BATCH);
        let Ok(descriptor) = self.socket.get_fd() else { return Progress::Done };
        if !self.is_watched {
            self.is_watched = io.watch(descriptor, 0).is_ok();
        }
        if !commands.is_empty() || !self.is_watched {
            self.abort(io);
            return Progress::Done;
        }
        let mut frames = Vec::new();
        let mut events = Vec::new();
        let mut left = BATCH;
        while left > 0 && receive(&self.socket, &mut frames) {
            left -= 1;
            if frames.len() == 1 {
                events.append(&mut frames);
            }
        }
        if !events.is_empty() {
            self.sink.deliver(&mut events);
        }
        if left == 0 {
            Progress::Again
        } else {
            Progress::Idle
        }
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn abort(&mut self, io: &Io<'_>) {
        self.mailbox.close();
        if let Ok(descriptor) = self.socket.get_fd() {
            io.unwatch(descriptor);
        }
    }
}

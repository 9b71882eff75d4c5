//! The endpoint of a core service's subscription to its broker's publications.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use pigato_frame::Frame;

use crate::error::Error;
use crate::reactor::{Endpoint, Engine, EventSink, Handle, Io, Mailbox, Progress};
use crate::transport::Subscription;

/// Work budget: publications handled before other endpoints get their turn.
const BATCH: usize = 64;

/// A command for a subscriber.
#[derive(Debug)]
pub enum SubscriberCommand {
    /// Close the socket. Nothing follows.
    Stop,
}

/// Subscribes to the publications that begin with `topic`. Each event is the frame of a publication; those with several frames are
/// skipped.
///
/// # Errors
///
/// `E_ENDPOINT` for an invalid endpoint, `E_SYSTEM` if the system has no sockets left.
pub fn open_subscriber(
    engine: &Arc<Engine>,
    endpoint: &str,
    topic: &str,
    sink: Box<dyn EventSink<Frame>>,
) -> Result<Handle<SubscriberCommand>, Error> {
    let subscription = Subscription::connect(&*engine.context()?, endpoint, topic)?;
    let mailbox = Arc::new(Mailbox::default());
    let subscriber = Subscriber { subscription, mailbox: Arc::clone(&mailbox), sink };
    Ok(Handle::adopt(Arc::clone(engine), mailbox, Box::new(subscriber)))
}

struct Subscriber {
    subscription: Subscription,
    mailbox: Arc<Mailbox<SubscriberCommand>>,
    sink: Box<dyn EventSink<Frame>>,
}

impl Endpoint for Subscriber {
    fn process(&mut self, _now: Instant, io: &Io<'_>) -> Progress {
        let mut commands = VecDeque::new();
        self.mailbox.take(&mut commands, BATCH);
        if !commands.is_empty() || !self.subscription.watch(io) {
            self.abort(io);
            return Progress::Done;
        }
        let mut frames = Vec::new();
        let mut events = Vec::new();
        let mut left = BATCH;
        while left > 0 && self.subscription.receive(&mut frames) {
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
        self.subscription.unwatch(io);
    }
}

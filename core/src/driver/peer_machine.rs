//! What a client's and a worker's machine have in common, as far as the driver is concerned, and the commands that they take.

use std::time::{Duration, Instant};

use pigato_frame::Frame;

use crate::client;
use crate::config::{Concurrency, RequestOptions};
use crate::link::Output;
use crate::protocol::{ClientToBroker, Payload, ReplyKind, ServiceName, WorkerToBroker};
use crate::worker;

/// What a client may be told.
#[derive(Debug)]
pub enum ClientCommand {
    /// Make a request. Ends with `Event::Final` or `Event::Failed`.
    Request {
        /// What events call it; must not be in use.
        token: client::Token,
        /// The service to ask.
        service: ServiceName,
        /// The data frame.
        data: Frame,
        /// The options.
        options: Box<RequestOptions>,
    },
    /// End a request; it fails with `C_CANCELLED`.
    Cancel(client::Token),
    /// Let the worker send this many more partial replies.
    Grant {
        /// For which request.
        token: client::Token,
        /// How many more.
        partials: u32,
    },
    /// Tell the worker that the reply is still wanted.
    Heartbeat(client::Token),
    /// Stop. Ends with `Event::Stopped`.
    Stop,
}

/// What a worker may be told.
#[derive(Debug)]
pub enum WorkerCommand {
    /// Send a reply.
    Reply {
        /// To which request.
        token: worker::Token,
        /// Partial or final.
        kind: ReplyKind,
        /// The reply.
        payload: Payload,
    },
    /// Have another worker answer.
    Reject {
        /// Which request.
        token: worker::Token,
        /// The reason, as JSON.
        reason: Frame,
    },
    /// Take this many requests at a time.
    SetConcurrency(Concurrency),
    /// Send a sign of life now.
    Heartbeat {
        /// Whether a core service asks for a publication of the directory.
        update: bool,
    },
    /// Stop when the live requests are answered, or after this time. Ends with `Event::Stopped`.
    Drain(Duration),
    /// Stop now. Ends with `Event::Stopped`.
    Stop,
}

/// What the two machines have in common, as far as the driver is concerned.
pub(super) trait PeerMachine: Send {
    type Command: Send;
    type Message;
    type Event: Send;

    fn handle_command(&mut self, now: Instant, command: Self::Command);
    fn handle_connected(&mut self, now: Instant);
    fn handle_disconnected(&mut self, now: Instant);
    fn handle_connect_failed(&mut self, now: Instant);
    fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>);
    fn handle_not_reading(&mut self, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn next_deadline(&self) -> Option<Instant>;
    fn poll_output(&mut self) -> Option<Output<Self::Message, Self::Event>>;
    fn is_started(&self) -> bool;
    fn stop(&mut self, now: Instant);
    fn is_stopped(event: &Self::Event) -> bool;
    fn encode(message: Self::Message, frames: &mut Vec<Frame>);
}

macro_rules! peer_machine {
    ($machine:ty, $command:ty, $message:ty, $event:ty, |$self:ident, $now:ident, $given:ident| $handle:expr, |$stopping:ident, $at:ident| $stop:expr) => {
        impl PeerMachine for $machine {
            type Command = $command;
            type Message = $message;
            type Event = $event;

            fn handle_command(&mut self, $now: Instant, $given: Self::Command) {
                let $self = self;
                $handle
            }
            fn handle_connected(&mut self, now: Instant) {
                self.handle_connected(now);
            }
            fn handle_disconnected(&mut self, now: Instant) {
                self.handle_disconnected(now);
            }
            fn handle_connect_failed(&mut self, now: Instant) {
                self.handle_connect_failed(now);
            }
            fn handle_message(&mut self, now: Instant, frames: &mut Vec<Frame>) {
                self.handle_message(now, frames);
            }
            fn handle_not_reading(&mut self, now: Instant) {
                self.handle_not_reading(now);
            }
            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }
            fn next_deadline(&self) -> Option<Instant> {
                self.next_deadline()
            }
            fn poll_output(&mut self) -> Option<Output<Self::Message, Self::Event>> {
                self.poll_output()
            }
            fn is_started(&self) -> bool {
                self.is_started()
            }
            fn stop(&mut self, $at: Instant) {
                let $stopping = self;
                $stop
            }
            fn is_stopped(event: &Self::Event) -> bool {
                *event == <$event>::Stopped
            }
            fn encode(message: Self::Message, frames: &mut Vec<Frame>) {
                message.encode(frames);
            }
        }
    };
}

peer_machine!(
    client::Machine,
    ClientCommand,
    ClientToBroker,
    client::Event,
    |machine, now, command| match command {
        ClientCommand::Request { token, service, data, options } =>
            machine.request(now, token, service, data, &options),
        ClientCommand::Cancel(token) => machine.cancel(token),
        ClientCommand::Grant { token, partials } => machine.grant(token, partials),
        ClientCommand::Heartbeat(token) => machine.heartbeat(token),
        ClientCommand::Stop => machine.stop(),
    },
    |machine, _now| machine.stop()
);

peer_machine!(
    worker::Machine,
    WorkerCommand,
    WorkerToBroker,
    worker::Event,
    |machine, now, command| match command {
        WorkerCommand::Reply { token, kind, payload } => {
            machine.reply(now, token, kind, payload);
        }
        WorkerCommand::Reject { token, reason } => {
            machine.reject(now, token, reason);
        }
        WorkerCommand::SetConcurrency(concurrency) => machine.set_concurrency(concurrency),
        WorkerCommand::Heartbeat { update } => machine.heartbeat(update),
        WorkerCommand::Drain(timeout) => machine.drain(now, timeout),
        WorkerCommand::Stop => machine.stop(now),
    },
    |machine, now| machine.stop(now)
);

//! The interface that the client's and the worker's machines share.

use std::time::Instant;

use pigato_frame::Frame;

use super::commands::{ClientCommand, WorkerCommand};
use crate::client;
use crate::protocol::{ClientToBroker, WorkerToBroker};
use crate::session::PeerOutput;
use crate::worker;

/// A client's or worker's machine, as its endpoint drives it.
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
    fn poll_output(&mut self) -> Option<PeerOutput<Self::Message, Self::Event>>;
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
            fn poll_output(&mut self) -> Option<PeerOutput<Self::Message, Self::Event>> {
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
        ClientCommand::Request { number, service, data, options } =>
            machine.request(now, number, service, data, &options),
        ClientCommand::Cancel(number) => machine.cancel(number),
        ClientCommand::Grant { number, partials } => machine.grant(number, partials),
        ClientCommand::Heartbeat(number) => machine.heartbeat(number),
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
        WorkerCommand::Reply { number, kind, payload } => {
            machine.reply(now, number, kind, payload);
        }
        WorkerCommand::Reject { number, reason } => {
            machine.reject(now, number, reason);
        }
        WorkerCommand::SetConcurrency(concurrency) => machine.set_concurrency(concurrency),
        WorkerCommand::Heartbeat { update } => machine.heartbeat(update),
        WorkerCommand::Drain(timeout) => machine.drain(now, timeout),
        WorkerCommand::Stop => machine.stop(now),
    },
    |machine, now| machine.stop(now)
);

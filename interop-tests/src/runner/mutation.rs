//! Breaks one language on purpose: a proxy between its peers and the broker rewrites frames, to
//! show that the matrix detects it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

/// How the proxy changes a language's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Removes the options of a client's requests and a worker's replies.
    DropOptions,
    /// Swaps a worker's first 2 partial replies to a request.
    SwapPartials,
    /// Sends every final reply of a worker twice.
    RepeatReply,
    /// Answers a request for which the worker is notified of a cancellation.
    LateReply,
    /// Makes every reply of a worker a success.
    IgnoreStatus,
}

/// A broken language: `LANGUAGE=MUTATION`.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// The language whose clients and workers connect through the proxy.
    pub language: String,
    /// The change.
    pub kind: Kind,
}

impl std::str::FromStr for Mutation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (language, kind) = text.split_once('=').ok_or("expected LANGUAGE=MUTATION")?;
        let kind = match kind {
            "drop-options" => Kind::DropOptions,
            "swap-partials" => Kind::SwapPartials,
            "repeat-reply" => Kind::RepeatReply,
            "late-reply" => Kind::LateReply,
            "ignore-status" => Kind::IgnoreStatus,
            _ => {
                let all = "drop-options, swap-partials, repeat-reply, late-reply and ignore-status";
                return Err(format!("the mutations are {all}"));
            }
        };
        Ok(Self { language: language.to_owned(), kind })
    }
}

type Message = Vec<Vec<u8>>;

/// First partial replies, held until the second arrives, by request.
#[derive(Debug, Default)]
struct Held(BTreeMap<Vec<u8>, Option<Message>>);

impl Kind {
    /// Returns the messages to send instead of a peer's message.
    fn apply(self, mut message: Message, held: &mut Held) -> Vec<Message> {
        let tag = |at: usize| message.get(at).map(Vec::as_slice);
        let is_reply = tag(0) == Some(b"W") && matches!(tag(1), Some(b"3"));
        let is_partial = tag(0) == Some(b"W") && matches!(tag(1), Some(b"6"));
        let is_request = tag(0) == Some(b"C") && tag(1) == Some(b"2");
        match self {
            Self::DropOptions if is_request => message.truncate(5),
            Self::DropOptions if is_reply || is_partial => message.truncate(7),
            Self::IgnoreStatus if is_reply && message.len() > 5 => message[5] = b"0".to_vec(),
            Self::RepeatReply if is_reply => return vec![message.clone(), message],
            Self::SwapPartials if (is_partial || is_reply) && message.len() > 4 => {
                return held.swap(message, is_partial)
            }
            _ => {}
        }
        vec![message]
    }

    /// Returns an additional message to send in a peer's name when the broker's message arrives.
    fn answer(self, message: &[Vec<u8>]) -> Option<Message> {
        match message {
            [tag, kind, client, _, id] if self == Self::LateReply && tag == b"W" && kind == b"8" => {
                let frames: [&[u8]; 8] = [b"W", b"3", client, b"", id, b"0", b"\"late\"", b"{}"];
                Some(frames.map(<[u8]>::to_vec).to_vec())
            }
            _ => None,
        }
    }
}

impl Held {
    fn swap(&mut self, message: Message, is_partial: bool) -> Vec<Message> {
        let request = message[4].clone();
        if !is_partial {
            let first = self.0.remove(&request).flatten();
            return first.into_iter().chain([message]).collect();
        }
        match self.0.entry(request) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Some(message));
                Vec::new()
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                [message].into_iter().chain(entry.get_mut().take()).collect()
            }
        }
    }
}

/// A running proxy. Dropping it stops the proxy.
#[derive(Debug)]
pub struct FrameProxy {
    endpoint: String,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Interval in milliseconds at which the proxy checks whether to stop.
const POLL_MS: i64 = 50;

impl FrameProxy {
    /// Starts a proxy for the broker at `target`.
    pub fn start(target: &str, kind: Kind) -> Result<Self, String> {
        let describe = |error: zmq::Error| format!("the mutation proxy: {error}");
        let context = zmq::Context::new();
        let router = context.socket(zmq::ROUTER).map_err(describe)?;
        router.set_linger(0).map_err(describe)?;
        router.bind("tcp://127.0.0.1:*").map_err(describe)?;
        let endpoint = router.get_last_endpoint().map_err(describe)?.map_err(|_| "the proxy has no endpoint")?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (ends, target) = (Arc::clone(&is_over), target.to_owned());
        let thread = std::thread::spawn(move || {
            let mut relay = Relay { context, router, target, kind, peers: BTreeMap::new() };
            while !ends.load(Ordering::Relaxed) {
                if let Err(error) = relay.turn() {
                    eprintln!("the mutation proxy ends: {error}");
                    return;
                }
            }
        });
        Ok(Self { endpoint, is_over, thread: Some(thread) })
    }

    /// The endpoint for peers.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for FrameProxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread is printed already.
            let _ = thread.join();
        }
    }
}

/// Connects to the broker once per peer, under the peer's identity.
struct Relay {
    context: zmq::Context,
    router: zmq::Socket,
    target: String,
    kind: Kind,
    peers: BTreeMap<Vec<u8>, (zmq::Socket, Held)>,
}

impl Relay {
    fn turn(&mut self) -> Result<(), zmq::Error> {
        let mut items = vec![self.router.as_poll_item(zmq::POLLIN)];
        items.extend(self.peers.values().map(|(socket, _)| socket.as_poll_item(zmq::POLLIN)));
        zmq::poll(&mut items, POLL_MS)?;
        let readable: Vec<bool> = items.iter().map(zmq::PollItem::is_readable).collect();
        for ((identity, (socket, _)), _) in self.peers.iter().zip(&readable[1..]).filter(|(_, is)| **is) {
            let message = socket.recv_multipart(0)?;
            if let Some(answer) = self.kind.answer(&message) {
                socket.send_multipart(answer, 0)?;
            }
            self.router.send_multipart([identity].into_iter().chain(&message), 0)?;
        }
        if readable[0] {
            let mut message = self.router.recv_multipart(0)?;
            let identity = message.remove(0);
            self.forward(&identity, message)?;
        }
        Ok(())
    }

    fn forward(&mut self, identity: &[u8], message: Message) -> Result<(), zmq::Error> {
        if !self.peers.contains_key(identity) {
            let socket = self.context.socket(zmq::DEALER)?;
            socket.set_linger(0)?;
            socket.set_identity(identity)?;
            socket.connect(&self.target)?;
            self.peers.insert(identity.to_owned(), (socket, Held::default()));
        }
        let (socket, held) = self.peers.get_mut(identity).expect("inserted above");
        for changed in self.kind.apply(message, held) {
            socket.send_multipart(changed, 0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(frames: &[&str]) -> Message {
        frames.iter().map(|frame| frame.as_bytes().to_vec()).collect()
    }

    #[test]
    fn each_mutation_changes_only_its_own_messages() {
        let mut held = Held::default();
        let request = message(&["C", "2", "s", "r", "1", "{}"]);
        let error = message(&["W", "3", "c", "", "r", "-1", "1", "{}"]);
        assert_eq!(Kind::DropOptions.apply(request.clone(), &mut held), [message(&["C", "2", "s", "r", "1"])]);
        assert_eq!(
            Kind::IgnoreStatus.apply(error.clone(), &mut held),
            [message(&["W", "3", "c", "", "r", "0", "1", "{}"])]
        );
        assert_eq!(Kind::RepeatReply.apply(error.clone(), &mut held), [error.clone(), error]);
        for kind in [Kind::IgnoreStatus, Kind::RepeatReply, Kind::LateReply, Kind::SwapPartials] {
            assert_eq!(kind.apply(request.clone(), &mut held), std::slice::from_ref(&request));
        }
        let cancel = message(&["W", "8", "c", "", "r"]);
        let late = message(&["W", "3", "c", "", "r", "0", "\"late\"", "{}"]);
        assert_eq!(Kind::LateReply.answer(&cancel), Some(late));
        assert_eq!(Kind::LateReply.answer(&request), None);
        assert_eq!(Kind::RepeatReply.answer(&cancel), None);
    }

    #[test]
    fn the_first_2_partial_replies_are_swapped() {
        let mut held = Held::default();
        let partial = |data: &str| message(&["W", "6", "c", "", "r", "0", data, "{}"]);
        let last = message(&["W", "3", "c", "", "r", "0", "2", "{}"]);
        assert!(Kind::SwapPartials.apply(partial("0"), &mut held).is_empty());
        assert_eq!(Kind::SwapPartials.apply(partial("1"), &mut held), [partial("1"), partial("0")]);
        assert_eq!(Kind::SwapPartials.apply(partial("2"), &mut held), [partial("2")]);
        assert_eq!(Kind::SwapPartials.apply(last.clone(), &mut held), [last]);
    }
}

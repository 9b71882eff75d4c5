//! Breaks one language on purpose: a proxy between its peers and the broker that rewrites frames, to show that the matrix
//! sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

/// What is done to a language's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A client's requests and a worker's replies leave without their options.
    DropOptions,
    /// A worker's first and second partial reply to a request change places.
    SwapPartials,
    /// A worker sends every final reply twice.
    RepeatReply,
    /// A worker answers a request that it was told is cancelled.
    LateReply,
    /// A worker says that every reply is a success.
    IgnoreStatus,
}

/// A broken language: `LANGUAGE=MUTATION`.
#[derive(Debug, Clone)]
pub struct Mutation {
    /// Whose clients and workers go through the proxy.
    pub language: String,
    /// What is done.
    pub kind: Kind,
}

impl std::str::FromStr for Mutation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (language, kind) = text.split_once('=').ok_or("LANGUAGE=MUTATION")?;
        let kind = match kind {
            "drop-options" => Kind::DropOptions,
            "swap-partials" => Kind::SwapPartials,
            "repeat-reply" => Kind::RepeatReply,
            "late-reply" => Kind::LateReply,
            "ignore-status" => Kind::IgnoreStatus,
            _ => {
                let all = "drop-options, swap-partials, repeat-reply, late-reply and ignore-status";
                return Err(format!("there are {all}"));
            }
        };
        Ok(Self { language: language.to_owned(), kind })
    }
}

type Message = Vec<Vec<u8>>;

/// Partial replies that wait for the one that they change places with, by request.
#[derive(Debug, Default)]
struct Held(BTreeMap<Vec<u8>, Option<Message>>);

impl Kind {
    /// What is sent in place of a peer's message.
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

    /// What a peer says at once to a message of the broker's, besides what it says itself.
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

/// A running proxy; it ends with this.
#[derive(Debug)]
pub struct FrameProxy {
    endpoint: String,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How often the proxy looks whether it is over, in milliseconds.
const LOOK_MS: i64 = 50;

impl FrameProxy {
    /// Stands between peers and the broker at `target`.
    pub fn start(target: &str, kind: Kind) -> Result<Self, String> {
        let describe = |error: zmq::Error| format!("the proxy of a mutation: {error}");
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
                    eprintln!("the proxy of a mutation ends: {error}");
                    return;
                }
            }
        });
        Ok(Self { endpoint, is_over, thread: Some(thread) })
    }

    /// Where peers connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for FrameProxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to hand over, and a panic of its was printed.
            let _ = thread.join();
        }
    }
}

/// A connection to the broker for each peer, under that peer's identity.
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
        zmq::poll(&mut items, LOOK_MS)?;
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
            self.hand_over(&identity, message)?;
        }
        Ok(())
    }

    fn hand_over(&mut self, identity: &[u8], message: Message) -> Result<(), zmq::Error> {
        if !self.peers.contains_key(identity) {
            let socket = self.context.socket(zmq::DEALER)?;
            socket.set_linger(0)?;
            socket.set_identity(identity)?;
            socket.connect(&self.target)?;
            self.peers.insert(identity.to_owned(), (socket, Held::default()));
        }
        let (socket, held) = self.peers.get_mut(identity).expect("it was inserted");
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
    fn each_mutation_changes_what_it_says_and_nothing_else() {
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
    fn the_first_two_partial_replies_change_places() {
        let mut held = Held::default();
        let partial = |data: &str| message(&["W", "6", "c", "", "r", "0", data, "{}"]);
        let last = message(&["W", "3", "c", "", "r", "0", "2", "{}"]);
        assert!(Kind::SwapPartials.apply(partial("0"), &mut held).is_empty());
        assert_eq!(Kind::SwapPartials.apply(partial("1"), &mut held), [partial("1"), partial("0")]);
        assert_eq!(Kind::SwapPartials.apply(partial("2"), &mut held), [partial("2")]);
        assert_eq!(Kind::SwapPartials.apply(last.clone(), &mut held), [last]);
    }
}

//! The requests that a worker has been given and has not finished.

use std::collections::VecDeque;

use crate::entropy::Entropy;
use crate::index::{ByteHasher, Index, Map};
use crate::protocol::{Payload, PeerId, ReplyKind, RequestId};

/// What the user calls a request. Never used twice by a worker.
pub type Token = u64;

#[derive(Debug)]
pub(super) struct Active {
    pub(super) client: PeerId,
    pub(super) id: RequestId,
    /// Partial replies that may still be sent; `None`: any number.
    credit: Option<u64>,
    /// Replies that wait for credit, and those behind them.
    pub(super) backlog: VecDeque<(ReplyKind, Payload)>,
}

impl Active {
    pub(super) fn new(client: PeerId, id: RequestId, credit: Option<u32>) -> Self {
        Self { client, id, credit: credit.map(u64::from), backlog: VecDeque::new() }
    }

    /// Whether the final reply has been given, though it may still wait for credit.
    pub(super) fn is_answered(&self) -> bool {
        self.backlog.back().is_some_and(|(kind, _)| *kind == ReplyKind::Final)
    }

    /// The reply, if it may be sent now; it is kept if not.
    pub(super) fn submit(&mut self, kind: ReplyKind, payload: Payload) -> Option<Payload> {
        if self.backlog.is_empty() && self.spend(kind) {
            return Some(payload);
        }
        self.backlog.push_back((kind, payload));
        None
    }

    /// The next reply that was kept, if the credit allows it.
    pub(super) fn next_reply(&mut self) -> Option<(ReplyKind, Payload)> {
        let kind = self.backlog.front()?.0;
        if self.spend(kind) {
            self.backlog.pop_front()
        } else {
            None
        }
    }

    /// Whether the credit allows such a reply, which then counts as sent.
    fn spend(&mut self, kind: ReplyKind) -> bool {
        match (kind, &mut self.credit) {
            (ReplyKind::Partial, Some(0)) => return false,
            (ReplyKind::Partial, Some(credit)) => *credit -= 1,
            _ => {}
        }
        true
    }
}

#[derive(Debug)]
pub(super) struct ActiveRequests {
    slots: Map<Token, Active>,
    hasher: ByteHasher,
    by_id: Index<Token>,
    next_token: Token,
}

impl ActiveRequests {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        let hasher = ByteHasher::new(entropy.number());
        Self { slots: Map::default(), hasher, by_id: Index::default(), next_token: 0 }
    }

    fn hash(&self, client: &PeerId, id: &RequestId) -> u64 {
        self.hasher.hash_pair(client.as_bytes(), id.as_bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn find(&self, client: &PeerId, id: &RequestId) -> Option<Token> {
        let mut candidates = self.by_id.candidates(self.hash(client, id));
        candidates.find(|token| {
            let request = &self.slots[token];
            request.client == *client && request.id == *id
        })
    }

    pub(super) fn get_mut(&mut self, token: Token) -> Option<&mut Active> {
        self.slots.get_mut(&token)
    }

    pub(super) fn insert(&mut self, request: Active) -> Token {
        self.next_token += 1;
        self.by_id.insert(self.hash(&request.client, &request.id), self.next_token);
        self.slots.insert(self.next_token, request);
        self.next_token
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<Active> {
        let request = self.slots.remove(&token)?;
        self.by_id.remove(self.hash(&request.client, &request.id), token);
        Some(request)
    }

    /// Gives a request more credit; one that had no limit has one from now on.
    pub(super) fn add_credit(&mut self, token: Token, partials: u32) {
        if let Some(request) = self.slots.get_mut(&token) {
            request.credit = Some(request.credit.unwrap_or(0).saturating_add(u64::from(partials)));
        }
    }

    /// Forgets all requests and returns their tokens, the oldest first.
    pub(super) fn clear(&mut self) -> Vec<Token> {
        let mut tokens: Vec<Token> = self.slots.drain().map(|(token, _)| token).collect();
        self.by_id = Index::default();
        tokens.sort_unstable();
        tokens
    }
}

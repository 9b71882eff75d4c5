//! The requests that a worker has been given and has not finished.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::protocol::{Payload, PeerId, ReplyKind, RequestId};

/// What the user calls a request. Never used twice by a worker.
pub type Token = u64;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

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

    /// The next reply to send, if the credit allows it.
    pub(super) fn next_reply(&mut self) -> Option<(ReplyKind, Payload)> {
        let (kind, _) = self.backlog.front()?;
        if *kind == ReplyKind::Partial {
            match &mut self.credit {
                Some(0) => return None,
                Some(credit) => *credit -= 1,
                None => {}
            }
        }
        self.backlog.pop_front()
    }
}

#[derive(Debug, Default)]
pub(super) struct ActiveRequests {
    slots: Map<Token, Active>,
    by_id: Map<(PeerId, RequestId), Token>,
    next_token: Token,
}

impl ActiveRequests {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn find(&self, client: &PeerId, id: &RequestId) -> Option<Token> {
        self.by_id.get(&(client.clone(), id.clone())).copied()
    }

    pub(super) fn get_mut(&mut self, token: Token) -> Option<&mut Active> {
        self.slots.get_mut(&token)
    }

    pub(super) fn insert(&mut self, request: Active) -> Token {
        self.next_token += 1;
        self.by_id.insert((request.client.clone(), request.id.clone()), self.next_token);
        self.slots.insert(self.next_token, request);
        self.next_token
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<Active> {
        let request = self.slots.remove(&token)?;
        self.by_id.remove(&(request.client.clone(), request.id.clone()));
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
        self.by_id.clear();
        tokens.sort_unstable();
        tokens
    }
}

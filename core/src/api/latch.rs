//! An event that happens once and that many tasks may wait for.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use super::wait::remember;

#[derive(Debug, Clone, Default)]
pub(super) struct Latch(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    is_set: bool,
    waiting: Vec<Waker>,
}

impl Latch {
    pub(super) fn set(&self) {
        let mut state = self.0.lock();
        state.is_set = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) async fn wait(&self) {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if state.is_set {
                return Poll::Ready(());
            }
            remember(&mut state.waiting, context.waker());
            Poll::Pending
        })
        .await;
    }
}

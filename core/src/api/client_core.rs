//! What all clones of a client and all its responses share, and the sink of the client's events.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;
use pigato_proto::index::Map;

use super::events::{tell, Listener, PeerEvent};
use super::latch::Latch;
use super::reply::failure;
use super::response_state::ResponseState;
use super::wait::wait_for_peer;
use crate::client::{Event, RequestNumber};
use crate::config::{ClientOptions, RequestOptions};
use crate::endpoint::{open_client, ClientCommand};
use crate::error::{Error, ErrorCode};
use crate::protocol::{Frame, ServiceName};
use crate::reactor::{Engine, EventSink, Handle};

/// What all clones of a client and all its responses share.
#[derive(Debug)]
pub(super) struct ClientCore {
    handle: Handle<ClientCommand>,
    state: Arc<ClientState>,
    next_number: AtomicU64,
}

/// The part that the I/O thread shares.
#[derive(Debug, Default)]
struct ClientState {
    responses: Mutex<Map<RequestNumber, Arc<ResponseState>>>,
    is_connected: AtomicBool,
    stopped: Latch,
}

impl ClientCore {
    /// Starts the client on the I/O thread.
    pub(super) fn open(endpoint: &str, options: ClientOptions, mut listener: Listener) -> Result<Self, Error> {
        let engine = Engine::current()?;
        let state = Arc::new(ClientState::default());
        tell(&mut listener, PeerEvent::Started);
        let sink =
            ClientSink { endpoint: endpoint.to_owned(), state: Arc::clone(&state), listener, wakers: Vec::new() };
        let handle = open_client(&engine, endpoint, options, Box::new(sink))?;
        Ok(Self { handle, state, next_number: AtomicU64::new(1) })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state.is_connected.load(Ordering::Acquire)
    }

    /// Stops the client and waits until it has stopped. Does nothing in a forked child.
    pub(super) async fn stop(&self) {
        if self.handle.is_inherited() {
            return;
        }
        self.send(ClientCommand::Stop);
        self.state.stopped.wait().await;
    }

    pub(super) fn request(
        &self,
        service: Result<ServiceName, Error>,
        data: Result<Frame, Error>,
        options: RequestOptions,
    ) -> (RequestNumber, Arc<ResponseState>) {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(ResponseState::default());
        if self.handle.is_inherited() {
            state.failed(ErrorCode::Fork.into());
            return (number, state);
        }
        self.state.responses.lock().insert(number, Arc::clone(&state));
        let submitted = data.and_then(|data| {
            let service = service?;
            self.handle.submit(ClientCommand::Request { number, service, data, options: Box::new(options) })
        });
        if let Err(error) = submitted {
            self.state.responses.lock().remove(&number);
            state.failed(error);
        }
        (number, state)
    }

    /// Sends a command that ends something. Has no effect if the client has stopped.
    pub(super) fn send(&self, command: ClientCommand) {
        // The only possible error is that the client has stopped.
        let _ = self.handle.submit_urgent(command);
    }

    /// Blocks the calling thread until the future is ready. The thread leads meanwhile: it reads the connection itself.
    pub(super) fn wait_for<F: Future>(&self, future: F) -> F::Output {
        wait_for_peer(&self.handle, future)
    }

    /// Drops the state of a response that was dropped.
    pub(super) fn discard(&self, number: RequestNumber) {
        if !self.handle.is_inherited() {
            self.state.responses.lock().remove(&number);
        }
    }
}

impl Drop for ClientCore {
    fn drop(&mut self) {
        self.send(ClientCommand::Stop);
    }
}

struct ClientSink {
    endpoint: String,
    state: Arc<ClientState>,
    listener: Listener,
    /// Wakers to call at the end of a batch.
    wakers: Vec<Waker>,
}

impl ClientSink {
    fn take(&self, number: RequestNumber) -> Option<Arc<ResponseState>> {
        self.state.responses.lock().remove(&number)
    }

    fn tell(&mut self, event: PeerEvent) {
        tell(&mut self.listener, event);
    }
}

impl EventSink<Event> for ClientSink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            match event {
                Event::Partial { number, payload } => {
                    let response = self.state.responses.lock().get(&number).cloned();
                    let Some((waker, is_over)) = response.map(|response| response.partial(payload)) else { continue };
                    self.wakers.extend(waker);
                    if is_over {
                        self.take(number);
                    }
                }
                Event::Final { number, payload } => {
                    let response = self.take(number);
                    self.wakers.extend(response.and_then(|response| response.finished(payload)));
                }
                Event::Failed { number, code } => {
                    let response = self.take(number);
                    let error = failure(code, &self.endpoint, self.state.is_connected.load(Ordering::Acquire));
                    self.wakers.extend(response.and_then(|response| response.failed(error)));
                }
                Event::Connected => {
                    self.state.is_connected.store(true, Ordering::Release);
                    self.tell(PeerEvent::Connected);
                }
                Event::Disconnected => {
                    self.state.is_connected.store(false, Ordering::Release);
                    self.tell(PeerEvent::Disconnected);
                }
                Event::Stopped => {
                    self.tell(PeerEvent::Stopped);
                    self.state.stopped.set();
                }
                Event::ProtocolError(malformed) => self.tell(PeerEvent::ProtocolError(malformed)),
            }
        }
        self.wakers.drain(..).for_each(Waker::wake);
    }
}

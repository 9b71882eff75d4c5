//! The client.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;

use super::client_core::ClientCore;
use super::events::{silent, Listener, PeerEvent};
use super::reply::{Reply, RequestError};
use super::response::Response;
use super::wait::wait_for;
use crate::config::{ClientOptions, Codec, RequestOptions, Timeout};
use crate::endpoint::service_name;
use crate::error::{Error, ErrorCode};
use crate::protocol::{Frame, ServiceName};

/// Makes requests through a broker.
///
/// Cheap to clone; all clones are one client with one connection. It stops when [`Client::stop`] is called or the last
/// clone and the last [`Response`] are dropped; what is unanswered then fails with `C_CLOSED`.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = pigato::Client::connect("tcp://127.0.0.1:55555")?;
/// let answer: String = client.call_blocking("echo", &"hello")?;
/// assert_eq!(answer, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    core: Arc<ClientCore>,
}

/// What a client is made from.
#[must_use = "call start"]
pub struct ClientBuilder {
    endpoint: String,
    options: ClientOptions,
    listener: Listener,
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("endpoint", &self.endpoint).field("options", &self.options).finish()
    }
}

impl ClientBuilder {
    /// Replaces all options.
    pub fn options(mut self, options: ClientOptions) -> Self {
        self.options = options;
        self
    }

    /// How long requests wait without a reply, unless they say otherwise. Default: 60 s.
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.options.timeout = timeout.into();
        self
    }

    /// Whether requests may be run again when their worker or the connection is lost, unless they say otherwise.
    pub fn retry(mut self, retry: bool) -> Self {
        self.options.retry = retry;
        self
    }

    /// Time between two heartbeats. Default: 2.5 s.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = heartbeat;
        self
    }

    /// First pause before reconnecting. Default: 1 s.
    pub fn reconnect(mut self, reconnect: Duration) -> Self {
        self.options.reconnect = reconnect;
        self
    }

    /// First part of the identity, which appears in the broker's log. Default: `C<uuid>`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.prefix = Some(prefix.into());
        self
    }

    /// Is told what happens to the connection, on the I/O thread or one that waits in a blocking call: it must not block.
    pub fn on_event(mut self, listener: impl FnMut(PeerEvent) + Send + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Starts the client. An endpoint that cannot be used is an error; a broker that is not there yet is not: requests
    /// made until then are sent when it is.
    pub fn start(self) -> Result<Client, Error> {
        let core = ClientCore::open(&self.endpoint, self.options, self.listener)?;
        Ok(Client { core: Arc::new(core) })
    }
}

impl Client {
    /// A client for the broker at `endpoint`, with all defaults.
    pub fn connect(endpoint: &str) -> Result<Self, Error> {
        Self::builder(endpoint).start()
    }

    /// A client for the broker at `endpoint` that is still to be told more.
    pub fn builder(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder { endpoint: endpoint.into(), options: ClientOptions::default(), listener: silent() }
    }

    /// A request with data that is sent as JSON.
    pub fn request<T: Serialize + ?Sized>(&self, service: &str, data: &T) -> RequestBuilder {
        let data =
            serde_json::to_vec(data).map(Frame::from).map_err(|error| Error::new(ErrorCode::Data, error.to_string()));
        self.builder_for(service, data, Codec::Json)
    }

    /// A request with bytes that are sent as they are (`{"codec":"raw"}`).
    pub fn request_raw(&self, service: &str, data: impl Into<Frame>) -> RequestBuilder {
        self.builder_for(service, Ok(data.into()), Codec::Raw)
    }

    fn builder_for(&self, service: &str, data: Result<Frame, Error>, codec: Codec) -> RequestBuilder {
        RequestBuilder {
            client: Arc::clone(&self.core),
            service: service_name(service),
            data,
            options: RequestOptions::default().codec(codec),
        }
    }

    /// Sends a request and decodes its final reply.
    pub async fn call<T, R>(&self, service: &str, data: &T) -> Result<R, RequestError>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let response = self.request(service, data).send();
        Ok(response.finish().await?.decode()?)
    }

    /// As [`Client::call`], on the present thread.
    pub fn call_blocking<T, R>(&self, service: &str, data: &T) -> Result<R, RequestError>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        self.core.wait_for(self.call(service, data))
    }

    /// Which workers offer which service: one service's workers as an array, or with `None` all of them as an object.
    pub async fn directory(&self, service: Option<&str>) -> Result<Value, RequestError> {
        self.call(super::services::DIRECTORY, &service).await
    }

    /// As [`Client::directory`], on the present thread.
    pub fn directory_blocking(&self, service: Option<&str>) -> Result<Value, RequestError> {
        self.core.wait_for(self.directory(service))
    }

    /// Whether the broker has answered on the present connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.core.is_connected()
    }

    /// Stops the client; all unanswered requests fail with `C_CLOSED`. Returns when that is done
    /// and what was sent has left, for which a peer that does not read has two seconds.
    pub async fn stop(&self) {
        self.core.stop().await;
    }

    /// As [`Client::stop`], on the present thread.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }
}

/// A request that is still to be sent. Awaiting it sends it and gives its final reply.
#[derive(Debug)]
#[must_use = "call send, or await it"]
pub struct RequestBuilder {
    client: Arc<ClientCore>,
    service: Result<ServiceName, Error>,
    data: Result<Frame, Error>,
    options: RequestOptions,
}

impl RequestBuilder {
    /// How long to wait without a reply. Each partial reply starts the time anew.
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Lets it be run again when its worker or the connection is lost: for requests that may run twice.
    pub fn retry(mut self, retry: bool) -> Self {
        self.options = self.options.retry(retry);
        self
    }

    /// Has this worker handle it and no other.
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.options = self.options.worker_id(worker_id);
        self
    }

    /// Passes by the broker's reply cache.
    pub fn no_cache(mut self) -> Self {
        self.options = self.options.no_cache(true);
        self
    }

    /// Ends it with `B_NO_WORKER` or `B_REJECTED` at once if nobody can take it.
    pub fn fail_fast(mut self) -> Self {
        self.options = self.options.fail_fast(true);
        self
    }

    /// Adds a key to the options that the worker sees.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options = self.options.header(name, value);
        self
    }

    /// Replaces all options but the codec.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options.codec(self.options.codec);
        self
    }

    /// Sends the request. What is wrong with it becomes the response's error.
    pub fn send(self) -> Response {
        let (token, state) = self.client.request(self.service, self.data, self.options);
        Response::new(self.client, token, state)
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Reply, RequestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send().finish())
    }
}

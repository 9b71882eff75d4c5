//! The client.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::Serialize;
use serde_json::Value;

use super::client_core::ClientCore;
use super::events::{silent, Listener};
use super::peer_builder::peer_builder_methods;
use super::reply::{Reply, RequestError};
use super::response::Response;
use super::wait::wait_for;
use crate::config::{ClientOptions, Codec, RequestOptions, Timeout};
use crate::endpoint::service_name;
use crate::error::{Error, ErrorCode};
use crate::protocol::{Frame, ServiceName};

/// Sends requests through a broker.
///
/// Cloning is cheap; all clones are one client with one connection. The client stops on [`Client::stop`], or when its last clone and
/// its last [`Response`] are dropped. Unanswered requests then fail with `C_CLOSED`. All methods may be called on any thread.
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

/// Builds a [`Client`].
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

    /// Sets the default timeout of requests: how long one may wait without a reply. Default: 60 s.
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.options.timeout = timeout.into();
        self
    }

    /// Sets whether requests run again by default when their worker or the connection is lost. Default: no.
    pub fn retry(mut self, retry: bool) -> Self {
        self.options.retry = retry;
        self
    }

    peer_builder_methods!();

    /// Starts the client. The broker need not run yet: the client sends requests as soon as it is connected.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` for an invalid endpoint, `E_OPTION` for an invalid option, `E_SYSTEM` if the system has no threads or
    /// sockets left.
    pub fn start(self) -> Result<Client, Error> {
        let core = ClientCore::open(&self.endpoint, self.options, self.listener)?;
        Ok(Client { core: Arc::new(core) })
    }
}

impl Client {
    /// Starts a client for the broker at `endpoint` with default options.
    ///
    /// # Errors
    ///
    /// As for [`ClientBuilder::start`].
    pub fn connect(endpoint: &str) -> Result<Self, Error> {
        Self::builder(endpoint).start()
    }

    /// A builder of a client for the broker at `endpoint`.
    pub fn builder(endpoint: impl Into<String>) -> ClientBuilder {
        ClientBuilder { endpoint: endpoint.into(), options: ClientOptions::default(), listener: silent() }
    }

    /// Prepares a request whose data is sent as JSON. [`RequestBuilder::send`] sends it.
    pub fn request<T: Serialize + ?Sized>(&self, service: &str, data: &T) -> RequestBuilder {
        let data =
            serde_json::to_vec(data).map(Frame::from).map_err(|error| Error::new(ErrorCode::Data, error.to_string()));
        self.builder_for(service, data, Codec::Json)
    }

    /// Prepares a request whose data is bytes (`{"codec":"raw"}`).
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

    /// Sends a request and decodes its final reply; skips partial ones.
    ///
    /// # Errors
    ///
    /// [`RequestError::Local`] if the request ended on this side, [`RequestError::Remote`] if a worker or the broker answered with an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the request.
    pub async fn call<T, R>(&self, service: &str, data: &T) -> Result<R, RequestError>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let response = self.request(service, data).send();
        Ok(response.finish().await?.decode()?)
    }

    /// As [`Client::call`].
    ///
    /// # Errors
    ///
    /// As for [`Client::call`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the final reply.
    pub fn call_blocking<T, R>(&self, service: &str, data: &T) -> Result<R, RequestError>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        self.core.wait_for(self.call(service, data))
    }

    /// The directory: the workers of one service as an array, or with `None` of all services as an object.
    ///
    /// # Errors
    ///
    /// As for [`Client::call`].
    pub async fn directory(&self, service: Option<&str>) -> Result<Value, RequestError> {
        self.call(super::services::DIRECTORY, &service).await
    }

    /// As [`Client::directory`].
    ///
    /// # Errors
    ///
    /// As for [`Client::call`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the reply.
    pub fn directory_blocking(&self, service: Option<&str>) -> Result<Value, RequestError> {
        self.core.wait_for(self.directory(service))
    }

    /// Whether there is a session: the broker has sent a message on the current connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.core.is_connected()
    }

    /// Stops the client. Unanswered requests fail with `C_CLOSED`. Returns when everything it sent has left; a broker that does not read
    /// delays that by at most 2 s.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the wait; the client still stops.
    pub async fn stop(&self) {
        self.core.stop().await;
    }

    /// As [`Client::stop`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the client has stopped.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }
}

/// A request that is not sent yet. Awaiting it sends it and returns its final reply.
#[derive(Debug)]
#[must_use = "call send, or await it"]
pub struct RequestBuilder {
    client: Arc<ClientCore>,
    service: Result<ServiceName, Error>,
    data: Result<Frame, Error>,
    options: RequestOptions,
}

impl RequestBuilder {
    /// Sets how long the request may wait without a reply. Each partial reply restarts the time.
    pub fn timeout(mut self, timeout: impl Into<Timeout>) -> Self {
        self.options = self.options.timeout(timeout);
        self
    }

    /// Sets whether another worker runs the request again when its worker or the connection is lost. Use it only for requests that may
    /// run twice; their partial replies may repeat.
    pub fn retry(mut self, retry: bool) -> Self {
        self.options = self.options.retry(retry);
        self
    }

    /// Sets the identity of the only worker that may have the request.
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.options = self.options.worker_id(worker_id);
        self
    }

    /// Sets whether to bypass the broker's reply cache.
    pub fn no_cache(mut self) -> Self {
        self.options = self.options.no_cache(true);
        self
    }

    /// Sets whether the request ends with `B_NO_WORKER` or `B_REJECTED` at once instead of waiting for a worker.
    pub fn fail_fast(mut self) -> Self {
        self.options = self.options.fail_fast(true);
        self
    }

    /// Adds a header: a key of your own, which the worker's handler receives.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options = self.options.header(name, value);
        self
    }

    /// Replaces all options except the codec.
    pub fn options(mut self, options: RequestOptions) -> Self {
        self.options = options.codec(self.options.codec);
        self
    }

    /// Sends the request. An invalid request becomes an error of the response.
    pub fn send(self) -> Response {
        let (number, state) = self.client.request(self.service, self.data, self.options);
        Response::new(self.client, number, state)
    }
}

impl IntoFuture for RequestBuilder {
    type Output = Result<Reply, RequestError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send().finish())
    }
}

//! The client: requests with partial replies, floods, cancellation.

use std::collections::HashMap;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Mutex;
use std::thread::JoinHandle;

use pigato::config::ClientOptions;
use pigato::protocol::Frame;
use pigato::{CancelHandle, Client, Codec, ErrorCode, Reply, RequestBuilder, RequestError, RequestOptions, Response};
use serde_json::{json, Value};

use crate::{from_hexadecimal, say, teller, to_hexadecimal, Outcome, Role, Settings};

pub(crate) struct Driven {
    client: Client,
    cancels: Mutex<HashMap<String, CancelHandle>>,
    /// Senders that start the reading of held requests.
    held: Mutex<HashMap<String, Sender<()>>>,
    readers: Mutex<Vec<JoinHandle<()>>>,
}

pub(crate) fn start(settings: Settings) -> Outcome<Driven> {
    let options = ClientOptions::from_json(&settings.conf)?;
    let client = Client::builder(settings.endpoint).options(options).on_event(teller()).start()?;
    Ok(Driven { client, cancels: Mutex::default(), held: Mutex::default(), readers: Mutex::default() })
}

impl Role for Driven {
    fn command(&self, operation: &str, line: &Value) -> Outcome<()> {
        let tag = line["tag"].as_str().unwrap_or_default().to_owned();
        match operation {
            "request" => self.request(tag, line)?,
            "flood" => self.flood(tag, line)?,
            "cancel" => lock(&self.cancels).remove(&tag).ok_or("no request has this tag")?.cancel(),
            "read" => lock(&self.held).remove(&tag).ok_or("no held request has this tag")?.send(())?,
            _ => return Err(format!("no operation is called {operation}").into()),
        }
        Ok(())
    }

    fn stop(&self) {
        self.client.stop_blocking();
        lock(&self.held).clear();
        for reader in lock(&self.readers).drain(..) {
            // A panic of the thread is printed already.
            let _ = reader.join();
        }
    }
}

impl Driven {
    fn builder(&self, line: &Value) -> Outcome<RequestBuilder> {
        let service = line["service"].as_str().ok_or("a request needs a service")?;
        let options = match &line["opts"] {
            Value::Object(options) => RequestOptions::from_json(options)?,
            _ => RequestOptions::default(),
        };
        let builder = match line["bytes"].as_str() {
            Some(digits) => self.client.request_raw(service, Frame::from(from_hexadecimal(digits)?)),
            None => self.client.request(service, &line["data"]),
        };
        Ok(builder.options(options))
    }

    fn request(&self, tag: String, line: &Value) -> Outcome<()> {
        let response = self.builder(line)?.send();
        lock(&self.cancels).insert(tag.clone(), response.cancel_handle());
        let hold: Option<Receiver<()>> = (line["hold"] == true).then(|| {
            let (sender, receiver) = channel();
            lock(&self.held).insert(tag.clone(), sender);
            receiver
        });
        let reader = std::thread::spawn(move || {
            // An error means that the driver stops, and the request with it.
            if hold.map_or(Ok(()), |hold| hold.recv()).is_ok() {
                read(&tag, response);
            }
        });
        lock(&self.readers).push(reader);
        Ok(())
    }

    fn flood(&self, tag: String, line: &Value) -> Outcome<()> {
        let count = line["count"].as_u64().unwrap_or_default();
        let one = |number: u64| {
            let mut line = line.clone();
            line["data"] = json!(number);
            self.builder(&line).map(|builder| (number, builder.send()))
        };
        let responses = (0..count).map(one).collect::<Outcome<Vec<_>>>()?;
        std::thread::spawn(move || {
            let mut first_error = Value::Null;
            let mut ok = 0;
            for (number, response) in responses {
                match response.finish_blocking() {
                    Ok(reply) if reply.json().is_ok_and(|data| data == json!(number)) => ok += 1,
                    Ok(_) => first_error = json!("another answer"),
                    Err(error) => first_error = error_value(&error),
                }
            }
            say(json!({"event": "flooded", "tag": tag, "ok": ok, "failed": count - ok, "first_error": first_error}));
        });
        Ok(())
    }
}

fn read(tag: &str, mut response: Response) {
    while let Some(reply) = response.next_blocking() {
        match reply {
            Ok(reply) => tell(tag, &reply),
            Err(error) => {
                let event = if error.is_final() { "final" } else { "partial" };
                say(json!({"event": event, "tag": tag, "error": error_value(&error)}));
            }
        }
    }
}

fn tell(tag: &str, reply: &Reply) {
    let mut event = json!({"event": if reply.is_final() { "final" } else { "partial" }, "tag": tag, "error": 0});
    match reply.codec() {
        Codec::Raw => event["bytes"] = to_hexadecimal(reply.bytes()).into(),
        _ => event["data"] = reply.json().unwrap_or_else(|error| error.to_string().into()),
    }
    say(event);
}

/// The error as the published callback receives it: the error value or the code.
fn error_value(error: &RequestError) -> Value {
    match error {
        RequestError::Remote(remote) => remote.value(),
        local => local.code().map_or(Value::Null, |code: ErrorCode| code.as_str().into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("not poisoned")
}

//! Steps in which the runner itself plays a peer and sends and receives raw frames.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::scenario::Step;
use super::steps::{given, who, Steps, TIMEOUT};
use super::value;

/// Silence after which a subscriber counts as quiet: many times the interval between two
/// publications.
const QUIET: Duration = Duration::from_millis(300);

impl Steps<'_, '_> {
    pub(super) fn send_frames(&mut self, step: &Step) -> Result<(), String> {
        let frames = frames(step)?;
        let peer = self.stage.peer(who(step)?)?;
        for _ in 0..step.times.unwrap_or(1) {
            peer.send_multipart(frames.iter().flatten(), 0).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn receive_frames(&mut self, step: &Step) -> Result<(), String> {
        let expected = frames(step)?;
        let peer = self.stage.peer(who(step)?)?;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis() as i32;
            peer.set_rcvtimeo(left.max(1)).map_err(|error| error.to_string())?;
            let got =
                peer.recv_multipart(0).map_err(|error| format!("the expected message did not arrive: {error}"))?;
            let is_expected = |(one, other): (&Option<Vec<u8>>, &Vec<u8>)| one.as_ref().is_none_or(|one| one == other);
            if got.len() >= expected.len() && expected.iter().zip(&got).all(is_expected) {
                return Ok(());
            }
        }
    }

    pub(super) fn published(&mut self, step: &Step) -> Result<(), String> {
        let expected = value::read(given(step.are.as_ref(), "are")?)?;
        let expected = expected.as_object().ok_or("`are` must be an object")?;
        let subscriber = self.stage.peer(who(step)?)?;
        let deadline = Instant::now() + TIMEOUT;
        let mut last = "none".to_owned();
        loop {
            let left = deadline.saturating_duration_since(Instant::now()).as_millis() as i32;
            subscriber.set_rcvtimeo(left.max(1)).map_err(|error| error.to_string())?;
            let got = subscriber.recv_multipart(0).map_err(|error| format!("{error}; last publication: {last}"))?;
            last = String::from_utf8_lossy(&got.concat()).into_owned();
            let map = last.strip_prefix("$dir ").and_then(|map| serde_json::from_str::<Value>(map).ok());
            let map = map.ok_or_else(|| format!("unexpected publication: {last}"))?;
            let workers = |service: &str| map[service].as_array().map_or(0, Vec::len) as u64;
            if expected.iter().all(|(service, count)| count.as_u64() == Some(workers(service))) {
                return Ok(());
            }
        }
    }

    pub(super) fn quiet(&mut self, step: &Step) -> Result<(), String> {
        let subscriber = self.stage.peer(who(step)?)?;
        subscriber.set_rcvtimeo(QUIET.as_millis() as i32).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match subscriber.recv_multipart(0) {
                Err(zmq::Error::EAGAIN) => return Ok(()),
                Err(error) => return Err(error.to_string()),
                Ok(_) if Instant::now() > deadline => return Err("publications do not stop".to_owned()),
                Ok(_) => {}
            }
        }
    }
}

/// The step's frames; `None` matches any frame.
fn frames(step: &Step) -> Result<Vec<Option<Vec<u8>>>, String> {
    let frames = value::read(given(step.frames.as_ref(), "frames")?)?;
    let frames = frames.as_array().ok_or("`frames` must be an array")?;
    frames.iter().map(|frame| bytes_of(frame).map_err(|()| format!("{frame} is not a frame"))).collect()
}

fn bytes_of(frame: &Value) -> Result<Option<Vec<u8>>, ()> {
    match frame {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone().into_bytes())),
        _ => frame["hex"].as_str().and_then(from_hexadecimal).map(Some).ok_or(()),
    }
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let pairs = (0..digits.len()).step_by(2);
    pairs.map(|at| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

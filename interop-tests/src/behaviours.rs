//! The behaviours of a Rust worker, which a request's data selects: the same as in
//! `drivers/published`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use pigato::{HandlerError, ReplyWriter, Request};
use serde_json::{json, Value};

/// Performs the behaviour that the data's `do` names, and echoes any other data.
pub fn answer(request: &Request, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    let data = request.json()?;
    let value = data["value"].clone();
    match data["do"].as_str() {
        None => return Ok(data),
        Some("echo") => return Ok(value),
        Some("opts") => return Ok(request.options()),
        Some("pid") => return Ok(std::process::id().into()),
        Some("partials") => return partials(data["count"].as_u64().unwrap_or(0), reply),
        Some("stream") => return stream(data["file"].as_str().unwrap_or_default(), reply),
        Some("sleep") => {
            std::thread::sleep(Duration::from_millis(data["ms"].as_u64().unwrap_or(0)));
            return Ok(value);
        }
        Some("throw") => return Err(value.as_str().unwrap_or("thrown").into()),
        Some("error") => reply.error(&value)?,
        Some("reject") => reply.reject(&value)?,
        Some(other) => reply.error(&format!("unknown behaviour: {other}"))?,
    }
    Ok(Value::Null)
}

fn partials(count: u64, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    for number in 0..count {
        reply.write_blocking(&number)?;
    }
    Ok(json!(count))
}

fn stream(file: &str, reply: &ReplyWriter) -> Result<Value, HandlerError> {
    for line in BufReader::new(File::open(file)?).lines() {
        reply.write_blocking(&line?)?;
    }
    Ok(Value::Null)
}

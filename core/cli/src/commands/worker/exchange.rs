//! Feeds a command's standard input and reads its outputs while it runs.

use std::io;

use pigato::{limits, ReplyWriter};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tracing::info;

use super::process::Pipes;
use crate::data::json_or_string;

/// Maximum length of an output line and of a whole output that becomes the final reply. Equals the
/// default limit for the data of a request.
const OUTPUT_BYTES: usize = limits::BODY_BYTES;

/// Maximum chunk of output that becomes one partial reply of bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// How much of the end of standard error is part of an error reply.
const ERROR_BYTES: usize = 4 << 10;

/// How a command's output becomes replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// Each line is a partial reply.
    Lines,
    /// Each line is a partial reply, except the last, which is the final reply.
    LinesAndLast,
    /// Each chunk is a partial reply.
    Chunks,
    /// The whole output is the final reply.
    Whole,
}

/// The output that was not sent as partial replies.
#[derive(Debug)]
pub(super) struct OutputEnd {
    /// The data of the final reply.
    pub(super) last: Vec<u8>,
    /// The end of standard error.
    pub(super) stderr: Vec<u8>,
}

/// Writes the input and reads the outputs until the command closes them.
///
/// # Errors
///
/// The output cannot be read or is too long.
pub(super) async fn exchange(
    pipes: Pipes,
    input: Vec<u8>,
    output: Output,
    reply: &ReplyWriter,
) -> io::Result<OutputEnd> {
    let feeding = async {
        feed(pipes.stdin, &input).await;
        Ok(())
    };
    let reading = async {
        match output {
            Output::Lines => lines(pipes.stdout, false, reply).await,
            Output::LinesAndLast => lines(pipes.stdout, true, reply).await,
            Output::Chunks => chunks(pipes.stdout, reply).await,
            Output::Whole => whole(pipes.stdout).await,
        }
    };
    let ((), last, stderr) = futures_util::future::try_join3(feeding, reading, log(pipes.stderr)).await?;
    Ok(OutputEnd { last, stderr })
}

async fn feed(mut stdin: ChildStdin, input: &[u8]) {
    // Fails if the command does not read all of its input, which it need not do.
    let _ = stdin.write_all(input).await;
}

/// Sends each line as a partial reply. Ignores failed writes: the request is cancelled and the
/// command is being stopped, and it must not block on a full pipe meanwhile.
async fn lines(stdout: ChildStdout, keeps_last: bool, reply: &ReplyWriter) -> io::Result<Vec<u8>> {
    let mut stdout = BufReader::new(stdout);
    let mut last = None;
    while let Some(line) = line(&mut stdout).await? {
        let line = if keeps_last { last.replace(line) } else { Some(line) };
        if let Some(line) = line {
            let _ = reply.write(&value(&line)).await;
        }
    }
    Ok(last.unwrap_or_default())
}

/// Converts a line of output to JSON.
pub(super) fn value(line: &[u8]) -> Box<serde_json::value::RawValue> {
    json_or_string(&String::from_utf8_lossy(line))
}

/// Reads the next line, without its line break.
async fn line(stdout: &mut BufReader<ChildStdout>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // Plus 1 for the line break.
    let limit = OUTPUT_BYTES as u64 + 1;
    if stdout.take(limit).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.pop_if(|byte| *byte == b'\n').is_some() {
        line.pop_if(|byte| *byte == b'\r');
    } else if line.len() > OUTPUT_BYTES {
        return Err(too_long("a line"));
    }
    Ok(Some(line))
}

async fn chunks(mut stdout: ChildStdout, reply: &ReplyWriter) -> io::Result<Vec<u8>> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = stdout.read(&mut chunk).await?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let _ = reply.write_raw(chunk[..length].to_vec()).await;
    }
}

async fn whole(stdout: ChildStdout) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    stdout.take(OUTPUT_BYTES as u64 + 1).read_to_end(&mut output).await?;
    if output.len() > OUTPUT_BYTES {
        return Err(too_long("the output"));
    }
    Ok(output)
}

fn too_long(what: &str) -> io::Error {
    io::Error::other(format!("{what} is longer than {OUTPUT_BYTES} bytes"))
}

/// Logs the command's standard error and returns the last [`ERROR_BYTES`] of it.
async fn log(stderr: ChildStderr) -> io::Result<Vec<u8>> {
    let mut stderr = BufReader::new(stderr);
    let mut end = Vec::new();
    let mut line = Vec::new();
    while (&mut stderr).take(CHUNK_BYTES as u64).read_until(b'\n', &mut line).await? > 0 {
        info!("command stderr: {}", String::from_utf8_lossy(&line).trim_end());
        end.append(&mut line);
        end.drain(..end.len().saturating_sub(ERROR_BYTES));
    }
    Ok(end)
}

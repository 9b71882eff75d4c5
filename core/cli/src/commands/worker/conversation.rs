//! What goes into a command and comes out of it while it runs.

use std::io;

use pigato::{limits, ReplyWriter};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tracing::info;

use super::process::Pipes;
use crate::data::json_or_string;

/// Longest line of output, and most output that is kept for a final reply; as much as a request may have.
const OUTPUT_BYTES: usize = limits::BODY_BYTES;

/// Largest piece of output that becomes a partial reply of bytes.
const PIECE_BYTES: usize = 64 << 10;

/// As much of the end of standard error goes into an error.
const ERROR_BYTES: usize = 4 << 10;

/// How a command's output becomes replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// A line is a partial reply.
    Lines,
    /// A line is a partial reply, but the last one is the final reply.
    LinesAndLast,
    /// A piece is a partial reply.
    Pieces,
    /// All of it is the final reply.
    Whole,
}

/// What a command has said when it has finished talking.
#[derive(Debug)]
pub(super) struct Said {
    /// What is left for the final reply.
    pub(super) last: Vec<u8>,
    /// The end of its standard error.
    pub(super) stderr: Vec<u8>,
}

/// Talks with a command until it has closed its outputs. The error is one of the output that cannot be used.
pub(super) async fn hold(pipes: Pipes, input: Vec<u8>, output: Output, reply: &ReplyWriter) -> io::Result<Said> {
    let feeding = async {
        feed(pipes.stdin, &input).await;
        Ok(())
    };
    let listening = async {
        match output {
            Output::Lines => lines(pipes.stdout, false, reply).await,
            Output::LinesAndLast => lines(pipes.stdout, true, reply).await,
            Output::Pieces => pieces(pipes.stdout, reply).await,
            Output::Whole => whole(pipes.stdout).await,
        }
    };
    let ((), last, stderr) = futures_util::future::try_join3(feeding, listening, log(pipes.stderr)).await?;
    Ok(Said { last, stderr })
}

async fn feed(mut stdin: ChildStdin, input: &[u8]) {
    // A command need not read its input.
    let _ = stdin.write_all(input).await;
}

/// A reply that nobody waits for is no reason to stop listening: the command is being ended, and must not be stuck.
async fn lines(stdout: ChildStdout, keeps_last: bool, reply: &ReplyWriter) -> io::Result<Vec<u8>> {
    let mut stdout = BufReader::new(stdout);
    let mut held = None;
    while let Some(line) = line(&mut stdout).await? {
        let line = if keeps_last { held.replace(line) } else { Some(line) };
        if let Some(line) = line {
            let _ = reply.write(&value(&line)).await;
        }
    }
    Ok(held.unwrap_or_default())
}

/// A line of output as a value.
pub(super) fn value(line: &[u8]) -> Box<serde_json::value::RawValue> {
    json_or_string(&String::from_utf8_lossy(line))
}

/// The next line, without its end.
async fn line(stdout: &mut BufReader<ChildStdout>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // One for the line break.
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

async fn pieces(mut stdout: ChildStdout, reply: &ReplyWriter) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = stdout.read(&mut piece).await?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let _ = reply.write_raw(piece[..length].to_vec()).await;
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

/// Logs the command's standard error and returns its end.
async fn log(stderr: ChildStderr) -> io::Result<Vec<u8>> {
    let mut stderr = BufReader::new(stderr);
    let mut end = Vec::new();
    let mut line = Vec::new();
    while (&mut stderr).take(PIECE_BYTES as u64).read_until(b'\n', &mut line).await? > 0 {
        info!("the command says: {}", String::from_utf8_lossy(&line).trim_end());
        end.append(&mut line);
        end.drain(..end.len().saturating_sub(ERROR_BYTES));
    }
    Ok(end)
}

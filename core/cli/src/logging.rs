//! The log, on standard error.
//!
//! A separate thread writes the lines: a paused terminal or a pipe that nobody reads must block
//! neither the I/O thread nor signal handling. When the queue is full, lines are dropped and their
//! number is logged.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, SyncSender};
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;

/// Capacity of the queue between the loggers and the writer thread, in lines.
const QUEUE_LINES: usize = 4_096;

/// How long [`flush`] waits for the writer thread.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

static QUEUE: OnceLock<SyncSender<Item>> = OnceLock::new();
static DROPPED_LINES: AtomicU64 = AtomicU64::new(0);

/// The options that set the log level.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingArguments {
    /// Log level for standard error: error, warn, info, debug or trace
    ///
    /// The default is info for `broker` and `worker`, and warn for the other commands.
    #[arg(long, value_name = "LEVEL", env = "PIGATO_LOG", global = true)]
    log: Option<String>,

    /// Raise the log level by 1 step; may be repeated
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,

    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

impl LoggingArguments {
    fn filter(&self, default: Level) -> Result<EnvFilter, Failure> {
        let position = LEVELS.iter().position(|level| *level == default).unwrap_or_default();
        let level = match &self.log {
            _ if self.quiet => Level::ERROR.to_string(),
            _ if self.verbose > 0 => LEVELS[(position + usize::from(self.verbose)).min(LEVELS.len() - 1)].to_string(),
            Some(level) => level.clone(),
            None => default.to_string(),
        };
        EnvFilter::try_new(&level).map_err(|_| {
            Failure::usage(format!("invalid log level `{level}`"))
                .hint("Set --log or PIGATO_LOG to error, warn, info, debug or trace.")
        })
    }
}

enum Item {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Starts the writer thread and installs the logger.
pub(crate) fn start(arguments: &LoggingArguments, default: Level) -> Result<(), Failure> {
    let filter = arguments.filter(default)?;
    let (queue, items) = sync_channel(QUEUE_LINES);
    std::thread::Builder::new()
        .name("pigato-log".to_owned())
        .spawn(move || write_all(&items))
        .map_err(Failure::system)?;
    // Cannot fail: `start` runs once.
    let _ = QUEUE.set(queue);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_target(false).with_writer(Writers).init();
    Ok(())
}

/// Waits until the lines logged so far are written, for at most [`FLUSH_TIMEOUT`].
pub(crate) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    let (done, is_done) = sync_channel(1);
    if queue.try_send(Item::Flush(done)).is_ok() {
        // A timeout means that nobody reads the log.
        let _ = is_done.recv_timeout(FLUSH_TIMEOUT);
    }
}

fn write_all(items: &Receiver<Item>) {
    let mut stderr = io::stderr();
    for item in items {
        // Write errors are ignored: there is no other place to report them.
        match item {
            Item::Line(line) => {
                let _ = stderr.write_all(&line);
                let dropped = DROPPED_LINES.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    let _ = writeln!(stderr, "pigato: {dropped} log lines were dropped: the log was read too slowly");
                }
            }
            Item::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

struct Writers;

impl<'a> MakeWriter<'a> for Writers {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line
    }
}

/// Receives one formatted line per write.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_queued = QUEUE.get().is_some_and(|queue| queue.try_send(Item::Line(line.to_vec())).is_ok());
        if !is_queued {
            DROPPED_LINES.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

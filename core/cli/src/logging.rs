//! The log, on standard error.
//!
//! Lines are written by a thread of their own: a terminal that is paused, or a pipe that nobody reads, must hold up
//! neither the I/O thread nor the answer to a signal. Lines that find no room are counted and the count is logged.

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

/// Lines that wait for the writer.
const WAITING_LINES: usize = 4_096;

/// How long the end of the command waits for the last lines.
const LAST_LINES: Duration = Duration::from_millis(500);

const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

static QUEUE: OnceLock<SyncSender<Item>> = OnceLock::new();
static LOST_LINES: AtomicU64 = AtomicU64::new(0);

/// How much is logged.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(crate) struct LoggingArguments {
    /// Log this much to standard error: error, warn, info, debug or trace
    ///
    /// `broker` and `worker` log from info on, the others from warn on.
    #[arg(long, value_name = "LEVEL", env = "PIGATO_LOG", global = true)]
    log: Option<String>,

    /// Log more; twice, even more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,

    /// Log less: errors only
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
            Failure::usage(format!("`{level}` is no log level"))
                .hint("Use error, warn, info, debug or trace with --log or in PIGATO_LOG.")
        })
    }
}

enum Item {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Starts the log.
pub(crate) fn start(arguments: &LoggingArguments, default: Level) -> Result<(), Failure> {
    let filter = arguments.filter(default)?;
    let (queue, items) = sync_channel(WAITING_LINES);
    std::thread::Builder::new()
        .name("pigato-log".to_owned())
        .spawn(move || write_all(&items))
        .map_err(Failure::system)?;
    // Set once, at the start.
    let _ = QUEUE.set(queue);
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_target(false).with_writer(Writers).init();
    Ok(())
}

/// Waits until what was logged is written, but not for long.
pub(crate) fn flush() {
    let Some(queue) = QUEUE.get() else { return };
    let (done, is_done) = sync_channel(1);
    if queue.try_send(Item::Flush(done)).is_ok() {
        // Too late is as good as done: nobody reads.
        let _ = is_done.recv_timeout(LAST_LINES);
    }
}

fn write_all(items: &Receiver<Item>) {
    let mut stderr = io::stderr();
    for item in items {
        // A log that cannot be written has nobody left to tell.
        match item {
            Item::Line(line) => {
                let _ = stderr.write_all(&line);
                let lost = LOST_LINES.swap(0, Ordering::Relaxed);
                if lost > 0 {
                    let _ = writeln!(stderr, "pigato: {lost} lines of the log are missing here");
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

/// Takes one formatted line at a time.
struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let is_queued = QUEUE.get().is_some_and(|queue| queue.try_send(Item::Line(line.to_vec())).is_ok());
        if !is_queued {
            LOST_LINES.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! Reads the golden files; their README describes the format.

use std::fs;
use std::path::{Path, PathBuf};

use pigato_proto::protocol::Frame;
use serde::Deserialize;
use serde_json::Value;

/// A valid message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    pub(crate) name: String,
    pub(crate) direction: Direction,
    pub(crate) published: bool,
    pub(crate) canonical: bool,
    pub(crate) description: String,
    frames: Vec<Notation>,
    pub(crate) message: Value,
    sent_as: Option<Vec<Notation>>,
}

/// An invalid message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) name: String,
    pub(crate) direction: Direction,
    pub(crate) description: String,
    frames: Vec<Notation>,
    pub(crate) error: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Direction {
    #[serde(rename = "client->broker")]
    ClientToBroker,
    #[serde(rename = "broker->client")]
    BrokerToClient,
    #[serde(rename = "worker->broker")]
    WorkerToBroker,
    #[serde(rename = "broker->worker")]
    BrokerToWorker,
    #[serde(rename = "broker->subscribers")]
    BrokerToSubscribers,
}

/// The notation of a frame, or of several equal ones.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Notation {
    Text(String),
    Bytes { hex: String },
    Long { repeat: String, times: usize },
    Many { frames: usize, of: String },
}

impl Accepted {
    pub(crate) fn frames(&self) -> Vec<Frame> {
        frames(&self.frames)
    }

    /// The message as this implementation encodes it: unchanged, unless the file says otherwise.
    pub(crate) fn sent_as(&self) -> Vec<Frame> {
        frames(self.sent_as.as_ref().unwrap_or(&self.frames))
    }

    pub(crate) fn has_sent_as(&self) -> bool {
        self.sent_as.is_some()
    }
}

impl Refused {
    pub(crate) fn frames(&self) -> Vec<Frame> {
        frames(&self.frames)
    }
}

impl Notation {
    /// The frame and how often it occurs.
    pub(crate) fn frame(&self) -> (Frame, usize) {
        match self {
            Self::Text(text) => (Frame::from(text.as_str()), 1),
            Self::Bytes { hex } => (Frame::from(bytes(hex)), 1),
            Self::Long { repeat, times } => (Frame::from(repeat.repeat(*times)), 1),
            Self::Many { frames, of } => (Frame::from(of.as_str()), *frames),
        }
    }
}

fn frames(notations: &[Notation]) -> Vec<Frame> {
    let frames = notations.iter().map(Notation::frame);
    frames.flat_map(|(frame, count)| std::iter::repeat_n(frame, count)).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "two digits per byte: {hex}");
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal digits");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// All valid messages, including those with tolerated errors.
pub(crate) fn accepted() -> Vec<Accepted> {
    let malformed = paths("malformed").into_iter().filter(|path| !is_refused(path));
    paths("").into_iter().chain(malformed).map(|path| load(&path)).collect()
}

/// All invalid messages.
pub(crate) fn refused() -> Vec<Refused> {
    paths("malformed").iter().filter(|path| is_refused(path)).map(|path| load(path)).collect()
}

/// The file names without extensions.
pub(crate) fn names() -> Vec<String> {
    let all = paths("").into_iter().chain(paths("malformed"));
    all.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

fn is_refused(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("refused-"))
}

fn paths(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop-tests/golden").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    paths.sort();
    paths
}

fn load<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

//! Under which conditions a run took place.

use std::process::Command;

#[derive(Debug)]
pub(crate) struct Conditions {
    /// What, and how it was.
    pub(crate) lines: Vec<(&'static str, String)>,
}

impl Conditions {
    pub(crate) fn look(rounds: u32, scale: f64) -> Self {
        let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let lines = vec![
            ("processor", format!("{processors} × {}", field("/proc/cpuinfo", "model name"))),
            ("memory", field("/proc/meminfo", "MemTotal")),
            ("kernel", read("/proc/sys/kernel/osrelease")),
            ("load average before", read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
            ("rustc", says("rustc", "--version")),
            ("C compiler", says("cc", "--version")),
            ("Go", says("go", "version")),
            ("Node.js", says("node", "--version")),
            ("runs of each contender", format!("{rounds}, in turn; medians are told")),
            ("requests", format!("{scale} × those in the headings; the slow ones make a part of them")),
        ];
        Self { lines }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The first value with this name in a file of `name : value`.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// The first line that a program says about itself.
fn says(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.lines().next().map_or_else(|| "not there".to_owned(), str::to_owned)
}

//! The conditions of a run.

use std::process::Command;

#[derive(Debug)]
pub(crate) struct Conditions {
    /// Names and values.
    pub(crate) lines: Vec<(&'static str, String)>,
}

impl Conditions {
    pub(crate) fn read_all(rounds: u32, scale: f64) -> Self {
        let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let lines = vec![
            ("processor", format!("{processors} × {}", field("/proc/cpuinfo", "model name"))),
            ("memory", field("/proc/meminfo", "MemTotal")),
            ("kernel", read("/proc/sys/kernel/osrelease")),
            ("load average before", read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")),
            ("rustc", first_line_of("rustc", "--version")),
            ("C compiler", first_line_of("cc", "--version")),
            ("Go", first_line_of("go", "version")),
            ("Node.js", first_line_of("node", "--version")),
            ("runs of each contender", format!("{rounds}, in turn; figures are medians")),
            ("requests", format!("{scale} × those in the headings; slow contenders make a part of them")),
        ];
        Self { lines }
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// The value of the first line `name : value` in a file.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}

/// The first line that a program prints about itself.
fn first_line_of(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.lines().next().map_or_else(|| "not there".to_owned(), str::to_owned)
}

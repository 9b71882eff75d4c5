//! Reads the system's figures about this process.

use std::fs;
use std::time::Duration;

use nix::unistd::{sysconf, SysconfVar};

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect("the system tells").count()
}

/// Number of threads.
pub(crate) fn threads() -> usize {
    entries("/proc/self/task")
}

/// Number of open descriptors.
pub(crate) fn descriptors() -> usize {
    // Without the descriptor that reads the directory.
    entries("/proc/self/fd") - 1
}

/// Processor time of all threads so far, in user and system mode.
pub(crate) fn processor_time() -> Duration {
    let status = fs::read_to_string("/proc/self/stat").expect("the system tells");
    // The program's name, in parentheses, may contain any character.
    let fields: Vec<&str> = status.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u32>().expect("ticks");
    Duration::from_secs(1) * (ticks(11) + ticks(12))
        / u32::try_from(system_number(SysconfVar::CLK_TCK)).expect("a rate")
}

fn system_number(variable: SysconfVar) -> i64 {
    sysconf(variable).ok().flatten().expect("the system tells")
}

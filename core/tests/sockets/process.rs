//! What the system says about this process.

use std::fs;
use std::time::Duration;

use nix::unistd::{sysconf, SysconfVar};

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect("the system tells").count()
}

/// How many threads there are.
pub(crate) fn threads() -> usize {
    entries("/proc/self/task")
}

/// How many descriptors are open.
pub(crate) fn descriptors() -> usize {
    // Less the one that reads the directory.
    entries("/proc/self/fd") - 1
}

/// Processor time that all threads have used so far, in user and system mode.
pub(crate) fn processor_time() -> Duration {
    let status = fs::read_to_string("/proc/self/stat").expect("the system tells");
    // The name of the program, in parentheses, may contain anything.
    let fields: Vec<&str> = status.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u32>().expect("ticks");
    Duration::from_secs(1) * (ticks(11) + ticks(12))
        / u32::try_from(system_number(SysconfVar::CLK_TCK)).expect("a rate")
}

fn system_number(variable: SysconfVar) -> i64 {
    sysconf(variable).ok().flatten().expect("the system tells")
}

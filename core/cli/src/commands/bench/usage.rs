//! Reads the CPU time and memory of processes from `/proc`.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;

/// A tick in `/proc/…/stat` is 10 ms on Linux.
const MICROSECONDS_PER_TICK: f64 = 10_000.0;

/// Resident memory in bytes.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Memory {
    pub(super) now: u64,
    /// The peak so far.
    pub(super) most: u64,
}

impl std::iter::Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self { now: sum.now + one.now, most: sum.most + one.most })
    }
}

fn place(process: u32) -> PathBuf {
    PathBuf::from("/proc").join(process.to_string())
}

/// CPU time of all threads so far in microseconds; `None` if the system does not report it.
pub(super) fn cpu_microseconds(process: u32) -> Option<f64> {
    // The first is exact; the second is coarse but includes threads that have ended.
    Some(cpu_of_threads(process)?.max(cpu_in_ticks(process)?))
}

fn cpu_in_ticks(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(place(process).join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit(") ").next()?.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) * MICROSECONDS_PER_TICK)
}

fn cpu_of_threads(process: u32) -> Option<f64> {
    let tasks = fs::read_dir(place(process).join("task")).ok()?;
    let nanoseconds = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    Some(nanoseconds.sum::<f64>() / 1e3)
}

/// Resident memory; `None` if the system does not report it.
pub(super) fn memory(process: u32) -> Option<Memory> {
    let status = fs::read_to_string(place(process).join("status")).ok()?;
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    Some(Memory { now: kibibytes("VmRSS")? << 10, most: kibibytes("VmHWM")? << 10 })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{cpu_microseconds, memory};

    #[test]
    fn this_process_uses_cpu_time_and_memory() {
        let process = std::process::id();
        assert!(cpu_microseconds(process).unwrap() > 0.0);
        let memory = memory(process).unwrap();
        assert!(memory.now > 100_000 && memory.most >= memory.now, "{memory:?}");
    }

    #[test]
    fn a_missing_process_has_no_usage() {
        assert!(memory(u32::MAX).is_none() && cpu_microseconds(u32::MAX).is_none());
    }
}

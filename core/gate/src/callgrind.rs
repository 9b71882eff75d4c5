//! Runs this program under callgrind and reads the number of instructions.

use std::process::Command;

/// The first argument of a process that runs a scenario.
pub(crate) const SCENARIO: &str = "scenario";

/// The number of instructions within [`measured`](crate::measured), over all calls.
pub(crate) fn count(scenario: &str) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot find the path of this program: {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*pigato_gate::measured*"])
        .arg(program)
        .args([SCENARIO, scenario])
        // Addresses determine the order of hash tables, and the environment shifts addresses.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        // Otherwise glibc selects its copy functions by the processor.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM")
        .output()
        .map_err(|error| format!("could not run valgrind: {error}. `make setup-test` installs it."))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("scenario {scenario} failed:\n{log}"));
    }
    let collected = log.lines().find_map(|line| line.split_once("Collected :"));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    // A count of 0 means that the function was not found.
    count.filter(|count| *count > 0).ok_or_else(|| format!("valgrind counted nothing:\n{log}"))
}

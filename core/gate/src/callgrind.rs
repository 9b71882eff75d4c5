//! Runs this program again under callgrind and reads how many instructions it counted.

use std::process::Command;

/// The first argument of a process that does a scenario.
pub(crate) const SCENARIO: &str = "scenario";

/// The instructions within [`measured`](crate::measured), in all its calls.
pub(crate) fn count(scenario: &str) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--toggle-collect=*pigato_gate::measured*"])
        .arg(program)
        .args([SCENARIO, scenario])
        // Where things lie decides where hash tables keep them, and the environment lies in memory too.
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        // Else the copies that glibc makes depend on the processor.
        .env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM")
        .output()
        .map_err(|error| format!("could not run valgrind: {error}. `make setup-test` installs it."))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("scenario {scenario} failed:\n{log}"));
    }
    let collected = log.lines().find_map(|line| line.split_once("Collected :"));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    // Nothing counted: the function was not found.
    count.filter(|count| *count > 0).ok_or_else(|| format!("valgrind counted nothing:\n{log}"))
}

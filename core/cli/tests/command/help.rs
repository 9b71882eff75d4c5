//! `--help` and `--version`.

use crate::support::run;

/// Every option of every command. A new option must be added here, so that nobody forgets to
/// document it.
const OPTIONS: [(&str, &[&str]); 6] = [
    (
        "broker",
        &[
            "--config",
            "--bind",
            "--intch",
            "--heartbeat",
            "--heartbeat-liveness",
            "--dispatch",
            "--drain",
            "--name",
            "--max-requests",
            "--max-request-bytes",
            "--max-body-bytes",
            "--max-workers",
            "--cache-bytes",
            "--json",
        ],
    ),
    (
        "request",
        &["--endpoint", "--timeout", "--retry", "--worker", "--fail-fast", "--no-cache", "--header", "--raw", "--json"],
    ),
    (
        "worker",
        &[
            "--exec",
            "--endpoint",
            "--concurrency",
            "--timeout",
            "--last",
            "--raw",
            "--drain",
            "--heartbeat",
            "--prefix",
        ],
    ),
    ("dir", &["--endpoint", "--timeout", "--json"]),
    ("demo", &["--requests", "--endpoint"]),
    (
        "bench",
        &[
            "--brokers",
            "--workers",
            "--clients",
            "--in-flight",
            "--rate",
            "--requests",
            "--waves",
            "--body",
            "--services",
            "--service",
            "--endpoint",
            "--timeout",
            "--processes",
            "--json",
        ],
    ),
];

const GLOBAL_OPTIONS: [&str; 4] = ["--log", "--verbose", "--quiet", "--help"];

/// The options that a help text lists, in order of appearance.
fn listed(help: &str) -> Vec<&str> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    long.map(|word| word.trim_end_matches(['.', ','])).collect()
}

#[test]
fn the_help_of_each_command_lists_its_options_and_shows_examples() {
    for (command, options) in OPTIONS {
        let help = run([command, "--help"]).success();
        let mut expected: Vec<_> = options.iter().chain(&GLOBAL_OPTIONS).copied().collect();
        let mut listed = listed(&help);
        expected.sort_unstable();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed, expected, "{command}");
        assert!(help.contains("Examples:"), "{command} has no examples");
        assert!(help.contains(&format!("  pigato {command}")), "{command} has no example of itself");
        assert!(!help.contains('\u{1b}'), "{command}: colours in a pipe");
        assert!(!run([command, "-h"]).success().is_empty());
    }
}

#[test]
fn the_top_level_help_lists_commands_and_exit_statuses() {
    let help = run(["--help"]).success();
    for (command, _) in OPTIONS {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is missing");
    }
    for status in ["0  success", "1  the service", "2  wrong usage", "3  no reply", "4  the broker", "5  ", "130  "] {
        assert!(help.contains(&format!("\n  {status}")), "{status} is missing");
    }
}

#[test]
fn environment_variables_are_documented() {
    assert!(run(["request", "--help"]).success().contains("[env: PIGATO_ENDPOINT="));
    assert!(run(["--help"]).success().contains("[env: PIGATO_LOG="));
    let worker = run(["worker", "--help"]).success();
    for name in ["PIGATO_SERVICE", "PIGATO_CLIENT", "PIGATO_OPTIONS", "PIGATO_ATTEMPT"] {
        assert!(worker.contains(name), "{name} is missing");
    }
}

#[test]
fn the_version_includes_that_of_libzmq() {
    let version = run(["--version"]).success();
    assert!(version.starts_with(&format!("pigato {} (libzmq 4.", env!("CARGO_PKG_VERSION"))), "{version}");
}

#[test]
fn without_a_command_the_help_is_printed() {
    let no_command: [&str; 0] = [];
    run(no_command).expect(2, &["Usage: pigato", "broker", "demo"]);
}

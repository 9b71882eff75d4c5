//! Tests the matrix itself: a language that is broken on purpose fails exactly the expected cells.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The languages to break, each with another binding.
const LANGUAGES: [&str; 2] = ["c", "node"];

/// Cells with the broken language as client or worker, and one without it.
const CELLS: [&str; 11] = [
    "cache/go/LANGUAGE/rust",
    "echo/go/LANGUAGE/rust",
    "error/LANGUAGE/rust/go",
    "error/go/LANGUAGE/rust",
    "options/LANGUAGE/rust/go",
    "options/rust/LANGUAGE/go",
    "options/rust/rust/rust",
    "partials/LANGUAGE/go/rust",
    "partials/go/LANGUAGE/rust",
    "silent-once-cancelled/LANGUAGE/go/rust",
    "silent-once-cancelled/go/LANGUAGE/rust",
];

/// The cells that fail with a mutation of a language.
fn failed_cells(language: &str, mutation: &str) -> Vec<String> {
    let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{language}-{mutation}.json"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_interop"));
    command.arg("--break").arg(format!("{language}={mutation}")).arg("--json").arg(&report);
    command.args(CELLS.iter().flat_map(|cell| ["--only".to_owned(), cell.replace("LANGUAGE", language)]));
    let output = command.output().expect("the runner starts");
    let text = std::fs::read_to_string(&report)
        .unwrap_or_else(|error| panic!("no report ({error}): {}", String::from_utf8_lossy(&output.stderr)));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["counts"]["executed"], CELLS.len());
    let cells = report["cells"].as_array().expect("cells").iter().filter(|cell| cell["outcome"] == "failed");
    let text = |cell: &Value, member: &str| cell[member].as_str().expect("text").to_owned();
    let mut red: Vec<String> = cells
        .map(|cell| ["scenario", "client", "worker", "broker"].map(|member| text(cell, member)).join("/"))
        .collect();
    red.sort();
    red
}

/// Checks that exactly these cells fail, for each broken language.
fn fails_exactly(mutation: &str, cells: &[&str]) {
    std::thread::scope(|scope| {
        for language in LANGUAGES {
            scope.spawn(move || {
                let mut expected: Vec<String> = cells.iter().map(|cell| cell.replace("LANGUAGE", language)).collect();
                expected.sort();
                assert_eq!(failed_cells(language, mutation), expected, "{language}");
            });
        }
    });
}

#[test]
fn dropped_options_fail_the_cells_that_need_options() {
    fails_exactly("drop-options", &["cache/go/LANGUAGE/rust", "options/LANGUAGE/rust/go"]);
}

#[test]
fn swapped_partial_replies_fail_the_streams_of_their_worker() {
    fails_exactly("swap-partials", &["partials/go/LANGUAGE/rust"]);
}

#[test]
fn a_repeated_final_reply_fails_every_cell_of_its_worker() {
    let all = [
        "cache/go/LANGUAGE/rust",
        "echo/go/LANGUAGE/rust",
        "error/go/LANGUAGE/rust",
        "options/rust/LANGUAGE/go",
        "partials/go/LANGUAGE/rust",
        "silent-once-cancelled/go/LANGUAGE/rust",
    ];
    fails_exactly("repeat-reply", &all);
}

#[test]
fn a_reply_after_a_cancellation_fails_the_cells_with_cancellation() {
    fails_exactly("late-reply", &["silent-once-cancelled/go/LANGUAGE/rust"]);
}

#[test]
fn an_ignored_status_fails_the_error_cells_of_its_worker() {
    fails_exactly("ignore-status", &["error/go/LANGUAGE/rust"]);
}

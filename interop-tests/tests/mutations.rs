//! The suite's own test: a language that is broken on purpose fails exactly the cells that its fault shows in.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Languages that are broken, each over another binding.
const LANGUAGES: [&str; 2] = ["c", "node"];

/// Cells of every kind with the broken language as client or worker, and one without it.
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

/// The cells that fail when a language is broken so.
fn red(language: &str, mutation: &str) -> Vec<String> {
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

/// Exactly these cells fail, whichever language is broken.
fn shows_in(mutation: &str, cells: &[&str]) {
    std::thread::scope(|scope| {
        for language in LANGUAGES {
            scope.spawn(move || {
                let mut expected: Vec<String> = cells.iter().map(|cell| cell.replace("LANGUAGE", language)).collect();
                expected.sort();
                assert_eq!(red(language, mutation), expected, "{language}");
            });
        }
    });
}

#[test]
fn options_that_are_left_out_show_where_options_matter() {
    shows_in("drop-options", &["cache/go/LANGUAGE/rust", "options/LANGUAGE/rust/go"]);
}

#[test]
fn partial_replies_that_change_places_show_in_the_streams_of_their_worker() {
    shows_in("swap-partials", &["partials/go/LANGUAGE/rust"]);
}

#[test]
fn a_reply_after_the_final_one_shows_wherever_its_worker_answers() {
    let all = [
        "cache/go/LANGUAGE/rust",
        "echo/go/LANGUAGE/rust",
        "error/go/LANGUAGE/rust",
        "options/rust/LANGUAGE/go",
        "partials/go/LANGUAGE/rust",
        "silent-once-cancelled/go/LANGUAGE/rust",
    ];
    shows_in("repeat-reply", &all);
}

#[test]
fn a_reply_after_the_cancellation_shows_where_its_worker_is_told_of_one() {
    shows_in("late-reply", &["silent-once-cancelled/go/LANGUAGE/rust"]);
}

#[test]
fn a_status_that_is_ignored_shows_in_the_errors_of_its_worker() {
    shows_in("ignore-status", &["error/go/LANGUAGE/rust"]);
}

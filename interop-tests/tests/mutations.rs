//! The suite's own test: a language that is broken on purpose fails exactly the cells that its fault shows in.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Cells of every kind with the C client or worker, and one without.
const CELLS: [&str; 9] = [
    "cache/go/c/rust",
    "echo/go/c/rust",
    "error/c/rust/go",
    "error/go/c/rust",
    "options/c/rust/go",
    "options/rust/c/go",
    "options/rust/rust/rust",
    "partials/c/go/rust",
    "partials/go/c/rust",
];

/// The cells that fail when C is broken so.
fn red(mutation: &str) -> Vec<String> {
    let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{mutation}.json"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_interop"));
    command.arg("--break").arg(format!("c={mutation}")).arg("--json").arg(&report);
    command.args(CELLS.iter().flat_map(|cell| ["--only", cell]));
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

#[test]
fn options_that_are_left_out_show_where_options_matter() {
    assert_eq!(red("drop-options"), ["cache/go/c/rust", "options/c/rust/go"]);
}

#[test]
fn partial_replies_that_change_places_show_in_the_streams_of_their_worker() {
    assert_eq!(red("swap-partials"), ["partials/go/c/rust"]);
}

#[test]
fn a_reply_too_many_shows_wherever_its_worker_answers() {
    let all = ["cache/go/c/rust", "echo/go/c/rust", "error/go/c/rust", "options/rust/c/go", "partials/go/c/rust"];
    assert_eq!(red("repeat-reply"), all);
}

#[test]
fn a_status_that_is_ignored_shows_in_the_errors_of_its_worker() {
    assert_eq!(red("ignore-status"), ["error/go/c/rust"]);
}

//! Formats the results as JUnit XML for continuous integration systems.

use std::fmt::Write as _;

use super::super::cell::{Finished, Outcome};
use super::{reason, Run};

/// One test suite per scenario, one test case per cell.
#[must_use]
pub fn junit(run: &Run) -> String {
    let counts = run.counts();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let skipped = counts.skipped + counts.known;
    let all = run.cells.len();
    let seconds = run.took.as_secs_f64();
    let _ = writeln!(
        text,
        "<testsuites name=\"interop\" tests=\"{all}\" failures=\"{}\" skipped=\"{skipped}\" time=\"{seconds:.3}\">",
        counts.bad()
    );
    for cells in run.cells.chunk_by(|one, other| one.cell.scenario.name == other.cell.scenario.name) {
        suite(&mut text, cells);
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, cells: &[Finished]) {
    let scenario = &cells[0].cell.scenario;
    let bad = cells.iter().filter(|cell| cell.is_bad()).count();
    let skipped = cells.iter().filter(|cell| !cell.is_bad() && !reason(cell).is_empty()).count();
    let name = escaped(&format!("{}.{}", scenario.group, scenario.name));
    let all = cells.len();
    let _ = writeln!(text, "  <testsuite name=\"{name}\" tests=\"{all}\" failures=\"{bad}\" skipped=\"{skipped}\">");
    for cell in cells {
        let triple = escaped(&cell.cell.triple.to_string());
        let seconds = cell.took.as_secs_f64();
        let _ = write!(text, "    <testcase classname=\"{name}\" name=\"{triple}\" time=\"{seconds:.3}\"");
        let reason = escaped(&reason(cell));
        let element = match (&cell.outcome, cell.is_bad()) {
            (Outcome::Passed, false) => "/>\n".to_owned(),
            (Outcome::Failed { log, .. }, true) => {
                format!(">\n      <failure message=\"{reason}\">{}</failure>\n    </testcase>\n", escaped(log))
            }
            (_, true) => format!("><failure message=\"{reason}\"/></testcase>\n"),
            (_, false) => format!("><skipped message=\"{reason}\"/></testcase>\n"),
        };
        text.push_str(&element);
    }
    text.push_str("  </testsuite>\n");
}

/// Escapes text for XML and HTML. Replaces control characters, which XML cannot contain.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

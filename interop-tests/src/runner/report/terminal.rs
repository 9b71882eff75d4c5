//! Prints progress during the run and a table of the results.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use super::super::cell::Finished;
use super::{reason, Counts, Run};

/// Prints failures immediately, and a progress line if standard error is a terminal.
#[derive(Debug)]
pub struct Progress {
    counts: Counts,
    all: usize,
    is_terminal: bool,
}

impl Progress {
    /// Progress of `all` cells.
    #[must_use]
    pub fn new(all: usize) -> Self {
        Self { counts: Counts::default(), all, is_terminal: std::io::stderr().is_terminal() }
    }

    /// Reports a completed cell.
    pub fn update(&mut self, finished: &Finished) {
        let mut output = std::io::stderr().lock();
        self.counts.add(finished);
        let clear = if self.is_terminal { "\r\x1b[K" } else { "" };
        // Write errors are ignored: a closed terminal must not stop the run.
        if finished.is_bad() {
            let _ = writeln!(output, "{clear}FAILED {}: {}", finished.cell, reason(finished));
        }
        let (done, all) = (self.counts.executed(), self.all);
        if self.is_terminal {
            let _ = write!(output, "{clear}{done} of {all}, {} bad; {}", self.counts.bad(), finished.cell);
            let _ = output.flush();
        } else if done.is_multiple_of(250) {
            let _ = writeln!(output, "{done} of {all} cells, {} bad", self.counts.bad());
        }
    }

    /// Removes the progress line.
    pub fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// Formats the results: a line per scenario, a line per role and language, then the failed cells.
#[must_use]
pub fn table(run: &Run) -> String {
    let mut text = String::new();
    let mut by_scenario: Vec<(String, Counts)> = Vec::new();
    let mut by_language: BTreeMap<(String, String), Counts> = BTreeMap::new();
    for finished in &run.cells {
        let name = format!("{}  {}", finished.cell.scenario.group, finished.cell.scenario.name);
        if by_scenario.last().is_none_or(|(last, _)| *last != name) {
            by_scenario.push((name, Counts::default()));
        }
        by_scenario.last_mut().expect("not empty").1.add(finished);
        for role in super::super::drivers::Role::ALL {
            let key = (role.to_string(), finished.cell.triple.of(role).to_owned());
            by_language.entry(key).or_default().add(finished);
        }
    }
    let head = |text: &mut String, first: &str| {
        let _ = writeln!(text, "{first:<46} {:>7} {:>7} {:>7} {:>7}", "passed", "failed", "known", "skipped");
    };
    let line = |text: &mut String, name: &str, counts: &Counts| {
        let failed = counts.failed + counts.unexpected + counts.unlisted;
        let _ = writeln!(text, "{name:<46} {:>7} {failed:>7} {:>7} {:>7}", counts.passed, counts.known, counts.skipped);
    };
    head(&mut text, "scenario");
    by_scenario.iter().for_each(|(name, counts)| line(&mut text, name, counts));
    text.push('\n');
    head(&mut text, "language");
    by_language.iter().for_each(|((role, language), counts)| line(&mut text, &format!("{role:<8}{language}"), counts));
    let bad = run.cells.iter().filter(|finished| finished.is_bad());
    for finished in bad {
        let _ = write!(
            text,
            "\nFAILED {}\n  {}\n  run again: cargo run -p pigato-interop -- --only {}\n",
            finished.cell,
            reason(finished),
            finished.cell
        );
    }
    let _ = writeln!(text, "\n{} in {:.0} s", run.counts(), run.took.as_secs_f64());
    text
}

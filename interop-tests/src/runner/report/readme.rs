//! Formats the results as a Markdown table: groups of scenarios by language.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::drivers::Role;
use super::{Counts, Run};

const BEGIN: &str = "<!-- interop matrix: begin -->";
const END: &str = "<!-- interop matrix: end -->";

/// Replaces the table between the markers.
pub fn with_table(text: &str, run: &Run) -> Result<String, String> {
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| format!("the marker {BEGIN} is missing"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("the marker {END} is missing"))?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", table(run)))
}

/// One row per group and one column per language, in any role: the numbers of passed, known and
/// failed cells.
fn table(run: &Run) -> String {
    let mut all: BTreeMap<&str, BTreeMap<&str, Counts>> = BTreeMap::new();
    for finished in &run.cells {
        let triple = &finished.cell.triple;
        let languages: BTreeSet<&str> = Role::ALL.iter().map(|role| triple.of(*role)).collect();
        let group = all.entry(&finished.cell.scenario.group).or_default();
        for language in languages {
            group.entry(language).or_default().add(finished);
        }
    }
    let languages: BTreeSet<&str> = all.values().flat_map(BTreeMap::keys).copied().collect();
    let mut text = String::from("| |");
    for language in &languages {
        let _ = write!(text, " {language} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(languages.len()));
    text.push('\n');
    for (group, counts) in &all {
        let _ = write!(text, "| {group} |");
        for language in &languages {
            let _ = write!(text, " {} |", field(counts.get(language).copied().unwrap_or_default()));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "\n{}.", run.counts());
    text
}

fn field(counts: Counts) -> String {
    let mut text = counts.passed.to_string();
    if counts.known > 0 {
        let _ = write!(text, ", {} known", counts.known);
    }
    if counts.bad() > 0 {
        let _ = write!(text, ", **{} failed**", counts.bad());
    }
    if counts.executed() == 0 && counts.bad() == 0 {
        text = "–".to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::super::cell::{Cell, Finished, Outcome, Triple};
    use super::*;

    fn finished(client: &str, outcome: Outcome, known: Option<&str>) -> Finished {
        let scenario = "name = \"echo\"\nabout = \"\"\nsteps = []\n";
        let mut scenario: super::super::super::scenario::Scenario = toml::from_str(scenario).unwrap();
        scenario.group = "basics".to_owned();
        let triple = Triple { client: client.to_owned(), worker: "go".to_owned(), broker: "go".to_owned() };
        let cell = Cell { scenario: Arc::new(scenario), triple };
        Finished { cell, outcome, took: Duration::ZERO, known: known.map(str::to_owned) }
    }

    #[test]
    fn the_table_between_the_markers_is_replaced() {
        let failed = || Outcome::Failed { why: String::new(), log: String::new() };
        let cells = vec![
            finished("c", Outcome::Passed, None),
            finished("c", failed(), None),
            finished("go", failed(), Some("so it is")),
        ];
        let run = Run { cells, took: Duration::ZERO, selection: String::new() };
        let text = with_table(&format!("before\n{BEGIN}\nold\n{END}\nafter\n"), &run).unwrap();
        let table = "| | c | go |\n|---|---|---|\n| basics | 1, **1 failed** | 1, 1 known, **1 failed** |\n";
        assert!(text.starts_with(&format!("before\n{BEGIN}\n{table}")), "{text}");
        assert!(text.ends_with(&format!("{END}\nafter\n")) && !text.contains("old"), "{text}");
        assert!(with_table("no markers", &run).is_err());
    }
}

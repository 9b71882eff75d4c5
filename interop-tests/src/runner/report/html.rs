//! Formats the results as an HTML page. The overview has a row per scenario and a field per role
//! and language, which links to the scenario's matrix: a row per client, a column per worker, and
//! in every field a square per broker. The square of a failed cell links to its log.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::cell::{Finished, Outcome};
use super::super::drivers::Role;
use super::junit::escaped;
use super::{reason, Counts, Run};

const STYLE: &str = include_str!("page.css");

/// The page, without external resources.
#[must_use]
pub fn html(run: &Run) -> String {
    let counts = run.counts();
    let state = if counts.bad() == 0 { "good" } else { "bad" };
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>PIGATO interop matrix</title>\n<style>{STYLE}</style>\n\
         <h1>PIGATO interop matrix</h1>\n<p class=\"{state}\"><b>{counts}</b> in {:.0} s ({}).</p>\n",
        run.took.as_secs_f64(),
        escaped(&run.selection)
    );
    text.push_str(
        "<p>Each field shows how many cells of a scenario passed with a language in a role, and links to the scenario's matrix. \
         There, each square is a cell; the square of a failed cell links to its log. <span class=\"square passed\">r</span> passed <span class=\"square failed\">r</span> failed \
         <span class=\"square known\">r</span> known failure <span class=\"square skipped\">r</span> skipped. \
         Point at a square to see the reason.</p>\n",
    );
    let rows = rows(run);
    failures(&mut text, run);
    overview(&mut text, &rows);
    rows.iter().for_each(|row| scenario(&mut text, row));
    logs(&mut text, run);
    text.push_str("</html>\n");
    text
}

/// The cells of one scenario, with their numbers in the run.
type Row<'r> = Vec<(usize, &'r Finished)>;

fn rows(run: &Run) -> Vec<Row<'_>> {
    let cells: Row<'_> = run.cells.iter().enumerate().collect();
    let is_one =
        |one: &(usize, &Finished), other: &(usize, &Finished)| one.1.cell.scenario.name == other.1.cell.scenario.name;
    cells.chunk_by(is_one).map(<[_]>::to_vec).collect()
}

fn failures(text: &mut String, run: &Run) {
    let bad: Vec<(usize, &Finished)> = run.cells.iter().enumerate().filter(|(_, cell)| cell.is_bad()).collect();
    if bad.is_empty() {
        return;
    }
    text.push_str("<h2>Failed</h2>\n<ul>\n");
    for (number, cell) in bad {
        let (name, why) = (escaped(&cell.cell.to_string()), escaped(&reason(cell)));
        let _ = writeln!(text, "<li><a href=\"#cell-{number}\">{name}</a> {why}");
    }
    text.push_str("</ul>\n");
}

/// The languages of a role in these cells.
fn languages<'r>(cells: &[(usize, &'r Finished)], role: Role) -> BTreeSet<&'r str> {
    cells.iter().map(|(_, cell)| cell.cell.triple.of(role)).collect()
}

fn overview(text: &mut String, rows: &[Row<'_>]) {
    let all: Row<'_> = rows.iter().flatten().copied().collect();
    let columns: Vec<(Role, BTreeSet<&str>)> = Role::ALL.iter().map(|role| (*role, languages(&all, *role))).collect();
    text.push_str("<table class=\"overview\">\n<thead><tr><th></th>");
    for (role, languages) in &columns {
        let _ = write!(text, "<th class=\"first\" colspan=\"{}\">{role}</th>", languages.len());
    }
    text.push_str("</tr>\n<tr><th>scenario</th>");
    for language in columns.iter().flat_map(|(_, languages)| languages) {
        let _ = write!(text, "<th class=\"language\"><span>{}</span></th>", escaped(language));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    let mut group = "";
    for row in rows {
        let scenario = &row[0].1.cell.scenario;
        if scenario.group != group {
            group = &scenario.group;
            let _ = writeln!(text, "<tr class=\"group\"><th>{}</th></tr>", escaped(group));
        }
        let (name, about) = (escaped(&scenario.name), escaped(&scenario.about));
        let _ = write!(text, "<tr><th><a href=\"#{name}\" title=\"{about}\">{name}</a></th>");
        for (role, languages) in &columns {
            for (position, language) in languages.iter().enumerate() {
                let first = if position == 0 { " first" } else { "" };
                field(text, first, &name, row.iter().filter(|(_, cell)| cell.cell.triple.of(*role) == *language));
            }
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table>\n");
}

/// The field of a language in a role: the worst result of its cells, and the number that passed.
fn field<'r>(text: &mut String, first: &str, name: &str, cells: impl Iterator<Item = &'r (usize, &'r Finished)>) {
    let mut counts = Counts::default();
    cells.for_each(|(_, cell)| counts.add(cell));
    let (state, number) = match counts {
        _ if counts.bad() > 0 => ("failed", format!("{}!", counts.bad())),
        _ if counts.known > 0 => ("known", counts.passed.to_string()),
        _ if counts.passed > 0 => ("passed", counts.passed.to_string()),
        _ if counts.skipped > 0 => ("skipped", String::new()),
        _ => {
            let _ = write!(text, "<td class=\"{}\"></td>", first.trim());
            return;
        }
    };
    let title = escaped(&counts.to_string());
    let _ = write!(text, "<td class=\"{state}{first}\" title=\"{title}\"><a href=\"#{name}\">{number}</a></td>");
}

/// The matrix of one scenario.
fn scenario(text: &mut String, cells: &[(usize, &Finished)]) {
    let scenario = &cells[0].1.cell.scenario;
    let (name, about) = (escaped(&scenario.name), escaped(&scenario.about));
    let (workers, brokers) = (languages(cells, Role::Worker), languages(cells, Role::Broker));
    let labels = labels(&brokers);
    let legend: Vec<String> =
        labels.iter().map(|(broker, label)| format!("<i>{label}</i> {}", escaped(broker))).collect();
    let _ = writeln!(
        text,
        "<section id=\"{name}\"><a class=\"close\" href=\"#top\">close</a><h2>{}: {name}</h2><p>{about} Rows are clients, columns are workers, squares are brokers ({}).</p>",
        escaped(&scenario.group),
        legend.join(", ")
    );
    text.push_str("<table><thead><tr><th></th>");
    for worker in &workers {
        let _ = write!(text, "<th>{}</th>", escaped(worker));
    }
    text.push_str("</tr></thead><tbody>\n");
    for client in languages(cells, Role::Client) {
        let _ = write!(text, "<tr><th>{}</th>", escaped(client));
        for worker in &workers {
            text.push_str("<td>");
            let is_here = |triple: &super::super::cell::Triple| triple.client == client && triple.worker == *worker;
            for (number, cell) in cells.iter().filter(|(_, cell)| is_here(&cell.cell.triple)) {
                square(text, *number, cell, &labels[cell.cell.triple.broker.as_str()]);
            }
            text.push_str("</td>");
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></section>\n");
}

/// The shortest unique prefix of each name.
fn labels<'n>(names: &BTreeSet<&'n str>) -> BTreeMap<&'n str, String> {
    let is_unique = |name: &str, start: &str| names.iter().all(|other| *other == name || !other.starts_with(start));
    let label = |name: &str| {
        let ends = name.char_indices().map(|(at, character)| at + character.len_utf8());
        ends.map(|end| &name[..end]).find(|start| is_unique(name, start)).unwrap_or(name).to_owned()
    };
    names.iter().map(|name| (*name, escaped(&label(name)))).collect()
}

fn state(cell: &Finished) -> &'static str {
    match (&cell.outcome, cell.is_bad()) {
        (Outcome::Passed, false) => "passed",
        (Outcome::Failed { .. }, false) => "known",
        (Outcome::Skipped { .. }, false) => "skipped",
        (_, true) => "failed",
    }
}

fn square(text: &mut String, number: usize, cell: &Finished, label: &str) {
    let title = escaped(format!("{} {}", cell.cell, reason(cell)).trim());
    let state = state(cell);
    let _ = if has_details(cell) {
        write!(text, "<a class=\"square {state}\" title=\"{title}\" href=\"#cell-{number}\">{label}</a>")
    } else {
        write!(text, "<span class=\"square {state}\" title=\"{title}\">{label}</span>")
    };
}

fn has_details(cell: &Finished) -> bool {
    cell.is_bad() || matches!(cell.outcome, Outcome::Failed { .. })
}

fn logs(text: &mut String, run: &Run) {
    for (number, cell) in run.cells.iter().enumerate().filter(|(_, cell)| has_details(cell)) {
        let (name, why) = (escaped(&cell.cell.to_string()), escaped(&reason(cell)));
        let scenario = escaped(&cell.cell.scenario.name);
        let log = match &cell.outcome {
            Outcome::Failed { log, .. } => escaped(log),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "<section id=\"cell-{number}\"><a class=\"close\" href=\"#top\">close</a><h2>{name}</h2><p>{} <a href=\"#{scenario}\">Matrix of the scenario</a></p>\
             <p class=\"bad\">{why}</p><pre>{log}</pre><p>Run again: <code>make interop ONLY={name}</code></p></section>",
            escaped(&cell.cell.scenario.about),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_the_shortest_unique_prefix_of_a_name() {
        let labels = labels(&["c", "published", "ruby", "rust"].into());
        assert_eq!(labels.values().collect::<Vec<_>>(), ["c", "p", "rub", "rus"]);
    }
}

//! The run as a page: a row for each scenario, a column for each client and worker, and in every field a square for each
//! broker. A square links to what it stands for; what failed has its log there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::cell::{Finished, Outcome};
use super::junit::escaped;
use super::{reason, Run};

const STYLE: &str = include_str!("page.css");

/// The page, complete in itself.
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
        "<p>A row is a scenario, a column a client → worker, a square a broker: <i>c</i>, <i>g</i>o, <i>n</i>ode, \
         <i>p</i>ublished, <i>r</i>ust. <span class=\"square passed\">r</span> passed \
         <span class=\"square failed\">r</span> failed <span class=\"square known\">r</span> failed as known \
         <span class=\"square skipped\">r</span> skipped; the reason is under the pointer, the log behind a click.</p>\n",
    );
    failures(&mut text, run);
    matrix(&mut text, run);
    logs(&mut text, run);
    text.push_str("</html>\n");
    text
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

fn matrix(text: &mut String, run: &Run) {
    let mut columns: Vec<(&str, &str)> =
        run.cells.iter().map(|c| (&*c.cell.triple.client, &*c.cell.triple.worker)).collect();
    columns.sort_unstable();
    columns.dedup();
    text.push_str("<table>\n<thead><tr><th></th>");
    for clients in columns.chunk_by(|one, other| one.0 == other.0) {
        let _ = write!(text, "<th colspan=\"{}\">{} →</th>", clients.len(), escaped(clients[0].0));
    }
    text.push_str("</tr>\n<tr><th>scenario</th>");
    for (_, worker) in &columns {
        let _ = write!(text, "<th class=\"worker\"><span>{}</span></th>", escaped(worker));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    let mut rows: Vec<(&str, Vec<(usize, &Finished)>)> = Vec::new();
    for (number, cell) in run.cells.iter().enumerate() {
        match rows.last_mut() {
            Some((name, cells)) if *name == cell.cell.scenario.name => cells.push((number, cell)),
            _ => rows.push((&cell.cell.scenario.name, vec![(number, cell)])),
        }
    }
    let mut group = "";
    for (_, cells) in &rows {
        let scenario = &cells[0].1.cell.scenario;
        if scenario.group != group {
            group = &scenario.group;
            let _ = writeln!(
                text,
                "<tr class=\"group\"><th>{}</th><td colspan=\"{}\"></td></tr>",
                escaped(group),
                columns.len()
            );
        }
        row(text, &columns, cells);
    }
    text.push_str("</tbody></table>\n");
}

fn row(text: &mut String, columns: &[(&str, &str)], cells: &[(usize, &Finished)]) {
    let scenario = &cells[0].1.cell.scenario;
    let _ = write!(text, "<tr><th title=\"{}\">{}</th>", escaped(&scenario.about), escaped(&scenario.name));
    let mut fields: BTreeMap<(&str, &str), Vec<&(usize, &Finished)>> = BTreeMap::new();
    for cell in cells {
        fields.entry((&cell.1.cell.triple.client, &cell.1.cell.triple.worker)).or_default().push(cell);
    }
    for column in columns {
        text.push_str("<td>");
        for (number, cell) in fields.get(column).into_iter().flatten() {
            square(text, *number, cell);
        }
        text.push_str("</td>");
    }
    text.push_str("</tr>\n");
}

fn state(cell: &Finished) -> &'static str {
    match (&cell.outcome, cell.is_bad()) {
        (Outcome::Passed, false) => "passed",
        (Outcome::Failed { .. }, false) => "known",
        (Outcome::Skipped { .. }, false) => "skipped",
        (_, true) => "failed",
    }
}

fn square(text: &mut String, number: usize, cell: &Finished) {
    let broker = &cell.cell.triple.broker;
    let title = escaped(format!("{} {}", cell.cell, reason(cell)).trim());
    let (state, letter) = (state(cell), escaped(&broker[..1]));
    let _ = if has_details(cell) {
        write!(text, "<a class=\"square {state}\" title=\"{title}\" href=\"#cell-{number}\">{letter}</a>")
    } else {
        write!(text, "<span class=\"square {state}\" title=\"{title}\">{letter}</span>")
    };
}

fn has_details(cell: &Finished) -> bool {
    cell.is_bad() || matches!(cell.outcome, Outcome::Failed { .. })
}

fn logs(text: &mut String, run: &Run) {
    for (number, cell) in run.cells.iter().enumerate().filter(|(_, cell)| has_details(cell)) {
        let (name, why) = (escaped(&cell.cell.to_string()), escaped(&reason(cell)));
        let log = match &cell.outcome {
            Outcome::Failed { log, .. } => escaped(log),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "<section id=\"cell-{number}\"><h3>{name}</h3><p>{}</p><p class=\"bad\">{why}</p><pre>{log}</pre></section>",
            escaped(&cell.cell.scenario.about)
        );
    }
}

//! The document: everything in it comes from the run, but for one part that is written by hand and kept.

use std::fmt::Write;
use std::path::Path;

use crate::bars;
use crate::conditions::Conditions;
use crate::contender::name::FLOOR;
use crate::measure::{Comparison, Figures, Load, Results};
use crate::plot;
use crate::profile::{Owner, Row, LOAD};

/// Around what is written by hand.
const BEGIN: &str = "<!-- by hand: `make bench` keeps what is between here -->";
const END: &str = "<!-- and here -->";

/// What stands there at first.
const NOTHING_TRIED: &str = "\n## What was tried\n\nNothing yet.\n\n";

/// Columns of a load's table: a heading and a figure.
type Column = (&'static str, fn(&Figures) -> f64);

const COLUMNS: [Column; 8] = [
    ("requests/s", |figures| figures.requests_per_second),
    ("p50 µs", |figures| figures.p50),
    ("p90 µs", |figures| figures.p90),
    ("p99 µs", |figures| figures.p99),
    ("p99.9 µs", |figures| figures.p999),
    ("broker CPU µs", |figures| figures.broker_cpu),
    ("worker CPU µs", |figures| figures.worker_cpu),
    ("broker MiB", |figures| figures.broker_memory_bytes / 1_048_576.0),
];

/// Writes `performance.md` into a folder, and the plots beside it.
pub(crate) fn write(folder: &Path, conditions: &Conditions, results: &Results, missing: &[&str]) -> Result<(), String> {
    let path = folder.join("performance.md");
    let problem = |error: std::io::Error| format!("{}: {error}", path.display());
    let by_hand = match std::fs::read_to_string(&path) {
        Ok(before) => kept(&before).ok_or_else(|| {
            format!("{}: the lines `{BEGIN}` and `{END}` are missing; nothing was written", path.display())
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => NOTHING_TRIED.to_owned(),
        Err(error) => return Err(problem(error)),
    };
    let plots = plot::draw(&folder.join("performance"), results)?;
    std::fs::write(&path, text(conditions, results, missing, &plots, &by_hand)).map_err(problem)?;
    eprintln!("written: {}", path.display());
    Ok(())
}

/// What was written by hand.
fn kept(before: &str) -> Option<String> {
    let (_, rest) = before.split_once(BEGIN)?;
    Some(rest.split_once(END)?.0.to_owned())
}

fn text(
    conditions: &Conditions,
    results: &Results,
    missing: &[&str],
    plots: &[(String, String)],
    by_hand: &str,
) -> String {
    let mut text = String::from(
        "# Performance\n\nWritten by `make bench`; every figure is from one run, and a median where several rounds are told of. Echo, each role in a process of its own, all on one \
         machine. The *floor* is a forwarder without state, a worker and a client straight on libzmq, with the frames of the \
         protocol: no broker over libzmq can be much faster; ours speaks ZMTP itself. Absolute figures are this machine's; ratios travel \
         better.\n\n| | |\n|---|---|\n",
    );
    let mut line = |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").expect("memory");
    for (name, value) in &conditions.lines {
        line(format_args!("| {name} | {value} |"));
    }
    if !missing.is_empty() {
        line(format_args!("\nNot measured in this run: {}.", missing.join("; ")));
    }
    line(format_args!("\n## Bars\n\n| what | figure | bar | |\n|---|---|---|---|"));
    for bar in bars::all(results) {
        let (figure, verdict) = match bar.figure {
            Some(figure) => (format!("{figure:.2}"), if bar.bound.holds(figure) { "reached" } else { "**missed**" }),
            None => ("–".to_owned(), "not measured"),
        };
        line(format_args!("| {} | {figure} | {} | {verdict} |", bar.what, bar.bound));
    }
    line(format_args!("\n## Beyond echo\n\nIn Rust.\n\n| what | |\n|---|---|"));
    for (what, figures) in results.special.lines() {
        line(format_args!("| {what} | {} |", figures.replace(['|', '\n'], " ")));
    }
    line(format_args!("\n## Plots\n"));
    for (caption, file) in plots {
        line(format_args!("![{caption}](performance/{file})\n"));
    }
    line(format_args!("## Figures\n\nIn brackets: beside the floor.\n"));
    for comparison in &results.comparisons {
        table(&mut line, comparison);
    }
    profiles(&mut line, &results.profiles);
    line(format_args!("{BEGIN}{by_hand}{END}"));
    text
}

fn profiles(line: &mut impl FnMut(std::fmt::Arguments<'_>), profiles: &[(String, Result<Vec<Row>, String>)]) {
    let Load { window, body_bytes, .. } = LOAD;
    line(format_args!(
        "## Where the time goes\n\nProcessor time in µs for each request, by thread and by whose code runs: bodies of \
         {body_bytes} bytes, window {window}. The time is that of a run without `perf`, its shares are those of another with \
         `perf record -e cpu-clock`.\n"
    ));
    let owners: Vec<&str> = Owner::ALL.iter().map(|(_, name)| *name).collect();
    line(format_args!("| | thread | {} | all |\n|---|---|{}", owners.join(" | "), "---|".repeat(owners.len() + 1)));
    for (what, rows) in profiles {
        match rows {
            Ok(rows) => rows.iter().for_each(|row| profile_row(line, what, row)),
            Err(problem) => line(format_args!("| {what} | failed: {} |", problem.replace(['|', '\n'], " "))),
        }
    }
    line(format_args!(""));
}

fn profile_row(line: &mut impl FnMut(std::fmt::Arguments<'_>), what: &str, row: &Row) {
    let of = |owner: &Owner| row.microseconds.get(owner).copied().unwrap_or_default();
    let cells: Vec<String> = Owner::ALL.iter().map(|(owner, _)| format!("{:.2}", of(owner))).collect();
    let all: f64 = row.microseconds.values().sum();
    line(format_args!("| {what} | {} | {} | {all:.2} |", row.thread, cells.join(" | ")));
}

fn table(line: &mut impl FnMut(std::fmt::Arguments<'_>), comparison: &Comparison) {
    let load = comparison.load;
    line(format_args!("### Window {}, bodies of {} bytes, {} requests\n", load.window, load.body_bytes, load.requests));
    let headings: Vec<&str> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
    line(format_args!("| | {} |\n|---|{}", headings.join(" | "), "---|".repeat(COLUMNS.len())));
    let floor = comparison.rows.iter().find(|(name, _)| *name == FLOOR).and_then(|(_, figures)| figures.as_ref().ok());
    for (name, figures) in &comparison.rows {
        match figures {
            Ok(figures) => {
                let cells: Vec<String> =
                    COLUMNS.iter().map(|(_, column)| cell(column(figures), floor.map(column))).collect();
                line(format_args!("| {name} | {} |", cells.join(" | ")));
            }
            Err(problem) => line(format_args!("| {name} | failed: {} |", problem.replace(['|', '\n'], " "))),
        }
    }
    line(format_args!(""));
}

fn cell(value: f64, floor: Option<f64>) -> String {
    let figure = if value >= 1_000.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    match floor.filter(|floor| *floor > 0.0) {
        Some(floor) => format!("{figure} ({:.2})", value / floor),
        None => figure,
    }
}

#[cfg(test)]
mod tests {
    use super::{kept, text, BEGIN, END};
    use crate::conditions::Conditions;
    use crate::measure::Results;

    #[test]
    fn what_is_written_by_hand_is_kept() {
        let by_hand = "\n## What was tried\n\nMuch.\n";
        let conditions = Conditions { lines: Vec::new() };
        let written = text(&conditions, &Results::default(), &[], &[], by_hand);
        assert_eq!(kept(&written).as_deref(), Some(by_hand));
        assert!(kept("nothing").is_none() && kept(BEGIN).is_none() && kept(END).is_none());
    }
}

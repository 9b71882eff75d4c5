//! What is allowed: no count much above the record, and some counts in proportion to others.

use pigato_proto::limits;

use crate::record::Record;

/// Growth beyond this fails.
const MOST_GROWTH: f64 = 1.05;

/// A count that is so much below the record is worth a new record.
const WORTH_RENEWING: f64 = 0.95;

/// A broker with thousands of names and workers may spend so much more on a dispatch than one with one of each.
const MOST_AT_SCALE: f64 = 1.5;

/// What dispatch at scale is compared with.
const ONE: &str = "dispatch";
const AT_SCALE: [&str; 3] = ["dispatch_at_scale_exact", "dispatch_at_scale_wildcard", "dispatch_at_scale_version"];

/// A turn that ends as many overdue requests as it may is to take no more than 10 ms, even where a processor does no more
/// than an instruction a nanosecond.
const MOST_INSTRUCTIONS_A_TURN: u64 = 10_000_000;

/// Prints all counts; fails if one is not allowed.
pub(crate) fn compare(record: &Record, measured: &Record) -> Result<(), String> {
    let is_same_compiler = record.rustc == measured.rustc;
    let mut problems = Vec::new();
    println!("{:<30}{:>10}{:>10}{:>9}", "instructions per request", "record", "now", "");
    for (name, now) in &measured.instructions {
        let Some(before) = record.instructions.get(name) else {
            problems.push(format!("{name} is not in the record"));
            continue;
        };
        let growth = *now as f64 / *before as f64;
        println!("{name:<30}{before:>10}{now:>10}{:>+8.1} %", (growth - 1.0) * 100.0);
        if growth > MOST_GROWTH && is_same_compiler {
            problems.push(format!("{name} has grown by {:.1} %", (growth - 1.0) * 100.0));
        } else if growth < WORTH_RENEWING {
            println!("  {name} has become cheaper: `make gate-renew` keeps that");
        }
    }
    let gone = record.instructions.keys().filter(|name| !measured.instructions.contains_key(*name));
    problems.extend(gone.map(|name| format!("{name} is in the record, but is not measured")));
    if !is_same_compiler {
        println!("\nThe record is of {}, this is {}: growth was shown, not judged.", record.rustc, measured.rustc);
    }
    problems.extend(bars(measured).err());
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "\n{}\n\nIf that has to be, `make gate-renew` writes core/gate/instructions.toml anew: commit it, and say why.",
        problems.join("\n")
    ))
}

/// Proportions that have to hold whatever the record says.
pub(crate) fn bars(measured: &Record) -> Result<(), String> {
    let count = |name: &str| measured.instructions.get(name).copied().ok_or_else(|| format!("no count of {name}"));
    let one = count(ONE)?;
    for name in AT_SCALE {
        let ratio = count(name)? as f64 / one as f64;
        println!("{name} ÷ {ONE}: {ratio:.2} (at most {MOST_AT_SCALE})");
        if ratio > MOST_AT_SCALE {
            return Err(format!("{name} costs {ratio:.2} times as much as {ONE}"));
        }
    }
    let turn = count("expiry")? * limits::DUE_PER_TURN as u64;
    println!("a turn of {} expiries: {turn} (at most {MOST_INSTRUCTIONS_A_TURN})", limits::DUE_PER_TURN);
    if turn > MOST_INSTRUCTIONS_A_TURN {
        return Err("a turn of expiries takes too long".to_owned());
    }
    Ok(())
}

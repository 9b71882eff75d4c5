//! The limits: no count far above the record, and some counts in proportion to others.

use pigato_proto::limits;

use crate::record::Record;

/// Larger growth fails.
const MOST_GROWTH: f64 = 1.05;

/// A count this far below the record is worth a new record.
const WORTH_RENEWING: f64 = 0.95;

/// A dispatch with thousands of names and workers may cost this many times a dispatch with one of
/// each.
const MOST_AT_SCALE: f64 = 1.5;

/// The counts compared at scale.
const ONE: &str = "dispatch";
const AT_SCALE: [&str; 3] = ["dispatch_at_scale_exact", "dispatch_at_scale_wildcard", "dispatch_at_scale_version"];

/// A turn that ends the maximum number of overdue requests must take at most 10 ms, even on a
/// processor that executes 1 instruction per ns.
const MOST_INSTRUCTIONS_A_TURN: u64 = 10_000_000;

/// Prints all counts; fails if one exceeds its limit.
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
            println!("  {name} has become cheaper: run `make gate-renew` to record that");
        }
    }
    let gone = record.instructions.keys().filter(|name| !measured.instructions.contains_key(*name));
    problems.extend(gone.map(|name| format!("{name} is in the record, but is not measured")));
    if !is_same_compiler {
        println!(
            "\nThe record was made with {}, this is {}: growth is shown but not checked.",
            record.rustc, measured.rustc
        );
    }
    problems.extend(check_limits(measured).err());
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!(
        "\n{}\n\nIf the growth is justified, run `make gate-renew`, which rewrites core/gate/instructions.toml, and \
         commit it with the reason.",
        problems.join("\n")
    ))
}

/// Limits that apply whatever the record contains.
pub(crate) fn check_limits(measured: &Record) -> Result<(), String> {
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

//! Formats the results as JSON.

use serde_json::{json, Value};

use super::super::cell::{Finished, Outcome};
use super::{reason, Run};

/// All cells with their outcomes, and the numbers of cells by result.
#[must_use]
pub fn json(run: &Run) -> Value {
    let counts = run.counts();
    json!({
        "selection": run.selection,
        "seconds": run.took.as_secs_f64(),
        "counts": {
            "executed": counts.executed(), "passed": counts.passed, "failed": counts.failed, "known": counts.known,
            "unexpected": counts.unexpected, "skipped": counts.skipped, "unlisted": counts.unlisted,
        },
        "cells": run.cells.iter().map(cell).collect::<Vec<_>>(),
    })
}

fn cell(finished: &Finished) -> Value {
    let triple = &finished.cell.triple;
    let outcome = match finished.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed { .. } => "failed",
        Outcome::Skipped { .. } => "skipped",
    };
    let mut cell = json!({
        "group": finished.cell.scenario.group, "scenario": finished.cell.scenario.name,
        "client": triple.client, "worker": triple.worker, "broker": triple.broker,
        "outcome": outcome, "good": !finished.is_bad(), "milliseconds": finished.took.as_millis() as u64,
    });
    let reason = reason(finished);
    if !reason.is_empty() {
        cell["reason"] = reason.into();
    }
    if let Outcome::Failed { log, .. } = &finished.outcome {
        cell["log"] = log.as_str().into();
    }
    cell
}

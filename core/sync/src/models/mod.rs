//! Models: small groups of threads that run this crate's code under loom.
//!
//! Loom runs each model once for every order of its threads' steps, up to `LOOM_MAX_PREEMPTIONS`
//! preemptions of a thread that could go on, and for every value that an atomic load may return. It
//! fails where a model asserts something false, and where all threads sleep: a lost wake-up. Set
//! `LOOM_MAX_PREEMPTIONS`, or a model with three threads takes hours.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

mod commands;
mod cork;
mod event_queue;
mod inbox;
mod kernel;
mod leadership;
mod mailbox;
mod parker;
mod world;

/// Runs `model` under loom, and prints what it `proves` with the number of executions.
fn check(proves: &str, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    let start = Instant::now();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    let executions = executions.load(Ordering::Relaxed);
    println!("{proves}: {executions} executions, {:.1} s", start.elapsed().as_secs_f64());
}

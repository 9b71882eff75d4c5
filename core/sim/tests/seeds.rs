//! All rules hold in 1,000 simulated worlds, and each seed always yields the same run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use pigato_sim::Simulation;

const SEEDS: u64 = 1_000;
const THREADS: usize = 2;

#[test]
fn all_rules_hold_in_1000_worlds() {
    let next = AtomicU64::new(0);
    let requests = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= SEEDS {
                    return;
                }
                let summary = Simulation::new(seed).run().unwrap_or_else(|failure| panic!("{failure}"));
                requests.fetch_add(summary.requests as u64, Ordering::Relaxed);
            });
        }
    });
    assert!(requests.into_inner() > SEEDS * 10, "worlds without requests prove nothing");
}

#[test]
fn the_same_seed_yields_the_same_run() {
    for seed in 0..20 {
        let run = || Simulation::new(seed).run().unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(run(), run(), "seed {seed}");
    }
}

//! Any sequence of inputs to a worker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::worker(bytes));

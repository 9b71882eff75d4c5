//! Any sequence of inputs to a broker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::broker(bytes));

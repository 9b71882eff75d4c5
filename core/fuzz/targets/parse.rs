//! Any bytes, as each of the JSON frames and the status.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::parse(bytes));

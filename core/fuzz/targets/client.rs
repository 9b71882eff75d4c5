//! Any sequence of inputs to a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::client(bytes));

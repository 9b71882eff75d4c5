//! Any bytes, to a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::zmtp(bytes));

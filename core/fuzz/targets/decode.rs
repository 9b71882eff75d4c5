//! Any frames, to the decoders of both directions.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pigato_fuzz::decode(bytes));

//! What an upstream answers, and what a caller asks of one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router_service::fuzz::answer(bytes));

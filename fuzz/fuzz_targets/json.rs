//! The body of an HTTP request.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router_service::fuzz::json(bytes));

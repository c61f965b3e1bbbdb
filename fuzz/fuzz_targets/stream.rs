//! What an upstream streams, as events and as those of Anthropic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router_service::fuzz::stream(bytes));

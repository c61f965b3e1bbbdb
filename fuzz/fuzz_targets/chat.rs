//! A call as OpenAI's clients write it, over either door.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router_service::fuzz::chat(bytes));

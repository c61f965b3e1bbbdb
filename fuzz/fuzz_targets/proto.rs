//! The message of a gRPC call.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| router_service::fuzz::proto(bytes));

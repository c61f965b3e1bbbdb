//! The models' providers: what is said to them and what comes back. Everything in here so far is pure: bytes and JSON in, values
//! out; whoever opens a connection does so elsewhere.

pub(crate) mod anthropic;
pub(crate) mod failure;
pub(crate) mod sse;
pub(crate) mod usage;

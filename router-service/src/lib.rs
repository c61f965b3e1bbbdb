//! The shell: everything that touches a socket, a clock, a file or a thread, wrapped around the pure engine in `decision/`.
//! Start at `pipeline.rs`. The thing a newcomer would get wrong: no rule about *which* model wins belongs in this package.

mod auto;
mod chat;
mod complete;
pub mod config;
pub mod convert;
pub mod default_policy;
mod fields;
pub mod fuzz;
mod generations;
mod http;
mod inference;
pub mod json;
pub mod messages;
pub mod metrics;
mod openai;
pub mod outcome_log;
mod pipeline;
mod promises;
mod providers;
pub mod question;
mod relay;
mod reload;
mod remembered;
mod reported;
mod rpc;
#[cfg(test)]
mod scratch;
pub mod secret;
mod server;
mod settled;
mod signals;
mod snapshot;
mod status;
pub mod telemetry;
mod upstream;

pub use config::{ConfigError, Settings};
pub use http::{Access, OPENAPI, PATHS, TIMEOUT_HEADER};
pub use inference::Forecaster;
pub use outcome_log::prove as prove_outcome_log;
pub use pipeline::{Answer, Arrival, Pipeline, StartError, Timing};
pub use relay::prove_providers;
pub use reload::Trigger;
pub use remembered::DecisionId;
pub use server::tls::prove as prove_tls;
pub use server::{MAX_HEADER_BYTES, MAX_STREAMS, Phase, Server, ServerError, TlsError};
pub use signals::Signals;
pub use snapshot::{RESERVED_POLICIES, Snapshot, SnapshotError, reserve_names};
pub use status::{FIELD_KEY, PUSHBACK_KEY, Rejection, Unanswered, UpstreamEnd};
pub use upstream::provider::ProviderError;

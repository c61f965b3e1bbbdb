//! The shell: everything that touches a socket, a clock, a file or a thread, wrapped around the pure engine in `decision/`.
//! The thing a newcomer would get wrong: no rule about *which* model wins belongs in this package.

pub mod default_policy;
pub mod messages;
pub mod metrics;
pub mod outcome_log;
pub mod secret;
pub mod telemetry;

//! Prompt in, `Forecast` out: what each model would score, and how many tokens it would write.
//! Never async, sockets or clocks: a forecast is arithmetic over a prompt and an artifact.

pub mod abilities;
pub mod artifact;
pub mod asides;
pub mod asked;
mod billed;
pub mod calibration;
mod canon;
pub mod council;
mod courtesy;
pub mod encoder;
pub mod feature_layer;
pub mod features;
mod forecast;
pub mod forest;
pub mod heads;
pub mod kernel;
pub mod lens;
pub mod manner;
pub mod matrix;
pub mod net;
pub mod ordinary;
mod prompt;
pub mod system;
pub mod tokens;
pub mod topics;
pub mod trust;
pub mod unlikeness;
mod vocabulary;

pub use artifact::{Artifact, ArtifactError, Standing, built_in_catalog};
pub use billed::billed_tokens;
pub use forecast::Classifier;
pub use prompt::{Prompt, Role, Turn};
pub use vocabulary::{Tally, Vocabulary, Voice};

//! Prompt in, `Forecast` out: what each model would score, and how many tokens it would write.
//! Never async, sockets or clocks: a forecast is arithmetic over a prompt and an artifact.

mod artifact;
pub mod encoder;
mod forecast;
mod prompt;
pub mod tokens;

pub use artifact::{Artifact, ArtifactError, Standing, built_in_catalog};
pub use forecast::Classifier;
pub use prompt::{Prompt, Role, Turn};

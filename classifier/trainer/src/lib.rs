//! Rows in, artifact out: fit, calibrate, tune, onboard, publish.
//! The thing a newcomer would get wrong: held-out rows have a door of their own, and this package may not open it.

pub mod asides;
pub mod bounds;
mod calibrate;
mod crew;
pub mod dataset;
mod dice;
pub mod distill;
mod elsewhere;
mod factors;
mod fit;
mod footing;
mod gemm;
mod grow;
mod herd;
mod learn;
mod manner;
mod material;
pub mod onboard;
mod places;
pub mod plan;
pub mod prove;
pub mod publish;
mod say;
mod topics;
pub mod train;
mod trust;
pub mod tune;

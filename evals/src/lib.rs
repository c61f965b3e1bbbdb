//! The judge: what a policy would have cost and scored on real outcomes, always beside its baselines.
//! The thing a newcomer would get wrong: a router is not compared with the dearest model but with mixing models blindly.

pub mod baselines;
pub mod calibration;
pub mod curve;
pub mod dice;
pub mod forecasts;
pub mod gate;
pub mod grid;
pub mod hull;
pub mod pair;
pub mod pool;
pub mod probe;
pub mod replay;
pub mod report;
#[cfg(test)]
mod town;
pub mod trial;
pub mod verdict;

//! Rows in, artifact out: fit, calibrate, tune, onboard, publish.
//! The thing a newcomer would get wrong: held-out rows have a door of their own, and this package may not open it.

pub mod bounds;
pub mod prove;
pub mod tune;

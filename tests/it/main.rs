//! All integration tests in one binary: linking is the slow part, so it happens once.

mod artifacts;
mod catalog;
mod documents;
mod edges;
mod elsewhere;
mod forecasts;
mod house;
mod service;
mod standings;
mod tidiness;
mod trust;

//! What the integration tests stand on: the rules that keep the house clean, the list of edges between our packages, and an
//! upstream that does what a script says.
//! The rules are plain functions over text, so that each is proved on a bad sample before it judges the house itself.

pub mod edges;
pub mod scripted;
pub mod tidiness;

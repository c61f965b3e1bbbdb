//! The outcome row: what the service writes and the trainer reads, with importers, near-duplicate groups and splits.
//! A row is a file format: it speaks in strings and numbers and outlives our types, so this package depends on none of ours.

pub mod cell;
pub mod dedup;
pub mod drops;
pub mod fingerprint;
pub mod import;
pub mod jsonl;
pub mod log;
mod mark;
pub mod parquet;
pub mod prices;
pub mod publish;
pub mod row;
pub mod rows;
#[cfg(test)]
mod scratch;
pub mod split;
pub mod table;

pub use row::{OutcomeRow, RowError};

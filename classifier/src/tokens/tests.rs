//! The quick path gives the ids of the crate.

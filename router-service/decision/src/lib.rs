//! The decision engine: pure, synchronous, deterministic.

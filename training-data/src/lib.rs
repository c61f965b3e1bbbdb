//! The outcome row: what the service writes and the trainer reads, with importers, near-duplicate groups and splits.
//! Nothing lives here yet. A row is a file format: it speaks in strings and numbers and outlives our types, so this package depends on none of ours.

//! Outcome rows as Parquet: a reader that holds one batch of one row group, a writer that holds one row group.
//! No Arrow: our rows are flat, and the column readers of `parquet` are enough, at half the code to compile.

mod arrow;
pub mod leaf;
mod meaning;
pub mod reader;
pub mod table;
pub mod writer;

pub use reader::RowReader;
pub use table::ParquetTable;
pub use writer::RowWriter;

#[cfg(test)]
mod tests;

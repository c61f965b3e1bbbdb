//! Other people's tables, row by row: CSV, JSONL and Parquet behind one face. A column inside an object or a struct has
//! a dotted name. The cells borrow from the current row, so nothing outlives `advance`.

use std::path::Path;

use crate::cell::Cell;
use crate::parquet::ParquetTable;
use crate::row::RowError;
use crate::row::fault::Place;

mod csv;
mod json;

pub use csv::{CsvTable, MAX_RECORD_BYTES};
pub(crate) use csv::{Feed, QUOTES};
pub(crate) use json::cell as json_cell;
pub use json::{JsonTable, MAX_COLUMNS};

/// A table of any form.
pub enum Table {
    /// Comma- or tab-separated, with a header.
    Csv(Box<CsvTable>),
    /// One object a line.
    Json(Box<JsonTable>),
    /// Parquet.
    Parquet(Box<ParquetTable>),
}

impl Table {
    /// Opens a table by the ending of its name. Of Parquet and JSONL, only the wanted columns will be
    /// read.
    ///
    /// # Errors
    /// The file cannot be read, or is of another format.
    pub fn open(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Self, RowError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => CsvTable::open(path, b',').map(|table| Self::Csv(Box::new(table))),
            Some("tsv") => CsvTable::open(path, b'\t').map(|table| Self::Csv(Box::new(table))),
            Some("jsonl" | "ndjson") => JsonTable::open(path, wanted).map(|table| Self::Json(Box::new(table))),
            Some("parquet") => ParquetTable::open(path, wanted).map(|table| Self::Parquet(Box::new(table))),
            _ => Err(RowError::Format {
                file: path.to_owned(),
                expected: "a name that ends in .csv, .tsv, .jsonl or .parquet",
                found: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            }),
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::Csv(table) => table.names(),
            Self::Json(table) => table.names(),
            Self::Parquet(table) => table.names(),
        }
    }

    /// Where a column stands.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names().iter().position(|other| other == name)
    }

    /// Steps to the next row. False at the end.
    ///
    /// # Errors
    /// The file is broken, or this row of it.
    pub fn advance(&mut self) -> Result<bool, RowError> {
        match self {
            Self::Csv(table) => table.advance(),
            Self::Json(table) => table.advance(),
            Self::Parquet(table) => table.advance(),
        }
    }

    /// What a column holds in the current row.
    #[must_use]
    pub fn cell(&self, column: usize) -> Cell<'_> {
        match self {
            Self::Csv(table) => table.cell(column),
            Self::Json(table) => table.cell(column),
            Self::Parquet(table) => table.cell(column),
        }
    }

    /// Where the current row stands.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::Csv(table) => table.place(),
            Self::Json(table) => table.place(),
            Self::Parquet(table) => table.place(),
        }
    }
}

#[cfg(test)]
mod tests;

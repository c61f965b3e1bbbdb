//! Parquet to outcome rows. A file that states our schema version must state one that this build reads; any other file
//! is read by the names of its columns, and what it has beyond ours is ignored.

use std::path::Path;

use super::table::ParquetTable;
use crate::row::{Column, Draft, OutcomeRow, RowError, SCHEMA_VERSION, SCHEMA_VERSION_KEY};

/// The rows of one Parquet file, in order.
pub struct RowReader {
    table: ParquetTable,
    columns: Vec<Column>,
    draft: Draft,
    done: bool,
}

impl RowReader {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read, is no Parquet, is broken, is of an unknown version, or lacks a column.
    pub fn open(path: &Path) -> Result<Self, RowError> {
        Self::open_columns(path, &Column::ALL)
    }

    /// Opens a file and reads some columns of it, the required ones always among them.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_columns(path: &Path, columns: &[Column]) -> Result<Self, RowError> {
        let wanted =
            |name: &str| Column::from_name(name).is_some_and(|column| column.required() || columns.contains(&column));
        let table = ParquetTable::open(path, wanted)?;
        if let Some(found) = table.note(SCHEMA_VERSION_KEY).filter(|found| *found != SCHEMA_VERSION.to_string()) {
            let (file, found) = (path.to_owned(), found.to_owned());
            return Err(RowError::Version { file, expected: SCHEMA_VERSION, found });
        }
        let present: Vec<Column> = table.names().iter().filter_map(|name| Column::from_name(name)).collect();
        for column in Column::ALL.into_iter().filter(|column| column.required()) {
            if !present.contains(&column) {
                let found = ParquetTable::all_names(path)?.join(", ");
                let column = column.name().to_owned();
                return Err(RowError::MissingColumn { file: path.to_owned(), column, found });
            }
        }
        Ok(Self { table, columns: present, draft: Draft::default(), done: false })
    }

    /// How many rows the file says it has.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.table.n_rows()
    }

    fn row(&mut self) -> Result<OutcomeRow, RowError> {
        for (place, column) in self.columns.iter().enumerate() {
            if let Err(fault) = self.draft.set(*column, self.table.cell(place)) {
                self.draft.clear();
                return Err(RowError::Row { place: self.table.place(), fault });
            }
        }
        self.draft.finish().map_err(|fault| RowError::Row { place: self.table.place(), fault })
    }
}

impl Iterator for RowReader {
    type Item = Result<OutcomeRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.table.advance() {
            Ok(true) => Some(self.row()),
            Ok(false) => {
                self.done = true;
                None
            }
            Err(error) => {
                self.done = true; // What lies behind a break cannot be trusted.
                Some(Err(error))
            }
        }
    }
}

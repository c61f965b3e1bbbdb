//! A Parquet file as a table of cells, one row at a time. Only the columns that were asked for are read. A column
//! inside a struct has a dotted name (`model.score`); lists and structs are not read, and say so in every cell.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::FileReader;
use ::parquet::file::serialized_reader::SerializedFileReader;
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::arrow::{self, ARROW_KEY};
use super::leaf::Leaf;
use super::meaning::{Meaning, Unit};
use crate::cell::Cell;
use crate::row::RowError;
use crate::row::fault::Place;

/// Rows that are decoded at once. Larger batches were no faster (measured 2026-11-21).
const BATCH_ROWS: usize = 4096;

/// The bytes that open and close every Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";

/// A Parquet file, read from the top.
pub struct ParquetTable {
    file: Arc<Path>,
    reader: SerializedFileReader<File>,
    names: Vec<String>,
    /// Where each of our columns stands in the file.
    places: Vec<usize>,
    leaves: Vec<Leaf>,
    /// What stands in the columns behind the leaves, which are not read.
    branches: Vec<&'static str>,
    next_group: usize,
    group_rows_left: usize,
    batch_rows_left: usize,
    row: u64,
}

impl ParquetTable {
    /// Opens a file and picks the columns to read by their names.
    ///
    /// # Errors
    /// The file cannot be read, is something else, is broken, or has a wanted column twice.
    pub fn open(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Self, RowError> {
        let reader = open(path)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let flat = |place: &usize| schema.column(*place).max_rep_level() == 0;
        let named = |place: &usize| wanted(&schema.column(*place).path().string());
        let durations = note(&reader, ARROW_KEY).map(arrow::durations).unwrap_or_default();
        let places: Vec<usize> = (0..schema.num_columns()).filter(flat).filter(named).collect();
        let branches = branches(&schema, &wanted);
        let leaves = places.iter().map(|place| schema.column(*place).path().string());
        let names: Vec<String> = leaves.chain(branches.iter().map(|(name, _)| name.clone())).collect();
        let mut known = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !known.insert(*name)) {
            let (expected, found) = ("every column once", format!("\"{twice}\" twice"));
            return Err(RowError::Format { file: path.to_owned(), expected, found });
        }
        Ok(Self {
            file: path.into(),
            names,
            leaves: places.iter().map(|place| leaf(&schema.column(*place), &durations)).collect(),
            branches: branches.into_iter().map(|(_, kind)| kind).collect(),
            places,
            reader,
            next_group: 0,
            group_rows_left: 0,
            batch_rows_left: 0,
            row: 0,
        })
    }

    /// The names of the columns that are read.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The names of all columns of a file.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn all_names(path: &Path) -> Result<Vec<String>, RowError> {
        Self::open(path, |_| true).map(|table| table.names)
    }

    /// What the file says under a key of its own.
    #[must_use]
    pub fn note(&self, key: &str) -> Option<&str> {
        note(&self.reader, key)
    }

    /// How many rows the file says it has.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Steps to the next row. False at the end.
    ///
    /// # Errors
    /// The file is broken.
    pub fn advance(&mut self) -> Result<bool, RowError> {
        if self.batch_rows_left > 0 {
            self.leaves.iter_mut().for_each(Leaf::step);
        } else if !unwound(|| self.refill()).map_err(|source| self.broken(source))? {
            return Ok(false);
        }
        self.batch_rows_left -= 1;
        self.row += 1;
        Ok(true)
    }

    /// What a column holds in the current row.
    #[must_use]
    pub fn cell(&self, column: usize) -> Cell<'_> {
        let branch = |at: usize| self.branches.get(at).map_or(Cell::Null, |kind| Cell::Other(kind));
        self.leaves.get(column).map_or_else(|| branch(column - self.leaves.len()), Leaf::cell)
    }

    /// Where the current row stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), unit: "row", number: self.row }
    }

    fn refill(&mut self) -> Result<bool, ParquetError> {
        while self.group_rows_left == 0 {
            if self.next_group == self.reader.num_row_groups() {
                return Ok(false);
            }
            self.open_group()?;
        }
        let n_rows = self.group_rows_left.min(BATCH_ROWS);
        for (leaf, name) in self.leaves.iter_mut().zip(&self.names) {
            let found = leaf.fill(n_rows)?;
            if found != n_rows {
                return Err(ParquetError::EOF(format!(
                    "column \"{name}\" ends early, {found} rows instead of {n_rows}"
                )));
            }
        }
        self.group_rows_left -= n_rows;
        self.batch_rows_left = n_rows;
        Ok(true)
    }

    fn open_group(&mut self) -> Result<(), ParquetError> {
        let group = self.reader.get_row_group(self.next_group)?;
        self.group_rows_left = usize::try_from(group.metadata().num_rows())
            .map_err(|_| ParquetError::General("a row group with a negative number of rows".to_owned()))?;
        for (leaf, place) in self.leaves.iter_mut().zip(&self.places) {
            leaf.open(group.get_column_reader(*place)?);
        }
        self.next_group += 1;
        Ok(())
    }

    fn broken(&self, source: ParquetError) -> RowError {
        RowError::Parquet { file: self.file.to_path_buf(), source }
    }
}

fn note<'r>(reader: &'r SerializedFileReader<File>, key: &str) -> Option<&'r str> {
    let notes = reader.metadata().file_metadata().key_value_metadata()?;
    notes.iter().find(|note| note.key == key)?.value.as_deref()
}

/// The wanted columns that are lists or structs, with their kinds.
fn branches(schema: &SchemaDescriptor, wanted: &dyn Fn(&str) -> bool) -> Vec<(String, &'static str)> {
    let mut branches: Vec<(String, &'static str)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new(); // Only asked, never walked.
    for leaf in schema.columns() {
        let (parts, is_list) = (leaf.path().parts(), leaf.max_rep_level() > 0);
        // A list has levels of its own above what it holds, or is no more than a value that repeats.
        for depth in 1..parts.len() + usize::from(is_list) {
            let name = parts[..depth].join(".");
            match known.get(&name) {
                Some(at) if !is_list => branches[*at].1 = "a struct",
                None if wanted(&name) => {
                    known.insert(name.clone(), branches.len());
                    branches.push((name, if is_list { "a list" } else { "a struct" }));
                }
                Some(_) | None => {}
            }
        }
    }
    branches
}

fn leaf(descriptor: &ColumnDescriptor, durations: &[(String, Unit)]) -> Leaf {
    let name = descriptor.path().string();
    let meaning = match Meaning::of(descriptor) {
        Meaning::Stored => {
            durations.iter().find(|(column, _)| *column == name).map(|(_, unit)| Meaning::Duration(*unit))
        }
        other => Some(other),
    };
    Leaf::new(descriptor.max_def_level(), meaning.unwrap_or(Meaning::Stored))
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, RowError> {
    let io = |source| RowError::Io { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(io)?;
    let mut magic = Vec::new();
    std::io::Read::read_to_end(&mut std::io::Read::take(&mut file, MAGIC.len() as u64), &mut magic).map_err(io)?;
    if magic != MAGIC {
        return Err(RowError::Format {
            file: path.to_owned(),
            expected: "a Parquet file",
            found: format!("one that begins with {:?}", String::from_utf8_lossy(&magic)),
        });
    }
    unwound(|| SerializedFileReader::new(file).and_then(plausible))
        .map_err(|source| RowError::Parquet { file: PathBuf::from(path), source })
}

/// Refuses a footer whose places in the file are negative, on which the reader of `parquet` would panic.
fn plausible(reader: SerializedFileReader<File>) -> Result<SerializedFileReader<File>, ParquetError> {
    let chunks = reader.metadata().row_groups().iter().flat_map(::parquet::file::metadata::RowGroupMetaData::columns);
    for chunk in chunks {
        let start = chunk.dictionary_page_offset().unwrap_or(0).min(chunk.data_page_offset());
        if start < 0 || chunk.compressed_size() < 0 {
            return Err(ParquetError::General("a column that lies before the beginning of the file".to_owned()));
        }
    }
    Ok(reader)
}

/// Turns a panic of the Parquet reader, which a forged file can still cause, into an error. What it was at work on is
/// not used again.
fn unwound<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    std::panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("bytes that make no sense".to_owned())))
}

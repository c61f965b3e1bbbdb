//! CSV with a header. Quoted fields may hold newlines, so a place is the line on which the record begins.

use std::cell::Cell as Shared;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::cell::Cell;
use crate::row::fault::Place;
use crate::row::{Fault, RowError};

/// The longest record. The widest public table holds the answers of eleven models in one; a quote that is never closed
/// would otherwise swallow the rest of the file.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// A CSV file, read from the top.
pub struct CsvTable {
    file: Arc<Path>,
    reader: Reader<Metered>,
    budget: Rc<Shared<usize>>,
    names: Vec<String>,
    record: StringRecord,
    line: u64,
}

impl CsvTable {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be read, has no header, or has a column twice.
    pub fn open(path: &Path, delimiter: u8) -> Result<Self, RowError> {
        let io = |source| RowError::Io { file: path.to_owned(), source };
        let budget = Rc::new(Shared::new(MAX_RECORD_BYTES));
        let metered = Metered { file: File::open(path).map_err(io)?, budget: Rc::clone(&budget) };
        let mut reader = ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 18).from_reader(metered);
        let format = |found: String| RowError::Format { file: path.to_owned(), expected: "CSV with a header", found };
        let header = reader.headers().map_err(|error| format(error.to_string()))?;
        let names: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        if names.is_empty() {
            return Err(format("an empty file".to_owned()));
        }
        // Nobody can ask for a column without a name, so of those there may be many.
        for (at, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if let Some(before) = names[..at].iter().position(|other| other == name) {
                let found = format!("\"{name}\" as columns {} and {}", before + 1, at + 1);
                let expected = "a header with every column once";
                return Err(RowError::Format { file: path.to_owned(), expected, found });
            }
        }
        Ok(Self { file: path.into(), reader, budget, names, record: StringRecord::new(), line: 1 })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn advance(&mut self) -> Result<bool, RowError> {
        self.budget.set(MAX_RECORD_BYTES);
        self.line = self.reader.position().line();
        let read = self.reader.read_record(&mut self.record);
        if let Some(position) = self.record.position() {
            self.line = position.line();
        }
        read.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(source) => RowError::Io { file: self.file.to_path_buf(), source },
            csv::ErrorKind::UnequalLengths { expected_len, len, pos } => {
                self.line = pos.map_or(self.line, |position| position.line());
                self.shape("as many fields as the header", format!("{len} instead of {expected_len}"))
            }
            csv::ErrorKind::Utf8 { pos, err } => {
                self.line = pos.map_or(self.line, |position| position.line());
                self.shape("UTF-8", format!("other bytes in field {}", err.field() + 1))
            }
            other => self.shape("a CSV record", format!("{other:?}")),
        })
    }

    pub(super) fn cell(&self, column: usize) -> Cell<'_> {
        self.record.get(column).map_or(Cell::Null, Cell::Raw)
    }

    pub(super) fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), unit: "line", number: self.line }
    }

    fn shape(&self, expected: &'static str, found: String) -> RowError {
        RowError::Row { place: self.place(), fault: Fault::Shape { expected, found } }
    }
}

/// A file that gives no more bytes than one record may have.
struct Metered {
    file: File,
    budget: Rc<Shared<usize>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let budget = self.budget.get();
        if budget == 0 {
            return Err(io::Error::other(
                "expected records of at most 64 MiB, found a longer one; is a quote left open?",
            ));
        }
        let n_bytes = self.file.read(buffer)?;
        self.budget.set(budget.saturating_sub(n_bytes));
        Ok(n_bytes)
    }
}

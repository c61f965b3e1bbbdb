//! CSV with a header. Quoted fields may hold newlines, so a place is the line on which the record begins. Tab-separated
//! text is quoted alike, as spreadsheets and data frames write it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::cell::Cell;
use crate::row::fault::Place;
use crate::row::{Fault, RowError};

mod feed;

pub(crate) use feed::{BadQuote, Feed, QUOTES};

/// The longest record. The widest public table holds the answers of eleven models in one; a quote that is never closed
/// would otherwise swallow the rest of the file.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// A CSV file, read from the top.
pub struct CsvTable {
    file: Arc<Path>,
    reader: Reader<Feed<BufReader<File>>>,
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
        let file = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
        let feed = Feed::new(file, delimiter).map_err(io)?;
        let mut reader = ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 18).from_reader(feed);
        let format = |found: String| RowError::Format { file: path.to_owned(), expected: "CSV with a header", found };
        let header = reader.headers().map_err(|error| format(error.to_string()))?;
        let names: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        if let Some(bad_quote) = reader.get_ref().bad_quote() {
            let found = bad_quote.found(reader.get_ref().began());
            return Err(RowError::Format { file: path.to_owned(), expected: QUOTES, found });
        }
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
        Ok(Self { file: path.into(), reader, names, record: StringRecord::new(), line: 1 })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn advance(&mut self) -> Result<bool, RowError> {
        self.reader.get_mut().begin_record();
        let read = self.reader.read_record(&mut self.record);
        let feed = self.reader.get_ref();
        self.line = feed.began();
        match (read, feed.bad_quote()) {
            (Err(error), _) if error.is_io_error() => Err(self.broken(error)),
            (_, Some(BadQuote::Stray)) => Err(self.shape(QUOTES, BadQuote::Stray.found(self.line))),
            // Rows were swallowed, and nobody can say how many: passing over them as one would be a lie.
            (_, Some(bad_quote)) => {
                let (file, found) = (self.file.to_path_buf(), bad_quote.found(self.line));
                Err(RowError::Format { file, expected: QUOTES, found })
            }
            (read, None) => read.map_err(|error| self.broken(error)),
        }
    }

    fn broken(&self, error: csv::Error) -> RowError {
        match error.into_kind() {
            csv::ErrorKind::Io(source) => RowError::Io { file: self.file.to_path_buf(), source },
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                self.shape("as many fields as the header", format!("{len} instead of {expected_len}"))
            }
            csv::ErrorKind::Utf8 { err, .. } => {
                self.shape("UTF-8", format!("other bytes in field {}", err.field() + 1))
            }
            other => self.shape("a CSV record", format!("{other:?}")),
        }
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

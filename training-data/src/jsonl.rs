//! Outcome rows as JSON, one object a line. Errors name the line and the key. A key that is not a column is ignored, so
//! that logs may carry more than we read; a key given twice counts as given last.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::cell::Cell;
use crate::row::fault::Place;
use crate::row::{Column, Draft, Fault, OutcomeRow, RowError, SCHEMA_VERSION, SCHEMA_VERSION_KEY};

/// The longest line. Twice the longest prompt, which is room for the escapes of any text that a person wrote. Control
/// characters become six times as long; a row of too many of them is refused where it would be written.
pub const MAX_LINE_BYTES: usize = 8 << 20;

/// The lines of a text file, each bounded, counted from 1.
pub struct Lines {
    file: Arc<Path>,
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(path: &Path) -> Result<Self, RowError> {
        let file = File::open(path).map_err(|source| RowError::Io { file: path.to_owned(), source })?;
        Ok(Self { file: path.into(), reader: BufReader::with_capacity(1 << 18, file), line: Vec::new(), number: 0 })
    }

    /// Steps to the next line that is not blank. False at the end. A line that is too long is passed over whole, so
    /// that a caller may go on behind it.
    ///
    /// # Errors
    /// The file cannot be read, or the line is too long.
    pub fn advance(&mut self) -> Result<bool, RowError> {
        loop {
            self.line.clear();
            let whole = self.read_line().map_err(|source| RowError::Io { file: self.file.to_path_buf(), source })?;
            if self.line.is_empty() {
                return Ok(false);
            }
            self.number += 1;
            if !whole {
                let fault = Fault::Shape { expected: "a line of at most 8 MiB", found: "a longer one".to_owned() };
                return Err(RowError::Row { place: self.place(), fault });
            }
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3); // Some editors open a file with this mark; it is not part of the text.
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The current line.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        self.line.trim_ascii()
    }

    /// Where the current line stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), unit: "line", number: self.number }
    }

    /// Reads one line; false if it passes the limit, in which case the rest of it is read and dropped.
    fn read_line(&mut self) -> io::Result<bool> {
        let limit = MAX_LINE_BYTES as u64 + 1;
        io::Read::take(&mut self.reader, limit).read_until(b'\n', &mut self.line)?;
        if self.line.len() <= MAX_LINE_BYTES || self.line.ends_with(b"\n") {
            return Ok(true);
        }
        loop {
            let chunk = self.reader.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let n_bytes = end.map_or(chunk.len(), |at| at + 1);
            self.reader.consume(n_bytes);
            if end.is_some() || n_bytes == 0 {
                return Ok(false);
            }
        }
    }
}

/// The rows of one JSONL file, in order.
pub struct RowReader {
    lines: Lines,
    draft: Draft,
    done: bool,
}

impl RowReader {
    /// Opens a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(path: &Path) -> Result<Self, RowError> {
        Ok(Self { lines: Lines::open(path)?, draft: Draft::default(), done: false })
    }
}

impl Iterator for RowReader {
    type Item = Result<OutcomeRow, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.lines.advance() {
            Ok(true) => Some(
                parse(self.lines.line(), &mut self.draft)
                    .map_err(|fault| RowError::Row { place: self.lines.place(), fault }),
            ),
            Ok(false) => {
                self.done = true;
                None
            }
            Err(error) => {
                self.done = error.bad_row().is_none();
                Some(Err(error))
            }
        }
    }
}

/// One line to a row. The draft lends its memory and is empty afterwards.
///
/// # Errors
/// The line is no JSON object, or a cell of it is wrong.
pub fn parse(line: &[u8], draft: &mut Draft) -> Result<OutcomeRow, Fault> {
    fill(line, draft)?;
    draft.finish()
}

/// Puts the cells of a line into a draft.
pub(crate) fn fill(line: &[u8], draft: &mut Draft) -> Result<(), Fault> {
    draft.clear();
    let (mut fault, mut broke_in) = (None, None);
    let mut json = serde_json::Deserializer::from_slice(line);
    let seed = RowSeed { draft, fault: &mut fault, broke_in: &mut broke_in };
    let read = seed.deserialize(&mut json).and_then(|()| json.end());
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(match broke_in.filter(|_| !error.is_eof()) {
            Some(column) => {
                let column = column.name().to_owned();
                Fault::Cell { column, expected: "a JSON value, and NaN is none", found: broken(&error) }
            }
            None => Fault::Shape { expected: "one JSON object a line", found: broken(&error) },
        }),
        (None, Ok(())) => Ok(()),
    }
}

/// What broke in a line and where, without the line that the parser would count inside it, and without any text of it: that may be a
/// prompt.
#[must_use]
pub fn broken(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    format!("{} at {}", without_quotes(what), place(error))
}

/// Where a line broke. Of one that ends too soon the parser would name its beginning.
#[must_use]
pub fn place(error: &serde_json::Error) -> String {
    if error.is_eof() { "its end".to_owned() } else { format!("byte {}", error.column()) }
}

/// The parser's words, but for those that would read as ours, and a text that it quotes only as one.
fn without_quotes(what: &str) -> String {
    if what == "expected value" {
        return "something else".to_owned();
    }
    let quoted = what.split_once("string \"").zip(what.rsplit_once("\", expected "));
    quoted.map_or_else(|| what.to_owned(), |((kind, _), (_, expected))| format!("{kind}a text, expected {expected}"))
}

struct RowSeed<'d> {
    draft: &'d mut Draft,
    fault: &'d mut Option<Fault>,
    /// The column whose value could not be read.
    broke_in: &'d mut Option<Column>,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let put = match key {
                Key::Column(column) => map
                    .next_value_seed(CellSeed(|cell: Cell<'_>| self.draft.set(column, cell)))
                    .inspect_err(|_| *self.broke_in = Some(column))?,
                Key::Version => map.next_value_seed(CellSeed(|cell: Cell<'_>| version(cell)))?,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let Err(fault) = put {
                *self.fault = Some(fault);
                return Err(serde::de::Error::custom("the fault says it better"));
            }
        }
        Ok(())
    }
}

fn version(cell: Cell<'_>) -> Result<(), Fault> {
    if cell.count() == Some(u64::from(SCHEMA_VERSION)) {
        return Ok(());
    }
    let column = SCHEMA_VERSION_KEY.to_owned();
    Err(Fault::Cell { column, expected: "version 1, which this build reads", found: cell.to_string() })
}

enum Key {
    Column(Column),
    Version,
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        if key == SCHEMA_VERSION_KEY {
            return Ok(Key::Version);
        }
        Ok(Column::from_name(key).map_or(Key::Other, Key::Column))
    }
}

/// Hands one JSON value on as a cell.
struct CellSeed<F>(F);

impl<'de, F: FnOnce(Cell<'_>) -> Result<(), Fault>> DeserializeSeed<'de> for CellSeed<F> {
    type Value = Result<(), Fault>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnOnce(Cell<'_>) -> Result<(), Fault>> Visitor<'de> for CellSeed<F> {
    type Value = Result<(), Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((self.0)(Cell::Null))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok((self.0)(Cell::Flag(flag)))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Self::Value, E> {
        Ok((self.0)(Cell::Integer(integer)))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Self::Value, E> {
        Ok((self.0)(i64::try_from(integer).map_or(Cell::Other("a whole number beyond 2^63"), Cell::Integer)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok((self.0)(Cell::Number(number)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((self.0)(Cell::Text(text)))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok((self.0)(Cell::Other("a list")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok((self.0)(Cell::Other("an object")))
    }
}

/// Writes rows, one JSON object a line.
pub struct RowWriter<W: Write> {
    target: W,
    line: Vec<u8>,
}

impl<W: Write> RowWriter<W> {
    /// Begins a file. Hand in something buffered.
    pub fn new(target: W) -> Self {
        Self { target, line: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// The target cannot be written to, or the row would make a line that nobody here could read again.
    pub fn write(&mut self, row: &OutcomeRow) -> io::Result<()> {
        self.line.clear();
        write!(self.line, "{{\"{SCHEMA_VERSION_KEY}\":{SCHEMA_VERSION}")?;
        write_cells(&mut self.line, |column| row.cell(column))?;
        self.line.push(b'}');
        if self.line.len() > MAX_LINE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, too_long(row, self.line.len())));
        }
        self.line.push(b'\n');
        self.target.write_all(&self.line)
    }

    /// Flushes, and hands the target back.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.target.flush()?;
        Ok(self.target)
    }
}

fn too_long(row: &OutcomeRow, n_bytes: usize) -> String {
    let OutcomeRow { source, dataset, prompt_id, model, .. } = row;
    format!(
        "expected rows of at most 8 MiB as JSON, found one of {n_bytes} bytes, of model \"{model}\" on prompt \
        \"{source}/{dataset}/{prompt_id}\"; a .parquet file can hold it"
    )
}

/// Adds the cells that hold something to an object that is begun, each with a comma before it.
pub(crate) fn write_cells<'a>(line: &mut Vec<u8>, cell: impl Fn(Column) -> Cell<'a>) -> io::Result<()> {
    for column in Column::ALL {
        let cell = cell(column);
        if !cell.is_null() {
            write!(line, ",\"{}\":", column.name())?;
        }
        match cell {
            Cell::Flag(flag) => write!(line, "{flag}")?,
            Cell::Integer(integer) => write!(line, "{integer}")?,
            Cell::Number(number) => serde_json::to_writer(&mut *line, &number)?,
            Cell::Text(text) | Cell::Raw(text) => serde_json::to_writer(&mut *line, text)?,
            Cell::Null | Cell::Moment(_) | Cell::Duration(_) | Cell::Other(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

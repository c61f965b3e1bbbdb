//! One column of a Parquet file, a batch of values at a time. A value is there where its definition level is the
//! highest; everything lower is a null somewhere on the way to it.

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use ::parquet::errors::{ParquetError, Result};

use super::meaning::Meaning;
use crate::cell::Cell;

/// A column and the batch of it that is in memory.
pub(super) struct Leaf {
    reader: Option<ColumnReader>,
    max_definition: i16,
    meaning: Meaning,
    definitions: Vec<i16>,
    values: Values,
    /// The row within the batch, and the value within the values: nulls have no value.
    row: usize,
    value: usize,
}

enum Values {
    Flags(Vec<bool>),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Floats(Vec<f32>),
    Doubles(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
    Stamps(Vec<Int96>),
    Nothing,
}

impl Leaf {
    pub(super) fn new(max_definition: i16, meaning: Meaning) -> Self {
        Self {
            reader: None,
            max_definition,
            meaning,
            definitions: Vec::new(),
            values: Values::Nothing,
            row: 0,
            value: 0,
        }
    }

    /// Goes on with the next row group.
    pub(super) fn open(&mut self, reader: ColumnReader) {
        self.values = match reader {
            ColumnReader::BoolColumnReader(_) => Values::Flags(Vec::new()),
            ColumnReader::Int32ColumnReader(_) => Values::Ints(Vec::new()),
            ColumnReader::Int64ColumnReader(_) => Values::Longs(Vec::new()),
            ColumnReader::FloatColumnReader(_) => Values::Floats(Vec::new()),
            ColumnReader::DoubleColumnReader(_) => Values::Doubles(Vec::new()),
            ColumnReader::ByteArrayColumnReader(_) => Values::Bytes(Vec::new()),
            ColumnReader::Int96ColumnReader(_) => Values::Stamps(Vec::new()),
            ColumnReader::FixedLenByteArrayColumnReader(_) => Values::Fixed(Vec::new()),
        };
        self.reader = Some(reader);
    }

    /// Reads the next batch and stands on its first row. Says how many rows it has.
    pub(super) fn fill(&mut self, n_rows: usize) -> Result<usize> {
        self.definitions.clear();
        (self.row, self.value) = (0, 0);
        let levels = if self.max_definition > 0 { Some(&mut self.definitions) } else { None };
        match (&mut self.reader, &mut self.values) {
            (Some(ColumnReader::BoolColumnReader(reader)), Values::Flags(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::Int32ColumnReader(reader)), Values::Ints(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::Int64ColumnReader(reader)), Values::Longs(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::FloatColumnReader(reader)), Values::Floats(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::DoubleColumnReader(reader)), Values::Doubles(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::ByteArrayColumnReader(reader)), Values::Bytes(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::FixedLenByteArrayColumnReader(reader)), Values::Fixed(values)) => {
                batch(reader, n_rows, levels, values)
            }
            (Some(ColumnReader::Int96ColumnReader(reader)), Values::Stamps(values)) => {
                batch(reader, n_rows, levels, values)
            }
            _ => Err(ParquetError::General("a column was read before it was opened".to_owned())),
        }
    }

    /// Steps to the next row of the batch.
    pub(super) fn step(&mut self) {
        if self.present() {
            self.value += 1;
        }
        self.row += 1;
    }

    /// What the current row holds.
    pub(super) fn cell(&self) -> Cell<'_> {
        if !self.present() {
            return Cell::Null;
        }
        let cell = match &self.values {
            Values::Flags(values) => values.get(self.value).map(|flag| Cell::Flag(*flag)),
            Values::Ints(values) => values.get(self.value).map(|value| self.meaning.int(*value)),
            Values::Longs(values) => values.get(self.value).map(|value| self.meaning.long(*value)),
            Values::Floats(values) => values.get(self.value).map(|value| Cell::Number(f64::from(*value))),
            Values::Doubles(values) => values.get(self.value).map(|value| Cell::Number(*value)),
            Values::Bytes(values) => values.get(self.value).map(|bytes| self.meaning.bytes(bytes.data())),
            Values::Fixed(values) => values.get(self.value).map(|bytes| self.meaning.fixed_bytes(bytes.data())),
            Values::Stamps(values) => values.get(self.value).map(|_| Cell::Other("a 96-bit timestamp")),
            Values::Nothing => None,
        };
        cell.unwrap_or(Cell::Null)
    }

    fn present(&self) -> bool {
        self.max_definition == 0 || self.definitions.get(self.row) == Some(&self.max_definition)
    }
}

fn batch<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n_rows: usize,
    levels: Option<&mut Vec<i16>>,
    values: &mut Vec<T::T>,
) -> Result<usize> {
    values.clear();
    reader.read_records(n_rows, levels, None, values).map(|(n_records, _, _)| n_records)
}

//! Outcome rows to Parquet: all columns, snappy, the schema version in the file's notes. Rows gather in columns until a
//! row group is full, so memory does not grow with the file. Nothing can be read before `finish`.

use std::io::Write;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::cell::Cell;
use crate::row::{Column, Kind, OutcomeRow, SCHEMA_VERSION, SCHEMA_VERSION_KEY};

/// Rows of a row group. A reader of ours holds a fraction of a group, other engines a whole one.
pub const GROUP_ROWS: usize = 1 << 16;

/// Bytes of text at which a row group is closed early, repeated texts counted once.
pub const GROUP_TEXT_BYTES: usize = 32 << 20;

/// A prompt recurs in the rows of every model, so a dictionary is what makes the file small; the usual limit of 1 MiB
/// would give it up within a few thousand prompts.
const DICTIONARY_BYTES: usize = 32 << 20;

/// Writes rows.
pub struct RowWriter<W: Write + Send>(CellWriter<W>);

impl<W: Write + Send> RowWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn new(target: W) -> Result<Self, ParquetError> {
        let fields = Column::ALL.map(|column| Field::of(column, column.required()));
        let notes = [(SCHEMA_VERSION_KEY, SCHEMA_VERSION.to_string())];
        CellWriter::new(target, &fields, &notes, GROUP_TEXT_BYTES).map(Self)
    }

    /// Adds a row. It reaches the target when its row group is full.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn write(&mut self, row: &OutcomeRow) -> Result<(), ParquetError> {
        self.0.write(Column::ALL.into_iter().map(|column| row.cell(column)))
    }

    /// Writes what is left and the footer, and hands the target back.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn finish(self) -> Result<W, ParquetError> {
        self.0.finish()
    }
}

/// A column of a file that is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

impl Field {
    pub(crate) fn of(column: Column, required: bool) -> Self {
        Self { name: column.name(), kind: column.kind(), required }
    }
}

/// Writes cells under any columns of ours.
pub(crate) struct CellWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    buffers: Vec<Buffer>,
    n_rows: usize,
    n_text_bytes: usize,
    group_text_bytes: usize,
}

impl<W: Write + Send> CellWriter<W> {
    /// Begins a file that says these things of itself, and whose row groups are closed at so many bytes of text: they are what is
    /// held in memory, about three times over.
    pub(crate) fn new(
        target: W,
        fields: &[Field],
        notes: &[(&str, String)],
        group_text_bytes: usize,
    ) -> Result<Self, ParquetError> {
        let notes = notes.iter().map(|(key, says)| KeyValue::new((*key).to_owned(), says.clone())).collect();
        let properties = WriterProperties::builder()
            .set_created_by("pointsman".to_owned())
            .set_compression(Compression::SNAPPY)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // The smallest and the largest prompt say nothing, and would stand in clear text in the footer.
            .set_column_statistics_enabled(ColumnPath::from(Column::Prompt.name()), EnabledStatistics::None)
            .set_column_statistics_enabled(ColumnPath::from(Column::Forecasts.name()), EnabledStatistics::None)
            // No two are alike, so a dictionary of them would only be held in memory.
            .set_column_dictionary_enabled(ColumnPath::from(Column::Forecasts.name()), false)
            .set_key_value_metadata(Some(notes))
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(target, schema(fields)?, Arc::new(properties))?,
            buffers: fields.iter().map(Buffer::new).collect(),
            n_rows: 0,
            n_text_bytes: 0,
            group_text_bytes,
        })
    }

    /// Adds a row: a cell for each column, in their order.
    pub(crate) fn write<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) -> Result<(), ParquetError> {
        for (cell, buffer) in cells.zip(&mut self.buffers) {
            self.n_text_bytes += buffer.push(cell);
        }
        self.n_rows += 1;
        if self.n_rows == GROUP_ROWS || self.n_text_bytes >= self.group_text_bytes { self.flush() } else { Ok(()) }
    }

    /// Writes what is left and the footer, and hands the target back.
    pub(crate) fn finish(mut self) -> Result<W, ParquetError> {
        self.flush()?;
        self.writer.into_inner()
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.n_rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for buffer in &mut self.buffers {
            buffer.write(&mut group)?;
        }
        group.close()?;
        (self.n_rows, self.n_text_bytes) = (0, 0);
        Ok(())
    }
}

/// The schema of an outcome file.
fn schema(columns: &[Field]) -> Result<TypePtr, ParquetError> {
    let mut fields = Vec::new();
    for column in columns {
        let (physical, logical) = match column.kind {
            Kind::Name | Kind::Prose | Kind::Digest => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Share | Kind::Amount | Kind::Bill => (Physical::DOUBLE, None),
            Kind::Moment | Kind::Duration | Kind::Tokens => (Physical::INT64, None),
            Kind::Flag => (Physical::BOOLEAN, None),
        };
        let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let field = Type::primitive_type_builder(column.name, physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .build()?;
        fields.push(Arc::new(field));
    }
    Type::group_type_builder("outcome").with_fields(fields).build().map(Arc::new)
}

/// The values of one column that wait for their row group.
struct Buffer {
    required: bool,
    definitions: Vec<i16>,
    values: Values,
    last: Option<ByteArray>,
}

enum Values {
    Texts(Vec<ByteArray>),
    Numbers(Vec<f64>),
    Counts(Vec<i64>),
    Flags(Vec<bool>),
}

impl Buffer {
    fn new(column: &Field) -> Self {
        let values = match column.kind {
            Kind::Name | Kind::Prose | Kind::Digest => Values::Texts(Vec::new()),
            Kind::Share | Kind::Amount | Kind::Bill => Values::Numbers(Vec::new()),
            Kind::Moment | Kind::Duration | Kind::Tokens => Values::Counts(Vec::new()),
            Kind::Flag => Values::Flags(Vec::new()),
        };
        Self { required: column.required, definitions: Vec::new(), values, last: None }
    }

    /// Adds a cell, and says how many bytes of text are new in memory.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        let mut n_bytes = 0;
        match (&mut self.values, cell) {
            (Values::Texts(values), Cell::Text(text)) => {
                // The rows of a prompt follow one another, so most texts equal the one before and share its bytes.
                let shared = self.last.take().filter(|last| last.data() == text.as_bytes());
                let bytes = shared.unwrap_or_else(|| {
                    n_bytes = text.len();
                    ByteArray::from(text.as_bytes().to_vec())
                });
                self.last = Some(bytes.clone());
                values.push(bytes);
            }
            (Values::Numbers(values), Cell::Number(number)) => values.push(number),
            (Values::Counts(values), Cell::Integer(count)) => values.push(count),
            (Values::Flags(values), Cell::Flag(flag)) => values.push(flag),
            (_, cell) => {
                assert!(cell.is_null() && !self.required, "a row holds {cell} where its column cannot");
                self.definitions.push(0);
                return 0;
            }
        }
        if !self.required {
            self.definitions.push(1);
        }
        n_bytes
    }

    fn write<W: Write + Send>(&mut self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        let levels = (!self.required).then_some(self.definitions.as_slice());
        match &mut self.values {
            Values::Texts(values) => write::<ByteArrayType, W>(group, values, levels)?,
            Values::Numbers(values) => write::<DoubleType, W>(group, values, levels)?,
            Values::Counts(values) => write::<Int64Type, W>(group, values, levels)?,
            Values::Flags(values) => write::<BoolType, W>(group, values, levels)?,
        }
        self.definitions.clear();
        self.last = None;
        Ok(())
    }
}

fn write<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &mut Vec<T::T>,
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has fewer columns than a row".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    values.clear();
    column.close()
}

//! What can be wrong with a row or with the file it stands in, and where. A `Fault` knows the column, a `RowError` the
//! file and the row as well. Only a bad row can be skipped; a bad file ends the reading.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::errors::ParquetError;

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A cell does not hold what its column may.
    #[error("column \"{column}\": expected {expected}, found {found}")]
    Cell {
        /// The column, in the words of the file.
        column: String,
        /// What it may hold.
        expected: &'static str,
        /// What it holds, cut short.
        found: String,
    },
    /// A cell that a row cannot do without.
    #[error("column \"{column}\": expected a value, found nothing")]
    Missing {
        /// The column.
        column: String,
    },
    /// A cell of a logged decision without the decision.
    #[error("column \"{column}\": expected a \"decision_id\" beside it, found none")]
    Orphan {
        /// The column.
        column: String,
    },
    /// The line or record has another shape.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What a line of this format is.
        expected: &'static str,
        /// What it is instead.
        found: String,
    },
}

impl Fault {
    /// The fault without what was found: what equal faults have in common, to count them by.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Cell { column, expected, .. } => format!("column \"{column}\": expected {expected}"),
            Self::Missing { column } => format!("column \"{column}\": expected a value"),
            Self::Orphan { column } => format!("column \"{column}\": expected a \"decision_id\" beside it"),
            Self::Shape { expected, .. } => format!("expected {expected}"),
        }
    }
}

/// Where a row stands. Rows and lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// `line` in a text file, `row` or `record` elsewhere.
    pub unit: &'static str,
    /// Which one, from 1.
    pub number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} {}", self.file.display(), self.unit, self.number)
    }
}

/// Why a row could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is of another format.
    #[error("{}: expected {expected}, found {found}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The file is broken, most often cut short.
    #[error("{}: expected a whole Parquet file, found one that is broken, cut short or packed with brotli: {source}", file.display())]
    Parquet {
        /// The file.
        file: PathBuf,
        /// What the Parquet reader says.
        source: ParquetError,
    },
    /// The file is ours and newer than this build, or older than it can read.
    #[error("{}: expected rows of schema version {expected}, found version {found}", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// The version this build reads.
        expected: u32,
        /// The version the file states.
        found: String,
    },
    /// A column that rows cannot do without.
    #[error("{}: expected a column \"{column}\", found {found}", file.display())]
    MissingColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
        /// The columns that are there.
        found: String,
    },
    /// One row is bad; the others may be good.
    #[error("{place}, {fault}")]
    Row {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        fault: Fault,
    },
    /// More files than anybody means to read at once.
    #[error("{}: expected at most {limit} files, found more", folder.display())]
    TooManyFiles {
        /// The folder in which the limit was passed.
        folder: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// More verdicts on logged decisions than are held at once.
    #[error("{}: expected at most {limit} verdicts in all segments, found more; read fewer files at once", file.display())]
    TooManyVerdicts {
        /// The segment in which the limit was passed.
        file: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Nothing to read.
    #[error("{}: expected files that end in {expected}, found none", folder.display())]
    NoFiles {
        /// The folder.
        folder: PathBuf,
        /// The endings.
        expected: String,
    },
}

impl RowError {
    /// The bad row, if it is one row that is bad and not the file.
    #[must_use]
    pub fn bad_row(&self) -> Option<(&Place, &Fault)> {
        match self {
            Self::Row { place, fault } => Some((place, fault)),
            Self::Io { .. }
            | Self::Format { .. }
            | Self::Parquet { .. }
            | Self::Version { .. }
            | Self::MissingColumn { .. }
            | Self::TooManyFiles { .. }
            | Self::TooManyVerdicts { .. }
            | Self::NoFiles { .. } => None,
        }
    }
}

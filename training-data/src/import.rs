//! Results of others, and our own log, turned into outcome rows. A format knows its columns and nothing else: it sends
//! rows and faults to a sink, and the sink decides whether a fault is the end. `run` is the whole import.

use std::path::{Path, PathBuf};

use crate::row::{OutcomeRow, RowError};
use crate::rows;
use crate::table::Table;

pub mod census;
mod generic;
mod llmrouterbench;
mod records;
mod routellm;
mod routerarena;
mod routerbench;
mod run;
mod sprout;
mod wide;

pub use generic::{Mapping, MappingError};
pub use run::{Grouping, ImportError, Report, run};

/// Where a format sends what it reads. An error that comes back ends the import.
pub type Sink<'s> = dyn FnMut(Result<OutcomeRow, RowError>) -> Result<(), RowError> + 's;

/// Reads one file of a format.
type Send = fn(&Path, &Plan, &mut Sink<'_>) -> Result<(), RowError>;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own rows, Parquet or JSONL: also what the service logs.
    Outcomes,
    /// RouterBench, CSV or Parquet.
    RouterBench,
    /// RouteLLM's CSV files.
    RouteLlm,
    /// LLMRouterBench's JSON files.
    LlmRouterBench,
    /// SPROUT, Parquet or JSONL.
    Sprout,
    /// RouterArena's prediction files.
    RouterArena,
    /// Any table, with a mapping.
    Table,
}

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The format of every file.
    pub format: Format,
    /// Files, and folders that hold some.
    pub paths: Vec<PathBuf>,
    /// The source to write into the rows, instead of the format's own name.
    pub source: Option<String>,
    /// Passes over bad rows and counts them, instead of ending at the first.
    pub skip_bad: bool,
    /// Which column is which, for [`Format::Table`].
    pub mapping: Mapping,
    /// The score that counts as 1, for [`Format::Table`].
    pub quality_max: f64,
}

impl Plan {
    /// A plan with nothing out of the ordinary.
    #[must_use]
    pub fn new(format: Format, paths: Vec<PathBuf>) -> Self {
        Self { format, paths, source: None, skip_bad: false, mapping: Mapping::default(), quality_max: 1.0 }
    }

    fn source_or(&self, name: &str) -> String {
        self.source.clone().unwrap_or_else(|| name.to_owned())
    }
}

/// What was passed over in the logs of a service, without being bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Decisions that nobody has judged.
    pub n_unjudged: u64,
    /// Verdicts whose decisions are in none of the files.
    pub n_stray_verdicts: u64,
}

/// Reads everything a plan names, and sends it on.
///
/// # Errors
/// A file cannot be read or is of another format, or the sink has had enough.
pub fn read(plan: &Plan, sink: &mut Sink<'_>) -> Result<PassedOver, RowError> {
    let (endings, send): (&[&str], Send) = match plan.format {
        Format::Outcomes => {
            let mut rows = rows::read_each(&plan.paths)?;
            for row in rows.by_ref() {
                match (row, &plan.source) {
                    (Ok(row), Some(source)) => sink(Ok(OutcomeRow { source: source.as_str().into(), ..row }))?,
                    (row, _) => sink(row)?,
                }
            }
            return Ok(PassedOver { n_unjudged: rows.n_unjudged(), n_stray_verdicts: rows.n_stray_verdicts() });
        }
        Format::RouterBench => (&["csv", "parquet"], routerbench::send),
        Format::RouteLlm => (&["csv"], routellm::send),
        Format::LlmRouterBench => (&["json"], llmrouterbench::send),
        Format::Sprout => (&["parquet", "jsonl"], sprout::send),
        Format::RouterArena => (&["json"], routerarena::send),
        Format::Table => (&["csv", "tsv", "jsonl", "ndjson", "parquet"], generic::send),
    };
    for file in rows::files(&plan.paths, endings)? {
        match send(&file, plan, sink) {
            // A file of bad rows only ends before its first row; whoever skips bad rows goes on to the next file.
            Err(error) if error.bad_row().is_some() => sink(Err(error))?,
            outcome => outcome?,
        }
    }
    Ok(PassedOver::default())
}

fn missing(path: &Path, column: &str, table: &Table) -> RowError {
    /// Names that an error lists; a wide table has a hundred.
    const SHOWN_NAMES: usize = 20;
    let names = table.names();
    let mut found = names.iter().take(SHOWN_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        found.push_str("none");
    } else if names.len() > SHOWN_NAMES {
        found.push_str(", ..");
    }
    RowError::MissingColumn { file: path.to_owned(), column: column.to_owned(), found }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;

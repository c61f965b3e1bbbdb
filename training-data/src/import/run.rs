//! The whole import: read, check, count, group, write. The rows go to a hidden file first; groups can only be known when
//! the last prompt has been seen, so a second walk over that file puts them in. The output appears whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ::parquet::errors::ParquetError;
use serde::Serialize;

use super::census::{Census, MAX_MODELS};
use super::{PassedOver, Plan, read};
use crate::dedup::Grouper;
use crate::drops::Drops;
use crate::publish::{Staged, is_among};
use crate::row::{OutcomeRow, RowError};
use crate::{jsonl, parquet, rows};

/// Rows between two calls of the progress function.
const PROGRESS_ROWS: u64 = 8192;

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The input is bad.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The output cannot be written.
    #[error("{}: {source}", file.display())]
    Write {
        /// The output.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The output has a name that says no format.
    #[error("{}: expected a name that ends in .parquet or .jsonl", file.display())]
    Output {
        /// The output.
        file: PathBuf,
    },
    /// The output would replace an input.
    #[error("{}: expected an output that is not among the inputs", file.display())]
    SameFile {
        /// The output.
        file: PathBuf,
    },
    /// Nothing was left to write.
    #[error("expected rows, found none in {n_read} records")]
    Empty {
        /// Rows that were read and dropped.
        n_read: u64,
    },
    /// A log of decisions on which nobody has reported.
    #[error("expected outcomes, found {n_unjudged} logged decisions, none with a reported quality")]
    Unjudged {
        /// How many decisions.
        n_unjudged: u64,
    },
    /// A column was mistaken for the model.
    #[error("expected at most {limit} models, found more; is \"{example}\" a model?")]
    TooManyModels {
        /// The limit.
        limit: usize,
        /// One of them.
        example: String,
    },
}

/// What becomes of the groups of prompts that ask the same question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// They stay as they are.
    Keep,
    /// Rows without a group get one from the text of their prompt.
    Missing,
    /// All rows with text get a new one: for files that were grouped apart from each other.
    All,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The file that was written.
    pub output: PathBuf,
    /// Rows that were met, good and bad.
    pub n_read: u64,
    /// Rows that were written.
    pub n_kept: u64,
    /// Rows that were not, by reason.
    pub dropped: Drops,
    /// Models.
    pub n_models: usize,
    /// Distinct prompts.
    pub n_prompts: u64,
    /// The share of all pairs of a prompt and a model that have an outcome.
    pub density: f64,
    /// Rows whose prompt and model a row before had. They are kept: they may be repeated tries.
    pub n_duplicates: u64,
    /// Groups of prompts that ask the same question.
    pub n_groups: u64,
    /// False when there was more to count than memory is spent on: the counts are then lower bounds.
    pub exact: bool,
    /// What a person should know before using the rows.
    pub warnings: Vec<String>,
}

/// Imports what a plan names into one file.
///
/// # Errors
/// Bad input, unless it is a bad row and the plan skips those; or an output that cannot be written.
pub fn run(
    plan: &Plan,
    output: &Path,
    grouping: Grouping,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, ImportError> {
    let failed = |source: io::Error| ImportError::Write { file: output.to_owned(), source };
    if is_among(output, &plan.paths) {
        return Err(ImportError::SameFile { file: output.to_owned() });
    }
    let mut counts = Counts::default();
    let mut grouper = Grouper::default();
    let mut n_ungrouped = 0_u64;
    let mut target = Target::create(output, output).map_err(failed)?.ok_or_else(|| unnamed(output))?;
    let mut broken = None;
    let reading = read(plan, &mut |row| {
        let Some(mut row) = counts.take(row, plan.skip_bad)? else { return Ok(()) };
        if grouping == Grouping::All && row.prompt.is_some() {
            row.group = None;
        }
        counts.n_grouped_before += u64::from(row.group.is_some());
        if let (Grouping::Missing | Grouping::All, None, Some(prompt)) = (grouping, &row.group, &row.prompt) {
            grouper.add(prompt);
            n_ungrouped += 1;
        }
        counts.n_kept += 1;
        if counts.n_kept.is_multiple_of(PROGRESS_ROWS) {
            progress(counts.n_kept);
        }
        counts.census.add(&row);
        let too_many = counts.census.models.len() > MAX_MODELS;
        let outcome = target.write(&row).map_err(failed).and_then(|()| {
            let example = row.model.to_string();
            if too_many { Err(ImportError::TooManyModels { limit: MAX_MODELS, example }) } else { Ok(()) }
        });
        outcome.map_err(|error| {
            broken = Some(error);
            stopped(output)
        })
    });
    counts.passed_over = match broken {
        Some(error) => return Err(error),
        None => reading?,
    };
    if let (0, PassedOver { n_unjudged: n_unjudged @ 1.., .. }) = (counts.n_kept, counts.passed_over) {
        return Err(ImportError::Unjudged { n_unjudged });
    }
    if counts.n_kept == 0 {
        return Err(ImportError::Empty { n_read: counts.n_read });
    }
    let mut staged = target.finish().map_err(failed)?;
    if n_ungrouped > 0 {
        counts.n_grouped_here = n_ungrouped;
        staged = regroup(&staged, output, grouper, &mut counts)?;
    }
    staged.publish().map_err(failed)?;
    Ok(counts.report(output))
}

/// The second walk: the same rows, with the groups that are known by now.
fn regroup(staged: &Staged, output: &Path, grouper: Grouper, counts: &mut Counts) -> Result<Staged, ImportError> {
    let failed = |source: io::Error| ImportError::Write { file: output.to_owned(), source };
    let (groups, first) = (grouper.finish(), staged.reread().map_err(failed)?);
    // Two hidden files stand beside the output for a while, so their names must differ.
    let mut target =
        Target::create(&first.with_extension("grouped"), output).map_err(failed)?.ok_or_else(|| unnamed(output))?;
    counts.census = Census::default();
    for row in rows::read_as(&first, output)? {
        let mut row = row?;
        if let (None, Some(prompt)) = (&row.group, &row.prompt) {
            row.group = Some(groups.of(prompt));
        }
        counts.census.add(&row);
        target.write(&row).map_err(failed)?;
    }
    let second = target.finish().map_err(failed)?;
    Ok(second.instead_of(staged))
}

#[derive(Default)]
struct Counts {
    n_read: u64,
    n_kept: u64,
    n_grouped_before: u64,
    n_grouped_here: u64,
    passed_over: PassedOver,
    drops: Drops,
    census: Census,
}

impl Counts {
    /// The row, if it is good; nothing, if it is bad and bad ones are skipped.
    fn take(&mut self, row: Result<OutcomeRow, RowError>, skip_bad: bool) -> Result<Option<OutcomeRow>, RowError> {
        self.n_read += 1;
        match row {
            Ok(row) => Ok(Some(row)),
            Err(error) => match error.bad_row() {
                Some((place, fault)) if skip_bad => {
                    self.drops.add(fault.reason(), place);
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }

    fn report(self, output: &Path) -> Report {
        let warnings = self.warnings();
        Report {
            output: output.to_owned(),
            n_read: self.n_read,
            n_kept: self.n_kept,
            n_models: self.census.models.len(),
            n_prompts: self.census.n_prompts(),
            density: self.census.density(),
            n_duplicates: self.census.n_duplicates(),
            n_groups: self.census.n_groups(),
            exact: self.census.exact(),
            dropped: self.drops,
            warnings,
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let PassedOver { n_unjudged, n_stray_verdicts } = self.passed_over;
        if n_unjudged > 0 {
            warnings.push(format!("{n_unjudged} logged decisions have no reported quality and were passed over"));
        }
        if n_stray_verdicts > 0 {
            warnings.push(format!("{n_stray_verdicts} reported outcomes belong to decisions in none of these files"));
        }
        for (source, models) in self.census.sources.iter().filter(|(_, models)| models.len() == 1) {
            let model = models.first().map_or("", |model| model);
            warnings.push(format!("source \"{source}\" has one model, \"{model}\": there is nothing to choose in it"));
        }
        if self.n_grouped_before > 0 && self.n_grouped_here > 0 {
            warnings.push(format!(
                "{} rows brought a group and {} got one here: the same question can be in both; --regroup makes one of them",
                self.n_grouped_before, self.n_grouped_here
            ));
        }
        let n_of_two_texts = self.census.n_of_two_texts();
        if n_of_two_texts > 0 {
            let what = "prompts have rows with different texts: training reads the first of them in alphabetical order";
            warnings.push(format!("{n_of_two_texts} {what}"));
        }
        let without = |n_with: u64| self.n_kept - n_with.min(self.n_kept);
        for (n_rows, what) in [
            (self.census.n_judging_only, "are for judging only: training refuses them"),
            (without(self.census.n_with_text), "carry no prompt text: they can be judged, not learned from"),
            (without(self.census.n_with_tokens), "carry no completion tokens"),
            (without(self.census.n_with_cost), "carry no cost: the catalog's prices will have to do"),
        ] {
            if n_rows > 0 {
                warnings.push(format!("{n_rows} of {} rows {what}", self.n_kept));
            }
        }
        warnings
    }
}

/// A writer of either format.
enum Target {
    Parquet(Box<parquet::RowWriter<Staged>>),
    Jsonl(jsonl::RowWriter<Staged>),
}

impl Target {
    /// Begins a hidden file beside `place`, in the format that the name of the output says.
    fn create(place: &Path, output: &Path) -> io::Result<Option<Self>> {
        match output.extension().and_then(|extension| extension.to_str()) {
            Some("parquet") => {
                let writer = parquet::RowWriter::new(Staged::create(place)?).map_err(as_io)?;
                Ok(Some(Self::Parquet(Box::new(writer))))
            }
            Some("jsonl") => Ok(Some(Self::Jsonl(jsonl::RowWriter::new(Staged::create(place)?)))),
            _ => Ok(None),
        }
    }

    fn write(&mut self, row: &OutcomeRow) -> io::Result<()> {
        match self {
            Self::Parquet(writer) => writer.write(row).map_err(as_io),
            Self::Jsonl(writer) => writer.write(row),
        }
    }

    fn finish(self) -> io::Result<Staged> {
        let mut staged = match self {
            Self::Parquet(writer) => writer.finish().map_err(as_io)?,
            Self::Jsonl(writer) => writer.finish()?,
        };
        staged.flush()?;
        Ok(staged)
    }
}

fn unnamed(output: &Path) -> ImportError {
    ImportError::Output { file: output.to_owned() }
}

/// Ends the reading when it is the writing that failed; the writer's own error is what gets reported.
fn stopped(output: &Path) -> RowError {
    RowError::Io { file: output.to_owned(), source: io::Error::other("the output could not be written") }
}

fn as_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => *source,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}

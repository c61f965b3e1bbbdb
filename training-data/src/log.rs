//! A service's log at rest: decisions as they were made, and verdicts on them, which come later, if ever. Both are records of
//! one stream, so that nothing is held back for a verdict and a crash loses none; whoever reads joins them by the decision's id.
//! While a segment is written it is lines of JSON; closed, it is Parquet, with the columns of outcome rows and one more, `record`.

use std::io::{self, Write};

use ::parquet::errors::ParquetError;

use crate::cell::Cell;
use crate::jsonl;
use crate::parquet::writer::{CellWriter, Field};
use crate::row::{Column, Draft, Fault, Kind, OutcomeRow, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Text};

pub(crate) mod join;

pub use join::MAX_VERDICTS;

/// Under this key a segment says that it is one, and its version.
pub const LOG_VERSION_KEY: &str = "log_version";

/// The version of segments.
pub const LOG_VERSION: u32 = 1;

/// The column that says what a record is.
pub const RECORD_COLUMN: &str = "record";

/// What stands where a verdict has no name of its own; readers never see it.
const NONE: &str = "-";

/// One record of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A decision: a row whose quality nobody knows yet, and whose `logged` says what the router thought. Its `quality` is not
    /// written.
    Decision(Box<OutcomeRow>),
    /// What became of one.
    Verdict(Box<Verdict>),
}

/// What became of a decision, as its caller reported it. What is absent was not said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The decision.
    pub decision_id: Option<Text>,
    /// When it was reported, in milliseconds since 1970.
    pub at_ms: Option<u64>,
    /// Who really answered, where that is not the model that was chosen.
    pub model: Option<Text>,
    /// How good the answer was, from 0 to 1.
    pub quality: Option<f64>,
    /// Who says so.
    pub judge: Option<Text>,
    /// Tokens that were sent, the cached ones included.
    pub prompt_tokens: Option<u64>,
    /// Of those, the tokens that the provider had cached.
    pub cached_tokens: Option<u64>,
    /// Tokens of the answer, hidden reasoning included.
    pub completion_tokens: Option<u64>,
    /// Of those, the tokens of hidden reasoning.
    pub reasoning_tokens: Option<u64>,
    /// The bill, in US dollars.
    pub cost_usd: Option<f64>,
    /// From the call to the last byte.
    pub latency_ms: Option<u64>,
}

impl Record {
    /// The word for it in the column `record`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Decision(_) => DECISION,
            Self::Verdict(_) => VERDICT,
        }
    }

    /// Adds the record as one line of JSON, with its end.
    pub fn write_line(&self, line: &mut Vec<u8>) {
        // Writing to memory cannot fail, here and below.
        let _ = write!(line, "{{\"{RECORD_COLUMN}\":\"{}\"", self.word());
        let _ = jsonl::write_cells(line, |column| self.cell(column));
        line.extend_from_slice(b"}\n");
    }

    /// Reads a line back.
    ///
    /// # Errors
    /// The line is torn or no record, or a cell of it is wrong.
    pub fn from_line(line: &[u8], draft: &mut Draft) -> Result<Self, Fault> {
        let begins_as = |word: &str| line.starts_with(format!("{{\"{RECORD_COLUMN}\":\"{word}\"").as_bytes());
        let word = [DECISION, VERDICT].into_iter().find(|word| begins_as(word));
        let word =
            word.ok_or_else(|| Fault::Shape { expected: "a decision or a verdict", found: "no such line".to_owned() })?;
        jsonl::fill(line, draft)?;
        Self::from_draft(word, draft)
    }

    /// What stands in a draft, whose quality may be missing.
    fn from_draft(word: &str, draft: &mut Draft) -> Result<Self, Fault> {
        let missing = |column: Column| Fault::Missing { column: column.name().to_owned() };
        if !draft.holds(Column::DecisionId) {
            draft.clear();
            return Err(missing(Column::DecisionId));
        }
        let (has_model, has_quality) = (draft.holds(Column::Model), draft.holds(Column::Quality));
        if !has_quality {
            draft.set(Column::Quality, Cell::Number(0.0))?;
        }
        if word == DECISION {
            return draft.finish().map(|row| Self::Decision(Box::new(row)));
        }
        if word != VERDICT {
            draft.clear();
            let expected = "a decision or a verdict";
            return Err(Fault::Cell { column: RECORD_COLUMN.to_owned(), expected, found: format!("{word:?}") });
        }
        for column in [Column::Source, Column::Dataset, Column::PromptId, Column::Model] {
            draft.set_default(column, NONE)?;
        }
        let row = draft.finish()?;
        let logged = row.logged.as_deref();
        Ok(Self::Verdict(Box::new(Verdict {
            decision_id: logged.map(|logged| logged.decision_id.clone()),
            at_ms: logged.and_then(|logged| logged.at_ms),
            model: has_model.then_some(row.model),
            quality: has_quality.then_some(row.quality),
            judge: row.judge,
            prompt_tokens: row.prompt_tokens,
            cached_tokens: row.cached_tokens,
            completion_tokens: row.completion_tokens,
            reasoning_tokens: row.reasoning_tokens,
            cost_usd: row.cost_usd,
            latency_ms: row.latency_ms,
        })))
    }

    fn cell(&self, column: Column) -> Cell<'_> {
        match self {
            Self::Decision(_) if column == Column::Quality => Cell::Null,
            Self::Decision(row) => row.cell(column),
            Self::Verdict(verdict) => verdict.cell(column),
        }
    }
}

const DECISION: &str = "decision";
const VERDICT: &str = "verdict";

impl Verdict {
    /// A verdict is written as a row of which it fills a part.
    fn cell(&self, column: Column) -> Cell<'_> {
        let count = |count: Option<u64>| {
            count.map_or(Cell::Null, |count| Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
        };
        let number = |number: Option<f64>| number.map_or(Cell::Null, Cell::Number);
        match column {
            Column::DecisionId => text(self.decision_id.as_ref()),
            Column::AtMs => count(self.at_ms),
            Column::Model => text(self.model.as_ref()),
            Column::Quality => number(self.quality),
            Column::Judge => text(self.judge.as_ref()),
            Column::PromptTokens => count(self.prompt_tokens),
            Column::CachedTokens => count(self.cached_tokens),
            Column::CompletionTokens => count(self.completion_tokens),
            Column::ReasoningTokens => count(self.reasoning_tokens),
            Column::CostUsd => number(self.cost_usd),
            Column::LatencyMs => count(self.latency_ms),
            Column::Source
            | Column::Dataset
            | Column::PromptId
            | Column::Prompt
            | Column::PromptDigest
            | Column::Group
            | Column::JudgingOnly
            | Column::Policy
            | Column::PolicyVersion
            | Column::Artifact
            | Column::ForecastQuality
            | Column::ForecastQualityLow
            | Column::ForecastCompletionTokens
            | Column::ForecastCostUsd
            | Column::Propensity
            | Column::Forecasts => Cell::Null,
        }
    }

    /// What a later report on the same decision adds or corrects.
    fn take_over(&mut self, later: Self) {
        let Self {
            decision_id,
            at_ms,
            model,
            quality,
            judge,
            prompt_tokens,
            cached_tokens,
            completion_tokens,
            reasoning_tokens,
            cost_usd,
            latency_ms,
        } = later;
        self.decision_id = decision_id.or(self.decision_id.take());
        self.at_ms = at_ms.or(self.at_ms);
        self.model = model.or(self.model.take());
        self.quality = quality.or(self.quality);
        self.judge = judge.or(self.judge.take());
        self.prompt_tokens = prompt_tokens.or(self.prompt_tokens);
        self.cached_tokens = cached_tokens.or(self.cached_tokens);
        self.completion_tokens = completion_tokens.or(self.completion_tokens);
        self.reasoning_tokens = reasoning_tokens.or(self.reasoning_tokens);
        self.cost_usd = cost_usd.or(self.cost_usd);
        self.latency_ms = latency_ms.or(self.latency_ms);
    }
}

fn text(text: Option<&Text>) -> Cell<'_> {
    text.map_or(Cell::Null, |text| Cell::Text(text))
}

/// Writes a closed segment.
pub struct SegmentWriter<W: Write + Send>(CellWriter<W>);

impl<W: Write + Send> SegmentWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn new(target: W) -> io::Result<Self> {
        let mut fields = vec![Field { name: RECORD_COLUMN, kind: Kind::Name, required: true }];
        fields.extend(Column::ALL.map(|column| Field::of(column, false)));
        let (schema, log) = (SCHEMA_VERSION.to_string(), LOG_VERSION.to_string());
        let notes = [(SCHEMA_VERSION_KEY, schema.as_str()), (LOG_VERSION_KEY, log.as_str())];
        CellWriter::new(target, &fields, &notes).map(Self).map_err(as_io)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        let cells = Column::ALL.into_iter().map(|column| record.cell(column));
        self.0.write(std::iter::once(Cell::Text(record.word())).chain(cells)).map_err(as_io)
    }

    /// Writes what is left and the footer, and hands the target back.
    ///
    /// # Errors
    /// The target cannot be written to.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish().map_err(as_io)
    }
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

#[cfg(test)]
mod tests;

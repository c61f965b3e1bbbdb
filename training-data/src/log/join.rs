//! Segments of a log back to outcome rows: the verdicts of all files first, then the decisions, each with its verdict. A decision
//! that nobody has judged is no outcome yet; it is passed over and counted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{LOG_VERSION, LOG_VERSION_KEY, RECORD_COLUMN, Record, Verdict};
use crate::parquet::ParquetTable;
use crate::row::{Column, Draft, OutcomeRow, RowError, SCHEMA_VERSION, SCHEMA_VERSION_KEY, Text};

/// Verdicts that are held while their decisions are read: some gigabytes. Whoever has more reads month by month.
pub const MAX_VERDICTS: usize = 20_000_000;

/// What a verdict fills, to read nothing else of a segment on the first walk.
const OF_A_VERDICT: [Column; 11] = [
    Column::DecisionId,
    Column::AtMs,
    Column::Model,
    Column::Quality,
    Column::Judge,
    Column::PromptTokens,
    Column::CachedTokens,
    Column::CompletionTokens,
    Column::ReasoningTokens,
    Column::CostUsd,
    Column::LatencyMs,
];

/// The records of one closed segment, in order.
pub(crate) struct SegmentReader {
    table: ParquetTable,
    record: usize,
    columns: Vec<(usize, Column)>,
    draft: Draft,
    done: bool,
}

impl SegmentReader {
    /// Opens a file if it is a segment.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, RowError> {
        Self::open_columns(path, &Column::ALL)
    }

    fn open_columns(path: &Path, columns: &[Column]) -> Result<Option<Self>, RowError> {
        if ParquetTable::open(path, |_| false)?.note(LOG_VERSION_KEY).is_none() {
            return Ok(None);
        }
        let wanted = |name: &str| {
            name == RECORD_COLUMN || Column::from_name(name).is_some_and(|column| columns.contains(&column))
        };
        let table = ParquetTable::open(path, wanted)?;
        for (key, expected) in [(LOG_VERSION_KEY, LOG_VERSION), (SCHEMA_VERSION_KEY, SCHEMA_VERSION)] {
            let found = table.note(key).unwrap_or("none");
            if found != expected.to_string() {
                return Err(RowError::Version { file: path.to_owned(), expected, found: found.to_owned() });
            }
        }
        let record = table.names().iter().position(|name| name == RECORD_COLUMN).ok_or_else(|| {
            let (column, found) = (RECORD_COLUMN.to_owned(), table.names().join(", "));
            RowError::MissingColumn { file: path.to_owned(), column, found }
        })?;
        let known = |(place, name): (usize, &String)| Column::from_name(name).map(|column| (place, column));
        let columns = table.names().iter().enumerate().filter_map(known).collect();
        Ok(Some(Self { table, record, columns, draft: Draft::default(), done: false }))
    }

    /// Only the records of one kind, judged by the word, so that the others need not be whole.
    fn next_of(&mut self, kind: &str) -> Option<Result<Record, RowError>> {
        while !self.done {
            match self.table.advance() {
                Ok(true) if self.word() == kind => return Some(self.read(kind)),
                Ok(true) => {}
                Ok(false) => self.done = true,
                Err(error) => {
                    self.done = true; // What lies behind a break cannot be trusted.
                    return Some(Err(error));
                }
            }
        }
        None
    }

    fn word(&self) -> String {
        self.table.cell(self.record).text().unwrap_or_default().to_owned()
    }

    fn read(&mut self, kind: &str) -> Result<Record, RowError> {
        let at = |fault| RowError::Row { place: self.table.place(), fault };
        for (place, column) in &self.columns {
            if let Err(fault) = self.draft.set(*column, self.table.cell(*place)) {
                self.draft.clear();
                return Err(at(fault));
            }
        }
        Record::from_draft(kind, &mut self.draft).map_err(|fault| RowError::Row { place: self.table.place(), fault })
    }

    /// The next decision that was judged, as an outcome.
    pub(crate) fn next_outcome(&mut self, verdicts: &mut Verdicts) -> Option<Result<OutcomeRow, RowError>> {
        loop {
            match self.next_of(super::DECISION)? {
                Ok(Record::Decision(row)) => match verdicts.join(*row) {
                    Some(outcome) => return Some(Ok(outcome)),
                    None => verdicts.n_unjudged += 1,
                },
                Ok(Record::Verdict(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The verdicts of all segments, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    by_decision: HashMap<Text, Held>,
    n_unjudged: u64,
    n_used: u64,
}

#[derive(Debug, Default)]
struct Held {
    verdict: Verdict,
    used: bool,
}

impl Verdicts {
    /// Reads the verdicts of those files that are segments. A file that cannot be opened is left to whoever reads its rows.
    pub(crate) fn of(files: &[PathBuf]) -> Result<Self, RowError> {
        Self::within(files, MAX_VERDICTS)
    }

    pub(super) fn within(files: &[PathBuf], limit: usize) -> Result<Self, RowError> {
        let mut verdicts = Self::default();
        for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "parquet")) {
            let Ok(Some(mut segment)) = SegmentReader::open_columns(file, &OF_A_VERDICT) else { continue };
            while let Some(record) = segment.next_of(super::VERDICT) {
                // A bad verdict leaves its decision unjudged, which is counted.
                let Ok(Record::Verdict(verdict)) = record else { continue };
                let Some(decision_id) = verdict.decision_id.clone() else { continue };
                verdicts.by_decision.entry(decision_id).or_default().verdict.take_over(*verdict);
                if verdicts.by_decision.len() > limit {
                    return Err(RowError::TooManyVerdicts { file: file.clone(), limit });
                }
            }
        }
        Ok(verdicts)
    }

    /// Decisions without a verdict on their quality, so far.
    pub(crate) fn n_unjudged(&self) -> u64 {
        self.n_unjudged
    }

    /// Verdicts whose decision has not come, so far.
    pub(crate) fn n_strays(&self) -> u64 {
        u64::try_from(self.by_decision.len()).unwrap_or(u64::MAX) - self.n_used
    }

    /// The decision with its verdict, if that says how good the answer was.
    fn join(&mut self, mut row: OutcomeRow) -> Option<OutcomeRow> {
        let held = self.by_decision.get_mut(&*row.logged.as_ref()?.decision_id)?;
        if !held.used {
            held.used = true;
            self.n_used += 1;
        }
        let verdict = &held.verdict;
        row.quality = verdict.quality?;
        row.judge = verdict.judge.clone().or(row.judge);
        row.prompt_tokens = verdict.prompt_tokens.or(row.prompt_tokens);
        row.cached_tokens = verdict.cached_tokens.or(row.cached_tokens);
        row.completion_tokens = verdict.completion_tokens.or(row.completion_tokens);
        row.reasoning_tokens = verdict.reasoning_tokens.or(row.reasoning_tokens);
        row.cost_usd = verdict.cost_usd.or(row.cost_usd);
        row.latency_ms = verdict.latency_ms.or(row.latency_ms);
        if let Some(model) = verdict.model.clone().filter(|model| *model != row.model) {
            answered_by_another(&mut row, model);
        }
        Some(row)
    }
}

/// A fallback answered: what was forecast of the chosen model says nothing of it, and nobody drew it.
fn answered_by_another(row: &mut OutcomeRow, model: Text) {
    row.model = model;
    let Some(logged) = &mut row.logged else { return };
    let forecasts = logged.forecasts.as_deref().and_then(|list| serde_json::from_str::<serde_json::Value>(list).ok());
    let forecast = forecasts
        .as_ref()
        .and_then(|list| list.as_array()?.iter().find(|forecast| forecast["model"].as_str() == Some(&*row.model)));
    let says = |key: &str, most: f64| {
        forecast.and_then(|forecast| forecast[key].as_f64()).filter(|number| (0.0..=most).contains(number))
    };
    logged.forecast_quality = says("quality", 1.0);
    logged.forecast_quality_low = says("quality_low", 1.0);
    logged.forecast_completion_tokens = says("completion_tokens", f64::MAX);
    logged.forecast_cost_usd = says("cost_usd", f64::MAX);
    logged.propensity = None;
}

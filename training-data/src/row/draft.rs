//! A row in the making: cells go in one at a time, in any order, each checked at the door; a whole row comes out.
//! One draft serves a whole file. It keeps the texts it has seen, so that the thousand rows of a prompt share one copy.

use std::collections::HashSet;
use std::sync::Arc;

use super::column::{Column, Kind, N_COLUMNS};
use super::{Fault, Logged, OutcomeRow, Text};
use crate::cell::Cell;

/// The longest name or id. A guess: the longest in the public files is below 200.
pub const MAX_NAME_BYTES: usize = 1024;

/// The longest prompt. About a million tokens: the largest context window on offer.
pub const MAX_PROMPT_BYTES: usize = 4 << 20;

/// The longest digest: 64 bytes in hexadecimal.
const MAX_DIGEST_CHARS: usize = 128;

/// Tokens of one call, at most: more is a slip, and would drown every other bill.
pub const MAX_TOKENS: u64 = 100_000_000;

/// US dollars for one answer, at most: what [`MAX_TOKENS`] cost at $10,000 for a million, the dearest price that a catalog takes.
/// More is a slip, and a sum of such is no number.
pub const MAX_COST_USD: f64 = 1_000_000.0;

/// Bytes of text that a draft remembers per column before it starts over. Rows of one prompt lie close together, so a
/// short memory shares nearly as much as a long one; this bounds it.
const SHELF_BYTES: usize = 4 << 20;

/// A row in the making.
#[derive(Debug)]
pub struct Draft {
    held: [Held; N_COLUMNS],
    shelves: Vec<Shelf>,
}

#[derive(Clone, Debug, Default)]
enum Held {
    #[default]
    Nothing,
    Text(Text),
    Number(f64),
    Count(u64),
    Flag(bool),
}

impl Default for Draft {
    fn default() -> Self {
        Self { held: Default::default(), shelves: (0..N_COLUMNS).map(|_| Shelf::default()).collect() }
    }
}

impl Draft {
    /// Puts a cell into its column.
    ///
    /// # Errors
    /// The cell does not hold what the column may.
    pub fn set(&mut self, column: Column, cell: Cell<'_>) -> Result<(), Fault> {
        let kind = column.kind();
        // An empty text where a name may be left out is how CSV and log files leave it out.
        let left_out = cell.is_null() || (!column.required() && kind != Kind::Prose && cell.text() == Some(""));
        if left_out {
            self.held[column as usize] = Held::Nothing;
            return Ok(());
        }
        let fits = |count: &u64| i64::try_from(*count).is_ok();
        let held = match kind {
            Kind::Name => cell.text().filter(|text| (1..=MAX_NAME_BYTES).contains(&text.len())),
            Kind::Prose => cell.text().filter(|text| text.len() <= MAX_PROMPT_BYTES),
            Kind::Digest => cell.text().filter(|text| is_digest(text)),
            Kind::Share | Kind::Moment | Kind::Duration | Kind::Tokens | Kind::Amount | Kind::Bill | Kind::Flag => None,
        }
        .map(|text| Held::Text(self.shelves[column as usize].share(text)))
        .or_else(|| match kind {
            Kind::Name | Kind::Prose | Kind::Digest => None,
            Kind::Share => cell.number().filter(|share| (0.0..=1.0).contains(share)).map(Held::Number),
            Kind::Amount => cell.number().filter(|amount| amount.is_finite() && *amount >= 0.0).map(Held::Number),
            Kind::Bill => cell.number().filter(|usd| (0.0..=MAX_COST_USD).contains(usd)).map(Held::Number),
            Kind::Moment => cell.moment_ms().filter(fits).map(Held::Count),
            Kind::Duration => cell.duration_ms().filter(fits).map(Held::Count),
            Kind::Tokens => cell.count().filter(|count| *count <= MAX_TOKENS).map(Held::Count),
            Kind::Flag => cell.flag().map(Held::Flag),
        });
        self.held[column as usize] = held.ok_or_else(|| Fault::Cell {
            column: column.name().to_owned(),
            expected: kind.expected(),
            found: cell.to_string(),
        })?;
        Ok(())
    }

    /// Sets a text if nothing was set before.
    ///
    /// # Errors
    /// The text does not fit the column.
    pub fn set_default(&mut self, column: Column, text: &str) -> Result<(), Fault> {
        if matches!(self.held[column as usize], Held::Nothing) { self.set(column, Cell::Text(text)) } else { Ok(()) }
    }

    /// Forgets the cells, not the texts.
    pub fn clear(&mut self) {
        self.held.fill(Held::Nothing);
    }

    /// The text that stands in a column so far.
    #[must_use]
    pub fn text(&self, column: Column) -> Option<&str> {
        match &self.held[column as usize] {
            Held::Text(text) => Some(text),
            Held::Nothing | Held::Number(_) | Held::Count(_) | Held::Flag(_) => None,
        }
    }

    /// Whether something stands in a column so far.
    #[must_use]
    pub fn holds(&self, column: Column) -> bool {
        !matches!(self.held[column as usize], Held::Nothing)
    }

    /// The whole row; the draft is empty again, whatever came of it.
    ///
    /// # Errors
    /// A required cell was never set.
    pub fn finish(&mut self) -> Result<OutcomeRow, Fault> {
        let row = self.assemble();
        self.clear();
        row
    }

    fn assemble(&mut self) -> Result<OutcomeRow, Fault> {
        let missing = |column: Column| Fault::Missing { column: column.name().to_owned() };
        for column in Column::ALL {
            if column.required() && matches!(self.held[column as usize], Held::Nothing) {
                return Err(missing(column));
            }
        }
        let mut name = |column: Column| self.take_text(column).ok_or_else(|| missing(column));
        let (source, dataset, prompt_id) = (name(Column::Source)?, name(Column::Dataset)?, name(Column::PromptId)?);
        let model = name(Column::Model)?;
        let logged = self.logged()?;
        Ok(OutcomeRow {
            source,
            dataset,
            prompt_id,
            prompt: self.take_text(Column::Prompt),
            prompt_digest: self.take_text(Column::PromptDigest),
            model,
            quality: self.number(Column::Quality).ok_or_else(|| missing(Column::Quality))?,
            judge: self.take_text(Column::Judge),
            prompt_tokens: self.count(Column::PromptTokens),
            cached_tokens: self.count(Column::CachedTokens),
            completion_tokens: self.count(Column::CompletionTokens),
            reasoning_tokens: self.count(Column::ReasoningTokens),
            cost_usd: self.number(Column::CostUsd),
            latency_ms: self.count(Column::LatencyMs),
            group: self.take_text(Column::Group),
            judging_only: matches!(self.held[Column::JudgingOnly as usize], Held::Flag(true)),
            logged,
        })
    }

    fn logged(&mut self) -> Result<Option<Box<Logged>>, Fault> {
        let Some(decision_id) = self.take_text(Column::DecisionId) else {
            let orphan = Column::ALL[Column::AtMs as usize..]
                .iter()
                .find(|column| !matches!(self.held[**column as usize], Held::Nothing));
            // A propensity without its decision cannot be joined with anything, so it must not look as if it could.
            return orphan.map_or(Ok(None), |column| Err(Fault::Orphan { column: column.name().to_owned() }));
        };
        Ok(Some(Box::new(Logged {
            decision_id,
            at_ms: self.count(Column::AtMs),
            policy: self.take_text(Column::Policy),
            policy_version: self.take_text(Column::PolicyVersion),
            artifact: self.take_text(Column::Artifact),
            forecast_quality: self.number(Column::ForecastQuality),
            forecast_quality_low: self.number(Column::ForecastQualityLow),
            forecast_completion_tokens: self.number(Column::ForecastCompletionTokens),
            forecast_cost_usd: self.number(Column::ForecastCostUsd),
            propensity: self.number(Column::Propensity),
            forecasts: self.take_text(Column::Forecasts),
        })))
    }

    fn take_text(&mut self, column: Column) -> Option<Text> {
        match std::mem::take(&mut self.held[column as usize]) {
            Held::Text(text) => Some(text),
            Held::Nothing | Held::Number(_) | Held::Count(_) | Held::Flag(_) => None,
        }
    }

    fn number(&self, column: Column) -> Option<f64> {
        match self.held[column as usize] {
            Held::Number(number) => Some(number),
            Held::Nothing | Held::Text(_) | Held::Count(_) | Held::Flag(_) => None,
        }
    }

    fn count(&self, column: Column) -> Option<u64> {
        match self.held[column as usize] {
            Held::Count(count) => Some(count),
            Held::Nothing | Held::Text(_) | Held::Number(_) | Held::Flag(_) => None,
        }
    }
}

fn is_digest(text: &str) -> bool {
    (2..=MAX_DIGEST_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The texts of one column that were seen lately. Only asked, never walked, so the order of the set does not matter.
#[derive(Debug, Default)]
struct Shelf {
    last: Option<Text>,
    known: HashSet<Text>,
    n_bytes: usize,
}

impl Shelf {
    fn share(&mut self, text: &str) -> Text {
        if let Some(last) = self.last.as_ref().filter(|last| &***last == text) {
            return Arc::clone(last);
        }
        let shared = match self.known.get(text) {
            Some(shared) => Arc::clone(shared),
            None => self.add(text),
        };
        self.last = Some(Arc::clone(&shared));
        shared
    }

    fn add(&mut self, text: &str) -> Text {
        // What a text costs beside its bytes: two counters, a pointer and its place in the set.
        let cost = text.len() + 64;
        if self.n_bytes + cost > SHELF_BYTES {
            self.known.clear();
            self.n_bytes = 0;
        }
        let shared: Text = text.into();
        self.known.insert(Arc::clone(&shared));
        self.n_bytes += cost;
        shared
    }
}

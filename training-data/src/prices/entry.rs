//! What a price list says under one name, or why that is no model, and the checks that all lists share. An entry is
//! judged by itself, so that a bad one need not stand in the way of those that were asked for.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{PriceError, PriceRow};
use crate::cell::Cell;

/// No token costs more than this per million; a list that says so has its units wrong.
const MAX_USD_PER_1M: f64 = 10_000.0;

/// Nothing but what is free costs less. Prices for one token, written where those for a million belong, are all below it
/// up to $100 for a million, and would make the model as good as free.
const MIN_USD_PER_1M: f64 = 0.0001;

const TOO_SMALL: &str = "0, or 0.0001 or more USD per million tokens (not per token)";

/// One entry of a list.
pub(super) struct Found {
    /// Its name; empty if it has none.
    pub model: String,
    /// Where it stands: `line 3`, `entry 3`.
    pub place: String,
    pub entry: Entry,
}

impl Found {
    pub(super) fn may_be_model(&self) -> bool {
        match self.entry {
            Entry::Row(_) | Entry::Bad(_) => true,
            Entry::NoModel(_) => false,
        }
    }
}

/// What an entry is.
pub(super) enum Entry {
    /// A model.
    Row(Box<PriceRow>),
    /// Nothing a router could choose, and why.
    NoModel(String),
    /// Wrong.
    Bad(PriceError),
}

impl From<Result<PriceRow, PriceError>> for Entry {
    fn from(row: Result<PriceRow, PriceError>) -> Self {
        row.map_or_else(Self::Bad, |row| Self::Row(Box::new(row)))
    }
}

/// Reads the fields of one entry, and names it when one is wrong.
pub(super) struct Fields<'f> {
    pub file: &'f Path,
    pub model: &'f str,
}

impl Fields<'_> {
    pub(super) fn wrong(&self, field: &str, expected: &'static str, found: String) -> PriceError {
        let (file, model, field) = (self.file.to_owned(), self.model.to_owned(), field.to_owned());
        PriceError::Entry { file, model, field, expected, found }
    }

    /// A price, given per token or in a text.
    pub(super) fn usd_per_1m(&self, field: &str, cell: Cell<'_>, unit: f64) -> Result<Option<f64>, PriceError> {
        if cell.is_null() {
            return Ok(None);
        }
        // Prices per token are tiny decimals; what multiplying leaves behind the sixth digit is noise, and finer than any
        // catalog keeps.
        let price = cell.number().map(|price| (price * unit * 1e6).round() / 1e6);
        match price.filter(|price| price.is_finite() && (0.0..=MAX_USD_PER_1M).contains(price)) {
            Some(price) if price < MIN_USD_PER_1M && cell.number() != Some(0.0) => {
                Err(self.wrong(field, TOO_SMALL, cell.to_string()))
            }
            Some(price) => Ok(Some(price)),
            None => Err(self.wrong(field, "a price of 0 to 10000 USD per million tokens", cell.to_string())),
        }
    }

    pub(super) fn tokens(&self, field: &str, cell: Cell<'_>) -> Result<Option<u64>, PriceError> {
        if cell.is_null() {
            return Ok(None);
        }
        cell.count().map(Some).ok_or_else(|| self.wrong(field, "a whole number of tokens", cell.to_string()))
    }
}

/// A JSON object as the file has it: in its order, and with a key that is given twice given twice.
pub(super) struct Keyed(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Keyed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeyedVisitor)
    }
}

struct KeyedVisitor;

impl<'de> Visitor<'de> for KeyedVisitor {
    type Value = Keyed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keyed, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Keyed(entries))
    }
}

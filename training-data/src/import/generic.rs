//! Any table, long or wide, with a mapping from the command line. A column that bears one of our names needs none.

use std::collections::BTreeMap;
use std::path::Path;

use super::wide::{Dataset, Model, Wide, as_it_is, name_prompt, rename, scaled, set_text};
use super::{Plan, Sink, missing, stem};
use crate::row::{Column, Draft, Fault, Kind, RowError};
use crate::table::Table;

/// Which of the file's columns is which of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    columns: BTreeMap<Column, String>,
    /// The columns that hold the scores of one model each; empty for a long table.
    wide: Vec<String>,
}

/// The columns that a wide table may have beside its scores.
const IN_WIDE: [Column; 3] = [Column::Dataset, Column::PromptId, Column::Prompt];

/// Why a mapping makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not `ours=theirs`.
    #[error("expected COLUMN=COLUMN, found \"{0}\"")]
    Shape(String),
    /// Not a column of ours.
    #[error("expected one of {expected}, found \"{found}\"")]
    Column {
        /// Our columns.
        expected: String,
        /// What it is instead.
        found: String,
    },
    /// The same column twice.
    #[error("expected \"{0}\" once, found it twice")]
    Twice(String),
    /// In a wide table every column of scores names its model.
    #[error(
        "expected no {0} beside the columns of a wide table, whose names are the models and whose cells the scores"
    )]
    InWide(&'static str),
}

impl Mapping {
    /// Reads `ours=theirs` pairs and the model columns of a wide table.
    ///
    /// # Errors
    /// A pair is none, or names no column of ours.
    pub fn new(pairs: &[String], wide: &[String]) -> Result<Self, MappingError> {
        let mut columns = BTreeMap::new();
        for pair in pairs {
            let (ours, theirs) = pair.split_once('=').ok_or_else(|| MappingError::Shape(pair.clone()))?;
            let column = Column::from_name(ours).ok_or_else(|| MappingError::Column {
                expected: Column::ALL.map(Column::name).join(", "),
                found: ours.to_owned(),
            })?;
            if columns.insert(column, theirs.to_owned()).is_some() {
                return Err(MappingError::Twice(ours.to_owned()));
            }
        }
        if let Some(twice) = wide.iter().enumerate().find_map(|(at, name)| wide[..at].contains(name).then_some(name)) {
            return Err(MappingError::Twice(twice.clone()));
        }
        if let Some(column) = columns.keys().find(|column| !wide.is_empty() && !IN_WIDE.contains(column)) {
            return Err(MappingError::InWide(column.name()));
        }
        Ok(Self { columns, wide: wide.to_vec() })
    }

    fn theirs(&self, column: Column) -> &str {
        self.columns.get(&column).map_or(column.name(), String::as_str)
    }

    /// Where our columns stand in a table. What was mapped must be there; what bears our name may be.
    fn places(&self, path: &Path, table: &Table) -> Result<BTreeMap<Column, usize>, RowError> {
        let mut places = BTreeMap::new();
        for column in Column::ALL {
            match table.column(self.theirs(column)) {
                Some(place) => {
                    places.insert(column, place);
                }
                None if self.columns.contains_key(&column) => return Err(missing(path, self.theirs(column), table)),
                None => {}
            }
        }
        Ok(places)
    }
}

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let mapping = &plan.mapping;
    let mut table = Table::open(path, |name| {
        mapping.wide.iter().any(|wide| wide == name) || Column::ALL.iter().any(|column| mapping.theirs(*column) == name)
    })?;
    let places = mapping.places(path, &table).map_err(|error| with_all_names(path, error))?;
    if mapping.wide.is_empty() {
        return send_long(path, plan, &places, &mut table, sink);
    }
    let mut models = Vec::new();
    for name in &mapping.wide {
        let quality = table.column(name).ok_or_else(|| with_all_names(path, missing(path, name, &table)))?;
        models.push(Model { name: name.clone(), quality, more: Vec::new() });
    }
    let source = plan.source_or(&stem(path));
    let wide = Wide {
        dataset: places.get(&Column::Dataset).map_or_else(|| Dataset::Named(source.clone()), |at| Dataset::Column(*at)),
        source,
        prompt_id: places.get(&Column::PromptId).copied(),
        prompt: places.get(&Column::Prompt).copied(),
        unwrap: as_it_is,
        models,
        quality_max: plan.quality_max,
    };
    wide.send(&mut table, sink)
}

fn send_long(
    path: &Path,
    plan: &Plan,
    places: &BTreeMap<Column, usize>,
    table: &mut Table,
    sink: &mut Sink<'_>,
) -> Result<(), RowError> {
    for column in [Column::Model, Column::Quality] {
        if !places.contains_key(&column) {
            return Err(with_all_names(path, missing(path, plan.mapping.theirs(column), table)));
        }
    }
    let source = plan.source_or(&stem(path));
    let mut draft = Draft::default();
    loop {
        match table.advance() {
            Ok(true) => {
                draft.clear();
                let row = fill(table, places, plan, &source, &mut draft).and_then(|()| draft.finish());
                sink(row.map_err(|fault| RowError::Row { place: table.place(), fault }))?;
            }
            Ok(false) => return Ok(()),
            Err(error) if error.bad_row().is_some() => sink(Err(error))?,
            Err(error) => return Err(error),
        }
    }
}

fn fill(
    table: &Table,
    places: &BTreeMap<Column, usize>,
    plan: &Plan,
    source: &str,
    draft: &mut Draft,
) -> Result<(), Fault> {
    for (column, place) in places {
        let cell = table.cell(*place);
        let set = match column.kind() {
            Kind::Name => set_text(draft, *column, cell),
            Kind::Share if *column == Column::Quality => {
                scaled(cell, plan.quality_max).and_then(|cell| draft.set(*column, cell))
            }
            Kind::Prose
            | Kind::Digest
            | Kind::Share
            | Kind::Moment
            | Kind::Duration
            | Kind::Tokens
            | Kind::Amount
            | Kind::Bill
            | Kind::Flag => draft.set(*column, cell),
        };
        set.map_err(|fault| rename(fault, table.names().get(*place)))?;
    }
    draft.set_default(Column::Source, source)?;
    let dataset = draft.text(Column::Source).unwrap_or(source).to_owned();
    draft.set_default(Column::Dataset, &dataset)?;
    name_prompt(draft, places.get(&Column::Prompt).and_then(|place| table.names().get(*place)).map(String::as_str))
}

/// Of a Parquet file only the wanted columns were opened; a message about a missing one should show them all.
fn with_all_names(path: &Path, error: RowError) -> RowError {
    match (error, Table::open(path, |_| true)) {
        (RowError::MissingColumn { column, .. }, Ok(table)) => missing(path, &column, &table),
        (error, _) => error,
    }
}

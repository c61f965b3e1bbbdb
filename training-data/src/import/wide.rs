//! Tables with a row a prompt and columns a model, turned into rows. A format says which columns mean what; a model
//! that has no score for a prompt simply gives no row there.

use super::Sink;
use crate::cell::Cell;
use crate::fingerprint;
use crate::row::{Column, Draft, Fault, RowError};
use crate::table::Table;

/// What the columns of a wide table mean.
pub(super) struct Wide {
    pub source: String,
    pub dataset: Dataset,
    pub prompt_id: Option<usize>,
    pub prompt: Option<usize>,
    /// Makes a prompt of what the prompt column holds.
    pub unwrap: fn(&str) -> Option<String>,
    pub models: Vec<Model>,
    /// The score that counts as 1.
    pub quality_max: f64,
}

/// The name of the data set, or the column that holds it.
pub(super) enum Dataset {
    Named(String),
    Column(usize),
}

/// The columns of one model.
pub(super) struct Model {
    pub name: String,
    pub quality: usize,
    /// Further columns of the model.
    pub more: Vec<(Column, usize)>,
}

/// For tables that hold prompts as they are.
pub(super) fn as_it_is(_: &str) -> Option<String> {
    None
}

impl Wide {
    /// Sends the rows of a table.
    pub(super) fn send(&self, table: &mut Table, sink: &mut Sink<'_>) -> Result<(), RowError> {
        let mut draft = Draft::default();
        loop {
            match table.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) if error.bad_row().is_some() => {
                    sink(Err(error))?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            for model in self.models.iter().filter(|model| !table.cell(model.quality).is_null()) {
                draft.clear();
                let row = self.fill(table, model, &mut draft).and_then(|()| draft.finish());
                sink(row.map_err(|fault| RowError::Row { place: table.place(), fault }))?;
            }
        }
    }

    fn fill(&self, table: &Table, model: &Model, draft: &mut Draft) -> Result<(), Fault> {
        draft.set(Column::Source, Cell::Text(&self.source))?;
        draft.set(Column::Model, Cell::Text(&model.name))?;
        match &self.dataset {
            Dataset::Named(name) => draft.set(Column::Dataset, Cell::Text(name))?,
            Dataset::Column(column) => set_text(draft, Column::Dataset, table.cell(*column))?,
        }
        if let Some(cell) = self.prompt.map(|column| table.cell(column)) {
            match cell.text().and_then(self.unwrap) {
                Some(prompt) => draft.set(Column::Prompt, Cell::Text(&prompt))?,
                None => draft.set(Column::Prompt, cell)?,
            }
        }
        match self.prompt_id {
            Some(column) => set_text(draft, Column::PromptId, table.cell(column))?,
            None => name_prompt(draft, self.prompt.and_then(|column| table.names().get(column)).map(String::as_str))?,
        }
        let quality = table.cell(model.quality);
        let named = |fault| rename(fault, table.names().get(model.quality));
        scaled(quality, self.quality_max).and_then(|cell| draft.set(Column::Quality, cell)).map_err(named)?;
        for (column, place) in &model.more {
            draft.set(*column, table.cell(*place)).map_err(|fault| rename(fault, table.names().get(*place)))?;
        }
        Ok(())
    }
}

/// Gives a prompt without an id one made of its text. Where that is missing, it is the column of texts that a reader of the
/// message will look for, not one of ids that the file never had.
pub(super) fn name_prompt(draft: &mut Draft, texts: Option<&str>) -> Result<(), Fault> {
    match (draft.text(Column::Prompt).map(fingerprint::name), texts) {
        (Some(name), _) => draft.set_default(Column::PromptId, &name),
        (None, Some(column)) if !draft.holds(Column::PromptId) => Err(Fault::Missing { column: column.to_owned() }),
        (None, _) => Ok(()),
    }
}

/// Ids and names are often numbers in the files of others.
pub(super) fn set_text(draft: &mut Draft, column: Column, cell: Cell<'_>) -> Result<(), Fault> {
    match cell {
        Cell::Integer(_) | Cell::Number(_) if !cell.is_null() => draft.set(column, Cell::Text(&cell.to_string())),
        Cell::Null
        | Cell::Flag(_)
        | Cell::Integer(_)
        | Cell::Number(_)
        | Cell::Moment(_)
        | Cell::Duration(_)
        | Cell::Text(_)
        | Cell::Raw(_)
        | Cell::Other(_) => draft.set(column, cell),
    }
}

/// A score on a scale of the source's own, on ours. One beyond that scale is told as the file has it.
pub(super) fn scaled(cell: Cell<'_>, quality_max: f64) -> Result<Cell<'_>, Fault> {
    if quality_max.total_cmp(&1.0).is_eq() {
        return Ok(cell);
    }
    match cell.number() {
        Some(score) if !cell.is_null() && !(0.0..=quality_max).contains(&score) => Err(Fault::Cell {
            column: Column::Quality.name().to_owned(),
            expected: "a number from 0 to the highest that the source gives (--quality-max)",
            found: cell.to_string(),
        }),
        score => Ok(score.map_or(cell, |score| Cell::Number(score / quality_max))),
    }
}

/// A fault names the column in the words of the file, where the reader of the message will look for it.
pub(super) fn rename(fault: Fault, name: Option<&String>) -> Fault {
    match (fault, name) {
        (Fault::Cell { expected, found, .. }, Some(name)) => Fault::Cell { column: name.clone(), expected, found },
        (fault, _) => fault,
    }
}

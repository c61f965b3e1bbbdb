//! RouteLLM: a wide CSV of right and wrong, one file a subject; the file's name is the data set. Any column of truth values
//! is a model. Cells may be blank, so a column is judged by its header and some leading rows, never by the first alone.

use std::path::Path;

use super::wide::{Dataset, Model, Wide, as_it_is};
use super::{Plan, Sink, missing, stem};
use crate::row::RowError;
use crate::table::Table;

/// Rows that are looked at to tell models from other columns. A guess: a model that answered nothing in as many is still
/// read, and text in it still named; see [`Look::is_model`].
pub(super) const LEADING_ROWS: usize = 256;

/// In RouteLLM's files the answers of model `M` stand in `M_response`.
const RESPONSE: &str = "_response";

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let everything = |_: &str| true;
    let mut first = Table::open(path, everything)?;
    let prompt = first.column("prompt").ok_or_else(|| missing(path, "prompt", &first))?;
    let looks = looks(&mut first)?;
    if !looks.iter().any(Look::is_surely_model) {
        return Err(missing(path, "MODEL (of True and False)", &first));
    }
    let names = first.names().iter().cloned().enumerate().zip(&looks);
    let models = names
        .filter(|((column, _), look)| *column != prompt && look.is_model())
        .map(|((quality, name), _)| Model { name, quality, more: Vec::new() })
        .collect();
    let stem = stem(path);
    let wide = Wide {
        source: plan.source_or("routellm"),
        dataset: Dataset::Named(stem.strip_suffix("_responses").unwrap_or(&stem).to_owned()),
        prompt_id: None,
        prompt: Some(prompt),
        unwrap: as_it_is,
        models,
        quality_max: 1.0,
    };
    wide.send(&mut Table::open(path, everything)?, sink)
}

/// What a column shows of itself.
#[derive(Clone, Copy, Default)]
struct Look {
    /// It has no name: an index that a table was saved with.
    is_nameless: bool,
    /// It holds the answers of a model.
    is_response: bool,
    /// Another column holds its answers.
    has_response: bool,
    n_truths: usize,
    n_others: usize,
}

impl Look {
    fn is_surely_model(&self) -> bool {
        !self.is_nameless && !self.is_response && (self.has_response || self.n_truths > self.n_others)
    }

    /// A column that was blank so far is taken for a model too: if it stays blank that costs nothing, and if it is none, a
    /// named bad row says so. The other way round, a model would be lost in silence.
    fn is_model(&self) -> bool {
        let is_blank = self.n_truths + self.n_others == 0;
        self.is_surely_model() || (is_blank && !self.is_nameless && !self.is_response)
    }
}

/// Looks at the header and the leading rows. Bad rows are passed over: they are named when they are read.
fn looks(table: &mut Table) -> Result<Vec<Look>, RowError> {
    let names = table.names();
    let mut looks: Vec<Look> = names
        .iter()
        .map(|name| Look {
            is_nameless: name.is_empty(),
            is_response: name.strip_suffix(RESPONSE).is_some_and(|model| table.column(model).is_some()),
            has_response: table.column(&format!("{name}{RESPONSE}")).is_some(),
            ..Look::default()
        })
        .collect();
    for _ in 0..LEADING_ROWS {
        match table.advance() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if error.bad_row().is_some() => continue,
            Err(error) => return Err(error),
        }
        for (column, look) in looks.iter_mut().enumerate() {
            let cell = table.cell(column);
            let (is_truth, is_blank) = (cell.flag().is_some(), cell.is_null());
            look.n_truths += usize::from(is_truth);
            look.n_others += usize::from(!is_truth && !is_blank);
        }
    }
    Ok(looks)
}

//! JSONL as a table. Its columns are the keys of the first object; later objects may leave some out, and what they have
//! beyond them is not seen.

use std::path::Path;

use serde_json::Value;

use crate::cell::Cell;
use crate::jsonl::Lines;
use crate::row::fault::Place;
use crate::row::{Fault, RowError};

/// Depth to which objects are looked into for columns.
const MAX_DEPTH: usize = 4;

/// A JSONL file, read from the top.
pub struct JsonTable {
    lines: Lines,
    names: Vec<String>,
    current: Value,
    /// The first object has been parsed for its keys, and has still to be handed out.
    held_back: bool,
}

impl JsonTable {
    /// Opens a file and reads its first object.
    ///
    /// # Errors
    /// The file cannot be read, or its first line is no object.
    pub fn open(path: &Path) -> Result<Self, RowError> {
        let mut table = Self { lines: Lines::open(path)?, names: Vec::new(), current: Value::Null, held_back: false };
        if table.advance()? {
            table.held_back = true;
            name_columns(&table.current, "", 0, &mut table.names);
        }
        Ok(table)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn advance(&mut self) -> Result<bool, RowError> {
        if std::mem::take(&mut self.held_back) {
            return Ok(true);
        }
        if !self.lines.advance()? {
            return Ok(false);
        }
        let fault = |found: String| RowError::Row {
            place: self.lines.place(),
            fault: Fault::Shape { expected: "one JSON object a line", found },
        };
        self.current = serde_json::from_slice(self.lines.line()).map_err(|error| fault(error.to_string()))?;
        if self.current.is_object() { Ok(true) } else { Err(fault("another value".to_owned())) }
    }

    pub(super) fn cell(&self, column: usize) -> Cell<'_> {
        self.names.get(column).and_then(|name| find(&self.current, name)).map_or(Cell::Null, cell)
    }

    pub(super) fn place(&self) -> Place {
        self.lines.place()
    }
}

/// A JSON value as a cell.
#[must_use]
pub(crate) fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(flag) => Cell::Flag(*flag),
        Value::String(text) => Cell::Text(text),
        Value::Array(_) => Cell::Other("a list"),
        Value::Object(_) => Cell::Other("an object"),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Cell::Integer(integer),
            (None, Some(number)) => Cell::Number(number),
            (None, None) => Cell::Other("a number out of range"),
        },
    }
}

/// A key may itself hold dots (`gpt-4.1`), so the whole name is tried first, then every way to cut it.
fn find<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object
        .get(name)
        .or_else(|| name.match_indices('.').find_map(|(at, _)| find(object.get(&name[..at])?, &name[at + 1..])))
}

fn name_columns(value: &Value, prefix: &str, depth: usize, names: &mut Vec<String>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{key}");
        if inner.is_object() && depth < MAX_DEPTH {
            name_columns(inner, &format!("{name}."), depth + 1, names);
        } else {
            names.push(name);
        }
    }
}

//! JSONL as a table. A column is a key of any line, since most writers leave out what they have no value for; so the file
//! is walked twice, first for its keys alone. A line that lacks a key holds nothing there.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::cell::Cell;
use crate::jsonl::Lines;
use crate::row::fault::Place;
use crate::row::{Fault, RowError};

/// Depth to which objects are looked into for columns.
const MAX_DEPTH: usize = 4;

/// Columns of one file. A guess: the widest public table has about a hundred; a file that names its keys after its
/// values must not fill memory.
pub const MAX_COLUMNS: usize = 1 << 16;

/// A JSONL file, read from the top.
pub struct JsonTable {
    lines: Lines,
    names: Vec<String>,
    current: Value,
}

impl JsonTable {
    /// Opens a file and gathers the wanted ones of its keys. Lines that are bad are passed over here; `advance` names them.
    ///
    /// # Errors
    /// The file cannot be read, has too many columns, or holds nothing but bad lines.
    pub fn open(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Self, RowError> {
        let names = names(path, &wanted)?;
        Ok(Self { lines: Lines::open(path)?, names, current: Value::Null })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn advance(&mut self) -> Result<bool, RowError> {
        if !self.lines.advance()? {
            return Ok(false);
        }
        self.current = serde_json::from_slice(self.lines.line()).map_err(|error| no_object(&self.lines, &error))?;
        if self.current.is_object() { Ok(true) } else { Err(shape(&self.lines, "another value".to_owned())) }
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

fn shape(lines: &Lines, found: String) -> RowError {
    RowError::Row { place: lines.place(), fault: Fault::Shape { expected: "one JSON object a line", found } }
}

fn no_object(lines: &Lines, error: &serde_json::Error) -> RowError {
    shape(lines, if error.is_data() { "another value".to_owned() } else { error.to_string() })
}

/// The wanted keys of all lines, in the order in which they first appear.
fn names(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<String>, RowError> {
    let mut keys = Keys { wanted, known: HashSet::new(), names: Vec::new(), name: String::new(), full: false };
    let mut lines = Lines::open(path)?;
    let mut first_bad = None;
    loop {
        match lines.advance() {
            Ok(false) => break,
            Ok(true) => {
                keys.name.clear();
                let mut json = serde_json::Deserializer::from_slice(lines.line());
                if let Err(error) = (Walk { keys: &mut keys, depth: 0 }).deserialize(&mut json) {
                    first_bad.get_or_insert_with(|| no_object(&lines, &error));
                }
            }
            Err(error) if error.bad_row().is_some() => first_bad = first_bad.or(Some(error)),
            Err(error) => return Err(error),
        }
        if keys.full {
            let expected = "at most 65536 keys in all lines together";
            return Err(RowError::Format { file: path.to_owned(), expected, found: "more".to_owned() });
        }
    }
    match first_bad {
        // Without a single key it is the bad line that a person must hear about, not a column that is missing.
        Some(error) if keys.known.is_empty() => Err(error),
        _ => Ok(keys.names),
    }
}

/// The keys that were met so far.
struct Keys<'w> {
    wanted: &'w dyn Fn(&str) -> bool,
    /// The keys that need no second look; all wanted ones are among them. Only asked, never walked.
    known: HashSet<String>,
    names: Vec<String>,
    /// The dotted name of the key at hand.
    name: String,
    full: bool,
}

impl Keys<'_> {
    fn meet(&mut self) {
        if self.known.contains(self.name.as_str()) {
            return;
        }
        let wanted = (self.wanted)(&self.name);
        if wanted && self.names.len() == MAX_COLUMNS {
            self.full = true;
        } else if wanted {
            self.names.push(self.name.clone());
        }
        if !self.full && (wanted || self.known.len() < MAX_COLUMNS) {
            self.known.insert(self.name.clone());
        }
    }
}

/// Walks over one value for its keys; at depth 0 that is the whole line, which must be an object.
struct Walk<'k, 'w> {
    keys: &'k mut Keys<'w>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth == 0 { deserializer.deserialize_map(self) } else { deserializer.deserialize_any(self) }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth > MAX_DEPTH {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            self.keys.meet();
            return Ok(());
        }
        if self.depth > 0 {
            self.keys.name.push('.');
        }
        let start = self.keys.name.len();
        while map.next_key_seed(Append(&mut self.keys.name))?.is_some() {
            map.next_value_seed(Walk { keys: self.keys, depth: self.depth + 1 })?;
            self.keys.name.truncate(start);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.keys.meet();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.keys.meet();
        Ok(())
    }
}

/// Appends a key to a name.
struct Append<'n>(&'n mut String);

impl<'de> DeserializeSeed<'de> for Append<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Append<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        self.0.push_str(key);
        Ok(())
    }
}

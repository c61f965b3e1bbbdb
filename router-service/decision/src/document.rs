//! TOML text to typed values, strictly: every complaint names the line and the key, and an unknown key the nearest known
//! one. `toml` alone drops the place once a value is read, and says which keys it expected but not which was meant.

use std::fmt;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::nearest::nearest;

mod node;

/// Bytes a document may have: the largest catalog there may be, at two kilobytes a model.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct DocumentError {
    /// The line, counted from 1; 0 where the document as a whole is meant.
    pub line: usize,
    /// The key, as `policy.fast.quality_floor` or `model[3].id`; empty at the top.
    pub key: String,
    /// What was expected and what was found.
    pub complaint: String,
}

impl DocumentError {
    fn sentence(&self) -> String {
        match (self.line, self.key.is_empty()) {
            (0, true) => self.complaint.clone(),
            (0, false) => format!("{}: {}", self.key, self.complaint),
            (line, true) => format!("line {line}: {}", self.complaint),
            (line, false) => format!("line {line}, {}: {}", self.key, self.complaint),
        }
    }
}

/// One step down into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into a table, by key.
    Key(String),
    /// Into an array, by position.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A parsed document that still knows where everything stood.
pub struct Document<'a> {
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Parses the text.
    pub fn parse(text: &'a str) -> Result<Self, DocumentError> {
        if text.len() > MAX_DOCUMENT_BYTES {
            let complaint = format!("expected at most {MAX_DOCUMENT_BYTES} bytes, found {}", text.len());
            return Err(DocumentError { line: 0, key: String::new(), complaint });
        }
        match DeTable::parse(text) {
            Ok(root) => Ok(Self { text, root }),
            Err(error) => {
                let line = error.span().map_or(0, |span| line_at(text, span.start));
                let complaint = error.message().replace('\n', ", ");
                Err(DocumentError { line, key: String::new(), complaint })
            }
        }
    }

    /// Reads the document as a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        T::deserialize(node::Table::root(&self.root)).map_err(|fault| DocumentError {
            line: fault.at.map_or(0, |at| line_at(self.text, at)),
            key: written(fault.path.iter().rev()),
            complaint: fault.complaint,
        })
    }

    /// A complaint about a value that has the right type and the wrong meaning.
    pub fn fault(&self, path: &[Step], complaint: impl fmt::Display) -> DocumentError {
        let at = self.deepest(path);
        DocumentError {
            line: at.map_or(0, |at| line_at(self.text, at)),
            key: written(path.iter()),
            complaint: complaint.to_string(),
        }
    }

    /// Where the deepest part of the path that is really there begins.
    fn deepest(&self, path: &[Step]) -> Option<usize> {
        let (first, rest) = path.split_first()?;
        let Step::Key(first) = first else { return None };
        let (key, mut value) = self.root.get_ref().iter().find(|(key, _)| key.get_ref() == first)?;
        let mut at = key.span().start;
        for step in rest {
            let next = match (step, value.get_ref()) {
                (Step::Key(name), DeValue::Table(table)) => {
                    table.iter().find(|(key, _)| key.get_ref() == name).map(|(key, value)| (key.span().start, value))
                }
                (Step::Index(index), DeValue::Array(array)) => {
                    array.get(*index).map(|value| (value.span().start, value))
                }
                _ => None,
            };
            match next {
                Some((found, below)) => (at, value) = (found, below),
                None => break,
            }
        }
        Some(at)
    }
}

/// "unknown key `x`; the nearest known one is `y`", or the known ones where none is near.
pub fn unknown<'a>(what: &str, found: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let found: String = found.chars().take(80).collect();
    match nearest(&found, known.clone()) {
        Some(meant) => format!("unknown {what} `{found}`; the nearest known one is `{meant}`"),
        None if known.clone().into_iter().next().is_none() => format!("unknown {what} `{found}`; there is none"),
        None => {
            let known: Vec<String> = known.into_iter().take(40).map(|word| format!("`{word}`")).collect();
            format!("unknown {what} `{found}`; known: {}", known.join(", "))
        }
    }
}

fn line_at(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

fn written<'s>(path: impl Iterator<Item = &'s Step>) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[cfg(test)]
mod tests;

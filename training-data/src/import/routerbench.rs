//! RouterBench: a wide table of eleven models. Column `M` holds the score of model `M`, `M|total_cost` its bill in
//! dollars, `M|model_response` its answer, which is not read. A prompt is written as a Python list of texts.

use std::path::Path;

use super::wide::{Dataset, Model, Wide};
use super::{Plan, Sink, missing};
use crate::row::{Column, RowError};
use crate::table::Table;

const COST: &str = "|total_cost";
const RESPONSE: &str = "|model_response";

pub(super) fn send(path: &Path, plan: &Plan, sink: &mut Sink<'_>) -> Result<(), RowError> {
    let mut table = Table::open(path, |name| !name.ends_with(RESPONSE))?;
    let mut models = Vec::new();
    for (cost, name) in table.names().iter().enumerate() {
        let Some(name) = name.strip_suffix(COST) else { continue };
        if let Some(quality) = table.column(name) {
            models.push(Model { name: name.to_owned(), quality, more: vec![(Column::CostUsd, cost)] });
        }
    }
    if models.is_empty() {
        return Err(missing(path, "MODEL|total_cost", &table));
    }
    let wide = Wide {
        source: plan.source_or("routerbench"),
        dataset: Dataset::Column(table.column("eval_name").ok_or_else(|| missing(path, "eval_name", &table))?),
        prompt_id: Some(table.column("sample_id").ok_or_else(|| missing(path, "sample_id", &table))?),
        prompt: Some(table.column("prompt").ok_or_else(|| missing(path, "prompt", &table))?),
        unwrap: unlisted,
        models,
        quality_max: 1.0,
    };
    wide.send(&mut table, sink)
}

/// The texts of a Python list, one after the other; nothing if it is none.
fn unlisted(list: &str) -> Option<String> {
    let mut rest = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let (text, behind) = quoted(rest)?;
        texts.push(text);
        let behind = behind.trim_start();
        rest = if behind.is_empty() { behind } else { behind.strip_prefix(',')?.trim_start() };
    }
    if texts.is_empty() { None } else { Some(texts.join("\n\n")) }
}

/// One quoted Python text and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|first| ['\'', '"'].contains(first))?;
    let mut unescaped = String::with_capacity(text.len());
    let mut chars = text[1..].char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => {
                let (_, escape) = chars.next()?;
                match escape {
                    'n' => unescaped.push('\n'),
                    't' => unescaped.push('\t'),
                    'r' => unescaped.push('\r'),
                    'x' | 'u' | 'U' => {
                        let n_digits = match escape {
                            'x' => 2,
                            'u' => 4,
                            _ => 8,
                        };
                        let digits: String = chars.by_ref().take(n_digits).map(|(_, digit)| digit).collect();
                        unescaped.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    other => unescaped.push(other),
                }
            }
            other if other == quote => return Some((unescaped, &text[at + 2..])),
            other => unescaped.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    //! Prompts come out of their Python lists.

    use super::unlisted;

    #[track_caller]
    fn check(list: &str, expected: Option<&str>) {
        assert_eq!(unlisted(list).as_deref(), expected);
    }

    #[test]
    fn python_lists_are_taken_apart() {
        check("['one']", Some("one"));
        check(r#"["it's", 'two\nlines']"#, Some("it's\n\ntwo\nlines"));
        check(r"['caf\xe9 \u2192 \\ \'q\'']", Some("café → \\ 'q'"));
        for no_list in ["plain", "[]", "['open]", "[1, 2]", r"['\x']", "['a' 'b']"] {
            check(no_list, None);
        }
    }
}

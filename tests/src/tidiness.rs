//! The rules of tidiness, each a function from text to findings. A finding says the rule, the place and the way out;
//! a rule that cannot say the way out is not a rule yet.

use std::fmt;

/// A file of the house, as the rules see it.
pub struct HouseFile {
    /// The path from the root, with forward slashes.
    pub path: String,
    /// The size at rest.
    pub bytes: u64,
    /// The text, where it is text.
    pub text: Option<String>,
}

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// What must hold.
    pub rule: &'static str,
    /// The file, with a line where there is one.
    pub place: String,
    /// What to do about it.
    pub way_out: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule: {}\n  at: {}\n  way out: {}", self.rule, self.place, self.way_out)
    }
}

/// Lines a Rust file may have. At this length a file has stopped owning one noun.
pub const MAX_LINES: usize = 500;

/// Bytes a tracked file may have. Weights and their tokenizer are the only honest exception.
pub const MAX_BYTES: u64 = 256 * 1024;

/// Files that may be larger than [`MAX_BYTES`], each with the reason.
pub const LARGE_FILES: &[(&str, &str)] = &[
    ("classifier/embedded/artifact/weights.safetensors", "the weights of the built-in artifact, ours"),
    ("classifier/embedded/artifact/encoder/encoder.safetensors", "the table of word pieces, distilled by us"),
    ("classifier/embedded/artifact/encoder/tokenizer.json", "the vocabulary of that table"),
];

/// Names that say nothing about what lives in a file.
const JUNK_NAMES: &[&str] = &[
    "base", "common", "context", "data", "handler", "handlers", "helper", "helpers", "info", "manager", "misc",
    "shared", "stuff", "types", "util", "utils",
];

/// Marks of unfinished work, cut in two so that this file does not carry them itself.
const UNFINISHED: &[&str] =
    &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore"), concat!("FIX", "ME")];

/// Every Rust file opens by saying what lives in it; a generator does not know, and is asked by a test of its own.
pub fn header_first(file: &HouseFile) -> Option<Finding> {
    let text = rust_text(file).filter(|_| !file.path.contains("/gen/"))?;
    let first = text.lines().find(|line| !line.trim().is_empty())?;
    (!first.starts_with("//!")).then(|| Finding {
        rule: "every file opens with `//!`",
        place: file.path.clone(),
        way_out: "say in one to six lines what lives here and the one thing a newcomer would get wrong".to_owned(),
    })
}

/// No file grows past [`MAX_LINES`], generated code and tables of test cases apart.
pub fn short_enough(file: &HouseFile) -> Option<Finding> {
    let lines = rust_text(file)?.lines().count();
    let apart = file.path.contains("/gen/") || file.path.ends_with("_table.rs");
    (lines > MAX_LINES && !apart).then(|| Finding {
        rule: "a file has at most 500 lines",
        place: format!("{} ({lines} lines)", file.path),
        way_out: "find the second noun in it and give that one its own file".to_owned(),
    })
}

/// No file or folder bears a name that would fit anywhere.
pub fn named_after_a_noun(file: &HouseFile) -> Option<Finding> {
    rust_text(file)?;
    let junk = file.path.trim_end_matches(".rs").split('/').find(|part| JUNK_NAMES.contains(part))?;
    Some(Finding {
        rule: "a file is named after the noun it owns",
        place: format!("{} (`{junk}`)", file.path),
        way_out: "name the noun, or move each function beside its only caller".to_owned(),
    })
}

/// No tracked file is heavier than [`MAX_BYTES`] unless it is on the list.
pub fn light_enough(file: &HouseFile) -> Option<Finding> {
    let listed = LARGE_FILES.iter().any(|(path, _)| *path == file.path);
    (file.bytes > MAX_BYTES && !listed).then(|| Finding {
        rule: "a tracked file has at most 256 KiB",
        place: format!("{} ({} KiB)", file.path, file.bytes / 1024),
        way_out: "generate it, shrink it, or add it with its reason to LARGE_FILES in tests/src/tidiness.rs".to_owned(),
    })
}

/// Nothing unfinished reaches main.
pub fn finished(file: &HouseFile) -> Vec<Finding> {
    let Some(text) = rust_text(file) else { return Vec::new() };
    let marks_on = |line: &str| UNFINISHED.iter().copied().find(|mark| line.contains(*mark));
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let mark = marks_on(line)?;
            Some(Finding {
                rule: "nothing unfinished reaches main",
                place: format!("{}:{} (`{mark}`)", file.path, index + 1),
                way_out: "finish it, delete it, or open an issue and return a typed error until then".to_owned(),
            })
        })
        .collect()
}

/// The architecture names every package, or a newcomer walks past a closed door.
pub fn on_the_map(architecture: &str, package: &str) -> Option<Finding> {
    (!architecture.contains(&format!("`{package}`"))).then(|| Finding {
        rule: "ARCHITECTURE.md names every package",
        place: package.to_owned(),
        way_out: format!("add `{package}` to the code map, with what it is for and what it never does"),
    })
}

/// Every manifest takes the lints of the workspace.
pub fn takes_the_lints(file: &HouseFile) -> Option<Finding> {
    if !file.path.ends_with("/Cargo.toml") {
        return None;
    }
    let manifest: toml::Table = file.text.as_deref()?.parse().ok()?;
    let workspace = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    (workspace != Some(true)).then(|| Finding {
        rule: "every package takes the lints of the workspace",
        place: file.path.clone(),
        way_out: "add `[lints]` with `workspace = true`".to_owned(),
    })
}

/// A nested clippy.toml replaces the root one whole, so it must repeat the keys that are meant for everybody.
pub fn repeats_shared_keys(root: &str, nested: &HouseFile) -> Vec<Finding> {
    let (Ok(root), Some(Ok(own))) =
        (root.parse::<toml::Table>(), nested.text.as_deref().map(str::parse::<toml::Table>))
    else {
        return vec![Finding {
            rule: "clippy.toml is readable",
            place: nested.path.clone(),
            way_out: "mend the TOML".to_owned(),
        }];
    };
    root.iter()
        .filter(|(_, value)| !value.is_array())
        .filter(|(key, value)| own.get(*key) != Some(value))
        .map(|(key, value)| Finding {
            rule: "a nested clippy.toml repeats the shared keys",
            place: format!("{} lacks `{key} = {value}`", nested.path),
            way_out: "copy the line from the root clippy.toml".to_owned(),
        })
        .collect()
}

fn rust_text(file: &HouseFile) -> Option<&str> {
    if file.path.ends_with(".rs") { file.text.as_deref() } else { None }
}

#[cfg(test)]
mod tests;

//! What is told of a model that was let in.

use std::path::PathBuf;

use serde_json::json;

use crate::sheet::{Sheet, count};

/// A model that was let in, and from what.
pub(super) struct Arrival {
    pub(super) model: String,
    pub(super) output: PathBuf,
    pub(super) digest: String,
    pub(super) n_outcomes: usize,
    /// The outcomes that it was known from before.
    pub(super) replaced: Option<u64>,
    pub(super) passed_over: PassedOver,
    /// Prompts to which rows give more than one text.
    pub(super) n_ambiguous: u64,
    /// Whether the built-in catalog has it.
    pub(super) in_catalog: bool,
}

/// Rows that say nothing of the new model, or must not.
#[derive(Default)]
pub(super) struct PassedOver {
    pub(super) n_bad: u64,
    /// Without the text of their prompt.
    pub(super) n_textless: u64,
    /// Of prompts that the artifact keeps for tuning or judging.
    pub(super) n_kept: u64,
    pub(super) n_judging_only: u64,
}

impl PassedOver {
    /// A line for each kind there is.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let kinds = [
            (self.n_bad, "bad rows"),
            (self.n_textless, "rows without the text of their prompt"),
            (self.n_kept, "rows of prompts that the artifact keeps for tuning or judging"),
            (self.n_judging_only, "rows for judging only"),
        ];
        kinds.into_iter().filter(|(n, _)| *n > 0).map(|(n, of_what)| format!("{} {of_what}", count(n)))
    }

    fn json(&self) -> serde_json::Value {
        json!({"bad": self.n_bad, "without_text": self.n_textless, "kept_back": self.n_kept})
    }
}

impl Arrival {
    /// For people.
    pub(super) fn table(&self) -> String {
        let mut sheet = Sheet::default();
        sheet.line("written", self.output.display().to_string());
        sheet.line("artifact", &*self.digest);
        sheet.line("let in", format!("{}, from {} outcomes", self.model, self.n_outcomes));
        if let Some(n) = self.replaced {
            sheet.line("replaced", format!("what it was let in from before, {} outcomes", count(n)));
        }
        self.passed_over.lines().for_each(|line| sheet.line("passed over", line));
        if let Some(note) = ambiguous_note(self.n_ambiguous) {
            sheet.line("two texts", note);
        }
        if !self.in_catalog {
            sheet.line("to do", "it can be chosen once the catalog has it, with its prices");
        }
        sheet.text()
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Result<String> {
        let report = json!({
            "output": self.output,
            "artifact": self.digest,
            "model": self.model,
            "n_outcomes": self.n_outcomes,
            "n_outcomes_replaced": self.replaced,
            "n_rows_passed_over": self.passed_over.json(),
            "n_prompts_of_two_texts": self.n_ambiguous,
            "in_built_in_catalog": self.in_catalog,
        });
        Ok(serde_json::to_string_pretty(&report)? + "\n")
    }
}

/// What is said of prompts to which rows give more than one text.
pub(crate) fn ambiguous_note(n: u64) -> Option<String> {
    let note = "prompts have rows with different texts; of each the first in alphabetical order was read";
    (n > 0).then(|| format!("{} {note}", count(n)))
}

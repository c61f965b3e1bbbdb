//! What is told of a training at its end.

use std::path::PathBuf;

use evals::report::Report;
use serde_json::{Value, json};

use crate::onboard::arrival::ambiguous_note;
use crate::sheet::{Sheet, count};

/// What a training learned from, and what it left aside.
pub(super) struct Summary<'a> {
    pub(super) output: PathBuf,
    pub(super) digest: String,
    pub(super) n_prompts: usize,
    pub(super) n_models: usize,
    /// Bad rows.
    pub(super) n_skipped: u64,
    /// Rows without the text of their prompt.
    pub(super) n_textless: u64,
    /// Prompts to which rows give more than one text.
    pub(super) n_ambiguous: u64,
    pub(super) kept: Kept,
    pub(super) n_topics_left_out: usize,
    /// Models of the catalog that the artifact knows nothing of.
    pub(super) n_strangers: usize,
    pub(super) n_in_catalog: usize,
    /// Names in the plan that no row has.
    pub(super) without_rows: Vec<&'a str>,
    /// Data sets that the plan leaves out and no row is of.
    pub(super) absent: Vec<String>,
}

/// Rows that the plan keeps back, or leaves out.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) n_tune: u64,
    pub(super) n_held_out: u64,
    pub(super) n_left_out: u64,
}

impl Kept {
    fn words(&self) -> Option<String> {
        let parts = [
            (self.n_tune, "for tuning (`tune_share`)"),
            (self.n_held_out, "for judging (`held_out_share`)"),
            (self.n_left_out, "of data sets that it leaves out (`leave_out`)"),
        ];
        let words = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} rows {what}", count(n)));
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// What goes behind a complaint that there is too little: whoever counts the rows of a file finds more.
    pub(super) fn beside(&self) -> String {
        self.words().map_or_else(String::new, |words| format!("; the plan keeps back {words}"))
    }
}

impl Summary<'_> {
    /// For people.
    pub(super) fn table(&self) -> String {
        let mut sheet = Sheet::default();
        sheet.line("written", self.output.display().to_string());
        sheet.line("artifact", &*self.digest);
        let (n_prompts, n_models) = (count(self.n_prompts as u64), count(self.n_models as u64));
        sheet.line("learned from", format!("{n_prompts} prompts, {n_models} models"));
        if let Some(words) = self.kept.words() {
            sheet.line("kept back", words);
        }
        if self.n_strangers > 0 {
            let (n, all) = (self.n_strangers, self.n_in_catalog);
            let note = "serve it with a catalog of its own models: it knows nothing of";
            sheet.line("to do", format!("{note} {n} of the {all} in this one"));
        }
        if !self.without_rows.is_empty() {
            sheet.line("same_models", format!("no rows of {}", self.without_rows.join(", ")));
        }
        if !self.absent.is_empty() {
            sheet.line("leave_out", format!("no rows of {}", self.absent.join(", ")));
        }
        if self.n_topics_left_out > 0 {
            let n = count(self.n_topics_left_out as u64);
            sheet.line("no topics", format!("{n} of the smaller data sets: there are as many topics as there may be"));
        }
        for (n, of_what) in [(self.n_skipped, "bad rows"), (self.n_textless, "rows without the text of their prompt")] {
            if n > 0 {
                sheet.line("passed over", format!("{} {of_what}", count(n)));
            }
        }
        if let Some(note) = ambiguous_note(self.n_ambiguous) {
            sheet.line("two texts", note);
        }
        sheet.text()
    }

    /// For programs: the report where there is one, with what was learned from beside its figures.
    pub(super) fn json(&self, report: Option<&Report>) -> serde_json::Result<String> {
        let mut whole = report.map_or_else(|| Ok(json!({})), serde_json::to_value)?;
        whole["training"] = self.value();
        Ok(serde_json::to_string_pretty(&whole)? + "\n")
    }

    fn value(&self) -> Value {
        json!({
            "output": self.output,
            "artifact": self.digest,
            "n_prompts": self.n_prompts,
            "n_models": self.n_models,
            "n_rows_kept_back": {"tune": self.kept.n_tune, "held_out": self.kept.n_held_out, "left_out": self.kept.n_left_out},
            "n_rows_passed_over": {"bad": self.n_skipped, "without_text": self.n_textless},
            "n_prompts_of_two_texts": self.n_ambiguous,
            "n_datasets_without_topic": self.n_topics_left_out,
            "n_unknown_of_catalog": self.n_strangers,
            "names_without_rows": self.without_rows,
            "left_out_without_rows": self.absent,
        })
    }
}

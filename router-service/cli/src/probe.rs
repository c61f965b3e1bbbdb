//! `pointsman probe`: whether prompts can talk their price up or down.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use evals::probe::{CHANGES, Change, Probed, probe};
use serde_json::json;
use trainer::dataset::MAX_PROMPTS;
use training_data::row::Text;
use training_data::rows;

use crate::progress::Progress;
use crate::router::{Router, Sources};
use crate::sheet::{Sheet, count};

const EXAMPLES: &str = "\
Examples:
  pointsman probe outcomes/
  pointsman probe outcomes/ --artifact artifact/ --policies policies.toml --prompts 5000 --json
  pointsman probe outcomes/ --phrases attacks.txt

Greetings, thanks, signatures, pleas to the router, ids and other lines that programs write,
what templates, forms and mail programs leave around a question, other letter case and
spacing are put on prompts; printed is how often each changes the model that the default
policy chooses among the whole catalog.";

/// Phrases that a file may have: each is tried on every prompt, twice.
const MAX_PHRASES: usize = 1_000;

/// Arguments of `pointsman probe`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Outcome rows with their prompts: .parquet or .jsonl files, or folders of them.
    #[arg(required = true, value_name = "OUTCOMES")]
    outcomes: Vec<PathBuf>,

    #[command(flatten)]
    sources: Sources,

    /// Policies; the default one chooses. Without the file, the built-in one.
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,

    /// Prompts to try, evenly taken from all.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    prompts: usize,

    /// Try these phrases instead, one a line, each after the prompts and before them; `\n` in a line is a line break.
    #[arg(long, value_name = "FILE")]
    phrases: Option<PathBuf>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let router = Router::read(&arguments.sources, arguments.policies.as_deref())?;
    let texts = texts(&arguments.outcomes)?;
    let chosen = evenly(&texts.values().map(|text| &**text).collect::<Vec<_>>(), arguments.prompts);
    let phrases = arguments.phrases.as_deref().map(phrases).transpose()?.unwrap_or_default();
    let own: Vec<Change<'_>> =
        phrases.iter().flat_map(|(after, before)| [Change::After(after), Change::Before(before)]).collect();
    let changes = if own.is_empty() { CHANGES.as_slice() } else { own.as_slice() };
    let bar = Progress::counted("probing", changes.len());
    let policy = router.policies.default_policy();
    let probed = probe((&router.classifier, &router.catalog, policy), changes, &chosen, |done| bar.at(done));
    bar.end();
    let text = if arguments.json { as_json(&probed)? } else { as_sheet(&probed) };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// The prompts of the rows by their ids. Of several texts of one the first in alphabetical order counts, as in training.
fn texts(outcomes: &[PathBuf]) -> anyhow::Result<BTreeMap<String, Text>> {
    let mut texts: BTreeMap<String, Text> = BTreeMap::new();
    let reading = Progress::open_ended("reading", "rows");
    for (at, row) in rows::read(outcomes, false)?.enumerate() {
        let row = row?;
        if let Some(prompt) = row.prompt {
            let known =
                texts.entry(format!("{}/{}/{}", row.source, row.dataset, row.prompt_id)).or_insert(prompt.clone());
            if prompt < *known {
                *known = prompt;
            }
        }
        if texts.len() > MAX_PROMPTS {
            bail!("expected at most {MAX_PROMPTS} prompts to take some from, found more");
        }
        reading.at(at);
    }
    reading.end();
    if texts.is_empty() {
        bail!("expected outcome rows with the text of their prompts, found none");
    }
    Ok(texts)
}

/// So many of them, or all there are, evenly spread.
fn evenly<'t>(all: &[&'t str], most: usize) -> Vec<&'t str> {
    let n = most.clamp(1, all.len());
    (0..n).map(|at| all[at * all.len() / n]).collect()
}

/// The phrases of a file, with what sets them off from a prompt before and after.
fn phrases(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(|line| line.trim().replace("\\n", "\n")).filter(|line| !line.is_empty());
    let found: Vec<_> = lines.take(MAX_PHRASES + 1).map(|line| (format!(" {line}"), format!("{line} "))).collect();
    match found.len() {
        0 => bail!("{}: expected a phrase a line, found none", path.display()),
        n if n > MAX_PHRASES => bail!("{}: expected at most {MAX_PHRASES} phrases, found more", path.display()),
        _ => Ok(found),
    }
}

fn as_sheet(probed: &Probed<'_>) -> String {
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let mut sheet = Sheet::default();
    for (change, share) in &probed.changed {
        sheet.line(change.words(), percent(*share));
    }
    sheet.line("mean", percent(probed.mean()));
    if let Some((change, share)) = probed.worst() {
        sheet.line("worst", format!("{} ({})", percent(share), change.words()));
    }
    sheet.line("prompts", count(probed.n_prompts as u64));
    sheet.text()
}

fn as_json(probed: &Probed<'_>) -> anyhow::Result<String> {
    let changed: Vec<_> =
        probed.changed.iter().map(|(change, share)| json!({"change": change.words(), "share": share})).collect();
    let report = json!({
        "n_prompts": probed.n_prompts,
        "mean": probed.mean(),
        "worst": probed.worst().map(|(change, share)| json!({"change": change.words(), "share": share})),
        "changes": changed,
    });
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

#[cfg(test)]
mod tests {
    //! How prompts are taken.

    use super::evenly;

    #[test]
    fn as_many_prompts_are_tried_as_were_asked_for() {
        let all: Vec<String> = (0..1_001).map(|at| at.to_string()).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        for most in [1, 2, 500, 1_000, 1_001, 5_000] {
            let taken = evenly(&all, most);
            assert_eq!(taken.len(), most.min(all.len()));
            assert!(taken.windows(2).all(|pair| pair[0] != pair[1]), "{most}");
        }
        assert_eq!(evenly(&all, 2), ["0", "500"]);
    }
}

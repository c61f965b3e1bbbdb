//! The policy file: rules, promise, and the same once more in words above them.

use std::fmt::Write;

use decision::{OnAlarm, Policies, Policy, PolicyName, Promise, Reference, Slices, Terms, Weighed};
use evals::pool::Pool;
use evals::report::Source;
use sha2::{Digest, Sha256};
use trainer::tune::{Against, Ask, Statement, Tuned};

use super::Arguments;
use super::rows::{Known, Rows};

/// What a statement is made from.
pub(super) struct Facts<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) ask: &'a Ask,
    pub(super) pool: &'a Pool,
    pub(super) known: &'a Known,
    pub(super) rows: &'a Rows,
    pub(super) sources: Vec<Source>,
    pub(super) day: String,
}

/// The statement with the file's text.
pub(super) fn statement(facts: Facts<'_>, tuned: Tuned) -> anyhow::Result<Statement> {
    let Facts { arguments, ask, pool, known, rows, sources, day } = facts;
    let plain = Policy::new(PolicyName::new(&arguments.asked.name)?, tuned.rules.clone())?;
    let reference = match (&ask.against, &tuned.reference) {
        (Against::BestSingle, Some(model)) => Reference::BestSingle(model.clone()),
        (Against::Model(_), Some(model)) => Reference::Model(model.clone()),
        (Against::BestForecast, _) | (_, None) => Reference::BestForecast,
    };
    let terms = Terms {
        loss: ask.loss,
        loss_at_most: ask.loss_at_most,
        confidence: ask.confidence,
        reference,
        slices: tuned.slices.clone().map(|(held, too_small)| Slices {
            by: arguments.asked.by.clone().unwrap_or_default(),
            held,
            too_small,
        }),
        weighed: arguments.asked.weights()?.map(|weights| Weighed {
            by: arguments.asked.by.clone().unwrap_or_default(),
            shares: weights.shares().map(|(slice, share)| (slice.to_owned(), share)).collect(),
        }),
        policy: plain.version().to_owned(),
        artifact: known.artifact.clone(),
        catalog: rows.catalog.clone(),
        outcomes: rows.outcomes.clone(),
        tuned: day,
        n_prompts: u64::try_from(tuned.n_prompts)?,
        n_groups: u64::try_from(tuned.n_groups)?,
        saving: tuned.saving,
        reference_bias: tuned.reference_bias,
        on_alarm: arguments.asked.on_alarm(),
    };
    let policy = plain.promised(Promise::new(terms)?)?;
    let notes = notes(pool, known, rows);
    // The tuned policy alone: who tunes several keeps them in files of their own, or puts them together.
    let file = file(&policy, &Policies::new(policy.name().clone(), vec![policy.clone()])?.to_toml(), &notes);
    Ok(Statement { tuned, policy, file, pool: pool.name.clone(), sources, notes })
}

fn notes(pool: &Pool, known: &Known, rows: &Rows) -> Vec<String> {
    let mut notes = rows.notes.clone();
    if known.matched.rows.len() < pool.prompts.len() {
        let (found, of) = (known.matched.rows.len(), pool.prompts.len());
        notes.push(format!("forecasts are there for {found} of {of} prompts; the others were left out"));
    }
    if pool.n_assumed_bills > 0 {
        let of = pool.prompts.len() * pool.models.len();
        notes.push(format!("{} of {of} bills rest on a usual length of the answer", pool.n_assumed_bills));
    }
    if known.artifact.is_none() {
        let note = "not all forecasts name an artifact, so in service the promise is void";
        notes.push(format!("{note}; give --artifact, and no forecasts of others"));
    }
    if rows.catalog.is_none() {
        notes.push(
            "the prices are from no catalog, so in service the promise is void; give --prices CATALOG.toml".to_owned(),
        );
    }
    notes
}

fn file(policy: &Policy, toml: &str, notes: &[String]) -> String {
    let Some(promise) = policy.promise() else { return toml.to_owned() };
    let terms = promise.terms();
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "# Tuned by pointsman {} on {}.", env!("CARGO_PKG_VERSION"), terms.tuned);
    let _ = writeln!(text, "# Promise: {promise}.");
    let _ = writeln!(
        text,
        "# Saving on the rows: {:.1}%, 95% interval {:.1}% to {:.1}%, over {} prompts in {} groups.",
        terms.saving.value * 100.0,
        terms.saving.low * 100.0,
        terms.saving.high * 100.0,
        terms.n_prompts,
        terms.n_groups
    );
    let _ = writeln!(text, "# Outcomes: {}", terms.outcomes);
    let _ =
        writeln!(text, "# Artifact: {}", terms.artifact.as_deref().unwrap_or("none; the forecasts came from a file"));
    let _ = writeln!(text, "# Catalog: {}", terms.catalog.as_deref().unwrap_or("none; the prices came from a list"));
    if let Some(slices) = &terms.slices {
        let _ = writeln!(text, "# It holds in each {} of: {}", slices.by, slices.held.join(", "));
        if !slices.too_small.is_empty() {
            let _ = writeln!(text, "# Too small for any promise: {}", slices.too_small.join(", "));
        }
    }
    if let Some(weighed) = &terms.weighed {
        let _ = writeln!(
            text,
            "# It holds in a mean of {weighed}; the service's watch takes its traffic to have these proportions."
        );
    }
    if terms.on_alarm == OnAlarm::Reference {
        let _ = writeln!(text, "# When the service finds it broken, the reference serves.");
    }
    for note in notes {
        let _ = writeln!(text, "# Note: {note}.");
    }
    let _ = write!(text, "\n{toml}");
    text
}

/// One digest over the digests of several files, in their order.
pub(super) fn digest_of<'d>(digests: impl Iterator<Item = &'d str>) -> String {
    let mut all = Sha256::new();
    for digest in digests {
        all.update(digest.as_bytes());
        all.update(b"\n");
    }
    let hex: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

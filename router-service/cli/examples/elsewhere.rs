//! What a forecast is worth where a model was never asked: of every model with outcomes in several sources one source is taken
//! away, an artifact is trained on the rest, and what it says of the model there is held against what came of it. With `--only`, of
//! every other model that this source asked all its other sources are taken away. With an artifact that was trained by the same plan
//! on all outcomes, beside what that one says.
//!
//! `cargo run --release -p pointsman --example elsewhere -- PLAN OUTCOMES [--only SOURCE] [ARTIFACT]`; judged on the prompts that the
//! plan kept back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};

use classifier::Artifact;
use classifier::artifact::{Parts, built_in_encoder};
use classifier::encoder::Encoder;
use classifier::lens::Lens;
use trainer::asides;
use trainer::dataset::{Dataset, Gathering};
use trainer::plan::Plan;
use trainer::train::train;

use kept_back::{Failure, forecast, heard, held_out};

mod kept_back;

/// A source where a model has fewer outcomes says little of it there.
const MIN_OUTCOMES: usize = 30;

/// Nothing is taken from a source that shares fewer models with others: nothing might be left to tie it to them.
const MIN_TIES: usize = 6;

/// Prompts kept back that a rate is told from, at least.
const MIN_JUDGED: usize = 20;

/// How many outcomes of a model there are, source by source.
type Counts = BTreeMap<String, BTreeMap<String, usize>>;

/// A model and a source.
type Place = (String, String);

/// What is taken away.
type Taken = BTreeSet<Place>;

/// What came of a prompt; then the probability that was said, and its bound.
type Judged = (f64, (f64, f64));

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [plan, outcomes, rest @ ..] = arguments.as_slice() else {
        return Err("expected PLAN OUTCOMES [--only SOURCE] [ARTIFACT]".into());
    };
    let (only, whole) = match rest {
        [flag, source, rest @ ..] if flag == "--only" => (Some(source.as_str()), rest.first()),
        _ => (None, rest.first()),
    };
    let plan = Plan::from_toml(&std::fs::read_to_string(plan)?)?;
    let counts = counts(outcomes)?;
    let taken = only.map_or_else(|| one_each(&counts), |source| all_but(source, &counts));
    let without = trained(&plan, outcomes, &taken)?;
    let told = verdicts(&without, &held_out(&without, &plan, outcomes)?, &taken);
    let told_whole = match whole {
        Some(folder) => {
            let whole = Artifact::read(Path::new(folder))?.into_parts();
            verdicts(&whole, &held_out(&whole, &plan, outcomes)?, &taken)
        }
        None => Vec::new(),
    };
    let mut out = stdout().lock();
    writeln!(
        out,
        "{:18} {:30} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "source", "model", "prompts", "real", "said", "bound", "Brier"
    )?;
    for Verdict { source, model, n, real, said, bound, brier } in &told {
        writeln!(out, "{source:18} {model:30} {n:>7} {real:>7.3} {said:>7.3} {bound:>7.3} {brier:>7.3}")?;
    }
    writeln!(out, "never asked there: {}", summary(&told))?;
    if !told_whole.is_empty() {
        writeln!(out, "asked there:       {}", summary(&told_whole))?;
    }
    Ok(())
}

/// Of models with outcomes enough in several sources.
fn counts(outcomes: &str) -> Result<Counts, Failure> {
    let mut counts = Counts::new();
    for row in training_data::rows::read(&[PathBuf::from(outcomes)], false)? {
        let row = row?;
        *counts.entry(row.model.to_string()).or_default().entry(row.source.to_string()).or_default() += 1;
    }
    counts.values_mut().for_each(|sources| sources.retain(|_, n| *n >= MIN_OUTCOMES));
    counts.retain(|_, sources| sources.len() > 1);
    Ok(counts)
}

/// Of every model the source that has so far lost the least part of such models: they are what ties sources together.
fn one_each(counts: &Counts) -> Taken {
    let mut ties: BTreeMap<&str, usize> = BTreeMap::new();
    counts.values().flat_map(BTreeMap::keys).for_each(|source| *ties.entry(source).or_default() += 1);
    let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
    let mut taken = Taken::new();
    for (model, sources) in counts {
        let part = |source: &str| (lost.get(source).copied().unwrap_or(0) as f64 + 1.0) / ties[source] as f64;
        let enough = sources.keys().filter(|source| ties[source.as_str()] >= MIN_TIES);
        let Some(source) = enough.min_by(|a, b| part(a).total_cmp(&part(b))) else { continue };
        *lost.entry(source).or_default() += 1;
        taken.insert((model.clone(), source.clone()));
    }
    taken
}

/// Of every other model that this source asked, all its other sources: the models left tie it to them.
fn all_but(only: &str, counts: &Counts) -> Taken {
    let asked = counts.iter().filter(|(_, sources)| sources.contains_key(only)).step_by(2);
    let others = |(model, sources): (&String, &BTreeMap<String, usize>)| -> Vec<Place> {
        sources.keys().filter(|source| *source != only).map(|source| (model.clone(), source.clone())).collect()
    };
    asked.flat_map(others).collect()
}

/// An artifact by the plan, without what is taken away.
fn trained(plan: &Plan, outcomes: &str, taken: &Taken) -> Result<Parts, Failure> {
    let mut gathering = Gathering::default();
    let rows = training_data::rows::read(&[PathBuf::from(outcomes)], false)?;
    for row in plan.split()?.learning_rows(rows) {
        let (_, row) = row?;
        let is_taken = taken.contains(&(row.model.to_string(), row.source.to_string()));
        if !is_taken && !plan.leaves_out(&row.source, &row.dataset) {
            gathering.add(&row)?;
        }
    }
    let [config, tokenizer, table] = built_in_encoder().map(|(_, bytes)| bytes);
    let encoder = Encoder::from_bytes(config, tokenizer, table)?;
    let asides = asides::learn(&encoder, gathering.texts(), plan.seed);
    let lens = Lens::new(encoder).with_asides(asides);
    let mut dataset = gathering.read(&lens, |_| ());
    let tell = |done: usize, all: usize| {
        if done.is_multiple_of(1_000) {
            // Nobody may be listening.
            let _ = writeln!(stderr(), "training: {done} of {all}");
        }
    };
    Ok(train(&mut dataset, lens, plan, &tell)?.parts)
}

/// What came of a model in a source that was taken from it, and what was said.
struct Verdict {
    source: String,
    model: String,
    n: usize,
    real: f64,
    said: f64,
    bound: f64,
    brier: f64,
}

fn verdicts(parts: &Parts, town: &Dataset, taken: &Taken) -> Vec<Verdict> {
    let usual = parts.usual_rows();
    let mut cells: BTreeMap<Place, Vec<Judged>> = BTreeMap::new();
    for lesson in &town.prompts {
        let source = &town.sources[usize::from(lesson.source)];
        let told = heard(parts, &usual, &lesson.reading);
        for answer in &lesson.answers {
            let cell = (town.models[usize::from(answer.model)].clone(), source.clone());
            let Some(place) = parts.place(&cell.0).filter(|_| taken.contains(&cell)) else { continue };
            let said = forecast(parts, &told, place);
            cells.entry(cell).or_default().push((f64::from(answer.quality), said));
        }
    }
    let enough = cells.into_iter().filter(|(_, cells)| cells.len() >= MIN_JUDGED);
    let verdict = |((model, source), cells): (Place, Vec<Judged>)| Verdict {
        source,
        model,
        n: cells.len(),
        real: mean(cells.iter().map(|(real, _)| *real)),
        said: mean(cells.iter().map(|(_, (said, _))| *said)),
        bound: mean(cells.iter().map(|(_, (_, low))| *low)),
        brier: mean(cells.iter().map(|(real, (said, _))| (said - real).powi(2))),
    };
    enough.map(verdict).collect()
}

fn summary(verdicts: &[Verdict]) -> String {
    let off = mean(verdicts.iter().map(|verdict| (verdict.said - verdict.real).abs()));
    let brier = mean(verdicts.iter().map(|verdict| verdict.brier));
    let above = verdicts.iter().filter(|verdict| verdict.real >= verdict.bound).count();
    let n = verdicts.len();
    format!(
        "rates of {n} models and sources are off by {off:.3} on average, {above} lie above their bounds, mean Brier score {brier:.4}"
    )
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

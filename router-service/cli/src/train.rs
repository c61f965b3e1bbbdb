//! `pointsman train`: outcomes in, artifact out, and a report on prompts that no view had seen. The learning is done by `trainer`;
//! here files are read, progress is shown, and what came of it is judged and printed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use classifier::artifact::Parts;
use classifier::lens::Lens;
use decision::{Catalog, Mode, ModelId, Policies, Policy, PolicyName, Quality, Rules};
use evals::forecasts::Forecasts;
use evals::pool::{AssumedTokens, Outcomes};
use evals::report::{Provenance, Report};
use evals::trial::Trial;
use evals::verdict::Judge;
use trainer::asides;
use trainer::dataset::{Dataset, Gathering};
use trainer::plan::Plan;
use trainer::publish::{may_stand_at, publish};
use trainer::train::{Trained, train};
use training_data::publish::Staged;
use training_data::rows;

use crate::CalledWrongly;
use crate::apart::apart;
use crate::eval::inputs::{named_pools, price_list};
use crate::eval::write_whole;
use crate::onboard::encoder;
use crate::progress::Progress;

use lines::Lines;
use summary::{Kept, Summary};

mod lines;
mod summary;

const EXAMPLES: &str = "\
Examples:
  pointsman train outcomes/ -o artifact/
  pointsman train outcomes/ -o artifact/ --plan plan.toml --forecasts cross-fitted.jsonl --report out/
  pointsman train outcomes/ -o artifact/ --encoder all-MiniLM-L6-v2/

The plan is TOML; every key has a default (see docs/training.md). The same rows, plan and encoder give the same artifact, byte for byte.";

/// Arguments of `pointsman train`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Outcome rows with their prompts: .parquet or .jsonl files, or folders of them.
    #[arg(required = true, value_name = "OUTCOMES")]
    outcomes: Vec<PathBuf>,

    /// Where to write the artifact: a folder, new, empty or an artifact that is to be replaced.
    #[arg(short, long, value_name = "ARTIFACT")]
    output: PathBuf,

    /// How to train. Without it, the usual plan.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// The encoder: a folder made by `pointsman distill`, or a BERT-family directory. Without it, the one inside the binary.
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,

    /// Catalog with the prices of the models, for the report, and with the lengths that it states of those that nobody counted. Without
    /// it, the one inside the binary.
    #[arg(long, visible_alias = "prices", value_name = "FILE")]
    catalog: Option<PathBuf>,

    /// Candidates per source for the report, as {"source": ["model", ..]}. Without it: the models that answered nearly every prompt.
    #[arg(long, value_name = "FILE")]
    pools: Option<PathBuf>,

    /// Write the cross-fitted forecasts, one JSON object a line, for `eval` and `tune`.
    #[arg(long, value_name = "FILE")]
    forecasts: Option<PathBuf>,

    /// Write report.html and report.json into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Pass over bad rows and count them, instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,

    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What the figures of the report are worth.
const CROSS_FITTED: &str = "judged on the training rows by views that had not seen the prompt (cross-fitted by groups); calibration \
and trust, a few numbers for each model and source, were fitted to these very forecasts";

/// Bootstrap samples behind the intervals of the report.
const BOOTSTRAPS: usize = 200;

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let plan = plan(arguments.plan.as_deref())?;
    let catalog = catalog(arguments.catalog.as_deref())?;
    let named = arguments.pools.as_deref().map(pools).transpose()?;
    let (encoder, files) = encoder(arguments.encoder.as_deref())?;
    try_outputs(arguments)?;
    let Gathered { gathering, outcomes, n_skipped, kept, absent } = gather(arguments, &plan)?;
    let asides = asides::learn(&encoder, gathering.texts(), plan.seed);
    let lens = Lens::new(encoder).with_asides(asides);
    let bar = Progress::counted("reading prompts", gathering.n_prompts());
    let mut dataset = gathering.read(&lens, |done| bar.at(done));
    bar.end();
    for name in &dataset.models {
        ModelId::new(name)
            .map_err(|error| anyhow!("rows of the model `{name}`, which no catalog can have: {error}"))?;
    }
    let bar = std::sync::OnceLock::new();
    let step = |done, all| bar.get_or_init(|| Progress::counted("training", all)).at(done);
    let trained = train(&mut dataset, lens, &plan, &step).map_err(|error| anyhow!("{error}{}", kept.beside()))?;
    bar.into_inner().into_iter().for_each(Progress::end);

    // What has been learned is safe before it is judged: a report can be had again.
    let digest = publish(&trained.parts, &files, &arguments.output)?;
    let forecasts = cross_fitted(&trained, &catalog, arguments.forecasts.as_deref())?;
    let report = match judged(&outcomes, named.as_ref(), &catalog, &forecasts, n_skipped) {
        Ok(report) => Some(report),
        Err(error) => {
            writeln!(io::stderr(), "no report: {error:#}")?;
            None
        }
    };
    if let (Some(folder), Some(report)) = (&arguments.report, &report) {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_whole(&folder.join("report.html"), &report.page())?;
        write_whole(&folder.join("report.json"), &report.json())?;
    }
    let summary = Summary {
        output: arguments.output.clone(),
        digest,
        n_prompts: dataset.prompts.len(),
        n_models: dataset.models.len(),
        n_skipped,
        n_textless: dataset.n_textless,
        n_ambiguous: dataset.n_ambiguous,
        kept,
        n_topics_left_out: trained.n_topics_left_out,
        n_strangers: n_strangers(&trained.parts, &catalog),
        n_in_catalog: catalog.models().len(),
        without_rows: without_rows(&plan, &dataset),
        absent,
    };
    let text = match (&report, arguments.json) {
        (report, true) => summary.json(report.as_ref())?,
        (Some(report), false) => format!("{}\n{}", summary.table(), report.table()),
        (None, false) => summary.table(),
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Models of the catalog that the artifact does not know, and cannot tell by others.
fn n_strangers(parts: &Parts, catalog: &Catalog) -> usize {
    let unknown =
        catalog.models().iter().filter(|model| parts.place(model.id.as_str()).is_none() && model.like.is_none());
    unknown.filter(|model| model.benchmarks.is_empty()).count()
}

/// Names in the plan that no row has: mistyped, or of sources that are not here.
fn without_rows<'a>(plan: &'a Plan, dataset: &Dataset) -> Vec<&'a str> {
    plan.same_models.iter().flatten().map(String::as_str).filter(|name| dataset.place(name).is_none()).collect()
}

/// A training takes minutes: where its results cannot be put is found out before.
fn try_outputs(arguments: &Arguments) -> anyhow::Result<()> {
    may_stand_at(&arguments.output)?;
    for (flag, path) in [("--report", &arguments.report), ("--forecasts", &arguments.forecasts)] {
        // An artifact's folder holds nothing else, and is put in its place whole.
        if let Some(path) = path.as_deref().filter(|path| is_inside(path, &arguments.output)) {
            bail!(CalledWrongly(format!("{flag} {}: expected a place outside the artifact", path.display())));
        }
    }
    if let Some(file) = &arguments.forecasts {
        let files = [&arguments.plan, &arguments.catalog, &arguments.pools];
        apart(file, arguments.outcomes.iter().chain(files.into_iter().flatten()))?;
        // Dropped unpublished, it leaves nothing.
        Staged::create(file).with_context(|| file.display().to_string())?;
    }
    if let Some(folder) = &arguments.report {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}

fn is_inside(path: &Path, folder: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute(path).starts_with(absolute(folder))
}

fn plan(file: Option<&Path>) -> anyhow::Result<Plan> {
    let Some(file) = file else { return Ok(Plan::default()) };
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Plan::from_toml(&text).with_context(|| file.display().to_string())
}

fn catalog(file: Option<&Path>) -> anyhow::Result<Catalog> {
    let Some(file) = file else { return Ok(classifier::built_in_catalog()) };
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Catalog::from_toml(&text).with_context(|| file.display().to_string())
}

fn pools(file: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    named_pools(&text, file)
}

/// The learning rows, for training and for the judge.
struct Gathered {
    gathering: Gathering,
    outcomes: Outcomes,
    n_skipped: u64,
    kept: Kept,
    /// Data sets that the plan leaves out and no row is of.
    absent: Vec<String>,
}

fn gather(arguments: &Arguments, plan: &Plan) -> anyhow::Result<Gathered> {
    let split = plan.split()?;
    let mut rows = rows::read(&arguments.outcomes, arguments.skip_bad)?;
    let (mut gathering, mut outcomes) = (Gathering::default(), Outcomes::default());
    let (mut n_tune, mut n_left_out, mut found) = (0, 0, BTreeSet::new());
    let progress = Progress::open_ended("reading", "rows");
    let mut n_read = 0;
    let counted = rows.by_ref().inspect(|row| n_read += u64::from(row.is_ok()));
    for row in split.learning_rows(counted) {
        let (part, row) = row?;
        // What is kept for tuning must not be learned from: a promise made on it would be worth nothing.
        if part == training_data::split::LearningPart::Tune {
            n_tune += 1;
            continue;
        }
        if plan.leaves_out(&row.source, &row.dataset) {
            n_left_out += 1;
            found.insert(format!("{}/{}", row.source, row.dataset));
            continue;
        }
        gathering.add(&row)?;
        outcomes.add(&row)?;
        if outcomes.n_rows().is_multiple_of(10_000) {
            progress.at(outcomes.n_rows());
        }
    }
    progress.end();
    let kept = Kept { n_tune, n_held_out: n_read - n_tune - n_left_out - outcomes.n_rows() as u64, n_left_out };
    let absent = plan.leave_out.iter().filter(|name| !found.contains(*name)).cloned().collect();
    if outcomes.n_rows() == 0 {
        bail!("expected outcome rows to learn from, found none{}", kept.beside());
    }
    Ok(Gathered { gathering, outcomes, n_skipped: rows.drops().n_rows(), kept, absent })
}

/// The cross-fitted forecasts as the judge reads them, written on the way to the file that is asked for.
fn cross_fitted(trained: &Trained, catalog: &Catalog, file: Option<&Path>) -> anyhow::Result<Forecasts> {
    let named = |file: &Path| file.display().to_string();
    let staged = file.map(|file| Staged::create(file).with_context(|| named(file))).transpose()?;
    let mut lines = Lines::new(trained, catalog, staged);
    let forecasts = Forecasts::read(BufReader::new(&mut lines), "the cross-fitted forecasts")?;
    if let (Some(staged), Some(file)) = (lines.into_copy(), file) {
        staged.publish().with_context(|| named(file))?;
    }
    Ok(forecasts)
}

/// The report. There is none where no source has a pool that can be judged: too few prompts that all models answered, or no prices.
fn judged(
    outcomes: &Outcomes,
    named: Option<&BTreeMap<String, Vec<String>>>,
    catalog: &Catalog,
    forecasts: &Forecasts,
    n_skipped: u64,
) -> anyhow::Result<Report> {
    let list = price_list(catalog);
    let (pools, mut notes) = outcomes.pools(named, &list, &AssumedTokens::default())?;
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02)? };
    let policy = Policy::new(PolicyName::new("tolerance-0_02")?, Rules::of(mode))?;
    let judge = Judge { seed: 0, n_bootstraps: BOOTSTRAPS, pair: None, policy };
    let bar = Progress::counted("judging", pools.len());
    let outcome =
        Trial { judge: &judge, forecasts: Some(forecasts), champion: None }.hold(&pools, |done| bar.at(done))?;
    bar.end();
    notes.extend(outcome.passed_over);
    notes.push(CROSS_FITTED.to_owned());
    let provenance = Provenance {
        pointsman: env!("CARGO_PKG_VERSION"),
        sources: Vec::new(),
        n_rows: outcomes.n_rows(),
        n_skipped,
        seed: judge.seed,
        n_bootstraps: BOOTSTRAPS,
        policy: Policies::new(judge.policy.name().clone(), vec![judge.policy.clone()])?.to_toml(),
        notes,
    };
    Ok(Report::new(outcome.verdicts, None, provenance))
}

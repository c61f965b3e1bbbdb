//! `pointsman eval`: replays outcomes and says what routing would have bought. The judging is done by `evals`; here files are
//! read, and a report is printed and written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use decision::{Policies, Policy};
use evals::baselines::Baseline;
use evals::forecasts::Forecasts;
use evals::pool::{AssumedTokens, Outcomes, Pool};
use evals::report::{Provenance, Report};
use evals::trial::{Trial, as_lines};
use evals::verdict::{Judge, Verdict};
use training_data::publish::Staged;

use crate::CalledWrongly;
use crate::apart::apart;
use crate::kept::{is_salt, split};
use crate::progress::Progress;

use inputs::{Inputs, Wanted};

pub(crate) mod inputs;

const EXAMPLES: &str = "\
Examples:
  pointsman eval outcomes.parquet --prices catalog.toml
      what the plain methods would have bought: the bar for any router
  pointsman eval outcomes.parquet --prices catalog.toml --forecasts decisions.jsonl --report out/
      a router's forecasts, ours or anybody's, judged beside the plain methods
  pointsman eval outcomes.parquet --prices catalog.toml --forecasts new.jsonl --champion old.jsonl
      exit code 0 if the new one may ship, 1 if not

A line of forecasts is {\"id\": \"source/dataset/prompt_id\", \"forecasts\": [{\"model\": .., \"quality\": .., \"cost_usd\": ..}]}.";

/// Arguments of `pointsman eval`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Outcome rows: .parquet or .jsonl files, or folders of them.
    #[arg(required = true, value_name = "OUTCOMES")]
    outcomes: Vec<PathBuf>,

    /// Forecasts to judge, one JSON object a line. Without them only the baselines are judged.
    #[arg(long, value_name = "FILE")]
    forecasts: Option<PathBuf>,

    /// Forecasts in use today, to judge the others against; the exit code then says whether the others may ship. They must forecast what
    /// these do.
    #[arg(long, value_name = "FILE", requires = "forecasts")]
    champion: Option<PathBuf>,

    /// Prices, for rows without a bill: a catalog (.toml), a LiteLLM or OpenRouter list (.json), or a sheet (.csv). Without it, the
    /// catalog inside the binary.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Candidates per source, as {"source": ["model", ..]}. Without it: the models that answered nearly every prompt.
    #[arg(long, value_name = "FILE")]
    pools: Option<PathBuf>,

    /// Judge only these prompts: a file with one id a line.
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,

    /// Judge only what training keeps back for judging: by an artifact's folder or a plan.toml, or by a salt where the plan's shares
    /// are the usual ones.
    #[arg(long, value_name = "ARTIFACT|PLAN|SALT", conflicts_with = "ids")]
    held_out: Option<String>,

    /// Policies to replay; the file's default, or the one named by --policy.
    #[arg(long, value_name = "FILE")]
    policies: Option<PathBuf>,

    /// Which policy of the file to replay.
    #[arg(long, value_name = "NAME", requires = "policies")]
    policy: Option<String>,

    /// A weak and a strong model, for APGR and CPT.
    #[arg(long, value_name = "WEAK,STRONG")]
    pair: Option<String>,

    /// Completion tokens to assume for a source whose rows do not say, as SOURCE=TOKENS.
    #[arg(long, value_name = "SOURCE=TOKENS", value_delimiter = ',')]
    assume_completion: Vec<String>,

    /// Seed of every random number.
    #[arg(long, default_value_t = 0)]
    seed: u32,

    /// Bootstrap samples behind every interval.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    bootstraps: u32,

    /// Pass over bad rows and count them, instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,

    /// Write a baseline's forecasts as a forecasts file, as BASELINE=FILE: model-mean, dataset-mean or knn.
    #[arg(long, value_name = "BASELINE=FILE")]
    write_forecasts: Vec<String>,

    /// Write report.html and report.json into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    for one in &arguments.write_forecasts {
        let Some((_, file)) = one.split_once('=') else { continue };
        let files = [&arguments.forecasts, &arguments.champion, &arguments.prices, &arguments.pools];
        let files = files.into_iter().chain([&arguments.ids, &arguments.policies]).flatten();
        apart(Path::new(file), arguments.outcomes.iter().chain(files))?;
    }
    let mut inputs = Inputs::default();
    let policy = inputs.policy(arguments.policies.as_deref(), arguments.policy.as_deref())?;
    let prices = inputs.prices(arguments.prices.as_deref())?;
    let named = inputs.named_pools(arguments.pools.as_deref())?;
    let assumed = assumed(&arguments.assume_completion)?;
    let pair = pair(arguments.pair.as_deref())?;
    let forecasts = inputs.forecasts("forecasts", arguments.forecasts.as_deref())?;
    if !forecasts
        .as_ref()
        .map_or_else(|| Forecasts::default().tell_limits_of(&policy), |known| known.tell_limits_of(&policy))
    {
        bail!(CalledWrongly(format!(
            "--policies: what `{}` forbids (regions, zero_data_retention, max_cost_usd) can be told only of forecasts that were made under \
             it: give those that `pointsman route --policies FILE --policy {} --input` writes as --forecasts",
            policy.name(),
            policy.name()
        )));
    }
    let champion = inputs.forecasts("champion", arguments.champion.as_deref())?;
    let ids = inputs.ids(arguments.ids.as_deref())?;
    let held_out = arguments.held_out.as_deref().map(|value| split("--held-out", value)).transpose()?;
    if let Some(salt) = arguments.held_out.as_deref().filter(|value| is_salt(value)) {
        // A slip in a folder's name would judge on rows that were learned from.
        writeln!(io::stderr(), "--held-out {salt}: taken for a salt, since nothing of that name is here")?;
    }
    let wanted = Wanted { ids, held_out: held_out.as_ref(), tuning: None, skip_bad: arguments.skip_bad };
    let (outcomes, n_skipped) = inputs.outcomes(&arguments.outcomes, &wanted)?;
    assumed_for(&arguments.assume_completion, &outcomes)?;
    let (pools, mut notes) = outcomes.pools(named.as_ref(), &prices, &assumed)?;
    write_baselines(&arguments.write_forecasts, &pools)?;

    let n_bootstraps = usize::try_from(arguments.bootstraps)?;
    pair.as_ref().map_or(Ok(()), |pair| are_known(pair, &pools))?;
    let judge = Judge { seed: arguments.seed, n_bootstraps, pair, policy };
    let progress = Progress::counted("judging", pools.len());
    let trial = Trial { judge: &judge, forecasts: forecasts.as_ref(), champion: champion.as_ref() };
    let outcome = trial.hold(&pools, |done| progress.at(done))?;
    progress.end();

    notes.extend(inputs.notes);
    notes.extend(outcome.passed_over);
    notes.extend(judge.pair.as_ref().and_then(|pair| without_gap(pair, &outcome.verdicts)));
    notes.extend(refused(&judge.policy, &outcome.verdicts));
    notes.extend(forecasts.iter().flat_map(|forecasts| forecasts.notes(&pools)));
    notes.push(scope(arguments));
    let provenance = Provenance {
        pointsman: env!("CARGO_PKG_VERSION"),
        sources: inputs.sources,
        n_rows: outcomes.n_rows(),
        n_skipped,
        seed: judge.seed,
        n_bootstraps,
        policy: Policies::new(judge.policy.name().clone(), vec![judge.policy.clone()])?.to_toml(),
        notes,
    };
    let report = Report::new(outcome.verdicts, outcome.gate, provenance);
    if let Some(folder) = &arguments.report {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_whole(&folder.join("report.html"), &report.page())?;
        write_whole(&folder.join("report.json"), &report.json())?;
    }
    let text = if arguments.json { report.json() + "\n" } else { report.table() };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.gate.as_ref().is_none_or(|gate| gate.ship) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which rows were judged: whoever reads a verdict must know whether anybody could have learned from them.
fn scope(arguments: &Arguments) -> String {
    match (&arguments.held_out, &arguments.ids) {
        (Some(by), _) if is_salt(by) => format!("judged on the held-out part by the salt `{by}` and the usual shares"),
        (Some(by), _) => format!("judged on the held-out part by `{by}`"),
        (None, Some(_)) => "judged on the prompts of the --ids file".to_owned(),
        (None, None) => {
            "judged on all rows given; with --held-out ARTIFACT only on those that its training never saw".to_owned()
        }
    }
}

pub(crate) fn assumed(given: &[String]) -> anyhow::Result<AssumedTokens> {
    let mut assumed = AssumedTokens::default();
    for one in given {
        let wrong =
            || CalledWrongly(format!("--assume-completion: expected SOURCE=TOKENS with tokens above 0, found `{one}`"));
        let (source, tokens) = one.split_once('=').ok_or_else(wrong)?;
        let tokens: f64 = tokens.parse().map_err(|_| wrong())?;
        if !(tokens.is_finite() && tokens > 0.0) {
            bail!(wrong());
        }
        assumed.completion_of.insert(source.to_owned(), tokens);
        if given.iter().filter(|other| other.split_once('=').is_some_and(|(other, _)| other == source)).count() > 1 {
            bail!(CalledWrongly(format!("--assume-completion: `{source}` is given twice")));
        }
    }
    Ok(assumed)
}

/// Refuses what is assumed for sources that are not there: it would change nothing, and nobody would know.
pub(crate) fn assumed_for(given: &[String], outcomes: &Outcomes) -> anyhow::Result<()> {
    let mut named = given.iter().filter_map(|one| one.split_once('=')).map(|(source, _)| source);
    let stranger = named.find(|source| outcomes.sources().all(|known| known != *source));
    let Some(stranger) = stranger else { return Ok(()) };
    let complaint = decision::document::unknown("source", stranger, outcomes.sources().collect::<Vec<_>>());
    bail!(CalledWrongly(format!("--assume-completion: {complaint}")))
}

fn pair(given: Option<&str>) -> anyhow::Result<Option<(String, String)>> {
    let Some(given) = given else { return Ok(None) };
    let wrong = || CalledWrongly(format!("--pair: expected WEAK,STRONG, two models, found `{given}`"));
    let (weak, strong) = given.split_once(',').filter(|(weak, strong)| weak != strong).ok_or_else(wrong)?;
    Ok(Some((weak.to_owned(), strong.to_owned())))
}

/// Both models must be known somewhere.
fn are_known((weak, strong): &(String, String), pools: &[Pool]) -> anyhow::Result<()> {
    for model in [weak, strong] {
        if pools.iter().all(|pool| pool.model(model).is_none()) {
            let known: Vec<&str> = pools.iter().flat_map(|pool| &pool.models).map(String::as_str).collect();
            bail!(CalledWrongly(format!("--pair: {}", decision::document::unknown("model", model, known))));
        }
    }
    Ok(())
}

/// The pools in which a policy refuses every prompt, and so has no verdict.
fn refused(policy: &Policy, verdicts: &[Verdict]) -> Option<String> {
    let all: Vec<&str> =
        verdicts.iter().filter(|verdict| verdict.policy.is_none()).map(|verdict| verdict.pool.as_str()).collect();
    let names = all.join(", ");
    let why = "nobody whom it lets serve is a candidate there";
    (!all.is_empty()).then(|| format!("policy `{}` refuses every prompt of {names}: {why}", policy.name()))
}

/// The pools in which there is nothing between the two that a router could win.
fn without_gap((weak, strong): &(String, String), verdicts: &[Verdict]) -> Option<String> {
    let without: Vec<&str> =
        verdicts.iter().filter(|verdict| verdict.pair.is_none()).map(|verdict| verdict.pool.as_str()).collect();
    let names = without.join(", ");
    let why = format!("`{strong}` is not better than `{weak}` there, or one of them is missing");
    (!without.is_empty()).then(|| format!("no APGR and CPT for {names}: {why}"))
}

fn write_baselines(wanted: &[String], pools: &[Pool]) -> anyhow::Result<()> {
    for one in wanted {
        let wrong = || {
            let known = Baseline::ALL.map(Baseline::word).join(", ");
            CalledWrongly(format!("--write-forecasts: expected BASELINE=FILE with one of {known}, found `{one}`"))
        };
        let (word, file) = one.split_once('=').ok_or_else(wrong)?;
        let baseline = Baseline::ALL.into_iter().find(|baseline| baseline.word() == word).ok_or_else(wrong)?;
        let mut text = String::new();
        for pool in pools {
            let missing =
                || format!("pool `{}`: {} needs the texts of the prompts, and the rows lack some", pool.name, word);
            for line in as_lines(pool, baseline).with_context(missing)? {
                text.push_str(&line);
                text.push('\n');
            }
        }
        write_whole(Path::new(file), &text)?;
    }
    Ok(())
}

pub(crate) fn write_whole(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut staged = Staged::create(file).with_context(|| file.display().to_string())?;
    staged.write_all(text.as_bytes())?;
    staged.publish().with_context(|| file.display().to_string())
}

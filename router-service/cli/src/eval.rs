//! `pointsman eval`: replays outcomes and says what routing would have bought. The judging is done by `evals`; here files are
//! read, and a report is printed and written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use decision::{Mode, Policies, Policy, PolicyName, Quality, Rules};
use evals::baselines::Baseline;
use evals::forecasts::Forecasts;
use evals::pool::{AssumedTokens, Outcomes, Pool, PriceList, TokenPrices};
use evals::report::{Provenance, Report, Source};
use evals::trial::{Trial, as_lines};
use evals::verdict::Judge;
use sha2::{Digest, Sha256};
use training_data::publish::Staged;
use training_data::{prices, rows};

use crate::CalledWrongly;
use crate::progress::Progress;

const EXAMPLES: &str = "\
Examples:
  pointsman eval outcomes.parquet --prices catalog.toml
      what the plain methods would have bought: the bar for any router
  pointsman eval outcomes.parquet --prices catalog.toml --forecasts decisions.jsonl --report out/
      a router's forecasts, as `pointsman route` or anybody else writes them, judged beside the plain methods
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

    /// Forecasts in use today, to judge the others against; the exit code then says whether the others may ship.
    #[arg(long, value_name = "FILE", requires = "forecasts")]
    champion: Option<PathBuf>,

    /// Prices: a catalog (.toml), a LiteLLM or OpenRouter list (.json), or a sheet (.csv). Needed where rows have no bill.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Candidates per source, as {"source": ["model", ..]}. Without it: the models that answered nearly every prompt.
    #[arg(long, value_name = "FILE")]
    pools: Option<PathBuf>,

    /// Judge only these prompts: a file with one id a line.
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,

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
    let mut sources = Vec::new();
    let policy = policy(arguments, &mut sources)?;
    let prices = price_list(arguments.prices.as_deref(), &mut sources)?;
    let named = named_pools(arguments.pools.as_deref(), &mut sources)?;
    let assumed = assumed(&arguments.assume_completion)?;
    let forecasts = read_forecasts("forecasts", arguments.forecasts.as_deref(), &mut sources)?;
    let champion = read_forecasts("champion", arguments.champion.as_deref(), &mut sources)?;
    let (outcomes, n_skipped) = read_outcomes(arguments, &mut sources)?;
    let pools = outcomes.pools(named.as_ref(), &prices, &assumed)?;
    let pools = only(arguments.ids.as_deref(), pools, &mut sources)?;

    write_baselines(&arguments.write_forecasts, &pools)?;

    let n_bootstraps = usize::try_from(arguments.bootstraps)?;
    let pair = pair(arguments.pair.as_deref(), &pools)?;
    let judge = Judge { seed: arguments.seed, n_bootstraps, pair, policy };
    let progress = Progress::counted("judging", pools.len());
    let trial = Trial { judge: &judge, forecasts: forecasts.as_ref(), champion: champion.as_ref() };
    let (verdicts, gate) = trial.hold(&pools, |done| progress.at(done))?;
    progress.end();

    let provenance = Provenance {
        pointsman: env!("CARGO_PKG_VERSION"),
        sources,
        n_rows: outcomes.n_rows(),
        n_skipped,
        seed: judge.seed,
        n_bootstraps,
        policy: Policies::new(judge.policy.name().clone(), vec![judge.policy.clone()])?.to_toml(),
    };
    let report = Report::new(verdicts, gate, provenance);
    if let Some(folder) = &arguments.report {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_whole(&folder.join("report.html"), &report.page())?;
        write_whole(&folder.join("report.json"), &report.json())?;
    }
    let text = if arguments.json { report.json() + "\n" } else { report.table() };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if report.gate.as_ref().is_none_or(|gate| gate.ship) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The named policy, or the cheapest model within two hundredths of the best.
fn policy(arguments: &Arguments, sources: &mut Vec<Source>) -> anyhow::Result<Policy> {
    let Some(file) = &arguments.policies else {
        let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02)? };
        return Ok(Policy::new(PolicyName::new("tolerance-0_02")?, Rules::of(mode))?);
    };
    let text = String::from_utf8(read_whole("policy", file, sources)?)
        .map_err(|_| anyhow::anyhow!("{}: expected text, found other bytes", file.display()))?;
    let policies = Policies::from_toml(&text).with_context(|| file.display().to_string())?;
    let Some(name) = &arguments.policy else { return Ok(policies.default_policy().clone()) };
    let known: Vec<&str> = policies.iter().map(|policy| policy.name().as_str()).collect();
    let complaint =
        || CalledWrongly(format!("{}: {}", file.display(), decision::document::unknown("policy", name, known.clone())));
    Ok(policies.get(name).ok_or_else(complaint)?.clone())
}

fn price_list(file: Option<&Path>, sources: &mut Vec<Source>) -> anyhow::Result<PriceList> {
    let Some(file) = file else { return Ok(PriceList::default()) };
    sources.push(source("prices", file)?);
    let priced = prices::read(file)?.into_iter().filter_map(|row| {
        let prices = TokenPrices { prompt: row.prompt_usd_per_1m?, completion: row.completion_usd_per_1m? };
        Some((row.model, prices))
    });
    Ok(priced.collect())
}

fn named_pools(
    file: Option<&Path>,
    sources: &mut Vec<Source>,
) -> anyhow::Result<Option<BTreeMap<String, Vec<String>>>> {
    let Some(file) = file else { return Ok(None) };
    let bytes = read_whole("pools", file, sources)?;
    let expected = "expected an object of sources, each a list of models";
    serde_json::from_slice(&bytes).map(Some).map_err(|error| anyhow::anyhow!("{}: {expected}: {error}", file.display()))
}

fn assumed(given: &[String]) -> anyhow::Result<AssumedTokens> {
    let mut assumed = AssumedTokens::default();
    for one in given {
        let wrong = || CalledWrongly(format!("--assume-completion: expected SOURCE=TOKENS, found `{one}`"));
        let (source, tokens) = one.split_once('=').ok_or_else(wrong)?;
        let tokens: f64 = tokens.parse().map_err(|_| wrong())?;
        if !(tokens.is_finite() && tokens >= 0.0) {
            bail!(wrong());
        }
        assumed.completion_of.insert(source.to_owned(), tokens);
    }
    Ok(assumed)
}

fn read_forecasts(
    role: &'static str,
    file: Option<&Path>,
    sources: &mut Vec<Source>,
) -> anyhow::Result<Option<Forecasts>> {
    let Some(file) = file else { return Ok(None) };
    sources.push(source(role, file)?);
    let open = File::open(file).with_context(|| file.display().to_string())?;
    let forecasts = Forecasts::read(BufReader::with_capacity(1 << 18, open), &file.display().to_string())?;
    if forecasts.is_empty() {
        bail!("{}: expected forecasts, found none", file.display());
    }
    Ok(Some(forecasts))
}

fn read_outcomes(arguments: &Arguments, sources: &mut Vec<Source>) -> anyhow::Result<(Outcomes, u64)> {
    for file in rows::outcome_files(&arguments.outcomes)? {
        sources.push(source("outcomes", &file)?);
    }
    let mut rows = rows::read(&arguments.outcomes, arguments.skip_bad)?;
    let mut outcomes = Outcomes::default();
    let progress = Progress::open_ended("reading", "rows");
    for row in rows.by_ref() {
        outcomes.add(&row?)?;
        if outcomes.n_rows().is_multiple_of(10_000) {
            progress.at(outcomes.n_rows());
        }
    }
    progress.end();
    Ok((outcomes, rows.drops().n_rows()))
}

/// Both models must be known somewhere, or the figures would silently be missing.
fn pair(given: Option<&str>, pools: &[Pool]) -> anyhow::Result<Option<(String, String)>> {
    let Some(given) = given else { return Ok(None) };
    let wrong = || CalledWrongly(format!("--pair: expected WEAK,STRONG, found `{given}`"));
    let (weak, strong) = given.split_once(',').ok_or_else(wrong)?;
    for model in [weak, strong] {
        if pools.iter().all(|pool| pool.model(model).is_none()) {
            let known: Vec<&str> = pools.iter().flat_map(|pool| &pool.models).map(String::as_str).collect();
            bail!(CalledWrongly(format!("--pair: {}", decision::document::unknown("model", model, known))));
        }
    }
    Ok(Some((weak.to_owned(), strong.to_owned())))
}

/// The pools cut down to the prompts that were asked for.
fn only(file: Option<&Path>, pools: Vec<Pool>, sources: &mut Vec<Source>) -> anyhow::Result<Vec<Pool>> {
    let Some(file) = file else { return Ok(pools) };
    let bytes = read_whole("ids", file, sources)?;
    let text = String::from_utf8_lossy(&bytes);
    let ids: std::collections::BTreeSet<&str> = text.lines().collect();
    let cut = |pool: Pool| {
        let rows: Vec<usize> =
            (0..pool.prompts.len()).filter(|row| ids.contains(pool.prompts[*row].id.as_str())).collect();
        pool.taken(&rows)
    };
    let pools: Vec<Pool> = pools.into_iter().map(cut).filter(|pool| !pool.prompts.is_empty()).collect();
    if pools.is_empty() {
        bail!("{}: no pool has a prompt with one of these ids", file.display());
    }
    Ok(pools)
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

fn read_whole(role: &'static str, file: &Path, sources: &mut Vec<Source>) -> anyhow::Result<Vec<u8>> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    sources.push(named(role, file, &Sha256::digest(&bytes)));
    Ok(bytes)
}

fn source(role: &'static str, file: &Path) -> anyhow::Result<Source> {
    let mut open = File::open(file).with_context(|| file.display().to_string())?;
    let (mut digest, mut bytes) = (Sha256::new(), vec![0; 1 << 18]);
    loop {
        let n = open.read(&mut bytes).with_context(|| file.display().to_string())?;
        if n == 0 {
            return Ok(named(role, file, &digest.finalize()));
        }
        digest.update(&bytes[..n]);
    }
}

/// Only the name of a file: a report that is passed on must not tell the folders of whoever made it.
fn named(role: &'static str, file: &Path, digest: &[u8]) -> Source {
    let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    Source { role, file: name, sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect() }
}

fn write_whole(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut staged = Staged::create(file).with_context(|| file.display().to_string())?;
    staged.write_all(text.as_bytes())?;
    staged.publish().with_context(|| file.display().to_string())
}

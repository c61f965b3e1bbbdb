//! `pointsman tune`: sets a policy's parameter so that a promise holds, and writes the policy with its promise. The tuning is
//! done by `trainer`; here files are read, and a policy and a report are written, or nothing is.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use evals::pool::Pool;
use trainer::tune::{Ask, Bench, Statement, tune};

use crate::CalledWrongly;
use crate::apart::apart;
use crate::eval::inputs::Inputs;
use crate::eval::write_whole;
use crate::progress::Progress;

use asked::Asked;
use rows::Rows;

mod admitted;
mod asked;
mod day;
mod forecast;
mod proof;
mod record;
mod rows;

const EXAMPLES: &str = "\
Examples:
  pointsman tune outcomes.parquet --artifact A --loss-at-most 0.02 --confidence 0.95 -o policy.toml
      with 95% confidence at most 0.02 of quality is lost against the best single model
  pointsman tune outcomes.parquet --forecasts decisions.jsonl --prices catalog.toml \\
      --mode value --loss relative --loss-at-most 0.02 --against gpt-4o-2024-08-06 --report out/ -o policy.toml
      another mode, loss and reference, with a page that shows what other promises would save
  pointsman tune outcomes.parquet --artifact A --loss-at-most 0.05 --by dataset -o policy.toml
      the promise holds in every data set
  pointsman tune outcomes.parquet --forecasts decisions.jsonl --prices catalog.toml --prove 500
      whether such promises hold: tunes on 500 random halves and looks at the other halves
  pointsman tune --town --prove 500
      the same in a made-up town whose truth is known

Exit code 0: promised and written. 1: refused, with the rows that are needed; nothing is written. 2: called wrongly.";

/// Arguments of `pointsman tune`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Outcome rows: .parquet or .jsonl files, or folders of them. The artifact must not have learned from them.
    #[arg(required_unless_present = "town", value_name = "OUTCOMES")]
    outcomes: Vec<PathBuf>,

    /// The artifact whose forecasts the policy will be given; the one inside the binary if neither this nor --forecasts is given.
    #[arg(long, value_name = "DIR")]
    artifact: Option<PathBuf>,

    /// Forecasts to use instead of making them anew, one JSON object a line, as `pointsman route` writes them.
    #[arg(long, value_name = "FILE")]
    forecasts: Option<PathBuf>,

    /// Prices: a catalog (.toml), a LiteLLM or OpenRouter list (.json), or a sheet (.csv). Without it: the built-in catalog.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Candidates per source, as {"source": ["model", ..]}. Without it: the models that answered nearly every prompt.
    #[arg(long, value_name = "FILE")]
    pools: Option<PathBuf>,

    /// The source to tune on, where the outcomes have several.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Only the rows that training keeps for tuning: by an artifact's folder or a plan.toml, or by a salt where the plan's shares are
    /// the usual ones.
    #[arg(long, value_name = "ARTIFACT|PLAN|SALT")]
    tuning_part: Option<String>,

    /// Completion tokens to assume for a source whose rows do not say, as SOURCE=TOKENS.
    #[arg(long, value_name = "SOURCE=TOKENS", value_delimiter = ',')]
    assume_completion: Vec<String>,

    #[command(flatten)]
    asked: Asked,

    /// Seed of every random number.
    #[arg(long, default_value_t = 0)]
    seed: u32,

    /// Pass over bad rows and count them, instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,

    /// Where the policy goes.
    #[arg(short, long, value_name = "FILE", required_unless_present = "prove")]
    output: Option<PathBuf>,

    /// The day to write into the promise, as 2026-11-21. Without it: today.
    #[arg(long, value_name = "DAY", conflicts_with = "prove")]
    day: Option<String>,

    /// Write report.html and report.json into this folder.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Print the report as JSON.
    #[arg(long)]
    json: bool,

    /// Write no policy: tune on this many random parts of the rows and say how often the promise is broken elsewhere.
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with_all = ["output", "report", "by"])]
    prove: Option<u32>,

    /// The share of the rows that --prove tunes on; one half, or one twentieth of a made-up town.
    #[arg(long, value_name = "SHARE", requires = "prove")]
    prove_share: Option<f64>,

    /// Let --prove tune in a made-up town of 20,000 groups of prompts, whose truth is known.
    #[arg(long, requires = "prove", conflicts_with_all = ["outcomes", "artifact", "forecasts", "prices", "pools", "source", "tuning_part", "assume_completion", "skip_bad"])]
    town: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.asked.check()?;
    for (flag, given) in [("--prove-share", arguments.prove_share.is_some()), ("--town", arguments.town)] {
        // The parser passes over what one flag needs of another that --output rules out.
        if given && arguments.prove.is_none() {
            bail!(CalledWrongly(format!("{flag} goes with --prove, which writes no policy")));
        }
    }
    let day = match &arguments.day {
        Some(day) => day::checked(day)?,
        None => day::today(),
    };
    if let Some(output) = &arguments.output {
        let files = [&arguments.forecasts, &arguments.prices, &arguments.pools, &arguments.asked.policies];
        apart(output, arguments.outcomes.iter().chain(files.into_iter().flatten()))?;
    }
    let mut inputs = Inputs::default();
    let base = arguments.asked.base(&mut inputs)?;
    if let (Some(n_trials), true) = (arguments.prove, arguments.town) {
        return proof::in_town(arguments, &base, n_trials);
    }
    let rows = Rows::read(arguments, &mut inputs, &base)?;
    if let Some(n_trials) = arguments.prove {
        return proof::run(arguments, &rows, &base, n_trials);
    }
    let pool = rows.one_pool(arguments.source.as_deref())?;
    let known = rows.forecasts(pool)?;
    let matched_pool = pool.taken(&known.matched.rows);
    let ask = arguments.asked.ask(&base, Some(&rows), &matched_pool, arguments.seed)?;
    let tuned = searched(&known.bench(&matched_pool), &ask, arguments.json)?;
    let sources = inputs.sources;
    let facts = record::Facts { arguments, ask: &ask, pool, known: &known, rows: &rows, sources, day };
    let statement = record::statement(facts, tuned)?;
    write(arguments, &statement)?;
    Ok(ExitCode::SUCCESS)
}

/// A refusal is told to machines on standard output too.
fn searched(bench: &Bench<'_>, ask: &Ask, json: bool) -> anyhow::Result<trainer::tune::Tuned> {
    let mut bar: Option<Progress> = None;
    let found = tune(bench, ask, &mut |done, of| {
        bar.get_or_insert_with(|| Progress::counted("replaying", of)).at(done);
    });
    if let Some(bar) = bar {
        bar.end();
    }
    if let (Err(trainer::tune::TuneError::Refused(refused)), true) = (&found, json) {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "refused": refused }))?;
        writeln!(io::stdout(), "{text}")?;
    }
    Ok(found?)
}

fn write(arguments: &Arguments, statement: &Statement) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.report {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        write_whole(&folder.join("report.html"), &statement.page())?;
        write_whole(&folder.join("report.json"), &statement.json())?;
    }
    // Last, so that a policy is there only if all that speaks for it is.
    if let Some(output) = &arguments.output {
        write_whole(output, &statement.file)?;
    }
    let text = if arguments.json { statement.json() + "\n" } else { statement.table() };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// The pool of this name, or the only one.
fn only<'p>(pools: &'p [Pool], wanted: Option<&str>) -> anyhow::Result<&'p Pool> {
    let names = || pools.iter().map(|pool| pool.name.as_str());
    match (wanted, pools) {
        (Some(name), _) => match pools.iter().find(|pool| pool.name == name) {
            Some(pool) => Ok(pool),
            None => bail!(CalledWrongly(format!("--source: {}", decision::document::unknown("source", name, names())))),
        },
        (None, [pool]) => Ok(pool),
        (None, _) => {
            let names = names().collect::<Vec<_>>().join(", ");
            bail!(CalledWrongly(format!("the outcomes have several sources ({names}); name one with --source")))
        }
    }
}

//! `pointsman import`: results of others and our own log to outcome rows, price lists to a catalog. The work is done by
//! `training-data`; here arguments become a plan, and a report becomes text.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use decision::Catalog;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use training_data::import::{self, Format, Grouping, ImportError, Mapping, Plan, Report};
use training_data::prices::{self, Chosen, LeftOut};
use training_data::publish::Staged;

use crate::CalledWrongly;
use crate::apart::apart;
use crate::sheet::{Sheet, count};

const EXAMPLES: &str = "\
Examples:
  pointsman import routerbench routerbench_0shot.csv -o outcomes.parquet
  pointsman import table results.csv --map quality=score,model=llm,prompt=question -o outcomes.parquet
  pointsman import table grades.csv --wide gpt-4o,haiku --quality-max 10 -o outcomes.parquet
  pointsman import outcomes logs/ more.jsonl --skip-bad -o outcomes.parquet
  pointsman import prices model_prices_and_context_window.json --model gpt-4o -o catalog.toml";

/// Arguments of `pointsman import`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What the files are.
    format: Source,

    /// Files, or folders of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Where to write: outcomes as .parquet or .jsonl, prices as .toml. Appears whole or not at all.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Pass over bad rows, or bad entries of a price list, and count them, instead of ending at the first.
    #[arg(long)]
    skip_bad: bool,

    /// For `table`: which of our columns is which of the file's.
    #[arg(long, value_name = "OURS=THEIRS", value_delimiter = ',')]
    map: Vec<String>,

    /// For `table`: columns that hold the scores of one model each, and are named after it.
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    wide: Vec<String>,

    /// For `table`: the score that counts as 1.
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0)]
    quality_max: f64,

    /// The source to write into the rows.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Do not look for near-duplicates; rows without a group stay without.
    #[arg(long)]
    no_groups: bool,

    /// Look for near-duplicates among all rows, also those that have a group: for files imported one by one.
    #[arg(long, conflicts_with = "no_groups")]
    regroup: bool,

    /// For `prices`: only these models, in this order; the other entries of the list are not judged.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    model: Vec<String>,

    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Source {
    /// Our own rows, .parquet or .jsonl: also what the service logs.
    Outcomes,
    /// RouterBench's wide table, .csv or .parquet.
    Routerbench,
    /// RouteLLM's .csv files of True and False.
    Routellm,
    /// LLMRouterBench's .json files.
    Llmrouterbench,
    /// SPROUT (CARROT), .parquet.
    Sprout,
    /// RouterArena's prediction files, .json: for judging only.
    Routerarena,
    /// Any .csv, .tsv, .jsonl or .parquet table; see --map and --wide.
    Table,
    /// A price list: LiteLLM's or OpenRouter's .json, a .csv, or a catalog.
    #[value(aliases = ["litellm-prices", "openrouter-prices", "csv-prices"])]
    Prices,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let format = match arguments.format {
        Source::Outcomes => Format::Outcomes,
        Source::Routerbench => Format::RouterBench,
        Source::Routellm => Format::RouteLlm,
        Source::Llmrouterbench => Format::LlmRouterBench,
        Source::Sprout => Format::Sprout,
        Source::Routerarena => Format::RouterArena,
        Source::Table => Format::Table,
        Source::Prices => return import_prices(arguments),
    };
    let plan = plan(arguments, format)?;
    let bar = ProgressBar::new_spinner(); // Draws on standard error, and only if that is a terminal.
    bar.set_style(ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}, {elapsed}")?);
    let grouping = match (arguments.no_groups, arguments.regroup) {
        (true, _) => Grouping::Keep,
        (false, false) => Grouping::Missing,
        (false, true) => Grouping::All,
    };
    let report = import::run(&plan, &arguments.output, grouping, &mut |n_rows| bar.set_position(n_rows));
    bar.finish_and_clear();
    let report = match report {
        Err(error @ (ImportError::Output { .. } | ImportError::SameFile { .. })) => {
            return Err(CalledWrongly(error.to_string()).into());
        }
        report => report?,
    };
    say(&if arguments.json { pretty(&report)? } else { table(&report) })
}

fn plan(arguments: &Arguments, format: Format) -> anyhow::Result<Plan> {
    let wrongly = |text: String| anyhow::Error::from(CalledWrongly(text));
    let for_tables =
        !arguments.map.is_empty() || !arguments.wide.is_empty() || arguments.quality_max.total_cmp(&1.0).is_ne();
    if for_tables && format != Format::Table {
        return Err(wrongly("--map, --wide and --quality-max go with the format `table`".to_owned()));
    }
    if !arguments.model.is_empty() {
        return Err(wrongly("--model goes with the format `prices`".to_owned()));
    }
    if !arguments.quality_max.is_finite() || arguments.quality_max <= 0.0 {
        return Err(wrongly(format!("--quality-max: expected a number above 0, found {}", arguments.quality_max)));
    }
    let mapping =
        Mapping::new(&arguments.map, &arguments.wide).map_err(|error| wrongly(format!("--map, --wide: {error}")))?;
    let (source, skip_bad, quality_max) = (arguments.source.clone(), arguments.skip_bad, arguments.quality_max);
    Ok(Plan { source, skip_bad, mapping, quality_max, ..Plan::new(format, arguments.paths.clone()) })
}

fn import_prices(arguments: &Arguments) -> anyhow::Result<()> {
    let [path] = arguments.paths.as_slice() else {
        return Err(CalledWrongly(format!("expected one price list, found {}", arguments.paths.len())).into());
    };
    if arguments.output.extension().is_none_or(|extension| extension != "toml") {
        let found = arguments.output.display();
        return Err(CalledWrongly(format!("--output: expected a name that ends in .toml, found {found}")).into());
    }
    let for_rows = [
        ("--map", !arguments.map.is_empty()),
        ("--wide", !arguments.wide.is_empty()),
        ("--quality-max", arguments.quality_max.total_cmp(&1.0).is_ne()),
        ("--source", arguments.source.is_some()),
        ("--no-groups", arguments.no_groups),
        ("--regroup", arguments.regroup),
    ];
    if let Some((flag, _)) = for_rows.into_iter().find(|(_, given)| *given) {
        return Err(CalledWrongly(format!("{flag} goes with outcomes, not with the format `prices`")).into());
    }
    apart(&arguments.output, [path])?;
    let chosen = prices::choose(path, &arguments.model, arguments.skip_bad)?;
    if chosen.rows.is_empty() {
        let why = chosen.left_out.first().map(|left_out| format!("; {}: {}", called(left_out), left_out.reason));
        let (path, n_left_out) = (path.display(), count(chosen.left_out.len() as u64));
        anyhow::bail!(
            "{path}: expected models with prices and a context window, found none in {n_left_out} entries{}",
            why.unwrap_or_default()
        );
    }
    let catalog = prices::catalog_toml(&chosen.rows);
    Catalog::from_toml(&catalog).context("the list does not make a catalog; nothing was written")?;
    write_whole(&arguments.output, &catalog)?;
    say(&if arguments.json { price_json(arguments, &chosen)? } else { price_table(arguments, &chosen) })
}

fn price_json(arguments: &Arguments, chosen: &Chosen) -> anyhow::Result<String> {
    let left_out = chosen.left_out.iter();
    let left_out: Vec<_> =
        left_out.map(|one| json!({"model": one.model, "place": one.place, "reason": one.reason})).collect();
    pretty(&json!({"output": arguments.output, "n_models": chosen.rows.len(), "left_out": left_out}))
}

fn price_table(arguments: &Arguments, chosen: &Chosen) -> String {
    let mut by_reason: BTreeMap<&str, Vec<&LeftOut>> = BTreeMap::new();
    for left_out in &chosen.left_out {
        by_reason.entry(&left_out.reason).or_default().push(left_out);
    }
    let mut sheet = Sheet::default();
    sheet.line("written", arguments.output.display().to_string());
    sheet.line("models", count(chosen.rows.len() as u64));
    sheet.line("left out", count(chosen.left_out.len() as u64));
    for (reason, left_out) in by_reason {
        sheet.line("", format!("{} x {reason}", count(left_out.len() as u64)));
        for one in left_out.iter().take(SHOWN_LEFT_OUT) {
            sheet.line("", format!("    {}", called(one)));
        }
    }
    sheet.text()
}

/// What an entry is called; some have no name.
fn called(left_out: &LeftOut) -> String {
    let LeftOut { model, place, .. } = left_out;
    if model.is_empty() { place.clone() } else { format!("{model} ({place})") }
}

/// Models of a price list that are named for each reason to leave them out.
const SHOWN_LEFT_OUT: usize = 3;

fn table(report: &Report) -> String {
    let mut sheet = Sheet::default();
    sheet.line("written", report.output.display().to_string());
    sheet.line("rows read", count(report.n_read));
    sheet.line("rows kept", count(report.n_kept));
    sheet.line("rows dropped", count(report.dropped.n_rows()));
    for (reason, drop) in report.dropped.iter() {
        sheet.line("", format!("{} x {reason}", count(drop.n_rows)));
        for place in &drop.places {
            sheet.line("", format!("    {place}"));
        }
    }
    let at_least = if report.exact { "" } else { "at least " };
    sheet.line("models", count(report.n_models as u64));
    sheet.line("prompts", format!("{at_least}{}", count(report.n_prompts)));
    sheet.line("density", format!("{:.1} % of prompts x models", report.density * 100.0));
    sheet.line("duplicates", format!("{at_least}{} (prompt and model seen before; kept)", count(report.n_duplicates)));
    sheet.line("groups", format!("{at_least}{} (prompts that ask the same question)", count(report.n_groups)));
    for warning in &report.warnings {
        sheet.line("note", warning.clone());
    }
    sheet.text()
}

fn pretty(report: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut staged = Staged::create(path)?;
        staged.write_all(text.as_bytes())?;
        staged.publish()
    };
    write().map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(io::stdout().write_all(text.as_bytes())?)
}

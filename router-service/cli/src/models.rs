//! `pointsman models`: the catalog as a table or as JSON, and how much evidence stands behind the forecasts of each model.

use std::io::{self, Write};

use clap::Args;
use classifier::Standing;
use classifier::manner::stated;
use decision::{Model, Skill, Tokens};
use serde::Serialize;

use crate::router::{Sources, standing_words};
use crate::sheet::count;

const EXAMPLES: &str = "\
Examples:
  pointsman models
      what is built in
  pointsman models --catalog catalog.toml --artifact artifact/ --json
      your own, for a program";

/// Arguments of `pointsman models`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    sources: Sources,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let catalog = arguments.sources.catalog()?;
    let classifier = arguments.sources.classifier(&catalog)?;
    let standings = classifier.standings();
    let heard_of = |benchmark: &str| classifier.artifact().parts().benchmark(benchmark).is_some();
    let built_in = classifier::built_in_catalog();
    // Both are in the order of the names.
    let models = catalog.models().iter().map(|model| {
        let standing = standings.iter().find(|(id, _)| *id == &model.id).map(|(_, standing)| standing.clone());
        let standing = standing.unwrap_or(Standing::Unknown);
        let by_scores = matches!(standing, Standing::Benchmarks { .. });
        let unused = model.benchmarks.keys().map(String::as_str).filter(|name| !by_scores || !heard_of(name));
        let parts = classifier.artifact().parts();
        let stands_for = match &standing {
            Standing::Like { model } => model.as_str(),
            Standing::Trained { .. } | Standing::Onboarded { .. } | Standing::Benchmarks { .. } | Standing::Unknown => {
                model.id.as_str()
            }
        };
        let sources = parts.place(stands_for).map_or_else(Vec::new, |place| parts.asked.known_from(place));
        let stated = stated(&catalog, &built_in, &model.id);
        Listed { model, unused: unused.collect(), sources, stated, standing }
    });
    let models: Vec<Listed<'_>> = models.collect();
    let text = if arguments.json {
        let models = models.iter().map(ModelLine::of).collect();
        serde_json::to_string_pretty(&List { artifact: classifier.artifact().digest(), models })? + "\n"
    } else {
        let note = format!("{} models; artifact {}", models.len(), classifier.artifact().digest());
        format!("{}\n{note}\n", table(&models))
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// A model of the catalog, and what its forecasts rest on.
struct Listed<'a> {
    model: &'a Model,
    standing: Standing,
    /// Benchmarks that the catalog scores it by and that its forecasts do not rest on: nobody knows them here, or something better
    /// is known of the model.
    unused: Vec<&'a str>,
    /// Sources that asked it, or the model that it is forecast like.
    sources: Vec<&'a str>,
    /// The mean length that is stated of it, where its answers were not counted.
    stated: Option<Tokens>,
}

const TITLES: [&str; 8] = ["model", "prompt", "cached", "answer", "hidden", "window", "skills", "forecasts"];

/// Prices are in dollars per million tokens; hidden reasoning has one of its own.
fn table(models: &[Listed<'_>]) -> String {
    let mut rows = vec![TITLES.map(str::to_owned)];
    rows.extend(models.iter().map(cells));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..TITLES.len()).map(width).collect();
    let mut text = String::from("prices in US dollars per million tokens\n\n");
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let is_number = (1..=5).contains(&column);
            line.push_str(&if is_number { format!("{cell:>width$}  ") } else { format!("{cell:width$}  ") });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cells(Listed { model, standing, unused, sources, stated }: &Listed<'_>) -> [String; 8] {
    let price = |usd: f64| format!("{usd}");
    let skills: Vec<&str> = model.skills.iter().map(Skill::word).collect();
    [
        model.id.to_string(),
        price(model.prices.prompt.usd_per_1m()),
        price(model.prices.cached_prompt.usd_per_1m()),
        price(model.prices.completion.usd_per_1m()),
        price(model.prices.reasoning.usd_per_1m()),
        count(u64::from(model.context_window.get())),
        if skills.is_empty() { "-".to_owned() } else { skills.join(" ") },
        stands_by(standing, unused, sources, *stated),
    ]
}

fn stands_by(standing: &Standing, unused: &[&str], sources: &[&str], stated: Option<Tokens>) -> String {
    let mut text = standing_words(standing);
    if !sources.is_empty() {
        text = format!("{text}, known from {}", sources.join(", "));
    }
    if let Some(mean) = stated {
        text = format!("{text}; said to write {} tokens", count(mean.get().into()));
    }
    if unused.is_empty() { text } else { format!("{text}; not by {}", unused.join(", ")) }
}

#[derive(Serialize)]
struct List<'a> {
    artifact: &'a str,
    models: Vec<ModelLine<'a>>,
}

/// A model as a program reads it, under the names of the wire.
#[derive(Serialize)]
struct ModelLine<'a> {
    id: &'a str,
    owner: Option<&'a str>,
    released: Option<&'a str>,
    context_window: u32,
    max_completion_tokens: Option<u32>,
    /// As the catalog states it, or the built-in one; it is not told on the wire.
    mean_completion_tokens: Option<u32>,
    prompt_usd_per_1m: f64,
    cached_prompt_usd_per_1m: f64,
    completion_usd_per_1m: f64,
    reasoning_usd_per_1m: f64,
    skills: Vec<&'static str>,
    regions: Vec<&'a str>,
    zero_data_retention: bool,
    standing: StandingLine<'a>,
}

/// What the forecasts of a model rest on.
#[derive(Default, Serialize)]
struct StandingLine<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_outcomes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_scores: Option<u64>,
    /// Sources that asked it: for prompts of others its bound is wider.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    sources: &'a [&'a str],
    /// Benchmarks of the catalog that they do not rest on.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unused_benchmarks: &'a [&'a str],
}

impl<'a> ModelLine<'a> {
    fn of(Listed { model, standing, unused, sources, stated }: &'a Listed<'a>) -> Self {
        Self {
            id: model.id.as_str(),
            owner: model.owner.as_deref(),
            released: model.released.as_deref(),
            context_window: model.context_window.get(),
            max_completion_tokens: model.max_completion.map(Tokens::get),
            mean_completion_tokens: stated.map(Tokens::get),
            prompt_usd_per_1m: model.prices.prompt.usd_per_1m(),
            cached_prompt_usd_per_1m: model.prices.cached_prompt.usd_per_1m(),
            completion_usd_per_1m: model.prices.completion.usd_per_1m(),
            reasoning_usd_per_1m: model.prices.reasoning.usd_per_1m(),
            skills: model.skills.iter().map(Skill::word).collect(),
            regions: model.regions.iter().map(String::as_str).collect(),
            zero_data_retention: model.zero_data_retention,
            standing: StandingLine { sources, unused_benchmarks: unused, ..StandingLine::of(standing) },
        }
    }
}

impl<'a> StandingLine<'a> {
    fn of(standing: &'a Standing) -> Self {
        match standing {
            Standing::Trained { n_outcomes } => {
                Self { kind: "trained", n_outcomes: Some(*n_outcomes), ..Self::default() }
            }
            Standing::Onboarded { n_outcomes } => {
                Self { kind: "onboarded", n_outcomes: Some(*n_outcomes), ..Self::default() }
            }
            Standing::Like { model } => Self { kind: "like", like: Some(model.as_str()), ..Self::default() },
            Standing::Benchmarks { n_scores } => {
                Self { kind: "benchmarks", n_scores: Some(*n_scores), ..Self::default() }
            }
            Standing::Unknown => Self { kind: "unknown", ..Self::default() },
        }
    }
}

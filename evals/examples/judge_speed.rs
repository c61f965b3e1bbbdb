//! How long a verdict takes: 10,000 prompts x 20 models, three baselines and a router, 200 bootstrap samples each.
//! Run it with `cargo run --release -p evals --example judge_speed [PROMPTS] [MODELS]`.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Instant;

use decision::{Mode, Policy, PolicyName, Quality, Rules};
use evals::baselines::Baseline;
use evals::curve::{Forecast, picks};
use evals::dice::Dice;
use evals::forecasts::Matched;
use evals::grid::Grid;
use evals::pool::{AssumedTokens, Outcomes, PriceList, TokenPrices};
use evals::verdict::Judge;
use training_data::OutcomeRow;

const WORDS: [&str; 24] = [
    "signal",
    "switch",
    "lever",
    "lamp",
    "ballast",
    "sleeper",
    "rail",
    "gauge",
    "siding",
    "platform",
    "whistle",
    "timetable",
    "boiler",
    "tender",
    "coupling",
    "buffer",
    "turntable",
    "viaduct",
    "tunnel",
    "cutting",
    "gradient",
    "junction",
    "terminus",
    "depot",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u32>());
    let n_prompts = arguments.next().transpose()?.unwrap_or(10_000);
    let n_models = arguments.next().transpose()?.unwrap_or(20);
    let mut out = stdout().lock();
    let names: Vec<String> = (0..n_models).map(|model| format!("model-{model:02}")).collect();

    let begun = Instant::now();
    let outcomes = outcomes(n_prompts, &names)?;
    let prices: PriceList = names
        .iter()
        .zip(1u32..)
        .map(|(name, rank)| {
            (name.clone(), TokenPrices { prompt: 0.1 * f64::from(rank), completion: 0.4 * f64::from(rank) })
        })
        .collect();
    let pool = outcomes.pools(None, &prices, &AssumedTokens::default())?.0.remove(0);
    writeln!(out, "taking in {} rows              {:>8.2} s", outcomes.n_rows(), begun.elapsed().as_secs_f64())?;

    let forecast = Baseline::DatasetMean.forecast(&pool).ok_or("a per-data-set mean needs nothing")?;
    let one_pass = yardstick(&forecast);
    let rows: Vec<usize> = (0..pool.prompts.len()).collect();
    let matched = Matched {
        rows,
        quality_low: Grid::clone(&forecast.quality),
        forecast,
        barred: evals::replay::Barred::nobody(),
    };
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02)? };
    let policy = Policy::new(PolicyName::new("speed")?, Rules::of(mode))?;
    let judge = Judge { seed: 0, n_bootstraps: 200, pair: None, policy };

    let begun = Instant::now();
    let verdict = judge.judge(&pool, Some(("router", &matched)))?;
    let judged = begun.elapsed().as_secs_f64();
    writeln!(out, "judging {} prompts x {n_models} models    {judged:>8.2} s", verdict.n_prompts)?;
    writeln!(
        out,
        "yardstick: one pass of choices    {one_pass:>8.4} s, {:.0} of which make a verdict",
        judged / one_pass
    )?;
    if let Some(peak) = peak_mib() {
        writeln!(out, "peak memory                       {peak:>8.0} MiB")?;
    }
    Ok(())
}

/// The median time of choosing once for every prompt: what any judge must do at least once.
fn yardstick(forecast: &Forecast) -> f64 {
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            std::hint::black_box(picks(forecast, 0.1));
            begun.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn outcomes(n_prompts: u32, names: &[String]) -> Result<Outcomes, Box<dyn Error>> {
    let mut dice = Dice::new(1);
    let mut outcomes = Outcomes::default();
    let names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(name.as_str())).collect();
    for prompt in 0..n_prompts {
        let difficulty = dice.unit();
        let words: Vec<&str> =
            (0..40).map(|_| WORDS[usize::try_from(dice.below(24)).expect("an index fits")]).collect();
        let text: Arc<str> = Arc::from(format!("{} number{}", words.join(" "), prompt % 997));
        for (rank, name) in (1u32..).zip(&names) {
            let right = dice.unit() * f64::from(rank) > difficulty;
            let dataset = if difficulty < 0.5 { "easy" } else { "hard" };
            outcomes.add(&OutcomeRow {
                prompt: Some(Arc::clone(&text)),
                prompt_tokens: Some(60),
                completion_tokens: Some(100),
                ..OutcomeRow::bare("speed", dataset, &prompt.to_string(), name, f64::from(u8::from(right)))
            })?;
        }
    }
    Ok(outcomes)
}

/// The most memory this process ever held, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

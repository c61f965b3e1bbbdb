//! `pointsman tune --prove`: how often such promises are broken, on the caller's own rows.

use std::io::{self, Write};
use std::process::ExitCode;

use decision::{Limits, Policy, Rules};
use evals::pool::Pool;
use evals::replay::Barred;
use trainer::prove::{Coverage, Plan, coverage, town};
use trainer::tune::{Ask, Bench};

use super::Arguments;
use super::rows::Rows;
use crate::CalledWrongly;
use crate::progress::Progress;

/// The share that is tuned on where nobody says: half of the rows there are, or so little of a town that the rest is the truth.
const SHARE: f64 = 0.5;
const SHARE_OF_TOWN: f64 = 0.05;

/// Groups of prompts in a town.
const N_TOWN: usize = 20_000;

/// Tunes every pool again and again; the exit code is 1 if any promise was broken too often on all rows together.
pub(super) fn run(arguments: &Arguments, rows: &Rows, base: &Policy, n_trials: u32) -> anyhow::Result<ExitCode> {
    let plan = plan(arguments, n_trials, SHARE)?;
    let mut found: Vec<Coverage> = Vec::new();
    let wanted = |pool: &&Pool| arguments.source.as_deref().is_none_or(|source| source == pool.name);
    for pool in rows.pools.iter().filter(wanted) {
        let known = rows.forecasts(pool)?;
        let pool = pool.taken(&known.matched.rows);
        let ask = arguments.asked.ask(base, Some(rows), &pool, arguments.seed)?;
        let bench = known.bench(&pool);
        found.extend(proved(arguments, &bench, &ask, plan)?);
    }
    told(arguments, &found, plan)
}

/// The same in a made-up town.
pub(super) fn in_town(arguments: &Arguments, base: &Policy, n_trials: u32) -> anyhow::Result<ExitCode> {
    let plan = plan(arguments, n_trials, SHARE_OF_TOWN)?;
    let town = town(N_TOWN, arguments.seed);
    // The town has models of its own, and a catalog would know none of them.
    let base = Policy::new(base.name().clone(), Rules { limits: Limits::default(), ..base.rules().clone() })?;
    let ask = arguments.asked.ask(&base, None, &town.pool, arguments.seed)?;
    let (quality_low, barred) = (&town.forecast.quality, &Barred::nobody());
    let bench = Bench { pool: &town.pool, forecast: &town.forecast, quality_low, barred };
    let found = proved(arguments, &bench, &ask, plan)?;
    told(arguments, &found, plan)
}

fn plan(arguments: &Arguments, n_trials: u32, usual: f64) -> anyhow::Result<Plan> {
    let share = arguments.prove_share.unwrap_or(usual);
    if !(share > 0.0 && share < 1.0) {
        anyhow::bail!(CalledWrongly(format!("--prove-share: expected a number above 0 and below 1, found {share}")));
    }
    Ok(Plan { n_trials, share, seed: arguments.seed })
}

fn proved(arguments: &Arguments, bench: &Bench<'_>, ask: &Ask, plan: Plan) -> anyhow::Result<Vec<Coverage>> {
    let progress = Progress::counted("splitting", usize::try_from(plan.n_trials)?);
    let found = coverage(bench, ask, &arguments.asked.losses(), plan, &mut |done| {
        progress.at(usize::try_from(done).unwrap_or(usize::MAX));
    });
    progress.end();
    Ok(found?)
}

fn told(arguments: &Arguments, found: &[Coverage], plan: Plan) -> anyhow::Result<ExitCode> {
    let text = if arguments.json { serde_json::to_string_pretty(found)? + "\n" } else { table(found, arguments, plan) };
    io::stdout().write_all(text.as_bytes())?;
    let broken = found.iter().any(|coverage| f64::from(coverage.n_broken) > coverage.n_allowed);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn table(found: &[Coverage], arguments: &Arguments, plan: Plan) -> String {
    let mut text = format!(
        "{:<18}{:<11}{:>8}{:>10}{:>9}{:>9}{:>9}{:>9}{:>11}{:>10}\n",
        "pool", "mode", "loss", "promised", "on rest", "on all", "allowed", "saving", "hindsight", "same loss"
    );
    for coverage in found {
        let percent = |share: f64| format!("{:.1}%", share * 100.0);
        text += &format!(
            "{:<18}{:<11}{:>8}{:>10}{:>9}{:>9}{:>9.1}{:>9}{:>11}{:>10}\n",
            coverage.pool,
            coverage.mode,
            coverage.loss_at_most,
            coverage.n_promised,
            coverage.n_broken_on_rest,
            coverage.n_broken,
            coverage.n_allowed,
            percent(coverage.saving),
            percent(coverage.saving_in_hindsight),
            percent(coverage.saving_at_own_loss)
        );
    }
    text += &format!(
        "\n{} random splits, tuned on {:.0}% of the groups, confidence {}. `on rest`: promises broken on the rows not tuned\n\
         on, which are a sample too; `on all`: on all rows; `allowed`: as many as the confidence allows, with two standard\n\
         errors. `hindsight`: the best parameter known afterwards, for the promised loss; `same loss`: for the loss it had.\n",
        plan.n_trials,
        plan.share * 100.0,
        arguments.asked.confidence
    );
    text
}

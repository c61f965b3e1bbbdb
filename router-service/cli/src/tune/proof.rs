//! `pointsman tune --prove`: how often such promises are broken, on the caller's own rows.

use std::io::{self, Write};
use std::process::ExitCode;

use decision::Policy;
use trainer::prove::{Coverage, Plan, coverage};
use trainer::tune::{Ask, Bench, Knob};

use super::Arguments;
use super::rows::Rows;
use crate::CalledWrongly;
use crate::progress::Progress;

/// Tunes every pool again and again; the exit code is 1 if any promise was broken too often on all rows together.
pub(super) fn run(arguments: &Arguments, rows: &Rows, base: &Policy, n_trials: u32) -> anyhow::Result<ExitCode> {
    if !(arguments.prove_share > 0.0 && arguments.prove_share < 1.0) {
        let found = arguments.prove_share;
        anyhow::bail!(CalledWrongly(format!("--prove-share: expected a number above 0 and below 1, found {found}")));
    }
    let plan = Plan { n_trials, share: arguments.prove_share, seed: arguments.seed };
    let losses = arguments.asked.losses();
    let knob = Knob::of(&base.rules().mode).expect("a base policy has a parameter");
    let mut found: Vec<Coverage> = Vec::new();
    for pool in &rows.pools {
        if arguments.source.as_deref().is_some_and(|source| source != pool.name) {
            continue;
        }
        let known = rows.forecasts(pool)?;
        let pool = pool.taken(&known.matched.rows);
        let ask = Ask { knob, ..arguments.asked.ask(base, rows, &pool, arguments.seed)? };
        let bench = Bench { pool: &pool, forecast: &known.matched.forecast, quality_low: &known.matched.quality_low };
        let progress = Progress::counted("splitting", usize::try_from(n_trials)?);
        found.extend(coverage(&bench, &ask, &losses, plan, &mut |done| {
            progress.at(usize::try_from(done).unwrap_or(usize::MAX));
        })?);
        progress.end();
    }
    let text = if arguments.json { serde_json::to_string_pretty(&found)? + "\n" } else { table(&found, arguments) };
    io::stdout().write_all(text.as_bytes())?;
    let broken = found.iter().any(|coverage| f64::from(coverage.n_broken) > coverage.n_allowed);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn table(found: &[Coverage], arguments: &Arguments) -> String {
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
        found.first().map_or(0, |coverage| coverage.n_trials),
        arguments.prove_share * 100.0,
        arguments.asked.confidence
    );
    text
}

//! A whole trial: every pool judged, and a challenger held against the champion where there is one.

use crate::baselines::Baseline;
use crate::calibration::{ece, perfect_ece};
use crate::curve::{Forecast, Interval, Resamples, Sweep};
use crate::forecasts::{Forecasts, ForecastsError, Matched};
use crate::gate::{Bout, Gate};
use crate::grid::{mean, number};
use crate::pool::{MIN_PROMPTS, Pool};
use crate::replay::ReplayError;
use crate::verdict::{Judge, Verdict};

/// What is judged, and how.
pub struct Trial<'a> {
    /// How.
    pub judge: &'a Judge,
    /// The router's forecasts; without them only the baselines are judged.
    pub forecasts: Option<&'a Forecasts>,
    /// The forecasts in use today.
    pub champion: Option<&'a Forecasts>,
}

/// Why a trial cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The forecasts do not cover a pool.
    #[error(transparent)]
    Forecasts(#[from] ForecastsError),
    /// A replay cannot be made.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Champion and challenger hardly meet.
    #[error(
        "pool `{pool}`: expected at least {MIN_PROMPTS} prompts that champion and challenger both forecast, found {found}"
    )]
    Strangers {
        /// The pool.
        pool: String,
        /// How many both forecast.
        found: usize,
    },
}

/// What came of a trial.
#[derive(Debug)]
pub struct Outcome {
    /// The verdicts, pool by pool.
    pub verdicts: Vec<Verdict>,
    /// Champion against challenger, where there is a champion.
    pub gate: Option<Gate>,
    /// Pools that could not be judged, each with the reason.
    pub passed_over: Vec<String>,
}

impl Trial<'_> {
    /// Judges the pools in order; `done` hears of every one that is finished. A pool that the forecasts do not cover is passed
    /// over with its reason: other people's routers often cover one source. It is an error if that leaves none.
    pub fn hold(&self, pools: &[Pool], mut done: impl FnMut(usize)) -> Result<Outcome, TrialError> {
        let (mut verdicts, mut bouts, mut passed_over, mut missed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut last_reason = None;
        for (index, pool) in pools.iter().enumerate() {
            match self.judged(pool) {
                Ok((verdict, bout)) => {
                    verdicts.push(verdict);
                    bouts.extend(bout);
                }
                Err(reason @ (TrialError::Forecasts(_) | TrialError::Strangers { .. })) if self.is_champions(pool) => {
                    missed.push(pool.name.clone());
                    passed_over.push(reason.to_string());
                    last_reason = Some(reason);
                }
                Err(reason @ (TrialError::Forecasts(_) | TrialError::Strangers { .. })) => {
                    passed_over.push(reason.to_string());
                    last_reason = Some(reason);
                }
                Err(error @ TrialError::Replay(_)) => return Err(error),
            }
            done(index + 1);
        }
        match last_reason {
            Some(reason) if verdicts.is_empty() => Err(reason),
            Some(_) | None => {
                Ok(Outcome { verdicts, gate: self.champion.map(|_| Gate::of(bouts, &missed)), passed_over })
            }
        }
    }

    /// Whether the champion covers a pool.
    fn is_champions(&self, pool: &Pool) -> bool {
        self.champion.is_some_and(|champion| champion.of(pool).is_ok())
    }

    fn judged(&self, pool: &Pool) -> Result<(Verdict, Option<Bout>), TrialError> {
        let challenger = self.forecasts.map(|forecasts| forecasts.of(pool)).transpose()?;
        let champion = self.champion.map(|champion| champion.of(pool)).transpose()?;
        let bout = match (&challenger, &champion) {
            (Some(challenger), Some(champion)) => Some(self.bout(pool, challenger, champion)?),
            (_, _) => None,
        };
        let router = challenger.as_ref().map(|matched| ("router", matched));
        Ok((self.judge.judge(pool, router)?, bout))
    }

    /// Both on the prompts that both forecast, over the same resamples.
    fn bout(&self, whole: &Pool, challenger: &Matched, champion: &Matched) -> Result<Bout, TrialError> {
        let common: Vec<usize> =
            challenger.rows.iter().copied().filter(|row| champion.rows.binary_search(row).is_ok()).collect();
        if common.len() < MIN_PROMPTS {
            return Err(TrialError::Strangers { pool: whole.name.clone(), found: common.len() });
        }
        let on_common = |matched: &Matched| {
            let place = |row: &usize| matched.rows.binary_search(row).expect("a common prompt is forecast by both");
            matched.forecast.taken(&common.iter().map(place).collect::<Vec<_>>())
        };
        let pool = whole.taken(&common);
        let bills = pool.truth.bill_usd.column_means();
        let low = bills.iter().copied().fold(f64::INFINITY, f64::min);
        let high = bills[pool.best_single()];
        let resamples = Resamples::draw_groups(pool.groups(), self.judge.n_bootstraps, self.judge.seed);
        let heights = |forecast: &Forecast| {
            let sweep = Sweep::of(forecast, &pool.truth);
            let samples: Vec<f64> = resamples.hulls(&sweep).iter().map(|hull| hull.mean_height(low, high)).collect();
            (sweep.hull().mean_height(low, high), samples)
        };
        let (new, old) = (on_common(challenger), on_common(champion));
        let ((new_aiq, new_samples), (old_aiq, old_samples)) = (heights(&new), heights(&old));
        let beyond_perfect = |forecast: &Forecast| {
            let columns = (0..pool.models.len()).map(|model| {
                let outcomes: Vec<f64> = pool.truth.quality.column(model).collect();
                let forecasts: Vec<f64> = forecast.quality.column(model).collect();
                ece(&outcomes, &forecasts)
            });
            mean(columns) - perfect_ece(&forecast.quality, self.judge.seed)
        };
        Ok(Bout {
            pool: pool.name.clone(),
            covered: number(common.len()) / number(champion.rows.len()),
            aiq: Interval::of_difference(new_aiq - old_aiq, &new_samples, &old_samples),
            ece: beyond_perfect(&new) - beyond_perfect(&old),
        })
    }
}

/// A baseline's forecasts as anybody's forecasts file would hold them, for checking the judge with another program.
pub fn as_lines(pool: &Pool, baseline: Baseline) -> Option<Vec<String>> {
    let forecast = baseline.forecast(pool)?;
    let line = |row: usize| {
        let models = pool.models.iter().enumerate().map(|(model, name)| {
            let (quality, cost_usd) = (forecast.quality.row(row)[model], forecast.cost_usd.row(row)[model]);
            serde_json::json!({ "model": name, "quality": quality, "cost_usd": cost_usd })
        });
        let models: Vec<serde_json::Value> = models.collect();
        serde_json::json!({ "id": pool.prompts[row].id, "forecasts": models }).to_string()
    };
    Some((0..pool.prompts.len()).map(line).collect())
}

#[cfg(test)]
mod tests;

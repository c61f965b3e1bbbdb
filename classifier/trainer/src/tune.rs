//! Thresholds with a guarantee: the cheapest parameter of a policy for which the rows *show* that no more quality is lost than
//! was asked for. Every parameter is tried in an order that was fixed before any row was looked at, from the most cautious on,
//! and the first that cannot be shown ends the walk: then the chance that anything shown is false is at most `1 - confidence`,
//! however many were tried (learn then test, Angelopoulos, Bates, Candes, Jordan and Lei 2021, with fixed sequences).

use std::collections::BTreeSet;

use decision::{Basis, Lean, Loss, ModelId, Policy, PolicyName, Quality, Rules, Span, UnitError};
use evals::curve::Forecast;
use evals::grid::{Grid, mean, number};
use evals::pool::Pool;
use evals::replay::{Barred, ReplayError, Replayer};

use crate::bounds::{Bound, fewest};

mod curve;
mod losses;
mod menu;
mod refusal;
mod statement;
mod units;
mod walk;

pub use curve::{CURVE, Offer};
pub use menu::{Done, Knob};
pub use refusal::Refused;
pub use statement::Statement;
pub use units::{SliceOf, Weights, WeightsError};

pub(crate) use losses::Stakes;
pub(crate) use menu::{Dish, Menu};
pub(crate) use units::Units;
pub(crate) use walk::{Found, Walk};

/// Groups of near-duplicates that tuning looks at; each counts once.
pub const MIN_GROUPS: usize = 50;

/// The share of the groups on which the reference is chosen where nobody names it. They are not tested on.
pub const CHOOSING_SHARE: f64 = 0.1;

/// The shrinkages that are tried where nobody names one. Over the four public pools with forecasts of neighbours and data sets
/// (2026-11-21) one of these was within a hundredth of the best saving; more of them cost confidence and bought nothing.
pub const SHRINKAGES: [f64; 3] = [0.02, 0.05, 0.1];

/// What the loss is to be counted against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Whichever single model is truly best.
    BestSingle,
    /// This model.
    Model(String),
    /// On each prompt the model with the best forecast.
    BestForecast,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The policy to tune, with the limits it keeps. Its parameter is replaced.
    pub rules: Rules,
    /// Which parameter.
    pub knob: Knob,
    /// How a loss is counted.
    pub loss: Loss,
    /// The most that may be lost.
    pub loss_at_most: f64,
    /// How sure that must be.
    pub confidence: f64,
    /// Against what.
    pub against: Against,
    /// The shrinkages to try.
    pub shrinkages: Vec<f64>,
    /// Slices in each of which it must hold, or by which rows are weighed.
    pub slices: SliceOf,
    /// How to test.
    pub bound: Bound,
    /// Whether the figure was chosen from a curve over these very rows, which has a price.
    pub looked: bool,
    /// The seed of the order of the rows.
    pub seed: u32,
}

impl Ask {
    /// An ask for this much of the best single model's quality, by the plain means.
    pub fn of(knob: Knob, loss_at_most: f64, confidence: f64) -> Self {
        Self {
            rules: Rules::of(knob.most_cautious()),
            knob,
            loss: Loss::Difference,
            loss_at_most,
            confidence,
            against: Against::BestSingle,
            shrinkages: SHRINKAGES.to_vec(),
            slices: SliceOf::Nothing,
            bound: Bound::default(),
            looked: false,
            seed: 0,
        }
    }

    /// What may go wrong, all in all.
    pub(crate) fn level(&self) -> f64 {
        let chosen_from = if self.looked { number(CURVE.len()) } else { 1.0 };
        (1.0 - self.confidence) / chosen_from
    }

    /// The error of the rows that no row can mend.
    fn check(&self, pool: &Pool) -> Result<(), TuneError> {
        let shares = [("the loss at most", self.loss_at_most), ("the confidence", self.confidence)];
        for (what, found) in shares {
            if !(found > 0.0 && found < 1.0) {
                return Err(TuneError::Share { what, found });
            }
        }
        if let Some(found) = self.shrinkages.iter().copied().find(|shrinkage| !(0.0..=1.0).contains(shrinkage)) {
            return Err(TuneError::Shrinkage { found });
        }
        let qualities = pool.truth.quality.cells();
        let first = qualities.first().copied().unwrap_or_default();
        if qualities.iter().all(|quality| quality.total_cmp(&first).is_eq()) {
            return Err(TuneError::OneClass { quality: first });
        }
        Ok(())
    }
}

/// Outcomes with their forecasts.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// The outcomes.
    pub pool: &'a Pool,
    /// What was forecast of each.
    pub forecast: &'a Forecast,
    /// The lower bounds of the forecasts.
    pub quality_low: &'a Grid,
    /// Who may not answer which prompt.
    pub barred: &'a Barred,
}

/// Why nothing was tuned.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// A share that is not strictly between 0 and 1.
    #[error("expected {what} above 0 and below 1, found {found}")]
    Share {
        /// Which one.
        what: &'static str,
        /// What was found.
        found: f64,
    },
    /// A shrinkage that is none.
    #[error("expected a shrinkage between 0 and 1, found {found}")]
    Shrinkage {
        /// What was found.
        found: f64,
    },
    /// The reference has no rows.
    #[error("the reference `{model}` has no outcomes among the rows{}", .nearest.as_ref().map(|near| format!("; the nearest name there is `{near}`")).unwrap_or_default())]
    NoReference {
        /// The model.
        model: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The reference is forbidden to serve.
    #[error("the reference `{model}` may not serve by the limits of the policy; name another, or allow it")]
    ForbiddenReference {
        /// The model.
        model: ModelId,
    },
    /// All answers are equally good.
    #[error(
        "every answer has the quality {quality}: rows of one class say nothing about what is lost by another choice"
    )]
    OneClass {
        /// The quality.
        quality: f64,
    },
    /// Weights that do not fit the slices.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A number that the engine does not take.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// Rules that are no policy.
    #[error(transparent)]
    Policy(#[from] decision::PolicyError),
    /// A replay cannot be made.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The rows do not show it.
    #[error(transparent)]
    Refused(#[from] Box<Refused>),
}

/// A policy with what was shown of it.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The rules, parameter and shrinkage put in.
    pub rules: Rules,
    /// The model that stands for the reference, where one does.
    pub reference: Option<ModelId>,
    /// Slices it was shown in, and those too small for that.
    pub slices: Option<(Vec<String>, Vec<String>)>,
    /// Prompts, and groups among them, that it was shown on.
    pub n_prompts: usize,
    /// See above.
    pub n_groups: usize,
    /// Mean quality of the policy, and of the reference.
    pub quality: (f64, f64),
    /// Mean cost of the policy, and of the reference, in USD.
    pub cost_usd: (f64, f64),
    /// The loss on the rows themselves, with its interval. The promise is about rows to come.
    pub loss: Span,
    /// The share of the reference's cost that is saved on the rows.
    pub saving: Span,
    /// How much the forecast of the reference may be above what comes true.
    pub reference_bias: f64,
    /// Parameters that were shown, and that were tried.
    pub n_shown: usize,
    /// See above.
    pub n_tried: usize,
    /// What could be had for other promises.
    pub curve: Vec<Offer>,
}

/// Tunes. `done` hears how many of how many replays are made.
pub fn tune(bench: &Bench<'_>, ask: &Ask, done: Done<'_>) -> Result<Tuned, TuneError> {
    ask.check(bench.pool)?;
    let shop = Shop::open(bench, ask)?;
    let menu = Menu::of(bench, ask, &shop.stakes, &shop.units.order(), done)?;
    let walk = Walk { bench, ask, menu: &menu, units: &shop.units, stakes: &shop.stakes };
    let found = match walk.at(ask.loss_at_most, ask.level()) {
        Some(found) if found.saving > 0.0 => found,
        Some(_) | None => return Err(Box::new(refusal::refused(&walk)).into()),
    };
    let offers = curve::offers(&walk);
    report(&walk, &found, offers)
}

/// What must be settled before anything is tested.
pub(crate) struct Shop {
    pub(crate) units: Units,
    pub(crate) stakes: Stakes,
}

impl Shop {
    fn open(bench: &Bench<'_>, ask: &Ask) -> Result<Self, TuneError> {
        let all: Vec<usize> = (0..bench.pool.prompts.len()).collect();
        Self::of(bench, ask, &all)
    }

    /// The same on some of the prompts.
    pub(crate) fn of(bench: &Bench<'_>, ask: &Ask, rows: &[usize]) -> Result<Self, TuneError> {
        let mut units = Units::shuffled(bench.pool, rows, ask.seed);
        let stakes = Stakes::chosen(bench, ask, &mut units)?;
        let (ask_fewest, found) = (fewest_groups(ask), units.n_groups());
        if found < MIN_GROUPS || number(found) < ask_fewest {
            return Err(Box::new(Refused::of_few(ask, found)).into());
        }
        units.slice(ask)?;
        let limits = &ask.rules.limits;
        let forbids = |model: &ModelId| {
            limits.deny.contains(model) || limits.allow.as_ref().is_some_and(|allow| !allow.contains(model))
        };
        if let Some(model) = stakes.model(bench.pool)?.filter(forbids) {
            return Err(TuneError::ForbiddenReference { model });
        }
        Ok(Self { units, stakes })
    }
}

/// The fewest groups that could show this much even if nothing were ever lost.
pub(crate) fn fewest_groups(ask: &Ask) -> f64 {
    let n_walks = if ask.against == Against::BestForecast { 1 } else { ask.shrinkages.len().max(1) };
    fewest(1.0 - ask.loss_at_most, ask.loss_at_most, ask.level() / number(n_walks))
}

fn report(walk: &Walk<'_>, found: &Found, curve: Vec<Offer>) -> Result<Tuned, TuneError> {
    let Walk { bench, ask, menu, units, stakes } = walk;
    let dish = &menu.dishes[found.dish];
    let truth = &bench.pool.truth;
    let reference = |row: usize| stakes.reference(row);
    let groups = units.groups();
    let of = |value: &dyn Fn(usize) -> f64| -> Vec<f64> { groups.iter().map(|group| group.value(value)).collect() };
    let quality = of(&|row| dish.pick(row).map_or(0.0, |pick| truth.quality.row(row)[pick]));
    let cost = of(&|row| dish.pick(row).map_or(0.0, |pick| truth.bill_usd.row(row)[pick]));
    let (best_quality, best_cost) =
        (of(&|row| truth.quality.row(row)[reference(row)]), of(&|row| truth.bill_usd.row(row)[reference(row)]));
    let forecast_over =
        of(&|row| bench.forecast.quality.row(row)[reference(row)] - truth.quality.row(row)[reference(row)]);
    let resamples = evals::curve::Resamples::draw(groups.len(), 400, ask.seed);
    let (own, theirs) = (resamples.means(&cost), resamples.means(&best_cost));
    let saved: Vec<f64> = own.iter().zip(&theirs).map(|(own, theirs)| 1.0 - own / theirs).collect();
    let lost: Vec<f64> = best_quality.iter().zip(&quality).map(|(best, own)| best - own).collect();
    let all = |values: &[f64]| mean(values.iter().copied());
    let span = |value: f64, samples: &[f64]| {
        let interval = evals::curve::Interval::of(value, samples);
        Span { value, low: interval.low.min(value), high: interval.high.max(value) }
    };
    let spread = (all(&forecast_over.iter().map(|over| over * over).collect::<Vec<f64>>())
        - all(&forecast_over).powi(2))
    .max(0.0)
    .sqrt();
    Ok(Tuned {
        rules: dish.rules.clone(),
        reference: stakes.model(bench.pool)?,
        slices: units.slice_names(),
        n_prompts: groups.iter().map(|group| group.rows().count()).sum(),
        n_groups: groups.len(),
        quality: (all(&quality), all(&best_quality)),
        cost_usd: (all(&cost), all(&best_cost)),
        loss: span(all(&lost), &resamples.means(&lost)),
        saving: span(1.0 - all(&cost) / all(&best_cost), &saved),
        reference_bias: (all(&forecast_over) + 2.33 * spread / number(groups.len()).sqrt()).clamp(-1.0, 1.0),
        n_shown: found.n_shown,
        n_tried: menu.dishes.len(),
        curve,
    })
}

/// The rules with a parameter and a shrinkage put in; only the models that were judged may serve, of those that might before.
fn rules_of(
    ask: &Ask,
    mode: decision::Mode,
    lean: Option<(&ModelId, f64)>,
    models: &[ModelId],
) -> Result<Rules, TuneError> {
    let lean = match lean {
        Some((towards, shrinkage)) if shrinkage > 0.0 => {
            Some(Lean { towards: towards.clone(), shrinkage: Quality::new(shrinkage)? })
        }
        Some(_) | None => None,
    };
    let mut limits = ask.rules.limits.clone();
    let judged: BTreeSet<ModelId> = models.iter().filter(|model| !limits.deny.contains(*model)).cloned().collect();
    limits.allow = Some(match limits.allow {
        Some(allowed) => allowed.intersection(&judged).cloned().collect(),
        None => judged,
    });
    Ok(Rules { mode, lean, limits, ..ask.rules.clone() })
}

fn policy_of(rules: Rules) -> Result<Policy, TuneError> {
    Ok(Policy::new(PolicyName::new("tuned")?, rules)?)
}

/// The engine's names of the pool's models.
fn names(pool: &Pool) -> Result<Vec<ModelId>, TuneError> {
    Ok(pool.models.iter().map(|model| ModelId::new(model)).collect::<Result<_, _>>()?)
}

fn replayer<'a>(bench: &Bench<'a>) -> Result<Replayer<'a>, TuneError> {
    Ok(Replayer::new(bench.pool, bench.forecast, bench.quality_low, bench.barred)?)
}

/// By what the rules judge, for the words of a report.
pub fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Expected => "expected quality",
        Basis::LowerBound => "the lower bound of quality",
    }
}

#[cfg(test)]
mod tests;

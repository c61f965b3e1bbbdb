//! A policy replayed over real outcomes, through the very `decide` that serves: what was chosen, what it was billed and how
//! good it was. Nothing here chooses.

use std::borrow::Cow;
use std::collections::BTreeMap;

use decision::{
    BudgetState, Candidate, Candidates, Exclusion, Expectation, Mode, ModelId, PicoUsd, Policy, Quality, RequestFacts,
    Rules, Tokens, UnitError, decide,
};
use serde::Serialize;

use crate::curve::{Forecast, Interval, Resamples};
use crate::grid::{Grid, mean, number};
use crate::hull::Point;
use crate::pool::Pool;

pub use self::barred::Barred;

mod barred;

/// What a policy did.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The chosen model of each prompt; none where the policy refused.
    pub picks: Vec<Option<usize>>,
}

/// Why a replay cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A model's name or a number that the engine does not take.
    #[error("pool `{pool}`: {source}")]
    Unit {
        /// The pool.
        pool: String,
        /// What is wrong.
        source: UnitError,
    },
    /// The prompts are copies of one another, so that nothing can be learned of one from the others, and there is no router to replay.
    #[error(
        "pool `{pool}`: expected prompts of several groups, found copies of one; there is nothing to judge without --forecasts"
    )]
    OneGroup {
        /// The pool.
        pool: String,
    },
    /// The models cannot be candidates together.
    #[error("pool `{pool}`: {source}")]
    Candidates {
        /// The pool.
        pool: String,
        /// What is wrong.
        source: decision::CandidatesError,
    },
}

/// Forecasts as the engine takes them.
pub struct Replayer<'a> {
    pool: &'a Pool,
    candidates: Vec<Candidates>,
    columns: BTreeMap<ModelId, usize>,
}

impl<'a> Replayer<'a> {
    /// Prepares a pool: the same candidates serve every policy.
    pub fn new(pool: &'a Pool, forecast: &Forecast, quality_low: &Grid, barred: &Barred) -> Result<Self, ReplayError> {
        let unit = |source| ReplayError::Unit { pool: pool.name.clone(), source };
        let ids: Vec<ModelId> =
            pool.models.iter().map(|model| ModelId::new(model)).collect::<Result<_, _>>().map_err(unit)?;
        let columns = ids.iter().cloned().enumerate().map(|(column, id)| (id, column)).collect();
        let mut candidates = Vec::with_capacity(pool.prompts.len());
        for row in 0..pool.prompts.len() {
            let mut list = Vec::with_capacity(ids.len());
            for (column, id) in ids.iter().enumerate() {
                let quality = Quality::new(forecast.quality.row(row)[column]).map_err(unit)?;
                let quality_low = Quality::new(quality_low.row(row)[column]).map_err(unit)?.min(quality);
                let pico_usd = forecast.cost_usd.row(row)[column] * PicoUsd::PER_USD;
                let out = UnitError::Range { what: "a cost in pico-USD", low: 0.0, high: 1e18, found: pico_usd };
                let cost = PicoUsd::from_f64(pico_usd).ok_or(out).map_err(unit)?;
                let expectation = Some(Expectation { quality, quality_low });
                let exclusion = barred.why(row, column).cloned();
                list.push(Candidate { model: id.clone(), expectation, cost, cost_high: cost, exclusion });
            }
            let joined = Candidates::new(list, None)
                .map_err(|source| ReplayError::Candidates { pool: pool.name.clone(), source })?;
            candidates.push(joined);
        }
        Ok(Self { pool, candidates, columns })
    }

    /// Lets a policy choose for every prompt, in order; a budget is settled with the real bills as it goes.
    pub fn replay(&self, policy: &Policy) -> Replay {
        Replay { picks: self.choices(policy, 0..self.candidates.len()) }
    }

    /// The same for some of the prompts, in this order; an index beyond the pool is a mistake of the caller.
    pub fn choices(&self, policy: &Policy, rows: impl IntoIterator<Item = usize>) -> Vec<Option<usize>> {
        let mut budget: Option<BudgetState> = None;
        let strangers = self.kept_out(policy);
        let picks = rows.into_iter().map(|row| {
            let candidates = &without(&self.candidates[row], &strangers);
            let facts = RequestFacts { budget, ..RequestFacts::of_size(Tokens::ZERO) };
            let decision = match decide(policy, &facts, candidates) {
                Ok(decision) => decision,
                Err(refusal) => {
                    budget = refusal.budget;
                    return None;
                }
            };
            let column = self.columns.get(decision.model()).copied()?;
            budget = decision.budget.map(|state| {
                let expected = candidates.get(decision.model()).map_or(PicoUsd::ZERO, |candidate| candidate.cost);
                let billed = PicoUsd::from_f64(self.pool.truth.bill_usd.row(row)[column] * PicoUsd::PER_USD);
                state.settled(expected, billed.unwrap_or(expected))
            });
            Some(column)
        });
        picks.collect()
    }

    /// The models that the policy itself keeps out by name.
    fn kept_out(&self, policy: &Policy) -> BTreeMap<&ModelId, Exclusion> {
        let limits = &policy.rules().limits;
        let why = |model: &ModelId| {
            if limits.deny.contains(model) {
                return Some(Exclusion::Denied);
            }
            limits.allow.as_ref().is_some_and(|allow| !allow.contains(model)).then_some(Exclusion::NotAllowed)
        };
        self.columns.keys().filter_map(|model| Some((model, why(model)?))).collect()
    }

    /// What the policy's mode buys as its parameter is swept: the parameter, mean cost and quality.
    pub fn sweep(&self, policy: &Policy) -> Vec<(f64, Point)> {
        let mut points = Vec::new();
        for (at, mode) in swept(&policy.rules().mode, self.mean_cost_usd()) {
            let rules = Rules { mode, ..policy.rules().clone() };
            if let Ok(policy) = Policy::new(policy.name().clone(), rules) {
                let replay = self.replay(&policy);
                if let Some(point) = replay.point(self.pool) {
                    points.push((at, point));
                }
            }
        }
        points
    }

    fn mean_cost_usd(&self) -> f64 {
        mean(self.candidates.iter().flat_map(Candidates::all).map(|candidate| candidate.cost.usd()))
    }
}

/// Candidates of whom these may not serve.
fn without<'c>(candidates: &'c Candidates, strangers: &BTreeMap<&ModelId, Exclusion>) -> Cow<'c, Candidates> {
    if strangers.is_empty() {
        return Cow::Borrowed(candidates);
    }
    let kept_out = |candidate: &Candidate| {
        let exclusion = strangers.get(&candidate.model).cloned().or_else(|| candidate.exclusion.clone());
        Candidate { exclusion, ..candidate.clone() }
    };
    let list = candidates.all().iter().map(kept_out).collect();
    Cow::Owned(Candidates::new(list, candidates.absent()).expect("as many as before, and each once"))
}

/// The modes of a sweep, with the number that is swept. Money is swept around what calls cost here.
fn swept(mode: &Mode, mean_cost_usd: f64) -> Vec<(f64, Mode)> {
    const N: usize = 25;
    let share = |index: usize| number(index) / number(N - 1);
    let quality = |index| Quality::new(share(index)).expect("a share is a quality");
    let usd = |index, low: f64, high: f64| {
        PicoUsd::from_usd(mean_cost_usd * low * (high / low).powf(share(index))).unwrap_or(PicoUsd(1))
    };
    let modes = (0..N).map(|index| match mode {
        Mode::Tolerance { .. } => {
            // Squared, so that most steps are small tolerances, where the choice changes.
            let at = quality(index).get().powi(2) / 2.0;
            Some((at, Mode::Tolerance { quality_tolerance: Quality::new(at).expect("at most one half") }))
        }
        Mode::Target { .. } => Some((share(index), Mode::Target { quality_floor: quality(index) })),
        Mode::Value { .. } => {
            let worth = usd(index, 0.01, 1e5);
            Some((worth.usd(), Mode::Value { usd_per_success: worth }))
        }
        Mode::Budget { when_spent, .. } => {
            let figure = usd(index, 0.01, 10.0);
            Some((figure.usd(), Mode::Budget { usd_per_request: figure, when_spent: *when_spent }))
        }
        Mode::Pin { .. } => None,
    });
    modes.flatten().collect()
}

/// A slice of the prompts, and how the policy did on it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// What the prompts have in common.
    pub name: String,
    /// How many prompts.
    pub n: usize,
    /// Mean cost and quality of what was chosen.
    #[serde(flatten)]
    pub point: Point,
    /// The same of the best single model of the whole pool.
    pub best_single: Point,
}

/// How a policy did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyVerdict {
    /// The policy's name.
    pub policy: String,
    /// Its version.
    pub version: String,
    /// Prompts it refused.
    pub n_refused: usize,
    /// Mean cost and quality of what was chosen.
    #[serde(flatten)]
    pub point: Point,
    /// The total bill in USD.
    pub total_usd: f64,
    /// Quality gained against the best single model.
    pub quality_gain: Interval,
    /// Share of the best single model's cost that was saved.
    pub saving: Interval,
    /// The best single model.
    pub best_single: String,
    /// The `RouterArena` score of this cost and quality.
    pub arena: f64,
    /// What the best answers there are would have scored above it.
    pub regret: f64,
    /// Share of the prompts that each model got, where it got any.
    pub traffic: Vec<(String, f64)>,
    /// By data set, by length, by chosen model.
    pub slices: BTreeMap<&'static str, Vec<Slice>>,
    /// What the mode buys as its parameter is swept.
    pub sweep: Vec<(f64, Point)>,
}

impl Replay {
    /// Mean cost and quality of what was chosen; none where everything was refused.
    pub fn point(&self, pool: &Pool) -> Option<Point> {
        let all: Vec<usize> = (0..self.picks.len()).collect();
        self.point_of(pool, &all)
    }

    fn point_of(&self, pool: &Pool, rows: &[usize]) -> Option<Point> {
        let chosen: Vec<(usize, usize)> = rows.iter().filter_map(|row| Some((*row, self.picks[*row]?))).collect();
        let of = |grid: &Grid| mean(chosen.iter().map(|(row, pick)| grid.row(*row)[*pick]));
        (!chosen.is_empty()).then(|| Point { cost_usd: of(&pool.truth.bill_usd), quality: of(&pool.truth.quality) })
    }

    /// How the policy did, beside the best single model. None where everything was refused.
    pub fn verdict(&self, pool: &Pool, policy: &Policy, resamples: &Resamples) -> Option<PolicyVerdict> {
        let point = self.point(pool)?;
        let best = pool.best_single();
        let of_best = |grid: &Grid| grid.column(best).collect::<Vec<f64>>();
        // A refused prompt costs nothing and scores nothing.
        let of_chosen = |grid: &Grid| -> Vec<f64> {
            self.picks.iter().enumerate().map(|(row, pick)| pick.map_or(0.0, |pick| grid.row(row)[pick])).collect()
        };
        let (bills, best_bills) = (of_chosen(&pool.truth.bill_usd), of_best(&pool.truth.bill_usd));
        let (qualities, best_qualities) = (of_chosen(&pool.truth.quality), of_best(&pool.truth.quality));
        let gains: Vec<f64> = qualities.iter().zip(&best_qualities).map(|(own, best)| own - best).collect();
        let saved = |own: f64, best: f64| 1.0 - own / best;
        let (own_samples, best_samples) = (resamples.means(&bills), resamples.means(&best_bills));
        let saving_samples: Vec<f64> =
            own_samples.iter().zip(&best_samples).map(|(own, best)| saved(*own, *best)).collect();
        let all_mean = |values: &[f64]| mean(values.iter().copied());
        Some(PolicyVerdict {
            policy: policy.name().to_string(),
            version: policy.version().to_owned(),
            n_refused: self.picks.iter().filter(|pick| pick.is_none()).count(),
            point,
            total_usd: bills.iter().sum(),
            quality_gain: Interval::of(all_mean(&gains), &resamples.means(&gains)),
            saving: Interval::of(saved(all_mean(&bills), all_mean(&best_bills)), &saving_samples),
            best_single: pool.models[best].clone(),
            arena: arena_score(point),
            regret: crate::baselines::oracle(pool).1 - point.quality,
            traffic: self.traffic(pool),
            slices: self.slices(pool, best),
            sweep: Vec::new(),
        })
    }

    fn traffic(&self, pool: &Pool) -> Vec<(String, f64)> {
        let n = number(self.picks.len());
        let share = |model| number(self.picks.iter().filter(|pick| **pick == Some(model)).count()) / n;
        let shares = pool.models.iter().enumerate().map(|(model, name)| (name.clone(), share(model)));
        let mut shares: Vec<(String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        shares
    }

    fn slices(&self, pool: &Pool, best: usize) -> BTreeMap<&'static str, Vec<Slice>> {
        let lengths = length_names(pool);
        let named = |name: &dyn Fn(usize) -> Option<String>| {
            let mut rows: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for row in 0..pool.prompts.len() {
                if let Some(name) = name(row) {
                    rows.entry(name).or_default().push(row);
                }
            }
            let of_best = |grid: &Grid, rows: &[usize]| mean(rows.iter().map(|row| grid.row(*row)[best]));
            let slice = |(name, rows): (String, Vec<usize>)| {
                let best_single = Point {
                    cost_usd: of_best(&pool.truth.bill_usd, &rows),
                    quality: of_best(&pool.truth.quality, &rows),
                };
                Some(Slice { n: rows.len(), point: self.point_of(pool, &rows)?, best_single, name })
            };
            rows.into_iter().filter_map(slice).collect()
        };
        BTreeMap::from([
            ("dataset", named(&|row| Some(pool.prompts[row].dataset.clone()))),
            ("length", named(&|row| Some(lengths[row].clone()))),
            ("model", named(&|row| Some(pool.models[self.picks[row]?].clone()))),
        ])
    }
}

/// Prompts in four parts of about equal size by their tokens, named so that they sort from short to long.
fn length_names(pool: &Pool) -> Vec<String> {
    let mut sorted: Vec<f64> = pool.prompts.iter().map(|prompt| prompt.n_tokens).collect();
    sorted.sort_by(f64::total_cmp);
    let edge = |quarter: usize| sorted[(sorted.len() * quarter / 4).min(sorted.len() - 1)];
    let edges = [edge(1), edge(2), edge(3)];
    let name = |tokens: f64| match edges.iter().position(|edge| tokens < *edge) {
        Some(0) => format!("1: below {:.0} tokens", edges[0]),
        Some(part) => format!("{}: {:.0} to {:.0} tokens", part + 1, edges[part - 1], edges[part]),
        None => format!("4: {:.0} tokens and more", edges[2]),
    };
    pool.prompts.iter().map(|prompt| name(prompt.n_tokens)).collect()
}

/// The `RouterArena` score: accuracy and logarithmic cost of a thousand requests, weighed by beta = 0.1 between $0.0044 and
/// $200 (arXiv 2510.00202).
pub fn arena_score(point: Point) -> f64 {
    const BETA: f64 = 0.1;
    const CHEAPEST: f64 = 0.0044;
    const DEAREST: f64 = 200.0;
    let per_1000 = (point.cost_usd * 1000.0).clamp(CHEAPEST, DEAREST);
    let thrift = (DEAREST.log2() - per_1000.log2()) / (DEAREST.log2() - CHEAPEST.log2());
    let weighed = BETA * point.quality + thrift;
    if weighed <= 0.0 { 0.0 } else { (1.0 + BETA) * point.quality * thrift / weighed }
}

#[cfg(test)]
mod tests;

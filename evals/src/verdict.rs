//! The verdict on a pool: a method's figures, always beside those of the baselines. It cannot be made without them: whoever
//! judges a router gets the plain methods judged on the same prompts and the same resamples.

use serde::Serialize;

use crate::baselines::{Baseline, oracle, random_mix};
use crate::calibration::{Bin, auc, brier, ece, perfect_ece, reliability};
use crate::curve::{Forecast, Interval, Resamples, Sweep, Truth, quantile};
use crate::forecasts::Matched;
use crate::grid::{Grid, mean, number};
use crate::hull::{Hull, Point};
use crate::pair::{PairFigures, judge_pair};
use crate::pool::Pool;
use crate::replay::{Barred, PolicyVerdict, ReplayError, Replayer};

/// Shares of the best single model's quality at which savings are given.
pub const KEPT_SHARES: [f64; 4] = [1.0, 0.99, 0.97, 0.95];

/// Costs at which the interval of a curve is drawn.
const N_BAND: usize = 48;

/// How to judge.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The seed of every random number in the verdict.
    pub seed: u32,
    /// Bootstrap samples behind every interval.
    pub n_bootstraps: usize,
    /// A weak and a strong model, for the figures of routers between two.
    pub pair: Option<(String, String)>,
    /// The policy to replay.
    pub policy: decision::Policy,
}

/// A saving at a share of the best single model's quality, beside what blind mixing saves there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Saving {
    /// The share of quality that is kept.
    pub kept: f64,
    /// The share of cost that is saved; none where that quality is never reached.
    pub saved: Option<f64>,
    /// The same by blind mixing.
    pub blind: Option<f64>,
}

/// A method's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Mean over the models; none where every model has only one kind of outcome.
    pub auc: Option<f64>,
    /// Mean squared distance of forecast and outcome.
    pub brier: f64,
    /// Expected calibration error, mean over the models.
    pub ece: f64,
    /// What it would be if the same forecasts were perfectly calibrated.
    pub ece_if_perfect: f64,
    /// Mean height of the hull from the cost of the cheapest to that of the best single model.
    pub aiq: f64,
    /// That less the zero router's.
    pub gain: Interval,
    /// Savings at the kept shares.
    pub savings: Vec<Saving>,
    /// The best mean quality reached, relative to the best single model's, less 1.
    pub perf_gain: f64,
    /// The cost saved at the best single model's quality.
    pub cost_save: Option<f64>,
    /// What the best answers there are would score above the best that is reached.
    pub regret: f64,
}

/// A method that forecasts, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Method {
    /// What it is called.
    pub name: String,
    /// Its figures.
    pub figures: Figures,
    /// Its hull.
    pub hull: Hull,
    /// The interval of the hull's height: cost, 2.5% and 97.5%.
    pub band: Vec<(f64, f64, f64)>,
    /// AIQ of the router less this method's; none for the router itself.
    pub behind_router: Option<Interval>,
    /// What was forecast against what came true.
    pub reliability: Vec<Bin>,
}

/// A method without forecasts: a point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// What it is called.
    pub name: String,
    /// Mean cost and quality.
    #[serde(flatten)]
    pub point: Point,
}

/// The verdict on a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The source.
    pub pool: String,
    /// Prompts judged.
    pub n_prompts: usize,
    /// Prompts of the pool.
    pub n_of: usize,
    /// Bills of the pool that rest on an assumed length of the answer.
    pub n_assumed_bills: usize,
    /// The candidates, each with its mean cost and quality.
    pub singles: Vec<Reference>,
    /// Cheapest, dearest and best single model, random mix, oracle.
    pub references: Vec<Reference>,
    /// What blind mixing reaches.
    pub zero: Hull,
    /// Its mean height.
    pub zero_aiq: f64,
    /// The range of costs over which heights are taken.
    pub costs_usd: (f64, f64),
    /// The router first, if one was judged, then the baselines.
    pub methods: Vec<Method>,
    /// Whether the first of the methods is a router.
    pub has_router: bool,
    /// The figures of the named pair, where both are in the pool.
    pub pair: Option<PairFigures>,
    /// How the policy did on the router's forecasts, or else on the per-model means.
    pub policy: Option<PolicyVerdict>,
}

impl Verdict {
    /// The router, if one was judged.
    pub fn router(&self) -> Option<&Method> {
        self.methods.first().filter(|_| self.has_router)
    }
}

impl Judge {
    /// Judges a router's forecasts for a pool; without them, the baselines alone.
    pub fn judge(&self, whole: &Pool, router: Option<(&str, &Matched)>) -> Result<Verdict, ReplayError> {
        let rows: Vec<usize> =
            router.map_or_else(|| (0..whole.prompts.len()).collect(), |(_, matched)| matched.rows.clone());
        let pool = whole.taken(&rows);
        let court = Court::new(&pool, self);
        let baselines = Baseline::ALL.into_iter().filter_map(|baseline| {
            let forecast = baseline.forecast(whole)?.taken(&rows);
            Some((baseline.name().to_owned(), forecast))
        });
        let mut forecasts: Vec<(String, Forecast)> = baselines.collect();
        if let Some((name, matched)) = router {
            forecasts.insert(0, (name.to_owned(), matched.forecast.clone()));
        }
        let mut methods: Vec<(Method, Vec<f64>)> = Vec::new();
        for (name, forecast) in &forecasts {
            let (mut method, samples) = court.method(name, forecast);
            if let Some((judged, router_samples)) = methods.first().filter(|_| router.is_some()) {
                let behind = judged.figures.aiq - method.figures.aiq;
                method.behind_router = Some(Interval::of_difference(behind, router_samples, &samples));
            }
            methods.push((method, samples));
        }
        let Some((_, first)) = forecasts.first() else {
            return Err(ReplayError::OneGroup { pool: whole.name.clone() });
        };
        let low = router.map_or(&first.quality, |(_, matched)| &matched.quality_low);
        let anybody = Barred::nobody();
        let barred = router.map_or(&anybody, |(_, matched)| &matched.barred);
        let replayer = Replayer::new(&pool, first, low, barred)?;
        let samples = Resamples::draw_groups(pool.groups(), self.n_bootstraps, self.seed);
        let mut policy = replayer.replay(&self.policy).verdict(&pool, &self.policy, &samples);
        if let Some(policy) = &mut policy {
            policy.sweep = replayer.sweep(&self.policy);
        }
        Ok(Verdict {
            pool: pool.name.clone(),
            n_prompts: pool.prompts.len(),
            n_of: whole.prompts.len(),
            n_assumed_bills: whole.n_assumed_bills,
            singles: court.singles(),
            references: court.references(),
            zero: court.zero.clone(),
            zero_aiq: court.zero_aiq,
            costs_usd: court.costs_usd,
            methods: methods.into_iter().map(|(method, _)| method).collect(),
            has_router: router.is_some(),
            pair: self.pair(&pool, first),
            policy,
        })
    }

    fn pair(&self, pool: &Pool, forecast: &Forecast) -> Option<PairFigures> {
        let (weak, strong) = self.pair.as_ref()?;
        judge_pair(forecast, &pool.truth, (pool.model(weak)?, pool.model(strong)?), (weak, strong))
    }
}

/// What all methods on a pool are judged against.
struct Court<'a> {
    pool: &'a Pool,
    seed: u32,
    best: usize,
    costs_usd: (f64, f64),
    zero: Hull,
    zero_aiq: f64,
    zero_samples: Vec<f64>,
    resamples: Resamples,
}

impl<'a> Court<'a> {
    fn new(pool: &'a Pool, judge: &Judge) -> Self {
        let best = pool.best_single();
        let bills = pool.truth.bill_usd.column_means();
        let low = bills.iter().copied().fold(f64::INFINITY, f64::min);
        let resamples = Resamples::draw(pool.prompts.len(), judge.n_bootstraps, judge.seed);
        let singles = Sweep::of_singles(&pool.truth);
        let zero = singles.hull();
        let high = bills[best];
        let zero_samples = resamples.hulls(&singles).iter().map(|hull| hull.mean_height(low, high)).collect();
        let zero_aiq = zero.mean_height(low, high);
        Self { pool, seed: judge.seed, best, costs_usd: (low, high), zero, zero_aiq, zero_samples, resamples }
    }

    /// A method's figures, with its AIQ in each sample.
    fn method(&self, name: &str, forecast: &Forecast) -> (Method, Vec<f64>) {
        let truth = &self.pool.truth;
        let sweep = Sweep::of(forecast, truth);
        let hull = sweep.hull();
        let (low, high) = self.costs_usd;
        let hulls = self.resamples.hulls(&sweep);
        let samples: Vec<f64> = hulls.iter().map(|hull| hull.mean_height(low, high)).collect();
        let aiq = hull.mean_height(low, high);
        let best_quality = mean(truth.quality.column(self.best));
        let savings = KEPT_SHARES.map(|kept| Saving {
            kept,
            saved: hull.saving(kept * best_quality, high),
            blind: self.zero.saving(kept * best_quality, high),
        });
        let reached = hull.points().last().map_or(f64::NAN, |point| point.quality);
        let (auc, ece) = by_model(truth, &forecast.quality);
        let figures = Figures {
            auc,
            brier: brier(&truth.quality, &forecast.quality),
            ece,
            ece_if_perfect: perfect_ece(&forecast.quality, self.seed),
            aiq,
            gain: Interval::of_difference(aiq - self.zero_aiq, &samples, &self.zero_samples),
            savings: savings.to_vec(),
            perf_gain: reached / best_quality - 1.0,
            cost_save: savings[0].saved,
            regret: oracle(self.pool).1 - reached,
        };
        let band = self.band(&hulls);
        let reliability = reliability(&truth.quality, &forecast.quality);
        (Method { name: name.to_owned(), figures, hull, band, behind_router: None, reliability }, samples)
    }

    fn band(&self, hulls: &[Hull]) -> Vec<(f64, f64, f64)> {
        let (low, high) = self.costs_usd;
        // A free model has no place on a logarithmic scale; the band then begins three powers of ten below the dearest.
        let low = if low > 0.0 { low } else { high / 1000.0 };
        let cost = |index: usize| low * (high / low).powf(number(index) / number(N_BAND - 1));
        let costs = (0..N_BAND).map(cost).filter(|cost| cost.is_finite());
        costs
            .map(|cost| {
                let heights: Vec<f64> = hulls.iter().map(|hull| hull.quality_at(cost)).collect();
                (cost, quantile(&heights, 0.025), quantile(&heights, 0.975))
            })
            .collect()
    }

    fn singles(&self) -> Vec<Reference> {
        let bills = self.pool.truth.bill_usd.column_means();
        let qualities = self.pool.truth.quality.column_means();
        let points = bills.into_iter().zip(qualities).map(|(cost_usd, quality)| Point { cost_usd, quality });
        self.pool.models.iter().zip(points).map(|(name, point)| Reference { name: name.clone(), point }).collect()
    }

    fn references(&self) -> Vec<Reference> {
        let singles = self.singles();
        let by_cost = |a: &&Reference, b: &&Reference| a.point.cost_usd.total_cmp(&b.point.cost_usd);
        let named = |what: &str, single: Option<&Reference>| {
            single.map(|single| Reference { name: format!("{what}: {}", single.name), point: single.point })
        };
        let point = |(cost_usd, quality)| Point { cost_usd, quality };
        let cheapest = named("cheapest", singles.iter().min_by(by_cost));
        let dearest = named("dearest", singles.iter().max_by(by_cost));
        let best = named("best single", singles.get(self.best));
        let mixed = Reference { name: "random mix".to_owned(), point: point(random_mix(self.pool)) };
        let oracle = Reference { name: "oracle".to_owned(), point: point(oracle(self.pool)) };
        [cheapest, dearest, best].into_iter().flatten().chain([mixed, oracle]).collect()
    }
}

/// AUC and ECE, means over the models; a model that always or never succeeded has no AUC.
fn by_model(truth: &Truth, forecast: &Grid) -> (Option<f64>, f64) {
    let columns = (0..forecast.n_columns()).map(|model| {
        let outcomes: Vec<f64> = truth.quality.column(model).collect();
        let forecasts: Vec<f64> = forecast.column(model).collect();
        (auc(&outcomes, &forecasts), ece(&outcomes, &forecasts))
    });
    let (aucs, eces): (Vec<Option<f64>>, Vec<f64>) = columns.unzip();
    let known: Vec<f64> = aucs.into_iter().flatten().collect();
    ((!known.is_empty()).then(|| mean(known)), mean(eces))
}

#[cfg(test)]
mod tests;

//! What the service counts, and the text a Prometheus server reads. Every name stands in `metrics/list.rs`; a label takes only
//! words of its set, so that no caller can make a series. Nobody waits for a counter.
//!
//! Written here and not taken from a crate: with the list as the one source of names, labels and documents, what is left for a
//! crate is the text format, eighty lines.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use decision::{Candidates, Catalog, Decision, Evidence, Forecast, ModelId, Policies, Quality, Refusal, RefusalCause};

use family::Family;
use list::{METRICS, Metric};
use names::{Known, Names};
use series::Series;

mod family;
pub mod list;
mod names;
pub mod series;
mod text;
pub mod words;

pub use text::CONTENT_TYPE;

/// Everything that is counted. Shared between threads.
#[derive(Debug)]
pub struct Metrics {
    families: Vec<Family>,
    known: Known,
    swapped_at: Mutex<Option<Instant>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let families = METRICS.iter().map(Family::new).collect();
        let known = Known {
            models: Names::new(words::MAX_MODEL_LABELS),
            policies: Names::new(words::MAX_POLICY_LABELS),
            providers: Names::new(words::MAX_PROVIDER_LABELS),
        };
        let metrics = Self { families, known, swapped_at: Mutex::default() };
        metrics.set(Metric::BuildInfo, &[env!("CARGO_PKG_VERSION")], 1);
        metrics
    }
}

impl Metrics {
    /// Lets the names of a catalog and its policies into labels, and says that this snapshot is in use from now on. Call it at
    /// every swap.
    pub fn snapshot_swapped(&self, catalog: &Catalog, policies: &Policies, now: Instant) {
        self.known.models.bind(catalog.models().iter().map(|model| model.id.as_str()));
        self.known.policies.bind(policies.iter().map(|policy| policy.name().as_str()));
        *self.swapped_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        self.set(Metric::SnapshotModels, &[], i64::try_from(catalog.models().len()).unwrap_or(i64::MAX));
    }

    /// Lets the names of providers into labels.
    pub fn bind_providers<'a>(&self, providers: impl Iterator<Item = &'a str>) {
        self.known.providers.bind(providers);
    }

    /// Lets the names into labels of policies that stand in no file: models asked for by name, and rules that requests bring along.
    pub fn bind_policies<'a>(&self, policies: impl IntoIterator<Item = &'a str>) {
        self.known.policies.bind(policies.into_iter());
    }

    /// The series of a metric whose labels say these words, for a path that is too hot to look it up each time.
    pub fn series(&self, metric: Metric, words: &[&str]) -> Arc<Series> {
        self.families[metric as usize].series(words, &self.known)
    }

    /// Counts one.
    pub fn count(&self, metric: Metric, words: &[&str]) {
        self.add(metric, words, 1);
    }

    /// Counts many, in the integers of the metric.
    pub fn add(&self, metric: Metric, words: &[&str], amount: u64) {
        self.series(metric, words).add(amount);
    }

    /// Takes a duration into a distribution of seconds.
    pub fn took(&self, metric: Metric, words: &[&str], span: Duration) {
        self.add(metric, words, u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Moves a gauge.
    pub fn shift(&self, metric: Metric, words: &[&str], by: i64) {
        self.series(metric, words).shift(by);
    }

    /// Sets a gauge.
    pub fn set(&self, metric: Metric, words: &[&str], value: i64) {
        self.series(metric, words).set(value);
    }

    /// What a series stands at, for reports and tests.
    pub fn total(&self, metric: Metric, words: &[&str]) -> u64 {
        self.series(metric, words).total()
    }

    /// Counts a request in, and out again when the guard is dropped, however that comes about.
    pub fn in_flight(&self, door: &str) -> InFlight {
        let series = self.series(Metric::InFlight, &[door]);
        series.shift(1);
        InFlight { series }
    }

    /// The distributions of forecasts, bound to the models of a catalog once, so that counting a forecast looks nothing up.
    pub fn forecast_series(&self, catalog: &Catalog) -> ForecastSeries {
        let bind = |id: &ModelId| (id.clone(), self.series(Metric::ForecastQuality, &[id.as_str()]));
        ForecastSeries { models: catalog.models().iter().map(|model| bind(&model.id)).collect() }
    }

    /// Counts a decision: who was chosen, by which policy and why, what that is expected to cost, and who was not eligible.
    pub fn decided(&self, decision: &Decision, candidates: &Candidates) {
        let (model, policy) = (decision.model().as_str(), decision.policy.as_str());
        self.count(Metric::Decisions, &[model, policy]);
        self.count(Metric::DecisionReasons, &[policy, decision.reason.word()]);
        if let Some(candidate) = candidates.get(decision.model()) {
            self.add(Metric::ExpectedCost, &[model], candidate.cost.0);
        }
        self.excluded(candidates);
    }

    /// Counts a request that nobody may serve.
    pub fn refused(&self, refusal: &Refusal, policy: &str, candidates: &Candidates) {
        let reason = match refusal.cause {
            RefusalCause::NobodyEligible { .. } => "nobody_eligible",
            RefusalCause::PinExcluded { .. } => "pin_excluded",
            RefusalCause::Locked { .. } => "locked",
        };
        self.count(Metric::Refusals, &[policy, reason]);
        self.excluded(candidates);
    }

    /// Counts evidence: the forecasts into their distributions, or why there are none.
    pub fn evidence(&self, evidence: &Evidence, series: &ForecastSeries) {
        match evidence {
            Evidence::Forecast(forecast) => series.take(forecast),
            Evidence::Absent(absent) => self.count(Metric::EvidenceAbsent, &[absent_word(*absent)]),
        }
    }

    /// Counts a verdict on a decision whose forecast is still known: calibration drift and the Brier score come of it.
    pub fn judged(&self, model: &str, forecast: Quality, reported: Quality) {
        let error = forecast.get() - reported.get();
        let squared = Quality::new((error * error).min(1.0)).unwrap_or(Quality::ZERO);
        self.count(Metric::OutcomesJudged, &[model]);
        self.add(Metric::JudgedForecast, &[model], billionths(forecast));
        self.add(Metric::JudgedQuality, &[model], billionths(reported));
        self.add(Metric::JudgedSquaredError, &[model], billionths(squared));
    }

    /// Everything as a Prometheus server reads it.
    pub fn text(&self, now: Instant) -> String {
        let mut text = String::with_capacity(1 << 14);
        for family in &self.families {
            if family.facts.metric == Metric::SnapshotAge {
                let swapped_at = *self.swapped_at.lock().unwrap_or_else(PoisonError::into_inner);
                let age = swapped_at.map(|at| now.saturating_duration_since(at).as_secs_f64());
                text::write_computed(&mut text, family.facts, age.map(|age| (Vec::new(), age)).as_slice());
            } else if family.facts.metric == Metric::CalibrationDrift {
                text::write_computed(&mut text, family.facts, &self.drift());
            } else {
                text::write(&mut text, family);
            }
        }
        text
    }

    /// Mean reported quality less mean forecast quality, by model.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than fifteen digits")]
    fn drift(&self) -> Vec<(Vec<family::Word>, f64)> {
        let sum = |metric: Metric, words: &[family::Word]| {
            let words: Vec<&str> = words.iter().map(|word| &**word).collect();
            self.total(metric, &words) as f64 / metric.facts().unit
        };
        let judged = self.families[Metric::OutcomesJudged as usize].all();
        let with_some = judged.into_iter().filter(|(_, count)| count.total() > 0);
        let drift = |(words, count): (Vec<family::Word>, Arc<Series>)| {
            let (reported, forecast) = (sum(Metric::JudgedQuality, &words), sum(Metric::JudgedForecast, &words));
            let drift = (reported - forecast) / count.total() as f64;
            (words, drift)
        };
        with_some.map(drift).collect()
    }

    fn excluded(&self, candidates: &Candidates) {
        // A request may exclude most of a catalog for one reason, so the reasons are counted up before they are looked up.
        let mut by_word: Vec<(&'static str, u64)> = Vec::new();
        for exclusion in candidates.all().iter().filter_map(|candidate| candidate.exclusion.as_ref()) {
            match by_word.iter_mut().find(|(word, _)| *word == exclusion.word()) {
                Some((_, n)) => *n += 1,
                None => by_word.push((exclusion.word(), 1)),
            }
        }
        for (word, n) in by_word {
            self.add(Metric::Exclusions, &[word], n);
        }
    }
}

/// The word for a missing forecast, here and wherever machines read it.
pub fn absent_word(absent: decision::Absent) -> &'static str {
    match absent {
        decision::Absent::NotLoaded => "not_loaded",
        decision::Absent::Overloaded => "overloaded",
        decision::Absent::Late => "late",
        decision::Absent::Broken => "broken",
    }
}

/// A request that is being served. Dropped, it is counted out.
#[derive(Debug)]
pub struct InFlight {
    series: Arc<Series>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.series.shift(-1);
    }
}

/// The distributions of forecasts of one catalog's models, in order of their names.
#[derive(Clone, Debug)]
pub struct ForecastSeries {
    models: Vec<(ModelId, Arc<Series>)>,
}

impl ForecastSeries {
    /// Takes a forecast in. Both lists are in order of the names, so this is one walk.
    fn take(&self, forecast: &Forecast) {
        let mut bound = self.models.iter().peekable();
        for forecast in forecast.models() {
            while bound.next_if(|(model, _)| *model < forecast.model).is_some() {}
            if let Some((_, series)) = bound.next_if(|(model, _)| *model == forecast.model) {
                series.add(billionths(forecast.quality));
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quality is between 0 and 1")]
fn billionths(quality: Quality) -> u64 {
    (quality.get() * 1e9).round() as u64
}

#[cfg(test)]
mod tests;

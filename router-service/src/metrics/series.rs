//! Numbers that many threads add to without waiting for one another. All are integers, in the unit that the list names, so that
//! an addition is one instruction and a sum does not depend on its order.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::list::{Facts, Kind};

/// One series of a metric.
#[derive(Debug)]
pub enum Series {
    /// It only rises.
    Counter(AtomicU64),
    /// It rises and falls.
    Gauge(AtomicI64),
    /// A distribution.
    Histogram(Histogram),
}

/// A distribution: how many fell into each bucket, and the sum.
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds, in the integers of the metric.
    bounds: Vec<u64>,
    /// One more than the bounds: the last has none.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Series {
    pub(super) fn new(facts: &Facts) -> Self {
        match facts.kind {
            Kind::Counter => Self::Counter(AtomicU64::new(0)),
            Kind::Gauge => Self::Gauge(AtomicI64::new(0)),
            Kind::Histogram(bounds) => Self::Histogram(Histogram {
                bounds: bounds.iter().map(|bound| whole(bound * facts.unit)).collect(),
                counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
                sum: AtomicU64::new(0),
            }),
        }
    }

    /// Counts: a counter rises by it, a gauge too, a distribution takes it in.
    pub fn add(&self, amount: u64) {
        match self {
            Self::Counter(counter) => {
                counter.fetch_add(amount, Ordering::Relaxed);
            }
            Self::Gauge(gauge) => {
                gauge.fetch_add(i64::try_from(amount).unwrap_or(i64::MAX), Ordering::Relaxed);
            }
            Self::Histogram(histogram) => histogram.take(amount),
        }
    }

    /// Moves a gauge. Nothing else moves down, so nothing else heeds it.
    pub fn shift(&self, by: i64) {
        if let Self::Gauge(gauge) = self {
            gauge.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Sets a gauge.
    pub fn set(&self, value: i64) {
        if let Self::Gauge(gauge) = self {
            gauge.store(value, Ordering::Relaxed);
        }
    }

    /// What a counter stands at; of a distribution, how many it has taken in; of a gauge, its value if that is not below 0.
    pub fn total(&self) -> u64 {
        match self {
            Self::Counter(counter) => counter.load(Ordering::Relaxed),
            Self::Gauge(gauge) => u64::try_from(gauge.load(Ordering::Relaxed)).unwrap_or(0),
            Self::Histogram(histogram) => histogram.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum(),
        }
    }
}

impl Histogram {
    fn take(&self, amount: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < amount);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(amount, Ordering::Relaxed);
    }

    /// How many are at or below each bound, the boundless last one included.
    pub(super) fn cumulative(&self) -> Vec<u64> {
        let mut sum = 0;
        let add = |count: &AtomicU64| {
            sum += count.load(Ordering::Relaxed);
            sum
        };
        self.counts.iter().map(add).collect()
    }

    /// The sum of all that was taken in.
    pub(super) fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds of the list, at most 10^12")]
fn whole(bound: f64) -> u64 {
    bound.round() as u64
}

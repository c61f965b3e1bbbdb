//! How one upstream is doing: a breaker and a latency average. The shell keeps one `Health` per provider and tells it how
//! every call ended, streams cut in the middle included; every method takes `now`.

use crate::units::Moment;

/// When a breaker opens, and how it comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerRule {
    /// Failures in a row that open it.
    pub n_failures_in_a_row: u32,
    /// Share of failures among recent calls that opens it, however they are spread.
    pub failure_share: f64,
    /// Calls that must have been seen before the share counts, where a call weighs half after ten seconds.
    pub n_calls_for_share: f64,
    /// How long it stays open the first time; each failed probe doubles it.
    pub open_ms: u64,
    /// The longest it stays open.
    pub open_ms_max: u64,
    /// How long a probe may be silent before another is let through.
    pub probe_ms: u64,
}

impl Default for BreakerRule {
    /// Five in a row, or half of at least twenty; back after two seconds, at most two minutes. The figures are a guess of what
    /// tells an outage from bad luck; an operator may set each.
    fn default() -> Self {
        Self {
            n_failures_in_a_row: 5,
            failure_share: 0.5,
            n_calls_for_share: 20.0,
            open_ms: 2_000,
            open_ms_max: 120_000,
            probe_ms: 30_000,
        }
    }
}

/// The time in which an old call loses half its weight in the shares and averages.
const HALF_LIFE_MS: f64 = 10_000.0;

/// Whether calls are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// All of them.
    Closed,
    /// None before this moment.
    Open {
        /// When a probe may go.
        until: Moment,
    },
    /// One probe is under way, and its word decides.
    HalfOpen {
        /// When it is given up and another may go.
        probe_until: Moment,
    },
}

/// Leave to make one call, to be given back with how it ended. It knows whether the call is a probe: a straggler from before
/// the breaker opened must not speak for the upstream as it is now.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a call's end must be told with the permit it was opened with"]
pub struct Permit {
    /// The number of the probe; 0 for a call through a closed breaker.
    probe: u64,
}

/// Why a rule is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key}: expected {expected}, found {found}")]
pub struct BreakerError {
    /// The field.
    pub key: &'static str,
    /// What it should hold.
    pub expected: &'static str,
    /// What it holds.
    pub found: f64,
}

impl BreakerRule {
    fn check(&self) -> Result<(), BreakerError> {
        let (share, seen) = (self.failure_share, self.n_calls_for_share);
        let wrong = |key, expected, found| Err(BreakerError { key, expected, found });
        match () {
            () if self.n_failures_in_a_row == 0 => wrong("n_failures_in_a_row", "at least 1", 0.0),
            () if !(share > 0.0 && share <= 1.0) => wrong("failure_share", "a share above 0 and at most 1", share),
            () if !(seen >= 1.0 && seen.is_finite()) => wrong("n_calls_for_share", "a number of at least 1", seen),
            () if self.open_ms == 0 => wrong("open_ms", "at least 1", 0.0),
            () if self.open_ms_max < self.open_ms => {
                wrong("open_ms_max", "no less than open_ms", count(self.open_ms_max))
            }
            () if self.probe_ms == 0 => wrong("probe_ms", "at least 1", 0.0),
            () => Ok(()),
        }
    }
}

/// How one upstream is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    rule: BreakerRule,
    breaker: Breaker,
    n_failures_in_a_row: u32,
    n_opened_in_a_row: u32,
    /// Probes sent so far: the last one is the one whose word counts.
    n_probes: u64,
    /// Decayed counts of calls and failures, and when they were last decayed.
    n_calls: f64,
    n_failed: f64,
    at: Moment,
    latency_ms: Option<f64>,
}

impl Health {
    /// An upstream nothing is known of, under a checked rule.
    pub fn new(rule: BreakerRule, now: Moment) -> Result<Self, BreakerError> {
        rule.check()?;
        Ok(Self {
            rule,
            breaker: Breaker::Closed,
            n_failures_in_a_row: 0,
            n_opened_in_a_row: 0,
            n_probes: 0,
            n_calls: 0.0,
            n_failed: 0.0,
            at: now,
            latency_ms: None,
        })
    }

    /// The breaker as it stands.
    pub fn breaker(&self) -> Breaker {
        self.breaker
    }

    /// Whether a call would be let through, without claiming the probe.
    pub fn is_open_to_calls(&self, now: Moment) -> bool {
        match self.breaker {
            Breaker::Closed => true,
            Breaker::Open { until } => now >= until,
            Breaker::HalfOpen { probe_until } => now >= probe_until,
        }
    }

    /// Lets a call through, or not. The first after an open breaker's time is its probe, and goes alone.
    pub fn admit(&mut self, now: Moment) -> Option<Permit> {
        if !self.is_open_to_calls(now) {
            return None;
        }
        if self.breaker == Breaker::Closed {
            return Some(Permit { probe: 0 });
        }
        self.n_probes += 1;
        self.breaker = Breaker::HalfOpen { probe_until: now.after_ms(self.rule.probe_ms) };
        Some(Permit { probe: self.n_probes })
    }

    /// A call went well; `latency_ms` is the time to its first byte.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    pub fn succeeded(&mut self, permit: Permit, now: Moment, latency_ms: u64) {
        let weight = self.count(now, 0.0);
        let latency_ms = count(latency_ms);
        // Peaks count at once, calm only slowly: a router that believes in calm too early sends a wave into a wall.
        let before = self.latency_ms.unwrap_or(latency_ms);
        let after = if latency_ms > before { latency_ms } else { before + (latency_ms - before) * weight };
        self.latency_ms = Some(after);
        self.n_failures_in_a_row = 0;
        if self.is_the_probe(&permit) {
            // The shares that opened it are history: judged by them, the next failure would open it again.
            (self.breaker, self.n_calls, self.n_failed) = (Breaker::Closed, 0.0, 0.0);
            self.n_opened_in_a_row = 0;
        }
    }

    /// A call failed by the upstream's fault, a stream cut in the middle included.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    pub fn failed(&mut self, permit: Permit, now: Moment) {
        self.count(now, 1.0);
        self.n_failures_in_a_row = self.n_failures_in_a_row.saturating_add(1);
        let in_a_row = self.n_failures_in_a_row >= self.rule.n_failures_in_a_row;
        let seen = self.n_calls >= self.rule.n_calls_for_share;
        let share = seen && self.n_failed / self.n_calls >= self.rule.failure_share;
        if self.is_the_probe(&permit) || (self.breaker == Breaker::Closed && (in_a_row || share)) {
            self.open(now);
        }
    }

    /// A call ended without a word about the upstream: the caller hung up, or was at fault. A probe's place becomes free.
    #[expect(clippy::needless_pass_by_value, reason = "a permit is used up")]
    pub fn abandoned(&mut self, permit: Permit, now: Moment) {
        if self.is_the_probe(&permit) {
            self.breaker = Breaker::Open { until: now };
        }
    }

    /// Whether a call is the probe whose word is awaited.
    fn is_the_probe(&self, permit: &Permit) -> bool {
        matches!(self.breaker, Breaker::HalfOpen { .. }) && permit.probe == self.n_probes
    }

    /// The average time to the first byte; none before the first success.
    pub fn latency_ms(&self) -> Option<f64> {
        self.latency_ms
    }

    fn open(&mut self, now: Moment) {
        let doubled = self.rule.open_ms.saturating_mul(1_u64.checked_shl(self.n_opened_in_a_row).unwrap_or(u64::MAX));
        self.breaker = Breaker::Open { until: now.after_ms(doubled.min(self.rule.open_ms_max)) };
        self.n_opened_in_a_row = self.n_opened_in_a_row.saturating_add(1).min(63);
    }

    /// Counts a call and returns the weight of a new observation.
    fn count(&mut self, now: Moment, failed: f64) -> f64 {
        let decay = f64::exp2(-count(now.ms_since(self.at)) / HALF_LIFE_MS);
        self.n_calls = self.n_calls * decay + 1.0;
        self.n_failed = self.n_failed * decay + failed;
        self.at = self.at.max(now);
        1.0 / self.n_calls
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds within 285,000 years are exact")]
fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests;

//! The failover machine: what to try next, until when, or why to give up. It is told how each attempt ended and never looks
//! at a socket. Its two hard rules: once a byte has reached the caller nothing is tried again, and there is exactly one end.

use crate::units::{ModelId, Moment, Tokens};

/// Attempts a request may be allowed at most, whatever the configuration says: more is an attack on the upstreams.
pub const MAX_ATTEMPTS: u32 = 16;

/// Hops a plan may hold: every provider of every fallback.
pub const MAX_HOPS: usize = 1024;

/// One place a call could go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The model.
    pub model: ModelId,
    /// The provider, by its place in the shell's list.
    pub provider: usize,
    /// Tokens the model holds, for failures of length.
    pub context_window: Tokens,
}

/// What a request may spend on trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRule {
    /// Calls that may be opened in all.
    pub n_attempts_max: u32,
    /// From the start of the request to its end.
    pub total_ms: u64,
    /// From the start of an attempt to its first byte.
    pub first_byte_ms: u64,
    /// The first wait before calling one and the same provider again; each further one doubles it.
    pub backoff_ms: u64,
    /// The longest such wait. Whoever asks for more is not waited for: it holds its caller, who can be told when to come again.
    pub backoff_ms_max: u64,
}

impl Default for AttemptRule {
    /// Four attempts in two minutes, thirty seconds to a first byte. Guesses; each is a key of the configuration.
    fn default() -> Self {
        Self { n_attempts_max: 4, total_ms: 120_000, first_byte_ms: 30_000, backoff_ms: 100, backoff_ms_max: 2_000 }
    }
}

/// Who is at fault for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request itself: it would fail everywhere.
    Caller,
    /// This provider: another one of the same model may do better.
    Provider,
    /// This model: all its providers would fail alike.
    Model,
    /// The prompt is too long for this model: one with more room may do.
    Length,
}

/// Whether trying again is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The upstream may have acted on the call: trying again could do it twice.
    Unsafe,
    /// Safe, but not by this hop again. Whether its provider can serve other models is for its breaker to say.
    Elsewhere,
    /// Safe, by this hop too, but not within this time.
    Here {
        /// What the provider asked for, where it did.
        after_ms: Option<u64>,
    },
}

/// How an attempt failed: the two facts that failover needs, and nothing about protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who is at fault.
    pub fault: Fault,
    /// Whether trying again is safe.
    pub retry: Retry,
}

/// Whether a hop may be called right now; the shell asks health, limits and eligibility anew at every hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// Not now, and not while this request lasts.
    Shut,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Call this hop; its first byte must come before the deadline, and its last before the request's.
    Try {
        /// Where, as an index into the plan.
        hop: usize,
        /// When the first byte must be there.
        first_byte_by: Moment,
        /// When everything must be over.
        deadline: Moment,
    },
    /// Ask again at this moment.
    Wait {
        /// When.
        until: Moment,
    },
    /// Nothing more: it is over.
    Ended(End),
}

/// Why a request ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The request itself was at fault.
    CallerAtFault,
    /// Trying again would not have been safe.
    RetryUnsafe,
    /// Bytes had reached the caller when the stream broke or its time ran out.
    BrokenAfterRelay,
    /// No attempt was left.
    NoAttemptLeft,
    /// No hop was left that may be called.
    NoHopLeft,
    /// No time was left.
    DeadlinePassed,
    /// The caller hung up.
    CallerGone,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The last byte was relayed.
    Succeeded {
        /// By which hop.
        hop: usize,
    },
    /// It was not.
    GaveUp(Cause),
}

/// Why a plan is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nowhere to go.
    #[error("expected at least one hop, found none")]
    Empty,
    /// More than [`MAX_HOPS`].
    #[error("expected at most {MAX_HOPS} hops, found {found}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A number of attempts outside its range.
    #[error("expected 1 to {MAX_ATTEMPTS} attempts, found {found}")]
    Attempts {
        /// How many.
        found: u32,
    },
    /// A time in which nothing can be done.
    #[error("{key}: expected at least 1 ms, found 0")]
    NoTime {
        /// The field of the rule.
        key: &'static str,
    },
}

/// What is known of a hop within this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not tried yet.
    Fresh,
    /// It asked to be called again, though not before this moment.
    Resting { until: Moment, n_times: u32 },
    /// Not tried again.
    Struck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Idle,
    /// An attempt is under way.
    Trying { hop: usize, beside: Option<usize>, relayed: bool, first_byte_by: Moment },
    /// It is over.
    Ended(End),
}

/// The failover machine of one request.
#[derive(Clone, Debug)]
pub struct Attempts {
    plan: Vec<Hop>,
    rule: AttemptRule,
    deadline: Moment,
    n_opened: u32,
    /// As long as the plan.
    standings: Vec<Standing>,
    state: State,
}

impl Attempts {
    /// Plans a request. Hops are tried in their order: all providers of the first model, then those of the next.
    pub fn new(plan: Vec<Hop>, rule: AttemptRule, now: Moment) -> Result<Self, PlanError> {
        match (plan.len(), rule.n_attempts_max) {
            (0, _) => Err(PlanError::Empty),
            (found, _) if found > MAX_HOPS => Err(PlanError::TooMany { found }),
            (_, found) if found == 0 || found > MAX_ATTEMPTS => Err(PlanError::Attempts { found }),
            (_, _) if rule.total_ms == 0 => Err(PlanError::NoTime { key: "total_ms" }),
            (_, _) if rule.first_byte_ms == 0 => Err(PlanError::NoTime { key: "first_byte_ms" }),
            (hops, _) => Ok(Self {
                standings: vec![Standing::Fresh; hops],
                plan,
                rule,
                deadline: now.after_ms(rule.total_ms),
                n_opened: 0,
                state: State::Idle,
            }),
        }
    }

    /// The plan.
    pub fn plan(&self) -> &[Hop] {
        &self.plan
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            State::Idle | State::Trying { .. } => None,
        }
    }

    /// Calls opened so far.
    pub fn n_opened(&self) -> u32 {
        self.n_opened
    }

    /// When everything must be over.
    pub fn deadline(&self) -> Moment {
        self.deadline
    }

    /// What to do now. `gate` is asked for each hop that comes into question, and must be true of this very moment.
    /// While an attempt is under way it is asked again only to enforce the deadline.
    pub fn next(&mut self, now: Moment, mut gate: impl FnMut(&Hop) -> Gate) -> Next {
        match self.state {
            State::Ended(end) => return Next::Ended(end),
            State::Trying { relayed: true, .. } if now >= self.deadline => {
                return self.give_up(Cause::BrokenAfterRelay);
            }
            State::Trying { .. } if now >= self.deadline => return self.give_up(Cause::DeadlinePassed),
            State::Trying { relayed: false, first_byte_by, .. } if now < first_byte_by => {
                return Next::Wait { until: first_byte_by };
            }
            // The shell tells a first byte that is late with `failed`; until then there is only the deadline to wait for.
            State::Trying { .. } => return Next::Wait { until: self.deadline },
            State::Idle => {}
        }
        if now >= self.deadline {
            return self.give_up(Cause::DeadlinePassed);
        }
        if self.n_opened >= self.rule.n_attempts_max {
            return self.give_up(Cause::NoAttemptLeft);
        }
        while let Some((hop, not_before)) = self.preferred(now) {
            if not_before > now.after_ms(self.rule.backoff_ms_max) {
                break;
            }
            if not_before > now {
                return Next::Wait { until: not_before };
            }
            if gate(&self.plan[hop]) == Gate::Open {
                self.n_opened += 1;
                let first_byte_by = now.after_ms(self.rule.first_byte_ms).min(self.deadline);
                self.state = State::Trying { hop, beside: None, relayed: false, first_byte_by };
                return Next::Try { hop, first_byte_by, deadline: self.deadline };
            }
            self.standings[hop] = Standing::Struck;
        }
        self.give_up(Cause::NoHopLeft)
    }

    /// A second hop to ask beside the one under way, since that one is slow. It counts as any attempt does. None where there is no
    /// other place to go, no attempt left, or a second one under way already.
    pub fn hedge(&mut self, now: Moment, mut gate: impl FnMut(&Hop) -> Gate) -> Option<usize> {
        let State::Trying { hop: first, beside: None, relayed: false, .. } = self.state else { return None };
        if now >= self.deadline || self.n_opened >= self.rule.n_attempts_max {
            return None;
        }
        for second in 0..self.plan.len() {
            if second == first || self.standings[second] != Standing::Fresh {
                continue;
            }
            if gate(&self.plan[second]) == Gate::Open {
                self.n_opened += 1;
                if let State::Trying { beside, .. } = &mut self.state {
                    *beside = Some(second);
                }
                return Some(second);
            }
            self.standings[second] = Standing::Struck;
        }
        None
    }

    /// A byte has reached the caller: from here on the choice is sealed.
    pub fn relayed(&mut self) {
        if let State::Trying { hop, .. } = self.state {
            self.relayed_by(hop);
        }
    }

    /// The same, of one of two attempts under way. The other one is to be cancelled.
    pub fn relayed_by(&mut self, winner: usize) {
        if let State::Trying { hop, beside, relayed, .. } = &mut self.state
            && (*hop == winner || *beside == Some(winner))
        {
            (*hop, *beside, *relayed) = (winner, None, true);
        }
    }

    /// The attempt under way delivered everything.
    pub fn succeeded(&mut self) {
        if let State::Trying { hop, .. } = self.state {
            self.state = State::Ended(End::Succeeded { hop });
        }
    }

    /// The caller hung up. What is under way must be cancelled.
    pub fn caller_gone(&mut self) {
        if self.end().is_none() {
            self.state = State::Ended(End::GaveUp(Cause::CallerGone));
        }
    }

    /// The attempt under way failed. `jitter` in 0..=1 spreads the waits of many requests.
    pub fn failed(&mut self, failure: Failure, now: Moment, jitter: f64) {
        if let State::Trying { hop, .. } = self.state {
            self.failed_at(hop, failure, now, jitter);
        }
    }

    /// The same, of one of two attempts under way. The other one goes on, unless this failure ends the request.
    pub fn failed_at(&mut self, hop: usize, failure: Failure, now: Moment, jitter: f64) {
        let State::Trying { hop: first, beside, relayed, first_byte_by } = self.state else { return };
        let other = match beside {
            Some(second) if second == hop => Some(first),
            Some(second) if first == hop => Some(second),
            None if first == hop => None,
            Some(_) | None => return,
        };
        let ending = match (relayed, failure.fault, failure.retry) {
            (true, _, _) => Some(Cause::BrokenAfterRelay),
            (false, Fault::Caller, _) => Some(Cause::CallerAtFault),
            (false, _, Retry::Unsafe) => Some(Cause::RetryUnsafe),
            (false, Fault::Provider | Fault::Model | Fault::Length, Retry::Elsewhere | Retry::Here { .. }) => None,
        };
        if let Some(cause) = ending {
            self.state = State::Ended(End::GaveUp(cause));
            return;
        }
        self.state = match other {
            Some(other) => State::Trying { hop: other, beside: None, relayed, first_byte_by },
            None => State::Idle,
        };
        let n_times = match self.standings[hop] {
            Standing::Resting { n_times, .. } => n_times,
            Standing::Fresh | Standing::Struck => 0,
        };
        self.standings[hop] = Standing::Struck;
        match (failure.fault, failure.retry) {
            (Fault::Provider, Retry::Here { after_ms }) => {
                let wait_ms = after_ms.unwrap_or_else(|| self.backoff_ms(n_times, jitter));
                self.standings[hop] = Standing::Resting { until: now.after_ms(wait_ms), n_times: n_times + 1 };
            }
            (Fault::Model, _) => self.strike(|other, failed| other.model == failed.model, hop),
            (Fault::Length, _) => self.strike(|other, failed| other.context_window <= failed.context_window, hop),
            (Fault::Caller | Fault::Provider, _) => {}
        }
    }

    fn backoff_ms(&self, n_times: u32, jitter: f64) -> u64 {
        let doubled = self.rule.backoff_ms.saturating_mul(1_u64.checked_shl(n_times).unwrap_or(u64::MAX));
        spread(doubled.min(self.rule.backoff_ms_max), jitter)
    }

    fn strike(&mut self, alike: impl Fn(&Hop, &Hop) -> bool, failed: usize) {
        for index in 0..self.plan.len() {
            if alike(&self.plan[index], &self.plan[failed]) {
                self.standings[index] = Standing::Struck;
            }
        }
    }

    /// The first fresh hop in the order of the plan; waiting is for when there is no other place to go, and then for whoever
    /// is ready first, provided that is before the deadline.
    fn preferred(&self, now: Moment) -> Option<(usize, Moment)> {
        if let Some(fresh) = self.standings.iter().position(|standing| *standing == Standing::Fresh) {
            return Some((fresh, now));
        }
        let resting = self.standings.iter().enumerate().filter_map(|(hop, standing)| match standing {
            Standing::Resting { until, .. } if *until < self.deadline => Some((hop, *until)),
            Standing::Resting { .. } | Standing::Fresh | Standing::Struck => None,
        });
        resting.min_by_key(|(hop, until)| (*until, *hop))
    }

    fn give_up(&mut self, cause: Cause) -> Next {
        let end = End::GaveUp(cause);
        self.state = State::Ended(end);
        Next::Ended(end)
    }
}

/// Between half of the wait and all of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the wait is at most the configured maximum, and a cast of a float saturates"
)]
fn spread(wait_ms: u64, jitter: f64) -> u64 {
    let share = if jitter.is_nan() { 1.0 } else { 0.5 + jitter.clamp(0.0, 1.0) / 2.0 };
    (wait_ms as f64 * share) as u64
}

#[cfg(test)]
mod hedging;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

//! One provider as calls meet it: whether it may be called right now, and what its calls tell of it. Its breaker hears of streams
//! that were cut as of any other failure; a call that was given up by us says nothing about it.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use decision::{BreakerRule, Health, Moment, Permit};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::{ConnectError, Connector};
use super::roots;
use crate::config::ProviderRule;
use crate::server::TlsError;

/// How long a silent connection is kept. A guess below what load balancers in front of providers usually allow.
const IDLE: Duration = Duration::from_secs(55);

/// How often a silent HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// First tokens whose times are remembered.
const N_TIMES: usize = 64;

/// With fewer than these, nothing is said of the slowest in twenty.
const N_TIMES_FOR_P95: usize = 20;

/// The longest rest that a provider is granted: a header must not silence one for a day.
pub(crate) const MAX_REST: Duration = Duration::from_secs(300);

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Its certificates.
    #[error("provider `{name}`: {source}")]
    Tls {
        /// The provider.
        name: String,
        /// Why not.
        source: TlsError,
    },
    /// The vocabulary of a model it serves.
    #[error("provider `{name}`, model `{model}`, tokenizer_file {}: {complaint}", path.display())]
    Vocabulary {
        /// The provider.
        name: String,
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// What was expected, and what was found.
        complaint: String,
    },
    /// Its address.
    #[error("provider `{name}`: {complaint}")]
    Address {
        /// The provider.
        name: String,
        /// Why not.
        complaint: String,
    },
}

/// One provider.
pub(crate) struct Provider {
    pub(crate) rule: ProviderRule,
    /// None for an echo, which is nowhere.
    pub(crate) client: Option<Client<Connector, Full<Bytes>>>,
    places: Arc<Semaphore>,
    condition: Mutex<Condition>,
    began: Instant,
}

struct Condition {
    health: Health,
    /// Until when it asked to be left alone.
    rests_until: Option<Instant>,
    /// Calls that may begin now, and when that was so.
    allowance: (f64, Instant),
    first_tokens_ms: VecDeque<u32>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("name", &self.rule.name).finish_non_exhaustive()
    }
}

impl Provider {
    pub(crate) fn new(rule: ProviderRule, now: Instant) -> Result<Self, ProviderError> {
        let name = rule.name.clone();
        let client = rule.base_url.as_ref().map(|url| {
            let tls = url.tls.then(|| roots::client(rule.ca_file.as_deref())).transpose();
            let tls = tls.map_err(|source| ProviderError::Tls { name: name.clone(), source })?;
            let connector = Connector::new(url, tls, rule.proxy.clone(), rule.patience.connect);
            let unfit =
                |error: ConnectError| ProviderError::Address { name: name.clone(), complaint: error.to_string() };
            Ok(client(connector.map_err(unfit)?, rule.n_concurrent_max))
        });
        let health = Health::new(BreakerRule::default(), Moment(0)).expect("the default rule is good");
        let burst = rule.requests_per_minute.map_or(1.0, burst);
        Ok(Self {
            client: client.transpose()?,
            places: Arc::new(Semaphore::new(rule.n_concurrent_max)),
            condition: Mutex::new(Condition {
                health,
                rests_until: None,
                allowance: (burst, now),
                first_tokens_ms: VecDeque::with_capacity(N_TIMES),
            }),
            began: now,
            rule,
        })
    }

    /// Takes a place for one call, if there is one now.
    pub(crate) fn enter(self: &Arc<Self>, now: Instant) -> Option<Place> {
        let moment = self.moment(now);
        let mut condition = self.condition();
        if condition.rests_until.is_some_and(|until| now < until) || !condition.health.is_open_to_calls(moment) {
            return None;
        }
        let slot = Arc::clone(&self.places).try_acquire_owned().ok()?;
        if !self.allows(&mut condition, now) {
            return None;
        }
        let permit = condition.health.admit(moment)?;
        Some(Place { provider: Arc::clone(self), permit: Some(permit), _slot: slot })
    }

    /// Whether calls may go to it at all just now, as far as its health goes.
    pub(crate) fn is_well(&self, now: Instant) -> bool {
        self.condition().health.is_open_to_calls(self.moment(now))
    }

    /// When it may be asked again, where it asked for a rest.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.condition().rests_until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// The time to a first token that one call in twenty exceeds, once enough is known.
    pub(crate) fn first_token_p95_ms(&self) -> Option<u64> {
        let condition = self.condition();
        let mut times: Vec<u32> = condition.first_tokens_ms.iter().copied().collect();
        if times.len() < N_TIMES_FOR_P95 {
            return None;
        }
        times.sort_unstable();
        times.get(times.len() * 95 / 100).map(|ms| u64::from(*ms))
    }

    /// A bucket that holds what one second brings: in no minute are there more than a sixtieth above the limit.
    fn allows(&self, condition: &mut Condition, now: Instant) -> bool {
        let Some(per_minute) = self.rule.requests_per_minute else { return true };
        let (left, at) = condition.allowance;
        let brought = now.saturating_duration_since(at).as_secs_f64() * f64::from(per_minute) / 60.0;
        let left = (left + brought).min(burst(per_minute));
        condition.allowance = (if left >= 1.0 { left - 1.0 } else { left }, now.max(at));
        left >= 1.0
    }

    fn moment(&self, now: Instant) -> Moment {
        let since = now.saturating_duration_since(self.began).as_millis();
        Moment(u64::try_from(since).unwrap_or(u64::MAX))
    }

    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn burst(per_minute: u32) -> f64 {
    (f64::from(per_minute) / 60.0).max(1.0)
}

fn client(connector: Connector, n_concurrent_max: usize) -> Client<Connector, Full<Bytes>> {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(n_concurrent_max)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(KEEP_ALIVE.0)
        .http2_keep_alive_timeout(KEEP_ALIVE.1);
    builder.build(connector)
}

/// A call under way at a provider. Dropped, it was given up, which says nothing of the provider.
#[derive(Debug)]
pub(crate) struct Place {
    provider: Arc<Provider>,
    permit: Option<Permit>,
    _slot: OwnedSemaphorePermit,
}

impl Place {
    /// The provider answered to the last byte, or refused for a reason that is the caller's; the first token took this long.
    pub(crate) fn answered(mut self, now: Instant, first_token: Option<Duration>) {
        let moment = self.provider.moment(now);
        let mut condition = self.provider.condition();
        if let Some(permit) = self.permit.take() {
            let ms = first_token.map_or(0, |span| u32::try_from(span.as_millis()).unwrap_or(u32::MAX));
            condition.health.succeeded(permit, moment, u64::from(ms));
            if first_token.is_some() {
                if condition.first_tokens_ms.len() >= N_TIMES {
                    condition.first_tokens_ms.pop_front();
                }
                condition.first_tokens_ms.push_back(ms);
            }
        }
    }

    /// The provider failed.
    pub(crate) fn failed(mut self, now: Instant) {
        let moment = self.provider.moment(now);
        if let Some(permit) = self.permit.take() {
            let mut condition = self.provider.condition();
            let was_open = condition.health.is_open_to_calls(moment);
            condition.health.failed(permit, moment);
            if was_open && !condition.health.is_open_to_calls(moment) {
                tracing::warn!(provider = %self.provider.rule.name, "a provider keeps failing and is left alone for a while");
            }
        }
    }

    /// The provider asks to be left alone for a while.
    pub(crate) fn rests(&self, now: Instant, span: Duration) {
        let until = now.checked_add(span.min(MAX_REST));
        let mut condition = self.provider.condition();
        condition.rests_until = condition.rests_until.max(until);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            let moment = self.provider.moment(Instant::now());
            self.provider.condition().health.abandoned(permit, moment);
        }
    }
}

#[cfg(test)]
mod tests;

//! Who gets in: a place among the requests under way, a token where tokens are asked for, a share of the memory for bodies,
//! and a time by which there is an answer. Whoever is turned away hears why, and when to come again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, EXPECT};
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::Instrument;

use super::charge::{Account, Charged, Memory};
use super::doors::Door;
use super::held::{Held, Holding};
use super::unread::{drop_the_rest, lend};
use super::witness::Witness;
use crate::config::{Caller, Limits, Settings};
use crate::http::Access;
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::status::Rejection;
use crate::telemetry::Telemetry;

/// The rules at the entrance, for both doors together.
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    call_places: Arc<Semaphore>,
    memory: Arc<Memory>,
    callers: Vec<Caller>,
    open_to_admins: bool,
    request_timeout: Duration,
    call_timeout: Duration,
    retry_after: Duration,
    metrics: Arc<Metrics>,
    telemetry: Option<Arc<Telemetry>>,
}

impl Admission {
    pub(crate) fn new(
        settings: &Settings,
        open_to_admins: bool,
        metrics: &Arc<Metrics>,
        telemetry: Option<Arc<Telemetry>>,
    ) -> Self {
        let Limits { max_concurrent_requests, max_bytes_in_flight, request_timeout, retry_after, .. } = settings.limits;
        Self {
            places: Arc::new(Semaphore::new(max_concurrent_requests)),
            call_places: Arc::new(Semaphore::new(settings.forwarding.max_concurrent_calls)),
            memory: Arc::new(Memory::new(max_bytes_in_flight, retry_after, metrics)),
            callers: settings.callers.clone(),
            open_to_admins,
            request_timeout,
            call_timeout: request_timeout + Duration::from_millis(settings.forwarding.attempts.total_ms),
            retry_after,
            metrics: Arc::clone(metrics),
            telemetry,
        }
    }

    /// Lets a request through to its door, or says why not.
    pub(crate) async fn admit(&self, door: &Door, request: Request<Incoming>) -> Response<tonic::body::Body> {
        let at = Instant::now();
        let method = door.method(request.uri().path());
        let forwards = door.forwards(request.uri().path());
        let mut witness = Witness::begin(&self.metrics, door, method, at);
        let account = Account::open(&self.memory, door.word());
        let admitted = door.access(request.method(), request.uri().path()).and_then(|access| {
            // Probes are answered whatever the load: a service that sheds is alive.
            if access == Access::Anybody {
                return Ok(None);
            }
            self.may_call(access, request.headers())?;
            let (places, limit) = match forwards {
                true => (&self.call_places, "forwarding.max_concurrent_calls"),
                false => (&self.places, "limits.max_concurrent_requests"),
            };
            let place = Arc::clone(places).try_acquire_owned().map_err(|_| {
                self.metrics.count(Metric::Shed, &[door.word(), "concurrency"]);
                Rejection::Overloaded { limit, retry_after: self.retry_after }
            })?;
            Ok(Some(place))
        });
        let place = match admitted {
            Ok(place) => place,
            Err(rejection) => {
                if !asks_first(request.headers()) {
                    drop_the_rest(request.into_body()).await;
                }
                return witness.ended(door.rejected(&rejection));
            }
        };
        let probe = place.is_none();
        let trace = if probe { None } else { witness.trace(self.telemetry.as_deref(), request.headers()) };
        let asks_first = asks_first(request.headers());
        let (head, body) = request.into_parts();
        let (body, unread) = lend(body);
        let (patience, late) = self.patience(forwards);
        let whole_by = forwards.then(|| at + self.request_timeout);
        let request = Request::from_parts(head, Charged::new(body, Arc::clone(&account), whole_by));
        let answer = async { timeout(patience, door.answer(request, at)).await };
        let answer = match trace {
            Some(span) => answer.instrument(span).await,
            None => answer.await,
        };
        let answer = answer.unwrap_or_else(|_| {
            self.metrics.count(Metric::Shed, &[door.word(), "too_slow"]);
            door.rejected(&Rejection::Late { complaint: late })
        });
        if !answer.status().is_success() {
            // What is still to come is thrown away, and takes neither a place nor memory while it comes.
            drop((account, place));
            if !asks_first {
                unread.drop_the_rest().await;
            }
            return witness.ended(answer);
        }
        if forwards {
            // A stream has its answer's head long before its end; until then it keeps its place and its body, which may be sent again.
            let mut answer = answer;
            let held = Holding { witness: witness.holds(&mut answer), _account: account, _place: place };
            return answer.map(|body| tonic::body::Body::new(Held::new(body, held)));
        }
        // The account was held to the end of the answer: a body that was read lived on as the prompt.
        drop(account);
        drop(place);
        witness.ended(answer)
    }

    /// How long a request may take, and what is said where it takes longer.
    fn patience(&self, forwards: bool) -> (Duration, &'static str) {
        match forwards {
            true => (
                self.call_timeout,
                "the call took longer than limits.request_timeout_ms and forwarding.total_ms together",
            ),
            false => (self.request_timeout, "the request took longer than limits.request_timeout_ms"),
        }
    }

    fn may_call(&self, access: Access, headers: &HeaderMap) -> Result<(), Rejection> {
        if self.callers.is_empty() {
            return match access {
                Access::Admin if !self.open_to_admins => Err(Rejection::Forbidden {
                    complaint: "an admin call needs a caller with `admin = true` where the service listens beyond loopback",
                }),
                Access::Admin | Access::Caller | Access::Anybody => Ok(()),
            };
        }
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
        let caller = token.and_then(|token| self.callers.iter().find(|caller| caller.bears(token)));
        match (caller, access) {
            (None, _) => Err(Rejection::Unauthenticated),
            (Some(caller), Access::Admin) if !caller.admin => {
                Err(Rejection::Forbidden { complaint: "expected a caller with `admin = true`" })
            }
            (Some(_), Access::Admin | Access::Caller | Access::Anybody) => Ok(()),
        }
    }
}

/// Whether a caller waits for leave before it sends its body; then an answer is read at once.
fn asks_first(headers: &HeaderMap) -> bool {
    headers.contains_key(EXPECT)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

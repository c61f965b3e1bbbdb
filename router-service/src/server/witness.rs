//! What is told of one request: counted when it ends, also when its caller has left before, and placed in the caller's trace.

use std::sync::Arc;
use std::time::Instant;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use tracing::Span;

use super::doors::Door;
use crate::metrics::list::Metric;
use crate::metrics::{InFlight, Metrics};
use crate::telemetry::{Request, Telemetry, TraceContext};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The words of gRPC's codes, by number.
const GRPC_WORDS: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// The statuses of answers whose body may be long on its way.
const STATUSES: [&str; 13] =
    ["200", "400", "401", "403", "404", "405", "413", "415", "422", "429", "500", "502", "504"];

/// One request under way.
pub(super) struct Witness {
    metrics: Arc<Metrics>,
    door: &'static str,
    http: bool,
    method: &'static str,
    at: Instant,
    trace: Option<Request>,
    context: Option<TraceContext>,
    /// The status of an answer whose body is still on its way, and whether that is a failure of ours.
    status: Option<(&'static str, bool)>,
    ended: bool,
    _in_flight: InFlight,
}

impl Witness {
    pub(super) fn begin(metrics: &Arc<Metrics>, door: &Door, method: &'static str, at: Instant) -> Self {
        let in_flight = metrics.in_flight(door.word());
        let (metrics, http) = (Arc::clone(metrics), matches!(door, Door::Http(_)));
        let (trace, context, status) = (None, None, None);
        Self {
            metrics,
            door: door.word(),
            http,
            method,
            at,
            trace,
            context,
            status,
            ended: false,
            _in_flight: in_flight,
        }
    }

    /// Takes over the caller's trace, or begins one. The span, if spans are made.
    pub(super) fn trace(&mut self, telemetry: Option<&Telemetry>, headers: &HeaderMap) -> Option<Span> {
        let all = |name: &HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let caller = TraceContext::from_headers(all(&TRACEPARENT), all(&TRACESTATE)).ok();
        let Some(telemetry) = telemetry else {
            self.context = caller.map(|caller| caller.child());
            return None;
        };
        let request = telemetry.request(self.door, self.method, caller.as_ref());
        let span = request.span.clone();
        self.context = Some(request.context.clone());
        self.trace = Some(request);
        Some(span)
    }

    /// The request has an answer, which names its place in the trace.
    pub(super) fn ended(mut self, mut answer: Response<tonic::body::Body>) -> Response<tonic::body::Body> {
        self.place(&mut answer);
        let status = answer.status();
        let (word, failed) = self.verdict(&answer).unwrap_or((status.as_str(), status.is_server_error()));
        self.end(word, failed);
        answer
    }

    /// The request has the head of its answer; it ends with the body, which holds the witness from here on.
    pub(super) fn holds(mut self, answer: &mut Response<tonic::body::Body>) -> Self {
        self.place(answer);
        let known = |status: http::StatusCode| STATUSES.iter().find(|known| **known == status.as_str()).copied();
        let of_http = || (known(answer.status()).unwrap_or("other"), answer.status().is_server_error());
        self.status = Some(self.verdict(answer).unwrap_or_else(of_http));
        self
    }

    /// The body has come to its end.
    pub(super) fn delivered(&mut self) {
        if let Some((word, failed)) = self.status.take() {
            self.end(word, failed);
        }
    }

    fn place(&self, answer: &mut Response<tonic::body::Body>) {
        if let Some(context) = &self.context
            && let Ok(value) = HeaderValue::try_from(context.traceparent())
        {
            answer.headers_mut().insert(TRACEPARENT, value);
        }
    }

    /// How a gRPC call ended: one that went well has its status behind the body, one that did not has it in front.
    fn verdict(&self, answer: &Response<tonic::body::Body>) -> Option<(&'static str, bool)> {
        if self.http {
            return None;
        }
        let code = answer.headers().get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<usize>().ok());
        let word = GRPC_WORDS.get(code.unwrap_or(0)).copied().unwrap_or("unknown");
        Some((word, matches!(word, "internal" | "unknown" | "data_loss" | "unavailable")))
    }

    fn end(&mut self, status: &str, failed: bool) {
        self.ended = true;
        let door = self.door;
        self.metrics.count(Metric::Requests, &[door, self.method, status]);
        self.metrics.took(Metric::RequestSeconds, &[door, self.method], self.at.elapsed());
        if let Some(trace) = &self.trace {
            trace.ended(status, failed);
        }
    }
}

impl Drop for Witness {
    /// A request that is dropped without an answer is one whose caller hung up.
    fn drop(&mut self) {
        if !self.ended {
            self.end(if self.http { "499" } else { "cancelled" }, false);
        }
    }
}

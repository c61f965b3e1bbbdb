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

/// One request under way.
pub(super) struct Witness<'a> {
    metrics: &'a Arc<Metrics>,
    door: &'a Door,
    method: &'static str,
    at: Instant,
    trace: Option<Request>,
    context: Option<TraceContext>,
    ended: bool,
    _in_flight: InFlight,
}

impl<'a> Witness<'a> {
    pub(super) fn begin(metrics: &'a Arc<Metrics>, door: &'a Door, method: &'static str, at: Instant) -> Self {
        let in_flight = metrics.in_flight(door.word());
        Self { metrics, door, method, at, trace: None, context: None, ended: false, _in_flight: in_flight }
    }

    /// Takes over the caller's trace, or begins one. The span, if spans are made.
    pub(super) fn trace(&mut self, telemetry: Option<&Telemetry>, headers: &HeaderMap) -> Option<Span> {
        let all = |name: &HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
        let caller = TraceContext::from_headers(all(&TRACEPARENT), all(&TRACESTATE)).ok();
        let Some(telemetry) = telemetry else {
            self.context = caller.map(|caller| caller.child());
            return None;
        };
        let request = telemetry.request(self.door.word(), self.method, caller.as_ref());
        let span = request.span.clone();
        self.context = Some(request.context.clone());
        self.trace = Some(request);
        Some(span)
    }

    /// The request has an answer, which names its place in the trace.
    pub(super) fn ended(mut self, mut answer: Response<tonic::body::Body>) -> Response<tonic::body::Body> {
        if let Some(context) = &self.context
            && let Ok(value) = HeaderValue::try_from(context.traceparent())
        {
            answer.headers_mut().insert(TRACEPARENT, value);
        }
        match self.door {
            Door::Http(_) => {
                let status = answer.status();
                self.end(status.as_str(), status.is_server_error());
            }
            Door::Grpc(_) => {
                // A call that went well has its status behind the body, one that did not has it in front.
                let code =
                    answer.headers().get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<usize>().ok());
                let word = GRPC_WORDS.get(code.unwrap_or(0)).copied().unwrap_or("unknown");
                self.end(word, matches!(word, "internal" | "unknown" | "data_loss" | "unavailable"));
            }
        }
        answer
    }

    fn end(&mut self, status: &str, failed: bool) {
        self.ended = true;
        let door = self.door.word();
        self.metrics.count(Metric::Requests, &[door, self.method, status]);
        self.metrics.took(Metric::RequestSeconds, &[door, self.method], self.at.elapsed());
        if let Some(trace) = &self.trace {
            trace.ended(status, failed);
        }
    }
}

impl Drop for Witness<'_> {
    /// A request that is dropped without an answer is one whose caller hung up.
    fn drop(&mut self) {
        if !self.ended {
            let status = match self.door {
                Door::Http(_) => "499",
                Door::Grpc(_) => "cancelled",
            };
            self.end(status, false);
        }
    }
}

//! The gRPC door: a few lines a method. Convert, ask the pipeline, convert. Limits, tokens and deadlines of a call are the
//! server's, so that no method can forget them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::v1;
use proto::v1::route_result::Result as Outcome;
use proto::v1::router_server::Router;
use tonic::{Request, Response, Status};

use crate::complete::{Parts, complete};
use crate::convert::{model_list, question, route_reply, verdict};
use crate::pipeline::{Arrival, Pipeline};
use crate::status::Rejection;

/// The calls of `pointsman.v1.Router`.
#[derive(Clone)]
pub(crate) struct Rpc {
    pipeline: Arc<Pipeline>,
}

impl Rpc {
    /// A door to this pipeline.
    pub(crate) fn new(pipeline: Arc<Pipeline>) -> Self {
        Self { pipeline }
    }
}

#[tonic::async_trait]
impl Router for Rpc {
    async fn route(&self, request: Request<v1::RouteRequest>) -> Result<Response<v1::RouteReply>, Status> {
        let arrival = arrival(&request);
        let question = question(request.get_ref(), &self.pipeline.limits);
        drop(request); // The text lives on in the prompt; the message is not needed while it waits.
        let answer = self.pipeline.route(question.map_err(|error| error.status())?, arrival).await;
        answer.map(|answer| Response::new(route_reply(&answer))).map_err(|error| error.status())
    }

    async fn route_batch(
        &self,
        request: Request<v1::RouteBatchRequest>,
    ) -> Result<Response<v1::RouteBatchReply>, Status> {
        let arrival = arrival(&request);
        let limits = &self.pipeline.limits;
        let requests = &request.get_ref().requests;
        batch_size(requests.len(), limits.max_batch_requests).map_err(|error| error.status())?;
        let questions = requests.iter().map(|request| question(request, limits)).collect();
        drop(request);
        let answers = self.pipeline.route_batch(questions, arrival).await.map_err(|error| error.status())?;
        let results = answers.iter().enumerate().map(|(place, answer)| v1::RouteResult {
            result: Some(match answer {
                Ok(answer) => Outcome::Reply(route_reply(answer)),
                Err(rejection) => Outcome::Error(rejection.in_batch(place)),
            }),
        });
        Ok(Response::new(v1::RouteBatchReply { results: results.collect() }))
    }

    type CompleteStream = Parts;

    async fn complete(&self, request: Request<v1::CompleteRequest>) -> Result<Response<Parts>, Status> {
        let arrival = arrival(&request);
        let parts = complete(&self.pipeline, request.into_inner(), arrival).await;
        parts.map(Response::new).map_err(|error| error.status())
    }

    async fn list_models(
        &self,
        _request: Request<v1::ListModelsRequest>,
    ) -> Result<Response<v1::ListModelsReply>, Status> {
        Ok(Response::new(model_list(&self.pipeline.snapshot(), &self.pipeline.unhealthy())))
    }

    async fn report_outcome(
        &self,
        request: Request<v1::ReportOutcomeRequest>,
    ) -> Result<Response<v1::ReportOutcomeReply>, Status> {
        let reported = verdict(request.get_ref()).and_then(|verdict| self.pipeline.report(&verdict));
        reported.map(|()| Response::new(v1::ReportOutcomeReply {})).map_err(|error| error.status())
    }
}

/// Refuses an empty batch and one over the limit.
pub(crate) fn batch_size(found: usize, most: usize) -> Result<(), Rejection> {
    match found {
        0 => Err(Rejection::field("requests", "expected at least one request, found none")),
        found if found > most => {
            let complaint = format!("expected at most {most} (limits.max_batch_requests), found {found}");
            Err(Rejection::field("requests", complaint))
        }
        _ => Ok(()),
    }
}

/// The server notes when a request came; its deadline is what the caller's header says from there.
fn arrival<T>(request: &Request<T>) -> Arrival {
    let at = request.extensions().get::<Instant>().copied().unwrap_or_else(Instant::now);
    let timeout = request.metadata().get("grpc-timeout").and_then(|value| grpc_timeout(value.to_str().ok()?));
    Arrival { at, deadline: timeout.and_then(|timeout| at.checked_add(timeout)) }
}

/// `100m` -> 100 ms: at most eight digits and a unit, as gRPC over HTTP/2 has it. What is malformed is no deadline.
pub(crate) fn grpc_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last().filter(char::is_ascii)?;
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(count * 3600)),
        'M' => Some(Duration::from_secs(count * 60)),
        'S' => Some(Duration::from_secs(count)),
        'm' => Some(Duration::from_millis(count)),
        'u' => Some(Duration::from_micros(count)),
        'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! The header that carries a deadline.

    use std::time::Duration;

    use super::grpc_timeout;

    #[test]
    fn a_deadline_is_read_in_every_unit() {
        let cases = [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("40m", 40), ("5000u", 5), ("6000000n", 6)];
        for (text, ms) in cases {
            assert_eq!(grpc_timeout(text), Some(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_deadline_is_none() {
        for text in ["", "m", "10", "-1m", "123456789m", "1 m", "1x", "1.5S", "é", "1é"] {
            assert_eq!(grpc_timeout(text), None, "{text}");
        }
    }
}

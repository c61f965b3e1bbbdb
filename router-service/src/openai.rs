//! OpenAI's paths: a call in, the chosen model's answer out, as OpenAI's clients expect it. What is ours beside it stands in headers,
//! and in the body only where it was asked for.

use std::sync::Arc;

use bytes::Bytes;
use decision::PicoUsd;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response};
use http_body_util::Full;
use serde_json::{Map, Value, json};

use crate::chat::Chat;
use crate::convert::route_reply;
use crate::json::ReplyJson;
use crate::pipeline::{Answer, Arrival, Pipeline};
use crate::relay::{Begun, Receipt, decide};
use crate::status::Rejection;

mod pumped;

use pumped::Pumped;

/// Names the decision behind an answer.
pub(crate) const DECISION_HEADER: HeaderName = HeaderName::from_static("x-pointsman-decision");
/// The same, where OpenAI's clients look for what to name in a complaint.
const REQUEST_HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Names the model that answered.
pub(crate) const MODEL_HEADER: HeaderName = HeaderName::from_static("x-pointsman-model");
/// Names the policy that chose.
pub(crate) const POLICY_HEADER: HeaderName = HeaderName::from_static("x-pointsman-policy");
/// Names the provider that answered.
pub(crate) const PROVIDER_HEADER: HeaderName = HeaderName::from_static("x-pointsman-provider");
/// What all attempts cost, in US dollars; of a stream it is told at its end.
pub(crate) const COST_HEADER: HeaderName = HeaderName::from_static("x-pointsman-cost-usd");
/// Where the tokens come from: the provider, or our own count.
pub(crate) const USAGE_HEADER: HeaderName = HeaderName::from_static("x-pointsman-usage");

/// An answer's body: whole, or as it comes.
pub(crate) type Body = tonic::body::Body;

/// Answers a call.
pub(crate) async fn complete(
    pipeline: &Arc<Pipeline>,
    parts: &Parts,
    body: &[u8],
    arrival: Arrival,
) -> Result<Response<Body>, Rejection> {
    let (chat, question) = Chat::read(body, &parts.headers, &pipeline.limits)?;
    let explain = chat.explain;
    let decided = decide(pipeline, chat, question, arrival).await?;
    let answer = Arc::clone(&decided.answer);
    match decided.begin().await {
        Err(rejection) => {
            let mut reply = rejection.reply();
            name_decision(reply.headers_mut(), &answer);
            if let Rejection::Upstream(unanswered) = &rejection {
                name(reply.headers_mut(), COST_HEADER, &usd(unanswered.cost));
            }
            Ok(reply.map(Body::new))
        }
        Ok(Begun::Whole(mut piece, receipt)) => {
            piece.fields.set("model", &receipt.model);
            if receipt.usage.estimated {
                piece.fields.set("usage", &receipt.usage.to_openai());
            }
            if explain {
                piece.fields.set("pointsman", &explained(&answer, Some(&receipt)));
            }
            let mut reply = Response::new(Body::new(Full::new(Bytes::from(piece.fields.to_json()))));
            let headers = reply.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            name_decision(headers, &answer);
            name(headers, MODEL_HEADER, &receipt.model);
            name(headers, PROVIDER_HEADER, &receipt.provider);
            name(headers, COST_HEADER, &usd(receipt.cost));
            name(headers, USAGE_HEADER, source(&receipt));
            Ok(reply)
        }
        Ok(Begun::Stream(relayed)) => {
            let (model, provider) = (relayed.model().to_owned(), relayed.provider().to_owned());
            let mut reply = Response::new(Body::new(Pumped::new(*relayed)));
            let headers = reply.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            // A proxy that collects a stream before it passes it on makes one long wait of it.
            headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
            name_decision(headers, &answer);
            name(headers, MODEL_HEADER, &model);
            name(headers, PROVIDER_HEADER, &provider);
            Ok(reply)
        }
    }
}

fn name_decision(headers: &mut HeaderMap, answer: &Answer) {
    let id = answer.id.to_string();
    name(headers, DECISION_HEADER, &id);
    name(headers, REQUEST_HEADER, &id);
    name(headers, MODEL_HEADER, answer.decision.model().as_str());
    name(headers, POLICY_HEADER, answer.decision.policy.as_str());
}

/// A name that fits no header is left out: it still stands in the body.
fn name(headers: &mut HeaderMap, header: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(header, value);
    }
}

fn usd(cost: PicoUsd) -> String {
    let text = format!("{:.12}", cost.usd());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Where the tokens of an answer come from.
pub(crate) fn source(receipt: &Receipt) -> &'static str {
    match (receipt.usage.doubtful, receipt.usage.estimated) {
        (true, _) => "doubtful",
        (false, true) => "estimated",
        (false, false) => "reported",
    }
}

/// What came of a call, for the field `pointsman` of an answer.
fn told(receipt: &Receipt) -> Map<String, Value> {
    let told = json!({
        "model": receipt.model,
        "provider": receipt.provider,
        "cost_usd": receipt.cost.usd(),
        "usage": source(receipt),
        "n_attempts": receipt.n_attempts,
    });
    match told {
        Value::Object(told) => told,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The same with the decision that led to it.
fn explained(answer: &Answer, receipt: Option<&Receipt>) -> Map<String, Value> {
    let mut explained = receipt.map(told).unwrap_or_default();
    let decision = serde_json::to_value(ReplyJson::from(route_reply(answer)));
    explained.insert("decision".to_owned(), decision.unwrap_or_default());
    explained
}

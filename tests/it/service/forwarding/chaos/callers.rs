//! Callers in the storm: of either door, streaming or not, by name or not, some with a deadline of their own, some that leave. Each says how
//! its call ended, and has made sure that it was told so in one way only.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use proto::v1;
use proto::v1::complete_reply::Part;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::super::{FOR_EVER, Running};
use super::super::{CHEAP, DEAR};
use super::text_of;

/// A caller.
pub(super) struct Caller {
    body: Value,
    door: Door,
    /// It waits no longer than this, and says nothing when it leaves.
    leaves_after: Option<Duration>,
}

#[derive(Clone, Copy)]
enum Door {
    Http,
    Grpc,
}

/// How a call ended, as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Answered,
    /// With this code, before or after the first word.
    Error(&'static str),
    Left,
}

impl How {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Error(code) => code,
            Self::Left => "left",
        }
    }
}

/// A call that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) how: How,
    pub(super) took: Duration,
    /// What the caller was told it costs.
    pub(super) cost_usd: f64,
}

/// Every code that a call may end with.
const CODES: [&str; 8] = [
    "upstream_refused",
    "context_length_exceeded",
    "not_found",
    "upstream_busy",
    "upstream_failed",
    "upstream_away",
    "upstream_late",
    "upstream_cut",
];

fn code(text: &str) -> How {
    let known = CODES.iter().find(|code| **code == text);
    How::Error(known.unwrap_or_else(|| panic!("`{text}` is no code")))
}

impl Caller {
    pub(super) fn of(draw: u64) -> Self {
        let model = ["auto", "auto", CHEAP, DEAR][usize::try_from(draw % 4).unwrap_or(0)];
        let text = format!("Which lever moves points {}?", (draw >> 8) % 64);
        let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": text }] });
        if (draw >> 16).is_multiple_of(2) {
            body["stream"] = json!(true);
            body["stream_options"] = json!({ "include_usage": (draw >> 17).is_multiple_of(2) });
        }
        let door = if (draw >> 20).is_multiple_of(4) { Door::Grpc } else { Door::Http };
        let leaves_after = (draw >> 24).is_multiple_of(16).then(|| Duration::from_millis((draw >> 32) % 60));
        Self { body, door, leaves_after }
    }

    pub(super) async fn call(&self, running: &Running) -> Ended {
        let since = Instant::now();
        let patience = self.leaves_after.unwrap_or(FOR_EVER);
        let called = async {
            match self.door {
                Door::Http => self.over_http(running).await,
                Door::Grpc => self.over_grpc(running).await,
            }
        };
        let (how, cost_usd) = match (timeout(patience, called).await, self.leaves_after) {
            (Ok(ended), _) => ended,
            (Err(_), Some(_)) => (How::Left, 0.0),
            (Err(_), None) => panic!("a call hangs: {}", self.body),
        };
        Ended { how, took: since.elapsed(), cost_usd }
    }

    async fn over_http(&self, running: &Running) -> (How, f64) {
        let stream = TcpStream::connect(running.http).await.expect("it listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let request = Request::post("/v1/chat/completions").header("host", "test");
        let request = request.body(Full::new(Bytes::from(self.body.to_string()))).expect("the parts are well formed");
        let answer = sender.send_request(request).await.expect("there is an answer");
        let (head, body) = answer.into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        let body = String::from_utf8(body.into()).expect("an answer is UTF-8");
        if head.status != StatusCode::OK {
            let body: Value = serde_json::from_str(&body).expect("an error is JSON");
            assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{body}");
            return (code(body["error"]["code"].as_str().unwrap_or_default()), 0.0);
        }
        let provider = header(&head.headers, "x-pointsman-provider").strip_prefix('p').and_then(|n| n.parse().ok());
        let provider = provider.expect("the provider is named");
        match self.body["stream"] == true {
            true => streamed(&body, provider),
            false => whole(&head.headers, &body, provider),
        }
    }

    async fn over_grpc(&self, running: &Running) -> (How, f64) {
        let request =
            v1::CompleteRequest { chat: self.body.to_string().into_bytes(), ..v1::CompleteRequest::default() };
        let mut parts = running.client().complete(request).await.expect("the call is decided").into_inner();
        let (mut n_parts, mut text, mut end, mut status) = (0, String::new(), None, None);
        loop {
            match parts.message().await {
                Ok(Some(reply)) => match reply.part.expect("a part is something") {
                    Part::Decision(_) => assert_eq!(n_parts, 0, "the decision comes first, and once"),
                    Part::Delta(delta) => text.push_str(&delta.text),
                    Part::End(told) => assert!(end.replace(told).is_none(), "it ends once"),
                },
                Ok(None) => break,
                Err(error) => {
                    status = Some(error);
                    break;
                }
            }
            n_parts += 1;
        }
        let end = end.expect("every call has an end");
        let how = match (end.how(), status) {
            (v1::CompletionEnd::Answered, None) => How::Answered,
            (v1::CompletionEnd::Cut | v1::CompletionEnd::Unanswered, Some(_)) => code(&end.error_code),
            (how, status) => panic!("{how:?} with {status:?}"),
        };
        if n_parts > 2 {
            let place = end.provider.strip_prefix('p').and_then(|place| place.parse().ok()).expect("it is named");
            said_by_one(&text, place, how);
        }
        (how, end.cost_usd)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_else(|| panic!("there is no {name}"))
}

/// Whoever began has said it all, or the beginning of it.
fn said_by_one(text: &str, provider: u64, how: How) {
    let expected = text_of(provider);
    match how {
        How::Answered => assert_eq!(text, expected),
        How::Error(_) | How::Left => assert!(expected.starts_with(text), "{text}"),
    }
}

fn whole(headers: &HeaderMap, body: &str, provider: u64) -> (How, f64) {
    let body: Value = serde_json::from_str(body).expect("an answer is JSON");
    said_by_one(body["choices"][0]["message"]["content"].as_str().unwrap_or_default(), provider, How::Answered);
    assert_eq!(body["choices"][0]["finish_reason"], "stop", "{body}");
    assert!(body["usage"]["completion_tokens"].as_u64() > Some(0), "{body}");
    (How::Answered, header(headers, "x-pointsman-cost-usd").parse().expect("a cost is a number"))
}

fn streamed(body: &str, provider: u64) -> (How, f64) {
    assert!(body.ends_with("\n\n"), "an event is whole: {body}");
    let events: Vec<&str> = body.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let n_done = events.iter().filter(|event| **event == "[DONE]").count();
    let chunks: Vec<Value> = events.iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    let errors: Vec<&Value> = chunks.iter().filter(|chunk| chunk["error"].is_object()).collect();
    let finishes: Vec<&str> = chunks.iter().filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str()).collect();
    let how = match (n_done, &errors[..]) {
        (1, []) => How::Answered,
        (0, [error]) => code(error["error"]["code"].as_str().unwrap_or_default()),
        _ => panic!("it ends in one way: {body}"),
    };
    // A finish that the provider told before it broke stays told; none is added that looks good.
    let good = matches!(how, How::Answered);
    assert!(finishes.len() <= 1 && (!good || finishes == ["stop"]), "{finishes:?}");
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    said_by_one(&text, provider, how);
    let cost = chunks.iter().find_map(|chunk| chunk["pointsman"]["cost_usd"].as_f64());
    (how, cost.unwrap_or(0.0))
}

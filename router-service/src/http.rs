//! The HTTP door: a few lines a path. Convert, ask the pipeline, convert. Which paths there are is one list, which the OpenAPI
//! document is held against.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use serde_json::json;

use crate::auto::autos;
use crate::convert::{model_list, route_reply, verdict};
use crate::json::{BatchJson, ModelsJson, OutcomeJson, ReplyJson, RouteJson, read, read_value};
use crate::openai;
use crate::pipeline::{Arrival, Pipeline};
use crate::reload::Trigger;
use crate::rpc::batch_size;
use crate::server::Phase;
use crate::status::Rejection;

/// How a caller over HTTP says when it stops waiting.
pub const TIMEOUT_HEADER: HeaderName = HeaderName::from_static("x-request-timeout-ms");

/// What the door offers, served as it stands at `/openapi.json`.
pub const OPENAPI: &str = include_str!("openapi.json");

/// Where OpenAI's clients send their calls.
pub(crate) const CHAT_COMPLETIONS: &str = "/v1/chat/completions";

/// One model; names may hold slashes, as they stand or spelled out.
const MODEL: &str = "/v1/models/{id}";

/// The paths, each with its method, who may call it, and its word in metrics.
pub const PATHS: &[(&str, &str, Access, &str)] = &[
    ("POST", CHAT_COMPLETIONS, Access::Caller, "chat_completions"),
    ("POST", "/v1/route", Access::Caller, "route"),
    ("POST", "/v1/route/batch", Access::Caller, "route_batch"),
    ("POST", "/v1/outcomes", Access::Caller, "report_outcome"),
    ("GET", "/v1/models", Access::Caller, "list_models"),
    ("GET", MODEL, Access::Caller, "list_models"),
    ("POST", "/v1/admin/reload", Access::Admin, "reload"),
    ("GET", "/healthz", Access::Anybody, "healthz"),
    ("GET", "/readyz", Access::Anybody, "readyz"),
    ("GET", "/metrics", Access::Anybody, "metrics"),
    ("GET", "/openapi.json", Access::Anybody, "openapi"),
];

/// Who may call a path where callers are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Probes and scrapers, too.
    Anybody,
    /// A listed caller.
    Caller,
    /// A listed caller that is an admin.
    Admin,
}

/// The HTTP door.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) phase: tokio::sync::watch::Receiver<Phase>,
}

type Reply = Response<Full<Bytes>>;

impl Http {
    /// Answers one request; never fails, since a failure is an answer.
    pub(crate) async fn answer<B>(&self, request: Request<B>, at: Instant) -> Response<openai::Body>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let answered = match parts.uri.path() {
            CHAT_COMPLETIONS => self.chat(&parts, body, at).await,
            _ => self.answered(&parts, body, at).await.map(|reply| reply.map(openai::Body::new)),
        };
        answered.unwrap_or_else(|rejection| rejection.reply().map(openai::Body::new))
    }

    async fn chat<B>(&self, parts: &Parts, body: B, at: Instant) -> Result<Response<openai::Body>, Rejection>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        access_of(&parts.method, parts.uri.path())?;
        let arrival = Arrival { at, deadline: deadline(&parts.headers, at)? };
        openai::complete(&self.pipeline, parts, &self.read(parts, body).await?, arrival).await
    }

    async fn answered<B>(&self, parts: &Parts, body: B, at: Instant) -> Result<Reply, Rejection>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = parts.uri.path();
        access_of(&parts.method, path)?;
        let arrival = Arrival { at, deadline: deadline(&parts.headers, at)? };
        match path {
            "/v1/route" => self.route(&self.read(parts, body).await?, arrival).await,
            "/v1/route/batch" => self.route_batch(&self.read(parts, body).await?, arrival).await,
            "/v1/outcomes" => self.outcomes(&self.read(parts, body).await?),
            "/v1/models" => Ok(json_reply(&self.models())),
            "/v1/admin/reload" => self.reload().await,
            "/healthz" => Ok(json_reply(&json!({ "status": "alive" }))),
            "/readyz" => Ok(self.ready()),
            "/metrics" => Ok(text_reply(crate::metrics::CONTENT_TYPE, self.pipeline.metrics_text())),
            "/openapi.json" => Ok(text_reply("application/json", OPENAPI.to_owned())),
            _ => self.model(path),
        }
    }

    fn models(&self) -> ModelsJson {
        let snapshot = self.pipeline.snapshot();
        let models = ModelsJson::from(model_list(&snapshot, &self.pipeline.unhealthy()));
        models.with_autos(autos(&snapshot, &self.pipeline.forwarder))
    }

    fn model(&self, path: &str) -> Result<Reply, Rejection> {
        let id = id_in(path).and_then(spelled_out);
        let found = id.and_then(|id| self.models().one(&id));
        let nobody =
            || Rejection::NotFound { field: "id".into(), complaint: "no such model; see /v1/models".to_owned() };
        found.map(|entry| json_reply(&entry)).ok_or_else(nobody)
    }

    async fn route(&self, body: &[u8], arrival: Arrival) -> Result<Reply, Rejection> {
        let question = read::<RouteJson>(body)?.question(&self.pipeline.limits)?;
        let answer = self.pipeline.route(question, arrival).await?;
        Ok(json_reply(&ReplyJson::from(route_reply(&answer))))
    }

    async fn route_batch(&self, body: &[u8], arrival: Arrival) -> Result<Reply, Rejection> {
        let BatchJson { requests } = read(body)?;
        let limits = &self.pipeline.limits;
        batch_size(requests.len(), limits.max_batch_requests)?;
        let one = |request| read_value::<RouteJson>(request)?.question(limits);
        let questions = requests.into_iter().map(one).collect();
        let answers = self.pipeline.route_batch(questions, arrival).await?;
        let results = answers.iter().enumerate().map(|(place, answer)| ResultJson::of(place, answer));
        let results: Vec<ResultJson> = results.collect();
        Ok(json_reply(&json!({ "results": results })))
    }

    fn outcomes(&self, body: &[u8]) -> Result<Reply, Rejection> {
        let verdict = verdict(&read::<OutcomeJson>(body)?.into_wire())?;
        self.pipeline.report(&verdict)?;
        Ok(json_reply(&json!({})))
    }

    async fn reload(&self) -> Result<Reply, Rejection> {
        let pipeline = Arc::clone(&self.pipeline);
        let reloaded = tokio::task::spawn_blocking(move || pipeline.reload(Trigger::Admin)).await;
        match reloaded {
            Ok(Ok(())) => {
                let snapshot = self.pipeline.snapshot();
                Ok(json_reply(&json!({ "snapshot": snapshot.number, "artifact": &*snapshot.artifact })))
            }
            Ok(Err(fault)) => Err(Rejection::Refused { complaint: format!("what was in use stays: {fault}") }),
            Err(_) => Err(Rejection::Broken { complaint: "the reload broke down; what was in use stays".to_owned() }),
        }
    }

    /// Ready also with a reload that failed: what is in use is good, and the reason stands beside.
    fn ready(&self) -> Reply {
        let phase = *self.phase.borrow();
        let snapshot = self.pipeline.snapshot();
        let mut reply = json_reply(&json!({
            "ready": phase == Phase::Serving,
            "phase": phase.word(),
            "snapshot": snapshot.number,
            "artifact": &*snapshot.artifact,
            "models": snapshot.catalog.models().len(),
            "reload_fault": self.pipeline.reload_fault(),
            "promises": self.pipeline.promises(),
        }));
        if phase != Phase::Serving {
            *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        reply
    }

    async fn read<B>(&self, parts: &Parts, body: B) -> Result<Vec<u8>, Rejection>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let most = self.pipeline.limits.max_body_bytes;
        is_json(&parts.headers)?;
        let raw = whole(body, most).await?;
        match parts.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Ok(raw.into()),
            Some(b"gzip") => unzipped(&raw, most),
            Some(_) => {
                Err(Rejection::MediaType { complaint: "expected a body in gzip or without encoding".to_owned() })
            }
        }
    }
}

/// Who may call this, or why nobody may.
pub(crate) fn access_of(method: &Method, path: &str) -> Result<Access, Rejection> {
    // A HEAD is a GET whose body nobody wants; hyper leaves it out.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let known = PATHS.iter().find(|(_, known, _, _)| is_meant(known, path));
    match known {
        None => Err(Rejection::NotFound { field: "".into(), complaint: "no such path; see /openapi.json".to_owned() }),
        Some((allow, _, access, _)) if *allow == method => Ok(*access),
        Some((allow, _, _, _)) => Err(Rejection::Method { allow }),
    }
}

/// The word of a path in metrics.
pub(crate) fn method_of(path: &str) -> &'static str {
    PATHS.iter().find(|(_, known, _, _)| is_meant(known, path)).map_or("other", |(_, _, _, word)| word)
}

fn is_meant(known: &str, path: &str) -> bool {
    known == path || (known == MODEL && id_in(path).is_some())
}

/// The name in the path of one model.
fn id_in(path: &str) -> Option<&str> {
    path.strip_prefix(MODEL.trim_end_matches("{id}")).filter(|id| !id.is_empty())
}

/// `auto%3Afast` -> `auto:fast`
fn spelled_out(id: &str) -> Option<String> {
    let mut parts = id.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn deadline(headers: &HeaderMap, at: Instant) -> Result<Option<Instant>, Rejection> {
    let Some(value) = headers.get(TIMEOUT_HEADER) else { return Ok(None) };
    let ms = value.to_str().ok().and_then(|text| text.parse::<u32>().ok()).filter(|ms| *ms > 0);
    let Some(ms) = ms else {
        return Err(Rejection::field(TIMEOUT_HEADER.as_str(), "expected a whole number of milliseconds from 1"));
    };
    Ok(at.checked_add(Duration::from_millis(u64::from(ms))))
}

fn is_json(headers: &HeaderMap) -> Result<(), Rejection> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    // `curl -d` says it sends a form, and means JSON.
    if kind == "application/json" || kind.ends_with("+json") || kind == "application/x-www-form-urlencoded" {
        return Ok(());
    }
    Err(Rejection::MediaType { complaint: "expected content-type application/json".to_owned() })
}

async fn whole<B>(mut body: B, most: usize) -> Result<BytesMut, Rejection>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(Rejection::TooLarge { most });
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let error: Box<dyn std::error::Error + Send + Sync> = error.into();
            match error.downcast::<Rejection>() {
                Ok(rejection) => *rejection,
                Err(_) => Rejection::Unreadable { complaint: "the body ended before its end".to_owned() },
            }
        })?;
        if let Ok(part) = frame.into_data() {
            if bytes.len() + part.len() > most {
                return Err(Rejection::TooLarge { most });
            }
            bytes.extend_from_slice(&part);
        }
    }
    Ok(bytes)
}

fn unzipped(raw: &[u8], most: usize) -> Result<Vec<u8>, Rejection> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = flate2::read::GzDecoder::new(raw).take(limit).read_to_end(&mut bytes);
    match read {
        Err(_) => Err(Rejection::Unreadable { complaint: "expected a body in gzip, found none".to_owned() }),
        Ok(_) if bytes.len() > most => Err(Rejection::TooLarge { most }),
        Ok(_) => Ok(bytes),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ResultJson {
    Reply(Box<ReplyJson>),
    Error { code: &'static str, field: String, message: String },
}

impl ResultJson {
    fn of(place: usize, answer: &Result<crate::pipeline::Answer, Rejection>) -> Self {
        match answer {
            Ok(answer) => Self::Reply(Box::new(ReplyJson::from(route_reply(answer)))),
            Err(rejection) => {
                let (code, _, _) = rejection.codes();
                let proto::v1::Error { field, message, .. } = rejection.in_batch(place);
                Self::Error { code, field, message }
            }
        }
    }
}

fn json_reply<T: Serialize>(body: &T) -> Reply {
    let mut text = Vec::with_capacity(USUAL_REPLY_BYTES);
    serde_json::to_writer(&mut text, body).expect("strings, numbers and lists of them have a JSON form");
    text_reply("application/json", text)
}

/// Room for a decision among a few dozen models, so that the text of most replies is not moved as it grows.
const USUAL_REPLY_BYTES: usize = 8 * 1024;

fn text_reply(kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

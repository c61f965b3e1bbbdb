//! A scripted upstream: a provider on a port of this machine that answers in OpenAI's or Anthropic's shape, by the path it is
//! called at, or fails in the way its script says. What a newcomer would get wrong: it fakes the world only. Nothing of ours is in it,
//! so that a mistake in our converters cannot hide behind the same mistake here.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::JoinSet;

mod anthropic;
mod line;
mod openai;
mod play;

use line::{Line, Scissors};
use play::{Played, Step};

/// Calls that are kept to be looked at; all are counted. A load test makes many.
pub const MAX_KEPT_CALLS: usize = 1_000;

/// What the upstream does with one call.
#[derive(Clone, Debug)]
pub enum Turn {
    /// Answers, streaming where that was asked for.
    Answer(Answer),
    /// As that, with so much time before each piece.
    Trickle(Answer, Duration),
    /// As that, each byte a piece of its own.
    Split(Answer),
    /// Resets the connection when it has read the call.
    ResetBeforeHeaders,
    /// Resets it after the headers.
    ResetAfterHeaders,
    /// Resets it after half of the answer.
    ResetInside(Answer),
    /// Says nothing until the caller has hung up.
    StallBeforeHeaders,
    /// Says no more after half of the answer.
    StallInside(Answer),
    /// Ends cleanly after half of the answer: a stream without its last events, a body that is half a document.
    EndInside(Answer),
    /// Answers with an error.
    Refuse(Refusal),
    /// Answers with this body and type, whatever was asked for.
    Odd {
        /// Its `content-type`.
        content_type: &'static str,
        /// Its bytes.
        body: Vec<u8>,
    },
}

impl Turn {
    /// A body that is not JSON where JSON belongs.
    pub fn garbage_json() -> Self {
        Self::Odd { content_type: "application/json", body: b"}{ no JSON".to_vec() }
    }

    /// A page where an answer belongs, as a proxy shows one.
    pub fn wrong_content_type() -> Self {
        Self::Odd { content_type: "text/html", body: b"<html><body>Welcome</body></html>".to_vec() }
    }

    /// A stream whose events are none: a line that is no UTF-8 among them.
    pub fn malformed_stream() -> Self {
        let body = b"data: {\"choices\": [\n\nevent: message_start\ndata: \xff\xfe\n\nnonsense\n\n".to_vec();
        Self::Odd { content_type: "text/event-stream", body }
    }
}

/// What it answers with.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The text; streamed word by word.
    pub text: String,
    /// What is called: id, name and arguments.
    pub calls: Vec<(String, String, String)>,
    /// Thinking and its signature, in Anthropic's shape.
    pub thinking: Option<(String, String)>,
    /// The tokens it tells, or lies.
    pub told: Told,
}

impl Answer {
    /// This text, for these tokens.
    pub fn text(text: &str, prompt_tokens: u64, completion_tokens: u64) -> Self {
        let told = Told::Counts { prompt: prompt_tokens, cached: 0, cache_write: 0, completion: completion_tokens };
        Self { text: text.to_owned(), calls: Vec::new(), thinking: None, told }
    }

    fn pieces(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }
}

/// What it tells of tokens.
#[derive(Clone, Debug)]
pub enum Told {
    /// These; the prompt's hold the cached ones and those written to the cache, as OpenAI counts.
    Counts {
        /// All of the prompt.
        prompt: u64,
        /// Those of them that were cached.
        cached: u64,
        /// Those of them that were written to the cache.
        cache_write: u64,
        /// All of the answer.
        completion: u64,
    },
    /// Nothing.
    Nothing,
    /// This in place of every count.
    Lie(Value),
}

/// An error it answers with.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The error's type, and its code in OpenAI's shape.
    pub kind: String,
    /// Its message. `{key}` in it is replaced by the key the caller sent, as careless upstreams do.
    pub message: String,
    /// The `retry-after` header.
    pub retry_after: Option<String>,
}

impl Refusal {
    /// An error with this status and type.
    pub fn new(status: u16, kind: &str) -> Self {
        Self { status, kind: kind.to_owned(), message: format!("scripted: {kind}"), retry_after: None }
    }
}

/// A call as it came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// How many came before it.
    pub ordinal: u64,
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null where that was not JSON.
    pub body: Value,
    /// When it was whole.
    pub at: Instant,
}

impl Call {
    /// Whether a stream was asked for.
    pub fn streams(&self) -> bool {
        self.body["stream"] == true
    }

    fn is_anthropic(&self) -> bool {
        self.path.ends_with("/messages")
    }

    fn key(&self) -> &str {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        header("x-api-key").or_else(|| header("authorization")?.strip_prefix("Bearer ")).unwrap_or_default()
    }
}

/// What has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections taken.
    pub connections: u64,
    /// Calls read.
    pub calls: u64,
    /// Calls whose script was played to its end.
    pub played: u64,
    /// Calls that the caller hung up on before that.
    pub cancelled: u64,
}

#[derive(Default)]
struct Seen {
    counts: Counts,
    calls: VecDeque<Call>,
    cancelled_at: Vec<Instant>,
}

/// What has been seen, and who waits for it to change.
#[derive(Default)]
struct Record {
    seen: Mutex<Seen>,
    changed: Notify,
}

impl Record {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut self.seen());
        self.changed.notify_waiters();
    }
}

/// Files how a call ended when it is dropped.
struct Witness {
    record: Arc<Record>,
    played: bool,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let (played, now) = (self.played, Instant::now());
        self.record.count(|seen| {
            if played {
                seen.counts.played += 1;
            } else {
                seen.counts.cancelled += 1;
                seen.cancelled_at.push(now);
            }
        });
    }
}

type Script = dyn Fn(&Call) -> Turn + Send + Sync;

/// A scripted upstream under way; it ends when it is dropped.
pub struct Scripted {
    address: SocketAddr,
    record: Arc<Record>,
    _listening: JoinSet<()>,
}

impl Scripted {
    /// Listens on a free port of this machine and does with each call what the script says.
    pub async fn start(script: impl Fn(&Call) -> Turn + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let record = Arc::new(Record::default());
        let script: Arc<Script> = Arc::new(script);
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, Arc::clone(&record), script));
        Ok(Self { address, record, _listening: listening })
    }

    /// Does the same with every call.
    pub async fn always(turn: Turn) -> io::Result<Self> {
        Self::start(move |_| turn.clone()).await
    }

    /// Does one after the other, and then the last one again and again.
    pub async fn in_turn(turns: Vec<Turn>) -> io::Result<Self> {
        let last = turns.len().checked_sub(1).ok_or_else(|| io::Error::other("a script has at least one turn"))?;
        Self::start(move |call| turns[usize::try_from(call.ordinal).map_or(last, |ordinal| ordinal.min(last))].clone())
            .await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What an operator would configure: `http://127.0.0.1:4321/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.record.seen().counts.clone()
    }

    /// The last [`MAX_KEPT_CALLS`] calls.
    pub fn calls(&self) -> Vec<Call> {
        self.record.seen().calls.iter().cloned().collect()
    }

    /// Waits until what has happened is this.
    pub async fn until(&self, holds: impl Fn(&Counts) -> bool) {
        loop {
            let changed = self.record.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.record.seen().counts) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until callers have hung up on this many calls, and says when it noticed the last of those.
    pub async fn cancelled(&self, n_calls: u64) -> Instant {
        self.until(|counts| counts.cancelled >= n_calls).await;
        let seen = self.record.seen();
        let last = usize::try_from(n_calls).ok().and_then(|n_calls| n_calls.checked_sub(1));
        last.and_then(|last| seen.cancelled_at.get(last).copied()).unwrap_or_else(Instant::now)
    }
}

/// A port where nobody listens: whoever connects is refused, for as long as this is held.
pub struct Closed {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Closed {
    /// Takes a free port.
    pub fn take() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// The port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn listen(listener: TcpListener, record: Arc<Record>, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                record.count(|seen| seen.counts.connections += 1);
                let scissors = Scissors::default();
                let line = Line::new(stream, scissors.clone());
                let (record, script) = (Arc::clone(&record), Arc::clone(&script));
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&record), Arc::clone(&script), scissors.clone()));
                    // However it ends: callers hang up, and scripts cut.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(line), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// The connection is to be reset.
#[derive(Debug, thiserror::Error)]
#[error("the script says so")]
struct Reset;

async fn answer(
    request: Request<Incoming>,
    record: Arc<Record>,
    script: Arc<Script>,
    scissors: Scissors,
) -> Result<Response<Played>, Reset> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
    let mut call = Call {
        ordinal: 0,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        at: Instant::now(),
    };
    record.count(|seen| {
        call.ordinal = seen.counts.calls;
        seen.counts.calls += 1;
        if seen.calls.len() == MAX_KEPT_CALLS {
            seen.calls.pop_front();
        }
        seen.calls.push_back(call.clone());
    });
    let mut witness = Witness { record, played: false };
    if !call.is_anthropic() && !call.path.ends_with("/chat/completions") {
        let steps = vec![Step::Piece("not found".into()), Step::End];
        return Ok(response(404, "text/plain", Played::new(steps, witness, scissors)));
    }
    let turn = script(&call);
    if matches!(turn, Turn::ResetBeforeHeaders) {
        witness.played = true;
        scissors.cut();
        return Err(Reset);
    }
    if matches!(turn, Turn::StallBeforeHeaders) {
        match std::future::pending::<Infallible>().await {}
    }
    let (status, content_type, retry_after, steps) = played(&turn, &call);
    let mut response = response(status, content_type, Played::new(steps, witness, scissors));
    if let Some(retry_after) = retry_after.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert("retry-after", retry_after);
    }
    Ok(response)
}

fn response(status: u16, content_type: &'static str, body: Played) -> Response<Played> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
    response
}

/// Status, type, `retry-after`, and what is done after the headers.
fn played(turn: &Turn, call: &Call) -> (u16, &'static str, Option<String>, Vec<Step>) {
    let content_type = if call.streams() { "text/event-stream" } else { "application/json" };
    let whole = |answer: &Answer| -> Vec<Vec<u8>> {
        match (call.is_anthropic(), call.streams()) {
            (true, true) => anthropic::events(answer, call),
            (true, false) => vec![anthropic::message(answer, call).to_string().into_bytes()],
            (false, true) => openai::events(answer, call),
            (false, false) => vec![openai::completion(answer, call).to_string().into_bytes()],
        }
    };
    let steps = match turn {
        Turn::Answer(answer) => play::pieces(whole(answer), &Step::Pause, Step::End),
        Turn::Trickle(answer, gap) => play::pieces(whole(answer), &Step::Wait(*gap), Step::End),
        Turn::Split(answer) => play::pieces(play::bytes(&whole(answer)), &Step::Pause, Step::End),
        Turn::ResetInside(answer) => play::pieces(play::half(whole(answer)), &Step::Pause, Step::Reset),
        Turn::StallInside(answer) => play::pieces(play::half(whole(answer)), &Step::Pause, Step::Stall),
        Turn::EndInside(answer) => play::pieces(play::half(whole(answer)), &Step::Pause, Step::End),
        Turn::ResetAfterHeaders => vec![Step::Pause, Step::Reset],
        Turn::Refuse(refusal) => {
            let message = refusal.message.replace("{key}", call.key());
            let body = if call.is_anthropic() {
                anthropic::error(&refusal.kind, &message)
            } else {
                openai::error(&refusal.kind, &message)
            };
            let steps = play::pieces(vec![body.to_string().into_bytes()], &Step::Pause, Step::End);
            return (refusal.status, "application/json", refusal.retry_after.clone(), steps);
        }
        Turn::Odd { content_type, body } => {
            return (200, content_type, None, play::pieces(vec![body.clone()], &Step::Pause, Step::End));
        }
        // These never come this far.
        Turn::ResetBeforeHeaders | Turn::StallBeforeHeaders => vec![Step::Reset],
    };
    (200, content_type, None, steps)
}

#[cfg(test)]
mod tests;

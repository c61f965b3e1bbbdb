//! One call to one provider: what is sent, how long is waited, and what came back instead of an answer. Whoever drops it hangs up:
//! the connection is closed under a call that nobody waits for.

use std::error::Error;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use super::anthropic::{self, Chunks};
use super::connect::ConnectError;
use super::echo::Echo;
use super::failure::{self, Kind, Meaning, Refused, retry_after_ms};
use super::fleet::Destination;
use super::halves;
use super::openai::{self, Garbled, Piece, Read};
use super::stream::Stream;
use super::usage::Usage;
use super::{Failed, MAX_ERROR_BYTES};
use crate::chat::Chat;
use crate::config::{ProviderKind, ProviderRule};
use crate::secret::Secret;
use crate::status::UpstreamEnd;

/// How long the body of an error may take: its status has said most of it.
const ERROR_PATIENCE: Duration = Duration::from_secs(2);

/// The path of Anthropic's call below the base address.
const ANTHROPIC_PATH: &str = "/messages";

/// The version of Anthropic's interface that is spoken, where the provider's headers name no other.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// What a call opened.
pub(crate) enum Opened {
    /// The whole answer.
    Whole(Box<Piece>),
    /// A stream, and the first of its chunks that says something, with those before it.
    Stream(Box<Stream>, Vec<Piece>),
}

/// Frames of a stream that are held back until there is something in one: so long may another provider still take over.
pub(crate) const MAX_HELD_BACK: usize = 16;

/// What is called, and for whom.
pub(crate) struct Outgoing<'a> {
    pub(crate) chat: &'a Chat,
    pub(crate) destination: &'a Destination,
    pub(crate) echo: Echo<'a>,
    pub(crate) max_reply_bytes: usize,
    /// The most tokens the model writes, for providers that must be told.
    pub(crate) max_completion: u64,
}

impl Outgoing<'_> {
    /// Opens the call.
    pub(crate) async fn open(&self) -> Result<Opened, Failed> {
        let rule = &self.destination.provider.rule;
        let (chat, patience) = (self.chat, rule.patience);
        match rule.kind {
            ProviderKind::Echo if chat.stream => self.begun(Stream::ready(self.echo.chunks(chat))).await,
            ProviderKind::Echo => Ok(Opened::Whole(self.echo.reply(chat))),
            ProviderKind::Openai => {
                let body = openai::request(chat, &self.destination.upstream, rule.stream_usage);
                let response = self.answered(openai::PATH, body).await?;
                if chat.stream {
                    is_event_stream(response.headers())?;
                    let begun = self.begun(Stream::openai(response.into_body(), self.secrets()));
                    return in_time(patience.first_token, "a first token", begun).await;
                }
                in_time(patience.reply, "the whole reply", self.whole(response)).await
            }
            ProviderKind::Anthropic => {
                let body = anthropic::request(&chat.values(), &self.destination.upstream, self.max_completion)
                    .map_err(|error| untold(&error))?;
                let response = self.answered(ANTHROPIC_PATH, body.to_string()).await?;
                if chat.stream {
                    is_event_stream(response.headers())?;
                    let chunks = Chunks::new(&self.id(), self.echo.model, self.echo.created, false);
                    let begun = self.begun(Stream::anthropic(response.into_body(), chunks, self.secrets()));
                    return in_time(patience.first_token, "a first token", begun).await;
                }
                in_time(patience.reply, "the whole reply", self.whole(response)).await
            }
        }
    }

    /// The response, once its status says that there is an answer in it.
    async fn answered(&self, path: &str, body: String) -> Result<Response<Incoming>, Failed> {
        let provider = &self.destination.provider;
        let rule = &provider.rule;
        let (Some(client), Some(url)) = (&provider.client, &rule.base_url) else {
            return Err(Failed::unreached("the provider is nowhere"));
        };
        let uri = url.at(path).map_err(|_| Failed::unreached("the address of the provider cannot be called"))?;
        let request = request(rule, uri, body).ok_or_else(|| Failed::unreached("a header cannot be sent"))?;
        let patience = rule.patience.to_speak(self.chat.stream);
        let sent = async { client.request(request).await.map_err(|error| unanswered(&error)) };
        let response = in_time(patience, "an answer", sent).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    /// What a status that is no success means, with the body that comes in time.
    async fn refused(&self, response: Response<Incoming>) -> Failed {
        let (head, body) = response.into_parts();
        let read = timeout(ERROR_PATIENCE, Limited::new(body, MAX_ERROR_BYTES).collect()).await;
        let bytes = read.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let body = halves::read(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        let said = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let retry_after_ms = retry_after_ms(said("retry-after-ms"), said("retry-after"), unix_seconds());
        let secrets = self.secrets();
        let refused = Refused { status: head.status.as_u16(), body: &body, retry_after_ms, secrets: &secrets };
        let meaning = match self.destination.provider.rule.kind {
            ProviderKind::Anthropic => failure::of_anthropic(&refused),
            ProviderKind::Openai | ProviderKind::Echo => failure::of_openai(&refused),
        };
        // Only a limit is one for everybody. A wait that comes with another refusal is for whoever calls here again.
        let limited = matches!(meaning.kind, Kind::RateLimited | Kind::Overloaded);
        let rest = retry_after_ms.filter(|_| limited).map(Duration::from_millis);
        Failed { rest, field: field_of(&body), ..Failed::meaning(&meaning) }
    }

    async fn whole(&self, response: Response<Incoming>) -> Result<Opened, Failed> {
        let body = Limited::new(response.into_body(), self.max_reply_bytes).collect().await;
        let body =
            body.map_err(|_| Failed::lost("the reply broke off, or is longer than forwarding.max_reply_bytes"))?;
        let (text, usage) = match self.destination.provider.rule.kind {
            ProviderKind::Openai | ProviderKind::Echo => (body.to_bytes(), None),
            ProviderKind::Anthropic => self.converted(&body.to_bytes())?,
        };
        match openai::read(&text) {
            Ok(Read::Piece(mut piece)) if !piece.choices.is_empty() => {
                piece.usage = usage.or(piece.usage);
                Ok(Opened::Whole(piece))
            }
            Ok(Read::Piece(_)) => Err(Failed::lost("the reply holds no answer")),
            Ok(Read::Complaint(error)) => Err(Failed::in_answer(&error, &self.secrets())),
            Err(Garbled(complaint)) => Err(Failed::lost(complaint)),
        }
    }

    /// A message of Anthropic's as a completion.
    fn converted(&self, body: &[u8]) -> Result<(Bytes, Option<Usage>), Failed> {
        let message: Value = halves::read(body).map_err(|_| Failed::lost("expected JSON"))?;
        let converted = anthropic::reply(&message, &self.id(), self.echo.model, self.echo.created);
        let (completion, usage) = converted.map_err(|garbled| Failed::unread(&garbled, &self.secrets()))?;
        Ok((Bytes::from(completion.to_string()), usage))
    }

    fn id(&self) -> String {
        format!("chatcmpl-{}", self.echo.id)
    }

    /// Reads a stream up to the first chunk that says something.
    async fn begun(&self, mut stream: Stream) -> Result<Opened, Failed> {
        let mut first = Vec::new();
        while let Some(piece) = stream.next().await? {
            let speaks = piece.speaks;
            first.push(piece);
            if speaks || first.len() >= MAX_HELD_BACK {
                return Ok(Opened::Stream(Box::new(stream), first));
            }
        }
        Err(Failed::lost("the stream ended before it began"))
    }

    fn secrets(&self) -> Vec<Secret> {
        let rule = &self.destination.provider.rule;
        rule.key.iter().cloned().chain(rule.secret_headers.iter().map(|(_, secret)| secret.clone())).collect()
    }
}

/// Why a call cannot be said in Anthropic's language, if it cannot: the same wherever that is spoken, so that no name and no limit of a
/// model is needed to find out.
pub(crate) fn unsayable(chat: &Chat) -> Option<Failed> {
    anthropic::request(&chat.values(), "", 1).err().map(|error| untold(&error))
}

fn untold(error: &anthropic::Unconvertible) -> Failed {
    Failed::unsayable(error.field.clone(), error.to_string())
}

/// The request with everything that its provider wants beside the body.
fn request(rule: &ProviderRule, uri: Uri, body: String) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::post(uri).body(Full::new(Bytes::from(body))).ok()?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Without a word any coding would do, and none is understood.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in &rule.headers {
        headers.append(name, HeaderValue::from_str(value).ok()?);
    }
    for (name, secret) in &rule.secret_headers {
        headers.append(name, hidden(secret.expose())?);
    }
    if rule.kind == ProviderKind::Anthropic && !headers.contains_key("anthropic-version") {
        headers.insert("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
    }
    if let Some(key) = &rule.key {
        let (name, value) = match rule.kind {
            ProviderKind::Anthropic => (HeaderName::from_static("x-api-key"), hidden(key.expose())?),
            ProviderKind::Openai | ProviderKind::Echo => (AUTHORIZATION, hidden(&format!("Bearer {}", key.expose()))?),
        };
        headers.insert(name, value);
    }
    Some(request)
}

fn hidden(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn is_event_stream(headers: &HeaderMap) -> Result<(), Failed> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_ascii_lowercase();
    match kind.split(';').next().map(str::trim) {
        Some("text/event-stream") => Ok(()),
        Some(_) | None => Err(Failed::lost("expected a stream of events, found another kind of content")),
    }
}

async fn in_time<T>(
    patience: Duration,
    what: &str,
    call: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    let late = || Failed::late(format!("expected {what} within {} ms", patience.as_millis()));
    timeout(patience, call).await.unwrap_or_else(|_| Err(late()))
}

/// The text of the error names addresses and not what was sent, but a caller is told its kind alone.
fn unanswered(error: &hyper_util::client::legacy::Error) -> Failed {
    if error.is_connect() {
        let cause = error.source().and_then(|source| source.downcast_ref::<ConnectError>()).map(ToString::to_string);
        return Failed { cause, ..Failed::unreached("no connection to the provider") };
    }
    Failed::lost("the connection broke off before the answer")
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The field that a complaint in OpenAI's shape names, if it looks like one.
fn field_of(body: &Value) -> String {
    let param = body["error"]["param"].as_str().unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._[]-".contains(letter);
    if param.len() <= 80 && param.chars().all(plain) { param.to_owned() } else { String::new() }
}

impl Failed {
    /// Whether only whoever runs the service can help: keys, credit and names are in the configuration.
    pub(crate) fn is_the_operator_s(&self) -> bool {
        let theirs = [Kind::OutOfCredit, Kind::Unauthorized, Kind::NoSuchModel];
        self.end == UpstreamEnd::Failed && theirs.iter().any(|kind| kind.word() == self.complaint)
    }

    /// What a provider's refusal means. Its own words are told where the caller is at fault, and nowhere else.
    pub(crate) fn meaning(meaning: &Meaning) -> Self {
        let end = match meaning.kind {
            Kind::TooLong => UpstreamEnd::TooLong,
            Kind::Invalid | Kind::TooMuchOutput => UpstreamEnd::Refused,
            Kind::RateLimited | Kind::Overloaded => UpstreamEnd::Busy,
            Kind::OutOfCredit | Kind::Unauthorized | Kind::NoSuchModel | Kind::Broken => UpstreamEnd::Failed,
        };
        let complaint = match end {
            UpstreamEnd::TooLong | UpstreamEnd::Refused => meaning.message.as_str().to_owned(),
            UpstreamEnd::Busy
            | UpstreamEnd::Away
            | UpstreamEnd::Failed
            | UpstreamEnd::Late
            | UpstreamEnd::Cut
            | UpstreamEnd::Unaffordable => meaning.kind.word().to_owned(),
        };
        let complaint = if complaint.is_empty() { meaning.kind.word().to_owned() } else { complaint };
        Self::of(meaning.failure.fault, meaning.failure.retry, end, complaint)
    }

    /// What it means that an answer of Anthropic's cannot be read, or is an error itself.
    pub(crate) fn unread(garbled: &anthropic::Garbled, secrets: &[Secret]) -> Self {
        match garbled {
            anthropic::Garbled::Refused(refusal) => Self { may_cost: true, ..Self::meaning(&refusal.meaning(secrets)) },
            other => Self::lost(other.to_string()),
        }
    }

    /// What an error means that stands where an answer should.
    pub(crate) fn in_answer(error: &Value, secrets: &[Secret]) -> Self {
        match failure::in_stream(&serde_json::json!({ "error": error }), secrets) {
            // What was streamed before it is billed.
            Some(meaning) => Self { may_cost: true, ..Self::meaning(&meaning) },
            None => Self::lost("the provider told of an error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::TcpListener;
    use std::path::Path;
    use std::time::Instant;

    use super::{request, unanswered};
    use crate::config::Settings;
    use crate::upstream::provider::Provider;

    #[tokio::test]
    async fn why_nobody_is_reached_is_told_to_the_operator_alone() {
        // A port that was free a moment ago, where nobody listens.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().port();
        let text = format!(
            "[[provider]]\nname = \"p\"\nbase_url = \"http://127.0.0.1:{port}/v1\"\n[[provider.model]]\nid = \"m\"\n"
        );
        let settings = Settings::from_text(&text, Path::new(""), &BTreeMap::new()).unwrap();
        let rule = settings.forwarding.providers[0].clone();
        let uri = rule.base_url.as_ref().unwrap().at("/x").unwrap();
        let provider = Provider::new(rule, Instant::now()).unwrap();
        let request = request(&provider.rule, uri, String::new()).unwrap();
        let error = provider.client.as_ref().unwrap().request(request).await.unwrap_err();
        let failed = unanswered(&error);
        assert_eq!(failed.complaint, "no connection to the provider");
        let cause = failed.cause.unwrap();
        assert!(cause.starts_with("no connection: ") && cause.contains("refused"), "{cause}");
    }
}

//! What an upstream's refusal means: who is at fault, whether trying again is safe, and what of its words may be shown. What a
//! newcomer would get wrong: the status says little. Length, an empty purse and an unknown model all come as 400 from somebody.

use decision::{Failure, Fault, Retry};
use serde_json::Value;

use crate::secret::Secret;

mod redacted;
mod retry_after;

pub(crate) use redacted::Redacted;
pub(crate) use retry_after::retry_after_ms;

/// What came back instead of an answer.
#[derive(Clone, Copy)]
pub(crate) struct Refused<'a> {
    /// The status of the response; for an error inside a stream that of the failure it names, else 500.
    pub(crate) status: u16,
    /// The body, where it is JSON; a text where it is not.
    pub(crate) body: &'a Value,
    /// How long its headers ask to wait.
    pub(crate) retry_after_ms: Option<u64>,
    /// What was sent to prove who is calling: upstreams echo it.
    pub(crate) secrets: &'a [Secret],
}

/// What it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// For failover.
    pub(crate) failure: Failure,
    /// What happened, in a word of ours.
    pub(crate) kind: Kind,
    /// What the upstream says of it, for the caller: never for a log, since it may quote the prompt.
    pub(crate) message: Redacted,
}

/// What can happen to a call, as few words as failover, metrics and callers need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The prompt does not fit the model.
    TooLong,
    /// More output was asked for than the model writes.
    TooMuchOutput,
    /// The request is wrong in itself.
    Invalid,
    /// Too many calls or tokens in this time.
    RateLimited,
    /// The account is empty.
    OutOfCredit,
    /// The key is not known or may not do this.
    Unauthorized,
    /// The model is not there, or not for this key.
    NoSuchModel,
    /// The provider has more calls than it can take.
    Overloaded,
    /// Anything else on the provider's side.
    Broken,
}

impl Kind {
    /// The word for labels and error codes.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::TooLong => "context_length_exceeded",
            Self::TooMuchOutput => "max_tokens_too_large",
            Self::Invalid => "invalid_request",
            Self::RateLimited => "rate_limited",
            Self::OutOfCredit => "out_of_credit",
            Self::Unauthorized => "unauthorized",
            Self::NoSuchModel => "model_not_found",
            Self::Overloaded => "overloaded",
            Self::Broken => "upstream_error",
        }
    }

    fn failure(self, status: u16, retry_after_ms: Option<u64>) -> Failure {
        let here = Retry::Here { after_ms: retry_after_ms };
        let (fault, retry) = match self {
            Self::TooLong => (Fault::Length, Retry::Elsewhere),
            Self::Invalid => (Fault::Caller, Retry::Elsewhere),
            Self::TooMuchOutput | Self::NoSuchModel => (Fault::Model, Retry::Elsewhere),
            Self::RateLimited | Self::Overloaded => (Fault::Provider, here),
            Self::OutOfCredit | Self::Unauthorized => (Fault::Provider, Retry::Elsewhere),
            // These may pass; any other trouble of the provider will be there a moment later, too.
            Self::Broken if matches!(status, 408 | 409 | 425 | 500 | 502 | 503) => (Fault::Provider, here),
            Self::Broken => (Fault::Provider, Retry::Elsewhere),
        };
        Failure { fault, retry }
    }
}

/// The meaning of a refusal in OpenAI's shape, or in that of one of the many servers that speak nearly like it.
pub(crate) fn of_openai(refused: &Refused<'_>) -> Meaning {
    let words = Words::of(refused.body);
    let kind = match refused.status {
        _ if words.any(&OUT_OF_CREDIT) => Kind::OutOfCredit,
        429 => Kind::RateLimited,
        401 | 403 => Kind::Unauthorized,
        402 => Kind::OutOfCredit,
        // A 404 for any other reason is a wrong address, which is the provider's entry in our configuration.
        400 | 404 | 422 if words.lacks_model() => Kind::NoSuchModel,
        400 | 413 | 422 if words.any(&TOO_LONG) => Kind::TooLong,
        400 | 422 if words.any(&TOO_MUCH_OUTPUT) => Kind::TooMuchOutput,
        400 | 422 => Kind::Invalid,
        529 => Kind::Overloaded,
        503 if words.any(&AT_A_LIMIT) || refused.retry_after_ms.is_some_and(|wait_ms| wait_ms > 0) => Kind::Overloaded,
        _ => Kind::Broken,
    };
    words.meaning(kind, refused)
}

/// The meaning of a refusal in Anthropic's shape, by its type; by its status, as OpenAI's, where it names none that is known.
pub(crate) fn of_anthropic(refused: &Refused<'_>) -> Meaning {
    let words = Words::of(refused.body);
    let kind = match words.kind.as_str() {
        _ if words.any(&OUT_OF_CREDIT) => Kind::OutOfCredit,
        "invalid_request_error" if words.any(&TOO_LONG) => Kind::TooLong,
        "invalid_request_error" if words.any(&TOO_MUCH_OUTPUT) => Kind::TooMuchOutput,
        "invalid_request_error" => Kind::Invalid,
        "authentication_error" | "permission_error" => Kind::Unauthorized,
        "billing_error" => Kind::OutOfCredit,
        "not_found_error" if words.message.contains("model") => Kind::NoSuchModel,
        "rate_limit_error" => Kind::RateLimited,
        "overloaded_error" => Kind::Overloaded,
        // Bytes, not tokens: each provider draws that line elsewhere.
        "request_too_large" | "api_error" | "not_found_error" | "timeout_error" => Kind::Broken,
        _ => return of_openai(refused),
    };
    words.meaning(kind, refused)
}

/// The error inside an event of a stream of OpenAI's shape, where the event is one.
pub(crate) fn in_stream(event: &Value, secrets: &[Secret]) -> Option<Meaning> {
    let error = event.get("error").filter(|error| !error.is_null())?;
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let too_long = Words::of(event).any(&TOO_LONG);
    let status = status.filter(|status| (400..600).contains(status)).unwrap_or(if too_long { 400 } else { 500 });
    Some(of_openai(&Refused { status, body: event, retry_after_ms: None, secrets }))
}

/// Beginnings and phrases in lower case by which servers tell that a prompt is too long: OpenAI and vLLM, Anthropic, llama.cpp,
/// TGI, Mistral, Gemini.
const TOO_LONG: [&str; 11] = [
    "context_length_exceeded",
    "string_above_max_length",
    "exceed_context_size",
    "maximum context length",
    "maximum prompt length",
    "prompt is too long",
    "exceed context limit",
    "exceeds the available context size",
    "context window",
    "input is too long",
    "input token count",
];

/// By which a 503 is a limit. Else it is a server that does not work, as a gateway without one behind it says it, and counts for the
/// breaker as 500 and 502 do. One that says when to come again is left alone until then: the breaker could only guess at that.
const AT_A_LIMIT: [&str; 12] = [
    "overloaded",
    "overloaded_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "rate limit",
    "too many requests",
    "at capacity",
    "over capacity",
    "slow_down",
    "slow down",
    "is busy",
    "throttl",
];

/// More output was asked for than the model writes: another model may.
const TOO_MUCH_OUTPUT: [&str; 2] =
    ["maximum allowed number of output tokens", "completion tokens, whereas you provided"];

/// Codes for a model that is not there; in a message it is said of a model only where that is named.
const NO_SUCH_MODEL: [&str; 4] = ["model_not_found", "model_not_available", "invalid_model", "model not found"];

const OUT_OF_CREDIT: [&str; 4] =
    ["insufficient_quota", "billing_hard_limit_reached", "credit balance is too low", "insufficient balance"];

/// The words of a refusal, wherever its server puts them.
struct Words {
    /// Its type.
    kind: String,
    /// Its code.
    code: String,
    /// Its message in lower case, to look for phrases in.
    message: String,
}

impl Words {
    fn of(body: &Value) -> Self {
        let error = error_of(body);
        let word = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        Self { kind: word("type"), code: word("code"), message: message_of(body).to_lowercase() }
    }

    fn lacks_model(&self) -> bool {
        let lacks = ["does not exist", "not found"].iter().any(|phrase| self.message.contains(phrase));
        self.any(&NO_SUCH_MODEL) || lacks && self.message.contains("model")
    }

    fn any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.kind == *phrase || self.code == *phrase || self.message.contains(phrase))
    }

    fn meaning(&self, kind: Kind, refused: &Refused<'_>) -> Meaning {
        let message = Redacted::new(message_of(refused.body), refused.secrets);
        Meaning { failure: kind.failure(refused.status, refused.retry_after_ms), kind, message }
    }
}

fn error_of(body: &Value) -> &Value {
    body.get("error").filter(|error| error.is_object()).unwrap_or(body)
}

/// The sentence in it: `error.message`, `message`, `error`, `detail`, or the body where that is a text.
fn message_of(body: &Value) -> &str {
    let places = [error_of(body).get("message"), body.get("error"), body.get("detail"), Some(body)];
    places.into_iter().flatten().find_map(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;

//! The JSON of the HTTP door: the messages of the wire in the spelling HTTP callers know. It only translates: JSON becomes
//! `v1` messages and those become JSON; what they mean is checked in `convert.rs`, once for both doors.

use proto::v1;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Limits;
use crate::convert::{Asked, few_enough, question_about, short_enough, single};
use crate::messages::{Conversation, Most};
use crate::question::Question;
use crate::secret::Secret;
use crate::status::Rejection;

mod policy;
mod reply;

pub(crate) use policy::PolicyJson;
pub use reply::{ModelsJson, ReplyJson};

/// Where a question names or holds its policy.
const POLICY_FIELD: &str = "policy";

/// A question, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct RouteJson {
    prompt: Option<String>,
    messages: Option<Value>,
    policy: Option<PolicyJson>,
    #[serde(default)]
    candidates: Vec<String>,
    #[serde(default)]
    needs: Vec<SkillJson>,
    limits: Option<LimitsJson>,
    max_completion_tokens: Option<u32>,
    prompt_tokens: Option<u32>,
    tenant: Option<String>,
    session: Option<SessionJson>,
}

/// What may serve, as JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct LimitsJson {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    pub(crate) regions: Vec<String>,
    #[serde(default)]
    pub(crate) zero_data_retention: bool,
    pub(crate) max_cost_usd: Option<f64>,
}

/// A conversation, as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct SessionJson {
    id: Option<String>,
    current_model: Option<String>,
    cached_prompt_tokens: Option<u32>,
    lock: Option<LockJson>,
}

/// What a request needs and a model offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkillJson {
    /// Calls tools.
    Tools,
    /// Sees images.
    Vision,
    /// Keeps to a JSON schema.
    JsonSchema,
    /// Hears recordings.
    Audio,
    /// Reads files.
    Documents,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LockJson {
    ToolLoop,
    SignedReasoning,
}

/// Many questions, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct BatchJson {
    /// The questions, each read on its own so that a bad one fails alone.
    pub requests: Vec<Value>,
}

/// A verdict, as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct OutcomeJson {
    #[serde(default)]
    decision_id: String,
    model: Option<String>,
    quality: Option<f64>,
    judge: Option<String>,
    prompt_tokens: Option<u32>,
    cached_prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    reasoning_tokens: Option<u32>,
    cost_usd: Option<f64>,
    latency_ms: Option<u32>,
    end: Option<EndJson>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EndJson {
    Answered,
    ProviderFailed,
}

/// Reads a body. What is malformed is placed by line and column, what is of the wrong type by its field.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Rejection> {
    // Serde would take the fields from a list, by their places.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(not_an_object());
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| complaint(&error))?;
    reader.end().map_err(|error| Rejection::Unreadable { complaint: error.to_string() })?;
    Ok(read)
}

/// Reads a document that was parsed before, as the requests of a batch are.
pub fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, Rejection> {
    if value.is_array() {
        return Err(not_an_object());
    }
    serde_path_to_error::deserialize(value).map_err(|error| complaint(&error))
}

fn not_an_object() -> Rejection {
    Rejection::Unreadable { complaint: "expected an object, found a list".to_owned() }
}

fn complaint(error: &serde_path_to_error::Error<serde_json::Error>) -> Rejection {
    let path = error.path().to_string();
    let inner = error.inner();
    if !inner.is_data() {
        return Rejection::Unreadable { complaint: format!("expected JSON in UTF-8: {inner}") };
    }
    // What was found may be the prompt itself, so only its kind is told, which serde puts before the first quote.
    let text = inner.to_string();
    let field = if path == "." { String::new() } else { path };
    match unknown_key(&text) {
        Some((key, complaint)) => {
            let parent = field.strip_suffix(&key).unwrap_or(&field).trim_end_matches('.');
            let field = if parent.is_empty() { key } else { format!("{parent}.{key}") };
            Rejection::Field { field, complaint }
        }
        None => {
            let complaint = unknown_word(&text).unwrap_or_else(|| plainly(&without_quotes(&text)));
            if field.is_empty() { Rejection::Unreadable { complaint } } else { Rejection::Field { field, complaint } }
        }
    }
}

/// `unknown field `x`, expected one of ...` -> the key, and the nearest known one.
fn unknown_key(text: &str) -> Option<(String, String)> {
    let (key, known) = found_and_known(text, "unknown field `")?;
    Some((key.chars().take(80).collect(), decision::document::unknown("key", key, known)))
}

/// `unknown variant `x`, expected ...` -> what was written, and the nearest known word.
fn unknown_word(text: &str) -> Option<String> {
    let (word, known) = found_and_known(text, "unknown variant `")?;
    Some(decision::document::unknown("word", word, known))
}

fn found_and_known<'t>(text: &'t str, before: &str) -> Option<(&'t str, Vec<&'t str>)> {
    let (found, expected) = text.strip_prefix(before)?.split_once("`, expected")?;
    Some((found, expected.split('`').skip(1).step_by(2).collect()))
}

/// The types of a program in the words of whoever writes JSON.
fn plainly(text: &str) -> String {
    let words = [
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected an object"),
    ];
    words.iter().fold(text.to_owned(), |text, (found, plain)| text.replace(found, plain))
}

/// `invalid type: string "the prompt", expected u32 at ...` -> without what was found in quotes.
fn without_quotes(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(from), Some(to)) if to > from => format!("{}{}", text[..from].trim_end(), &text[to + 1..]),
        (_, _) => text.to_owned(),
    }
}

impl RouteJson {
    /// The question it asks.
    pub fn question(self, limits: &Limits) -> Result<Question, Rejection> {
        let asked = match (&self.prompt, &self.messages) {
            (Some(_), Some(_)) => {
                return Err(Rejection::field("messages", "expected a prompt or messages, found both"));
            }
            (None, None) => return Err(Rejection::field("prompt", "expected a prompt or messages, found neither")),
            (Some(prompt), None) => Asked { own_policy: POLICY_FIELD, ..single(prompt, limits)? },
            (None, Some(messages)) => {
                few_enough("messages", messages.as_array().map_or(1, Vec::len), limits)?;
                let read = Conversation::within("messages", messages, Most::OF_A_BODY)?;
                short_enough("messages", read.n_bytes(), limits)?;
                let text = limits.keep_text.then(|| Secret::new(read.text()));
                Asked {
                    prompt: read.prompt(),
                    seen: read.skills(),
                    attached: read.attached_tokens(),
                    text,
                    own_policy: POLICY_FIELD,
                }
            }
        };
        let (policy, own_policy) = PolicyJson::into_wire(self.policy, POLICY_FIELD)?;
        let request = v1::RouteRequest {
            input: None,
            policy,
            own_policy,
            candidates: self.candidates,
            needs: self.needs.into_iter().map(|skill| skill.into_wire().into()).collect(),
            limits: self.limits.map(LimitsJson::into_wire),
            max_completion_tokens: self.max_completion_tokens,
            prompt_tokens: self.prompt_tokens,
            tenant: self.tenant.unwrap_or_default(),
            session: self.session.map(SessionJson::into_wire),
        };
        question_about(asked, &request, limits)
    }
}

impl SkillJson {
    pub(crate) fn into_wire(self) -> v1::Skill {
        match self {
            Self::Tools => v1::Skill::Tools,
            Self::Vision => v1::Skill::Vision,
            Self::JsonSchema => v1::Skill::JsonSchema,
            Self::Audio => v1::Skill::Audio,
            Self::Documents => v1::Skill::Documents,
        }
    }
}

impl LimitsJson {
    pub(crate) fn into_wire(self) -> v1::Limits {
        let Self { allow, deny, regions, zero_data_retention, max_cost_usd } = self;
        v1::Limits { allow, deny, regions, zero_data_retention, max_cost_usd }
    }
}

impl SessionJson {
    /// A conversation of which only the id is said.
    pub(crate) fn of_id(id: &str) -> Self {
        Self { id: Some(id.to_owned()), current_model: None, cached_prompt_tokens: None, lock: None }
    }

    pub(crate) fn into_wire(self) -> v1::Session {
        v1::Session {
            id: self.id.unwrap_or_default(),
            current_model: self.current_model.unwrap_or_default(),
            cached_prompt_tokens: self.cached_prompt_tokens.unwrap_or_default(),
            lock: match self.lock {
                None => v1::Lock::Unspecified,
                Some(LockJson::ToolLoop) => v1::Lock::ToolLoop,
                Some(LockJson::SignedReasoning) => v1::Lock::SignedReasoning,
            }
            .into(),
        }
    }
}

impl OutcomeJson {
    /// The same on the wire.
    pub fn into_wire(self) -> v1::ReportOutcomeRequest {
        v1::ReportOutcomeRequest {
            decision_id: self.decision_id,
            model: self.model.unwrap_or_default(),
            quality: self.quality,
            judge: self.judge.unwrap_or_default(),
            prompt_tokens: self.prompt_tokens,
            cached_prompt_tokens: self.cached_prompt_tokens,
            completion_tokens: self.completion_tokens,
            reasoning_tokens: self.reasoning_tokens,
            cost_usd: self.cost_usd,
            latency_ms: self.latency_ms,
            end: match self.end {
                None => v1::CallEnd::Unspecified,
                Some(EndJson::Answered) => v1::CallEnd::Answered,
                Some(EndJson::ProviderFailed) => v1::CallEnd::ProviderFailed,
            }
            .into(),
        }
    }
}

#[cfg(test)]
mod tests;

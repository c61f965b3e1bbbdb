//! A chat request as OpenAI's clients write it: what the router must know of it is read, everything else passes through as it
//! is. Beside OpenAI's fields stands one of ours, `pointsman`, which never goes upstream; the same can be said by headers.

use std::fmt;

use classifier::{Tally, Vocabulary, billed_tokens};
use decision::{ModelId, PicoUsd, Tokens};
use http::HeaderMap;
use proto::v1;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::config::Limits;
use crate::convert::{Asked, few_enough, question_about, short_enough};
use crate::fields::Fields;
use crate::json::{LimitsJson, PolicyJson, SessionJson, SkillJson, read, read_value};
use crate::messages::{Conversation, Most, kind};
use crate::question::{Call, Question};
use crate::secret::Secret;
use crate::status::Rejection;
use crate::upstream::openai::each_text;

mod headers;
mod spelling;
mod wire;

pub(crate) use spelling::Spelling;

/// The name that means the default policy, and what begins the name of another one.
pub(crate) const AUTO: &str = "auto";

/// Where a call names or holds its policy.
const POLICY_FIELD: &str = "pointsman.policy";

/// What the router calls the models that a call names as fallbacks.
pub(crate) const FALLBACKS_FIELD: &str = "fallbacks";

/// The wishes that may stand under `pointsman`.
const WISHES: &[&str] =
    &["policy", "candidates", FALLBACKS_FIELD, "needs", "limits", "session", "prompt_tokens", "tenant", "explain"];

/// Answers that one request may ask for. A guess at more than any provider gives.
pub(crate) const MAX_CHOICES: u64 = 128;

/// Models that a request may name as fallbacks.
pub(crate) const MAX_NAMED_FALLBACKS: usize = decision::MAX_FALLBACKS;

/// A request that was read.
pub(crate) struct Chat {
    /// What goes upstream, but for the model's name.
    pub(crate) fields: Fields,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// Whether a stream is to end with its usage.
    pub(crate) include_usage: bool,
    /// Whether the decision is to be told in the body.
    pub(crate) explain: bool,
    /// Answers asked for.
    pub(crate) n_choices: u64,
    /// The most tokens of one answer, where the caller says.
    pub(crate) max_completion: Option<Tokens>,
    /// Tokens of the prompt as it is billed, counted or told.
    pub(crate) prompt_tokens: Tokens,
    /// Whether the caller told them.
    prompt_is_told: bool,
    /// The caller's cap on the bill.
    pub(crate) max_cost: Option<PicoUsd>,
    /// Where the caller wrote what a complaint may be about.
    pub(crate) spelling: Spelling,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("stream", &self.stream).field("n_choices", &self.n_choices).finish_non_exhaustive()
    }
}

/// What a caller wishes of the router: the field `pointsman`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object")]
pub(crate) struct Wishes {
    policy: Option<PolicyJson>,
    candidates: Vec<String>,
    fallbacks: Vec<String>,
    needs: Vec<SkillJson>,
    limits: Option<LimitsJson>,
    session: Option<SessionJson>,
    prompt_tokens: Option<u32>,
    tenant: Option<String>,
    explain: Option<bool>,
}

impl Chat {
    /// Reads a body and the headers beside it.
    pub(crate) fn read(body: &[u8], headers: &HeaderMap, limits: &Limits) -> Result<(Self, Question), Rejection> {
        let mut fields: Fields = read(body)?;
        let mut wishes = match fields.remove("pointsman") {
            // Clients that write out what was not asked for write null.
            None => Wishes::default(),
            Some(raw) if raw.get() == "null" => Wishes::default(),
            Some(raw) => read_value(parsed(&raw)?).map_err(|error| error.within("pointsman"))?,
        };
        let mut spelling = Spelling::inside("pointsman", WISHES);
        wishes.heed(headers, &mut spelling)?;
        let model: String = required(&fields, "model", "a name, as `auto`")?;
        let (name, own_policy) = PolicyJson::into_wire(wishes.policy.take(), POLICY_FIELD)?;
        let named = Named::parse(&model, &name, own_policy.is_some())?;
        if named.by_model {
            spelling.say("policy", "model");
        }
        let explain = wishes.explain.unwrap_or(false);
        let fallbacks = std::mem::take(&mut wishes.fallbacks);
        let fallbacks = fallbacks_of(&fallbacks, &named).map_err(|error| spelling.put(error))?;
        let wire = v1::RouteRequest { policy: named.policy.clone(), own_policy, ..wishes.into_wire() };
        let own_key =
            if fields.raw("max_completion_tokens").is_some() { "max_completion_tokens" } else { "max_tokens" };
        spelling.say("max_completion_tokens", own_key);
        let (chat, question) = Self::assembled(fields, wire, POLICY_FIELD, limits, spelling)?;
        let call = Some(Call { named: named.model, fallbacks });
        Ok((Self { explain, ..chat }, Question { call, ..question }))
    }

    /// A call from its fields and, in the words of the wire, the wishes beside them. `own_policy` is how the door spells the field
    /// of a policy that the request brings along.
    fn assembled(
        fields: Fields,
        wire: v1::RouteRequest,
        own_policy: &'static str,
        limits: &Limits,
        spelling: Spelling,
    ) -> Result<(Self, Question), Rejection> {
        let assembled = Self::assembled_in_words(fields, wire, own_policy, limits);
        let (chat, question) = assembled.map_err(|error| spelling.put(error))?;
        Ok((Self { spelling, ..chat }, question))
    }

    /// The same with complaints in the router's words.
    fn assembled_in_words(
        fields: Fields,
        wire: v1::RouteRequest,
        own_policy: &'static str,
        limits: &Limits,
    ) -> Result<(Self, Question), Rejection> {
        let messages = fields.raw("messages").map(parsed).transpose()?;
        let messages =
            messages.ok_or_else(|| Rejection::field("messages", "expected a list of messages, found none"))?;
        few_enough("messages", messages.as_array().map_or(1, Vec::len), limits)?;
        let conversation = Conversation::within("messages", &messages, Most::OF_A_BODY)?;
        short_enough("messages", conversation.n_bytes(), limits)?;
        let text = limits.keep_text.then(|| Secret::new(conversation.text()));
        let (prompt, seen) = (conversation.prompt(), conversation.skills());
        let asked = Asked { prompt, seen, attached: conversation.attached_tokens(), text, own_policy };
        let max_completion: Option<u32> = match optional(&fields, "max_completion_tokens")? {
            Some(most) => Some(most),
            None => optional(&fields, "max_tokens")?,
        };
        let mut wire = v1::RouteRequest { max_completion_tokens: max_completion, ..wire };
        wire.needs.extend(seen_in(&fields)?.map(i32::from));
        if let Some(session) = &mut wire.session
            && ends_in_tool_loop(&messages)
            && session.lock == i32::from(v1::Lock::Unspecified)
        {
            session.lock = v1::Lock::ToolLoop.into();
        }
        let mut question = question_about(asked, &wire, limits)?;
        let mut prompt_tokens = question.facts.prompt_tokens;
        let prompt_is_told = wire.prompt_tokens.is_some();
        if !prompt_is_told {
            let (mut within, mut beside) = (0, 0);
            conversation.texts().for_each(|text| within += billed_tokens(text));
            each_text_beside(&fields, &messages, |text| beside += billed_tokens(text));
            question.facts.prompt_tokens = prompt_tokens.plus(Tokens::held(beside));
            prompt_tokens = Tokens::held(within + beside).plus(conversation.attached_tokens());
        }
        let n_choices: u64 = optional(&fields, "n")?.unwrap_or(1);
        if n_choices == 0 || n_choices > MAX_CHOICES {
            return Err(Rejection::field("n", format!("expected 1 to {MAX_CHOICES}, found {n_choices}")));
        }
        let max_cost = question.facts.limits.max_cost;
        // Each answer is billed: a cap on all of them is a share of it for one.
        question.facts.limits.max_cost = max_cost.map(|cap| PicoUsd(cap.0 / n_choices));
        let chat = Self {
            stream: optional(&fields, "stream")?.unwrap_or(false),
            include_usage: stream_usage(&fields)?,
            explain: false,
            n_choices,
            max_completion: question.facts.max_completion,
            prompt_tokens,
            prompt_is_told,
            max_cost,
            spelling: Spelling::default(),
            fields,
        };
        Ok((chat, question))
    }

    /// Tokens of the prompt as a model's own vocabulary counts them. What the caller told stands.
    pub(crate) fn prompt_tokens_by(&self, vocabulary: &Vocabulary) -> Tokens {
        let messages = self.fields.get::<Value>("messages");
        let conversation =
            messages.as_ref().and_then(|list| Conversation::within("messages", list, Most::OF_A_BODY).ok());
        let (Some(messages), Some(conversation), false) = (&messages, &conversation, self.prompt_is_told) else {
            return self.prompt_tokens;
        };
        let (mut tally, mut places) = (Tally::default(), 0..);
        let mut add = |text: &str| places.next().into_iter().for_each(|place| tally.add((0, place), text));
        conversation.texts().for_each(&mut add);
        each_text_beside(&self.fields, messages, add);
        Tokens::held(tally.tokens(vocabulary)).plus(conversation.attached_tokens())
    }

    /// All of it as values, for providers that speak another language.
    pub(crate) fn values(&self) -> Map<String, Value> {
        serde_json::from_str(&self.fields.to_json()).unwrap_or_default()
    }
}

/// What `model` asks for.
struct Named {
    model: Option<ModelId>,
    policy: String,
    /// The policy is named where a model would be, as `auto:fast`.
    by_model: bool,
}

impl Named {
    /// `wished` is the policy that is asked for elsewhere; empty if none is, or if `own` rules stand there.
    fn parse(model: &str, wished: &str, own: bool) -> Result<Self, Rejection> {
        let policy = match model.strip_prefix(AUTO) {
            Some("") => "",
            Some(rest) if rest.starts_with(':') => &rest[1..],
            Some(_) | None => {
                let model = ModelId::new(model).map_err(|error| Rejection::field("model", error))?;
                return Ok(Self { model: Some(model), policy: wished.to_owned(), by_model: false });
            }
        };
        if !policy.is_empty() && (own || !wished.is_empty() && policy != wished) {
            return Err(Rejection::field("model", "expected one policy, found another one asked for beside it"));
        }
        let by_model = !policy.is_empty();
        Ok(Self { model: None, policy: if by_model { policy } else { wished }.to_owned(), by_model })
    }
}

/// Who may take the place of a model that was asked for by name.
fn fallbacks_of(names: &[String], named: &Named) -> Result<Vec<ModelId>, Rejection> {
    let field = FALLBACKS_FIELD;
    if names.len() > MAX_NAMED_FALLBACKS {
        let complaint = format!("expected at most {MAX_NAMED_FALLBACKS} names, found {}", names.len());
        return Err(Rejection::field(field, complaint));
    }
    if named.model.is_none() && !names.is_empty() {
        return Err(Rejection::field(field, "expected a model by name that they stand in for; `auto` ranks by itself"));
    }
    let fallback = |(place, name): (usize, &String)| {
        let field = || format!("{field}[{place}]");
        let model = ModelId::new(name).map_err(|error| Rejection::field(field(), error))?;
        match names[..place].contains(name) {
            true => Err(Rejection::field(field(), format!("`{name}` is listed twice"))),
            false => Ok(model),
        }
    };
    names.iter().enumerate().map(fallback).collect()
}

impl Wishes {
    /// The same in the words of the wire, but for the policy.
    fn into_wire(self) -> v1::RouteRequest {
        v1::RouteRequest {
            candidates: self.candidates,
            needs: self.needs.into_iter().map(|skill| skill.into_wire().into()).collect(),
            limits: self.limits.map(LimitsJson::into_wire),
            prompt_tokens: self.prompt_tokens,
            tenant: self.tenant.unwrap_or_default(),
            session: self.session.map(SessionJson::into_wire),
            ..v1::RouteRequest::default()
        }
    }
}

/// What is billed as part of the prompt beside the texts of its messages: what may be called, and what was.
fn each_text_beside(fields: &Fields, messages: &Value, mut with: impl FnMut(&str)) {
    let offered = ["tools", "functions", "response_format"].iter().filter_map(|key| fields.raw(key));
    offered.for_each(|raw| with(raw.get()));
    let called = messages.as_array().into_iter().flatten();
    let called = called.flat_map(|message| [message.get("tool_calls"), message.get("function_call")]).flatten();
    called.for_each(|value| each_text(value, &mut with));
}

/// What the fields beside the messages show that a model must be able to do.
fn seen_in(fields: &Fields) -> Result<impl Iterator<Item = v1::Skill> + use<>, Rejection> {
    let lists = |key: &str| fields.get::<Vec<serde::de::IgnoredAny>>(key).is_some_and(|list| !list.is_empty());
    let tools = (lists("tools") || lists("functions")).then_some(v1::Skill::Tools);
    let format: Option<Map<String, Value>> = optional(fields, "response_format")?;
    let schema = format.is_some_and(|format| format.get("type").and_then(Value::as_str) == Some("json_schema"));
    Ok(tools.into_iter().chain(schema.then_some(v1::Skill::JsonSchema)))
}

fn stream_usage(fields: &Fields) -> Result<bool, Rejection> {
    let options: Option<Map<String, Value>> = optional(fields, "stream_options")?;
    match options.as_ref().and_then(|options| options.get("include_usage")) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => {
            let complaint = format!("expected true or false, found {}", kind(other));
            Err(Rejection::field("stream_options.include_usage", complaint))
        }
    }
}

/// Results of tools belong to the model that called them.
fn ends_in_tool_loop(messages: &Value) -> bool {
    let last = messages.as_array().and_then(|messages| messages.last());
    last.is_some_and(|last| matches!(last["role"].as_str(), Some("tool" | "function")))
}

fn parsed(raw: &RawValue) -> Result<Value, Rejection> {
    // The whole was read before, so only a depth beyond all sense can fail here.
    serde_json::from_str(raw.get()).map_err(|error| Rejection::Unreadable { complaint: error.to_string() })
}

fn required<T: DeserializeOwned>(fields: &Fields, key: &str, expected: &str) -> Result<T, Rejection> {
    optional(fields, key)?.ok_or_else(|| Rejection::field(key, format!("expected {expected}, found nothing")))
}

/// A field that may be missing or null, but not of another kind.
fn optional<T: DeserializeOwned>(fields: &Fields, key: &str) -> Result<Option<T>, Rejection> {
    let Some(raw) = fields.raw(key).filter(|raw| raw.get() != "null") else { return Ok(None) };
    read_value(parsed(raw)?).map(Some).map_err(|error| error.within(key))
}

#[cfg(test)]
mod tests;

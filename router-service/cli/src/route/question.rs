//! One line of a batch to a question. Every complaint names the field, and none quotes a prompt. A key that is not known is refused
//! where it looks like a slip of one that is missing, or is a limit that stands in the wrong place; any other is the writer's own and
//! passed over.

use std::collections::BTreeSet;

use classifier::Prompt;
use decision::{
    BudgetState, Limits, MAX_CANDIDATES, ModelId, PicoUsd, RequestFacts, Skill, Skills, Tokens, document, nearest,
};
use router_service::messages::{Conversation, FieldError, kind};
use serde_json::{Map, Value};
use training_data::jsonl::place;

/// Bytes that an id may have, as in outcome rows.
pub(super) const MAX_ID_BYTES: usize = 1024;

const KEYS: [&str; 6] = ["id", "prompt", "messages", "candidates", "policy", "needs"];

const NEEDS: [&str; 11] = [
    "tools",
    "vision",
    "json_schema",
    "audio",
    "documents",
    "regions",
    "zero_data_retention",
    "max_cost_usd",
    "max_completion_tokens",
    "allow",
    "deny",
];

/// Those of them that limit a choice and are nobody's own keys: passed over beside `needs`, a limit would be lost.
const LIMITS: [&str; 6] = ["regions", "zero_data_retention", "max_cost_usd", "max_completion_tokens", "allow", "deny"];

/// What is asked.
pub(super) struct Question {
    pub(super) id: String,
    pub(super) prompt: Prompt,
    pub(super) policy: Option<String>,
    /// What is attached to the prompt may be billed as.
    attached: Tokens,
    candidates: Option<BTreeSet<ModelId>>,
    skills: Skills,
    limits: Limits,
    max_completion: Option<Tokens>,
}

/// A line that is no question, with its id if that could be read.
pub(super) struct BadLine {
    pub(super) id: Option<String>,
    pub(super) complaint: String,
}

impl Question {
    /// A plain question. What is in the conversation must be understood by whoever answers.
    pub(super) fn of(id: String, conversation: &Conversation) -> Self {
        let (prompt, skills) = (conversation.prompt(), conversation.skills());
        let (policy, candidates, max_completion) = (None, None, None);
        let (attached, limits) = (conversation.attached_tokens(), Limits::default());
        Self { id, prompt, attached, policy, candidates, skills, limits, max_completion }
    }

    /// Reads a line.
    pub(super) fn parse(line: &[u8]) -> Result<Self, BadLine> {
        let nameless = |complaint: String| BadLine { id: None, complaint };
        let keys = match serde_json::from_slice(line.trim_ascii_end()) {
            Ok(Value::Object(keys)) => keys,
            Ok(other) => return Err(nameless(format!("expected a JSON object, found {}", kind(&other)))),
            Err(error) => return Err(nameless(not_json(&error))),
        };
        let id = id(&keys).map_err(|error| nameless(error.to_string()))?;
        let bad = |error: FieldError| BadLine { id: Some(id.clone()), complaint: error.to_string() };
        slips(&keys).map_err(bad)?;
        let mut question = Self::of(id.clone(), &conversation(&keys).map_err(bad)?);
        question.policy = policy(&keys).map_err(bad)?;
        question.candidates = match given(&keys, "candidates") {
            Some(value) => Some(models("candidates", value, 1).map_err(bad)?),
            None => None,
        };
        if let Some(needs) = given(&keys, "needs") {
            question.take_needs(needs).map_err(bad)?;
        }
        Ok(question)
    }

    /// What is wrong with it after all.
    pub(super) fn bad(&self, complaint: String) -> BadLine {
        BadLine { id: Some(self.id.clone()), complaint }
    }

    /// Adds needs by their words.
    pub(super) fn needs_words(&mut self, words: &[String]) -> Result<(), String> {
        for word in words {
            let known = Skill::ALL.into_iter().find(|skill| skill.word() == word);
            let skill = known.ok_or_else(|| document::unknown("skill", word, Skill::ALL.map(Skill::word)))?;
            self.skills = self.skills.with(skill);
        }
        Ok(())
    }

    /// Names the only models considered, if any are named.
    pub(super) fn candidates_named(&mut self, names: &[String]) -> Result<(), String> {
        if names.is_empty() {
            return Ok(());
        }
        let mut candidates = BTreeSet::new();
        for name in names {
            if !candidates.insert(ModelId::new(name).map_err(|error| error.to_string())?) {
                return Err(format!("`{name}` is listed twice"));
            }
        }
        self.candidates = Some(candidates);
        Ok(())
    }

    /// The question in numbers. No draw makes a detour: the same input gives the same output.
    pub(super) fn facts(&self, budget: Option<BudgetState>) -> RequestFacts {
        RequestFacts {
            candidates: self.candidates.clone(),
            max_completion: self.max_completion,
            needs: self.skills,
            limits: self.limits.clone(),
            budget,
            ..RequestFacts::of_size(self.prompt.tokens().plus(self.attached))
        }
    }

    /// `{"tools": true, "max_cost_usd": 0.01}`, or only the words of skills, `["tools"]`.
    fn take_needs(&mut self, value: &Value) -> Result<(), FieldError> {
        let keys = match value {
            Value::Object(keys) => keys,
            Value::Array(words) => {
                for (index, word) in words.iter().enumerate() {
                    let word = name(&format!("needs[{index}]"), word)?;
                    let expected = || {
                        FieldError::new(
                            format!("needs[{index}]"),
                            skills(),
                            another(word, &Skill::ALL.map(Skill::word)),
                        )
                    };
                    self.needs_words(&[word.to_owned()]).map_err(|_| expected())?;
                }
                return Ok(());
            }
            other => return Err(FieldError::new("needs", "an object of needs or a list of skills", kind(other))),
        };
        for (key, value) in keys {
            let field = format!("needs.{key}");
            match key.as_str() {
                "tools" => self.skill(Skill::Tools, flag(&field, value)?),
                "vision" => self.skill(Skill::Vision, flag(&field, value)?),
                "json_schema" => self.skill(Skill::JsonSchema, flag(&field, value)?),
                "audio" => self.skill(Skill::Audio, flag(&field, value)?),
                "documents" => self.skill(Skill::Documents, flag(&field, value)?),
                "zero_data_retention" => self.limits.zero_data_retention = flag(&field, value)?,
                "regions" => self.limits.regions = Some(regions(&field, value)?),
                "allow" => self.limits.allow = Some(models(&field, value, 1)?),
                "deny" => self.limits.deny = models(&field, value, 0)?,
                "max_cost_usd" => self.limits.max_cost = Some(money(&field, value)?),
                "max_completion_tokens" => self.max_completion = Some(tokens(&field, value)?),
                other => return Err(FieldError::new("needs", one_of(&NEEDS), another(other, &NEEDS))),
            }
        }
        Ok(())
    }

    fn skill(&mut self, skill: Skill, needed: bool) {
        if needed {
            self.skills = self.skills.with(skill);
        }
    }
}

/// Where the JSON broke, without the line that the parser would count inside ours.
fn not_json(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    // A key or a text of the line may stand in back quotes.
    let what = if what.contains('`') { "other words" } else { what };
    format!("expected a JSON object, found at {}: {what}", place(error))
}

/// A key that is there and not null.
fn given<'a>(keys: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    keys.get(key).filter(|value| !value.is_null())
}

fn id(keys: &Map<String, Value>) -> Result<String, FieldError> {
    let expected = || format!("a text of 1 to {MAX_ID_BYTES} bytes");
    match keys.get("id") {
        Some(Value::String(id)) if (1..=MAX_ID_BYTES).contains(&id.len()) => Ok(id.clone()),
        Some(other) => Err(FieldError::new("id", expected(), kind(other))),
        None => Err(FieldError::new("id", expected(), "nothing")),
    }
}

fn slips(keys: &Map<String, Value>) -> Result<(), FieldError> {
    let absent = || KEYS.into_iter().filter(|key| !keys.contains_key(*key));
    let prompted = keys.contains_key("prompt") || keys.contains_key("messages");
    for (key, value) in keys.iter().filter(|(key, _)| !KEYS.contains(&key.as_str())) {
        // A skill's word may be a key of the writer's own, such as a list of tools; as true or false it is a need.
        let is_need = value.is_boolean() && Skill::ALL.into_iter().any(|skill| skill.word() == key);
        if is_need || LIMITS.contains(&key.as_str()) {
            return Err(FieldError::new(key.clone(), format!("it inside `needs`, as {{\"{key}\": ..}}"), "it beside"));
        }
        let Some(meant) = nearest(key, absent()) else { continue };
        if prompted && (meant == "prompt" || meant == "messages") {
            continue;
        }
        return Err(FieldError::new(
            key.clone(),
            one_of(&KEYS),
            format!("another key; the nearest known one is `{meant}`"),
        ));
    }
    Ok(())
}

fn conversation(keys: &Map<String, Value>) -> Result<Conversation, FieldError> {
    match (given(keys, "prompt"), given(keys, "messages")) {
        (Some(Value::String(prompt)), None) => Conversation::from_text("prompt", prompt),
        (Some(other), None) => Err(FieldError::new("prompt", "a text", kind(other))),
        (None, Some(messages)) => Conversation::from_json("messages", messages),
        (None, None) => Err(FieldError::new("prompt", "`prompt` or `messages`", "neither")),
        (Some(_), Some(_)) => Err(FieldError::new("prompt", "`prompt` or `messages`", "both")),
    }
}

fn policy(keys: &Map<String, Value>) -> Result<Option<String>, FieldError> {
    given(keys, "policy").map(|value| name("policy", value).map(str::to_owned)).transpose()
}

fn name<'a>(field: &str, value: &'a Value) -> Result<&'a str, FieldError> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text),
        other => Err(FieldError::new(field, "a name", kind(other))),
    }
}

fn list<'a>(field: &str, value: &'a Value, least: usize, most: usize) -> Result<&'a [Value], FieldError> {
    match value {
        Value::Array(list) if (least..=most).contains(&list.len()) => Ok(list),
        other => Err(FieldError::new(field, format!("a list of {least} to {most} names"), kind(other))),
    }
}

fn models(field: &str, value: &Value, least: usize) -> Result<BTreeSet<ModelId>, FieldError> {
    let mut models = BTreeSet::new();
    for (index, value) in list(field, value, least, MAX_CANDIDATES)?.iter().enumerate() {
        let at = format!("{field}[{index}]");
        let id = ModelId::new(name(&at, value)?);
        let id = id.map_err(|_| FieldError::new(&at, "the name of a model", kind(value)))?;
        if !models.insert(id) {
            return Err(FieldError::new(at, "each model once", "one that stands before"));
        }
    }
    Ok(models)
}

fn regions(field: &str, value: &Value) -> Result<BTreeSet<String>, FieldError> {
    let list = list(field, value, 1, MAX_CANDIDATES)?.iter().enumerate();
    list.map(|(index, value)| name(&format!("{field}[{index}]"), value).map(str::to_owned)).collect()
}

fn flag(field: &str, value: &Value) -> Result<bool, FieldError> {
    value.as_bool().ok_or_else(|| FieldError::new(field, "true or false", kind(value)))
}

fn money(field: &str, value: &Value) -> Result<PicoUsd, FieldError> {
    let usd = value.as_f64().and_then(|usd| PicoUsd::from_usd(usd).ok());
    usd.ok_or_else(|| FieldError::new(field, format!("US dollars, 0 to {}", decision::MAX_USD), kind(value)))
}

fn tokens(field: &str, value: &Value) -> Result<Tokens, FieldError> {
    let tokens = value.as_u64().filter(|count| *count > 0).and_then(|count| Tokens::new(count).ok());
    tokens.ok_or_else(|| FieldError::new(field, format!("a count of 1 to {}", decision::MAX_TOKENS), kind(value)))
}

fn skills() -> String {
    one_of(&Skill::ALL.map(Skill::word))
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
}

/// An unknown word is measured, not quoted: it may be a prompt in the wrong place.
fn another(word: &str, known: &[&str]) -> String {
    let near = nearest(word, known.iter().copied());
    let hint = near.map(|near| format!("; the nearest known one is `{near}`")).unwrap_or_default();
    format!("another text of {} bytes{hint}", word.len())
}

//! Wire -> domain. Every rejection names its field as the caller's door spells it, and says what was expected and what was
//! found, but never quotes a prompt. Past this file nobody checks again.

use std::collections::BTreeSet;

use classifier::{Prompt, Role, Turn};
use decision::{Draw, Limits as Wishes, Lock, ModelId, PicoUsd, Quality, RequestFacts, Skill, Skills, Tokens};
use proto::v1;
use proto::v1::route_request::Input;

use crate::config::Limits;
use crate::messages::{IMAGE_TOKENS, text_of};
use crate::question::{CallEnd, Question, SessionWish, Verdict};
use crate::remembered::DecisionId;
use crate::secret::Secret;
use crate::status::Rejection;

mod policy;
mod reply;

pub use reply::{model_list, route_reply};

/// Bytes of a tenant's name, a session's id, a judge's name, a region.
pub const MAX_NAME_BYTES: usize = 200;

/// Images or tool calls of one message. A guess at more than any provider takes.
pub const MAX_ATTACHMENTS: u32 = 10_000;

/// Reads a request.
pub fn question(request: &v1::RouteRequest, limits: &Limits) -> Result<Question, Rejection> {
    let asked = match &request.input {
        None => return Err(Rejection::field("prompt", "expected a prompt or a conversation, found neither")),
        Some(Input::Prompt(text)) => single(text, limits)?,
        Some(Input::Conversation(conversation)) => conversed(&conversation.messages, limits)?,
    };
    question_about(asked, request, limits)
}

/// How gRPC callers spell the field of a policy that a request brings along.
pub(crate) const OWN_POLICY_FIELD: &str = "own_policy";

/// A prompt as a door has read it.
pub struct Asked {
    /// The prompt.
    pub prompt: Prompt,
    /// What the conversation shows it needs.
    pub seen: Skills,
    /// What is attached to it may be billed as.
    pub attached: Tokens,
    /// The text, where it is to be kept.
    pub text: Option<Secret>,
    /// How the door spells the field of a policy that the request brings along.
    pub own_policy: &'static str,
}

/// Reads the rest of a request whose prompt the door has read.
pub fn question_about(asked: Asked, request: &v1::RouteRequest, limits: &Limits) -> Result<Question, Rejection> {
    let Asked { prompt, seen, attached, text, own_policy } = asked;
    let prompt_tokens = match request.prompt_tokens {
        None => prompt.tokens().plus(attached),
        Some(0) => return Err(Rejection::field("prompt_tokens", "expected at least 1, found 0")),
        Some(count) => tokens("prompt_tokens", count)?,
    };
    let max_completion = match request.max_completion_tokens {
        None => None,
        Some(0) => return Err(Rejection::field("max_completion_tokens", "expected at least 1, found 0")),
        Some(count) => Some(tokens("max_completion_tokens", count)?),
    };
    let candidates = models("candidates", &request.candidates, limits)?;
    let facts = RequestFacts {
        candidates: (!candidates.is_empty()).then_some(candidates),
        prompt_tokens,
        max_completion,
        needs: needs(&request.needs, seen)?,
        limits: request.limits.as_ref().map(|wishes| wished("limits", wishes, limits)).transpose()?.unwrap_or_default(),
        remaining: None,
        session: None,
        budget: None,
        draw: Draw::NO_DETOUR,
    };
    Ok(Question {
        prompt,
        text,
        policy: policy::wanted(request, own_policy, limits)?,
        facts,
        session: request.session.as_ref().map(session).transpose()?,
        tenant: name("tenant", &request.tenant)?,
        call: None,
    })
}

/// A prompt by itself.
pub fn single(text: &str, limits: &Limits) -> Result<Asked, Rejection> {
    if text.trim().is_empty() {
        return Err(Rejection::field("prompt", "expected a text, found nothing but spaces"));
    }
    short_enough("prompt", text.len(), limits)?;
    let kept = limits.keep_text.then(|| Secret::new(text));
    let (prompt, seen, attached) = (Prompt::from_text(text), Skills::NONE, Tokens::ZERO);
    Ok(Asked { prompt, seen, attached, text: kept, own_policy: OWN_POLICY_FIELD })
}

/// Refuses more text than a prompt may have.
pub fn short_enough(field: &str, n_bytes: usize, limits: &Limits) -> Result<(), Rejection> {
    let most = limits.max_prompt_bytes;
    if n_bytes <= most {
        return Ok(());
    }
    let complaint = format!("expected at most {most} bytes of text (limits.max_prompt_bytes), found {n_bytes}");
    Err(Rejection::field(field, complaint))
}

/// Refuses more messages than a conversation may have.
pub fn few_enough(field: &str, n_messages: usize, limits: &Limits) -> Result<(), Rejection> {
    match n_messages {
        0 => Err(Rejection::field(field, "expected at least one message, found none")),
        found if found > limits.max_messages => {
            let complaint = format!("expected at most {} (limits.max_messages), found {found}", limits.max_messages);
            Err(Rejection::field(field, complaint))
        }
        _ => Ok(()),
    }
}

fn conversed(messages: &[v1::Message], limits: &Limits) -> Result<Asked, Rejection> {
    const LIST: &str = "conversation.messages";
    few_enough(LIST, messages.len(), limits)?;
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let at = |field: &str| format!("{LIST}[{index}].{field}");
        for (field, found) in [("n_images", message.n_images), ("n_tool_calls", message.n_tool_calls)] {
            if found > MAX_ATTACHMENTS {
                return Err(Rejection::field(at(field), format!("expected at most {MAX_ATTACHMENTS}, found {found}")));
            }
        }
        let role = role(message.role).map_err(|complaint| Rejection::field(at("role"), complaint))?;
        turns.push(Turn { role, text: &message.text, images: message.n_images, tool_calls: message.n_tool_calls });
    }
    short_enough(LIST, turns.iter().map(|turn| turn.text.len()).sum(), limits)?;
    if turns.iter().all(|turn| turn.images == 0 && turn.text.trim().is_empty()) {
        let complaint = "expected a message with some text or an image, found only empty ones";
        return Err(Rejection::field(LIST, complaint));
    }
    let sees = turns.iter().any(|turn| turn.images > 0).then_some(Skill::Vision);
    let calls = turns.iter().any(|turn| turn.tool_calls > 0 || turn.role == Role::Tool).then_some(Skill::Tools);
    let text = || Secret::new(text_of(turns.iter().map(|turn| (turn.role, turn.text))));
    let n_images = turns.iter().map(|turn| u64::from(turn.images)).fold(0, u64::saturating_add);
    Ok(Asked {
        prompt: Prompt::from_turns(&turns),
        attached: Tokens::held(n_images.saturating_mul(IMAGE_TOKENS)),
        seen: sees.into_iter().chain(calls).collect(),
        text: limits.keep_text.then(text),
        own_policy: OWN_POLICY_FIELD,
    })
}

fn role(found: i32) -> Result<Role, String> {
    match v1::Role::try_from(found) {
        Ok(v1::Role::System) => Ok(Role::System),
        Ok(v1::Role::User) => Ok(Role::User),
        Ok(v1::Role::Assistant) => Ok(Role::Assistant),
        Ok(v1::Role::Tool) => Ok(Role::Tool),
        Ok(v1::Role::Unspecified) => Err("expected system, user, assistant or tool, found none".to_owned()),
        Err(_) => Err(format!("expected system, user, assistant or tool, found number {found}")),
    }
}

/// An image can only be seen by a model that sees, whether or not the caller says so.
fn needs(found: &[i32], seen: Skills) -> Result<Skills, Rejection> {
    let mut needs = seen;
    for (index, number) in found.iter().enumerate() {
        let skill = match v1::Skill::try_from(*number) {
            Ok(v1::Skill::Tools) => Skill::Tools,
            Ok(v1::Skill::Vision) => Skill::Vision,
            Ok(v1::Skill::JsonSchema) => Skill::JsonSchema,
            Ok(v1::Skill::Audio) => Skill::Audio,
            Ok(v1::Skill::Documents) => Skill::Documents,
            Ok(v1::Skill::Unspecified) | Err(_) => {
                let complaint =
                    format!("expected tools, vision, json_schema, audio or documents, found number {number}");
                return Err(Rejection::field(format!("needs[{index}]"), complaint));
            }
        };
        needs = needs.with(skill);
    }
    Ok(needs)
}

fn wished(outer: &str, wishes: &v1::Limits, limits: &Limits) -> Result<Wishes, Rejection> {
    let at = |field: &str| format!("{outer}.{field}");
    let allow = models(&at("allow"), &wishes.allow, limits)?;
    let mut regions = BTreeSet::new();
    at_most(&at("regions"), wishes.regions.len(), limits)?;
    for (index, region) in wishes.regions.iter().enumerate() {
        let field = format!("{}[{index}]", at("regions"));
        if region.trim().is_empty() {
            return Err(Rejection::field(field, "expected the name of a region, found none"));
        }
        regions.insert(name(&field, region)?);
    }
    Ok(Wishes {
        allow: (!allow.is_empty()).then_some(allow),
        deny: models(&at("deny"), &wishes.deny, limits)?,
        regions: (!regions.is_empty()).then_some(regions),
        zero_data_retention: wishes.zero_data_retention,
        max_cost: wishes.max_cost_usd.map(|usd| money(&at("max_cost_usd"), usd)).transpose()?,
    })
}

fn at_most(field: &str, found: usize, limits: &Limits) -> Result<(), Rejection> {
    if found <= limits.max_candidates {
        return Ok(());
    }
    let complaint = format!("expected at most {} names (limits.max_candidates), found {found}", limits.max_candidates);
    Err(Rejection::field(field, complaint))
}

fn models(field: &str, names: &[String], limits: &Limits) -> Result<BTreeSet<ModelId>, Rejection> {
    at_most(field, names.len(), limits)?;
    let mut models = BTreeSet::new();
    for (index, name) in names.iter().enumerate() {
        let model = model(&format!("{field}[{index}]"), name)?;
        if !models.insert(model) {
            return Err(Rejection::field(format!("{field}[{index}]"), format!("`{name}` is listed twice")));
        }
    }
    Ok(models)
}

fn model(field: &str, name: &str) -> Result<ModelId, Rejection> {
    ModelId::new(name).map_err(|error| Rejection::field(field, error))
}

fn session(session: &v1::Session) -> Result<SessionWish, Rejection> {
    let id = name("session.id", &session.id)?;
    let current = match session.current_model.as_str() {
        "" => None,
        name => Some(model("session.current_model", name)?),
    };
    if id.is_empty() && current.is_none() {
        return Err(Rejection::field("session.id", "expected an id, or a current_model beside it, found neither"));
    }
    let lock = match v1::Lock::try_from(session.lock) {
        Ok(v1::Lock::Unspecified) => None,
        Ok(v1::Lock::ToolLoop) => Some(Lock::ToolLoop),
        Ok(v1::Lock::SignedReasoning) => Some(Lock::SignedReasoning),
        Err(_) => {
            let complaint = format!("expected tool_loop, signed_reasoning or nothing, found number {}", session.lock);
            return Err(Rejection::field("session.lock", complaint));
        }
    };
    let cached = tokens("session.cached_prompt_tokens", session.cached_prompt_tokens)?;
    Ok(SessionWish {
        id: (!id.is_empty()).then_some(id),
        current,
        cached_prompt: (cached > Tokens::ZERO).then_some(cached),
        lock,
    })
}

fn name(field: &str, text: &str) -> Result<String, Rejection> {
    if text.len() > MAX_NAME_BYTES {
        let complaint = format!("expected at most {MAX_NAME_BYTES} bytes, found {}", text.len());
        return Err(Rejection::field(field, complaint));
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::field(field, "expected no control characters, found one"));
    }
    Ok(text.to_owned())
}

fn tokens(field: &str, count: u32) -> Result<Tokens, Rejection> {
    Tokens::new(u64::from(count)).map_err(|error| Rejection::field(field, error))
}

fn money(field: &str, usd: f64) -> Result<PicoUsd, Rejection> {
    PicoUsd::from_usd(usd).map_err(|error| Rejection::field(field, error))
}

/// Reads a verdict.
pub fn verdict(request: &v1::ReportOutcomeRequest) -> Result<Verdict, Rejection> {
    let decision = DecisionId::parse(&request.decision_id).ok_or_else(|| {
        Rejection::field("decision_id", "expected the id of a decision, as 0197a3c2-5b1e-7c44-9f00-1b2c3d4e5f60")
    })?;
    let quality = request.quality.map(|quality| {
        Quality::new(quality).map_err(|error| Rejection::field("quality", error)) //
    });
    let count = |field, found: Option<u32>| found.map(|count| tokens(field, count)).transpose();
    let verdict = Verdict {
        decision,
        model: match request.model.as_str() {
            "" => None,
            name => Some(model("model", name)?),
        },
        quality: quality.transpose()?,
        judge: name("judge", &request.judge)?,
        prompt: count("prompt_tokens", request.prompt_tokens)?,
        cached_prompt: count("cached_prompt_tokens", request.cached_prompt_tokens)?,
        completion: count("completion_tokens", request.completion_tokens)?,
        reasoning: count("reasoning_tokens", request.reasoning_tokens)?,
        cost: request.cost_usd.map(|usd| money("cost_usd", usd)).transpose()?,
        latency_ms: request.latency_ms,
        end: match v1::CallEnd::try_from(request.end) {
            Ok(v1::CallEnd::Unspecified) => None,
            Ok(v1::CallEnd::Answered) => Some(CallEnd::Answered),
            Ok(v1::CallEnd::ProviderFailed) => Some(CallEnd::ProviderFailed),
            Err(_) => {
                let complaint = format!("expected answered, provider_failed or nothing, found number {}", request.end);
                return Err(Rejection::field("end", complaint));
            }
        },
    };
    if verdict.quality.is_none() && !verdict.judge.is_empty() {
        return Err(Rejection::field("judge", "expected a quality beside the judge, found none"));
    }
    if let (Some(prompt), Some(cached)) = (verdict.prompt, verdict.cached_prompt)
        && cached > prompt
    {
        let complaint = format!("expected at most prompt_tokens, {prompt}, found {cached}");
        return Err(Rejection::field("cached_prompt_tokens", complaint));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests;

//! A request as the pipeline takes it: checked, free of wire types, with the text only inside `Prompt`, which does not show it.

use classifier::Prompt;
use decision::{Lock, ModelId, PicoUsd, Policy, PolicyError, PolicyName, Quality, RequestFacts, Tokens};

use crate::remembered::DecisionId;
use crate::secret::Secret;
use crate::status::Rejection;

/// Which model should answer this?
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is to be answered.
    pub prompt: Prompt,
    /// Its text, hidden; only where an operator opted into keeping it in the outcome log.
    pub text: Option<Secret>,
    /// The rules it wants to be decided by.
    pub policy: WantedPolicy,
    /// The request in numbers. Session, budget and draw are filled in by the pipeline.
    pub facts: RequestFacts,
    /// The conversation it goes on with.
    pub session: Option<SessionWish>,
    /// Who is billed; empty if nobody says.
    pub tenant: String,
    /// Where the call is to be forwarded, what the caller says of that.
    pub call: Option<Call>,
}

/// The rules a request wants to be decided by.
#[derive(Clone, Debug, PartialEq)]
pub enum WantedPolicy {
    /// Those of the default policy.
    Default,
    /// Those of a policy that the operator has written.
    Named(PolicyName),
    /// Those that it brings along.
    Own(Box<OwnPolicy>),
}

/// A policy that a request brings along. It is called [`OWN_POLICY`], whatever its rules are.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPolicy {
    /// The rules.
    pub policy: Policy,
    /// How the request's door spells the field it stood in.
    pub field: &'static str,
}

/// What a policy is called that a request brings along: one name for all of them, so that no caller can make a series.
pub const OWN_POLICY: &str = "request";

impl OwnPolicy {
    /// The complaint as one about the request's field.
    pub(crate) fn rejection(field: &str, error: &PolicyError) -> Rejection {
        match error.key() {
            "" => Rejection::field(field, error),
            key => Rejection::field(format!("{field}.{key}"), error),
        }
    }
}

/// What the caller of a forwarded call says of who is to answer it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The model that is asked for by name: it alone, and no questions.
    pub named: Option<ModelId>,
    /// Who may take its place when it fails.
    pub fallbacks: Vec<ModelId>,
}

/// What the caller says of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionWish {
    /// Its id, where the router is to remember it.
    pub id: Option<String>,
    /// The model that answered last, where the caller knows.
    pub current: Option<ModelId>,
    /// Prompt tokens believed to be in the provider's cache, where the caller knows.
    pub cached_prompt: Option<Tokens>,
    /// What forbids a change of model.
    pub lock: Option<Lock>,
}

/// How a decision turned out.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which decision.
    pub decision: DecisionId,
    /// Who really answered; the chosen model if nobody says.
    pub model: Option<ModelId>,
    /// How good it was.
    pub quality: Option<Quality>,
    /// Who judged.
    pub judge: String,
    /// Billed prompt tokens, the cached ones included.
    pub prompt: Option<Tokens>,
    /// Of those, from the cache.
    pub cached_prompt: Option<Tokens>,
    /// Billed tokens of the answer, without reasoning.
    pub completion: Option<Tokens>,
    /// Billed tokens of reasoning.
    pub reasoning: Option<Tokens>,
    /// The bill.
    pub cost: Option<PicoUsd>,
    /// To the last byte.
    pub latency_ms: Option<u32>,
    /// How the call ended, where somebody says.
    pub end: Option<CallEnd>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// With an answer, good or bad.
    Answered,
    /// By the provider's fault.
    ProviderFailed,
}

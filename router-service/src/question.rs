//! A request as the pipeline takes it: checked, free of wire types, with the text only inside `Prompt`, which does not show it.

use classifier::Prompt;
use decision::{Lock, ModelId, PicoUsd, PolicyName, Quality, RequestFacts, Tokens};

use crate::remembered::DecisionId;
use crate::secret::Secret;

/// Which model should answer this?
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is to be answered.
    pub prompt: Prompt,
    /// Its text, hidden; only where an operator opted into keeping it in the outcome log.
    pub text: Option<Secret>,
    /// The policy asked for; the default one if none is.
    pub policy: Option<PolicyName>,
    /// The request in numbers. Session, budget and draw are filled in by the pipeline.
    pub facts: RequestFacts,
    /// The conversation it goes on with.
    pub session: Option<SessionWish>,
    /// Who is billed; empty if nobody says.
    pub tenant: String,
    /// Where the call is to be forwarded, what the caller says of that.
    pub call: Option<Call>,
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

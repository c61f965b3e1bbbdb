//! The story of one forwarded call: it is decided, tried where failover says, relayed as it comes and filed once, however it ends.
//! Nothing here runs by itself: whoever drops the answer drops the call to the provider with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use decision::{AttemptRule, Attempts, Catalog, Mode, Moment, Policy, PolicyName, RequestFacts, Rules};

use crate::chat::{Chat, FALLBACKS_FIELD};
use crate::config::ForwardingRule;
use crate::pipeline::{Answer, Arrival, Pipeline};
use crate::question::{Call, Question};
use crate::status::Rejection;
use crate::upstream::fleet::Fleet;
use crate::upstream::openai::Piece;
use crate::upstream::provider::ProviderError;

mod filing;
mod gates;
mod hedges;
mod pump;
mod relayed;
mod trying;

use filing::{Filing, Whose};
pub(crate) use filing::{Receipt, unix_seconds};
use gates::Gates;
use hedges::Hedges;
pub(crate) use pump::{Abandoned, Pump};
pub(crate) use relayed::{Relayed, Step};

/// What forwards calls, shared by all of them.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) rule: ForwardingRule,
    pub(crate) fleet: Fleet,
    hedges: Hedges,
}

/// Whether the providers' files and addresses can be used, also of those whose key the environment lacks: what `check` asks.
pub fn prove_providers(rule: &ForwardingRule) -> Result<(), ProviderError> {
    let mut rule = rule.clone();
    rule.providers.iter_mut().for_each(|provider| provider.unusable = None);
    Fleet::start(&rule).map(|_| ())
}

impl Forwarder {
    /// Makes the providers. Opens no connection yet.
    pub(crate) fn start(rule: &ForwardingRule) -> Result<Self, ProviderError> {
        Ok(Self { rule: rule.clone(), fleet: Fleet::start(rule)?, hedges: Hedges::default() })
    }

    /// Narrows a request to whom its call may go: the models that somebody serves, and the one that was asked for by name, which
    /// makes a policy of its own, within the limits of the policy in force.
    pub(crate) fn narrow(
        &self,
        call: &Call,
        policy: &Policy,
        facts: &mut RequestFacts,
        catalog: &Catalog,
    ) -> Result<Option<Policy>, Rejection> {
        let served = self.fleet.served();
        if let Some(served) = served {
            let allow = match facts.limits.allow.take() {
                Some(allow) => allow.intersection(served).cloned().collect(),
                None => served.clone(),
            };
            facts.limits.allow = Some(allow);
        }
        let Some(model) = &call.named else { return Ok(None) };
        let unknown = |complaint| Rejection::NotFound { field: "model".into(), complaint };
        if catalog.get(model).is_none() {
            let near = catalog.nearest(model).map(|near| format!("; the nearest name there is `{near}`"));
            return Err(unknown(format!("no model `{model}`{}", near.unwrap_or_default())));
        }
        if served.is_some_and(|served| !served.contains(model)) {
            return Err(unknown(format!("no provider serves `{model}`")));
        }
        let fallback = match (&call.fallbacks, self.rule.fallbacks_when_named) {
            (asked, _) if !asked.is_empty() => asked.clone(),
            (_, true) => policy.rules().fallback.clone(),
            (_, false) => Vec::new(),
        };
        let limits = policy.rules().limits.clone();
        let rules = Rules { fallback, limits, ..Rules::of(Mode::Pin { model: model.clone() }) };
        let name = PolicyName::new(NAMED_POLICY).expect("a plain word is a name");
        let pinned = Policy::new(name, rules);
        pinned.map(Some).map_err(|error| Rejection::field(FALLBACKS_FIELD, error))
    }
}

/// The policy under which a model that was asked for by name is chosen.
pub(crate) const NAMED_POLICY: &str = "named";

/// A call that was decided and has not been tried yet.
pub(crate) struct Decided {
    /// The decision, with all that explains it.
    pub(crate) answer: Arc<Answer>,
    pipeline: Arc<Pipeline>,
    chat: Arc<Chat>,
    attempts: Attempts,
    began: Instant,
    filing: Filing,
    gates: Gates,
}

impl Decided {
    /// When it is over, whatever has come of it.
    pub(crate) fn deadline(&self) -> Instant {
        self.began + Duration::from_millis(self.attempts.deadline().0)
    }
}

/// A call that is being answered.
pub(crate) enum Begun {
    /// The whole answer, and what came of it.
    Whole(Box<Piece>, Receipt),
    /// The answer as it comes.
    Stream(Box<Relayed>),
}

/// Decides a call. The deadline of its caller bounds everything that follows.
pub(crate) async fn decide(
    pipeline: &Arc<Pipeline>,
    chat: Chat,
    question: Question,
    arrival: Arrival,
) -> Result<Decided, Rejection> {
    let whose = Whose { tenant: question.tenant.clone(), session: question.session.clone() };
    let answer = pipeline.route(question, arrival).await.map_err(|error| chat.spelling.put(error))?;
    let answer = Arc::new(answer);
    let (rule, began) = (&pipeline.forwarder.rule, Instant::now());
    let plan = pipeline.forwarder.fleet.plan(&answer.decision.ranked, &answer.snapshot.catalog, fastrand::f64);
    let left = arrival.deadline.map(|deadline| deadline.saturating_duration_since(began));
    let left_ms = left.map_or(u64::MAX, |left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let total_ms = rule.attempts.total_ms.min(left_ms).max(1);
    // Each provider's own patience bounds its attempt; the machine only has to know the end of it all.
    let rule = AttemptRule { total_ms, first_byte_ms: total_ms, ..rule.attempts };
    let attempts = Attempts::new(plan, rule, Moment(0)).map_err(|_| chat.spelling.put(nobody_serves(&answer)))?;
    let chat = Arc::new(chat);
    let filing = Filing::open(pipeline, &chat, &answer, whose, arrival.at);
    Ok(Decided { answer, pipeline: Arc::clone(pipeline), chat, attempts, began, filing, gates: Gates::default() })
}

fn nobody_serves(answer: &Answer) -> Rejection {
    let model = answer.decision.model();
    Rejection::NotFound { field: "model".into(), complaint: format!("no provider serves `{model}`") }
}

fn moment(began: Instant, now: Instant) -> Moment {
    let since = now.saturating_duration_since(began).as_millis();
    Moment(u64::try_from(since).unwrap_or(u64::MAX))
}

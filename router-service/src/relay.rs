//! The story of one forwarded call: it is decided, tried where failover says, relayed as it comes and filed once, however it ends.
//! Nothing here runs by itself: whoever drops the answer drops the call to the provider with it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use decision::{
    AttemptRule, Attempts, Catalog, Cause, End, Gate, Hop, Mode, ModelId, Moment, Next, Policy, PolicyName,
    RequestFacts, Rules,
};
use tokio::time::{sleep_until, timeout, timeout_at};

use crate::chat::Chat;
use crate::config::ForwardingRule;
use crate::pipeline::{Answer, Arrival, Pipeline};
use crate::question::{Call, Question};
use crate::status::{Rejection, Unanswered, UpstreamEnd};
use crate::upstream::Failed;
use crate::upstream::call::{Opened, Outgoing};
use crate::upstream::echo::Echo;
use crate::upstream::fleet::{Destination, Fleet};
use crate::upstream::openai::Piece;
use crate::upstream::provider::{Place, ProviderError};
use crate::upstream::stream::Stream;

mod filing;
mod pump;

use filing::{Filing, Whose};
pub(crate) use filing::{Receipt, unix_seconds};
pub(crate) use pump::Pump;

/// What forwards calls, shared by all of them.
#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) rule: ForwardingRule,
    pub(crate) fleet: Fleet,
}

/// Whether the providers' files and addresses can be used: what `check` asks.
pub fn prove_providers(rule: &ForwardingRule) -> Result<(), ProviderError> {
    Fleet::start(rule).map(|_| ())
}

impl Forwarder {
    /// Makes the providers. Opens no connection yet.
    pub(crate) fn start(rule: &ForwardingRule) -> Result<Self, ProviderError> {
        Ok(Self { rule: rule.clone(), fleet: Fleet::start(rule)? })
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
        let unknown = |complaint| Rejection::NotFound { field: "model", complaint };
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
        pinned.map(Some).map_err(|error| Rejection::field("pointsman.fallbacks", error))
    }
}

/// Tokens that a model is taken to write at most where the catalog does not say: what the smallest of those that must be told hold.
const ASSUMED_MAX_COMPLETION: u64 = 4_096;

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
    let answer = Arc::new(pipeline.route(question, arrival).await?);
    let (rule, began) = (&pipeline.forwarder.rule, Instant::now());
    let plan = pipeline.forwarder.fleet.plan(&answer.decision.ranked, &answer.snapshot.catalog, fastrand::f64);
    let left = arrival.deadline.map(|deadline| deadline.saturating_duration_since(began));
    let left_ms = left.map_or(u64::MAX, |left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
    let total_ms = rule.attempts.total_ms.min(left_ms).max(1);
    // Each provider's own patience bounds its attempt; the machine only has to know the end of it all.
    let rule = AttemptRule { total_ms, first_byte_ms: total_ms, ..rule.attempts };
    let attempts = Attempts::new(plan, rule, Moment(0)).map_err(|_| nobody_serves(&answer))?;
    let chat = Arc::new(chat);
    let filing = Filing::open(pipeline, &chat, &answer, whose, arrival.at);
    Ok(Decided { answer, pipeline: Arc::clone(pipeline), chat, attempts, began, filing })
}

fn nobody_serves(answer: &Answer) -> Rejection {
    let model = answer.decision.model();
    Rejection::NotFound { field: "model", complaint: format!("no provider serves `{model}`") }
}

impl Decided {
    /// Tries until somebody answers or nobody is left.
    pub(crate) async fn begin(mut self) -> Result<Begun, Rejection> {
        let mut last: Option<Failed> = None;
        loop {
            let now = Instant::now();
            let mut entered = None;
            let (pipeline, filing) = (&self.pipeline, &self.filing);
            let next = self.attempts.next(moment(self.began, now), |hop| match enter(pipeline, filing, hop, now) {
                Some(way) => {
                    entered = Some(way);
                    Gate::Open
                }
                None => Gate::Shut,
            });
            match (next, entered) {
                (Next::Try { hop, .. }, Some((destination, place))) => {
                    let hop = self.attempts.plan()[hop].clone();
                    match self.attempt(&hop, &destination).await {
                        Ok(opened) => return Ok(self.sealed(opened, destination, place, now)),
                        Err(failed) => last = Some(self.failed(failed, place)),
                    }
                }
                (Next::Wait { until }, _) => {
                    // A moment is a whole number of milliseconds, and a rest may end within one.
                    let until = self.began + Duration::from_millis(until.0.saturating_add(1));
                    sleep_until(until.into()).await;
                }
                (Next::Ended(End::GaveUp(cause)), _) => return Err(self.unanswered(cause, last)),
                (Next::Ended(End::Succeeded { .. }) | Next::Try { .. }, _) => {
                    return Err(self.unanswered(Cause::NoHopLeft, last));
                }
            }
        }
    }

    async fn attempt(&mut self, hop: &Hop, destination: &Destination) -> Result<Opened, Failed> {
        self.filing.begin(&hop.model, destination);
        let reason = self.answer.decision.reason.to_string();
        let id = self.answer.id.to_string();
        let outgoing = Outgoing {
            chat: &self.chat,
            destination,
            echo: Echo { id: &id, model: hop.model.as_str(), reason: &reason, created: unix_seconds() },
            max_reply_bytes: self.pipeline.forwarder.rule.max_reply_bytes,
            max_completion: self.max_completion(&hop.model),
        };
        let deadline = self.began + Duration::from_millis(self.attempts.deadline().0);
        let opened = timeout_at(deadline.into(), outgoing.open()).await;
        opened.unwrap_or_else(|_| Err(Failed::late("the time for the whole call passed")))
    }

    /// What a provider is told that must be told how much it may write.
    fn max_completion(&self, model: &ModelId) -> u64 {
        let known = self.answer.snapshot.catalog.get(model).and_then(|model| model.max_completion);
        known.map_or(ASSUMED_MAX_COMPLETION, |most| u64::from(most.get()))
    }

    /// Somebody answers: from here on nobody else does.
    fn sealed(mut self, opened: Opened, destination: Destination, place: Place, since: Instant) -> Begun {
        self.attempts.relayed();
        match opened {
            Opened::Whole(piece) => {
                self.attempts.succeeded();
                self.filing.heard(&piece);
                place.answered(Instant::now(), None);
                let receipt = self.filing.answered();
                Begun::Whole(piece, receipt)
            }
            Opened::Stream(stream, first) => {
                let first_token = since.elapsed();
                self.filing.first_token(first_token);
                let deadline = self.began + Duration::from_millis(self.attempts.deadline().0);
                Begun::Stream(Box::new(Relayed {
                    between: destination.provider.rule.patience.between_tokens,
                    decided: self,
                    stream: *stream,
                    first: first.into(),
                    place: Some(place),
                    first_token,
                    deadline,
                }))
            }
        }
    }

    fn failed(&mut self, failed: Failed, place: Place) -> Failed {
        let now = Instant::now();
        self.filing.failed(&failed);
        tracing::debug!(decision = %self.answer.id, end = failed.end.codes().0, "an attempt failed");
        match failed.rest {
            Some(rest) => place.rests(now, rest),
            None if failed.is_the_provider_s() => place.failed(now),
            None if failed.end == UpstreamEnd::Busy => drop(place),
            None => place.answered(now, None),
        }
        self.attempts.failed(failed.failure, moment(self.began, now), fastrand::f64());
        failed
    }

    fn unanswered(self, cause: Cause, last: Option<Failed>) -> Rejection {
        let n_attempts = self.attempts.n_opened();
        let tried = |failed: &Failed| match (failed.end, n_attempts) {
            (UpstreamEnd::Refused | UpstreamEnd::TooLong, _) | (_, 1) => failed.complaint.clone(),
            (_, n_attempts) => format!("{n_attempts} attempts failed, the last one with: {}", failed.complaint),
        };
        let (end, complaint) = match (&last, cause) {
            (_, Cause::DeadlinePassed) => {
                (UpstreamEnd::Late, "no answer came in the time for the whole call".to_owned())
            }
            (Some(failed), _) => (failed.end, tried(failed)),
            (None, _) => self.shut_out(),
        };
        let resting = self.attempts.plan().iter().filter_map(|hop| {
            self.pipeline.forwarder.fleet.destination(hop).provider.rest(Instant::now()) //
        });
        let retry_after = match end {
            UpstreamEnd::Busy | UpstreamEnd::Away => Some(resting.min().unwrap_or(self.pipeline.limits.retry_after)),
            UpstreamEnd::Refused
            | UpstreamEnd::TooLong
            | UpstreamEnd::Failed
            | UpstreamEnd::Late
            | UpstreamEnd::Cut => None,
        };
        let field = last.map(|failed| failed.field).unwrap_or_default();
        self.filing.ended(end);
        Rejection::Upstream(Box::new(Unanswered { end, field, complaint, retry_after }))
    }
}

impl Decided {
    /// Why nobody was even tried.
    fn shut_out(&self) -> (UpstreamEnd, String) {
        let now = Instant::now();
        let well = |hop: &Hop| self.pipeline.forwarder.fleet.destination(hop).provider.is_well(now);
        match self.attempts.plan().iter().any(well) {
            true => (UpstreamEnd::Busy, "every provider that could answer is at its limit".to_owned()),
            false => (UpstreamEnd::Away, "every provider that could answer has kept failing".to_owned()),
        }
    }
}

/// Asks everything anew that may have changed since the decision: the provider's health and limits, and the caller's purse.
fn enter(pipeline: &Pipeline, filing: &Filing, hop: &Hop, now: Instant) -> Option<(Destination, Place)> {
    let destination = pipeline.forwarder.fleet.destination(hop);
    if !filing.affords(&hop.model, destination.prices) {
        return None;
    }
    let place = destination.provider.enter(now)?;
    Some((destination, place))
}

fn moment(began: Instant, now: Instant) -> Moment {
    let since = now.saturating_duration_since(began).as_millis();
    Moment(u64::try_from(since).unwrap_or(u64::MAX))
}

/// An answer on its way to the caller.
pub(crate) struct Relayed {
    decided: Decided,
    stream: Stream,
    first: VecDeque<Box<Piece>>,
    place: Option<Place>,
    between: Duration,
    first_token: Duration,
    deadline: Instant,
}

/// What comes next of an answer.
pub(crate) enum Step {
    /// A piece of it.
    Piece(Box<Piece>),
    /// Its good end.
    End(Receipt),
    /// It broke off: what to tell, the answers that were not finished, and what it cost all the same.
    Broken(Rejection, Vec<u64>, Receipt),
}

impl Relayed {
    /// The decision behind it.
    pub(crate) fn answer(&self) -> &Arc<Answer> {
        &self.decided.answer
    }

    /// Who answers.
    pub(crate) fn model(&self) -> &str {
        self.decided.filing.model()
    }

    /// Where.
    pub(crate) fn provider(&self) -> &str {
        self.decided.filing.provider()
    }

    /// What was asked.
    pub(crate) fn chat(&self) -> &Arc<Chat> {
        &self.decided.chat
    }

    /// The next of it. After an end there is nothing more to ask for.
    pub(crate) async fn next(&mut self) -> Step {
        if let Some(piece) = self.first.pop_front() {
            self.decided.filing.heard(&piece);
            return Step::Piece(piece);
        }
        let patience = self.between.min(self.deadline.saturating_duration_since(Instant::now()));
        let late = || Failed::late(format!("expected the next token within {} ms", patience.as_millis()));
        match timeout(patience, self.stream.next()).await.unwrap_or_else(|_| Err(late())) {
            Ok(Some(piece)) => {
                self.decided.filing.heard(&piece);
                Step::Piece(piece)
            }
            Ok(None) => {
                if let Some(place) = self.place.take() {
                    place.answered(Instant::now(), Some(self.first_token));
                }
                self.decided.attempts.succeeded();
                self.decided.filing.told(self.stream.usage());
                Step::End(self.decided.filing.answered())
            }
            Err(failed) => self.broken(&failed),
        }
    }

    fn broken(&mut self, failed: &Failed) -> Step {
        if let Some(place) = self.place.take() {
            place.failed(Instant::now());
        }
        let unanswered = Unanswered {
            end: UpstreamEnd::Cut,
            field: String::new(),
            complaint: format!("the answer broke off: {}", failed.complaint),
            retry_after: None,
        };
        let open: Vec<u64> = self.stream.open_choices().collect();
        let receipt = self.decided.filing.cut();
        Step::Broken(Rejection::Upstream(Box::new(unanswered)), open, receipt)
    }
}

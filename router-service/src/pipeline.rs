//! The story of one request, top to bottom, in `Pipeline::route`: the file to show a visitor. Both doors call it; whatever a
//! door knows of its wire has become a `Question` before, and becomes a reply after.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use classifier::Prompt;
use decision::{
    Candidates, Decision, Draw, Evidence, ModelId, Policy, Quality, Refusal, RefusalCause, RequestFacts, decide,
    nearest,
};

use crate::config::{Limits, Settings};
use crate::inference::{Answered, Forecaster, Inference, micros};
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::outcome_log::{Made, OutcomeLog, OutcomeLogError, OutcomeLogSettings};
use crate::promises::Promises;
use crate::providers::Providers;
use crate::question::{OWN_POLICY, OwnPolicy, Question, WantedPolicy};
use crate::relay::{Forwarder, NAMED_POLICY};
use crate::reload::{Reloader, Trigger};
use crate::remembered::{Budgets, DecisionId, Decisions, Expected, MAX_REMEMBERED_RANKS, Sessions};
use crate::secret::Secret;
use crate::snapshot::{Current, Snapshot, SnapshotError};
use crate::status::Rejection;
use crate::upstream::provider::ProviderError;

/// Everything a request meets between the doors.
pub struct Pipeline {
    /// What callers may ask for.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    current: Current,
    reloader: Reloader,
    inference: Inference,
    pub(crate) sessions: Sessions,
    pub(crate) budgets: Budgets,
    pub(crate) decisions: Decisions,
    pub(crate) providers: Providers,
    pub(crate) promises: Promises,
    pub(crate) outcome_log: Option<OutcomeLog>,
    pub(crate) forwarder: Forwarder,
}

/// When a request came, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// When its door began to read it.
    pub at: Instant,
    /// When its caller stops waiting, where it says so.
    pub deadline: Option<Instant>,
}

/// A decision with all that a reply tells of it.
#[derive(Debug)]
pub struct Answer {
    /// Its name.
    pub id: DecisionId,
    /// The choice.
    pub decision: Decision,
    /// Who was considered.
    pub candidates: Candidates,
    /// What was forecast, or why nothing was.
    pub evidence: Arc<Evidence>,
    /// What it was decided with.
    pub snapshot: Arc<Snapshot>,
    /// Where the time went.
    pub timing: Timing,
}

/// Where the time of a decision went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Reading and checking.
    pub convert_us: u32,
    /// Waiting for a thread.
    pub queue_us: u32,
    /// Forecasting.
    pub forecast_us: u32,
    /// Considering, ranking and explaining.
    pub decide_us: u32,
}

/// Why there is no pipeline.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The sources are not fit for use.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The outcome log cannot be opened.
    #[error(transparent)]
    OutcomeLog(#[from] OutcomeLogError),
    /// A provider cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The threads cannot be had.
    #[error("threads for forecasts: {0}")]
    Threads(#[from] std::io::Error),
}

impl Pipeline {
    /// Reads the sources and starts the threads.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        Self::start_with(settings, classifier::Classifier::forecast)
    }

    /// The same with another way to forecast: for tests of what a broken one does.
    pub fn start_with(settings: &Settings, forecaster: Forecaster) -> Result<Self, StartError> {
        let (reloader, current) = Reloader::start(&settings.sources, settings.inference.cache_mib)?;
        let metrics = Arc::new(Metrics::default());
        let forwarder = Forwarder::start(&settings.forwarding)?;
        metrics.bind_providers(forwarder.fleet.names());
        metrics.bind_policies([NAMED_POLICY, OWN_POLICY]);
        let promises = Promises::default();
        announce(&metrics, &promises, &current.take());
        let outcome_log = settings.outcome_log.clone().map(|log| open_log(log, &metrics)).transpose()?;
        Ok(Self {
            limits: settings.limits.clone(),
            current,
            reloader,
            inference: Inference::start(&settings.inference, forecaster, &metrics)?,
            metrics,
            sessions: Sessions::new(&settings.memory),
            budgets: Budgets::default(),
            decisions: Decisions::new(&settings.memory),
            providers: Providers::new(),
            promises,
            outcome_log,
            forwarder,
        })
    }

    /// Which model should answer.
    pub async fn route(&self, question: Question, arrival: Arrival) -> Result<Answer, Rejection> {
        let snapshot = self.current.take();
        let convert_us = micros(arrival.at.elapsed());
        in_time(arrival)?;
        let until = with_time_to_decide(arrival);
        let answered = self.inference.evidence(&snapshot, &[&question.prompt], until).await.pop();
        let answered = answered.ok_or_else(|| broken("the forecast"))?;
        self.decided(&snapshot, question, answered, convert_us)
    }

    /// The same for many at once: one wait for all their forecasts.
    pub async fn route_batch(
        &self,
        questions: Vec<Result<Question, Rejection>>,
        arrival: Arrival,
    ) -> Result<Vec<Result<Answer, Rejection>>, Rejection> {
        let snapshot = self.current.take();
        let convert_us = micros(arrival.at.elapsed());
        in_time(arrival)?;
        let prompts: Vec<&Prompt> = questions.iter().flatten().map(|question| &question.prompt).collect();
        let answered = self.inference.evidence(&snapshot, &prompts, with_time_to_decide(arrival)).await;
        let mut answered = answered.into_iter();
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            answers.push(match question {
                Err(rejection) => Err(rejection),
                Ok(question) => match answered.next() {
                    Some(answered) => self.decided(&snapshot, question, answered, convert_us),
                    None => Err(broken("the forecast")),
                },
            });
        }
        Ok(answers)
    }

    /// The part of the story that waits for nobody.
    fn decided(
        &self,
        snapshot: &Arc<Snapshot>,
        question: Question,
        answered: Answered,
        convert_us: u32,
    ) -> Result<Answer, Rejection> {
        let (start, now) = (Instant::now(), Instant::now());
        let Question { prompt, text, policy: wanted, mut facts, session: wish, tenant, call } = question;
        let policy = wanted_policy(snapshot, &wanted, &mut facts)?;
        let instead = self.promises.instead_of(policy);
        let policy = instead.as_ref().unwrap_or(policy);
        let pinned = match &call {
            Some(call) => self.forwarder.narrow(call, policy, &mut facts, &snapshot.catalog)?,
            None => None,
        };
        let policy = pinned.as_ref().unwrap_or(policy);
        let session = wish.as_ref().and_then(|wish| self.sessions.facts(&tenant, wish, now));
        let mut facts = RequestFacts { session, draw: draw(), ..facts };
        let unhealthy = self.unhealthy_at(now);
        let mut consider = |budget| {
            facts.budget = budget;
            considered(snapshot, policy, &facts, &answered.evidence, &unhealthy)
        };
        let (candidates, decision) = match policy.rules().mode {
            decision::Mode::Budget { .. } => self.budgets.decide(policy, |state| {
                let made = consider(Some(state));
                let next = made.as_ref().ok().and_then(|(_, decision)| match decision {
                    Ok(decision) => decision.budget,
                    Err(refusal) => refusal.budget,
                });
                (made, next)
            })?,
            decision::Mode::Tolerance { .. }
            | decision::Mode::Target { .. }
            | decision::Mode::Value { .. }
            | decision::Mode::Pin { .. } => consider(None)?,
        };
        let series = snapshot.series.get_or_init(|| self.metrics.forecast_series(&snapshot.catalog));
        self.metrics.evidence(&answered.evidence, series);
        let decision = decision.map_err(|refusal| {
            self.metrics.refused(&refusal, policy.name().as_str(), &candidates);
            refused(&refusal, &candidates)
        })?;
        self.metrics.decided(&decision, &candidates);
        if let Some(wish) = &wish {
            self.sessions.remember(&tenant, wish, decision.model(), facts.prompt_tokens, now);
        }
        let id = DecisionId::new(SystemTime::now());
        let reference = self.promises.reference(policy, &decision, &candidates);
        let forwarded = call.is_some();
        self.decisions.remember(id, &decision, expected(&decision, &candidates), reference, forwarded);
        if let Some(log) = &self.outcome_log {
            log.decided(&Made {
                decision_id: &id.to_string(),
                at_ms: now_ms(),
                tenant: &tenant,
                prompt: &prompt,
                text: text.as_ref().map(Secret::expose),
                prompt_tokens: facts.prompt_tokens,
                decision: &decision,
                candidates: &candidates,
                evidence: &answered.evidence,
                artifact: Some(&*snapshot.artifact).filter(|_| matches!(*answered.evidence, Evidence::Forecast(_))),
            });
        }
        let Answered { evidence, queue_us, forecast_us } = answered;
        let timing = Timing { convert_us, queue_us, forecast_us, decide_us: micros(start.elapsed()) };
        self.time(timing);
        tracing::debug!(decision = %id, model = %decision.model(), policy = %decision.policy, "decided");
        Ok(Answer { id, decision, candidates, evidence, snapshot: Arc::clone(snapshot), timing })
    }

    fn time(&self, timing: Timing) {
        let Timing { convert_us, queue_us, forecast_us, decide_us } = timing;
        let stages = [("convert", convert_us), ("queue", queue_us), ("forecast", forecast_us), ("decide", decide_us)];
        for (stage, us) in stages {
            self.metrics.took(Metric::DecisionSeconds, &[stage], Duration::from_micros(u64::from(us)));
        }
        let total = stages.iter().map(|(_, us)| u64::from(*us)).sum();
        self.metrics.took(Metric::DecisionSeconds, &["total"], Duration::from_micros(total));
    }

    /// The metrics, as Prometheus reads them.
    pub fn metrics_text(&self) -> String {
        let gauge = |metric, value: usize| self.metrics.set(metric, &[], i64::try_from(value).unwrap_or(i64::MAX));
        gauge(Metric::InferenceQueue, self.inference.n_waiting());
        gauge(Metric::CacheEntries, self.current.take().forecasts.len());
        self.metrics.text(Instant::now())
    }

    /// Closes the outcome log within this time; false if time ran out. Blocks.
    pub fn close(&self, patience: Duration) -> bool {
        self.outcome_log.as_ref().is_none_or(|log| log.close(patience))
    }

    /// The models that are left out because their calls keep failing.
    pub fn unhealthy(&self) -> BTreeSet<ModelId> {
        self.unhealthy_at(Instant::now())
    }

    /// By what callers report, and by our own calls.
    fn unhealthy_at(&self, now: Instant) -> BTreeSet<ModelId> {
        let mut unhealthy = self.providers.unhealthy(now);
        unhealthy.append(&mut self.forwarder.fleet.unhealthy(now));
        unhealthy
    }

    /// The snapshot in use.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.take()
    }

    /// How the promises of tuned policies fare.
    pub fn promises(&self) -> serde_json::Value {
        self.promises.standing()
    }

    /// Reads the sources anew. Blocks: not for the runtime's threads.
    pub fn reload(&self, trigger: Trigger) -> Result<(), String> {
        let reloaded =
            self.reloader.reload(&self.current, |snapshot| announce(&self.metrics, &self.promises, snapshot));
        let result = if reloaded.is_ok() { "swapped" } else { "rejected" };
        self.metrics.count(Metric::Reloads, &[result]);
        match &reloaded {
            Ok(()) => {
                let snapshot = self.current.take();
                let (artifact, number) = (&*snapshot.artifact, snapshot.number);
                tracing::info!(trigger = trigger.word(), snapshot = number, artifact, "took a new snapshot into use");
                self.tell_what_is_amiss();
            }
            Err(fault) => {
                tracing::error!(trigger = trigger.word(), fault, "a reload failed; what was in use stays");
            }
        }
        reloaded
    }

    /// Says in the log what is in use and does not hold: promises for something else, a baseline that nobody knows, models that the
    /// artifact does not know. Whoever starts a service calls it once the log is open.
    pub fn tell_what_is_amiss(&self) {
        self.promises.tell_void();
        let snapshot = self.current.take();
        if let Some(model) = snapshot.classifier.unknown().next() {
            let (n_unknown, n_models) = (snapshot.classifier.unknown().count(), snapshot.catalog.models().len());
            tracing::warn!(
                n_unknown, n_models, first = %model,
                "the artifact knows nothing of some models: they are forecast as the mean of all, at its lower bound"
            );
        }
        let baseline = self.forwarder.rule.baseline.as_ref();
        if let Some(model) = baseline.filter(|model| snapshot.catalog.get(model).is_none()) {
            tracing::warn!(%model, "the baseline is not in the catalog: no savings are reported");
        }
    }

    /// Whether a source on the disk has changed. Blocks.
    pub fn sources_changed(&self) -> bool {
        self.reloader.changed()
    }

    /// Why what is in use is older than what is on the disk, if it is.
    pub fn reload_fault(&self) -> Option<String> {
        self.reloader.fault()
    }
}

fn open_log(settings: OutcomeLogSettings, metrics: &Arc<Metrics>) -> Result<OutcomeLog, OutcomeLogError> {
    let (log, recovery) = OutcomeLog::open(settings, metrics)?;
    let (n_published, n_torn) = (recovery.n_published(), recovery.n_torn());
    if n_published + n_torn > 0 {
        tracing::warn!(n_published, n_torn, "an earlier run left outcomes unpublished; whole ones are published now");
    }
    Ok(log)
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Tells the metrics which names their labels may have, and the watch which promises there are.
fn announce(metrics: &Metrics, promises: &Promises, snapshot: &Snapshot) {
    metrics.snapshot_swapped(&snapshot.catalog, &snapshot.policies, snapshot.made_at);
    promises.adopt(snapshot, metrics);
}

/// The share of a caller's deadline that is kept for deciding and answering once the forecast is waited for. A guess.
const TO_DECIDE: Duration = Duration::from_millis(1);

fn with_time_to_decide(arrival: Arrival) -> Option<Instant> {
    arrival.deadline.map(|deadline| deadline.checked_sub(TO_DECIDE).unwrap_or(deadline))
}

fn in_time(arrival: Arrival) -> Result<(), Rejection> {
    match arrival.deadline {
        Some(deadline) if deadline <= Instant::now() => {
            Err(Rejection::Late { complaint: "the deadline passed before the request was decided" })
        }
        Some(_) | None => Ok(()),
    }
}

fn broken(what: &str) -> Rejection {
    Rejection::Broken { complaint: format!("{what} did not come back") }
}

/// The rules that a request is decided by. Its own ones stay within the limits of the default policy: what an operator allows
/// nobody, nobody gets by bringing other rules.
fn wanted_policy<'a>(
    snapshot: &'a Snapshot,
    wanted: &'a WantedPolicy,
    facts: &mut RequestFacts,
) -> Result<&'a Policy, Rejection> {
    let policies = &snapshot.policies;
    match wanted {
        WantedPolicy::Default => Ok(policies.default_policy()),
        WantedPolicy::Named(name) => policies.get(name.as_str()).ok_or_else(|| {
            let known = policies.iter().map(|policy| policy.name().as_str());
            let complaint = decision::document::unknown("policy", name.as_str(), known.collect::<Vec<_>>());
            Rejection::field("policy", complaint)
        }),
        WantedPolicy::Own(own) => {
            let OwnPolicy { policy, field } = &**own;
            policy.check_against(&snapshot.catalog).map_err(|error| OwnPolicy::rejection(field, &error))?;
            facts.limits = facts.limits.within(&policies.default_policy().rules().limits);
            Ok(policy)
        }
    }
}

/// The candidates and the verdict on them, or why there can be none.
fn considered(
    snapshot: &Snapshot,
    policy: &Policy,
    facts: &RequestFacts,
    evidence: &Evidence,
    unhealthy: &BTreeSet<ModelId>,
) -> Result<(Candidates, Result<Decision, Refusal>), Rejection> {
    any_known(snapshot, facts)?;
    let join = |unhealthy| {
        Candidates::join(&snapshot.catalog, policy, facts, evidence, unhealthy)
            .map_err(|error| Rejection::field("candidates", error))
    };
    let candidates = join(unhealthy)?;
    let decision = decide(policy, facts, &candidates);
    if decision.is_ok() || unhealthy.is_empty() {
        return Ok((candidates, decision));
    }
    // Rather a model that may be down than none: reports of failures must not become an outage.
    let candidates = join(&BTreeSet::new())?;
    let decision = decide(policy, facts, &candidates);
    Ok((candidates, decision))
}

/// A list in which the catalog knows nobody is a slip, not a wish.
fn any_known(snapshot: &Snapshot, facts: &RequestFacts) -> Result<(), Rejection> {
    let Some(asked) = &facts.candidates else { return Ok(()) };
    if asked.iter().any(|model| snapshot.catalog.get(model).is_some()) {
        return Ok(());
    }
    let known = || snapshot.catalog.models().iter().map(|model| model.id.as_str());
    let meant = asked.iter().find_map(|model| Some((model, nearest(model.as_str(), known())?)));
    let meant = meant.map(|(model, near)| format!("; the nearest name to `{model}` is `{near}`")).unwrap_or_default();
    Err(Rejection::field("candidates", format!("none of the {} is in the catalog{meant}", asked.len())))
}

/// Says who was excluded for what, as far as a sentence holds: first those whose reason is the rarest, since a limit that most
/// models fail is known to whoever set it. Where one model was meant, the refusal says it already.
fn refused(refusal: &Refusal, candidates: &Candidates) -> Rejection {
    const MOST: usize = 5;
    if !matches!(refusal.cause, RefusalCause::NobodyEligible { .. }) {
        return Rejection::Refused { complaint: refusal.to_string() };
    }
    let excluded =
        candidates.all().iter().filter_map(|candidate| Some((&candidate.model, candidate.exclusion.as_ref()?)));
    let mut excluded: Vec<_> = excluded.collect();
    let mut n_alike: BTreeMap<&str, usize> = BTreeMap::new();
    excluded.iter().for_each(|(_, exclusion)| *n_alike.entry(exclusion.word()).or_default() += 1);
    excluded.sort_by_key(|(_, exclusion)| n_alike[exclusion.word()]);
    let list: Vec<String> =
        excluded.into_iter().take(MOST).map(|(model, exclusion)| format!("`{model}` {exclusion}")).collect();
    Rejection::Refused { complaint: format!("{refusal} ({})", list.join("; ")) }
}

fn expected(decision: &Decision, candidates: &Candidates) -> Box<[Expected]> {
    let of = |model: &ModelId| {
        let candidate = candidates.get(model);
        let quality: Option<Quality> = candidate.and_then(|found| found.expectation).map(|expected| expected.quality);
        Expected { model: model.clone(), quality, cost: candidate.map(|found| found.cost).unwrap_or_default() }
    };
    decision.ranked.iter().take(MAX_REMEMBERED_RANKS).map(of).collect()
}

fn draw() -> Draw {
    Draw::new(fastrand::f64()).unwrap_or(Draw::NO_DETOUR)
}

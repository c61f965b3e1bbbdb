//! Trying: one provider after another as failover says, or, where one is slow to speak, a second one beside it. Whoever speaks first
//! is relayed; what is dropped on the way is closed and counted.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use decision::{Cause, End, Hop, ModelId, Next};
use tokio::time::{Sleep, sleep, sleep_until, timeout_at};

use super::filing::unix_seconds;
use super::relayed::Relayed;
use super::{Begun, Decided, moment};
use crate::metrics::list::Metric;
use crate::status::{Rejection, Unanswered, UpstreamEnd};
use crate::upstream::call::{Opened, Outgoing};
use crate::upstream::echo::Echo;
use crate::upstream::fleet::Destination;
use crate::upstream::provider::Place;
use crate::upstream::{Failed, Word};

/// Tokens that a model is taken to write at most where the catalog does not say: what the smallest of those that must be told hold.
const ASSUMED_MAX_COMPLETION: u64 = 4_096;

/// One attempt under way.
struct Lane {
    hop: usize,
    destination: Destination,
    place: Place,
    since: Instant,
    opening: Opening,
}

type Opening = Pin<Box<dyn Future<Output = Result<Opened, Failed>> + Send>>;

/// How a try ended: an answer with its lane, or the last of the failures.
type Tried = Result<(Opened, Lane), Failed>;

impl Decided {
    /// Tries until somebody answers or nobody is left.
    pub(crate) async fn begin(mut self) -> Result<Begun, Rejection> {
        let mut last: Option<Failed> = None;
        loop {
            let now = Instant::now();
            let mut entered = None;
            let (forwarder, call) = (&self.pipeline.forwarder, (&self.filing, &*self.chat));
            let gates = &mut self.gates;
            let ask = |hop: &Hop| gates.ask(forwarder, call, hop, now, &mut entered);
            let next = self.attempts.next(moment(self.began, now), ask);
            match (next, entered) {
                (Next::Try { hop, .. }, Some((destination, place))) => {
                    let lane = self.lane(hop, destination, place, now);
                    match self.attempt(lane).await {
                        Ok((opened, lane)) => return Ok(self.sealed(opened, lane)),
                        Err(failed) => last = Some(failed),
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

    /// Waits for this attempt, and for one beside it where this one is slow and the budget for that bears it.
    async fn attempt(&mut self, lane: Lane) -> Tried {
        let mut patience: Option<Pin<Box<Sleep>>> = self.hedge_after(&lane).map(|after| Box::pin(sleep(after)));
        let mut lanes = vec![lane];
        let mut second: Option<usize> = None;
        loop {
            let slow = async {
                match &mut patience {
                    Some(patience) => patience.as_mut().await,
                    None => std::future::pending().await,
                }
            };
            let (place, opened) = tokio::select! {
                biased;
                first = first_of(&mut lanes) => first,
                () = slow => {
                    patience = None;
                    let beside = self.beside();
                    second = beside.as_ref().map(|beside| beside.hop);
                    lanes.extend(beside);
                    continue;
                }
            };
            let lane = lanes.remove(place);
            match opened {
                Ok(opened) => {
                    self.attempts.relayed_by(lane.hop);
                    if let Some(second) = second {
                        let result = if lane.hop == second { "won" } else { "lost" };
                        self.pipeline.metrics.count(Metric::Hedges, &[result]);
                    }
                    for slower in lanes {
                        self.filing.cancelled(slower.hop);
                    }
                    return Ok((opened, lane));
                }
                Err(failed) => {
                    if second == Some(lane.hop) {
                        second = None;
                        self.pipeline.metrics.count(Metric::Hedges, &["failed"]);
                    }
                    let failed = self.failed(failed, lane);
                    if lanes.is_empty() {
                        return Err(failed);
                    }
                    if self.attempts.end().is_some() {
                        // It would fail everywhere: the other one need not find out, too.
                        for other in lanes {
                            self.filing.cancelled(other.hop);
                        }
                        return Err(failed);
                    }
                }
            }
        }
    }

    /// How long this attempt may be silent before another one is asked beside it; none where that is not done.
    fn hedge_after(&self, lane: &Lane) -> Option<Duration> {
        let hedge = &self.pipeline.forwarder.rule.hedge;
        if hedge.share <= 0.0 || !self.chat.stream {
            return None;
        }
        self.pipeline.forwarder.hedges.earn(hedge.share);
        let after_ms = lane.destination.provider.first_token_p95_ms().unwrap_or(hedge.after_ms);
        Some(Duration::from_millis(after_ms.max(1)))
    }

    /// Another attempt, if there is a place for it.
    fn beside(&mut self) -> Option<Lane> {
        let now = Instant::now();
        if !self.pipeline.forwarder.hedges.spend() {
            self.pipeline.metrics.count(Metric::Hedges, &["over_budget"]);
            return None;
        }
        let mut entered = None;
        let (forwarder, call) = (&self.pipeline.forwarder, (&self.filing, &*self.chat));
        let gates = &mut self.gates;
        let hop =
            self.attempts.hedge(moment(self.began, now), |hop| gates.ask(forwarder, call, hop, now, &mut entered));
        match (hop, entered) {
            (Some(hop), Some((destination, place))) => Some(self.lane(hop, destination, place, now)),
            (_, _) => {
                self.pipeline.forwarder.hedges.give_back();
                None
            }
        }
    }

    fn lane(&mut self, hop: usize, destination: Destination, place: Place, since: Instant) -> Lane {
        let model = self.attempts.plan()[hop].model.clone();
        self.filing.begin(hop, &model, &destination);
        let (chat, answer, goal) = (Arc::clone(&self.chat), Arc::clone(&self.answer), destination.clone());
        let (max_reply_bytes, max_completion) =
            (self.pipeline.forwarder.rule.max_reply_bytes, self.max_completion(&model));
        let deadline = self.began + Duration::from_millis(self.attempts.deadline().0);
        let opening = Box::pin(async move {
            let (id, reason) = (answer.id.to_string(), answer.decision.reason.to_string());
            let echo = Echo { id: &id, model: model.as_str(), reason: &reason, created: unix_seconds() };
            let outgoing = Outgoing { chat: &chat, destination: &goal, echo, max_reply_bytes, max_completion };
            let opened = timeout_at(deadline.into(), outgoing.open()).await;
            // A provider that was silent for as long as it may be is late, whoever else had waited long enough, too.
            let word = match since.elapsed() < goal.provider.rule.patience.to_speak(chat.stream) {
                true => Word::Nothing,
                false => Word::Bad,
            };
            opened.unwrap_or_else(|_| Err(Failed { word, ..Failed::cut_short() }))
        });
        Lane { hop, destination, place, since, opening }
    }

    /// What a provider is told that must be told how much it may write.
    fn max_completion(&self, model: &ModelId) -> u64 {
        let known = self.answer.snapshot.catalog.get(model).and_then(|model| model.max_completion);
        known.map_or(ASSUMED_MAX_COMPLETION, |most| u64::from(most.get()))
    }

    /// Somebody answers: from here on nobody else does.
    fn sealed(mut self, opened: Opened, lane: Lane) -> Begun {
        let Lane { destination, place, since, .. } = lane;
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
                let between = destination.provider.rule.patience.between_tokens;
                Begun::Stream(Box::new(Relayed::new(self, *stream, first, place, (between, first_token))))
            }
        }
    }

    fn failed(&mut self, failed: Failed, lane: Lane) -> Failed {
        let now = Instant::now();
        self.filing.failed(lane.hop, &failed);
        let (provider, model) = (&lane.destination.provider.rule.name, &lane.destination.upstream);
        tracing::debug!(decision = %self.answer.id, %provider, end = failed.end.codes().0, "an attempt failed");
        if let Some(why) = &failed.cause {
            tracing::warn!(%provider, why, "a provider cannot be reached");
        }
        if failed.is_the_operator_s() {
            tracing::warn!(%provider, %model, why = failed.complaint, "a provider refuses for a reason that lies in the configuration");
        }
        if let Some(rest) = failed.rest {
            lane.place.rests(now, rest);
        }
        match failed.word {
            Word::Bad => lane.place.failed(now),
            Word::Nothing => drop(lane.place),
            Word::Good => lane.place.answered(now, None),
        }
        self.attempts.failed_at(lane.hop, failed.failure, moment(self.began, now), fastrand::f64());
        failed
    }

    fn unanswered(mut self, cause: Cause, last: Option<Failed>) -> Rejection {
        let last = last.or_else(|| self.gates.asked_too_much());
        let n_attempts = self.attempts.n_opened();
        let tried = |failed: &Failed| match (failed.end, n_attempts) {
            (UpstreamEnd::Refused | UpstreamEnd::TooLong | UpstreamEnd::Unaffordable, _) | (_, 1) => {
                failed.complaint.clone()
            }
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
            | UpstreamEnd::Cut
            | UpstreamEnd::Unaffordable => None,
        };
        let field = last.map(|failed| failed.field).unwrap_or_default();
        let chat = self.chat;
        let (cost, n_attempts) = self.filing.ended(end);
        let rejection =
            Rejection::Upstream(Box::new(Unanswered { end, field, complaint, retry_after, cost, n_attempts }));
        // Any other field is one that a provider complains about, in the caller's words already.
        if end == UpstreamEnd::Unaffordable { chat.spelling.put(rejection) } else { rejection }
    }

    /// Why nobody was even tried.
    fn shut_out(&self) -> (UpstreamEnd, String) {
        match self.gates.met_a_limit() {
            true => (UpstreamEnd::Busy, "every provider that could answer is at its limit".to_owned()),
            false => (UpstreamEnd::Away, "every provider that could answer has kept failing".to_owned()),
        }
    }
}

/// The first of them that has an end, by its place.
async fn first_of(lanes: &mut [Lane]) -> (usize, Result<Opened, Failed>) {
    poll_fn(|cx| {
        for (place, lane) in lanes.iter_mut().enumerate() {
            if let Poll::Ready(opened) = lane.opening.as_mut().poll(cx) {
                return Poll::Ready((place, opened));
            }
        }
        Poll::Pending
    })
    .await
}

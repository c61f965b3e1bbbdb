//! Forecasts off the runtime: a bounded queue, small batches, threads of their own. Whoever asks gets evidence in time or the
//! reason why there is none; a full queue, a late thread and a broken classifier never fail a request.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use classifier::{Classifier, Prompt};
use decision::{Absent, Evidence, Forecast};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::config::InferenceRule;
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::snapshot::Snapshot;

/// How prompts become forecasts: the classifier's own function, except where a test wants a broken one.
pub type Forecaster = fn(&Classifier, &[Prompt]) -> Vec<Forecast>;

/// The threads that forecast and the queue in front of them.
#[derive(Debug)]
pub(crate) struct Inference {
    desk: Arc<Desk>,
    threads: Vec<JoinHandle<()>>,
    rule: InferenceRule,
}

/// What asking cost and brought.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// A forecast, or why there is none.
    pub evidence: Arc<Evidence>,
    /// From asking to a thread taking the job.
    pub queue_us: u32,
    /// The thread's work, for the whole batch.
    pub forecast_us: u32,
}

#[derive(Debug)]
struct Desk {
    rule: InferenceRule,
    forecaster: Forecaster,
    queue: Mutex<VecDeque<Job>>,
    bell: Condvar,
    closed: AtomicBool,
    n_waiting: AtomicUsize,
    /// What a prompt took of a thread lately.
    pace: Lately,
    /// How long it lately was until whoever asked heard that the forecast is there: under load the threads of connections have
    /// others to serve first.
    lag: Lately,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Job {
    snapshot: Arc<Snapshot>,
    prompts: Vec<Prompt>,
    /// Company would make nothing cheaper and would only be waited for.
    alone: bool,
    reply: oneshot::Sender<Done>,
}

#[derive(Debug)]
struct Done {
    forecasts: Result<Vec<Forecast>, Absent>,
    taken: Instant,
    ended: Instant,
}

impl Inference {
    /// Starts the threads. With none of them every prompt is late, which is how tests park them.
    pub(crate) fn start(rule: &InferenceRule, forecaster: Forecaster, metrics: &Arc<Metrics>) -> std::io::Result<Self> {
        let desk = Arc::new(Desk {
            rule: rule.clone(),
            forecaster,
            queue: Mutex::new(VecDeque::new()),
            bell: Condvar::new(),
            closed: AtomicBool::new(false),
            n_waiting: AtomicUsize::new(0),
            pace: Lately::default(),
            lag: Lately::default(),
            metrics: Arc::clone(metrics),
        });
        let mut threads = Vec::new();
        for index in 0..rule.threads {
            let desk = Arc::clone(&desk);
            threads.push(std::thread::Builder::new().name(format!("forecast-{index}")).spawn(move || desk.work())?);
        }
        Ok(Self { desk, threads, rule: rule.clone() })
    }

    /// The evidence for each prompt, in order. Never waits past `until`.
    pub(crate) async fn evidence(
        &self,
        snapshot: &Arc<Snapshot>,
        prompts: &[&Prompt],
        until: Option<Instant>,
    ) -> Vec<Answered> {
        let keys: Vec<[u8; 32]> = prompts.iter().map(|prompt| prompt.digest()).collect();
        let mut answers: Vec<Option<Answered>> = keys.iter().map(|key| self.remembered(snapshot, key)).collect();
        let missing: Vec<usize> = (0..answers.len()).filter(|index| answers[*index].is_none()).collect();
        // A long list goes in part by part, as many at once as there are threads: it neither fills the queue alone nor is
        // late for being long, since every part has the time that one request has.
        let most = if snapshot.classifier.likes_company() { self.rule.batch_prompts } else { PART_PROMPTS };
        let parts: Vec<&[usize]> = missing.chunks(most.min(self.rule.batch_prompts)).collect();
        for wave in parts.chunks(self.rule.threads.max(1)) {
            let ask = |part: &[usize]| {
                let prompts = part.iter().map(|index| prompts[*index].clone()).collect();
                self.ask(snapshot, prompts, Instant::now() + self.rule.deadline, until)
            };
            let asked: Vec<Waiting> = wave.iter().map(|part| ask(part)).collect();
            for (part, waiting) in wave.iter().zip(asked) {
                let told = waiting.wait().await.by_prompt(part.len());
                for (index, answered) in part.iter().zip(told) {
                    if let Evidence::Forecast(_) = &*answered.evidence {
                        snapshot.forecasts.insert(keys[*index], Arc::clone(&answered.evidence));
                    }
                    answers[*index] = Some(answered);
                }
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Prompts that wait now.
    pub(crate) fn n_waiting(&self) -> usize {
        self.desk.n_waiting.load(Ordering::Relaxed)
    }

    fn remembered(&self, snapshot: &Snapshot, key: &[u8; 32]) -> Option<Answered> {
        let evidence = snapshot.forecasts.get(key);
        let result = if evidence.is_some() { "hit" } else { "miss" };
        self.desk.metrics.count(Metric::CacheLookups, &[result]);
        evidence.map(|evidence| Answered { evidence, queue_us: 0, forecast_us: 0 })
    }

    fn ask(&self, snapshot: &Arc<Snapshot>, prompts: Vec<Prompt>, ours: Instant, theirs: Option<Instant>) -> Waiting {
        let asked = Instant::now();
        let until = theirs.map_or(ours, |theirs| theirs.min(ours));
        let n = prompts.len();
        let n_ahead = self.desk.n_waiting.fetch_add(n, Ordering::Relaxed);
        let room = n_ahead + n <= self.rule.queue_prompts && self.desk.comes_in_time(n_ahead, n, until - asked);
        if !room || self.desk.closed.load(Ordering::Relaxed) {
            self.desk.n_waiting.fetch_sub(n, Ordering::Relaxed);
            return Waiting { desk: Arc::clone(&self.desk), reply: None, asked, until };
        }
        let (reply, answer) = oneshot::channel();
        let alone = !snapshot.classifier.likes_company();
        self.desk.queue().push_back(Job { snapshot: Arc::clone(snapshot), prompts, alone, reply });
        self.desk.bell.notify_one();
        Waiting { desk: Arc::clone(&self.desk), reply: Some(answer), asked, until }
    }
}

impl Drop for Inference {
    /// Lets the threads go; what waits is answered with absence.
    fn drop(&mut self) {
        self.desk.closed.store(true, Ordering::Relaxed);
        self.desk.queue().clear();
        self.desk.bell.notify_all();
        for thread in self.threads.drain(..) {
            // A thread cannot panic: its work is caught. If it did, there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// A place in the queue, or the lack of one.
struct Waiting {
    desk: Arc<Desk>,
    reply: Option<oneshot::Receiver<Done>>,
    asked: Instant,
    until: Instant,
}

impl Waiting {
    async fn wait(self) -> Told {
        let Some(reply) = self.reply else { return Told::absent(Absent::Overloaded, 0) };
        // Who asks for several waits for one after another: what was there before is not heard of late.
        let began = Instant::now();
        match timeout_at(self.until.into(), reply).await {
            Ok(Ok(done)) => {
                self.desk.lag.note(done.ended.max(began).elapsed());
                let (queue, forecast) = (done.taken - self.asked, done.ended - done.taken);
                Told { forecasts: done.forecasts, queue_us: micros(queue), forecast_us: micros(forecast) }
            }
            Ok(Err(_)) => Told::absent(Absent::Broken, 0),
            Err(_) => Told::absent(Absent::Late, micros(self.asked.elapsed())),
        }
    }
}

/// What came of a job.
struct Told {
    forecasts: Result<Vec<Forecast>, Absent>,
    queue_us: u32,
    forecast_us: u32,
}

impl Told {
    fn absent(why: Absent, queue_us: u32) -> Self {
        Self { forecasts: Err(why), queue_us, forecast_us: 0 }
    }

    /// One answer for each of its prompts.
    fn by_prompt(self, n_prompts: usize) -> impl Iterator<Item = Answered> {
        let Self { forecasts, queue_us, forecast_us } = self;
        let evidence: Vec<Evidence> = match forecasts {
            Ok(forecasts) => forecasts.into_iter().map(Evidence::Forecast).collect(),
            Err(absent) => vec![Evidence::Absent(absent); n_prompts],
        };
        evidence.into_iter().map(move |evidence| Answered { evidence: Arc::new(evidence), queue_us, forecast_us })
    }
}

pub(crate) fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_micros()).unwrap_or(u32::MAX)
}

/// Prompts of a list that go in together where company makes nothing cheaper: enough to spare wake-ups, few enough to let others
/// in between.
const PART_PROMPTS: usize = 4;

/// The share of a caller's patience that may be expected to pass until the forecast is heard of.
const HOPEFUL: f32 = 0.75;

/// What was lately so is a mean over about so many turns.
const MEMORY: u64 = 16;

/// A span as it lately was; nothing until there was one.
#[derive(Debug, Default)]
struct Lately(AtomicU64);

impl Lately {
    fn span(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Threads may overwrite each other's note; the next one mends it.
    fn note(&self, span: Duration) {
        let new = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let old = self.0.load(Ordering::Relaxed);
        let mean = if old == 0 { new } else { old - old / MEMORY + new / MEMORY };
        self.0.store(mean.max(1), Ordering::Relaxed);
    }
}

impl Desk {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these prompts are likely to be forecast while somebody waits for them. Without this, a service asked for more
    /// than it can do would finish every forecast just after its time. Whoever finds nobody waiting is let in: that keeps pace
    /// and lag up to date.
    fn comes_in_time(&self, n_ahead: usize, n: usize, patience: Duration) -> bool {
        let turns = u32::try_from((n_ahead + n).div_ceil(self.rule.threads.max(1))).unwrap_or(u32::MAX);
        let heard_after = self.pace.span().saturating_mul(turns).saturating_add(self.lag.span());
        n_ahead == 0 || heard_after <= patience.mul_f32(HOPEFUL)
    }

    /// The life of one thread.
    fn work(&self) {
        while let Some(jobs) = self.next_batch() {
            let taken = Instant::now();
            let n_prompts: Vec<usize> = jobs.iter().map(|job| job.prompts.len()).collect();
            let snapshot = Arc::clone(&jobs[0].snapshot);
            let (mut prompts, mut replies) = (Vec::new(), Vec::new());
            for job in jobs {
                prompts.extend(job.prompts);
                replies.push(job.reply);
            }
            let work = || (self.forecaster)(&snapshot.classifier, &prompts);
            let forecasts = catch_unwind(AssertUnwindSafe(work)).ok().filter(|list| list.len() == prompts.len());
            let ended = Instant::now();
            self.pace.note((ended - taken) / u32::try_from(prompts.len()).unwrap_or(u32::MAX).max(1));
            self.metrics.add(Metric::InferenceBatch, &[], u64::try_from(prompts.len()).unwrap_or(0));
            if forecasts.is_none() {
                tracing::error!(n_prompts = prompts.len(), "the classifier broke down on a batch");
            }
            let mut forecasts = forecasts.map(Vec::into_iter);
            for (reply, n) in replies.into_iter().zip(n_prompts) {
                let forecasts = match &mut forecasts {
                    Some(forecasts) => Ok(forecasts.take(n).collect()),
                    None => Err(Absent::Broken),
                };
                // Whoever asked may have left; then nobody misses the answer.
                let _ = reply.send(Done { forecasts, taken, ended });
            }
        }
    }

    /// The next jobs that share a snapshot, as many as make a batch, or a single one that goes alone; none when the service ends. Jobs nobody waits for any
    /// more are thrown away on the way.
    fn next_batch(&self) -> Option<Vec<Job>> {
        let mut queue = self.queue();
        let mut batch: Vec<Job> = Vec::new();
        let mut n_prompts = 0;
        let mut company_until = None;
        loop {
            while let Some(next) = queue.front() {
                let fits = n_prompts == 0 || n_prompts + next.prompts.len() <= self.rule.batch_prompts;
                let same = batch.first().is_none_or(|first| Arc::ptr_eq(&first.snapshot, &next.snapshot));
                let same = same && (batch.is_empty() || !next.alone);
                let wanted = !next.reply.is_closed();
                if wanted && !(fits && same) {
                    return Some(batch);
                }
                let Some(job) = queue.pop_front() else { break };
                self.n_waiting.fetch_sub(job.prompts.len(), Ordering::Relaxed);
                if wanted {
                    n_prompts += job.prompts.len();
                    batch.push(job);
                }
            }
            if self.closed.load(Ordering::Relaxed) {
                return None;
            }
            if batch.is_empty() {
                queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            if batch[0].alone {
                return Some(batch);
            }
            let until = *company_until.get_or_insert_with(|| Instant::now() + self.rule.batch_wait);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || n_prompts >= self.rule.batch_prompts {
                return Some(batch);
            }
            queue = self.bell.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests;

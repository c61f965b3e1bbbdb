//! Whoever asks is answered: with a forecast, or with the reason why there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use classifier::{Classifier, Prompt};
use decision::{Absent, Evidence, Forecast};

use super::{Answered, Inference};
use crate::config::{InferenceRule, Settings, Sources};
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::snapshot::Snapshot;

fn rule() -> InferenceRule {
    // Nobody waits that long: what is late in these tests is late for ever.
    InferenceRule { deadline: Duration::from_secs(600), threads: 1, ..Settings::built_in().inference }
}

fn snapshot() -> Arc<Snapshot> {
    Arc::new(Snapshot::make(&Sources::default(), 16, 0).unwrap())
}

fn prompts(n: usize) -> Vec<Prompt> {
    (0..n).map(|number| Prompt::from_text(&format!("Prompt {number}"))).collect()
}

async fn evidence(
    inference: &Inference,
    snapshot: &Arc<Snapshot>,
    prompts: Vec<Prompt>,
    until: Option<Instant>,
) -> Vec<Answered> {
    inference.evidence(snapshot, &prompts.iter().collect::<Vec<_>>(), until).await
}

fn inference(rule: &InferenceRule, forecaster: super::Forecaster) -> (Inference, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    (Inference::start(rule, forecaster, &metrics).unwrap(), metrics)
}

fn absent(answers: &[Answered]) -> Vec<Option<Absent>> {
    let why = |answer: &Answered| match &*answer.evidence {
        Evidence::Forecast(_) => None,
        Evidence::Absent(absent) => Some(*absent),
    };
    answers.iter().map(why).collect()
}

#[tokio::test]
async fn every_prompt_gets_its_own_forecast_in_order() {
    let (inference, _) = inference(&InferenceRule { batch_prompts: 4, ..rule() }, Classifier::forecast);
    let snapshot = snapshot();
    let answers = evidence(&inference, &snapshot, prompts(11), None).await;
    let expected = snapshot.classifier.forecast(&prompts(11));
    let found: Vec<&Evidence> = answers.iter().map(|answer| &*answer.evidence).collect();
    let expected: Vec<Evidence> = expected.into_iter().map(Evidence::Forecast).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_prompt_seen_before_is_not_forecast_again() {
    fn at_most_once(classifier: &Classifier, prompts: &[Prompt]) -> Vec<Forecast> {
        static N_CALLS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        assert_eq!(N_CALLS.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "called again");
        classifier.forecast(prompts)
    }
    let (inference, metrics) = inference(&rule(), at_most_once);
    let snapshot = snapshot();
    let first = evidence(&inference, &snapshot, prompts(1), None).await;
    let again = evidence(&inference, &snapshot, prompts(1), None).await;
    assert_eq!((&first[0].evidence, again[0].forecast_us), (&again[0].evidence, 0));
    let looked = |result| metrics.total(Metric::CacheLookups, &[result]);
    assert_eq!((looked("hit"), looked("miss")), (1, 1));
    // Another snapshot remembers nothing of this one.
    let other = self::snapshot();
    let answers = evidence(&inference, &other, prompts(1), None).await;
    assert_eq!(absent(&answers), [Some(Absent::Broken)], "it was asked again, and broke as arranged");
}

#[tokio::test]
async fn a_parked_thread_is_late_and_a_full_queue_is_overloaded() {
    let parked = InferenceRule { threads: 0, deadline: Duration::from_millis(1), queue_prompts: 3, ..rule() };
    let (inference, _) = inference(&parked, Classifier::forecast);
    let snapshot = snapshot();
    let answers = evidence(&inference, &snapshot, prompts(2), None).await;
    assert_eq!(absent(&answers), [Some(Absent::Late); 2]);
    // The two still lie in the queue, so there is room for one.
    let answers = evidence(&inference, &snapshot, prompts(2), None).await;
    assert_eq!(absent(&answers), [Some(Absent::Overloaded); 2]);
    assert_eq!(inference.n_waiting(), 2);
    assert_eq!(absent(&evidence(&inference, &snapshot, prompts(1), None).await), [Some(Absent::Late)]);
}

#[test]
fn what_would_come_too_late_does_not_wait() {
    let (inference, _) = inference(&InferenceRule { threads: 0, ..rule() }, Classifier::forecast);
    let snapshot = snapshot();
    let ask = |seconds| inference.ask(&snapshot, prompts(1), Instant::now() + Duration::from_secs(seconds), None);
    let is_let_in = |seconds| ask(seconds).reply.is_some();
    inference.desk.pace.note(Duration::from_secs(100));
    assert!(is_let_in(1), "nobody else waits, and who knows whether the pace still holds");
    let let_in: Vec<bool> = (0..5).map(|_| is_let_in(600)).collect();
    assert_eq!(let_in, [true, true, true, false, false], "450 s of 600 are hoped for, at 100 s each");
    assert!(is_let_in(6000));
    inference.desk.pace.note(Duration::from_secs(10_000));
    assert!(!is_let_in(3000), "it got slower");
}

#[test]
fn what_would_be_heard_of_too_late_does_not_wait() {
    let (inference, _) = inference(&InferenceRule { threads: 0, ..rule() }, Classifier::forecast);
    let snapshot = snapshot();
    let ask = || inference.ask(&snapshot, prompts(1), Instant::now() + Duration::from_secs(600), None);
    let is_let_in = || ask().reply.is_some();
    inference.desk.pace.note(Duration::from_secs(100));
    inference.desk.lag.note(Duration::from_secs(200));
    let let_in: Vec<bool> = (0..4).map(|_| is_let_in()).collect();
    assert_eq!(let_in, [true, true, false, false], "of 450 s hoped for the callers' own threads take 200");
    for _ in 0..100 {
        inference.desk.lag.note(Duration::from_millis(1));
    }
    assert!(is_let_in(), "the threads have time again");
}

#[tokio::test]
async fn how_late_a_forecast_is_heard_of_is_noted() {
    let (inference, _) = inference(&rule(), Classifier::forecast);
    assert_eq!(inference.desk.lag.span(), Duration::ZERO);
    assert_eq!(absent(&evidence(&inference, &snapshot(), prompts(1), None).await), [None]);
    assert!(inference.desk.lag.span() > Duration::ZERO);
}

#[tokio::test]
async fn a_list_longer_than_the_queue_is_forecast_all_the_same() {
    let (inference, _) =
        inference(&InferenceRule { queue_prompts: 8, batch_prompts: 8, ..rule() }, Classifier::forecast);
    assert_eq!(absent(&evidence(&inference, &snapshot(), prompts(100), None).await), [None; 100]);
}

#[tokio::test]
async fn a_caller_in_a_hurry_is_not_kept() {
    let (inference, _) = inference(&InferenceRule { threads: 0, ..rule() }, Classifier::forecast);
    let answers = evidence(&inference, &snapshot(), prompts(1), Some(Instant::now())).await;
    assert_eq!(absent(&answers), [Some(Absent::Late)]);
}

#[tokio::test]
async fn a_broken_classifier_is_told_and_the_thread_lives_on() {
    fn breaks(classifier: &Classifier, prompts: &[Prompt]) -> Vec<Forecast> {
        assert_ne!(prompts[0], Prompt::from_text("Prompt 0"), "as arranged");
        classifier.forecast(prompts)
    }
    let (inference, _) = inference(&rule(), breaks);
    let snapshot = snapshot();
    assert_eq!(absent(&evidence(&inference, &snapshot, prompts(1), None).await), [Some(Absent::Broken)]);
    let other = vec![Prompt::from_text("Another")];
    assert_eq!(absent(&evidence(&inference, &snapshot, other, None).await), [None]);
}

#[tokio::test]
async fn too_few_forecasts_are_broken_and_not_mixed_up() {
    fn loses_one(classifier: &Classifier, prompts: &[Prompt]) -> Vec<Forecast> {
        classifier.forecast(&prompts[1..])
    }
    let (inference, _) = inference(&rule(), loses_one);
    assert_eq!(absent(&evidence(&inference, &snapshot(), prompts(3), None).await), [Some(Absent::Broken); 3]);
}

#[tokio::test]
async fn whoever_waits_at_the_end_is_answered() {
    let (inference, _) = inference(&InferenceRule { threads: 0, ..rule() }, Classifier::forecast);
    let snapshot = snapshot();
    let waiting = inference.ask(&snapshot, prompts(1), Instant::now() + Duration::from_secs(600), None);
    drop(inference);
    assert_eq!(waiting.wait().await.forecasts, Err(Absent::Broken));
}

#[test]
fn a_batch_holds_one_snapshot_and_no_more_prompts_than_its_limit() {
    let rule = InferenceRule { threads: 0, batch_prompts: 4, queue_prompts: 100, ..rule() };
    let (inference, _) = inference(&rule, Classifier::forecast);
    let (one, other) = (snapshot(), snapshot());
    let until = Instant::now() + Duration::from_secs(600);
    let ask = |snapshot: &Arc<Snapshot>, n| inference.ask(snapshot, prompts(n), until, None);
    let _waiting = [ask(&one, 2), ask(&one, 1), ask(&one, 2), ask(&other, 1), ask(&other, 1)];
    inference.desk.queue().iter_mut().for_each(|job| job.alone = false);
    drop(ask(&other, 1));
    let sizes = |jobs: Vec<super::Job>| jobs.iter().map(|job| job.prompts.len()).collect::<Vec<_>>();
    assert_eq!(sizes(inference.desk.next_batch().unwrap()), [2, 1]);
    assert_eq!(sizes(inference.desk.next_batch().unwrap()), [2]);
    assert_eq!(sizes(inference.desk.next_batch().unwrap()), [1, 1], "nobody waits for the last one any more");
    assert_eq!(inference.n_waiting(), 0);
    let _waiting = [ask(&one, 2), ask(&one, 1)];
    assert_eq!(sizes(inference.desk.next_batch().unwrap()), [2], "a table forecasts one as quickly as another");
    assert_eq!(sizes(inference.desk.next_batch().unwrap()), [1]);
}

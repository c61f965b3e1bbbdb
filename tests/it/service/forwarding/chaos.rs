//! Providers that fail in every way a script can say, callers of every kind, some of which leave: each call ends exactly once, in time, as
//! an answer or as an error that says what it is, and all accounts add up.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use router_service::Settings;
use router_service::outcome_log::OutcomeLogSettings;
use serde_json::json;
use tests::scripted::{Answer, Closed, Refusal, Scripted, Told, Turn};
use tokio::task::JoinSet;

use super::super::life::Scratch;
use super::super::{FOR_EVER, Running, settings};
use super::{CHEAP, DEAR};

mod callers;

use callers::{Caller, Ended, How};

/// Another one is another storm; this one is as good as any.
const SEED: u64 = 20_261_121;

/// Calls of one storm, and storms. Four of ten thousand are the long run, which takes five minutes and shows that memory returns.
const N_CALLS: u64 = 400;
const N_STORMS: usize = 1;

/// Callers at a time.
const N_CALLERS: u64 = 32;

/// `forwarding.total_ms` here, and what a busy machine may add to it before somebody notices.
const TOTAL: Duration = Duration::from_millis(1_200);
const SLACK: Duration = Duration::from_secs(3);

/// What the process may have grown by from the first storm to the last: fragments.
const MAX_GROWTH_MIB: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_storm_each_call_ends_once_and_the_accounts_add_up() {
    let mut resident = Vec::new();
    for _ in 0..N_STORMS {
        storm(N_CALLS).await;
        resident.extend(resident_mib());
    }
    let _ = writeln!(io::stdout(), "MiB resident after each: {resident:?}");
    // What one storm leaves behind a later one finds a use for; what leaks is there after each.
    if let [first, .., before, after] = resident[..] {
        assert!(before.min(after) <= first + MAX_GROWTH_MIB, "{resident:?}");
    }
}

/// The memory of this process, where the kernel tells it.
fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

/// The next number of a sequence that looks like chance (SplitMix64).
fn mixed(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What this provider says when it is well: no other provider says it.
fn text_of(place: u64) -> String {
    (0..12).map(|word| format!("p{place}w{word} ")).collect()
}

/// Every way to fail, each as likely as the others.
fn failing(place: u64, draw: u64) -> Turn {
    let answer = Answer::text(&text_of(place), 9, 12);
    let refusal = |status, kind| Turn::Refuse(Refusal::new(status, kind));
    let all = [
        Turn::ResetBeforeHeaders,
        Turn::ResetAfterHeaders,
        Turn::ResetInside(answer.clone()),
        Turn::StallBeforeHeaders,
        Turn::StallInside(answer.clone()),
        Turn::EndInside(answer.clone()),
        // Slower than anybody waits for the whole, quicker than anybody waits for the next word.
        Turn::Trickle(answer, Duration::from_millis(50)),
        Turn::garbage_json(),
        Turn::wrong_content_type(),
        Turn::malformed_stream(),
        refusal(500, "server_error"),
        refusal(503, "overloaded_error"),
        refusal(429, "rate_limit_error"),
        refusal(401, "authentication_error"),
        refusal(400, "invalid_request_error"),
        refusal(404, "model_not_found"),
    ];
    all[usize::try_from(draw).unwrap_or(0) % all.len()].clone()
}

/// Every way to be well, which three calls in four are.
fn turn(place: u64, ordinal: u64) -> Turn {
    let draw = mixed(SEED ^ (place << 48) ^ ordinal);
    let answer = Answer::text(&text_of(place), 9, 12);
    match draw % 16 {
        0..4 => failing(place, draw / 16),
        4 => Turn::Split(answer),
        5 => Turn::Trickle(answer, Duration::from_millis(2)),
        6 => Turn::Answer(Answer { told: Told::Nothing, ..answer }),
        7 => Turn::Answer(Answer { told: Told::Lie(json!(-5)), ..answer }),
        _ => Turn::Answer(answer),
    }
}

/// Two providers that speak as OpenAI does, two as Anthropic, and one that is not there.
fn stormy(providers: &[Scripted], closed: &Closed) -> Settings {
    let mut text = format!(
        "[forwarding]\nbaseline_model = \"{DEAR}\"\nn_attempts_max = 3\nbackoff_ms = 1\nconnect_ms = 200\nfirst_token_ms = 250\n\
         between_tokens_ms = 250\nreply_ms = 400\ntotal_ms = {}\nhedge_share = 0.1\nhedge_after_ms = 60\n",
        TOTAL.as_millis()
    );
    let addresses = providers.iter().map(Scripted::base_url).chain([format!("http://{}/v1", closed.address())]);
    for (place, base_url) in addresses.enumerate() {
        let kind = if place == 2 || place == 3 { "anthropic" } else { "openai" };
        text.push_str(&format!("[[provider]]\nname = \"p{place}\"\nkind = \"{kind}\"\nbase_url = \"{base_url}\"\n"));
        for model in [CHEAP, DEAR] {
            text.push_str(&format!("[[provider.model]]\nid = \"{model}\"\n"));
        }
    }
    let read = Settings::from_text(&text, Path::new(""), &BTreeMap::new());
    Settings { forwarding: read.expect("the configuration is good").forwarding, ..settings() }
}

async fn storm(n_calls: u64) {
    let mut providers = Vec::new();
    for place in 0..4 {
        providers.push(Scripted::start(move |call| turn(place, call.ordinal)).await.expect("a free port"));
    }
    let closed = Closed::take().expect("a free port");
    let scratch = Scratch::new("storm");
    let log = OutcomeLogSettings::to(scratch.path("log"));
    let ours = Settings { outcome_log: Some(log), ..stormy(&providers, &closed) };
    let running = Arc::new(Running::start(ours).await);
    let (next, mut tasks) = (Arc::new(AtomicU64::new(0)), JoinSet::new());
    for _ in 0..N_CALLERS {
        let (running, next) = (Arc::clone(&running), Arc::clone(&next));
        tasks.spawn(async move {
            let mut ends = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= n_calls {
                    return ends;
                }
                ends.push(Caller::of(mixed(SEED ^ number)).call(&running).await);
            }
        });
    }
    let ends = tasks.join_all().await.concat();
    assert_eq!(u64::try_from(ends.len()), Ok(n_calls));
    let longest = ends.iter().map(|ended| ended.took).max().unwrap_or_default();
    assert!(longest < TOTAL + SLACK, "the longest call took {longest:?}");
    let Some(mut running) = Arc::into_inner(running) else { panic!("every caller has gone") };
    // Once it has drained, what it counted is final.
    running.stop();
    let drained = tokio::time::timeout(FOR_EVER, running.server.join_next()).await;
    drained.expect("it drains").expect("it was started").expect("it does not panic");
    let by_how = each_call_is_filed_once(&running, &ends);
    each_call_is_logged_once(&running, &scratch.path("log")).await;
    bills_add_up(&running, &ends);
    attempts_add_up(&running, &providers).await;
    let _ = writeln!(io::stdout(), "{n_calls} calls, the longest {longest:?}: {by_how:?}");
}

/// What callers saw is what was counted; those that left were counted as something, or had left before anything was decided.
fn each_call_is_filed_once(running: &Running, ends: &[Ended]) -> BTreeMap<&'static str, u64> {
    let mut by_how: BTreeMap<&'static str, u64> = BTreeMap::new();
    for ended in ends {
        *by_how.entry(ended.how.word()).or_default() += 1;
    }
    let n_left = by_how.get(How::Left.word()).copied().unwrap_or(0);
    let n_calls = u64::try_from(ends.len()).unwrap_or(u64::MAX);
    let n_filed = running.counted("pointsman_forwarded_calls_total", &[]);
    assert_eq!(running.counted("pointsman_decisions_total", &[]), n_filed, "{by_how:?}");
    assert!(n_filed <= n_calls && n_filed + n_left >= n_calls, "{n_filed} of {n_calls}: {by_how:?}");
    assert_eq!(running.counted("pointsman_requests_in_flight", &[]), 0);
    let mut n_unseen = 0;
    let words = by_how.keys().copied().filter(|word| *word != How::Left.word()).chain(["cancelled"]);
    for word in words.collect::<Vec<_>>() {
        let counted = running.counted("pointsman_forwarded_calls_total", &[&format!("end=\"{word}\"")]);
        let seen = by_how.get(word).copied().unwrap_or(0);
        assert!(counted >= seen, "{word}: {counted} counted, {seen} seen");
        n_unseen += counted - seen;
    }
    assert!(n_unseen <= n_left, "{n_unseen} were counted and not seen, {n_left} left: {by_how:?}");
    assert_eq!(running.counted("pointsman_forwarded_usage_total", &[]), n_filed);
    let n_first = ends.iter().filter(|ended| matches!(ended.how, How::Answered)).count();
    assert!(n_first * 2 > ends.len(), "a storm and no wreck: {by_how:?}");
    by_how
}

/// The log holds a row for each call, one word on how it ended beside it, and nothing was dropped.
async fn each_call_is_logged_once(running: &Running, folder: &Path) {
    let pipeline = Arc::clone(&running.pipeline);
    let closed = tokio::task::spawn_blocking(move || pipeline.close(FOR_EVER)).await;
    assert!(closed.expect("it does not panic"), "the log is closed in time");
    let n_filed = running.counted("pointsman_forwarded_calls_total", &[]);
    for record in ["decision", "verdict"] {
        let label = format!("record=\"{record}\"");
        assert_eq!(running.counted("pointsman_outcome_log_rows_total", &[&label]), n_filed, "{record}");
    }
    assert_eq!(running.counted("pointsman_outcome_log_dropped_total", &[]), 0);
    let mut rows = training_data::rows::read(&[folder.to_owned()], false).expect("the log can be read");
    // Nobody has judged any: a decision that its end was joined to is passed over, and an end without its decision is a stray.
    assert_eq!(rows.by_ref().count(), 0);
    assert_eq!((rows.n_unjudged(), rows.n_stray_verdicts()), (n_filed, 0));
}

/// What calls cost is what their attempts cost, and no less than callers were told.
fn bills_add_up(running: &Running, ends: &[Ended]) {
    let sum = |name: &str, labels: &[&str]| -> f64 {
        running.metric(name, labels).iter().filter_map(|value| value.parse::<f64>().ok()).sum()
    };
    let (attempts, calls) =
        (sum("pointsman_forwarded_cost_usd_total", &[]), sum("pointsman_outcome_cost_usd_total", &[]));
    // The tolerance is that of the printed digits.
    assert!((attempts - calls).abs() < 1e-9, "attempts {attempts}, calls {calls}");
    let told: f64 = ends.iter().map(|ended| ended.cost_usd).sum();
    assert!(told > 0.0 && told <= attempts + 1e-9, "told {told}, attempts {attempts}");
    let answered = sum("pointsman_forwarded_cost_usd_total", &["attempt=\"answered\""]);
    assert!(answered > 0.0 && answered <= attempts, "answered {answered}, all {attempts}");
}

/// Every call that a provider got was an attempt, each has ended there too, and the one that is not there was asked in vain.
async fn attempts_add_up(running: &Running, providers: &[Scripted]) {
    for (place, provider) in providers.iter().enumerate() {
        let ended = provider.until(|counts| counts.played + counts.cancelled == counts.calls);
        tokio::time::timeout(FOR_EVER, ended).await.expect("nothing is left under way at a provider");
        let attempts = running.counted("pointsman_upstream_attempts_total", &[&format!("provider=\"p{place}\"")]);
        let calls = provider.counts().calls;
        assert!(calls <= attempts && calls > 0, "p{place}: {calls} calls, {attempts} attempts");
    }
    let answered = running.counted("pointsman_upstream_attempts_total", &["provider=\"p4\"", "end=\"answered\""]);
    assert_eq!(answered, 0, "nobody is there");
}

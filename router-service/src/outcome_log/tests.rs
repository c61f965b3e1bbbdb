//! Nothing is lost without being counted, nothing waits, and what was closed is whole: on disks that fill, stall and break.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use classifier::{Artifact, Classifier, Prompt};
use decision::{Candidates, Decision, Evidence, Policy, RequestFacts, decide};
use training_data::log::{Record, Verdict};
use training_data::row::OutcomeRow;
use training_data::rows;

use super::disk::Disk;
use super::segment::{MAX_LEFT, Rotation, Writer};
use super::{MAX_RECORD_BYTES, Made, OUTCOME_QUEUE_BYTES, OutcomeLog, OutcomeLogSettings, Recovered, forecast_lines};
use crate::default_policy::default_policies;
use crate::metrics::Metrics;
use crate::metrics::list::Metric;

const PATIENCE: Duration = Duration::from_secs(20);
const CANARY: &str = "canary in the coal mine";

/// A folder that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("pointsman-log-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn rows(&self) -> (Vec<OutcomeRow>, u64) {
        let mut rows = rows::read(std::slice::from_ref(&self.0), false).unwrap();
        let found = rows.by_ref().map(|row| row.unwrap()).collect();
        (found, rows.n_unjudged())
    }

    fn open(&self) -> (OutcomeLog, super::Recovery, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let (log, recovery) = OutcomeLog::open(OutcomeLogSettings::to(&self.0), &metrics).unwrap();
        (log, recovery, metrics)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A decision as the service makes one.
struct Desk {
    policy: Policy,
    prompt: Prompt,
    candidates: Candidates,
    evidence: Evidence,
    decision: Decision,
}

impl Desk {
    fn new(text: &str) -> Self {
        let catalog = classifier::built_in_catalog();
        let classifier = Classifier::new(Arc::new(Artifact::built_in().unwrap()), &catalog);
        let policy = default_policies(&classifier::built_in_catalog()).default_policy().clone();
        let prompt = Prompt::from_text(text);
        let facts = RequestFacts::of_size(prompt.tokens());
        let evidence = Evidence::Forecast(classifier.forecast(std::slice::from_ref(&prompt)).remove(0));
        let candidates = Candidates::join(&catalog, &policy, &facts, &evidence, &BTreeSet::new()).unwrap();
        let decision = decide(&policy, &facts, &candidates).unwrap();
        Self { policy, prompt, candidates, evidence, decision }
    }

    fn made<'a>(&'a self, decision_id: &'a str) -> Made<'a> {
        Made {
            decision_id,
            at_ms: 7,
            tenant: "",
            prompt: &self.prompt,
            text: Some(CANARY),
            prompt_tokens: self.prompt.tokens(),
            decision: &self.decision,
            candidates: &self.candidates,
            evidence: &self.evidence,
            artifact: Some("sha256:0"),
        }
    }
}

fn verdict(id: &str) -> Verdict {
    Verdict { decision_id: Some(id.into()), quality: Some(0.5), ..Verdict::default() }
}

fn record(id: &str) -> Record {
    Record::Verdict(Box::new(verdict(id)))
}

#[test]
fn what_is_logged_is_read_back_joined_with_its_verdict() {
    let (scratch, desk) = (Scratch::new(), Desk::new("Which lever?"));
    let (log, recovery, metrics) = scratch.open();
    assert!(recovery.parts.is_empty());
    log.decided(&desk.made("a"));
    log.decided(&Made { tenant: "team-7", ..desk.made("b") });
    log.reported(verdict("b"));
    assert!(log.close(PATIENCE));
    let names = scratch.files();
    assert!(names.len() == 1 && names[0].starts_with("outcomes-") && names[0].ends_with(".parquet"), "{names:?}");
    let (rows, n_unjudged) = scratch.rows();
    assert_eq!((rows.len(), n_unjudged), (1, 1));
    let row = &rows[0];
    let logged = row.logged.as_ref().unwrap();
    let model = desk.decision.model();
    let expectation = desk.candidates.get(model).unwrap().expectation.unwrap();
    assert_eq!((&*row.source, &*row.dataset, &*row.model), ("pointsman-log", "team-7", model.as_str()));
    assert_eq!((row.quality, &*logged.decision_id, logged.at_ms), (0.5, "b", Some(7)));
    assert_eq!(logged.policy_version.as_deref(), Some(desk.policy.version()));
    assert_eq!((logged.policy.as_deref(), logged.artifact.as_deref()), (Some("balanced"), Some("sha256:0")));
    assert_eq!(logged.forecast_quality, Some(expectation.quality.get()));
    assert_eq!(logged.propensity, Some(1.0));
    let forecasts: serde_json::Value = serde_json::from_str(logged.forecasts.as_ref().unwrap()).unwrap();
    assert_eq!(forecasts, serde_json::to_value(forecast_lines(&desk.candidates, &desk.evidence)).unwrap());
    assert_eq!(forecasts.as_array().unwrap().len(), desk.candidates.all().len());
    assert_eq!(metrics.total(Metric::LogRows, &["decision"]), 2);
    assert_eq!(metrics.total(Metric::LogRows, &["verdict"]), 1);
    assert_eq!(metrics.total(Metric::LogSegments, &["published"]), 1);
    assert_eq!(metrics.total(Metric::LogQueue, &[]), 0);
}

#[test]
fn the_text_of_a_prompt_is_kept_only_where_somebody_opted_in() {
    let desk = Desk::new(CANARY);
    for keep_prompts in [false, true] {
        let scratch = Scratch::new();
        let settings = OutcomeLogSettings { keep_prompts, ..OutcomeLogSettings::to(&scratch.0) };
        let (log, _) = OutcomeLog::open(settings, &Arc::default()).unwrap();
        log.decided(&desk.made("a"));
        log.reported(verdict("a"));
        assert!(log.close(PATIENCE));
        let row = scratch.rows().0.remove(0);
        assert_eq!(row.prompt.as_deref(), keep_prompts.then_some(CANARY));
        assert_eq!(row.prompt_digest.as_ref().map(|digest| digest.len()), Some(64));
        let mut line = Vec::new();
        desk.made("a").record("s", keep_prompts).write_line(&mut line);
        assert_eq!(String::from_utf8(line).unwrap().contains(CANARY), keep_prompts);
    }
}

/// What a scripted disk was told, and what it answers.
#[derive(Default)]
struct Script {
    begun: usize,
    appended: Vec<Vec<u8>>,
    published: Vec<usize>,
    discarded: usize,
    full: bool,
    unpublishable: bool,
}

/// A disk that does as it is told. With a gate, every append waits at it.
#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<Script>>,
    gate: Option<Arc<Gate>>,
}

/// Says that somebody waits, and lets them through when its other end is dropped.
struct Gate {
    reached: SyncSender<()>,
    opened: Mutex<Receiver<()>>,
}

impl Disk for Scripted {
    type Part = usize;

    fn begin(&mut self) -> io::Result<usize> {
        let mut script = self.script.lock().unwrap();
        script.begun += 1;
        Ok(script.begun)
    }

    fn append(&mut self, _: &mut usize, _: u64, lines: &[u8]) -> io::Result<()> {
        if let Some(gate) = &self.gate {
            let _ = gate.reached.try_send(());
            let _ = gate.opened.lock().unwrap().recv();
        }
        let mut script = self.script.lock().unwrap();
        if script.full {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        script.appended.push(lines.to_vec());
        Ok(())
    }

    fn sync(&mut self, _: &mut usize) -> io::Result<()> {
        Err(io::Error::other("a disk may be as broken as it likes"))
    }

    fn publish(&mut self, part: &usize) -> io::Result<u64> {
        let mut script = self.script.lock().unwrap();
        if script.unpublishable {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        script.published.push(*part);
        Ok(0)
    }

    fn discard(&mut self, _: usize) {
        self.script.lock().unwrap().discarded += 1;
    }
}

fn writer(rows: u64, bytes: u64, age_s: u64) -> (Writer<Scripted>, Arc<Mutex<Script>>, Arc<Metrics>) {
    let (disk, metrics) = (Scripted::default(), Arc::new(Metrics::default()));
    let script = Arc::clone(&disk.script);
    let rotation = Rotation { rows, bytes, age: Duration::from_secs(age_s) };
    (Writer::new(disk, rotation, Arc::clone(&metrics)), script, metrics)
}

#[test]
fn a_stalled_disk_delays_no_request() {
    let ((reached, is_stuck), (open, gate)) = (sync_channel(1), sync_channel::<()>(0));
    let disk = Scripted { gate: Some(Arc::new(Gate { reached, opened: Mutex::new(gate) })), ..Scripted::default() };
    let script = Arc::clone(&disk.script);
    let metrics = Arc::new(Metrics::default());
    let settings = OutcomeLogSettings { queue_len: 4, ..OutcomeLogSettings::to("nowhere") };
    let log = OutcomeLog::with(settings, &metrics, disk).unwrap();
    log.reported(verdict("first"));
    is_stuck.recv_timeout(PATIENCE).unwrap();
    (0..10).for_each(|n| log.reported(verdict(&n.to_string()))); // It would never come back if it waited.
    assert_eq!(metrics.total(Metric::LogDropped, &["queue_full"]), 6);
    assert_eq!(metrics.total(Metric::LogQueue, &[]), 4);
    assert!(!log.close(Duration::from_millis(5)), "closing does not wait for ever either");
    log.reported(verdict("late"));
    assert_eq!(metrics.total(Metric::LogDropped, &["closed"]), 1);
    drop(open);
    assert!(log.close(PATIENCE));
    assert_eq!(metrics.total(Metric::LogRows, &["verdict"]), 5);
    assert_eq!((metrics.total(Metric::LogQueue, &[]), script.lock().unwrap().published.len()), (0, 1));
}

#[test]
fn long_prompts_fill_the_queue_by_their_bytes() {
    let ((reached, is_stuck), (_open, gate)) = (sync_channel(1), sync_channel::<()>(0));
    let disk = Scripted { gate: Some(Arc::new(Gate { reached, opened: Mutex::new(gate) })), ..Scripted::default() };
    let metrics = Arc::new(Metrics::default());
    let settings = OutcomeLogSettings { keep_prompts: true, ..OutcomeLogSettings::to("nowhere") };
    let log = OutcomeLog::with(settings, &metrics, disk).unwrap();
    log.reported(verdict("first"));
    is_stuck.recv_timeout(PATIENCE).unwrap();
    let (desk, long) = (Desk::new("x"), "x".repeat(4 << 20));
    (0..10).for_each(|_| log.decided(&Made { text: Some(&long), ..desk.made("a") }));
    let fit = OUTCOME_QUEUE_BYTES / (4 << 20) - 1; // Each is a little more than its text.
    assert_eq!(metrics.total(Metric::LogDropped, &["queue_full"]), 10 - fit);
}

#[test]
fn a_full_disk_costs_the_records_it_did_not_take_and_no_others() {
    let (mut writer, script, metrics) = writer(100, u64::MAX, 3600);
    let now = Instant::now();
    writer.write(&[record("1")], now);
    script.lock().unwrap().full = true;
    writer.write(&[record("2"), record("3")], now);
    script.lock().unwrap().full = false;
    writer.write(&[record("4")], now);
    assert_eq!(metrics.total(Metric::LogDropped, &["write_failed"]), 2);
    assert_eq!(metrics.total(Metric::LogRows, &["verdict"]), 2);
    let script = script.lock().unwrap();
    assert_eq!((script.begun, script.appended.len()), (1, 2));
}

#[test]
fn a_segment_is_closed_by_rows_by_bytes_or_by_age() {
    let now = Instant::now();
    let (mut by_rows, script, _) = writer(2, u64::MAX, 3600);
    (0..5).for_each(|n| by_rows.write(&[record(&n.to_string())], now));
    assert_eq!(script.lock().unwrap().published, [1, 2]);
    by_rows.close();
    assert_eq!(script.lock().unwrap().published, [1, 2, 3]);

    let (mut by_bytes, script, _) = writer(u64::MAX, 100, 3600);
    (0..6).for_each(|n| by_bytes.write(&[record(&n.to_string())], now));
    let n_published = script.lock().unwrap().published.len();
    assert!((2..6).contains(&n_published), "{n_published}: a record has about 60 bytes");

    let (mut by_age, script, _) = writer(u64::MAX, u64::MAX, 60);
    by_age.write(&[record("1")], now);
    by_age.write(&[], now + Duration::from_secs(59));
    assert!(script.lock().unwrap().published.is_empty());
    by_age.write(&[], now + Duration::from_secs(60)); // Though nobody asks anything.
    assert_eq!(script.lock().unwrap().published, [1]);
    by_age.write(&[], now + Duration::from_secs(600));
    by_age.close();
    assert_eq!(script.lock().unwrap().begun, 1, "nothing is opened for nothing");
}

#[test]
fn a_segment_that_cannot_be_published_is_tried_again() {
    let (mut writer, script, metrics) = writer(1, u64::MAX, 3600);
    script.lock().unwrap().unpublishable = true;
    writer.write(&[record("1")], Instant::now());
    writer.write(&[record("2")], Instant::now());
    assert_eq!(metrics.total(Metric::LogSegments, &["failed"]), 2);
    script.lock().unwrap().unpublishable = false;
    writer.write(&[record("3")], Instant::now());
    assert_eq!(script.lock().unwrap().published, [3, 1, 2]);
    assert_eq!(metrics.total(Metric::LogSegments, &["published"]), 3);
    script.lock().unwrap().unpublishable = true;
    (0..MAX_LEFT + 3).for_each(|_| writer.write(&[record("4")], Instant::now()));
    script.lock().unwrap().unpublishable = false;
    writer.close();
    assert_eq!(script.lock().unwrap().published.len(), 3 + MAX_LEFT, "the oldest wait for the next start");
}

#[test]
fn a_record_larger_than_its_limit_is_dropped_alone() {
    let (mut writer, script, metrics) = writer(100, u64::MAX, 3600);
    let long = Verdict { judge: Some("x".repeat(MAX_RECORD_BYTES).into()), ..verdict("1") };
    writer.write(&[record("0"), Record::Verdict(Box::new(long)), record("2")], Instant::now());
    assert_eq!(metrics.total(Metric::LogDropped, &["too_large"]), 1);
    assert_eq!(script.lock().unwrap().appended[0].iter().filter(|byte| **byte == b'\n').count(), 2);
}

/// A part as a crash leaves it.
fn left_behind(folder: &Path, name: &str, ids: &[&str], tail: &str) -> PathBuf {
    let desk = Desk::new("Which lever?");
    let mut lines = Vec::new();
    for id in ids {
        desk.made(id).record("s", false).write_line(&mut lines);
        record(id).write_line(&mut lines);
    }
    lines.extend_from_slice(tail.as_bytes());
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(format!(".{name}.jsonl.part"));
    fs::write(&path, lines).unwrap();
    path
}

#[test]
fn the_next_start_publishes_what_a_crash_left() {
    let scratch = Scratch::new();
    let torn = left_behind(&scratch.0, "outcomes-1", &["a", "b"], "{\"record\":\"verdict\",\"qual");
    let empty = left_behind(&scratch.0, "outcomes-2", &[], "");
    let rubbish = left_behind(&scratch.0, "outcomes-3", &[], "no line at all\n\u{0}");
    let broken = scratch.0.join(".outcomes-4.jsonl.part");
    fs::create_dir(&broken).unwrap();
    let (log, recovery, metrics) = scratch.open();
    assert!(log.close(PATIENCE));
    let what: Vec<_> = recovery.parts.iter().map(|(path, what)| (path.clone(), what.clone())).collect();
    assert_eq!(what[0], (torn.clone(), Recovered::Published { n_records: 4, n_torn: 1 }));
    assert_eq!(what[1], (empty.clone(), Recovered::Removed));
    assert_eq!(what[2], (rubbish.clone(), Recovered::Published { n_records: 0, n_torn: 2 }));
    assert!(matches!(&what[3], (path, Recovered::Left(_)) if *path == broken), "{what:?}");
    assert!(!torn.exists() && !empty.exists() && !rubbish.exists());
    assert_eq!(
        (metrics.total(Metric::LogSegments, &["recovered"]), metrics.total(Metric::LogDropped, &["torn"])),
        (2, 3)
    );
    assert_eq!(scratch.rows().0.len(), 2);
}

#[test]
fn a_part_that_was_published_before_the_crash_is_not_published_twice() {
    let scratch = Scratch::new();
    left_behind(&scratch.0, "outcomes-1", &["a"], "");
    assert!(scratch.open().0.close(PATIENCE));
    let part = left_behind(&scratch.0, "outcomes-1", &["a"], "");
    let (log, recovery, _) = scratch.open();
    assert!(log.close(PATIENCE));
    assert_eq!(recovery.parts, [(part, Recovered::Removed)]);
    assert_eq!((scratch.rows().0.len(), scratch.files().len()), (1, 1));
}

#[test]
fn a_part_of_a_living_writer_is_left_alone() {
    let scratch = Scratch::new();
    let part = left_behind(&scratch.0, "outcomes-1", &["a"], "");
    let living = OpenOptions::new().write(true).open(&part).unwrap();
    living.lock().unwrap();
    let (log, recovery, _) = scratch.open();
    assert_eq!(recovery.parts, [(part.clone(), Recovered::InUse)]);
    assert!(part.exists());
    // Two services may even write side by side.
    let (other, recovery, _) = scratch.open();
    assert!(recovery.parts.iter().all(|(_, what)| *what == Recovered::InUse));
    log.reported(verdict("a"));
    other.reported(verdict("b"));
    assert!(log.close(PATIENCE) && other.close(PATIENCE));
    assert_eq!(scratch.files().iter().filter(|name| name.ends_with(".parquet")).count(), 2);
}

#[test]
fn half_a_line_of_a_full_disk_is_written_over() {
    let scratch = Scratch::new();
    let mut folder = super::Folder::open(&scratch.0).unwrap();
    let mut part = folder.begin().unwrap();
    let mut line = Vec::new();
    record("1").write_line(&mut line);
    let n_bytes = u64::try_from(line.len()).unwrap();
    folder.append(&mut part, 0, &line).unwrap();
    folder.append(&mut part, n_bytes, b"{\"record\":\"verd").unwrap(); // What a failing write may leave.
    line.clear();
    record("2").write_line(&mut line);
    folder.append(&mut part, n_bytes, &line).unwrap();
    assert_eq!(folder.publish(&part).unwrap(), 0, "no line is torn");
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named_at_the_start() {
    let scratch = Scratch::new();
    fs::create_dir_all(&scratch.0).unwrap();
    let file = scratch.0.join("a-file");
    fs::write(&file, "x").unwrap();
    let settings = OutcomeLogSettings::to(file.join("log"));
    for error in [super::prove(&settings).unwrap_err(), OutcomeLog::open(settings, &Arc::default()).err().unwrap()] {
        assert!(
            error.to_string().starts_with("outcome log, ") && error.to_string().contains("a-file/log: "),
            "{error}"
        );
    }
    for folder in [scratch.0.clone(), scratch.0.join("not/yet")] {
        super::prove(&OutcomeLogSettings::to(folder)).unwrap();
    }
    assert_eq!(scratch.files(), ["a-file"], "a proof leaves nothing behind");
}

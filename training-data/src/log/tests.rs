//! What is logged is read back, joined by the decision's id, wherever the two halves stand.

use std::path::PathBuf;

use proptest::prelude::*;

use super::join::Verdicts;
use super::{Record, SegmentWriter, Verdict};
use crate::row::tests::any_row;
use crate::row::{Draft, Logged, OutcomeRow, RowError, Text};
use crate::rows;
use crate::scratch::Scratch;

const FORECASTS: &str = r#"[{"model":"m","quality":0.5,"cost_usd":0.1},{"model":"other","quality":0.25,"quality_low":0.125,"completion_tokens":7,"cost_usd":0.5}]"#;

fn decision(id: &str) -> Record {
    let logged = Logged {
        decision_id: id.into(),
        at_ms: Some(1),
        policy: Some("balanced".into()),
        policy_version: Some("v".into()),
        artifact: Some("sha256:0".into()),
        forecast_quality: Some(0.5),
        forecast_quality_low: Some(0.4),
        forecast_completion_tokens: Some(12.0),
        forecast_cost_usd: Some(0.1),
        propensity: Some(0.9),
        forecasts: Some(FORECASTS.into()),
    };
    Record::Decision(Box::new(OutcomeRow {
        source: "log".into(),
        dataset: "all".into(),
        prompt_id: format!("p{id}").into(),
        prompt: None,
        prompt_digest: Some("ab".into()),
        model: "m".into(),
        quality: 0.0,
        judge: None,
        prompt_tokens: Some(3),
        cached_tokens: None,
        completion_tokens: None,
        reasoning_tokens: None,
        cost_usd: None,
        latency_ms: None,
        group: None,
        judging_only: false,
        logged: Some(Box::new(logged)),
    }))
}

fn verdict(id: &str, quality: Option<f64>) -> Verdict {
    Verdict { decision_id: Some(id.into()), quality, ..Verdict::default() }
}

fn record(verdict: Verdict) -> Record {
    Record::Verdict(Box::new(verdict))
}

fn segment(scratch: &Scratch, name: &str, records: &[Record]) -> PathBuf {
    let mut writer = SegmentWriter::new(Vec::new()).unwrap();
    records.iter().for_each(|record| writer.write(record).unwrap());
    scratch.write(name, writer.finish().unwrap())
}

#[test]
fn a_decision_is_joined_with_a_verdict_from_before_it_or_from_another_file() {
    let scratch = Scratch::new();
    segment(&scratch, "a.parquet", &[record(verdict("2", Some(0.25))), decision("1"), decision("2"), decision("3")]);
    segment(&scratch, "b.parquet", &[decision("4"), record(verdict("1", Some(1.0))), record(verdict("9", Some(1.0)))]);
    scratch.write("c.jsonl", r#"{"source":"s","dataset":"d","prompt_id":"1","model":"m","quality":0.75}"#);
    let mut rows = rows::read(&[scratch.folder().to_owned()], false).unwrap();
    let found: Vec<(Text, f64)> =
        rows.by_ref().map(|row| row.unwrap()).map(|row| (row.prompt_id, row.quality)).collect();
    assert_eq!(found, [("p1".into(), 1.0), ("p2".into(), 0.25), ("1".into(), 0.75)]);
    assert_eq!((rows.n_unjudged(), rows.n_stray_verdicts(), rows.n_read()), (2, 1, 3));
}

#[test]
fn a_report_without_a_quality_is_no_verdict_and_a_later_one_adds_to_it() {
    let scratch = Scratch::new();
    let billed = Verdict { cost_usd: Some(0.5), latency_ms: Some(7), judge: Some("a".into()), ..verdict("1", None) };
    let path = segment(&scratch, "a.parquet", &[decision("1"), decision("2"), record(billed.clone())]);
    let mut rows = rows::read(std::slice::from_ref(&path), false).unwrap();
    assert!(rows.next().is_none());
    assert_eq!((rows.n_unjudged(), rows.n_stray_verdicts()), (2, 0));
    let judged = Verdict { judge: Some("b".into()), ..verdict("1", Some(0.5)) };
    segment(&scratch, "a.parquet", &[decision("1"), record(billed), record(judged)]);
    let row = rows::read(&[path], false).unwrap().next().unwrap().unwrap();
    assert_eq!((row.quality, row.cost_usd, row.latency_ms, row.judge.as_deref()), (0.5, Some(0.5), Some(7), Some("b")));
    assert_eq!(row.prompt_tokens, Some(3), "what the verdict does not say stays");
    assert_eq!(row.logged.unwrap().propensity, Some(0.9));
}

#[test]
fn an_answer_by_a_fallback_is_an_outcome_of_the_fallback() {
    let scratch = Scratch::new();
    let by = |model: &str| record(Verdict { model: Some(model.into()), ..verdict("1", Some(1.0)) });
    let read = |record: Record| {
        let path = segment(&scratch, "a.parquet", &[decision("1"), record]);
        rows::read(&[path], false).unwrap().next().unwrap().unwrap()
    };
    let row = read(by("other"));
    let logged = row.logged.unwrap();
    assert_eq!((&*row.model, logged.forecast_quality, logged.forecast_quality_low), ("other", Some(0.25), Some(0.125)));
    assert_eq!((logged.forecast_completion_tokens, logged.forecast_cost_usd), (Some(7.0), Some(0.5)));
    assert_eq!(logged.propensity, None, "nobody drew it");
    let logged = read(by("stranger")).logged.unwrap();
    assert_eq!((logged.forecast_quality, logged.propensity), (None, None));
    let logged = read(by("m")).logged.unwrap();
    assert_eq!((logged.forecast_quality, logged.propensity), (Some(0.5), Some(0.9)));
}

#[test]
fn more_verdicts_than_are_held_are_an_error() {
    let scratch = Scratch::new();
    let records: Vec<Record> = (0..3).map(|n| record(verdict(&n.to_string(), Some(1.0)))).collect();
    let files = [segment(&scratch, "a.parquet", &records)];
    assert!(Verdicts::within(&files, 3).is_ok());
    let error = Verdicts::within(&files, 2).unwrap_err();
    assert!(matches!(error, RowError::TooManyVerdicts { limit: 2, .. }), "{error}");
}

#[test]
fn a_torn_line_is_a_fault_and_never_half_a_record() {
    let mut draft = Draft::default();
    for record in [decision("1"), record(verdict("1", Some(0.5)))] {
        let mut line = Vec::new();
        record.write_line(&mut line);
        assert_eq!(line.pop(), Some(b'\n'));
        assert_eq!(Record::from_line(&line, &mut draft).unwrap(), record);
        for length in 0..line.len() {
            assert!(Record::from_line(&line[..length], &mut draft).is_err(), "{length} bytes are enough");
        }
    }
    let anonymous = br#"{"record":"verdict","quality":1}"#;
    let error = Record::from_line(anonymous, &mut draft).unwrap_err();
    assert_eq!(error.to_string(), "column \"decision_id\": expected a value, found nothing");
}

#[test]
fn a_newer_segment_is_refused_by_its_version() {
    let scratch = Scratch::new();
    let path = segment(&scratch, "a.parquet", &[decision("1")]);
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(11).position(|window| window == b"log_version").unwrap();
    let mut newer = bytes.clone();
    let digit = (at..).find(|place| newer[*place] == b'1').unwrap();
    newer[digit] = b'9';
    let path = scratch.write("newer.parquet", newer);
    let error = rows::read(&[path], false).unwrap().next().unwrap().unwrap_err();
    assert!(error.to_string().contains("expected rows of schema version 1, found version 9"), "{error}");
}

proptest! {
    #[test]
    fn a_record_read_back_is_the_record_that_was_written(row in any_row(), quality in proptest::option::of(0.0..=1.0_f64)) {
        let id = "any".into();
        let mut row = OutcomeRow { quality: 0.0, ..row };
        row.logged.get_or_insert_with(|| Box::new(Logged {
            decision_id: id,
            at_ms: None,
            policy: None,
            policy_version: None,
            artifact: None,
            forecast_quality: None,
            forecast_quality_low: None,
            forecast_completion_tokens: None,
            forecast_cost_usd: None,
            propensity: None,
            forecasts: None,
        }));
        let decision_id = row.logged.as_ref().unwrap().decision_id.clone();
        let judged = verdict(&decision_id, quality);
        let mut draft = Draft::default();
        for record in [Record::Decision(Box::new(row.clone())), record(judged.clone())] {
            let mut line = Vec::new();
            record.write_line(&mut line);
            prop_assert_eq!(Record::from_line(&line, &mut draft).unwrap(), record);
        }
        let scratch = Scratch::new();
        let path = segment(&scratch, "a.parquet", &[Record::Decision(Box::new(row.clone())), record(judged)]);
        let outcome = rows::read(&[path], false).unwrap().next().transpose().unwrap();
        prop_assert_eq!(outcome, quality.map(|quality| OutcomeRow { quality, ..row }));
    }
}

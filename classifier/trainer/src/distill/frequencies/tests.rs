//! A common piece counts little and a rare one nearly 1; held-out prompts are not counted.

use training_data::OutcomeRow;
use training_data::row::{RowError, Text};
use training_data::split::{Shares, Split, SplitError};

use super::{Census, Frequencies, HALF_WEIGHT, prompts};
use crate::distill::{DistillError, tests::bert_tokenizer};

fn counted(texts: &[&str]) -> Result<Frequencies, DistillError> {
    let mut texts = texts.iter().map(|text| Ok::<Text, SplitError>(Text::from(*text)));
    Frequencies::of_prompts(&bert_tokenizer(), &mut texts, &mut |_| {})
}

#[test]
fn pieces_are_counted_once_for_each_different_prompt() {
    let frequencies = counted(&["the train", "the trains", "the train", "the"]).unwrap();
    let Some(Census { n_prompts, n_ids, .. }) = frequencies.census else { panic!("counted, and yet no census") };
    assert_eq!((n_prompts, n_ids), (3, 6));
    // "the" three times, "train" twice, "##s" once: ids 4, 5 and 6.
    assert_eq!(frequencies.frequencies[4..8], [0.5, 2.0 / 6.0, 1.0 / 6.0, 0.0]);
    let weights = frequencies.weights();
    assert!((f64::from(weights[4]) - HALF_WEIGHT / (HALF_WEIGHT + 0.5)).abs() < 1e-9);
    assert!(weights[7].to_bits() == 1.0_f32.to_bits() && weights[4] < weights[6]);
    let other = counted(&["the trains", "the train", "the"]).unwrap();
    assert_ne!(other.census, frequencies.census, "the fingerprint knows the order");
}

#[test]
fn no_prompts_and_broken_rows_are_errors() {
    for texts in [&[][..], &["", " "]] {
        assert!(matches!(counted(texts), Err(DistillError::NoPrompts)));
    }
    let broken = SplitError::Row(RowError::Io { file: "rows".into(), source: std::io::Error::other("torn") });
    let mut rows = [Ok(Text::from("the")), Err(broken)].into_iter();
    let error = Frequencies::of_prompts(&bert_tokenizer(), &mut rows, &mut |_| {}).err().unwrap();
    assert_eq!(error.to_string(), "rows: torn");
}

#[test]
fn ranks_follow_zipf() {
    let frequencies = Frequencies::of_ranks(&[None, Some(0), Some(1), Some(3)]);
    let total = 1.0 + 0.5 + 0.25;
    let expected = [0.0, 1.0 / total, 0.5 / total, 0.25 / total];
    assert!(frequencies.frequencies.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-12));
    assert!(frequencies.census.is_none());
}

#[test]
fn held_out_prompts_are_passed_over() {
    let split = Split::new("salt", Shares::default()).unwrap();
    let rows: Vec<OutcomeRow> = (0..200).map(row).collect();
    let learned: Vec<Text> = prompts(&split, rows.into_iter().map(Ok)).map(Result::unwrap).collect();
    assert!((120..190).contains(&learned.len()), "{} of 200 prompts", learned.len());
    let judging = OutcomeRow { judging_only: true, ..row(1) };
    let error = prompts(&split, std::iter::once(Ok(judging))).next().unwrap().unwrap_err();
    assert!(error.to_string().contains("expected rows to learn from, found one for judging only"), "{error}");
}

fn row(number: u32) -> OutcomeRow {
    let number = number.to_string();
    OutcomeRow {
        prompt: Some(format!("lever {number}").into()),
        group: Some(number.as_str().into()),
        ..OutcomeRow::bare("s", "d", &number, "m", 1.0)
    }
}

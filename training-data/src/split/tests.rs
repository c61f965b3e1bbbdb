//! Parts are disjoint, stable, of about the right size, and never cut a group.

use proptest::prelude::*;

use super::{LearningPart, Part, Shares, Split, SplitError, text_name};
use crate::row::OutcomeRow;
use crate::row::tests::{any_row, plain_row};

fn split() -> Split {
    Split::new("2026", Shares::default()).unwrap()
}

fn grouped(group: &str) -> OutcomeRow {
    OutcomeRow { group: Some(group.into()), ..plain_row("1", "m", 1.0) }
}

#[test]
fn parts_are_pinned() {
    // These must never change: held-out rows of yesterday would be learned from tomorrow.
    let parts: Vec<Part> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|group| split().part(&grouped(group))).into();
    let said: Vec<&str> = parts
        .iter()
        .map(|part| match part {
            Part::Learning(LearningPart::Fit) => "fit",
            Part::Learning(LearningPart::Calibrate) => "calibrate",
            Part::Learning(LearningPart::Tune) => "tune",
            Part::HeldOut => "held out",
        })
        .collect();
    expect_test::expect![[r#"
        [
            "fit",
            "fit",
            "fit",
            "tune",
            "fit",
            "held out",
            "fit",
            "fit",
        ]
    "#]]
    .assert_debug_eq(&said);
}

#[test]
fn shares_are_about_right() {
    let split = split();
    let mut counts = [0_u32; 4];
    for number in 0..20_000 {
        let place = match split.part(&grouped(&number.to_string())) {
            Part::Learning(LearningPart::Fit) => 0,
            Part::Learning(LearningPart::Calibrate) => 1,
            Part::Learning(LearningPart::Tune) => 2,
            Part::HeldOut => 3,
        };
        counts[place] += 1;
    }
    for (count, share) in counts.into_iter().zip([0.6, 0.1, 0.1, 0.2]) {
        // Four standard deviations of a binomial count.
        assert!((f64::from(count) / 20_000.0 - share).abs() < 0.014, "{counts:?}");
    }
}

proptest! {
    #[test]
    fn every_row_goes_through_exactly_one_door(rows in proptest::collection::vec(any_row(), 0..30)) {
        let alone = |(at, row): (usize, OutcomeRow)| OutcomeRow { prompt_id: at.to_string().into(), judging_only: false, ..row };
        let rows: Vec<OutcomeRow> = rows.into_iter().enumerate().map(alone).collect();
        let stream = || rows.iter().cloned().map(Ok);
        let split = split();
        let learned: Vec<OutcomeRow> = split.learning_rows(stream()).map(|row| row.unwrap().1).collect();
        let judged: Vec<OutcomeRow> = split.held_out_rows(stream()).map(Result::unwrap).collect();
        prop_assert_eq!(learned.len() + judged.len(), rows.len());
        prop_assert!(learned.iter().all(|row| split.part(row) != Part::HeldOut));
        prop_assert!(judged.iter().all(|row| split.part(row) == Part::HeldOut));
    }

    #[test]
    fn a_group_is_never_cut(left in any_row(), right in any_row(), salt in "[a-z]{0,5}") {
        let split = Split::new(&salt, Shares::default()).unwrap();
        let right = OutcomeRow { group: left.group.clone(), ..right };
        if left.group.is_some() {
            prop_assert_eq!(split.part(&left), split.part(&right));
        }
    }
}

#[test]
fn spacing_and_case_do_not_move_a_prompt_without_a_group() {
    let part = |prompt: &str| split().part(&OutcomeRow { prompt: Some(prompt.into()), ..plain_row("1", "m", 1.0) });
    for number in 0..50 {
        let prompt = format!("How far is it to platform {number}?");
        assert_eq!(part(&prompt), part(&format!("  how far is it\nto PLATFORM {number} ")));
    }
}

#[test]
fn prompts_without_words_are_not_one_prompt() {
    let part = |prompt: String| split().part(&OutcomeRow { prompt: Some(prompt.into()), ..plain_row("1", "m", 1.0) });
    let parts: Vec<Part> = (1..50).map(|n_marks| part("?".repeat(n_marks))).collect();
    assert!(parts.contains(&Part::HeldOut) && parts.contains(&Part::Learning(LearningPart::Fit)), "{parts:?}");
}

#[test]
fn a_group_that_bears_the_name_of_a_text_and_the_text_alone_are_one() {
    let part = |group: Option<&str>, text: &str| {
        let (group, prompt) = (group.map(Into::into), Some(text.into()));
        split().part(&OutcomeRow { group, prompt, ..plain_row("1", "m", 1.0) })
    };
    for number in 0..50 {
        let text = format!("How far is it to platform {number}?");
        assert_eq!(part(Some(&text_name(&text)), &text), part(None, &text));
    }
}

#[test]
fn a_prompt_is_not_torn_by_rows_that_lack_the_group_of_others() {
    let row = |model: &str, group: Option<&str>| {
        Ok(OutcomeRow { group: group.map(Into::into), ..plain_row("7", model, 1.0) })
    };
    let torn = || [row("a", Some("g")), row("b", None)].into_iter();
    let expected = "source \"s\", prompt \"7\": expected a group on all of its rows or on none, found both";
    let errors = [
        split().learning_rows(torn()).last().unwrap().map(|_| ()),
        split().held_out_rows(torn()).last().unwrap().map(|_| ()),
    ];
    for error in errors {
        assert!(error.unwrap_err().to_string().starts_with(expected));
    }
    let whole = [row("a", Some("g")), row("b", Some("h"))].into_iter();
    assert!(split().learning_rows(whole).all(|row| row.is_ok()));
}

#[test]
fn rows_for_judging_only_are_judged_and_never_learned_from() {
    let row = OutcomeRow { judging_only: true, ..plain_row("7", "m", 1.0) };
    let error = split().learning_rows(std::iter::once(Ok(row.clone()))).next().unwrap().unwrap_err();
    let expected = "source \"s\", prompt \"7\": expected rows to learn from, found one for judging only";
    assert_eq!(error.to_string(), expected);
    assert_eq!(split().held_out_rows(std::iter::once(Ok(row))).count(), 1);
}

#[test]
fn shares_that_are_none_are_refused() {
    for (fit, held_out) in [(0.6, 0.3), (-0.1, 0.9), (f64::NAN, 0.2)] {
        let shares = Shares { fit, held_out, ..Shares::default() };
        assert!(matches!(Split::new("", shares), Err(SplitError::Shares(_))));
    }
    let all = Shares { fit: 1.0, calibrate: 0.0, tune: 0.0, held_out: 0.0 };
    assert_eq!(Split::new("", all).unwrap().part(&grouped("x")), Part::Learning(LearningPart::Fit));
}

//! Which cells a row takes and which it refuses, column by column.

use proptest::prelude::*;

use super::draft::{MAX_COST_USD, MAX_NAME_BYTES, MAX_PROMPT_BYTES, MAX_TOKENS};
use super::{Column, Draft, Fault, Logged, OutcomeRow, Text};
use crate::cell::Cell;

/// Any row that may exist.
pub(crate) fn any_row() -> impl Strategy<Value = OutcomeRow> {
    let name = || "[a-zA-Z0-9 ./:_\"\\\\é→-]{1,12}".prop_map(Text::from);
    let maybe_name = move || proptest::option::of(name());
    let count = || proptest::option::of(0_u64..1 << 40);
    let tokens = || proptest::option::of(0..=MAX_TOKENS);
    let share = || 0.0..=1.0_f64;
    let logged = (
        (name(), count(), maybe_name(), maybe_name(), maybe_name()),
        (proptest::option::of(share()), proptest::option::of(share()), proptest::option::of(share())),
        (proptest::option::of(0.0..1e9_f64), proptest::option::of(0.0..1e3_f64), proptest::option::of("\\PC{0,20}")),
    )
        .prop_map(
            |(
                (decision_id, at_ms, policy, policy_version, artifact),
                (high, low, propensity),
                (tokens, cost, forecasts),
            )| {
                Box::new(Logged {
                    decision_id,
                    at_ms,
                    policy,
                    policy_version,
                    artifact,
                    forecast_quality: high,
                    forecast_quality_low: low,
                    forecast_completion_tokens: tokens,
                    forecast_cost_usd: cost,
                    propensity,
                    forecasts: forecasts.map(Text::from),
                })
            },
        );
    (
        (name(), name(), name(), proptest::option::of("\\PC{0,40}\n?"), proptest::option::of("[0-9a-f]{2,64}")),
        (name(), share(), maybe_name(), maybe_name(), any::<bool>()),
        (tokens(), tokens(), tokens(), tokens(), count(), proptest::option::of(0.0..1e6_f64)),
        proptest::option::of(logged),
    )
        .prop_map(|(names, rest, tokens, logged)| OutcomeRow {
            source: names.0,
            dataset: names.1,
            prompt_id: names.2,
            prompt: names.3.map(Text::from),
            prompt_digest: names.4.map(Text::from),
            model: rest.0,
            quality: rest.1,
            judge: rest.2,
            group: rest.3,
            judging_only: rest.4,
            prompt_tokens: tokens.0,
            cached_tokens: tokens.1,
            completion_tokens: tokens.2,
            reasoning_tokens: tokens.3,
            latency_ms: tokens.4,
            cost_usd: tokens.5,
            logged,
        })
}

/// A row with nothing but what it cannot do without.
pub(crate) fn plain_row(prompt_id: &str, model: &str, quality: f64) -> OutcomeRow {
    OutcomeRow::bare("s", "d", prompt_id, model, quality)
}

#[track_caller]
fn check(column: &str, cell: Cell<'_>, expected: &str) {
    let outcome = Draft::default().set(Column::from_name(column).unwrap(), cell);
    let said = outcome.map_or_else(|fault| fault.to_string(), |()| "taken".to_owned());
    assert_eq!(said, expected);
}

#[test]
fn quality_is_a_number_from_0_to_1() {
    for good in [Cell::Number(0.0), Cell::Number(1.0), Cell::Integer(1), Cell::Flag(true), Cell::Raw("0.5")] {
        check("quality", good, "taken");
    }
    check("quality", Cell::Number(1.7), "column \"quality\": expected a number from 0 to 1, found 1.7");
    check("quality", Cell::Number(-0.1), "column \"quality\": expected a number from 0 to 1, found -0.1");
    check("quality", Cell::Text("0.5"), "column \"quality\": expected a number from 0 to 1, found \"0.5\"");
    check("quality", Cell::Raw("good"), "column \"quality\": expected a number from 0 to 1, found \"good\"");
    check("quality", Cell::Number(f64::INFINITY), "column \"quality\": expected a number from 0 to 1, found inf");
}

#[test]
fn tokens_are_whole_and_not_negative() {
    for good in [Cell::Integer(7), Cell::Number(12.0), Cell::Raw("7"), Cell::Raw("7.0"), Cell::Null] {
        check("prompt_tokens", good, "taken");
    }
    let expected = "column \"prompt_tokens\": expected a whole number from 0 to 100000000, found";
    check("prompt_tokens", Cell::Integer(100_000_000), "taken");
    check("prompt_tokens", Cell::Integer(100_000_001), &format!("{expected} 100000001"));
    check("prompt_tokens", Cell::Integer(-1), &format!("{expected} -1"));
    check("prompt_tokens", Cell::Number(1.5), &format!("{expected} 1.5"));
    check("prompt_tokens", Cell::Text("many"), &format!("{expected} \"many\""));
    check("prompt_tokens", Cell::Number(1e300), &format!("{expected} 1{}", "0".repeat(300)));
}

#[test]
fn what_may_be_missing_may_be_missing_in_every_way() {
    for nothing in [Cell::Null, Cell::Number(f64::NAN), Cell::Raw(""), Cell::Raw("nan")] {
        check("cost_usd", nothing, "taken");
    }
}

#[test]
fn a_bill_has_a_limit() {
    for column in ["cost_usd", "forecast_cost_usd"] {
        for good in [Cell::Number(MAX_COST_USD), Cell::Integer(0), Cell::Raw("0.5")] {
            check(column, good, "taken");
        }
        let expected = format!("column \"{column}\": expected a number of US dollars from 0 to 1000000, found");
        check(column, Cell::Number(-0.5), &format!("{expected} -0.5"));
        check(column, Cell::Number(f64::INFINITY), &format!("{expected} inf"));
        check(column, Cell::Raw("1e308"), &format!("{expected} \"1e308\""));
        check(column, Cell::Number(MAX_COST_USD + 0.5), &format!("{expected} 1000000.5"));
    }
    let expected = "column \"forecast_completion_tokens\": expected a finite number of 0 or more, found -0.5";
    check("forecast_completion_tokens", Cell::Number(-0.5), expected);
}

#[test]
fn a_time_goes_where_such_a_time_belongs() {
    for good in [Cell::Duration(7), Cell::Integer(7), Cell::Raw("7.0")] {
        check("latency_ms", good, "taken");
    }
    check("at_ms", Cell::Moment(1_700_000_000_123), "taken");
    let expected = |column: &str| format!("column \"{column}\": expected a whole number of 0 or more, found");
    check("at_ms", Cell::Duration(7), &format!("{} a duration of 7 ms", expected("at_ms")));
    check("latency_ms", Cell::Moment(7), &format!("{} a timestamp of 7 ms", expected("latency_ms")));
    check("latency_ms", Cell::Duration(-7), &format!("{} a duration of -7 ms", expected("latency_ms")));
    check("quality", Cell::Duration(1), "column \"quality\": expected a number from 0 to 1, found a duration of 1 ms");
}

#[test]
fn digests_are_hexadecimal() {
    check("prompt_digest", Cell::Text("00ff"), "taken");
    let expected = "column \"prompt_digest\": expected 2 to 128 lower-case hexadecimal digits, found";
    check("prompt_digest", Cell::Text("00FF"), &format!("{expected} \"00FF\""));
    check("prompt_digest", Cell::Text("xyz"), &format!("{expected} \"xyz\""));
}

#[test]
fn texts_have_limits() {
    let (longest, too_long) = ("m".repeat(MAX_NAME_BYTES), "m".repeat(MAX_NAME_BYTES + 1));
    check("model", Cell::Text(&longest), "taken");
    let found = format!("{:?}..", "m".repeat(40));
    check(
        "model",
        Cell::Text(&too_long),
        &format!("column \"model\": expected a text of 1 to 1024 bytes, found {found}"),
    );
    check("prompt", Cell::Text(&"p".repeat(MAX_PROMPT_BYTES)), "taken");
    let outcome = Draft::default().set(Column::Prompt, Cell::Text(&"p".repeat(MAX_PROMPT_BYTES + 1)));
    assert!(matches!(outcome, Err(Fault::Cell { expected: "a text of at most 4 MiB", .. })));
}

#[test]
fn a_row_needs_its_required_cells() {
    let mut draft = Draft::default();
    draft.set(Column::Source, Cell::Text("s")).unwrap();
    assert_eq!(draft.finish().unwrap_err().to_string(), "column \"dataset\": expected a value, found nothing");
    draft.set(Column::Model, Cell::Text("")).unwrap_err();
}

#[test]
fn a_propensity_needs_its_decision() {
    let mut draft = Draft::default();
    for column in [Column::Source, Column::Dataset, Column::PromptId, Column::Model] {
        draft.set(column, Cell::Text("x")).unwrap();
    }
    draft.set(Column::Quality, Cell::Integer(1)).unwrap();
    draft.set(Column::Propensity, Cell::Number(0.5)).unwrap();
    let fault = draft.finish().unwrap_err();
    assert_eq!(fault.to_string(), "column \"propensity\": expected a \"decision_id\" beside it, found none");
}

#[test]
fn the_rows_of_a_prompt_share_its_text() {
    let mut draft = Draft::default();
    let mut row = || {
        for column in [Column::Source, Column::Dataset, Column::PromptId, Column::Model, Column::Prompt] {
            draft.set(column, Cell::Text("the same")).unwrap();
        }
        draft.set(Column::Quality, Cell::Integer(0)).unwrap();
        draft.finish().unwrap().prompt.unwrap()
    };
    assert!(Text::ptr_eq(&row(), &row()));
}

#[test]
fn every_column_has_its_own_name() {
    for column in Column::ALL {
        assert_eq!(Column::from_name(column.name()), Some(column));
        assert_eq!(Column::ALL[column as usize], column);
    }
}

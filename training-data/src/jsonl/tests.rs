//! Rows survive JSONL, and a bad line is named by its number and key.

use proptest::prelude::*;

use super::{Lines, MAX_LINE_BYTES, RowReader, RowWriter, parse};
use crate::row::tests::{any_row, plain_row};
use crate::row::{Draft, OutcomeRow};
use crate::scratch::Scratch;

const GOOD: &str = r#"{"source":"s","dataset":"d","prompt_id":"1","model":"m","quality":1,"other":[1,{"a":null}]}"#;

fn written(rows: &[OutcomeRow]) -> Vec<u8> {
    let mut writer = RowWriter::new(Vec::new());
    rows.iter().for_each(|row| writer.write(row).unwrap());
    writer.finish().unwrap()
}

proptest! {
    #[test]
    fn rows_survive(rows in proptest::collection::vec(any_row(), 0..10)) {
        let scratch = Scratch::new();
        let path = scratch.write("rows.jsonl", written(&rows));
        let read: Result<Vec<_>, _> = RowReader::open(&path).unwrap().collect();
        prop_assert_eq!(read.unwrap(), rows);
    }

    #[test]
    fn no_line_panics(line in "\\PC{0,60}") {
        let _ = parse(line.as_bytes(), &mut Draft::default());
    }
}

#[track_caller]
fn check(line: &str, expected: &str) {
    let said =
        parse(line.as_bytes(), &mut Draft::default()).map_or_else(|fault| fault.to_string(), |_| "taken".to_owned());
    assert!(said.starts_with(expected), "expected {expected:?}, found {said:?}");
}

#[test]
fn a_line_is_judged_key_by_key() {
    check(GOOD, "taken");
    check(&GOOD.replace("\"quality\":1", "\"quality\":true"), "taken");
    check(
        &GOOD.replace("\"quality\":1", "\"quality\":1.7"),
        "column \"quality\": expected a number from 0 to 1, found 1.7",
    );
    check(
        &GOOD.replace("\"quality\":1", "\"quality\":\"1\""),
        "column \"quality\": expected a number from 0 to 1, found \"1\"",
    );
    check(
        &GOOD.replace("\"quality\":1", "\"quality\":[1]"),
        "column \"quality\": expected a number from 0 to 1, found a list",
    );
    check(
        &GOOD.replace("\"quality\":1", "\"quality\":{}"),
        "column \"quality\": expected a number from 0 to 1, found an object",
    );
    check(&GOOD.replace("\"model\":\"m\",", ""), "column \"model\": expected a value, found nothing");
    check(
        &GOOD.replace("\"model\":\"m\"", "\"model\":\"m\",\"at_ms\":18446744073709551615"),
        "column \"at_ms\": expected a whole",
    );
    check(&GOOD.replace("\"other\"", "\"schema_version\":1,\"other\""), "taken");
    check(
        &GOOD.replace("\"other\"", "\"schema_version\":2,\"other\""),
        "column \"schema_version\": expected version 1",
    );
    check("[1]", "expected one JSON object a line, found invalid type: sequence");
    // What is quoted may be a prompt.
    let found = "expected one JSON object a line, found invalid type: a text, expected a JSON object at byte";
    check(r#""A secret, expected \", expected nowhere at line 7""#, found);
    check("model,quality", "expected one JSON object a line, found something else at byte 1");
    let nan = "column \"quality\": expected a JSON value, and NaN is none, found something else at byte";
    check(&GOOD.replace("\"quality\":1", "\"quality\":NaN"), nan);
    check(&GOOD[..30], "expected one JSON object a line, found EOF");
    check(&format!("{GOOD}{GOOD}"), "expected one JSON object a line, found trailing characters");
}

#[test]
fn errors_count_lines_blank_ones_included() {
    let scratch = Scratch::new();
    let path = scratch.write("rows.jsonl", format!("\u{feff}{GOOD}\r\n\n{GOOD}\n{{}}\n{GOOD}"));
    let rows: Vec<_> = RowReader::open(&path).unwrap().collect();
    assert_eq!(rows.len(), 4);
    let error = rows[2].as_ref().unwrap_err().to_string();
    assert!(error.ends_with("rows.jsonl, line 4, column \"source\": expected a value, found nothing"), "{error}");
}

#[test]
fn a_line_at_the_limit_is_read_and_one_behind_it_is_passed_over() {
    let scratch = Scratch::new();
    let padded = |n_bytes: usize| format!("{GOOD}{}", " ".repeat(n_bytes - GOOD.len()));
    let text = format!("{}\n{}\n{GOOD}\n", padded(MAX_LINE_BYTES), padded(MAX_LINE_BYTES + 1));
    let path = scratch.write("rows.jsonl", text);
    let rows: Vec<_> = RowReader::open(&path).unwrap().collect();
    assert!(rows[0].is_ok() && rows[2].is_ok() && rows.len() == 3);
    let error = rows[1].as_ref().unwrap_err().to_string();
    assert!(error.ends_with("rows.jsonl, line 2, expected a line of at most 8 MiB, found a longer one"), "{error}");
}

#[test]
fn a_row_whose_escapes_make_its_line_too_long_is_refused_by_name() {
    // Everything of a line but the prompt's escapes.
    let around = |prompt: &str| {
        let row = OutcomeRow { prompt: Some(prompt.into()), ..plain_row("7", "m", 0.5) };
        let mut writer = RowWriter::new(Vec::new());
        writer.write(&row).map(|()| writer.finish().unwrap())
    };
    let n_around = around("").unwrap().len() - 1;
    let room = MAX_LINE_BYTES - n_around;
    let full = format!("{}{}", "\u{1}".repeat(room / 6), "x".repeat(room % 6));
    let written = around(&full).unwrap();
    assert_eq!(written.len(), MAX_LINE_BYTES + 1);
    let scratch = Scratch::new();
    let read: Result<Vec<_>, _> = RowReader::open(&scratch.write("rows.jsonl", written)).unwrap().collect();
    assert_eq!(read.unwrap()[0].prompt.as_deref(), Some(&*full));
    assert_eq!(
        around(&format!("{full}x")).unwrap_err().to_string(),
        "expected rows of at most 8 MiB as JSON, found one of 8388609 bytes, of model \"m\" on prompt \"s/d/7\"; \
        a .parquet file can hold it"
    );
}

#[test]
fn an_empty_file_has_no_lines() {
    let scratch = Scratch::new();
    assert!(!Lines::open(&scratch.write("rows.jsonl", "\n\n  \n")).unwrap().advance().unwrap());
}

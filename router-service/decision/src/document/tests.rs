//! Complaints as a person reads them, and random text that must never do worse than complain.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::{Document, MAX_DOCUMENT_BYTES};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    track: BTreeMap<String, Track>,
    #[serde(default)]
    stop: Vec<Stop>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Track {
    gauge_mm: u32,
    kind: Kind,
    slope: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    name: String,
    minutes: Vec<u8>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Narrow,
    Standard,
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let outcome = Document::parse(text).and_then(|document| document.read::<Line>());
    match outcome {
        Ok(line) => assert_eq!("", expected, "was read as {line:?}"),
        Err(error) => assert_eq!(error.to_string(), expected),
    }
}

#[test]
fn good_text_is_read() {
    let document = Document::parse(
        "[track.a]\ngauge_mm = 1435\nkind = \"standard\"\nslope = 2\n[[stop]]\nname = \"x\"\nminutes = [1, 2]",
    )
    .unwrap();
    let line: Line = document.read().unwrap();
    assert_eq!((line.track["a"].gauge_mm, line.track["a"].slope), (1435, Some(2.0)));
    assert_eq!(line.track["a"].kind, Kind::Standard);
    assert_eq!((line.stop[0].name.as_str(), line.stop[0].minutes.as_slice()), ("x", [1, 2].as_slice()));
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    check(
        "[track.a]\ngauge_mm = 1\nknid = \"narrow\"",
        "line 3, track.a: unknown key `knid`; the nearest known one is `kind`",
    );
    check("\n\ntrak = 1", "line 3: unknown key `trak`; the nearest known one is `track`");
    check("colour = 1", "line 1: unknown key `colour`; known: `track`, `stop`");
}

#[test]
fn an_unknown_word_names_the_nearest_known_one() {
    check(
        "[track.a]\ngauge_mm = 1\nkind = \"narow\"",
        "line 3, track.a.kind: unknown value `narow`; the nearest known one is `narrow`",
    );
    check(
        "[track.a]\ngauge_mm = 1\nkind = 7",
        "line 3, track.a.kind: expected one of [\"narrow\", \"standard\"], found integer",
    );
}

#[test]
fn a_wrong_type_names_line_key_expected_and_found() {
    check(
        "[track.a]\ngauge_mm = \"wide\"",
        "line 2, track.a.gauge_mm: expected a whole number from 0, found string \"wide\"",
    );
    check("[track.a]\ngauge_mm = -1", "line 2, track.a.gauge_mm: expected a whole number from 0, found integer `-1`");
    check(
        "[[stop]]\nname = \"x\"\nminutes = [1,\n 900]",
        "line 4, stop[0].minutes[1]: expected a whole number from 0 to 255, found integer `900`",
    );
    check("stop = 4", "line 1, stop: expected a list, found integer `4`");
    check(
        "[track.a]\ngauge_mm = 99999999999999999999",
        "line 2, track.a.gauge_mm: expected an integer below 2^63, found 99999999999999999999",
    );
}

#[test]
fn a_missing_key_names_its_table() {
    check("[track.a]\nkind = \"narrow\"", "line 1, track.a: lacks the key `gauge_mm`");
    check("[[stop]]\nname = \"x\"\nminutes = []\n[[stop]]\nname = \"y\"", "line 4, stop[1]: lacks the key `minutes`");
}

#[test]
fn text_that_is_no_toml_names_its_line() {
    let error = Document::parse("a = 1\nb = = 2").err().unwrap();
    assert_eq!(error.line, 2, "{error}");
    let error = Document::parse("a = 1\na = 2").err().unwrap();
    assert_eq!(error.line, 2, "{error}");
}

#[test]
fn a_fault_in_meaning_points_at_the_deepest_key_there_is() {
    let document =
        Document::parse("[track.a]\ngauge_mm = 1\nkind = \"narrow\"\n[[stop]]\nname = \"x\"\nminutes = []").unwrap();
    let error = document.fault(&["track".into(), "a".into(), "gauge_mm".into()], "too narrow");
    assert_eq!(error.to_string(), "line 2, track.a.gauge_mm: too narrow");
    let error = document.fault(&["stop".into(), 0.into(), "colour".into()], "no colour");
    assert_eq!(error.to_string(), "line 4, stop[0].colour: no colour");
    assert_eq!(document.fault(&["absent".into()], "is needed").to_string(), "absent: is needed");
    assert_eq!(document.fault(&[], "is empty").to_string(), "is empty");
}

#[test]
fn a_document_has_a_size_limit() {
    let text = "#".repeat(MAX_DOCUMENT_BYTES + 1);
    let error = Document::parse(&text).err().unwrap();
    assert_eq!(error.to_string(), "expected at most 8388608 bytes, found 8388609");
    assert!(Document::parse(&text[1..]).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Ok(document) = Document::parse(&text) {
            drop(document.read::<Line>());
        }
    }

    #[test]
    fn any_toml_value_in_any_place_is_read_or_refused_with_its_line(
        key in prop::sample::select(vec!["gauge_mm", "kind", "slope", "extra"]),
        value in prop::sample::select(vec!["1", "-1", "nan", "inf", "1e400", "\"x\"", "[[1]]", "{a=1}", "1979-05-27", "true", "0xff"]),
    ) {
        let text = format!("[track.a]\n{key} = {value}");
        if let Ok(document) = Document::parse(&text)
            && let Err(error) = document.read::<Line>() {
                prop_assert!(error.line >= 1, "{error}");
            }
    }
}

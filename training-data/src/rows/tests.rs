//! The one door: which files it takes, in which order, and what it does with bad ones.

use std::path::{Path, PathBuf};

use super::{files_within, read};
use crate::row::RowError;
use crate::row::tests::plain_row;
use crate::scratch::Scratch;

/// The shared outcomes, where this checkout has them beside it.
fn shared_outcomes() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/outcomes");
    if folder.is_dir() {
        return Some(folder);
    }
    crate::scratch::skipped(&folder);
    None
}

#[test]
fn the_shared_outcomes_are_read_as_they_are() {
    let Some(folder) = shared_outcomes() else { return };
    let mut n_rows = 0;
    for row in read(&[folder], false).unwrap() {
        let row = row.unwrap();
        assert!(row.prompt.is_some() && row.group.is_some() && row.logged.is_none() && !row.judging_only);
        n_rows += 1;
    }
    assert!(n_rows > 500_000, "{n_rows}");
}

fn line(prompt_id: &str, quality: &str) -> String {
    format!(r#"{{"source":"s","dataset":"d","prompt_id":"{prompt_id}","model":"m","quality":{quality}}}"#)
}

#[test]
fn folders_are_read_whole_in_the_order_of_names() {
    let scratch = Scratch::new();
    scratch.write("logs/b.jsonl", line("2", "1"));
    scratch.write("logs/a/deep.jsonl", line("1", "1"));
    scratch.write("logs/notes.txt", "not rows");
    scratch.write("logs/.c.jsonl.part", "half a ro");
    let mut writer = crate::parquet::RowWriter::new(Vec::new()).unwrap();
    writer.write(&plain_row("3", "m", 1.0)).unwrap();
    scratch.write("logs/c.parquet", writer.finish().unwrap());
    let ids: Vec<String> =
        read(&[scratch.folder().join("logs")], false).unwrap().map(|row| row.unwrap().prompt_id.to_string()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[test]
fn bad_rows_end_the_stream_unless_they_are_skipped_and_counted() {
    let scratch = Scratch::new();
    let path =
        scratch.write("rows.jsonl", [line("1", "1"), line("2", "1.7"), line("3", "-2"), line("4", "0")].join("\n"));
    let strict: Vec<_> = read(std::slice::from_ref(&path), false).unwrap().collect();
    assert_eq!(strict.len(), 2);
    let error = strict[1].as_ref().unwrap_err().to_string();
    assert!(
        error.ends_with("rows.jsonl, line 2, column \"quality\": expected a number from 0 to 1, found 1.7"),
        "{error}"
    );

    let mut rows = read(&[path], true).unwrap();
    assert_eq!(rows.by_ref().map(Result::unwrap).count(), 2);
    assert_eq!((rows.n_read(), rows.drops().n_rows()), (4, 2));
    let (reason, drop) = rows.drops().iter().next().unwrap();
    assert_eq!((reason, drop.n_rows, drop.places.len()), ("column \"quality\": expected a number from 0 to 1", 2, 2));
}

#[test]
fn a_bad_file_ends_the_stream_even_when_bad_rows_are_skipped() {
    let scratch = Scratch::new();
    let good = scratch.write("a.jsonl", line("1", "1"));
    let bad = scratch.write("b.parquet", "PAR1 and then nothing of the kind");
    let rows: Vec<_> = read(&[good, bad], true).unwrap().collect();
    assert!(rows.len() == 2 && rows[0].is_ok() && matches!(rows[1], Err(RowError::Parquet { .. })));
}

#[track_caller]
fn check(path: PathBuf, expected: &str) {
    let error = match read(&[path], false) {
        Ok(mut rows) => rows.next().unwrap().unwrap_err(),
        Err(error) => error,
    };
    let error = error.to_string();
    assert!(error.contains(expected), "expected {expected:?}, found {error:?}");
}

#[test]
fn paths_that_hold_no_rows_are_named() {
    let scratch = Scratch::new();
    check(scratch.folder().join("nowhere"), "nowhere: ");
    scratch.write("empty/notes.txt", "");
    check(scratch.folder().join("empty"), "expected files that end in .parquet or .jsonl or .ndjson, found none");
    check(scratch.write("rows.csv", ""), "expected a name that ends in .parquet or .jsonl, found rows.csv");
}

#[test]
fn a_folder_of_too_many_files_is_noticed() {
    let scratch = Scratch::new();
    (0..4).for_each(|number| drop(scratch.write(&format!("{number}.jsonl"), "")));
    let files = |limit| files_within(&[scratch.folder().to_owned()], &["jsonl"], limit);
    assert_eq!(files(4).unwrap().len(), 4);
    assert!(files(3).unwrap_err().to_string().ends_with("expected at most 3 files, found more"));
}

#[test]
fn files_of_mixed_schemas_are_told_apart_by_name() {
    let scratch = Scratch::new();
    let good = scratch.write("a.jsonl", line("1", "1"));
    let other = scratch.write("b.jsonl", r#"{"question":"What now?","score":1}"#);
    let rows: Vec<_> = read(&[good, other], false).unwrap().collect();
    let error = rows[1].as_ref().unwrap_err().to_string();
    assert!(
        rows[0].is_ok() && error.ends_with("b.jsonl, line 1, column \"source\": expected a value, found nothing"),
        "{error}"
    );
}

//! Tables of three forms say the same, and name the line where they do not.

use super::{MAX_COLUMNS, MAX_RECORD_BYTES, Table};
use crate::row::RowError;
use crate::scratch::Scratch;

fn open(name: &str, text: &str) -> (Scratch, Result<Table, RowError>) {
    let scratch = Scratch::new();
    let path = scratch.write(name, text);
    let table = Table::open(&path, |_| true);
    (scratch, table)
}

#[track_caller]
fn check(name: &str, text: &str, expected: &[&str]) {
    let (scratch, table) = open(name, text);
    let mut said = Vec::new();
    match table {
        Err(error) => said.push(error.to_string()),
        Ok(mut table) => loop {
            match table.advance() {
                Ok(false) => break,
                Ok(true) => said
                    .push((0..table.names().len()).map(|at| table.cell(at).to_string()).collect::<Vec<_>>().join(" ")),
                Err(error) => {
                    let ends = error.bad_row().is_none();
                    said.push(error.to_string());
                    if ends {
                        break;
                    }
                }
            }
        },
    }
    let folder = format!("{}{}", scratch.folder().display(), std::path::MAIN_SEPARATOR);
    let said: Vec<String> = said.iter().map(|line| line.replace(&folder, "")).collect();
    assert_eq!(said, expected);
}

#[test]
fn cells_come_out_as_the_format_types_them() {
    check("t.csv", "\u{feff}a, b\n1,\"x\ny\"\n,2\n", &["\"1\" \"x\\ny\"", "\"\" \"2\""]);
    check("t.tsv", "a\tb\n1\t2\n", &["\"1\" \"2\""]);
    check(
        "t.jsonl",
        "{\"a\":1,\"b\":{\"c\":0.5,\"d\":[1]}}\n{\"b\":{\"c\":true}}\n",
        &["1 0.5 a list", "nothing true nothing"],
    );
}

#[test]
fn a_bad_line_is_named_and_the_next_one_is_read() {
    check(
        "t.csv",
        "a,b\n1,2\n3\n5,6\n",
        &["\"1\" \"2\"", "t.csv, line 3, expected as many fields as the header, found 1 instead of 2", "\"5\" \"6\""],
    );
    check(
        "t.jsonl",
        "{\"a\":1}\n[2]\n{\"a\":3}\n",
        &["1", "t.jsonl, line 2, expected one JSON object a line, found another value", "3"],
    );
}

#[test]
fn what_is_no_table_is_refused() {
    check("t.csv", "a,,b,,a\n", &["t.csv: expected a header with every column once, found \"a\" as columns 1 and 5"]);
    check("t.csv", ",,a\n1,2,3\n", &["\"1\" \"2\" \"3\""]);
    check("t.csv", "", &["t.csv: expected CSV with a header, found an empty file"]);
    check("t.pkl", "x", &["t.pkl: expected a name that ends in .csv, .tsv, .jsonl or .parquet, found t.pkl"]);
    check("t.parquet", "a,b\n", &["t.parquet: expected a Parquet file, found one that begins with \"a,b\\n\""]);
    check(
        "t.jsonl",
        "a,b\n",
        &["t.jsonl, line 1, expected one JSON object a line, found expected value at line 1 column 1"],
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_memory() {
    let text = format!("a,b\n1,\"{}", "x".repeat(MAX_RECORD_BYTES + (1 << 20)));
    check("t.csv", &text, &["t.csv: expected records of at most 64 MiB, found a longer one; is a quote left open?"]);
}

#[test]
fn a_key_with_dots_in_it_is_found() {
    check("t.jsonl", "{\"gpt-4.1\":{\"v1.0\":7}}\n", &["7"]);
}

#[test]
fn a_key_of_any_line_is_a_column() {
    check(
        "t.jsonl",
        "{\"a\":1,\"u\":null}\n{\"b\":2}\n{\"u\":{\"n\":[],\"m\":{\"k\":3}}}\n",
        &[
            "1 nothing nothing nothing nothing",
            "nothing nothing 2 nothing nothing",
            "nothing an object nothing a list 3",
        ],
    );
    check(
        "t.jsonl",
        "no object\n{\"a\":1}\n",
        &["t.jsonl, line 1, expected one JSON object a line, found expected ident at line 1 column 2", "1"],
    );
}

#[test]
fn keys_have_a_limit_and_what_nobody_wants_does_not_count() {
    let line = |number: usize| format!("{{\"k{number}\":1,\"a\":2}}\n");
    let text: String = (0..=MAX_COLUMNS).map(line).collect();
    check("t.jsonl", &text, &["t.jsonl: expected at most 65536 keys in all lines together, found more"]);
    let scratch = Scratch::new();
    let table = Table::open(&scratch.write("t.jsonl", &text), |name| name == "a").unwrap();
    assert_eq!(table.names(), ["a"]);
}

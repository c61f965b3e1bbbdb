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
    let error =
        "t.csv: expected records of at most 64 MiB, found a longer one that begins on line 2; is a quote left open?";
    check("t.csv", &text, &[error]);
}

#[test]
fn a_quote_that_is_never_closed_is_named_and_swallows_no_row() {
    let quotes = "expected a field that begins with a quote to end with one, and those within it to be doubled";
    let open =
        |line| format!(": {quotes}, found a quote in the record of line {line} that is open at the end of the file");
    for ends in ["", "\n", "\r\n", "\r"] {
        let text = format!("a,b\r\n1,2\r\n\r\n3,\"4\r\n5,6{ends}");
        check("t.csv", &text, &["\"1\" \"2\"", &format!("t.csv{}", open(4))]);
    }
    check("t.tsv", "a\tb\n1\t2\n\"3\t4\n", &["\"1\" \"2\"", &format!("t.tsv{}", open(3))]);
    check("t.csv", "a,\"b\n1,2\n", &[&format!("t.csv{}", open(1))]);
    check("t.csv", "a,b\n1,\"", &[&format!("t.csv{}", open(2))]);
    // One that opens two lines, which the next of its kind then closes.
    let lines = format!(
        "t.tsv: {quotes}, found text behind a closing quote in the record of lines 2 to 4; is a quote left open?"
    );
    check("t.tsv", "a\tb\n1\t\"Yes\n2\tno\n3\t\"No way\n4\t4\n", &[&lines]);
    // Within one line nothing else is lost.
    let line = format!("t.tsv, line 2, {quotes}, found text behind a closing quote on line 2");
    check("t.tsv", "a\tb\n1\t\"Yes\" she said\n2\tno\n", &[&line, "\"2\" \"no\""]);
}

#[test]
fn quotes_are_read_as_spreadsheets_and_data_frames_write_them() {
    check("t.tsv", "a\tb\n\"say \"\"hi\"\"\"\t\"x\ty\"\n", &["\"say \\\"hi\\\"\" \"x\\ty\""]);
    check("t.csv", "\u{feff}\"a\",b\n\"1\",\"\"\n5\" wide,\"x\" \n", &["\"1\" \"\"", "\"5\\\" wide\" \"x \""]);
    check("t.csv", "a,b\n1,\"2\"", &["\"1\" \"2\""]);
}

#[test]
fn a_line_is_counted_alike_whatever_ends_it() {
    let fields = |line: u64| format!("t.csv, line {line}, expected as many fields as the header, found 1 instead of 2");
    for end in ["\n", "\r\n", "\r"] {
        let text = "a,b|1,2|3||\"x|y\",4|5|\"z||\"|6,7|".replace('|', end);
        let two_lines = format!("{:?} \"4\"", format!("x{end}y"));
        check("t.csv", &text, &["\"1\" \"2\"", &fields(3), &two_lines, &fields(7), &fields(8), "\"6\" \"7\""]);
    }
}

#[test]
fn a_line_that_is_read_in_pieces_is_counted_once() {
    // The file is read in pieces of 2^18 bytes; one of these lines has its end cut in two.
    for n_bytes in (1 << 18) - 8..=1 << 18 {
        let text = format!("a,b\r\n1,{}\r\n3\r\n", "x".repeat(n_bytes));
        let (_scratch, table) = open("t.csv", &text);
        let mut table = table.unwrap();
        assert!(table.advance().unwrap());
        assert_eq!(table.place().number, 2);
        assert!(table.advance().is_err());
        assert_eq!(table.place().number, 3);
    }
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

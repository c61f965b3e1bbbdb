//! `pointsman import` as a caller meets it.

use std::fs;
use std::path::Path;

use crate::scratch::{Scratch, check};

const GOOD: &str = r#"{"source":"s","dataset":"d","prompt_id":"1","prompt":"Which lever?","model":"m","quality":1}"#;
const BAD: &str = r#"{"source":"s","dataset":"d","prompt_id":"2","prompt":"Which lamp?","model":"n","quality":1.7}"#;

#[test]
fn good_rows_are_written_and_reported() {
    let scratch = Scratch::new("good");
    scratch.write("in.jsonl", GOOD);
    check(&scratch.run("import outcomes in.jsonl -o out.parquet"), 0, "rows kept     1\n", "");
    let output = scratch.run("import outcomes out.parquet -o again.jsonl --json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["n_kept"], &report["n_groups"]), (&1.into(), &1.into()));
    assert!(Path::new(&scratch.0.join("again.jsonl")).is_file());
}

#[test]
fn a_bad_row_fails_the_import_unless_it_is_skipped() {
    let scratch = Scratch::new("bad");
    scratch.write("in.jsonl", &format!("{GOOD}\n{BAD}\n"));
    let error = "error: in.jsonl, line 2, column \"quality\": expected a number from 0 to 1, found 1.7\n";
    check(&scratch.run("import outcomes in.jsonl -o out.parquet"), 1, "", error);
    assert!(!scratch.0.join("out.parquet").exists());
    let drops = "1 x column \"quality\": expected a number from 0 to 1";
    check(&scratch.run("import outcomes in.jsonl -o out.parquet --skip-bad"), 0, drops, "");
}

#[test]
fn a_wrong_call_is_told_from_a_failure() {
    let scratch = Scratch::new("wrong");
    scratch.write("in.jsonl", GOOD);
    for (arguments, error) in [
        ("outcomes in.jsonl", "--output"),
        ("sheets in.jsonl -o out.parquet", "invalid value 'sheets'"),
        ("outcomes in.jsonl -o out.txt", "out.txt: expected a name that ends in .parquet or .jsonl"),
        ("outcomes in.jsonl -o in.jsonl", "in.jsonl: expected an output that is not among the inputs"),
        ("outcomes in.jsonl -o out.parquet --map model=m", "--map, --wide and --quality-max go with"),
        ("table in.jsonl -o out.parquet --map grade=m", "--map: expected one of source, "),
        ("table in.jsonl -o out.parquet --quality-max 0", "--quality-max: expected a number above 0, found 0"),
        ("prices in.jsonl -o out.parquet", "--output: expected a name that ends in .toml"),
    ] {
        check(&scratch.run(&format!("import {arguments}")), 2, "", error);
    }
    check(&scratch.run("import outcomes nowhere -o out.parquet"), 1, "", "error: nowhere: ");
}

#[test]
fn a_price_list_becomes_a_catalog() {
    let scratch = Scratch::new("prices");
    scratch.write("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nm,0.5,2,8192\nn,1,1,\n");
    let lacking = "n: the list lacks a context window";
    check(&scratch.run("import prices p.csv -o catalog.toml"), 0, lacking, "");
    let catalog = fs::read_to_string(scratch.0.join("catalog.toml")).unwrap();
    assert!(catalog.starts_with("[[model]]\nid = \"m\"\ncontext_window = 8192\n"), "{catalog}");
    let error = "error: expected model \"mm\" in the list, found none; nearest is \"m\"\n";
    check(&scratch.run("import prices p.csv -o catalog.toml --model mm"), 1, "", error);
}

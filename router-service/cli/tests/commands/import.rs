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
        ("table in.jsonl -o out.parquet --map grade=m", "--map, --wide: expected one of source, "),
        ("table in.jsonl -o out.parquet --quality-max 0", "--quality-max: expected a number above 0, found 0"),
        ("prices in.jsonl -o out.parquet", "--output: expected a name that ends in .toml"),
        ("prices in.jsonl -o out.toml --map model=m", "--map goes with outcomes, not with the format `prices`"),
        ("prices in.jsonl -o out.toml --regroup", "--regroup goes with outcomes"),
        ("table in.jsonl -o out.parquet --wide a,a", "--map, --wide: expected \"a\" once, found it twice"),
        (
            "table in.jsonl -o out.parquet --wide a --map quality=b",
            "expected no quality beside the columns of a wide table",
        ),
    ] {
        check(&scratch.run(&format!("import {arguments}")), 2, "", error);
    }
    check(&scratch.run("import outcomes nowhere -o out.parquet"), 1, "", "error: nowhere: ");
}

#[test]
fn a_price_list_becomes_a_catalog() {
    let scratch = Scratch::new("prices");
    scratch.write("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nm,0.5,2,8192\nn,1,1,\n");
    let lacking = "left out  1\n          1 x the list lacks a context window\n              n (line 3)\n";
    check(&scratch.run("import prices p.csv -o catalog.toml"), 0, lacking, "");
    let catalog = fs::read_to_string(scratch.0.join("catalog.toml")).unwrap();
    assert!(catalog.starts_with("[[model]]\nid = \"m\"\ncontext_window = 8192\n"), "{catalog}");
    scratch.write("q.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\n,0.5,2,8192\nn,1,1,8\n");
    let nameless = "1 x model: expected a name\n              line 2\n";
    check(&scratch.run("import prices q.csv --skip-bad -o q.toml"), 0, nameless, "");
    scratch.write("r.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nauto,0.5,2,8192\n");
    let refused = scratch.run("import prices r.csv -o r.toml");
    check(&refused, 1, "", "the list does not make a catalog; nothing was written");
    assert!(!scratch.0.join("r.toml").exists());
    let itself = scratch.run("import prices catalog.toml -o ./catalog.toml");
    check(&itself, 2, "", "catalog.toml: expected an output that is not among the inputs");
    let error = "error: expected model \"mm\" in the list, found none; nearest is \"m\"\n";
    check(&scratch.run("import prices p.csv -o catalog.toml --model mm"), 1, "", error);
}

const LIST: &str = r#"{
    "good": {"mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "max_tokens": 8192},
    "bad": {"mode": "chat", "input_cost_per_token": "cheap"},
    "embeds": {"mode": "embedding", "input_cost_per_token": 1e-6},
    "draws": {"mode": "image_generation"},
    "costless": {"mode": "chat", "max_tokens": 8192}
}"#;

#[test]
fn a_bad_entry_stands_in_nobody_elses_way() {
    let scratch = Scratch::new("bad-prices");
    scratch.write("list.json", LIST);
    let error = "error: list.json, model \"bad\", input_cost_per_token: expected a price of 0 to 10000 USD";
    check(&scratch.run("import prices list.json -o c.toml"), 1, "", error);
    check(&scratch.run("import prices list.json --model good,bad -o c.toml"), 1, "", error);
    assert!(!scratch.0.join("c.toml").exists());
    check(&scratch.run("import prices list.json --model good,good -o c.toml"), 0, "models    1\nleft out  0\n", "");
    assert_eq!(scratch.read("c.toml").matches("id = \"good\"").count(), 1);
    let why = "error: list.json: expected models with prices and a context window, found none in 1 entries; embeds (entry 3): ";
    check(&scratch.run("import prices list.json --model embeds -o c.toml"), 1, "", why);
}

#[test]
fn what_is_left_out_of_a_price_list_is_counted_by_reason() {
    let scratch = Scratch::new("left-out");
    scratch.write("list.json", LIST);
    let output = scratch.run("import prices list.json --skip-bad -o c.toml");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("models    1\nleft out  4\n"), "{text}");
    for line in [
        "1 x input_cost_per_token: expected a price of 0 to 10000 USD per million tokens\n              bad (entry 2)",
        "1 x its mode is \"embedding\", not \"chat\"\n              embeds (entry 3)",
        "1 x its mode is \"image_generation\", not \"chat\"\n              draws (entry 4)",
        "1 x the list lacks prices\n              costless (entry 5)",
    ] {
        assert!(text.contains(line), "expected {line:?} in {text}");
    }
    let output = scratch.run("import prices list.json --skip-bad --json -o c.toml");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["n_models"], report["left_out"].as_array().map(Vec::len)), (&1.into(), Some(4)));
}

#[test]
fn the_examples_use_formats_that_the_help_shows() {
    let output = Scratch::new("help").run("import --help");
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    let (options, examples) = help.split_once("Examples:").unwrap();
    let formats: Vec<&str> =
        examples.lines().filter_map(|line| line.trim().strip_prefix("pointsman import ")?.split(' ').next()).collect();
    assert!(formats.len() > 3, "{help}");
    for format in formats {
        assert!(options.contains(&format!("- {format}:")), "{format} is not among the formats in {options}");
    }
}

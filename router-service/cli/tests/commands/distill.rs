//! `pointsman distill` as a caller meets it, with a teacher of seven words.

use std::fs;

use crate::scratch::{Scratch, check};
use crate::teacher::write_teacher;

const ROW: &str =
    r#"{"source":"s","dataset":"d","prompt_id":"1","prompt":"The trains","model":"m","quality":1,"group":"g"}"#;

#[test]
fn a_table_is_made_and_reported() {
    let scratch = teacher("distill");
    let said =
        "written        table\nteacher        Seven words\nlicence        mit\nword pieces    7\ndimensions     2\n";
    check(&scratch.run("distill . -o table --dims 2"), 0, said, "");
    check(&scratch.run("distill . -o table --dims 2"), 0, "frequencies    by rank in the vocabulary\n", "");
    let first = fs::read(scratch.0.join("table/encoder.safetensors")).unwrap();
    // Enough rows that some are learned from, whatever the split.
    let rows: Vec<String> =
        (0..40).map(|n| ROW.replace("\"g\"", &format!("\"g{n}\"")).replace("trains", &format!("trains {n}"))).collect();
    scratch.write("rows.jsonl", &rows.join("\n"));
    let output = scratch.run("distill . -o table --corpus rows.jsonl --dims 2 --json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["n_pieces"], &report["licence"]), (&7.into(), &"mit".into()));
    let n_prompts = report["corpus"]["n_prompts"].as_u64().unwrap();
    assert!(n_prompts > 0 && n_prompts < 40, "{n_prompts} of 40: some are held out");
    assert_ne!(fs::read(scratch.0.join("table/encoder.safetensors")).unwrap(), first, "other weights");
}

#[test]
fn what_cannot_be_distilled_is_said_and_nothing_is_written() {
    let scratch = teacher("distill-refused");
    scratch.write("judging.jsonl", &ROW.replace("\"quality\"", "\"judging_only\":true,\"quality\""));
    for (arguments, code, error) in [
        (". -o table --dims 5", 2, "error: --dims: expected 1 to 4 dimensions, as many as the teacher has, found 5\n"),
        (". -o table --salt x", 2, "--corpus"),
        ("nowhere -o table", 1, "error: nowhere: No such file"),
        (". -o table --dims 2 --corpus nothing.jsonl", 1, "error: nothing.jsonl: "),
        (". -o table --dims 2 --corpus judging.jsonl", 1, "expected rows to learn from, found one for judging only"),
    ] {
        check(&scratch.run(&format!("distill {arguments}")), code, "", error);
    }
    assert!(!scratch.0.join("table").exists());
}

fn teacher(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    write_teacher(&scratch.0);
    scratch
}

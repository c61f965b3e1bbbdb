//! The command as a caller meets it: what it prints, what it leaves on the disk, and its exit codes 0, 1 and 2.
//! It stands here and not in `tests/it` because only a package's own tests are told where its binary is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GOOD: &str = r#"{"source":"s","dataset":"d","prompt_id":"1","prompt":"Which lever?","model":"m","quality":1}"#;
const BAD: &str = r#"{"source":"s","dataset":"d","prompt_id":"2","prompt":"Which lamp?","model":"n","quality":1.7}"#;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pointsman-import-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("the folder was made");
    }

    fn import(&self, arguments: &str) -> Output {
        let arguments = std::iter::once("import").chain(arguments.split_whitespace());
        Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .expect("the binary runs")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    assert!(out.contains(stdout), "expected {stdout:?} in {out:?}");
    assert!(err.contains(stderr) && (stderr.is_empty() == err.is_empty()), "expected {stderr:?} in {err:?}");
}

#[test]
fn good_rows_are_written_and_reported() {
    let scratch = Scratch::new("good");
    scratch.write("in.jsonl", GOOD);
    check(&scratch.import("outcomes in.jsonl -o out.parquet"), 0, "rows kept     1\n", "");
    let output = scratch.import("outcomes out.parquet -o again.jsonl --json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["n_kept"], &report["n_groups"]), (&1.into(), &1.into()));
    assert!(Path::new(&scratch.0.join("again.jsonl")).is_file());
}

#[test]
fn a_bad_row_fails_the_import_unless_it_is_skipped() {
    let scratch = Scratch::new("bad");
    scratch.write("in.jsonl", &format!("{GOOD}\n{BAD}\n"));
    let error = "error: in.jsonl, line 2, column \"quality\": expected a number from 0 to 1, found 1.7\n";
    check(&scratch.import("outcomes in.jsonl -o out.parquet"), 1, "", error);
    assert!(!scratch.0.join("out.parquet").exists());
    let drops = "1 x column \"quality\": expected a number from 0 to 1";
    check(&scratch.import("outcomes in.jsonl -o out.parquet --skip-bad"), 0, drops, "");
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
        check(&scratch.import(arguments), 2, "", error);
    }
    check(&scratch.import("outcomes nowhere -o out.parquet"), 1, "", "error: nowhere: ");
}

#[test]
fn a_price_list_becomes_a_catalog() {
    let scratch = Scratch::new("prices");
    scratch.write("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nm,0.5,2,8192\nn,1,1,\n");
    let lacking = "n: the list lacks a context window";
    check(&scratch.import("prices p.csv -o catalog.toml"), 0, lacking, "");
    let catalog = fs::read_to_string(scratch.0.join("catalog.toml")).unwrap();
    assert!(catalog.starts_with("[[model]]\nid = \"m\"\ncontext_window = 8192\n"), "{catalog}");
    let error = "error: expected model \"mm\" in the list, found none; nearest is \"m\"\n";
    check(&scratch.import("prices p.csv -o catalog.toml --model mm"), 1, "", error);
}

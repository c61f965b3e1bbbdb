//! Our figures against an independent scorer, on real outcomes. Both lie outside the repository: where they are absent, or no
//! Python with numpy, pandas and pyarrow is at hand, the test says so and proves nothing.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::scratch::Scratch;

/// What the figures may differ by. The scorer keeps qualities in 32 bits.
const TOLERANCE: f64 = 1e-6;

fn shared() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").canonicalize().ok()?;
    let python = Command::new("python3").args(["-c", "import numpy, pandas, pyarrow"]).output().ok()?;
    (shared.join("tools/score.py").is_file() && python.status.success()).then_some(shared)
}

#[test]
fn every_figure_agrees_with_an_independent_scorer() {
    let Some(shared) = shared() else {
        // The harness holds back what tests print; it does not hold this back.
        let needs = "../shared with its outcomes and scorer, and python3 with numpy, pandas and pyarrow";
        let _ = writeln!(std::io::stderr(), "SKIPPED: needs {needs}");
        return;
    };
    let scratch = Scratch::new("eval-scorer");
    let data = |name: &str| shared.join("data").join(name).display().to_string();
    let (outcomes, prices, pools) = (data("outcomes"), data("prices.csv"), data("pools.json"));
    let judge = format!("eval {outcomes} --prices {prices} --pools {pools}");
    scratch.run(&format!("{judge} --write-forecasts knn=all.jsonl --bootstraps 20"));
    let lines: Vec<String> = scratch.read("all.jsonl").lines().map(rounded).collect();
    scratch.write("f.jsonl", &lines.join("\n"));
    // Two of three prompts, so that a model's usual answer must come from them alone.
    let ids: Vec<&str> = lines.iter().enumerate().filter(|(n, _)| n % 3 > 0).map(|(_, line)| id(line)).collect();
    scratch.write("ids.txt", &ids.join("\n"));
    let ours = scratch.run(&format!("{judge} --forecasts f.jsonl --ids ids.txt --json"));
    let ours: Value = serde_json::from_slice(&ours.stdout).unwrap();
    let theirs = Command::new("python3")
        .arg(shared.join("tools/score.py"))
        .args(["--outcomes", &outcomes, "--forecasts", "f.jsonl", "--prices", &prices, "--pools", &pools])
        .args(["--ids", "ids.txt", "--json"])
        .current_dir(&scratch.0)
        .output()
        .unwrap();
    let theirs: Value = serde_json::from_slice(&theirs.stdout).unwrap();
    let verdicts = ours["verdicts"].as_array().unwrap();
    assert_eq!(verdicts.len(), 4, "one verdict a pool");
    for verdict in verdicts {
        let pool = verdict["pool"].as_str().unwrap();
        for (name, own) in figures(verdict) {
            agree(&format!("{pool}, {name}"), own.as_f64(), theirs[pool][name].as_f64());
        }
    }
}

fn id(line: &str) -> &str {
    line.split('"').skip_while(|word| *word != "id").nth(2).expect("a line has an id")
}

/// Qualities to two digits, so that ties are common, and no cost for one model in three.
fn rounded(line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).expect("we wrote it");
    for (place, forecast) in line["forecasts"].as_array_mut().expect("a list").iter_mut().enumerate() {
        let quality = (forecast["quality"].as_f64().expect("a number") * 100.0).round() / 100.0;
        forecast["quality"] = quality.into();
        if place % 3 == 0 {
            forecast.as_object_mut().expect("an object").remove("cost_usd");
        }
    }
    line.to_string()
}

/// Our figures under the scorer's names.
fn figures(verdict: &Value) -> Vec<(&'static str, &Value)> {
    let figures = &verdict["methods"][0]["figures"];
    let mut named = vec![
        ("n", &verdict["n_prompts"]),
        ("best", &verdict["references"][2]["quality"]),
        ("oracle", &verdict["references"][4]["quality"]),
        ("zero", &verdict["zero_aiq"]),
        ("auc", &figures["auc"]),
        ("brier", &figures["brier"]),
        ("ece", &figures["ece"]),
        ("ece0", &figures["ece_if_perfect"]),
        ("aiq", &figures["aiq"]),
        ("d_aiq", &figures["gain"]["value"]),
        ("d_lo", &figures["gain"]["low"]),
        ("d_hi", &figures["gain"]["high"]),
    ];
    for (index, (saved, blind)) in
        [("save100", "zero100"), ("save99", "zero99"), ("save97", "zero97")].iter().enumerate()
    {
        named.push((saved, &figures["savings"][index]["saved"]));
        named.push((blind, &figures["savings"][index]["blind"]));
    }
    named
}

#[track_caller]
fn agree(what: &str, own: Option<f64>, theirs: Option<f64>) {
    match (own, theirs) {
        (Some(own), Some(theirs)) => assert!((own - theirs).abs() <= TOLERANCE, "{what}: {own} against {theirs}"),
        (own, theirs) => assert_eq!(own, theirs, "{what}"),
    }
}

//! `pointsman eval` as a caller meets it, in a made-up town where the dear model is good at hard questions.

use crate::scratch::{Scratch, check};

const PRICES: &str =
    "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\ncheap,0.1,0.4,8192\ndear,2,8,8192\n";

const MODELS: [&str; 2] = ["cheap", "dear"];

/// Whether a model's answer is right; one question in ten goes against the rule.
fn right(question: usize, model: usize) -> bool {
    let hard = question % 2 == 1;
    (!hard || model == 1) != (question * 7 + model * 3).is_multiple_of(10)
}

fn outcomes() -> String {
    let mut text = String::new();
    for question in 0..200 {
        for (model, name) in MODELS.iter().enumerate() {
            let kind = if question % 2 == 1 { "hard" } else { "easy" };
            let quality = u8::from(right(question, model));
            text += &format!(
                r#"{{"source":"town","dataset":"{kind}","prompt_id":"{question:03}","prompt":"Question {question}, {kind}{}?","model":"{name}","quality":{quality},"prompt_tokens":100,"completion_tokens":50}}"#,
                question % 9
            );
            text.push('\n');
        }
    }
    text
}

/// Forecasts of somebody who knows what is hard, or who has it backwards.
fn forecasts(wise: bool) -> String {
    let mut text = String::new();
    for question in 0..200 {
        let kind = if question % 2 == 1 { "hard" } else { "easy" };
        let cheap = if (question % 2 == 0) == wise { 0.9 } else { 0.1 };
        text += &format!(
            r#"{{"id":"town/{kind}/{question:03}","forecasts":[{{"model":"cheap","quality":{cheap},"cost_usd":0.00003}},{{"model":"dear","quality":0.9,"cost_usd":0.0006}}]}}"#
        );
        text.push('\n');
    }
    text
}

fn town(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("outcomes.jsonl", &outcomes());
    scratch.write("prices.csv", PRICES);
    scratch.write("wise.jsonl", &forecasts(true));
    scratch.write("fool.jsonl", &forecasts(false));
    scratch
}

#[test]
fn without_a_router_the_baselines_are_judged() {
    let scratch = town("eval-baselines");
    let output = scratch.run("eval outcomes.jsonl --prices prices.csv --bootstraps 20");
    check(&output, 0, "town: 200 prompts x 2 models", "");
    check(&output, 0, "per-data-set mean (1)", "");
}

#[test]
fn a_router_is_judged_beside_them_and_the_report_is_written_whole() {
    let scratch = town("eval-router");
    let command =
        "eval outcomes.jsonl --prices prices.csv --forecasts wise.jsonl --pair cheap,dear --report out --bootstraps 20";
    let output = scratch.run(command);
    check(&output, 0, "router ", "");
    check(&output, 0, "pair cheap / dear: APGR", "");
    let json: serde_json::Value = serde_json::from_str(&scratch.read("out/report.json")).unwrap();
    let gain = &json["verdicts"][0]["methods"][0]["figures"]["gain"];
    assert!(gain["low"].as_f64() > Some(0.0), "{gain}");
    assert_eq!(json["provenance"]["sources"][0]["file"], "prices.csv");
    assert!(scratch.read("out/report.html").contains("<svg"));
}

#[test]
fn the_same_call_gives_the_same_bytes() {
    let scratch = town("eval-same");
    let run = || {
        scratch
            .run("eval outcomes.jsonl --prices prices.csv --forecasts wise.jsonl --json --bootstraps 20 --seed 5")
            .stdout
    };
    assert_eq!(run(), run());
}

#[test]
fn the_gate_speaks_by_its_exit_code() {
    let scratch = town("eval-gate");
    let gate = |new: &str, old: &str| {
        scratch
            .run(&format!("eval outcomes.jsonl --prices prices.csv --forecasts {new} --champion {old} --bootstraps 50"))
    };
    check(&gate("wise.jsonl", "fool.jsonl"), 0, "SHIP: its AIQ is better by", "");
    check(&gate("wise.jsonl", "wise.jsonl"), 0, "SHIP: its AIQ differs by +0.0000", "");
    check(&gate("fool.jsonl", "wise.jsonl"), 1, "DO NOT SHIP: its AIQ may be worse by", "");
}

#[test]
fn a_baseline_written_out_and_judged_as_a_router_is_that_baseline() {
    let scratch = town("eval-write");
    check(
        &scratch.run("eval outcomes.jsonl --prices prices.csv --write-forecasts knn=knn.jsonl --bootstraps 20"),
        0,
        "",
        "",
    );
    let output = scratch.run("eval outcomes.jsonl --prices prices.csv --forecasts knn.jsonl --json --bootstraps 20");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let methods = &json["verdicts"][0]["methods"];
    assert_eq!(methods[0]["figures"], methods[3]["figures"]);
}

#[test]
fn only_the_wanted_prompts_are_judged() {
    let scratch = town("eval-wanted");
    let ids: String =
        (0..120).map(|n| format!("town/{}/{n:03} \r\n", if n % 2 == 1 { "hard" } else { "easy" })).collect();
    scratch.write("ids.txt", &format!("\u{feff}{ids}"));
    let eval = |more: &str| scratch.run(&format!("eval outcomes.jsonl --prices prices.csv --bootstraps 20 {more}"));
    check(&eval("--ids ids.txt"), 0, "town: 120 prompts x 2 models", "");
    let by_salt = eval("--held-out 15");
    let taken = "--held-out 15: taken for a salt, since nothing of that name is here";
    check(&by_salt, 0, "judged on the held-out part by the salt `15` and the usual shares", taken);
    check(&eval(""), 0, "judged on all rows given; with --held-out ARTIFACT only on those", "");
    check(&eval("--held-out 15 --ids ids.txt"), 2, "", "cannot be used with");
    scratch.write("more.txt", &format!("{ids}town/easy/nowhere\n"));
    check(&eval("--ids more.txt"), 0, "1 of the 121 prompts of the --ids file have no row, as `town/easy/nowhere`", "");
    scratch.write("other.txt", "city/easy/001\n");
    let none = "outcomes.jsonl: expected outcome rows to judge, found none for the prompts of the --ids file";
    check(&eval("--ids other.txt"), 1, "", none);
    check(&eval("--pair dear,cheap"), 0, "no APGR and CPT for town: `cheap` is not better than `dear` there", "");
}

#[test]
fn a_policy_of_ones_own_is_replayed() {
    let scratch = town("eval-policy");
    scratch.write("policies.toml", "default = \"a\"\n[policy.a]\nmode = \"target\"\nquality_floor = 0.8\n[policy.b]\nmode = \"pin\"\nmodel = \"dear\"\n");
    let run = |policy: &str| {
        scratch.run(&format!("eval outcomes.jsonl --prices prices.csv --forecasts wise.jsonl --policies policies.toml {policy} --bootstraps 20"))
    };
    check(&run(""), 0, "traffic: 50% cheap, 50% dear", "");
    check(&run("--policy b"), 0, "traffic: 100% dear", "");
    check(&run("--policy c"), 2, "", "policies.toml: unknown policy `c`");
}

#[test]
fn what_a_policy_forbids_is_not_chosen_in_a_replay() {
    let scratch = town("eval-limits");
    let run = |limits: &str, forecasts: &str| {
        let policy = "default = \"a\"\n[policy.a]\nmode = \"target\"\nquality_floor = 0.8\n";
        scratch.write("policies.toml", &format!("{policy}{limits}\n"));
        let given = "outcomes.jsonl --prices prices.csv --bootstraps 20 --policies policies.toml";
        scratch.run(&format!("eval {given} --forecasts {forecasts}"))
    };
    check(&run("deny = [\"dear\"]", "wise.jsonl"), 0, "traffic: 100% cheap", "");
    let nobody = "policy `a` refuses every prompt of town: nobody whom it lets serve is a candidate there";
    check(&run("allow = [\"somebody\"]", "wise.jsonl"), 0, nobody, "");
    let untold =
        "--policies: what `a` forbids (regions, zero_data_retention, max_cost_usd) can be told only of forecasts";
    check(&run("max_cost_usd = 0.001", "wise.jsonl"), 2, "", untold);
    // As `route` writes them under that policy.
    let excluded = r#""policy":"a","excluded":[{"model":"dear","reason":"price_cap"}],"forecasts""#;
    scratch.write("made.jsonl", &scratch.read("wise.jsonl").replace("\"forecasts\"", excluded));
    check(&run("max_cost_usd = 0.001", "made.jsonl"), 0, "traffic: 100% cheap", "");
}

#[test]
fn a_source_that_has_two_pools_is_named() {
    let scratch = town("eval-twice");
    scratch.write("twice.json", "{\"town\":[\"cheap\"],\n\"town\":[\"dear\"]}");
    let run = scratch.run("eval outcomes.jsonl --prices prices.csv --pools twice.json");
    let expected = "twice.json, line 2: expected an object of sources, each a list of models, found `town` twice";
    check(&run, 1, "", expected);
}

#[test]
fn mistakes_are_named_by_file_row_and_column() {
    let scratch = town("eval-mistakes");
    scratch.write("high.jsonl", &outcomes().replacen("\"quality\":1", "\"quality\":1.7", 1));
    scratch.write("typed.jsonl", &outcomes().replacen("\"quality\":1", "\"quality\":\"good\"", 1));
    scratch.write("torn.parquet", "PAR1 and then nothing");
    scratch.write("pools.json", r#"{"town":["cheap","deer"]}"#);
    scratch.write("broken.toml", "default = \"a\"\n[policy.a]\nmode = \"target\"\nqality_floor = 0.8\n");
    scratch.write("half.jsonl", "{\"id\":\"x\",\"forecasts\":[");
    let prices = "--prices prices.csv";
    for (arguments, code, error) in [
        (
            format!("high.jsonl {prices}"),
            1,
            "high.jsonl, line 2, column \"quality\": expected a number from 0 to 1, found 1.7",
        ),
        (format!("typed.jsonl {prices}"), 1, "typed.jsonl, line 2, column \"quality\""),
        (format!("torn.parquet {prices}"), 1, "torn.parquet"),
        (format!("nowhere.parquet {prices}"), 1, "nowhere.parquet"),
        ("outcomes.jsonl".to_owned(), 1, "model `cheap` has no price"),
        (
            format!("outcomes.jsonl {prices} --pools pools.json"),
            1,
            "names the model `deer`, which has no row there; the nearest name there is `dear`",
        ),
        (
            format!("outcomes.jsonl {prices} --policies broken.toml"),
            1,
            "broken.toml: line 4, policy.a: unknown key `qality_floor`; the nearest known one is `quality_floor`",
        ),
        (
            format!("outcomes.jsonl {prices} --forecasts half.jsonl"),
            1,
            "half.jsonl, line 1: expected an object with `id` and `forecasts`",
        ),
        (
            format!("outcomes.jsonl {prices} --pair cheap,deer"),
            2,
            "--pair: unknown model `deer`; the nearest known one is `dear`",
        ),
        (format!("outcomes.jsonl {prices} --pair cheap"), 2, "--pair: expected WEAK,STRONG"),
        (format!("outcomes.jsonl {prices} --pair cheap,cheap"), 2, "--pair: expected WEAK,STRONG, two models"),
        (
            format!("outcomes.jsonl {prices} --assume-completion twon=5"),
            2,
            "--assume-completion: unknown source `twon`; the nearest known one is `town`",
        ),
        (format!("outcomes.jsonl {prices} --assume-completion town=0"), 2, "with tokens above 0"),
        (format!("outcomes.jsonl {prices} --assume-completion town=1,town=2"), 2, "`town` is given twice"),
        (format!("outcomes.jsonl {prices} --champion wise.jsonl"), 2, "--forecasts"),
        (format!("outcomes.jsonl {prices} --bootstraps 3"), 2, "20..=10000"),
        (
            format!("outcomes.jsonl {prices} --write-forecasts knn=./outcomes.jsonl"),
            2,
            "outcomes.jsonl: expected an output that is not among the inputs",
        ),
        (
            format!("outcomes.jsonl {prices} --assume-completion town=many"),
            2,
            "--assume-completion: expected SOURCE=TOKENS",
        ),
        (
            format!("outcomes.jsonl {prices} --write-forecasts best=x"),
            2,
            "expected BASELINE=FILE with one of model-mean, dataset-mean, knn",
        ),
    ] {
        check(&scratch.run(&format!("eval {arguments}")), code, "", error);
    }
    let skipped = scratch.run(&format!("eval high.jsonl {prices} --skip-bad --bootstraps 20"));
    check(&skipped, 0, "1 bad rows passed over", "");
}

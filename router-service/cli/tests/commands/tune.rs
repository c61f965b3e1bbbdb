//! `pointsman tune` as a caller meets it: a town where cheap answers are nearly always as good, and one can tell when not.

use decision::Policies;

use crate::scratch::{Scratch, check};

const CATALOG: &str = "\
[[model]]
id = \"cheap\"
context_window = 8192
usd_per_1m = { prompt = 0.1, completion = 0.4 }

[[model]]
id = \"dear\"
context_window = 8192
usd_per_1m = { prompt = 2, completion = 8 }
";

/// What a model's answer to a question is worth: `dear` fails one question in seven, `cheap` the hard ones and a few more.
fn quality(question: usize, model: &str) -> u8 {
    let failed_by_both = question.is_multiple_of(7);
    let hard = question.is_multiple_of(4);
    u8::from(!failed_by_both && (model == "dear" || (!hard && !question.is_multiple_of(50))))
}

fn outcomes(n: usize, source: &str) -> String {
    let mut text = String::new();
    for question in 0..n {
        for model in ["cheap", "dear"] {
            let kind = if question % 3 == 1 { "a" } else { "b" };
            text += &format!(
                r#"{{"source":"{source}","dataset":"{kind}","prompt_id":"{question:04}","prompt":"Question {question}?","model":"{model}","quality":{},"prompt_tokens":100,"completion_tokens":50}}"#,
                quality(question, model)
            );
            text.push('\n');
        }
    }
    text
}

fn forecasts(n: usize, source: &str) -> String {
    let line = |question: usize| {
        let kind = if question % 3 == 1 { "a" } else { "b" };
        let cheap = if question.is_multiple_of(4) { 0.1 } else { 0.84 };
        format!(
            r#"{{"id":"{source}/{kind}/{question:04}","forecasts":[{{"model":"cheap","quality":{cheap},"cost_usd":0.00003}},{{"model":"dear","quality":0.86,"cost_usd":0.0006}}]}}"#
        )
    };
    (0..n).map(|question| line(question) + "\n").collect()
}

fn town(name: &str, n: usize) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("outcomes.jsonl", &outcomes(n, "town"));
    scratch.write("forecasts.jsonl", &forecasts(n, "town"));
    scratch.write("catalog.toml", CATALOG);
    scratch
}

const GIVEN: &str = "outcomes.jsonl --forecasts forecasts.jsonl --prices catalog.toml --day 2026-11-21";

#[test]
fn a_policy_is_written_that_the_engine_reads_with_its_promise() {
    let scratch = town("tune-policy", 1500);
    let output = scratch
        .run(&format!("tune {GIVEN} --loss-at-most 0.05 --name mine --report out --on-alarm reference -o policy.toml"));
    check(
        &output,
        0,
        "Promised: with 95% confidence at most 0.05 of quality is lost against the best single model",
        "",
    );
    check(&output, 0, "saving if chosen here", "");
    let text = scratch.read("policy.toml");
    assert!(text.starts_with("# Tuned by pointsman"), "{text}");
    let policies = Policies::from_toml(&text).unwrap();
    let promise = policies.default_policy().promise().unwrap().terms();
    assert_eq!(policies.default_policy().name().as_str(), "mine");
    assert_eq!(promise.tuned, "2026-11-21");
    assert_eq!(promise.reference.model().unwrap().as_str(), "dear");
    assert!(promise.saving.value > 0.5 && promise.saving.low > 0.4, "{promise:?}");
    assert_eq!(promise.catalog, Some(decision::Catalog::from_toml(CATALOG).unwrap().version()));
    assert_eq!(promise.artifact, None);
    assert_eq!(promise.on_alarm, decision::OnAlarm::Reference);
    let page = scratch.read("out/report.html");
    assert!(page.contains("<svg") && page.contains("looking at this curve") && !page.contains("<script"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&scratch.read("out/report.json")).unwrap();
    assert_eq!(json["curve"].as_array().map(Vec::len), Some(10));
    assert_eq!(json["version"], policies.default_policy().version());
    // The judge replays the file that was written.
    let judged = scratch.run(
        "eval outcomes.jsonl --prices catalog.toml --forecasts forecasts.jsonl --policies policy.toml --bootstraps 20",
    );
    check(&judged, 0, "policy `mine` replayed", "");
}

#[test]
fn the_same_call_gives_the_same_bytes() {
    let scratch = town("tune-same", 1500);
    let run = |file: &str| {
        let output = scratch.run(&format!("tune {GIVEN} --loss-at-most 0.05 --mode value --json -o {file}"));
        (output.stdout, scratch.read(file))
    };
    assert_eq!(run("a.toml"), run("b.toml"));
}

#[test]
fn too_few_rows_are_refused_and_nothing_is_written() {
    let scratch = town("tune-few", 120);
    let output = scratch.run(&format!("tune {GIVEN} --loss-at-most 0.02 --json --report out -o policy.toml"));
    check(&output, 1, "\"n_groups_needed\": 225", "about 225 groups of prompts are needed, 108 are there");
    assert!(!scratch.0.join("policy.toml").exists());
    assert!(!scratch.0.join("out").exists());
}

#[test]
fn a_base_policy_keeps_all_but_its_parameter() {
    let scratch = town("tune-base", 1500);
    let base = "default = \"old\"\n[policy.old]\nmode = \"target\"\nquality_floor = 0.99\nfallback = [\"cheap\"]\nzero_data_retention = true\n";
    scratch.write("base.toml", base);
    // Its limit is kept where it is written and where it is replayed, and these models keep nothing.
    scratch.write("catalog.toml", &CATALOG.replace("context_window", "zero_data_retention = true\ncontext_window"));
    check(
        &scratch.run(&format!("tune {GIVEN} --loss-at-most 0.1 --policies base.toml -o policy.toml")),
        0,
        "Promised",
        "",
    );
    let policies = Policies::from_toml(&scratch.read("policy.toml")).unwrap();
    let rules = policies.default_policy().rules();
    assert!(matches!(rules.mode, decision::Mode::Target { .. }));
    assert_eq!(rules.fallback[0].as_str(), "cheap");
    assert!(rules.limits.zero_data_retention);
    scratch.write("pin.toml", "default = \"old\"\n[policy.old]\nmode = \"pin\"\nmodel = \"cheap\"\n");
    let pinned = scratch.run(&format!("tune {GIVEN} --loss-at-most 0.1 --policies pin.toml -o p.toml"));
    check(&pinned, 1, "", "pin.toml: policy `old` pins a model and has no parameter to tune");
    // A promise that somebody edited away from its rules is of another version, and is named.
    let edited = scratch.read("policy.toml").replace("zero_data_retention = true\n", "");
    scratch.write("edited.toml", &edited);
    let output = scratch.run(&format!("tune {GIVEN} --loss-at-most 0.1 --policies edited.toml -o p.toml"));
    check(&output, 1, "", "the promise was made for rules of version");
    assert!(!scratch.0.join("p.toml").exists());
}

#[test]
fn whom_the_base_policy_does_not_let_serve_is_not_promised() {
    let scratch = town("tune-limits", 1500);
    let tuned = |limits: &str, rest: &str| {
        let base = format!("default = \"old\"\n[policy.old]\nmode = \"target\"\nquality_floor = 0.9\n{limits}\n");
        scratch.write("base.toml", &base);
        scratch.run(&format!("tune outcomes.jsonl --policies base.toml -o p.toml {rest}"))
    };
    let (made, asked) = ("--prices catalog.toml --forecasts forecasts.jsonl", "--prices catalog.toml --against dear");
    let denied = "deny = [\"dear\"]";
    let (left_out, few) = ("left out, as the base policy does not let them serve: ", "do not show that a saving loses");
    check(&tuned(denied, &format!("--loss-at-most 0.1 {made}")), 1, "", &format!("{left_out}dear: pool `town`"));
    let refused = tuned(denied, &format!("--loss-at-most 0.1 {made} --against dear"));
    check(&refused, 2, "", "--against: expected a model that the base policy lets serve, found `dear`");
    let kept = "zero_data_retention = true";
    check(&tuned(kept, &format!("--loss-at-most 0.1 {made}")), 1, "", &format!("{left_out}cheap, dear"));
    scratch.write("prices.csv", "model,prompt_usd_per_1m,completion_usd_per_1m\ncheap,0.1,0.4\ndear,2,8\n");
    let untold = tuned(kept, "--loss-at-most 0.1 --prices prices.csv --forecasts forecasts.jsonl");
    check(&untold, 1, "", "which only a catalog (.toml) as --prices can tell");
    let cap = "max_cost_usd = 0.0000001";
    let untold = tuned(cap, &format!("--loss-at-most 0.1 {made}"));
    check(&untold, 1, "", "`max_cost_usd` hangs on the length of answers, which --forecasts do not tell");
    // By the artifact it is known what an answer could cost, and that none is so cheap.
    check(&tuned(cap, &format!("--loss-at-most 0.5 {asked}")), 1, "", few);
    // Likewise what fits: a question and an answer do not fit into ten tokens.
    check(&tuned("", &format!("--loss-at-most 0.9 {asked}")), 0, "Promised", "");
    scratch.write("catalog.toml", &CATALOG.replace("8192", "10"));
    check(&tuned("", &format!("--loss-at-most 0.5 {asked}")), 1, "", few);
    assert!(scratch.read("p.toml").contains("0.9"), "what was promised before is still there");
}

#[test]
fn without_a_file_of_forecasts_the_artifact_is_asked_and_named() {
    let scratch = town("tune-artifact", 300);
    let output =
        scratch.run("tune outcomes.jsonl --prices catalog.toml --against dear --loss-at-most 0.9 -o policy.toml");
    check(&output, 0, "Promised", "");
    let policies = Policies::from_toml(&scratch.read("policy.toml")).unwrap();
    let promise = policies.default_policy().promise().unwrap();
    let (artifact, catalog) = (promise.terms().artifact.clone().unwrap(), promise.terms().catalog.clone().unwrap());
    assert_eq!(promise.void(&artifact, &catalog), None);
    check(
        &scratch.run("tune outcomes.jsonl --prices catalog.toml --artifact nowhere --loss-at-most 0.9 -o p.toml"),
        1,
        "",
        "nowhere",
    );
}

#[test]
fn forecasts_speak_for_the_artifact_that_made_them_and_for_no_other() {
    let scratch = town("tune-signed", 300);
    let (one, another) = (format!("sha256:{}", "a".repeat(64)), format!("sha256:{}", "b".repeat(64)));
    let signed = |by: &str| forecasts(300, "town").replace("{\"id\"", &format!("{{\"artifact\":\"{by}\",\"id\""));
    scratch.write("signed.jsonl", &signed(&one));
    scratch.write("mixed.jsonl", &(signed(&one) + &signed(&another)));
    let tune = |forecasts: &str, more: &str| {
        let given = format!("tune outcomes.jsonl --forecasts {forecasts} --prices catalog.toml --against dear");
        scratch.run(&format!("{given} --loss-at-most 0.9 -o policy.toml {more}"))
    };
    let artifact = concat!(env!("CARGO_MANIFEST_DIR"), "/../../classifier/embedded/artifact");
    let refused = tune("signed.jsonl", &format!("--artifact {artifact}"));
    check(&refused, 1, "", "--forecasts: expected forecasts by the artifact of --artifact, sha256:");
    check(&refused, 1, "", &format!("found some by {one}"));
    check(&tune("mixed.jsonl", ""), 1, "", &format!("found some by {one} and by {another}"));
    let unsigned = tune("forecasts.jsonl", &format!("--artifact {artifact}"));
    check(
        &unsigned,
        1,
        "",
        "--forecasts: expected forecasts that name the artifact of --artifact, found 300 lines that name none",
    );
    let made = scratch.run(
        "tune outcomes.jsonl --prices catalog.toml --against dear --loss-at-most 0.9 -o p.toml --tuning-part pointsman",
    );
    check(&made, 1, "", "--tuning-part: the artifact was trained with salt = \"pointsman\", tune_share = 0");
    let learned = tune("signed.jsonl", &format!("--artifact {artifact} --tuning-part pointsman"));
    check(&learned, 1, "", "--forecasts: expected forecasts by the artifact");
    assert!(!scratch.0.join("policy.toml").exists(), "nothing is written");
    check(&tune("signed.jsonl", ""), 0, "Promised", "");
    let policies = Policies::from_toml(&scratch.read("policy.toml")).unwrap();
    assert_eq!(policies.default_policy().promise().unwrap().terms().artifact.as_deref(), Some(one.as_str()));
}

#[test]
fn a_promise_can_be_had_by_slice() {
    let scratch = town("tune-slices", 1500);
    let output = scratch.run(&format!("tune {GIVEN} --loss-at-most 0.1 --by dataset -o policy.toml"));
    check(&output, 0, "it holds in each of: a, b", "");
    let weighed =
        scratch.run(&format!("tune {GIVEN} --loss-at-most 0.1 --by dataset --weights a=0.9,b=0.1 -o policy.toml"));
    check(&weighed, 0, "in a mean of 90% a, 10% b by dataset", "");
    let written = scratch.read("policy.toml");
    assert!(written.contains("# It holds in a mean of 90% a, 10% b by dataset"), "{written}");
    let promise = Policies::from_toml(&written).unwrap().default_policy().promise().unwrap().to_string();
    assert!(promise.contains("in a mean of 90% a, 10% b by dataset"), "{promise}");
}

#[test]
fn rows_of_one_prompt_are_of_one_slice() {
    let scratch = town("tune-judges", 60);
    let judged = |judge: &str| format!("{{\"judge\":\"{judge}\",");
    let rows = outcomes(60, "town");
    let (first, rest) = rows.split_once('\n').unwrap();
    let rest = rest.replace('{', &judged("exact")).replace("}\"judge\"", "}");
    scratch.write("judged.jsonl", &format!("{}\n{rest}", first.replacen('{', &judged("human"), 1)));
    let given = GIVEN.replace("outcomes.jsonl", "judged.jsonl");
    let output = scratch.run(&format!("tune {given} --loss-at-most 0.1 --by judge -o p.toml"));
    check(&output, 1, "", "--by judge: expected one for each prompt, found `human` and `exact` for `town/");
}

#[test]
fn prompts_of_one_text_count_once() {
    let scratch = town("tune-same-text", 300);
    let text = |line: &str| {
        let (before, after) = (line.split("Question").next().unwrap(), line.split("?\"").nth(1).unwrap());
        format!("{before}Which of the two is the larger city?\"{after}\n")
    };
    scratch.write("same.jsonl", &outcomes(300, "town").lines().map(text).collect::<String>());
    let given = GIVEN.replace("outcomes.jsonl", "same.jsonl");
    let output = scratch.run(&format!("tune {given} --loss-at-most 0.1 --against dear -o p.toml"));
    assert_eq!(output.status.code(), Some(1));
    assert!(!scratch.0.join("p.toml").exists(), "one question promises nothing");
}

#[test]
fn promises_are_put_to_the_proof() {
    let scratch = town("tune-prove", 700);
    let output = scratch
        .run(&format!("tune {} --mode value --prove 5 --loss-at-most 0.1", GIVEN.replace("--day 2026-11-21", "")));
    check(&output, 0, "same loss", "");
    check(&output, 0, "5 random splits, tuned on 50% of the groups", "");
}

/// A town beside which there are files that no policy can be tuned on.
fn bad_town(name: &str) -> Scratch {
    let scratch = town(name, 300);
    let both = outcomes(60, "town") + &outcomes(60, "city");
    scratch.write("both.jsonl", &both);
    scratch.write("both-forecasts.jsonl", &(forecasts(60, "town") + &forecasts(60, "city")));
    scratch.write("right.jsonl", &outcomes(300, "town").replace("\"quality\":0", "\"quality\":1"));
    scratch
        .write("judging.jsonl", &outcomes(300, "town").replacen("\"quality\"", "\"judging_only\":true,\"quality\"", 2));
    scratch.write("other.toml", &CATALOG.replace("\"cheap\"", "\"cheep\""));
    scratch
}

#[test]
fn a_call_that_makes_no_sense_is_refused() {
    let scratch = town("tune-senseless", 60);
    for (arguments, code, error) in [
        (format!("{GIVEN} --loss-at-most 1e-300 -o p.toml"), 2, "at least 0.000001 away from 0 and 1"),
        (
            format!("{GIVEN} --loss-at-most 0.1 --confidence 1e-9 -o p.toml"),
            2,
            "--confidence: expected a number at least",
        ),
        (format!("{GIVEN} --loss-at-most 0.1 --prove-share 0.3 -o p.toml"), 2, "--prove-share goes with --prove"),
        ("--town --loss-at-most 0.1 -o p.toml".to_owned(), 2, "--town goes with --prove"),
        (format!("{GIVEN} --prove 5"), 2, "cannot be used with"),
        ("outcomes.jsonl --prove 5 --by dataset".to_owned(), 2, "cannot be used with"),
        ("--town --prove 5 --prices catalog.toml".to_owned(), 2, "cannot be used with"),
        (format!("{GIVEN} --loss-at-most 0.1 -o outcomes.jsonl"), 2, "expected an output that is not among the inputs"),
        (
            format!("{GIVEN} --loss-at-most 0.1 -o forecasts.jsonl"),
            2,
            "expected an output that is not among the inputs",
        ),
    ] {
        check(&scratch.run(&format!("tune {arguments}")), code, "", error);
    }
}

#[test]
fn mistakes_are_named_and_nothing_is_written() {
    let scratch = bad_town("tune-mistakes");
    for (arguments, code, error) in [
        (
            format!("{GIVEN} --loss-at-most 0 -o p.toml"),
            2,
            "--loss-at-most: expected a number above 0 and below 1, found 0",
        ),
        (format!("{GIVEN} --loss-at-most 1.5 -o p.toml"), 2, "--loss-at-most: expected a number above 0 and below 1"),
        (format!("{GIVEN} --loss-at-most 0.1 --confidence 1 -o p.toml"), 2, "--confidence: expected a number above 0"),
        (
            format!("{GIVEN} --loss-at-most 0.1 --shrinkage 0.1,3 -o p.toml"),
            2,
            "--shrinkage: expected a number from 0 to 1",
        ),
        (format!("{GIVEN} --loss-at-most 0.1"), 2, "--output"),
        (format!("{GIVEN} -o p.toml"), 2, "--loss-at-most"),
        (
            format!("{GIVEN} --loss-at-most 0.1 --against deer -o p.toml"),
            1,
            "the reference `deer` has no outcomes among the rows; the nearest name there is `dear`",
        ),
        (
            format!("{GIVEN} --loss-at-most 0.1 --by dataset --weights a=0.5,b=0.4 -o p.toml"),
            2,
            "--weights: expected weights of 0 or more that sum to 1, found a=0.5, b=0.4, which sum to 0.9",
        ),
        (
            format!("{GIVEN} --loss-at-most 0.1 --by dataset --weights a -o p.toml"),
            2,
            "--weights: expected SLICE=WEIGHT",
        ),
        (
            format!("{GIVEN} --loss-at-most 0.1 --by dataset --weights a=0.5,c=0.5 -o p.toml"),
            1,
            "the weight of `c` has no rows; the slices are a, b",
        ),
        (
            format!("{GIVEN} --loss-at-most 0.1 --by datset -o p.toml"),
            2,
            "unknown column `datset`; the nearest known one is `dataset`",
        ),
        (format!("{GIVEN} --loss-at-most 0.1 --name Bad -o p.toml"), 2, "--name: expected a policy name"),
        (
            format!("{GIVEN} --loss-at-most 0.1 --name request -o p.toml"),
            2,
            "--name: expected another name, found `request`, which means policies made by requests",
        ),
        ("outcomes.jsonl --forecasts forecasts.jsonl --prices catalog.toml --loss-at-most 0.1 --day 21.11.2026 -o p.toml".to_owned(), 2, "--day: expected a day as 2026-11-21"),
        (format!("{GIVEN} --source twon --loss-at-most 0.1 -o p.toml"), 2, "--source: unknown source `twon`"),
        (
            "both.jsonl --forecasts both-forecasts.jsonl --prices catalog.toml --loss-at-most 0.1 -o p.toml".to_owned(),
            2,
            "the outcomes have several sources (city, town); name one with --source",
        ),
        (
            "right.jsonl --forecasts forecasts.jsonl --prices catalog.toml --loss-at-most 0.1 -o p.toml".to_owned(),
            1,
            "every answer has the quality 1: rows of one class",
        ),
        (
            "judging.jsonl --forecasts forecasts.jsonl --prices catalog.toml --loss-at-most 0.1 -o p.toml".to_owned(),
            1,
            "expected rows to tune on, found one for judging only",
        ),
        ("outcomes.jsonl --prices other.toml --loss-at-most 0.1 -o p.toml".to_owned(), 1, "model `cheap` has no price"),
        ("nowhere.jsonl --loss-at-most 0.1 -o p.toml".to_owned(), 1, "nowhere.jsonl"),
    ] {
        check(&scratch.run(&format!("tune {arguments}")), code, "", error);
        assert!(!scratch.0.join("p.toml").exists(), "{arguments}");
    }
}

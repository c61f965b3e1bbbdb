//! `pointsman train`, `onboard` and `probe` as a caller meets them: a school where sums are easy and proofs are not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::scratch::{Scratch, check};
use crate::teacher::write_teacher;

const MODELS: [&str; 3] = ["cheap", "dear", "middling"];

/// The least that can be trained: every kind of view, a few trees and one round.
const PLAN: &str = "\
tune_share = 0.0
held_out_share = 0.0
folds = 2
reading_nets = 1
feature_nets = 1
reading_epochs = 1
feature_epochs = 1
trees = 4
token_trees = 2
places = 4
";

/// A question of the school: every other one asks for a proof.
fn question(number: usize) -> String {
    match number % 2 {
        0 => format!("What is {number} + {}?", number + 3),
        _ => format!("Prove that the sequence {number}, {} has no further term below {}.", number + 1, number * 7),
    }
}

fn row(number: usize, model: &str) -> Value {
    let right = model == "dear" || number.is_multiple_of(2) || (model == "middling" && number % 4 == 1);
    json!({
        "source": "school", "dataset": "d", "prompt_id": number.to_string(), "prompt": question(number),
        "model": model, "quality": u8::from(right), "prompt_tokens": 12, "completion_tokens": 20 + 100 * (number % 2),
    })
}

fn rows(n: usize, models: &[&str]) -> String {
    (0..n).flat_map(|number| models.iter().map(move |model| row(number, model).to_string() + "\n")).collect()
}

fn school(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("rows.jsonl", &rows(80, &MODELS));
    scratch.write("plan.toml", PLAN);
    let priced = |model: &str| {
        format!("[[model]]\nid = \"{model}\"\ncontext_window = 8192\nusd_per_1m = {{ prompt = 1, completion = 2 }}\n")
    };
    scratch.write("prices.toml", &MODELS.map(priced).concat());
    scratch
}

/// Every file below a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder was written") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).expect("the file can be read"));
        }
    }
    found
}

#[test]
fn training_writes_an_artifact_that_routes_and_the_same_bytes_again() {
    let scratch = school("train");
    let train =
        "train rows.jsonl -o artifact --plan plan.toml --forecasts unseen.jsonl --report out --prices prices.toml";
    check(&scratch.run(train), 0, "learned from  80 prompts, 3 models", "");
    let lines: Vec<Value> =
        scratch.read("unseen.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 80, "a line for each prompt");
    assert_eq!(lines[0]["forecasts"].as_array().unwrap().len(), MODELS.len());
    assert!(scratch.read("out/report.html").contains("<html"));

    // Without prices there is no report; the artifact is whole all the same, and so is what is told of it.
    let complaint = "no report: pool `school`: model `cheap` has no price";
    check(&scratch.run("train rows.jsonl -o again --plan plan.toml"), 0, "artifact", complaint);
    let told = scratch.run("train rows.jsonl -o told --plan plan.toml --json");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&told["training"]["n_prompts"], &told["training"]["n_models"]), (&json!(80), &json!(MODELS.len())));
    assert!(told["verdicts"].is_null(), "no report");
    let (first, again) = (files(&scratch.0.join("artifact")), files(&scratch.0.join("again")));
    assert!(first.contains_key("manifest.json") && first.contains_key("weights.safetensors"), "{:?}", first.keys());
    assert_eq!(first, again, "the same rows and plan give the same bytes");

    let listed: Value = serde_json::from_slice(&scratch.run("models --artifact artifact --json").stdout).unwrap();
    assert!(listed["artifact"].as_str().unwrap().starts_with("sha256:"));
    check(&scratch.call(&["route", "What is 2 + 2?", "--artifact", "artifact"], "", &[]), 0, "policy", "");
}

#[test]
fn the_report_bills_a_length_that_the_catalog_states_where_nobody_counted() {
    let scratch = school("train-stated");
    let uncounted = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        if row["model"] == "dear" {
            row["completion_tokens"] = Value::Null;
        }
        row.to_string() + "\n"
    };
    scratch.write("uncounted.jsonl", &rows(80, &MODELS).lines().map(uncounted).collect::<String>());
    let stated = "context_window = 50000\nmean_completion_tokens = 9000";
    let prices = scratch.read("prices.toml").replace("context_window = 8192", stated);
    scratch.write("stated.toml", &prices);
    let train = |prices: &str| {
        let train =
            format!("train uncounted.jsonl -o artifact --plan plan.toml --forecasts unseen.jsonl --prices {prices}");
        check(&scratch.run(&train), 0, "learned from", "");
        let written = |model: &str| {
            let of = |line: &str| {
                let line: Value = serde_json::from_str(line).unwrap();
                let forecasts = line["forecasts"].as_array().unwrap();
                let one = forecasts.iter().find(|one| one["model"] == model).unwrap();
                (one["completion_tokens"].as_f64().unwrap(), one["cost_usd"].as_f64().unwrap())
            };
            let lines: Vec<(f64, f64)> = scratch.read("unseen.jsonl").lines().map(of).collect();
            lines.iter().fold((0.0, 0.0), |(tokens, usd), line| (tokens + line.0, usd + line.1))
        };
        (written("dear"), written("cheap"))
    };
    let (plain, stated) = (train("prices.toml"), train("stated.toml"));
    assert!(stated.0.0 > 20.0 * plain.0.0 && stated.0.1 > 10.0 * plain.0.1, "{plain:?}, then {stated:?}");
    // Answers of `cheap` were counted; rounding may leave its cost a billionth.
    let same = |stated: f64, plain: f64| (stated - plain).abs() < 1e-6 * plain;
    assert!(same(stated.1.0, plain.1.0) && same(stated.1.1, plain.1.1), "{plain:?}, then {stated:?}");
}

#[test]
fn data_sets_that_the_plan_leaves_out_are_neither_learned_from_nor_judged() {
    let scratch = school("train-leave-out");
    // Every fourth prompt is of another data set.
    let moved = |(at, line): (usize, &str)| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        if (at / MODELS.len()).is_multiple_of(4) {
            row["dataset"] = Value::from("graded/by/words");
        }
        row.to_string() + "\n"
    };
    let text: String = rows(80, &MODELS).lines().enumerate().map(moved).collect();
    let n_left_out = text.lines().filter(|line| line.contains("graded/by/words")).count();
    let source =
        serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["source"].as_str().unwrap().to_owned();
    scratch.write("both.jsonl", &text);
    let names = format!("leave_out = [\"{source}/graded/by/words\", \"{source}/nowhere\"]\n");
    scratch.write("leaves.toml", &format!("{names}{PLAN}"));
    let run = scratch.run("train both.jsonl -o artifact --plan leaves.toml --prices prices.toml --forecasts f.jsonl");
    check(&run, 0, &format!("{n_left_out} rows of data sets that it leaves out (`leave_out`)"), "");
    check(&run, 0, &format!("no rows of {source}/nowhere"), "");
    let made = scratch.read("f.jsonl");
    assert!(made.contains("\"id\"") && !made.contains("graded/by/words"));
}

#[test]
fn what_training_kept_back_is_found_by_the_folder_of_its_artifact() {
    let scratch = school("train-kept");
    scratch.write("many.jsonl", &rows(400, &MODELS));
    let names = "same_models = [[\"dear\", \"made/dear\"]]\n";
    scratch.write("shares.toml", &format!("{}{names}", PLAN.replace("share = 0.0", "share = 0.3")));
    let train = scratch.run("train many.jsonl -o artifact --plan shares.toml --prices prices.toml");
    check(&train, 0, "same_models   no rows of made/dear", "");
    let judged = |by: &str| {
        let output =
            scratch.run(&format!("eval many.jsonl --prices prices.toml --bootstraps 20 --json --held-out {by}"));
        check(&output, 0, "", "");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["verdicts"].clone()
    };
    let kept = judged("artifact");
    assert_eq!(kept, judged("shares.toml"));
    let n_kept = kept[0]["n_prompts"].as_u64().unwrap();
    assert!((80..160).contains(&n_kept), "three tenths of 400, found {n_kept}");
    let tune =
        "tune many.jsonl --artifact artifact --prices prices.toml --against dear --loss-at-most 0.9 -o policy.toml";
    // All models cost the same here, so there is nothing to save; but the rows are let through.
    check(&scratch.run(&format!("{tune} --tuning-part artifact")), 1, "", "groups of prompts are there");
    let others = scratch.run(&format!("{tune} --tuning-part other"));
    check(&others, 1, "", "so these are not the rows it kept; give its folder");
}

#[test]
fn an_artifact_of_a_published_encoder_is_whole_in_itself() {
    let scratch = school("train-encoder");
    let encoder = scratch.0.join("encoder");
    fs::create_dir_all(encoder.join("1_Pooling")).unwrap();
    write_teacher(&encoder);
    let part = |path: &str, kind: &str| json!({ "path": path, "type": format!("sentence_transformers.models.{kind}") });
    scratch.write("encoder/modules.json", &json!([part("", "Transformer"), part("1_Pooling", "Pooling")]).to_string());
    let pooled = json!({ "pooling_mode_cls_token": true, "word_embedding_dimension": 4 }).to_string();
    scratch.write("encoder/1_Pooling/config.json", &pooled);
    let train = "train rows.jsonl -o artifact --plan plan.toml --encoder encoder --prices prices.toml";
    check(&scratch.run(train), 0, "learned from  80 prompts, 3 models", "");
    // What it was made of is gone; the artifact carries all it needs.
    fs::remove_dir_all(&encoder).unwrap();
    assert_eq!(scratch.read("artifact/encoder/1_Pooling/config.json"), pooled);

    let asked: String = (0..30)
        .map(|number| json!({ "id": number.to_string(), "prompt": question(number) }).to_string() + "\n")
        .collect();
    scratch.write("ask.jsonl", &asked);
    let routed = scratch.run("route --input ask.jsonl --catalog prices.toml --artifact artifact");
    let lines = String::from_utf8(routed.stdout).unwrap();
    let quality = |line: &str| -> f64 {
        let line: Value = serde_json::from_str(line).unwrap();
        line["forecasts"].as_array().unwrap().iter().find(|line| line["model"] == "cheap").unwrap()["quality"]
            .as_f64()
            .unwrap()
    };
    let qualities: Vec<f64> = lines.lines().map(quality).collect();
    assert_eq!(qualities.len(), 30);
    let mean = |odd: usize| qualities.iter().skip(odd).step_by(2).sum::<f64>() / 15.0;
    assert!(mean(0) > mean(1) + 0.1, "sums are easier than proofs: {qualities:?}");
    // Alone or in company: what padding rounds may show, and no more.
    let one = asked.lines().nth(7).unwrap();
    let alone =
        scratch.call(&["route", "--input", "-", "--catalog", "prices.toml", "--artifact", "artifact"], one, &[]);
    let alone = quality(String::from_utf8(alone.stdout).unwrap().trim());
    assert!((alone - qualities[7]).abs() < 1e-3, "{alone} against {}", qualities[7]);

    // Another way to pool is no encoder of this artifact.
    scratch.write("artifact/encoder/1_Pooling/config.json", &pooled.replace("cls_token", "mean_tokens"));
    let mixed = scratch.run("models --catalog prices.toml --artifact artifact");
    check(&mixed, 1, "", "manifest.json, files: expected the weights and the encoder that it was written with");
}

#[test]
fn what_cannot_be_trained_on_is_said_and_nothing_is_written() {
    let scratch = school("train-refused");
    scratch.write("few.jsonl", &rows(10, &MODELS));
    scratch.write("one.jsonl", &rows(80, &["dear"]));
    scratch.write("reserved.jsonl", &rows(80, &["dear", "auto"]));
    let textless = row(1, "dear").to_string().replace("\"prompt\":", "\"metadata\":");
    let blank: String = (0..80)
        .flat_map(|number| MODELS.map(|model| row(number, model).to_string().replace(&question(number), " ") + "\n"))
        .collect();
    scratch.write("blank.jsonl", &blank);
    scratch.write("textless.jsonl", &textless);
    scratch.write("typo.toml", "folds = 2\ntrese = 4\n");
    scratch.write(
        "keeps.toml",
        &PLAN.replace("tune_share = 0.0", "tune_share = 0.3").replace("out_share = 0.0", "out_share = 0.4"),
    );
    for (arguments, code, complaint) in [
        ("few.jsonl --plan plan.toml", 1, "expected at least 50 prompts with text to learn from, found 10"),
        ("one.jsonl --plan plan.toml", 1, "expected outcomes of at least 2 models, found 1"),
        (
            "reserved.jsonl --plan plan.toml",
            1,
            "rows of the model `auto`, which no catalog can have: `auto` is reserved",
        ),
        ("rows.jsonl --plan typo.toml", 1, "typo.toml: line 2"),
        ("rows.jsonl --plan nowhere.toml", 1, "nowhere.toml: "),
        ("nowhere.jsonl --plan plan.toml", 1, "nowhere.jsonl"),
        ("blank.jsonl --plan plan.toml", 1, "expected at least 50 prompts with text to learn from, found 0"),
        (
            "rows.jsonl --plan plan.toml --forecasts rows.jsonl",
            2,
            "rows.jsonl: expected an output that is not among the inputs",
        ),
        ("rows.jsonl --encoder nowhere", 1, "nowhere"),
        ("textless.jsonl --plan plan.toml", 1, "expected at least 50 prompts with text to learn from, found 0"),
        (
            "few.jsonl --plan keeps.toml",
            1,
            "found 3; the plan keeps back 6 rows for tuning (`tune_share`), 15 rows for judging (`held_out_share`)",
        ),
    ] {
        check(&scratch.run(&format!("train -o artifact {arguments}")), code, "", complaint);
        assert!(!scratch.0.join("artifact").exists(), "{arguments}");
    }
    // Whether there is a place for what comes of it is known before the rows are looked at.
    let placeless = scratch.run("train few.jsonl -o artifact --plan plan.toml --forecasts nowhere/unseen.jsonl");
    check(&placeless, 1, "", "nowhere/unseen.jsonl");
    let inside = scratch.run("train few.jsonl -o artifact --plan plan.toml --report artifact/report");
    check(&inside, 2, "", "--report artifact/report: expected a place outside the artifact");
    // A folder that holds something else is nobody's to replace.
    fs::create_dir(scratch.0.join("letters")).unwrap();
    scratch.write("letters/dear.txt", "kept");
    check(&scratch.run("train rows.jsonl -o letters --plan plan.toml"), 1, "", "letters");
    assert_eq!(scratch.read("letters/dear.txt"), "kept");
}

#[test]
fn a_new_model_is_let_in_and_the_others_stay_as_they_are() {
    let scratch = school("onboard");
    scratch.write("new.jsonl", &rows(50, &["newcomer"]));
    check(&scratch.run("onboard newcomer new.jsonl -o artifact"), 0, "let in    newcomer, from 50 outcomes", "");
    scratch.write(
        "c.toml",
        "[[model]]\nid = \"newcomer\"\ncontext_window = 8192\nusd_per_1m = { prompt = 1, completion = 2 }\n\
         [[model]]\nid = \"gpt-4o-2024-08-06\"\ncontext_window = 8192\nusd_per_1m = { prompt = 1, completion = 2 }\n",
    );
    let listed: Value =
        serde_json::from_slice(&scratch.run("models --catalog c.toml --artifact artifact --json").stdout).unwrap();
    let standing = |model: &str| {
        let all = listed["models"].as_array().unwrap();
        all.iter().find(|line| line["id"] == model).unwrap()["standing"].clone()
    };
    assert_eq!(standing("newcomer"), json!({"kind": "onboarded", "n_outcomes": 50}));
    assert_eq!(standing("gpt-4o-2024-08-06")["kind"], "trained");

    scratch.write("ask.jsonl", "{\"id\": \"1\", \"prompt\": \"What is 7 + 5?\"}\n");
    let forecast = |artifact: &str, model: &str| {
        let call = format!("route --input ask.jsonl --catalog c.toml {artifact}");
        let line: Value = serde_json::from_slice(&scratch.run(&call).stdout).unwrap();
        line["forecasts"].as_array().unwrap().iter().find(|line| line["model"] == model).unwrap().clone()
    };
    let old = "gpt-4o-2024-08-06";
    assert_eq!(forecast("", old), forecast("--artifact artifact", old), "to the last bit");
    let (stranger, known) = (forecast("", "newcomer"), forecast("--artifact artifact", "newcomer"));
    let number = |line: &Value, key: &str| line[key].as_f64().unwrap();
    assert_eq!(stranger["quality"], stranger["quality_low"], "of a stranger no more is taken for true");
    let widest = number(&known, "quality") - number(&stranger, "quality_low");
    let width = number(&known, "quality") - number(&known, "quality_low");
    assert!(width < widest, "{known} against {stranger}: outcomes make the bound narrower");
}

#[test]
fn a_new_model_is_let_in_by_one_outcome_for_each_prompt_that_may_be_learned_from() {
    let scratch = school("onboard-rows");
    let new = rows(50, &["newcomer"]);
    scratch.write("new.jsonl", &new);
    let once = scratch.run("onboard newcomer new.jsonl -o once");
    check(&once, 0, "let in    newcomer, from 50 outcomes", "");
    // The same rows again, and others that say nothing.
    let textless = new.lines().next().unwrap().replace("\"prompt\":", "\"note\":");
    scratch.write("more.jsonl", &format!("{new}{textless}\nno row\n"));
    let twice = scratch.run("onboard newcomer new.jsonl more.jsonl --skip-bad -o twice");
    for line in ["newcomer, from 50 outcomes", "1 bad rows", "1 rows without the text of their prompt"] {
        check(&twice, 0, line, "");
    }
    let digest = |output: &std::process::Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split("sha256:").nth(1).map(|rest| rest[..64].to_owned())
    };
    assert_eq!(digest(&once), digest(&twice));
    assert!(digest(&once).is_some());
    let told = scratch.run("onboard newcomer new.jsonl more.jsonl --skip-bad -o twice --json");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["n_rows_passed_over"], json!({"bad": 1, "without_text": 1, "kept_back": 0}));
    assert_eq!((&told["model"], &told["n_outcomes"]), (&json!("newcomer"), &json!(50)));
    assert_eq!(told["artifact"].as_str().map(|text| text["sha256:".len()..].to_owned()), digest(&once));
    let again = scratch.run("onboard newcomer new.jsonl --artifact once -o again");
    check(&again, 0, "replaced  what it was let in from before, 50 outcomes", "");
    let itself = scratch.run("onboard newcomer new.jsonl --artifact once -o again --like newcomer");
    check(&itself, 1, "", "--like: expected another model than the one that is let in, found `newcomer`");
    let judging = new.replace("{\"source\"", "{\"judging_only\": true, \"source\"");
    scratch.write("judging.jsonl", &judging);
    let refused = scratch.run("onboard newcomer judging.jsonl -o judged");
    check(&refused, 1, "", "expected rows to learn from, found one for judging only");
    assert!(!scratch.0.join("judged").exists());
    check(&scratch.run("onboard auto new.jsonl -o judged"), 2, "", "`auto` is reserved");
}

#[test]
fn prompts_of_two_texts_are_counted() {
    let scratch = school("two-texts");
    let new = rows(50, &["newcomer"]);
    let other = new.lines().next().unwrap().replace("What is", "How much is");
    scratch.write("new.jsonl", &format!("{new}{other}\n"));
    let note = "two texts  1 prompts have rows with different texts; of each the first in alphabetical order was read";
    check(&scratch.run("onboard newcomer new.jsonl -o artifact"), 0, note, "");
    let all = rows(80, &MODELS);
    let others = all.lines().take(4).map(|line| line.replace("What is", "How much is").replace("Prove", "Show") + "\n");
    scratch.write("rows.jsonl", &format!("{all}{}", others.collect::<String>()));
    let note = "two texts     2 prompts have rows";
    scratch.write("bad.jsonl", "no row\n");
    let output = scratch.run("train rows.jsonl bad.jsonl --skip-bad -o told --plan plan.toml --prices prices.toml");
    check(&output, 0, note, "");
    check(&output, 0, "passed over   1 bad rows", "");
    let output = scratch.run("train rows.jsonl -o told --plan plan.toml --prices prices.toml --json");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["training"]["n_prompts_of_two_texts"], 2);
    assert!(told["verdicts"].is_array(), "the report beside it");
}

#[test]
fn what_an_artifact_keeps_back_lets_no_model_in() {
    let scratch = school("onboard-kept");
    scratch.write(
        "kept.toml",
        "reading_nets = 0\nfeature_nets = 1\ntrees = 4\ntoken_trees = 2\nplaces = 4\nheld_out_share = 0.3\n",
    );
    scratch.write("rows.jsonl", &rows(160, &MODELS));
    check(&scratch.run("train rows.jsonl -o artifact --plan kept.toml --prices prices.toml"), 0, "written", "");
    scratch.write("new.jsonl", &rows(50, &["newcomer"]));
    let output = scratch.run("onboard newcomer new.jsonl --artifact artifact -o next");
    check(&output, 0, "rows of prompts that the artifact keeps for tuning or judging", "");
    let text = String::from_utf8(output.stdout).unwrap();
    let number = |line: &str| -> u64 {
        let digits = text.lines().find(|found| found.contains(line)).unwrap().split(|c: char| !c.is_ascii_digit());
        digits.filter_map(|digits| digits.parse().ok()).next().unwrap()
    };
    let (learned, kept) = (number("let in"), number("keeps for tuning"));
    assert!(learned + kept == 50 && learned > 10 && kept > 10, "{text}");
    let suggested = scratch.run("onboard --suggest 500 new.jsonl --artifact artifact");
    check(&suggested, 0, "school/d/", &format!("passed over: {kept} rows of prompts that the artifact keeps"));
    assert_eq!(u64::try_from(String::from_utf8(suggested.stdout).unwrap().lines().count()).unwrap(), learned);
}

#[test]
fn the_prompts_that_would_tell_most_are_listed() {
    let scratch = school("suggest");
    let output = scratch.run("onboard --suggest 5 rows.jsonl");
    check(&output, 0, "school/d/", "");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut ids: Vec<&str> = text.lines().collect();
    assert_eq!(ids.len(), 5, "{text}");
    let told: Value = serde_json::from_slice(&scratch.run("onboard --suggest 5 rows.jsonl --json").stdout).unwrap();
    assert_eq!(told["prompts"], json!(ids), "the same for programs");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "each once: {text}");
}

#[test]
fn whom_nobody_can_let_in_is_said() {
    let scratch = school("onboard-refused");
    scratch.write("new.jsonl", &rows(50, &["newcomer"]));
    for (arguments, code, complaint) in [
        ("newcomer rows.jsonl -o artifact", 1, "rows of other models: cheap, dear, middling"),
        ("newcomer new.jsonl -o artifact --like gpt-4o-2024-08-60", 1, "gpt-4o-2024-08-06"),
        ("newcomer -o artifact", 2, "expected a model and its outcomes, found only `newcomer`"),
        ("newcomer new.jsonl", 2, "--output"),
        ("--suggest 5 new.jsonl -o artifact", 2, "--output"),
    ] {
        check(&scratch.run(&format!("onboard {arguments}")), code, "", complaint);
        assert!(!scratch.0.join("artifact").exists(), "{arguments}");
    }
}

#[test]
fn the_probe_counts_every_change_and_no_harmless_word_moves_many_choices() {
    let scratch = school("probe");
    let output = scratch.run("probe rows.jsonl --prompts 20 --json");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["n_prompts"], 20);
    let changes = found["changes"].as_array().unwrap();
    assert!(changes.len() >= 10, "{found}");
    assert!(found["mean"].as_f64().unwrap() <= 0.05, "{found}");
    scratch.write("phrases.txt", "Best,\\nMAX\n\nyo\n");
    let output = scratch.run("probe rows.jsonl --prompts 20 --phrases phrases.txt --json");
    let own: Value = serde_json::from_slice(&output.stdout).unwrap();
    let words: Vec<&str> = own["changes"].as_array().unwrap().iter().filter_map(|one| one["change"].as_str()).collect();
    let expected = ["after: \" Best,\\nMAX\"", "before: \"Best,\\nMAX \"", "after: \" yo\"", "before: \"yo \""];
    assert_eq!(words, expected);
    scratch.write("none.txt", "\n \n");
    check(&scratch.run("probe rows.jsonl --phrases none.txt"), 1, "", "none.txt: expected a phrase a line, found none");
    scratch.write("many.txt", &"yo\n".repeat(1_001));
    check(
        &scratch.run("probe rows.jsonl --phrases many.txt"),
        1,
        "",
        "many.txt: expected at most 1000 phrases, found more",
    );
    check(&scratch.run("probe rows.jsonl --phrases gone.txt"), 1, "", "gone.txt");
    scratch.write("textless.jsonl", "");
    check(&scratch.run("probe textless.jsonl"), 1, "", "expected");
}

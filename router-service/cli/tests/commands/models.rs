//! `pointsman models` as a caller meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::scratch::{Scratch, check};

pub(crate) const CATALOG: &str = r#"
[[model]]
id = "cheap"
owner = "somebody"
context_window = 65536
skills = ["tools"]
usd_per_1m = { prompt = 0.5, cached_prompt = 0.25, completion = 1.5 }

[[model]]
id = "a-much-longer-name"
context_window = 128000
max_completion_tokens = 4096
mean_completion_tokens = 900
skills = ["tools", "vision", "json_schema"]
usd_per_1m = { prompt = 10, completion = 30, reasoning = 40 }
"#;

#[test]
fn the_table_is_aligned_and_names_every_model() {
    let scratch = Scratch::new("models");
    scratch.write("c.toml", CATALOG);
    let output = scratch.run("models --catalog c.toml");
    check(&output, 0, "2 models; artifact sha256:", "");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
    let (head, cheap, long) = (line("model "), line("cheap "), line("a-much-longer-name "));
    for title in ["prompt", "cached", "answer", "window"] {
        let end = head.find(title).unwrap() + title.len();
        for row in [cheap, long] {
            assert_eq!(&row[end..=end], " ", "{title} ends in the same column everywhere:\n{text}");
            assert!(row[..end].ends_with(|end: char| end.is_ascii_digit()), "{text}");
        }
    }
    assert!(cheap.contains("0.25") && cheap.contains("65,536") && long.contains("tools vision json_schema"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks at a terminal");
}

#[test]
fn a_program_gets_everything_the_catalog_says() {
    let scratch = Scratch::new("models-json");
    scratch.write("c.toml", CATALOG);
    let output = scratch.run("models --catalog c.toml --json");
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(list["artifact"].as_str().unwrap().starts_with("sha256:"));
    let (long, cheap) = (&list["models"][0], &list["models"][1]);
    assert_eq!((&long["id"], &long["max_completion_tokens"]), (&"a-much-longer-name".into(), &4096.into()));
    assert_eq!((&cheap["owner"], &cheap["cached_prompt_usd_per_1m"]), (&"somebody".into(), &0.25.into()));
    assert_eq!((&cheap["reasoning_usd_per_1m"], &cheap["max_completion_tokens"]), (&1.5.into(), &().into()));
    assert_eq!((&long["mean_completion_tokens"], &cheap["mean_completion_tokens"]), (&900.into(), &().into()));
    assert_eq!(long["skills"], serde_json::json!(["tools", "vision", "json_schema"]));
    let known = ["trained", "onboarded", "like", "benchmarks", "unknown"];
    assert!(known.contains(&cheap["standing"]["kind"].as_str().unwrap()));
}

#[test]
fn a_benchmark_that_nothing_rests_on_is_shown() {
    let scratch = Scratch::new("models-benchmarks");
    let model = |id: &str, more: &str| {
        format!(
            "[[model]]\nid = \"{id}\"\ncontext_window = 9000\nusd_per_1m = {{ prompt = 1, completion = 2 }}\n{more}\n"
        )
    };
    let catalog = [
        model("a-slip", "benchmarks = { mmlu_pr0 = 0.9 }"),
        model("b-both", "benchmarks = { mmlu_pr0 = 0.9, mmlu_pro = 0.7 }"),
        model("c-like", "like = \"gpt-4o-2024-08-06\"\nbenchmarks = { mmlu_pro = 0.1 }"),
        model("d-plain", "benchmarks = { mmlu_pro = 0.7 }"),
        model("gpt-4o-2024-08-06", ""),
    ];
    scratch.write("c.toml", &catalog.concat());
    let text = String::from_utf8(scratch.run("models --catalog c.toml").stdout).unwrap();
    for (name, end) in [
        ("a-slip", "; not by mmlu_pr0"),
        ("b-both", "forecast from 1 published scores; not by mmlu_pr0"),
        ("c-like", "; not by mmlu_pro"),
        ("d-plain", "forecast from 1 published scores"),
    ] {
        assert!(text.lines().any(|line| line.starts_with(name) && line.ends_with(end)), "{name}: {text}");
    }
    let list: serde_json::Value =
        serde_json::from_slice(&scratch.run("models --catalog c.toml --json").stdout).unwrap();
    let unused = |at: usize| list["models"][at]["standing"]["unused_benchmarks"].clone();
    assert_eq!((unused(1), unused(3)), (serde_json::json!(["mmlu_pr0"]), serde_json::Value::Null));
}

#[test]
fn what_is_built_in_is_listed_without_any_file() {
    let output = Scratch::new("models-built-in").run("models --json");
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let models = list["models"].as_array().unwrap();
    assert!(models.len() > 10);
    let sources = |id: &str| models.iter().find(|model| model["id"] == id).unwrap()["standing"]["sources"].clone();
    assert_eq!(sources("gemini-2.5-pro"), serde_json::json!(["livecodebench"]));
    assert_eq!(sources("gpt-4o-2024-08-06"), serde_json::json!(["livecodebench", "zeroeval"]));
}

#[test]
fn a_bad_file_is_named() {
    let scratch = Scratch::new("models-bad");
    scratch.write("c.toml", "[[model]]\nid = \"m\"\ncontext_windw = 1\n");
    check(
        &scratch.run("models --catalog c.toml"),
        1,
        "",
        "error: c.toml: line 3, model[0]: unknown key `context_windw`",
    );
    check(&scratch.run("models --catalog nowhere.toml"), 1, "", "error: nowhere.toml: ");
    check(&scratch.run("models --artifact nowhere"), 1, "", "nowhere");
    let lost = scratch.run("models --artifact nowhere").stderr;
    assert_eq!(String::from_utf8_lossy(&lost).matches("(os error 2)").count(), 1, "a cause is told once");
    check(&scratch.run("models --catalogue c.toml"), 2, "", "--catalogue");
}

#[test]
fn whoever_reads_an_artifact_of_another_version_names_its_folder() {
    let scratch = Scratch::new("another-version");
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../classifier/embedded/artifact");
    fs::create_dir_all(scratch.0.join("old/encoder")).unwrap();
    for file in ["weights.safetensors", "encoder/encoder.json", "encoder/encoder.safetensors", "encoder/tokenizer.json"]
    {
        fs::copy(built_in.join(file), scratch.0.join("old").join(file)).unwrap();
    }
    let manifest = fs::read_to_string(built_in.join("manifest.json")).unwrap();
    scratch.write("old/manifest.json", &manifest.replacen("\"schema\": ", "\"schema\": 90", 1));
    scratch.write("rows.jsonl", "");
    for arguments in [
        "models --artifact old",
        "route question --artifact old",
        "onboard newcomer rows.jsonl --artifact old -o new",
        "probe rows.jsonl --artifact old",
    ] {
        check(&scratch.run(arguments), 1, "", "error: artifact old: manifest.json, schema: expected ");
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    for arguments in [["models", "--json"], ["route", "Which train?"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pointsman"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    }
}

//! `pointsman route` as a caller meets it. What the classifier forecasts is its own affair; here is what is made of it.

use serde_json::{Value, json};

use crate::models::CATALOG;
use crate::scratch::{Scratch, check};

const POLICIES: &str = r#"
default = "balanced"

[policy.balanced]
mode = "tolerance"
quality_tolerance = 0.02

[policy.fixed]
mode = "pin"
model = "cheap"

[policy.thrifty]
mode = "budget"
usd_per_request = 0.0001
"#;

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.write("c.toml", CATALOG);
    scratch.write("p.toml", POLICIES);
    scratch
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the binary prints text")
}

#[test]
fn one_prompt_gives_a_table_for_a_glance() {
    let output = scratch("route-one").call(&["route", "Which lever?", "--catalog", "c.toml"], "", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let mut lines = table.lines();
    let chosen = lines.next().unwrap();
    assert!(["cheap", "a-much-longer-name"].contains(&chosen), "{table}");
    assert!(lines.next().unwrap().contains("within 0.02 of the best"), "{table}");
    let head = table.lines().find(|line| line.starts_with("  model ")).unwrap();
    let rows: Vec<&str> = table.lines().skip_while(|line| *line != head).skip(1).collect();
    assert!(rows[0].starts_with(&format!("> {chosen} ")) && rows[1].starts_with("  "), "{table}");
    for title in ["quality", "at least", "tokens", "cost"] {
        let end = head.find(title).unwrap() + title.len();
        assert!(rows.iter().all(|row| row[..end].ends_with(|end: char| end.is_ascii_digit())), "{title} in\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "no colours where nobody looks at a terminal");
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let scratch = scratch("route-colour");
    let colours = |variables: &[(&str, &str)]| {
        let output = scratch.call(&["route", "Which lever?"], "", variables);
        text(&output.stdout).contains('\u{1b}')
    };
    assert!(colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colours(&[]));
}

#[test]
fn explain_says_all_there_is() {
    let scratch = scratch("route-explain");
    let short = text(&scratch.call(&["route", "Which lever?"], "", &[]).stdout);
    let long = text(&scratch.call(&["route", "Which lever?", "--explain"], "", &[]).stdout);
    assert!(short.contains("more; --explain shows all") && !long.contains("more; --explain"), "{short}{long}");
    assert!(long.lines().count() > short.lines().count() + 5);
    for word in ["would win", " answers if `", "with probability 1", "policy balanced", "artifact sha256:"] {
        assert!(long.contains(word), "{word} in\n{long}");
    }
}

#[test]
fn who_may_not_serve_is_shown_with_the_reason() {
    let scratch = scratch("route-excluded");
    let arguments = ["route", "Name this bird.", "--catalog", "c.toml", "--needs", "vision"];
    let output = scratch.call(&arguments, "", &[]);
    check(&output, 0, "lacks vision", "");
    assert!(text(&output.stdout).starts_with("a-much-longer-name\nthe only model"));
    let output =
        scratch.call(&["route", "Which lever?", "--catalog", "c.toml", "--candidates", "cheap,chaep"], "", &[]);
    let nearest = "--candidates: `chaep` is not in the catalog; the nearest there is `cheap`";
    check(&output, 0, "is not in the catalog", nearest);
    let arguments = ["route", "Name this bird.", "--catalog", "c.toml", "--needs", "vision", "--candidates", "cheap"];
    check(&scratch.call(&arguments, "", &[]), 1, "nobody\nno model may serve this request: 1 vision", "");
}

#[test]
fn a_prompt_may_come_from_standard_input_and_leave_as_json() {
    let scratch = scratch("route-json");
    let piped = scratch.call(&["route", "-", "--catalog", "c.toml", "--json"], "Which lever?\n", &[]);
    let given = scratch.call(&["route", "Which lever?", "--catalog", "c.toml", "--json"], "", &[]);
    assert_eq!((piped.status.code(), text(&piped.stdout)), (Some(0), text(&given.stdout)));
    let line: Value = serde_json::from_slice(&given.stdout).unwrap();
    assert_eq!(line["policy"], "balanced");
    assert!(line.get("id").is_none());
}

const PROMPTS: &str = r#"{"id":"1","prompt":"Which lever?","source":"ours"}
{"id":"2","messages":[{"role":"user","content":[{"type":"text","text":"Name this bird."},{"type":"image_url","image_url":{"url":"x"}}]}]}

{"id":"3","prompt":"Which lever?","candidates":["cheap","unheard-of"],"policy":"fixed"}
{"id":"4","prompt":"Which lever?","needs":{"deny":["cheap","a-much-longer-name"]}}
{"id":"5","prompt":"Which lever?","needs":["json_schema"]}
{"id":"6","prompt":"Which lever?","policy":"thrifty"}
"#;

#[test]
fn a_batch_comes_back_in_order_and_in_the_promised_form() {
    let scratch = scratch("route-batch");
    scratch.write("in.jsonl", PROMPTS);
    let arguments = "route --catalog c.toml --policies p.toml --input in.jsonl --output out.jsonl";
    check(&scratch.run(arguments), 0, "", "");
    let output = scratch.read("out.jsonl");
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
    let keys = r#"{"id":"1","model":"MODEL","policy":"balanced","ranked":["#;
    let model = lines[0]["model"].as_str().unwrap();
    assert!(output.starts_with(&keys.replace("MODEL", model)), "{output}");
    for line in &lines {
        assert_eq!(line.as_object().unwrap().len(), 8);
        assert!(line["artifact"].as_str().unwrap().starts_with("sha256:"));
        for forecast in line["forecasts"].as_array().unwrap().iter().filter(|forecast| !forecast["quality"].is_null()) {
            let quality = forecast["quality"].as_f64().unwrap();
            assert!((quality * 1e4 - (quality * 1e4).round()).abs() < 1e-9, "four digits: {quality}");
            assert!(forecast["cost_usd"].as_f64().unwrap() > 0.0 && forecast["completion_tokens"].is_u64());
        }
    }
    let names = |line: &Value, list: &str| -> Vec<String> {
        line[list].as_array().unwrap().iter().map(|one| one["model"].as_str().unwrap().to_owned()).collect()
    };
    let both = ["a-much-longer-name", "cheap"];
    assert_eq!(
        (names(&lines[0], "forecasts"), names(&lines[0], "excluded").len()),
        (both.map(str::to_owned).to_vec(), 0)
    );
    assert_eq!(names(&lines[1], "forecasts"), both, "the excluded ones too");
    let excluded = json!([{"model": "cheap", "reason": "vision", "detail": "lacks vision"}]);
    assert_eq!((&lines[1]["model"], &lines[1]["excluded"]), (&"a-much-longer-name".into(), &excluded));
    assert_eq!(names(&lines[2], "forecasts"), ["cheap", "unheard-of"]);
    assert_eq!((&lines[2]["policy"], &lines[2]["ranked"]), (&"fixed".into(), &json!(["cheap"])));
    assert_eq!(names(&lines[2], "excluded"), ["unheard-of"]);
    assert_eq!((&lines[3]["model"], &lines[3]["ranked"]), (&Value::Null, &json!([])));
    assert_eq!(lines[3]["reason"], "no model may serve this request: 2 denied");
    assert_eq!(names(&lines[4], "excluded"), ["cheap"]);
    assert_eq!(lines[5]["policy"], "thrifty");
}

#[test]
fn the_same_input_gives_the_same_output_byte_for_byte() {
    let scratch = scratch("route-same");
    let policies = ["thrifty", "balanced"];
    let line = |n: usize| {
        format!("{{\"id\":\"{n}\",\"prompt\":\"Which of {n} levers?\",\"policy\":\"{}\"}}\n", policies[n % 2])
    };
    let lines: String = (0..1500).map(line).collect(); // Several chunks, on as many threads as there are cores.
    scratch.write("in.jsonl", &lines);
    let arguments = "route --catalog c.toml --policies p.toml --input in.jsonl --output";
    check(&scratch.run(&format!("{arguments} a.jsonl")), 0, "", "");
    check(&scratch.run(&format!("{arguments} b.jsonl")), 0, "", "");
    let first = scratch.read("a.jsonl");
    assert_eq!(first, scratch.read("b.jsonl"));
    assert_eq!(first.lines().count(), 1500);
    for (n, line) in first.lines().enumerate() {
        assert!(line.starts_with(&format!("{{\"id\":\"{n}\",")), "line {n} out of order");
    }
    let arguments = ["route", "--catalog", "c.toml", "--policies", "p.toml", "--input", "-", "--output", "-"];
    let piped = scratch.call(&arguments, &lines, &[]);
    assert_eq!((piped.status.code(), text(&piped.stdout)), (Some(0), first));
}

/// A line, its id where that can be read, and what the complaint says.
const BAD_LINES: &[(&str, Option<&str>, &str)] = &[
    ("not json", None, "line 2, expected a JSON object, found at byte 2: expected ident"),
    (r#"{"prompt":"cut"#, None, "line 2, expected a JSON object, found at its end: EOF while parsing a string"),
    ("[1]", None, "line 2, expected a JSON object, found a list of 1"),
    (r#"{"prompt":"x"}"#, None, "line 2, id: expected a text of 1 to 1024 bytes, found nothing"),
    (r#"{"id":7,"prompt":"x"}"#, None, "line 2, id: expected a text of 1 to 1024 bytes, found the number 7"),
    (r#"{"id":"b"}"#, Some("b"), "line 2, prompt: expected `prompt` or `messages`, found neither"),
    (
        r#"{"id":"b","prompt":"x","messages":[{"role":"user","content":"x"}]}"#,
        Some("b"),
        "line 2, prompt: expected `prompt` or `messages`, found both",
    ),
    (r#"{"id":"b","prompt":""}"#, Some("b"), "line 2, prompt: expected a prompt, found an empty text"),
    (r#"{"id":"b","prompt":["x"]}"#, Some("b"), "line 2, prompt: expected a text, found a list of 1"),
    (
        r#"{"id":"b","messages":[{"role":"user","content":"x"},{"role":"robot"}]}"#,
        Some("b"),
        "line 2, messages[1].role: expected one of `system`, `developer`, `user`, `assistant`, `tool`, `function`, found `robot`",
    ),
    (
        r#"{"id":"b","prompt":"x","policy":"balancd"}"#,
        Some("b"),
        "line 2, policy: unknown policy `balancd`; the nearest known one is `balanced`",
    ),
    (
        r#"{"id":"b","prompt":"x","candidates":[]}"#,
        Some("b"),
        "line 2, candidates: expected a list of 1 to 4096 names, found a list of 0",
    ),
    (
        r#"{"id":"b","prompt":"x","candidates":["a",""]}"#,
        Some("b"),
        "line 2, candidates[1]: expected a name, found an empty text",
    ),
    (
        r#"{"id":"b","prompt":"x","candidates":["a","a"]}"#,
        Some("b"),
        "line 2, candidates[1]: expected each model once, found one that stands before",
    ),
    (
        r#"{"id":"b","prompt":"x","candidates":["auto"]}"#,
        Some("b"),
        "line 2, candidates[0]: expected the name of a model, found a text of 4 bytes",
    ),
    (
        r#"{"id":"b","prompt":"x","polcy":"fixed"}"#,
        Some("b"),
        "line 2, polcy: expected one of `id`, `prompt`, `messages`, `candidates`, `policy`, `needs`, found another key; the nearest known one is `policy`",
    ),
    (
        r#"{"id":"b","prompt":"x","max_cost_usd":0.1}"#,
        Some("b"),
        "line 2, max_cost_usd: expected it inside `needs`, as {\"max_cost_usd\": ..}, found it beside",
    ),
    (
        r#"{"id":"b","prompt":"x","regions":["eu"]}"#,
        Some("b"),
        "line 2, regions: expected it inside `needs`, as {\"regions\": ..}, found it beside",
    ),
    (
        r#"{"id":"b","prompt":"x","tools":true}"#,
        Some("b"),
        "line 2, tools: expected it inside `needs`, as {\"tools\": ..}, found it beside",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":["audio"],"json_schema":false}"#,
        Some("b"),
        "line 2, json_schema: expected it inside `needs`, as {\"json_schema\": ..}, found it beside",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":{"visoin":true}}"#,
        Some("b"),
        "found another text of 6 bytes; the nearest known one is `vision`",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":{"vision":1}}"#,
        Some("b"),
        "line 2, needs.vision: expected true or false, found the number 1",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":{"max_cost_usd":-1}}"#,
        Some("b"),
        "line 2, needs.max_cost_usd: expected US dollars, 0 to 2000, found the number -1",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":["sight"]}"#,
        Some("b"),
        "line 2, needs[0]: expected one of `tools`, `vision`, `json_schema`, `audio`, `documents`, found another text of 5 bytes",
    ),
    (
        r#"{"id":"b","prompt":"x","needs":7}"#,
        Some("b"),
        "line 2, needs: expected an object of needs or a list of skills, found the number 7",
    ),
];

#[test]
fn a_line_that_cannot_be_read_says_why_and_the_rest_go_on() {
    let scratch = scratch("route-lines");
    // What a skill is called may be a key of the writer's own.
    let good = r#"{"id":"g","prompt":"Which lever?","tools":["a hammer"]}"#;
    for (bad, id, complaint) in BAD_LINES {
        scratch.write("in.jsonl", &format!("{good}\n{bad}\n{good}\n"));
        let arguments = "route --catalog c.toml --policies p.toml --input in.jsonl --output out.jsonl";
        check(&scratch.run(arguments), 1, "", "1 of 3 lines could not be read; each has an `error` in the output");
        let output = scratch.read("out.jsonl");
        let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["id"], &lines[2]["id"]), (3, &"g".into(), &"g".into()), "{bad}");
        assert_eq!(lines[1]["id"], id.map_or(Value::Null, Value::from), "{bad}");
        let error = lines[1]["error"].as_str().unwrap();
        assert!(error.contains(complaint) && error.starts_with("line 2, "), "{bad}: {error}");
    }
}

#[test]
fn a_line_has_a_limit_and_bytes_that_are_no_text_are_an_error() {
    let scratch = scratch("route-limit");
    let mut input = b"\xef\xbb\xbf{\"id\":\"1\",\"prompt\":\"x\"}\n{\"id\":\"2\",\"prompt\":\"".to_vec();
    input.extend(vec![b'x'; 8 << 20]);
    input.extend_from_slice(b"\"}\n{\"id\":\"3\",\"prompt\":\"\xff\"}\n{\"id\":\"4\",\"prompt\":\"x\"}"); // And no last line break.
    std::fs::write(scratch.0.join("in.jsonl"), input).unwrap();
    check(&scratch.run("route --input in.jsonl --output out.jsonl"), 1, "", "2 of 4 lines");
    let output = scratch.read("out.jsonl");
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 4);
    assert!(
        lines[0].starts_with("{\"id\":\"1\",\"model\"") && lines[3].starts_with("{\"id\":\"4\",\"model\""),
        "{output}"
    );
    assert!(lines[1].contains("line 2, expected a line of at most 8388608 bytes, found a longer one"), "{}", lines[1]);
    assert!(lines[2].contains("\"error\":\"line 3, expected a JSON object"), "{}", lines[2]);
}

#[test]
fn a_mark_in_front_of_a_file_makes_its_first_line_no_shorter() {
    let scratch = scratch("route-mark");
    let (before, after) = ("{\"id\":\"1\",\"prompt\":\"x\",\"needs\":\"", "\"}");
    let longest = format!("{before}{}{after}", "y".repeat((8 << 20) - before.len() - after.len()));
    std::fs::write(scratch.0.join("in.jsonl"), format!("\u{feff}{longest}\n{{\"id\":\"2\",\"prompt\":\"x\"}}\n"))
        .unwrap();
    check(&scratch.run("route --input in.jsonl --output out.jsonl"), 1, "", "1 of 2 lines");
    let output = scratch.read("out.jsonl");
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].contains("line 1, needs: ") && lines[1].starts_with("{\"id\":\"2\",\"model\""), "{output}");
}

#[test]
fn no_complaint_quotes_a_prompt() {
    let scratch = scratch("route-canary");
    let canary = "canary in the coal mine";
    let bad: String = [
        json!({"id": "1", "prompt": {"text": canary}}),
        json!({"id": "2", "messages": [{"role": canary}]}),
        json!({"id": "3", "messages": canary}),
        json!({"id": "4", "prompt": "x", "needs": canary}),
        json!({"id": "5", "prompt": "x", "needs": {canary: true}}),
        json!({"id": "6", "prompt": "x", "candidates": canary}),
    ]
    .iter()
    .map(|line| format!("{line}\n"))
    .collect();
    scratch.write("in.jsonl", &format!("{bad}{{\"id\":\"7\",\"prompt\":\"{canary}\" x}}\n"));
    let output = scratch.run("route --input in.jsonl");
    check(&output, 1, "\"error\"", "7 of 7 lines");
    assert!(!text(&output.stdout).contains("canary") && !text(&output.stderr).contains("canary"));
}

#[test]
fn an_output_appears_whole_or_not_at_all() {
    let scratch = scratch("route-whole");
    scratch.write("in.jsonl", PROMPTS);
    scratch.write("out.jsonl", "what stood there before\n");
    let bad = "route --catalog nowhere.toml --input in.jsonl --output out.jsonl";
    check(&scratch.run(bad), 1, "", "error: nowhere.toml");
    assert_eq!(scratch.read("out.jsonl"), "what stood there before\n");
    check(&scratch.run("route --input . --output out.jsonl"), 1, "", "error: .: ");
    assert_eq!(scratch.read("out.jsonl"), "what stood there before\n");
    let left: Vec<_> = std::fs::read_dir(&scratch.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
    // Decisions do not hold the prompts, so they must not take their place.
    let itself = scratch.run("route --catalog c.toml --policies p.toml --input in.jsonl --output ./in.jsonl");
    check(&itself, 2, "", "in.jsonl: expected an output that is not among the inputs");
    assert_eq!(scratch.read("in.jsonl"), PROMPTS);
}

#[test]
fn a_wrong_call_is_told_from_a_failure() {
    let scratch = scratch("route-wrong");
    scratch.write("in.jsonl", PROMPTS);
    scratch.write("stranger.toml", "default = \"a\"\n[policy.a]\nmode = \"pin\"\nmodel = \"chaep\"\n");
    for (arguments, code, error) in [
        (vec!["route"], 2, "required"),
        (vec!["route", "x", "--input", "in.jsonl"], 2, "cannot be used with"),
        (vec!["route", "--input", "in.jsonl", "--json"], 2, "cannot be used with"),
        (vec!["route", ""], 2, "prompt: expected a prompt, found an empty text"),
        (
            vec!["route", "x", "--policy", "balancd"],
            2,
            "--policy: unknown policy `balancd`; the nearest known one is `balanced`",
        ),
        (
            vec!["route", "x", "--needs", "visoin"],
            2,
            "--needs: unknown skill `visoin`; the nearest known one is `vision`",
        ),
        (vec!["route", "x", "--candidates", "auto"], 2, "--candidates: `auto` is reserved"),
        (vec!["route", "--input", "nowhere.jsonl"], 1, "error: nowhere.jsonl: "),
        (vec!["route", "--input", "in.jsonl", "--output", "no/where.jsonl"], 1, "error: no/where.jsonl: "),
        (
            vec!["route", "x", "--policies", "stranger.toml", "--catalog", "c.toml"],
            1,
            "stranger.toml: policy `a` names the model `chaep` under `model`, which is not in the catalog; the nearest name there is `cheap`",
        ),
    ] {
        check(&scratch.call(&arguments, "", &[]), code, "", error);
    }
}

#[test]
fn what_a_batch_forecasts_is_what_eval_judges() {
    let scratch = scratch("route-eval");
    let (mut rows, mut prompts) = (String::new(), String::new());
    for n in 0..60 {
        for (model, quality) in [("cheap", f64::from(n % 3 == 0)), ("a-much-longer-name", 1.0)] {
            let row =
                json!({"source": "s", "dataset": "d", "prompt_id": n.to_string(), "model": model, "quality": quality});
            rows.push_str(&format!("{row}\n"));
        }
        prompts.push_str(&format!("{}\n", json!({"id": format!("s/d/{n}"), "prompt": format!("Prompt {n}")})));
    }
    scratch.write("o.jsonl", &rows);
    scratch.write("in.jsonl", &prompts);
    check(&scratch.run("route --catalog c.toml --input in.jsonl --output f.jsonl"), 0, "", "");
    let output = scratch.run("eval o.jsonl --prices c.toml --forecasts f.jsonl --bootstraps 20 --json");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["verdicts"][0]["n_prompts"], report["verdicts"].as_array().map(Vec::len)),
        (&60.into(), Some(1))
    );
}

#[test]
fn a_budget_is_spent_from_line_to_line() {
    let scratch = scratch("route-budget");
    let policy = "default = \"b\"\n[policy.b]\nmode = \"budget\"\nusd_per_request = 0.0009\n";
    scratch.write("b.toml", policy);
    let line = |n: usize| {
        format!("{{\"id\":\"{n}\",\"prompt\":\"Which lever?\",\"needs\":{{\"max_completion_tokens\":100}}}}\n")
    };
    scratch.write("in.jsonl", &(0..1000).map(line).collect::<String>());
    check(&scratch.run("route --catalog c.toml --policies b.toml --input in.jsonl --output out.jsonl"), 0, "", "");
    let mut spent = 0.0;
    for (n, line) in scratch.read("out.jsonl").lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        let forecasts = line["forecasts"].as_array().unwrap();
        let cost = |forecast: &Value| forecast["cost_usd"].as_f64().unwrap();
        let fits = |forecast: &Value| cost(forecast) <= 0.0009;
        assert!(forecasts.iter().any(fits), "the example is built so that somebody always fits");
        spent += cost(forecasts.iter().find(|forecast| forecast["model"] == line["model"]).unwrap());
        let n = f64::from(u32::try_from(n).unwrap()) + 1.0;
        assert!(spent <= 0.0009 * n + 1e-9, "after {n} lines {spent} is spent");
    }
}

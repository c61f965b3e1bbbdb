//! Each public format in small, written for this project in the exact shape, and what an import makes of bad ones.

use std::path::{Path, PathBuf};

use super::census::MAX_MODELS;
use super::routellm::LEADING_ROWS;
use super::{Format, Grouping, ImportError, Mapping, Plan, Report, run};
use crate::jsonl::MAX_LINE_BYTES;
use crate::row::OutcomeRow;
use crate::rows;
use crate::scratch::Scratch;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

fn import(plan: &Plan) -> (Result<Report, ImportError>, Vec<OutcomeRow>) {
    let scratch = Scratch::new();
    let output = scratch.folder().join("out.parquet");
    let report = run(plan, &output, Grouping::Missing, &mut |_| {});
    let rows = match report {
        Ok(_) => rows::read(&[output], false).unwrap().map(Result::unwrap).collect(),
        Err(_) => Vec::new(),
    };
    let n_left = std::fs::read_dir(scratch.folder()).unwrap().count();
    assert_eq!(n_left, usize::from(report.is_ok()), "something half-written was left behind");
    (report, rows)
}

/// A row in one line: what the formats differ in.
fn line(row: &OutcomeRow) -> String {
    let option = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} | {:.20} | {} {} | {} {} {}{}",
        row.source,
        row.dataset,
        row.prompt_id.get(..8).unwrap_or(&row.prompt_id),
        row.prompt.as_deref().unwrap_or("-").replace('\n', "/"),
        row.model,
        row.quality,
        option(row.prompt_tokens.map(|count| count.to_string())),
        option(row.completion_tokens.map(|count| count.to_string())),
        option(row.cost_usd.map(|cost| cost.to_string())),
        if row.judging_only { " judging only" } else { "" },
    )
}

#[track_caller]
fn check(plan: &Plan, expected: &[&str]) {
    let (report, rows) = import(plan);
    let report = report.unwrap();
    assert_eq!(rows.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(report.n_kept, rows.len() as u64);
    assert!(rows.iter().all(|row| row.group.is_some() == row.prompt.is_some()));
}

fn plan(format: Format, sample: &str) -> Plan {
    Plan::new(format, vec![samples().join(sample)])
}

fn table(map: &[&str], wide: &[&str], sample: &str) -> Plan {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    Plan { mapping: Mapping::new(&texts(map), &texts(wide)).unwrap(), ..plan(Format::Table, sample) }
}

#[test]
fn routerbench_comes_out_of_its_wide_table() {
    check(
        &plan(Format::RouterBench, "routerbench.csv"),
        &[
            "routerbench timetable-sums depot.1 | A train leaves at ni | acme/large-chat 1 | - - 0.0021",
            "routerbench timetable-sums depot.1 | A train leaves at ni | tiny-chat 0 | - - 0.0001",
            "routerbench signal-facts depot.2 | It's red. What now?/ | acme/large-chat 0.5 | - - 0.003",
        ],
    );
}

#[test]
fn routellm_comes_out_of_its_truth_values() {
    let plan = plan(Format::RouteLlm, "routellm_responses.csv");
    let (_, rows) = import(&plan);
    assert_eq!(rows.len(), 4);
    assert!(line(&rows[0]).starts_with("routellm routellm "));
    let answers: Vec<_> = rows.iter().map(|row| (&*row.model, row.quality)).collect();
    assert_eq!(answers, [("small/model", 0.0), ("big-model", 1.0), ("small/model", 1.0), ("big-model", 1.0)]);
    assert_eq!(rows[0].prompt_id, rows[1].prompt_id);
}

#[test]
fn llmrouterbench_comes_out_of_its_records() {
    check(
        &plan(Format::LlmRouterBench, "llmrouterbench"),
        &[
            "llmrouterbench yard-sums test-1 | Four wagons and thre | acme-mini 1 | 31 12 0.00004",
            "llmrouterbench yard-sums test-2 | Question: Ten less t | acme-mini 0 | 29 40 0.0001",
        ],
    );
}

#[test]
fn sprout_comes_out_of_its_structs() {
    check(
        &plan(Format::Sprout, "sprout.jsonl"),
        &[
            "sprout yard-trivia k1 | What does a pointsma | acme-gpt-4.1 0.75 | 14 60 -",
            "sprout yard-trivia k1 | What does a pointsma | acme-mini 0.25 | 15 22 -",
            "sprout yard-trivia k2 | Name a gauge. | acme-gpt-4.1 1 | 6 9 -",
        ],
    );
}

#[test]
fn routerarena_is_for_judging_only() {
    let plan = Plan { skip_bad: true, ..plan(Format::RouterArena, "routerarena.json") };
    check(
        &plan,
        &[
            "routerarena YardQA YardQA_1 | Which lever is green | acme-mini 1 | 20 5 0.00001 judging only",
            "routerarena YardQA YardQA_2 | Which lever is red? | acme-large 0 | - - 0.002 judging only",
        ],
    );
    let report = import(&plan).0.unwrap();
    let dropped: Vec<_> = report.dropped.iter().map(|(reason, drop)| (reason, drop.n_rows)).collect();
    assert_eq!(dropped, [("column \"quality\": expected a value", 1)]);
    assert!(report.warnings.iter().any(|warning| warning.contains("for judging only")));
}

#[test]
fn any_table_comes_out_by_its_mapping() {
    let long = table(&["quality=score", "model=llm", "prompt=question", "completion_tokens=usage"], &[], "long.csv");
    let (report, rows) = import(&long);
    report.unwrap();
    let found: Vec<_> = rows.iter().map(|row| (&*row.model, row.quality, row.completion_tokens)).collect();
    assert_eq!(found, [("acme-mini", 0.5, Some(12)), ("acme-large", 1.0, None), ("acme-mini", 0.0, Some(7))]);
    assert!(rows.iter().all(|row| &*row.source == "long" && row.prompt_id.len() == 32));

    let wide = Plan {
        quality_max: 10.0,
        source: Some("mine".to_owned()),
        ..table(&["prompt=question"], &["mini", "large"], "wide.csv")
    };
    let (report, rows) = import(&wide);
    let report = report.unwrap();
    let found: Vec<_> = rows.iter().map(|row| (&*row.model, row.quality)).collect();
    assert_eq!(found, [("mini", 0.7), ("large", 1.0), ("large", 0.3)]);
    assert_eq!((report.n_prompts, report.n_models, report.density), (2, 2, 0.75));
    let expected = "expected a number from 0 to the highest that the source gives (--quality-max), found \"10\"";
    let error = import(&Plan { quality_max: 9.0, ..wide }).0.unwrap_err().to_string();
    assert!(error.contains(", column \"large\": ") && error.contains(expected), "{error}");
}

#[test]
fn our_own_log_comes_back_as_it_was() {
    let (report, rows) = import(&plan(Format::Outcomes, "log.jsonl"));
    let report = report.unwrap();
    let logged = rows[0].logged.as_deref().unwrap();
    assert_eq!((&*logged.decision_id, logged.propensity), ("d-1", Some(0.95)));
    let expected = "source \"log\" has one model, \"acme-mini\": there is nothing to choose in it";
    assert_eq!(report.warnings[0], expected);
}

#[test]
fn a_prompt_of_two_texts_is_told() {
    let scratch = Scratch::new();
    let line = |model: &str, text: &str| {
        let ids = r#""source":"s","dataset":"d","prompt_id":"1""#;
        format!(r#"{{{ids},"prompt":"{text}","model":"{model}","quality":1}}"#)
    };
    let told = |texts: [&str; 3]| {
        let lines: Vec<_> = ["a", "b", "c"].iter().zip(texts).map(|(model, text)| line(model, text)).collect();
        let (report, _) = import(&Plan::new(Format::Outcomes, vec![scratch.write("in.jsonl", lines.join("\n"))]));
        report.unwrap().warnings.iter().any(|warning| warning.starts_with("1 prompts have rows with different texts"))
    };
    assert!(told(["one", "another", "another"]) && !told(["one", "one", "one"]));
}

#[track_caller]
fn refused(plan: &Plan, expected: &str) {
    let error = import(plan).0.unwrap_err().to_string();
    let error = error.replace(&format!("{}{}", samples().display(), std::path::MAIN_SEPARATOR), "");
    assert!(error.starts_with(expected), "expected {expected:?}, found {error:?}");
}

#[test]
fn bad_input_is_named_by_file_row_and_column() {
    refused(
        &plan(Format::RouterArena, "routerarena.json"),
        "routerarena.json, record 3, column \"quality\": expected a value, found nothing",
    );
    refused(&table(&["quality=scor"], &[], "long.csv"), "long.csv: expected a column \"scor\", found llm, score, ");
    refused(
        &table(&[], &["medium"], "wide.csv"),
        "wide.csv: expected a column \"medium\", found question, mini, large",
    );
    refused(
        &table(&[], &["mini", "large"], "wide.csv"),
        "wide.csv, line 2, column \"mini\": expected a number from 0 to 1, found \"7\"",
    );
    refused(
        &table(&["quality=llm", "model=score"], &[], "long.csv"),
        "long.csv, line 2, column \"llm\": expected a number from 0 to 1, found \"acme-mini\"",
    );
    refused(
        &plan(Format::RouterBench, "routellm_responses.csv"),
        "routellm_responses.csv: expected a column \"MODEL|total_cost\"",
    );
    refused(
        &plan(Format::RouteLlm, "routerbench.csv"),
        "routerbench.csv: expected a column \"MODEL (of True and False)\"",
    );
    refused(
        &plan(Format::LlmRouterBench, "routerarena.json"),
        "routerarena.json: expected a JSON object with a list of",
    );
    refused(&plan(Format::RouterArena, "llmrouterbench"), "llmrouterbench/");
    refused(&plan(Format::Sprout, "log.jsonl"), "log.jsonl: expected a column \"MODEL.score\"");
}

#[test]
fn a_mapping_that_makes_no_sense_is_refused() {
    let error = |pairs: &[&str]| {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        Mapping::new(&pairs, &[]).unwrap_err().to_string()
    };
    assert_eq!(error(&["quality"]), "expected COLUMN=COLUMN, found \"quality\"");
    assert_eq!(error(&["model=a", "model=b"]), "expected \"model\" once, found it twice");
    assert!(error(&["grade=a"]).starts_with("expected one of source, dataset, prompt_id, "));
}

#[test]
fn an_output_is_never_an_input_and_has_a_known_name() {
    let scratch = Scratch::new();
    let line = r#"{"source":"s","dataset":"d","prompt_id":"1","model":"m","quality":1}"#;
    let path = scratch.write("in.jsonl", line);
    let plan = Plan::new(Format::Outcomes, vec![path.clone()]);
    let run = |output: &Path| run(&plan, output, Grouping::Missing, &mut |_| {});
    assert!(matches!(run(&path), Err(ImportError::SameFile { .. })));
    assert!(matches!(run(&scratch.folder().join("out.csv")), Err(ImportError::Output { .. })));
    assert!(matches!(run(&scratch.folder().join("no/folder/out.parquet")), Err(ImportError::Write { .. })));
    assert_eq!(run(&scratch.folder().join("out.jsonl")).unwrap().n_kept, 1);
    let empty = Plan::new(Format::Outcomes, vec![scratch.write("empty.jsonl", "\n")]);
    let outcome = super::run(&empty, &scratch.folder().join("none.parquet"), Grouping::Missing, &mut |_| {});
    assert!(matches!(outcome, Err(ImportError::Empty { n_read: 0 })));
}

#[test]
fn duplicates_are_counted_and_kept() {
    let scratch = Scratch::new();
    let line = r#"{"source":"s","dataset":"d","prompt_id":"1","model":"m","quality":1}"#;
    let plan = Plan::new(Format::Outcomes, vec![scratch.write("in.jsonl", [line; 3].join("\n"))]);
    let report = import(&plan).0.unwrap();
    assert_eq!((report.n_kept, report.n_duplicates, report.n_prompts, report.density), (3, 2, 1, 1.0));
}

#[test]
fn a_column_that_is_no_model_is_noticed() {
    let scratch = Scratch::new();
    let table = |n_models: usize| {
        let rows: Vec<String> = (0..n_models).map(|number| format!("p,model {number},1")).collect();
        let path = scratch.write("t.csv", format!("prompt,model,quality\n{}\n", rows.join("\n")));
        import(&Plan::new(Format::Table, vec![path])).0
    };
    assert_eq!(table(MAX_MODELS).unwrap().n_models, MAX_MODELS);
    assert!(matches!(table(MAX_MODELS + 1), Err(ImportError::TooManyModels { .. })));
}

#[test]
fn groups_are_kept_found_or_made_anew() {
    let scratch = Scratch::new();
    let line = |prompt_id: u32, group: &str| {
        let prompt = "Which lever sets the points of the northern junction?";
        format!(
            r#"{{"source":"s","dataset":"d","prompt_id":"{prompt_id}","prompt":"{prompt}","model":"m","quality":1{group}}}"#
        )
    };
    let path = scratch.write("in.jsonl", [line(1, r#","group":"theirs""#), line(2, ""), line(3, "")].join("\n"));
    let plan = Plan::new(Format::Outcomes, vec![path]);
    let check = |grouping: Grouping, expected: [bool; 3], n_groups: u64| {
        let output = scratch.folder().join("out.jsonl");
        let report = run(&plan, &output, grouping, &mut |_| {}).unwrap();
        let rows: Vec<OutcomeRow> = rows::read(&[output], false).unwrap().map(Result::unwrap).collect();
        let kept_or_none = rows.iter().map(|row| row.group.as_deref().is_none_or(|group| group == "theirs"));
        assert_eq!(kept_or_none.collect::<Vec<_>>(), expected);
        assert_eq!(report.n_groups, n_groups);
        assert_eq!(report.warnings.iter().any(|warning| warning.contains("--regroup")), grouping == Grouping::Missing);
    };
    check(Grouping::Keep, [true, true, true], 1);
    check(Grouping::Missing, [true, false, false], 2);
    check(Grouping::All, [false, false, false], 1);
}

/// Imports one file, bad rows skipped: the answers, and what was dropped with the first place of each reason.
fn skipped(format: Format, name: &str, text: &str) -> (Vec<(String, f64)>, Vec<String>) {
    let scratch = Scratch::new();
    let path = scratch.write(name, text);
    let (report, rows) = import(&Plan { skip_bad: true, ..Plan::new(format, vec![path]) });
    let answers = rows.iter().map(|row| (row.model.to_string(), row.quality)).collect();
    let folder = format!("{}{}", scratch.folder().display(), std::path::MAIN_SEPARATOR);
    let dropped = report.unwrap().dropped;
    let dropped = dropped.iter().map(|(reason, drop)| format!("{} x {reason}, {}", drop.n_rows, drop.places[0]));
    (answers, dropped.map(|line| line.replace(&folder, "")).collect())
}

fn refused_text(format: Format, name: &str, text: &str) -> String {
    let scratch = Scratch::new();
    let path = scratch.write(name, text);
    let error = import(&Plan::new(format, vec![path])).0.unwrap_err().to_string();
    error.replace(&format!("{}{}", scratch.folder().display(), std::path::MAIN_SEPARATOR), "")
}

fn answers(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
    expected.iter().map(|(model, quality)| ((*model).to_owned(), *quality)).collect()
}

#[test]
fn keys_that_only_later_lines_have_are_read() {
    let first = r#"{"model":"m","prompt":"Which lever?","quality":1}"#;
    let later =
        r#"{"model":"n","prompt":"Which lamp?","quality":0,"prompt_id":"own","completion_tokens":7,"cost_usd":0.5}"#;
    let scratch = Scratch::new();
    let path = scratch.write("t.jsonl", format!("{first}\n{later}\n"));
    let (report, rows) = import(&Plan::new(Format::Table, vec![path]));
    assert_eq!(report.unwrap().n_kept, 2);
    assert_eq!((&*rows[1].prompt_id, rows[1].completion_tokens, rows[1].cost_usd), ("own", Some(7), Some(0.5)));
    let bad = |field: &str, value: &str| {
        refused_text(Format::Table, "t.jsonl", &format!("{first}\n{}\n", later.replace(field, value)))
    };
    assert_eq!(
        bad(":0.5}", ":-1}"),
        "t.jsonl, line 2, column \"cost_usd\": expected a number of US dollars from 0 to 1000000, found -1"
    );
    assert_eq!(
        bad(":7", ":1.5"),
        "t.jsonl, line 2, column \"completion_tokens\": expected a whole number from 0 to 100000000, found 1.5"
    );
}

#[test]
fn a_prompt_without_text_and_id_is_named_by_its_column() {
    for nothing in ["", "None", "null", "NaN", "\"\""] {
        let text = format!("model,prompt,quality\nm,what is it?,1\nm,{nothing},1\n");
        let error = refused_text(Format::Table, "t.csv", &text);
        assert_eq!(error, "t.csv, line 3, column \"prompt\": expected a value, found nothing");
    }
    // With an id it may be missing, and without a column of texts it is the ids that are.
    let (kept, dropped) = skipped(Format::Table, "t.csv", "model,prompt_id,prompt,quality\nm,7,None,1\n");
    assert!(kept.len() == 1 && dropped.is_empty(), "{dropped:?}");
    let error = refused_text(Format::Table, "t.csv", "model,quality\nm,1\n");
    assert_eq!(error, "t.csv, line 2, column \"prompt_id\": expected a value, found nothing");
    let mapping = Mapping::new(&["prompt=question".to_owned()], &["m".to_owned()]).unwrap();
    let scratch = Scratch::new();
    let path = scratch.write("t.csv", "question,m\nNone,1\n");
    let error = import(&Plan { mapping, ..Plan::new(Format::Table, vec![path]) }).0.unwrap_err().to_string();
    assert!(error.ends_with("line 2, column \"question\": expected a value, found nothing"), "{error}");
}

#[test]
fn a_bad_first_line_is_skipped_as_any_other() {
    let good = r#"{"model":"m","prompt":"Which lever?","quality":1}"#;
    let long = format!("{{\"model\":\"{}\"}}", "m".repeat(MAX_LINE_BYTES));
    for (bad, reason) in [(long.as_str(), "a line of at most 8 MiB"), ("[1]", "one JSON object a line")] {
        for (text, line) in [(format!("{bad}\n{good}\n"), 1), (format!("{good}\n{bad}\n{good}\n"), 2)] {
            let (kept, dropped) = skipped(Format::Table, "t.jsonl", &text);
            assert_eq!(kept.len(), line);
            assert_eq!(dropped, [format!("1 x expected {reason}, t.jsonl, line {line}")]);
            let error = refused_text(Format::Table, "t.jsonl", &text);
            assert!(error.starts_with(&format!("t.jsonl, line {line}, expected {reason}, found ")), "{error}");
        }
    }
}

#[test]
fn a_file_of_bad_lines_only_is_skipped_too() {
    let scratch = Scratch::new();
    let bad = scratch.write("a.jsonl", "[1]\n");
    let good = scratch.write("b.jsonl", r#"{"model":"m","prompt":"Which lever?","quality":1}"#);
    let report = import(&Plan { skip_bad: true, ..Plan::new(Format::Table, vec![bad, good]) }).0.unwrap();
    assert_eq!((report.n_kept, report.dropped.n_rows()), (1, 1));
}

#[test]
fn routellm_finds_models_behind_blanks_and_no_model_in_a_note() {
    let text = "prompt,a,b,note,late\np1,,True,True,\np2,True,False,checked by hand,\np3,False,,looks fine,\n";
    let (kept, dropped) = skipped(Format::RouteLlm, "t.csv", text);
    assert_eq!(kept, answers(&[("b", 1.0), ("a", 1.0), ("b", 0.0), ("a", 0.0)]));
    assert!(dropped.is_empty(), "{dropped:?}");
    // What looked like a model, or showed nothing, and then holds text.
    let text = format!("{text}{}p,maybe,True,,perhaps\n", "p,True,True,,\n".repeat(LEADING_ROWS));
    let (_, dropped) = skipped(Format::RouteLlm, "t.csv", &text);
    assert_eq!(
        dropped,
        [
            "1 x column \"a\": expected a number from 0 to 1, t.csv, line 261",
            "1 x column \"late\": expected a number from 0 to 1, t.csv, line 261",
        ]
    );
}

#[test]
fn routellm_knows_a_model_by_its_answers_and_passes_over_bad_leading_rows() {
    let text = "prompt,a,b,a_response,b_response\np0\np1,,True,True,True\np2,wrong,True,False,True\n";
    let (kept, dropped) = skipped(Format::RouteLlm, "t.csv", text);
    assert_eq!(kept, answers(&[("b", 1.0), ("b", 1.0)]));
    assert_eq!(
        dropped,
        [
            "1 x column \"a\": expected a number from 0 to 1, t.csv, line 4",
            "1 x expected as many fields as the header, t.csv, line 2",
        ]
    );
}

#[test]
fn what_is_no_record_is_named_by_its_number_or_skipped() {
    let good = r#"{"global index":"Q_1","prompt":"Which?","prompt_formatted":"Which?","prediction":"m","accuracy":1}"#;
    let list = format!("[{good}, \"oops\", null, [1], 7, {good}]");
    let dropped = ["4 x expected a JSON object a record, t.json, record 2"];
    assert_eq!(
        skipped(Format::RouterArena, "t.json", &list),
        (answers(&[("m", 1.0); 2]), dropped.map(str::to_owned).to_vec())
    );
    let error = "t.json, record 2, expected a JSON object a record, found \"oops\"";
    assert_eq!(refused_text(Format::RouterArena, "t.json", &list), error);

    let marked = skipped(Format::RouterArena, "t.json", &format!("\u{feff}[{good}]"));
    assert_eq!(marked, (answers(&[("m", 1.0)]), Vec::new()), "a mark that an editor set");

    let good = r#"{"index":1,"prompt":"Which?","score":1}"#;
    let file = format!(r#"{{"model_name":"m","dataset_name":"d","records":[{good},null,"oops",{good}]}}"#);
    let dropped = ["2 x expected a JSON object a record, t.json, record 2"];
    assert_eq!(
        skipped(Format::LlmRouterBench, "t.json", &file),
        (answers(&[("m", 1.0); 2]), dropped.map(str::to_owned).to_vec())
    );
    let marked = skipped(Format::LlmRouterBench, "t.json", &format!("\u{feff}{file}"));
    assert_eq!(marked.0, answers(&[("m", 1.0); 2]));
    let error = "t.json, record 2, expected a JSON object a record, found nothing";
    assert_eq!(refused_text(Format::LlmRouterBench, "t.json", &file), error);
}

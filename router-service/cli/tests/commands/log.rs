//! A service's log, read by the commands that read outcomes.

use std::fs::File;

use training_data::log::{Record, SegmentWriter, Verdict};
use training_data::row::{Logged, OutcomeRow};

use crate::scratch::{Scratch, check};

fn decision(id: &str, prompt_id: &str, model: &str) -> Record {
    let logged = Logged {
        decision_id: id.into(),
        at_ms: Some(1),
        policy: Some("balanced".into()),
        policy_version: None,
        artifact: None,
        forecast_quality: Some(0.5),
        forecast_quality_low: None,
        forecast_completion_tokens: None,
        forecast_cost_usd: None,
        propensity: Some(0.5),
        forecasts: None,
    };
    Record::Decision(Box::new(OutcomeRow {
        source: "log".into(),
        dataset: "all".into(),
        prompt_id: prompt_id.into(),
        prompt: None,
        prompt_digest: None,
        model: model.into(),
        quality: 0.0,
        judge: None,
        prompt_tokens: Some(10),
        cached_tokens: None,
        completion_tokens: None,
        reasoning_tokens: None,
        cost_usd: None,
        latency_ms: None,
        group: None,
        judging_only: false,
        logged: Some(Box::new(logged)),
    }))
}

fn verdict(id: &str, quality: f64) -> Record {
    let cost_usd = Some(0.001);
    Record::Verdict(Box::new(Verdict {
        decision_id: Some(id.into()),
        quality: Some(quality),
        cost_usd,
        ..Verdict::default()
    }))
}

fn segment(scratch: &Scratch, name: &str, records: &[Record]) {
    std::fs::create_dir_all(scratch.0.join("log")).expect("the folder was made");
    let file = File::create(scratch.0.join("log").join(name)).expect("the folder was made");
    let mut writer = SegmentWriter::new(file).expect("the file was made");
    records.iter().for_each(|record| writer.write(record).expect("the disk has room"));
    writer.finish().expect("the disk has room");
}

#[test]
fn eval_and_import_read_a_log_and_count_what_nobody_judged() {
    let scratch = Scratch::new("log");
    let (mut decisions, mut verdicts) = (Vec::new(), vec![verdict("stranger", 1.0)]);
    for n in 0..60 {
        for model in ["small", "large"] {
            let id = format!("{n}-{model}");
            decisions.push(decision(&id, &n.to_string(), model));
            verdicts.push(verdict(&id, f64::from(n % 3 == 0 || model == "large")));
        }
    }
    decisions.extend((0..5).map(|n| decision(&format!("open-{n}"), "open", "small")));
    segment(&scratch, "outcomes-1.parquet", &decisions);
    segment(&scratch, "outcomes-2.parquet", &verdicts);
    std::fs::write(scratch.0.join("log/.outcomes-3.jsonl.part"), "half").unwrap(); // Not closed, so nobody's to read.
    let output = scratch.run("eval log --bootstraps 20 --json");
    check(&output, 0, "5 logged decisions have no reported quality and were passed over", "");
    check(&output, 0, "1 reported outcomes belong to decisions that are in none of these files", "");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["verdicts"][0]["n_prompts"], 60);
    check(&scratch.run("import outcomes log -o flat.jsonl"), 0, "rows kept     120\n", "");
    let warning = "5 logged decisions have no reported quality and were passed over";
    check(&scratch.run("import outcomes log -o flat.jsonl"), 0, warning, "");
    assert!(scratch.read("flat.jsonl").contains("\"propensity\":0.5"));
    segment(&scratch, "outcomes-2.parquet", &[]);
    let error = "error: expected outcome rows to judge, found 125 logged decisions, none with a reported quality\n";
    check(&scratch.run("eval log --bootstraps 20"), 1, "", error);
    let error = "error: expected outcomes, found 125 logged decisions, none with a reported quality\n";
    check(&scratch.run("import outcomes log -o flat.jsonl"), 1, "", error);
}

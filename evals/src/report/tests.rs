//! What a report looks like: it fits its hundred columns, its page needs nobody, and names cannot break it.

use decision::{Mode, Policy, PolicyName, Quality, Rules};

use super::{Provenance, Report, Source};
use crate::gate::Gate;
use crate::town::pool;
use crate::verdict::{Judge, Verdict};

fn verdict(name: &str) -> Verdict {
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() };
    let policy =
        Policy::new(PolicyName::new("a-policy-with-quite-a-long-name-for-a-policy").unwrap(), Rules::of(mode)).unwrap();
    let pair = Some(("cheap".to_owned(), "dear".to_owned()));
    let mut pool = pool(120, 1);
    name.clone_into(&mut pool.name);
    pool.models[0] = format!("cheap <b>&\"'{}", "x".repeat(100));
    Judge { seed: 0, n_bootstraps: 20, pair, policy }.judge(&pool, None).unwrap()
}

fn report(names: &[&str]) -> Report {
    let provenance = Provenance {
        pointsman: "0.0.0",
        sources: vec![Source { role: "outcomes", file: "o.parquet".to_owned(), sha256: "0".repeat(64) }],
        n_rows: 360,
        n_skipped: 2,
        seed: 0,
        n_bootstraps: 20,
        policy: "default = \"p\"\n".to_owned(),
        notes: vec!["judged on all rows given, ".repeat(9)],
    };
    let gate = (names.len() > 1).then(|| Gate::of(Vec::new(), &[]));
    Report::new(names.iter().map(|name| verdict(name)).collect(), gate, provenance)
}

#[test]
fn the_table_fits_a_hundred_columns() {
    let table = report(&["town", "another town"]).table();
    for line in table.lines() {
        assert!(line.chars().count() <= super::table::WIDTH, "{} columns: {line}", line.chars().count());
    }
    for part in [
        "blind mixing (zero router)",
        "mean over 2 pools",
        "DO NOT SHIP",
        "2 bad rows passed over",
        "oracle",
        "kNN (2)",
    ] {
        assert!(table.contains(part), "{part}\n{table}");
    }
}

#[test]
fn the_page_needs_no_network_and_no_script() {
    let page = report(&["town", "another town"]).page();
    for foreign in ["http:", "https:", "src=", "@import", "url(", "<script", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for part in ["<svg", "prefers-color-scheme:dark", "viewport", "Do not ship", "sha256", "blind mixing"] {
        assert!(page.contains(part), "{part}");
    }
    assert_eq!(page.matches("<svg").count(), 8, "four charts a pool");
}

#[test]
fn names_are_text_and_never_markup() {
    let page = report(&["<img onerror=1>"]).page();
    assert!(!page.contains("<b>") && !page.contains("<img"));
    assert!(page.contains("&lt;b&gt;&amp;&quot;&#39;"));
    assert!(!page.contains("NaN") && !page.contains("inf"), "no chart holds a number that is none");
}

#[test]
fn free_models_leave_every_chart_whole() {
    for n_free in 1..=3 {
        let mut pool = pool(120, 1);
        for row in 0..120 {
            pool.truth.bill_usd.row_mut(row)[..n_free].fill(0.0);
        }
        let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() };
        let policy = Policy::new(PolicyName::new("p").unwrap(), Rules::of(mode)).unwrap();
        let verdict = Judge { seed: 0, n_bootstraps: 20, pair: None, policy }.judge(&pool, None).unwrap();
        let page = Report::new(vec![verdict], None, report(&["town"]).provenance).page();
        assert!(!page.contains("NaN") && !page.contains("inf"), "{n_free} free");
        // Every dot lies within its drawing of 560 by 400.
        let centres = page.split("cx=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.parse::<f64>().unwrap());
        assert!(centres.clone().count() > 10 && centres.clone().all(|x| (0.0..=560.0).contains(&x)));
    }
}

#[test]
fn a_cost_beyond_all_numbers_ends_in_a_page() {
    let mut pool = pool(120, 1);
    for row in 0..120 {
        pool.truth.bill_usd.row_mut(row)[0] = 1e306;
    }
    let mode = Mode::Tolerance { quality_tolerance: Quality::new(0.02).unwrap() };
    let policy = Policy::new(PolicyName::new("p").unwrap(), Rules::of(mode)).unwrap();
    let verdict = Judge { seed: 0, n_bootstraps: 20, pair: None, policy }.judge(&pool, None).unwrap();
    let page = Report::new(vec![verdict], None, report(&["town"]).provenance).page();
    assert!(page.contains("USD per 1,000 requests"));
}

#[test]
fn the_json_says_what_the_page_says() {
    let report = report(&["town"]);
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    let method = &json["verdicts"][0]["methods"][0];
    assert_eq!(method["name"], "per-model mean");
    assert!(method["figures"]["gain"]["low"].is_number());
    assert_eq!(json["provenance"]["seed"], 0);
}

//! Price lists in small, in the exact public shapes, and what is made of bad ones.

use std::path::{Path, PathBuf};

use expect_test::expect;

use super::{MAX_LIST_BYTES, catalog_toml, read, select};
use crate::scratch::Scratch;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/prices").join(name)
}

#[test]
fn litellm_becomes_a_catalog() {
    let rows = read(&sample("litellm.json")).unwrap();
    expect![[r#"
        [[model]]
        id = "acme-mini"
        owner = "acme"
        context_window = 128000
        max_completion_tokens = 16384
        skills = ["tools", "vision", "json_schema"]
        [model.usd_per_1m]
        prompt = 0.15
        cached_prompt = 0.075
        completion = 0.6

        [[model]]
        id = "acme/thinker"
        owner = "acme"
        context_window = 200000
        skills = []
        [model.usd_per_1m]
        prompt = 1.1
        completion = 4.4
        reasoning = 5.0
    "#]]
    .assert_eq(&catalog_toml(&rows));
    let lacking: Vec<_> = rows.iter().filter_map(|row| Some((row.model.as_str(), row.lacks()?))).collect();
    assert_eq!(lacking, [("acme/half-told", "a price for completion tokens")]);
}

#[test]
fn openrouter_becomes_a_catalog() {
    expect![[r#"
        [[model]]
        id = "acme/mini"
        owner = "acme"
        context_window = 128000
        max_completion_tokens = 16384
        skills = ["tools", "vision", "json_schema"]
        [model.usd_per_1m]
        prompt = 0.15
        cached_prompt = 0.075
        completion = 0.6

        [[model]]
        id = "acme/plain"
        owner = "acme"
        context_window = 8192
        skills = []
        [model.usd_per_1m]
        prompt = 0.0
        completion = 0.0
    "#]]
    .assert_eq(&catalog_toml(&read(&sample("openrouter.json")).unwrap()));
}

#[test]
fn a_sheet_and_a_catalog_say_the_same() {
    let rows = read(&sample("prices.csv")).unwrap();
    let scratch = Scratch::new();
    let catalog = scratch.write("catalog.toml", catalog_toml(&rows));
    assert_eq!(read(&catalog).unwrap(), rows);
}

#[test]
fn the_shared_price_list_is_read_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/prices.csv");
    if !path.is_file() {
        println!("skipped: there is no {}", path.display());
        return;
    }
    let rows = read(&path).unwrap();
    assert!(rows.len() > 50 && rows.iter().all(|row| row.prompt_usd_per_1m.is_some()));
}

#[track_caller]
fn check(name: &str, text: &str, expected: &str) {
    let scratch = Scratch::new();
    let error = read(&scratch.write(name, text)).unwrap_err().to_string();
    let error = error.rsplit_once(&format!("{}{name}", std::path::MAIN_SEPARATOR)).unwrap().1.to_owned();
    assert!(error.starts_with(expected), "expected {expected:?}, found {error:?}");
}

#[test]
fn bad_lists_are_named_by_model_and_field() {
    check("p.json", "[", ": expected a price list in JSON, found EOF");
    check("p.json", "[1]", ": expected an object of models or a \"data\" list, found another value");
    check("p.json", "{\"m\":3}", ", model \"m\", entry: expected an object, found 3");
    check(
        "p.json",
        "{\"m\":{\"input_cost_per_token\":\"cheap\"}}",
        ", model \"m\", input_cost_per_token: expected a price of 0 to 10000 USD per million tokens, found \"cheap\"",
    );
    check(
        "p.json",
        "{\"m\":{\"input_cost_per_token\":-1}}",
        ", model \"m\", input_cost_per_token: expected a price of 0",
    );
    check(
        "p.json",
        "{\"m\":{\"max_input_tokens\":1.5}}",
        ", model \"m\", max_input_tokens: expected a whole number of tokens",
    );
    check("p.json", "{\"data\":[{\"name\":\"m\"}]}", ", model \"#1\", id: expected a name, found nothing");
    check("p.csv", "model,prompt_usd_per_1m\nm,1\n", ": expected a CSV with the columns model");
    check("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,colour\n", ": expected a CSV with the columns model");
    check(
        "p.csv",
        "model,prompt_usd_per_1m,completion_usd_per_1m\nm,1,2\nm,1,2\n",
        ", model \"m\", name: expected every model once, found it twice",
    );
    check(
        "p.csv",
        "model,prompt_usd_per_1m,completion_usd_per_1m\n,1,2\n",
        ", model \"line 2\", model: expected a name, found nothing",
    );
    check("p.toml", "[[model]]\nid = 3\n", ": expected a catalog in TOML, found TOML parse error");
    check("p.txt", "", ": expected a name that ends in .json, .csv or .toml, found p.txt");
    check(
        "p.json",
        &" ".repeat(usize::try_from(MAX_LIST_BYTES).unwrap() + 1),
        ": expected a price list of at most 32 MiB",
    );
}

#[test]
fn an_unknown_model_is_named_with_the_nearest_one() {
    let rows = read(&sample("prices.csv")).unwrap();
    assert_eq!(select(&rows, &["acme-mini".to_owned()]).unwrap()[0].model, "acme-mini");
    let error = |model: &str| select(&rows, &[model.to_owned()]).unwrap_err().to_string();
    assert_eq!(error("acme-min"), "expected model \"acme-min\" in the list, found none; nearest is \"acme-mini\"");
    assert_eq!(error("zzz"), "expected model \"zzz\" in the list, found none");
}

//! Price lists in small, in the exact public shapes, and what is made of bad ones.

use std::path::{Path, PathBuf};

use expect_test::expect;

use super::{Chosen, MAX_LIST_BYTES, PriceError, catalog_toml, choose, read};
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
        skills = ["tools", "vision", "json_schema", "audio", "documents"]
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
        skills = ["tools", "vision", "json_schema", "audio", "documents"]
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
fn what_a_catalog_says_beyond_prices_is_kept_as_it_stands() {
    let scratch = Scratch::new();
    let text = r#"[[model]]
id = "acme-mini"
context_window = 8192
skills = []
benchmarks = { "mmlu pro" = 0.5 }
like = "acme-maxi"
mean_completion_tokens = 1500
regions = ["eu", "us"]
zero_data_retention = true
[model.usd_per_1m]
prompt = 0.5
completion = 1.0
"#;
    let rows = read(&scratch.write("catalog.toml", text)).unwrap();
    assert_eq!(rows[0].rest.len(), 5);
    assert_eq!(catalog_toml(&rows), text);
}

#[test]
fn the_shared_price_list_is_read_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/prices.csv");
    if !path.is_file() {
        crate::scratch::skipped(&path);
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
    check("p.json", "{", ": expected a price list in JSON, found EOF");
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
    let header = "model,prompt_usd_per_1m,completion_usd_per_1m";
    check(
        "p.csv",
        &format!("{header}\nm,0.00000015,0.0000006\n"),
        ", model \"m\", prompt_usd_per_1m: expected 0, or 0.0001 or more USD per million tokens (not per token), found \"0.00000015\"",
    );
    check(
        "p.toml",
        "[[model]]\nid = \"m\"\nusd_per_1m = { prompt = 0.0, completion = 4e-7 }\n",
        ", model \"m\", usd_per_1m.completion: expected 0, or 0.0001 or more USD per million tokens",
    );
    check("p.csv", &format!("{header}\nm,0.00009,1\n"), ", model \"m\", prompt_usd_per_1m: expected 0, or 0.0001");
    check("p.json", "{\"m\":{\"input_cost_per_token\":1e-14}}", ", model \"m\", input_cost_per_token: expected 0, or");
    check("p.json", "{\"data\":[{\"name\":\"m\"}]}", ", model \"entry 1\", id: expected a name, found nothing");
    check("p.csv", "model,prompt_usd_per_1m\nm,1\n", ": expected a CSV with the columns model");
    check("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m,colour\n", ": expected a CSV with the columns model");
    check(
        "p.csv",
        "model,prompt_usd_per_1m,completion_usd_per_1m\nm,1,2\nm,1,2\n",
        ", model \"m\": expected it once, found it at line 2 and line 3",
    );
    check(
        "p.csv",
        "model,prompt_usd_per_1m,completion_usd_per_1m\n,1,2\n",
        ", model \"line 2\", model: expected a name, found nothing",
    );
    check("p.toml", "[[model]]\nid = 3\n", ", model \"line 1\", id: expected a name, found 3");
    check(
        "p.toml",
        "[[model]]\nid = \"m\"\nusd_per_1m = { prompt = 1 }\n",
        ", model \"m\", usd_per_1m.completion: expected a price, found nothing",
    );
    check("p.toml", "[[model]]\nid = 3 3\n", ": expected a catalog in TOML, found TOML parse error");
    check(
        "p.csv",
        "model,prompt_usd_per_1m,completion_usd_per_1m\nm,1\n",
        ", model \"line 2\", record: expected a field",
    );
    check("p.txt", "", ": expected a name that ends in .json, .csv or .toml, found p.txt");
    check(
        "p.json",
        &" ".repeat(usize::try_from(MAX_LIST_BYTES).unwrap() + 1),
        ": expected a price list of at most 32 MiB",
    );
}

#[test]
fn a_mark_that_an_editor_set_is_no_part_of_a_list() {
    let scratch = Scratch::new();
    for name in ["litellm.json", "openrouter.json", "prices.csv"] {
        let marked = scratch.write(name, format!("\u{feff}{}", std::fs::read_to_string(sample(name)).unwrap()));
        assert_eq!(read(&marked).unwrap(), read(&sample(name)).unwrap(), "{name}");
    }
}

#[test]
fn what_is_free_is_free_and_what_is_cheap_is_cheap() {
    let scratch = Scratch::new();
    let rows = read(&scratch.write("p.csv", "model,prompt_usd_per_1m,completion_usd_per_1m\nm,0,0.0001\n")).unwrap();
    assert_eq!((rows[0].prompt_usd_per_1m, rows[0].completion_usd_per_1m), (Some(0.0), Some(0.0001)));
}

#[test]
fn a_line_of_a_sheet_is_counted_alike_whatever_ends_it() {
    let header = "model,prompt_usd_per_1m,completion_usd_per_1m,owner";
    for end in ["\n", "\r\n"] {
        let text = format!("{header}{end}m,1,2,\"a{end}b\"{end}{end}n,1{end}");
        check("p.csv", &text, ", model \"line 5\", record: expected a field for each column, found 2 fields");
    }
    let quotes =
        ": expected a field that begins with a quote to end with one, and those within it to be doubled, found";
    check(
        "p.csv",
        &format!("{header}\r\nm,1,2,\"a\r\nn,1,2,b\r\n"),
        &format!("{quotes} a quote in the record of line 2"),
    );
    check("p.csv", &format!("{header}\nm,1,2,\"a\" b\n"), &format!("{quotes} text behind a closing quote on line 2"));
    check("p.csv", &format!("\"{header}\nm,1,2,a\n"), &format!("{quotes} a quote in the record of line 1"));
}

#[test]
fn a_model_that_stands_twice_is_named_with_both_places() {
    let twice = ", model \"m\": expected it once, found it at ";
    let sheet = "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nm,1,2,8\nn,1,2,8\nm,3,4,8\n";
    check("p.csv", sheet, &format!("{twice}line 2 and line 4"));
    check("p.json", r#"{"m":{"input_cost_per_token":1e-6},"n":{},"m":{}}"#, &format!("{twice}entry 1 and entry 3"));
    check("p.json", r#"{"data":[{"id":"m"},{"id":"m"}]}"#, &format!("{twice}entry 1 and entry 2"));
    let model = "[[model]]\nid = \"m\"\n[model.usd_per_1m]\nprompt = 1.0\ncompletion = 2.0\n";
    check("p.toml", &format!("# ours\n{model}\n{model}"), &format!("{twice}line 2 and line 8"));
    check(
        "p.json",
        r#"{"m":{"mode":"embedding"},"n":{"mode":3},"m":{"input_cost_per_token":0}}"#,
        &format!("{twice}entry 1 and"),
    );

    let scratch = Scratch::new();
    let path = scratch.write("p.csv", sheet);
    let chosen = choose(&path, &[], true).unwrap();
    assert_eq!((chosen.rows.len(), &*chosen.rows[0].model), (1, "n"));
    assert_eq!(left_out(&chosen), ["m, line 2: the list has it twice", "m, line 4: the list has it twice"]);
    assert!(choose(&path, &["n".to_owned()], false).is_ok());
    let neither = scratch.write("p.json", r#"{"m":{"mode":"embedding"},"m":{"mode":"embedding"}}"#);
    assert_eq!(choose(&neither, &[], false).unwrap().left_out.len(), 2);
    assert!(matches!(choose(&path, &["m".to_owned()], false), Err(PriceError::Twice { .. })));
}

fn left_out(chosen: &Chosen) -> Vec<String> {
    chosen.left_out.iter().map(|one| format!("{}, {}: {}", one.model, one.place, one.reason)).collect()
}

#[test]
fn a_column_that_stands_twice_is_named_with_both_places() {
    let scratch = Scratch::new();
    let path = scratch.write("p.csv", "model,tools,prompt_usd_per_1m,completion_usd_per_1m,tools\n");
    let error = read(&path).unwrap_err().to_string();
    assert!(error.ends_with(", found \"tools\" as columns 2 and 5"), "{error}");
}

#[test]
fn what_is_no_chat_model_or_has_no_price_is_left_out_with_its_reason() {
    let chosen = |name: &str| choose(&sample(name), &[], false).unwrap();
    assert_eq!(
        left_out(&chosen("litellm.json")),
        [
            "acme-embed, entry 5: its mode is \"embedding\", not \"chat\"",
            "acme-free-of-prices, entry 6: the list lacks prices",
            "acme/half-told, entry 4: the list lacks a price for completion tokens",
        ]
    );
    assert_eq!(left_out(&chosen("openrouter.json")), ["acme/auto, entry 2: its price depends on where it is sent"]);
}

#[test]
fn bad_entries_are_left_out_when_they_are_skipped_and_judged_only_when_they_are_wanted() {
    let scratch = Scratch::new();
    let sheet =
        "model,prompt_usd_per_1m,completion_usd_per_1m,context_window\nm,1,2,8\nn,dear,2,8\n,1,2,8\n,3,4,8\no,1\n";
    let catalog = "[[model]]\nid = \"m\"\ncontext_window = 8\nusd_per_1m = { prompt = 1.0, completion = 2 }\n\
        [[model]]\nid = \"n\"\nusd_per_1m = 3\n[[model]]\nid = 3\n";
    let litellm = r#"{"m":{"input_cost_per_token":1e-6,"output_cost_per_token":2e-6,"max_tokens":8},"n":3}"#;
    let openrouter = r#"{"data":[{"id":"m","pricing":{"prompt":"1e-6","completion":"2e-6"},"context_length":8},
        {"id":"n","pricing":{"prompt":"dear"}},null]}"#;
    for (name, text, n_left_out) in
        [("p.csv", sheet, 4), ("p.toml", catalog, 2), ("p.json", litellm, 1), ("q.json", openrouter, 2)]
    {
        let path = scratch.write(name, text);
        assert!(matches!(read(&path), Err(PriceError::Entry { .. })), "{name}");
        assert!(matches!(choose(&path, &[], false), Err(PriceError::Entry { .. })), "{name}");
        let skipped = choose(&path, &[], true).unwrap();
        assert_eq!((skipped.rows.len(), skipped.left_out.len()), (1, n_left_out), "{name}: {:?}", skipped.left_out);
        let wanted = choose(&path, &["m".to_owned()], false).unwrap();
        assert_eq!((wanted.rows.len(), wanted.left_out.len()), (1, 0), "{name}");
        assert!(matches!(choose(&path, &["n".to_owned()], false), Err(PriceError::Entry { .. })), "{name}");
        assert_eq!(wanted.rows[0].prompt_usd_per_1m.zip(wanted.rows[0].context_window), Some((1.0, 8)), "{name}");
    }
}

#[test]
fn an_unknown_model_is_named_with_the_nearest_one() {
    let chosen = |model: &str| choose(&sample("prices.csv"), &[model.to_owned()], false);
    assert_eq!(chosen("acme-mini").unwrap().rows[0].model, "acme-mini");
    let error = |model: &str| chosen(model).unwrap_err().to_string();
    assert_eq!(error("acme-min"), "expected model \"acme-min\" in the list, found none; nearest is \"acme-mini\"");
    assert_eq!(error("zzz"), "expected model \"zzz\" in the list, found none");
}

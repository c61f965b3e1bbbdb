//! The catalog's door, its text form there and back, and the arithmetic of a bill.

use proptest::prelude::*;

use super::{Catalog, CatalogError, MAX_MODELS, Model, Prices, Usage};
use crate::units::{ModelId, PicoUsd, Price, Tokens};

const TWO_MODELS: &str = r#"
[[model]]
id = "small"
owner = "acme"
context_window = 8192
max_completion_tokens = 4096
mean_completion_tokens = 700
skills = ["tools", "json_schema"]
regions = ["eu", "us"]
zero_data_retention = true
released = "2024-07-18"
like = "large"

[model.usd_per_1m]
prompt = 0.15
cached_prompt = 0.075
completion = 0.6
reasoning = 1.2

[model.benchmarks]
mmlu = 0.72

[[model]]
id = "large"
context_window = 128000
usd_per_1m = { prompt = 5, completion = 15 }
"#;

#[test]
fn a_catalog_is_read_and_ordered_by_name() {
    let catalog = Catalog::from_toml(TWO_MODELS).unwrap();
    let names: Vec<&str> = catalog.models().iter().map(|model| model.id.as_str()).collect();
    assert_eq!(names, ["large", "small"]);
    let large = catalog.get(&ModelId::new("large").unwrap()).unwrap();
    assert_eq!(
        large.prices.cached_prompt, large.prices.prompt,
        "cached tokens cost the full price unless told otherwise"
    );
    assert_eq!(large.prices.reasoning, large.prices.completion);
    assert!(catalog.get(&ModelId::new("medium").unwrap()).is_none());
}

#[test]
fn each_kind_of_token_has_its_own_price() {
    let catalog = Catalog::from_toml(TWO_MODELS).unwrap();
    let prices = catalog.get(&ModelId::new("small").unwrap()).unwrap().prices;
    let usage = usage(1000, 400, 100, 50);
    // 600 fresh at 0.15, 400 cached at 0.075, 100 written at 0.6 and 50 thought at 1.2, in micro-dollars per token.
    assert_eq!(prices.bill(&usage), PicoUsd(600 * 150_000 + 400 * 75_000 + 100 * 600_000 + 50 * 1_200_000));
    assert_eq!(prices.lost_cache(Tokens::new(400).unwrap()), PicoUsd(400 * 75_000));
}

#[test]
fn more_cached_tokens_than_prompt_tokens_are_not_believed() {
    let catalog = Catalog::from_toml(TWO_MODELS).unwrap();
    let prices = catalog.models()[1].prices;
    assert_eq!(prices.bill(&usage(10, 99, 0, 0)), prices.bill(&usage(10, 10, 0, 0)));
}

#[test]
fn the_text_form_goes_there_and_back() {
    let catalog = Catalog::from_toml(TWO_MODELS).unwrap();
    assert_eq!(Catalog::from_toml(&catalog.to_toml()).unwrap(), catalog);
}

#[test]
fn mistakes_are_named_with_line_and_key() {
    let model = |line: &str| {
        format!("[[model]]\nid = \"m\"\ncontext_window = 1\nusd_per_1m = {{ prompt = 1, completion = 1 }}\n{line}\n")
    };
    check("", "expected at least one model, found none");
    check("[[modle]]\nid = \"m\"", "line 1: unknown key `modle`; the nearest known one is `model`");
    check("[[model]]\nid = \"m\"", "line 1, model[0]: lacks the key `context_window`");
    check(
        &model("contxt_window = 2"),
        "line 5, model[0]: unknown key `contxt_window`; the nearest known one is `context_window`",
    );
    check(
        &model("skills = [\"tool\"]"),
        "line 5, model[0].skills[0]: unknown value `tool`; the nearest known one is `tools`",
    );
    check(
        &model("released = \"last week\""),
        "line 5, model[0].released: expected a day as `2024-07-18`, found `last week`",
    );
    check(
        &model("benchmarks = { mmlu = 72 }"),
        "line 5, model[0].benchmarks: expected a score between 0 and 1 for `mmlu`, found 72",
    );
    check(
        &model("like = \"n\""),
        "line 1, model[0]: model `m` is like `n`, which is not in the catalog; the nearest name there is `m`",
    );
    check(&model("like = \"m\""), "line 1, model[0]: `like` runs in a circle: m -> m");
    check(
        &model("like = \"auto\""),
        "line 5, model[0].like: `auto` is reserved: `auto` and `auto:POLICY` ask for routing and cannot name a model",
    );
    check(
        &model("max_completion_tokens = 0"),
        "line 5, model[0].max_completion_tokens: expected at least 1 token, found 0",
    );
    check(
        &model("mean_completion_tokens = 0"),
        "line 5, model[0].mean_completion_tokens: expected at least 1 token, found 0",
    );
    check(
        &model("mean_completion_tokens = 3"),
        "line 5, model[0].mean_completion_tokens: expected at most 1, the most that it writes, found 3",
    );
    check(&format!("{}{}", model(""), model("")), "line 6, model[1]: model `m` is listed twice");
}

#[test]
fn a_price_that_is_no_price_is_named() {
    for (price, found) in [("-1.0", "-1"), ("nan", "NaN"), ("inf", "inf"), ("10001", "10001")] {
        check(
            &format!("[[model]]\nid = \"m\"\ncontext_window = 1\n[model.usd_per_1m]\nprompt = 1\ncompletion = {price}"),
            &format!(
                "line 6, model[0].usd_per_1m.completion: expected a price in USD per million tokens between 0 and 10000, found {found}"
            ),
        );
    }
}

#[test]
fn a_circle_of_likes_is_shown_whole() {
    let models = [("a", "b"), ("b", "c"), ("c", "b")].map(|(name, like)| Model { like: Some(id(like)), ..model(name) });
    let error = Catalog::new(models.to_vec()).unwrap_err();
    assert_eq!(error, CatalogError::LikeLoop { circle: vec![id("b"), id("c"), id("b")] });
}

#[test]
fn a_long_chain_of_likes_is_followed_in_no_time() {
    let chained = |index: usize| {
        let like = (index + 1 < MAX_MODELS).then(|| id(&format!("m{:05}", index + 1)));
        Model { like, ..model(&format!("m{index:05}")) }
    };
    assert!(Catalog::new((0..MAX_MODELS).map(chained).collect()).is_ok());
}

#[test]
fn a_model_made_by_hand_is_checked_as_one_from_text() {
    let refused = |change: fn(&mut Model)| {
        let mut changed = model("m");
        change(&mut changed);
        Catalog::new(vec![changed]).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|model| model.context_window = Tokens::ZERO),
        "model `m`, context_window: expected at least 1 token, found 0"
    );
    assert_eq!(
        refused(|model| model.benchmarks = [("mmlu".to_owned(), f64::NAN)].into()),
        "model `m`, benchmarks: expected a score between 0 and 1 for `mmlu`, found NaN"
    );
    assert_eq!(
        refused(|model| model.regions = [" eu".to_owned()].into()),
        "model `m`, regions: expected a name without spaces around it, found \" eu\""
    );
    assert_eq!(
        refused(|model| model.released = Some("soon".into())),
        "model `m`, released: expected a day as `2024-07-18`, found `soon`"
    );
}

#[test]
fn a_catalog_has_a_size_limit() {
    let models: Vec<Model> = (0..=MAX_MODELS).map(|index| model(&format!("m{index}"))).collect();
    assert!(Catalog::new(models[..MAX_MODELS].to_vec()).is_ok());
    assert_eq!(Catalog::new(models).unwrap_err(), CatalogError::TooMany { found: MAX_MODELS + 1 });
}

proptest! {
    #[test]
    fn any_catalog_survives_its_text(
        prices in prop::collection::vec((0u32..2_000_000_000, 0u32..2_000_000_000, 1u32..1_000_000), 1..6)
    ) {
        let models = prices.iter().enumerate().map(|(index, (prompt, completion, window))| Model {
            prices: Prices {
                prompt: micro(*prompt),
                cached_prompt: micro(prompt / 2),
                completion: micro(*completion),
                reasoning: micro(completion / 3),
            },
            context_window: Tokens::new(u64::from(*window)).unwrap(),
            ..model(&format!("m{index}"))
        });
        let catalog = Catalog::new(models.collect()).unwrap();
        prop_assert_eq!(Catalog::from_toml(&catalog.to_toml()).unwrap(), catalog);
    }

    #[test]
    fn any_value_under_any_key_is_read_or_refused(
        key in prop::sample::select(vec![
            "id", "owner", "context_window", "max_completion_tokens", "mean_completion_tokens", "skills", "regions", "zero_data_retention", "released",
            "like", "usd_per_1m", "benchmarks", "other",
        ]),
        value in prop::sample::select(vec![
            "0", "-1", "1.5", "nan", "-inf", "1e999", "''", "'m'", "'\\u0000'", "[]", "['tools', 3]", "[[]]", "{}", "{ prompt = -1 }",
            "{ prompt = 1, completion = nan }", "true", "2024-07-18", "99999999999999999999999", "{ x = 'y' }",
        ]),
    ) {
        let mut lines = vec![("id", "'m'"), ("context_window", "1"), ("usd_per_1m", "{ prompt = 1, completion = 1 }")];
        lines.retain(|(known, _)| *known != key);
        lines.push((key, value));
        let body: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        if let Err(error) = Catalog::from_toml(&format!("[[model]]\n{body}")) {
            prop_assert!(error.line >= 1, "{error}");
        }
    }
}

fn micro(micro_usd_per_1m: u32) -> Price {
    Price::from_usd_per_1m(f64::from(micro_usd_per_1m) / 1e6).unwrap()
}

fn usage(prompt: u64, cached: u64, completion: u64, reasoning: u64) -> Usage {
    let tokens = |count| Tokens::new(count).unwrap();
    Usage {
        prompt: tokens(prompt),
        cached_prompt: tokens(cached),
        completion: tokens(completion),
        reasoning: tokens(reasoning),
    }
}

fn id(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

fn model(name: &str) -> Model {
    let price = Price::from_usd_per_1m(1.0).unwrap();
    Model {
        id: id(name),
        owner: None,
        prices: Prices { prompt: price, cached_prompt: price, completion: price, reasoning: price },
        context_window: Tokens::new(1000).unwrap(),
        max_completion: None,
        mean_completion: None,
        skills: super::Skills::NONE,
        regions: std::collections::BTreeSet::new(),
        zero_data_retention: false,
        released: None,
        like: None,
        benchmarks: std::collections::BTreeMap::new(),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(Catalog::from_toml(text).unwrap_err().to_string(), expected);
}

//! What `training-data` writes as a catalog, `decision` reads as one: the two packages do not know each other, so only a
//! test can hold them together. And the built-in catalog says what the price list says that the project is judged by.

use std::fs;
use std::io::Write;

use decision::{Catalog, ModelId, Price, Tokens};
use training_data::prices::{self, PriceRow, catalog_toml};

use crate::house;

#[test]
fn an_imported_price_list_is_a_catalog() {
    for list in ["litellm.json", "openrouter.json", "prices.csv"] {
        let rows = prices::read(&house::root().join("training-data/samples/prices").join(list)).unwrap();
        let n_whole = rows.iter().filter(|row| row.lacks().is_none()).count();
        let catalog = Catalog::from_toml(&catalog_toml(&rows)).unwrap_or_else(|error| panic!("{list}: {error}"));
        assert_eq!(catalog.models().len(), n_whole, "{list}");
    }
}

#[test]
fn a_catalog_that_is_imported_loses_nothing() {
    let (_, catalog) = built_in();
    let rows = prices::read(&house::root().join("classifier/embedded/catalog.toml")).unwrap();
    assert_eq!(Catalog::from_toml(&catalog_toml(&rows)).unwrap(), catalog);
    assert!(catalog.models().iter().any(|model| model.mean_completion.is_some()), "there is something to lose");
}

#[test]
fn a_price_of_many_digits_is_still_one() {
    let row = PriceRow {
        model: "acme-mini".to_owned(),
        prompt_usd_per_1m: Some(0.500_000_375),
        completion_usd_per_1m: Some(9_999.999_999_999),
        cached_usd_per_1m: Some(0.000_001),
        context_window: Some(1),
        ..PriceRow::default()
    };
    let text = catalog_toml(&[row]);
    Catalog::from_toml(&text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
}

fn built_in() -> (String, Catalog) {
    let text =
        fs::read_to_string(house::root().join("classifier/embedded/catalog.toml")).expect("the catalog is there");
    let catalog = Catalog::from_toml(&text).unwrap_or_else(|error| panic!("{error}"));
    (text, catalog)
}

#[test]
fn the_built_in_catalog_is_in_order_and_promises_nothing_that_is_for_a_contract() {
    let (text, catalog) = built_in();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id = ")).collect();
    assert!(names.is_sorted() && names.len() == catalog.models().len());
    for model in catalog.models() {
        assert!(model.owner.is_some(), "{}: no owner", model.id);
        assert!(!model.zero_data_retention && model.regions.is_empty(), "{}", model.id);
        assert!(model.prices.cached_prompt <= model.prices.prompt, "{}: a cached prompt costs more", model.id);
    }
}

#[test]
fn models_that_think_before_they_answer_have_a_length_in_the_built_in_catalog() {
    let (_, catalog) = built_in();
    let thinks = |id: &str| {
        id.contains("thinking")
            || ["o1-", "o3-", "o4-", "qwq-", "grok-3-mini", "gemini-2.5"].iter().any(|of| id.starts_with(of))
    };
    for model in catalog.models() {
        // What anybody else writes was counted, or is as what was.
        assert_eq!(model.mean_completion.is_some(), thinks(model.id.as_str()), "{}", model.id);
    }
    assert_eq!(catalog.models().iter().filter(|model| thinks(model.id.as_str())).count(), 16);
}

#[test]
fn the_built_in_catalog_has_the_models_and_prices_of_the_shared_list() {
    let data = house::root().join("../shared/data");
    let (prices_in, pools_in) = (data.join("prices.csv"), data.join("pools.json"));
    if !prices_in.is_file() || !pools_in.is_file() {
        // The harness holds back what tests print; it does not hold this back.
        let _ = writeln!(std::io::stderr(), "SKIPPED: needs ../shared/data with its prices.csv and pools.json");
        return;
    }
    let (_, catalog) = built_in();
    let model = |name: &str| {
        let found = catalog.models().iter().find(|model| model.id == ModelId::new(name).unwrap());
        found.unwrap_or_else(|| panic!("expected {name} in the built-in catalog, found none"))
    };
    let rows = prices::read(&prices_in).unwrap();
    for row in &rows {
        let model = model(&row.model);
        let price = |usd: Option<f64>| Price::from_usd_per_1m(usd.unwrap()).unwrap();
        assert_eq!(model.prices.prompt, price(row.prompt_usd_per_1m), "{}", row.model);
        assert_eq!(model.prices.completion, price(row.completion_usd_per_1m), "{}", row.model);
        assert_eq!(model.context_window, Tokens::new(row.context_window.unwrap()).unwrap(), "{}", row.model);
    }
    assert_eq!(catalog.models().len(), rows.len(), "models without a price in the list");
    let pools: serde_json::Value = serde_json::from_slice(&fs::read(&pools_in).unwrap()).unwrap();
    for name in pools.as_object().unwrap().values().flat_map(|pool| pool.as_array().unwrap()) {
        model(name.as_str().unwrap());
    }
}

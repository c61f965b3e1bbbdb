//! What `training-data` writes as a catalog, `decision` reads as one: the two packages do not know each other, so only a
//! test can hold them together.

use decision::Catalog;
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

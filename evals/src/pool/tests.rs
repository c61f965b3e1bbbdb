//! From rows to pools: who belongs, what an answer was billed, and what is refused.

use std::collections::BTreeMap;

use super::{AssumedTokens, MIN_PROMPTS, Outcomes, PoolError, PriceList};
use crate::town::{MODELS, outcomes, pool, prices, row};

#[test]
fn a_pool_holds_the_prompts_that_every_model_answered_in_order_of_their_ids() {
    let mut outcomes = outcomes(60, 1);
    outcomes.add(&row("easy", "lonely", "cheap", 1.0)).unwrap();
    let pools = outcomes.pools(None, &prices(), &AssumedTokens::default()).unwrap().0;
    let pool = &pools[0];
    assert_eq!((pool.models.as_slice(), pool.prompts.len()), (MODELS.map(str::to_owned).as_slice(), 60));
    assert!(pool.prompts.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(pool.prompts[0].id, "town/easy/p00000");
}

#[test]
fn a_model_that_answered_few_prompts_does_not_belong_unless_it_is_named() {
    let mut outcomes = outcomes(80, 1);
    for index in 0..60 {
        let dataset = if index % 2 == 0 { "easy" } else { "hard" };
        outcomes.add(&row(dataset, &format!("p{index:05}"), "guest", 1.0)).unwrap();
    }
    let prices = prices_with_guest();
    let models = |named: Option<&BTreeMap<String, Vec<String>>>| {
        outcomes.pools(named, &prices, &AssumedTokens::default()).unwrap().0.remove(0)
    };
    assert_eq!(models(None).models.len(), 3);
    let named = BTreeMap::from([("town".to_owned(), vec!["guest".to_owned(), "cheap".to_owned()])]);
    let pool = models(Some(&named));
    assert_eq!((pool.models.as_slice(), pool.prompts.len()), (["guest".to_owned(), "cheap".to_owned()].as_slice(), 60));
}

fn prices_with_guest() -> PriceList {
    let known = MODELS.iter().map(|model| ((*model).to_owned(), prices().get(model).unwrap()));
    known.chain([("guest".to_owned(), prices().get("cheap").unwrap())]).collect()
}

#[test]
fn an_answer_is_billed_by_its_source_else_by_its_tokens_else_by_an_assumption() {
    let mut outcomes = Outcomes::default();
    for index in 0..MIN_PROMPTS {
        let id = format!("p{index:03}");
        let mut billed = row("d", &id, "cheap", 1.0);
        billed.cost_usd = Some(0.5);
        outcomes.add(&billed).unwrap();
        let mut counted = row("d", &id, "dear", 1.0);
        counted.completion_tokens = (index > 0).then_some(10);
        outcomes.add(&counted).unwrap();
        let mut unknown = row("d", &id, "weak", 1.0);
        (unknown.completion_tokens, unknown.prompt_tokens) = (None, None);
        outcomes.add(&unknown).unwrap();
    }
    let assumed =
        AssumedTokens { completion_of: BTreeMap::from([("town".to_owned(), 7.0)]), ..AssumedTokens::default() };
    let pool = outcomes.pools(None, &prices(), &assumed).unwrap().0.remove(0);
    let bills = pool.truth.bill_usd.row(0);
    assert!((bills[0] - 0.5).abs() < 1e-15);
    assert!(
        (bills[1] - (100.0 * 2.0 + 10.0 * 8.0) / 1e6).abs() < 1e-15,
        "the model's usual answer where one has no count"
    );
    assert!(
        (bills[2] - (100.0 * 0.05 + 7.0 * 0.2) / 1e6).abs() < 1e-15,
        "the source's assumption where no answer has one"
    );
}

#[test]
fn a_prompt_without_a_count_is_counted_by_its_text_else_assumed() {
    let n_tokens = |text: Option<&str>| {
        let mut outcomes = Outcomes::default();
        for (index, model) in (0..MIN_PROMPTS).flat_map(|index| [(index, "cheap"), (index, "dear")]) {
            let mut row = row("d", &format!("p{index:03}"), model, 1.0);
            (row.prompt_tokens, row.prompt) = (None, text.map(std::sync::Arc::from));
            outcomes.add(&row).unwrap();
        }
        outcomes.pools(None, &prices(), &AssumedTokens::default()).unwrap().0.remove(0).prompts[0].n_tokens
    };
    assert!((n_tokens(Some("Which lever moves the points?")) - 6.0).abs() < 1e-9, "five words and a mark");
    assert!((n_tokens(None) - 200.0).abs() < 1e-9);
}

#[test]
fn an_answer_given_twice_counts_once_with_its_mean() {
    let mut outcomes = outcomes(60, 1);
    let first = pool(60, 1).truth.quality.row(0)[0];
    outcomes.add(&row("easy", "p00000", "cheap", 1.0 - first)).unwrap();
    let pool = outcomes.pools(None, &prices(), &AssumedTokens::default()).unwrap().0.remove(0);
    assert!((pool.truth.quality.row(0)[0] - 0.5).abs() < 1e-12);
}

#[test]
fn what_is_passed_over_is_said() {
    let named = BTreeMap::from([
        ("city".to_owned(), vec!["cheap".to_owned(), "dear".to_owned()]),
        ("town".to_owned(), vec!["cheap".to_owned(), "dear".to_owned()]),
    ]);
    let (pools, passed_over) = outcomes(60, 1).pools(Some(&named), &prices(), &AssumedTokens::default()).unwrap();
    assert_eq!(pools.len(), 1);
    assert_eq!(passed_over, ["pool `city` names a source the outcomes do not have; they have town"]);
}

#[test]
fn bills_that_rest_on_an_assumption_are_counted() {
    assert_eq!(pool(60, 1).n_assumed_bills, 0);
    let mut outcomes = Outcomes::default();
    for index in 0..60 {
        for model in MODELS {
            let mut silent = row("d", &format!("p{index:03}"), model, 1.0);
            silent.completion_tokens = (model != "weak").then_some(5);
            outcomes.add(&silent).unwrap();
        }
    }
    let pool = outcomes.pools(None, &prices(), &AssumedTokens::default()).unwrap().0.remove(0);
    assert_eq!(pool.n_assumed_bills, 60);
}

#[test]
fn what_is_no_pool_is_refused_by_name() {
    let assumed = AssumedTokens::default();
    let check = |named: &[(&str, &[&str])], prices: &PriceList, outcomes: &Outcomes, expected: &str| {
        let named: BTreeMap<String, Vec<String>> = named
            .iter()
            .map(|(pool, models)| ((*pool).to_owned(), models.iter().map(ToString::to_string).collect()))
            .collect();
        let named = (!named.is_empty()).then_some(&named);
        assert_eq!(outcomes.pools(named, prices, &assumed).unwrap_err().to_string(), expected);
    };
    let town = outcomes(60, 1);
    check(
        &[("city", &["cheap", "dear"])],
        &prices(),
        &town,
        "pool `city` names a source the outcomes do not have; they have town",
    );
    check(
        &[("town", &["chaep", "dear"])],
        &prices(),
        &town,
        "pool `town` names the model `chaep`, which has no row there; the nearest name there is `cheap`",
    );
    check(&[("town", &["cheap"])], &prices(), &town, "pool `town` has 1 model(s); expected at least 2");
    check(
        &[],
        &PriceList::default(),
        &town,
        "pool `town`: model `cheap` has no price, and its answer to town/easy/p00000 has no cost; give its price with --prices",
    );
    check(
        &[("town", &["cheap", "dear"])],
        &prices(),
        &outcomes(20, 1),
        "pool `town`: expected at least 50 prompts that all 2 models answered, found 20",
    );
    check(
        &[],
        &prices(),
        &outcomes(20, 1),
        "no source has at least two models that answered at least 50 prompts in common; sources: town (3 models, 20 prompts)",
    );
    assert!(matches!(Outcomes::default().pools(None, &prices(), &assumed), Err(PoolError::Nothing { .. })));
}

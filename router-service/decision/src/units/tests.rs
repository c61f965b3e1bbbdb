//! The doors of the small values: what they let in, what they turn away, and how they print.

use proptest::prelude::*;

use super::{Draw, MAX_MODEL_ID_BYTES, MAX_TOKENS, ModelId, Moment, PicoUsd, Price, Quality, Tokens};

#[test]
fn ten_tokens_at_two_cents_a_million_cost_something() {
    let price = Price::from_usd_per_1m(0.02).unwrap();
    assert_eq!(price.of(Tokens::new(10).unwrap()), PicoUsd(200_000));
}

#[test]
fn the_dearest_bill_there_can_be_does_not_overflow() {
    let price = Price::from_usd_per_1m(10_000.0).unwrap();
    let bill = price.of(Tokens::new(u64::from(MAX_TOKENS)).unwrap());
    assert_eq!(bill.0, 1_000_000_000_000_000_000);
    assert!(bill.0.checked_mul(4).is_some());
}

#[test]
fn qualities_outside_the_unit_interval_are_refused() {
    for bad in [f64::NAN, -0.1, 1.000_001, f64::INFINITY, f64::NEG_INFINITY] {
        let error = Quality::new(bad).unwrap_err().to_string();
        assert!(error.starts_with("expected a quality between 0 and 1, found "), "{error}");
    }
    assert_eq!(Quality::new(-0.0).unwrap(), Quality::ZERO);
}

#[test]
fn prices_that_are_negative_or_not_numbers_are_refused() {
    for bad in [f64::NAN, -0.01, 10_000.01, f64::INFINITY] {
        assert!(Price::from_usd_per_1m(bad).is_err(), "{bad}");
        assert!(PicoUsd::from_usd(bad * 1e6).is_err(), "{bad}");
    }
}

#[test]
fn an_amount_too_fine_to_count_is_refused_rather_than_rounded_to_nothing() {
    let error = Price::from_usd_per_1m(1e-7).unwrap_err().to_string();
    assert_eq!(
        error,
        "0.0000001 USD per million tokens is finer than the smallest unit, 0.000001 USD per million tokens"
    );
    assert!(PicoUsd::from_usd(1e-13).is_err());
    assert_eq!(PicoUsd::from_usd(0.0).unwrap(), PicoUsd::ZERO);
}

#[test]
fn model_names_must_fit_one_line_and_not_mean_routing() {
    for good in ["gpt-4o-mini-2024-07-18", "anthropic/claude-opus-4.5 (medium)", "模型", "autopilot"] {
        assert_eq!(ModelId::new(good).unwrap().as_str(), good);
    }
    for bad in ["", " a", "a ", "a\nb", "a\u{0}", "auto", "auto:cheap"] {
        assert!(ModelId::new(bad).is_err(), "{bad:?}");
    }
    assert!(ModelId::new(&"m".repeat(MAX_MODEL_ID_BYTES)).is_ok());
    assert!(ModelId::new(&"m".repeat(MAX_MODEL_ID_BYTES + 1)).is_err());
}

#[test]
fn token_counts_have_a_limit() {
    assert!(Tokens::new(u64::from(MAX_TOKENS)).is_ok());
    let error = Tokens::new(u64::from(MAX_TOKENS) + 1).unwrap_err().to_string();
    assert_eq!(error, "expected a token count between 0 and 100000000, found 100000001");
    assert!(Tokens::new(u64::MAX).is_err());
}

#[test]
fn a_quality_at_the_edge_is_not_lost_to_rounding() {
    let quality = |value| Quality::new(value).unwrap();
    assert_eq!(quality(0.91).minus(quality(0.87)), quality(0.04));
    assert_eq!(quality(0.1).plus(quality(0.2)), quality(0.3));
    assert_eq!(quality(0.9).plus(quality(0.9)), Quality::ONE);
    assert_eq!(quality(0.2).minus(quality(0.9)), Quality::ZERO);
    assert_eq!(quality(0.02).get().to_string(), "0.02");
}

#[test]
fn money_that_is_compared_prints_all_its_digits() {
    assert_eq!(format!("{:#} {:#}", PicoUsd(3_000_400_000), PicoUsd(3_000_000_000)), "$0.0030004 $0.003");
}

#[test]
fn a_draw_is_below_one() {
    assert!(Draw::new(1.0).is_err());
    assert!(Draw::new(0.0).is_ok());
    assert!(Draw::new(f64::NAN).is_err());
    assert!(Draw::NO_DETOUR.get() < 1.0);
}

#[test]
fn time_does_not_wrap() {
    assert_eq!(Moment(5).after_ms(u64::MAX), Moment(u64::MAX));
    assert_eq!(Moment(5).ms_since(Moment(9)), 0);
}

#[test]
fn money_prints_as_a_person_would_write_it() {
    for (pico, text) in [
        (0, "$0"),
        (200_000, "$0.0000002"),
        (168_000_000, "$0.000168"),
        (12_345_678_901, "$0.012346"),
        (1_500_000_000_000, "$1.5"),
        (123_456_000_000_000, "$123.46"),
    ] {
        assert_eq!(PicoUsd(pico).to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_price_survives_its_own_text(micro in 0u64..10_000_000_000) {
        let price = Price(micro);
        let text = price.usd_per_1m().to_string();
        prop_assert_eq!(Price::from_usd_per_1m(text.parse().unwrap()).unwrap(), price);
    }

    #[test]
    fn an_amount_survives_its_own_number(pico in 0u64..=2_000_000_000_000_000) {
        prop_assert_eq!(PicoUsd::from_usd(PicoUsd(pico).usd()).unwrap(), PicoUsd(pico));
    }
}

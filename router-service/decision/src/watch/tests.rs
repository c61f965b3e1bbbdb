//! The watch: silent for ever while the promise holds, loud soon after it is broken.

use super::{Alarm, CALIBRATION_MARGIN, Served, Watch};
use crate::promise::{Loss, OnAlarm, Promise, Reference, Span, Terms};
use crate::scenario::id;

fn promise(loss: Loss, loss_at_most: f64) -> Promise {
    let hex = "0".repeat(64);
    let terms = Terms {
        loss,
        loss_at_most,
        confidence: 0.95,
        reference: Reference::Model(id("large")),
        slices: None,
        weighed: None,
        policy: hex[..32].to_owned(),
        artifact: None,
        catalog: None,
        outcomes: format!("sha256:{hex}"),
        tuned: "2026-11-21".to_owned(),
        n_prompts: 100,
        n_groups: 100,
        saving: Span { value: 0.5, low: 0.4, high: 0.6 },
        reference_bias: 0.0,
        on_alarm: OnAlarm::Warn,
    };
    Promise::new(terms).unwrap()
}

/// A generator of its own: SplitMix64 by Steele, Lea and Flood.
struct Draws(u64);

impl Draws {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / 4_294_967_296.0
    }
}

/// Outcomes of a model that succeeds this much less often than was forecast of it, beside a reference that is this much better.
fn feed(watch: &mut Watch, draws: &mut Draws, n: u32, (worse, reference_better): (f64, f64)) {
    for _ in 0..n {
        let forecast = 0.3 + 0.6 * draws.unit();
        let quality = f64::from(u8::from(draws.unit() < forecast - worse));
        watch.saw(&Served { quality, forecast, reference_forecast: forecast + reference_better });
    }
}

#[test]
fn no_false_alarm_in_a_hundred_thousand_outcomes_at_the_very_edge_of_the_promise() {
    for seed in 0..6 {
        let mut watch = Watch::over(&promise(Loss::Difference, 0.02));
        feed(&mut watch, &mut Draws(seed), 100_000, (0.0, 0.02));
        assert_eq!(watch.alarms().count(), 0, "seed {seed}");
    }
}

#[test]
fn a_sudden_drop_is_found_within_a_thousand_outcomes_however_long_all_was_well() {
    for (seed, n_well) in [(1, 0), (2, 100), (3, 10_000), (4, 100_000)] {
        let (mut watch, mut draws) = (Watch::over(&promise(Loss::Difference, 0.02)), Draws(seed));
        feed(&mut watch, &mut draws, n_well, (0.0, 0.0));
        assert_eq!(watch.alarms().count(), 0, "seed {seed}");
        feed(&mut watch, &mut draws, 1000, (0.25, 0.0));
        assert!(watch.has_raised(Alarm::Loss), "seed {seed}");
        assert!(watch.has_raised(Alarm::ForecastsTooHigh), "seed {seed}");
        assert!(!watch.has_raised(Alarm::ForecastsTooLow), "seed {seed}");
    }
}

#[test]
fn an_alarm_stays() {
    let (mut watch, mut draws) = (Watch::over(&promise(Loss::Difference, 0.02)), Draws(7));
    feed(&mut watch, &mut draws, 2000, (0.3, 0.0));
    feed(&mut watch, &mut draws, 20_000, (-0.1, 0.0));
    assert!(watch.has_raised(Alarm::Loss));
}

#[test]
fn forecasts_that_are_too_low_are_found_and_are_no_loss() {
    let (mut watch, mut draws) = (Watch::over(&promise(Loss::Difference, 0.02)), Draws(9));
    feed(&mut watch, &mut draws, 2000, (-0.3, 0.0));
    assert_eq!(watch.alarms().collect::<Vec<_>>(), [Alarm::ForecastsTooLow]);
}

#[test]
fn a_loss_against_the_reference_is_found_though_every_forecast_is_right() {
    for loss in Loss::ALL {
        let (mut watch, mut draws) = (Watch::over(&promise(loss, 0.02)), Draws(11));
        feed(&mut watch, &mut draws, 20_000, (0.0, 0.1));
        assert_eq!(watch.alarms().collect::<Vec<_>>(), [Alarm::Loss], "{}", loss.word());
    }
}

#[test]
fn a_bias_that_tuning_knew_is_no_loss() {
    let biased =
        Promise::new(Terms { reference_bias: 0.1, ..promise(Loss::Difference, 0.02).terms().clone() }).unwrap();
    let (mut watch, mut draws) = (Watch::over(&biased), Draws(12));
    feed(&mut watch, &mut draws, 50_000, (0.0, 0.1));
    assert_eq!(watch.alarms().count(), 0);
}

#[test]
fn forecasts_within_the_margin_are_no_drift() {
    let (mut watch, mut draws) = (Watch::over(&promise(Loss::Difference, 0.2)), Draws(13));
    feed(&mut watch, &mut draws, 100_000, (CALIBRATION_MARGIN * 0.9, 0.0));
    assert_eq!(watch.alarms().count(), 0);
}

#[test]
fn reports_that_are_no_numbers_neither_panic_nor_silence_it() {
    let mut watch = Watch::over(&promise(Loss::Difference, 0.02));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 7.0] {
        watch.saw(&Served { quality: value, forecast: value, reference_forecast: value });
    }
    feed(&mut watch, &mut Draws(14), 2000, (0.4, 0.0));
    assert!(watch.has_raised(Alarm::Loss));
    assert_eq!(watch.n_outcomes(), 2005);
}

//! Tuning on a made-up town: what is promised, what is refused, and what every mistake is answered.

use std::collections::BTreeMap;

use decision::{Limits, Loss, Mode, Quality, Rules, WhenSpent};
use evals::grid::Grid;
use evals::pool::Pool;
use evals::replay::Barred;

use super::{Against, Ask, Bench, Knob, SliceOf, TuneError, Tuned, Weights, WeightsError, tune};
use crate::bounds::Bound;
use crate::prove::{Town, town};

fn asked(town: &Town, ask: &Ask) -> Result<Tuned, TuneError> {
    let (quality_low, barred) = (&town.forecast.quality, &Barred::nobody());
    let bench = Bench { pool: &town.pool, forecast: &town.forecast, quality_low, barred };
    tune(&bench, ask, &mut |_, _| ())
}

fn datasets(pool: &Pool) -> Vec<String> {
    pool.prompts.iter().map(|prompt| prompt.dataset.clone()).collect()
}

#[track_caller]
fn check(town: &Town, ask: &Ask, complaint: &str) {
    let error = asked(town, ask).unwrap_err().to_string();
    assert!(error.contains(complaint), "{error}");
}

#[test]
fn every_mode_saves_and_keeps_its_promise_on_its_own_rows() {
    let town = town(1000, 1);
    for knob in Knob::ALL {
        for loss in Loss::ALL {
            // A share of prompts is never below the mean loss, so more of it must be allowed.
            let most = if loss == Loss::Worse { 0.2 } else { 0.1 };
            let ask = Ask { loss, ..Ask::of(knob, most, 0.95) };
            let tuned = asked(&town, &ask).unwrap_or_else(|error| panic!("{} {}: {error}", knob.word(), loss.word()));
            assert!(tuned.saving.value > 0.0, "{} {}: {:?}", knob.word(), loss.word(), tuned.saving);
            assert!(tuned.loss.value < most, "{} {}: {:?}", knob.word(), loss.word(), tuned.loss);
            assert_eq!(Knob::of(&tuned.rules.mode), Some(knob));
            assert!(["ace", "bee"].contains(&tuned.reference.unwrap().as_str()));
            assert!(tuned.n_shown > 0 && tuned.n_shown < tuned.n_tried);
        }
    }
}

#[test]
fn the_same_ask_gives_the_same_answer() {
    let town = town(800, 2);
    let run = || format!("{:?}", asked(&town, &Ask::of(Knob::Value, 0.1, 0.9)).unwrap());
    assert_eq!(run(), run());
}

#[test]
fn only_the_models_that_were_judged_may_serve_and_the_base_policy_keeps_the_rest() {
    let town = town(800, 3);
    let fallback = vec![decision::ModelId::new("bee").unwrap()];
    let rules = Rules { fallback: fallback.clone(), ..Ask::of(Knob::Tolerance, 0.1, 0.9).rules };
    let tuned = asked(&town, &Ask { rules, ..Ask::of(Knob::Tolerance, 0.1, 0.9) }).unwrap();
    assert_eq!(tuned.rules.fallback, fallback);
    assert_eq!(tuned.rules.limits.allow.unwrap().len(), 5);
    let named = |names: &[&str]| names.iter().map(|name| decision::ModelId::new(name).unwrap()).collect();
    let limited = |limits| {
        let ask = Ask::of(Knob::Tolerance, 0.1, 0.9);
        asked(&town, &Ask { rules: Rules { limits, ..ask.rules.clone() }, ..ask })
    };
    let (allow, deny) = (named(&["ace", "bee", "cat", "elsewhere"]), named(&["cat"]));
    let limits = limited(Limits { allow: Some(allow), deny, ..Limits::default() }).unwrap().rules.limits;
    assert_eq!((limits.allow, limits.deny), (Some(named(&["ace", "bee"])), named(&["cat"])), "never more than before");
    let error = limited(Limits { allow: Some(named(&["cat", "dog"])), ..Limits::default() }).unwrap_err();
    assert!(error.to_string().contains("may not serve by the limits of the policy"), "{error}");
}

#[test]
fn near_duplicates_count_once() {
    let town = town(700, 4);
    let ask = Ask { against: Against::Model("ace".to_owned()), ..Ask::of(Knob::Tolerance, 0.1, 0.9) };
    let tuned = asked(&town, &ask).unwrap();
    assert_eq!(tuned.n_groups, 700);
    assert_eq!(tuned.n_prompts, town.pool.prompts.len());
    // The same rows five times over, in the same groups, show not a bit more.
    let again: Vec<usize> = (0..town.pool.prompts.len()).flat_map(|row| [row; 5]).collect();
    let copies = Town { pool: town.pool.taken(&again), forecast: town.forecast.taken(&again) };
    let from_copies = asked(&copies, &ask).unwrap();
    assert_eq!(from_copies.rules, tuned.rules);
    assert_eq!(from_copies.n_groups, 700);
}

#[test]
fn a_smaller_loss_or_more_confidence_never_saves_more() {
    let town = town(800, 5);
    let saving = |loss, confidence| {
        asked(&town, &Ask::of(Knob::Value, loss, confidence)).map_or(0.0, |tuned| tuned.saving.value)
    };
    assert!(saving(0.05, 0.95) <= saving(0.1, 0.95));
    assert!(saving(0.1, 0.95) <= saving(0.2, 0.95));
    assert!(saving(0.1, 0.999) <= saving(0.1, 0.9));
}

#[test]
fn a_figure_that_was_chosen_by_looking_costs_what_the_curve_said() {
    let town = town(1000, 6);
    let ask = Ask::of(Knob::Value, 0.1, 0.95);
    let tuned = asked(&town, &ask).unwrap();
    let offer = tuned.curve.iter().find(|offer| offer.loss_at_most.total_cmp(&0.1).is_eq()).unwrap();
    assert_eq!(offer.saving, Some(tuned.saving.value));
    let looked = asked(&town, &Ask { looked: true, ..ask }).unwrap();
    assert_eq!(offer.saving_if_chosen_here, Some(looked.saving.value));
    assert!(offer.saving_if_chosen_here <= offer.saving);
}

#[test]
fn every_bound_can_be_asked_for() {
    let town = town(1200, 7);
    for bound in Bound::ALL {
        let ask = Ask { bound, against: Against::Model("ace".to_owned()), ..Ask::of(Knob::Value, 0.2, 0.95) };
        assert!(asked(&town, &ask).unwrap().saving.value > 0.1, "{}", bound.word());
    }
}

#[test]
fn the_best_forecast_of_each_prompt_can_be_the_reference() {
    let town = town(1500, 8);
    let ask = Ask { against: Against::BestForecast, ..Ask::of(Knob::Tolerance, 0.1, 0.95) };
    let tuned = asked(&town, &ask).unwrap();
    assert_eq!(tuned.reference, None);
    assert_eq!(tuned.rules.lean, None);
    assert!(tuned.saving.value > 0.1);
}

#[test]
fn a_promise_can_be_had_in_every_slice_and_small_slices_are_named() {
    let town = town(2500, 9);
    let mut names = datasets(&town.pool);
    names[17] = "tiny".to_owned();
    let ask = Ask { slices: SliceOf::Each(names), ..Ask::of(Knob::Value, 0.1, 0.95) };
    let tuned = asked(&town, &ask).unwrap();
    let whole = asked(&town, &Ask::of(Knob::Value, 0.1, 0.95)).unwrap();
    assert_eq!(tuned.slices, Some((vec!["easy".to_owned(), "hard".to_owned()], vec!["tiny".to_owned()])));
    assert!(tuned.saving.value < whole.saving.value, "hard prompts forbid what all together allow");
}

#[test]
fn slices_can_be_weighed() {
    let town = town(1200, 10);
    let saving = |easy: f64| {
        let weights = BTreeMap::from([("easy".to_owned(), easy), ("hard".to_owned(), 1.0 - easy)]);
        let slices = SliceOf::Weighed(datasets(&town.pool), Weights::new(weights).unwrap());
        asked(&town, &Ask { slices, ..Ask::of(Knob::Value, 0.1, 0.9) }).unwrap().saving.value
    };
    assert!(saving(0.95) > saving(0.4), "easy traffic allows more");
}

#[test]
fn too_few_rows_are_refused_with_what_is_needed_and_what_could_be_promised() {
    check(
        &town(100, 11),
        &Ask::of(Knob::Value, 0.02, 0.95),
        "about 225 groups of prompts are needed, 90 are there; below a loss of 0.05 nothing can be shown with so few",
    );
    let Err(TuneError::Refused(refused)) = asked(&town(600, 11), &Ask::of(Knob::Value, 0.005, 0.95)) else {
        panic!("600 groups cannot show a loss of 0.005")
    };
    assert!(refused.n_groups_needed > Some(700), "{refused}");
    let Err(TuneError::Refused(refused)) = asked(&town(600, 12), &Ask::of(Knob::Value, 0.01, 0.95)) else {
        panic!("600 groups do not show a loss of 0.01 here")
    };
    let (loss, saving) = refused.instead.unwrap();
    assert!(loss > 0.01 && saving > 0.0, "{refused}");
    let ask = Ask { looked: true, ..Ask::of(Knob::Value, loss, 0.95) };
    assert_eq!(asked(&town(600, 12), &ask).unwrap().saving.value.to_bits(), saving.to_bits());
}

#[test]
fn the_rows_that_a_refusal_asks_for_mostly_do() {
    let ask = Ask::of(Knob::Value, 0.02, 0.95);
    let Err(TuneError::Refused(refused)) = asked(&town(260, 13), &ask) else { panic!("260 groups are too few") };
    let needed = refused.n_groups_needed.unwrap();
    assert!((235..4000).contains(&needed), "{refused}");
    let n_shown = (0..5).filter(|seed| asked(&town(2 * needed, 100 + seed), &ask).is_ok()).count();
    assert!(n_shown >= 3, "{n_shown} of 5 with twice {needed} groups");
}

#[test]
fn mistakes_are_named() {
    let good = town(200, 14);
    let ask = || Ask::of(Knob::Tolerance, 0.1, 0.9);
    for wrong in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
        let mut lossy = ask();
        lossy.loss_at_most = wrong;
        check(&good, &lossy, "expected the loss at most above 0 and below 1, found");
        let mut sure = ask();
        sure.confidence = wrong;
        check(&good, &sure, "expected the confidence above 0 and below 1, found");
    }
    check(&good, &Ask { shrinkages: vec![0.1, 2.0], ..ask() }, "expected a shrinkage between 0 and 1, found 2");
    check(
        &good,
        &Ask { against: Against::Model("acee".to_owned()), ..ask() },
        "the reference `acee` has no outcomes among the rows; the nearest name there is `ace`",
    );
    let mut one_class = town(200, 14);
    one_class.pool.truth.quality = Grid::filled(one_class.pool.prompts.len(), 5, 1.0);
    check(&one_class, &ask(), "every answer has the quality 1: rows of one class");
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let good = town(400, 15);
    let weights = |pairs: &[(&str, f64)]| {
        Weights::new(pairs.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect())
    };
    let error = weights(&[("easy", 0.5), ("hard", 0.4)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected weights of 0 or more that sum to 1, found easy=0.5, hard=0.4, which sum to 0.9"
    );
    assert!(matches!(weights(&[("easy", 1.5), ("hard", -0.5)]), Err(WeightsError::Sum { .. })));
    assert!(matches!(weights(&[("easy", f64::NAN)]), Err(WeightsError::Sum { .. })));
    let ask = |weights: Weights| Ask {
        slices: SliceOf::Weighed(datasets(&good.pool), weights),
        ..Ask::of(Knob::Value, 0.2, 0.9)
    };
    check(
        &good,
        &ask(weights(&[("easy", 0.5), ("heavy", 0.5)]).unwrap()),
        "the weight of `heavy` has no rows; the slices are easy, hard",
    );
    check(&good, &ask(weights(&[("easy", 1.0)]).unwrap()), "the slice `hard` has rows and no weight; say `hard=0`");
}

#[test]
fn a_budget_keeps_what_it_means_when_it_is_spent() {
    let town = town(800, 16);
    let tuned = asked(&town, &Ask::of(Knob::Budget(WhenSpent::Refuse), 0.2, 0.9)).unwrap();
    assert!(matches!(tuned.rules.mode, Mode::Budget { when_spent: WhenSpent::Refuse, .. }), "{:?}", tuned.rules.mode);
}

#[test]
fn every_walk_goes_from_the_most_quality_to_the_least() {
    let (first, last) = (Knob::Tolerance.modes().next(), Knob::Tolerance.modes().last());
    assert_eq!(first, Some(Mode::Tolerance { quality_tolerance: Quality::ZERO }));
    assert_eq!(last, Some(Mode::Tolerance { quality_tolerance: Quality::new(0.5).unwrap() }));
    let worths: Vec<Mode> = Knob::Value.modes().collect();
    assert_eq!(worths.len(), 73);
    assert!(worths.windows(2).all(|pair| match pair {
        [Mode::Value { usd_per_success: a }, Mode::Value { usd_per_success: b }] => a > b,
        _ => false,
    }));
}

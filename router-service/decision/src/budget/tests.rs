//! The controller against a stream of requests: it must never overdraw, must not hoard, and must buy more quality than a
//! fixed choice for the same money.

use proptest::prelude::*;

use super::BudgetState;
use crate::candidates::{Candidate, Candidates, Expectation};
use crate::decide::decide;
use crate::policy::Rules;
use crate::request::RequestFacts;
use crate::scenario::{budget, facts, id, policy, quality, usd};
use crate::units::PicoUsd;

/// A small generator with a seed, so that a stream is the same everywhere: SplitMix64, constants of its author.
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

/// Prompts of random difficulty and length: the large model helps on hard ones only.
fn prompt(stream: &mut Stream) -> Candidates {
    let (difficulty, length) = (stream.next(), 0.2 + 1.6 * stream.next());
    let model = |name: &str, strength: f64, price: f64| {
        let expected = quality(1.0 / (1.0 + (8.0 * (difficulty - strength)).exp()));
        Candidate {
            model: id(name),
            expectation: Some(Expectation { quality: expected, quality_low: expected }),
            cost: usd(price * length),
            cost_high: usd(price * length),
            exclusion: None,
        }
    };
    Candidates::new(vec![model("small", 0.3, 0.0002), model("medium", 0.6, 0.002), model("large", 0.9, 0.01)], None)
        .unwrap()
}

struct Account {
    quality: f64,
    spent: PicoUsd,
    worst_overdraft: f64,
}

fn run(usd_per_request: f64, n_requests: u32, start: Option<BudgetState>) -> Account {
    let figure = usd(usd_per_request);
    let policy = policy(Rules::of(budget(usd_per_request)));
    let mut stream = Stream(7);
    let mut state = start;
    let mut account = Account { quality: 0.0, spent: PicoUsd::ZERO, worst_overdraft: 0.0 };
    for n in 1..=n_requests {
        let candidates = prompt(&mut stream);
        let decision = decide(&policy, &RequestFacts { budget: state, ..facts() }, &candidates).unwrap();
        let chosen = candidates.get(decision.model()).unwrap();
        state = decision.budget;
        account.quality += chosen.expectation.unwrap().quality.get() / f64::from(n_requests);
        account.spent = account.spent.plus(chosen.cost);
        let overdraft = account.spent.as_f64() / (figure.as_f64() * f64::from(n)) - 1.0;
        account.worst_overdraft = account.worst_overdraft.max(overdraft);
    }
    account
}

/// What the same money would have bought, had every prompt been known beforehand: one worth for all, found by halving.
fn hindsight(usd_per_request: f64, n_requests: u32) -> f64 {
    let mut stream = Stream(7);
    let prompts: Vec<Candidates> = (0..n_requests).map(|_| prompt(&mut stream)).collect();
    let bought = |worth: f64| {
        let value = |candidate: &Candidate| candidate.expectation.unwrap().quality.get() * worth - candidate.cost.usd();
        let chosen =
            |prompt: &Candidates| prompt.all().iter().max_by(|a, b| value(a).total_cmp(&value(b))).unwrap().clone();
        prompts.iter().map(chosen).fold((0.0, 0.0), |(quality, cost), candidate| {
            (quality + candidate.expectation.unwrap().quality.get(), cost + candidate.cost.usd())
        })
    };
    let (mut low, mut high) = (1e-9, 1e3);
    for _ in 0..60 {
        let middle = f64::sqrt(low * high);
        if bought(middle).1 > usd_per_request * f64::from(n_requests) { high = middle } else { low = middle }
    }
    bought(low).0 / f64::from(n_requests)
}

const FIGURES: [f64; 4] = [0.000_5, 0.001, 0.003, 0.006];

#[test]
fn the_running_mean_is_never_above_the_figure_and_little_is_hoarded() {
    for figure in FIGURES {
        let account = run(figure, 3000, None);
        let used = account.spent.usd() / (figure * 3000.0);
        assert!(account.worst_overdraft <= 0.0, "{figure}: overdrawn by {}", account.worst_overdraft);
        assert!(used > 0.97, "{figure}: used only {used}");
    }
}

#[test]
fn a_budget_buys_nearly_what_hindsight_would_have() {
    for figure in FIGURES {
        let (bought, possible) = (run(figure, 3000, None).quality, hindsight(figure, 3000));
        assert!(bought > possible - 0.01, "{figure}: {bought} of {possible}");
        assert!(bought <= possible + 0.001, "{figure}: {bought} of {possible}: hindsight is no bound");
    }
}

#[test]
fn the_first_guess_of_the_worth_does_not_matter() {
    let from =
        |worth: f64| run(0.002, 3000, Some(BudgetState { worth: Some(worth), ..BudgetState::default() })).quality;
    let (low, high) = (from(0.2), from(2000.0));
    assert!((low - high).abs() < 0.01, "{low} and {high}");
}

#[test]
fn a_bill_that_differs_from_the_forecast_is_settled() {
    let figure = PicoUsd(100);
    let state = BudgetState::default().after(figure, PicoUsd(60));
    assert_eq!(state.allowance(figure), PicoUsd(140));
    assert_eq!(state.settled(PicoUsd(60), PicoUsd(150)).allowance(figure), PicoUsd(50));
    assert_eq!(state.settled(PicoUsd(60), PicoUsd(500)).allowance(figure), PicoUsd::ZERO);
}

proptest! {
    #[test]
    fn no_state_from_elsewhere_breaks_the_controller(
        n_requests in any::<u64>(), spent_pico_usd in any::<u128>(), worth in prop::option::of(any::<f64>()), cost in any::<u64>(), figure in 1u64..u64::MAX,
    ) {
        let figure = PicoUsd(figure);
        let after = BudgetState { n_requests, spent_pico_usd, worth }.after(figure, PicoUsd(cost));
        prop_assert!(after.usd_per_success(figure).is_finite());
        prop_assert!(after.usd_per_success(figure) > 0.0);
        let _ = after.allowance(figure);
    }
}

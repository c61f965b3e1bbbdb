//! How the tests of this crate write a situation down: `small q=0.80 $2 | large q=0.80 low=0.6 $9`. One reader, so that a new
//! case is one line; and the random situations that the property tests draw from.

use proptest::prelude::*;

use crate::candidates::{Candidate, Candidates, Exclusion, Expectation};
use crate::evidence::Absent;
use crate::policy::{Basis, Mode, Policy, PolicyName, Rules, WhenSpent};
use crate::request::RequestFacts;
use crate::units::{ModelId, PicoUsd, Quality, Tokens};

pub(crate) fn id(name: &str) -> ModelId {
    ModelId::new(name).unwrap()
}

pub(crate) fn quality(value: f64) -> Quality {
    Quality::new(value).unwrap()
}

pub(crate) fn usd(value: f64) -> PicoUsd {
    PicoUsd::from_usd(value).unwrap()
}

pub(crate) fn tokens(count: u64) -> Tokens {
    Tokens::new(count).unwrap()
}

pub(crate) fn facts() -> RequestFacts {
    RequestFacts::of_size(tokens(100))
}

pub(crate) fn policy(rules: Rules) -> Policy {
    Policy::new(PolicyName::new("test").unwrap(), rules).unwrap()
}

pub(crate) fn tolerance(value: f64) -> Mode {
    Mode::Tolerance { quality_tolerance: quality(value) }
}

pub(crate) fn target(value: f64) -> Mode {
    Mode::Target { quality_floor: quality(value) }
}

pub(crate) fn value(usd_per_success: f64) -> Mode {
    Mode::Value { usd_per_success: usd(usd_per_success) }
}

pub(crate) fn budget(usd_per_request: f64) -> Mode {
    Mode::Budget { usd_per_request: usd(usd_per_request), when_spent: WhenSpent::Cheapest }
}

pub(crate) fn pin(model: &str) -> Mode {
    Mode::Pin { model: id(model) }
}

/// `name [q=Q] [low=L] $COST [-unhealthy]`, separated by `|`. Without `q` there is no forecast for the model.
pub(crate) fn candidates(text: &str) -> Candidates {
    Candidates::new(text.split('|').map(candidate).collect(), None).unwrap()
}

/// The same without any forecast.
pub(crate) fn blind(text: &str, why: Absent) -> Candidates {
    Candidates::new(text.split('|').map(candidate).collect(), Some(why)).unwrap()
}

fn candidate(text: &str) -> Candidate {
    let mut words = text.split_whitespace();
    let model = id(words.next().unwrap());
    let (mut expected, mut low, mut cost, mut exclusion) = (None, None, PicoUsd::ZERO, None);
    for word in words {
        if let Some(value) = word.strip_prefix("q=") {
            expected = Some(quality(value.parse().unwrap()));
        } else if let Some(value) = word.strip_prefix("low=") {
            low = Some(quality(value.parse().unwrap()));
        } else if let Some(value) = word.strip_prefix('$') {
            cost = usd(value.parse().unwrap());
        } else if word == "-unhealthy" {
            exclusion = Some(Exclusion::Unhealthy);
        } else {
            panic!("`{word}` is no part of a candidate");
        }
    }
    let expectation = expected.map(|quality| Expectation { quality, quality_low: low.unwrap_or(quality) });
    Candidate { model, expectation, cost, cost_high: cost, exclusion }
}

/// A candidate list in arbitrary order, on coarse grids so that ties are common.
pub(crate) fn any_list() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0u32..=20, 0u32..=20, 0u64..40, prop::bool::weighted(0.15), prop::bool::weighted(0.1));
    prop::collection::vec(one, 1..9)
        .prop_map(|rows| {
            let row = |(index, (high, low, cost, excluded, unknown)): (usize, (u32, u32, u64, bool, bool))| Candidate {
                model: id(&format!("m{index}")),
                expectation: (!unknown).then(|| Expectation {
                    quality: quality(f64::from(high.max(low)) / 20.0),
                    quality_low: quality(f64::from(low.min(high)) / 20.0),
                }),
                cost: PicoUsd(cost * 1_000_000),
                cost_high: PicoUsd(cost * 2_000_000),
                exclusion: excluded.then_some(Exclusion::Denied),
            };
            rows.into_iter().enumerate().map(row).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

/// Any way to weigh quality against cost, on the same grids as [`any_list`].
pub(crate) fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        (0u32..=20).prop_map(|step| tolerance(f64::from(step) / 20.0)),
        (0u32..=20).prop_map(|step| target(f64::from(step) / 20.0)),
        (0u64..200).prop_map(|step| Mode::Value { usd_per_success: PicoUsd(step * 1_000_000) }),
        (1u64..40, any::<bool>()).prop_map(|(step, refuse)| Mode::Budget {
            usd_per_request: PicoUsd(step * 1_000_000),
            when_spent: if refuse { WhenSpent::Refuse } else { WhenSpent::Cheapest },
        }),
    ]
}

pub(crate) fn any_basis() -> impl Strategy<Value = Basis> {
    prop_oneof![Just(Basis::Expected), Just(Basis::LowerBound)]
}

/// Any policy that judges.
pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    (any_mode(), any_basis()).prop_map(|(mode, basis)| policy(Rules { basis, ..Rules::of(mode) }))
}

//! A refusal: what the rows do not show, how many would probably show it, and what these do show instead.

use std::fmt;

use evals::grid::{mean, number};
use serde::Serialize;

use super::curve::CURVE;
use super::losses::Asked;
use super::walk::Walk;
use super::{Ask, fewest_groups};
use crate::bounds::quantile;

/// Bets need this much more than the normal distribution says, in standard errors: measured on made-up values
/// (2026-11-21), one in two tests is won at 1.08 times the quantile.
const OF_QUANTILE: f64 = 1.08;

/// What is added to those errors so that four tests in five are won: the normal distribution's quantile at 0.8.
const FOUR_IN_FIVE: f64 = 0.842;

/// Nothing is promised.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
pub struct Refused {
    /// The most that was to be lost.
    pub loss_at_most: f64,
    /// How sure that was to be.
    pub confidence: f64,
    /// Groups of prompts there are for the test.
    pub n_groups: usize,
    /// Groups that would probably show it; none where no number would, because every policy that saves loses more.
    pub n_groups_needed: Option<usize>,
    /// The least loss that can be promised with a saving, and the saving.
    pub instead: Option<(f64, f64)>,
    /// Slices that are too small for any promise.
    pub too_small: Vec<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loss_at_most, confidence, n_groups, n_groups_needed, instead, too_small } = self;
        let confidence = (confidence * 1e8).round() / 1e6;
        write!(f, "these rows do not show that a saving loses at most {loss_at_most} with {confidence}% confidence: ")?;
        if !too_small.is_empty() {
            write!(f, "every slice is too small ({}); ", too_small.join(", "))?;
        }
        match n_groups_needed {
            Some(needed) => write!(f, "about {needed} groups of prompts are needed, {n_groups} are there")?,
            None => {
                write!(f, "{n_groups} groups of prompts are there, and every policy that saves seems to lose more")?;
            }
        }
        match instead {
            Some((loss, saving)) if *saving > 0.0 => {
                write!(f, "; what they do show is a loss of at most {loss}, with a saving of {:.1}%", saving * 100.0)
            }
            Some((loss, _)) => {
                write!(f, "; below a loss of {loss} nothing can be shown with so few, unless they gain something")
            }
            None => write!(f, "; they show no saving for any loss of the curve"),
        }
    }
}

impl Refused {
    /// Too few, even if nothing were ever lost.
    pub(super) fn of_few(ask: &Ask, n_groups: usize) -> Self {
        let could =
            |loss_at_most: &f64| fewest_groups(&Ask { loss_at_most: *loss_at_most, ..ask.clone() }) <= number(n_groups);
        let mut losses = (1..500).map(|thousandth| number(thousandth) / 1000.0);
        Self {
            loss_at_most: ask.loss_at_most,
            confidence: ask.confidence,
            n_groups,
            n_groups_needed: Some(whole(fewest_groups(ask)).max(super::MIN_GROUPS)),
            instead: losses.find(could).map(|loss| (loss, 0.0)),
            too_small: Vec::new(),
        }
    }

    /// No slice is large enough.
    pub(super) fn of_small_slices(ask: &Ask, too_small: &[String]) -> Self {
        Self { n_groups: 0, too_small: too_small.to_vec(), ..Self::of_few(ask, 0) }
    }
}

/// Why the walk found nothing.
pub(super) fn refused(walk: &Walk<'_>) -> Refused {
    Refused {
        loss_at_most: walk.ask.loss_at_most,
        confidence: walk.ask.confidence,
        n_groups: walk.units.n_groups(),
        n_groups_needed: needed(walk),
        instead: instead(walk),
        too_small: walk.units.slice_names().map(|(_, too_small)| too_small).unwrap_or_default(),
    }
}

/// The groups at which some policy that saves would be reached four times in five, if all is as it seems on these rows: a
/// walk comes to a policy only past all that are more cautious.
fn needed(walk: &Walk<'_>) -> Option<usize> {
    let level = walk.ask.level() / number(walk.menu.n_paths);
    let errors = OF_QUANTILE * -quantile(level) + FOUR_IN_FIVE;
    let (rivals, _) = walk.stakes.rivals(walk.bench, walk.ask, walk.units, walk.ask.level());
    let asked = Asked { bench: walk.bench, ask: walk.ask, loss: walk.ask.loss, loss_at_most: walk.ask.loss_at_most };
    let n_groups = number(walk.units.n_groups());
    let of_dish = |dish| {
        let tests = rivals.iter().flat_map(|rival| walk.units.strata().iter().map(move |stratum| (rival, stratum)));
        let of_test = tests.map(|(rival, stratum)| {
            let left: Vec<f64> = walk.stakes.left(&asked, dish, stratum, *rival).collect();
            let centre = mean(left.iter().copied());
            let spread = mean(left.iter().map(|value| (value - centre).powi(2))).sqrt();
            let units = if centre > 0.0 { (errors * spread / centre).powi(2) } else { f64::INFINITY };
            units * n_groups / number(left.len())
        });
        of_test.fold(fewest_groups(walk.ask), f64::max)
    };
    let (mut least, mut so_far, mut path) = (f64::INFINITY, 0.0, usize::MAX);
    for dish in &walk.menu.dishes {
        if dish.path != path {
            (so_far, path) = (0.0, dish.path);
        }
        if so_far >= least {
            continue;
        }
        so_far = of_dish(dish).max(so_far);
        if walk.saving(dish) > 0.0 {
            least = least.min(so_far);
        }
    }
    least.is_finite().then(|| whole(least).max(walk.units.n_groups() + 1))
}

/// The least loss of the curve for which there is a promise with a saving. Whoever takes it has chosen it on these rows, so
/// it is tested as one of the curve's figures, and `looked` promises it.
fn instead(walk: &Walk<'_>) -> Option<(f64, f64)> {
    let level = (1.0 - walk.ask.confidence) / number(CURVE.len());
    let larger = CURVE.into_iter().filter(|loss| *loss > walk.ask.loss_at_most);
    let mut offers = larger.filter_map(|loss| Some((loss, walk.at(loss, level)?.saving)));
    offers.find(|(_, saving)| *saving > 0.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that was computed, capped at a billion"
)]
fn whole(count: f64) -> usize {
    count.clamp(0.0, 1e9).ceil() as usize
}

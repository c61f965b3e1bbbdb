//! What counts once: a group of near-duplicates, in random order. Groups are what is independent of one another; rows are not.

use std::collections::BTreeMap;

use evals::dice::Dice;
use evals::grid::{mean, number};
use evals::pool::Pool;

use super::{Ask, TuneError, fewest_groups};

/// Which slices matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SliceOf {
    /// None: only the mean over all groups does.
    #[default]
    Nothing,
    /// Each of them: the slice of every prompt of the pool.
    Each(Vec<String>),
    /// Their mean in these proportions.
    Weighed(Vec<String>, Weights),
}

/// Shares of slices that sum to one.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(BTreeMap<String, f64>);

/// Why weights are none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// They do not sum to one, or one of them is no share.
    #[error("expected weights of 0 or more that sum to 1, found {found}, which sum to {sum}")]
    Sum {
        /// The weights.
        found: String,
        /// Their sum.
        sum: f64,
    },
    /// A weight for a slice without rows.
    #[error("the weight of `{slice}` has no rows; the slices are {known}")]
    NoRows {
        /// The slice.
        slice: String,
        /// What there is.
        known: String,
    },
    /// A slice without a weight.
    #[error("the slice `{slice}` has rows and no weight; say `{slice}=0` to leave it out")]
    NoWeight {
        /// The slice.
        slice: String,
    },
}

impl Weights {
    /// Checks the weights.
    pub fn new(weights: BTreeMap<String, f64>) -> Result<Self, WeightsError> {
        /// What a sum of decimal fractions may be off by.
        const ROUNDING: f64 = 1e-9;
        let sum: f64 = weights.values().sum();
        if weights.values().all(|weight| weight.is_finite() && *weight >= 0.0) && (sum - 1.0).abs() <= ROUNDING {
            return Ok(Self(weights));
        }
        let found = weights.iter().map(|(slice, weight)| format!("{slice}={weight}")).collect::<Vec<_>>().join(", ");
        Err(WeightsError::Sum { found, sum })
    }

    /// Each slice with its share, by name.
    pub fn shares(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(slice, share)| (slice.as_str(), *share))
    }
}

/// A group, or what of it lies in a slice. However many slices a weighed group lies in, it is one unit: its parts are no more
/// independent of one another than its prompts are.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    parts: Vec<Part>,
}

/// Prompts of a group that count alike.
#[derive(Clone, Debug)]
struct Part {
    /// By their place in the pool.
    rows: Vec<usize>,
    /// What they count for together: 1 unless somebody weighs slices.
    weight: f64,
}

impl Unit {
    fn of(rows: Vec<usize>) -> Self {
        Self { parts: vec![Part { rows, weight: 1.0 }] }
    }

    /// Its prompts, by their place in the pool.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().flat_map(|part| part.rows.iter().copied())
    }

    /// What it counts for.
    pub(crate) fn weight(&self) -> f64 {
        self.parts.iter().map(|part| part.weight).sum()
    }

    /// What its prompts come to: the mean of each part times what that counts for.
    pub(crate) fn value(&self, of_row: impl Fn(usize) -> f64) -> f64 {
        let of_part = |part: &Part| match part.rows.as_slice() {
            [row] => part.weight * of_row(*row),
            rows => part.weight * mean(rows.iter().map(|row| of_row(*row))),
        };
        self.parts.iter().map(of_part).sum()
    }
}

/// Something a loss is tested on.
pub(crate) struct Stratum {
    /// Its units, in random order.
    pub(crate) units: Vec<Unit>,
}

/// The groups in random order, and the slices they fall into.
pub(crate) struct Units {
    groups: Vec<Unit>,
    strata: Vec<Stratum>,
    held: Vec<String>,
    too_small: Vec<String>,
    /// Whether units have means of their own, so that only bets that do not adapt are valid.
    pub(crate) uneven: bool,
}

impl Units {
    /// The groups of some prompts of a pool in the order of a seed.
    pub(crate) fn shuffled(pool: &Pool, rows: &[usize], seed: u32) -> Self {
        let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in rows {
            by_group.entry(&pool.prompts[*row].group).or_default().push(*row);
        }
        let mut groups: Vec<Unit> = by_group.into_values().map(Unit::of).collect();
        let mut dice = Dice::new(seed);
        for last in (1..groups.len()).rev() {
            let below = u32::try_from(last + 1).expect("a pool has fewer than 2^32 prompts");
            groups.swap(last, usize::try_from(dice.below(below)).expect("an index fits"));
        }
        Self { groups, strata: Vec::new(), held: Vec::new(), too_small: Vec::new(), uneven: false }
    }

    /// Takes the first groups out, for choosing on.
    pub(crate) fn split_off(&mut self, n: usize) -> Vec<Unit> {
        let rest = self.groups.split_off(n.min(self.groups.len()));
        std::mem::replace(&mut self.groups, rest)
    }

    pub(crate) fn n_groups(&self) -> usize {
        self.groups.len()
    }

    /// The groups that are tested on.
    pub(crate) fn groups(&self) -> &[Unit] {
        &self.groups
    }

    /// Their prompts, in order.
    pub(crate) fn order(&self) -> Vec<usize> {
        self.groups.iter().flat_map(Unit::rows).collect()
    }

    /// What each loss must be shown on.
    pub(crate) fn strata(&self) -> &[Stratum] {
        &self.strata
    }

    /// The slices that were large enough, and those that were not; none where nobody asked.
    pub(crate) fn slice_names(&self) -> Option<(Vec<String>, Vec<String>)> {
        (!self.held.is_empty()).then(|| (self.held.clone(), self.too_small.clone()))
    }

    /// Cuts the groups as was asked.
    pub(crate) fn slice(&mut self, ask: &Ask) -> Result<(), TuneError> {
        match &ask.slices {
            SliceOf::Nothing => self.strata = vec![Stratum { units: self.groups.clone() }],
            SliceOf::Each(names) => {
                let least = fewest_groups(ask);
                for (name, units) in self.cut(names) {
                    if number(units.len()) < least {
                        self.too_small.push(name);
                    } else {
                        self.held.push(name);
                        self.strata.push(Stratum { units });
                    }
                }
                if self.strata.is_empty() {
                    return Err(Box::new(super::Refused::of_small_slices(ask, &self.too_small)).into());
                }
            }
            SliceOf::Weighed(names, weights) => {
                self.weigh(names, weights)?;
                self.strata = vec![Stratum { units: self.groups.clone() }];
                self.uneven = true;
            }
        }
        Ok(())
    }

    /// The groups by slice; a group that lies in several has a part in each.
    fn cut(&self, names: &[String]) -> BTreeMap<String, Vec<Unit>> {
        let mut slices: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
        for group in &self.groups {
            for (name, rows) in parts(group, names) {
                slices.entry(name.to_owned()).or_default().push(Unit::of(rows));
            }
        }
        slices
    }

    /// Every part of a group counts for its slice's weight over the slice's parts to a group: so the mean of the groups is that of the
    /// slices' means in these proportions.
    fn weigh(&mut self, names: &[String], Weights(weights): &Weights) -> Result<(), TuneError> {
        let slices = self.cut(names);
        let known = || slices.keys().cloned().collect::<Vec<_>>().join(", ");
        if let Some(slice) = weights.keys().find(|slice| !slices.contains_key(*slice)).cloned() {
            return Err(WeightsError::NoRows { slice, known: known() }.into());
        }
        if let Some(slice) = slices.keys().find(|slice| !weights.contains_key(*slice)).cloned() {
            return Err(WeightsError::NoWeight { slice }.into());
        }
        let n_groups = number(self.groups.len());
        for group in &mut self.groups {
            let weighed = |(name, rows): (&str, Vec<usize>)| {
                let share = number(slices[name].len()) / n_groups;
                Part { rows, weight: weights[name] / share }
            };
            group.parts = parts(group, names).into_iter().map(weighed).collect();
        }
        Ok(())
    }
}

/// The prompts of a group by slice.
fn parts<'a>(group: &Unit, names: &'a [String]) -> BTreeMap<&'a str, Vec<usize>> {
    let mut parts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for row in group.rows() {
        parts.entry(&names[row]).or_default().push(row);
    }
    parts
}

#[cfg(test)]
mod tests {
    //! What counts once, however slices cut it.

    use std::collections::BTreeMap;

    use super::{SliceOf, Unit, Units, Weights};
    use crate::prove::town;
    use crate::tune::{Ask, Knob};
    use evals::grid::{mean, number};

    #[test]
    fn a_weighed_group_is_one_unit_however_many_slices_it_lies_in() {
        let pool = town(200, 3).pool;
        // The three prompts of one question lie in three slices.
        let names: Vec<String> =
            pool.prompts.iter().map(|prompt| prompt.id.rsplit('-').next().unwrap_or_default().to_owned()).collect();
        let rows: Vec<usize> = (0..pool.prompts.len()).collect();
        let shares = [("0", 0.2), ("1", 0.3), ("2", 0.5)];
        let weights = Weights::new(shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect()).unwrap();
        let mut units = Units::shuffled(&pool, &rows, 1);
        let slices = SliceOf::Weighed(names.clone(), weights);
        units.slice(&Ask { slices, ..Ask::of(Knob::Value, 0.1, 0.9) }).unwrap();
        assert_eq!((units.n_groups(), units.strata()[0].units.len()), (200, 200));
        let of_row = |row: usize| number(row % 7);
        let mut of_slices: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        rows.iter().for_each(|row| of_slices.entry(&names[*row]).or_default().push(of_row(*row)));
        let expected: f64 = shares.iter().map(|(name, share)| share * mean(of_slices[name].iter().copied())).sum();
        let found = mean(units.groups().iter().map(|unit| unit.value(of_row)));
        assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
        let heaviest = units.groups().iter().map(Unit::weight).fold(0.0, f64::max);
        assert!(
            (heaviest - (0.2 + 10.0 * 0.3 + 10.0 * 0.5)).abs() < 1e-9,
            "one question in ten lies in all three: {heaviest}"
        );
        assert!((mean(units.groups().iter().map(Unit::weight)) - 1.0).abs() < 1e-9);
    }
}

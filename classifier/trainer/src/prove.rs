//! Whether promises hold: rows are split at random again and again, a policy is tuned on one part, and what it loses is
//! looked up on the rest and on the whole. A promise that is broken more often than it says is a bug of the tuner, and this is
//! how anybody can look for it, on their own rows.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use decision::Loss;
use evals::dice::Dice;
use evals::grid::{mean, number};
use serde::Serialize;

use crate::tune::{Ask, Bench, Dish, Found, Menu, Shop, Stakes, TuneError, Units, Walk};

mod town;

pub use town::{Town, town};

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// How often the rows are split.
    pub n_trials: u32,
    /// The share of the groups that is tuned on.
    pub share: f64,
    /// The seed of the first split.
    pub seed: u32,
}

/// How often a promise was broken, and what it bought.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// The pool.
    pub pool: String,
    /// The mode.
    pub mode: &'static str,
    /// The promised loss.
    pub loss_at_most: f64,
    /// Splits.
    pub n_trials: u32,
    /// Splits on which something was promised; elsewhere the reference serves.
    pub n_promised: u32,
    /// Promises that were broken on the rows not tuned on. Those rows are a sample too: even a true promise is broken by
    /// some of them.
    pub n_broken_on_rest: u32,
    /// Promises that were broken on all rows together, as far as known the truth.
    pub n_broken: u32,
    /// Broken promises out of all that the confidence allows, with two standard errors of as many trials.
    pub n_allowed: f64,
    /// Mean saving on the rest; nothing where nothing was promised.
    pub saving: f64,
    /// Mean saving of the best parameter in hindsight on the rest for the promised loss.
    pub saving_in_hindsight: f64,
    /// The same for the loss that the tuned policy really had there.
    pub saving_at_own_loss: f64,
}

/// Tries all these losses on the same splits.
pub fn coverage(
    bench: &Bench<'_>,
    ask: &Ask,
    losses: &[f64],
    plan: Plan,
    done: &mut dyn FnMut(u32),
) -> Result<Vec<Coverage>, TuneError> {
    let mut sums: Vec<Sums> = losses.iter().map(|_| Sums::default()).collect();
    let mut menus: BTreeMap<Option<usize>, (Menu, Vec<f64>)> = BTreeMap::new();
    let all: Vec<usize> = (0..bench.pool.prompts.len()).collect();
    for trial in 0..plan.n_trials {
        let (tuned_on, rest) = split(bench, plan.share, plan.seed.wrapping_add(trial));
        let ask = Ask { seed: trial, ..ask.clone() };
        // Whether there are enough rows depends on the loss, so the shop is opened for the most that may be lost.
        let most = losses.iter().copied().fold(0.0, f64::max);
        let shop = Shop::of(bench, &Ask { loss_at_most: most, ..ask.clone() }, &tuned_on)?;
        let fresh;
        let (menu, sitting) = if ask.knob.remembers() {
            fresh = Menu::of(bench, &ask, &shop.stakes, &shop.units.order(), &mut |_, _| ())?;
            (&fresh, Sitting::anew(bench, &ask, &shop.stakes, &rest)?)
        } else {
            let key = shop.stakes.model(bench.pool)?.and_then(|model| bench.pool.model(model.as_str()));
            let (menu, on_all) = match menus.entry(key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let menu = Menu::of(bench, &ask, &shop.stakes, &all, &mut |_, _| ())?;
                    let on_all = losses_of(Ledger::of(bench, &ask, &shop.stakes, &all).judged(&menu.dishes));
                    place.insert((menu, on_all))
                }
            };
            let on_rest = Ledger::of(bench, &ask, &shop.stakes, &rest).judged(&menu.dishes);
            (&*menu, Sitting { on_rest, on_all: on_all.clone() })
        };
        for (sums, loss_at_most) in sums.iter_mut().zip(losses) {
            let ask = Ask { loss_at_most: *loss_at_most, ..ask.clone() };
            let walk = Walk { bench, ask: &ask, menu, units: &shop.units, stakes: &shop.stakes };
            let enough = number(shop.units.n_groups()) >= crate::tune::fewest_groups(&ask);
            let found = walk.at(*loss_at_most, ask.level()).filter(|found| enough && found.saving > 0.0);
            sums.add(&sitting, found, *loss_at_most);
        }
        done(trial + 1);
    }
    let n = f64::from(plan.n_trials);
    let d = 1.0 - ask.confidence;
    let coverage = sums.into_iter().zip(losses).map(|(sums, loss_at_most)| Coverage {
        pool: bench.pool.name.clone(),
        mode: ask.knob.word(),
        loss_at_most: *loss_at_most,
        n_trials: plan.n_trials,
        n_promised: sums.n_promised,
        n_broken_on_rest: sums.n_broken_on_rest,
        n_broken: sums.n_broken,
        n_allowed: n * d + 2.0 * (n * d * (1.0 - d)).sqrt(),
        saving: sums.saving / n,
        saving_in_hindsight: sums.saving_in_hindsight / n,
        saving_at_own_loss: sums.saving_at_own_loss / n,
    });
    Ok(coverage.collect())
}

#[derive(Default)]
struct Sums {
    n_promised: u32,
    n_broken_on_rest: u32,
    n_broken: u32,
    saving: f64,
    saving_in_hindsight: f64,
    saving_at_own_loss: f64,
}

impl Sums {
    fn add(&mut self, sitting: &Sitting, found: Option<Found>, loss_at_most: f64) {
        // A promise on the dot is kept; sums of decimal fractions are not exact.
        let broken = |loss: f64| u32::from(loss > loss_at_most + 1e-12);
        self.saving_in_hindsight += sitting.hindsight(loss_at_most);
        let Some(found) = found else { return };
        let (loss, saving) = sitting.on_rest[found.dish];
        self.n_promised += 1;
        self.n_broken_on_rest += broken(loss);
        self.n_broken += broken(sitting.on_all[found.dish]);
        self.saving += saving;
        self.saving_at_own_loss += sitting.hindsight(loss);
    }
}

/// What every policy loses and saves on rows that nothing was tuned on.
struct Sitting {
    /// Loss and saving on the rest.
    on_rest: Vec<(f64, f64)>,
    /// Loss on all rows.
    on_all: Vec<f64>,
}

impl Sitting {
    /// A budget begins with an empty account wherever it is put to work, and prompts come in any order.
    fn anew(bench: &Bench<'_>, ask: &Ask, stakes: &Stakes, rest: &[usize]) -> Result<Self, TuneError> {
        let all: Vec<usize> = (0..bench.pool.prompts.len()).collect();
        let judged = |rows: &[usize]| -> Result<Vec<(f64, f64)>, TuneError> {
            let order = Units::shuffled(bench.pool, rows, ask.seed.wrapping_add(1)).order();
            let menu = Menu::of(bench, ask, stakes, &order, &mut |_, _| ())?;
            Ok(Ledger::of(bench, ask, stakes, &order).judged(&menu.dishes))
        };
        Ok(Self { on_rest: judged(rest)?, on_all: losses_of(judged(&all)?) })
    }

    /// The best saving that would have lost at most this much.
    fn hindsight(&self, loss_at_most: f64) -> f64 {
        let allowed = self.on_rest.iter().filter(|(loss, _)| *loss <= loss_at_most + 1e-12);
        allowed.map(|(_, saving)| *saving).fold(0.0, f64::max)
    }
}

fn losses_of(judged: Vec<(f64, f64)>) -> Vec<f64> {
    judged.into_iter().map(|(loss, _)| loss).collect()
}

/// Rows to look policies up on, group by group, and what the reference did there.
struct Ledger<'a> {
    bench: &'a Bench<'a>,
    loss: Loss,
    groups: Vec<Vec<usize>>,
    /// The rival of each prompt.
    rival: Vec<usize>,
    rival_quality: f64,
    rival_cost: f64,
}

impl<'a> Ledger<'a> {
    fn of(bench: &'a Bench<'a>, ask: &Ask, stakes: &Stakes, rows: &[usize]) -> Self {
        let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in rows {
            by_group.entry(&bench.pool.prompts[*row].group).or_default().push(*row);
        }
        let groups: Vec<Vec<usize>> = by_group.into_values().collect();
        let quality = |model: usize| over(&groups, |row| bench.pool.truth.quality.row(row)[model]);
        // Where nobody was named, whoever is best on these very rows: the strictest there is.
        let best = (ask.against == crate::tune::Against::BestSingle).then(|| {
            let means: Vec<f64> = (0..bench.pool.models.len()).map(quality).collect();
            (1..means.len()).fold(0, |best, model| if means[model] > means[best] { model } else { best })
        });
        let rival: Vec<usize> =
            (0..bench.pool.prompts.len()).map(|row| best.unwrap_or_else(|| stakes.reference(row))).collect();
        let of_rival = |grid: &evals::grid::Grid| over(&groups, |row| grid.row(row)[rival[row]]);
        let (rival_quality, rival_cost) = (of_rival(&bench.pool.truth.quality), of_rival(&bench.pool.truth.bill_usd));
        Self { bench, loss: ask.loss, groups, rival, rival_quality, rival_cost }
    }

    /// Loss and saving of each policy.
    fn judged(&self, dishes: &[Dish]) -> Vec<(f64, f64)> {
        let truth = &self.bench.pool.truth;
        let own =
            |dish: &Dish, grid: &evals::grid::Grid, row: usize| dish.pick(row).map_or(0.0, |pick| grid.row(row)[pick]);
        let judged = dishes.iter().map(|dish| {
            let quality = over(&self.groups, |row| own(dish, &truth.quality, row));
            let cost = over(&self.groups, |row| own(dish, &truth.bill_usd, row));
            let loss = match self.loss {
                Loss::Difference => self.rival_quality - quality,
                Loss::Relative => 1.0 - quality / self.rival_quality,
                Loss::Worse => over(&self.groups, |row| {
                    let rival = truth.quality.row(row)[self.rival[row]];
                    f64::from(u8::from(own(dish, &truth.quality, row) < rival))
                }),
            };
            (loss, 1.0 - cost / self.rival_cost)
        });
        judged.collect()
    }
}

/// The mean over groups of the mean within each.
fn over(groups: &[Vec<usize>], value: impl Fn(usize) -> f64) -> f64 {
    mean(groups.iter().map(|rows| match rows.as_slice() {
        [row] => value(*row),
        rows => mean(rows.iter().map(|row| value(*row))),
    }))
}

/// The rows of a random share of the groups, and the rest.
fn split(bench: &Bench<'_>, share: f64, seed: u32) -> (Vec<usize>, Vec<usize>) {
    let names: BTreeSet<&str> = bench.pool.prompts.iter().map(|prompt| prompt.group.as_str()).collect();
    let mut dice = Dice::new(seed);
    let first: BTreeSet<&str> = names.into_iter().filter(|_| dice.unit() < share).collect();
    (0..bench.pool.prompts.len()).partition(|row| first.contains(bench.pool.prompts[*row].group.as_str()))
}

#[cfg(test)]
mod tests;

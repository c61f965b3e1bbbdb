//! The walk along the parameters: from the most cautious on, as far as the rows show it. What may go wrong is dealt out evenly
//! over the walks; within a walk it is not spent again, because the walk ends at the first parameter that cannot be shown.

use evals::grid::{mean, number};

use super::losses::{Asked, Rival};
use super::menu::Dish;
use super::units::Unit;
use super::{Ask, Bench, Menu, Stakes, Units};

/// All that a walk needs.
pub(crate) struct Walk<'a> {
    pub(crate) bench: &'a Bench<'a>,
    pub(crate) ask: &'a Ask,
    pub(crate) menu: &'a Menu,
    pub(crate) units: &'a Units,
    pub(crate) stakes: &'a Stakes,
}

/// Where the walks ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// The cheapest of what was shown, by its place on the menu.
    pub(crate) dish: usize,
    /// The share of the reference's cost that it saves on the rows.
    pub(crate) saving: f64,
    /// How many were shown.
    pub(crate) n_shown: usize,
}

impl Walk<'_> {
    /// The cheapest policy that is shown to lose at most this much.
    pub(crate) fn at(&self, loss_at_most: f64, level: f64) -> Option<Found> {
        let (rivals, level) = self.stakes.rivals(self.bench, self.ask, self.units, level);
        let level = level / number(self.menu.n_paths);
        let asked = Asked { bench: self.bench, ask: self.ask, loss: self.ask.loss, loss_at_most };
        let mut best: Option<Found> = None;
        let (mut n_shown, mut last): (usize, Option<(&Dish, bool)>) = (0, None);
        for (index, dish) in self.menu.dishes.iter().enumerate() {
            let same_path = last.filter(|(last, _)| last.path == dish.path);
            let shown = match same_path {
                Some((_, false)) => false,
                // Equal choices have equal losses: what was shown of one was shown of the other.
                Some((last, true)) if dish.picks_like(last, self.rows()) => true,
                Some((_, true)) | None => self.shows(&asked, dish, &rivals, level),
            };
            last = Some((dish, shown));
            if shown {
                n_shown += 1;
                let saving = self.saving(dish);
                if best.is_none_or(|best| saving > best.saving) {
                    best = Some(Found { dish: index, saving, n_shown: 0 });
                }
            }
        }
        best.map(|best| Found { n_shown, ..best })
    }

    fn shows(&self, asked: &Asked<'_>, dish: &Dish, rivals: &[Rival], level: f64) -> bool {
        rivals.iter().all(|rival| {
            self.units.strata().iter().all(|stratum| {
                let left = self.stakes.left(asked, dish, stratum, *rival);
                asked.shown(left, stratum, self.units.uneven, level)
            })
        })
    }

    fn rows(&self) -> impl Iterator<Item = usize> {
        self.units.groups().iter().flat_map(Unit::rows)
    }

    /// The share of the reference's cost that a policy saves; nothing where the reference is free.
    pub(crate) fn saving(&self, dish: &Dish) -> f64 {
        let bill = &self.bench.pool.truth.bill_usd;
        let mean_of = |pick: &dyn Fn(usize) -> Option<usize>| {
            let of_row = |row: usize| pick(row).map_or(0.0, |pick| bill.row(row)[pick]);
            mean(self.units.groups().iter().map(|group| group.value(of_row)))
        };
        let reference = mean_of(&|row| Some(self.stakes.reference(row)));
        if reference > 0.0 { 1.0 - mean_of(&|row| dish.pick(row)) / reference } else { 0.0 }
    }
}

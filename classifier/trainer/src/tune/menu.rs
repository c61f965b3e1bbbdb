//! All the policies that may be chosen from, in the order in which they are tried, with what each of them picks. The order and
//! the parameters are constants: were they made from the rows, the rows could not judge them any more.

use std::sync::{Mutex, PoisonError};

use decision::{Mode, ModelId, PicoUsd, Quality, Rules, WhenSpent};
use evals::grid::number;

use super::{Ask, Bench, Stakes, TuneError, names, policy_of, replayer, rules_of};
use crate::crew::side_by_side;

/// Which parameter is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knob {
    /// `quality_tolerance`.
    Tolerance,
    /// `quality_floor`.
    Target,
    /// `usd_per_success`.
    Value,
    /// `usd_per_request`.
    Budget(WhenSpent),
}

impl Knob {
    /// One of each.
    pub const ALL: [Self; 4] = [Self::Tolerance, Self::Target, Self::Value, Self::Budget(WhenSpent::Cheapest)];

    /// Its word on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tolerance => "tolerance",
            Self::Target => "target",
            Self::Value => "value",
            Self::Budget(_) => "budget",
        }
    }

    /// The knob of a mode; a pin has none.
    pub fn of(mode: &Mode) -> Option<Self> {
        match mode {
            Mode::Tolerance { .. } => Some(Self::Tolerance),
            Mode::Target { .. } => Some(Self::Target),
            Mode::Value { .. } => Some(Self::Value),
            Mode::Budget { when_spent, .. } => Some(Self::Budget(*when_spent)),
            Mode::Pin { .. } => None,
        }
    }

    /// Whether a choice depends on those before it.
    pub(crate) fn remembers(self) -> bool {
        match self {
            Self::Budget(_) => true,
            Self::Tolerance | Self::Target | Self::Value => false,
        }
    }

    /// Where every walk begins.
    pub(crate) fn most_cautious(self) -> Mode {
        self.modes().next().expect("every knob has a first setting")
    }

    /// All settings, from the one that buys the most quality to the one that buys none.
    pub(super) fn modes(self) -> impl Iterator<Item = Mode> {
        let n_steps = match self {
            Self::Tolerance | Self::Target => 40,
            // Eight to a power of ten, from a thousand dollars to a millionth: a call costs something in between.
            Self::Value => 73,
            Self::Budget(_) => 57,
        };
        let usd = |power: f64| PicoUsd::from_usd(10f64.powf(power)).expect("between a tenth of a millionth and 1,000");
        let quality = |share: f64| Quality::new(share).expect("a share is a quality");
        (0..n_steps).map(move |step| {
            let way = number(step) / number(n_steps - 1);
            match self {
                Self::Tolerance => Mode::Tolerance { quality_tolerance: quality(way * way / 2.0) },
                Self::Target => Mode::Target { quality_floor: quality(1.0 - way.powf(1.5)) },
                Self::Value => Mode::Value { usd_per_success: usd(3.0 - 9.0 * way) },
                Self::Budget(when_spent) => Mode::Budget { usd_per_request: usd(1.0 - 8.0 * way), when_spent },
            }
        })
    }
}

/// One policy and what it picks.
pub(crate) struct Dish {
    /// Which walk it belongs to.
    pub(crate) path: usize,
    /// The policy.
    pub(crate) rules: Rules,
    /// The model of each prompt of the pool; beyond the models where it picks none.
    picks: Vec<u16>,
}

const NOBODY: u16 = u16::MAX;

impl Dish {
    /// The model it picks for a prompt.
    pub(crate) fn pick(&self, row: usize) -> Option<usize> {
        let pick = self.picks[row];
        (pick != NOBODY).then_some(usize::from(pick))
    }

    /// Whether it picks the same as another on these prompts.
    pub(crate) fn picks_like(&self, other: &Self, rows: impl IntoIterator<Item = usize>) -> bool {
        rows.into_iter().all(|row| self.picks[row] == other.picks[row])
    }
}

/// All of them, walk by walk.
pub(crate) struct Menu {
    pub(crate) dishes: Vec<Dish>,
    pub(crate) n_paths: usize,
}

impl Menu {
    /// Replays every policy over these prompts, in this order, on all cores. Only a budget asks for the order.
    pub(crate) fn of(
        bench: &Bench<'_>,
        ask: &Ask,
        stakes: &Stakes,
        order: &[usize],
        done: Done<'_>,
    ) -> Result<Self, TuneError> {
        let models = names(bench.pool)?;
        let replayer = replayer(bench)?;
        let reference = stakes.model(bench.pool)?;
        let paths = paths(ask, reference.as_ref());
        let modes: Vec<Mode> = ask.knob.modes().collect();
        let along = |(path, lean)| modes.iter().map(move |mode| (path, lean, mode));
        let settings: Vec<_> = paths.iter().copied().enumerate().flat_map(along).collect();
        let progress = Mutex::new((0, done));
        let dishes = side_by_side(&settings, |(path, lean, mode)| {
            let rules = rules_of(ask, (*mode).clone(), *lean, &models)?;
            let policy = policy_of(rules.clone())?;
            let mut picks = vec![NOBODY; bench.pool.prompts.len()];
            let chosen = replayer.choices(&policy, order.iter().copied());
            for (row, pick) in order.iter().zip(chosen) {
                picks[*row] = pick.and_then(|pick| u16::try_from(pick).ok()).unwrap_or(NOBODY);
            }
            let (n_done, done) = &mut *progress.lock().unwrap_or_else(PoisonError::into_inner);
            *n_done += 1;
            done(*n_done, settings.len());
            Ok(Dish { path: *path, rules, picks })
        });
        Ok(Self { dishes: dishes.into_iter().collect::<Result<_, TuneError>>()?, n_paths: paths.len() })
    }
}

/// Hears how many policies of how many have been replayed.
pub type Done<'a> = &'a mut (dyn FnMut(usize, usize) + Send);

/// The shrinkages, one walk each; one walk without any where no model stands for the reference.
fn paths<'m>(ask: &Ask, reference: Option<&'m ModelId>) -> Vec<Option<(&'m ModelId, f64)>> {
    match reference {
        Some(model) if !ask.shrinkages.is_empty() => {
            ask.shrinkages.iter().map(|shrinkage| Some((model, *shrinkage))).collect()
        }
        Some(_) | None => vec![None],
    }
}

//! What is lost, and against whom. "The best single model" is nobody known: whoever seems best on some rows is flattered by
//! them. So the loss is tested against every model that could be the best, and a policy passes only if it passes against each.

use decision::{Loss, ModelId};
use evals::grid::{Grid, mean, number};
use evals::pool::Pool;

use super::menu::Dish;
use super::units::{Stratum, Unit, Units};
use super::{Against, Ask, Bench, CHOOSING_SHARE, SliceOf, TuneError};
use crate::bounds::{constant_bets, deadline_bets};

/// The share of what may go wrong that is spent on telling who could be the best, where that has to be told.
const TELLING_SHARE: f64 = 0.1;

/// Forecasts know more rows than the few that the reference is chosen on, so their mean counts like this many groups in that
/// choice. A guess; the promise does not rest on the choice, only the saving does.
const FORECAST_COUNTS: f64 = 1000.0;

/// What stands for the reference on each prompt.
enum Standing {
    /// One model.
    Single(usize),
    /// A model a prompt.
    Each(Vec<usize>),
}

/// The reference, and who else could be it.
pub(crate) struct Stakes {
    standing: Standing,
    /// Whether other models could be the reference.
    open: bool,
}

/// Somebody the loss is counted against.
#[derive(Clone, Copy)]
pub(crate) enum Rival {
    /// This model.
    Model(usize),
    /// What stands for the reference.
    Reference,
}

impl Stakes {
    /// Settles the reference. Where nobody names it, it is chosen on groups that nothing is tested on.
    pub(crate) fn chosen(bench: &Bench<'_>, ask: &Ask, units: &mut Units) -> Result<Self, TuneError> {
        let pool = bench.pool;
        match &ask.against {
            Against::Model(name) => {
                let Some(model) = pool.model(name) else {
                    let nearest = decision::nearest(name, pool.models.iter().map(String::as_str)).map(str::to_owned);
                    return Err(TuneError::NoReference { model: name.clone(), nearest });
                };
                Ok(Self { standing: Standing::Single(model), open: false })
            }
            Against::BestForecast => Ok(Self { standing: Standing::Each(best_forecasts(bench)), open: false }),
            Against::BestSingle => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tenth of a count")]
                let n = (CHOOSING_SHARE * number(units.n_groups())) as usize;
                let groups = units.split_off(n.max(1));
                let over = |grid: &Grid, model: usize| {
                    mean(groups.iter().map(|group| group.value(|row| grid.row(row)[model])))
                };
                let n = number(groups.len());
                let quality = |model: usize| {
                    let (seen, forecast) = (over(&pool.truth.quality, model), over(&bench.forecast.quality, model));
                    (n * seen + FORECAST_COUNTS * forecast) / (n + FORECAST_COUNTS)
                };
                let means: Vec<f64> = (0..pool.models.len()).map(quality).collect();
                let best =
                    (1..means.len()).fold(0, |best, model| if means[model] > means[best] { model } else { best });
                Ok(Self { standing: Standing::Single(best), open: true })
            }
        }
    }

    /// The model that stands for the reference on a prompt.
    pub(crate) fn reference(&self, row: usize) -> usize {
        match &self.standing {
            Standing::Single(model) => *model,
            Standing::Each(models) => models[row],
        }
    }

    /// The one model that stands for the reference, where one does.
    pub(crate) fn model(&self, pool: &Pool) -> Result<Option<ModelId>, TuneError> {
        Ok(match &self.standing {
            Standing::Single(model) => Some(ModelId::new(&pool.models[*model])?),
            Standing::Each(_) => None,
        })
    }

    /// Against whom the loss is tested, and what of the level is left for that. A mean difference is tested against every
    /// model, and whichever is best is among them: that costs nothing. A share of prompts made worse, or a slice, says little
    /// against a model that is not the best of all, so there those come out that are shown to be worse than the reference.
    pub(crate) fn rivals(&self, bench: &Bench<'_>, ask: &Ask, units: &Units, level: f64) -> (Vec<Rival>, f64) {
        if !self.open {
            return (vec![Rival::Reference], level);
        }
        let quality = &bench.pool.truth.quality;
        let all: Vec<usize> = (0..bench.pool.models.len()).collect();
        let by_mean = |models: Vec<usize>| {
            let means = quality.column_means();
            let mut models = models;
            // The hardest first, so that a walk that ends here ends at once.
            models.sort_by(|a, b| means[*b].total_cmp(&means[*a]).then(a.cmp(b)));
            models.into_iter().map(Rival::Model).collect()
        };
        let sliced = matches!(ask.slices, SliceOf::Each(_));
        if ask.loss != Loss::Worse && !sliced {
            return (by_mean(all), level);
        }
        let telling = TELLING_SHARE * level;
        let could_be_best = |model: &usize| {
            let ahead = units.groups().iter().map(|unit| {
                unit.value(|row| {
                    let qualities = quality.row(row);
                    qualities[self.reference(row)] - qualities[*model]
                })
            });
            let worst = units.groups().iter().map(Unit::weight).fold(1.0, f64::max);
            !if units.uneven { constant_bets(ahead, worst, telling) } else { deadline_bets(ahead, worst, telling) }
        };
        (by_mean(all.into_iter().filter(could_be_best).collect()), level - telling)
    }

    /// What is left of the figure on each unit after the loss of a policy: the promise is that its mean is above nothing.
    pub(crate) fn left(
        &self,
        asked: &Asked<'_>,
        dish: &Dish,
        stratum: &Stratum,
        rival: Rival,
    ) -> impl ExactSizeIterator<Item = f64> {
        let Asked { bench, loss, loss_at_most, .. } = *asked;
        let quality = &bench.pool.truth.quality;
        let of_row = move |row: usize| {
            let qualities = quality.row(row);
            let own = dish.pick(row).map_or(0.0, |pick| qualities[pick]);
            let other = match rival {
                Rival::Model(model) => qualities[model],
                Rival::Reference => qualities[self.reference(row)],
            };
            match loss {
                Loss::Difference => loss_at_most - (other - own),
                Loss::Relative => own - (1.0 - loss_at_most) * other,
                Loss::Worse => loss_at_most - f64::from(u8::from(own < other)),
            }
        };
        stratum.units.iter().map(move |unit| unit.value(of_row))
    }
}

/// What is tested.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) bench: &'a Bench<'a>,
    pub(crate) ask: &'a Ask,
    pub(crate) loss: Loss,
    pub(crate) loss_at_most: f64,
}

impl Asked<'_> {
    /// Whether the values show that the promise holds.
    pub(crate) fn shown(
        &self,
        left: impl ExactSizeIterator<Item = f64>,
        stratum: &Stratum,
        uneven: bool,
        level: f64,
    ) -> bool {
        let heaviest = stratum.units.iter().map(Unit::weight).fold(1.0, f64::max);
        let worst = (1.0 - self.loss_at_most) * heaviest;
        let best = heaviest
            * match self.loss {
                Loss::Difference => 1.0 + self.loss_at_most,
                Loss::Relative => 1.0,
                Loss::Worse => self.loss_at_most,
            };
        if uneven || self.ask.knob.remembers() {
            return constant_bets(left, worst, level);
        }
        self.ask.bound.shows(left, (worst, best), level)
    }
}

/// On each prompt the model with the best forecast, of equals the cheapest, then the first.
fn best_forecasts(bench: &Bench<'_>) -> Vec<usize> {
    let rows = bench.forecast.quality.rows().zip(bench.forecast.cost_usd.rows());
    rows.map(|(quality, cost)| {
        (1..quality.len()).fold(0, |best, model| {
            let better = quality[model].total_cmp(&quality[best]).then(cost[best].total_cmp(&cost[model]));
            if better.is_gt() { model } else { best }
        })
    })
    .collect()
}

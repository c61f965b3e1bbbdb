//! Fits the views to some of the prompts. Views do not know each other: they are fitted side by side, each from its own seed.

use classifier::abilities::{Link, Seen, Usual};
use classifier::heads::View;
use classifier::ordinary::Ordinary;

use crate::footing::footing;
use crate::material::Material;
use crate::say::{Say, mean_and_variance};
use crate::topics::Told;

pub(crate) use self::forest::{ForestCourse, fit_forest};
pub(crate) use self::net::{fit_net, spread};

mod forest;
mod net;

/// A fitted view: how it sees prompts, and the abilities it found in models.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitted {
    pub(crate) view: View,
    /// Row after row: bias, slope, abilities.
    pub(crate) abilities: Vec<f32>,
    /// What is usual among them.
    pub(crate) usual: Usual,
    /// What is ordinary about prompts, as it sees those that it was fitted to; a forest, by its trees that never saw them.
    pub(crate) ordinary: Ordinary,
}

impl Fitted {
    fn new(material: &Material<'_>, view: View, abilities: Vec<f32>, usual: Usual) -> Self {
        let seen = |row: &u32| {
            let traits = view.traits(&material.dataset.prompts[*row as usize].reading);
            (traits, material.weights[*row as usize])
        };
        let seen: Vec<(Vec<f32>, f32)> = material.rows.iter().map(seen).collect();
        let seen: Vec<(&[f32], f32)> = seen.iter().map(|(traits, weight)| (traits.as_slice(), *weight)).collect();
        Self::seeing(&seen, view, abilities, usual)
    }

    /// With the traits that it sees in prompts, and how much each counts.
    fn seeing(prompts: &[(&[f32], f32)], view: View, abilities: Vec<f32>, usual: Usual) -> Self {
        let ordinary = Ordinary::learn(prompts, &usual.row(view.link()));
        Self { view, abilities, usual, ordinary }
    }
}

/// The view of topics, fitted to these prompts by what topics that never saw them told of each.
pub(crate) fn fit_shares(material: &Material<'_>, told: &Told, fold: Option<u32>) -> Fitted {
    let topics = told.without(fold);
    let cells = material.qualities();
    let footing = footing(material.dataset, &cells, Link::Identity);
    let mut seen = vec![Vec::new(); material.dataset.models.len()];
    for cell in cells {
        let traits = told.unseen(cell.prompt);
        seen[cell.model as usize].push(Seen { traits, value: cell.value, weight: 1.0 });
    }
    let (usual, abilities) = learn_beside(&footing, seen, topics.n_topics(), &Say::OfTheMost.of(material));
    let unseen: Vec<(&[f32], f32)> =
        material.rows.iter().map(|row| (told.unseen(*row), material.weights[*row as usize])).collect();
    Fitted::seeing(&unseen, View::Topics(Box::new(topics.clone())), abilities, usual)
}

/// Abilities by what is left of each model's outcomes over its footing. Left to itself, a regression half takes a model that was
/// only asked what is hard for one that is weak everywhere.
pub(crate) fn learn_beside(
    footing: &[f64],
    mut seen: Vec<Vec<Seen<'_>>>,
    n_traits: usize,
    say: &[f64],
) -> (Usual, Vec<f32>) {
    for (seen, footing) in seen.iter_mut().zip(footing) {
        seen.iter_mut().for_each(|seen| seen.value -= *footing as f32);
    }
    let (mut usual, mut rows) = Usual::learn(&seen, n_traits);
    rows.iter_mut().zip(footing).for_each(|(row, footing)| row[0] += footing);
    // Without outcomes here a model has no footing of its own to tell of.
    let say: Vec<f64> = say.iter().zip(&seen).map(|(say, seen)| if seen.is_empty() { 0.0 } else { *say }).collect();
    let (mean, variance) = mean_and_variance(footing, &say);
    usual.means[0] += mean;
    usual.variances[0] += variance;
    (usual, rows.iter().flatten().map(|value| *value as f32).collect())
}

#[cfg(test)]
mod tests;

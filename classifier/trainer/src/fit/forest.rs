//! A forest fitted: factors of what was answered, and trees that tell them of prompts.

use classifier::abilities::{Link, Seen};
use classifier::heads::View;

use super::{Fitted, learn_beside};
use crate::dice::Dice;
use crate::factors::{Cell, Factors, Penalties};
use crate::footing::footing;
use crate::grow::{Growth, Sample, grow};
use crate::material::Material;
use crate::say::Say;

/// How a forest is fitted: its growth, how many numbers a prompt has, and how the factors before it are held back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForestCourse {
    pub(crate) growth: Growth,
    pub(crate) rank: usize,
    pub(crate) penalties: Penalties,
    pub(crate) say: Say,
}

/// A forest view of the quality, or of whatever the cells hold.
pub(crate) fn fit_forest(
    material: &Material<'_>,
    columns: &[f32],
    cells: &[Cell],
    course: &ForestCourse,
    seed: u64,
    step_done: &dyn Fn(),
) -> Fitted {
    let dataset = material.dataset;
    let rank = course.rank;
    let n = (dataset.prompts.len(), dataset.models.len());
    let footing = footing(dataset, cells, Link::Identity);
    let factors = Factors::fit(cells, n, rank, &course.penalties, &footing, &mut Dice::new(seed, 0));
    let targets: Vec<f32> = factors.prompts.iter().map(|value| *value as f32).collect();
    let groups: Vec<u64> = dataset.prompts.iter().map(|prompt| prompt.group).collect();
    let weights = &material.weights;
    let sample = Sample { columns, n_rows: n.0, targets: &targets, n_targets: rank, weights, groups: &groups };
    let mut known: Vec<u32> = cells.iter().map(|cell| cell.prompt).collect();
    known.dedup();
    let grown = grow(&sample, &known, &course.growth, seed, step_done);
    let mut seen = vec![Vec::new(); n.1];
    // Of a prompt that every tree saw nothing unseen is told.
    for cell in cells.iter().filter(|cell| grown.n_unseen[cell.prompt as usize] > 0.0) {
        let traits = &grown.unseen[cell.prompt as usize * rank..][..rank];
        seen[cell.model as usize].push(Seen { traits, value: cell.value, weight: 1.0 });
    }
    let (usual, abilities) = learn_beside(&footing, seen, rank, &course.say.of(material));
    let rows = material.rows.iter().map(|row| *row as usize).filter(|row| grown.n_unseen[*row] > 0.0);
    let unseen: Vec<(&[f32], f32)> =
        rows.map(|row| (&grown.unseen[row * rank..][..rank], material.weights[row])).collect();
    Fitted::seeing(&unseen, View::Forest(grown.forest), abilities, usual)
}

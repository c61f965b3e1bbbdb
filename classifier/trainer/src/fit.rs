//! Fits the views to some of the prompts. Views do not know each other: they are fitted side by side, each from its own seed.

use classifier::abilities::{Link, Seen, Usual};
use classifier::feature_layer::standardised;
use classifier::heads::View;
use classifier::matrix::Matrix;
use classifier::ordinary::Ordinary;

use crate::dataset::Dataset;
use crate::dice::Dice;
use crate::factors::{Cell, Factors, Penalties};
use crate::footing::footing;
use crate::grow::{Growth, Sample, grow};
use crate::learn::{Classroom, Course, Pupil, Start, learn};
use crate::say::{Say, mean_and_variance};
use crate::topics::Told;

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

/// What all views start from: the prompts to learn from and how much each counts.
pub(crate) struct Material<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) rows: &'a [u32],
    pub(crate) weights: Vec<f32>,
}

/// Small sources count for more than their share: a source of `n` prompts weighs as this power of `n`.
const SOURCE_POWER: f32 = 0.6;

impl<'a> Material<'a> {
    pub(crate) fn new(dataset: &'a Dataset, rows: &'a [u32]) -> Self {
        let mut sizes = vec![0.0_f32; dataset.sources.len()];
        for row in rows {
            sizes[usize::from(dataset.prompts[*row as usize].source)] += 1.0;
        }
        let mut weights = vec![0.0; dataset.prompts.len()];
        for row in rows {
            let prompt = &dataset.prompts[*row as usize];
            let size = sizes[usize::from(prompt.source)];
            weights[*row as usize] = libm::powf(size, SOURCE_POWER) / size * (prompt.answers.len() as f32).sqrt();
        }
        let mean = weights.iter().sum::<f32>() / rows.len().max(1) as f32;
        weights.iter_mut().for_each(|weight| *weight /= mean);
        Self { dataset, rows, weights }
    }

    /// The logarithms of the lengths of answers, where rows say them; prompt by prompt.
    pub(crate) fn lengths(&self) -> Vec<Cell> {
        let cells = self.rows.iter().flat_map(|row| {
            let answers = self.dataset.prompts[*row as usize].answers.iter();
            answers.filter_map(|answer| {
                let value = libm::log1pf(answer.output?);
                Some(Cell { prompt: *row, model: u32::from(answer.model), value })
            })
        });
        cells.collect()
    }

    /// The qualities; prompt by prompt.
    pub(crate) fn qualities(&self) -> Vec<Cell> {
        let cells = self.rows.iter().flat_map(|row| {
            let answers = &self.dataset.prompts[*row as usize].answers;
            answers.iter().map(|answer| Cell { prompt: *row, model: u32::from(answer.model), value: answer.quality })
        });
        cells.collect()
    }
}

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

/// A net view. `table` holds a row for each word piece to start from.
pub(crate) fn fit_net(
    material: &Material<'_>,
    table: Option<&Start<'_>>,
    course: &Course,
    seed: u64,
    step_done: &dyn Fn(),
) -> Fitted {
    let dataset = material.dataset;
    let (centre, inverse_spread) =
        spread(material.rows.iter().map(|row| dataset.prompts[*row as usize].reading.row.values()));
    let standardised: Vec<Vec<f32>> = material
        .rows
        .iter()
        .map(|row| {
            let values = dataset.prompts[*row as usize].reading.row.values();
            values
                .iter()
                .zip(&centre)
                .zip(&inverse_spread)
                .map(|((value, centre), scale)| standardised(*value, *centre, *scale))
                .collect()
        })
        .collect();
    let answers: Vec<Vec<(u16, f32)>> = material
        .rows
        .iter()
        .map(|row| dataset.prompts[*row as usize].answers.iter().map(|answer| (answer.model, answer.quality)).collect())
        .collect();
    let vocabulary = Vocabulary::of(material);
    let pieces: Vec<Vec<u32>> =
        material
            .rows
            .iter()
            .map(|row| {
                if course.reads {
                    vocabulary.places(&dataset.prompts[*row as usize].reading.pieces)
                } else {
                    Vec::new()
                }
            })
            .collect();
    let small = table.filter(|_| course.reads).map(|start| vocabulary.taken(start));
    let pupils: Vec<Pupil<'_>> = material
        .rows
        .iter()
        .zip(standardised.iter().zip(&answers).zip(&pieces))
        .map(|(row, ((features, answers), pieces))| {
            let prompt = &dataset.prompts[*row as usize];
            Pupil { pieces, features, answers, weight: material.weights[*row as usize], dataset: prompt.dataset }
        })
        .collect();
    let biases: Vec<f32> =
        footing(dataset, &material.qualities(), Link::Logit).into_iter().map(|value| value as f32).collect();
    let room = Classroom {
        pupils: &pupils,
        start: table.zip(small.as_ref()).map(|(start, small)| Start { width: start.width, table: small }),
        centre: &centre,
        inverse_spread: &inverse_spread,
        biases: &biases,
        n_datasets: dataset.datasets.len(),
    };
    let mut learned = learn(&room, course, seed, step_done);
    if let (Some(reader), Some(start)) = (&mut learned.net.reader, table) {
        vocabulary.put_back(reader, start);
    }
    let (rows, n) = (learned.abilities.rows, learned.abilities.n);
    let usual = Usual::of_rows(&rows.chunks_exact(n).zip(Say::OfTheMost.of(material)).collect::<Vec<_>>());
    Fitted::new(material, View::Net(Box::new(learned.net)), rows, usual)
}

/// Mean and one over the deviation of every number in these rows.
pub(crate) fn spread<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]> + Clone) -> (Vec<f32>, Vec<f32>) {
    let width = rows.clone().next().map_or(0, <[f32]>::len);
    let n = rows.len().max(1) as f64;
    let mut sums = vec![(0.0_f64, 0.0_f64); width];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            sum.0 += f64::from(*value);
            sum.1 += f64::from(*value) * f64::from(*value);
        }
    }
    let centre = sums.iter().map(|(sum, _)| (sum / n) as f32).collect();
    let inverse = sums.iter().map(|(sum, squares)| {
        let variance = squares / n - (sum / n) * (sum / n);
        // A column that never changes says nothing; it must not be blown up when it once does.
        if variance > 1e-8 { (1.0 / variance.sqrt()) as f32 } else { 0.0 }
    });
    (centre, inverse.collect())
}

/// The word pieces that occur: only their rows are trained, the others stay as they were distilled.
struct Vocabulary {
    used: Vec<u32>,
}

impl Vocabulary {
    fn of(material: &Material<'_>) -> Self {
        let mut used: Vec<u32> = material
            .rows
            .iter()
            .flat_map(|row| &material.dataset.prompts[*row as usize].reading.pieces)
            .copied()
            .collect();
        used.sort_unstable();
        used.dedup();
        Self { used }
    }

    fn places(&self, pieces: &[u32]) -> Vec<u32> {
        let place = |piece: &u32| self.used.binary_search(piece).ok().and_then(|place| u32::try_from(place).ok());
        pieces.iter().filter_map(place).collect()
    }

    fn taken(&self, start: &Start<'_>) -> Vec<f32> {
        self.used
            .iter()
            .flat_map(|piece| start.table[*piece as usize * start.width..][..start.width].iter().copied())
            .collect()
    }

    fn put_back(&self, reader: &mut classifier::net::Reader, start: &Start<'_>) {
        let mut table = Matrix::of(start.table, start.width);
        let learned = reader.table.steps.chunks_exact(start.width).zip(&reader.table.scales);
        for (piece, (row, scale)) in self.used.iter().zip(learned) {
            table.steps[*piece as usize * start.width..][..start.width].copy_from_slice(row);
            table.scales[*piece as usize] = *scale;
        }
        reader.table = table;
    }
}

#[cfg(test)]
mod tests {
    //! Abilities of models that were not asked everything.

    use classifier::abilities::{Seen, Usual};
    use classifier::heads::View;

    use super::{Fitted, ForestCourse, Material, fit_forest, fit_net, fit_shares, learn_beside};
    use crate::dataset::{Answer, Dataset};
    use crate::footing::tests::school;
    use crate::grow::Growth;
    use crate::learn::Course;
    use crate::plan::Plan;
    use crate::say::Say;
    use crate::topics::{Subjects, Told, ToldBy};
    use crate::train::{COURSE, QUALITY};

    const N_WEAK: u16 = 8;

    const EASY: [f32; 2] = [1.0, 0.0];
    const HARD: [f32; 2] = [0.0, 1.0];

    /// What so many outcomes of a kind of prompts say.
    fn said(kind: &[f32; 2], value: f32) -> Vec<Seen<'_>> {
        vec![Seen { traits: kind, value, weight: 1.0 }; 30]
    }

    /// Of twelve models three were asked both kinds, one as good as they the easy kind alone, and eight weak ones the hard kind alone.
    fn seen<'a>() -> Vec<Vec<Seen<'a>>> {
        let both = (0..3).map(|_| [said(&EASY, 0.9), said(&HARD, 0.5)].concat());
        let easy = std::iter::once(said(&EASY, 0.9));
        let weak = (0..8).map(|_| said(&HARD, 0.1));
        both.chain(easy).chain(weak).collect()
    }

    /// As `footing` would have it: the weak are 0.4 below the others.
    fn footing() -> Vec<f64> {
        (0..12).map(|model| if model < 4 { 0.7 } else { 0.3 }).collect()
    }

    /// What the fourth model would do where it was not asked, and a weak one where it was not.
    fn elsewhere(row: impl Fn(usize, usize) -> f64) -> [f64; 2] {
        [row(3, 0) + row(3, 2), row(11, 0) + row(11, 1)]
    }

    #[test]
    fn a_net_begins_with_models_on_one_footing() {
        let (dataset, _) = school();
        let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
        let untaught = Course { reads: false, epochs: 0, ..COURSE };
        let fitted = fit_net(&Material::new(&dataset, &rows), None, &untaught, 1, &|| ());
        let n = fitted.abilities.len() / dataset.models.len();
        let [both, hard, easy] = [0, 1, 2].map(|model| fitted.abilities[model * n]);
        assert!((both - hard).abs() < 0.1 && easy < hard - 0.1, "{both}, {hard}, {easy}");
    }

    /// The school with many who are weak and went to the hard one alone, and with prompts that are told which school they are of.
    fn told_school() -> (Dataset, Vec<f32>) {
        let (mut dataset, _) = school();
        dataset.models.extend((0..N_WEAK).map(|weak| format!("weak{weak}")));
        for prompt in dataset.prompts.iter_mut().filter(|prompt| prompt.dataset == 1) {
            let answer = |model| Answer { model, quality: 0.05, output: None, reasoning: None };
            prompt.answers.extend((4..4 + N_WEAK).map(answer));
        }
        let share = |school: usize, prompt: &crate::dataset::Lesson| f32::from(usize::from(prompt.dataset) == school);
        let shares: Vec<f32> =
            dataset.prompts.iter().flat_map(|prompt| [0, 1, 2].map(|school| share(school, prompt))).collect();
        dataset.tell_topics(&shares);
        (dataset, shares)
    }

    /// What a model would do on a prompt with these traits.
    fn expected(fitted: &Fitted, model: usize, traits: &[f32]) -> f32 {
        let n = 1 + traits.len();
        View::sum(traits, &fitted.abilities[model * n..][..n])
    }

    #[test]
    fn a_forest_learns_what_is_left_over_the_footing() {
        let (dataset, _) = told_school();
        let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
        let material = Material::new(&dataset, &rows);
        let columns = crate::train::columns(&dataset);
        let growth = Growth { n_trees: 20, min_leaf: 2, share_of_columns: 0.3, left_out: 0.3 };
        let course = ForestCourse { growth, rank: 2, penalties: QUALITY, say: Say::OfTheMost };
        let fitted = fit_forest(&material, &columns, &material.qualities(), &course, 1, &|| ());
        let hard = fitted.view.traits(&dataset.prompts[1].reading);
        let [both, easy] = [0, 2].map(|model| expected(&fitted, model, &hard));
        assert!(easy < both - 0.05, "0.15 worse where both were asked: {easy}, {both}");
    }

    #[test]
    fn the_view_of_topics_learns_what_is_left_over_the_footing() {
        let (dataset, shares) = told_school();
        let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
        let (subjects, folds) = (Subjects::of(&dataset).unwrap(), vec![0; dataset.prompts.len()]);
        let plan = Plan { topic_epochs: 1, ..Plan::default() };
        let mut told = Told::learn(&dataset, &subjects, ToldBy::Pieces, (&folds, 1), &plan, &|| ());
        told.unseen.clone_from(&shares);
        let fitted = fit_shares(&Material::new(&dataset, &rows), &told, None);
        let easy = expected(&fitted, 2, &[0.0, 1.0, 0.0]);
        assert!((easy - 0.25).abs() < 0.04, "0.15 worse than one that comes to 0.4 there: {easy}");
    }

    #[test]
    fn where_a_model_was_not_asked_it_does_as_its_footing_says() {
        let (usual, rows) = learn_beside(&footing(), seen(), 2, &vec![1.0; footing().len()]);
        let [fourth, weak] = elsewhere(|model, k| f64::from(rows[model * 3 + k]));
        assert!((fourth - 0.5).abs() < 0.05, "three as good as it come to 0.5 there: {fourth}");
        assert!((weak - 0.5).abs() < 0.1, "0.4 below the others, who come to 0.9 there: {weak}");
        let where_asked = f64::from(rows[11 * 3] + rows[11 * 3 + 2]);
        assert!((where_asked - 0.1).abs() < 0.02, "{where_asked}");
        assert!((usual.means[0] + usual.means[1] - 0.63).abs() < 0.1, "{usual:?}");
        let (_, alone) = Usual::learn(&seen(), 2);
        let [fourth, _] = elsewhere(|model, k| alone[model][k]);
        assert!(fourth < 0.43, "without a footing it is taken for one of the weak there: {fourth}");
    }
}

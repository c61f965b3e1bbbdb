//! Abilities of models that were not asked everything.

use classifier::abilities::{Seen, Usual};
use classifier::heads::View;

use super::{Fitted, ForestCourse, fit_forest, fit_net, fit_shares, learn_beside};
use crate::dataset::{Answer, Dataset};
use crate::footing::tests::school;
use crate::grow::Growth;
use crate::learn::Course;
use crate::material::Material;
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

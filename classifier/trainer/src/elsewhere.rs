//! What is known of models elsewhere: which sources asked whom, and how far a model does otherwise than its footing tells on the
//! prompts of a source that never asked it. For the latter a model at a time is taken out of a source, and its outcomes there are held
//! against what the other sources tell of it: every model out of every source, or as many of these as there is time for.

use std::collections::{BTreeMap, BTreeSet};

use classifier::abilities::{Link, Seen, Usual};
use classifier::asked::{Asked, known_after};

use crate::dataset::Dataset;
use crate::dice::Dice;
use crate::footing::{Footing, Tally, tallies};
use crate::material::Material;
use crate::say::{Say, mean_and_variance};
use crate::topics::Subjects;

/// Trials at most: each settles all models anew.
const MAX_TRIALS: usize = 128;

/// Outcomes in a source that are needed to see how far a model is off there.
const FEWEST: f64 = 30.0;

/// Rates are kept this far from certainty before they become logits.
const EDGE: f64 = 0.02;

/// What is expected of doubts before any trial: outright, and for each squared unit apart. A first look at
/// the shared outcomes (2026-11-30).
const BEFORE: [f64; 2] = [0.07, 0.08];

/// The least of either: no trial shows all that may be otherwise elsewhere.
const LEAST: f64 = 0.01;

/// The most of either: few trials may tell more than models differ at all.
const MOST: f64 = 1.0;

/// What all sources are called together.
const EVERY: &str = "every source";

/// One model as its source and the others see it.
struct Trial {
    /// The logit of its rate in the source over that of a usual model, as the other sources expect it.
    apart: f64,
    /// By how much its logit was another, squared, beyond chance.
    off: f64,
    /// The part of that square which chance makes.
    chance: f64,
}

/// Which sources asked whom. What a model was asked under its first name is known of it under all, and not the other way round: so its
/// footing is told.
pub(crate) fn asked(dataset: &Dataset, subjects: Option<&Subjects>) -> Asked {
    // Without topics nobody can tell the source of a prompt, and all are of one.
    let names = if subjects.is_some() { dataset.sources.clone() } else { vec![EVERY.to_owned()] };
    let (n_sources, n_models) = (names.len(), dataset.models.len());
    let mut counts = vec![0.0_f32; n_models * n_sources];
    for prompt in &dataset.prompts {
        let source = usize::from(prompt.source).min(n_sources - 1);
        for answer in &prompt.answers {
            counts[usize::from(answer.model) * n_sources + source] += 1.0;
        }
    }
    let by_first_name: Vec<f32> = (0_u32..)
        .take(n_models)
        .flat_map(|place| &counts[dataset.first_name(place) as usize * n_sources..][..n_sources])
        .copied()
        .collect();
    // Its own name is its first, or both are heard.
    let n = |(own, first): (&f32, &f32)| own.max(*first);
    let known = counts.iter().zip(&by_first_name).map(n).map(known_after).collect();
    Asked { sources: subjects.map_or_else(Vec::new, |subjects| subjects.sources(dataset)), known, names }
}

/// The variance of a logit of a model on prompts of a source that never asked it: outright, and for each squared unit by which it is
/// expected apart from a usual model.
pub(crate) fn doubts(material: &Material<'_>, seed: u64) -> (f32, f32) {
    let trials = trials(material, seed);
    let squares: Vec<[f32; 1]> = trials.iter().map(|trial| [(trial.apart * trial.apart) as f32]).collect();
    let seen = |(trial, square)| {
        let Trial { off, chance, .. }: &Trial = trial;
        let square: &[f32; 1] = square;
        Seen { traits: square, value: *off as f32, weight: (1.0 / (chance + BEFORE[0])) as f32 }
    };
    let seen: Vec<Seen<'_>> = trials.iter().zip(&squares).map(seen).collect();
    let usual = Usual { means: BEFORE.to_vec(), variances: vec![1.0, 1.0] };
    let line = usual.fit(&seen, Link::Identity);
    let doubt = |value: f32| value.clamp(LEAST as f32, MOST as f32);
    (doubt(line[0]), doubt(line[1]))
}

fn trials(material: &Material<'_>, seed: u64) -> Vec<Trial> {
    let dataset = material.dataset;
    let tallies = tallies(dataset, &material.qualities());
    let mut source_of = vec![0_u16; dataset.datasets.len()];
    for prompt in &dataset.prompts {
        source_of[usize::from(prompt.dataset)] = prompt.source;
    }
    let pair = |tally: &Tally| (tally.model, source_of[tally.dataset]);
    let mut asked = BTreeMap::<(usize, u16), f64>::new();
    tallies.iter().for_each(|tally| *asked.entry(pair(tally)).or_default() += tally.n);
    let mut sources = vec![0; dataset.models.len()];
    asked.keys().for_each(|(model, _)| sources[*model] += 1);
    let may_be_tried = |((model, _), n): &(&(usize, u16), &f64)| sources[*model] > 1 && **n >= FEWEST;
    let pairs: Vec<(usize, u16)> = asked.iter().filter(may_be_tried).map(|(pair, _)| *pair).collect();
    let judge = Judge { dataset, say: Say::OfTheMost.of(material) };
    let trial = |taken: &(usize, u16)| {
        let (out, rest): (Vec<Tally>, Vec<Tally>) = tallies.iter().partition(|tally| pair(tally) == *taken);
        judge.judged(&out, &rest)
    };
    drawn(pairs, seed).iter().filter_map(trial).collect()
}

/// All of them, or as many as are tried, whoever they are.
fn drawn<T: Ord>(mut pairs: Vec<T>, seed: u64) -> Vec<T> {
    if pairs.len() > MAX_TRIALS {
        Dice::new(seed, 12).shuffle(&mut pairs);
        pairs.truncate(MAX_TRIALS);
        pairs.sort_unstable();
    }
    pairs
}

/// Holds trials.
struct Judge<'a> {
    dataset: &'a Dataset,
    /// How much each model says of what is usual.
    say: Vec<f64>,
}

impl Judge<'_> {
    /// What was taken out, against what the rest tells. Nothing where the rest knows too little of its data sets.
    fn judged(&self, out: &[Tally], rest: &[Tally]) -> Option<Trial> {
        let known: BTreeSet<usize> = rest.iter().map(|tally| tally.dataset).collect();
        let out: Vec<&Tally> = out.iter().filter(|tally| known.contains(&tally.dataset)).collect();
        let n: f64 = out.iter().map(|tally| tally.n).sum();
        if n < FEWEST {
            return None;
        }
        let footing = Footing::of(self.dataset, rest, Link::Logit);
        let (usual, _) = mean_and_variance(&footing.of_each(self.dataset).collect::<Vec<_>>(), &self.say);
        let rate =
            |of: &dyn Fn(&Tally) -> f64| (out.iter().map(|tally| of(tally)).sum::<f64>() / n).clamp(EDGE, 1.0 - EDGE);
        let at = |tally: &Tally, above: f64| tally.n * sigmoid(footing.datasets[tally.dataset] + above);
        let found = rate(&|tally| tally.sum);
        let expected = rate(&|tally| at(tally, footing.models[tally.model]));
        let usual = rate(&|tally| at(tally, usual));
        let chance = 1.0 / (n * found * (1.0 - found));
        Some(Trial {
            apart: logit(expected) - logit(usual),
            off: (logit(found) - logit(expected)).powi(2) - chance,
            chance,
        })
    }
}

fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

fn logit(rate: f64) -> f64 {
    libm::log(rate / (1.0 - rate))
}

#[cfg(test)]
mod tests {
    //! Two towns, and how those who went to both did.

    use super::{MAX_TRIALS, asked, doubts, drawn, trials};
    use crate::dataset::{Answer, Dataset};
    use crate::footing::tests::school;
    use crate::material::Material;

    /// Outcomes of either town.
    const N: u16 = 200;

    /// Eight models in two towns; the second half does in the second town as much better as is said, and the first as much worse.
    fn towns(turn: f32) -> Dataset {
        let (school, _) = school();
        let mut dataset = Dataset {
            models: (0..8).map(|at| format!("m{at}")).collect(),
            sources: ["near", "far"].map(str::to_owned).to_vec(),
            datasets: ["near/a", "far/b"].map(str::to_owned).to_vec(),
            ..Dataset::default()
        };
        for at in 0..2 * N {
            let town = at % 2;
            let mut prompt = school.prompts[0].clone();
            (prompt.source, prompt.dataset) = (town, town);
            let quality = |model: u16| {
                let side = if model < 4 { -1.0 } else { 1.0 };
                let turned = if town == 1 { turn * side } else { 0.0 };
                f32::from(u8::from(f32::from(at / 2 % 10) < 3.0 + f32::from(model % 4) + turned))
            };
            // The last was never far away.
            let here = (0..8).filter(|model| *model < 7 || town == 0);
            let answer = |model| Answer { model, quality: quality(model), output: None, reasoning: None };
            prompt.answers = here.map(answer).collect();
            dataset.prompts.push(prompt);
        }
        dataset
    }

    fn rows(dataset: &Dataset) -> Vec<u32> {
        (0..).take(dataset.prompts.len()).collect()
    }

    #[test]
    fn doubt_elsewhere_is_what_towns_that_turn_models_about_teach() {
        let [steady, turned] = [towns(0.0), towns(2.0)].map(|town| doubts(&Material::new(&town, &rows(&town)), 1));
        assert!(steady.0 < 0.06 && turned.0 > 3.0 * steady.0, "{steady:?} and {turned:?}");
    }

    #[test]
    fn few_trials_tell_no_more_than_models_differ_at_all() {
        let wild = towns(7.0);
        let (unasked, apart) = doubts(&Material::new(&wild, &rows(&wild)), 1);
        assert!(unasked <= 1.0 && apart <= 1.0 && unasked.max(apart) > 0.9, "{unasked} and {apart}");
    }

    #[test]
    fn how_far_a_model_is_apart_is_told_from_a_usual_one() {
        let dataset = towns(0.0);
        let trials = trials(&Material::new(&dataset, &rows(&dataset)), 1);
        let apart: Vec<f64> = trials.iter().map(|trial| trial.apart).collect();
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        assert!(mean.abs() < 0.1 && apart.iter().any(|apart| apart.abs() > 0.4), "{apart:?}");
    }

    #[test]
    fn only_who_was_asked_enough_in_several_towns_is_tried() {
        let mut dataset = towns(0.0);
        let n = |dataset: &Dataset| trials(&Material::new(dataset, &rows(dataset)), 1).len();
        assert_eq!(n(&dataset), 7 * 2);
        // One of two names was in the one town, the other in the other.
        dataset.take_for_one(&[vec!["m0".to_owned(), "m7".to_owned()]]);
        assert_eq!(n(&dataset), 7 * 2);
        dataset.take_for_one(&[]);
        dataset.prompts.truncate(2 * 29);
        assert_eq!(n(&dataset), 0);
    }

    #[test]
    fn too_many_trials_are_drawn_from_all_sources() {
        let pairs: Vec<(usize, usize)> = (0..4 * MAX_TRIALS).map(|at| (at / 2, at % 2)).collect();
        let drawn = drawn(pairs.clone(), 1);
        let n_first = drawn.iter().filter(|(_, source)| *source == 0).count();
        assert!(drawn.len() == MAX_TRIALS && drawn.is_sorted(), "{drawn:?}");
        assert!((MAX_TRIALS / 3..2 * MAX_TRIALS / 3).contains(&n_first), "{n_first}");
        assert_eq!(super::drawn(pairs[..MAX_TRIALS].to_vec(), 1), pairs[..MAX_TRIALS]);
    }

    #[test]
    fn a_model_is_known_by_its_own_name_and_by_its_first() {
        let mut dataset = towns(0.0);
        let one = asked(&dataset, None);
        assert_eq!((one.n_sources(), one.sources.len(), one.known.len()), (1, 0, 8));
        let subjects = crate::topics::Subjects::of(&dataset).expect("two data sets of 200 prompts");
        let far = |dataset: &Dataset| asked(dataset, Some(&subjects)).known(7)[1];
        assert_eq!(asked(&dataset, Some(&subjects)).sources, [1.0, 0.0, 0.0, 1.0]);
        assert!(far(&dataset) == 0.0, "the last was never far away");
        dataset.take_for_one(&[vec!["m0".to_owned(), "m7".to_owned()]]);
        assert!(far(&dataset) > 0.8, "but its first name was");
        dataset.take_for_one(&[vec!["m7".to_owned(), "m0".to_owned()]]);
        assert!(far(&dataset) == 0.0, "a second name says nothing of the first");
    }
}

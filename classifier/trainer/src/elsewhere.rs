//! What is known of models elsewhere: which sources asked whom, and how far a model does otherwise than its footing tells on the
//! prompts of a source that never asked it. For the latter every model in turn is taken out of every source, and its outcomes there
//! are held against what the other sources tell of it.

use std::collections::BTreeSet;

use classifier::abilities::{Link, Seen, Usual};
use classifier::asked::{Asked, known_after};

use crate::dataset::Dataset;
use crate::factors::Cell;
use crate::footing::{Footing, Tally, tallies};
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

/// Which sources asked whom. What a model was asked under one name is known of it under all.
pub(crate) fn asked(dataset: &Dataset, subjects: Option<&Subjects>) -> Asked {
    // Without topics nobody can tell the source of a prompt, and all are of one.
    let names = if subjects.is_some() { dataset.sources.clone() } else { vec![EVERY.to_owned()] };
    let (n_sources, n_models) = (names.len(), dataset.models.len());
    let mut counts = vec![0.0_f32; n_models * n_sources];
    for prompt in &dataset.prompts {
        let source = usize::from(prompt.source).min(n_sources - 1);
        for answer in &prompt.answers {
            counts[dataset.first_name(u32::from(answer.model)) as usize * n_sources + source] += 1.0;
        }
    }
    let row = |place: u32| &counts[dataset.first_name(place) as usize * n_sources..][..n_sources];
    let known = (0_u32..).take(n_models).flat_map(row).map(|n| known_after(*n)).collect();
    Asked { sources: subjects.map_or_else(Vec::new, |subjects| subjects.sources(dataset)), known, names }
}

/// The variance of a logit of a model on prompts of a source that never asked it: outright, and for each squared unit by which it is
/// expected apart from a usual model.
pub(crate) fn doubts(dataset: &Dataset, cells: &[Cell]) -> (f32, f32) {
    let trials = trials(dataset, &tallies(dataset, cells));
    let squares: Vec<[f32; 1]> = trials.iter().map(|trial| [(trial.apart * trial.apart) as f32]).collect();
    let seen = |(trial, square)| {
        let Trial { off, chance, .. }: &Trial = trial;
        let square: &[f32; 1] = square;
        Seen { traits: square, value: *off as f32, weight: (1.0 / (chance + BEFORE[0])) as f32 }
    };
    let seen: Vec<Seen<'_>> = trials.iter().zip(&squares).map(seen).collect();
    let usual = Usual { means: BEFORE.to_vec(), variances: vec![1.0, 1.0] };
    let line = usual.fit(&seen, Link::Identity);
    (line[0].max(LEAST as f32), line[1].max(LEAST as f32))
}

fn trials(dataset: &Dataset, tallies: &[Tally]) -> Vec<Trial> {
    let mut source_of = vec![0_u16; dataset.datasets.len()];
    for prompt in &dataset.prompts {
        source_of[usize::from(prompt.dataset)] = prompt.source;
    }
    let pair = |tally: &Tally| (tally.model, source_of[tally.dataset]);
    let pairs: BTreeSet<(usize, u16)> = tallies.iter().map(pair).collect();
    let in_several = |(model, source): &&(usize, u16)| pairs.iter().any(|(m, s)| m == model && s != source);
    let pairs: Vec<&(usize, u16)> = pairs.iter().filter(in_several).collect();
    // Evenly over all of them, where they are too many.
    let step = pairs.len().div_ceil(MAX_TRIALS).max(1);
    let trial = |taken: &&(usize, u16)| {
        let (out, rest): (Vec<Tally>, Vec<Tally>) = tallies.iter().partition(|tally| pair(tally) == **taken);
        judged(dataset, &out, &rest)
    };
    pairs.iter().step_by(step).filter_map(trial).collect()
}

/// What was taken out, against what the rest tells. Nothing where the rest knows nothing of its data sets.
fn judged(dataset: &Dataset, out: &[Tally], rest: &[Tally]) -> Option<Trial> {
    let known: BTreeSet<usize> = rest.iter().map(|tally| tally.dataset).collect();
    let out: Vec<&Tally> = out.iter().filter(|tally| known.contains(&tally.dataset)).collect();
    let n: f64 = out.iter().map(|tally| tally.n).sum();
    if n < FEWEST {
        return None;
    }
    let footing = Footing::of(dataset, rest, Link::Logit);
    let rate =
        |of: &dyn Fn(&Tally) -> f64| (out.iter().map(|tally| of(tally)).sum::<f64>() / n).clamp(EDGE, 1.0 - EDGE);
    let at = |tally: &Tally, above: f64| tally.n * sigmoid(footing.datasets[tally.dataset] + above);
    let found = rate(&|tally| tally.sum);
    let expected = rate(&|tally| at(tally, footing.models[tally.model]));
    let usual = rate(&|tally| at(tally, 0.0));
    let chance = 1.0 / (n * found * (1.0 - found));
    Some(Trial {
        apart: logit(expected) - logit(usual),
        off: (logit(found) - logit(expected)).powi(2) - chance,
        chance,
    })
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

    use super::{asked, doubts, trials};
    use crate::dataset::{Answer, Dataset};
    use crate::factors::Cell;
    use crate::footing::tallies;
    use crate::footing::tests::school;

    /// Outcomes of either town.
    const N: u16 = 200;

    /// Eight models in two towns; the second half does in the second town as much better as is said, and the first as much worse.
    fn towns(turn: f32) -> (Dataset, Vec<Cell>) {
        let (school, _) = school();
        let mut dataset = Dataset {
            models: (0..8).map(|at| format!("m{at}")).collect(),
            sources: ["near", "far"].map(str::to_owned).to_vec(),
            datasets: ["near/a", "far/b"].map(str::to_owned).to_vec(),
            ..Dataset::default()
        };
        let mut cells = Vec::new();
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
            let cell =
                |answer: &Answer| Cell { prompt: u32::from(at), model: u32::from(answer.model), value: answer.quality };
            cells.extend(prompt.answers.iter().map(cell));
            dataset.prompts.push(prompt);
        }
        (dataset, cells)
    }

    #[test]
    fn doubt_elsewhere_is_what_towns_that_turn_models_about_teach() {
        let (steady, turned) = (towns(0.0), towns(2.0));
        let [steady, turned] = [steady, turned].map(|(dataset, cells)| doubts(&dataset, &cells).0);
        assert!(steady < 0.06 && turned > 3.0 * steady, "{steady} and {turned}");
    }

    #[test]
    fn only_who_was_in_several_towns_is_tried() {
        let (mut dataset, cells) = towns(0.0);
        assert_eq!(trials(&dataset, &tallies(&dataset, &cells)).len(), 7 * 2);
        // One of two names was in the one town, the other in the other.
        dataset.take_for_one(&[vec!["m0".to_owned(), "m7".to_owned()]]);
        assert_eq!(trials(&dataset, &tallies(&dataset, &cells)).len(), 7 * 2);
        assert_eq!(trials(&dataset, &[]).len(), 0);
    }

    #[test]
    fn a_model_is_known_where_it_was_asked_by_whatever_name() {
        let (mut dataset, _) = towns(0.0);
        let one = asked(&dataset, None);
        assert_eq!((one.n_sources(), one.sources.len(), one.known.len()), (1, 0, 8));
        dataset.take_for_one(&[vec!["m0".to_owned(), "m7".to_owned()]]);
        let subjects = crate::topics::Subjects::of(&dataset).expect("two data sets of 200 prompts");
        let both = asked(&dataset, Some(&subjects));
        assert_eq!((both.n_sources(), both.sources.as_slice()), (2, &[1.0, 0.0, 0.0, 1.0][..]));
        assert!(both.known(1) == both.known(2) && both.known(7) == both.known(0), "{:?}", both.known);
        // The first name was asked in the one town, the second in both.
        dataset.take_for_one(&[vec!["m7".to_owned(), "m0".to_owned()]]);
        assert!(asked(&dataset, Some(&subjects)).known(7)[1] > 0.8);
        dataset.take_for_one(&[]);
        assert!(asked(&dataset, Some(&subjects)).known(7)[1] == 0.0);
    }
}

//! Models on one footing: how each does beside the others on the data sets that it shares with them. The mean of its own outcomes
//! would call a model weak that was only asked what is hard, and then nothing else would call those prompts hard. A model of several
//! names has one footing, and so ties sources together that have no name in common. That is told by its first name: how hard what was
//! asked of the others is follows from it, and not the other way round, since what ties a source by a few says little of them.

use std::collections::BTreeMap;

use classifier::abilities::Link;

use crate::dataset::Dataset;
use crate::factors::Cell;

/// Rounds in which models settle beside each other: some are tied to the others by few. Where all of them stand together is not settled
/// then, and tells nobody anything.
const ROUNDS: usize = 100;

/// How firmly each is held to the middle, in outcomes: one that is tied to no other stays near it.
const HOLD: f64 = 1.0;

/// What an outcome tells that is nearly certain, beside one that is wholly uncertain.
const LEAST_TELLING: f64 = 0.08;

/// The longest step of a logit: from where all is nearly certain, an unchecked one would leap to the other end, and back. On the shared
/// outcomes none is longer than 2.1.
const LONGEST_STEP: f64 = 4.0;

/// The middle is kept this far from certainty.
const EDGE: f64 = 0.02;

/// All outcomes of one model in one data set.
#[derive(Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) dataset: usize,
    pub(crate) model: usize,
    pub(crate) sum: f64,
    pub(crate) n: f64,
    /// Whether it answered under another than its first name.
    pub(crate) second: bool,
}

/// Where models and data sets stand, before the link.
pub(crate) struct Footing {
    /// How far each model is above the middle, at the place of its first name.
    pub(crate) models: Vec<f64>,
    /// What a model of the middle observes on each data set.
    pub(crate) datasets: Vec<f64>,
    middle: f64,
}

/// What each model would observe on a middling data set, before the link.
pub(crate) fn footing(dataset: &Dataset, cells: &[Cell], link: Link) -> Vec<f64> {
    let footing = Footing::of(dataset, &tallies(dataset, cells), link);
    footing.of_each(dataset).map(|above| footing.middle + above).collect()
}

impl Footing {
    /// How far each model is above the middle, by whatever name.
    pub(crate) fn of_each(&self, dataset: &Dataset) -> impl Iterator<Item = f64> {
        (0_u32..).zip(&self.models).map(|(place, _)| self.models[dataset.first_name(place) as usize])
    }

    /// By these tallies.
    pub(crate) fn of(dataset: &Dataset, tallies: &[Tally], link: Link) -> Self {
        let (sum, n) = tallies.iter().fold((0.0, 0.0), |(sum, n), tally| (sum + tally.sum, n + tally.n));
        let middle = middle(sum / f64::max(n, 1.0), link);
        let mut datasets = vec![middle; dataset.datasets.len()];
        let mut models = vec![0.0; dataset.models.len()];
        // Under a second name alone it must do.
        let mut told = vec![false; dataset.models.len()];
        tallies.iter().filter(|tally| !tally.second).for_each(|tally| told[tally.model] = true);
        let sums = |datasets: &[f64], models: &[f64]| -> Vec<f64> {
            tallies.iter().map(|tally| datasets[tally.dataset] + models[tally.model]).collect()
        };
        for _ in 0..ROUNDS {
            let before = sums(&datasets, &models);
            settle(&mut datasets, middle, tallies, &before, link, |tally| Some(tally.dataset));
            let before = sums(&datasets, &models);
            let heard = |tally: &Tally| (!tally.second || !told[tally.model]).then_some(tally.model);
            settle(&mut models, 0.0, tallies, &before, link, heard);
        }
        Self { models, datasets, middle }
    }
}

/// The outcomes of every model in every data set, by first names.
pub(crate) fn tallies(dataset: &Dataset, cells: &[Cell]) -> Vec<Tally> {
    let mut counts: BTreeMap<(u16, u32, bool), (f64, f64)> = BTreeMap::new();
    for cell in cells {
        let model = dataset.first_name(cell.model);
        let key = (dataset.prompts[cell.prompt as usize].dataset, model, model != cell.model);
        let count = counts.entry(key).or_default();
        *count = (count.0 + f64::from(cell.value), count.1 + 1.0);
    }
    let tally = |((dataset, model, second), (sum, n))| {
        let (dataset, model) = (usize::from(dataset), model as usize);
        Tally { dataset, model, sum, n, second }
    };
    counts.into_iter().map(tally).collect()
}

fn middle(mean: f64, link: Link) -> f64 {
    match link {
        Link::Identity => mean,
        Link::Logit => {
            let mean = mean.clamp(EDGE, 1.0 - EDGE);
            libm::log(mean / (1.0 - mean))
        }
    }
}

/// Moves every model, or every data set, by a Newton step to where the outcomes that it hears put it, the others given.
fn settle(
    values: &mut [f64],
    middle: f64,
    tallies: &[Tally],
    sums: &[f64],
    link: Link,
    end: impl Fn(&Tally) -> Option<usize>,
) {
    let mut steps: Vec<(f64, f64)> = values.iter().map(|value| (HOLD * (middle - value), HOLD)).collect();
    for (tally, sum) in tallies.iter().zip(sums) {
        let Some(end) = end(tally) else { continue };
        // Logistic outcomes are counted in those that are wholly uncertain.
        let (expected, telling, scale) = match link {
            Link::Identity => (*sum, 1.0, 1.0),
            Link::Logit => {
                let probability = 1.0 / (1.0 + libm::exp(-sum));
                (probability, (4.0 * probability * (1.0 - probability)).max(LEAST_TELLING), 4.0)
            }
        };
        let step = &mut steps[end];
        *step = (step.0 + scale * (tally.sum - tally.n * expected), step.1 + tally.n * telling);
    }
    let longest = match link {
        Link::Identity => f64::INFINITY,
        Link::Logit => LONGEST_STEP,
    };
    for (value, (off, strength)) in values.iter_mut().zip(steps) {
        *value += (off / strength).clamp(-longest, longest);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! Two schools, one of them hard, and the few who went to both.

    use classifier::abilities::Link;
    use classifier::{Artifact, Prompt};

    use super::footing;
    use crate::dataset::{Answer, Dataset, Lesson};
    use crate::factors::Cell;

    const N_PROMPTS: u32 = 40;

    /// Who went to both schools, who to the hard one and who to the easy one; and one who is tied to nobody, in a third school.
    const NAMES: [&str; 4] = ["both", "hard", "easy", "alone"];

    /// Shares of success in the easy, the hard and the third school.
    const SUCCESS: [[Option<f32>; 3]; 4] =
        [[Some(0.9), Some(0.4), None], [None, Some(0.4), None], [Some(0.75), None, None], [None, None, Some(0.1)]];

    pub(crate) fn school() -> (Dataset, Vec<Cell>) {
        let mut dataset = Dataset {
            models: NAMES.map(str::to_owned).to_vec(),
            sources: vec!["town".to_owned()],
            datasets: ["easy", "hard", "third"].map(str::to_owned).to_vec(),
            ..Dataset::default()
        };
        let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
        let reading = lens.read(&[Prompt::from_text("What of it?")]).remove(0);
        let mut cells = Vec::new();
        for prompt in 0..3 * N_PROMPTS {
            let school = u16::try_from(prompt % 3).unwrap();
            let asked = (0_u16..).zip(SUCCESS.map(|success| success[usize::from(school)]));
            let answers: Vec<Answer> = asked
                .filter_map(|(model, quality)| Some(Answer { model, quality: quality?, output: None, reasoning: None }))
                .collect();
            cells.extend(answers.iter().map(|answer| Cell {
                prompt,
                model: u32::from(answer.model),
                value: answer.quality,
            }));
            dataset.prompts.push(Lesson {
                id: prompt.to_string(),
                source: 0,
                dataset: school,
                group: u64::from(prompt),
                answers,
                reading: reading.clone(),
                tokens: 1.0,
            });
        }
        (dataset, cells)
    }

    #[test]
    fn a_model_that_was_asked_what_is_hard_stands_beside_its_equal() {
        let (dataset, cells) = school();
        for link in [Link::Identity, Link::Logit] {
            let found = footing(&dataset, &cells, link);
            let [both, hard, easy, _] = found[..] else { panic!("{found:?}") };
            assert!((both - hard).abs() < 0.1, "{link:?}: {both} and {hard}");
            assert!(easy < hard - 0.1, "{link:?}: {easy} of those who were asked what is easy, {hard}");
        }
    }

    #[test]
    fn one_that_is_tied_to_nobody_is_taken_to_be_of_the_middle() {
        let (dataset, cells) = school();
        let found = footing(&dataset, &cells, Link::Identity);
        let middle = found.iter().sum::<f64>() / found.len() as f64;
        assert!((found[3] - middle).abs() < 0.2, "{found:?}");
        assert!(footing(&dataset, &[], Link::Logit).iter().all(|value| value.is_finite()));
    }

    #[test]
    fn a_second_name_ties_sources_that_share_no_name() {
        let (mut dataset, cells) = school();
        for link in [Link::Identity, Link::Logit] {
            dataset.take_for_one(&[]);
            let apart = footing(&dataset, &cells, link);
            assert!(apart[3] < apart[1] - 0.01, "{link:?}: {apart:?}");
            dataset.take_for_one(&[vec!["both".to_owned(), "alone".to_owned()]]);
            let tied = footing(&dataset, &cells, link);
            assert!((tied[3] - tied[0]).abs() < 1e-9, "{link:?}: {tied:?}");
            // By what its first name did, and not by both.
            assert!((tied[0] - apart[0]).abs() < 1e-3, "{link:?}: {} was {}", tied[0], apart[0]);
            // Here the first name is the one of the third school, of which it tells as much as before.
            dataset.take_for_one(&[vec!["alone".to_owned(), "both".to_owned()]]);
            let turned = footing(&dataset, &cells, link);
            assert!((turned[0] - apart[3]).abs() < 0.1, "{link:?}: {} was {}", turned[0], apart[3]);
        }
    }

    /// Where nearly all fail, a data set that half succeed at lies far from the middle, and a leap to it would go far beyond.
    #[test]
    fn one_easy_data_set_among_hard_ones_does_not_throw_models_about() {
        let (dataset, _) = school();
        let said = |n: usize, prompt, model, value| vec![Cell { prompt, model, value }; n];
        let hard = [said(20_000, 0, 2, 0.0), said(5, 0, 0, 0.02)].concat();
        let easy = [said(1, 1, 0, 0.5), said(1_000, 1, 1, 0.5), said(5, 1, 2, 0.5)].concat();
        let third = [said(1, 2, 0, 0.5), said(1, 2, 2, 0.9)].concat();
        let found = footing(&dataset, &[hard, easy, third].concat(), Link::Logit);
        assert!(found.iter().all(|value| value.abs() < 10.0), "{found:?}");
    }
}

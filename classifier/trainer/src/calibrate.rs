//! Fits what stands between blended logits and probabilities, on cross-fitted forecasts: no view had seen the prompts.

use classifier::abilities::{Link, Seen, Usual};
use classifier::calibration::Calibration;
use classifier::kernel::sigmoid;

use crate::dataset::Dataset;
use crate::manner::{Unread, counted_answers};
use crate::material::Material;
use crate::say::{Say, mean_and_variance};

/// What the views said of prompts they had not seen.
#[derive(Clone, Debug)]
pub(crate) struct Unseen {
    /// A row of blended logits for every prompt, a model each.
    pub(crate) logits: Vec<f32>,
    /// What is told of lengths.
    pub(crate) lengths: Unread,
    /// For every prompt.
    pub(crate) unlikeness: Vec<f32>,
    /// For every prompt, the blended logit of a usual model.
    pub(crate) usual: Vec<f32>,
}

/// What was fitted.
pub(crate) struct Calibrated {
    pub(crate) calibration: Calibration,
    /// Each model's own offset.
    pub(crate) offsets: Vec<f32>,
    /// Each model's logarithms of the mean and of the 90% quantile of its answers' length over the expectation.
    pub(crate) lengths: Vec<(f32, f32)>,
    /// Those of a model whose manner is not known.
    pub(crate) strangers: Strangers,
}

/// How long models answer whose manner is not known; as logarithms.
pub(crate) struct Strangers {
    /// The mean over what is usual.
    pub(crate) log_mean: f32,
    /// Likewise the 90% quantile.
    pub(crate) log_p90: f32,
    /// What is expected of them on the prompt in the middle.
    pub(crate) log_usual: f32,
}

/// Outcomes of one data set that are needed to see how far its rate is off.
const FEWEST: usize = 30;

/// The least doubt there is: no calibration is exact. A guess, below what the shared outcomes show.
const LEAST_DOUBT: f64 = 0.01;

/// The least doubt for a unit of unlikeness: prompts like nothing must have a wide bound even where all training prompts were alike.
const LEAST_DOUBT_UNLIKE: f64 = 0.05;

/// The least doubt of a model without outcomes: where those that are known hardly differ, a new one may. The 211 of the shared outcomes
/// differ by 1.7.
const LEAST_DOUBT_MODEL: f64 = 1.0;

/// Models whose lengths are known less often than this borrow from all.
const LENGTH_PRIOR: f64 = 20.0;

/// Doubts of what models do elsewhere come from the footings of models, and are given.
pub(crate) fn calibrate(
    material: &Material<'_>,
    unseen: &Unseen,
    (doubt_unasked, doubt_apart): (f32, f32),
) -> Calibrated {
    let Material { dataset, weights, .. } = material;
    let n_models = dataset.models.len();
    let whole = global(dataset, weights, unseen);
    let scaled: Vec<f32> = unseen.logits.iter().map(|logit| whole[1] * logit + whole[0]).collect();
    let offsets = offsets(dataset, &scaled);
    let probability = |prompt: usize, model: usize| sigmoid(scaled[prompt * n_models + model] + offsets[model]);
    let (doubt, doubt_unlike) = doubts(dataset, unseen, &probability);
    let calibration = Calibration {
        slope: whole[1],
        offset: whole[0],
        doubt: doubt as f32,
        doubt_unlike: doubt_unlike as f32,
        doubt_model: spread_of_models(&scaled, &Say::OfTheMost.of(material)).max(LEAST_DOUBT_MODEL) as f32,
        doubt_unasked,
        doubt_apart,
    };
    Calibrated { calibration, offsets, lengths: lengths(dataset, unseen), strangers: strangers(dataset, unseen) }
}

/// Offset and slope of all logits.
fn global(dataset: &Dataset, weights: &[f32], unseen: &Unseen) -> [f32; 2] {
    let n_models = dataset.models.len();
    let seen: Vec<Seen<'_>> = cells(dataset)
        .map(|(prompt, model, quality)| {
            let weight = weights[prompt] / dataset.prompts[prompt].answers.len() as f32;
            Seen { traits: &unseen.logits[prompt * n_models + model..][..1], value: quality, weight }
        })
        .collect();
    let fitted = Usual { means: vec![0.0, 1.0], variances: vec![1.0, 1.0] }.fit(&seen, Link::Logit);
    [fitted[0], fitted[1]]
}

/// What remains for each model, held back by how much models differ at all.
fn offsets(dataset: &Dataset, scaled: &[f32]) -> Vec<f32> {
    const ROUNDS: usize = 5;
    /// The slope is one already: it is held there.
    const FIXED: f64 = 1e-9;
    let n_models = dataset.models.len();
    let mut by_model = vec![Vec::new(); n_models];
    for (prompt, model, quality) in cells(dataset) {
        let traits = &scaled[prompt * n_models + model..][..1];
        by_model[model].push(Seen { traits, value: quality, weight: 1.0 });
    }
    let mut variance = 0.04;
    let mut offsets = vec![0.0; n_models];
    for _ in 0..ROUNDS {
        let usual = Usual { means: vec![0.0, 1.0], variances: vec![variance, FIXED] };
        offsets = by_model.iter().map(|seen| usual.fit(seen, Link::Logit)[0]).collect();
        let squares = offsets.iter().zip(&by_model).map(|(offset, seen)| {
            let doubt = 1.0 / (1.0 / variance + 0.16 * seen.len() as f64);
            f64::from(*offset) * f64::from(*offset) + doubt
        });
        variance = (squares.sum::<f64>() / n_models.max(1) as f64).max(1e-4);
    }
    offsets
}

/// What came of a model in a data set, in sums over its outcomes there.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Quality less what was expected.
    off: f64,
    /// The variance that chance alone gives.
    information: f64,
    n: usize,
    /// Squares of how unlike the prompts are.
    unlike: f64,
}

/// How far whole data sets are off beyond chance, and how that grows with their unlikeness: a line through the squares.
fn doubts(dataset: &Dataset, unseen: &Unseen, probability: &impl Fn(usize, usize) -> f32) -> (f64, f64) {
    let n_models = dataset.models.len();
    let mut places = vec![Place::default(); dataset.datasets.len() * n_models];
    for (prompt, model, quality) in cells(dataset) {
        let expected = f64::from(probability(prompt, model));
        let place = &mut places[usize::from(dataset.prompts[prompt].dataset) * n_models + model];
        place.off += f64::from(quality) - expected;
        place.information += (expected * (1.0 - expected)).max(0.01);
        place.n += 1;
        place.unlike += f64::from(unseen.unlikeness[prompt]).powi(2);
    }
    let usual = Usual { means: vec![LEAST_DOUBT, LEAST_DOUBT_UNLIKE], variances: vec![1.0, 1.0] };
    let points: Vec<([f32; 1], f32, f32)> = places
        .iter()
        .filter(|place| place.n >= FEWEST)
        .map(|place| {
            let chance = 1.0 / place.information;
            let excess = (place.off / place.information).powi(2) - chance;
            ([(place.unlike / place.n as f64) as f32], excess as f32, (1.0 / (chance + 0.05)) as f32)
        })
        .collect();
    let seen: Vec<Seen<'_>> =
        points.iter().map(|(at, value, weight)| Seen { traits: at, value: *value, weight: *weight }).collect();
    let line = usual.fit(&seen, Link::Identity);
    (f64::from(line[0]).max(LEAST_DOUBT), f64::from(line[1]).max(LEAST_DOUBT_UNLIKE))
}

/// The variance of the models' mean logits: what is not known of a model that nothing is known of.
fn spread_of_models(scaled: &[f32], say: &[f64]) -> f64 {
    let n_models = say.len();
    let n_prompts = (scaled.len() / n_models.max(1)).max(1) as f64;
    let means: Vec<f64> = (0..n_models)
        .map(|model| scaled[model..].iter().step_by(n_models).map(|logit| f64::from(*logit)).sum::<f64>() / n_prompts)
        .collect();
    mean_and_variance(&means, say).1
}

fn lengths(dataset: &Dataset, unseen: &Unseen) -> Vec<(f32, f32)> {
    let n_models = dataset.models.len();
    let mut residuals: Vec<Vec<f64>> = vec![Vec::new(); n_models];
    for prompt in 0..dataset.prompts.len() {
        for (model, log) in counted_answers(dataset, prompt) {
            residuals[model].push(f64::from(log - unseen.lengths.own[prompt * n_models + model]));
        }
    }
    let mut all: Vec<f64> = residuals.iter().flatten().copied().collect();
    let (mean, p90) = (log_mean(&all), quantile(&mut all, 9));
    let own = residuals.iter_mut().map(|residuals| {
        let n = residuals.len() as f64;
        let mix = |own: f64, all: f64| ((n * own + LENGTH_PRIOR * all) / (n + LENGTH_PRIOR)) as f32;
        (mix(log_mean(residuals), mean), mix(quantile(residuals, 9), p90))
    });
    own.collect()
}

/// Every counted answer as if nobody knew whose it is. Its model is one of the dozens that tell what is usual, which flatters a little.
fn strangers(dataset: &Dataset, unseen: &Unseen) -> Strangers {
    let usual = &unseen.lengths.usual;
    let beyond = |(prompt, usual): (usize, &f32)| -> Vec<f64> {
        counted_answers(dataset, prompt).map(|(_, log)| f64::from(log - usual)).collect()
    };
    let mut residuals: Vec<f64> = usual.iter().enumerate().flat_map(beyond).collect();
    let log_mean = log_mean(&residuals);
    let mut each: Vec<f64> = usual.iter().map(|log| f64::from(*log) + log_mean).collect();
    let log_usual = quantile(&mut each, 5);
    Strangers { log_mean: log_mean as f32, log_p90: quantile(&mut residuals, 9) as f32, log_usual: log_usual as f32 }
}

/// The logarithm of the mean of exponentials. A residual counts as e^3 at most: one endless answer is not the mean.
fn log_mean(residuals: &[f64]) -> f64 {
    if residuals.is_empty() {
        0.0
    } else {
        libm::log(residuals.iter().map(|r| libm::exp(r.min(3.0))).sum::<f64>() / residuals.len() as f64)
    }
}

/// So many of ten are below.
fn quantile(values: &mut [f64], tenths: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() * tenths / 10).copied().unwrap_or(1.0)
}

/// Prompt, model, quality of every outcome.
fn cells(dataset: &Dataset) -> impl Iterator<Item = (usize, usize, f32)> + '_ {
    dataset.prompts.iter().enumerate().flat_map(|(prompt, lesson)| {
        lesson.answers.iter().map(move |answer| (prompt, usize::from(answer.model), answer.quality))
    })
}

#[cfg(test)]
mod tests {
    //! A school whose results are known, and what calibration makes of them.

    use super::{
        LEAST_DOUBT, LEAST_DOUBT_UNLIKE, LENGTH_PRIOR, Unseen, calibrate, doubts, lengths, log_mean, quantile,
        spread_of_models,
    };
    use crate::dataset::{Answer, Dataset};
    use crate::footing::tests::school;
    use crate::manner::Unread;
    use crate::material::Material;

    /// The first model alone, right so many times in each data set of forty.
    fn results(right: [usize; 3]) -> Dataset {
        let (mut dataset, _) = school();
        let mut asked = [0; 3];
        for prompt in &mut dataset.prompts {
            let place = usize::from(prompt.dataset);
            let quality = f32::from(u8::from(asked[place] < right[place]));
            asked[place] += 1;
            prompt.answers = vec![Answer { model: 0, quality, output: None, reasoning: None }];
        }
        dataset
    }

    /// Nothing was said of any prompt; those of the third data set are unlike all others.
    fn unseen(dataset: &Dataset) -> Unseen {
        let n = dataset.prompts.len();
        let nothing = || vec![0.0; n * dataset.models.len()];
        Unseen {
            logits: nothing(),
            lengths: Unread { own: nothing(), known: nothing(), usual: vec![0.0; n] },
            unlikeness: dataset.prompts.iter().map(|prompt| if prompt.dataset == 2 { 1.0 } else { 0.0 }).collect(),
            usual: vec![0.0; n],
        }
    }

    fn found(dataset: &Dataset) -> (f64, f64) {
        doubts(dataset, &unseen(dataset), &|_, _| 0.5)
    }

    #[test]
    fn what_chance_makes_of_a_rate_is_no_doubt() {
        let near = |found: (f64, f64), expected: (f64, f64)| {
            (found.0 - expected.0).abs() < 1e-6 && (found.1 - expected.1).abs() < 1e-6
        };
        let by_chance = found(&results([23, 17, 20]));
        assert!(near(by_chance, (LEAST_DOUBT, LEAST_DOUBT_UNLIKE)), "{by_chance:?}");
        let off = found(&results([34, 6, 20]));
        assert!(off.0 > 0.5, "off by more than a logit: {off:?}");
        let unlike = found(&results([20, 20, 38]));
        assert!(unlike.1 > 0.5 && unlike.0 < 0.3, "where prompts are unlike: {unlike:?}");
    }

    #[test]
    fn few_outcomes_of_a_data_set_tell_nothing() {
        let mut dataset = results([40, 40, 40]);
        dataset.prompts.truncate(3 * 29);
        let found = found(&dataset);
        assert!((found.0 - LEAST_DOUBT).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn a_new_model_is_in_doubt_though_those_that_are_known_are_alike() {
        let dataset = results([20, 20, 20]);
        let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
        let calibrated = calibrate(&Material::new(&dataset, &rows), &unseen(&dataset), (0.1, 0.2));
        let calibration = calibrated.calibration;
        assert!(calibration.doubt_model >= 1.0, "{calibration:?}");
        assert!(calibration.doubt_unasked >= 0.1 && calibration.doubt_apart >= 0.2, "{calibration:?}");
        let apart = spread_of_models(&[1.0, -1.0, 9.0, 1.0, -1.0, 9.0], &[1.5, 1.5, 0.0]);
        assert!((apart - 1.0).abs() < 1e-9, "the third has no say: {apart}");
    }

    #[test]
    fn one_endless_answer_is_not_the_mean() {
        let [plain, endless] = [[0.0, 0.0, 3.0], [0.0, 0.0, 50.0]].map(|residuals| log_mean(&residuals));
        assert!((plain - endless).abs() < 1e-9 && plain > 1.0, "{plain} and {endless}");
        assert_eq!((quantile(&mut [3.0, 1.0, 2.0, 5.0, 4.0], 5), log_mean(&[])), (3.0, 0.0));
    }

    #[test]
    fn a_model_with_few_counted_answers_borrows_from_all() {
        let mut dataset = results([20, 20, 20]);
        let counted = |model, output| Answer { model, quality: 1.0, output: Some(output), reasoning: None };
        dataset.prompts.iter_mut().for_each(|prompt| prompt.answers = vec![counted(0, 1.0)]);
        dataset.prompts[0].answers.push(counted(1, 100.0));
        let found = lengths(&dataset, &unseen(&dataset));
        let [all, own] = [2.0_f64, 20.1].map(f64::ln);
        // Of the hundred and one that were counted, one is long; the others tell what it borrows.
        let expected = (own.min(3.0) + LENGTH_PRIOR * all) / (1.0 + LENGTH_PRIOR);
        assert!((f64::from(found[1].0) - expected).abs() < 0.2, "{found:?} where {expected} is expected");
        assert!((f64::from(found[2].0) - f64::from(found[3].0)).abs() < 1e-6, "{found:?}");
    }
}

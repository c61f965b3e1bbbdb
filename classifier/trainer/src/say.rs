//! How much each model says of what is usual among models.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::material::Material;

/// A lot of fewer models tells nothing of how far models differ.
const FEWEST: usize = 3;

/// Who tells where models usually stand. What they usually make of a trait is told by whoever met it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Say {
    /// All alike.
    Alike,
    /// Those that share sources with the most others.
    OfTheMost,
}

impl Say {
    /// How much each model says, one on average.
    pub(crate) fn of(self, material: &Material<'_>) -> Vec<f64> {
        match self {
            Self::Alike => vec![1.0; material.dataset.models.len()],
            Self::OfTheMost => of_the_most(material),
        }
    }
}

/// How much each model says of what is usual, one on average: the most models whose sources share models, by name, say it alone.
/// Where the rest stand beside them is told by little, or by nothing, and they are many.
fn of_the_most(material: &Material<'_>) -> Vec<f64> {
    let dataset = material.dataset;
    let mut sources_of = vec![BTreeMap::<usize, u64>::new(); dataset.models.len()];
    for prompt in material.rows.iter().map(|row| &dataset.prompts[*row as usize]) {
        for answer in &prompt.answers {
            *sources_of[usize::from(answer.model)].entry(usize::from(prompt.source)).or_default() += 1;
        }
    }
    let first = |of: &BTreeMap<usize, u64>| of.first_key_value().map(|(source, _)| *source);
    let lots = lots(dataset.sources.len(), &sources_of);
    // By models, and by outcomes where they are as many.
    let mut sizes = vec![(0, 0); lots.len()];
    for of in &sources_of {
        if let Some(source) = first(of) {
            let size = &mut sizes[lots[source]];
            *size = (size.0 + 1, size.1 + of.values().sum::<u64>());
        }
    }
    let largest = (0..sizes.len()).max_by_key(|lot| (sizes[*lot], Reverse(*lot)));
    let says = |of: &BTreeMap<usize, u64>| first(of).is_some_and(|source| Some(lots[source]) == largest);
    let n = sources_of.iter().filter(|of| says(of)).count();
    if n < FEWEST {
        return Say::Alike.of(material);
    }
    let say = sources_of.len() as f64 / n as f64;
    sources_of.iter().map(|of| if says(of) { say } else { 0.0 }).collect()
}

/// For each source the first of all those that share models with it, straight or by others.
fn lots(n_sources: usize, sources_of: &[BTreeMap<usize, u64>]) -> Vec<usize> {
    let mut lots: Vec<usize> = (0..n_sources).collect();
    for of in sources_of {
        let joined: BTreeSet<usize> = of.keys().map(|source| lots[*source]).collect();
        if let Some(first) = joined.first() {
            lots.iter_mut().filter(|lot| joined.contains(lot)).for_each(|lot| *lot = *first);
        }
    }
    lots
}

/// Of a number of each model, by how much each has to say.
pub(crate) fn mean_and_variance(values: &[f64], say: &[f64]) -> (f64, f64) {
    let all = say.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mean_of =
        |of: &dyn Fn(f64) -> f64| values.iter().zip(say).map(|(value, say)| say * of(*value)).sum::<f64>() / all;
    let mean = mean_of(&|value| value);
    (mean, mean_of(&|value| (value - mean) * (value - mean)))
}

#[cfg(test)]
mod tests {
    //! A school in another town.

    use classifier::abilities::{Seen, Usual};

    use super::Say;
    use crate::dataset::Dataset;
    use crate::fit::learn_beside;
    use crate::footing::tests::school;
    use crate::material::Material;

    fn seen<'a>(value: f32) -> Vec<Seen<'a>> {
        vec![Seen { traits: &[0.0], value, weight: 1.0 }; 50]
    }

    #[test]
    fn many_models_say_more_than_many_outcomes_of_one() {
        let (mut dataset, _) = school();
        dataset.sources = ["city", "town"].map(str::to_owned).to_vec();
        for prompt in &mut dataset.prompts {
            prompt.source = u16::from(prompt.dataset != 2);
        }
        // Whoever is alone in the third school is asked a hundred times as much.
        let third: Vec<_> = dataset.prompts.iter().filter(|prompt| prompt.dataset == 2).cloned().collect();
        (0..100).for_each(|_| dataset.prompts.extend(third.iter().cloned()));
        let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
        assert!(Say::OfTheMost.of(&Material::new(&dataset, &rows))[3] <= 0.0);
    }

    #[test]
    fn who_has_no_outcomes_here_says_nothing_of_where_models_stand() {
        let footing = [0.2, 0.4, 5.0];
        let usual = |seen: Vec<Vec<Seen<'_>>>| learn_beside(&footing, seen, 1, &[1.0; 3]).0;
        let counted = usual(vec![seen(0.2), seen(0.4), Vec::new()]);
        assert!((counted.means[0] - 0.3).abs() < 1e-3 && counted.variances[0] < 0.1, "{counted:?}");
    }

    #[test]
    fn who_shares_no_source_with_the_others_says_nothing_of_what_is_usual() {
        let (mut dataset, _) = school();
        dataset.sources = ["town", "city"].map(str::to_owned).to_vec();
        let of_material = |dataset: &Dataset| {
            let rows: Vec<u32> = (0..).take(dataset.prompts.len()).collect();
            let material = Material::new(dataset, &rows);
            [Say::OfTheMost, Say::Alike].map(|say| say.of(&material))
        };
        assert_eq!(of_material(&dataset)[0], [1.0; 4]);
        // Whoever is alone in the third school is alone in its town.
        dataset.prompts.iter_mut().filter(|prompt| prompt.dataset == 2).for_each(|prompt| prompt.source = 1);
        let [of_the_most, alike] = of_material(&dataset);
        assert_eq!((of_the_most, alike), (vec![4.0 / 3.0, 4.0 / 3.0, 4.0 / 3.0, 0.0], vec![1.0; 4]));
        // Two of the town are a lot, and too few to tell how far models differ.
        let two = dataset.models.len() - 2;
        dataset.prompts.iter_mut().for_each(|prompt| prompt.answers.retain(|answer| usize::from(answer.model) >= two));
        assert_eq!(of_material(&dataset)[0], [1.0; 4]);
        let of = |say: &[f64]| learn_beside(&[0.5, 0.1], [0.5, 0.1].map(seen).to_vec(), 1, say).0;
        let (alike, first) = (of(&[1.0, 1.0]), of(&[2.0, 0.0]));
        assert!((first.means[0] - alike.means[0] - 0.2).abs() < 1e-6, "{first:?} and {alike:?}");
        assert!(first.variances[0] < alike.variances[0], "{first:?} and {alike:?}");
        let rows: [&[f32]; 2] = [&[0.5], &[0.1]];
        let of_rows = |say: [f64; 2]| Usual::of_rows(&rows.into_iter().zip(say).collect::<Vec<_>>()).means[0];
        assert!((of_rows([1.0, 1.0]) - 0.3).abs() < 1e-6 && (of_rows([2.0, 0.0]) - 0.5).abs() < 1e-6);
    }
}

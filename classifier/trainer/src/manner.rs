//! What is learned of manners: how well each model's is known of each kind of prompts, how much longer it answers them than its
//! abilities tell, and what all this says of prompts that it was not learned from.

use classifier::heads::View;
use classifier::kernel::{add_scaled, dot};
use classifier::manner::{UsualManner, habit, kinds, known};

use crate::dataset::Dataset;
use crate::fit::Fitted;

/// A manner is known of a kind where this part of it was answered. A prompt is part of a kind by the square of its share: one of another
/// data set has small shares of many kinds, and thousands of such strays would add up.
const WELL_COVERED: f32 = 0.1;

/// Logarithms of the lengths of answers, as they are told of prompts that neither abilities nor habits were learned from.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    /// A row for every prompt, a model each: by the model's own manner.
    pub(crate) own: Vec<f32>,
    /// Likewise, how well that manner is known.
    pub(crate) known: Vec<f32>,
    /// For every prompt, what is usual.
    pub(crate) usual: Vec<f32>,
}

/// What is known of manners: rows of all kinds, a model each.
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    pub(crate) known: Vec<f32>,
    pub(crate) habits: Vec<f32>,
}

impl Manners {
    /// Learned from those prompts that are taken; what abilities alone tell is told of all.
    fn learn(dataset: &Dataset, told: &[f32], taken: impl Fn(usize) -> bool) -> Self {
        let (n_models, n_kinds) = (dataset.models.len(), n_kinds(dataset));
        let rows = || vec![0.0_f32; n_models * n_kinds];
        let (mut whole, mut answered, mut counted, mut longer) = (vec![0.0_f32; n_kinds], rows(), rows(), rows());
        for prompt in (0..dataset.prompts.len()).filter(|prompt| taken(*prompt)) {
            let shares = kinds_of(dataset, prompt);
            let squares: Vec<f32> = shares.iter().map(|share| share * share).collect();
            add_scaled(&mut whole, 1.0, &squares);
            for (model, log) in counted_answers(dataset, prompt) {
                let span = model * n_kinds..(model + 1) * n_kinds;
                add_scaled(&mut answered[span.clone()], 1.0, &squares);
                add_scaled(&mut counted[span.clone()], 1.0, shares);
                add_scaled(&mut longer[span], log - told[prompt * n_models + model], shares);
            }
        }
        let part = |(answered, whole): (&f32, &f32)| answered / (WELL_COVERED * whole).max(f32::MIN_POSITIVE);
        let known = answered.iter().zip(whole.iter().cycle()).map(|pair| part(pair).min(1.0)).collect();
        let habits = longer.iter().zip(&counted).map(|(longer, counted)| habit(*longer, *counted)).collect();
        Self { known, habits }
    }
}

/// Model and logarithm of the length of every answer to a prompt that was counted.
pub(crate) fn counted_answers(dataset: &Dataset, prompt: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
    let answers = dataset.prompts[prompt].answers.iter();
    answers.filter_map(|answer| Some((usize::from(answer.model), libm::log1pf(answer.output?))))
}

fn kinds_of(dataset: &Dataset, prompt: usize) -> &[f32] {
    kinds(dataset.prompts[prompt].reading.row.topics())
}

fn n_kinds(dataset: &Dataset) -> usize {
    if dataset.prompts.is_empty() { 0 } else { kinds_of(dataset, 0).len() }
}

/// The manners of all, and what the views of the folds, each fitted outside its own, tell of the prompts in it.
pub(crate) fn manners(dataset: &Dataset, folds: &[u32], views: &[&Fitted]) -> (Manners, Unread) {
    let n_models = dataset.models.len();
    let view_of = |prompt: usize| views[folds[prompt] as usize];
    let traits: Vec<Vec<f32>> = dataset
        .prompts
        .iter()
        .enumerate()
        .map(|(prompt, lesson)| view_of(prompt).view.traits(&lesson.reading))
        .collect();
    let mut own = Vec::with_capacity(traits.len() * n_models);
    for (prompt, traits) in traits.iter().enumerate() {
        own.extend(view_of(prompt).abilities.chunks_exact(1 + traits.len()).map(|row| View::sum(traits, row)));
    }
    let all = Manners::learn(dataset, &own, |_| true);
    // What the other folds' views err in is learned from, in the place of this one's: they are fitted alike.
    let outside = |fold: u32| Manners::learn(dataset, &own, |prompt| folds[prompt] != fold);
    let by_fold: Vec<Manners> = (0_u32..).take(views.len()).map(outside).collect();
    let of_fold = |(Manners { known, habits }, fitted): (&Manners, &&Fitted)| {
        UsualManner::of(known, habits, &fitted.abilities, &fitted.usual.row(fitted.view.link()))
    };
    let usual: Vec<UsualManner> = by_fold.iter().zip(views).map(of_fold).collect();
    let mut unread = Unread { own, known: Vec::new(), usual: Vec::new() };
    for (prompt, own) in unread.own.chunks_exact_mut(n_models).enumerate() {
        let (fold, kinds) = (folds[prompt] as usize, kinds_of(dataset, prompt));
        let Manners { known: known_of, habits } = &by_fold[fold];
        own.iter_mut().zip(habits.chunks_exact(kinds.len())).for_each(|(own, habits)| *own += dot(habits, kinds));
        unread.known.extend(known_of.chunks_exact(kinds.len()).map(|row| known(dot(row, kinds))));
        unread.usual.push(usual[fold].log_length(&traits[prompt], kinds));
    }
    (all, unread)
}

#[cfg(test)]
mod tests {
    //! What is known of whom, counted by hand.

    use classifier::artifact::built_in_encoder;
    use classifier::encoder::Encoder;
    use classifier::lens::{Lens, Reading};

    use super::Manners;
    use crate::dataset::{Answer, Dataset, Lesson};
    use classifier::Prompt;

    /// A prompt and how long the answer of each model was.
    fn lesson(reading: &Reading, outputs: [Option<f32>; 2]) -> Lesson {
        let answer = |(model, output)| Answer { model, quality: 1.0, output, reasoning: None };
        Lesson {
            id: "made/up/0".to_owned(),
            source: 0,
            dataset: 0,
            group: 0,
            answers: (0..).zip(outputs).map(answer).collect(),
            reading: reading.clone(),
            tokens: 1.0,
        }
    }

    /// The first model answers a thousand prompts of the first kind, which stray a little into the second; the other one twenty that are
    /// of the second kind alone.
    fn dataset() -> Dataset {
        let [(_, description), (_, weights), (_, tokenizer)] = built_in_encoder();
        let lens = Lens::new(Encoder::from_bytes(description, weights, tokenizer).expect("it is built in"));
        let reading = lens.read(&[Prompt::from_text("Why?")]).remove(0);
        let strays = std::iter::repeat_with(|| lesson(&reading, [Some(99.0), None])).take(1_000);
        let others = std::iter::repeat_with(|| lesson(&reading, [None, Some(9.0)])).take(20);
        let mut dataset = Dataset {
            models: ["ant", "bee"].map(str::to_owned).to_vec(),
            sources: vec!["made".to_owned()],
            datasets: vec!["up".to_owned()],
            prompts: strays.chain(others).collect(),
            ..Dataset::default()
        };
        let shares = [[0.97, 0.03]; 1_000].into_iter().chain([[0.0, 1.0]; 20]).flatten();
        dataset.tell_topics(&shares.collect::<Vec<f32>>());
        dataset
    }

    #[test]
    fn thousands_of_strays_do_not_make_a_manner_known() {
        let dataset = dataset();
        let manners = Manners::learn(&dataset, &vec![0.0; 2_040], |_| true);
        let [ant_first, ant_second, bee_first, bee_second] = manners.known[..] else { panic!("{:?}", manners.known) };
        assert!(ant_first >= 1.0 && bee_second >= 1.0 && bee_first == 0.0, "{:?}", manners.known);
        assert!(ant_second < 0.5, "thirty answers by their shares, and yet {ant_second}");
    }

    #[test]
    fn a_habit_is_what_abilities_do_not_tell_and_only_of_what_is_taken() {
        let dataset = dataset();
        // Abilities tell four for everything: the first model answers e^0.605 times as long, the second 1 / e^1.697 times.
        let told = vec![4.0; 2_040];
        let manners = Manners::learn(&dataset, &told, |_| true);
        let near = |value: f32, expected: f32| (value - expected).abs() < 0.01;
        assert!(
            near(manners.habits[0], 0.605) && near(manners.habits[3], -1.697 * 20.0 / 22.0),
            "{:?}",
            manners.habits
        );
        let few = Manners::learn(&dataset, &told, |prompt| prompt >= 1_000);
        assert_eq!((few.known[0], few.habits[0], few.habits[1]), (0.0, 0.0, 0.0));
        assert!(near(few.habits[3], manners.habits[3]));
    }
}

//! A model's manner: how long it answers, beside others. It is known of kinds of prompts of which its answers were counted, and tells
//! little of other kinds: how far eight models leave the usual length in one source and in another has a correlation of -0.1
//! (2026-11-29). Where its manner is not known, a model is expected to write what others wrote there.
//! The kinds are the topics; without topics all prompts are of one.

use decision::{Catalog, ModelId, Tokens};

use crate::artifact::is_log;
use crate::heads::View;
use crate::kernel::add_scaled;

/// Counted answers that tell as much of a habit as was known before them: around what is expected the logarithms of one model's answers
/// vary by 0.34, and models among each other by 0.2 to 0.35 (`mmlu_pro`, those that two sources counted and all; 2026-11-29).
const FEW: f32 = 2.0;

/// A manner is known whole where this share of a prompt is of kinds that tell it, since data sets of one kind share their prompts among
/// them. A guess: with a quarter more of what strays is heard, with the whole less of what is known.
const ENOUGH: f32 = 0.5;

/// To prompts to which others write this many times what is usual or more, a model that is said to write long adds so many tokens and
/// no longer its share: where an answer takes thousands, those who were counted thought at length themselves.
const AT_MOST_TIMES: f32 = 4.0;

/// Without topics all prompts are of one kind.
const ONE_KIND: [f32; 1] = [1.0];

/// What is known of manners, beside the abilities in the view of tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// Row after row, a model each: how well its manner is known of each kind, from 0 to 1.
    pub known: Vec<f32>,
    /// Likewise its habits: how much longer it answers prompts of each kind than its abilities tell, as a logarithm.
    pub habits: Vec<f32>,
    /// The logarithm of the mean of answers' lengths over what is usual, of a model whose manner is not known.
    pub log_mean: f32,
    /// Likewise of their 90% quantile.
    pub log_p90: f32,
    /// The logarithm of what such a model is expected to write to the prompt in the middle of those of training.
    pub log_usual: f32,
}

/// The shares of kinds in a prompt that has these of topics.
pub fn kinds(topics: &[f32]) -> &[f32] {
    if topics.is_empty() { &ONE_KIND } else { topics }
}

/// How many kinds there are where there are so many topics.
pub fn n_kinds(n_topics: usize) -> usize {
    n_topics.max(ONE_KIND.len())
}

/// A habit, from the sum of how much longer so many answers were.
pub fn habit(sum: f32, counted: f32) -> f32 {
    sum / (counted + FEW)
}

/// How well a manner is known of a kind after so many answers to prompts that were picked one by one.
pub fn known_after(counted: f32) -> f32 {
    counted / (counted + FEW)
}

/// How well a manner is known of a prompt, by the sum of its kinds' shares, each times how well it is known of that kind.
#[inline(always)]
pub fn known(sum: f32) -> f32 {
    (sum / ENOUGH).min(1.0)
}

/// The logarithm of a length, from the model's own and from the usual one.
#[inline(always)]
pub fn told(known: f32, own: f32, usual: f32) -> f32 {
    usual + known * (own - usual)
}

/// By how much a model answers longer than others, as a logarithm, where this share is expected of what it is said to.
#[inline(always)]
pub fn longer_by(longer: f32, share: f32) -> f32 {
    if share < 1.0 { libm::log1pf(libm::expm1f(longer) * share) } else { longer }
}

/// The share of what a model is expected to write that is beyond what others would: hidden reasoning.
#[inline(always)]
pub fn beyond(known: f32, longer: f32) -> f32 {
    if longer > 0.0 { -libm::expm1f((known - 1.0) * longer) } else { 0.0 }
}

/// The mean length that is said of a model: by its own entry, by that of a model that it is `like`, or by the built-in catalog of
/// either.
pub fn stated(catalog: &Catalog, built_in: &Catalog, model: &ModelId) -> Option<Tokens> {
    // A catalog has no circles of `like`.
    let mut next = Some(model);
    while let Some(id) = next {
        let entry = catalog.get(id);
        let stated = [entry, built_in.get(id)].into_iter().flatten().find_map(|entry| entry.mean_completion);
        if stated.is_some() {
            return stated;
        }
        next = entry.and_then(|entry| entry.like.as_ref());
    }
    None
}

/// What models usually do in the view of tokens, kind by kind.
#[derive(Clone, Debug, PartialEq)]
pub struct UsualManner {
    /// Of a prompt of no kind.
    whole: Vec<f32>,
    /// What a prompt of each kind changes of it.
    changes: Vec<Vec<f32>>,
}

impl Manner {
    /// How well a model's manner is known, kind by kind.
    pub fn known(&self, model: usize, n_kinds: usize) -> &[f32] {
        &self.known[model * n_kinds..][..n_kinds]
    }

    /// By how much answers of so many tokens to usual prompts are longer than is usual, as a logarithm.
    pub fn longer(&self, mean: Tokens) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "a count of tokens; the last of millions does not matter")]
        let log = libm::log1pf(mean.get() as f32);
        log - self.log_usual
    }

    /// The share of what a model is said to write beyond others that is expected to a prompt to which they write so much, as a
    /// logarithm; all of it but for the longest answers.
    #[inline(always)]
    pub fn share_stated(&self, log_others: f32) -> f32 {
        (AT_MOST_TIMES * libm::expf(self.log_usual - log_others)).min(1.0)
    }

    /// What a model is expected to write, and the share of it that is beyond what others would, by what is told of its own length and of
    /// the usual one, as logarithms, and by what is stated of it on average.
    pub fn output(&self, (known, own): (f32, f32), usual: f32, stated: Option<Tokens>) -> (f32, f32) {
        let longer = stated.map_or(0.0, |mean| longer_by(self.longer(mean), self.share_stated(usual)));
        (libm::expm1f(told(known, own, usual + longer)).max(1.0), beyond(known, longer))
    }

    /// Checks that there are so many numbers of either kind, and that each is one.
    pub(crate) fn check(&self, n: usize) -> Result<(), String> {
        let Self { known, habits, log_mean, log_p90, log_usual } = self;
        if known.len() != n || habits.len() != n {
            return Err(format!("{} and {} numbers where {n} are expected", known.len(), habits.len()));
        }
        if let Some(strange) = known.iter().find(|known| !(0.0..=1.0).contains(*known)) {
            return Err(format!("a manner known by {strange}"));
        }
        let strange = habits.iter().chain([log_mean, log_p90, log_usual]).find(|value| !is_log(**value));
        strange.map_or(Ok(()), |strange| Err(strange.to_string()))
    }

    /// A model's habits, kind by kind.
    pub fn habits(&self, model: usize, n_kinds: usize) -> &[f32] {
        &self.habits[model * n_kinds..][..n_kinds]
    }
}

impl UsualManner {
    /// Of each kind, the mean of the models whose manner is known there; with the usual model of all kinds as one more among them.
    pub fn of(known: &[f32], habits: &[f32], abilities: &[f32], usual: &[f32]) -> Self {
        let n_models = (abilities.len() / usual.len()).max(1);
        let n_kinds = known.len() / n_models;
        let mut changes = vec![vec![0.0; usual.len()]; n_kinds];
        for (kind, change) in changes.iter_mut().enumerate() {
            let mut whole = 1.0;
            let each = known.chunks_exact(n_kinds).zip(habits.chunks_exact(n_kinds));
            for ((known, habits), row) in each.zip(abilities.chunks_exact(usual.len())) {
                let known = known[kind];
                whole += known;
                change[0] += known * habits[kind];
                change.iter_mut().zip(row).zip(usual).for_each(|((sum, own), usual)| *sum += known * (own - usual));
            }
            change.iter_mut().for_each(|value| *value /= whole);
        }
        Self { whole: usual.to_vec(), changes }
    }

    /// The logarithm of the length that is usual for a prompt with these traits, of these kinds.
    pub fn log_length(&self, traits: &[f32], kinds: &[f32]) -> f32 {
        let mut row = self.whole.clone();
        let felt = kinds.iter().zip(&self.changes).filter(|(share, _)| **share != 0.0);
        felt.for_each(|(share, change)| add_scaled(&mut row, *share, change));
        View::sum(traits, &row)
    }
}

#[cfg(test)]
mod tests {
    //! When a model's own manner is heard.

    use decision::Tokens;

    use super::{AT_MOST_TIMES, ENOUGH, Manner, UsualManner, kinds, known, known_after, told};

    /// The manner of two models is known of the first kind, that of a third of the second, and nobody's of the third.
    const KNOWN: [f32; 9] = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

    /// Bias and one ability.
    const ABILITIES: [f32; 6] = [4.0, 1.0, 6.0, 1.0, 9.0, 0.0];

    #[test]
    fn what_is_usual_is_told_by_those_who_were_counted_there() {
        let usual = UsualManner::of(&KNOWN, &[0.0; 9], &ABILITIES, &[6.0, 0.5]);
        let at = |kinds: &[f32]| usual.log_length(&[0.0], kinds);
        let near = |value: f32, expected: f32| (value - expected).abs() < 1e-4;
        assert!(near(at(&[1.0, 0.0, 0.0]), (4.0 + 6.0 + 6.0) / 3.0), "{}", at(&[1.0, 0.0, 0.0]));
        assert!(near(at(&[0.0, 1.0, 0.0]), (9.0 + 6.0) / 2.0));
        assert!(near(at(&[0.0, 0.0, 1.0]), 6.0) && near(at(&[0.0; 3]), 6.0));
        let longer = usual.log_length(&[1.0], &[1.0, 0.0, 0.0]) - at(&[1.0, 0.0, 0.0]);
        assert!(near(longer, (1.0 + 1.0 + 0.5) / 3.0), "{longer}");
        // Of the habits of the first model only those count that were seen.
        let habits = [0.6, 7.0, 7.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let wordy = UsualManner::of(&KNOWN, &habits, &ABILITIES, &[6.0, 0.5]);
        assert!(near(wordy.log_length(&[0.0], &[1.0, 0.0, 0.0]), at(&[1.0, 0.0, 0.0]) + 0.2));
        assert!(near(wordy.log_length(&[0.0], &[0.0, 0.4, 0.6]), at(&[0.0, 0.4, 0.6])));
    }

    #[test]
    fn a_manner_is_heard_where_it_was_counted_and_nowhere_else() {
        assert!(known_after(0.0) == 0.0 && known_after(1.0) < 0.5 && known_after(50.0) > 0.9);
        assert!(known(0.0) == 0.0 && known(ENOUGH / 2.0) < 0.6 && known(ENOUGH) >= 1.0 && known(1.0) <= 1.0);
        assert!((told(0.0, 9.0, 5.0) - 5.0).abs() < 1e-6 && (told(1.0, 9.0, 5.0) - 9.0).abs() < 1e-6);
    }

    #[test]
    fn a_stated_length_is_a_share_of_usual_answers_and_adds_to_the_longest() {
        let manner = Manner {
            known: vec![0.0, 0.0, 0.0, 0.2],
            habits: vec![0.0; 4],
            log_mean: 0.0,
            log_p90: 0.0,
            log_usual: 5.0,
        };
        let usual = 5.0_f32.exp_m1();
        let near = |value: f32, expected: f32| (value / expected - 1.0).abs() < 0.02;
        for mean in [40, 1500] {
            let mean_tokens = Tokens::new(mean).ok();
            let output = |known: f32, others: f32| manner.output((known, 0.0), others.ln_1p(), mean_tokens);
            let stated = |others: f32| output(0.0, others).0;
            assert!(output(1.0, usual).0 <= 1.0 && output(1.0, usual).1.abs() < 1e-6, "its own length is known");
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let mean = mean as f32;
            assert!(near(stated(usual), mean), "{}", stated(usual));
            assert!(near(stated(usual * 2.0), mean * 2.0) && near(stated(usual * AT_MOST_TIMES), mean * AT_MOST_TIMES));
            let hidden = output(0.0, usual).1 * stated(usual);
            assert!(near(stated(usual) - hidden, usual.min(mean)), "{hidden} of {}", stated(usual));
            let far = usual * 50.0;
            assert!(near(stated(far), far + AT_MOST_TIMES * (mean - usual)), "{} after {far}", stated(far));
        }
    }

    #[test]
    fn without_topics_all_prompts_are_of_one_kind() {
        assert_eq!((kinds(&[]), kinds(&[0.4, 0.6])), (&[1.0][..], &[0.4, 0.6][..]));
    }
}

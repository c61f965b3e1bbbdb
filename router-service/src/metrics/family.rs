//! All series of one metric, by the words of their labels. Finding one takes a read lock that nobody waits for, except at the
//! first sight of a combination.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::list::{Facts, MAX_SERIES};
use super::names::Known;
use super::series::Series;
use super::words::{OTHER, Words};

/// A word of a label, already held against its set.
pub(super) type Word = Arc<str>;

/// Combinations of words that a metric begins with at 0, so that a rate over it is 0 and not missing. The statuses of every
/// method of every door are more than that.
const BEGUN_WITH: usize = 32;

/// All series of one metric.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) facts: &'static Facts,
    /// The fixed words of each label; empty for one that takes names.
    fixed: Vec<Vec<Word>>,
    other: Word,
    series: RwLock<BTreeMap<Vec<Word>, Arc<Series>>>,
}

impl Family {
    pub(super) fn new(facts: &'static Facts) -> Self {
        let words = |words: Words| match words {
            Words::Fixed(words) => words.iter().map(|word| Arc::from(*word)).collect(),
            Words::Models | Words::Policies | Words::Providers => Vec::new(),
        };
        let fixed = facts.labels.iter().map(|label| words(label.words)).collect();
        let family = Self { facts, fixed, other: Arc::from(OTHER), series: RwLock::default() };
        let n_combinations: usize = family.fixed.iter().map(Vec::len).product();
        if (1..=BEGUN_WITH).contains(&n_combinations) {
            for words in family.combinations() {
                family.of(words);
            }
        }
        family
    }

    fn combinations(&self) -> Vec<Vec<Word>> {
        self.fixed.iter().fold(vec![Vec::new()], |combinations, words| {
            let longer = |begun: &Vec<Word>| {
                words.iter().map(|word| [begun.as_slice(), &[Arc::clone(word)]].concat()).collect::<Vec<_>>()
            };
            combinations.iter().flat_map(longer).collect()
        })
    }

    /// The series of these words. A word that is not in the set of its label is `other`.
    pub(super) fn series(&self, asked: &[&str], known: &Known) -> Arc<Series> {
        debug_assert_eq!(asked.len(), self.facts.labels.len(), "{} is told apart by other labels", self.facts.name);
        let labels = self.facts.labels.iter().zip(&self.fixed).enumerate();
        let words = labels.map(|(place, (label, fixed))| {
            let word = asked.get(place)?;
            match label.words {
                Words::Fixed(_) => fixed.iter().find(|fixed| &***fixed == *word).cloned(),
                Words::Models => known.models.find(word),
                Words::Policies => known.policies.find(word),
                Words::Providers => known.providers.find(word),
            }
        });
        self.of(words.map(|word| word.unwrap_or_else(|| Arc::clone(&self.other))).collect())
    }

    /// All of them, in the order of their words.
    pub(super) fn all(&self) -> Vec<(Vec<Word>, Arc<Series>)> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(words, series)| (words.clone(), Arc::clone(series))).collect()
    }

    /// The series of these words, made at first sight. Beyond the limit there is one for all the rest.
    fn of(&self, words: Vec<Word>) -> Arc<Series> {
        if let Some(series) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(&words) {
            return Arc::clone(series);
        }
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let full = all.len() >= MAX_SERIES && !all.contains_key(&words);
        let words = if full { vec![Arc::clone(&self.other); words.len()] } else { words };
        Arc::clone(all.entry(words).or_insert_with(|| Arc::new(Series::new(self.facts))))
    }
}

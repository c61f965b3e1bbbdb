//! Nearest prompts by the words they share: hashed, weighed by how rare they are, compared by angle. It stands in for an
//! embedding so that the judge needs none; what a better embedding adds is for a better embedding to show.

use std::collections::BTreeMap;

use training_data::fingerprint::fingerprint;

use crate::grid::number;
use crate::pool::Pool;

/// Hashed words that are told apart.
const N_BUCKETS: u64 = 1 << 20;

/// Words of one prompt that count: a book in a prompt must not make everybody its neighbour.
const MAX_WORDS: usize = 4096;

/// Words that more than this share of the prompts have say nothing and cost the most.
const COMMON_SHARE: f64 = 0.2;

/// The prompts of a pool, ready to be compared.
pub struct Neighbours {
    /// The weighed words of each prompt, of length 1.
    words: Vec<Vec<(u32, f32)>>,
    /// The prompts that have a word, with its weight in them.
    having: BTreeMap<u32, Vec<(u32, f32)>>,
}

impl Neighbours {
    /// None where a prompt has no text.
    pub fn of(pool: &Pool) -> Option<Self> {
        let texts: Option<Vec<&str>> = pool.prompts.iter().map(|prompt| prompt.text.as_deref()).collect();
        let mut words: Vec<Vec<(u32, f32)>> = texts?.into_iter().map(hashed_words).collect();
        let mut n_having: BTreeMap<u32, u32> = BTreeMap::new();
        for (word, _) in words.iter().flatten() {
            *n_having.entry(*word).or_insert(0) += 1;
        }
        let n = number(words.len());
        for prompt in &mut words {
            prompt.retain(|(word, _)| f64::from(n_having[word]) <= (COMMON_SHARE * n).max(2.0));
            for (word, weight) in prompt.iter_mut() {
                *weight *= to_f32((n / f64::from(n_having[word])).ln().max(0.0) + 1e-3);
            }
            let length = prompt.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
            prompt.iter_mut().for_each(|(_, weight)| *weight /= length.max(f32::MIN_POSITIVE));
        }
        let mut having: BTreeMap<u32, Vec<(u32, f32)>> = BTreeMap::new();
        for (prompt, words) in (0u32..).zip(&words) {
            for (word, weight) in words {
                having.entry(*word).or_default().push((prompt, *weight));
            }
        }
        Some(Self { words, having })
    }

    /// The nearest prompts that pass, nearest first; of equals the one that comes first.
    pub fn nearest(&self, prompt: usize, k: usize, passes: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut nearness = vec![0f32; self.words.len()];
        for (word, weight) in &self.words[prompt] {
            for (other, others) in self.having.get(word).into_iter().flatten() {
                nearness[usize::try_from(*other).expect("an index fits")] += weight * others;
            }
        }
        let mut near: Vec<usize> =
            (0..nearness.len()).filter(|other| *other != prompt && nearness[*other] > 0.0 && passes(*other)).collect();
        let order = |a: &usize, b: &usize| nearness[*b].total_cmp(&nearness[*a]).then(a.cmp(b));
        if near.len() > k {
            near.select_nth_unstable_by(k, order);
            near.truncate(k);
        }
        near.sort_by(order);
        near
    }
}

/// The words of a text by their hash, with the root of how often they come.
pub fn hashed_words(text: &str) -> Vec<(u32, f32)> {
    let mut counts: BTreeMap<u32, f32> = BTreeMap::new();
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words.take(MAX_WORDS) {
        let hash = fingerprint(0, word.to_lowercase().as_bytes());
        let bucket = u32::try_from(hash % N_BUCKETS).expect("a bucket fits");
        *counts.entry(bucket).or_insert(0.0) += 1.0;
    }
    counts.into_iter().map(|(word, count)| (word, count.sqrt())).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a weight of a word needs no more than seven digits")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

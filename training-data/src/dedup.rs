//! Groups of prompts that ask the same question: word shingles, of which the common ones (templates, instructions) are
//! ignored and the rest compared by a sketch; and equal questions before whatever options. Order does not matter.
//! Memory grows with the distinct prompts, about half a kilobyte each, up to `MAX_PROMPTS`; never with the rows.

use std::collections::HashMap;

use crate::fingerprint::fingerprint;
use crate::row::Text;

/// Words in a shingle. Tuned on the shared outcomes; see the test that measures it.
const SHINGLE_WORDS: usize = 4;

/// Shingles kept of a prompt: those with the smallest hashes, so that equal passages keep equal ones. A question of a
/// benchmark has 30 to 100; of longer texts it is a fair sample.
const SKETCH_SHINGLES: usize = 64;

/// A shingle that more prompts have belongs to a template, not to a question.
const MAX_SHARERS: usize = 24;

/// The share of the smaller prompt's rare shingles that must recur in the other one.
const MIN_SHARED_SHARE: f64 = 0.5;

/// Fewer shared rare shingles than this can be chance.
const MIN_SHARED: usize = 4;

/// A question of fewer words is no question: `which is true` stands before options of every subject.
const MIN_STEM_WORDS: usize = 4;

/// Prompts that are compared. Behind it, only equal words make a group.
pub const MAX_PROMPTS: usize = 1 << 19;

/// Gathers prompts.
#[derive(Debug, Default)]
pub struct Grouper {
    /// The place of a prompt, by the hash of its words. Only asked, never walked.
    known: HashMap<u64, u32>,
    sketches: Vec<Box<[u32]>>,
    /// The hash of the words of each prompt: what a group is named after.
    names: Vec<u64>,
    /// The question before the options, and the prompt.
    stems: Vec<(u64, u32)>,
    last: u64,
}

/// The groups of the prompts that were gathered.
#[derive(Debug)]
pub struct Groups {
    known: HashMap<u64, u32>,
    /// The name of the group of each prompt.
    names: Vec<u64>,
}

impl Grouper {
    /// Adds a prompt. Adding one again costs little and changes nothing.
    pub fn add(&mut self, prompt: &str) {
        let whole = fingerprint(0, prompt.as_bytes());
        if std::mem::replace(&mut self.last, whole) == whole && !self.names.is_empty() {
            return;
        }
        let words = words(prompt);
        let name = name(&words);
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        if self.names.len() == MAX_PROMPTS || self.known.contains_key(&name) {
            return;
        }
        self.known.insert(name, place);
        self.names.push(name);
        self.sketches.push(sketch(&words));
        if let Some(stem) = stem(prompt).map(self::words).filter(|words| words.len() >= MIN_STEM_WORDS) {
            self.stems.push((self::name(&stem), place));
        }
    }

    /// Finds the groups.
    #[must_use]
    pub fn finish(mut self) -> Groups {
        let postings = Postings::new(&self.sketches);
        let rare: Vec<Vec<u32>> = self
            .sketches
            .iter()
            .map(|sketch| {
                sketch.iter().copied().filter(|shingle| postings.sharers(*shingle).len() <= MAX_SHARERS).collect()
            })
            .collect();
        let mut forest = Forest::new(self.names.len());
        let mut others = Vec::new();
        for (place, shingles) in rare.iter().enumerate() {
            others.clear();
            for shingle in shingles {
                // Each pair is looked at once, from its later member.
                let sharers = postings.sharers(*shingle).iter().map(|(_, other)| *other as usize);
                others.extend(sharers.filter(|other| *other < place));
            }
            others.sort_unstable();
            for run in others.chunk_by(|left, right| left == right) {
                if run.len() >= MIN_SHARED && alike(shingles, &rare[run[0]], run.len()) {
                    forest.join(run[0], place);
                }
            }
        }
        self.stems.sort_unstable();
        for equal in self.stems.chunk_by(|left, right| left.0 == right.0).filter(|equal| equal.len() <= MAX_SHARERS) {
            equal.iter().for_each(|(_, place)| forest.join(equal[0].1 as usize, *place as usize));
        }
        // A group is named after the smallest name in it, so that neither order nor place shows.
        let mut smallest = self.names.clone();
        for place in 0..self.names.len() {
            let root = forest.root(place);
            smallest[root] = smallest[root].min(self.names[place]);
        }
        let names = (0..self.names.len()).map(|place| smallest[forest.root(place)]).collect();
        Groups { known: self.known, names }
    }
}

impl Groups {
    /// The group of a prompt, as 16 hexadecimal digits.
    #[must_use]
    pub fn of(&self, prompt: &str) -> Text {
        let own = name(&words(prompt));
        let group = self.known.get(&own).map_or(own, |place| self.names[*place as usize]);
        format!("{group:016x}").into()
    }
}

/// Whether two prompts are one question, judged on the part of the hash range that both sketches cover.
fn alike(left: &[u32], right: &[u32], n_shared: usize) -> bool {
    let reach = |shingles: &[u32]| {
        if shingles.len() < SKETCH_SHINGLES { u32::MAX } else { shingles.last().copied().unwrap_or(u32::MAX) }
    };
    let limit = reach(left).min(reach(right));
    let within = |shingles: &[u32]| shingles.partition_point(|shingle| *shingle <= limit);
    let smaller = within(left).min(within(right)).max(1);
    #[expect(clippy::cast_precision_loss, reason = "at most 64")]
    let share = n_shared as f64 / smaller as f64;
    share >= MIN_SHARED_SHARE
}

/// What stands before the first of some options, if there are any.
fn stem(prompt: &str) -> Option<&str> {
    const FIRST_OPTIONS: [&str; 4] = ["A.", "A)", "(A)", "A:"];
    let mut end = 0;
    for line in prompt.split_inclusive('\n') {
        if end > 0 && FIRST_OPTIONS.iter().any(|first| line.trim_start().starts_with(first)) {
            return Some(&prompt[..end]);
        }
        end += line.len();
    }
    None
}

/// The words of a prompt in lower case. A letter from a to j alone marks an option more often than it means anything;
/// scripts that write without spaces give a word a sign.
pub(crate) fn words(prompt: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for char in prompt.chars().flat_map(char::to_lowercase) {
        let stands_alone = ('\u{2e80}'..='\u{d7ff}').contains(&char);
        if char.is_alphanumeric() && !stands_alone {
            word.push(char);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if stands_alone && char.is_alphanumeric() {
            words.push(char.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.retain(|word| !(word.len() == 1 && ("a"..="j").contains(&word.as_str())));
    words
}

/// A name for some words: what equal prompts share whatever their spacing and case.
pub(crate) fn name(words: &[String]) -> u64 {
    words.iter().fold(words.len() as u64, |hash, word| fingerprint(hash, word.as_bytes()))
}

fn sketch(words: &[String]) -> Box<[u32]> {
    let hashes: Vec<u64> = words.iter().map(|word| fingerprint(7, word.as_bytes())).collect();
    let mut shingles: Vec<u32> = hashes
        .windows(SHINGLE_WORDS.min(hashes.len().max(1)))
        .map(|window| {
            let mixed = window.iter().fold(0, |hash: u64, word| fingerprint(hash, &word.to_le_bytes()));
            (mixed >> 32) as u32
        })
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles.truncate(SKETCH_SHINGLES);
    shingles.into()
}

/// Which prompts have a shingle: pairs of shingle and prompt in one sorted list.
struct Postings(Vec<(u32, u32)>);

impl Postings {
    fn new(sketches: &[Box<[u32]>]) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(sketches.iter().map(|sketch| sketch.len()).sum());
        for (place, sketch) in (0_u32..).zip(sketches) {
            pairs.extend(sketch.iter().map(|shingle| (*shingle, place)));
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    fn sharers(&self, shingle: u32) -> &[(u32, u32)] {
        let start = self.0.partition_point(|(other, _)| *other < shingle);
        let length = self.0[start..].iter().take(MAX_SHARERS + 1).take_while(|(other, _)| *other == shingle).count();
        &self.0[start..start + length]
    }
}

/// Sets that grow together.
struct Forest(Vec<usize>);

impl Forest {
    fn new(n_places: usize) -> Self {
        Self((0..n_places).collect())
    }

    fn root(&mut self, place: usize) -> usize {
        let mut root = place;
        while self.0[root] != root {
            self.0[root] = self.0[self.0[root]];
            root = self.0[root];
        }
        root
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.0[left.max(right)] = left.min(right);
    }
}

#[cfg(test)]
mod tests;

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
const MIN_SHARED_SHARE: f64 = 0.6;

/// Fewer shared rare shingles than this can be chance.
const MIN_SHARED: usize = 4;

/// A question of fewer words is no question: `which is true` stands before options of every subject.
const MIN_STEM_WORDS: usize = 4;

/// Letters and digits of which a prompt is named. Of `?`, `B` or a pictogram fewer are left, and what was taken off them is
/// all that tells them apart: they are named after their exact text. A guess; `2+2` and `2-2` are two questions.
const MIN_NAME_SIGNS: usize = 3;

/// Keeps the names of exact texts apart from those of words.
const EXACT_SALT: u64 = 11;

/// Prompts that are compared. Behind it, only equal words make a group.
pub const MAX_PROMPTS: usize = 1 << 19;

/// Gathers prompts.
#[derive(Debug)]
pub struct Grouper {
    max_prompts: usize,
    /// The place of a prompt, by the hash of its words. Only asked, never walked.
    known: HashMap<u64, u32>,
    sketches: Vec<Box<[u32]>>,
    /// The hash of the words of each prompt: what a group is named after.
    names: Vec<u64>,
    /// The question before the options, and the prompt.
    stems: Vec<(u64, u32)>,
    spellings: Spellings,
}

/// The groups of the prompts that were gathered.
#[derive(Debug)]
pub struct Groups {
    known: HashMap<u64, u32>,
    spellings: Spellings,
    /// The name of the group of each prompt.
    names: Vec<u64>,
}

impl Default for Grouper {
    fn default() -> Self {
        Self::limited(MAX_PROMPTS)
    }
}

impl Grouper {
    fn limited(max_prompts: usize) -> Self {
        let (sketches, names, stems) = (Vec::new(), Vec::new(), Vec::new());
        Self { max_prompts, known: HashMap::new(), sketches, names, stems, spellings: Spellings::default() }
    }

    /// Adds a prompt. Adding one again costs little and changes nothing.
    pub fn add(&mut self, prompt: &str) {
        if self.spellings.place(prompt).is_some() {
            return;
        }
        let words = words(prompt);
        let name = name_of(prompt, &words);
        if let Some(place) = self.known.get(&name) {
            self.spellings.add(prompt, *place);
            return;
        }
        if self.names.len() == self.max_prompts {
            return;
        }
        let place = u32::try_from(self.names.len()).expect("MAX_PROMPTS fits 32 bits");
        self.known.insert(name, place);
        self.spellings.add(prompt, place);
        self.names.push(name);
        self.sketches.push(sketch(&words));
        if let Some(stem) = stem(prompt).map(self::words).filter(|words| words.len() >= MIN_STEM_WORDS) {
            self.stems.push((self::name(&stem), place));
        }
    }

    /// Finds the groups.
    #[must_use]
    pub fn finish(mut self) -> Groups {
        let reaches: Vec<u32> = self.sketches.iter().map(|sketch| reach(sketch)).collect();
        let postings = Postings::new(std::mem::take(&mut self.sketches));
        let rare = postings.rare_by_prompt(self.names.len());
        let mut forest = Forest::new(self.names.len());
        let mut others = Vec::new();
        for (place, shingles) in rare.iter().enumerate() {
            others.clear();
            for shingle in shingles {
                // Each pair is looked at once, from its later member.
                let sharers = postings.sharers(shingle).iter().map(|(_, other)| *other as usize);
                others.extend(sharers.take_while(|other| *other < place));
            }
            others.sort_unstable();
            for run in others.chunk_by(|left, right| left == right) {
                let limit = reaches[place].min(reaches[run[0]]);
                if run.len() >= MIN_SHARED && alike(shingles, &rare[run[0]], limit) {
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
        Groups { known: self.known, spellings: self.spellings, names }
    }
}

impl Groups {
    /// The group of a prompt, as 16 hexadecimal digits.
    #[must_use]
    pub fn of(&self, prompt: &str) -> Text {
        let group = self.spellings.place(prompt).map_or_else(
            || {
                let own = name_of(prompt, &words(prompt));
                self.known.get(&own).map_or(own, |place| self.names[*place as usize])
            },
            |place| self.names[place as usize],
        );
        group_name(group).into()
    }
}

/// Prompts as they are spelt, so that the rows of a prompt need not be taken apart into words once each: twenty models
/// to a prompt made that twenty times the work (measured 2026-11-21: 8.6 s for 667,525 rows, and 2.9 s with this).
#[derive(Debug, Default)]
struct Spellings(HashMap<u64, u32>);

impl Spellings {
    fn place(&self, prompt: &str) -> Option<u32> {
        self.0.get(&fingerprint(0, prompt.as_bytes())).copied()
    }

    fn add(&mut self, prompt: &str, place: u32) {
        if self.0.len() < 2 * MAX_PROMPTS {
            self.0.insert(fingerprint(0, prompt.as_bytes()), place);
        }
    }
}

/// How far up the range of hashes a sketch is complete: a full one may have left out what lies behind its last.
fn reach(sketch: &[u32]) -> u32 {
    match sketch.last() {
        Some(last) if sketch.len() == SKETCH_SHINGLES => *last,
        _ => u32::MAX,
    }
}

/// Whether two prompts are one question, judged on the part of the range that both sketches cover.
fn alike(left: &[Rare], right: &[Rare], limit: u32) -> bool {
    let within = |shingles: &[Rare]| shingles.partition_point(|rare| rare.shingle <= limit);
    let (left, right) = (&left[..within(left)], &right[..within(right)]);
    // Both lists are in order and hold each shingle once.
    let n_shared =
        left.iter().filter(|rare| right.binary_search_by_key(&rare.shingle, |other| other.shingle).is_ok()).count();
    #[expect(clippy::cast_precision_loss, reason = "at most 64")]
    let share = n_shared as f64 / left.len().min(right.len()).max(1) as f64;
    n_shared >= MIN_SHARED && share >= MIN_SHARED_SHARE
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

/// The words of a prompt in lower case, each as a hash. A letter from a to j alone marks an option more often than it
/// means anything; scripts that write without spaces give a word a sign.
pub(crate) fn words(prompt: &str) -> Vec<u64> {
    let mut words = Vec::with_capacity(prompt.len() / 5);
    each_word(prompt, &mut |word| words.push(fingerprint(7, word.as_bytes())));
    words
}

fn each_word(prompt: &str, take: &mut impl FnMut(&str)) {
    let mut word = String::new();
    for char in prompt.chars() {
        let stands_alone = ('\u{2e80}'..='\u{d7ff}').contains(&char);
        if char.is_ascii_alphanumeric() {
            word.push(char.to_ascii_lowercase());
        } else if char.is_alphanumeric() && !stands_alone {
            word.extend(char.to_lowercase());
        } else {
            end_word(&mut word, take);
            if stands_alone && char.is_alphanumeric() {
                word.push(char);
                end_word(&mut word, take);
            }
        }
    }
    end_word(&mut word, take);
}

fn end_word(word: &mut String, take: &mut impl FnMut(&str)) {
    let marks_option = word.len() == 1 && ("a"..="j").contains(&word.as_str());
    if !word.is_empty() && !marks_option {
        take(word);
    }
    word.clear();
}

/// The name of a group, by the prompt that it is named after.
pub(crate) fn group_name(name: u64) -> String {
    format!("{name:016x}")
}

/// The name of a prompt: that of its words, or of its exact text if too little of it are words.
pub(crate) fn name_of(prompt: &str, words: &[u64]) -> u64 {
    if words.len() < MIN_NAME_SIGNS {
        let mut n_signs = 0;
        each_word(prompt, &mut |word| n_signs += word.chars().count());
        if n_signs < MIN_NAME_SIGNS {
            return fingerprint(EXACT_SALT, prompt.trim().as_bytes());
        }
    }
    name(words)
}

/// A name for some words: what equal prompts share whatever their spacing and case.
fn name(words: &[u64]) -> u64 {
    words.iter().fold(words.len() as u64, |hash, word| fingerprint(hash, &word.to_le_bytes()))
}

fn sketch(words: &[u64]) -> Box<[u32]> {
    let mut shingles: Vec<u32> = words
        .windows(SHINGLE_WORDS.min(words.len().max(1)))
        .map(|window| {
            // The words are hashed already; turning each by its place keeps their order, and the last step mixes.
            let turned = window.iter().fold(0_u64, |sum, word| sum.rotate_left(17).wrapping_add(*word));
            (fingerprint(0, &turned.to_le_bytes()) >> 32) as u32
        })
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles.truncate(SKETCH_SHINGLES);
    shingles.into()
}

/// Which prompts have a shingle: pairs of shingle and prompt in one sorted list.
struct Postings(Vec<(u32, u32)>);

/// A shingle that few prompts have, and where they stand in the list.
struct Rare {
    shingle: u32,
    start: u32,
    length: u32,
}

impl Postings {
    fn new(sketches: Vec<Box<[u32]>>) -> Self {
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(sketches.iter().map(|sketch| sketch.len()).sum());
        for (place, sketch) in (0_u32..).zip(sketches) {
            pairs.extend(sketch.iter().map(|shingle| (*shingle, place)));
        }
        pairs.sort_unstable();
        Self(pairs)
    }

    /// The rare shingles of every prompt, in the order of their hashes.
    fn rare_by_prompt(&self, n_prompts: usize) -> Vec<Vec<Rare>> {
        let mut rare: Vec<Vec<Rare>> = (0..n_prompts).map(|_| Vec::new()).collect();
        let mut start = 0_u32;
        for sharers in self.0.chunk_by(|left, right| left.0 == right.0) {
            let length = u32::try_from(sharers.len()).expect("MAX_PROMPTS fits 32 bits");
            if sharers.len() <= MAX_SHARERS {
                for (shingle, place) in sharers {
                    rare[*place as usize].push(Rare { shingle: *shingle, start, length });
                }
            }
            start += length; // At most MAX_PROMPTS * SKETCH_SHINGLES, which fits.
        }
        rare
    }

    /// The prompts that have a rare shingle, in order.
    fn sharers(&self, rare: &Rare) -> &[(u32, u32)] {
        &self.0[rare.start as usize..(rare.start + rare.length) as usize]
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

//! How much a text tells that has to be kept in mind: numbers in words, conditions, comparisons, and the size of a puzzle.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::shape::View;
use super::{count, log};

/// How many numbers [`push`] adds.
pub(super) const COUNT: usize = 10;

/// Numbers in words.
const NUMBERS: &str = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million half third quarter dozen twice thrice \
double triple";

/// Words that join what is told.
const JOINTS: &str = "and or but because so while when";

/// Words that set one thing against another, or one time.
const RELATIONS: &str =
    "than each every per times if then after before remaining left rest total altogether more less fewer half twice";

/// The words of these three lists, a bit for each list.
static LEXICON: LazyLock<HashMap<&str, u8, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let mut lexicon = HashMap::default();
    for (at, list) in LISTS.iter().enumerate() {
        list.split_ascii_whitespace().for_each(|word| *lexicon.entry(word).or_default() |= 1 << at);
    }
    lexicon
});

const LISTS: [&str; 3] = [NUMBERS, JOINTS, RELATIONS];

/// A first number beyond this is no size of a puzzle.
const LARGEST_SIZE: f32 = 20.0;

pub(super) fn push(view: &View<'_>, values: &mut Vec<f32>) {
    let mut told = [0; LISTS.len()];
    for lists in view.words.iter().filter_map(|word| LEXICON.get(word)) {
        told.iter_mut().enumerate().for_each(|(at, n)| *n += usize::from(lists >> at & 1));
    }
    values.extend(told.map(|n| log(count(n))));
    let distinct: HashSet<&str, foldhash::fast::RandomState> = view.numbers.iter().copied().collect();
    let sentences = || view.body.split(['.', '?', '!']);
    let telling = sentences().filter(|sentence| sentence.bytes().any(|byte| byte.is_ascii_digit())).count();
    values.extend([log(count(distinct.len())), log(count(telling))]);
    push_puzzle(view, values);
}

/// The size of a puzzle in a grid: how many places, by its first number, how many kinds of things, by the points of its list, how many
/// clues, by its numbered lines, and what these leave open.
fn push_puzzle(view: &View<'_>, values: &mut Vec<f32>) {
    let first = view.numbers.first().and_then(|number| number.parse::<f32>().ok());
    let places = first.filter(|places| *places <= LARGEST_SIZE).unwrap_or(0.0);
    let points: Vec<&&str> = view.lines.iter().filter(|line| line.starts_with(['-', '*', '•'])).collect();
    let items = points.iter().map(|line| line.matches(',').count() + 1).sum();
    let clues = view.lines.iter().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    let (kinds, clues) = (count(points.len()), count(clues.count()));
    let cells = places * kinds;
    values.extend([places, log(cells), log(clues), clues / (1.0 + cells), log(count(items))]);
}

#[cfg(test)]
mod tests;

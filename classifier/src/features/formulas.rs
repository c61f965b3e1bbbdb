//! What formulas say: how many there are, how long and how deep, and over how many letters.

use std::collections::HashSet;

use super::shape::View;
use super::{count, log};

/// How many numbers [`push`] adds.
pub(super) const COUNT: usize = 8;

/// Braces deeper than this are as deep as any.
const DEEPEST: usize = 12;

pub(super) fn push(view: &View<'_>, values: &mut Vec<f32>) {
    let commands: Vec<&str> = commands(view.text).collect();
    let distinct: HashSet<&str, foldhash::fast::RandomState> = commands.iter().copied().collect();
    let formulas: Vec<usize> = view.text.split('$').skip(1).step_by(2).map(|formula| formula.chars().count()).collect();
    let longest = formulas.iter().copied().max().unwrap_or(0);
    values.extend([commands.len(), distinct.len(), formulas.len(), longest].map(|n| log(count(n))));
    values.extend([count(depth(view.text).min(DEEPEST)), count(n_letters(view))]);
    let decimals = view.numbers.iter().filter(|number| number.contains('.')).count();
    values.extend([log(count(fractions(view.text))), log(count(decimals))]);
}

/// `\frac`, `\sqrt`: a stroke and letters.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split('\\').skip(1).filter_map(|rest| {
        let end = rest.bytes().take_while(u8::is_ascii_lowercase).count();
        (end > 0).then(|| &rest[..end])
    })
}

/// How deep braces go.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// How many letters stand alone, each counted once: variables, and the article.
fn n_letters(view: &View<'_>) -> usize {
    let alone = view.words.iter().filter_map(|word| match word.as_bytes() {
        [letter @ b'a'..=b'z'] => Some(1_u32 << (letter - b'a')),
        _ => None,
    });
    alone.fold(0, |letters, letter| letters | letter).count_ones() as usize
}

/// `3/4`: a stroke between digits.
fn fractions(text: &str) -> usize {
    let between = |three: &&[u8]| three[1] == b'/' && three[0].is_ascii_digit() && three[2].is_ascii_digit();
    text.as_bytes().windows(3).filter(between).count()
}

#[cfg(test)]
mod tests;

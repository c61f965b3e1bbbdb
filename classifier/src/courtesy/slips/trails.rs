//! Where somebody is on a site: the way there, and what is before and behind.

use super::{Apart, Part, Told};

/// Signs between the steps of a way.
pub(super) const STEPS: [char; 4] = ['\u{203a}', '\u{2039}', '\u{bb}', '\u{ab}'];

/// Steps ahead, at least, beyond those back: in a quotation there are as many of either.
const MIN_STEPS: usize = 2;

/// Beside these it may be what is asked about.
pub(super) const SPOKEN: [&str; 2] = [
    "arrow breadcrumb crumb link menu navig page path quot site web",
    "category click folder next prev previous translate",
];

/// Whether these words are a way: `home \u{203a} community \u{203a} general`.
pub(super) fn is_trail(parts: &[Part<'_>], _: Apart) -> Option<Told> {
    let steps = |of: &[char]| parts.iter().filter(|part| part.text.chars().all(|c| of.contains(&c))).count();
    let (ahead, back) = (steps(&['\u{203a}', '\u{bb}']), steps(&['\u{2039}', '\u{ab}']));
    (ahead >= back + MIN_STEPS).then_some(Told::Perhaps)
}

//! Whether a text speaks of something, near an end of it: there it says what is asked.

use crate::canon::BLANKS;

/// Bytes at an end that say what is asked.
const WINDOW: usize = 200;

fn ends_of(text: &str) -> [&str; 2] {
    let head = text.floor_char_boundary(WINDOW);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(WINDOW));
    [&text[..head], &text[tail..]]
}

/// Whether one of these stands near an end of a text, within words, too.
pub(super) fn speaks_of(text: &str, said: &[&str]) -> bool {
    ends_of(text).into_iter().any(|end| said.iter().any(|said| end.contains(said)))
}

/// Whether a word near an end of a text begins with one of these, or two in a row with what a low line joins.
pub(super) fn speaks_by_stem(text: &str, stems: &[&str]) -> bool {
    let begins = |word: &str, stem: &str| word.trim_start_matches(['"', '(', '\'', '[']).starts_with(stem);
    ends_of(text).into_iter().any(|end| {
        let mut before = "";
        end.split(BLANKS).any(|word| {
            let is_here = |stem: &&str| match stem.split_once('_') {
                Some((first, second)) => before == first && begins(word, second),
                // A label speaks of what is behind it.
                None => begins(word, stem) && !word.ends_with(':'),
            };
            let here = stems.iter().any(is_here);
            before = word;
            here
        })
    })
}

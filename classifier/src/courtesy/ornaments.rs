//! What stands around a question and is no word: little pictures, faces, cries, dots; and a word that only echoes.

use super::words::{Word, is_emoticon, words_of};
use super::{announces, speaks_of};
use crate::canon::BLANKS;

/// Times that a word stands in a row before it is an echo: "bye bye bye" is a song.
const MIN_ECHO: usize = 6;

/// Signs that cry or trail off before a question, at least: "!!" is an operator.
const MIN_CRIES: usize = 4;

/// Where one of these is spoken of, an echo is what is asked about.
const SPOKEN: [&str; 7] = [" word", " count", " repeat", " song", " pattern", " goes ", "continue"];

/// The text without the little pictures and faces at its ends, without what cries or echoes there, and with one sign where several cry out
/// at the end; with none where it stands apart. A text of nothing else stays.
pub(super) fn without_ornaments(text: &str) -> &str {
    without_cries(without_echo(without_pictures(text)))
}

fn without_pictures(text: &str) -> &str {
    // Here pictures are what is asked about.
    if ["emoji", "symbol", "icon", "smiley"].iter().any(|word| text.contains(word)) {
        return text;
    }
    let is_blank = |c: char| BLANKS.contains(&c);
    let is_drawn = |word: &str| word.chars().all(|c| matches!(c, '.' | '~' | '\u{2026}'));
    // One alone is a path: `git add .`, `cd ~`.
    let is_trailing = |word: &str| is_emoticon(word) || is_drawn(word) && !matches!(word, "." | "~");
    let mut bare = text.trim_matches(|c: char| is_picture(c) || is_blank(c));
    // Behind a comma three dots ask for what comes next.
    while let Some(at) = bare.rfind(is_blank).filter(|at| is_trailing(&bare[at + 1..]) && !bare[..*at].ends_with(',')) {
        bare = bare[..at].trim_end_matches(|c: char| is_picture(c) || is_blank(c));
    }
    let quiet = bare.trim_end_matches(['!', '?']);
    let first_sign = bare[quiet.len()..].chars().next().unwrap_or_default();
    match quiet.trim_end_matches(is_blank) {
        "" => text,
        // Behind a number it is a factorial.
        sum if sum.ends_with(|c: char| c.is_ascii_digit() || c == ')') && first_sign == '!' && !bare.ends_with('?') => {
            bare
        }
        apart if apart.len() < quiet.len() => apart,
        _ => &bare[..bare.len().min(quiet.len() + first_sign.len_utf8())],
    }
}

/// Without what cries or trails off before the first word.
fn without_cries(text: &str) -> &str {
    let is_cry = |c: char| matches!(c, '!' | '?' | '.' | '\u{2026}');
    let rest = text.trim_start_matches(|c: char| is_cry(c) || BLANKS.contains(&c));
    let before = &text[..text.len() - rest.len()];
    let cries = before.chars().filter(|c| is_cry(*c)).count();
    let trails = before.trim_end() == "\u{2026}";
    let apart = before.ends_with(BLANKS) && rest.starts_with(char::is_alphabetic);
    if apart && (cries >= MIN_CRIES || trails) { rest } else { text }
}

/// Without one word, said again and again, at either end.
fn without_echo(text: &str) -> &str {
    let is_echo = |first: &str, second: &str| first == second && is_plain(first);
    let mut back = text.rsplit(BLANKS).map(bare_of);
    let mut ahead = text.split(BLANKS).map(bare_of);
    let (last, before) = (back.next().unwrap_or_default(), back.next().unwrap_or_default());
    let (first, second) = (ahead.next().unwrap_or_default(), ahead.next().unwrap_or_default());
    // Nearly every text ends here.
    if !is_echo(last, before) && !is_echo(first, second) || speaks_of(text, &SPOKEN) {
        return text;
    }
    let words = words_of(text);
    let run_of = |words: &mut dyn Iterator<Item = &Word<'_>>, of: &str| {
        words.take_while(|word| bare_of(word.text) == of).count()
    };
    let behind = run_of(&mut words.iter().rev(), last);
    if let Some(start) = words.len().checked_sub(behind).filter(|start| *start > 0 && behind >= MIN_ECHO) {
        let rest = &text[..words[start - 1].end];
        return if announces(rest) || rest.ends_with(['"', '\'']) { text } else { rest };
    }
    let in_front = run_of(&mut words.iter(), first);
    if in_front >= MIN_ECHO && in_front < words.len() { &text[words[in_front].at..] } else { text }
}

/// A word without the signs behind it; what a colon announces is no echo.
fn bare_of(word: &str) -> &str {
    word.trim_end_matches(['.', ',', '!', '?'])
}

fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(char::is_alphabetic)
}

/// Emoji, their modifiers and what joins them.
pub(crate) fn is_picture(c: char) -> bool {
    matches!(c, '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{2653}' | '\u{2660}'..='\u{2668}' | '\u{2670}'..='\u{27bf}' | '\u{2b50}'..='\u{2b55}' | '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{20e3}')
}

#[cfg(test)]
mod tests;

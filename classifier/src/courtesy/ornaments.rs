//! What stands around a question and is no word: little pictures, faces, cries, dots; and a word that only echoes.

use super::announces;
use super::faces::{is_drawing, is_emoticon};
use super::pointing::{begins_question, is_pointed_at, says_this};
use super::spoken::speaks_of;
use super::words::{Word, words_of};
use crate::canon::BLANKS;

/// Times that a word stands in a row before it is an echo: "bye bye bye" is a song.
const MIN_ECHO: usize = 6;

/// Faces and figures before a question, at most: of more somebody may ask how many they are.
const MAX_FACES: usize = 2;

/// Signs that cry or trail off before a question, at least: "!!" is an operator.
const MIN_CRIES: usize = 4;

/// Where one of these is spoken of, an echo is what is asked about.
const SPOKEN: [&str; 7] = [" word", " count", " repeat", " song", " pattern", " goes ", "continue"];

/// Where one of these is spoken of, pictures are what is asked about.
const PICTURES: [&str; 4] = ["emoji", "symbol", "icon", "smiley"];

/// Likewise what is drawn in signs.
const DRAWINGS: [&str; 7] = [" face", " draw", "ascii", "emoticon", "kaomoji", "shrug", "unicode"];

/// The text without the little pictures and faces at its ends, without what cries or echoes there, and with one sign where several cry out
/// at the end; with none where it stands apart. A text of nothing else stays.
pub(super) fn without_ornaments(text: &str) -> &str {
    without_cries(without_echo(without_pictures(text)))
}

fn without_pictures(text: &str) -> &str {
    // Here pictures are what is asked about.
    if PICTURES.iter().any(|word| text.contains(word)) {
        return text;
    }
    let is_blank = |c: char| BLANKS.contains(&c);
    let is_drawn = |word: &str| word.chars().all(|c| matches!(c, '.' | '~' | '\u{2026}'));
    // One alone is a path: `git add .`, `cd ~`.
    let trails = |word: &str| is_emoticon(word) || is_drawn(word) && !matches!(word, "." | "~");
    let mut bare = without_drawings(without_first(text.trim_matches(|c: char| is_picture(c) || is_blank(c))));
    // Behind a comma three dots ask for what comes next.
    while let Some(at) = bare.rfind(is_blank).filter(|at| trails(&bare[at + 1..]) && !bare[..*at].ends_with(',')) {
        bare = without_drawings(bare[..at].trim_end_matches(|c: char| is_picture(c) || is_blank(c)));
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

/// Without the figures behind the last word, where it does not point at them.
fn without_drawings(text: &str) -> &str {
    if !text.rsplit(BLANKS).next().is_some_and(is_drawing) {
        return text;
    }
    let words = words_of(text);
    // A face may have blanks in it.
    let is_part = |word: &&Word<'_>| is_drawing(word.text) || word.text == "(";
    let rest = &words[..words.len() - words.iter().rev().take_while(is_part).count()];
    let (Some(last), Some(drawn)) = (rest.last(), words.get(rest.len())) else { return text };
    let body = &text[..last.end];
    let chosen = rest.iter().rev().find(|word| word.opens).is_some_and(|word| word.labels() || word.text == "answer:");
    let ended = drawn.opens || last.text.ends_with(['.', '!', '?', ')', '}', '"']);
    // The colon behind the head of a function announces code.
    let ended = ended || last.text.ends_with(':');
    let told = chosen && !announces(body) || ended && !says_this(body, rest);
    if told && !last.text.ends_with([',', '=']) && !speaks_of(text, &DRAWINGS) { body } else { text }
}

/// Without a face or a figure before the first word, where its writer begins anew behind it or a question begins.
fn without_first(text: &str) -> &str {
    if !text.split(BLANKS).next().is_some_and(is_face) {
        return text;
    }
    let words = words_of(text);
    let drawn = words.iter().take_while(|word| is_face(word.text)).count();
    let Some(first) = words.get(drawn).filter(|_| drawn <= MAX_FACES) else { return text };
    let begins = first.begins || begins_question(first.core());
    if begins && !is_pointed_at(&words[drawn..]) && !speaks_of(text, &DRAWINGS) { &text[first.at..] } else { text }
}

fn is_face(word: &str) -> bool {
    is_emoticon(word) || is_drawing(word)
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
    let mut back = text.rsplit(BLANKS).map(unstopped);
    let mut ahead = text.split(BLANKS).map(unstopped);
    let (last, before) = (back.next().unwrap_or_default(), back.next().unwrap_or_default());
    let (first, second) = (ahead.next().unwrap_or_default(), ahead.next().unwrap_or_default());
    // Nearly every text ends here.
    if !is_echo(last, before) && !is_echo(first, second) || speaks_of(text, &SPOKEN) {
        return text;
    }
    let words = words_of(text);
    let run_of = |words: &mut dyn Iterator<Item = &Word<'_>>, of: &str| {
        words.take_while(|word| unstopped(word.text) == of).count()
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
fn unstopped(word: &str) -> &str {
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

//! Which of how many questions it is, how far somebody has come, what it is worth, and a box to tick.

use super::{Apart, bare};
use crate::courtesy::is_on;
use crate::courtesy::words::Word;

/// What is counted. A name may be written together with its number: `q7`.
const NAMES: &str =
    "attempt chapter ex exercise item p page part pg problem progress prompt q question quiz section slide step task";

/// What questions are worth, and what is said of those that are done.
const UNITS: &str = "answered complete completed marked mark marks point points pt pts remaining";

/// What may stand beside these.
const BESIDE: &str =
    "and no nr not number of out total value worth yet / | -> => \u{b7} \u{2022} \u{279c} \u{2192} \u{bb}";

/// Signs that bars are drawn with.
const BARS: [char; 6] = ['\u{2588}', '\u{2591}', '\u{2592}', '\u{2593}', '\u{25a0}', '\u{25a1}'];

/// Beside a word that begins so a count may be what is asked about. What is counted is spoken of by its own name.
pub(super) const SPOKEN: &str = "box checked correct done each exam far finish fraction grade guess left mark order percent progress ratio remain \
right score tick todo worth";

/// Whether these words are a count: `question 7 of 20`, `q7/20:`, `[3/10]`, `(2 marks)`, `- [ ]`, `exercise 2.6 (c)`.
pub(super) fn is_count(words: &[Word<'_>], apart: Apart) -> bool {
    if is_box(words) {
        return true;
    }
    let (first, last) = (words[0].text, words[words.len() - 1].text.trim_end_matches([':', '.']));
    // `[1, 2]` is an interval.
    let of_all = words.iter().any(|word| word.text.contains('/') || matches!(word.text, "of" | "out"));
    let boxed = first.starts_with('[') && last.ends_with(']');
    let bracketed = boxed || first.starts_with('(') && last.ends_with(')');
    let (mut named, mut worth, mut figures) = ("", false, 0);
    for part in words.iter().map(|word| bare(word.text)).filter(|part| !part.is_empty()) {
        let (name, number) = split(part);
        match part {
            _ if is_figure(part) => figures += 1,
            // Of several with one name somebody makes a list.
            _ if is_on(NAMES, name) && name != named && (number.is_empty() || is_figure(number)) => {
                named = name;
                figures += usize::from(!number.is_empty());
            }
            _ if is_on(UNITS, part) => worth = true,
            // A part of an exercise.
            _ if !named.is_empty() && matches!(part.as_bytes(), [b'a'..=b'h']) => {}
            _ if is_on(BESIDE, part) || part.contains(BARS) => {}
            _ => return false,
        }
    }
    let valued = worth && (bracketed || of_all || apart == Apart::Line);
    let told = !named.is_empty() || valued || boxed && of_all || first.starts_with('#');
    figures > 0 && told && (apart != Apart::Hardly || bracketed || of_all)
}

/// The names of what these words count.
pub(super) fn names<'w>(words: &'w [Word<'_>]) -> impl Iterator<Item = &'w str> {
    words.iter().map(|word| split(bare(word.text)).0).filter(|name| name.len() > 1 && is_on(NAMES, name))
}

/// A name and the number behind it.
fn split(word: &str) -> (&str, &str) {
    word.split_at(word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len()))
}

/// A box to tick, ticked or not, perhaps behind the mark of a point.
fn is_box(words: &[Word<'_>]) -> bool {
    let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
    let rest = texts.strip_prefix(&["-"]).or_else(|| texts.strip_prefix(&["*"])).unwrap_or(&texts);
    let pointed = rest.len() < texts.len();
    matches!(rest, ["[", "]"]) || pointed && matches!(rest, ["[]" | "[x]"])
}

/// `7`, `7/20`, `2.6`, `52%`: numbers of three digits at most, of which none is a year.
fn is_figure(word: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    word.trim_end_matches('%').split(['/', '.']).all(number)
}

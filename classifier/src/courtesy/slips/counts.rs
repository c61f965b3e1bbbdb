//! Which of how many questions it is, how far somebody has come, what it is worth, and a box to tick.

use super::lexicon::{COUNTED, WITH_COUNTS, WORTH};
use super::{Apart, Part, Told};

/// Signs that bars are drawn with.
const BARS: [char; 6] = ['\u{2588}', '\u{2591}', '\u{2592}', '\u{2593}', '\u{25a0}', '\u{25a1}'];

/// Beside these a count may be what is asked about. What is counted is spoken of by its own name, too.
pub(super) const SPOKEN: [&str; 2] = [
    "done earlier exams finish grade guess next_one ones pace progress quiz remain score skip the_rest worth",
    "boxes checkbox checked column correct fraction how_far left mark order percent point ratio right row table tick todo",
];

/// Whether these words are a count: `question 7 of 20`, `q7/20:`, `[3/10]`, `(2 marks)`, `- [ ]`, `exercise 2.6 (c)`.
pub(super) fn is_count(parts: &[Part<'_>], apart: Apart) -> Option<Told> {
    if is_box(parts) || is_table(parts) {
        return Some(Told::Perhaps);
    }
    let (first, last) = (parts[0].text, parts[parts.len() - 1].text.trim_end_matches([':', '.']));
    let (mut named, mut worth, mut figures) = ("", false, 0);
    for part in parts.iter().filter(|part| !part.bare.is_empty()) {
        let (name, number) = part.named();
        match part.bare {
            bare if is_figure(bare) => figures += 1,
            // Of several with one name somebody makes a list.
            _ if part.is(COUNTED) && name != named && (number.is_empty() || is_figure(number)) => {
                named = name;
                figures += usize::from(!number.is_empty());
            }
            _ if part.is(WORTH) => worth = true,
            // A part of an exercise.
            bare if !named.is_empty() && matches!(bare.as_bytes(), [b'a'..=b'h']) => {}
            bare if part.is(WITH_COUNTS) || bare.contains(BARS) => {}
            _ => return None,
        }
    }
    // `[1, 2]` is an interval.
    let of_all = parts.iter().any(|part| part.text.contains('/') || matches!(part.text, "of" | "out"));
    let boxed = first.starts_with('[') && last.ends_with(']');
    let bracketed = boxed || first.starts_with('(') && last.ends_with(')');
    let valued = worth && (bracketed || of_all || apart == Apart::Line);
    let told = !named.is_empty() || valued || boxed && of_all || first.starts_with('#');
    let plainly = named.len() > 1 && of_all || worth && bracketed;
    let told = figures > 0 && told && (apart != Apart::Hardly || bracketed || of_all);
    told.then_some(if plainly { Told::Plainly } else { Told::Perhaps })
}

/// What is counted, as it is spoken of. Of questions and their like it is by their number: the question itself is one.
pub(super) fn names<'p>(parts: &'p [Part<'_>]) -> impl Iterator<Item = &'p str> {
    let spoken = |name: &'p str| match name {
        "exercise" => "exercises",
        "item" => "items",
        "part" => "parts",
        "problem" => "problems",
        "prompt" => "prompts",
        "question" => "questions",
        "task" => "tasks",
        "mark" | "marks" => "mark",
        "point" | "points" | "pt" | "pts" => "point",
        other => other,
    };
    let counted = parts.iter().filter(|part| part.is(COUNTED | WORTH)).map(|part| part.named().0);
    counted.filter(|name| name.len() > 1).map(spoken)
}

/// A box to tick, ticked or not, perhaps behind the mark of a point.
fn is_box(parts: &[Part<'_>]) -> bool {
    if !parts[parts.len() - 1].text.ends_with(']') {
        return false;
    }
    let texts: Vec<&str> = parts.iter().map(|part| part.text).collect();
    let rest = texts.strip_prefix(&["-"]).or_else(|| texts.strip_prefix(&["*"])).unwrap_or(&texts);
    let pointed = rest.len() < texts.len();
    matches!(rest, ["[", "]"]) || pointed && matches!(rest, ["[]" | "[x]"])
}

/// The rule of a table without its rows: `| --- | --- |`.
fn is_table(parts: &[Part<'_>]) -> bool {
    let drawn = |part: &Part<'_>| part.text.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':'));
    parts.len() > 2 && parts.iter().all(drawn) && [&parts[0], &parts[parts.len() - 1]].iter().all(|end| end.text == "|")
}

/// `7`, `7/20`, `2.6`, `52%`: numbers of three digits at most, of which none is a year.
fn is_figure(word: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    word.trim_end_matches('%').split(['/', '.']).all(number)
}

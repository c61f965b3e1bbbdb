//! Places where an aside could end or begin.

use std::ops::Range;

use super::ear::Ear;
use super::said::Whole;
use super::starts::never_starts;
use crate::courtesy::words::{Word, words_of};
use crate::courtesy::{gives_text, is_picture};
use crate::encoder::Table;
use crate::lens::pieces_of;

pub use super::said::n_signs;

/// Words of an aside, at most.
pub const MAX_WORDS: usize = 20;

/// Words of an aside that nothing but the question ends, at most. A guess: longer ones have a sign.
const MAX_OPENING: usize = 10;

/// Fewer words behind the words of an answer to choose from mostly belong to it: "mentally ill". A guess.
const MIN_BEHIND_ANSWER: usize = 4;

/// A full stop behind them ends no sentence.
const ABBREVIATIONS: [&str; 11] = ["mr", "mrs", "ms", "dr", "prof", "st", "jr", "vs", "fig", "eq", "approx"];

/// Words that always stay.
const MIN_KEPT: usize = 3;

/// Where a text could be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// Behind its first words, where a sentence, a line or a part of one ends.
    Front,
    /// Before its last words, where a sentence or a line ends.
    Back,
    /// Before its last words, anywhere else.
    Within,
    /// Behind its first words, anywhere else.
    Opening,
    /// Before its last few words, within an answer to choose from.
    Answer,
}

impl Seam {
    /// Whether what would go stands before the rest.
    pub fn is_ahead(self) -> bool {
        matches!(self, Self::Front | Self::Opening)
    }
}

/// The kinds of seam.
pub const N_SEAMS: usize = 5;

/// One way to take an aside from a text.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The bytes that would stay.
    pub kept: Range<usize>,
    /// Where that is.
    pub seam: Seam,
    /// What can be seen of it.
    pub signs: Vec<f32>,
}

/// What stands in code, and hardly in what somebody says.
const CODE: [&str; 9] = ["{", "}", "()", ";", "->", "==", "+=", "def ", "\\"];

/// The cuts of a canonical text: before each of its last words, and behind each of its first. None at the label of an answer to
/// choose from: what follows is that answer. None before the last words of a text that somebody is to work on, and none that takes
/// what is to be done to it.
pub fn cuts(table: &Table, text: &str) -> Vec<Cut> {
    cuts_where(table, text, &pieces_of(table, text), |_| true)
}

/// Of those the ones that leave what must stay, however they sound: the only question, what a colon announces, and code. The pieces
/// are those of the text.
pub fn cuts_to_hear(table: &Table, text: &str, pieces: &[u32]) -> Vec<Cut> {
    cuts_where(table, text, pieces, |spot| spot.leaves_what_must_stay(text))
}

fn cuts_where(table: &Table, text: &str, pieces: &[u32], wanted: impl Fn(&Spot) -> bool) -> Vec<Cut> {
    let words = words_of(text);
    let Some(most) = words.len().checked_sub(MIN_KEPT).map(|most| most.min(MAX_WORDS)) else { return Vec::new() };
    let given = gives_text(&words);
    let mut back = spots_before_last(&words, if given { 0 } else { most });
    // What is to be done to it stands before a colon.
    let task = words.iter().position(|word| given && word.text.ends_with(':'));
    let mut front = spots_behind_first(&words, most.min(task.unwrap_or(most)), text.len());
    back.retain(&wanted);
    front.retain(&wanted);
    if back.is_empty() && front.is_empty() {
        return Vec::new();
    }
    let whole = Whole::of(table, pieces);
    let mut cuts = Vec::with_capacity(back.len() + front.len());
    let mut hear = |spots: Vec<Spot>, mut ear: Ear<'_, '_>| {
        for spot in spots {
            ear.take_in(spot.n_words);
            let signs = ear.signs(spot.said(text), spot.apart, spot.seam == Seam::Answer);
            cuts.push(Cut { kept: spot.kept, seam: spot.seam, signs });
        }
    };
    hear(back, Ear::at_the_back(&whole, &words));
    hear(front, Ear::at_the_front(&whole, &words));
    cuts
}

/// A place where a text could be cut, before anything was heard of it.
struct Spot {
    /// Words that would go.
    n_words: usize,
    kept: Range<usize>,
    seam: Seam,
    /// A sentence or a line ends here.
    apart: bool,
}

impl Spot {
    /// What would go.
    fn said<'a>(&self, text: &'a str) -> &'a str {
        if self.seam.is_ahead() { text[..self.kept.start].trim_end() } else { text[self.kept.end..].trim_start() }
    }

    fn leaves_what_must_stay(&self, text: &str) -> bool {
        let (kept, said) = (&text[self.kept.clone()], self.said(text));
        let only_question = said.contains('?') && !kept.contains('?');
        let announced = !self.seam.is_ahead() && kept.ends_with(':');
        !only_question && !announced && !CODE.iter().any(|sign| said.contains(sign))
    }
}

/// Before each of so many last words, the very last first.
fn spots_before_last(words: &[Word<'_>], most: usize) -> Vec<Spot> {
    let mut spots = Vec::new();
    for place in (words.len() - most..words.len()).rev() {
        let (word, before) = (&words[place], &words[place - 1]);
        if word.labels() {
            break;
        }
        let answer = words[..place].iter().rev().find(|word| word.opens).is_some_and(Word::labels) && !word.opens;
        let n_said = words.len() - place;
        let short = answer && n_said < MIN_BEHIND_ANSWER && !before.text.ends_with(['.', '!', '?']);
        if !before.labels() {
            let apart = word.begins || ends_sentence(before);
            let seam = match (short, apart) {
                (true, _) => Seam::Answer,
                (_, true) => Seam::Back,
                _ => Seam::Within,
            };
            spots.push(Spot { n_words: n_said, kept: words[0].at..before.end, seam, apart });
        }
    }
    spots
}

/// Behind each of so many first words. Behind such that nothing ends with only where a question could begin.
fn spots_behind_first(words: &[Word<'_>], most: usize, end: usize) -> Vec<Spot> {
    let mut spots = Vec::new();
    for place in 0..most {
        let (word, after) = (&words[place], &words[place + 1]);
        if word.labels() || after.labels() {
            break;
        }
        let apart = after.begins || ends_sentence(word);
        let ends = apart || word.text.ends_with(',');
        if ends || place < MAX_OPENING && !never_starts(after.core()) {
            let seam = if ends { Seam::Front } else { Seam::Opening };
            spots.push(Spot { n_words: place + 1, kept: after.at..end, seam, apart });
        }
    }
    spots
}

/// Whether a sentence ends with this word, or something like one: a face or a picture is as good as a full stop.
fn ends_sentence(word: &Word<'_>) -> bool {
    let ends = word.text.ends_with(['.', '!', '?', ')', ']', ':']) && !is_shortened(word.text);
    ends || word.text.ends_with(is_picture)
}

/// An abbreviation with its full stop: "mr.", "u.s.", "ph.d.". A letter alone is a name of a number: "find x."
fn is_shortened(word: &str) -> bool {
    let is_short = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_lowercase());
    word.strip_suffix('.')
        .is_some_and(|rest| ABBREVIATIONS.contains(&rest) || rest.contains('.') && rest.split('.').all(is_short))
}

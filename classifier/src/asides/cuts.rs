//! Places where an aside could end or begin, and what can be seen of each: how what would go sounds, how what would stay does, and
//! whether the two have to do with one another.

use std::collections::VecDeque;
use std::ops::Range;

use crate::courtesy::words::{Word, words_of};
use crate::courtesy::{gives_text, is_picture};
use crate::encoder::Table;
use crate::kernel::{add_scaled, dot};
use crate::lens::pieces_of;

/// Words of an aside, at most.
pub const MAX_WORDS: usize = 20;

/// Fewer words behind the words of an answer to choose from belong to it: "mentally ill". A guess.
const MIN_BEHIND_ANSWER: usize = 4;

/// Words that always stay.
const MIN_KEPT: usize = 3;

/// Words that something begins with, as far as they are heard one by one.
const FIRST_WORDS: usize = 2;

/// Signs besides the embeddings.
const N_OTHERS: usize = 14;

/// Where a text could be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// Behind its first words.
    Front,
    /// Before its last words, where a sentence or a line ends.
    Back,
    /// Before its last words, anywhere else.
    Within,
}

/// The kinds of seam.
pub const N_SEAMS: usize = 3;

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

/// How many signs a cut has, for embeddings of so many numbers.
pub fn n_signs(dims: usize) -> usize {
    5 * dims + N_OTHERS
}

/// The cuts of a canonical text: before each of its last words, and after each of its first that a sentence, a line or a part of one
/// ends with. None behind the label of an answer to choose from: what follows is that answer. None before the last words of a text
/// that somebody is to work on.
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
    let mut back = spots_before_last(&words, if gives_text(&words) { 0 } else { most });
    let mut front = spots_behind_first(&words, most, text.len());
    back.retain(&wanted);
    front.retain(&wanted);
    if back.is_empty() && front.is_empty() {
        return Vec::new();
    }
    let whole = Whole::of(table, pieces);
    let mut cuts = Vec::with_capacity(back.len() + front.len());
    // Words are taken in as far as there are places to cut at. What was beside them is taken in next.
    let (mut said, mut at) = (Said::new(&whole), words.len() - 1);
    let mut beside = Sound::of(table, &words[at]);
    for spot in back {
        while at >= spot.word {
            at -= 1;
            let heard = std::mem::replace(&mut beside, Sound::of(table, &words[at]));
            said.take_in(heard, Place::First);
        }
        let signs = said.signs(&text[words[spot.word].at..], spot.apart, &beside, Place::First);
        cuts.push(Cut { kept: spot.kept, seam: spot.seam, signs });
    }
    let (mut said, mut at) = (Said::new(&whole), 0);
    let mut beside = Sound::of(table, &words[at]);
    for spot in front {
        while at <= spot.word {
            at += 1;
            let heard = std::mem::replace(&mut beside, Sound::of(table, &words[at]));
            said.take_in(heard, Place::Last);
        }
        let signs = said.signs(&text[words[0].at..words[spot.word].end], spot.apart, &beside, Place::Last);
        cuts.push(Cut { kept: spot.kept, seam: spot.seam, signs });
    }
    cuts
}

/// A place where a text could be cut, before anything was heard of it.
struct Spot {
    /// Of the words that would go, the one beside those that would stay.
    word: usize,
    kept: Range<usize>,
    seam: Seam,
    /// A sentence or a line ends here.
    apart: bool,
}

impl Spot {
    fn leaves_what_must_stay(&self, text: &str) -> bool {
        let kept = &text[self.kept.clone()];
        let said = if self.seam == Seam::Front { &text[..self.kept.start] } else { &text[self.kept.end..] };
        let only_question = said.contains('?') && !kept.contains('?');
        let announced = self.seam != Seam::Front && kept.ends_with(':');
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
        if !before.labels() && !short {
            let apart = word.opens || ends_sentence(before);
            let seam = if apart { Seam::Back } else { Seam::Within };
            spots.push(Spot { word: place, kept: words[0].at..before.end, seam, apart });
        }
    }
    spots
}

/// Behind those of so many first words that a part of a sentence ends with.
fn spots_behind_first(words: &[Word<'_>], most: usize, end: usize) -> Vec<Spot> {
    let mut spots = Vec::new();
    for place in 0..most {
        let (word, after) = (&words[place], &words[place + 1]);
        if word.labels() {
            break;
        }
        let apart = after.opens || ends_sentence(word);
        if apart || word.text.ends_with(',') {
            spots.push(Spot { word: place, kept: after.at..end, seam: Seam::Front, apart });
        }
    }
    spots
}

/// Whether a sentence ends with this word, or something like one: a face or a picture is as good as a full stop.
fn ends_sentence(word: &Word<'_>) -> bool {
    word.text.ends_with(['.', '!', '?', ')', ']', ':']) || word.text.ends_with(is_picture)
}

/// One end or the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Last,
}

/// The word pieces of a whole text.
struct Whole<'a> {
    table: &'a Table,
    /// In order, with how often each is there.
    pieces: Vec<(u32, usize)>,
    n_pieces: usize,
    /// The sum of their rows, each as often as its weight says.
    sum: Vec<f32>,
    weight: f32,
    /// Where the sum points.
    direction: Vec<f32>,
}

impl<'a> Whole<'a> {
    fn of(table: &'a Table, pieces: &[u32]) -> Self {
        let (mut sum, mut weight) = (vec![0.0; table.dims()], 0.0);
        for id in pieces {
            let part = weight_of(table, *id);
            table.add_row(*id, part, &mut sum);
            weight += part;
        }
        let mut sorted = pieces.to_vec();
        sorted.sort_unstable();
        let times = sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        let mut direction = sum.clone();
        let length = dot(&sum, &sum).sqrt().max(f32::MIN_POSITIVE);
        direction.iter_mut().for_each(|number| *number /= length);
        Self { table, pieces: times, n_pieces: pieces.len(), sum, weight, direction }
    }

    fn times(&self, piece: u32) -> usize {
        self.pieces.binary_search_by_key(&piece, |(known, _)| *known).map_or(0, |at| self.pieces[at].1)
    }
}

fn weight_of(table: &Table, piece: u32) -> f32 {
    table.weights().get(piece as usize).copied().unwrap_or(0.0)
}

/// How a word sounds: its pieces, and what they add up to.
struct Sound {
    pieces: Vec<u32>,
    /// The sum of their rows.
    sum: Vec<f32>,
    has_digit: bool,
}

impl Sound {
    fn of(table: &Table, word: &Word<'_>) -> Self {
        let pieces = pieces_of(table, word.text);
        let mut sum = vec![0.0; table.dims()];
        pieces.iter().for_each(|piece| table.add_row(*piece, 1.0, &mut sum));
        Self { pieces, sum, has_digit: word.text.contains(|c: char| c.is_ascii_digit()) }
    }
}

/// What would go, taken in word by word.
struct Said<'a> {
    whole: &'a Whole<'a>,
    /// The sums of its words, in order.
    words: VecDeque<Vec<f32>>,
    /// Its pieces, each once: how often, how often in the whole text, its weight.
    pieces: Vec<(u32, usize, usize, f32)>,
    n_pieces: usize,
    n_numbers: usize,
    /// The sum of the rows of its pieces, plain and weighted.
    plain: Vec<f32>,
    sum: Vec<f32>,
    weight: f32,
    /// How near its pieces are to where the whole text points: the sum, and the nearest.
    near: f32,
    nearest: f32,
}

impl<'a> Said<'a> {
    fn new(whole: &'a Whole<'a>) -> Self {
        let zeros = vec![0.0; whole.sum.len()];
        let (plain, sum) = (zeros.clone(), zeros);
        let (words, pieces, n_pieces, n_numbers) = (VecDeque::new(), Vec::new(), 0, 0);
        Self { whole, words, pieces, n_pieces, n_numbers, plain, sum, weight: 0.0, near: 0.0, nearest: -1.0 }
    }

    /// One word more at an end of it.
    fn take_in(&mut self, word: Sound, place: Place) {
        self.n_numbers += usize::from(word.has_digit);
        let table = self.whole.table;
        let mut row = vec![0.0; self.sum.len()];
        for piece in word.pieces {
            row.fill(0.0);
            table.add_row(piece, 1.0, &mut row);
            let weight = weight_of(table, piece);
            add_scaled(&mut self.sum, weight, &row);
            self.weight += weight;
            self.n_pieces += 1;
            let near = cosine(&row, &self.whole.direction);
            self.near += near;
            self.nearest = self.nearest.max(near);
            match self.pieces.iter_mut().find(|known| known.0 == piece) {
                Some(known) => known.1 += 1,
                None => self.pieces.push((piece, 1, self.whole.times(piece), weight)),
            }
        }
        add_scaled(&mut self.plain, 1.0, &word.sum);
        match place {
            Place::First => self.words.push_front(word.sum),
            Place::Last => self.words.push_back(word.sum),
        }
    }

    /// What it is about, what the rest is about, how it begins and ends, and the word of the rest beside it: a mean would not tell
    /// "my cat is asleep" from "is my cat asleep". `rest` is where the rest stands.
    #[expect(clippy::cast_precision_loss, reason = "counts of some words")]
    fn signs(&self, text: &str, apart: bool, beside: &Sound, rest: Place) -> Vec<f32> {
        let n = self.n_pieces.max(1) as f32;
        let dims = self.sum.len();
        let mut signs = Vec::with_capacity(n_signs(dims));
        signs.extend(self.plain.iter().map(|number| number / n));
        let left = self.whole.weight - self.weight;
        let scale = if left > 1e-3 { 1.0 / left } else { 0.0 };
        signs.extend(self.whole.sum.iter().zip(&self.sum).map(|(whole, said)| (whole - said) * scale));
        let alike = cosine(&self.sum, &signs[dims..]);
        let mut first = vec![0.0; dims];
        self.words.iter().take(FIRST_WORDS).for_each(|word| add_scaled(&mut first, 1.0 / FIRST_WORDS as f32, word));
        signs.extend(first);
        signs.extend(&beside.sum);
        signs.extend(self.words.back().into_iter().flatten());
        let again = self.pieces.iter().filter(|(_, here, times, _)| times > here);
        let again: f32 = again.map(|(_, here, _, weight)| *here as f32 * weight).sum();
        let n_left = self.whole.n_pieces.saturating_sub(self.n_pieces).max(1) as f32;
        let is_sign = |c: &char| {
            matches!(c, '=' | '{' | '}' | '[' | ']' | '<' | '>' | '_' | '|' | '\\' | '$' | '#' | '^' | '*' | '/')
        };
        let flag = |yes: bool| f32::from(u8::from(yes));
        signs.extend([
            alike,
            self.near / n,
            self.nearest,
            again / self.weight.max(1e-6),
            self.weight / n,
            libm::logf(n),
            libm::logf(n_left),
            flag(text.ends_with('?')),
            flag(text.ends_with('.')),
            flag(text.ends_with('!')),
            self.n_numbers as f32 / self.words.len().max(1) as f32,
            flag(apart),
            flag(rest == Place::First),
            text.chars().filter(is_sign).count() as f32 / text.len().max(1) as f32,
        ]);
        signs
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-6)
}

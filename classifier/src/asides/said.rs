//! What can be seen of a cut: how what would go sounds, how what would stay does, and whether the two have to do with one another.

use std::collections::VecDeque;

use super::starts;
use crate::courtesy::words::Word;
use crate::encoder::Table;
use crate::kernel::{add_scaled, dot};
use crate::lens::pieces_of;

/// Words that something begins with, as far as they are heard one by one.
const FIRST_WORDS: usize = 2;

/// Words of the rest beside a cut, as far as they are.
pub(super) const BESIDE: usize = 2;

/// Embeddings of a cut: what would go, the rest, the first words and the last word of what would go, and the words beside it.
const N_EMBEDDINGS: usize = 4 + BESIDE;

/// Signs besides the embeddings.
const N_OTHERS: usize = 15 + starts::N_KINDS;

/// How many signs a cut has, for embeddings of so many numbers.
pub fn n_signs(dims: usize) -> usize {
    N_EMBEDDINGS * dims + N_OTHERS
}

/// The end of a text at which an aside is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Front,
    Back,
}

/// The word pieces of a whole text.
pub(super) struct Whole<'a> {
    pub(super) table: &'a Table,
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
    pub(super) fn of(table: &'a Table, pieces: &[u32]) -> Self {
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
pub(super) struct Sound {
    pieces: Vec<u32>,
    /// The sum of their rows.
    sum: Vec<f32>,
    has_digit: bool,
    /// Of each kind of words that questions begin with, whether it is of it.
    starts: [bool; starts::N_KINDS],
}

impl Sound {
    pub(super) fn of(table: &Table, word: &Word<'_>) -> Self {
        let pieces = pieces_of(table, word.text);
        let mut sum = vec![0.0; table.dims()];
        pieces.iter().for_each(|piece| table.add_row(*piece, 1.0, &mut sum));
        let has_digit = word.text.contains(|c: char| c.is_ascii_digit());
        Self { pieces, sum, has_digit, starts: starts::kinds(word.core()) }
    }
}

/// What would go, taken in word by word.
pub(super) struct Said<'a> {
    whole: &'a Whole<'a>,
    end: End,
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
    pub(super) fn new(whole: &'a Whole<'a>, end: End) -> Self {
        let zeros = vec![0.0; whole.sum.len()];
        let (plain, sum) = (zeros.clone(), zeros);
        let (words, pieces, n_pieces, n_numbers) = (VecDeque::new(), Vec::new(), 0, 0);
        Self { whole, end, words, pieces, n_pieces, n_numbers, plain, sum, weight: 0.0, near: 0.0, nearest: -1.0 }
    }

    /// One word more, on its way into the text.
    pub(super) fn take_in(&mut self, word: Sound) {
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
        match self.end {
            End::Front => self.words.push_back(word.sum),
            End::Back => self.words.push_front(word.sum),
        }
    }

    /// What it is about, what the rest is about, how it begins and ends, and the words of the rest beside it, the nearest first: a mean
    /// would not tell "my cat is asleep" from "is my cat asleep".
    #[expect(clippy::cast_precision_loss, reason = "counts of some words")]
    pub(super) fn signs(&self, text: &str, apart: bool, in_answer: bool, beside: &VecDeque<Sound>) -> Vec<f32> {
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
        beside.iter().for_each(|sound| signs.extend(&sound.sum));
        signs.resize((3 + BESIDE) * dims, 0.0);
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
            flag(in_answer),
            flag(self.end == End::Back),
            text.chars().filter(is_sign).count() as f32 / text.len().max(1) as f32,
        ]);
        let starts = beside.front().filter(|_| self.end == End::Front).map_or(starts::NONE, |next| next.starts);
        signs.extend(starts.map(flag));
        signs
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-6)
}

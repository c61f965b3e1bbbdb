//! Goes into a text from one of its ends, word by word, and says at each step what is heard.

use std::collections::VecDeque;

use super::said::{BESIDE, End, Said, Sound, Whole};
use crate::courtesy::words::Word;

/// An ear on its way into a text.
pub(super) struct Ear<'a, 'w> {
    whole: &'a Whole<'a>,
    said: Said<'a>,
    n_taken: usize,
    /// Words that come next, the nearest first.
    beside: VecDeque<Sound>,
    /// Those that come after them.
    beyond: Box<dyn Iterator<Item = &'w Word<'w>> + 'w>,
}

impl<'a, 'w> Ear<'a, 'w> {
    pub(super) fn at_the_front(whole: &'a Whole<'a>, words: &'w [Word<'w>]) -> Self {
        Self::new(whole, End::Front, Box::new(words.iter()))
    }

    pub(super) fn at_the_back(whole: &'a Whole<'a>, words: &'w [Word<'w>]) -> Self {
        Self::new(whole, End::Back, Box::new(words.iter().rev()))
    }

    fn new(whole: &'a Whole<'a>, end: End, words: Box<dyn Iterator<Item = &'w Word<'w>> + 'w>) -> Self {
        let said = Said::new(whole, end);
        let mut ear = Self { whole, said, n_taken: 0, beside: VecDeque::with_capacity(BESIDE + 1), beyond: words };
        (0..BESIDE).for_each(|_| ear.listen());
        ear
    }

    fn listen(&mut self) {
        self.beside.extend(self.beyond.next().map(|word| Sound::of(self.whole.table, word)));
    }

    /// Takes in words until there are so many.
    pub(super) fn take_in(&mut self, n_words: usize) {
        while self.n_taken < n_words {
            let Some(word) = self.beside.pop_front() else { return };
            self.said.take_in(word);
            self.n_taken += 1;
            self.listen();
        }
    }

    /// What can be seen of a cut here, of this text that would go.
    pub(super) fn signs(&self, text: &str, apart: bool, in_answer: bool) -> Vec<f32> {
        self.said.signs(text, apart, in_answer, &self.beside)
    }
}

//! Learns to tell asides from questions: phrases of our own put before and after prompts of the training rows, against what those
//! prompts begin and end with themselves.

use std::iter;

use classifier::asides::cuts::{Cut, N_SEAMS, cuts, cuts_to_hear};
use classifier::asides::{Asides, canonical_phrase, canonical_question};
use classifier::encoder::{Encoder, Table};
use classifier::lens::pieces_of;

use self::net::{Example, fitted};
use crate::dice::Dice;

mod net;

/// One aside a line; `\n` is a line break.
const PHRASES: &str = concat!(
    include_str!("asides/phrases/general.txt"),
    include_str!("asides/phrases/openers.txt"),
    include_str!("asides/phrases/closers.txt"),
    include_str!("asides/phrases/pleas.txt"),
    include_str!("asides/phrases/talk.txt"),
    include_str!("asides/phrases/mixed.txt"),
    include_str!("asides/phrases/models.txt"),
);

/// Questions of ours, one a line, of which every word matters: short ones, and such as the training rows have few of.
const QUESTIONS: &str = concat!(
    include_str!("asides/questions/everyday.txt"),
    include_str!("asides/questions/technical.txt"),
    include_str!("asides/questions/talk.txt"),
    include_str!("asides/questions/work.txt"),
    include_str!("asides/questions/kinds.txt"),
    include_str!("asides/questions/brief.txt"),
    include_str!("asides/questions/context.txt"),
    include_str!("asides/questions/alike.txt"),
    include_str!("asides/questions/marks.txt"),
    include_str!("asides/questions/terms.txt"),
);

/// Fewer prompts do not show what questions begin and end with: no asides are learned from them, and none are told by sound.
pub const MIN_PROMPTS: usize = 1_000;

/// Prompts that are looked at, at most.
const MAX_PROMPTS: usize = 8_000;

/// One prompt in so many is not learned from: it says what must speak for an aside before one is taken away.
const KEPT_BACK: u64 = 4;

/// Of texts that were kept back and have such a seam, those of which something may be taken away there: a guess at what a forecast does
/// not miss. Whole prompts and excerpts count together, as few whole ones have some of the seams: of sixty the second highest would
/// be all there is to tell by. Of questions of ours many were written to sound like asides.
const SHARES_CUT: [f32; N_SEAMS] = [0.02, 0.02, 0.015, 0.02, 0.01];
const SHARES_CUT_OF_OURS: [f32; N_SEAMS] = [0.05, 0.12, 0.02, 0.02, 0.02];

/// Cuts of a prompt that are learned from, of each kind; all of a question of ours, of which there are fewer.
const PER_PROMPT: usize = 4;
const PER_QUESTION: usize = classifier::asides::cuts::MAX_WORDS;

/// How many times as many of each seam. Behind first words hardly any cut is right.
const TIMES_PER_TEXT: [usize; N_SEAMS] = [1, 1, 1, 2, 1];

/// Excerpts of a prompt. With four, phrases beside few words were told more often than with one; more did not help (2026-11-28).
const EXCERPTS: usize = 4;

/// Sentences of an excerpt, at most, and its words, at least.
const MAX_SENTENCES: usize = 3;
const MIN_WORDS: usize = 6;

/// Phrases that stand in a line of their own, and those of which a cut too much is learned from, as shares.
const OWN_LINE: f32 = 0.5;
const CUT_TOO_MUCH: f32 = 0.3;

/// Words of the question that are cut too much with an aside, at most.
const MAX_TOO_MUCH: usize = 6;

/// The purpose of its random numbers.
const PURPOSE: u64 = 0xa51d;

/// Asides as these prompts, each with its group, show them; nothing from too few, nor for an encoder that is no table.
pub fn learn<'a>(encoder: &Encoder, texts: impl ExactSizeIterator<Item = (&'a str, u64)>, seed: u64) -> Option<Asides> {
    let n = texts.len();
    let Encoder::Table(table) = encoder else { return None };
    if n < MIN_PROMPTS {
        return None;
    }
    let mut dice = Dice::new(seed, PURPOSE);
    let sorts = sorts(texts.step_by(n.div_ceil(MAX_PROMPTS)), &mut dice);
    let (mut asides, least) = fitted(|dice| examples(table, &sorts, dice), &mut dice);
    asides.thresholds = [least; N_SEAMS];
    let [prompts, excerpts, questions] = &sorts;
    let prompts = thresholds(table, prompts.kept_back.iter().chain(&excerpts.kept_back), &asides, SHARES_CUT);
    let questions = thresholds(table, questions.kept_back.iter(), &asides, SHARES_CUT_OF_OURS);
    for asked in [prompts, questions] {
        asides.thresholds.iter_mut().zip(asked).for_each(|(threshold, asked)| *threshold = threshold.max(asked));
    }
    Some(asides)
}

/// Texts of one sort, of which every word matters.
struct Sort {
    learned_from: Vec<String>,
    kept_back: Vec<String>,
    /// Cuts that are learned from, of each kind.
    per_text: usize,
}

impl Sort {
    fn of((learned_from, kept_back): (Vec<String>, Vec<String>), per_text: usize) -> Self {
        Self { learned_from, kept_back, per_text }
    }
}

/// Whole prompts, excerpts of them, which are as short as what people type, and questions of ours. What is cut from a prompt that is
/// kept back is kept back, too, and so is what asks nearly the same.
fn sorts<'a>(texts: impl Iterator<Item = (&'a str, u64)>, dice: &mut Dice) -> [Sort; 3] {
    let (learned_from, kept_back) = split(texts.map(|(text, group)| (canonical_question(text), group)));
    let mut excerpts = |prompts: &[String]| {
        let all = prompts.iter().flat_map(|prompt| iter::repeat_n(prompt, EXCERPTS));
        all.filter_map(|prompt| excerpt(prompt, dice)).collect()
    };
    let excerpts = (excerpts(&learned_from), excerpts(&kept_back));
    let questions = QUESTIONS.lines().map(|line| canonical_question(&line.replace("\\n", "\n")));
    let questions = split(questions.zip(0..));
    [Sort::of((learned_from, kept_back), PER_PROMPT), Sort::of(excerpts, PER_PROMPT), Sort::of(questions, PER_QUESTION)]
}

/// Those that are learned from, and those that are kept back.
fn split(texts: impl Iterator<Item = (String, u64)>) -> (Vec<String>, Vec<String>) {
    let (kept_back, learned_from): (Vec<_>, Vec<_>) = texts.partition(|(_, group)| group.is_multiple_of(KEPT_BACK));
    let texts = |part: Vec<(String, u64)>| part.into_iter().map(|(text, _)| text).collect();
    (texts(learned_from), texts(kept_back))
}

/// Some of what there is to learn from: each phrase beside a few texts, and some cuts of each text. Another draw has others.
fn examples(table: &Table, sorts: &[Sort], dice: &mut Dice) -> Vec<Example> {
    let mut examples = Vec::new();
    for sort in sorts {
        examples_of_questions(table, sort, dice, &mut examples);
    }
    examples_of_phrases(table, sorts, dice, &mut examples);
    examples
}

/// Some sentences of a prompt that follow one another: a short question, or what could be one.
fn excerpt(prompt: &str, dice: &mut Dice) -> Option<String> {
    let sentences: Vec<&str> = prompt
        .split_inclusive('\n')
        .flat_map(|line| line.split_inclusive(". "))
        .flat_map(|part| part.split_inclusive("? "))
        .collect();
    let n = 1 + dice.below(MAX_SENTENCES);
    let from = dice.below(sentences.len().saturating_sub(n) + 1);
    let text = sentences[from..sentences.len().min(from + n)].concat().trim().to_owned();
    (text.len() < prompt.len() && text.split_whitespace().count() >= MIN_WORDS).then_some(text)
}

fn is_no_aside(cut: Cut) -> Example {
    Example { signs: cut.signs, is_aside: false }
}

/// What questions begin and end with themselves.
fn examples_of_questions(table: &Table, sort: &Sort, dice: &mut Dice, examples: &mut Vec<Example>) {
    for text in &sort.learned_from {
        let mut by_seam = [const { Vec::new() }; N_SEAMS];
        cuts(table, text).into_iter().for_each(|cut| by_seam[cut.seam as usize].push(cut));
        let of_each = by_seam.into_iter().zip(TIMES_PER_TEXT);
        for (mut cuts, times) in of_each {
            dice.shuffle(&mut cuts);
            examples.extend(cuts.into_iter().take(times * sort.per_text).map(is_no_aside));
        }
    }
}

/// Each phrase behind a text of each sort, and before one, with and without the sign that it ends with: the cut that takes the phrase is
/// right, one that takes more is not. Twice as often, and phrases that it had not heard were told less often: it knew those it had
/// by heart (2026-11-28).
fn examples_of_phrases(table: &Table, sorts: &[Sort], dice: &mut Dice, examples: &mut Vec<Example>) {
    let sorts = || sorts.iter().map(|sort| &sort.learned_from).filter(|texts| !texts.is_empty());
    for phrase in PHRASES.lines().map(canonical_phrase) {
        let bare = phrase.trim_end_matches(['.', '!', '?', ',', ':', ';']);
        for (phrase, behind, own_line) in [(&*phrase, true, OWN_LINE), (&phrase, false, OWN_LINE), (bare, false, 0.0)] {
            // Beside questions of ours, whose cuts are all learned from, twice.
            for texts in sorts().chain(sorts().next_back()) {
                let text = &texts[dice.below(texts.len())];
                let between = if dice.unit() < own_line { '\n' } else { ' ' };
                examples_of_phrase(table, text, phrase, (behind, between), dice, examples);
            }
        }
    }
}

fn examples_of_phrase(
    table: &Table,
    text: &str,
    phrase: &str,
    (behind, between): (bool, char),
    dice: &mut Dice,
    examples: &mut Vec<Example>,
) {
    let whole = if behind { format!("{text}{between}{phrase}") } else { format!("{phrase}{between}{text}") };
    let kept = if behind { 0..text.len() } else { phrase.len() + 1..whole.len() };
    let mut found = cuts(table, &whole);
    let Some(place) = found.iter().position(|cut| cut.kept == kept) else { return };
    let too_much = place + 1 + dice.below(MAX_TOO_MUCH);
    let same_end = |cut: &Cut| cut.seam.is_ahead() != behind;
    if dice.unit() < CUT_TOO_MUCH && found.get(too_much).is_some_and(same_end) {
        examples.push(is_no_aside(found.swap_remove(too_much)));
    }
    examples.push(Example { signs: found.swap_remove(place).signs, is_aside: true });
}

/// What must be spoken for a cut, so that hardly a prompt that was kept back and could be cut there loses anything.
fn thresholds<'a>(
    table: &Table,
    texts: impl Iterator<Item = &'a String>,
    asides: &Asides,
    shares: [f32; N_SEAMS],
) -> [f32; N_SEAMS] {
    let mut most = [const { Vec::new() }; N_SEAMS];
    for text in texts {
        let mut highest = [None; N_SEAMS];
        for cut in cuts_to_hear(table, text, &pieces_of(table, text)) {
            let score = asides.score(&cut.signs).unwrap_or(f32::MIN);
            let place = &mut highest[cut.seam as usize];
            *place = Some(place.map_or(score, |highest: f32| highest.max(score)));
        }
        most.iter_mut().zip(highest).for_each(|(most, highest)| most.extend(highest));
    }
    let mut shares = shares.into_iter();
    most.map(|mut scores| {
        scores.sort_by(|a, b| b.total_cmp(a));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of thousands"
        )]
        let place = (scores.len() as f32 * shares.next().unwrap_or(0.0)) as usize;
        scores.get(place).copied().unwrap_or(f32::MIN)
    })
}

#[cfg(test)]
mod tests;

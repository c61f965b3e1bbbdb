//! How a text is built: its size, its lines, its options, its signs.

use std::collections::HashSet;

use super::{count, log};

/// How many numbers [`push`] adds.
pub(super) const COUNT: usize = 59;

/// Words, each once. Hashed quickly, and from a seed that nobody who writes prompts knows.
type Distinct<'a> = HashSet<&'a str, foldhash::fast::RandomState>;

/// A canonical text, taken apart once.
pub(super) struct View<'a> {
    pub(super) text: &'a str,
    pub(super) lines: Vec<&'a str>,
    /// What follows the letter of each option of a multiple choice.
    pub(super) options: Vec<&'a str>,
    /// The text without the lines of its options.
    pub(super) body: String,
    /// Runs of letters.
    pub(super) words: Vec<&'a str>,
    /// Runs of digits, with a fraction.
    pub(super) numbers: Vec<&'a str>,
    pub(super) n_chars: f32,
}

impl<'a> View<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut body = String::with_capacity(text.len());
        let mut options = Vec::new();
        for line in &lines {
            match option(line) {
                Some(option) => options.push(option),
                None => {
                    if !body.is_empty() {
                        body.push('\n');
                    }
                    body.push_str(line);
                }
            }
        }
        let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
        let n_chars = count(text.chars().count().max(1));
        Self { text, lines, options, body, words, numbers: numbers_of(text), n_chars }
    }
}

/// `a. ..`, `b) ..`, `(c) ..`: what follows.
fn option(line: &str) -> Option<&str> {
    let line = line.strip_prefix('(').unwrap_or(line);
    let mut letters = line.chars();
    let (letter, sign) = (letters.next()?, letters.next()?);
    (('a'..='j').contains(&letter) && matches!(sign, '.' | ')')).then(|| letters.as_str().trim())
}

/// Runs of digits; a point between digits belongs to the number.
pub(super) fn numbers_of(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut numbers, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !digit(at) {
            at += 1;
            continue;
        }
        let from = at;
        while digit(at) || (bytes.get(at) == Some(&b'.') && digit(at + 1) && !text[from..at].contains('.')) {
            at += 1;
        }
        numbers.push(&text[from..at]);
    }
    numbers
}

pub(super) fn push(view: &View<'_>, values: &mut Vec<f32>) {
    push_sizes(view, values);
    push_options(view, values);
    push_digits(view, values);
    push_signs(view, values);
    push_words(view, values);
}

fn push_sizes(view: &View<'_>, values: &mut Vec<f32>) {
    let n_lines = count(view.lines.len());
    let body_chars = count(view.body.chars().count());
    let n_sentences = count(sentences(&view.body));
    let lengths: Vec<f32> = view.lines.iter().map(|line| count(line.chars().count())).collect();
    let longest = lengths.iter().copied().fold(0.0, f32::max);
    values.extend([
        log(view.n_chars),
        log(count(view.words.len())),
        log(body_chars),
        log(n_lines),
        n_lines / view.n_chars * 50.0,
        log(n_sentences),
        body_chars / (1.0 + n_sentences) / 100.0,
        log(view.n_chars / n_lines.max(1.0)),
        log(longest),
        log(lengths.last().copied().unwrap_or(0.0)),
        log(lengths.first().copied().unwrap_or(0.0)),
    ]);
}

/// Ends of sentences inside the text.
fn sentences(body: &str) -> usize {
    body.as_bytes().windows(2).filter(|pair| b".!?".contains(&pair[0]) && pair[1].is_ascii_whitespace()).count()
}

fn push_options(view: &View<'_>, values: &mut Vec<f32>) {
    let n = count(view.options.len());
    let lengths: Vec<f32> = view.options.iter().map(|option| count(option.chars().count())).collect();
    let mean = lengths.iter().sum::<f32>() / n.max(1.0);
    let variance = lengths.iter().map(|length| (length - mean) * (length - mean)).sum::<f32>() / n.max(1.0);
    let share = |of: &dyn Fn(&&&str) -> bool| {
        if view.options.is_empty() { -1.0 } else { count(view.options.iter().filter(of).count()) / n }
    };
    let shortest = lengths.iter().copied().reduce(f32::min).unwrap_or(0.0);
    values.extend([
        log(n),
        f32::from(u8::from(view.options.len() == 4)),
        f32::from(u8::from(view.options.len() > 4)),
        f32::from(u8::from(view.options.is_empty())),
        log(mean),
        log(lengths.iter().copied().fold(0.0, f32::max)),
        log(shortest),
        libm::sqrtf(variance) / (mean + 1.0),
        share(&|option| !option.chars().any(char::is_alphabetic)),
        share(&|option| option.ends_with('.')),
        overlap(view),
    ]);
}

/// How many of the words of the options the question has used already.
fn overlap(view: &View<'_>) -> f32 {
    if view.options.is_empty() {
        return -1.0;
    }
    let body: Distinct<'_> = view.body.split_whitespace().collect();
    let shares = view.options.iter().map(|option| {
        let (mut known, mut all) = (0, 0);
        for word in option.split_whitespace() {
            known += usize::from(body.contains(word));
            all += 1;
        }
        count(known) / count(all.max(1))
    });
    shares.sum::<f32>() / count(view.options.len())
}

fn push_digits(view: &View<'_>, values: &mut Vec<f32>) {
    let digits = |text: &str| count(text.bytes().filter(u8::is_ascii_digit).count());
    let in_body = numbers_of(&view.body);
    let longest = view.numbers.iter().map(|number| number.len()).max().unwrap_or(0);
    let largest = in_body.iter().take(200).filter(|number| number.len() < 12).filter_map(|number| number.parse().ok());
    values.extend([
        digits(view.text) / view.n_chars,
        digits(&view.body) / count(view.body.len().max(1)),
        log(count(view.numbers.len())),
        log(count(in_body.len())),
        log(count(longest)),
        log(largest.fold(0.0_f32, f32::max).min(1e9)),
    ]);
}

fn push_signs(view: &View<'_>, values: &mut Vec<f32>) {
    let mut tally = [0_usize; 256];
    for byte in view.text.bytes() {
        tally[usize::from(byte)] += 1;
    }
    let n = |signs: &str| count(signs.bytes().map(|sign| tally[usize::from(sign)]).sum());
    for (sign, scale) in [(",", 50.0), (".", 50.0), ("(", 50.0), ("=", 50.0), ("\"", 50.0), ("'", 50.0), (":", 50.0)] {
        values.push(n(sign) / view.n_chars * scale);
    }
    values.extend([n("{}[];<>") / view.n_chars * 20.0, n("\\$") / view.n_chars * 20.0, n("?") / view.n_chars * 100.0]);
    for signs in ["\\$", "^", "{};", "?", "-", "+", "*", "/", "$", "`", "_", "="] {
        values.push(log(n(signs)));
    }
    // The lead bytes of all longer characters.
    let n_strange = count(tally[0xc0..].iter().sum());
    values.extend([log(n_strange), n_strange / view.n_chars * 10.0, n(" ") / view.n_chars]);
}

fn push_words(view: &View<'_>, values: &mut Vec<f32>) {
    let n = count(view.words.len().max(1));
    let chars = |word: &&str| word.chars().count();
    let distinct: Distinct<'_> = view.words.iter().copied().collect();
    let spaced: Vec<&str> = view.text.split_whitespace().collect();
    let spaced_distinct: Distinct<'_> = spaced.iter().copied().collect();
    values.extend([
        count(view.words.iter().map(chars).sum()) / n,
        count(view.words.iter().filter(|word| chars(word) > 8).count()) / n,
        count(distinct.len()) / (n + 1.0),
        log(count(spaced_distinct.len())),
        count(spaced.iter().map(chars).sum()) / count(spaced.len().max(1)),
        log(count(last_question(&view.body))),
    ]);
}

/// The length of the last sentence of the question: what is asked, after what is told.
fn last_question(body: &str) -> usize {
    let open = body.trim_end_matches(['.', '?', ':', '!', ' ', '\n']);
    open.rsplit(['.', '?', '!', '\n']).next().map_or(0, |sentence| sentence.chars().count())
}

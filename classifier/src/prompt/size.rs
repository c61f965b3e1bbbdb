//! How long an answer is asked for, where the question says so: "write a 500-word essay", "in one sentence". No rows of training were
//! asked such things, so what it comes to is told by rule.

use decision::Tokens;

use crate::courtesy::is_on;

/// Bytes at either end of a question in which it is looked for: what stands between them may be a text to work on.
const WINDOW: usize = 600;

/// What a length is given in, and how many tokens one has: four for three words, sentences of 19 words, paragraphs of 90, pages of 500.
const UNITS: [(&str, u64, u64); 4] = [("word", 4, 3), ("sentence", 25, 1), ("paragraph", 120, 1), ("page", 667, 1)];

/// No answer is shorter: a word, its sign, and its end.
const LEAST: u64 = 4;

/// More than this nobody is taken at their word for: more than any model of 2026 writes.
const MOST: u64 = 1_000_000;

const NUMBERS: [(&str, u64); 20] = [
    ("a", 1),
    ("single", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("fifteen", 15),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("hundred", 100),
    ("thousand", 1_000),
];

/// A sentence that asks for an answer begins with one of these.
const ASKING: &str = "\
answer compose create describe discuss draft elaborate explain generate give keep limit make outline prepare produce provide reply respond \
summarise summarize tell use write";

/// What may stand before them.
const PLEADING: &str = "and but can could i i'd kindly like need no now please then to want will would you";

/// In front of a length, behind what is to be written.
const LEADING: &str =
    "about approximately around below exactly in least most of only over roughly than to under up using with within";

/// Behind a length that is led to: the sentence goes on about something else.
const FOLLOWING: &str =
    "about and at each explain describe for in long max maximum minimum on or that total which with";

/// In a sentence about the length alone.
const LIMITING: &str = "\
a about and answer approximately around at be between count exactly fewer in is it keep least length less limit long max maximum min minimum \
more most must no not only or please response roughly should than the to under up use within word words your";

/// Words between what asks and a length that it asks for directly: "write me a short 500-word essay".
const MAX_BETWEEN: usize = 3;

/// Tokens of the answer that a question asks for.
pub(super) fn asked_size(text: &str) -> Option<Tokens> {
    let head = text.floor_char_boundary(WINDOW);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(WINDOW)).max(head);
    [&text[tail..], &text[..head]].into_iter().find_map(|end| {
        // Most questions say nothing of it.
        let may_say = || UNITS.iter().any(|(unit, _, _)| end.contains(&unit[1..]));
        may_say().then(|| size_in(end)).flatten()
    })
}

fn size_in(text: &str) -> Option<Tokens> {
    let lower = text.to_lowercase();
    let mut tokens = lower.split_inclusive(['\n', '.', '!', '?', ';']).filter_map(|sentence| {
        // "1.5" and "5,000" are one number, and "500-word" are two words.
        let words: Vec<&str> =
            sentence.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty()).collect();
        (0..words.len().saturating_sub(1)).find_map(|at| Some(size_at(&words, at)?.clamp(LEAST, MOST)))
    });
    Tokens::new(tokens.next_back()?).ok()
}

/// What the length at this place comes to, if it is asked for.
fn size_at(words: &[&str], at: usize) -> Option<u64> {
    let n = number(words[at])?;
    let unit = bare(words[at + 1]);
    let (_, tokens, of) = UNITS.iter().find(|(name, _, _)| unit.strip_suffix('s').unwrap_or(unit) == *name)?;
    // "Use a word processor", and "write a page" or two.
    if words[at] == "a" && unit == "word" {
        return None;
    }
    let (before, behind) = (&words[..at], &words[at + 2..]);
    is_asked(before, words[at + 1], behind).then(|| n.saturating_mul(*tokens) / of)
}

fn is_asked(before: &[&str], unit: &str, behind: &[&str]) -> bool {
    let ends = unit.ends_with([',', '.', '!', '?', ';', ':', ')', '\n'])
        || behind.first().is_none_or(|next| is_on(FOLLOWING, next));
    let led = before.iter().rev().find(|word| !is_on("a the", word)).is_some_and(|word| is_on(LEADING, word));
    // "In one word, ..."
    let first = before.iter().all(|word| is_on(LEADING, word) || is_on("at a please", word)) && !before.is_empty();
    if first && ends {
        return true;
    }
    // "No more than 200 words."
    let limits = |words: &[&str]| words.iter().all(|word| is_on(LIMITING, bare(word)));
    if limits(before) && limits(behind) {
        return true;
    }
    let Some(verb) =
        before.iter().position(|word| !is_on(PLEADING, bare(word))).filter(|at| is_on(ASKING, before[*at]))
    else {
        return false;
    };
    let between = before.len() - verb - 1;
    led && ends
        || between <= MAX_BETWEEN && !before[verb + 1..].iter().any(|word| is_on("function program that the", word))
}

fn number(word: &str) -> Option<u64> {
    let named = NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, n)| *n);
    named.or_else(|| {
        let digits = word.replace(',', "");
        let is_number =
            word.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Some(digits.parse().unwrap_or(u64::MAX)) } else { None }
    })
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    //! Which lengths are asked for.

    use super::asked_size;

    fn size(text: &str) -> Option<u64> {
        asked_size(text).map(|size| u64::from(size.get()))
    }

    #[test]
    fn a_length_that_is_asked_for_is_heard() {
        for (text, tokens) in [
            ("Write a 1,500-word essay on the fall of Rome.", 2_000),
            ("Please write 300 words about your town", 400),
            ("Could you draft me a two-page letter to the landlord?", 1_334),
            ("In one word, is Paris in France?", 4),
            ("Is Paris in France? Answer in one word.", 4),
            ("Explain entropy in two sentences", 50),
            ("Summarize the article below in at most three paragraphs.\n\nThe river rose again.", 360),
            ("Tell me how tides work. No more than 60 words.", 80),
            ("Discuss the causes of the war in an essay of about 900 words.", 1_200),
            ("I need you to write a 300 page novel", 200_100),
            ("Write 99999999999999999999 words", 1_000_000),
        ] {
            assert_eq!(size(text), Some(tokens), "{text}");
        }
        let long =
            format!("{}\nSummarize this in one paragraph.", "The river rose again and nobody slept. ".repeat(60));
        assert_eq!(size(&long), Some(120));
        assert_eq!(size("Write a 500-word essay. No, make it 600 words."), Some(800), "what is said last counts");
    }

    #[test]
    fn a_length_that_is_spoken_of_is_not() {
        for text in [
            "Write a function that counts the words of a text.",
            "Write a program that splits a text into 3 sentences and prints 2 pages",
            "A writer sent a four-page letter. Who owns it?",
            "She read the book with a speed of 10 pages per day. How long did it take?",
            "He can write a page every 6 minutes. How many pages in 2 hours?",
            "Use a word processor to open it.",
            "What is a word?",
            "How many 5-letter words are there? Answer with a number.",
            "Explain why the 300-page report was late.",
            "Changing the meaning of a word in the argument is called what?",
            "",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}

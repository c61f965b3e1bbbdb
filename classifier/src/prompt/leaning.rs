//! Whether a short last question leans on what was said before it: "and in French?" does, "What is the capital of Peru?" does not, and
//! is as easy behind a hard question as alone. In doubt it leans: what it leans on tells more than it says.

use crate::courtesy::is_on;

/// Words of a question that may stand alone, at least: fewer are an answer, a nod or the end of a sentence begun before.
const MIN_WORDS: usize = 5;

/// Whoever begins so says that something else follows.
const BREAKS: [&str; 8] = [
    "new topic",
    "new question",
    "another topic",
    "different topic",
    "different question",
    "next question",
    "unrelated",
    "changing the subject",
];

/// Questions and requests begin with one of these. Others are of another language, or go on.
const OPENERS: &str = "\
are calculate can compute convert create define describe did do does draft explain find generate give how if implement is list name prove \
should solve suggest summarize tell translate was were what when where which who whose why will write";

/// Each of these points at something, which is not in the question.
const POINTERS: &str = "\
above again also answer before code earlier else first former he her here hers him his instead it it's its latter less line more next one \
ones other others previous result same second she shorter simpler step still such their theirs them then there these they third this those \
too version you your";

/// Behind one of these "that" is of the sentence itself: "a function that reverses".
const BEHIND_THAT: usize = 2;

/// Words behind "the" within which it must say of what.
const OF_WHAT: usize = 4;

/// Whether it needs what was said before it.
pub(super) fn leans(question: &str) -> bool {
    let lower = question.to_lowercase();
    if BREAKS.iter().any(|sign| lower.starts_with(sign)) {
        return false;
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let opens = words.first().is_some_and(|word| is_on(OPENERS, &bare(word)));
    if words.len() < MIN_WORDS || !opens || words.iter().any(|word| is_on(POINTERS, &bare(word))) {
        return true;
    }
    let ends = |word: &str| word.ends_with(['.', '!', '?', ',', ':', ';']);
    words.iter().enumerate().any(|(at, word)| match bare(word).as_str() {
        // "Do that for all of them", "that proof": no verb of its own behind a noun.
        "that" | "that's" => at < BEHIND_THAT || ends(word) || at + 1 == words.len(),
        // "The proof" is one that both know; "the capital of Peru" says which.
        "the" => {
            !words[at + 1..].iter().take(OF_WHAT).any(|next| matches!(bare(next).as_str(), "of" | "in" | "between"))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    //! Which questions need those before them.

    use super::leans;

    #[test]
    fn a_question_that_says_all_it_needs_stands_alone() {
        for text in [
            "What is the capital of Peru?",
            "Write a Python function that reverses a string.",
            "How many feet are in a mile?",
            "New topic: how do tides work?",
            "Unrelated: is 91 prime?",
            "Who wrote War and Peace?",
        ] {
            assert!(!leans(text), "{text}");
        }
    }

    #[test]
    fn a_question_that_points_back_does_not() {
        for text in [
            "And in French?",
            "Thanks, and now in French?",
            "Why?",
            "What is the runtime complexity?",
            "How would the proof change for negative numbers?",
            "Can you explain it to a child of five?",
            "Is that true for all of Europe?",
            "Do you know how to make it faster without a loop?",
            "Write a shorter one in the style of Hemingway.",
            "Explain the second step in more detail please",
            "What happens if n is zero in your code?",
            "Und wie macht man das auf Deutsch?",
            "2",
            "",
        ] {
            assert!(leans(text), "{text}");
        }
    }
}

//! Asides learned from made-up prompts: the same each time, none from too few, and told from what the prompts end with themselves.

use std::sync::LazyLock;

use classifier::Prompt;
use classifier::asides::{Asides, canonical_phrase, canonical_question};
use classifier::encoder::Encoder;
use classifier::lens::Lens;

use super::{MIN_PROMPTS, PHRASES, QUESTIONS, learn, split};

const SUBJECTS: [&str; 5] = ["signal", "lever", "crossing", "tunnel", "platform"];
const DEEDS: [&str; 4] =
    ["moves the points at", "closes the gate of", "lights the lamp above", "sounds the horn before"];

fn encoder() -> Encoder {
    let bytes =
        |name: &str| std::fs::read(format!("{}/../embedded/artifact/encoder/{name}", env!("CARGO_MANIFEST_DIR")));
    let [description, tensors, tokenizer] = ["encoder.json", "encoder.safetensors", "tokenizer.json"]
        .map(|name| bytes(name).expect("it is in the repository"));
    Encoder::from_bytes(&description, &tensors, &tokenizer).expect("it is one")
}

fn texts(n: usize) -> Vec<String> {
    let text = |at: usize| {
        let (subject, deed) = (SUBJECTS[at % SUBJECTS.len()], DEEDS[at / SUBJECTS.len() % DEEDS.len()]);
        format!(
            "A train of {at} wagons passes a {subject}. Which switch {deed} the {subject}, and how long does it take?"
        )
    };
    (0..n).map(text).collect()
}

fn learned(texts: &[String], seed: u64) -> Option<Asides> {
    learn(&encoder(), texts.iter().enumerate().map(|(at, text)| (text.as_str(), at as u64)), seed)
}

/// Learned once for all tests: it takes a minute.
static LEARNED: LazyLock<Asides> = LazyLock::new(|| learned(&texts(MIN_PROMPTS), 1).expect("there are enough"));

#[test]
fn what_asks_nearly_the_same_is_on_one_side() {
    let texts = (0..40_u64).map(|at| (format!("text {at}"), at / 10));
    let (learned_from, kept_back) = split(texts);
    assert_eq!((learned_from.len(), kept_back.len()), (30, 10));
    assert!(kept_back.iter().zip(0..).all(|(text, at)| *text == format!("text {at}")), "{kept_back:?}");
}

#[test]
fn what_is_said_around_a_question_is_passed_over_and_the_question_is_not() {
    let texts = texts(MIN_PROMPTS);
    let lens = Lens::new(encoder()).with_asides(Some(LEARNED.clone()));
    let reading = |text: &str| lens.read(&[Prompt::from_text(text)]).remove(0);
    let plain = Lens::new(encoder());
    let plain = |text: &str| plain.read(&[Prompt::from_text(text)]).remove(0);
    let question = &texts[77];
    assert_eq!(reading(question), plain(question), "nothing of it goes");
    // No line of the list that it learned from says this.
    for aside in ["Grandpa spilled the soup on the carpet again.", "A cheese sandwich goes to the winner."] {
        assert!(!PHRASES.contains(aside));
        let whole = format!("{question} {aside}");
        assert_ne!(plain(&whole), plain(question), "no list of words knows it");
        assert_eq!(reading(&whole), reading(question), "{aside}");
    }
}

#[test]
fn the_same_prompts_and_seed_teach_the_same_and_too_few_nothing() {
    let texts = texts(MIN_PROMPTS);
    assert_eq!(learned(&texts, 1).as_ref(), Some(&*LEARNED));
    assert_ne!(learned(&texts, 2).as_ref(), Some(&*LEARNED));
    assert_eq!(learned(&texts[1..], 1), None);
}

#[test]
fn the_rules_for_courtesies_leave_nearly_all_questions_of_ours_whole() {
    let bare = |text: &str| text.split_whitespace().collect::<String>().trim_end_matches(['?', '!', '.']).to_owned();
    let loses = |line: &&str| {
        let text = line.replace("\\n", "\n");
        bare(&canonical_question(&text)) != bare(&canonical_phrase(&text))
    };
    let lost: Vec<&str> = QUESTIONS.lines().filter(loses).collect();
    // What is left: texts that are given without a word that says so, labels, and sentences of nothing but how to answer.
    assert!(lost.len() * 50 < QUESTIONS.lines().count(), "{} lost words: {lost:#?}", lost.len());
}

#[test]
fn questions_are_there_once_and_none_is_a_phrase() {
    let phrases: std::collections::BTreeSet<String> = PHRASES.lines().map(str::to_lowercase).collect();
    let mut seen = std::collections::BTreeSet::new();
    for line in QUESTIONS.lines() {
        assert!(seen.insert(line.to_lowercase()), "twice: {line}");
        assert!(!phrases.contains(&line.to_lowercase()), "a phrase, too: {line}");
        assert_eq!(line.trim(), line);
        assert!(!line.is_empty());
    }
}

#[test]
fn phrases_are_short_and_each_is_there_once() {
    let mut seen = std::collections::BTreeSet::new();
    for line in PHRASES.lines() {
        let letters: String = line.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        assert!(letters.is_empty() || seen.insert(letters), "twice but for its signs: {line}");
        assert!(line.split_whitespace().count() <= classifier::asides::cuts::MAX_WORDS, "too long: {line}");
        assert_eq!(line.trim(), line);
    }
}

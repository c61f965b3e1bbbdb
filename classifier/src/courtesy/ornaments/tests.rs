//! What goes and what stays.

use super::without_ornaments;
use crate::canon::folded;

#[track_caller]
fn goes(text: &str, expected: &str) {
    assert_eq!(without_ornaments(&folded(text)), folded(expected), "of {text:?}");
}

#[test]
fn what_cries_or_echoes_goes() {
    let question = "What is the area of a square whose side is 3?";
    for ornament in
        ["!!!!!!!! ", "??? !!! ??? !!! ", ".............. ", "\u{2026} ", "hard hard hard hard hard hard hard "]
    {
        goes(&format!("{ornament}{question}"), question);
    }
    for ornament in
        [" the the the the the the the", "\nplease please please please please please.", "!!!!!!", " \u{1f64f}"]
    {
        goes(&format!("{question}{ornament}"), question);
    }
}

#[test]
fn what_is_asked_about_stays() {
    for text in [
        "!!! in a YAML file, is it legal?",
        "... --- ... stands for what?",
        "how many words are these: the the the the the the the",
        "What song goes la la la la la la la la",
        "Continue: boom boom boom boom boom boom",
        "bye bye bye is sung by whom?",
        "Which of the drums is heard here: boom boom boom boom boom boom",
        "1 1 1 1 1 1 1 1 in binary is what?",
        "no no no no no no no",
        "",
    ] {
        goes(text, text);
    }
}

//! What goes and what stays.

use super::without_ornaments;
use crate::courtesy::tests::{QUESTION, leaves};

#[track_caller]
fn goes(text: &str, expected: &str) {
    leaves(without_ornaments, text, expected);
}

#[test]
fn what_cries_or_echoes_goes() {
    for ornament in
        ["!!!!!!!! ", "??? !!! ??? !!! ", ".............. ", "\u{2026} ", "hard hard hard hard hard hard hard "]
    {
        goes(&format!("{ornament}{QUESTION}"), QUESTION);
    }
    for ornament in
        [" the the the the the the the", "\nplease please please please please please.", "!!!!!!", " \u{1f64f}"]
    {
        goes(&format!("{QUESTION}{ornament}"), QUESTION);
    }
}

#[test]
fn faces_and_figures_go_from_either_end() {
    for face in [
        "\u{af}\\_(\u{30c4})_/\u{af}",
        "(^_^)/",
        ">.<",
        ":-)",
        "(\u{256f}\u{b0}\u{25a1}\u{b0})\u{256f}\u{fe35} \u{253b}\u{2501}\u{253b}",
    ] {
        goes(&format!("{QUESTION} {face}"), QUESTION);
        goes(&format!("{face} {QUESTION}"), QUESTION);
    }
    let open = "The largest of these is\nA. a cat\nB. a dog\nC. a cow\nD. a whale";
    goes(&format!("{open} \u{ca0}_\u{ca0}"), open);
    goes(&format!("{QUESTION} ( \u{361}\u{b0} \u{35c}\u{296} \u{361}\u{b0})"), QUESTION);
}

#[test]
fn what_is_asked_about_stays() {
    for text in [
        "\u{af}\\_(\u{30c4})_/\u{af} keeps losing an arm when I post it",
        "\u{295}\u{2022}\u{1d25}\u{2022}\u{294} what is this called?",
        "<3 <3 <3 what is the number of hearts?",
        "Put it back on its legs: \u{253b}\u{2501}\u{253b}",
        "He answered with this, and what does it mean? \u{ca0}_\u{ca0}",
        "What does she mean with this in the end of it all? \u{ca0}_\u{ca0}",
        "Which face is it?\nA. :-)\nB. >.<",
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

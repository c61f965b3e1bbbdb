//! What stories and puzzles are measured by.

use super::{COUNT, push};
use crate::features::log;
use crate::features::tests::numbers_of;

fn row(text: &str) -> Vec<f32> {
    numbers_of(push, COUNT, text)
}

#[track_caller]
fn check(text: &str, expected: [f32; COUNT]) {
    for (at, (found, expected)) in row(text).iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-6, "number {at}: {found} for {expected}");
    }
}

#[test]
fn words_for_numbers_joints_and_relations_are_counted() {
    // Half is a number and a relation; more, than and then are relations, too.
    let text = "she had 5 and he half of it, 2 more than 5. then twelve left.";
    check(text, [log(2.0), log(1.0), log(5.0), log(2.0), log(1.0), 5.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_puzzle_has_a_size() {
    let text =
        "there are 3 houses.\n- names: anna, bob, carl\n- pets: cat, dog, fish\n1. anna has the cat.\n2. bob is next.";
    let cells = 6.0_f32;
    check(text, [0.0, 0.0, 0.0, log(3.0), log(3.0), 3.0, log(cells), log(2.0), 2.0 / (1.0 + cells), log(6.0)]);
}

#[test]
fn any_text_has_them() {
    for text in ["", "-", "1", "999999999999999999999999999999999999999999999", "• é", "1.\n2.\n-"] {
        row(text);
    }
}

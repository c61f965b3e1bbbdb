//! What formulas are measured by.

use super::{COUNT, push};
use crate::features::log;
use crate::features::tests::numbers_of;

fn row(text: &str) -> Vec<f32> {
    numbers_of(push, COUNT, text)
}

#[test]
fn commands_formulas_depth_letters_and_fractions_are_counted() {
    let found = row("let $\\frac{a}{\\sqrt{b}}$ and $\\sqrt{x}$ be 3/4 of a 1.5 b");
    // Three commands, two of them distinct; two formulas, the longest of 18 signs; two braces deep; a, b and x; a fraction, a decimal.
    let expected = [log(3.0), log(2.0), log(2.0), log(18.0), 2.0, 3.0, log(1.0), log(1.0)];
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-6, "number {at}: {found} for {expected}");
    }
}

#[test]
fn any_text_has_them() {
    for text in ["", "\\", "$", "$$$", "}}}", "{{{", "\\\\", "1/", "/2", "é $é$ \\é"] {
        row(text);
    }
}

//! What code is measured by.

use super::{COUNT, push};
use crate::features::log;
use crate::features::tests::numbers_of;

fn row(text: &str) -> Vec<f32> {
    numbers_of(push, COUNT, text)
}

#[test]
fn strings_brackets_calls_and_operators_are_counted() {
    let text = "def f(text, n):\nx = text.replace('ab', 'c')[1:]\nx += g(a[0])\nif x == n: pass\nassert f('hello world', {1: [2, 3, 4]}) == ??";
    let found = row(text);
    let three_deep = 3.0_f32.exp_m1();
    // The longest string, all of them, how many.
    let strings = [11.0, 14.0, 3.0];
    // A bracket in a bracket in a bracket; the longest; the commas of the fullest.
    let brackets = [three_deep, 30.0, 2.0];
    // f, replace, g and f; replace; a[0]; [1:]; the last line.
    let calls = [4.0, 1.0, 1.0, 1.0, 45.0];
    // `x =`; `x +=`; two comparisons; a brace; three brackets.
    let operators = [1.0, 1.0, 2.0, 1.0, 3.0];
    let counts = strings.into_iter().chain(brackets).chain(calls).chain(operators);
    for (at, (found, count)) in found.iter().zip(counts).enumerate() {
        assert!((found - log(count)).abs() < 1e-5, "number {at}: {found} for {}", log(count));
    }
}

#[test]
fn a_bracket_is_a_slice_where_a_colon_comes_before_the_end_of_one() {
    for (text, n_slices) in [
        ("[1:2]", 1.0),
        ("[[1:2]", 2.0),
        ("[[1]:2]", 0.0),
        ("[1][2:]", 1.0),
        ("[a\n:b]", 0.0),
        ("[1:2:3]", 1.0),
        ("[[[", 0.0),
    ] {
        assert!((row(text)[9] - log(n_slices)).abs() < 1e-6, "{text}");
    }
}

#[test]
fn any_text_has_them() {
    for text in ["", "(", "]]", "'", "\"'\"", "a(b[c{d", ",,,", "=", "==", "é(é)", "日本[語:]"] {
        row(text);
    }
}

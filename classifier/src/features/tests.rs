//! What the tests of all columns share.

use super::shape::View;

/// What is pushed of a canonical text: as many numbers as are announced, and every one a number.
pub(super) fn numbers_of(push: impl Fn(&View<'_>, &mut Vec<f32>), n: usize, text: &str) -> Vec<f32> {
    let mut values = Vec::new();
    push(&View::of(text), &mut values);
    assert_eq!(values.len(), n);
    assert!(values.iter().all(|value| value.is_finite()), "{text}");
    values
}

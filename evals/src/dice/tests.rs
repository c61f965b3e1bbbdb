//! The numbers that numpy's `RandomState` prints for the same seeds, so that intervals agree to the last digit.

use super::Dice;

#[test]
fn units_agree_with_the_reference() {
    let mut dice = Dice::new(0);
    for expected in [0.548_813_5, 0.715_189_37, 0.602_763_38] {
        assert!((dice.unit() - expected).abs() < 5e-9);
    }
    for expected in [1731, 1383, 1033, 1747, 277] {
        assert_eq!(dice.below(1912), expected);
    }
    for expected in [2, 4, 6, 0, 0, 4] {
        assert_eq!(dice.below(7), expected);
    }
}

#[test]
fn a_choice_of_one_draws_nothing() {
    let mut dice = Dice::new(12345);
    for expected in [0.929_616_09, 0.316_375_55] {
        assert!((dice.unit() - expected).abs() < 5e-9);
    }
    assert_eq!([0; 4].map(|_| dice.below(10_000)), [3492, 4094, 4478, 546]);
    assert_eq!([0; 4].map(|_| dice.below(256)), [29, 1, 118, 113]);
    assert_eq!([0; 3].map(|_| dice.below(1)), [0, 0, 0]);
    assert!((dice.unit() - 0.653_177_096_871_570_9).abs() < 1e-16);
}

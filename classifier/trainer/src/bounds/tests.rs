//! Bounds against values worked out elsewhere, and against what they may never do: show too often what is not so.

use evals::dice::Dice;

use super::{Bound, constant_bets, deadline_bets, fewest, hoeffding_bentkus, predictable_bets, quantile};

type Test = fn(std::vec::IntoIter<f64>, f64, f64) -> bool;

#[test]
fn hoeffding_and_bentkus_say_what_their_formulas_say() {
    // Worked out with Python's integers and `math`, from the formulas of Bates and others (2021).
    for (mean, n, expected, chance) in [
        (0.01, 1000, 0.02, 0.027_825_822_848_830_367),
        (0.0, 150, 0.02, 0.048_296_021_243_487_65),
        (0.05, 500, 0.1, 9.623_025_444_459_249e-5),
        (0.4, 100, 0.5, 0.077_318_718_137_431_03),
        (0.018, 1000, 0.02, 0.899_829_347_441_993_4),
    ] {
        let found = hoeffding_bentkus(mean, n, expected);
        assert!((found - chance).abs() < 1e-9 * chance.max(1e-3), "{mean} of {n} below {expected}: {found}");
    }
    assert_eq!(hoeffding_bentkus(0.3, 100, 0.2).to_bits(), 1f64.to_bits());
}

#[test]
fn bets_win_as_early_as_an_independent_program_says() {
    // How many values, all alike or in a pattern, it takes to win; from a Python program with the normal distribution of its
    // standard library. One value more or less is what nine digits of a quantile may change.
    let first = |test: Test, values: &dyn Fn(usize) -> Vec<f64>, worst: f64| {
        (1..3000).find(|n| test(values(*n).into_iter(), worst, 0.05)).unwrap()
    };
    let tests: [(Test, [usize; 3], usize); 3] = [
        (deadline_bets, [424, 183, 66], 14),
        (predictable_bets, [400, 199, 78], 17),
        (constant_bets, [584, 290, 114], 29),
    ];
    for (test, counts, patterns) in tests {
        for (figure, count) in [0.01, 0.02, 0.05].into_iter().zip(counts) {
            assert!(first(test, &|n| vec![figure; n], 1.0 - figure).abs_diff(count) <= 1, "{figure}: {count}");
        }
        assert!(first(test, &|n| [0.5, -0.5, 0.5].repeat(n), 1.0).abs_diff(patterns) <= 1);
    }
}

#[test]
fn no_test_wins_with_fewer_than_the_fewest() {
    for figure in [0.005, 0.01, 0.02, 0.05, 0.2] {
        let least = fewest(1.0 - figure, figure, 0.05);
        let n = (1..).find(|n| f64::from(*n) >= least).unwrap();
        let values = vec![figure; usize::try_from(n - 1).unwrap()];
        assert!(!deadline_bets(values.iter().copied(), 1.0 - figure, 0.05), "{figure}");
        assert!(!constant_bets(values.iter().copied(), 1.0 - figure, 0.05), "{figure}");
    }
}

/// Values of mean nothing that a careless test would take for more: rare losses, or losses and gains in balance.
fn null_values(dice: &mut Dice, n: usize, kind: u32) -> Vec<f64> {
    let figure = 0.05;
    let one = |dice: &mut Dice| match kind {
        // One in twenty loses all: what is left is seldom less than the figure.
        0 => {
            if dice.unit() < figure {
                figure - 1.0
            } else {
                figure
            }
        }
        // Losses a little more common than gains.
        1 => {
            let drawn = dice.unit();
            if drawn < 0.15 {
                figure - 1.0
            } else if drawn < 0.25 {
                figure + 1.0
            } else {
                figure
            }
        }
        // Small losses of every size.
        _ => figure - 2.0 * figure * dice.unit(),
    };
    (0..n).map(|_| one(dice)).collect()
}

#[test]
fn what_is_not_so_is_shown_no_more_often_than_the_level_says() {
    const N_TRIALS: u32 = 2000;
    let level = 0.05;
    // Three standard errors of that many trials.
    let most = f64::from(N_TRIALS) * level + 3.0 * (f64::from(N_TRIALS) * level * (1.0 - level)).sqrt();
    for kind in 0..3 {
        for n in [60, 400] {
            let mut n_shown = [0u32; 4];
            for trial in 0..N_TRIALS {
                let values = null_values(&mut Dice::new(trial), n, kind);
                for (count, bound) in n_shown.iter_mut().zip(Bound::ALL) {
                    *count += u32::from(bound.shows(values.iter().copied(), (0.95, 1.05), level));
                }
                n_shown[3] += u32::from(constant_bets(values.iter().copied(), 0.95, level));
            }
            for (test, count) in n_shown.into_iter().enumerate() {
                assert!(f64::from(count) <= most, "test {test}, kind {kind}, {n} values: {count} of {N_TRIALS}");
            }
        }
    }
}

#[test]
fn bets_that_know_the_end_win_more_often_than_those_that_do_not() {
    let n_won = |bound: Bound| {
        (0..400)
            .filter(|seed| {
                let mut dice = Dice::new(*seed);
                let value = |dice: &mut Dice| {
                    let drawn = dice.unit();
                    if drawn < 0.06 {
                        -0.98
                    } else if drawn < 0.12 {
                        1.02
                    } else {
                        0.02
                    }
                };
                let values: Vec<f64> = (0..1200).map(|_| value(&mut dice)).collect();
                bound.shows(values.iter().copied(), (0.98, 1.02), 0.05)
            })
            .count()
    };
    let [betting, predictable, inequalities] = Bound::ALL.map(n_won);
    assert!(betting > predictable + 20, "{betting} against {predictable}");
    assert!(predictable > inequalities, "{predictable} against {inequalities}");
}

#[test]
fn quantiles_are_those_of_the_normal_distribution() {
    for (share, z) in [
        (0.05, -1.644_853_626_951_472_6),
        (0.001, -3.090_232_306_167_813),
        (0.5, 0.0),
        (0.975, 1.959_963_984_540_053_8),
        (0.3, -0.524_400_512_708_040_7),
    ] {
        assert!((quantile(share) - z).abs() < 1e-8, "{share}: {}", quantile(share));
    }
}

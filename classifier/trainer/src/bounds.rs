//! Tests of a mean that are valid for every number of rows: a false "shown" has chance at most the level, whatever the values
//! are distributed like, as long as they are bounded. What is tested is always the same: values whose mean is claimed to be
//! above nothing. The thing a newcomer would get wrong: a test whose bets look ahead is no test.

use std::sync::LazyLock;

/// The ways to test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bound {
    /// Bets that know when the game ends: the tightest here, see `docs/tuning.md`.
    #[default]
    Betting,
    /// Bets of Waudby-Smith and Ramdas (2024), which do not.
    WaudbySmithRamdas,
    /// Hoeffding's and Bentkus's inequalities, whichever says more: they know the mean and not the spread.
    HoeffdingBentkus,
}

impl Bound {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Betting, Self::WaudbySmithRamdas, Self::HoeffdingBentkus];

    /// Its word on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Betting => "betting",
            Self::WaudbySmithRamdas => "waudby-smith-ramdas",
            Self::HoeffdingBentkus => "hoeffding-bentkus",
        }
    }

    /// Whether the values show a mean above nothing. They are independent of one another with one mean, in random order, and
    /// never below `-worst` nor above `best`. Most games are decided early, so values are asked for one by one.
    pub fn shows(self, values: impl ExactSizeIterator<Item = f64>, (worst, best): (f64, f64), level: f64) -> bool {
        match self {
            Self::Betting => deadline_bets(values, worst, level),
            Self::WaudbySmithRamdas => predictable_bets(values, worst, level),
            Self::HoeffdingBentkus => {
                let n = values.len();
                let losses: f64 = values.map(|value| (best - value) / (best + worst)).sum();
                hoeffding_bentkus(losses / number(n), n, best / (best + worst)) <= level
            }
        }
    }
}

/// The chance of a mean this low if the true mean of `n` values in 0..=1 were at or above `expected` (Bates, Angelopoulos, Lei,
/// Malik and Jordan 2021): the smaller of Hoeffding's bound and e times the binomial tail.
pub fn hoeffding_bentkus(mean: f64, n: usize, expected: f64) -> f64 {
    if mean >= expected || n == 0 {
        return 1.0;
    }
    let part = |a: f64, b: f64| if a <= 0.0 { 0.0 } else { a * (a / b).ln() };
    let divergence = part(mean, expected) + part(1.0 - mean, 1.0 - expected);
    let hoeffding = (-number(n) * divergence).exp();
    let bentkus = std::f64::consts::E * binomial_tail((number(n) * mean).ceil(), n, expected);
    hoeffding.min(bentkus).min(1.0)
}

/// The chance of at most `k` successes in `n`.
fn binomial_tail(k: f64, n: usize, chance: f64) -> f64 {
    let (mut log_term, mut sum, mut at) = (number(n) * (-chance).ln_1p(), 0.0, 0.0);
    while at <= k + 1e-9 {
        sum += f64::exp(log_term);
        log_term += ((number(n) - at) / (at + 1.0)).ln() + (chance / (1.0 - chance)).ln();
        at += 1.0;
    }
    sum.min(1.0)
}

/// Bets never stake more than this share of what would ruin them: one bad value must leave something to go on with.
const MOST_STAKE: f64 = 0.9;

/// The spread is guessed at from as many values as this before any is seen, each of this square. Another guess makes a test
/// a little stronger or weaker on its first values and never wrong.
const GUESSED: (f64, f64) = (20.0, 0.05);

/// Below this share of its goal a game is given up: it would have to be won against odds of a million million.
const LOST: f64 = 1e-12;

/// With fewer values left than this the stake is thought over before each of them; before that, before every fourth.
const HASTE: usize = 200;

/// A game against "the mean is at most nothing": fair, or worse, if that is so, hence `1/level` is reached with chance at most
/// `level` (Ville). The stakes are those of somebody who has to reach the goal by the last value and has so many left (Kulldorff
/// 1993, Browne 1999; for confidence intervals Voracek and Orabona 2025): in the limit they win whenever the best test would.
pub fn deadline_bets(values: impl ExactSizeIterator<Item = f64>, worst: f64, level: f64) -> bool {
    let n = values.len();
    let (mut share_of_goal, mut squares, mut stake) = (level, GUESSED.0 * GUESSED.1, 0.0_f64);
    for (at, value) in values.enumerate() {
        let left = n - at;
        // A stake may be older than the last value, and far from the end it hardly changes.
        if left < HASTE || at.is_multiple_of(4) {
            let spread_left = (squares / (number(at) + GUESSED.0) * number(left)).sqrt();
            stake = (eagerness(share_of_goal) / spread_left).min(MOST_STAKE / worst);
        }
        share_of_goal *= 1.0 + stake * value;
        if share_of_goal >= 1.0 {
            return true;
        }
        if share_of_goal < LOST {
            return false;
        }
        squares += value * value;
    }
    false
}

/// The same game with the stakes of Waudby-Smith and Ramdas (2024), their "predictable plug-in".
pub fn predictable_bets(values: impl ExactSizeIterator<Item = f64>, worst: f64, level: f64) -> bool {
    let n = number(values.len());
    let (mut share_of_goal, mut squares) = (level, 0.25);
    let goal = 2.0 * (1.0 / level).ln();
    for (at, value) in values.enumerate() {
        let variance = squares / number(at + 1);
        let stake = (goal / (variance * n)).sqrt();
        share_of_goal *= 1.0 + stake.min(0.75 / worst) * value;
        if share_of_goal >= 1.0 {
            return true;
        }
        squares += value * value;
    }
    false
}

/// Stakes that are fixed beforehand, side by side, each with an equal share of the capital. Weaker than bets that adapt, and
/// valid where those are not: where independent values have each a mean of its own and only the mean of the means is claimed to be
/// above nothing. Where values depend on those before, as under a budget, whose account goes on from prompt to prompt, what is
/// bounded is the mean of what was to be expected at each step along the way that was gone.
pub fn constant_bets(values: impl ExactSizeIterator<Item = f64>, worst: f64, level: f64) -> bool {
    let mut capitals = STAKES.map(|_| 1.0 / number(STAKES.len()));
    for value in values {
        for (capital, stake) in capitals.iter_mut().zip(STAKES) {
            *capital *= 1.0 + stake * MOST_STAKE / worst * value;
        }
    }
    capitals.iter().sum::<f64>() >= 1.0 / level
}

/// Shares of the largest stake, each 0.6 of the one before: the best of them is never far from the best there is.
const STAKES: [f64; 12] =
    [1.0, 0.6, 0.36, 0.216, 0.1296, 0.07776, 0.046656, 0.0279936, 0.01679616, 0.010077696, 0.006046618, 0.003627971];

/// The fewest values that could ever show a mean above nothing, were each as good as `typical`.
pub fn fewest(worst: f64, typical: f64, level: f64) -> f64 {
    ((1.0 / level).ln() / (MOST_STAKE / worst * typical).ln_1p()).ceil()
}

/// What share of the capital, in units of the spread that is left, somebody stakes who owns this share of the goal: the
/// density of the normal distribution over its mass, at the quantile of that share.
fn eagerness(share: f64) -> f64 {
    // The density is the same at both ends, where it changes fastest; the table is fine at the lower one.
    if share > 0.5 { eagerness_below_half(1.0 - share) * (1.0 - share) / share } else { eagerness_below_half(share) }
}

fn eagerness_below_half(share: f64) -> f64 {
    const N_STEPS: usize = 2048;
    static TABLE: LazyLock<Vec<f64>> = LazyLock::new(|| {
        let at = |index: usize| (LOST.ln() * (1.0 - number(index) / number(N_STEPS))).exp().min(0.6);
        (0..=N_STEPS).map(|index| density(quantile(at(index))) / at(index)).collect()
    });
    let place = (1.0 - share.max(LOST).ln() / LOST.ln()).clamp(0.0, 1.0) * number(N_STEPS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the table's last index")]
    let below = (place as usize).min(N_STEPS - 1);
    TABLE[below] + (TABLE[below + 1] - TABLE[below]) * (place - number(below))
}

fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The quantile of the standard normal distribution: Acklam's rational approximation, good to nine digits, of which bets need
/// three.
pub fn quantile(share: f64) -> f64 {
    const A: [f64; 6] = [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -54.476_098_798_224_06,
        161.585_836_858_040_9,
        -155.698_979_859_886_6,
        66.801_311_887_719_72,
        -13.280_681_552_885_72,
        1.0,
    ];
    const C: [f64; 6] = [
        -0.007_784_894_002_430_293,
        -0.322_396_458_041_136_5,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] =
        [0.007_784_695_709_041_462, 0.322_467_129_070_039_8, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0];
    let of = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient);
    if share < 0.024_25 {
        let x = (-2.0 * share.max(f64::MIN_POSITIVE).ln()).sqrt();
        of(&C, x) / of(&D, x)
    } else if share > 1.0 - 0.024_25 {
        -quantile(1.0 - share)
    } else {
        let x = share - 0.5;
        of(&A, x * x) * x / of(&B, x * x)
    }
}

fn number(count: usize) -> f64 {
    evals::grid::number(count)
}

#[cfg(test)]
mod tests;

//! The small values everything else is made of: checked once at the door, trusted after.
//! The thing a newcomer would get wrong: money is in pico-dollars (10^-12), because a token can cost 20,000 of them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Bytes a model's name may have. A guess at what any provider will ever use; nothing rests on it.
pub const MAX_MODEL_ID_BYTES: usize = 200;

/// Tokens a single count may reach: a hundred times the largest context window of 2026.
pub const MAX_TOKENS: u32 = 100_000_000;

/// The dearest price: $10,000 per million tokens. With [`MAX_TOKENS`] in each of four kinds a bill stays below 2^63.
pub const MAX_PRICE_USD_PER_1M: f64 = 10_000.0;

/// The most money a policy or a caller may name in dollars: up to here dollars in a float tell every pico-dollar apart.
pub const MAX_USD: f64 = 2_000.0;

/// Why a value was turned away at the door.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnitError {
    /// A model's name that could not be told from another or printed on one line.
    #[error(
        "expected a model name of 1 to {MAX_MODEL_ID_BYTES} bytes without control characters or spaces around it, found {found:?}"
    )]
    ModelId {
        /// The name, cut to a printable length.
        found: String,
    },
    /// A name that means routing itself.
    #[error("`{found}` is reserved: `auto` and `auto:POLICY` ask for routing and cannot name a model")]
    Reserved {
        /// The name.
        found: String,
    },
    /// A number outside its range, or no number at all.
    #[error("expected {what} between {low} and {high}, found {found}")]
    Range {
        /// What was being read.
        what: &'static str,
        /// The least allowed.
        low: f64,
        /// The most allowed.
        high: f64,
        /// What was found.
        found: f64,
    },
    /// A positive amount too small to be told from nothing.
    #[error("{found} {what} is finer than the smallest unit, {unit}")]
    TooFine {
        /// What was being read.
        what: &'static str,
        /// What was found.
        found: f64,
        /// The smallest unit.
        unit: &'static str,
    },
}

/// The name of a model. Order is the last tie-breaker of every decision.
#[derive(Clone, Debug)]
pub struct ModelId(Arc<str>);

/// Lists are joined by walking them side by side, and their ids are mostly clones of the catalog's: those need no reading.
impl Ord for ModelId {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for ModelId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ModelId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for ModelId {}

impl Hash for ModelId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl ModelId {
    /// Checks a name.
    pub fn new(name: &str) -> Result<Self, UnitError> {
        let printable = !name.chars().any(char::is_control) && name.trim() == name;
        if name.is_empty() || name.len() > MAX_MODEL_ID_BYTES || !printable {
            return Err(UnitError::ModelId { found: name.chars().take(60).collect() });
        }
        if name == "auto" || name.starts_with("auto:") {
            return Err(UnitError::Reserved { found: name.to_owned() });
        }
        Ok(Self(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A probability of success in 0..=1, in billionths: an integer, so that "within 0.04 of the best" means what it says. In
/// floats 0.91 - 0.87 is more than 0.04, and a model at the edge would be in or out by rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quality(u32);

impl Quality {
    /// Certain failure.
    pub const ZERO: Self = Self(0);
    /// Certain success.
    pub const ONE: Self = Self(1_000_000_000);

    /// Checks a probability and rounds it to a billionth.
    pub fn new(value: f64) -> Result<Self, UnitError> {
        let value = in_range("a quality", value, 0.0, 1.0)?;
        Ok(Self(u32::try_from(rounded(value * 1e9)).expect("a billion fits")))
    }

    /// The probability.
    pub fn get(self) -> f64 {
        f64::from(self.0) / 1e9
    }

    /// The probability in billionths.
    pub(crate) fn billionths(self) -> u32 {
        self.0
    }

    /// The sum, held at certain success.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(Self::ONE.0))
    }

    /// The difference, never below nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4}", self.get())
    }
}

/// An amount of money in 10^-12 US dollars: an integer, so that a sum does not depend on its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PicoUsd(pub u64);

impl PicoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// How many make a dollar.
    pub const PER_USD: f64 = 1e12;

    /// Checks an amount in dollars and rounds it to the nearest pico-dollar.
    pub fn from_usd(usd: f64) -> Result<Self, UnitError> {
        let usd = in_range("an amount in USD", usd, 0.0, MAX_USD)?;
        let pico = rounded(usd * Self::PER_USD);
        if pico == 0 && usd > 0.0 {
            return Err(UnitError::TooFine { what: "USD", found: usd, unit: "0.000000000001 USD" });
        }
        Ok(Self(pico))
    }

    /// The nearest amount to a number of pico-dollars that was computed; none if it is below nothing or beyond counting.
    pub fn from_f64(pico_usd: f64) -> Option<Self> {
        (0.0..1e18).contains(&pico_usd).then(|| Self(rounded(pico_usd)))
    }

    /// The amount in dollars, for people and for plots.
    pub fn usd(self) -> f64 {
        self.as_f64() / Self::PER_USD
    }

    /// The amount as a float, for utilities that mix money and quality.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 pico-dollars, $9,007; above it to sixteen digits")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// The sum, held at the largest amount there is.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left, never below nothing.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for PicoUsd {
    /// Dollars, with the digits a person reads; all of them with `{:#}`, where two amounts are held against each other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usd = self.usd();
        let digits: usize = match usd {
            _ if f.alternate() => 12,
            usd if usd >= 100.0 => 2,
            usd if usd >= 0.1 => 4,
            usd if usd >= 0.001 => 6,
            usd if usd >= 0.000_01 => 8,
            _ => 12,
        };
        let text = format!("{usd:.digits$}");
        let trimmed = text.trim_end_matches('0').trim_end_matches('.');
        f.pad(&format!("${trimmed}"))
    }
}

/// A price of tokens. Pico-dollars per token are the same number as micro-dollars per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

impl Price {
    /// Free of charge.
    pub const FREE: Self = Self(0);

    /// Checks a price in dollars per million tokens and rounds it to a millionth of a dollar.
    pub fn from_usd_per_1m(usd: f64) -> Result<Self, UnitError> {
        let usd = in_range("a price in USD per million tokens", usd, 0.0, MAX_PRICE_USD_PER_1M)?;
        let micro = rounded(usd * 1e6);
        if micro == 0 && usd > 0.0 {
            return Err(UnitError::TooFine {
                what: "USD per million tokens",
                found: usd,
                unit: "0.000001 USD per million tokens",
            });
        }
        Ok(Self(micro))
    }

    /// Dollars per million tokens.
    pub fn usd_per_1m(self) -> f64 {
        PicoUsd(self.0).as_f64() / 1e6
    }

    /// What this many tokens cost.
    pub fn of(self, tokens: Tokens) -> PicoUsd {
        PicoUsd(self.0.saturating_mul(u64::from(tokens.get())))
    }
}

/// A count of tokens, at most [`MAX_TOKENS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens(u32);

impl Tokens {
    /// None.
    pub const ZERO: Self = Self(0);

    /// Checks a count.
    pub fn new(count: u64) -> Result<Self, UnitError> {
        match u32::try_from(count) {
            Ok(count) if count <= MAX_TOKENS => Ok(Self(count)),
            _ => Err(UnitError::Range {
                what: "a token count",
                low: 0.0,
                high: f64::from(MAX_TOKENS),
                found: PicoUsd(count).as_f64(),
            }),
        }
    }

    /// A count that nobody vouches for, held at [`MAX_TOKENS`].
    pub fn held(count: u64) -> Self {
        Self(u32::try_from(count).unwrap_or(MAX_TOKENS).min(MAX_TOKENS))
    }

    /// The count.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The sum, held at [`MAX_TOKENS`].
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(MAX_TOKENS))
    }

    /// The rest, never below none.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A random number in [0, 1), drawn by the shell and passed in, so that a decision can be replayed.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Draw(f64);

impl Draw {
    /// The draw that never makes a detour: exploration takes the low end of the range.
    pub const NO_DETOUR: Self = Self(1.0 - f64::EPSILON / 2.0);

    /// Checks a draw.
    pub fn new(value: f64) -> Result<Self, UnitError> {
        in_range("a draw", value, 0.0, Self::NO_DETOUR.0).map(Self)
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A point in time, in milliseconds since whatever the shell counts from. The engine only compares and adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// The moment this much later, held at the end of time.
    #[must_use]
    pub fn after_ms(self, span_ms: u64) -> Self {
        Self(self.0.saturating_add(span_ms))
    }

    /// Milliseconds since an earlier moment, none when that is not earlier.
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

fn in_range(what: &'static str, found: f64, low: f64, high: f64) -> Result<f64, UnitError> {
    if found >= low && found <= high {
        Ok(found + 0.0) // Turns -0 into 0, which `total_cmp` would tell apart.
    } else {
        Err(UnitError::Range { what, low, high, found })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers pass a finite number between 0 and 10^18, checked by `in_range`"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests;

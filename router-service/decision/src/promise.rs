//! What tuning promised of a policy, as a record that travels with it: how much quality may be lost against which reference,
//! how sure that is, and on what it rests. A promise holds for one set of rules, one artifact and one catalog; with any other
//! it is void, which is said and never guessed around.

use std::fmt;

use crate::policy::{Mode, Policy, PolicyError, Rules};
use crate::units::{ModelId, Quality};

mod text;

pub(crate) use text::PromiseText;

/// Slices a promise may name.
pub const MAX_PROMISED_SLICES: usize = 1_000;

/// Bytes the name of a slice or of its column may have.
pub const MAX_SLICE_NAME_BYTES: usize = 256;

/// How a loss is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loss {
    /// The reference's quality less the policy's, in points of quality.
    #[default]
    Difference,
    /// The same as a share of the reference's quality.
    Relative,
    /// The share of prompts that the policy answers worse than the reference.
    Worse,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Difference, Self::Relative, Self::Worse];

    /// Its word in a file and on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Difference => "difference",
            Self::Relative => "relative",
            Self::Worse => "worse",
        }
    }
}

/// What a loss is counted against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Whichever single model is truly best; the one named is which seemed to be.
    BestSingle(ModelId),
    /// This model.
    Model(ModelId),
    /// On each prompt the model with the best forecast.
    BestForecast,
}

impl Reference {
    /// The model that stands for the reference, where one does.
    pub fn model(&self) -> Option<&ModelId> {
        match self {
            Self::BestSingle(model) | Self::Model(model) => Some(model),
            Self::BestForecast => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BestSingle(model) => write!(f, "the best single model (it seems to be {model})"),
            Self::Model(model) => write!(f, "{model}"),
            Self::BestForecast => f.write_str("the best forecast of each prompt"),
        }
    }
}

/// What happens when the watch finds the promise broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAlarm {
    /// It is said, and the policy goes on.
    #[default]
    Warn,
    /// It is said, and the reference serves.
    Reference,
}

/// A figure with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The figure.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The slices in each of which a promise holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slices {
    /// The column they are taken from.
    pub by: String,
    /// Those the promise holds in.
    pub held: Vec<String>,
    /// Those with too few rows to promise anything.
    pub too_small: Vec<String>,
}

/// Slices in proportions of their own, as somebody's traffic has them and the rows have not.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// The column the slices are taken from.
    pub by: String,
    /// Each slice with its share of the mean.
    pub shares: Vec<(String, f64)>,
}

/// What a promise says and rests on, before it is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// How the loss is counted.
    pub loss: Loss,
    /// The most that may be lost, above 0 and below 1.
    pub loss_at_most: f64,
    /// How sure that is, above 0 and below 1.
    pub confidence: f64,
    /// What the loss is counted against.
    pub reference: Reference,
    /// The slices in each of which it holds, where that was asked for.
    pub slices: Option<Slices>,
    /// The proportions of slices in whose mean it holds, where that was asked for.
    pub weighed: Option<Weighed>,
    /// The version of the rules it was made for.
    pub policy: String,
    /// The digest of the artifact whose forecasts it rests on; none where they came from elsewhere.
    pub artifact: Option<String>,
    /// The version of the catalog it rests on; none where prices came from elsewhere.
    pub catalog: Option<String>,
    /// The digest of the outcomes.
    pub outcomes: String,
    /// The day it was made, as `2026-11-21`.
    pub tuned: String,
    /// Prompts it rests on.
    pub n_prompts: u64,
    /// Groups of near-duplicates among them, each of which counts once.
    pub n_groups: u64,
    /// The share of the reference's cost that is saved.
    pub saving: Span,
    /// How much the forecast of the reference's quality may be above what comes true, at the upper end of its interval. The
    /// watch sees no outcome of the reference and takes its forecast, less this.
    pub reference_bias: f64,
    /// What an alarm does.
    pub on_alarm: OnAlarm,
}

/// Why terms are no promise.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PromiseError {
    /// A share that is not strictly between 0 and 1.
    #[error("expected a number above 0 and below 1, found {found}")]
    Share {
        /// The key.
        key: &'static str,
        /// The number.
        found: f64,
    },
    /// A number that is none, or an interval that does not hold its figure.
    #[error("expected finite numbers with low <= value <= high and value <= 1, found {found}")]
    Span {
        /// The key.
        key: &'static str,
        /// What was found.
        found: String,
    },
    /// A text that is no digest, no day or no name.
    #[error("expected {expected}, found {found:?}")]
    Text {
        /// The key.
        key: &'static str,
        /// What was expected.
        expected: &'static str,
        /// The text, cut to a printable length.
        found: String,
    },
    /// Fewer prompts than groups, or none.
    #[error("expected at least 1 group and no more groups than prompts, found {n_groups} and {n_prompts}")]
    Counts {
        /// Prompts.
        n_prompts: u64,
        /// Groups.
        n_groups: u64,
    },
    /// More than [`MAX_PROMISED_SLICES`], or none.
    #[error("expected 1 to {MAX_PROMISED_SLICES} slices, found {found}")]
    Slices {
        /// How many.
        found: usize,
    },
    /// Both in each slice and in a mean of slices, or shares that are none.
    #[error("expected shares of 0 to 1 that sum to 1, and no `slices` beside them, found {found}")]
    Proportions {
        /// What was found.
        found: String,
    },
}

impl PromiseError {
    /// The key of the text form that the complaint is about.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Share { key, .. } | Self::Span { key, .. } | Self::Text { key, .. } => key,
            Self::Counts { .. } => "promise.n_groups",
            Self::Slices { .. } => "promise.slices",
            Self::Proportions { .. } => "promise.proportions",
        }
    }
}

/// A checked promise.
#[derive(Clone, Debug, PartialEq)]
pub struct Promise(Terms);

impl Promise {
    /// Checks the terms.
    pub fn new(terms: Terms) -> Result<Self, PromiseError> {
        for (key, found) in [("promise.loss_at_most", terms.loss_at_most), ("promise.confidence", terms.confidence)] {
            if !(found > 0.0 && found < 1.0) {
                return Err(PromiseError::Share { key, found });
            }
        }
        let Span { value, low, high } = terms.saving;
        if !(low <= value && value <= high && value <= 1.0 && low.is_finite() && high.is_finite()) {
            return Err(PromiseError::Span { key: "promise.saving", found: format!("{value} [{low}, {high}]") });
        }
        if !(-1.0..=1.0).contains(&terms.reference_bias) {
            let found = terms.reference_bias.to_string();
            return Err(PromiseError::Span { key: "promise.reference_bias", found });
        }
        if terms.n_groups == 0 || terms.n_groups > terms.n_prompts {
            return Err(PromiseError::Counts { n_prompts: terms.n_prompts, n_groups: terms.n_groups });
        }
        check_texts(&terms)?;
        if let Some(slices) = &terms.slices {
            let found = slices.held.len() + slices.too_small.len();
            if slices.held.is_empty() || found > MAX_PROMISED_SLICES {
                return Err(PromiseError::Slices { found });
            }
        }
        if let Some(weighed) = &terms.weighed {
            weighed.check(terms.slices.is_some())?;
        }
        Ok(Self(terms))
    }

    /// What it says.
    pub fn terms(&self) -> &Terms {
        &self.0
    }

    /// Why it does not hold with this artifact and this catalog; none where it does.
    pub fn void(&self, artifact: &str, catalog: &str) -> Option<Void> {
        let differs = |what, made_with: &Option<String>, found: &str| match made_with {
            None => Some(Void { what, made_with: None, found: found.to_owned() }),
            Some(made_with) if made_with != found => {
                Some(Void { what, made_with: Some(made_with.clone()), found: found.to_owned() })
            }
            Some(_) => None,
        };
        differs("artifact", &self.0.artifact, artifact).or_else(|| differs("catalog", &self.0.catalog, catalog))
    }

    /// The policy that serves in place of this one after an alarm, if the operator said so: the reference and nobody else.
    pub fn instead_of(&self, policy: &Policy) -> Result<Option<Policy>, PolicyError> {
        if self.0.on_alarm == OnAlarm::Warn {
            return Ok(None);
        }
        let rules = policy.rules().clone();
        let rules = match self.0.reference.model() {
            Some(model) => Rules {
                limits: rules.limits,
                fallback: rules.fallback,
                ..Rules::of(Mode::Pin { model: model.clone() })
            },
            None => Rules { mode: Mode::Tolerance { quality_tolerance: Quality::ZERO }, lean: None, ..rules },
        };
        Policy::new(policy.name().clone(), rules).map(Some)
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { loss, loss_at_most, confidence, reference, weighed, saving, .. } = &self.0;
        write!(f, "with {}% confidence ", percent(*confidence))?;
        match loss {
            Loss::Difference => write!(f, "at most {loss_at_most} of quality is lost against {reference}")?,
            Loss::Relative => write!(f, "at most {}% of the quality of {reference} is lost", percent(*loss_at_most))?,
            Loss::Worse => {
                write!(f, "at most {}% of prompts are answered worse than by {reference}", percent(*loss_at_most))?;
            }
        }
        if let Some(weighed) = weighed {
            write!(f, " in a mean of {weighed}")?;
        }
        write!(f, ", and {:.1}% of its cost is saved", saving.value * 100.0)
    }
}

impl Weighed {
    fn check(&self, beside_slices: bool) -> Result<(), PromiseError> {
        if self.shares.is_empty() || self.shares.len() > MAX_PROMISED_SLICES {
            return Err(PromiseError::Slices { found: self.shares.len() });
        }
        let sum: f64 = self.shares.iter().map(|(_, share)| share).sum();
        let sound = self.shares.iter().all(|(_, share)| (0.0..=1.0).contains(share)) && (sum - 1.0).abs() < 1e-6;
        if beside_slices || !sound {
            let beside = if beside_slices { " beside slices" } else { "" };
            return Err(PromiseError::Proportions { found: format!("{self}{beside}") });
        }
        Ok(())
    }
}

impl fmt::Display for Weighed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.shares.iter().map(|(slice, share)| format!("{}% {slice}", percent(*share)));
        write!(f, "{} by {}", shares.collect::<Vec<_>>().join(", "), self.by)
    }
}

/// A share in percent without the digits that only floats have.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// Why a promise does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the promise is void: it was made with {}, and this is {what} {found}", .made_with.as_ref().map_or_else(|| format!("no {what}"), |made_with| format!("{what} {made_with}")))]
pub struct Void {
    /// `artifact` or `catalog`.
    pub what: &'static str,
    /// What it was made with.
    pub made_with: Option<String>,
    /// What is in use.
    pub found: String,
}

fn check_texts(terms: &Terms) -> Result<(), PromiseError> {
    let digest = |text: &str| {
        text.strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let version = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let day = |text: &str| {
        let shape: Vec<char> = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        shape == ['0', '0', '0', '0', '-', '0', '0', '-', '0', '0']
    };
    let name =
        |text: &str| !text.is_empty() && text.len() <= MAX_SLICE_NAME_BYTES && !text.chars().any(char::is_control);
    let check = |key, expected, sound: bool, found: &str| {
        let found: String = found.chars().take(80).collect();
        if sound { Ok(()) } else { Err(PromiseError::Text { key, expected, found }) }
    };
    const DIGEST: &str = "`sha256:` and 64 hexadecimal digits";
    const VERSION: &str = "a version of 32 hexadecimal digits";
    check("promise.policy", VERSION, version(&terms.policy), &terms.policy)?;
    check("promise.outcomes", DIGEST, digest(&terms.outcomes), &terms.outcomes)?;
    if let Some(artifact) = &terms.artifact {
        check("promise.artifact", DIGEST, digest(artifact), artifact)?;
    }
    if let Some(catalog) = &terms.catalog {
        check("promise.catalog", VERSION, version(catalog), catalog)?;
    }
    check("promise.tuned", "a day as `2026-11-21`", day(&terms.tuned), &terms.tuned)?;
    if let Some(slices) = &terms.slices {
        check("promise.slices_by", "the name of a column", name(&slices.by), &slices.by)?;
        for slice in slices.held.iter().chain(&slices.too_small) {
            check("promise.slices", "names of slices", name(slice), slice)?;
        }
    }
    if let Some(weighed) = &terms.weighed {
        check("promise.slices_by", "the name of a column", name(&weighed.by), &weighed.by)?;
        for (slice, _) in &weighed.shares {
            check("promise.proportions", "names of slices", name(slice), slice)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

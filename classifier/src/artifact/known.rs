//! What an artifact knows of one model beside its abilities.

/// What is known of a model beside its abilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Outcomes behind it.
    pub n_outcomes: u64,
    /// It came in after training.
    pub onboarded: bool,
    /// Its own offset after calibration.
    pub offset: f32,
    /// The logarithm of the mean of its answers' lengths over what its abilities and habits tell.
    pub log_mean: f32,
    /// Likewise of their 90% quantile.
    pub log_p90: f32,
    /// The share of its tokens that is hidden reasoning.
    pub reasoning: f32,
}

impl Known {
    /// Checks that each is a number, and that hidden reasoning is a share.
    pub(super) fn check(&self) -> Result<(), String> {
        let Self { offset, log_mean, log_p90, reasoning, .. } = self;
        if !(0.0..=1.0).contains(reasoning) {
            return Err(format!("reasoning {reasoning}"));
        }
        let named = [("offset", offset), ("log_mean", log_mean), ("log_p90", log_p90)];
        let strange = named.into_iter().find(|(_, value)| !is_log(**value));
        strange.map_or(Ok(()), |(name, value)| Err(format!("{name} {value}")))
    }
}

/// No logit or logarithm that training finds is as far from nought: e^20 is half a thousand million.
const FARTHEST_LOG: f32 = 20.0;

/// Whether a number may be a logit, or a logarithm of tokens.
pub(crate) fn is_log(value: f32) -> bool {
    value.abs() <= FARTHEST_LOG
}

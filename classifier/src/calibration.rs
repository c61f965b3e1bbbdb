//! From a logit to a probability and its lower bound. Applying only: what is applied was fitted by the trainer on prompts that
//! the views had not seen.

use crate::artifact::is_log;
use crate::kernel::sigmoid;

/// What was fitted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Times the logit.
    pub slope: f32,
    /// Added to every logit.
    pub offset: f32,
    /// The variance of a logit on prompts like those of training, for a model with many outcomes.
    pub doubt: f32,
    /// More of it for each unit of unlikeness, squared.
    pub doubt_unlike: f32,
    /// More of it for a model without outcomes; it falls with every outcome.
    pub doubt_model: f32,
    /// More of it for a prompt of sources that never asked the model.
    pub doubt_unasked: f32,
    /// Likewise, for each unit by which the model's logit is apart from a usual one's, squared.
    pub doubt_apart: f32,
}

/// The normal quantile of the bound: nine of ten true rates lie above it.
const BOUND: f32 = 1.281_551_6;

/// What an outcome tells of a logit: the variance of a coin that falls four times of five on one side.
const INFORMATION: f32 = 0.16;

/// No forecast is surer than this: even a question that every model answered may be typed wrongly.
const EDGE: f32 = 0.002;

impl Calibration {
    /// Checks that each is a number that a fit may give, and that no doubt is below none.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { slope, offset, doubt, doubt_unlike, doubt_model, doubt_unasked, doubt_apart } = self;
        let doubts = [
            ("doubt", doubt),
            ("doubt_unlike", doubt_unlike),
            ("doubt_model", doubt_model),
            ("doubt_unasked", doubt_unasked),
            ("doubt_apart", doubt_apart),
        ];
        for (name, doubt) in doubts {
            if !doubt.is_finite() || *doubt < 0.0 {
                return Err(format!("{name} {doubt}"));
            }
        }
        // Turned round or flat it would take the worst for the best, or all for one.
        if !(*slope > 0.0 && is_log(*slope)) {
            return Err(format!("slope {slope}"));
        }
        if is_log(*offset) { Ok(()) } else { Err(format!("offset {offset}")) }
    }

    /// The probability of success for a blended logit and a model's own offset.
    #[inline(always)]
    pub fn quality(&self, logit: f32, own_offset: f32) -> f32 {
        sigmoid(self.slope * logit + self.offset + own_offset).clamp(EDGE, 1.0 - EDGE)
    }

    /// What a model adds to the variance that has so many outcomes.
    pub fn doubt_after(&self, n_outcomes: f32) -> f32 {
        self.doubt_model / (1.0 + n_outcomes * INFORMATION * self.doubt_model)
    }

    /// What a model adds to the variance that was not asked such a prompt, wholly or in part, by how far its logit is apart from a
    /// usual one's.
    #[inline(always)]
    pub fn doubt_elsewhere(&self, unasked: f32, apart: f32) -> f32 {
        let apart = self.slope * apart;
        unasked * (self.doubt_unasked + self.doubt_apart * apart * apart)
    }

    /// The lower bound of the probability: lower for a model with more doubt and for a prompt less like those of training.
    #[inline(always)]
    pub fn quality_low(&self, logit: f32, own_offset: f32, model_doubt: f32, unlikeness: f32) -> f32 {
        let variance = self.doubt + self.doubt_unlike * unlikeness * unlikeness + model_doubt;
        let shift = BOUND * variance.max(0.0).sqrt();
        sigmoid(self.slope * logit + self.offset + own_offset - shift).clamp(EDGE / 2.0, 1.0 - EDGE)
    }
}

#[cfg(test)]
mod tests {
    //! What widens a bound.

    use super::Calibration;

    #[test]
    fn the_bound_widens_with_what_is_not_known() {
        let calibration = Calibration {
            slope: 1.1,
            offset: 0.1,
            doubt: 0.01,
            doubt_unlike: 0.2,
            doubt_model: 0.5,
            doubt_unasked: 0.1,
            doubt_apart: 0.1,
        };
        let quality = calibration.quality(0.7, -0.1);
        let low = |n_outcomes: f32, unlikeness: f32| {
            calibration.quality_low(0.7, -0.1, calibration.doubt_after(n_outcomes), unlikeness)
        };
        let known = low(5_000.0, 0.0);
        let new = low(10.0, 0.0);
        let unlike = low(5_000.0, 3.0);
        let nothing = low(0.0, 3.0);
        let elsewhere = |unasked: f32, apart: f32| calibration.doubt_elsewhere(unasked, apart);
        assert!(elsewhere(0.0, 2.0) == 0.0 && elsewhere(0.5, 0.0) < elsewhere(1.0, 0.0));
        assert!(elsewhere(1.0, 0.0) < elsewhere(1.0, -1.0) && elsewhere(1.0, -1.0) < elsewhere(1.0, 2.0));
        assert!(quality > known && known > new && known > unlike && new > nothing && unlike > nothing && nothing > 0.0);
    }

    #[test]
    fn what_no_fit_gives_is_refused() {
        let plain = Calibration { slope: 1.0, ..Calibration::default() };
        assert_eq!(plain.check(), Ok(()));
        for (broken, complaint) in [
            (Calibration { slope: -1.0, ..plain }, "slope -1"),
            (Calibration { slope: 0.0, ..plain }, "slope 0"),
            (Calibration { slope: f32::NAN, ..plain }, "slope NaN"),
            (Calibration { offset: -1e30, ..plain }, "offset -1000"),
            (Calibration { doubt_apart: -0.1, ..plain }, "doubt_apart -0.1"),
        ] {
            let error = broken.check().unwrap_err();
            assert!(error.starts_with(complaint), "{error}");
        }
    }

    #[test]
    fn nothing_is_certain() {
        let calibration = Calibration { slope: 1.0, ..Calibration::default() };
        for logit in [f32::MIN, -50.0, 50.0, f32::MAX] {
            let (quality, low) = (calibration.quality(logit, 0.0), calibration.quality_low(logit, 0.0, 0.0, 0.0));
            assert!(low > 0.0 && low <= quality && quality < 1.0, "{logit}: {low} {quality}");
        }
    }
}

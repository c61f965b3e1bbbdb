//! What the classifier expects, or why it is silent. A late or broken classifier is an input like any other: the policy
//! says what its absence means, and no request fails for it.

use std::fmt;

use crate::units::{ModelId, Quality, Tokens};

/// What is known about this prompt.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// The classifier answered.
    Forecast(Forecast),
    /// It did not.
    Absent(Absent),
}

/// Why there is no forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// No artifact is loaded.
    NotLoaded,
    /// The queue in front of it was full.
    Overloaded,
    /// It did not answer before its deadline.
    Late,
    /// It failed.
    Broken,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotLoaded => "no classifier is loaded",
            Self::Overloaded => "the classifier is overloaded",
            Self::Late => "the classifier was late",
            Self::Broken => "the classifier failed",
        })
    }
}

/// What one model is expected to do with this prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelForecast {
    /// The model.
    pub model: ModelId,
    /// The calibrated probability of success.
    pub quality: Quality,
    /// Its lower confidence bound: far below where there is little evidence.
    pub quality_low: Quality,
    /// Expected tokens of the answer.
    pub completion: Tokens,
    /// Expected tokens of hidden reasoning.
    pub reasoning: Tokens,
    /// Tokens of answer and reasoning together that are exceeded one time in ten.
    pub output_p90: Tokens,
}

/// Why a set of expectations is no forecast.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForecastError {
    /// One model, two expectations.
    #[error("model `{model}` is forecast twice")]
    Duplicate {
        /// The model.
        model: ModelId,
    },
    /// A lower bound above what it bounds.
    #[error("model `{model}`: expected a lower bound of at most the quality, {quality}, found {quality_low}")]
    BoundAboveQuality {
        /// The model.
        model: ModelId,
        /// The expectation.
        quality: Quality,
        /// The bound.
        quality_low: Quality,
    },
    /// A quantile below what is expected.
    #[error("model `{model}`: expected a 90% quantile of at least {expected} output tokens, found {output_p90}")]
    QuantileBelowMean {
        /// The model.
        model: ModelId,
        /// Completion and reasoning together.
        expected: Tokens,
        /// The quantile.
        output_p90: Tokens,
    },
}

/// The expectations for one prompt, ordered by model, each model once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    models: Vec<ModelForecast>,
}

impl Forecast {
    /// Checks and orders the expectations.
    pub fn new(mut models: Vec<ModelForecast>) -> Result<Self, ForecastError> {
        // Most come in order; then each pair of names is compared once.
        if !models.is_sorted_by(|a, b| a.model < b.model) {
            models.sort_by(|a, b| a.model.cmp(&b.model));
            if let Some(pair) = models.windows(2).find(|pair| pair[0].model == pair[1].model) {
                return Err(ForecastError::Duplicate { model: pair[0].model.clone() });
            }
        }
        for ModelForecast { model, quality, quality_low, completion, reasoning, output_p90 } in &models {
            let (quality, quality_low, output_p90) = (*quality, *quality_low, *output_p90);
            if quality_low > quality {
                return Err(ForecastError::BoundAboveQuality { model: model.clone(), quality, quality_low });
            }
            let expected = completion.plus(*reasoning);
            if output_p90 < expected {
                return Err(ForecastError::QuantileBelowMean { model: model.clone(), expected, output_p90 });
            }
        }
        Ok(Self { models })
    }

    /// The expectations in order of the models' names.
    pub fn models(&self) -> &[ModelForecast] {
        &self.models
    }
}

#[cfg(test)]
mod tests {
    //! The door of a forecast.

    use super::{Forecast, ForecastError, ModelForecast};
    use crate::units::{ModelId, Quality, Tokens};

    #[test]
    fn a_model_is_forecast_once() {
        let error =
            Forecast::new(vec![forecast("a", 0.5, 0.4, 10), forecast("b", 0.5, 0.4, 10), forecast("a", 0.5, 0.4, 10)]);
        assert_eq!(error.unwrap_err(), ForecastError::Duplicate { model: ModelId::new("a").unwrap() });
    }

    #[test]
    fn a_lower_bound_is_not_above() {
        let error = Forecast::new(vec![forecast("a", 0.5, 0.6, 10)]).unwrap_err();
        assert_eq!(error.to_string(), "model `a`: expected a lower bound of at most the quality, 0.5000, found 0.6000");
    }

    #[test]
    fn a_quantile_is_not_below_the_mean() {
        let error = Forecast::new(vec![forecast("a", 0.5, 0.4, 4)]).unwrap_err();
        assert_eq!(error.to_string(), "model `a`: expected a 90% quantile of at least 5 output tokens, found 4");
    }

    #[test]
    fn the_order_is_by_name() {
        let forecast = Forecast::new(vec![forecast("b", 0.5, 0.4, 10), forecast("a", 0.5, 0.4, 10)]).unwrap();
        assert_eq!(forecast.models()[0].model.as_str(), "a");
    }

    fn forecast(model: &str, quality: f64, quality_low: f64, output_p90: u64) -> ModelForecast {
        ModelForecast {
            model: ModelId::new(model).unwrap(),
            quality: Quality::new(quality).unwrap(),
            quality_low: Quality::new(quality_low).unwrap(),
            completion: Tokens::new(3).unwrap(),
            reasoning: Tokens::new(2).unwrap(),
            output_p90: Tokens::new(output_p90).unwrap(),
        }
    }
}

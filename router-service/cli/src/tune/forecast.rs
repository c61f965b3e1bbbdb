//! Forecasts made anew by the artifact that will make them in service, from the texts of the rows.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use classifier::{Artifact, Classifier, Prompt, built_in_catalog};
use decision::{Catalog, ModelId, Usage};
use evals::curve::Forecast;
use evals::forecasts::Matched;
use evals::grid::Grid;
use evals::pool::Pool;

use crate::progress::Progress;

/// Prompts that are forecast together.
const BATCH: usize = 64;

/// An artifact that is asked.
pub(super) struct Oracle {
    artifact: Arc<Artifact>,
    catalog: Catalog,
}

impl Oracle {
    /// The artifact of a folder, or the one inside the binary.
    pub(super) fn read(folder: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self { artifact: Arc::new(crate::router::artifact(folder)?), catalog: built_in_catalog() })
    }

    /// The catalog to forecast, where it is another than the built-in one.
    #[must_use]
    pub(super) fn with(self, catalog: Catalog) -> Self {
        Self { catalog, ..self }
    }

    pub(super) fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The forecasts of every prompt of a pool for every model of it.
    pub(super) fn forecasts(&self, pool: &Pool) -> anyhow::Result<Matched> {
        let ids: Vec<ModelId> = pool.models.iter().map(|model| ModelId::new(model)).collect::<Result<_, _>>()?;
        for id in &ids {
            if self.catalog.get(id).is_none() {
                let known = self.catalog.models().iter().map(|model| model.id.as_str());
                bail!(
                    "pool `{}`: the catalog has no such model: {}",
                    pool.name,
                    decision::document::unknown("model", id.as_str(), known)
                );
            }
        }
        let classifier = Classifier::new(Arc::clone(&self.artifact), &self.catalog);
        let (mut quality, mut low, mut cost) = (Vec::new(), Vec::new(), Vec::new());
        let progress = Progress::counted("forecasting", pool.prompts.len());
        for batch in pool.prompts.chunks(BATCH) {
            let texts = batch.iter().map(|prompt| {
                let text = prompt.text.as_deref();
                let lacks = || format!("prompt `{}` has no text to forecast by; give --forecasts", prompt.id);
                Ok(Prompt::from_text(text.with_context(lacks)?))
            });
            let prompts: Vec<Prompt> = texts.collect::<anyhow::Result<_>>()?;
            for (prompt, forecast) in prompts.iter().zip(classifier.forecast(&prompts)) {
                let (mut qualities, mut lows, mut costs) = (Vec::new(), Vec::new(), Vec::new());
                for id in &ids {
                    let models = forecast.models();
                    let place = models.binary_search_by(|known| known.model.cmp(id));
                    let (Ok(place), Some(model)) = (place, self.catalog.get(id)) else {
                        bail!("pool `{}`: the artifact does not forecast `{id}`", pool.name)
                    };
                    let known = &models[place];
                    let (prompt, completion, reasoning) = (prompt.tokens(), known.completion, known.reasoning);
                    let usage = Usage { prompt, cached_prompt: decision::Tokens::ZERO, completion, reasoning };
                    qualities.push(known.quality.get());
                    lows.push(known.quality_low.get());
                    costs.push(model.prices.bill(&usage).usd());
                }
                quality.push(qualities);
                low.push(lows);
                cost.push(costs);
            }
            progress.at(quality.len());
        }
        progress.end();
        let n = ids.len();
        let forecast = Forecast { quality: Grid::from_rows(n, quality), cost_usd: Grid::from_rows(n, cost) };
        Ok(Matched { rows: (0..pool.prompts.len()).collect(), forecast, quality_low: Grid::from_rows(n, low) })
    }
}

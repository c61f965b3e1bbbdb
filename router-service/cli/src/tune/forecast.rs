//! Forecasts made anew by the artifact that will make them in service, from the texts of the rows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use classifier::{Artifact, Classifier, Prompt, built_in_catalog};
use decision::{Candidates, Catalog, Evidence, Mode, ModelId, Policy, PolicyName, Quality, RequestFacts, Rules};
use evals::curve::Forecast;
use evals::forecasts::Matched;
use evals::grid::Grid;
use evals::pool::Pool;
use evals::replay::Barred;

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

    /// The forecasts of every prompt of a pool for every model of it, and who may not answer it by these rules, as the service finds
    /// it: by the limits of the policy, and by what fits into a model.
    pub(super) fn forecasts(&self, pool: &Pool, rules: &Rules) -> anyhow::Result<Matched> {
        // No mode has a say in who may serve, and what is left of a budget is found out by replaying.
        let mode = Mode::Tolerance { quality_tolerance: Quality::ZERO };
        let policy = Policy::new(PolicyName::new("limits")?, Rules { mode, ..rules.clone() })?;
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
        let asked: BTreeSet<ModelId> = ids.iter().cloned().collect();
        let classifier = Classifier::new(Arc::clone(&self.artifact), &self.catalog);
        let (mut quality, mut low, mut cost, mut barred) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let progress = Progress::counted("forecasting", pool.prompts.len());
        for batch in pool.prompts.chunks(BATCH) {
            let texts = batch.iter().map(|prompt| {
                let text = prompt.text.as_deref();
                let lacks = || format!("prompt `{}` has no text to forecast by; give --forecasts", prompt.id);
                Ok(Prompt::from_text(text.with_context(lacks)?))
            });
            let prompts: Vec<Prompt> = texts.collect::<anyhow::Result<_>>()?;
            for (prompt, forecast) in prompts.iter().zip(classifier.forecast(&prompts)) {
                let facts = RequestFacts { candidates: Some(asked.clone()), ..RequestFacts::of_size(prompt.tokens()) };
                let evidence = Evidence::Forecast(forecast);
                let candidates = Candidates::join(&self.catalog, &policy, &facts, &evidence, &BTreeSet::new())?;
                let (mut qualities, mut lows, mut costs) = (Vec::new(), Vec::new(), Vec::new());
                for id in &ids {
                    let candidate = candidates.get(id).with_context(|| format!("`{id}` is no candidate"))?;
                    let Some(expected) = candidate.expectation else {
                        bail!("pool `{}`: the artifact does not forecast `{id}`", pool.name)
                    };
                    qualities.push(expected.quality.get());
                    lows.push(expected.quality_low.get());
                    costs.push(candidate.cost.usd());
                    barred.push(candidate.exclusion.clone());
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
        let (rows, quality_low) = ((0..pool.prompts.len()).collect(), Grid::from_rows(n, low));
        Ok(Matched { rows, forecast, quality_low, barred: Barred::of(n, barred) })
    }
}

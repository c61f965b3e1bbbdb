//! The TOML form of a catalog, through private twins: the public types are always valid, the twins never leave this file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Catalog, CatalogError, Model, Prices, Skill};
use crate::document::{Document, DocumentError, Step};
use crate::units::{ModelId, Price, Tokens, UnitError};
use crate::version::version_of;

impl Catalog {
    /// Reads a catalog from its TOML form.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        let document = Document::parse(text)?;
        let twin: CatalogText = document.read()?;
        let models: Vec<Model> = twin
            .model
            .into_iter()
            .enumerate()
            .map(|(index, twin)| twin.checked().map_err(|(key, error)| document.fault(&place(index, &[key]), error)))
            .collect::<Result<_, _>>()?;
        let names: Vec<ModelId> = models.iter().map(|model| model.id.clone()).collect();
        Self::new(models).map_err(|error| {
            // Of two models with one name the later is the mistake.
            let index = error.model().and_then(|model| names.iter().rposition(|name| name == model));
            let keys: Vec<&str> = error.key().into_iter().collect();
            let at = index.map(|index| place(index, &keys)).unwrap_or_default();
            match error {
                CatalogError::Field { complaint, .. } => document.fault(&at, complaint),
                other => document.fault(&at, other),
            }
        })
    }

    /// Writes the TOML form: what `from_toml` reads back as the same catalog.
    pub fn to_toml(&self) -> String {
        let twin = CatalogText { model: self.models().iter().map(ModelText::of).collect() };
        toml::to_string(&twin).expect("tables of strings and finite numbers have a TOML form")
    }

    /// A digest of everything in it: catalogs of one version hold the same models at the same prices.
    pub fn version(&self) -> String {
        version_of(&self.to_toml())
    }
}

fn place(index: usize, keys: &[&str]) -> Vec<Step> {
    let keys = keys.iter().flat_map(|key| key.split('.')).map(Step::from);
    [Step::from("model"), Step::from(index)].into_iter().chain(keys).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogText {
    #[serde(default)]
    model: Vec<ModelText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelText {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    context_window: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_completion_tokens: Option<u64>,
    #[serde(default)]
    skills: Vec<Skill>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    regions: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    zero_data_retention: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    released: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    like: Option<String>,
    usd_per_1m: PricesText,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    benchmarks: BTreeMap<String, f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesText {
    prompt: f64,
    /// As `prompt` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_prompt: Option<f64>,
    completion: f64,
    /// As `completion` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A complaint with the key it is about.
type Fault = (&'static str, String);

impl ModelText {
    fn checked(self) -> Result<Model, Fault> {
        let tokens = |key, count: Option<u64>| count.map(|count| named(key, Tokens::new(count))).transpose();
        Ok(Model {
            id: named("id", ModelId::new(&self.id))?,
            owner: self.owner,
            prices: self.usd_per_1m.checked()?,
            context_window: named("context_window", Tokens::new(self.context_window))?,
            max_completion: tokens("max_completion_tokens", self.max_completion_tokens)?,
            mean_completion: tokens("mean_completion_tokens", self.mean_completion_tokens)?,
            skills: self.skills.into_iter().collect(),
            regions: self.regions,
            zero_data_retention: self.zero_data_retention,
            released: self.released,
            like: self.like.map(|like| named("like", ModelId::new(&like))).transpose()?,
            benchmarks: self.benchmarks,
        })
    }

    fn of(model: &Model) -> Self {
        let prices = model.prices;
        Self {
            id: model.id.to_string(),
            owner: model.owner.clone(),
            context_window: model.context_window.get().into(),
            max_completion_tokens: model.max_completion.map(|tokens| tokens.get().into()),
            mean_completion_tokens: model.mean_completion.map(|tokens| tokens.get().into()),
            skills: model.skills.iter().collect(),
            regions: model.regions.clone(),
            zero_data_retention: model.zero_data_retention,
            released: model.released.clone(),
            like: model.like.as_ref().map(ToString::to_string),
            usd_per_1m: PricesText {
                prompt: prices.prompt.usd_per_1m(),
                cached_prompt: (prices.cached_prompt != prices.prompt).then(|| prices.cached_prompt.usd_per_1m()),
                completion: prices.completion.usd_per_1m(),
                reasoning: (prices.reasoning != prices.completion).then(|| prices.reasoning.usd_per_1m()),
            },
            benchmarks: model.benchmarks.clone(),
        }
    }
}

impl PricesText {
    fn checked(self) -> Result<Prices, Fault> {
        let price = |key, usd| named(key, Price::from_usd_per_1m(usd));
        let prompt = price("usd_per_1m.prompt", self.prompt)?;
        let completion = price("usd_per_1m.completion", self.completion)?;
        let cached_prompt = self.cached_prompt.map(|usd| price("usd_per_1m.cached_prompt", usd)).transpose()?;
        let reasoning = self.reasoning.map(|usd| price("usd_per_1m.reasoning", usd)).transpose()?;
        Ok(Prices {
            prompt,
            cached_prompt: cached_prompt.unwrap_or(prompt),
            completion,
            reasoning: reasoning.unwrap_or(completion),
        })
    }
}

fn named<T>(key: &'static str, value: Result<T, UnitError>) -> Result<T, Fault> {
    value.map_err(|error| (key, error.to_string()))
}

//! The models that exist: prices by kind of token, limits, skills. Ordered by `ModelId`, so that joining it with a
//! forecast is one walk. A catalog says what a model *is*; whether it may serve a request is decided in `candidates.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::nearest::nearest;
use crate::units::{ModelId, PicoUsd, Price, Tokens};

pub use crate::skills::{Skill, Skills};

mod text;

/// Models a catalog may hold: ten times what any provider list of 2026 has. A decision walks them all.
pub const MAX_MODELS: usize = 4096;

/// Output tokens assumed of a model nobody has a forecast for, where the catalog states none. A guess: the median answer of the public outcome sets is near
/// it; it only serves to keep a call without forecast inside windows and caps.
pub const ASSUMED_OUTPUT_TOKENS: u32 = 500;

/// What a model's tokens cost, kind by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// A prompt token that is read anew.
    pub prompt: Price,
    /// A prompt token that the provider still has in its cache.
    pub cached_prompt: Price,
    /// A token of the answer.
    pub completion: Price,
    /// A token of hidden reasoning.
    pub reasoning: Price,
}

/// The tokens of one call, kind by kind. No token is in two kinds except that `cached_prompt` is part of `prompt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All prompt tokens, the cached ones included.
    pub prompt: Tokens,
    /// Those of the prompt that came from the provider's cache.
    pub cached_prompt: Tokens,
    /// Tokens of the answer, hidden reasoning not included.
    pub completion: Tokens,
    /// Tokens of hidden reasoning.
    pub reasoning: Tokens,
}

impl Prices {
    /// The bill for these tokens.
    pub fn bill(&self, usage: &Usage) -> PicoUsd {
        let cached = usage.cached_prompt.min(usage.prompt);
        let fresh = usage.prompt.minus(cached);
        self.prompt
            .of(fresh)
            .plus(self.cached_prompt.of(cached))
            .plus(self.completion.of(usage.completion))
            .plus(self.reasoning.of(usage.reasoning))
    }

    /// What it costs to have these tokens read anew instead of from the cache.
    pub fn lost_cache(&self, cached: Tokens) -> PicoUsd {
        self.prompt.of(cached).minus(self.cached_prompt.of(cached))
    }

    /// The dearer of the two kinds of output.
    pub fn dearest_output(&self) -> Price {
        self.completion.max(self.reasoning)
    }
}

/// A place where a model is served, as the operator names it: `eu`, `us-east`.
pub type Region = String;

/// One model of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub id: ModelId,
    /// Who made it.
    pub owner: Option<String>,
    /// What its tokens cost.
    pub prices: Prices,
    /// Prompt and output tokens it can hold together.
    pub context_window: Tokens,
    /// Output tokens it can write at most, where that is less than the window.
    pub max_completion: Option<Tokens>,
    /// Tokens that its answers to usual prompts take on average, hidden reasoning included: what to expect until answers have been counted.
    pub mean_completion: Option<Tokens>,
    /// What it offers beyond text.
    pub skills: Skills,
    /// Where it is served. Empty means unknown, which satisfies no request that asks for a region.
    pub regions: BTreeSet<Region>,
    /// Whether its provider keeps nothing of a call.
    pub zero_data_retention: bool,
    /// The day it came out, as `2024-07-18`.
    pub released: Option<String>,
    /// A known model it resembles, to forecast it by until it has outcomes of its own.
    pub like: Option<ModelId>,
    /// Published benchmark scores in 0..=1, for the same purpose.
    pub benchmarks: BTreeMap<String, f64>,
}

impl Model {
    /// Output tokens to reckon with where nobody has a forecast.
    pub fn assumed_output(&self) -> Tokens {
        let assumed = || Tokens::new(u64::from(ASSUMED_OUTPUT_TOKENS)).expect("a small constant is a token count");
        self.mean_completion.unwrap_or_else(assumed)
    }

    /// What its fields must hold whoever made it: the key and the complaint.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some((name, score)) = self.benchmarks.iter().find(|(_, score)| !(0.0..=1.0).contains(*score)) {
            return Err(("benchmarks", format!("expected a score between 0 and 1 for `{name}`, found {score}")));
        }
        if let Some(region) = self.regions.iter().find(|region| region.is_empty() || region.trim() != *region) {
            return Err(("regions", format!("expected a name without spaces around it, found {region:?}")));
        }
        if let Some(released) = self.released.as_deref().filter(|day| !is_day(day)) {
            return Err(("released", format!("expected a day as `2024-07-18`, found `{released}`")));
        }
        if self.context_window == Tokens::ZERO {
            return Err(("context_window", "expected at least 1 token, found 0".to_owned()));
        }
        if self.max_completion == Some(Tokens::ZERO) {
            return Err(("max_completion_tokens", "expected at least 1 token, found 0".to_owned()));
        }
        if self.mean_completion == Some(Tokens::ZERO) {
            return Err(("mean_completion_tokens", "expected at least 1 token, found 0".to_owned()));
        }
        let most = self.max_completion.unwrap_or(self.context_window);
        if let Some(mean) = self.mean_completion.filter(|mean| *mean > most) {
            let complaint = format!("expected at most {most}, the most that it writes, found {mean}");
            return Err(("mean_completion_tokens", complaint));
        }
        Ok(())
    }
}

/// Whether the text looks like a day. The engine never computes with it; it is shown to people.
fn is_day(text: &str) -> bool {
    let shape: Vec<char> = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == ['0', '0', '0', '0', '-', '0', '0', '-', '0', '0']
}

/// Why a set of models is no catalog.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CatalogError {
    /// No models at all.
    #[error("expected at least one model, found none")]
    Empty,
    /// More than [`MAX_MODELS`].
    #[error("expected at most {MAX_MODELS} models, found {found}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// A field of a model that holds what it may not.
    #[error("model `{model}`, {key}: {complaint}")]
    Field {
        /// The model.
        model: ModelId,
        /// The field, by its key in the text form.
        key: &'static str,
        /// What was expected and what was found.
        complaint: String,
    },
    /// Two models of one name.
    #[error("model `{model}` is listed twice")]
    Duplicate {
        /// The name.
        model: ModelId,
    },
    /// A `like` that leads nowhere.
    #[error("model `{model}` is like `{like}`, which is not in the catalog{}", meant(.nearest.as_ref()))]
    UnknownLike {
        /// The model.
        model: ModelId,
        /// What it claims to be like.
        like: ModelId,
        /// What was probably meant.
        nearest: Option<ModelId>,
    },
    /// A chain of `like` that comes back to its start.
    #[error("`like` runs in a circle: {}", circle.iter().map(ModelId::as_str).collect::<Vec<_>>().join(" -> "))]
    LikeLoop {
        /// The models of the circle, the first again at the end.
        circle: Vec<ModelId>,
    },
}

impl CatalogError {
    /// The model the complaint is about, where it is about one.
    fn model(&self) -> Option<&ModelId> {
        match self {
            Self::Empty | Self::TooMany { .. } => None,
            Self::Duplicate { model } | Self::UnknownLike { model, .. } | Self::Field { model, .. } => Some(model),
            Self::LikeLoop { circle } => circle.first(),
        }
    }

    /// The key of the text form that the complaint is about, where it is about one.
    fn key(&self) -> Option<&'static str> {
        match self {
            Self::Field { key, .. } => Some(key),
            Self::Empty
            | Self::TooMany { .. }
            | Self::Duplicate { .. }
            | Self::UnknownLike { .. }
            | Self::LikeLoop { .. } => None,
        }
    }
}

fn meant(nearest: Option<&ModelId>) -> String {
    nearest.map(|model| format!("; the nearest name there is `{model}`")).unwrap_or_default()
}

/// The models that exist, ordered by name, each name once, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    models: Vec<Model>,
}

impl Catalog {
    /// Checks and orders the models.
    pub fn new(mut models: Vec<Model>) -> Result<Self, CatalogError> {
        if models.is_empty() {
            return Err(CatalogError::Empty);
        }
        if models.len() > MAX_MODELS {
            return Err(CatalogError::TooMany { found: models.len() });
        }
        models.sort_by(|a, b| a.id.cmp(&b.id));
        for model in &models {
            model.check().map_err(|(key, complaint)| CatalogError::Field {
                model: model.id.clone(),
                key,
                complaint,
            })?;
        }
        if let Some(pair) = models.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(CatalogError::Duplicate { model: pair[0].id.clone() });
        }
        let catalog = Self { models };
        catalog.follow_likes()?;
        Ok(catalog)
    }

    /// The models in order of their names.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of this name.
    pub fn get(&self, id: &ModelId) -> Option<&Model> {
        self.models.binary_search_by(|model| model.id.cmp(id)).ok().map(|index| &self.models[index])
    }

    /// The name in the catalog nearest to one that is not in it.
    pub fn nearest(&self, id: &ModelId) -> Option<&ModelId> {
        let word = nearest(id.as_str(), self.models.iter().map(|model| model.id.as_str()))?;
        self.models.iter().map(|model| &model.id).find(|known| known.as_str() == word)
    }

    /// Follows every chain once: whoever was passed on an earlier walk leads to an end.
    fn follow_likes(&self) -> Result<(), CatalogError> {
        const NEVER: usize = usize::MAX;
        let mut passed_on = vec![NEVER; self.models.len()];
        for walk in 0..self.models.len() {
            let mut here = walk;
            while passed_on[here] == NEVER {
                passed_on[here] = walk;
                let model = &self.models[here];
                let Some(like) = &model.like else { break };
                let Ok(next) = self.models.binary_search_by(|model| model.id.cmp(like)) else {
                    let nearest = self.nearest(like).cloned();
                    return Err(CatalogError::UnknownLike { model: model.id.clone(), like: like.clone(), nearest });
                };
                if passed_on[next] == walk {
                    return Err(self.circle_through(next));
                }
                here = next;
            }
        }
        Ok(())
    }

    fn circle_through(&self, start: usize) -> CatalogError {
        let first = &self.models[start];
        let mut circle = vec![first.id.clone()];
        let mut here = first;
        while let Some(next) = here.like.as_ref().and_then(|like| self.get(like)) {
            circle.push(next.id.clone());
            if next.id == first.id {
                break;
            }
            here = next;
        }
        CatalogError::LikeLoop { circle }
    }
}

#[cfg(test)]
mod tests;

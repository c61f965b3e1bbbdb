//! All providers, and who serves what. Where none can be used the built-in echo serves every model; as soon as there is one, models
//! that nobody serves are not candidates for calls, so that no answer of an echo passes for a model's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use classifier::Vocabulary;
use decision::{Catalog, Hop, MAX_HOPS, ModelId, Prices, weighted_order};

use super::provider::{Provider, ProviderError};
use super::vocabularies::Vocabularies;
use crate::config::{ForwardingRule, Patience, ProviderKind, ProviderRule};

/// The name of the built-in echo among the providers.
pub(crate) const ECHO: &str = "echo";

/// Calls to the echo under way at once: as many as there may be calls.
const ECHO_PLACES: usize = 1_000_000;

/// All providers.
#[derive(Debug)]
pub(crate) struct Fleet {
    providers: Vec<Arc<Provider>>,
    served: BTreeMap<ModelId, Vec<Service>>,
    names: BTreeSet<ModelId>,
}

/// One provider's service of one model.
#[derive(Clone, Debug)]
struct Service {
    provider: usize,
    upstream: Arc<str>,
    weight: f64,
    prices: Option<Prices>,
    vocabulary: Option<Arc<Vocabulary>>,
}

/// Where one hop leads.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) provider: Arc<Provider>,
    /// The model's name there.
    pub(crate) upstream: Arc<str>,
    /// What it costs there, where that is not what the catalog says.
    pub(crate) prices: Option<Prices>,
    /// What its tokens are counted by, where the provider does not tell and the operator does.
    pub(crate) vocabulary: Option<Arc<Vocabulary>>,
}

impl Destination {
    /// Whether nobody is billed for what is asked there.
    pub(crate) fn is_free(&self) -> bool {
        self.provider.rule.kind == ProviderKind::Echo
    }
}

impl Fleet {
    /// Makes the providers that can be used. Opens nothing yet.
    pub(crate) fn start(rule: &ForwardingRule) -> Result<Self, ProviderError> {
        let now = Instant::now();
        let mut providers = Vec::new();
        let mut vocabularies = Vocabularies::default();
        let mut served: BTreeMap<ModelId, Vec<Service>> = BTreeMap::new();
        for rule in rule.providers.iter().filter(|rule| rule.unusable.is_none()) {
            for model in &rule.models {
                let service = Service {
                    provider: providers.len(),
                    upstream: Arc::from(model.upstream.as_str()),
                    weight: model.weight,
                    prices: model.prices,
                    vocabulary: vocabularies.of(&rule.name, model)?,
                };
                served.entry(model.model.clone()).or_default().push(service);
            }
            providers.push(Arc::new(Provider::new(rule.clone(), now)?));
        }
        providers.push(Arc::new(Provider::new(echo(rule.patience), now)?));
        let names = served.keys().cloned().collect();
        Ok(Self { providers, served, names })
    }

    /// The models that somebody serves; none where the echo serves them all.
    pub(crate) fn served(&self) -> Option<&BTreeSet<ModelId>> {
        (!self.names.is_empty()).then_some(&self.names)
    }

    /// The names of all providers, for the labels of metrics.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(|provider| provider.rule.name.as_str())
    }

    /// Where a call may go, in order: the providers of the first model by their weights, then those of the next.
    pub(crate) fn plan(&self, ranked: &[ModelId], catalog: &Catalog, mut draw: impl FnMut() -> f64) -> Vec<Hop> {
        let mut hops = Vec::new();
        for model in ranked {
            let Some(known) = catalog.get(model) else { continue };
            let hop = |provider| Hop { model: model.clone(), provider, context_window: known.context_window };
            match self.served.get(model) {
                Some(services) => {
                    let weights: Vec<f64> = services.iter().map(|service| service.weight).collect();
                    hops.extend(weighted_order(&weights, &mut draw).into_iter().map(|at| hop(services[at].provider)));
                }
                None if self.names.is_empty() => hops.push(hop(self.providers.len() - 1)),
                None => {}
            }
        }
        hops.truncate(MAX_HOPS);
        hops
    }

    /// Where a hop leads.
    pub(crate) fn destination(&self, hop: &Hop) -> Destination {
        let services = self.served.get(&hop.model);
        let service = services.and_then(|all| all.iter().find(|service| service.provider == hop.provider));
        Destination {
            provider: Arc::clone(&self.providers[hop.provider]),
            upstream: service.map_or_else(|| Arc::from(hop.model.as_str()), |service| Arc::clone(&service.upstream)),
            prices: service.and_then(|service| service.prices),
            vocabulary: service.and_then(|service| service.vocabulary.clone()),
        }
    }

    /// The models of which no provider may be called at present.
    pub(crate) fn unhealthy(&self, now: Instant) -> BTreeSet<ModelId> {
        let ill: BTreeSet<usize> =
            (0..self.providers.len()).filter(|provider| !self.providers[*provider].is_well(now)).collect();
        if ill.is_empty() {
            return BTreeSet::new();
        }
        let all_ill = |services: &[Service]| services.iter().all(|service| ill.contains(&service.provider));
        self.served.iter().filter(|(_, services)| all_ill(services)).map(|(model, _)| model.clone()).collect()
    }
}

fn echo(patience: Patience) -> ProviderRule {
    ProviderRule {
        name: ECHO.to_owned(),
        kind: ProviderKind::Echo,
        base_url: None,
        key_env: None,
        key: None,
        unusable: None,
        headers: Vec::new(),
        headers_env: None,
        secret_headers: Vec::new(),
        ca_file: None,
        proxy: None,
        patience,
        n_concurrent_max: ECHO_PLACES,
        requests_per_minute: None,
        stream_usage: true,
        models: Vec::new(),
    }
}

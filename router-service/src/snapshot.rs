//! Catalog, policies and classifier in use: immutable, made and proved as a whole, swapped as a whole. A request takes one
//! and keeps it to its end; the forecasts remembered for it live and die with it, so no forecast outlasts its artifact.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use classifier::{Artifact, Classifier, Prompt, built_in_catalog};
use decision::document::MAX_DOCUMENT_BYTES;
use decision::{BudgetState, Candidates, Catalog, Evidence, Mode, Policies, Policy, RequestFacts, decide};

use crate::config::Sources;
use crate::default_policy::default_policies;
use crate::generations::Generations;
use crate::metrics::ForecastSeries;
use crate::question::OWN_POLICY;
use crate::relay::NAMED_POLICY;

/// Bytes one remembered forecast takes beside its models: key, pointers, the map's own share. Measured 2026-11-21 on a
/// full cache as resident memory a forecast, less 40 bytes a model.
const FORECAST_BYTES: usize = 256;

/// Bytes of one model in a forecast, with what the allocator rounds up.
const MODEL_FORECAST_BYTES: usize = 48;

/// What is in use.
#[derive(Debug)]
pub struct Snapshot {
    /// The models that exist.
    pub catalog: Catalog,
    /// The rules for choosing.
    pub policies: Policies,
    /// What forecasts.
    pub classifier: Classifier,
    /// The digest of the artifact in use.
    pub artifact: Arc<str>,
    /// When it was made.
    pub made_at: Instant,
    /// How many there were before it in this process.
    pub number: u64,
    /// Where the forecasts of its models are counted; bound at the first one.
    pub(crate) series: OnceLock<ForecastSeries>,
    /// Forecasts of prompts seen before, by digest.
    pub(crate) forecasts: Generations<[u8; 32], Arc<Evidence>>,
}

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file that cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A catalog or policies file that says something wrong.
    #[error("{path}: {complaint}")]
    Document {
        /// The file.
        path: String,
        /// What is wrong with it, and where.
        complaint: String,
    },
    /// An artifact that is none.
    #[error("artifact {path}: {complaint}")]
    Artifact {
        /// The directory.
        path: String,
        /// What is wrong with it.
        complaint: String,
    },
    /// Everything could be read, and does not work.
    #[error("the self-test: {complaint}")]
    SelfTest {
        /// What did not work.
        complaint: String,
    },
}

impl Snapshot {
    /// Reads the sources and proves them. `cache_mib` bounds what is remembered of forecasts.
    pub fn make(sources: &Sources, cache_mib: usize, number: u64) -> Result<Self, SnapshotError> {
        let catalog = match &sources.catalog {
            None => built_in_catalog(),
            Some(path) => document(path, Catalog::from_toml)?,
        };
        let (place, policies) = match &sources.policies {
            None => ("the built-in policies".to_owned(), default_policies(&catalog)),
            Some(path) => (path.display().to_string(), document(path, Policies::from_toml)?),
        };
        let complaint = |complaint: String| SnapshotError::Document { path: place.clone(), complaint };
        policies.check_against(&catalog).map_err(|error| complaint(error.to_string()))?;
        reserve_names(&policies).map_err(complaint)?;
        let artifact = match &sources.artifact {
            None => Artifact::built_in().map_err(|error| unusable("built in", &error))?,
            Some(path) => Artifact::read(path).map_err(|error| unusable(&path.display().to_string(), &error))?,
        };
        let classifier = Classifier::new(Arc::new(artifact), &catalog);
        let digest = Arc::from(classifier.artifact().digest());
        let per_forecast = FORECAST_BYTES + MODEL_FORECAST_BYTES * catalog.models().len();
        let forecasts = Generations::new(cache_mib * 1024 * 1024 / per_forecast);
        let made_at = Instant::now();
        let snapshot = Self {
            catalog,
            policies,
            classifier,
            artifact: digest,
            made_at,
            number,
            series: OnceLock::new(),
            forecasts,
        };
        snapshot.prove()?;
        Ok(snapshot)
    }

    /// Forecasts and decides as a request would, once under each policy. A panic in there is a broken artifact, too.
    fn prove(&self) -> Result<(), SnapshotError> {
        let failed = |complaint: String| SnapshotError::SelfTest { complaint };
        catch_unwind(AssertUnwindSafe(|| self.trial()))
            .unwrap_or_else(|_| Err("the classifier broke down".to_owned()))
            .map_err(failed)
    }

    fn trial(&self) -> Result<(), String> {
        self.classifier.self_test()?;
        let prompt = Prompt::from_text("Which of these two levers moves the points, and how do you know?");
        let forecast = self.classifier.forecast(std::slice::from_ref(&prompt)).pop().ok_or("no forecast came back")?;
        let forecast_models = forecast.models().iter().map(|forecast| &forecast.model);
        if !forecast_models.eq(self.catalog.models().iter().map(|model| &model.id)) {
            return Err("the forecast does not cover the catalog".to_owned());
        }
        let evidence = Evidence::Forecast(forecast);
        self.policies.iter().try_for_each(|policy| self.trial_decision(policy, &prompt, &evidence))
    }

    /// A policy under which nobody can ever serve is a slip of the hand; a hard budget may start with nothing and still work.
    fn trial_decision(&self, policy: &Policy, prompt: &Prompt, evidence: &Evidence) -> Result<(), String> {
        let mut facts = RequestFacts::of_size(prompt.tokens());
        if let Mode::Budget { .. } = policy.rules().mode {
            facts.budget = Some(BudgetState { n_requests: u64::from(u32::MAX), ..BudgetState::default() });
        }
        let candidates = Candidates::join(&self.catalog, policy, &facts, evidence, &std::collections::BTreeSet::new())
            .map_err(|error| error.to_string())?;
        match decide(policy, &facts, &candidates) {
            Ok(_) => Ok(()),
            Err(refusal) => Err(format!("policy `{}` refuses even a short question: {refusal}", policy.name())),
        }
    }
}

fn document<T, E: std::fmt::Display>(path: &Path, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, SnapshotError> {
    let name = || path.display().to_string();
    let length = fs::metadata(path).map_err(|source| SnapshotError::Read { path: name(), source })?.len();
    if length > u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX) {
        let complaint = format!("expected at most {MAX_DOCUMENT_BYTES} bytes, found {length}");
        return Err(SnapshotError::Document { path: name(), complaint });
    }
    let text = fs::read_to_string(path).map_err(|source| SnapshotError::Read { path: name(), source })?;
    parse(&text).map_err(|error| SnapshotError::Document { path: name(), complaint: error.to_string() })
}

fn unusable(path: &str, error: &dyn std::error::Error) -> SnapshotError {
    SnapshotError::Artifact { path: path.to_owned(), complaint: error.to_string() }
}

/// Names that replies, metrics and logs have for policies which no file holds: a file's policy must not pass for one of them.
pub const RESERVED_POLICIES: [&str; 2] = [OWN_POLICY, NAMED_POLICY];

/// Refuses policies that would pass for those.
pub fn reserve_names(policies: &Policies) -> Result<(), String> {
    let taken = RESERVED_POLICIES.into_iter().find(|name| policies.get(name).is_some());
    taken.map_or(Ok(()), |name| {
        Err(format!("policy.{name}: expected another name, found `{name}`, which means policies made by requests"))
    })
}

/// The snapshot in use, for everybody to take.
#[derive(Debug)]
pub(crate) struct Current {
    snapshot: RwLock<Arc<Snapshot>>,
}

impl Current {
    /// Begins with a proved snapshot.
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot: RwLock::new(Arc::new(snapshot)) }
    }

    /// The one in use now.
    pub(crate) fn take(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another in its place. Requests under way keep the one they took.
    pub(crate) fn swap(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}

#[cfg(test)]
mod tests;

//! What decides on the command line: a catalog, policies and an artifact, from files or built in. The deciding itself is the
//! engine's, the very function that serves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use classifier::{Artifact, Classifier, Prompt, Standing};
use decision::{
    BudgetState, Candidates, Catalog, Decision, Evidence, Forecast, Policies, Policy, Refusal, RequestFacts, decide,
};
use router_service::default_policy::default_policies;
use router_service::reserve_names;

use crate::CalledWrongly;
use crate::sheet::count;

/// Where catalog and artifact come from.
#[derive(Args)]
pub(crate) struct Sources {
    /// The models to choose among and their prices; without it, those that are built in.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,

    /// The trained files to forecast with; without them, those that are built in.
    #[arg(long, value_name = "DIR")]
    pub(crate) artifact: Option<PathBuf>,
}

impl Sources {
    /// Reads the catalog.
    pub(crate) fn catalog(&self) -> anyhow::Result<Catalog> {
        match &self.catalog {
            Some(file) => Ok(Catalog::from_toml(&text(file)?).with_context(|| file.display().to_string())?),
            None => Ok(classifier::built_in_catalog()),
        }
    }

    /// Reads the artifact and binds it to the catalog, once it has proved itself.
    pub(crate) fn classifier(&self, catalog: &Catalog) -> anyhow::Result<Classifier> {
        let classifier = Classifier::new(Arc::new(artifact(self.artifact.as_deref())?), catalog);
        classifier.self_test().map_err(|complaint| anyhow::anyhow!("the artifact fails its self-test: {complaint}"))?;
        Ok(classifier)
    }
}

/// The artifact of a folder, which complaints name, or the one inside the binary.
pub(crate) fn artifact(folder: Option<&Path>) -> anyhow::Result<Artifact> {
    match folder {
        Some(folder) => Artifact::read(folder).with_context(|| format!("artifact {}", folder.display())),
        None => Ok(Artifact::built_in()?),
    }
}

/// A file as text, without the mark that some editors put in front.
fn text(file: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("{}: expected text, found other bytes", file.display()))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Catalog, policies and classifier.
pub(crate) struct Router {
    pub(crate) catalog: Catalog,
    pub(crate) policies: Policies,
    pub(crate) classifier: Classifier,
}

/// What was decided, and all that it was decided from.
pub(crate) struct Answer<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) candidates: Candidates,
    pub(crate) evidence: Evidence,
    pub(crate) outcome: Result<Decision, Refusal>,
}

impl Router {
    /// Reads everything. A policy that names a model the catalog lacks is refused, as `serve` would.
    pub(crate) fn read(sources: &Sources, policies: Option<&Path>) -> anyhow::Result<Self> {
        let catalog = sources.catalog()?;
        let policies = match policies {
            Some(file) => {
                let place = || file.display().to_string();
                let policies = Policies::from_toml(&text(file)?).with_context(place)?;
                policies.check_against(&catalog).with_context(place)?;
                reserve_names(&policies).map_err(anyhow::Error::msg).with_context(place)?;
                policies
            }
            None => default_policies(&catalog),
        };
        let classifier = sources.classifier(&catalog)?;
        Ok(Self { catalog, policies, classifier })
    }

    /// The named policy, or the default one.
    pub(crate) fn policy(&self, name: Option<&str>) -> Result<&Policy, CalledWrongly> {
        let Some(name) = name else { return Ok(self.policies.default_policy()) };
        let known: Vec<&str> = self.policies.iter().map(|policy| policy.name().as_str()).collect();
        let found = self.policies.get(name);
        found.ok_or_else(|| CalledWrongly(decision::document::unknown("policy", name, known)))
    }

    /// Forecasts, prompt by prompt.
    pub(crate) fn forecast(&self, prompts: &[Prompt]) -> Vec<Forecast> {
        self.classifier.forecast(prompts)
    }

    /// Decides.
    pub(crate) fn decide<'a>(
        &self,
        policy: &'a Policy,
        facts: &RequestFacts,
        forecast: Forecast,
    ) -> anyhow::Result<Answer<'a>> {
        let evidence = Evidence::Forecast(forecast);
        let candidates = Candidates::join(&self.catalog, policy, facts, &evidence, &BTreeSet::new())?;
        let outcome = decide(policy, facts, &candidates);
        Ok(Answer { policy, candidates, evidence, outcome })
    }
}

impl Answer<'_> {
    /// What is left of a budget, for the next question.
    pub(crate) fn budget(&self) -> Option<BudgetState> {
        match &self.outcome {
            Ok(decision) => decision.budget,
            Err(refusal) => refusal.budget,
        }
    }
}

/// How much stands behind the forecasts of a model, in words.
pub(crate) fn standing_words(standing: &Standing) -> String {
    match standing {
        Standing::Trained { n_outcomes } => format!("trained on {} outcomes", count(*n_outcomes)),
        Standing::Onboarded { n_outcomes } => format!("onboarded from {} outcomes", count(*n_outcomes)),
        Standing::Like { model } => format!("forecast like `{model}`"),
        Standing::Benchmarks { n_scores } => format!("forecast from {n_scores} published scores"),
        Standing::Unknown => "unknown: forecast as the mean of all, at its lower bound".to_owned(),
    }
}

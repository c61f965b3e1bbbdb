//! `pointsman check`: reads everything that `serve` would, binds nothing, and prints the effective settings. Secrets are not
//! in them, only the names of the variables that hold them.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use decision::ModelId;
use router_service::telemetry::prove_collector;
use router_service::{Settings, Snapshot, prove_outcome_log, prove_providers, prove_tls};

const EXAMPLES: &str = "\
Examples:
  pointsman check --config pointsman.toml
      exit code 0 and the effective settings, or 1 and what is wrong, with its line
  pointsman check > pointsman.toml
      every key with its default, to begin from";

/// Arguments of `pointsman check`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The configuration, TOML. Without it the defaults are checked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print what was found, and the effective settings, as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = Settings::read(arguments.config.as_deref())?;
    if let Some(files) = &settings.tls {
        prove_tls(files)?;
    }
    prove_providers(&settings.forwarding)?;
    if let Some(log) = &settings.outcome_log {
        prove_outcome_log(log)?;
    }
    if let Some(traces) = &settings.traces {
        prove_collector(&traces.otlp).map_err(|error| anyhow::anyhow!("traces: {error}"))?;
    }
    let snapshot = Snapshot::make(&settings.sources, settings.inference.cache_mib, 0)?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&json(&settings, &snapshot))? + "\n"
    } else {
        text(&settings, &snapshot)
    };
    Ok(io::stdout().write_all(text.as_bytes())?)
}

fn json(settings: &Settings, snapshot: &Snapshot) -> serde_json::Value {
    let policies: Vec<&str> = snapshot.policies.iter().map(|policy| policy.name().as_str()).collect();
    let unknown: Vec<&str> = snapshot.classifier.unknown().map(ModelId::as_str).collect();
    serde_json::json!({
        "artifact": *snapshot.artifact,
        "n_models": snapshot.catalog.models().len(),
        "unknown_models": unknown,
        "policies": policies,
        "notes": notes(settings, snapshot),
        "settings": settings.to_json(),
    })
}

/// A configuration that means the same, behind comments.
fn text(settings: &Settings, snapshot: &Snapshot) -> String {
    let policies: Vec<&str> = snapshot.policies.iter().map(|policy| policy.name().as_str()).collect();
    let (n_models, policies) = (snapshot.catalog.models().len(), policies.join(", "));
    let good = format!("Good: {n_models} models, policies {policies}, artifact {}.", snapshot.artifact);
    let notes = std::iter::once(good).chain(notes(settings, snapshot));
    notes.map(|note| format!("# {note}\n")).collect::<String>() + &settings.to_toml()
}

/// What somebody who is about to serve should know, a sentence each.
fn notes(settings: &Settings, snapshot: &Snapshot) -> Vec<String> {
    let mut notes = Vec::new();
    let unknown: Vec<&str> = snapshot.classifier.unknown().map(ModelId::as_str).collect();
    if !unknown.is_empty() {
        notes.push(format!(
            "The artifact knows nothing of {} of the models, which are forecast as the mean of all, at its lower bound: {}.",
            unknown.len(),
            unknown.join(", ")
        ));
    }
    for caller in &settings.callers {
        notes.push(format!("The token of `{}` is set in `{}` and not shown.", caller.name, caller.token_env));
    }
    for provider in &settings.forwarding.providers {
        let name = &provider.name;
        notes.extend(match (&provider.unusable, &provider.key_env) {
            (Some(why), _) => Some(format!("The provider `{name}` is not used: {why}.")),
            (None, Some(variable)) => Some(format!("The key of `{name}` is set in `{variable}` and not shown.")),
            (None, None) => None,
        });
        let strange = provider.models.iter().filter(|served| snapshot.catalog.get(&served.model).is_none());
        notes
            .extend(strange.map(|served| {
                format!("The provider `{name}` serves `{}`, which is not in the catalog.", served.model)
            }));
    }
    if let Some(model) = settings.forwarding.baseline.as_ref().filter(|model| snapshot.catalog.get(model).is_none()) {
        notes.push(format!("The baseline `{model}` is not in the catalog: no savings are reported."));
    }
    for policy in snapshot.policies.iter() {
        let void = policy.promise().and_then(|promise| promise.void(&snapshot.artifact, &snapshot.catalog.version()));
        notes.extend(void.map(|void| format!("The promise of policy `{}`: {void}.", policy.name())));
    }
    notes
}

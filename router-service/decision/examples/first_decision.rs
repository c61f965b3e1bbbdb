//! A first decision, from text to sentence: a catalog and a policy in TOML, a forecast written by hand, and what comes out.
//! Run it with `cargo run --release -p decision --example first_decision`.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{Write, stdout};

use decision::{
    Candidates, Catalog, Evidence, Forecast, ModelForecast, ModelId, Policies, Quality, RequestFacts, Tokens, decide,
};

const CATALOG: &str = r#"
[[model]]
id = "large"
context_window = 128000
usd_per_1m = { prompt = 2.5, cached_prompt = 1.25, completion = 10 }

[[model]]
id = "small"
context_window = 128000
usd_per_1m = { prompt = 0.15, cached_prompt = 0.075, completion = 0.6 }

[[model]]
id = "tiny"
context_window = 500
usd_per_1m = { prompt = 0.02, completion = 0.02 }
"#;

const POLICIES: &str = r#"
default = "balanced"

[policy.balanced]
mode = "tolerance"
quality_tolerance = 0.05
fallback = ["small", "large"]
"#;

#[expect(clippy::disallowed_methods, reason = "an example prints; the engine does not")]
fn main() -> Result<(), Box<dyn Error>> {
    let catalog = Catalog::from_toml(CATALOG)?;
    let policies = Policies::from_toml(POLICIES)?;
    policies.check_against(&catalog)?;

    let expected = [("large", 0.91, 0.88, 240), ("small", 0.87, 0.83, 210), ("tiny", 0.52, 0.40, 180)];
    let forecast = |(model, quality, quality_low, completion): (&str, f64, f64, u64)| -> Result<_, Box<dyn Error>> {
        Ok(ModelForecast {
            model: ModelId::new(model)?,
            quality: Quality::new(quality)?,
            quality_low: Quality::new(quality_low)?,
            completion: Tokens::new(completion)?,
            reasoning: Tokens::ZERO,
            output_p90: Tokens::new(completion * 2)?,
        })
    };
    let forecast = Forecast::new(expected.into_iter().map(forecast).collect::<Result<_, _>>()?)?;

    let policy = policies.default_policy();
    let facts = RequestFacts::of_size(Tokens::new(400)?);
    let candidates = Candidates::join(&catalog, policy, &facts, &Evidence::Forecast(forecast), &BTreeSet::new())?;
    let decision = decide(policy, &facts, &candidates)?;

    let mut out = stdout().lock();
    for candidate in candidates.all() {
        let quality = candidate.expectation.map(|expectation| expectation.quality.to_string()).unwrap_or_default();
        let standing = candidate.exclusion.as_ref().map(|exclusion| format!("  {exclusion}")).unwrap_or_default();
        writeln!(out, "{:<8}{quality:>8}{:>14}{standing}", candidate.model, candidate.cost)?;
    }
    writeln!(out, "\n{}: {}", decision.model(), decision.reason)?;
    for flip in &decision.flips {
        writeln!(out, "  {flip}")?;
    }
    Ok(())
}

//! A promise in a policy file, kept and broken by what callers report.

use decision::{
    Loss, Mode, ModelId, OnAlarm, Policies, Policy, PolicyName, Promise, Quality, Reference, Rules, Span, Terms,
};
use serde_json::json;

use super::life::Scratch;
use super::{Running, settings};

const LARGE: &str = "gpt-4o-2024-05-13";

/// A tuned policy for the built-in artifact and catalog, as `tune` would write it.
fn tuned(artifact: &str) -> String {
    let tolerance = Quality::new(0.3).expect("a quality");
    let rules = Rules::of(Mode::Tolerance { quality_tolerance: tolerance });
    let policy = Policy::new(PolicyName::new("tuned").expect("a name"), rules).expect("good rules");
    let terms = Terms {
        loss: Loss::Difference,
        loss_at_most: 0.02,
        confidence: 0.95,
        reference: Reference::Model(ModelId::new(LARGE).expect("a name")),
        slices: None,
        weighed: None,
        policy: policy.version().to_owned(),
        artifact: Some(artifact.to_owned()),
        catalog: Some(classifier::built_in_catalog().version()),
        outcomes: format!("sha256:{}", "0".repeat(64)),
        tuned: "2026-11-21".to_owned(),
        n_prompts: 1000,
        n_groups: 1000,
        saving: Span { value: 0.5, low: 0.4, high: 0.6 },
        reference_bias: 0.0,
        on_alarm: OnAlarm::Reference,
    };
    let policy = policy.promised(Promise::new(terms).expect("good terms")).expect("made for these rules");
    Policies::new(policy.name().clone(), vec![policy]).expect("one policy").to_toml()
}

async fn started(scratch: &Scratch, artifact: &str) -> Running {
    let mut ours = settings();
    ours.sources.policies = Some(scratch.write("policy.toml", &tuned(artifact)));
    Running::start(ours).await
}

/// Asks, and reports how good the answer was.
async fn asked(running: &Running, quality: f64) -> String {
    let reply = running.post("/v1/route", r#"{"prompt": "Which of two trains arrives first?"}"#).await.json();
    let outcome = json!({ "decision_id": reply["decision_id"], "quality": quality });
    assert_eq!(running.post("/v1/outcomes", outcome.to_string()).await.status, 200);
    reply["model"].as_str().expect("a model was chosen").to_owned()
}

#[tokio::test]
async fn a_broken_promise_is_told_of_and_the_reference_takes_over() {
    let scratch = Scratch::new("promise");
    let digest = classifier::Artifact::built_in().expect("it is inside the binary").digest().to_owned();
    let running = started(&scratch, &digest).await;
    let standing = async || running.get("/readyz").await.json()["promises"][0].clone();
    assert_eq!(standing().await["void"], json!(null));
    let mut models = Vec::new();
    for _ in 0..200 {
        models.push(asked(&running, 0.0).await);
    }
    assert_ne!(models[0], LARGE, "a wide tolerance takes a cheaper one");
    assert_eq!(models[199], LARGE, "the reference serves");
    let standing = standing().await;
    assert_eq!((&standing["reference_serves"], &standing["policy"]), (&json!(true), &json!("tuned")));
    assert!(standing["outcomes"].as_u64().is_some_and(|seen| (1..200).contains(&seen)), "{standing}");
    assert_eq!(running.counted("pointsman_promise_alarms", &["policy=\"tuned\"", "alarm=\"loss\""]), 1);
    assert_eq!(running.counted("pointsman_promise_void", &["policy=\"tuned\""]), 0);
    running.ended().await;
}

#[tokio::test]
async fn a_promise_for_another_artifact_is_void_and_says_so() {
    let scratch = Scratch::new("promise-void");
    let running = started(&scratch, &format!("sha256:{}", "7".repeat(64))).await;
    let ready = running.get("/readyz").await.json();
    let void = ready["promises"][0]["void"].as_str().expect("it is void");
    assert!(void.contains("made with artifact sha256:777"), "{void}");
    assert_eq!(ready["ready"], json!(true), "a void promise is no outage");
    assert_eq!(running.counted("pointsman_promise_void", &["policy=\"tuned\""]), 1);
    running.ended().await;
}

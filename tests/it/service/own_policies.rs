//! Policies that requests bring along: at every door, within what the operator allows, and under one name wherever names are kept.

use http::StatusCode;
use proto::v1;
use proto::v1::policy::Mode;
use serde_json::{Value, json};
use tonic::Code;

use super::life::Scratch;
use super::{Running, prompt, settings};

const CHEAP: &str = "gpt-4o-mini-2024-07-18";
const DEAR: &str = "gpt-4-0613";

/// Which policy chose which model, and by which rules.
async fn routed(running: &Running, policy: Value) -> [String; 3] {
    let body = json!({ "prompt": "Which lever?", "candidates": [CHEAP, DEAR], "policy": policy });
    let reply = running.post("/v1/route", body.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    ["policy", "model", "policy_version"].map(|key| reply.json()[key].as_str().expect("it is told").to_owned())
}

fn by(mode: Mode) -> v1::RouteRequest {
    let own_policy = Some(v1::Policy { mode: Some(mode), ..v1::Policy::default() });
    v1::RouteRequest { own_policy, candidates: vec![CHEAP.to_owned(), DEAR.to_owned()], ..prompt("Which lever?") }
}

#[tokio::test]
async fn a_request_is_decided_by_its_own_rules_at_both_doors() {
    let running = Running::start(settings()).await;
    let http = routed(&running, json!({ "mode": "pin", "model": DEAR })).await;
    assert_eq!(http[..2], ["request", DEAR]);
    let grpc = running.client().route(by(Mode::Model(DEAR.to_owned()))).await.unwrap().into_inner();
    assert_eq!(http, [grpc.policy, grpc.model, grpc.policy_version]);
    let cheapest = routed(&running, json!({ "mode": "tolerance", "quality_tolerance": 1 })).await;
    assert_eq!(cheapest[..2], ["request", CHEAP]);
    assert_ne!(cheapest[2], http[2], "the rules are told apart by their version");
    let batch = json!({ "requests": [
        { "prompt": "x", "policy": { "mode": "pin", "model": CHEAP } }, { "prompt": "x", "policy": { "mode": "budget" } },
    ] });
    let batch = running.post("/v1/route/batch", batch.to_string()).await.json();
    assert_eq!(batch["results"][0]["reply"]["policy"], "request", "{batch}");
    assert_eq!(batch["results"][1]["error"]["field"], "requests[1].policy.mode", "{batch}");
    running.ended().await;
}

#[tokio::test]
async fn a_call_is_decided_by_its_own_rules_too() {
    let running = Running::start(settings()).await;
    let chat = json!({
        "model": "auto", "messages": [{ "role": "user", "content": "Which lever?" }],
        "pointsman": { "policy": { "mode": "pin", "model": DEAR } },
    });
    let answer = running.post("/v1/chat/completions", chat.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.headers["x-pointsman-policy"], "request");
    assert_eq!(answer.headers["x-pointsman-model"], DEAR);
    let question = Some(by(Mode::Model(DEAR.to_owned())));
    let request = v1::CompleteRequest { question, ..v1::CompleteRequest::default() };
    let first = running.client().complete(request).await.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(v1::complete_reply::Part::Decision(decision)) = first.part else { panic!("{first:?}") };
    assert_eq!((decision.policy.as_str(), decision.model.as_str()), ("request", DEAR));
    running.ended().await;
}

#[tokio::test]
async fn a_model_or_region_that_the_catalog_lacks_is_named_with_the_nearest() {
    let running = Running::start(settings()).await;
    let bad = json!({ "prompt": "x", "policy": { "mode": "pin", "model": "gpt-4-0631" } });
    let reply = running.post("/v1/route", bad.to_string()).await;
    assert_eq!(
        (reply.status, reply.json()["error"]["param"].as_str()),
        (StatusCode::BAD_REQUEST, Some("policy.model"))
    );
    assert!(reply.text().contains("the nearest name there is `gpt-4-0613`"), "{}", reply.text());
    let mut grpc = by(Mode::QualityFloor(0.5));
    grpc.own_policy.as_mut().expect("it is there").fallback.push("gpt-4-0631".to_owned());
    let status = running.client().route(grpc).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert_eq!(status.metadata().get("pointsman-field").expect("it is named"), "own_policy.fallback");
    running.ended().await;
}

#[tokio::test]
async fn the_limits_of_the_default_policy_hold() {
    let scratch = Scratch::new("own-policies");
    let mut ours = settings();
    let rules = format!(
        "default = \"p\"\n[policy.p]\nmode = \"target\"\nquality_floor = 0.5\ndeny = [\"{DEAR}\"]\n\
         [policy.dear]\nmode = \"pin\"\nmodel = \"{DEAR}\"\n"
    );
    ours.sources.policies = Some(scratch.write("policies.toml", &rules));
    let running = Running::start(ours).await;
    assert_eq!(routed(&running, json!("dear")).await[..2], ["dear", DEAR], "what the operator has written is allowed");
    let own = json!({ "prompt": "x", "policy": { "mode": "pin", "model": DEAR } });
    let reply = running.post("/v1/route", own.to_string()).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text());
    let best = json!({ "mode": "target", "quality_floor": 1 });
    assert_eq!(routed(&running, best).await[..2], ["request", CHEAP]);
    running.ended().await;
}

#[tokio::test]
async fn however_many_there_are_they_are_one_policy_in_the_metrics() {
    let running = Running::start(settings()).await;
    for hundredth in 0..20 {
        routed(&running, json!({ "mode": "target", "quality_floor": f64::from(hundredth) / 100.0 })).await;
    }
    assert_eq!(running.counted("pointsman_decisions_total", &["policy=\"request\""]), 20);
    assert_eq!(running.counted("pointsman_decisions_total", &["policy=\"other\""]), 0);
    running.ended().await;
}

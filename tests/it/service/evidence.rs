//! The router answers without its classifier.

use std::time::Duration;

use decision::{Forecast, ModelForecast};
use proto::v1;
use router_service::default_policy::DEFAULT_FALLBACK;
use serde_json::json;

use super::{Running, prompt, settings};

#[tokio::test]
async fn parked_threads_cost_a_forecast_and_not_an_answer() {
    let mut parked = settings();
    (parked.inference.threads, parked.inference.deadline, parked.inference.queue_prompts) =
        (0, Duration::from_millis(1), 1);
    let running = Running::start(parked).await;
    let late = running.client().route(prompt("Which lever?")).await.unwrap().into_inner();
    assert_eq!((late.evidence(), &*late.reason_code), (v1::Evidence::AbsentLate, "fallback"));
    assert_eq!(late.model, DEFAULT_FALLBACK[0], "the order of the policy that is built in");
    assert!(late.reason.ends_with("the classifier was late"), "{}", late.reason);
    assert!(late.forecasts.is_empty() && !late.ranked.is_empty());
    // The first still lies in the queue, which is full with it.
    let overloaded = running.post("/v1/route", json!({ "prompt": "And which?" }).to_string()).await.json();
    assert_eq!(overloaded["evidence"], "absent_overloaded");
    assert_eq!(overloaded["model"], late.model);
    assert_eq!(running.counted("pointsman_evidence_absent_total", &[]), 2);
    running.ended().await;
}

#[tokio::test]
async fn a_broken_classifier_costs_a_forecast_and_not_an_answer() {
    let running = Running::with(settings(), |_, _| panic!("as arranged")).await;
    let reply = running.client().route(prompt("Which lever?")).await.unwrap().into_inner();
    assert_eq!(reply.evidence(), v1::Evidence::AbsentBroken);
    running.ended().await;
}

#[tokio::test]
async fn without_a_forecast_the_policy_s_own_order_answers() {
    let scratch = super::life::Scratch::new("fallback");
    let mut parked = settings();
    parked.inference.threads = 0;
    parked.inference.deadline = Duration::from_millis(1);
    let policy = "default = \"p\"\n[policy.p]\nmode = \"tolerance\"\nquality_tolerance = 0.1\n";
    parked.sources.policies = Some(scratch.write("orderless.toml", policy));
    let running = Running::start(parked.clone()).await;
    let reply = running.client().route(prompt("Which lever?")).await.unwrap().into_inner();
    assert_eq!(&*reply.reason_code, "cheapest_blind", "without an order the cheapest answers");
    running.ended().await;
    let order = "fallback = [\"gpt-4-0613\", \"gpt-4o-2024-05-13\"]\n";
    parked.sources.policies = Some(scratch.write("policies.toml", &format!("{policy}{order}")));
    let running = Running::start(parked).await;
    let reply = running.client().route(prompt("Which lever?")).await.unwrap().into_inner();
    assert_eq!(
        (&*reply.reason_code, &reply.ranked[..2]),
        ("fallback", &["gpt-4-0613".to_owned(), "gpt-4o-2024-05-13".to_owned()][..])
    );
    running.ended().await;
}

#[tokio::test]
async fn a_prompt_seen_before_is_answered_from_memory_and_says_so() {
    let running = Running::start(settings()).await;
    let mut client = running.client();
    let first = client.route(prompt("Which lever?")).await.unwrap().into_inner();
    let again = client.route(prompt("Which lever?")).await.unwrap().into_inner();
    assert_eq!((first.forecasts, first.ranked), (again.forecasts, again.ranked));
    assert_eq!(again.timing.unwrap().forecast_us, 0);
    assert_eq!(running.counted("pointsman_forecast_cache_total", &["hit"]), 1);
    assert_eq!(running.counted("pointsman_forecast_cache_total", &["miss"]), 1);
    running.ended().await;
}

#[tokio::test]
async fn a_deadline_is_kept() {
    let mut parked = settings();
    parked.inference.threads = 0;
    let running = Running::start(parked).await;
    // The forecast would be waited for much longer; the caller's word cuts that short, and there is still a decision.
    let headers = [("x-request-timeout-ms", "300")];
    let body = json!({ "prompt": "x" }).to_string();
    let reply = running.call_with(http::Method::POST, "/v1/route", body.clone(), &headers).await;
    assert_eq!(reply.json()["evidence"], "absent_late", "{}", reply.text());
    let mut request = tonic::Request::new(prompt("x"));
    request.set_timeout(Duration::from_millis(300));
    assert_eq!(running.client().route(request).await.unwrap().into_inner().evidence(), v1::Evidence::AbsentLate);
    // One that has passed before anything could be done is told.
    let mut request = tonic::Request::new(prompt("x"));
    request.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    assert_eq!(running.client().route(request).await.unwrap_err().code(), tonic::Code::DeadlineExceeded);
    let reply = running.call_with(http::Method::POST, "/v1/route", body, &[("x-request-timeout-ms", "soon")]).await;
    assert_eq!(reply.json()["error"]["param"], "x-request-timeout-ms");
    running.ended().await;
}

#[tokio::test]
async fn a_budget_is_kept_over_requests_and_settled_by_bills() {
    let scratch = super::life::Scratch::new("budget");
    let mut thrifty = settings();
    thrifty.sources.catalog = Some(scratch.write(
        "catalog.toml",
        "[[model]]\nid = \"dear\"\ncontext_window = 100000\nusd_per_1m = { prompt = 0, completion = 100 }\n\
         [[model]]\nid = \"cheap\"\ncontext_window = 100000\nusd_per_1m = { prompt = 0, completion = 1 }\n",
    ));
    thrifty.sources.policies = Some(
        scratch.write("policies.toml", "default = \"p\"\n[policy.p]\nmode = \"budget\"\nusd_per_request = 0.011\n"),
    );
    // `dear` is better and costs a cent, `cheap` a hundredth of one.
    let running = Running::with(thrifty, |classifier, prompts| {
        let one = |model: &str, quality: f64| ModelForecast {
            model: decision::ModelId::new(model).unwrap(),
            quality: decision::Quality::new(quality).unwrap(),
            quality_low: decision::Quality::ZERO,
            completion: decision::Tokens::new(100).unwrap(),
            reasoning: decision::Tokens::ZERO,
            output_p90: decision::Tokens::new(100).unwrap(),
        };
        let _ = classifier;
        prompts.iter().map(|_| Forecast::new(vec![one("dear", 0.9), one("cheap", 0.5)]).unwrap()).collect()
    })
    .await;
    let mut client = running.client();
    let first = client.route(prompt("x")).await.unwrap().into_inner();
    assert_eq!(first.model, "dear", "{}", first.reason);
    // It turned out ten times as dear, so there is nothing left for the next.
    let bill = v1::ReportOutcomeRequest {
        decision_id: first.decision_id,
        cost_usd: Some(0.1),
        ..v1::ReportOutcomeRequest::default()
    };
    client.report_outcome(bill).await.unwrap();
    let second = client.route(prompt("x")).await.unwrap().into_inner();
    assert_eq!((&*second.model, &*second.reason_code), ("cheap", "budget_spent"));
    running.ended().await;
}

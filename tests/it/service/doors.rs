//! Both doors give the same answer, with all that explains it.

use http::{Method, StatusCode};
use proto::v1;
use serde_json::json;
use tonic::codec::CompressionEncoding;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::{Running, prompt, settings};

#[tokio::test]
async fn a_decision_explains_itself_the_same_at_both_doors() {
    let running = Running::start(settings()).await;
    let request = v1::RouteRequest {
        candidates: vec!["gpt-4-0613".into(), "gpt-4o-2024-05-13".into(), "x".into()],
        ..prompt("Which lever?")
    };
    let grpc = running.client().route(request).await.unwrap().into_inner();
    let body = json!({ "prompt": "Which lever?", "candidates": ["gpt-4-0613", "gpt-4o-2024-05-13", "x"] });
    let reply = running.post("/v1/route", body.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK);
    let http = reply.json();

    assert_eq!(http["model"], grpc.model);
    assert_eq!(http["ranked"], json!(grpc.ranked));
    assert_eq!(grpc.ranked[0], grpc.model);
    assert_eq!(
        (http["reason"].as_str(), http["reason_code"].as_str()),
        (Some(&*grpc.reason), Some(&*grpc.reason_code))
    );
    assert_eq!((http["policy"].as_str(), http["evidence"].as_str()), (Some("balanced"), Some("forecast")));
    assert_eq!(
        (http["policy_version"].as_str(), http["artifact"].as_str()),
        (Some(&*grpc.policy_version), Some(&*grpc.artifact))
    );
    assert_eq!(http["propensity"], 1.0);
    assert_eq!(grpc.forecasts.len(), 2, "one a candidate that the catalog knows");
    for (ours, theirs) in grpc.forecasts.iter().zip(http["forecasts"].as_array().unwrap()) {
        assert_eq!((theirs["model"].as_str(), theirs["quality"].as_f64()), (Some(&*ours.model), Some(ours.quality)));
        assert_eq!(theirs["cost_usd"].as_f64(), Some(ours.cost_usd));
        assert!(ours.quality_low <= ours.quality && ours.cost_usd <= ours.cost_usd_p90);
    }
    assert_eq!(http["excluded"], json!([{ "model": "x", "reason": "unknown", "detail": "is not in the catalog" }]));
    assert_eq!(grpc.flips.len(), http["flips"].as_array().unwrap().len());
    assert_ne!(http["decision_id"], grpc.decision_id, "every decision has its own name");
    assert!(http["timing"]["decide_us"].as_u64().is_some());
    running.ended().await;
}

#[tokio::test]
async fn a_batch_answers_in_order_and_a_bad_one_fails_alone() {
    let running = Running::start(settings()).await;
    let requests =
        vec![prompt("One"), prompt(" "), v1::RouteRequest { policy: "none".into(), ..prompt("Three") }, prompt("Four")];
    let results = running.client().route_batch(v1::RouteBatchRequest { requests }).await.unwrap().into_inner().results;
    let errors: Vec<Option<&v1::Error>> = results
        .iter()
        .map(|result| match result.result.as_ref().unwrap() {
            v1::route_result::Result::Reply(_) => None,
            v1::route_result::Result::Error(error) => Some(error),
        })
        .collect();
    assert!(errors[0].is_none() && errors[3].is_none());
    assert_eq!((errors[1].unwrap().code, &*errors[1].unwrap().field), (3, "requests[1].prompt"));
    assert_eq!(errors[2].unwrap().field, "requests[2].policy");

    let body = json!({ "requests": [{ "prompt": "One" }, { "prompt": 5 }, { "prompt": "Four" }] });
    let results = running.post("/v1/route/batch", body.to_string()).await.json()["results"].clone();
    assert_eq!(results[1]["error"]["field"], "requests[1].prompt");
    let alone = running.post("/v1/route", json!({ "prompt": "Four" }).to_string()).await.json();
    assert_eq!(results[2]["reply"]["model"], alone["model"]);
    running.ended().await;
}

#[tokio::test]
async fn a_verdict_is_joined_by_id_and_moves_the_calibration() {
    let running = Running::start(settings()).await;
    let decision = running.client().route(prompt("Which lever?")).await.unwrap().into_inner();
    let verdict = v1::ReportOutcomeRequest {
        decision_id: decision.decision_id.clone(),
        model: decision.model.clone(),
        quality: Some(1.0),
        judge: "test".into(),
        prompt_tokens: Some(100),
        completion_tokens: Some(50),
        ..v1::ReportOutcomeRequest::default()
    };
    running.client().report_outcome(verdict).await.unwrap();
    assert_eq!(running.counted("pointsman_outcomes_reported_total", &["joined"]), 1);
    assert_eq!(running.counted("pointsman_outcomes_judged_total", &[&decision.model]), 1);
    assert_ne!(running.metric("pointsman_outcome_cost_usd_total", &[&decision.model]), ["0"], "billed by the catalog");

    let body = json!({ "decision_id": decision.decision_id, "quality": 0.0, "judge": "test" });
    assert_eq!(running.post("/v1/outcomes", body.to_string()).await.status, StatusCode::OK);
    assert_eq!(running.counted("pointsman_outcomes_judged_total", &[]), 1, "the second verdict counts no more");
    let body = json!({ "decision_id": "0197a3c2-5b1e-7c44-9f00-1b2c3d4e5f60" });
    let reply = running.post("/v1/outcomes", body.to_string()).await;
    assert_eq!((reply.status, reply.json()["error"]["param"].clone()), (StatusCode::NOT_FOUND, json!("decision_id")));
    running.ended().await;
}

#[tokio::test]
async fn a_conversation_stays_on_its_model_and_a_lock_holds_it() {
    let running = Running::start(settings()).await;
    let mut client = running.client();
    let session = |lock: v1::Lock| v1::Session { id: "talk".into(), lock: lock.into(), ..v1::Session::default() };
    let pinned = v1::RouteRequest {
        candidates: vec!["gpt-4-0613".into()],
        session: Some(session(v1::Lock::Unspecified)),
        ..prompt("Hello")
    };
    assert_eq!(client.route(pinned).await.unwrap().into_inner().model, "gpt-4-0613");
    let locked = v1::RouteRequest { session: Some(session(v1::Lock::ToolLoop)), ..prompt("And then?") };
    let reply = client.route(locked).await.unwrap().into_inner();
    assert_eq!((&*reply.model, &*reply.reason_code), ("gpt-4-0613", "locked"));
    running.ended().await;
}

#[tokio::test]
async fn the_catalog_is_listed_at_both_doors() {
    let running = Running::start(settings()).await;
    let grpc = running.client().list_models(v1::ListModelsRequest {}).await.unwrap().into_inner();
    let http = running.get("/v1/models").await.json();
    let entries = http["data"].as_array().unwrap();
    let (models, autos) = entries.split_at(grpc.models.len());
    assert!(models.iter().zip(&grpc.models).all(|(entry, model)| entry["id"] == *model.id), "the models, by name");
    let names: Vec<&str> = autos.iter().filter_map(|entry| entry["id"].as_str()).collect();
    assert_eq!(names, ["auto", "auto:balanced"]);
    let windows = grpc.models.iter().map(|model| model.context_window);
    assert_eq!(autos[0]["context_window"], json!(windows.max()), "some model answers up to here");
    let cheapest = grpc.models.iter().map(|model| model.prompt_usd_per_1m).min_by(f64::total_cmp);
    assert_eq!(autos[0]["usd_per_1m_lowest"]["prompt"].as_f64(), cheapest);
    assert_eq!((http["data"][0]["id"].as_str(), http["object"].as_str()), (Some(&*grpc.models[0].id), Some("list")));
    assert_eq!((grpc.policies, http["policies"].clone()), (vec!["balanced".to_owned()], json!(["balanced"])));
    running.ended().await;
}

#[tokio::test]
async fn gzip_is_accepted() {
    let running = Running::start(settings()).await;
    let mut client =
        running.client().send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
    let long = "lever ".repeat(1000);
    let reply = client.route(prompt(&long)).await.unwrap();
    assert_eq!(reply.get_ref().ranked, running.client().route(prompt(&long)).await.unwrap().get_ref().ranked);
    running.ended().await;
}

#[tokio::test]
async fn health_is_the_standard_service() {
    let running = Running::start(settings()).await;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).http2_only(true).build_http();
    let mut health = HealthClient::with_origin(client, format!("http://{}", running.grpc).parse().unwrap());
    for service in ["", "pointsman.v1.Router"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        assert_eq!(health.check(request).await.unwrap().into_inner().status, 1, "{service} is serving");
    }
    assert_eq!(running.get("/healthz").await.json(), json!({ "status": "alive" }));
    assert_eq!(running.get("/readyz").await.json()["ready"], true);
    running.ended().await;
}

#[tokio::test]
async fn a_caller_s_trace_is_taken_over_and_passed_on() {
    let running = Running::start(settings()).await;
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let body = json!({ "prompt": "x" }).to_string();
    let reply = running.call_with(Method::POST, "/v1/route", body, &[("traceparent", parent)]).await;
    let ours = reply.headers["traceparent"].to_str().unwrap().to_owned();
    assert!(ours.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && ours != parent, "{ours}");
    let mut request = tonic::Request::new(prompt("x"));
    request.metadata_mut().insert("traceparent", parent.parse().unwrap());
    let reply = running.client().route(request).await.unwrap();
    assert!(
        reply.metadata().get("traceparent").unwrap().to_str().unwrap().contains("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    running.ended().await;
}

#[tokio::test]
async fn a_model_whose_calls_keep_failing_is_left_out_and_never_the_last_one() {
    let running = Running::start(settings()).await;
    let mut client = running.client();
    let both = || v1::RouteRequest { candidates: vec!["gpt-4-0613".into(), "gpt-4o-2024-05-13".into()], ..prompt("x") };
    let first = client.route(both()).await.unwrap().into_inner();
    for _ in 0..5 {
        let decision_id = client.route(both()).await.unwrap().into_inner().decision_id;
        let failed = json!({ "decision_id": decision_id, "model": first.model, "end": "provider_failed" });
        assert_eq!(running.post("/v1/outcomes", failed.to_string()).await.status, StatusCode::OK);
    }
    let next = client.route(both()).await.unwrap().into_inner();
    assert_ne!(next.model, first.model);
    assert_eq!((&*next.excluded[0].model, &*next.excluded[0].reason), (&*first.model, "unhealthy"));
    let models = client.list_models(v1::ListModelsRequest {}).await.unwrap().into_inner().models;
    assert!(models.iter().all(|model| model.unhealthy == (model.id == first.model)));
    // Asked for alone it serves: a report of failures is no outage.
    let alone = v1::RouteRequest { candidates: vec![first.model.clone()], ..prompt("x") };
    assert_eq!(client.route(alone).await.unwrap().into_inner().model, first.model);
    running.ended().await;
}

#[tokio::test]
async fn one_model_is_what_the_list_says_of_it() {
    let running = Running::start(settings()).await;
    let list = running.get("/v1/models").await.json();
    let entries = list["data"].as_array().unwrap();
    for entry in entries {
        let id = entry["id"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
        assert_eq!(running.get(&format!("/v1/models/{id}")).await.json(), *entry);
    }
    let of = |id: &str| entries.iter().find(|entry| entry["id"] == id).unwrap();
    assert_eq!(of("gpt-4o-mini-2024-07-18")["created"], 1_721_260_800, "what typed clients want");
    assert_eq!(of("auto")["created"], 0);
    for strange in ["no-such-model", "%", "%zz", "%ff", "auto%"] {
        let reply = running.get(&format!("/v1/models/{strange}")).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    }
    assert_eq!(running.get("/v1/models/").await.status, StatusCode::NOT_FOUND);
    running.ended().await;
}

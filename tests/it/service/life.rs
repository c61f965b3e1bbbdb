//! How it comes to new snapshots, and how it ends.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use http::StatusCode;
use proto::v1;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::{FOR_EVER, Running, prompt, settings, until};

/// A folder that goes away with its owner.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pointsman-it-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
        Self(folder)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the folder for temporary files can be written to");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn catalog(models: &[&str]) -> String {
    let model = |id: &&str| {
        format!("[[model]]\nid = \"{id}\"\ncontext_window = 9000\nusd_per_1m = {{ prompt = 1, completion = 1 }}\n")
    };
    models.iter().map(model).collect()
}

#[tokio::test]
async fn an_admin_reloads_and_a_bad_catalog_stays_outside() {
    let scratch = Scratch::new("reload");
    let mut ours = settings();
    ours.sources.catalog = Some(scratch.write("catalog.toml", &catalog(&["a"])));
    let running = Running::start(ours).await;
    scratch.write("catalog.toml", &catalog(&["a", "b"]));
    let reply = running.post("/v1/admin/reload", "").await;
    assert_eq!((reply.status, reply.json()["snapshot"].clone()), (StatusCode::OK, json!(1)));
    assert_eq!(running.get("/readyz").await.json()["models"], 2);

    scratch.write("catalog.toml", "[[modle]]");
    let reply = running.post("/v1/admin/reload", "").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(reply.text().contains("catalog.toml: line 1: unknown key"), "{}", reply.text());
    let ready = running.get("/readyz").await.json();
    assert_eq!((ready["ready"].clone(), ready["models"].clone()), (json!(true), json!(2)));
    assert!(ready["reload_fault"].as_str().unwrap().contains("unknown key"), "{ready}");
    assert_eq!(running.counted("pointsman_reloads_total", &["swapped"]), 1);
    assert_eq!(running.counted("pointsman_reloads_total", &["rejected"]), 1);
    running.client().route(prompt("x")).await.unwrap();
    running.ended().await;
}

#[tokio::test]
async fn a_changed_file_is_noticed() {
    let scratch = Scratch::new("watch");
    let mut ours = settings();
    ours.sources.catalog = Some(scratch.write("catalog.toml", &catalog(&["a"])));
    (ours.reload.watch, ours.reload.poll) = (true, Duration::from_millis(1));
    let running = Running::start(ours).await;
    scratch.write("catalog.toml", &catalog(&["a", "b"]));
    until(async || running.get("/readyz").await.json()["models"] == 2).await;
    running.ended().await;
}

#[tokio::test]
async fn reloads_in_a_loop_fail_no_request_and_mix_no_snapshots() {
    let scratch = Scratch::new("loop");
    let mut ours = settings();
    ours.sources.catalog = Some(scratch.write("catalog.toml", &catalog(&["a", "b"])));
    let running = Running::start(ours).await;
    let mut callers = JoinSet::new();
    for caller in 0..4 {
        let mut client = running.client();
        callers.spawn(async move {
            for turn in 0..100 {
                let reply = client.route(prompt(&format!("{caller} {turn}"))).await.unwrap().into_inner();
                let forecast: Vec<&str> = reply.forecasts.iter().map(|forecast| &*forecast.model).collect();
                let both = [&["a", "b"][..], &["c", "d", "e"][..]];
                assert!(both.contains(&&forecast[..]), "{forecast:?} is no catalog there was");
                assert!(forecast.contains(&&*reply.model));
            }
        });
    }
    let mut turn = 0;
    while !callers.is_empty() {
        let models = if turn % 2 == 0 { &["c", "d", "e"][..] } else { &["a", "b"][..] };
        scratch.write("catalog.toml", &catalog(models));
        assert_eq!(running.post("/v1/admin/reload", "").await.status, StatusCode::OK);
        turn += 1;
        while let Some(ended) = callers.try_join_next() {
            ended.unwrap();
        }
    }
    running.ended().await;
}

#[tokio::test]
async fn it_says_so_before_it_stops_and_finishes_what_is_under_way() {
    let mut ours = settings();
    ours.inference.threads = 0;
    ours.inference.deadline = Duration::from_millis(200);
    ours.shutdown.notice = Duration::from_millis(100);
    let mut running = Running::start(ours).await;
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).http2_only(true).build_http();
    let mut health = HealthClient::with_origin(client, format!("http://{}", running.grpc).parse().unwrap());
    let mut watch =
        health.watch(HealthCheckRequest { service: "pointsman.v1.Router".into() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    let mut caller = running.client();
    let mut under_way = JoinSet::new();
    under_way.spawn(async move { caller.route(prompt("x")).await });
    until(async || running.counted("pointsman_requests_in_flight", &["grpc"]) >= 1).await;

    running.stop();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2, "not serving");
    let ready = running.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["phase"].clone()), (StatusCode::SERVICE_UNAVAILABLE, json!("notice")));
    drop((watch, health));
    let answered = under_way.join_next().await.unwrap().unwrap().unwrap().into_inner();
    assert_eq!(answered.evidence(), v1::Evidence::AbsentLate, "what was under way was answered");
    let (grpc, http) = (running.grpc, running.http);
    running.ended().await;
    for address in [grpc, http] {
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut() {
    let mut ours = settings();
    ours.inference.threads = 0;
    ours.limits.request_timeout = FOR_EVER;
    ours.shutdown.drain = Duration::from_millis(10);
    let running = Running::start(ours).await;
    let mut caller = running.client();
    let mut under_way = JoinSet::new();
    under_way.spawn(async move { caller.route(prompt("x")).await });
    until(async || running.counted("pointsman_requests_in_flight", &["grpc"]) >= 1).await;
    running.ended().await;
    under_way.join_next().await.unwrap().unwrap().expect_err("it was cut");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let running = Running::start(settings()).await;
    let mut second = settings();
    second.http_listen = running.http;
    let error = router_service::Server::bind(second, running.pipeline.clone(), None).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("http.listen: {}: ", running.http)), "{error}");
    running.ended().await;
}

#[tokio::test]
async fn whoever_hangs_up_at_whatever_moment_leaves_nothing_behind() {
    let running = Running::start(settings()).await;
    let mut callers = JoinSet::new();
    for patience in 0..200_u32 {
        let mut client = running.client();
        callers.spawn(async move {
            let text = format!("Prompt {patience}");
            let mut call = std::pin::pin!(client.route(prompt(&text)));
            // As many turns of the runtime as this caller is patient; then the call is dropped wherever it is.
            for _ in 0..patience {
                if std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await.is_ready() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    until(async || running.counted("pointsman_requests_in_flight", &[]) == 0).await;
    assert_eq!(running.counted("pointsman_requests_total", &["internal"]), 0);
    running.client().route(prompt("x")).await.unwrap();
    running.ended().await;
}

#[tokio::test]
async fn what_is_logged_is_the_next_training_set() {
    let scratch = Scratch::new("outcomes");
    let mut ours = settings();
    ours.outcome_log = Some(router_service::outcome_log::OutcomeLogSettings::to(scratch.path("log")));
    let running = Running::start(ours).await;
    let decision = running.client().route(prompt("canary")).await.unwrap().into_inner();
    let verdict = v1::ReportOutcomeRequest {
        decision_id: decision.decision_id.clone(),
        quality: Some(0.25),
        judge: "test".into(),
        completion_tokens: Some(40),
        reasoning_tokens: Some(2),
        prompt_tokens: Some(7),
        ..v1::ReportOutcomeRequest::default()
    };
    running.client().report_outcome(verdict).await.unwrap();
    // A verdict on a decision of another replica, or of yesterday, is logged as well.
    let foreign = v1::ReportOutcomeRequest {
        decision_id: "0197a3c2-5b1e-7c44-9f00-1b2c3d4e5f60".into(),
        ..v1::ReportOutcomeRequest::default()
    };
    running.client().report_outcome(foreign).await.unwrap();
    let pipeline = std::sync::Arc::clone(&running.pipeline);
    running.ended().await;
    assert!(tokio::task::spawn_blocking(move || pipeline.close(FOR_EVER)).await.unwrap());

    let rows = training_data::rows::read(&[scratch.path("log")], false).unwrap();
    let rows: Vec<training_data::row::OutcomeRow> = rows.map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 1);
    let logged = rows[0].logged.as_ref().unwrap();
    assert_eq!(&*logged.decision_id, decision.decision_id.as_str());
    assert_eq!((&*rows[0].model, rows[0].completion_tokens), (decision.model.as_str(), Some(42)));
    assert_eq!(format!("{} {:?}", rows[0].quality, rows[0].judge.as_deref()), "0.25 Some(\"test\")");
    assert_eq!((rows[0].prompt.as_deref(), logged.policy.as_deref()), (None, Some("balanced")));
}

//! A canary prompt and a canary key are sung everywhere and heard nowhere: not in a log line, a metric, an error or a status.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use http::Method;
use proto::v1;
use router_service::config::Caller;
use router_service::telemetry::{LogFilter, Telemetry};
use router_service::{Pipeline, Server};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::{Running, prompt, settings};

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics while listening").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_prompts_nor_keys_are_told_to_anybody() {
    let (canary, key) = ("canary-prompt-zq7w", "canary-key-0123456789-zq7w");
    let mut ours = settings();
    ours.callers = vec![Caller::new("app", "APP_TOKEN", key, true)];
    ours.log.filter = LogFilter::parse("trace").unwrap();
    let heard = Heard::default();
    let pipeline = Arc::new(Pipeline::start(&ours).unwrap());
    // The one test of this binary that claims the process' log.
    let telemetry = Arc::new(Telemetry::start(&ours.telemetry(false), &pipeline.metrics, heard.clone()).unwrap());
    let server = Server::bind(ours, Arc::clone(&pipeline), Some(Arc::clone(&telemetry))).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (grpc, http) = (server.grpc_address, server.http_address);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        server.serve(stopped).await.unwrap();
    });
    let running = Running { grpc, http, pipeline, stop: Some(stop), server: tasks };

    let mut said = Vec::new();
    let bearer = format!("Bearer {key}");
    for body in [
        json!({ "prompt": canary }).to_string(),
        json!({ "messages": [{ "role": "user", "content": canary }] }).to_string(),
        json!({ "prompt": canary, "policy": "none" }).to_string(),
        json!({ "prompt": { "text": canary } }).to_string(),
        json!({ "prompt": canary, "prompt_tokens": canary }).to_string(),
        format!("{{\"prompt\": \"{canary}"),
        canary.to_owned(),
    ] {
        let reply = running.call_with(Method::POST, "/v1/route", body.clone(), &[("authorization", &bearer)]).await;
        said.push(reply.text());
        said.push(
            running
                .call_with(Method::POST, "/v1/route", body, &[("authorization", &format!("{bearer}x"))])
                .await
                .text(),
        );
    }
    for request in [prompt(canary), v1::RouteRequest { policy: "none".into(), ..prompt(canary) }] {
        for token in [bearer.clone(), format!("{bearer}x")] {
            let mut request = tonic::Request::new(request.clone());
            request.metadata_mut().insert("authorization", token.parse().unwrap());
            said.push(format!("{:?}", running.client().route(request).await));
        }
    }
    said.push(running.get("/metrics").await.text());
    said.push(running.get("/readyz").await.text());
    running.ended().await;
    assert!(telemetry.shut_down(super::FOR_EVER));
    let log = String::from_utf8(heard.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("decided") && log.contains("drained"), "the log was listened to: {log}");
    for text in said.iter().chain([&log]) {
        assert!(!text.contains("canary") && !text.contains("zq7w"), "the canary was heard: {text}");
    }
}

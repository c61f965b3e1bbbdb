//! The same over gRPC: the decision first, then the answer, then what came of it.

use proto::v1;
use proto::v1::complete_reply::Part;
use serde_json::{Value, json};
use tonic::Code;

use super::provider::{Provider, Turn, chunk, error, events, stream};
use super::{CHEAP, DEAR, chat, forwarding};
use crate::service::{Running, prompt, settings, until};

async fn parts(running: &Running, request: v1::CompleteRequest) -> (Vec<Part>, Option<tonic::Status>) {
    let mut stream = running.client().complete(request).await.expect("the call is decided").into_inner();
    let mut parts = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(reply)) => parts.extend(reply.part),
            Ok(None) => return (parts, None),
            Err(status) => return (parts, Some(status)),
        }
    }
}

fn text(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Delta(delta) => delta.text.clone(),
        Part::Decision(_) | Part::End(_) => String::new(),
    };
    parts.iter().map(text).collect()
}

fn end(parts: &[Part]) -> &v1::CompleteEnd {
    match parts.last() {
        Some(Part::End(end)) => end,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_decision_comes_first_and_the_end_last() {
    let usage = json!({ "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12 });
    let provider = Provider::start(vec![stream(&["The ", "left."], Some(&usage))]).await;
    let running = Running::start(forwarding(&[(&provider, &[CHEAP, DEAR])])).await;
    let plain = v1::CompleteRequest {
        question: Some(prompt("Which lever?")),
        model: DEAR.to_owned(),
        ..v1::CompleteRequest::default()
    };
    let as_chat = v1::CompleteRequest { chat: chat(DEAR).to_string().into(), ..v1::CompleteRequest::default() };
    for request in [plain, as_chat] {
        let (parts, status) = parts(&running, request).await;
        assert!(status.is_none(), "{status:?}");
        assert!(matches!(&parts[0], Part::Decision(decision) if decision.model == DEAR), "{:?}", parts[0]);
        assert_eq!(text(&parts), "The left.");
        let end = end(&parts);
        assert_eq!((end.how(), &*end.model, &*end.provider), (v1::CompletionEnd::Answered, DEAR, "p0"));
        assert_eq!((end.prompt_tokens, end.completion_tokens, end.n_attempts), (9, 3, 1));
        // 9 tokens at $30 and 3 at $60 a million; the sum is exact but for its form.
        assert!((end.cost_usd - 0.00045).abs() < 1e-12 && !end.estimated, "{end:?}");
    }
    assert_eq!(provider.calls()[0].json()["messages"], json!([{ "role": "user", "content": "Which lever?" }]));
    running.ended().await;
}

#[tokio::test]
async fn a_break_and_a_failure_are_told_by_the_end_and_by_the_status() {
    let cut = Turn::Says(events(&[chunk(&json!({ "content": "The" }), &Value::Null)]));
    let provider = Provider::start(vec![cut, error("400 Bad Request", "x", "no such thing", "")]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    let request = || v1::CompleteRequest { chat: chat(DEAR).to_string().into(), ..v1::CompleteRequest::default() };
    let (broken, status) = parts(&running, request()).await;
    assert_eq!((text(&broken).as_str(), end(&broken).how()), ("The", v1::CompletionEnd::Cut));
    assert_eq!((&*end(&broken).error_code, status.unwrap().code()), ("upstream_cut", Code::Aborted));
    let (failed, status) = parts(&running, request()).await;
    assert_eq!((failed.len(), end(&failed).how()), (2, v1::CompletionEnd::Unanswered));
    assert_eq!((&*end(&failed).error_code, status.unwrap().code()), ("upstream_refused", Code::InvalidArgument));
    running.ended().await;
}

#[tokio::test]
async fn what_cannot_be_decided_is_the_status_alone() {
    let running = Running::start(settings()).await;
    let status = running.client().complete(v1::CompleteRequest::default()).await.map(|_| ()).unwrap_err();
    let field = status.metadata().get("pointsman-field").and_then(|field| field.to_str().ok());
    assert_eq!((status.code(), field), (Code::InvalidArgument, Some("chat")));
    running.ended().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_takes_the_call_along() {
    let begun = Turn::SaysAndStalls(events(&[chunk(&json!({ "content": "The" }), &Value::Null)]));
    let mut provider = Provider::start(vec![begun]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    let request = v1::CompleteRequest { chat: chat(DEAR).to_string().into(), ..v1::CompleteRequest::default() };
    let mut client = running.client();
    let mut stream = client.complete(request).await.unwrap().into_inner();
    for _ in 0..2 {
        stream.message().await.unwrap().unwrap();
    }
    drop(stream);
    provider.hung_up(1).await;
    until(async || running.counted("pointsman_forwarded_calls_total", &["cancelled"]) == 1).await;
    running.ended().await;
}

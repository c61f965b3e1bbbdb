//! What happens after the first word: nobody else takes over, a break is told as one, and a caller that leaves takes the call along.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use proto::v1;
use serde_json::{Value, json};
use tests::scripted::{self, Answer, Scripted};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::provider::{Provider, Turn, chunk, error, events};
use super::{DEAR, ask, forwarding, forwarding_at, forwarding_with, streamed, text_of};
use crate::service::{Running, until};

fn word(text: &str) -> String {
    chunk(&json!({ "content": text }), &Value::Null)
}

#[tokio::test]
async fn a_stream_that_breaks_ends_in_an_error_and_not_in_a_good_end() {
    let begun = || vec![word("The "), word("left")];
    let bad = |event: &str| Turn::Says(events(&[begun(), vec![event.to_owned()]].concat()));
    for (what, turn) in [
        ("it stops", Turn::Says(events(&begun()))),
        ("it falls silent", Turn::SaysAndStalls(events(&begun()))),
        ("an error", bad("{\"error\": {\"message\": \"canary-key-5b1e\", \"code\": 500}}")),
        ("garbage", bad("{garbage")),
        ("another shape", bad("[1, 2]")),
        ("the last word too early", bad("[DONE]")),
    ] {
        let provider = Provider::start(vec![turn]).await;
        let other = Provider::start(vec![error("500 Internal Server Error", "x", "x", "")]).await;
        let settings =
            forwarding_with(&[(&provider, &[DEAR]), (&other, &[DEAR])], "[forwarding]\nbetween_tokens_ms = 100\n");
        let running = Running::start(settings).await;
        let answer = ask(&running, &streamed(DEAR)).await;
        let all = super::events(&answer);
        assert_eq!(text_of(&all), "The left", "{what}");
        let [.., finish, usage, last] = &all[..] else { panic!("{what}: {all:?}") };
        assert_eq!(finish["choices"][0]["finish_reason"], "error", "{what}: {finish}");
        assert!(usage["usage"]["completion_tokens"].as_u64() > Some(0), "{what}: {usage}");
        assert_eq!(last["error"]["code"], "upstream_cut", "{what}: {last}");
        assert!(!answer.text().contains("[DONE]") && !answer.text().contains("canary"), "{what}: {}", answer.text());
        assert_eq!(running.counted("pointsman_forwarded_calls_total", &["upstream_cut"]), 1, "{what}");
        running.ended().await;
    }
}

#[tokio::test]
async fn a_stream_without_its_last_word_is_good_if_the_answer_is_whole() {
    let whole = vec![word("Left."), chunk(&json!({}), &json!("stop"))];
    let provider = Provider::start(vec![Turn::Says(events(&whole))]).await;
    let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
    let all = super::events(&ask(&running, &streamed(DEAR)).await);
    assert_eq!((text_of(&all), all.last()), ("Left.".to_owned(), Some(&json!("[DONE]"))));
    running.ended().await;
}

#[tokio::test]
async fn a_whole_stream_without_the_empty_line_behind_its_last_event_is_good() {
    let whole = [word("Left."), chunk(&json!({}), &json!("stop")), "[DONE]".to_owned()];
    for (n_events, n_left_out) in [(3, 1), (3, 2), (2, 1), (2, 2)] {
        let mut bytes = events(&whole[..n_events]);
        bytes.truncate(bytes.len() - n_left_out);
        let provider = Provider::start(vec![Turn::Says(bytes)]).await;
        let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
        let all = super::events(&ask(&running, &streamed(DEAR)).await);
        assert_eq!(
            (text_of(&all), all.last()),
            ("Left.".to_owned(), Some(&json!("[DONE]"))),
            "{n_events} {n_left_out}"
        );
        assert_eq!(running.counted("pointsman_forwarded_calls_total", &["answered"]), 1);
        running.ended().await;
    }
    for n_left_out in [3, 4, 9, 20] {
        let mut bytes = events(&whole[..2]);
        bytes.truncate(bytes.len() - n_left_out);
        let provider = Provider::start(vec![Turn::Says(bytes)]).await;
        let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
        let all = super::events(&ask(&running, &streamed(DEAR)).await);
        assert_eq!(all.last().unwrap()["error"]["code"], "upstream_cut", "{n_left_out}");
        running.ended().await;
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_takes_the_call_along_and_is_filed_once() {
    for begun in [vec![], vec![word("The ")]] {
        let silent =
            if begun.is_empty() { Turn::SaysAndStalls(Vec::new()) } else { Turn::SaysAndStalls(events(&begun)) };
        let mut provider = Provider::start(vec![silent]).await;
        let running = Running::start(forwarding(&[(&provider, &[DEAR])])).await;
        let stream = TcpStream::connect(running.http).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let body = Full::new(Bytes::from(streamed(DEAR).to_string()));
        let request = Request::post("/v1/chat/completions").header("host", "test").body(body).unwrap();
        let answering = sender.send_request(request);
        if begun.is_empty() {
            let mut answering = Box::pin(answering);
            tokio::select! {
                _ = &mut answering => panic!("nobody answers"),
                () = until(async || !provider.calls().is_empty()) => {}
            }
        } else {
            let mut answer = answering.await.unwrap();
            let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert!(String::from_utf8_lossy(&first).contains("The "), "{first:?}");
        }
        drop(sender);
        tasks.shutdown().await;
        provider.hung_up(1).await;
        until(async || running.counted("pointsman_forwarded_calls_total", &["cancelled"]) == 1).await;
        assert_eq!(running.counted("pointsman_forwarded_calls_total", &[]), 1);
        assert_eq!(running.counted("pointsman_upstream_attempts_total", &["p0", "cancelled"]), 1);
        let cost = running.metric("pointsman_forwarded_cost_usd_total", &[DEAR, "cancelled"]);
        assert!(cost[0].parse::<f64>().unwrap() > 0.0, "what was sent may be billed: {cost:?}");
        until(async || running.counted("pointsman_requests_in_flight", &["http"]) == 0).await;
        running.ended().await;
    }
}

/// Sends the head of a call and its body, and reads nothing.
async fn asked(running: &Running, body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(running.http).await.expect("it listens");
    let body = body.to_string();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).await.expect("it takes the call");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_at_the_end_is_filed_before_the_service_has_ended() {
    // So many that dropping them all takes longer than it takes to look.
    let n_each = 150;
    let provider = Provider::start(vec![Turn::SaysAndStalls(Vec::new())]).await;
    let mut settings = forwarding(&[(&provider, &[DEAR])]);
    settings.forwarding.providers[0].n_concurrent_max = 2 * n_each;
    settings.shutdown.drain = Duration::from_millis(10);
    let mut running = Running::start(settings).await;
    let mut callers = Vec::new();
    for _ in 0..n_each {
        callers.push(asked(&running, &streamed(DEAR)).await);
    }
    let (mut tasks, client) = (JoinSet::new(), running.client());
    for _ in 0..n_each {
        let mut client = client.clone();
        let request = v1::CompleteRequest { chat: streamed(DEAR).to_string().into(), ..v1::CompleteRequest::default() };
        tasks.spawn(async move {
            let mut parts = client.complete(request).await?.into_inner();
            while parts.message().await?.is_some() {}
            Ok::<_, tonic::Status>(())
        });
    }
    until(async || provider.calls().len() == 2 * n_each).await;
    running.stop();
    running.server.join_next().await.unwrap().unwrap();
    let n_filed = running.counted("pointsman_forwarded_calls_total", &["cancelled"]);
    assert_eq!(usize::try_from(n_filed), Ok(2 * n_each));
    assert_eq!(running.counted("pointsman_requests_in_flight", &[]), 0);
}

#[tokio::test]
async fn a_hang_up_reaches_the_provider_within_a_tenth_of_a_second() {
    let answer = Answer::text("one two three four five six", 9, 6);
    for (turn, body) in [
        (scripted::Turn::StallBeforeHeaders, super::chat(DEAR)),
        (scripted::Turn::StallBeforeHeaders, streamed(DEAR)),
        (scripted::Turn::StallInside(answer.clone()), super::chat(DEAR)),
        (scripted::Turn::StallInside(answer), streamed(DEAR)),
    ] {
        let provider = Scripted::always(turn.clone()).await.unwrap();
        let running = Running::start(forwarding_at(provider.address(), "")).await;
        let mut took = Vec::new();
        for n in 1..=5 {
            let caller = asked(&running, &body).await;
            if matches!((&turn, body["stream"] == true), (scripted::Turn::StallInside(_), true)) {
                caller.readable().await.unwrap();
            }
            provider.until(|counts| counts.calls == n).await;
            let at = Instant::now();
            caller.set_zero_linger().unwrap();
            drop(caller);
            took.push(provider.cancelled(n).await.saturating_duration_since(at));
        }
        took.sort_unstable();
        assert!(took[2] < Duration::from_millis(100), "{turn:?}: {took:?}");
        until(async || running.counted("pointsman_forwarded_calls_total", &["cancelled"]) == 5).await;
        running.ended().await;
    }
}

#[tokio::test]
async fn a_caller_that_never_reads_holds_the_provider_back_and_not_for_ever() {
    // More than all sockets on the way hold: it cannot all have been said.
    let words = format!("{} ", "x".repeat(20_000)).repeat(1_500);
    let provider = Scripted::always(scripted::Turn::Answer(Answer::text(&words, 9, 6))).await.unwrap();
    let running = Running::start(forwarding_at(provider.address(), "[forwarding]\ntotal_ms = 1000\n")).await;
    let caller = asked(&running, &streamed(DEAR)).await;
    provider.cancelled(1).await;
    assert_eq!(provider.counts().played, 0);
    until(async || running.counted("pointsman_forwarded_calls_total", &[]) == 1).await;
    assert_eq!(running.counted("pointsman_forwarded_calls_total", &["answered"]), 0);
    drop(caller);
    running.ended().await;
}

//! What happens after the first word: nobody else takes over, a break is told as one, and a caller that leaves takes the call along.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::provider::{Provider, Turn, chunk, error, events};
use super::{DEAR, ask, forwarding, forwarding_with, streamed, text_of};
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

//! The scripted upstream, called by a plain client: what its scripts promise is what a caller meets.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Answer, Closed, Refusal, Scripted, Told, Turn};

/// Longer than anything here takes; a test that reaches it has failed.
const FOR_EVER: Duration = Duration::from_secs(60);

const OPENAI: &str = "/v1/chat/completions";
const ANTHROPIC: &str = "/v1/messages";

/// What came of a call: status and headers where those came, the pieces of the body, and whether that was whole.
struct Met {
    head: Option<(StatusCode, HeaderMap)>,
    pieces: Vec<Bytes>,
    whole: bool,
}

impl Met {
    fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |(status, _)| status.as_u16())
    }

    fn header(&self, name: &str) -> &str {
        self.head.as_ref().and_then(|(_, headers)| headers.get(name)?.to_str().ok()).unwrap_or_default()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.pieces.concat()).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The JSON of its `data` lines.
    fn events(&self) -> Vec<Value> {
        self.text().lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
    }
}

async fn call(scripted: &Scripted, path: &str, stream: bool) -> Met {
    let socket = TcpStream::connect(scripted.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let body = json!({ "model": "m", "stream": stream, "stream_options": { "include_usage": true } }).to_string();
    let request = Request::builder().method(Method::POST).uri(path).header("host", "test");
    let request = request.header("authorization", "Bearer the-key").body(Full::new(Bytes::from(body))).unwrap();
    let asked = async {
        let mut met = Met { head: None, pieces: Vec::new(), whole: false };
        let Ok(response) = sender.send_request(request).await else { return met };
        let (head, mut body) = response.into_parts();
        met.head = Some((head.status, head.headers));
        loop {
            match body.frame().await {
                None => met.whole = true,
                Some(Ok(frame)) => {
                    met.pieces.extend(frame.into_data().ok());
                    continue;
                }
                Some(Err(_)) => {}
            }
            return met;
        }
    };
    tokio::time::timeout(FOR_EVER, asked).await.expect("the script comes to its end")
}

async fn met(turn: Turn, path: &str, stream: bool) -> Met {
    let scripted = Scripted::always(turn).await.unwrap();
    let met = call(&scripted, path, stream).await;
    let counts = tokio::time::timeout(FOR_EVER, async {
        scripted.until(|counts| counts.played == 1).await;
        scripted.counts()
    });
    let counts = counts.await.expect("what was played is counted");
    assert_eq!((counts.connections, counts.calls, counts.cancelled), (1, 1, 0));
    met
}

fn answer() -> Answer {
    let told = Told::Counts { prompt: 9, cached: 4, cache_write: 2, completion: 3 };
    let call = ("call_1".to_owned(), "add".to_owned(), "{\"a\":1}".to_owned());
    let thinking = Some(("Hm.".to_owned(), "c2ln".to_owned()));
    Answer { text: "Take the left one.".to_owned(), calls: vec![call], thinking, told }
}

#[tokio::test]
async fn it_answers_in_the_shape_of_the_path() {
    let met = met(Turn::Answer(answer()), OPENAI, false).await;
    assert_eq!((met.status(), met.header("content-type"), met.whole), (200, "application/json", true));
    let choice = &met.json()["choices"][0];
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("Take the left one."), &json!("tool_calls"))
    );
    assert_eq!(met.json()["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    let met = self::met(Turn::Answer(answer()), ANTHROPIC, false).await;
    let kinds: Vec<Value> =
        met.json()["content"].as_array().unwrap().iter().map(|block| block["type"].clone()).collect();
    assert_eq!(json!(kinds), json!(["thinking", "text", "tool_use"]));
    let usage =
        json!({"input_tokens": 3, "output_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2});
    assert_eq!(met.json()["usage"], usage);
    assert_eq!(self::met(Turn::Answer(answer()), "/else", false).await.status(), 404);
}

#[tokio::test]
async fn it_streams_where_that_is_asked_for() {
    let met = met(Turn::Answer(answer()), OPENAI, true).await;
    assert_eq!((met.header("content-type"), met.whole), ("text/event-stream", true));
    let texts: String = met
        .events()
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(texts, "Take the left one.");
    assert_eq!(met.events().last().unwrap()["usage"]["total_tokens"], 12);
    assert!(met.text().ends_with("data: [DONE]\n\n"));
    let met = self::met(Turn::Answer(answer()), ANTHROPIC, true).await;
    let events = met.events();
    assert_eq!(
        (&events[0]["type"], &events.last().unwrap()["type"]),
        (&json!("message_start"), &json!("message_stop"))
    );
    let texts: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    let input: String = events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert_eq!((texts.as_str(), input.as_str()), ("Take the left one.", "{\"a\":1}"));
}

#[tokio::test]
async fn pieces_come_apart() {
    let met = met(Turn::Split(answer()), OPENAI, true).await;
    assert!(met.whole && met.pieces.iter().all(|piece| piece.len() == 1));
    let gap = Duration::from_millis(5);
    let began = std::time::Instant::now();
    let met = self::met(Turn::Trickle(answer(), gap), OPENAI, true).await;
    let n_pieces = u32::try_from(met.events().len()).unwrap();
    assert!(met.whole && began.elapsed() >= gap * n_pieces);
}

#[tokio::test]
async fn it_fails_as_it_is_told() {
    for stream in [false, true] {
        for path in [OPENAI, ANTHROPIC] {
            let whole = met(Turn::Answer(answer()), path, stream).await;
            let before = met(Turn::ResetBeforeHeaders, path, stream).await;
            assert_eq!((before.status(), before.whole), (0, false));
            let after = met(Turn::ResetAfterHeaders, path, stream).await;
            assert_eq!((after.status(), after.pieces.len(), after.whole), (200, 0, false));
            let inside = met(Turn::ResetInside(answer()), path, stream).await;
            assert!(!inside.whole && !inside.pieces.is_empty() && whole.text().starts_with(&inside.text()));
            let ended = met(Turn::EndInside(answer()), path, stream).await;
            assert!(ended.whole && ended.text().len() < whole.text().len() && whole.text().starts_with(&ended.text()));
        }
    }
    let garbage = met(Turn::garbage_json(), OPENAI, false).await;
    assert!(garbage.whole && serde_json::from_str::<Value>(&garbage.text()).is_err());
    assert_eq!(met(Turn::wrong_content_type(), OPENAI, true).await.header("content-type"), "text/html");
    assert!(String::from_utf8(met(Turn::malformed_stream(), OPENAI, true).await.pieces.concat()).is_err());
}

#[tokio::test]
async fn a_reset_is_a_reset_and_an_end_is_an_end() {
    let reset = Some(std::io::ErrorKind::ConnectionReset);
    for (turn, expected) in [
        (Turn::ResetBeforeHeaders, reset),
        (Turn::ResetAfterHeaders, reset),
        (Turn::ResetInside(answer()), reset),
        (Turn::EndInside(answer()), None),
    ] {
        let scripted = Scripted::always(turn.clone()).await.unwrap();
        let mut socket = TcpStream::connect(scripted.address()).await.unwrap();
        let head = format!("POST {OPENAI} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 15\r\n\r\n");
        socket.write_all(format!("{head}{{\"stream\":true}}").as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let ended = tokio::time::timeout(FOR_EVER, socket.read_to_end(&mut said)).await.expect("it ends");
        assert_eq!(ended.err().map(|error| error.kind()), expected, "{turn:?}");
    }
}

#[tokio::test]
async fn it_refuses_and_echoes_keys_as_careless_upstreams_do() {
    let mut refusal = Refusal::new(429, "rate_limit_error");
    (refusal.message, refusal.retry_after) = ("slow down, {key}".to_owned(), Some("7".to_owned()));
    let openai = met(Turn::Refuse(refusal.clone()), OPENAI, true).await;
    assert_eq!((openai.status(), openai.header("retry-after")), (429, "7"));
    assert_eq!(openai.json()["error"]["message"], "slow down, the-key");
    let anthropic = met(Turn::Refuse(refusal), ANTHROPIC, false).await;
    assert_eq!(anthropic.json()["error"]["type"], "rate_limit_error");
}

#[tokio::test]
async fn it_lies_of_tokens() {
    let lying = |told: Told| Turn::Answer(Answer { told, ..answer() });
    assert_eq!(met(lying(Told::Lie(json!(-5))), OPENAI, false).await.json()["usage"]["prompt_tokens"], -5);
    assert_eq!(met(lying(Told::Lie(json!("x"))), ANTHROPIC, false).await.json()["usage"]["output_tokens"], "x");
    assert_eq!(met(lying(Told::Nothing), OPENAI, false).await.json().get("usage"), None);
    assert!(!met(lying(Told::Nothing), ANTHROPIC, true).await.text().contains("output_tokens"));
}

#[tokio::test]
async fn it_does_one_thing_after_the_other_and_keeps_what_it_saw() {
    let turns = vec![Turn::Refuse(Refusal::new(500, "api_error")), Turn::Answer(answer())];
    let scripted = Scripted::in_turn(turns).await.unwrap();
    for status in [500, 200, 200] {
        assert_eq!(call(&scripted, OPENAI, false).await.status(), status);
    }
    let calls = scripted.calls();
    assert_eq!(calls.iter().map(|call| call.ordinal).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((calls[0].path.as_str(), &calls[0].body["model"], calls[0].streams()), (OPENAI, &json!("m"), false));
    assert!(scripted.base_url().ends_with("/v1") && Scripted::in_turn(Vec::new()).await.is_err());
}

#[tokio::test]
async fn it_notices_who_hangs_up_and_when() {
    for turn in [Turn::StallBeforeHeaders, Turn::StallInside(answer()), Turn::Trickle(answer(), FOR_EVER)] {
        let scripted = Scripted::always(turn).await.unwrap();
        let mut callers = JoinSet::new();
        let address = scripted.address();
        callers.spawn(async move {
            let socket = TcpStream::connect(address).await.unwrap();
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
            let body = json!({ "stream": true }).to_string();
            let request = Request::builder()
                .method(Method::POST)
                .uri(OPENAI)
                .header("host", "test")
                .body(Full::new(Bytes::from(body)));
            tokio::join!(connection, async move {
                if let Ok(response) = sender.send_request(request.unwrap()).await {
                    let _ = response.into_body().collect().await;
                }
            })
        });
        tokio::time::timeout(FOR_EVER, scripted.until(|counts| counts.calls == 1)).await.expect("it is called");
        assert_eq!(scripted.counts().cancelled, 0);
        let hung_up = std::time::Instant::now();
        callers.shutdown().await;
        let noticed = tokio::time::timeout(FOR_EVER, scripted.cancelled(1)).await.expect("it notices");
        assert!(noticed >= hung_up);
        assert_eq!((scripted.counts().cancelled, scripted.counts().played), (1, 0));
    }
}

#[tokio::test]
async fn nobody_listens_on_a_closed_port() {
    let closed = Closed::take().unwrap();
    assert_eq!(TcpStream::connect(closed.address()).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
}

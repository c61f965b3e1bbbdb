//! A provider that follows a script: each call takes the next turn, the last turn again and again. It speaks bytes, so that it can
//! say what no honest server would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a call is answered with, in order.
#[derive(Clone, Debug)]
pub(super) enum Turn {
    /// These bytes, then the connection is closed.
    Says(Vec<u8>),
    /// These bytes, then nothing more until the caller hangs up.
    SaysAndStalls(Vec<u8>),
    /// The connection is reset before any byte.
    Resets,
}

/// A call as it came.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) head: String,
    pub(super) body: String,
}

impl Call {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a call's body is JSON")
    }
}

/// A provider under way.
pub(super) struct Provider {
    pub(super) address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    hung_up: watch::Receiver<u32>,
    _tasks: JoinSet<()>,
}

impl Provider {
    pub(super) async fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (hang_up, hung_up) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let heard = Arc::clone(&calls);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, turns, hang_up) = (Arc::clone(&heard), turns.clone(), hang_up.clone());
                connections.spawn(async move {
                    let _ = converse(stream, &heard, &turns, &hang_up).await;
                });
            }
        });
        Self { address, calls, hung_up, _tasks: tasks }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("nobody panicked").clone()
    }

    /// How many callers have hung up on it, once that many have.
    pub(super) async fn hung_up(&mut self, n: u32) {
        let waited = tokio::time::timeout(super::super::FOR_EVER, self.hung_up.wait_for(|found| *found >= n));
        waited.await.expect("the caller hangs up").expect("the provider runs");
    }
}

async fn converse(
    mut stream: TcpStream,
    calls: &Mutex<Vec<Call>>,
    turns: &[Turn],
    hang_up: &watch::Sender<u32>,
) -> std::io::Result<()> {
    let call = read(&mut stream).await?;
    let turn = {
        let mut calls = calls.lock().expect("nobody panicked");
        calls.push(call);
        turns[(calls.len() - 1).min(turns.len() - 1)].clone()
    };
    match turn {
        Turn::Says(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Turn::SaysAndStalls(bytes) => {
            stream.write_all(&bytes).await?;
            let mut rest = [0; 1];
            let _ = stream.read(&mut rest).await;
            hang_up.send_modify(|n| *n += 1);
            Ok(())
        }
        Turn::Resets => stream.set_zero_linger(),
    }
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Call> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).expect("a head is ASCII");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a call says how long it is")
        .parse()
        .expect("a length is a number");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Call { head, body: String::from_utf8(body).expect("a body is UTF-8") })
}

/// A whole response.
pub(super) fn response(status: &str, kind: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// A reply that is not streamed.
pub(super) fn reply(text: &str, usage: &Value) -> Turn {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "their-name",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": usage, "system_fingerprint": "fp_1",
    });
    Turn::Says(response("200 OK", "application/json", "", &body.to_string()))
}

/// An error in OpenAI's shape.
pub(super) fn error(status: &str, code: &str, message: &str, headers: &str) -> Turn {
    let body = json!({ "error": { "message": message, "type": "error", "param": "messages", "code": code } });
    Turn::Says(response(status, "application/json", headers, &body.to_string()))
}

/// The head of a stream and these events, without an end: the body lasts as long as the connection.
pub(super) fn events(events: &[String]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("{head}{events}").into_bytes()
}

/// A chunk with this text.
pub(super) fn chunk(delta: &Value, finish: &Value) -> String {
    let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
    json!({ "id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "their-name",
            "choices": choices, "usage": null })
    .to_string()
}

/// A whole stream of these words.
pub(super) fn stream(words: &[&str], usage: Option<&Value>) -> Turn {
    let mut all = vec![chunk(&json!({ "role": "assistant", "content": "" }), &Value::Null)];
    all.extend(words.iter().map(|word| chunk(&json!({ "content": word }), &Value::Null)));
    all.push(chunk(&json!({}), &json!("stop")));
    if let Some(usage) = usage {
        all.push(
            json!({ "id": "chatcmpl-2", "object": "chat.completion.chunk", "created": 1, "model": "their-name",
                         "choices": [], "usage": usage })
            .to_string(),
        );
    }
    all.push("[DONE]".to_owned());
    Turn::Says(events(&all))
}

//! Bad input at both doors: a status that names the field, and a service that goes on.

use http::{Method, StatusCode};
use proto::v1;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;

use super::{Running, prompt, settings};

#[tokio::test]
async fn both_doors_name_the_same_field() {
    let running = Running::start(settings()).await;
    let mut client = running.client();
    let route = || prompt("x");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let session = |session: v1::Session| v1::RouteRequest { session: Some(session), ..prompt("x") };
    for (grpc, http, field) in [
        (v1::RouteRequest::default(), json!({}), "prompt"),
        (prompt(" "), json!({ "prompt": " " }), "prompt"),
        (prompt(&"x".repeat(3 << 20)), json!({ "prompt": "x".repeat(3 << 20) }), "prompt"),
        (
            v1::RouteRequest { policy: "balancd".into(), ..route() },
            json!({ "prompt": "x", "policy": "balancd" }),
            "policy",
        ),
        (v1::RouteRequest { policy: "No!".into(), ..route() }, json!({ "prompt": "x", "policy": "No!" }), "policy"),
        (
            v1::RouteRequest { candidates: names(&["gpt-4-0612"]), ..route() },
            json!({ "prompt": "x", "candidates": ["gpt-4-0612"] }),
            "candidates",
        ),
        (
            v1::RouteRequest { candidates: names(&["a", "a"]), ..route() },
            json!({ "prompt": "x", "candidates": ["a", "a"] }),
            "candidates[1]",
        ),
        (v1::RouteRequest { needs: vec![9], ..route() }, json!({ "prompt": "x", "needs": ["fly"] }), "needs[0]"),
        (
            v1::RouteRequest { max_completion_tokens: Some(0), ..route() },
            json!({ "prompt": "x", "max_completion_tokens": 0 }),
            "max_completion_tokens",
        ),
        (
            v1::RouteRequest { prompt_tokens: Some(u32::MAX), ..route() },
            json!({ "prompt": "x", "prompt_tokens": u32::MAX }),
            "prompt_tokens",
        ),
        (
            v1::RouteRequest { tenant: "t".repeat(201), ..route() },
            json!({ "prompt": "x", "tenant": "t".repeat(201) }),
            "tenant",
        ),
        (session(v1::Session::default()), json!({ "prompt": "x", "session": {} }), "session.id"),
        (
            session(v1::Session { id: "s".into(), lock: 7, ..v1::Session::default() }),
            json!({ "prompt": "x", "session": { "id": "s", "lock": "x" } }),
            "session.lock",
        ),
    ] {
        let status = client.route(grpc).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}: {}", status.message());
        assert_eq!(status.metadata().get("pointsman-field").unwrap(), field, "{}", status.message());
        let reply = running.post("/v1/route", http.to_string()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{field}");
        assert_eq!(reply.json()["error"]["param"], field, "{}", reply.text());
    }
    client.route(prompt("x")).await.expect("it goes on");
    running.ended().await;
}

#[tokio::test]
async fn nobody_may_serve_is_a_refusal_with_reasons() {
    let running = Running::start(settings()).await;
    let limits = Some(v1::Limits { max_cost_usd: Some(0.0), ..v1::Limits::default() });
    let request = v1::RouteRequest { limits, candidates: vec!["gpt-4-0613".into()], ..prompt("x") };
    let status = running.client().route(request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("1 price_cap (`gpt-4-0613` could cost"), "{}", status.message());
    let body = json!({ "prompt": "x", "candidates": ["gpt-4-0613"], "limits": { "max_cost_usd": 0 } });
    let reply = running.post("/v1/route", body.to_string()).await;
    assert_eq!(
        (reply.status, reply.json()["error"]["code"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("refused"))
    );
    running.ended().await;
}

#[tokio::test]
async fn what_is_no_request_of_this_door_is_told_so() {
    let running = Running::start(settings()).await;
    let good = || json!({ "prompt": "x" }).to_string();
    for (method, path, headers, status) in [
        (Method::GET, "/v1/route", &[][..], 405),
        (Method::POST, "/healthz", &[], 405),
        (Method::POST, "/v1/rout", &[], 404),
        (Method::POST, "/v1/route", &[("content-type", "text/plain")], 415),
        (Method::POST, "/v1/route", &[("content-encoding", "br")], 415),
        (Method::POST, "/v1/route", &[("content-type", "application/json; charset=utf-8")], 200),
    ] {
        let reply = running.call_with(method, path, good(), headers).await;
        assert_eq!(reply.status.as_u16(), status, "{path} {headers:?}: {}", reply.text());
    }
    assert_eq!(running.get("/v1/route").await.headers["allow"], "POST");
    assert_eq!(running.call(Method::HEAD, "/healthz", "").await.status, StatusCode::OK);
    running.ended().await;
}

/// One gRPC message of these bytes, said by hand.
async fn raw_grpc(running: &Running, path: &str, message: &[u8], length: u32) -> (String, String) {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).http2_only(true).build_http();
    let frame = [&[0], &length.to_be_bytes()[..], message].concat();
    let request = http::Request::post(format!("http://{}{path}", running.grpc))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::<Bytes>::new(Bytes::from(frame)))
        .expect("the service answers in gRPC");
    let reply = client.request(request).await.expect("the service answers in gRPC");
    let head = reply.headers().clone();
    let trailers =
        reply.into_body().collect().await.expect("the service answers in gRPC").trailers().cloned().unwrap_or_default();
    let find = |name: &str| {
        let value = head.get(name).or_else(|| trailers.get(name));
        value.map(|value| value.to_str().expect("the service answers in gRPC").to_owned()).unwrap_or_default()
    };
    (find("grpc-status"), find("grpc-message"))
}

#[tokio::test]
async fn a_message_that_is_none_is_the_caller_s_fault_and_its_field_is_named() {
    let running = Running::start(settings()).await;
    let route = "/pointsman.v1.Router/Route";
    for (message, says) in [
        (&b"\x0a\x02\xff\xfe"[..], "RouteRequest.input"),
        (b"\x0a\x7f", "RouteRequest.input"),
        (b"\xff\xff", "failed%20to%20decode"),
        (b"\x3a\x01x", "max_completion_tokens"),
    ] {
        let (status, text) = raw_grpc(&running, route, message, u32::try_from(message.len()).unwrap()).await;
        assert_eq!(status, "3", "{message:?}: {text}");
        assert!(text.contains(says), "expected {says} in {text}");
    }
    let (status, _) = raw_grpc(&running, route, b"\x0a", 50).await;
    assert_ne!(status, "0", "a frame that ends early");
    let (status, _) = raw_grpc(&running, "/pointsman.v1.Router/Rout", b"", 0).await;
    assert_eq!(status, "12");
    let (status, _) = raw_grpc(&running, "/no.Service/At", b"", 0).await;
    assert_eq!(status, "12");
    running.client().route(prompt("x")).await.expect("it goes on");
    running.ended().await;
}

#[tokio::test]
async fn noise_on_either_port_is_survived() {
    let running = Running::start(settings()).await;
    for address in [running.http, running.grpc] {
        for noise in [
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            b"GET / HTTP/9.9\r\n\r\n",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(noise).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
        let long_head = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(100_000));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let _ = stream.write_all(long_head.as_bytes()).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    running.client().route(prompt("x")).await.expect("it goes on");
    assert_eq!(running.get("/healthz").await.status, StatusCode::OK);
    running.ended().await;
}

/// Clients that read only once they have sent everything, as many libraries do, hear why they were turned away.
#[tokio::test]
async fn who_sends_everything_first_still_reads_the_answer() {
    let running = Running::start(settings()).await;
    for (path, kind, expected) in [
        ("/v1/route", "application/json", "413"),
        ("/nowhere", "application/json", "404"),
        ("/v1/route", "text/plain", "415"),
    ] {
        let mut stream = TcpStream::connect(running.http).await.unwrap();
        let length = 8 << 20;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![b' '; length]).await.expect("the connection stays open until all is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{path}: {answer}");
    }
    running.ended().await;
}

/// Serde would take a list for an object, by places.
#[tokio::test]
async fn a_list_is_no_request() {
    let running = Running::start(settings()).await;
    for (path, body) in [
        ("/v1/route", r#"  ["x",null,null,[],[],null,null,null,null,null]"#),
        ("/v1/outcomes", r#"["id",null,0.5]"#),
        ("/v1/chat/completions", "[]"),
    ] {
        let answer = running.post(path, body.to_owned()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(answer.text().contains("expected an object"), "{path}: {}", answer.text());
    }
    let batch = running.post("/v1/route/batch", r#"{"requests":[["x",null],{"prompt":"x"}]}"#.to_owned()).await;
    assert_eq!(batch.status, StatusCode::OK);
    assert!(batch.text().contains("expected an object"), "{}", batch.text());
    running.ended().await;
}

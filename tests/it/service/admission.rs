//! Who gets in, how much, and how long: every limit is hit.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::v1;
use router_service::config::Caller;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::codegen::tokio_stream::{self, StreamExt};

use super::{FOR_EVER, Running, prompt, settings, until};

/// A service whose forecasts never come, so that requests stay under way until their callers leave.
fn stuck() -> router_service::Settings {
    let mut stuck = settings();
    stuck.inference.threads = 0;
    stuck.limits.request_timeout = FOR_EVER;
    stuck
}

#[tokio::test]
async fn one_more_than_there_are_places_is_shed_with_a_hint_and_probes_are_not() {
    let mut narrow = stuck();
    narrow.limits.max_concurrent_requests = 2;
    let running = Running::start(narrow).await;
    let mut under_way = JoinSet::new();
    for _ in 0..2 {
        let mut client = running.client();
        under_way.spawn(async move { client.route(prompt("x")).await });
    }
    until(async || running.counted("pointsman_requests_in_flight", &["grpc"]) >= 2).await;
    let shed = running.client().route(prompt("x")).await.unwrap_err();
    assert_eq!(shed.code(), Code::ResourceExhausted);
    assert!(shed.message().contains("limits.max_concurrent_requests"), "{}", shed.message());
    assert_eq!(shed.metadata().get("grpc-retry-pushback-ms").unwrap(), "1000");
    let shed = running.post("/v1/route", json!({ "prompt": "x" }).to_string()).await;
    assert_eq!((shed.status, shed.headers["retry-after"].as_bytes()), (StatusCode::TOO_MANY_REQUESTS, &b"1"[..]));
    assert_eq!(running.counted("pointsman_requests_shed_total", &["concurrency"]), 2);
    for probe in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(running.get(probe).await.status, StatusCode::OK, "{probe}");
    }
    // Whoever hangs up gives the place back.
    under_way.shutdown().await;
    until(async || running.counted("pointsman_requests_in_flight", &["grpc"]) < 1).await;
    assert_eq!(running.counted("pointsman_requests_total", &["cancelled"]), 2);
    running.ended().await;
}

#[tokio::test]
async fn bodies_have_a_length_alone_and_together() {
    let mut tight = settings();
    (tight.limits.max_body_bytes, tight.limits.max_bytes_in_flight) = (1_000, 1_500);
    let running = Running::start(tight).await;
    let long = json!({ "prompt": "x".repeat(2_000) }).to_string();
    assert_eq!(running.post("/v1/route", long.clone()).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let status = running.client().route(prompt(&"x".repeat(2_000))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{}", status.message());
    // Two that wait for their last byte hold 1,400 bytes, so a third of 700 is one too many.
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(running.http).await.unwrap();
        let head = "POST /v1/route HTTP/1.1\r\nhost: test\r\ncontent-length: 800\r\n\r\n";
        stream.write_all(format!("{head}{}", " ".repeat(700)).as_bytes()).await.unwrap();
        slow.push(stream);
    }
    until(async || running.counted("pointsman_requests_in_flight", &["http"]) >= 2).await;
    let mut n_shed = 0;
    until(async || {
        let third = running.post("/v1/route", format!("{:700}", "{\"prompt\":\"x\"}")).await;
        n_shed += u64::from(third.status == StatusCode::TOO_MANY_REQUESTS);
        third.status == StatusCode::TOO_MANY_REQUESTS && third.text().contains("limits.max_bytes_in_flight")
    })
    .await;
    assert_eq!(running.counted("pointsman_requests_shed_total", &["http", "memory"]), n_shed);
    drop(slow);
    until(async || running.post("/v1/route", format!("{:700}", "{\"prompt\":\"x\"}")).await.status == StatusCode::OK)
        .await;
    running.ended().await;
}

#[tokio::test]
async fn a_gzip_bomb_goes_off_elsewhere() {
    let mut tight = settings();
    tight.limits.max_body_bytes = 100_000;
    let running = Running::start(tight).await;
    // Made by gzip of a megabyte of spaces: deflate blocks that repeat one.
    let bomb = include_bytes!("megabyte_of_spaces.gz");
    let gzip = [("content-encoding", "gzip"), ("content-type", "application/json")];
    let reply = running.call_with(Method::POST, "/v1/route", &bomb[..], &gzip).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let reply = running.call_with(Method::POST, "/v1/route", "no gzip", &gzip).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let mut client = running.client().send_compressed(tonic::codec::CompressionEncoding::Gzip);
    let status = client.route(prompt(&" ".repeat(1_000_000))).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{}", status.message());
    running.ended().await;
}

#[tokio::test]
async fn a_batch_has_a_length() {
    let mut tight = settings();
    tight.limits.max_batch_requests = 2;
    let running = Running::start(tight).await;
    for n in [0, 3] {
        let requests = vec![prompt("x"); n];
        let status = running.client().route_batch(v1::RouteBatchRequest { requests }).await.unwrap_err();
        assert_eq!(
            (status.code(), status.metadata().get("pointsman-field").unwrap().to_str().unwrap()),
            (Code::InvalidArgument, "requests")
        );
    }
    running.ended().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let mut brisk = settings();
    brisk.limits.header_timeout = Duration::from_millis(20);
    let running = Running::start(brisk).await;
    let half = [&b""[..], b"GET /healthz HT", b"PRI * HTTP/2.0\r\n", b"POST /v1/route HTTP/1.1\r\nhost: x\r\n"];
    for (address, said) in [
        (running.http, half[0]),
        (running.http, half[1]),
        (running.http, half[2]),
        (running.http, half[3]),
        (running.grpc, half[0]),
        (running.grpc, half[2]),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(FOR_EVER, stream.read_to_end(&mut rest)).await;
        // Closed with or without a word; a reset is closed, too.
        assert!(closed.is_ok(), "{:?} was kept", String::from_utf8_lossy(said));
    }
    running.ended().await;
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let mut brisk = settings();
    brisk.limits.request_timeout = Duration::from_millis(20);
    let running = Running::start(brisk).await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(b"POST /v1/route HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 504");
    assert_eq!(running.counted("pointsman_requests_shed_total", &["too_slow"]), 1);
    running.ended().await;
}

#[tokio::test]
async fn a_call_whose_body_never_ends_holds_no_place_for_as_long_as_a_model_may() {
    let mut brisk = settings();
    brisk.limits.request_timeout = Duration::from_millis(50);
    let running = Running::start(brisk).await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut answer = vec![0; 400];
    let n_bytes = tokio::time::timeout(FOR_EVER / 2, stream.read(&mut answer)).await.expect("it is told").unwrap();
    let answer = String::from_utf8_lossy(&answer[..n_bytes]);
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert!(answer.contains("the body took longer than limits.request_timeout_ms"), "{answer}");
    assert_eq!(running.counted("pointsman_requests_shed_total", &["http", "too_slow"]), 1);

    // A message of gRPC that is announced and does not come.
    let begun = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(&[0, 0, 0, 0, 100])));
    let body = StreamBody::new(tokio_stream::once(begun).chain(tokio_stream::pending()));
    let stream = TcpStream::connect(running.grpc).await.unwrap();
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::post("http://x/pointsman.v1.Router/Complete").header("content-type", "application/grpc");
    let answer = tokio::time::timeout(FOR_EVER / 2, sender.send_request(request.body(body).unwrap())).await;
    let answer = answer.expect("it is told").unwrap();
    assert_eq!(answer.headers()["grpc-status"], "4", "{:?}", answer.headers());
    drop(sender);
    tasks.shutdown().await;
    running.ended().await;
}

/// The rest of a refused body is read and dropped for a second at most; nobody else has to wait for that.
#[tokio::test]
async fn who_was_refused_takes_no_place_while_the_rest_is_dropped() {
    let mut narrow = settings();
    narrow.limits.max_concurrent_requests = 1;
    let running = Running::start(narrow).await;
    let mut slow = TcpStream::connect(running.http).await.unwrap();
    let head = format!("POST /v1/route HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{{", 8 << 20);
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut n_turned_away = 0;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let reply = running.post("/v1/route", r#"{"prompt": "x"}"#).await;
        n_turned_away += u32::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    // One may have come between the other's admission and its refusal.
    assert!(n_turned_away <= 1, "{n_turned_away} of 20");
    drop(slow);
    running.ended().await;
}

#[tokio::test]
async fn connections_have_a_number() {
    let mut narrow = settings();
    narrow.limits.max_connections = 1;
    let running = Running::start(narrow).await;
    let mut first = TcpStream::connect(running.http).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut head = vec![0; 12];
    first.read_exact(&mut head).await.unwrap();
    // The second waits in the system's queue until the first has gone.
    let mut second = TcpStream::connect(running.http).await.unwrap();
    second.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        assert!(second.try_read(&mut [0; 1]).is_err());
    }
    drop(first);
    second.read_exact(&mut head).await.unwrap();
    assert_eq!(head, b"HTTP/1.1 200");
    drop(second);
    running.ended().await;
}

#[tokio::test]
async fn where_callers_are_listed_a_token_is_needed() {
    let mut guarded = settings();
    let caller = |name: &str, admin| Caller::new(name, "X", &format!("token-of-{name}-0123456789"), admin);
    guarded.callers = vec![caller("app", false), caller("boss", true)];
    let running = Running::start(guarded).await;
    let token = |name: &str| format!("Bearer token-of-{name}-0123456789");
    let post = async |path: &str, token: Option<String>| {
        let token = token.unwrap_or_default();
        let headers = [("authorization", token.as_str())];
        let body = json!({ "prompt": "x" }).to_string();
        running.call_with(Method::POST, path, body, if token.is_empty() { &[] } else { &headers }).await.status.as_u16()
    };
    assert_eq!(post("/v1/route", None).await, 401);
    assert_eq!(post("/v1/route", Some("Bearer guess".into())).await, 401);
    assert_eq!(post("/v1/route", Some(token("app").replace("Bearer", "Basic"))).await, 401);
    assert_eq!(post("/v1/route", Some(token("app"))).await, 200);
    assert_eq!(post("/v1/admin/reload", Some(token("app"))).await, 403);
    assert_eq!(post("/v1/admin/reload", Some(token("boss"))).await, 200);
    assert_eq!(running.get("/healthz").await.status, StatusCode::OK, "probes bear no tokens");
    assert_eq!(running.get("/v1/models").await.headers["www-authenticate"], "Bearer");

    assert_eq!(running.client().route(prompt("x")).await.unwrap_err().code(), Code::Unauthenticated);
    let mut request = tonic::Request::new(prompt("x"));
    request.metadata_mut().insert("authorization", token("app").parse().unwrap());
    running.client().route(request).await.unwrap();
    running.ended().await;
}

#[tokio::test]
async fn an_admin_call_needs_an_admin_beyond_loopback() {
    let mut open = settings();
    open.http_listen = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
    let mut running = Running::start(open).await;
    running.http = std::net::SocketAddr::from(([127, 0, 0, 1], running.http.port()));
    assert_eq!(running.post("/v1/admin/reload", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(running.post("/v1/route", json!({ "prompt": "x" }).to_string()).await.status, StatusCode::OK);
    running.ended().await;
}

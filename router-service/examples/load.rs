//! A load for a running service, and what it makes of it: throughput, a histogram of latencies, and how many were shed or
//! decided without a forecast. Latency counts from when a request was due, so that a stalled service cannot hide its queue.
//!
//! `cargo run --release -p router-service --example load -- --grpc 127.0.0.1:50051 --rate 1000 --seconds 10`

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::v1;
use proto::v1::router_client::RouterClient;
use tokio::task::JoinSet;

mod entrance;

use entrance::{Failure, enter};

const USAGE: &str = "\
load --grpc ADDRESS | --http ADDRESS
  --connections N   connections (32)
  --streams N       calls under way at a time on each connection; more than one for gRPC only (1)
  --seconds S       how long (10)
  --rate R          requests a second, all connections together; 0: as many as go (0)
  --words N         words of a prompt, about as many tokens (100)
  --distinct N      different prompts; 0: every one is new, 1: always the same (0)
  --candidates N    ask for the first N models of the catalog only; 0: for all (20)
  --batch N         requests of a RouteBatch; 0: single Routes (0)";

fn main() -> ExitCode {
    // One thread is enough, and leaves the other cores to the service: with two, it had a fifth less of them to answer with.
    enter(USAGE, 1, Plan::read, run)
}

#[derive(Clone)]
struct Plan {
    grpc: bool,
    address: String,
    numbers: BTreeMap<&'static str, u64>,
    candidates: Vec<String>,
}

impl Plan {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut numbers: BTreeMap<&'static str, u64> = [
            ("--connections", 32),
            ("--streams", 1),
            ("--seconds", 10),
            ("--rate", 0),
            ("--words", 100),
            ("--distinct", 0),
            ("--candidates", 20),
            ("--batch", 0),
        ]
        .into();
        let mut address = None;
        for pair in arguments.chunks(2) {
            let [key, value] = pair else { return Err(format!("expected a value after `{}`", pair[0])) };
            match (key.as_str(), numbers.iter_mut().find(|(known, _)| *known == key)) {
                ("--grpc", _) => address = Some((true, value.clone())),
                ("--http", _) => address = Some((false, value.clone())),
                (_, Some((_, number))) => {
                    *number = value.parse().map_err(|_| format!("expected a number after `{key}`, found `{value}`"))?;
                }
                (_, None) => return Err(format!("unknown argument `{key}`")),
            }
        }
        let (grpc, address) = address.ok_or("expected --grpc or --http with an address")?;
        if !grpc && numbers["--streams"] > 1 {
            return Err("HTTP/1.1 carries one call at a time: `--streams` goes with `--grpc`".to_owned());
        }
        Ok(Self { grpc, address, numbers, candidates: Vec::new() })
    }

    fn number(&self, key: &str) -> u64 {
        self.numbers[key]
    }

    /// A prompt of this many words; the same number gives the same prompt.
    fn prompt(&self, number: u64) -> String {
        const WORDS: [&str; 16] = [
            "lever", "signal", "which", "train", "arrives", "before", "the", "other", "prove", "that", "sum", "of",
            "function", "returns", "a", "list",
        ];
        let distinct = self.number("--distinct");
        let number = if distinct == 0 { number } else { number % distinct };
        let mut text = format!("Case {number}:");
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..self.number("--words") {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push(' ');
            text.push_str(WORDS[usize::try_from(state % 16).unwrap_or(0)]);
        }
        text
    }

    fn request(&self, number: u64) -> v1::RouteRequest {
        v1::RouteRequest {
            input: Some(v1::route_request::Input::Prompt(self.prompt(number))),
            candidates: self.candidates.clone(),
            ..v1::RouteRequest::default()
        }
    }
}

/// What the connections have seen.
#[derive(Default)]
struct Seen {
    /// Microseconds from when it was due.
    latencies: Vec<u32>,
    /// Microseconds from when it was sent: what the service took, without the wait for a free connection.
    from_sending: Vec<u32>,
    /// How requests ended, by word.
    ends: BTreeMap<String, u64>,
}

/// The one field of a reply that is looked at. Reading it whole would cost the machine as much as making it.
#[derive(Clone, PartialEq, prost::Message)]
struct Glance {
    #[prost(enumeration = "v1::Evidence", tag = "13")]
    evidence: i32,
}

async fn run(mut plan: Plan) -> Result<(), Failure> {
    if plan.grpc {
        let mut client = GrpcClient::new(&plan.address)?;
        let models = client.router.list_models(v1::ListModelsRequest {}).await?.into_inner().models;
        let n = usize::try_from(plan.number("--candidates"))?;
        plan.candidates = models.into_iter().take(n).map(|model| model.id).collect();
    } else {
        let mut connection = HttpConnection::open(&plan.address).await?;
        let (_, body) = connection.send("GET", "/v1/models", Bytes::new()).await?;
        let body: serde_json::Value = serde_json::from_slice(&body)?;
        // Beside the models stand the names that let a policy choose, which are no candidates.
        let models = body["data"].as_array().into_iter().flatten().filter(|model| model.get("policy").is_none());
        let models = models.filter_map(|model| model["id"].as_str());
        plan.candidates = models.take(usize::try_from(plan.number("--candidates"))?).map(str::to_owned).collect();
    }
    let plan = Arc::new(plan);
    let (n_connections, n_streams) = (plan.number("--connections"), plan.number("--streams"));
    let (begin, next) = (Instant::now(), Arc::new(AtomicU64::new(fastrand::u64(..1 << 40))));
    let until = begin + Duration::from_secs(plan.number("--seconds"));
    let mut tasks = JoinSet::new();
    for connection in 0..n_connections {
        let grpc = if plan.grpc { Some(GrpcClient::new(&plan.address)?) } else { None };
        for stream in 0..n_streams {
            let door = match &grpc {
                Some(client) => Door::Grpc(Box::new(client.clone())),
                None => Door::Http(HttpConnection::open(&plan.address).await?),
            };
            let index = connection * n_streams + stream;
            tasks.spawn(caller(Arc::clone(&plan), door, index, (begin, until), Arc::clone(&next)));
        }
    }
    let mut seen = Seen::default();
    while let Some(ended) = tasks.join_next().await {
        let one = ended??;
        seen.latencies.extend(one.latencies);
        seen.from_sending.extend(one.from_sending);
        for (word, n) in one.ends {
            *seen.ends.entry(word).or_default() += n;
        }
    }
    print(&plan, seen, begin.elapsed())?;
    Ok(())
}

/// What a caller calls through.
enum Door {
    Grpc(Box<GrpcClient>),
    Http(HttpConnection),
}

type Channel = Client<HttpConnector, tonic::body::Body>;

/// One connection; its clones are streams on it.
#[derive(Clone)]
struct GrpcClient {
    router: RouterClient<Channel>,
    plain: tonic::client::Grpc<Channel>,
}

impl GrpcClient {
    fn new(address: &str) -> Result<Self, Failure> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let channel = Client::builder(TokioExecutor::new()).http2_only(true).build(connector);
        let origin: http::Uri = format!("http://{address}").parse()?;
        let router = RouterClient::with_origin(channel.clone(), origin.clone()).max_decoding_message_size(1 << 26);
        Ok(Self { router, plain: tonic::client::Grpc::with_origin(channel, origin) })
    }

    async fn route(&mut self, request: v1::RouteRequest) -> Result<Glance, tonic::Status> {
        self.plain.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
        let path = http::uri::PathAndQuery::from_static("/pointsman.v1.Router/Route");
        let codec = tonic_prost::ProstCodec::default();
        Ok(self.plain.unary(tonic::Request::new(request), path, codec).await?.into_inner())
    }
}

struct HttpConnection {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    host: String,
    _tasks: JoinSet<()>,
}

impl HttpConnection {
    async fn open(address: &str) -> Result<Self, Failure> {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = connection.await;
        });
        Ok(Self { sender, host: address.to_owned(), _tasks: tasks })
    }

    async fn send(&mut self, method: &str, path: &str, body: Bytes) -> Result<(http::StatusCode, Bytes), Failure> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(body))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

async fn caller(
    plan: Arc<Plan>,
    mut door: Door,
    index: u64,
    (begin, until): (Instant, Instant),
    next: Arc<AtomicU64>,
) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    let (rate, n_callers) = (plan.number("--rate"), plan.number("--connections") * plan.number("--streams"));
    for turn in 0_u64.. {
        let due = match rate {
            0 => Instant::now(),
            rate => begin + Duration::from_nanos((turn * n_callers + index) * 1_000_000_000 / rate),
        };
        if due >= until || Instant::now() >= until {
            break;
        }
        if rate > 0 {
            // Timers tick in milliseconds, so that even a sleep that is over would be one.
            tokio::time::sleep_until(due.into()).await;
        }
        let sent = Instant::now();
        let number = next.fetch_add(plan.number("--batch").max(1), Ordering::Relaxed);
        let ends = match &mut door {
            Door::Grpc(client) => call_grpc(&plan, client, number).await,
            Door::Http(connection) => call_http(&plan, connection, number).await?,
        };
        if ends.iter().any(|word| word == "forecast" || word.starts_with("absent")) {
            let micros = |since: Instant| u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX);
            seen.latencies.push(micros(due));
            seen.from_sending.push(micros(sent));
        }
        for word in ends {
            *seen.ends.entry(word).or_default() += 1;
        }
    }
    Ok(seen)
}

/// How each request of a call ended.
async fn call_grpc(plan: &Plan, client: &mut GrpcClient, number: u64) -> Vec<String> {
    let batch = plan.number("--batch");
    if batch == 0 {
        return vec![match client.route(plan.request(number)).await {
            Ok(glance) => word(glance.evidence()).to_owned(),
            Err(status) => format!("{:?}", status.code()),
        }];
    }
    let requests = (0..batch).map(|place| plan.request(number + place)).collect();
    let one = |result: v1::RouteResult| match result.result {
        Some(v1::route_result::Result::Reply(reply)) => word(reply.evidence()).to_owned(),
        Some(v1::route_result::Result::Error(_)) | None => "error".to_owned(),
    };
    match client.router.route_batch(v1::RouteBatchRequest { requests }).await {
        Ok(reply) => reply.into_inner().results.into_iter().map(one).collect(),
        Err(status) => (0..batch).map(|_| format!("{:?}", status.code())).collect(),
    }
}

fn word(evidence: v1::Evidence) -> &'static str {
    match evidence {
        v1::Evidence::Forecast => "forecast",
        v1::Evidence::AbsentOverloaded => "absent_overloaded",
        v1::Evidence::AbsentLate => "absent_late",
        v1::Evidence::Unspecified | v1::Evidence::AbsentNotLoaded | v1::Evidence::AbsentBroken => "absent",
    }
}

async fn call_http(plan: &Plan, connection: &mut HttpConnection, number: u64) -> Result<Vec<String>, Failure> {
    let body = |number: u64| serde_json::json!({ "prompt": plan.prompt(number), "candidates": plan.candidates });
    let (path, body) = match plan.number("--batch") {
        0 => ("/v1/route", body(number)),
        n => {
            let requests: Vec<_> = (0..n).map(|place| body(number + place)).collect();
            ("/v1/route/batch", serde_json::json!({ "requests": requests }))
        }
    };
    let (status, reply) = connection.send("POST", path, Bytes::from(serde_json::to_vec(&body)?)).await?;
    let n_asked = usize::try_from(plan.number("--batch").max(1))?;
    if !status.is_success() {
        return Ok(vec![status.as_str().to_owned(); n_asked]);
    }
    // Reading the reply whole would cost the machine as much as making it.
    let text = String::from_utf8_lossy(&reply);
    let evidence = text.split("\"evidence\":\"").skip(1);
    let mut ends: Vec<String> =
        evidence.map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).take(n_asked).collect();
    ends.resize(n_asked, "error".to_owned());
    Ok(ends)
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run are far below 2^53")]
fn print(plan: &Plan, mut seen: Seen, took: Duration) -> io::Result<()> {
    let mut out = io::stdout().lock();
    seen.latencies.sort_unstable();
    seen.from_sending.sort_unstable();
    let n: u64 = seen.ends.values().sum();
    let door = if plan.grpc { "gRPC" } else { "HTTP" };
    writeln!(out, "{door} {}: {n} decisions asked for in {:.1} s", plan.address, took.as_secs_f64())?;
    for (word, n) in &seen.ends {
        writeln!(out, "  {word:20} {n:>9}  {:>9.0} a second", *n as f64 / took.as_secs_f64())?;
    }
    let Some(last) = seen.latencies.len().checked_sub(1) else { return Ok(()) };
    let at = |in_1000: usize| f64::from(seen.latencies[last * in_1000 / 1000]) / 1000.0;
    let sent = |in_1000: usize| f64::from(seen.from_sending[last * in_1000 / 1000]) / 1000.0;
    writeln!(out, "latency of a call that was answered, ms, from when it was due and from when it was sent")?;
    for (name, in_1000) in [("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999), ("max", 1000)] {
        writeln!(out, "  {name:6} {:>9.3} {:>9.3}", at(in_1000), sent(in_1000))?;
    }
    let mut upper = 64_u32;
    let mut below = 0;
    while below <= last {
        let up_to = seen.latencies.partition_point(|latency| *latency <= upper);
        if up_to > below {
            let bar = "#".repeat((up_to - below) * 60 / seen.latencies.len());
            writeln!(out, "  <= {:>9.3} {:>9}  {bar}", f64::from(upper) / 1000.0, up_to - below)?;
        }
        below = up_to;
        upper = upper.saturating_mul(2);
    }
    Ok(())
}

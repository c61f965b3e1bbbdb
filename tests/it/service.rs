//! The service as its callers meet it: in this process, on ports the system chooses, through a real gRPC client and a plain
//! HTTP one. Nothing here waits for a time to pass; where something must happen first, it is asked for until it has.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proto::v1;
use proto::v1::router_client::RouterClient;
use router_service::{Forecaster, Pipeline, Server, Settings};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

mod admission;
mod bad_input;
mod doors;
mod evidence;
mod forwarding;
mod life;
mod openapi;
mod own_policies;
mod privacy;
mod promises;
mod tls;

/// Longer than anything here takes; a test that reaches it has failed.
const FOR_EVER: Duration = Duration::from_secs(60);

/// Settings for a test: any free port, no notice, nothing that happens by itself.
fn settings() -> Settings {
    let mut settings = Settings::built_in();
    settings.grpc_listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.http_listen = settings.grpc_listen;
    settings.worker_threads = 2;
    settings.inference.deadline = FOR_EVER;
    settings.reload.watch = false;
    settings.shutdown.notice = Duration::ZERO;
    settings.shutdown.drain = FOR_EVER;
    settings
}

/// A service under way.
struct Running {
    grpc: SocketAddr,
    http: SocketAddr,
    pipeline: Arc<Pipeline>,
    stop: Option<oneshot::Sender<()>>,
    server: JoinSet<()>,
}

impl Running {
    async fn start(settings: Settings) -> Self {
        Self::with(settings, classifier_as_it_is()).await
    }

    async fn with(settings: Settings, forecaster: Forecaster) -> Self {
        let pipeline = Arc::new(Pipeline::start_with(&settings, forecaster).expect("the sources are good"));
        let server = Server::bind(settings, Arc::clone(&pipeline), None).await.expect("port 0 is always free");
        let (grpc, http) = (server.grpc_address, server.http_address);
        let (stop, stopped) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(stopped).await.expect("the service ends well");
        });
        Self { grpc, http, pipeline, stop: Some(stop), server: tasks }
    }

    /// Tells it to stop, as SIGTERM does.
    fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has ended.
    async fn ended(mut self) {
        self.stop();
        let ended = tokio::time::timeout(FOR_EVER, self.server.join_next()).await;
        ended.expect("it drains").expect("it was started").expect("it does not panic");
    }

    fn client(&self) -> GrpcClient {
        grpc_client(self.grpc)
    }

    async fn call(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Reply {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(&self, method: Method, path: &str, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Reply {
        let stream = TcpStream::connect(self.http).await.expect("it listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("the parts are well formed");
        let (head, body) = sender.send_request(request).await.expect("there is an answer").into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        Reply { status: head.status, headers: head.headers, body }
    }

    async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, Bytes::new()).await
    }

    async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.call(Method::POST, path, body).await
    }

    /// One count of the metrics: all series of this name whose labels hold all of these, together.
    fn counted(&self, name: &str, labels: &[&str]) -> u64 {
        self.metric(name, labels).iter().filter_map(|value| value.parse::<u64>().ok()).sum()
    }

    /// The values of the metrics' series of this name whose labels hold all of these.
    fn metric(&self, name: &str, labels: &[&str]) -> Vec<String> {
        let text = self.pipeline.metrics_text();
        let lines = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        let meant = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        meant.filter_map(|line| Some(line.rsplit(' ').next()?.to_owned())).collect()
    }
}

fn classifier_as_it_is() -> Forecaster {
    |classifier, prompts| classifier.forecast(prompts)
}

type GrpcClient = RouterClient<Client<hyper_util::client::legacy::connect::HttpConnector, tonic::body::Body>>;

fn grpc_client(address: SocketAddr) -> GrpcClient {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    RouterClient::with_origin(client, format!("http://{address}").parse().expect("an address is an origin"))
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn prompt(text: &str) -> v1::RouteRequest {
    let input = Some(v1::route_request::Input::Prompt(text.to_owned()));
    v1::RouteRequest { input, ..v1::RouteRequest::default() }
}

/// Asks again until it holds: for what happens by itself, soon.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let asked = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FOR_EVER, asked).await.expect("it holds at last");
}

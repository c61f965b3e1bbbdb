//! Listeners, limits, who may call, and how it ends. Both doors go through the same steps: a connection has a time to say
//! what it wants, a request a place among those under way, its caller a token where tokens are asked for.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::config::Settings;
use crate::pipeline::Pipeline;
use crate::telemetry::Telemetry;

mod admission;
mod charge;
mod doors;
mod held;
mod patient;
mod streams;
pub(crate) mod tls;
mod unread;
mod witness;

pub use tls::TlsError;

use admission::Admission;
use doors::{Door, GrpcDoor};
use patient::Patient;
use streams::Streams;

/// Streams one HTTP/2 connection may have open at once.
pub const MAX_STREAMS: u32 = 256;

/// Bytes of a request's head.
pub const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// How often a silent HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// How long an HTTP/1.1 connection may be silent between requests: longer than pools of clients usually keep one, so that the
/// client closes first and no request meets a closing connection.
const IDLE: Duration = Duration::from_secs(120);

/// How long accepting rests when the system has no more descriptors: without a rest it would spin.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Where the service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It still serves, and says it is not ready, so that balancers look elsewhere.
    Notice,
    /// Nothing new is accepted; what is under way ends.
    Draining,
    /// What has not ended by then is cut.
    Cut,
}

impl Phase {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Notice => "notice",
            Self::Draining => "draining",
            Self::Cut => "cut",
        }
    }
}

/// Why the service does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address that cannot be listened on.
    #[error("{door}.listen: {address}: {source}")]
    Listen {
        /// The section of the configuration.
        door: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// Certificates that cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The description of the wire cannot be used.
    #[error("reflection: {0}")]
    Reflection(String),
}

/// A service that listens and has not begun to serve.
pub struct Server {
    grpc: TcpListener,
    http: TcpListener,
    /// Where gRPC really listens: the port is chosen by the system where 0 was asked for.
    pub grpc_address: SocketAddr,
    /// Where HTTP really listens.
    pub http_address: SocketAddr,
    tls: Option<[TlsAcceptor; 2]>,
    settings: Settings,
    pipeline: Arc<Pipeline>,
    telemetry: Option<Arc<Telemetry>>,
}

impl Server {
    /// Takes the addresses. Without telemetry there are no spans; metrics are counted all the same.
    pub async fn bind(
        settings: Settings,
        pipeline: Arc<Pipeline>,
        telemetry: Option<Arc<Telemetry>>,
    ) -> Result<Self, ServerError> {
        let tls = settings.tls.as_ref().map(tls::acceptors).transpose()?;
        let (grpc, grpc_address) = listen("grpc", settings.grpc_listen).await?;
        let (http, http_address) = listen("http", settings.http_listen).await?;
        Ok(Self { grpc, http, grpc_address, http_address, tls, settings, pipeline, telemetry })
    }

    /// Serves until `stop` ends, then drains. Whoever drops this future ends everything at once.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let (phase, phases) = watch::channel(Phase::Serving);
        let open_to_admins = self.http_address.ip().is_loopback();
        let admission =
            Arc::new(Admission::new(&self.settings, open_to_admins, &self.pipeline.metrics, self.telemetry));
        let (grpc_door, health) = GrpcDoor::new(&self.pipeline).await?;
        let http_door = crate::http::Http { pipeline: Arc::clone(&self.pipeline), phase: phases.clone() };
        let [grpc_tls, http_tls] = self.tls.map_or([None, None], |tls| tls.map(Some));
        let rule = ConnectionRule::of(&self.settings);
        let (streams, mut streams_ended) = Streams::new(phases.clone());
        let entrance = |door, tls| {
            let (admission, rule, streams) = (Arc::clone(&admission), rule.clone(), streams.clone());
            Entrance { door, tls, admission, rule, streams }
        };
        let grpc = entrance(Door::Grpc(grpc_door), grpc_tls);
        let http = entrance(Door::Http(http_door), http_tls);
        let mut tasks = JoinSet::new();
        tasks.spawn(grpc.accept(self.grpc, phases.clone()));
        tasks.spawn(http.accept(self.http, phases.clone()));
        let watcher = watch_sources(Arc::clone(&self.pipeline), self.settings.reload.clone());
        {
            let mut watcher = pin!(watcher);
            tokio::select! {
                () = stop => {}
                () = &mut watcher => {}
            }
        }
        tracing::info!(notice_ms = millis(self.settings.shutdown.notice), "told to stop: not ready any more");
        health.not_serving().await;
        let _ = phase.send(Phase::Notice);
        sleep(self.settings.shutdown.notice).await;
        tracing::info!(drain_ms = millis(self.settings.shutdown.drain), "draining");
        let _ = phase.send(Phase::Draining);
        drop(streams);
        // What a call has cost is known when it is dropped, and whoever waits here closes the outcome log next.
        let mut ended = pin!(async {
            while tasks.join_next().await.is_some() {}
            let _ = streams_ended.recv().await;
        });
        if timeout(self.settings.shutdown.drain, ended.as_mut()).await.is_err() {
            tracing::warn!("requests under way did not end in time and were cut");
            let _ = phase.send(Phase::Cut);
            ended.await;
        }
        tracing::info!("drained");
        Ok(())
    }
}

async fn listen(door: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source| ServerError::Listen { door, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Looks at the sources now and then, and reads them anew when they have changed. Never ends.
async fn watch_sources(pipeline: Arc<Pipeline>, rule: crate::config::ReloadRule) {
    loop {
        sleep(rule.poll).await;
        if !rule.watch {
            continue;
        }
        let pipeline = Arc::clone(&pipeline);
        let look = move || {
            if pipeline.sources_changed() {
                // The reason of a failure is kept by the reloader, where `/readyz` and the metrics find it.
                let _ = pipeline.reload(crate::reload::Trigger::FileChange);
            }
        };
        let _ = tokio::task::spawn_blocking(look).await;
    }
}

/// What a connection may take.
#[derive(Clone, Debug)]
struct ConnectionRule {
    max_connections: usize,
    header_timeout: Duration,
}

impl ConnectionRule {
    fn of(settings: &Settings) -> Self {
        let limits = &settings.limits;
        Self { max_connections: limits.max_connections, header_timeout: limits.header_timeout }
    }
}

/// One listener's way in.
#[derive(Clone)]
struct Entrance {
    door: Door,
    tls: Option<TlsAcceptor>,
    admission: Arc<Admission>,
    rule: ConnectionRule,
    streams: Streams,
}

impl Entrance {
    /// Accepts until it is told to drain, then waits for its connections.
    async fn accept(self, listener: TcpListener, mut phases: watch::Receiver<Phase>) {
        let places = Arc::new(Semaphore::new(self.rule.max_connections));
        let mut connections = JoinSet::new();
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            tokio::select! {
                () = reached(&mut phases, Phase::Draining) => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                (place, accepted) = next => match accepted {
                    Ok((stream, _)) => {
                        let (entrance, phases) = (self.clone(), phases.clone());
                        connections.spawn(async move {
                            let mut cut = phases.clone();
                            tokio::select! {
                                () = entrance.connection(stream, phases) => {}
                                () = reached(&mut cut, Phase::Cut) => {}
                            }
                            drop(place);
                        });
                    }
                    Err(_) => sleep(ACCEPT_REST).await,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn connection(self, stream: TcpStream, phases: watch::Receiver<Phase>) {
        // Small replies must not wait for company.
        let _ = stream.set_nodelay(true);
        let stream = Patient::new(stream);
        match self.tls.clone() {
            None => self.converse(stream, phases).await,
            Some(tls) => {
                if let Ok(Ok(stream)) = timeout(self.rule.header_timeout, tls.accept(stream)).await {
                    self.converse(stream, phases).await;
                }
            }
        }
    }

    /// Serves one connection to its end. One that has not asked for anything in time is closed, whatever it is doing: hyper's
    /// own timeout begins only once it knows which version of HTTP is spoken.
    async fn converse<I>(self, io: I, mut phases: watch::Receiver<Phase>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let asked = Arc::new(AtomicBool::new(false));
        let service = {
            let (asked, door, admission) = (Arc::clone(&asked), self.door.clone(), Arc::clone(&self.admission));
            service_fn(move |request: hyper::Request<Incoming>| {
                asked.store(true, Ordering::Relaxed);
                let (door, admission) = (door.clone(), Arc::clone(&admission));
                async move { Ok::<_, Infallible>(admission.admit(&door, request).await) }
            })
        };
        let builder = self.builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
        let mut head_time = pin!(sleep(self.rule.header_timeout));
        let (mut head_awaited, mut told) = (true, false);
        loop {
            tokio::select! {
                // However it ended, there is nobody left to tell.
                _ = connection.as_mut() => return,
                () = &mut head_time, if head_awaited => {
                    if !asked.load(Ordering::Relaxed) {
                        return;
                    }
                    head_awaited = false;
                }
                () = reached(&mut phases, Phase::Draining), if !told => {
                    connection.as_mut().graceful_shutdown();
                    told = true;
                }
            }
        }
    }

    fn builder(&self) -> auto::Builder<Streams> {
        let mut builder = auto::Builder::new(self.streams.clone());
        if let Door::Grpc(_) = self.door {
            builder = builder.http2_only();
        }
        let head = usize::try_from(MAX_HEADER_BYTES).unwrap_or(usize::MAX);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE.max(self.rule.header_timeout))
            .max_buf_size(head)
            .keep_alive(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1);
        builder
    }
}

async fn reached(phases: &mut watch::Receiver<Phase>, awaited: Phase) {
    // A sender that is gone means the service is going, too.
    let _ = phases.wait_for(|phase| *phase >= awaited).await;
}

//! Spans to a collector: OTLP over HTTP, its protobuf form, on a thread of its own. A bounded queue lies before it and nothing
//! waits for it; what does not get through is dropped and counted. The messages are the few of OTLP that say what we have to say.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prost::Message;

use super::collector::{Collector, Endpoint, SendError};
use super::spans::{Span, Value};
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::secret::Secret;

mod wire;

/// Spans that may wait for the exporter: a second of a busy service.
pub const SPAN_QUEUE_LEN: usize = 8192;

/// Spans of one call.
pub const SPAN_BATCH_LEN: usize = 512;

/// How long a batch may gather, usually: a trace is looked at seconds later.
const BATCH_AGE: Duration = Duration::from_secs(1);

/// How often a batch is tried, where the collector says that it may be.
const MAX_TRIES: u32 = 3;

/// Where spans go.
#[derive(Clone, Debug, PartialEq)]
pub struct OtlpSettings {
    /// The collector.
    pub endpoint: Endpoint,
    /// Whose certificates are believed beside those of the system, PEM.
    pub ca_file: Option<PathBuf>,
    /// Headers to send along, a token for instance.
    pub headers: Vec<(http::HeaderName, Secret)>,
    /// What the service is called there.
    pub service_name: String,
    /// The share of traces begun here that are recorded, 0 to 1. A caller's own choice is kept.
    pub sample_ratio: f64,
    /// How long one call may take.
    pub timeout: Duration,
    /// How long a batch may gather.
    pub batch_age: Duration,
    /// Spans that may wait.
    pub queue_len: usize,
}

impl OtlpSettings {
    /// The usual settings for a collector.
    pub fn to(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            ca_file: None,
            headers: Vec::new(),
            service_name: "pointsman".to_owned(),
            sample_ratio: 1.0,
            timeout: Duration::from_secs(5),
            batch_age: BATCH_AGE,
            queue_len: SPAN_QUEUE_LEN,
        }
    }
}

/// The thread that sends spans, from outside.
pub(super) struct Exporter {
    pub(super) queue: SyncSender<Span>,
    closing: Arc<AtomicBool>,
    ended: Mutex<Receiver<()>>,
}

impl Exporter {
    pub(super) fn start(settings: &OtlpSettings, metrics: &Arc<Metrics>) -> std::io::Result<Self> {
        let (queue, spans) = sync_channel(settings.queue_len);
        let (end, ended) = sync_channel(1);
        let closing = Arc::new(AtomicBool::new(false));
        let collector = Collector::new(settings)?;
        let sender = Sender {
            collector,
            service_name: settings.service_name.clone(),
            batch_age: settings.batch_age,
            metrics: Arc::clone(metrics),
            closing: Arc::clone(&closing),
        };
        std::thread::Builder::new().name("otlp".to_owned()).spawn(move || {
            sender.send_all(&spans);
            let _ = end.send(());
        })?;
        Ok(Self { queue, closing, ended: Mutex::new(ended) })
    }

    /// Sends what waits, within this time. False if time ran out.
    pub(super) fn close(&self, patience: Duration) -> bool {
        self.closing.store(true, Ordering::Release);
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(patience).is_ok()
    }
}

struct Sender {
    collector: Collector,
    service_name: String,
    batch_age: Duration,
    metrics: Arc<Metrics>,
    closing: Arc<AtomicBool>,
}

/// How often the thread looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(50);

impl Sender {
    fn send_all(&self, spans: &Receiver<Span>) {
        let mut batch = Vec::with_capacity(SPAN_BATCH_LEN);
        let mut begun = Instant::now();
        loop {
            let closing = self.closing.load(Ordering::Acquire);
            match spans.recv_timeout(if closing { Duration::ZERO } else { LOOK_UP }) {
                Ok(span) => {
                    if batch.is_empty() {
                        begun = Instant::now();
                    }
                    batch.push(span);
                }
                Err(RecvTimeoutError::Timeout) if !closing => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    self.send(&mut batch);
                    return;
                }
            }
            if batch.len() >= SPAN_BATCH_LEN || (!batch.is_empty() && begun.elapsed() >= self.batch_age) {
                self.send(&mut batch);
            }
        }
    }

    /// Sends a batch, and counts what came of it.
    fn send(&self, batch: &mut Vec<Span>) {
        let n_spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if n_spans == 0 {
            return;
        }
        let body = encode(batch, &self.service_name);
        batch.clear();
        for n_tries in 1.. {
            match self.collector.post(&body) {
                Ok(answer) => {
                    let rejected = wire::rejected(&answer).min(n_spans);
                    self.metrics.add(Metric::SpansExported, &[], n_spans - rejected);
                    self.metrics.add(Metric::SpansDropped, &["rejected"], rejected);
                    return;
                }
                Err(SendError::MayRetry) if n_tries < MAX_TRIES && !self.closing.load(Ordering::Acquire) => {
                    std::thread::sleep(LOOK_UP * 2_u32.pow(n_tries));
                }
                Err(SendError::MayRetry | SendError::Refused) => break,
            }
        }
        self.metrics.add(Metric::SpansDropped, &["export_failed"], n_spans);
    }
}

fn encode(spans: &[Span], service_name: &str) -> Vec<u8> {
    let text = |key: &str, text: &str| wire::KeyValue::new(key, &Value::Text(text.to_owned()));
    let version = env!("CARGO_PKG_VERSION");
    let resource =
        wire::Resource { attributes: vec![text("service.name", service_name), text("service.version", version)] };
    let scope = wire::Scope { name: "pointsman".to_owned(), version: version.to_owned() };
    let spans = spans.iter().map(wire::Span::from).collect();
    let scope_spans = vec![wire::ScopeSpans { scope: Some(scope), spans }];
    let request = wire::Request { resource_spans: vec![wire::ResourceSpans { resource: Some(resource), scope_spans }] };
    request.encode_to_vec()
}

#[cfg(test)]
mod tests;

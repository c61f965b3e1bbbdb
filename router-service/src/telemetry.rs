//! What the service says of itself while it runs: log lines to standard error, spans to a collector, and the trace of each request
//! taken over and passed on. Nothing here waits: lines and spans lie in bounded queues, and what does not fit is counted.
//! Whoever logs says numbers and names, never a prompt or a key.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Subscriber;
use tracing::span::Span;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use log_writer::LogWriter;
use otlp::Exporter;
use spans::SpanLayer;
use trace_context::Hex;

mod collector;
mod filter;
mod log_writer;
mod otlp;
mod spans;
mod trace_context;

pub use collector::{Endpoint, EndpointError, prove as prove_collector};
pub use filter::{FilterError, LogFilter, MAX_DIRECTIVES};
pub use log_writer::LOG_QUEUE_LINES;
pub use otlp::{OtlpSettings, SPAN_BATCH_LEN, SPAN_QUEUE_LEN};
pub use spans::{MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES};
pub use trace_context::{MAX_TRACESTATE_BYTES, MAX_TRACESTATE_MEMBERS, TraceContext, TraceError};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, for machines.
    Json,
}

impl LogFormat {
    /// Both, with their words in a config.
    pub const ALL: [(&'static str, Self); 2] = [("human", Self::Human), ("json", Self::Json)];
}

/// What is said, and to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TelemetrySettings {
    /// How log lines look.
    pub format: LogFormat,
    /// Which events are logged.
    pub filter: LogFilter,
    /// Whether log lines are coloured: only where a person looks at a terminal.
    pub colour: bool,
    /// Where spans go, if anywhere.
    pub otlp: Option<OtlpSettings>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// No thread, or no way to a collector.
    #[error("telemetry: {0}")]
    Start(#[from] io::Error),
    /// Something in this process logs already.
    #[error("telemetry was set up twice")]
    Twice,
}

/// The queues and threads behind the log and the spans.
pub struct Telemetry {
    log: LogWriter,
    exporter: Option<Exporter>,
    sample_ratio: f64,
}

impl Telemetry {
    /// Sets up the log and the spans of the whole process. `sink` is where lines go: standard error.
    pub fn start(
        settings: &TelemetrySettings,
        metrics: &Arc<Metrics>,
        sink: impl Write + Send + 'static,
    ) -> Result<Self, TelemetryError> {
        let (telemetry, subscriber) = Self::build(settings, metrics, sink)?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
        Ok(telemetry)
    }

    /// The same without the claim on the process, for tests.
    fn build(
        settings: &TelemetrySettings,
        metrics: &Arc<Metrics>,
        sink: impl Write + Send + 'static,
    ) -> Result<(Self, impl Subscriber + Send + Sync + 'static), TelemetryError> {
        let log = LogWriter::start(sink, LOG_QUEUE_LINES, metrics)?;
        let exporter = settings.otlp.as_ref().map(|otlp| Exporter::start(otlp, metrics)).transpose()?;
        let sample_ratio = settings.otlp.as_ref().map_or(0.0, |otlp| otlp.sample_ratio);
        let spans = exporter.as_ref().map(|exporter| SpanLayer {
            queue: exporter.queue.clone(),
            queue_full: metrics.series(Metric::SpansDropped, &["queue_full"]),
            sample_ratio,
        });
        let lines = tracing_subscriber::fmt::layer().with_writer(log.clone());
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match settings.format {
            LogFormat::Human => lines.with_ansi(settings.colour).with_filter(settings.filter.targets()).boxed(),
            LogFormat::Json => {
                let json = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
                json.with_filter(settings.filter.targets()).boxed()
            }
        };
        let subscriber = Registry::default().with(lines).with(spans.with_filter(filter::our_spans()));
        Ok((Self { log, exporter, sample_ratio }, subscriber))
    }

    /// Opens the span of one request, in the trace its headers name or in a new one. The context that comes back stands for that
    /// span: hand its `child()` to whoever is called.
    pub fn request(&self, door: &'static str, method: &'static str, caller: Option<&TraceContext>) -> Request {
        let context = caller.map_or_else(|| TraceContext::begin(self.sample_ratio), TraceContext::child);
        let span = tracing::info_span!(
            "request",
            trace_id = Hex(&context.trace_id()).to_string(),
            span_id = Hex(&context.span_id()).to_string(),
            parent_span_id = caller.map(|caller| Hex(&caller.span_id()).to_string()),
            sampled = context.sampled(),
            serves = true,
            otel.name = method,
            door,
            method,
            status = tracing::field::Empty,
            failed = tracing::field::Empty,
        );
        Request { span, context }
    }

    /// Lets lines and spans out that still wait, within this time. False if some were left.
    pub fn shut_down(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let exported = self.exporter.as_ref().is_none_or(|exporter| exporter.close(patience));
        let logged = self.log.flush(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(10)));
        exported && logged
    }
}

/// A request, as its telemetry sees it.
#[derive(Clone, Debug)]
pub struct Request {
    /// What happens within it happens in here: `span.in_scope(..)`, or `.instrument(span)` on a future.
    pub span: Span,
    /// Its place in the trace.
    pub context: TraceContext,
}

impl Request {
    /// Says how it ended: the status, by the words of the metrics, and whether that is the service's fault.
    pub fn ended(&self, status: &str, failed: bool) {
        self.span.record("status", status);
        self.span.record("failed", failed);
    }
}

#[cfg(test)]
mod tests;

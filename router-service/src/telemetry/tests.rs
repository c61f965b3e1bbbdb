//! What is logged is what may be logged; what is slow out there slows nobody in here.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use classifier::Prompt;
use serde_json::{Value, json};

use super::log_writer::LogWriter;
use super::{LogFilter, LogFormat, Telemetry, TelemetrySettings, TraceContext};
use crate::messages::Conversation;
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::secret::Secret;

const PATIENCE: Duration = Duration::from_secs(20);
const CANARY: &str = "canary-4711";

/// Lines that were written, for reading.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs something with a log, and returns what was logged.
fn logged(format: LogFormat, filter: &str, work: impl FnOnce(&Telemetry)) -> String {
    let page = Page::default();
    let filter = LogFilter::parse(filter).unwrap();
    let settings = TelemetrySettings { format, filter, ..TelemetrySettings::default() };
    let (telemetry, subscriber) = Telemetry::build(&settings, &Arc::new(Metrics::default()), page.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, || work(&telemetry));
    assert!(telemetry.shut_down(PATIENCE));
    page.text()
}

#[test]
fn a_json_line_names_the_trace_of_its_request() {
    let caller: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let text = logged(LogFormat::Json, "info", |telemetry| {
        let caller = TraceContext::from_headers([caller], []).unwrap();
        let request = telemetry.request("grpc", "route", Some(&caller));
        request.span.in_scope(|| tracing::info!(n_models = 3, "decided"));
        request.ended("ok", false);
    });
    let line: Value = serde_json::from_str(text.trim()).unwrap();
    assert_eq!((&line["message"], &line["n_models"], &line["level"]), (&json!("decided"), &json!(3), &json!("INFO")));
    assert_eq!(line["span"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(line["span"]["parent_span_id"], "00f067aa0ba902b7");
    assert!(line["timestamp"].is_string());
}

#[test]
fn people_get_a_line_without_colours_where_nobody_sees_them() {
    let text = logged(LogFormat::Human, "warn,router_service::telemetry=info", |_| tracing::info!("ready"));
    assert!(text.contains("INFO") && text.ends_with("ready\n") && !text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn neither_prompt_nor_key_reaches_a_log_even_at_the_loudest() {
    for format in LogFormat::ALL.map(|(_, format)| format) {
        let text = logged(format, "trace,h2=trace,hyper=trace", |telemetry| {
            let key = Secret::new(CANARY);
            let prompt = Prompt::from_text(CANARY);
            let messages = json!([{"role": "user", "content": CANARY}, {"role": CANARY}]);
            let error = Conversation::from_json("messages", &messages).unwrap_err();
            let conversation = Conversation::from_text("prompt", CANARY).unwrap();
            let request = telemetry.request("http", "route", None);
            let _inside = request.span.enter();
            tracing::error!(%key, ?key, ?prompt, ?conversation, %error, ?error, "loud");
            tracing::trace!(?conversation, "louder");
            tracing::debug!(target: "h2::codec", header = CANARY, "a frame as the HTTP crates log it");
            tracing::trace!(target: "hyper::proto", body = CANARY, "a body as they log it");
        });
        assert!(text.contains("louder") && text.contains("[hidden]"), "{text}");
        assert!(!text.contains(CANARY) && !text.contains("as they log it"), "{text}");
    }
}

#[test]
fn a_log_that_nobody_reads_drops_lines_and_delays_nobody() {
    /// A pipe whose reader is away until the gate opens.
    struct Stuck {
        gate: Receiver<()>,
        reached: SyncSender<()>,
        page: Page,
    }
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.reached.try_send(());
            let _ = self.gate.recv(); // Opened for good by dropping the other end.
            self.page.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let metrics = Metrics::default();
    let ((open, gate), (reached, is_stuck), page) = (sync_channel::<()>(0), sync_channel(1), Page::default());
    let writer = LogWriter::start(Stuck { gate, reached, page: page.clone() }, 4, &metrics).unwrap();
    let line = |text: &str| {
        let mut line = tracing_subscriber::fmt::MakeWriter::make_writer(&writer);
        line.write_all(text.as_bytes()).unwrap();
    };
    line("first\n");
    is_stuck.recv_timeout(PATIENCE).unwrap();
    (0..10).for_each(|n| line(&format!("{n}\n")));
    assert_eq!(metrics.total(Metric::LogLinesDropped, &[]), 6, "four wait, six are lost");
    assert!(!writer.flush(Duration::from_millis(5)), "not out within the time");
    drop(open);
    assert!(writer.flush(PATIENCE));
    assert_eq!(page.text(), "first\n0\n1\n2\n3\n");
}

//! A collector that follows a script, and what it hears.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use prost::Message;

use super::wire::{KeyValue, OneValue, Request};
use super::{Exporter, OtlpSettings};
use crate::metrics::Metrics;
use crate::metrics::list::Metric;
use crate::secret::Secret;
use crate::telemetry::{Endpoint, Telemetry, TelemetrySettings, TraceContext};

const PATIENCE: Duration = Duration::from_secs(20);

/// One request as the collector heard it.
struct Heard {
    head: String,
    body: Vec<u8>,
}

/// Answers one connection after another by the script, and the rest with silence.
fn collector(script: &'static [&'static [u8]]) -> (OtlpSettings, Receiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let (hear, heard) = sync_channel(64);
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for (place, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let _ = hear.send(read(&stream).unwrap());
            match script.get(place) {
                Some(answer) => drop(stream.write_all(answer)),
                None => silent.push(stream),
            }
        }
    });
    // Patient, since the machine may be busy; only where silence is the point is a test in a hurry.
    let (timeout, batch_age) = (PATIENCE, Duration::from_millis(500));
    (OtlpSettings { timeout, batch_age, ..OtlpSettings::to(endpoint) }, heard)
}

fn read(stream: impl Read) -> std::io::Result<Heard> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut n_bytes) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            n_bytes = length.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; n_bytes];
    reader.read_exact(&mut body)?;
    Ok(Heard { head, body })
}

const TAKEN: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Field 1 holds a message whose field 1 is the number 2: two spans rejected.
const PARTLY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\x0a\x02\x08\x02";
const BUSY: &[u8] = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
const REFUSED: &[u8] = b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n";

/// Runs something whose spans go to a collector; what the metrics say afterwards.
fn run(settings: OtlpSettings, work: impl FnOnce(&Telemetry)) -> Arc<Metrics> {
    let metrics = Arc::new(Metrics::default());
    let settings = TelemetrySettings { otlp: Some(settings), ..TelemetrySettings::default() };
    let (telemetry, subscriber) = Telemetry::build(&settings, &metrics, std::io::sink()).unwrap();
    tracing::subscriber::with_default(subscriber, || work(&telemetry));
    telemetry.shut_down(PATIENCE);
    metrics
}

#[test]
fn spans_reach_the_collector_in_the_trace_of_the_caller() {
    let (mut settings, heard) = collector(&[TAKEN]);
    settings.headers = vec![(http::HeaderName::from_static("authorization"), Secret::new("Bearer canary"))];
    let caller: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let metrics = run(settings, |telemetry| {
        let caller = TraceContext::from_headers([caller], []).unwrap();
        let request = telemetry.request("grpc", "route", Some(&caller));
        request.span.in_scope(|| {
            let forecast = tracing::info_span!("forecast", n_prompts = 1_u64, cached = false, share = 0.5);
            forecast.in_scope(|| tracing::info_span!(target: "h2::somewhere", "not ours"));
        });
        request.ended("internal", true);
    });
    let Heard { head, body } = heard.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let lower = head.to_ascii_lowercase();
    assert!(lower.contains("content-type: application/x-protobuf") && lower.contains("bearer canary"), "{head}");
    let request = Request::decode(body.as_slice()).unwrap();
    let resource = &request.resource_spans[0];
    assert_eq!(said(&resource.resource.as_ref().unwrap().attributes, "service.name"), "Text(\"pointsman\")");
    let spans = &resource.scope_spans[0].spans;
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["forecast", "route"]);
    let (forecast, route) = (&spans[0], &spans[1]);
    assert_eq!(route.trace_id[..4], [0x4b, 0xf9, 0x2f, 0x35]);
    assert_eq!(route.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!((&forecast.trace_id, &forecast.parent_span_id), (&route.trace_id, &route.span_id));
    assert_eq!((route.kind, forecast.kind), (2, 1));
    assert_eq!((route.status.as_ref().map(|status| status.code), &forecast.status), (Some(2), &None));
    assert_eq!(said(&route.attributes, "status"), "Text(\"internal\")");
    assert_eq!(said(&forecast.attributes, "n_prompts"), "Whole(1)");
    assert_eq!(said(&forecast.attributes, "cached"), "Flag(false)");
    assert_eq!(said(&forecast.attributes, "share"), "Number(0.5)");
    assert!(route.start_time_unix_nano > 0 && route.start_time_unix_nano <= route.end_time_unix_nano);
    assert_eq!(metrics.total(Metric::SpansExported, &[]), 2);
}

fn said(attributes: &[KeyValue], key: &str) -> String {
    let value = attributes.iter().find(|attribute| attribute.key == key).and_then(|found| found.value.as_ref());
    let value: Option<&OneValue> = value.and_then(|value| value.value.as_ref());
    value.map(|value| format!("{value:?}")).unwrap_or_default()
}

/// The same behind encryption, with the certificates of the tests; it hears one request.
fn encrypted_collector(protocols: &[&[u8]]) -> (OtlpSettings, Receiver<Heard>) {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let provider = Arc::new(rustls_graviola::default_provider());
    let certificate = CertificateDer::from_pem_file(certs().join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(certs().join("server.key")).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (hear, heard) = sync_channel(64);
    std::thread::spawn(move || {
        let config = Arc::new(config);
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            // Whoever does not believe the certificate leaves before a word is said.
            if let Ok(said) = read(&mut stream) {
                let _ = hear.send(said);
                stream.write_all(TAKEN).unwrap();
                stream.flush().unwrap();
            }
        }
    });
    let endpoint = Endpoint::parse(&format!("https://localhost:{port}")).unwrap();
    (OtlpSettings { timeout: PATIENCE, batch_age: Duration::from_millis(500), ..OtlpSettings::to(endpoint) }, heard)
}

fn certs() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it/service/certs")
}

#[test]
fn spans_go_by_tls_to_a_collector_whose_certificate_is_believed() {
    let (mut settings, heard) = encrypted_collector(&[b"h2", b"http/1.1"]);
    settings.ca_file = Some(certs().join("ca.pem"));
    let metrics = run(settings, |telemetry| drop(telemetry.request("grpc", "route", None)));
    let Heard { head, body } = heard.recv_timeout(PATIENCE).unwrap();
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    let request = Request::decode(body.as_slice()).unwrap();
    assert_eq!(request.resource_spans[0].scope_spans[0].spans[0].name, "route");
    assert_eq!(metrics.total(Metric::SpansExported, &[]), 1);
}

#[test]
fn a_certificate_that_nobody_believes_gets_no_span() {
    let (settings, heard) = encrypted_collector(&[]);
    let metrics = run(settings, |telemetry| drop(telemetry.request("grpc", "route", None)));
    assert!(heard.try_recv().is_err());
    assert_eq!(metrics.total(Metric::SpansDropped, &["export_failed"]), 1);
}

#[test]
fn a_file_without_certificates_is_named_before_anything_is_sent() {
    let mut settings = OtlpSettings::to(Endpoint::parse("https://c").unwrap());
    settings.ca_file = Some("/no/such/ca.pem".into());
    let error = crate::telemetry::prove_collector(&settings).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/ca.pem: expected certificates in PEM"), "{error}");
}

#[test]
fn a_trace_that_is_not_sampled_is_not_sent() {
    let (mut settings, heard) = collector(&[TAKEN]);
    settings.sample_ratio = 0.0;
    let caller: &[u8] = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let metrics = run(settings, |telemetry| {
        drop(telemetry.request("grpc", "route", None));
        let caller = TraceContext::from_headers([caller], []).unwrap();
        drop(telemetry.request("grpc", "route", Some(&caller)));
    });
    assert!(heard.try_recv().is_err());
    assert_eq!(metrics.total(Metric::SpansExported, &[]), 0);
}

#[test]
fn what_a_collector_does_not_take_is_counted() {
    for (script, exported, rejected, failed) in
        [(&[PARTLY] as &[&[u8]], 1, 2, 0), (&[BUSY, TAKEN], 3, 0, 0), (&[REFUSED], 0, 0, 3), (&[], 0, 0, 3)]
    {
        // Leaked so that the collector's thread may outlive the test.
        let (mut settings, _heard) = collector(Vec::leak(script.to_vec()));
        if script.is_empty() {
            settings.timeout = Duration::from_millis(50);
        }
        let metrics = Arc::new(Metrics::default());
        let exporter = Exporter::start(&settings, &metrics).unwrap();
        (0..3).for_each(|_| exporter.queue.try_send(span()).unwrap());
        // Retries are made while nobody is closing; one that is closing sends once.
        wait_until(|| counted(&metrics) == 3);
        assert!(exporter.close(PATIENCE));
        assert_eq!(metrics.total(Metric::SpansExported, &[]), exported, "{script:?}");
        assert_eq!(metrics.total(Metric::SpansDropped, &["rejected"]), rejected, "{script:?}");
        assert_eq!(metrics.total(Metric::SpansDropped, &["export_failed"]), failed, "{script:?}");
    }
}

#[test]
fn a_full_queue_drops_and_a_close_does_not_wait_for_ever() {
    let (mut settings, heard) = collector(&[]);
    settings.queue_len = 4;
    let metrics = Arc::new(Metrics::default());
    let otlp = TelemetrySettings { otlp: Some(settings), ..TelemetrySettings::default() };
    let (telemetry, subscriber) = Telemetry::build(&otlp, &metrics, std::io::sink()).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        drop(telemetry.request("grpc", "route", None));
        // The collector has the first batch and says nothing; now the queue fills.
        heard.recv_timeout(PATIENCE).unwrap();
        (0..10).for_each(|_| drop(telemetry.request("grpc", "route", None)));
    });
    assert_eq!(metrics.total(Metric::SpansDropped, &["queue_full"]), 6);
    assert!(!telemetry.shut_down(Duration::from_millis(20)));
}

#[test]
fn a_span_has_at_most_so_many_attributes_of_such_a_length() {
    let (settings, heard) = collector(&[TAKEN]);
    run(settings, |_| {
        let long = "é".repeat(2000);
        drop(tracing::info_span!(
            "long",
            long,
            a = 1,
            b = 1,
            c = 1,
            d = 1,
            e = 1,
            f = 1,
            g = 1,
            h = 1,
            i = 1,
            j = 1,
            k = 1,
            l = 1,
            m = 1,
            n = 1,
            o = 1,
            p = 1,
            q = 1
        ));
    });
    let request = Request::decode(heard.recv_timeout(PATIENCE).unwrap().body.as_slice()).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (crate::telemetry::MAX_ATTRIBUTES, 2));
    let said = said(&span.attributes, "long");
    assert_eq!(said.matches('é').count(), crate::telemetry::MAX_ATTRIBUTE_BYTES / 2);
}

#[test]
fn an_endpoint_is_read_or_its_mistake_named() {
    for (text, endpoint) in [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("http://collector/", "http://collector:4318/v1/traces"),
        ("http://[::1]:9/otlp/v1/traces", "http://[::1]:9/otlp/v1/traces"),
        ("https://collector", "https://collector:443/v1/traces"),
        ("https://collector:4318/in", "https://collector:4318/in"),
    ] {
        assert_eq!(Endpoint::parse(text).unwrap().to_string(), endpoint);
    }
    for (text, error) in [
        ("", "expected an address as `http://127.0.0.1:4318`, found ``"),
        ("collector:4318", "expected an address as `http://127.0.0.1:4318`, found `collector:4318`"),
        ("grpc://c", "expected an address as `http://127.0.0.1:4318`, found `grpc://c`"),
        ("http://me:key@c", "expected an address without a name or password; send a token as a header"),
    ] {
        assert_eq!(Endpoint::parse(text).unwrap_err().to_string(), error);
    }
}

fn counted(metrics: &Metrics) -> u64 {
    let dropped = ["queue_full", "export_failed", "rejected"].map(|why| metrics.total(Metric::SpansDropped, &[why]));
    metrics.total(Metric::SpansExported, &[]) + dropped.iter().sum::<u64>()
}

fn wait_until(holds: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "it never came to hold");
        std::thread::yield_now();
    }
}

fn span() -> super::Span {
    super::Span {
        trace_id: [1; 16],
        span_id: [2; 8],
        parent_id: None,
        name: "route".to_owned(),
        serves: true,
        start_ns: 1,
        end_ns: 2,
        attributes: Vec::new(),
        n_cut: 0,
        failed: false,
    }
}

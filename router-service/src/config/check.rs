//! What each key of the configuration means: its default, its range, and what must go together. Every number has a range, so
//! that no slip of the hand makes a limit that is none.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use decision::document::{Document, DocumentError, Step};
use http::{HeaderName, HeaderValue};

use super::written::{CallerWritten, ClientCertificates, Format, Log, OutcomeLogWritten, Tls, Traces, Written};
use super::{
    Caller, InferenceRule, Limits, LogRule, MAX_CALLERS, MemoryRule, ReloadRule, Settings, ShutdownRule, Sources,
    TlsFiles, TracesRule, forwarding,
};
use crate::convert::MAX_NAME_BYTES;
use crate::outcome_log::OutcomeLogSettings;
use crate::secret::Secret;
use crate::telemetry::{Endpoint, LogFilter, LogFormat, OtlpSettings};

/// Bytes a token may have at least: what can be guessed is no token.
const MIN_TOKEN_BYTES: usize = 16;

/// Checks what is written and fills in what is not.
pub(super) fn settings(
    document: &Document<'_>,
    written: &Written,
    folder: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<Settings, DocumentError> {
    let check = Check { document, folder };
    let path = |text: &Option<String>| text.as_ref().map(|text| folder.join(text));
    let (grpc_listen, http_listen) = check.doors(written)?;
    Ok(Settings {
        grpc_listen,
        http_listen,
        worker_threads: check.count("runtime", "worker_threads", written.runtime.worker_threads, n_cores(), 1..=256)?,
        tls: check.tls(&written.tls)?,
        callers: check.callers(&written.caller, environment)?,
        sources: Sources {
            catalog: path(&written.routing.catalog_file),
            policies: path(&written.routing.policies_file),
            artifact: path(&written.routing.artifact_directory),
        },
        reload: ReloadRule {
            watch: written.reload.watch.unwrap_or(true),
            poll: check.ms("reload", "poll_ms", written.reload.poll_ms, 1_000, 20..=3_600_000)?,
        },
        limits: check.limits(&written.limits, written.outcome_log.keep_prompts.unwrap_or(false))?,
        inference: check.inference(&written.inference)?,
        memory: check.memory(&written.memory)?,
        shutdown: ShutdownRule {
            notice: check.ms("shutdown", "notice_ms", written.shutdown.notice_ms, 500, 0..=600_000)?,
            drain: check.ms("shutdown", "drain_ms", written.shutdown.drain_ms, 10_000, 0..=3_600_000)?,
        },
        forwarding: forwarding::checked(&check, written, environment)?,
        outcome_log: check.outcome_log(&written.outcome_log)?,
        log: check.log(&written.log)?,
        traces: check.traces(&written.traces, environment)?,
    })
}

/// Whether outcome rows can bear this as their source.
fn is_source(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.trim().is_empty() && !name.chars().any(char::is_control)
}

fn n_cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap_or(1)).min(64)
}

/// What complaints are placed by.
pub(super) struct Check<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) folder: &'a Path,
}

impl Check<'_> {
    pub(super) fn fault(&self, section: &str, key: &str, complaint: impl std::fmt::Display) -> DocumentError {
        self.document.fault(&[Step::from(section), Step::from(key)], complaint)
    }

    pub(super) fn number(
        &self,
        section: &str,
        key: &str,
        found: Option<u64>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, DocumentError> {
        let found = found.unwrap_or(default);
        if range.contains(&found) {
            return Ok(found);
        }
        let (low, high) = range.into_inner();
        Err(self.fault(section, key, format!("expected a whole number from {low} to {high}, found {found}")))
    }

    pub(super) fn count(
        &self,
        section: &str,
        key: &str,
        found: Option<u64>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<usize, DocumentError> {
        let number = self.number(section, key, found, default, range)?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    pub(super) fn ms(
        &self,
        section: &str,
        key: &str,
        found: Option<u64>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<Duration, DocumentError> {
        self.number(section, key, found, default, range).map(Duration::from_millis)
    }

    /// Where both doors listen; on one address only one of them could.
    fn doors(&self, written: &Written) -> Result<(SocketAddr, SocketAddr), DocumentError> {
        let grpc = self.address("grpc", written.grpc.listen.as_deref(), "127.0.0.1:50051")?;
        let http = self.address("http", written.http.listen.as_deref(), "127.0.0.1:8080")?;
        let overlap = grpc.ip() == http.ip() || grpc.ip().is_unspecified() || http.ip().is_unspecified();
        if overlap && grpc.is_ipv4() == http.is_ipv4() && grpc.port() == http.port() && grpc.port() != 0 {
            let section = if written.http.listen.is_some() { "http" } else { "grpc" };
            let complaint =
                format!("expected doors of their own for gRPC and HTTP, found both at port {}", grpc.port());
            return Err(self.fault(section, "listen", complaint));
        }
        Ok((grpc, http))
    }

    fn address(&self, section: &str, found: Option<&str>, default: &str) -> Result<SocketAddr, DocumentError> {
        let found = found.unwrap_or(default);
        found.parse().map_err(|_| {
            let complaint = format!("expected an address and a port, as `{default}` or `[::1]:0`, found `{found}`");
            self.fault(section, "listen", complaint)
        })
    }

    fn tls(&self, written: &Tls) -> Result<Option<TlsFiles>, DocumentError> {
        let path = |text: &String| -> PathBuf { self.folder.join(text) };
        let wrong = |key, complaint: &str| Err(self.fault("tls", key, complaint));
        let (certificate, key) = match (&written.certificate_file, &written.key_file) {
            (Some(certificate), Some(key)) => (path(certificate), path(key)),
            (Some(_), None) => return wrong("key_file", "expected the private key of `certificate_file`, found none"),
            (None, Some(_)) => return wrong("certificate_file", "expected the certificate of `key_file`, found none"),
            (None, None) if *written == Tls::default() => return Ok(None),
            (None, None) => return wrong("certificate_file", "expected a certificate beside the other keys of `tls`"),
        };
        if written.client_ca_file.is_none() && written.client_certificates.is_some() {
            return wrong("client_certificates", "needs `client_ca_file`, which says whose certificates are believed");
        }
        Ok(Some(TlsFiles {
            certificate,
            key,
            client_ca: written.client_ca_file.as_ref().map(path),
            client_required: written.client_ca_file.is_some()
                && written.client_certificates != Some(ClientCertificates::Optional),
        }))
    }

    fn callers(
        &self,
        written: &[CallerWritten],
        environment: &BTreeMap<String, String>,
    ) -> Result<Vec<Caller>, DocumentError> {
        if written.len() > MAX_CALLERS {
            let complaint = format!("expected at most {MAX_CALLERS} callers, found {}", written.len());
            return Err(self.document.fault(&["caller".into()], complaint));
        }
        let mut callers: Vec<Caller> = Vec::new();
        for (index, caller) in written.iter().enumerate() {
            let wrong = |key: &str, complaint: String| {
                Err(self.document.fault(&["caller".into(), index.into(), key.into()], complaint))
            };
            let CallerWritten { name, token_env, admin } = caller;
            if name.is_empty() || name.len() > 64 || callers.iter().any(|other| other.name == *name) {
                return wrong("name", "expected a name of 1 to 64 bytes that no other caller has".to_owned());
            }
            let Some(token) = environment.get(token_env) else {
                return wrong("token_env", format!("expected the environment to hold `{token_env}`; it does not"));
            };
            let usable = token.len() >= MIN_TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_graphic());
            if !usable {
                let complaint = format!(
                    "expected a token of at least {MIN_TOKEN_BYTES} printable ASCII characters without spaces in `{token_env}`"
                );
                return wrong("token_env", complaint);
            }
            callers.push(Caller::new(name, token_env, token, *admin));
        }
        Ok(callers)
    }

    fn limits(&self, written: &super::written::Limits, keep_text: bool) -> Result<Limits, DocumentError> {
        const MIB: u64 = 1024 * 1024;
        let count = |key, found, default, range| self.count("limits", key, found, default, range);
        let ms = |key, found, default, range| self.ms("limits", key, found, default, range);
        let limits = Limits {
            max_connections: count("max_connections", written.max_connections, 4_096, 1..=1_000_000)?,
            max_concurrent_requests: count(
                "max_concurrent_requests",
                written.max_concurrent_requests,
                64 * n_cores(),
                1..=1_000_000,
            )?,
            max_bytes_in_flight: count(
                "max_bytes_in_flight",
                written.max_bytes_in_flight,
                32 * MIB,
                1024..=64 * 1024 * MIB,
            )?,
            max_body_bytes: count("max_body_bytes", written.max_body_bytes, 4 * MIB, 1024..=256 * MIB)?,
            max_prompt_bytes: count("max_prompt_bytes", written.max_prompt_bytes, 2 * MIB, 16..=256 * MIB)?,
            max_messages: count("max_messages", written.max_messages, 2_000, 1..=100_000)?,
            max_candidates: count("max_candidates", written.max_candidates, 512, 1..=4_096)?,
            max_batch_requests: count("max_batch_requests", written.max_batch_requests, 256, 1..=10_000)?,
            header_timeout: ms("header_timeout_ms", written.header_timeout_ms, 5_000, 10..=600_000)?,
            request_timeout: ms("request_timeout_ms", written.request_timeout_ms, 10_000, 10..=600_000)?,
            retry_after: ms("retry_after_ms", written.retry_after_ms, 1_000, 1..=600_000)?,
            keep_text,
        };
        if limits.max_bytes_in_flight < limits.max_body_bytes {
            let complaint =
                format!("expected at least `max_body_bytes`, {}, or no such body is ever read", limits.max_body_bytes);
            return Err(self.fault("limits", "max_bytes_in_flight", complaint));
        }
        Ok(limits)
    }

    fn inference(&self, written: &super::written::Inference) -> Result<InferenceRule, DocumentError> {
        let count = |key, found, default, range| self.count("inference", key, found, default, range);
        let threads = n_cores();
        let wait_us = self.number("inference", "batch_wait_us", written.batch_wait_us, 0, 0..=1_000)?;
        Ok(InferenceRule {
            threads: count("threads", written.threads, threads, 1..=256)?,
            queue_prompts: count("queue_prompts", written.queue_prompts, 32 * threads, 1..=100_000)?,
            batch_prompts: count("batch_prompts", written.batch_prompts, 16, 1..=1_024)?,
            batch_wait: Duration::from_micros(wait_us),
            deadline: self.ms("inference", "deadline_ms", written.deadline_ms, 15, 1..=60_000)?,
            cache_mib: count("cache_mib", written.cache_mib, 16, 0..=65_536)?,
        })
    }

    fn memory(&self, written: &super::written::Memory) -> Result<MemoryRule, DocumentError> {
        let count = |key, found, default| self.count("memory", key, found, default, 0..=10_000_000);
        let s = |key, found, default, range| self.number("memory", key, found, default, range).map(Duration::from_secs);
        Ok(MemoryRule {
            sessions: count("sessions", written.sessions, 65_536)?,
            session_idle: s("session_idle_s", written.session_idle_s, 3_600, 1..=604_800)?,
            prompt_cache: s("prompt_cache_s", written.prompt_cache_s, 300, 0..=86_400)?,
            decisions: count("decisions", written.decisions, 65_536)?,
        })
    }

    fn outcome_log(&self, written: &OutcomeLogWritten) -> Result<Option<OutcomeLogSettings>, DocumentError> {
        let section = "outcome_log";
        let Some(directory) = &written.directory else {
            return match *written == OutcomeLogWritten::default() {
                true => Ok(None),
                false => Err(self.fault(section, "directory", "expected a directory beside the other keys")),
            };
        };
        let usual = OutcomeLogSettings::to(self.folder.join(directory));
        let queue_len = u64::try_from(usual.queue_len).unwrap_or(u64::MAX);
        let number = |key, found, usual, range| self.number(section, key, found, usual, range);
        let age = number("segment_age_s", written.segment_age_s, usual.segment_age.as_secs(), 1..=86_400)?;
        if let Some(source) = written.source.as_ref().filter(|source| !is_source(source)) {
            let found = format!(
                "found {} bytes{}",
                source.len(),
                if source.is_empty() { "" } else { " or control characters" }
            );
            let complaint =
                format!("expected a name of 1 to {MAX_NAME_BYTES} bytes without control characters, {found}");
            return Err(self.fault(section, "source", complaint));
        }
        Ok(Some(OutcomeLogSettings {
            source: written.source.clone().unwrap_or(usual.source),
            keep_prompts: written.keep_prompts.unwrap_or(false),
            queue_len: self.count(section, "queue_records", written.queue_records, queue_len, 1..=1_000_000)?,
            segment_rows: number("segment_rows", written.segment_rows, usual.segment_rows, 1..=10_000_000)?,
            segment_bytes: number("segment_mib", written.segment_mib, usual.segment_bytes >> 20, 1..=1_024)? << 20,
            segment_age: Duration::from_secs(age),
            folder: usual.folder,
        }))
    }

    fn log(&self, written: &Log) -> Result<LogRule, DocumentError> {
        let filter = written.filter.as_deref().map_or_else(|| Ok(LogFilter::default()), LogFilter::parse);
        Ok(LogRule {
            filter: filter.map_err(|error| self.fault("log", "filter", error))?,
            format: match written.format {
                None | Some(Format::Human) => LogFormat::Human,
                Some(Format::Json) => LogFormat::Json,
            },
        })
    }

    fn traces(
        &self,
        written: &Traces,
        environment: &BTreeMap<String, String>,
    ) -> Result<Option<TracesRule>, DocumentError> {
        let wrong = |key, complaint: String| self.fault("traces", key, complaint);
        let Some(endpoint_text) = written.otlp_endpoint.clone() else {
            return match *written == Traces::default() {
                true => Ok(None),
                false => {
                    Err(wrong("otlp_endpoint", "expected an endpoint beside the other keys of `traces`".to_owned()))
                }
            };
        };
        let endpoint = Endpoint::parse(&endpoint_text).map_err(|error| wrong("otlp_endpoint", error.to_string()))?;
        let mut otlp = OtlpSettings::to(endpoint);
        otlp.ca_file = written.otlp_ca_file.as_ref().map(|text| self.folder.join(text));
        if otlp.ca_file.is_some() && !otlp.endpoint.tls() {
            return Err(wrong("otlp_ca_file", "needs an `otlp_endpoint` that begins with `https://`".to_owned()));
        }
        if let Some(name) = &written.service_name {
            otlp.service_name.clone_from(name);
        }
        otlp.sample_ratio = written.sample_ratio.unwrap_or(otlp.sample_ratio);
        if !(0.0..=1.0).contains(&otlp.sample_ratio) {
            let complaint = format!("expected a share between 0 and 1, found {}", otlp.sample_ratio);
            return Err(wrong("sample_ratio", complaint));
        }
        otlp.timeout = self.ms("traces", "timeout_ms", written.timeout_ms, 5_000, 10..=60_000)?;
        if let Some(variable) = &written.otlp_headers_env {
            let text = environment.get(variable).ok_or_else(|| {
                wrong("otlp_headers_env", format!("expected the environment to hold `{variable}`; it does not"))
            })?;
            otlp.headers = headers(text).ok_or_else(|| {
                let complaint = format!("expected `name=value`, parted by commas, in `{variable}`");
                wrong("otlp_headers_env", complaint)
            })?;
        }
        Ok(Some(TracesRule { otlp, endpoint_text, headers_env: written.otlp_headers_env.clone() }))
    }
}

/// Headers as OpenTelemetry's own variables write them: `api-key=abc,tenant=x`.
pub(super) fn headers(text: &str) -> Option<Vec<(HeaderName, Secret)>> {
    let parts = text.split(',').filter(|part| !part.trim().is_empty());
    let header = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let name = HeaderName::try_from(name.trim()).ok()?;
        HeaderValue::try_from(value.trim()).ok()?;
        Some((name, Secret::new(value.trim())))
    };
    parts.map(header).collect()
}

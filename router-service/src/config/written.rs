//! The configuration as it is written: every key optional, unknown keys refused. One list of keys makes the file's form, the
//! overrides from the environment and the printed settings; what a key means and may hold is said in `check.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use decision::document::{Document, unknown};
use serde::{Deserialize, Serialize};

use super::provider::ProviderWritten;
use super::{ConfigError, OVERRIDE_PREFIX, Settings};
use crate::outcome_log::OutcomeLogSettings;
use crate::telemetry::LogFormat;

macro_rules! sections {
    ($($section:ident: $name:ident { $($key:ident: $kind:ty),* $(,)? })*) => {
        /// A configuration file.
        #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Written {
            $(#[serde(skip_serializing_if = "is_empty")] pub(super) $section: $name,)*
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub(super) caller: Vec<CallerWritten>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub(super) provider: Vec<ProviderWritten>,
        }

        $(
            #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields, default)]
            pub(super) struct $name {
                $(#[serde(skip_serializing_if = "Option::is_none")] pub(super) $key: Option<$kind>,)*
            }
        )*

        /// Every section with its keys, as the file writes them.
        pub fn keys() -> Vec<(&'static str, &'static [&'static str])> {
            vec![$((stringify!($section), &[$(stringify!($key)),*])),*]
        }

        /// What a key holds, by the name of its type.
        fn kind(section: &str, key: &str) -> Option<&'static str> {
            match (section, key) {
                $($((stringify!($section), stringify!($key)) => Some(stringify!($kind)),)*)*
                (_, _) => None,
            }
        }

        impl Written {
            /// Takes over what `upper` says.
            fn under(&mut self, upper: Self) {
                $($(if upper.$section.$key.is_some() { self.$section.$key = upper.$section.$key; })*)*
            }
        }
    };
}

sections! {
    grpc: Grpc { listen: String }
    http: Http { listen: String }
    runtime: Runtime { worker_threads: u64 }
    tls: Tls { certificate_file: String, key_file: String, client_ca_file: String, client_certificates: ClientCertificates }
    routing: Routing { catalog_file: String, policies_file: String, artifact_directory: String }
    reload: Reload { watch: bool, poll_ms: u64 }
    limits: Limits {
        max_connections: u64,
        max_concurrent_requests: u64,
        max_bytes_in_flight: u64,
        max_body_bytes: u64,
        max_prompt_bytes: u64,
        max_messages: u64,
        max_candidates: u64,
        max_batch_requests: u64,
        header_timeout_ms: u64,
        request_timeout_ms: u64,
        retry_after_ms: u64,
    }
    inference: Inference {
        threads: u64,
        queue_prompts: u64,
        batch_prompts: u64,
        batch_wait_us: u64,
        deadline_ms: u64,
        cache_mib: u64,
    }
    memory: Memory { sessions: u64, session_idle_s: u64, prompt_cache_s: u64, decisions: u64 }
    forwarding: ForwardingWritten {
        n_attempts_max: u64,
        total_ms: u64,
        connect_ms: u64,
        first_token_ms: u64,
        between_tokens_ms: u64,
        reply_ms: u64,
        backoff_ms: u64,
        backoff_ms_max: u64,
        max_concurrent_calls: u64,
        max_reply_bytes: u64,
        hedge_share: f64,
        hedge_after_ms: u64,
        fallbacks_when_named: bool,
        baseline_model: String,
    }
    shutdown: Shutdown { notice_ms: u64, drain_ms: u64 }
    outcome_log: OutcomeLogWritten {
        directory: String,
        source: String,
        keep_prompts: bool,
        queue_records: u64,
        segment_rows: u64,
        segment_mib: u64,
        segment_age_s: u64,
    }
    log: Log { filter: String, format: Format }
    traces: Traces {
        otlp_endpoint: String,
        otlp_ca_file: String,
        otlp_headers_env: String,
        service_name: String,
        sample_ratio: f64,
        timeout_ms: u64,
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    Human,
    Json,
}

/// Whether callers show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ClientCertificates {
    Required,
    Optional,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerWritten {
    pub(super) name: String,
    pub(super) token_env: String,
    #[serde(default)]
    pub(super) admin: bool,
}

fn is_empty<T: Default + PartialEq>(section: &T) -> bool {
    *section == T::default()
}

impl Written {
    /// The file with what the environment overrides. A variable that looks like an override and is none is a slip.
    pub(super) fn overridden_by(mut self, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        for (variable, value) in environment {
            let Some(path) = variable.strip_prefix(OVERRIDE_PREFIX) else { continue };
            let wrong = |complaint| ConfigError::Override { variable: variable.clone(), complaint };
            let (section, key) = known(path).map_err(wrong)?;
            let text = as_toml(kind(&section, &key), value);
            let text = format!("[{section}]\n{key} = {text}\n");
            let upper = Document::parse(&text).and_then(|document| document.read());
            self.under(upper.map_err(|error| wrong(error.complaint))?);
        }
        Ok(self)
    }

    /// The settings written out, every key.
    pub(super) fn of(settings: &Settings) -> Self {
        let path = |path: &PathBuf| whole_path(path);
        let whole = |number: usize| u64::try_from(number).ok();
        let ms = |span: std::time::Duration| u64::try_from(span.as_millis()).ok();
        let Settings { limits, inference, memory, reload, shutdown, sources, .. } = settings;
        let tls = settings.tls.as_ref();
        Self {
            grpc: Grpc { listen: Some(settings.grpc_listen.to_string()) },
            http: Http { listen: Some(settings.http_listen.to_string()) },
            runtime: Runtime { worker_threads: whole(settings.worker_threads) },
            tls: Tls {
                certificate_file: tls.map(|tls| path(&tls.certificate)),
                key_file: tls.map(|tls| path(&tls.key)),
                client_ca_file: tls.and_then(|tls| tls.client_ca.as_ref().map(path)),
                client_certificates: tls.filter(|tls| tls.client_ca.is_some()).map(|tls| match tls.client_required {
                    true => ClientCertificates::Required,
                    false => ClientCertificates::Optional,
                }),
            },
            routing: Routing {
                catalog_file: sources.catalog.as_ref().map(path),
                policies_file: sources.policies.as_ref().map(path),
                artifact_directory: sources.artifact.as_ref().map(path),
            },
            reload: Reload { watch: Some(reload.watch), poll_ms: ms(reload.poll) },
            limits: Limits {
                max_connections: whole(limits.max_connections),
                max_concurrent_requests: whole(limits.max_concurrent_requests),
                max_bytes_in_flight: whole(limits.max_bytes_in_flight),
                max_body_bytes: whole(limits.max_body_bytes),
                max_prompt_bytes: whole(limits.max_prompt_bytes),
                max_messages: whole(limits.max_messages),
                max_candidates: whole(limits.max_candidates),
                max_batch_requests: whole(limits.max_batch_requests),
                header_timeout_ms: ms(limits.header_timeout),
                request_timeout_ms: ms(limits.request_timeout),
                retry_after_ms: ms(limits.retry_after),
            },
            inference: Inference {
                threads: whole(inference.threads),
                queue_prompts: whole(inference.queue_prompts),
                batch_prompts: whole(inference.batch_prompts),
                batch_wait_us: u64::try_from(inference.batch_wait.as_micros()).ok(),
                deadline_ms: ms(inference.deadline),
                cache_mib: whole(inference.cache_mib),
            },
            memory: Memory {
                sessions: whole(memory.sessions),
                session_idle_s: Some(memory.session_idle.as_secs()),
                prompt_cache_s: Some(memory.prompt_cache.as_secs()),
                decisions: whole(memory.decisions),
            },
            log: Log {
                filter: Some(settings.log.filter.as_str().to_owned()),
                format: Some(match settings.log.format {
                    LogFormat::Human => Format::Human,
                    LogFormat::Json => Format::Json,
                }),
            },
            traces: settings.traces.as_ref().map(Traces::of).unwrap_or_default(),
            outcome_log: settings.outcome_log.as_ref().map(OutcomeLogWritten::of).unwrap_or_default(),
            shutdown: Shutdown { notice_ms: ms(shutdown.notice), drain_ms: ms(shutdown.drain) },
            caller: settings.callers.iter().map(CallerWritten::of).collect(),
            forwarding: ForwardingWritten::of(&settings.forwarding),
            provider: settings.forwarding.providers.iter().map(ProviderWritten::of).collect(),
        }
    }
}

impl Traces {
    fn of(traces: &super::TracesRule) -> Self {
        Self {
            otlp_endpoint: Some(traces.endpoint_text.clone()),
            otlp_ca_file: traces.otlp.ca_file.as_deref().map(whole_path),
            otlp_headers_env: traces.headers_env.clone(),
            service_name: Some(traces.otlp.service_name.clone()),
            sample_ratio: Some(traces.otlp.sample_ratio),
            timeout_ms: u64::try_from(traces.otlp.timeout.as_millis()).ok(),
        }
    }
}

impl OutcomeLogWritten {
    fn of(log: &OutcomeLogSettings) -> Self {
        Self {
            directory: Some(whole_path(&log.folder)),
            source: Some(log.source.clone()),
            keep_prompts: Some(log.keep_prompts),
            queue_records: u64::try_from(log.queue_len).ok(),
            segment_rows: Some(log.segment_rows),
            segment_mib: Some(log.segment_bytes >> 20),
            segment_age_s: Some(log.segment_age.as_secs()),
        }
    }
}

impl CallerWritten {
    fn of(caller: &super::Caller) -> Self {
        Self { name: caller.name.clone(), token_env: caller.token_env.clone(), admin: caller.admin }
    }
}

/// The text of a variable as the file would write it. A key for a text takes any, also one that looks like a number.
fn as_toml(kind: Option<&str>, value: &str) -> String {
    let plain = value.trim();
    let number = plain.parse::<f64>().ok().filter(|number| number.is_finite());
    match (kind, number) {
        (Some("bool"), _) if plain == "true" || plain == "false" => plain.to_owned(),
        (Some("u64"), Some(_)) if plain.parse::<i64>().is_ok() => plain.to_owned(),
        // As it prints, a number has a point or an exponent: without either it would be a whole one.
        (Some("f64"), Some(number)) => format!("{number:?}"),
        (_, _) => toml::Value::String(value.to_owned()).to_string(),
    }
}

/// A path as it is written out: whole, since whoever keeps what is printed may keep it in another folder.
pub(super) fn whole_path(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// The section and key that `HTTP__LISTEN` means.
fn known(path: &str) -> Result<(String, String), String> {
    let path = path.to_lowercase();
    let (section, key) = path.split_once("__").ok_or(format!("expected {OVERRIDE_PREFIX}SECTION__KEY"))?;
    let sections = keys();
    let Some((_, keys)) = sections.iter().find(|(name, _)| *name == section) else {
        return Err(unknown("section", section, sections.iter().map(|(name, _)| *name)));
    };
    if !keys.contains(&key) {
        return Err(unknown("key", key, keys.iter().copied()));
    }
    Ok((section.to_owned(), key.to_owned()))
}

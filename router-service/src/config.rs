//! The configuration: a file as somebody wrote it -> `Settings` as they are meant. The only reader of the environment: secrets
//! are named in the file (`token_env`), and any key can be overridden by a variable such as `POINTSMAN__HTTP__LISTEN`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use decision::document::{Document, DocumentError};
use sha2::{Digest, Sha256};

use crate::outcome_log::OutcomeLogSettings;
use crate::telemetry::{LogFilter, LogFormat, OtlpSettings, TelemetrySettings};

mod check;
mod forwarding;
mod provider;
mod secret_name;
mod written;

pub use forwarding::{ForwardingRule, HedgeRule};
pub use provider::{BaseUrl, MAX_PROVIDERS, MAX_SERVED, Patience, ProviderKind, ProviderRule, Proxy, Served};
use written::Written;
pub use written::keys;

/// What begins the name of a variable that overrides a key: `POINTSMAN__SECTION__KEY`.
pub const OVERRIDE_PREFIX: &str = "POINTSMAN__";

/// Callers that may be listed. A guess at more than any operator writes by hand.
pub const MAX_CALLERS: usize = 256;

/// Bytes a configuration file may have.
pub const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

/// Everything `serve` goes by.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where gRPC listens.
    pub grpc_listen: SocketAddr,
    /// Where HTTP listens.
    pub http_listen: SocketAddr,
    /// Threads of the runtime that serves connections.
    pub worker_threads: usize,
    /// Encryption on both listeners, where wanted.
    pub tls: Option<TlsFiles>,
    /// Who may call. Empty: anybody who can connect.
    pub callers: Vec<Caller>,
    /// Where catalog, policies and artifact come from.
    pub sources: Sources,
    /// When they are read anew.
    pub reload: ReloadRule,
    /// What one caller, one request and all of them together may take.
    pub limits: Limits,
    /// How forecasts are made.
    pub inference: InferenceRule,
    /// What is remembered between requests.
    pub memory: MemoryRule,
    /// How calls are forwarded, and to whom.
    pub forwarding: ForwardingRule,
    /// How it ends.
    pub shutdown: ShutdownRule,
    /// What is logged, and how.
    pub log: LogRule,
    /// Where spans go, where they are wanted.
    pub traces: Option<TracesRule>,
    /// Where decisions and their outcomes are logged, where they are.
    pub outcome_log: Option<OutcomeLogSettings>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogRule {
    /// Which events.
    pub filter: LogFilter,
    /// How they look.
    pub format: LogFormat,
}

/// Where spans go.
#[derive(Clone, Debug, PartialEq)]
pub struct TracesRule {
    /// The collector and how it is talked to; secrets inside are hidden.
    pub otlp: OtlpSettings,
    endpoint_text: String,
    headers_env: Option<String>,
}

/// The files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Who signs the certificates of callers, PEM; none where callers need no certificate.
    pub client_ca: Option<PathBuf>,
    /// Whether a caller without a certificate is turned away.
    pub client_required: bool,
}

/// Somebody who may call.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name, for logs.
    pub name: String,
    /// The variable that holds its token.
    pub token_env: String,
    /// Whether it may make the service read its files anew.
    pub admin: bool,
    digest: [u8; 32],
}

impl Caller {
    /// A caller with this token. The token itself is not kept.
    pub fn new(name: &str, token_env: &str, token: &str, admin: bool) -> Self {
        Self { name: name.to_owned(), token_env: token_env.to_owned(), admin, digest: digest(token) }
    }

    /// Whether this is the caller's token. Digests are compared, so the time it takes says nothing of the token.
    pub fn bears(&self, token: &str) -> bool {
        self.digest == digest(token)
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("name", &self.name).field("admin", &self.admin).finish_non_exhaustive()
    }
}

/// Where catalog, policies and artifact come from; what is not given is what the binary holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The catalog, TOML.
    pub catalog: Option<PathBuf>,
    /// The policies, TOML.
    pub policies: Option<PathBuf>,
    /// The artifact's directory.
    pub artifact: Option<PathBuf>,
}

/// When sources are read anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadRule {
    /// Whether a changed file is noticed.
    pub watch: bool,
    /// How often it is looked at.
    pub poll: Duration,
}

/// What may be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once, each listener apart.
    pub max_connections: usize,
    /// Requests under way at once.
    pub max_concurrent_requests: usize,
    /// Bytes of request bodies held at once, all requests together.
    pub max_bytes_in_flight: usize,
    /// Bytes of one request's body, before and after decompression.
    pub max_body_bytes: usize,
    /// Bytes of a prompt's text, all messages together.
    pub max_prompt_bytes: usize,
    /// Messages of a conversation.
    pub max_messages: usize,
    /// Names in any one list of a request.
    pub max_candidates: usize,
    /// Requests of a batch.
    pub max_batch_requests: usize,
    /// From accepting a connection to its first whole request head.
    pub header_timeout: Duration,
    /// From a request's head to its answer.
    pub request_timeout: Duration,
    /// When a caller that was shed should come again.
    pub retry_after: Duration,
    /// Whether the text of a prompt is kept beside what is forecast from it: only where the outcome log stores it.
    pub keep_text: bool,
}

/// How forecasts are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceRule {
    /// Threads that forecast.
    pub threads: usize,
    /// Prompts that may wait.
    pub queue_prompts: usize,
    /// Prompts forecast together at most.
    pub batch_prompts: usize,
    /// How long a prompt waits for company.
    pub batch_wait: Duration,
    /// How long a request waits for its forecast before it is decided without.
    pub deadline: Duration,
    /// Memory for forecasts of prompts seen before.
    pub cache_mib: usize,
}

/// What is remembered between requests, bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryRule {
    /// Conversations.
    pub sessions: usize,
    /// When a silent conversation is forgotten.
    pub session_idle: Duration,
    /// How long a provider is believed to keep a prompt in its cache.
    pub prompt_cache: Duration,
    /// Decisions that wait for a verdict.
    pub decisions: usize,
}

/// How the service ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownRule {
    /// From "not ready" to closing the listeners, for balancers to notice.
    pub notice: Duration,
    /// How long requests under way may take after that.
    pub drain: Duration,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is too long to be one.
    #[error("{path}: expected at most {MAX_CONFIG_BYTES} bytes, found {found}")]
    TooLong {
        /// The file.
        path: String,
        /// Its length.
        found: u64,
    },
    /// Something in the file is wrong.
    #[error("{path}: {source}")]
    Document {
        /// The file.
        path: String,
        /// What, and where.
        source: DocumentError,
    },
    /// A variable that overrides nothing, or with a value of the wrong kind.
    #[error("environment variable `{variable}`: {complaint}")]
    Override {
        /// The variable.
        variable: String,
        /// What was expected.
        complaint: String,
    },
}

impl Settings {
    /// What holds without any file.
    pub fn built_in() -> Self {
        Self::from_text("", Path::new(""), &BTreeMap::new()).expect("nothing written is nothing wrong, as a test shows")
    }

    /// Reads the file, if there is one, and the environment.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::of_text("", "the environment", Path::new(""), &environment());
        };
        let name = path.display().to_string();
        let failed = |source| ConfigError::Read { path: name.clone(), source };
        let length = fs::metadata(path).map_err(failed)?.len();
        if length > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLong { path: name, found: length });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::of_text(&text, &name, folder, &environment())
    }

    /// The meaning of a text. Paths in it are taken from `folder`; `environment` holds what may override and the secrets.
    pub fn from_text(text: &str, folder: &Path, environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        Self::of_text(text, "configuration", folder, environment)
    }

    fn of_text(
        text: &str,
        name: &str,
        folder: &Path,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let wrong = |source| ConfigError::Document { path: name.to_owned(), source };
        let document = Document::parse(text).map_err(wrong)?;
        let written: Written = document.read().map_err(wrong)?;
        let written = written.overridden_by(environment)?;
        check::settings(&document, &written, folder, environment).map_err(wrong)
    }

    /// What telemetry is to be set up. `colour` says whether a person looks.
    pub fn telemetry(&self, colour: bool) -> TelemetrySettings {
        let (format, filter) = (self.log.format, self.log.filter.clone());
        TelemetrySettings { format, filter, colour, otlp: self.traces.as_ref().map(|traces| traces.otlp.clone()) }
    }

    /// The effective settings as a configuration that means the same. Secrets are not in it, only the names of their variables.
    pub fn to_toml(&self) -> String {
        toml::to_string(&Written::of(self)).expect("tables of strings and whole numbers have a TOML form")
    }

    /// The same for programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(Written::of(self)).expect("tables of strings and whole numbers have a JSON form")
    }
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests;

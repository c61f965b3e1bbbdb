//! A provider: where it is, what it serves and what it can bear. Its key is named, never written; one whose key the environment
//! lacks is listed and not used, so that a replica without it still starts.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use decision::document::{DocumentError, Step};
use decision::{ModelId, Price, Prices};
use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};

use super::check::{Check, headers};
use super::forwarding::{millis, place};
use super::secret_name::{ELSEWHERE, names_secret};
use super::written::whole_path;
use crate::secret::Secret;

/// Providers that may be listed. A guess at more than anybody has contracts with.
pub const MAX_PROVIDERS: usize = 256;

/// Models that one provider may serve: as many as a catalog may hold.
pub const MAX_SERVED: usize = decision::MAX_MODELS;

/// How long one try may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// To a connection, encryption included.
    pub connect: Duration,
    /// From the call to the first token of a stream.
    pub first_token: Duration,
    /// Between two tokens of a stream.
    pub between_tokens: Duration,
    /// From the call to the whole reply, where it is not streamed.
    pub reply: Duration,
}

impl Patience {
    /// From a call to the first sign of its answer.
    pub fn to_speak(&self, streams: bool) -> Duration {
        if streams { self.first_token } else { self.reply }
    }
}

/// What a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI's chat completions, as most servers do.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Nothing: the built-in one, which repeats what was chosen and why.
    Echo,
}

/// Where a provider is: scheme, authority, path and query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    path: String,
    query: Option<String>,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The authority, as it goes into the request.
    pub authority: String,
}

impl BaseUrl {
    /// Reads an address. The complaint never quotes one that may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = || "expected an address as `https://api.example.com/v1`, without name or password".to_owned();
        let uri: Uri = text.parse().map_err(|_| form())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(form)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(form()),
        };
        if authority.host().is_empty() {
            return Err(form());
        }
        let mut names = uri.query().unwrap_or("").split('&').map(|pair| pair.split('=').next().unwrap_or(""));
        if names.any(names_secret) {
            return Err(format!("expected an address without a key in its query; {ELSEWHERE}"));
        }
        Ok(Self {
            text: text.to_owned(),
            path: uri.path().trim_end_matches('/').to_owned(),
            query: uri.query().map(str::to_owned),
            tls,
            authority: authority.to_string(),
        })
    }

    /// The address of one of its calls.
    pub fn at(&self, call: &str) -> Result<Uri, http::Error> {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        Uri::builder()
            .scheme(if self.tls { "https" } else { "http" })
            .authority(self.authority.as_str())
            .path_and_query(format!("{}{call}{query}", self.path))
            .build()
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An HTTP proxy, asked to connect through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// A model that a provider serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// Its name in the catalog.
    pub model: ModelId,
    /// Its name there.
    pub upstream: String,
    /// How often this provider comes first among those of the model.
    pub weight: f64,
    /// What it costs there, where that is not what the catalog says.
    pub prices: Option<Prices>,
    /// The model's own vocabulary, to count by what the provider does not tell.
    pub tokenizer_file: Option<PathBuf>,
}

/// A provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderRule {
    /// Its name, for metrics and replies.
    pub name: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Where it is; an echo is nowhere.
    pub base_url: Option<BaseUrl>,
    /// The variable that holds its key.
    pub key_env: Option<String>,
    /// The key.
    pub key: Option<Secret>,
    /// Why it is not used, where it is not.
    pub unusable: Option<String>,
    /// What goes along with every call.
    pub headers: Vec<(HeaderName, String)>,
    /// The variable with headers that are secret.
    pub headers_env: Option<String>,
    /// Those headers.
    pub secret_headers: Vec<(HeaderName, Secret)>,
    /// Who signs its certificate, PEM, beside those everybody believes.
    pub ca_file: Option<PathBuf>,
    /// What is connected through.
    pub proxy: Option<Proxy>,
    /// How long one try may take.
    pub patience: Patience,
    /// Calls to it under way at once.
    pub n_concurrent_max: usize,
    /// Calls to it in a minute.
    pub requests_per_minute: Option<u32>,
    /// Whether its streams are asked to end with their usage.
    pub stream_usage: bool,
    /// What it serves.
    pub models: Vec<Served>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderWritten {
    name: String,
    kind: Option<ProviderKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    between_tokens_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_concurrent_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_usage: Option<bool>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    model: Vec<ServedWritten>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServedWritten {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokenizer_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_per_1m: Option<PricesWritten>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesWritten {
    prompt: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_prompt: Option<f64>,
    completion: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<f64>,
}

/// Checks the list.
pub(super) fn checked(
    check: &Check<'_>,
    written: &[ProviderWritten],
    patience: &Patience,
    environment: &BTreeMap<String, String>,
) -> Result<Vec<ProviderRule>, DocumentError> {
    if written.len() > MAX_PROVIDERS {
        let complaint = format!("expected at most {MAX_PROVIDERS} providers, found {}", written.len());
        return Err(check.document.fault(&["provider".into()], complaint));
    }
    let mut providers: Vec<ProviderRule> = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let name = &written.name;
        let wrong = |complaint: String| check.document.fault(&place(index, "name"), complaint);
        if name.is_empty() || name.len() > 64 {
            return Err(wrong(format!("expected a name of 1 to 64 bytes, found {}", name.len())));
        }
        if providers.iter().any(|other| other.name == *name) {
            return Err(wrong(format!("expected a name that no other provider has, found `{name}` twice")));
        }
        providers.push(OneCheck { check, index, written, environment }.provider(patience)?);
    }
    Ok(providers)
}

/// The check of one provider.
struct OneCheck<'a> {
    check: &'a Check<'a>,
    index: usize,
    written: &'a ProviderWritten,
    environment: &'a BTreeMap<String, String>,
}

impl OneCheck<'_> {
    fn fault(&self, key: &str, complaint: impl fmt::Display) -> DocumentError {
        self.check.document.fault(&place(self.index, key), complaint)
    }

    fn number(&self, key: &str, found: Option<u64>, usual: u64, most: u64) -> Result<u64, DocumentError> {
        let found = found.unwrap_or(usual);
        match (1..=most).contains(&found) {
            true => Ok(found),
            false => Err(self.fault(key, format!("expected a whole number from 1 to {most}, found {found}"))),
        }
    }

    fn provider(&self, usual: &Patience) -> Result<ProviderRule, DocumentError> {
        let written = self.written;
        let kind = written.kind.unwrap_or(ProviderKind::Openai);
        let base_url = match (&written.base_url, kind) {
            (Some(text), _) => Some(BaseUrl::parse(text).map_err(|complaint| self.fault("base_url", complaint))?),
            (None, ProviderKind::Echo) => None,
            (None, ProviderKind::Openai | ProviderKind::Anthropic) => {
                return Err(self.fault("base_url", "expected the address of the provider, found none"));
            }
        };
        let (key, unusable) = self.key()?;
        let ms = |key, found, usual: Duration| {
            self.number(key, found, millis(usual), 3_600_000).map(Duration::from_millis) //
        };
        let n_concurrent = self.number("n_concurrent_max", written.n_concurrent_max, 256, 100_000)?;
        let per_minute = written.requests_per_minute;
        let per_minute = per_minute.map(|found| self.number("requests_per_minute", Some(found), 1, 10_000_000));
        Ok(ProviderRule {
            name: written.name.clone(),
            kind,
            base_url,
            key_env: written.api_key_env.clone(),
            key,
            unusable,
            headers: self.headers()?,
            headers_env: written.headers_env.clone(),
            secret_headers: self.secret_headers()?,
            ca_file: written.ca_file.as_ref().map(|text| self.check.folder.join(text)),
            proxy: written.proxy.as_deref().map(|text| self.proxy(text)).transpose()?,
            patience: Patience {
                connect: ms("connect_ms", written.connect_ms, usual.connect)?,
                first_token: ms("first_token_ms", written.first_token_ms, usual.first_token)?,
                between_tokens: ms("between_tokens_ms", written.between_tokens_ms, usual.between_tokens)?,
                reply: ms("reply_ms", written.reply_ms, usual.reply)?,
            },
            n_concurrent_max: usize::try_from(n_concurrent).unwrap_or(usize::MAX),
            requests_per_minute: per_minute.transpose()?.and_then(|number| u32::try_from(number).ok()),
            stream_usage: written.stream_usage.unwrap_or(true),
            models: self.models()?,
        })
    }

    /// The key, or why there is none.
    fn key(&self) -> Result<(Option<Secret>, Option<String>), DocumentError> {
        let Some(variable) = &self.written.api_key_env else { return Ok((None, None)) };
        match self.environment.get(variable).map(|key| key.trim()).filter(|key| !key.is_empty()) {
            None => Ok((None, Some(format!("the environment does not hold `{variable}`")))),
            Some(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok((Some(Secret::new(key)), None)),
            Some(_) => {
                let complaint = format!("expected a key of printable ASCII characters without spaces in `{variable}`");
                Err(self.fault("api_key_env", complaint))
            }
        }
    }

    fn headers(&self) -> Result<Vec<(HeaderName, String)>, DocumentError> {
        let header = |(name, value): (&String, &String)| {
            let wrong = |complaint: String| {
                let [provider, index, headers] = place(self.index, "headers");
                self.check.document.fault(&[provider, index, headers, Step::from(name.as_str())], complaint)
            };
            let known =
                HeaderName::try_from(name.as_str()).map_err(|_| wrong("expected the name of a header".into()))?;
            if names_secret(known.as_str()) {
                return Err(wrong(ELSEWHERE.to_owned()));
            }
            HeaderValue::try_from(value.as_str()).map_err(|_| wrong("expected printable text".to_owned()))?;
            Ok((known, value.clone()))
        };
        self.written.headers.iter().map(header).collect()
    }

    fn secret_headers(&self) -> Result<Vec<(HeaderName, Secret)>, DocumentError> {
        let Some(variable) = &self.written.headers_env else { return Ok(Vec::new()) };
        let text = self.environment.get(variable);
        let text = text.ok_or_else(|| {
            self.fault("headers_env", format!("expected the environment to hold `{variable}`; it does not"))
        })?;
        headers(text).ok_or_else(|| {
            self.fault("headers_env", format!("expected `name=value`, parted by commas, in `{variable}`"))
        })
    }

    fn proxy(&self, text: &str) -> Result<Proxy, DocumentError> {
        let form = || self.fault("proxy", "expected an address as `http://proxy:3128`, without name or password");
        let uri: Uri = text.parse().map_err(|_| form())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(form)?;
        if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
            return Err(form());
        }
        Ok(Proxy { host: authority.host().to_owned(), port: authority.port_u16().unwrap_or(80) })
    }

    fn models(&self) -> Result<Vec<Served>, DocumentError> {
        let written = &self.written.model;
        if written.is_empty() || written.len() > MAX_SERVED {
            let complaint =
                format!("expected 1 to {MAX_SERVED} models, each as `[[provider.model]]`, found {}", written.len());
            return Err(self.fault("model", complaint));
        }
        let mut models: Vec<Served> = Vec::new();
        for (index, written) in written.iter().enumerate() {
            let wrong = |key: &str, complaint: String| {
                let [provider, at, model] = place(self.index, "model");
                self.check.document.fault(&[provider, at, model, index.into(), key.into()], complaint)
            };
            let model = ModelId::new(&written.id).map_err(|error| wrong("id", error.to_string()))?;
            if models.iter().any(|other| other.model == model) {
                return Err(wrong("id", format!("`{model}` is listed twice")));
            }
            let weight = written.weight.unwrap_or(1.0);
            if !(weight > 0.0 && weight <= 1e6) {
                return Err(wrong("weight", format!("expected a number above 0 and at most 1000000, found {weight}")));
            }
            let prices = written.usd_per_1m.as_ref().map(PricesWritten::checked).transpose();
            models.push(Served {
                upstream: written.upstream.clone().unwrap_or_else(|| written.id.clone()),
                model,
                weight,
                prices: prices.map_err(|error| wrong("usd_per_1m", error.to_string()))?,
                tokenizer_file: written.tokenizer_file.as_ref().map(|text| self.check.folder.join(text)),
            });
        }
        Ok(models)
    }
}

impl PricesWritten {
    /// A cached token costs what any does, and a reasoning one what the answer does, where nothing else is said.
    fn checked(&self) -> Result<Prices, decision::UnitError> {
        let price = Price::from_usd_per_1m;
        Ok(Prices {
            prompt: price(self.prompt)?,
            cached_prompt: price(self.cached_prompt.unwrap_or(self.prompt))?,
            completion: price(self.completion)?,
            reasoning: price(self.reasoning.unwrap_or(self.completion))?,
        })
    }
}

impl ProviderWritten {
    pub(super) fn of(rule: &ProviderRule) -> Self {
        let ms = |span| Some(millis(span));
        Self {
            name: rule.name.clone(),
            kind: Some(rule.kind),
            base_url: rule.base_url.as_ref().map(ToString::to_string),
            api_key_env: rule.key_env.clone(),
            headers_env: rule.headers_env.clone(),
            ca_file: rule.ca_file.as_deref().map(whole_path),
            proxy: rule.proxy.as_ref().map(|Proxy { host, port }| format!("http://{host}:{port}")),
            connect_ms: ms(rule.patience.connect),
            first_token_ms: ms(rule.patience.first_token),
            between_tokens_ms: ms(rule.patience.between_tokens),
            reply_ms: ms(rule.patience.reply),
            n_concurrent_max: u64::try_from(rule.n_concurrent_max).ok(),
            requests_per_minute: rule.requests_per_minute.map(u64::from),
            stream_usage: Some(rule.stream_usage),
            headers: rule.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            model: rule.models.iter().map(ServedWritten::of).collect(),
        }
    }
}

impl ServedWritten {
    fn of(served: &Served) -> Self {
        Self {
            id: served.model.to_string(),
            upstream: Some(served.upstream.clone()),
            weight: Some(served.weight),
            tokenizer_file: served.tokenizer_file.as_deref().map(whole_path),
            usd_per_1m: served.prices.map(|prices| PricesWritten {
                prompt: prices.prompt.usd_per_1m(),
                cached_prompt: Some(prices.cached_prompt.usd_per_1m()),
                completion: prices.completion.usd_per_1m(),
                reasoning: Some(prices.reasoning.usd_per_1m()),
            }),
        }
    }
}

//! The collector, as the exporter reaches it: one POST at a time over HTTP/1.1, plain or by TLS. A new connection a batch: batches
//! are seconds apart.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic::codegen::Service;

use super::otlp::OtlpSettings;
use crate::config::BaseUrl;
use crate::upstream::connect::Connector;
use crate::upstream::roots;

/// Bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 1 << 16;

/// The port of a collector that stands nearby, where none is given. One that speaks TLS is at the port of the web.
const PLAIN_PORT: u16 = 4318;

/// Where a collector takes spans: `http://host:4318`, with `/v1/traces` where no path is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No address at all.
    #[error("expected an address as `http://127.0.0.1:4318`, found `{found}`")]
    Form {
        /// What was found, without what may be a password in it.
        found: String,
    },
    /// A name and password in the address.
    #[error("expected an address without a name or password; send a token as a header")]
    Userinfo,
}

impl Endpoint {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        if text.contains('@') {
            return Err(EndpointError::Userinfo);
        }
        let form = || EndpointError::Form { found: text.chars().take(80).collect() };
        let uri: Uri = text.parse().map_err(|_| form())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) | None => return Err(form()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(form)?;
        let path = if uri.path() == "/" { "/v1/traces" } else { uri.path() };
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { PLAIN_PORT });
        Ok(Self { tls, host: host.to_owned(), port, path: path.to_owned() })
    }

    /// Whether the way there is encrypted.
    pub fn tls(&self) -> bool {
        self.tls
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", if self.tls { "https" } else { "http" }, self.authority(), self.path)
    }
}

/// What became of a batch that did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendError {
    /// Another try may help.
    MayRetry,
    /// It would not.
    Refused,
}

/// A way to the collector.
pub(super) struct Collector {
    endpoint: Endpoint,
    connector: Connector,
    headers: HeaderMap,
    timeout: Duration,
    runtime: Runtime,
}

/// Whether the certificates, the address and the headers can be used: what `check` asks. Opens no connection.
pub fn prove(settings: &OtlpSettings) -> std::io::Result<()> {
    Collector::new(settings).map(|_| ())
}

impl Collector {
    pub(super) fn new(settings: &OtlpSettings) -> std::io::Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, secret) in &settings.headers {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| {
                // The value itself must not be quoted.
                std::io::Error::other(format!("header `{name}`: expected printable text"))
            })?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (endpoint, timeout) = (settings.endpoint.clone(), settings.timeout);
        let connector = connector(settings)?;
        Ok(Self { endpoint, connector, headers, timeout, runtime })
    }

    /// Sends one body and reads the answer.
    pub(super) fn post(&self, body: &[u8]) -> Result<Vec<u8>, SendError> {
        // The timeout is made inside the runtime, where its clock is.
        let call = async { tokio::time::timeout(self.timeout, self.call(body)).await };
        self.runtime.block_on(call).unwrap_or(Err(SendError::MayRetry))
    }

    async fn call(&self, body: &[u8]) -> Result<Vec<u8>, SendError> {
        let link = self.connector.clone().call(Uri::default()).await.map_err(|_| SendError::MayRetry)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(link).await.map_err(|_| SendError::MayRetry)?;
        let mut request = Request::post(self.endpoint.path.as_str())
            .header(HOST, self.endpoint.authority())
            .body(Full::new(Bytes::copy_from_slice(body)))
            .map_err(|_| SendError::Refused)?;
        request.headers_mut().extend(self.headers.clone());
        // The connection does the reading and writing; leaving this function ends it.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|_| SendError::MayRetry)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        match status {
            StatusCode::OK => Ok(body.map(|body| body.to_bytes().to_vec()).unwrap_or_default()),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(SendError::MayRetry),
            _ => Err(SendError::Refused),
        }
    }
}

fn connector(settings: &OtlpSettings) -> std::io::Result<Connector> {
    let endpoint = &settings.endpoint;
    let tls = endpoint.tls.then(|| roots::client(settings.ca_file.as_deref())).transpose();
    let mut tls = tls.map_err(std::io::Error::other)?;
    if let Some(tls) = &mut tls {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    }
    let url = BaseUrl::parse(&endpoint.to_string()).map_err(std::io::Error::other)?;
    Connector::new(&url, tls, None, settings.timeout).map_err(std::io::Error::other)
}

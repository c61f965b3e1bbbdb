//! A connection to one provider: TCP, perhaps through a proxy, perhaps encrypted, within its time. Which version of HTTP is spoken
//! on it is what the server chose while encryption was agreed on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;

use crate::config::{BaseUrl, Proxy};

/// Bytes of a proxy's answer.
const MAX_PROXY_ANSWER_BYTES: usize = 8 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nobody is there, or nobody lets us in.
    #[error("no connection: {0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("no connection within {} ms", .0.as_millis())]
    Late(Duration),
    /// The proxy does not let us through.
    #[error("the proxy answered {0}")]
    Proxy(String),
    /// A name that no certificate can bear.
    #[error("the host is no name of a server")]
    Name,
}

/// Opens connections to one provider.
#[derive(Clone)]
pub(crate) struct Connector {
    way: Arc<Way>,
}

struct Way {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    proxy: Option<Proxy>,
    patience: Duration,
}

impl Connector {
    /// The way to this address. `tls` is what is believed; it must be there if the address is encrypted.
    pub(crate) fn new(
        url: &BaseUrl,
        tls: Option<ClientConfig>,
        proxy: Option<Proxy>,
        patience: Duration,
    ) -> Result<Self, ConnectError> {
        let authority: http::uri::Authority = url.authority.parse().map_err(|_| ConnectError::Name)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(if url.tls { 443 } else { 80 });
        let name = || ServerName::try_from(host.clone()).map_err(|_| ConnectError::Name);
        let tls =
            tls.map(|config| Ok::<_, ConnectError>((TlsConnector::from(Arc::new(config)), name()?))).transpose()?;
        Ok(Self { way: Arc::new(Way { host, port, tls, proxy, patience }) })
    }
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Link, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let way = Arc::clone(&self.way);
        Box::pin(async move {
            let opened = tokio::time::timeout(way.patience, way.open()).await;
            opened.unwrap_or(Err(ConnectError::Late(way.patience)))
        })
    }
}

impl Way {
    async fn open(&self) -> Result<Link, ConnectError> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (self.host.as_str(), self.port),
        };
        let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        // Tokens must not wait for company.
        stream.set_nodelay(true)?;
        if self.proxy.is_some() {
            self.through_proxy(&mut stream).await?;
        }
        let Some((connector, name)) = &self.tls else { return Ok(Link::new(Box::new(stream), false)) };
        let stream = connector.connect(name.clone(), stream).await?;
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Link::new(Box::new(stream), h2))
    }

    /// Asks the proxy for a way through, byte by byte at its end: what follows is the provider's.
    async fn through_proxy(&self, stream: &mut TcpStream) -> Result<(), ConnectError> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n", port = self.port);
        stream.write_all(asked.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= MAX_PROXY_ANSWER_BYTES {
                return Err(ConnectError::Proxy("without an end".to_owned()));
            }
            answer.push(stream.read_u8().await?);
        }
        let status = answer.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        match status {
            b"200" => Ok(()),
            other => Err(ConnectError::Proxy(String::from_utf8_lossy(other).chars().take(8).collect())),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection.
pub(crate) struct Link {
    io: TokioIo<Box<dyn Stream>>,
    h2: bool,
}

impl Link {
    fn new(io: Box<dyn Stream>, h2: bool) -> Self {
        Self { io: TokioIo::new(io), h2 }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.h2 { connected.negotiated_h2() } else { connected }
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }
}

//! Encryption on both listeners, with and without certificates of callers. The certificates in `certs/` are made for this
//! test and for nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use router_service::config::TlsFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Running, settings};

pub(super) fn certs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/service/certs")
}

fn files(client_ca: bool, client_required: bool) -> TlsFiles {
    TlsFiles {
        certificate: certs().join("server.pem"),
        key: certs().join("server.key"),
        client_ca: client_ca.then(|| certs().join("ca.pem")),
        client_required,
    }
}

/// What a caller hears over TLS; with a certificate of its own or without.
async fn asked(address: std::net::SocketAddr, certificate: bool) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certs().join("ca.pem")).expect("the certificates are those of this test"))
        .expect("the certificates are those of this test");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls_graviola::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the certificates are those of this test")
        .with_root_certificates(roots);
    let config = if certificate {
        let chain = vec![
            CertificateDer::from_pem_file(certs().join("client.pem")).expect("the certificates are those of this test"),
        ];
        let key =
            PrivateKeyDer::from_pem_file(certs().join("client.key")).expect("the certificates are those of this test");
        config.with_client_auth_cert(chain, key).expect("the certificates are those of this test")
    } else {
        config.with_no_client_auth()
    };
    let stream = TcpStream::connect(address).await?;
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from("localhost").expect("the certificates are those of this test"), stream)
        .await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn callers_are_served_over_tls() {
    let mut encrypted = settings();
    encrypted.tls = Some(files(false, false));
    let running = Running::start(encrypted).await;
    assert!(asked(running.http, false).await.unwrap().starts_with("HTTP/1.1 200"));
    let mut plain = TcpStream::connect(running.http).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "nobody is served in the clear");
    running.ended().await;
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_comes_without() {
    for (required, without) in [(true, false), (false, true)] {
        let mut encrypted = settings();
        encrypted.tls = Some(files(true, required));
        let running = Running::start(encrypted).await;
        assert!(asked(running.http, true).await.unwrap().starts_with("HTTP/1.1 200"));
        let answer = asked(running.http, false).await;
        assert_eq!(answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")), without, "required: {required}");
        running.ended().await;
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let swapped = TlsFiles { key: certs().join("server.pem"), ..files(false, false) };
    let error = router_service::prove_tls(&swapped).unwrap_err().to_string();
    assert!(error.contains("server.pem: expected a private key in PEM"), "{error}");
    let others = TlsFiles { key: certs().join("client.key"), ..files(false, false) };
    assert!(router_service::prove_tls(&others).unwrap_err().to_string().starts_with("tls: "));
    let missing = TlsFiles { certificate: certs().join("none.pem"), ..files(false, false) };
    assert!(router_service::prove_tls(&missing).unwrap_err().to_string().contains("none.pem: expected certificates"));
    router_service::prove_tls(&files(true, true)).unwrap();
}

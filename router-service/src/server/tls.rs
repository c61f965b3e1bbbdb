//! Certificates from files to what both listeners need. The cryptography is Rust alone, so that the build needs no C compiler.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that holds no certificate or key.
    #[error("{path}: expected {expected} in PEM: {complaint}")]
    File {
        /// The file.
        path: String,
        /// What it should hold.
        expected: &'static str,
        /// What is wrong with it.
        complaint: String,
    },
    /// Files that do not go together.
    #[error("tls: {0}")]
    Together(String),
}

/// For gRPC and for HTTP: they differ in the protocols they offer.
pub(super) fn acceptors(files: &TlsFiles) -> Result<[TlsAcceptor; 2], TlsError> {
    let grpc = config(files, &[b"h2"])?;
    let http = config(files, &[b"h2", b"http/1.1"])?;
    Ok([TlsAcceptor::from(Arc::new(grpc)), TlsAcceptor::from(Arc::new(http))])
}

/// Whether the files can be used: what `check` asks.
pub fn prove(files: &TlsFiles) -> Result<(), TlsError> {
    config(files, &[b"h2"]).map(|_| ())
}

fn config(files: &TlsFiles, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
    let together = |error: &dyn std::fmt::Display| TlsError::Together(error.to_string());
    let provider = Arc::new(rustls_graviola::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| together(&error))?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| unfit(path, "certificates", &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if files.client_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| together(&error))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unfit(&files.key, "a private key", &error))?;
    let mut config =
        builder.with_single_cert(certificates(&files.certificate)?, key).map_err(|error| together(&error))?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let expected = "certificates";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if list.is_empty() => Err(unfit(path, expected, &"none is there")),
        Ok(list) => Ok(list),
        Err(error) => Err(unfit(path, expected, &error)),
    }
}

/// The complaint about a file never holds a line of it.
pub(crate) fn unfit(path: &Path, expected: &'static str, error: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { path: path.display().to_string(), expected, complaint: error.to_string() }
}

//! TLS at a listener, with certificates of clients: who a connection comes from is known before its first byte is read.
//!
//! What a certificate opens is the caller's matter; here it becomes a [`ClientCertificate`] with the two names by which a
//! configuration can list it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The files of a listener with TLS, all PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The listener's own certificate and those that lead to its authority.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// Authorities of the clients' certificates: a connection without such a certificate is not made.
    pub client_authorities: PathBuf,
    /// Lists of certificates that count no more. They are read again when the file is another; past its `nextUpdate` a list opens to
    /// nobody.
    #[serde(default)]
    pub revoked: Option<PathBuf>,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("{file}: {message}")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The files do not fit each other.
    #[error("the TLS files do not fit each other: {0}")]
    Unfit(String),
}

/// The certificate that a client proved to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// SHA-256 of its public key (SubjectPublicKeyInfo), which a renewed certificate may keep, in hexadecimal digits.
    pub key_sha256: String,
    /// The URIs among its names, such as `spiffe://city/hospital-1`.
    pub uris: Vec<String>,
}

/// Accepts TLS connections of clients with certificates.
#[derive(Clone)]
pub struct TlsListener {
    files: Arc<TlsFiles>,
    current: Arc<Mutex<Current>>,
}

/// What connections are made with, and which list of revoked certificates that was.
struct Current {
    acceptor: TlsAcceptor,
    revoked: Option<SystemTime>,
}

impl TlsListener {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used, with its name.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let revoked = changed(files);
        let current = Current { acceptor: acceptor(files)?, revoked };
        Ok(Self { files: Arc::new(files.clone()), current: Arc::new(Mutex::new(current)) })
    }

    /// With the list as it is now. One that cannot be read leaves the one before in force, until that is past its time.
    fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let revoked = changed(&self.files);
        if revoked != current.revoked {
            current.revoked = revoked;
            match acceptor(&self.files) {
                Ok(acceptor) => current.acceptor = acceptor,
                Err(error) => tracing::error!(%error, "The TLS files changed and cannot be used; those of before are."),
            }
        }
        current.acceptor.clone()
    }

    /// Makes a connection safe, and tells whose it is.
    ///
    /// # Errors
    /// When the client shows no certificate of the authorities, or the handshake takes too long.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<(TlsStream<S>, ClientCertificate)> {
        let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
        let stream = tokio::time::timeout(HANDSHAKE_MAX, self.acceptor().accept(stream)).await.map_err(late)??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.and_then(describe);
        let certificate = certificate.ok_or_else(|| std::io::Error::other("no certificate of a client"))?;
        Ok((stream, certificate))
    }
}

/// When the list of revoked certificates was written last.
fn changed(files: &TlsFiles) -> Option<SystemTime> {
    std::fs::metadata(files.revoked.as_ref()?).ok()?.modified().ok()
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut authorities = RootCertStore::empty();
    for authority in certificates(&files.client_authorities)? {
        authorities.add(authority).map_err(|error| wrong(&files.client_authorities, error))?;
    }
    let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider));
    if let Some(revoked) = &files.revoked {
        let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_file_iter(revoked).and_then(Iterator::collect);
        let lists = lists.map_err(|error| wrong(revoked, error))?;
        // Without a list nothing would be revoked, and everybody would be let in.
        if lists.is_empty() {
            return Err(wrong(revoked, "it holds no list"));
        }
        verifier = verifier.with_crls(lists).enforce_revocation_expiration();
    }
    let verifier = verifier.build().map_err(|error| TlsError::Unfit(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error))?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Unfit(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&files.certificate)?, key)
        .map_err(|error| TlsError::Unfit(error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn describe(certificate: &CertificateDer<'_>) -> Option<ClientCertificate> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    Some(ClientCertificate {
        key_sha256: hex::encode(Sha256::digest(parsed.subject_public_key_info().as_ref())),
        uris: parsed.valid_uri_names().map(str::to_owned).collect(),
    })
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let read = read.map_err(|error| wrong(file, error))?;
    if read.is_empty() { Err(wrong(file, "it holds no certificate")) } else { Ok(read) }
}

fn wrong(file: &Path, message: impl ToString) -> TlsError {
    TlsError::File { file: file.to_owned(), message: message.to_string() }
}

#[cfg(test)]
mod tests;

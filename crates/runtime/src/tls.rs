//! TLS at a listener, with certificates of clients: who a connection comes from is known before its first byte is read.
//!
//! What a certificate opens is the caller's matter; here it becomes a [`ClientCertificate`] with the two names by which a
//! configuration can list it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a list that could not be taken is left alone, unless it is written again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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
    /// nobody. The other files are read at the start.
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
    fixed: Arc<Fixed>,
    current: Arc<Mutex<Current>>,
}

/// What is read once.
struct Fixed {
    provider: Arc<CryptoProvider>,
    authorities: Arc<RootCertStore>,
    own: Arc<SingleCertAndKey>,
    revoked: Option<PathBuf>,
}

/// When a file was written last, and its length.
type Written = (SystemTime, u64);

/// What connections are made with, and which lists of revoked certificates that was.
struct Current {
    acceptor: TlsAcceptor,
    taken: Option<Written>,
    /// What could not be taken, and when that was tried.
    failed: Option<(Option<Written>, Instant)>,
}

impl TlsListener {
    /// Reads the files.
    ///
    /// # Errors
    /// When one of them cannot be used, with its name.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        let fixed = Fixed::read(files)?;
        let taken = fixed.written();
        let current = Current { acceptor: fixed.acceptor()?, taken, failed: None };
        Ok(Self { fixed: Arc::new(fixed), current: Arc::new(Mutex::new(current)) })
    }

    /// With the lists as they are now. What cannot be read leaves those before in force, until they are past their time, and is
    /// tried again.
    fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self.fixed.written();
        let waits = current.failed.is_some_and(|(failed, at)| failed == written && at.elapsed() < RETRY_AFTER);
        if written != current.taken && !waits {
            match self.fixed.acceptor() {
                Ok(acceptor) => *current = Current { acceptor, taken: written, failed: None },
                Err(error) => {
                    current.failed = Some((written, Instant::now()));
                    tracing::error!(%error, "The lists of revoked certificates cannot be used; those before are.");
                }
            }
        }
        current.acceptor.clone()
    }

    /// Makes a connection safe, and tells whose it is.
    ///
    /// # Errors
    /// [`PermissionDenied`](std::io::ErrorKind::PermissionDenied) when the client shows no certificate that counts; another one
    /// when the connection breaks, brings something else than TLS, or takes too long.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> std::io::Result<(TlsStream<S>, ClientCertificate)> {
        let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
        let made = tokio::time::timeout(HANDSHAKE_MAX, self.acceptor().accept(stream)).await.map_err(late)?;
        let stream = made.map_err(told_apart)?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.and_then(describe);
        let none = || std::io::Error::new(std::io::ErrorKind::PermissionDenied, "no certificate of a client");
        Ok((stream, certificate.ok_or_else(none)?))
    }
}

/// Names a refused certificate as such.
fn told_apart(error: std::io::Error) -> std::io::Error {
    use rustls::Error::{InvalidCertRevocationList, InvalidCertificate, NoCertificatesPresented};
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let is_refused =
        matches!(cause, Some(NoCertificatesPresented | InvalidCertificate(_) | InvalidCertRevocationList(_)));
    if is_refused { std::io::Error::new(std::io::ErrorKind::PermissionDenied, error) } else { error }
}

impl Fixed {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut authorities = RootCertStore::empty();
        for authority in certificates(&files.client_authorities)? {
            authorities.add(authority).map_err(|error| wrong(&files.client_authorities, error))?;
        }
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error))?;
        let own = CertifiedKey::from_der(chain, key, &provider).map_err(unfit)?;
        let (authorities, own) = (Arc::new(authorities), Arc::new(SingleCertAndKey::from(own)));
        Ok(Self { provider, authorities, own, revoked: files.revoked.clone() })
    }

    /// When the lists of revoked certificates were written.
    fn written(&self) -> Option<Written> {
        let file = std::fs::metadata(self.revoked.as_ref()?).ok()?;
        Some((file.modified().ok()?, file.len()))
    }

    fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let (authorities, provider) = (Arc::clone(&self.authorities), Arc::clone(&self.provider));
        let mut verifier = WebPkiClientVerifier::builder_with_provider(authorities, Arc::clone(&provider));
        if let Some(revoked) = &self.revoked {
            let lists: Result<Vec<_>, _> =
                CertificateRevocationListDer::pem_file_iter(revoked).and_then(Iterator::collect);
            let lists = lists.map_err(|error| wrong(revoked, error))?;
            // Without a list nothing would be revoked, and everybody would be let in.
            if lists.is_empty() {
                return Err(wrong(revoked, "it holds no list"));
            }
            verifier = verifier.with_crls(lists).enforce_revocation_expiration();
        }
        let own = Arc::clone(&self.own);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_client_cert_verifier(verifier.build().map_err(unfit)?)
            .with_cert_resolver(own);
        // A resumed session shows no certificate: it would be let in by the lists and dates of its first connection.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
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

fn unfit(error: impl std::fmt::Display) -> TlsError {
    TlsError::Unfit(error.to_string())
}

fn wrong(file: &Path, message: impl ToString) -> TlsError {
    TlsError::File { file: file.to_owned(), message: message.to_string() }
}

#[cfg(test)]
mod tests;

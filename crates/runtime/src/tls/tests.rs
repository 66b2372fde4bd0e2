//! Real handshakes with generated certificates.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, PublicKeyData, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("written");
        Self { issuer, dir }
    }

    /// A certificate with this serial number, as PEM with its key, and the digest of the key.
    fn issue(&self, name: SanType, serial: u64) -> (String, String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.subject_alt_names = vec![name];
        params.serial_number = Some(SerialNumber::from(serial));
        let certificate = params.signed_by(&key, &self.issuer).expect("signed");
        let digest = hex::encode(Sha256::digest(key.subject_public_key_info()));
        (certificate.pem(), key.serialize_pem(), digest)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// A list that revokes a serial number and is good until a year.
    fn revoking(&self, serial: u64, year: i32) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2022, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2022, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("signed").pem().expect("PEM")
    }

    fn listener(&self, revoked: Option<PathBuf>) -> TlsListener {
        let (certificate, key, _) = self.issue(SanType::DnsName("localhost".try_into().expect("a name")), 1);
        let (certificate, key) = (self.file("server.pem", &certificate), self.file("server.key", &key));
        let client_authorities = self.dir.path().join("ca.pem");
        TlsListener::open(&TlsFiles { certificate, key, client_authorities, revoked }).expect("sound files")
    }

    fn client(&self, shown: Option<(&str, &str)>) -> TlsConnector {
        self.client_speaking(&[&TLS12, &TLS13], shown)
    }

    fn client_speaking(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        shown: Option<(&str, &str)>,
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions);
        let config = config.expect("versions").with_root_certificates(roots);
        TlsConnector::from(Arc::new(match shown {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
                config.with_client_auth_cert(chain, key).expect("a key that fits")
            }
        }))
    }
}

/// Connects; gives what the listener learnt and whether a byte came through.
async fn meet(listener: TlsListener, client: TlsConnector) -> (std::io::Result<ClientCertificate>, bool) {
    let (known, came, _) = shake_hands(listener, client).await;
    (known, came)
}

/// As [`meet`], with the way in which the client came in.
async fn shake_hands(
    listener: TlsListener,
    client: TlsConnector,
) -> (std::io::Result<ClientCertificate>, bool, Option<HandshakeKind>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (stream, _) = socket.accept().await.expect("a connection");
        let (mut stream, certificate) = listener.accept(stream).await?;
        stream.write_all(b"!").await?;
        stream.shutdown().await?;
        Ok(certificate)
    });
    let stream = TcpStream::connect(address).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    let (mut came, mut kind) = (Vec::new(), None);
    if let Ok(mut stream) = client.connect(name, stream).await {
        let _ = stream.read_to_end(&mut came).await;
        kind = stream.get_ref().1.handshake_kind();
    }
    (server.await.expect("no panic"), came == b"!", kind)
}

#[tokio::test]
async fn a_client_is_known_by_its_key_and_its_uri() {
    let authority = Authority::new();
    let uri = SanType::URI("spiffe://city/hospital-1".try_into().expect("a URI"));
    let (certificate, key, digest) = authority.issue(uri, 2);
    let client = authority.client(Some((&certificate, &key)));
    let (known, came) = meet(authority.listener(None), client).await;
    let uris = vec!["spiffe://city/hospital-1".to_owned()];
    assert_eq!(known.expect("accepted"), ClientCertificate { key_sha256: digest, uris });
    assert!(came);
}

#[tokio::test]
async fn without_a_certificate_of_the_authorities_there_is_no_connection() {
    let (authority, other) = (Authority::new(), Authority::new());
    let name = || SanType::DnsName("client".try_into().expect("a name"));
    let (certificate, key, _) = other.issue(name(), 2);
    for shown in [None, Some((certificate.as_str(), key.as_str()))] {
        let (known, came) = meet(authority.listener(None), authority.client(shown)).await;
        let Err(error) = known else { panic!("refused") };
        assert!(error.kind() == std::io::ErrorKind::PermissionDenied && !came, "{error:?}");
    }
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut stream = TcpStream::connect(plain.local_addr().expect("an address")).await.expect("connects");
    let (accepted, _) = plain.accept().await.expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("written");
    let Err(error) = authority.listener(None).accept(accepted).await else { panic!("no connection") };
    assert_ne!(error.kind(), std::io::ErrorKind::PermissionDenied, "nobody showed a certificate");
}

#[tokio::test]
async fn no_session_is_resumed_so_that_every_connection_is_asked_for_its_certificate() {
    let authority = Authority::new();
    let (certificate, key, _) = authority.issue(SanType::DnsName("client".try_into().expect("a name")), 2);
    let listener = authority.listener(None);
    for version in [&TLS12, &TLS13] {
        // Sessions that it is given are kept by the client, and offered again.
        let client = authority.client_speaking(&[version], Some((&certificate, &key)));
        for _ in 0..3 {
            let (known, came, kind) = shake_hands(listener.clone(), client.clone()).await;
            assert!(known.is_ok() && came);
            assert_ne!(kind, Some(HandshakeKind::Resumed), "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_revoked_certificate_opens_nothing() {
    let authority = Authority::new();
    let name = || SanType::DnsName("client".try_into().expect("a name"));
    let list = authority.file("revoked.pem", &authority.revoking(2, 2222));
    for (serial, opens) in [(2, false), (3, true)] {
        let (certificate, key, _) = authority.issue(name(), serial);
        let client = authority.client(Some((&certificate, &key)));
        let (known, came) = meet(authority.listener(Some(list.clone())), client).await;
        assert_eq!((known.is_ok(), came), (opens, opens), "serial number {serial}");
    }
}

#[tokio::test]
async fn a_connection_without_a_certificate_is_told_and_one_that_only_knocks_is_not() {
    let authority = Authority::new();
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let refused: crate::http::Refused = Arc::new(move || {
        let _ = told.send(());
    });
    let router = axum::Router::new();
    let serving = crate::http::serve_tls(socket, authority.listener(None), refused, router, crate::Shutdown::default());
    let serving = tokio::spawn(serving);
    for brought in [&b""[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(brought).await.expect("written");
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert!(tells.try_recv().is_err(), "nobody showed a certificate");
    let stream = TcpStream::connect(address).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    let _ = authority.client(None).connect(name, stream).await;
    assert_eq!(tells.recv().await, Some(()));
    serving.abort();
}

#[tokio::test]
async fn a_list_past_its_next_update_opens_to_nobody_until_it_is_renewed_without_a_restart() {
    let authority = Authority::new();
    let (certificate, key, _) = authority.issue(SanType::DnsName("client".try_into().expect("a name")), 3);
    let path = authority.file("revoked.pem", &authority.revoking(2, 2023));
    let listener = authority.listener(Some(path.clone()));
    let client = authority.client(Some((&certificate, &key)));
    let mut written = SystemTime::now();
    let mut renew = |text: &str| {
        authority.file("revoked.pem", text);
        written += Duration::from_secs(1);
        let file = std::fs::File::options().write(true).open(&path).expect("opened");
        file.set_modified(written).expect("set");
    };
    let (known, came) = meet(listener.clone(), client.clone()).await;
    assert!(known.is_err() && !came, "the list is out of date");
    renew(&authority.revoking(2, 2222));
    let (known, came) = meet(listener.clone(), client.clone()).await;
    assert!(known.is_ok() && came, "the list was renewed");
    renew(&authority.revoking(3, 2222));
    assert!(meet(listener, client).await.0.is_err(), "this one is revoked now");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_leaves_the_one_before_in_force_and_is_tried_again() {
    let authority = Authority::new();
    let client = |serial: u64| {
        let (certificate, key, _) = authority.issue(SanType::DnsName("client".try_into().expect("a name")), serial);
        authority.client(Some((&certificate, &key)))
    };
    let (one, other) = (client(2), client(3));
    let path = authority.file("revoked.pem", &authority.revoking(3, 2222));
    let listener = authority.listener(Some(path.clone()));
    let gets_in = async |client: &TlsConnector| meet(listener.clone(), client.clone()).await.1;
    assert!(gets_in(&one).await && !gets_in(&other).await);
    // Both are as long, and written at the same instant: only another try can tell them apart.
    let next = authority.revoking(2, 2222);
    let written = SystemTime::now() + Duration::from_secs(1);
    let write = |text: &str| {
        authority.file("revoked.pem", text);
        let file = std::fs::File::options().write(true).open(&path).expect("opened");
        file.set_modified(written).expect("set");
    };
    write(&"?".repeat(next.len()));
    assert!(gets_in(&one).await && !gets_in(&other).await, "the list before is in force");
    write(&next);
    let began = Instant::now();
    while gets_in(&one).await {
        assert!(began.elapsed() < Duration::from_secs(20), "the list is not tried again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(gets_in(&other).await, "the new list is in force");
}

#[test]
fn a_file_that_is_none_is_named() {
    let authority = Authority::new();
    let nothing = authority.file("nothing.pem", "no PEM here");
    let files = TlsFiles {
        certificate: nothing.clone(),
        key: nothing.clone(),
        client_authorities: authority.dir.path().join("ca.pem"),
        revoked: None,
    };
    let Err(error) = TlsListener::open(&files) else { panic!("refused") };
    assert!(error.to_string().contains("nothing.pem"), "{error}");
}

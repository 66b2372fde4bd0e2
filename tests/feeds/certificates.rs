//! Senders that are known by their certificates: an upload in pieces and HL7 messages, both over mutual TLS.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose, SanType};
use reqwest::{Certificate, Client, Identity};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use test_support::{scratch_dir, wait_for};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::site::{Site, free_port, scan};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    /// A certificate and its key, PEM.
    fn issue(&self, name: SanType) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.subject_alt_names = vec![name];
        (params.signed_by(&key, &self.0).expect("signed").pem(), key.serialize_pem())
    }

    fn sender(&self, uri: &str) -> (String, String) {
        self.issue(SanType::URI(uri.try_into().expect("a URI")))
    }

    fn https(&self, shown: Option<&(String, String)>) -> Client {
        let root = Certificate::from_pem(self.0.pem().as_bytes()).expect("PEM");
        let client = Client::builder().add_root_certificate(root);
        let client = match shown {
            Some((certificate, key)) => {
                client.identity(Identity::from_pem(format!("{certificate}{key}").as_bytes()).expect("PEM"))
            }
            None => client,
        };
        client.build().expect("a client")
    }

    fn tls(&self, (certificate, key): &(String, String)) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let config = config.expect("versions").with_root_certificates(roots).with_client_auth_cert(chain, key);
        TlsConnector::from(Arc::new(config.expect("a key that fits")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_opens_its_feeds_for_uploads_and_messages_and_no_others() {
    let (authority, dir) = (Authority::new(), scratch_dir("certificates"));
    let (certificate, key) = authority.issue(SanType::DnsName("localhost".try_into().expect("a name")));
    for (name, text) in [("hub.pem", &certificate), ("hub.key", &key), ("ca.pem", &authority.0.pem())] {
        std::fs::write(dir.join(name), text).expect("written");
    }
    let (https, mllps) = (free_port(), free_port());
    let tls = format!(
        "[tls]\nhttp_listen = \"127.0.0.1:{https}\"\nmllp_listen = \"127.0.0.1:{mllps}\"\ncertificate = \"{dir}/hub.pem\"\n\
         key = \"{dir}/hub.key\"\nclient_authorities = \"{dir}/ca.pem\"\n\
         [[tls.sender]]\nlabel = \"Gates\"\nfeeds = [\"gate-scans\"]\nuri = \"spiffe://city/gates\"\n\
         [[tls.sender]]\nlabel = \"Hospital\"\nfeeds = [\"hospital-hl7\"]\nuri = \"spiffe://city/hospital\"\n",
        dir = dir.display()
    );
    let _site = Site::start(&tls, &[]).await;
    let gates = authority.sender("spiffe://city/gates");
    let hospital = authority.sender("spiffe://city/hospital");

    // An upload in two pieces, without any token.
    let base = format!("https://localhost:{https}");
    let body = [scan("t-1", "2022-03-01 08:02:11"), scan("t-2", "2022-03-01 08:02:12")].join("\n");
    let client = authority.https(Some(&gates));
    let begin = |feed: &str| {
        let request = client.post(format!("{base}/v1/feeds/{feed}/uploads")).header("tus-resumable", "1.0.0");
        request.header("upload-length", body.len())
    };
    assert_eq!(begin("hospital-hl7").send().await.expect("an answer").status(), 403);
    let begun = begin("gate-scans").send().await.expect("an answer");
    assert_eq!(begun.status(), 201);
    let location = begun.headers()["location"].to_str().expect("text").to_owned();
    let middle = body.len() / 2;
    let mut receipt = None;
    for (offset, piece) in [(0, &body[..middle]), (middle, &body[middle..])] {
        let request = client.patch(format!("{base}{location}")).header("tus-resumable", "1.0.0");
        let request = request.header("upload-offset", offset).header("content-type", "application/offset+octet-stream");
        let answer = request.body(piece.to_owned()).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
        receipt = answer.headers().get("content-location").map(|at| at.to_str().expect("text").to_owned());
    }
    let receipt = format!("{base}{}", receipt.expect("a receipt"));
    wait_for("the upload to be read", async || {
        let receipt: serde_json::Value = client.get(&receipt).send().await.ok()?.json().await.ok()?;
        (receipt["state"] == "done").then(|| assert_eq!(receipt["accepted"], 2, "{receipt}"))
    })
    .await;
    // Nobody without a certificate gets as far as a route.
    assert!(authority.https(None).get(format!("{base}/v1/feeds")).send().await.is_err());
    let stranger = Authority::new().sender("spiffe://city/gates");
    assert!(authority.https(Some(&stranger)).get(format!("{base}/v1/feeds")).send().await.is_err());

    // Messages: the hospital's certificate opens the feed, that of the gates does not.
    let message = "\u{b}MSH|^~\\&|HIS|H1|HUB|CITY|20220301080000||ADT^A28|T-1|P|2.5||||||UNICODE UTF-8\r\
                   PID|1||M1^^^HOSP^MR||王^小明||19491231|F\r\u{1c}\r";
    assert!(exchange(&authority, &hospital, mllps, message).await.contains("\rMSA|AA|T-1\r"));
    assert_eq!(exchange(&authority, &gates, mllps, message).await, "");
}

/// What comes back for a message; nothing when the connection is closed.
async fn exchange(authority: &Authority, shown: &(String, String), port: u16, message: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    let name = ServerName::try_from("localhost").expect("a name");
    let Ok(mut stream) = authority.tls(shown).connect(name, stream).await else { return String::new() };
    let mut answer = Vec::new();
    if stream.write_all(message.as_bytes()).await.is_err() {
        return String::new();
    }
    while !answer.ends_with(b"\x1c\r") {
        match stream.read_buf(&mut answer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    String::from_utf8(answer).expect("text")
}

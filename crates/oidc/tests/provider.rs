//! With a provider that is not ours: discovery, its tokens, and a change of its keys.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access::Role;
use oidc::{Oidc, OidcConfig, OidcError, TokenFlaw};

struct Provider(Child);

impl Provider {
    /// Starts a provider, which makes itself a new key of this id.
    fn start(port: u16, kid: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository");
        let fetched = std::env::var_os("OIDC_PROVIDER").map_or_else(|| root.join("target/oidc"), PathBuf::from);
        let fetch = Command::new(root.join(".ci/oidc/fetch")).status().expect("the script runs");
        assert!(fetch.success(), ".ci/oidc/fetch failed");
        let mut child = Command::new("node")
            .arg(root.join(".ci/oidc/provider.mjs"))
            .args([&port.to_string(), kid])
            .env("OIDC_PROVIDER", fetched)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line == "listening"));
        assert!(ready, "the provider did not start");
        // What else it prints is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn config(issuer: &str) -> OidcConfig {
    let config = serde_json::json!({"issuer": issuer, "audience": "isthmus", "organisation": "city-cdc"});
    serde_json::from_value(config).expect("a configuration")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

async fn token(issuer: &str) -> String {
    let body = "grant_type=client_credentials&client_id=tracer-7&client_secret=a+secret+of+the+test+only";
    let asked = reqwest::Client::new()
        .post(format!("{issuer}/token"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    let answer: serde_json::Value = asked.send().await.expect("an answer").json().await.expect("JSON");
    answer["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
}

#[tokio::test]
async fn tokens_of_a_real_provider_name_their_caller_also_after_its_keys_changed() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port").port();
    let issuer = format!("http://127.0.0.1:{port}");
    let provider = Provider::start(port, "first");
    let oidc = Oidc::discover(config(&issuer)).await.expect("discovered");
    let first = token(&issuer).await;
    let caller = oidc.caller(&first, now()).await.expect("a caller");
    assert_eq!((caller.handle.as_str(), caller.role), ("tracer-7", Role::CdcTracer));
    assert_eq!((caller.unit.as_deref(), caller.organisation.as_str()), (Some("CDC-01"), "city-cdc"));
    assert_eq!(oidc.caller(&first, now() + 300).await, Err(TokenFlaw::Time));
    let mut other = config(&issuer);
    other.audience = "portal".to_owned();
    let portal = Oidc::discover(other).await.expect("discovered");
    assert_eq!(portal.caller(&first, now()).await, Err(TokenFlaw::Claims), "it is meant for another audience");

    drop(provider);
    let _provider = Provider::start(port, "second");
    let second = token(&issuer).await;
    // The hub asks for keys again when one is unknown, but not at once: nobody makes it a hammer.
    let began = std::time::Instant::now();
    while oidc.caller(&second, now()).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "the new key is never fetched");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(oidc.caller(&first, now()).await, Err(TokenFlaw::Key), "the old key was taken back");
}

#[tokio::test]
async fn a_provider_in_the_clear_elsewhere_or_of_another_name_is_not_taken() {
    let refused = Oidc::discover(config("http://id.example")).await.expect_err("refused");
    assert!(matches!(refused, OidcError::Address(_)), "{refused}");
    let refused = Oidc::discover(config("http://127.0.0.1.id.example")).await.expect_err("refused");
    assert!(matches!(refused, OidcError::Address(_)), "{refused}");
    let refused = Oidc::discover(config("http://127.0.0.1:1")).await.expect_err("refused");
    assert!(matches!(refused, OidcError::Provider { .. }), "{refused}");
}

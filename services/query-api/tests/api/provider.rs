//! Callers of an OpenID provider: who they are, and when they are out.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get as route;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use codec::Codec;
use ledger::LedgerClient;
use oidc::Oidc;
use query_api::{QuerySetup, QueryState};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::sync::Arc;
use store::callers;
use test_support::build::{self, NOON};

use crate::world::{World, anna, get, world};

/// A provider on this machine, with one key.
struct Provider {
    issuer: String,
    key: Ed25519KeyPair,
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let keys =
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k", "x": x}]});
        let discovery = json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")});
        let answer = |body: Value| route(move || async move { axum::Json(body) });
        let router =
            Router::new().route("/.well-known/openid-configuration", answer(discovery)).route("/keys", answer(keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, key }
    }

    fn token(&self, handle: &str, role: &str, unit: &str) -> String {
        let now = NOON.as_millis() / 1_000;
        let claims = json!({
            "iss": self.issuer, "aud": "isthmus", "sub": handle, "jti": "1", "iat": now, "nbf": now, "exp": now + 300,
            "isthmus_role": role, "isthmus_unit": unit,
        });
        let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", part(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k"})), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).as_ref()))
    }
}

/// The town, with staff that come from a provider.
async fn world_of(provider: &Provider) -> World {
    let world = world().await;
    let config = json!({"issuer": provider.issuer, "audience": "isthmus", "organisation": "city-cdc"});
    let oidc = Oidc::discover(serde_json::from_value(config).expect("a configuration")).await.expect("a provider");
    let state = QueryState::new(QuerySetup {
        store: world.store.clone(),
        ledger: LedgerClient::Local(world.ledger.clone()),
        token_key: build::token_key(),
        policy: access::Policy::builtin().expect("valid"),
        trust: query_api::Trust::default(),
        oidc: Some(oidc),
        rules: exposure::Rules::default(),
        townships: exposure::Townships::default(),
        key_groups: query_api::KeyGroups::default(),
        log: world.log.clone(),
        codec: Codec::builtin(),
        clock: Arc::new(|| NOON),
        shutdown: world.shutdown.clone(),
    });
    World { app: query_api::app(state.clone()), state, ..world }
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_of_the_provider_ask_until_they_are_disabled_whatever_their_token_says() {
    let provider = Provider::start().await;
    let world = world_of(&provider).await;
    let path = format!("/v1/persons/{}", anna());
    let tracer = provider.token("tracer-9", "cdc-tracer", "CDC-01");
    let asking = || get(path.as_str()).by(&tracer).purpose("PUBHLTH").for_a_case();
    let reply = world.ask(asking()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let me = world.ask(get("/v1/me").by(&tracer)).await.json();
    assert_eq!(
        (&me["handle"], &me["organisation"], &me["unit"]),
        (&json!("tracer-9"), &json!("city-cdc"), &json!("CDC-01"))
    );

    let mut conn = world.store.acquire().await.expect("a connection");
    assert!(callers::bar(&mut conn, "tracer-9", NOON).await.expect("barred"));
    let reply = world.ask(asking()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "token-invalid"));
    assert!(callers::unbar(&mut conn, "tracer-9").await.expect("let in"));
    assert_eq!(world.ask(asking()).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_a_provider_the_hub_takes_no_staff_tokens_of_its_own() {
    let provider = Provider::start().await;
    let world = world_of(&provider).await;
    for staff in ["tracer", "worker", "auditor", "steward"] {
        let reply = world.ask(get("/v1/me").by(staff)).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "token-invalid"), "{staff}");
    }
    for other in ["anna", "subscriber"] {
        assert_eq!(world.ask(get("/v1/me").by(other)).await.status, StatusCode::OK, "{other}");
    }
    let resident = provider.token("anna", "resident", "none");
    assert_eq!(world.ask(get("/v1/me").by(&resident)).await.status, StatusCode::UNAUTHORIZED);
    let altered = provider.token("tracer-9", "cdc-tracer", "CDC-01").replacen("ey", "eyA", 1);
    assert_eq!(world.ask(get("/v1/me").by(&altered)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_handle_is_out_with_a_token_of_the_hub_too() {
    let world = world().await;
    let mut conn = world.store.acquire().await.expect("a connection");
    assert_eq!(world.ask(get("/v1/me").by("tracer")).await.status, StatusCode::OK);
    callers::bar(&mut conn, "tracer", NOON).await.expect("barred");
    assert_eq!(world.ask(get("/v1/me").by("tracer")).await.status, StatusCode::UNAUTHORIZED);
}

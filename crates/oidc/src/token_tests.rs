//! Hostile tokens, made with a key that the provider publishes, and without.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

use super::*;

const NOW: u64 = 1_650_000_000;

struct Signer(Ed25519KeyPair);

impl Signer {
    fn new(seed: u8) -> Self {
        crate::signature::install();
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key"))
    }

    fn keys(&self) -> Keys {
        let x = URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref());
        let set =
            json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "use": "sig", "x": x}]});
        Keys::of(&serde_json::from_value::<JwkSet>(set).expect("a key set"))
    }

    fn token(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn config() -> OidcConfig {
    OidcConfig {
        issuer: "https://id.example".to_owned(),
        audience: "isthmus".to_owned(),
        organisation: "city-cdc".to_owned(),
        handle_claim: handle_claim(),
        role_claim: role_claim(),
        unit_claim: unit_claim(),
        lifetime_max_seconds: 300,
        login: None,
    }
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "isthmus", "sub": "tracer-7", "jti": "j-1",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 200, "isthmus_role": "cdc-tracer", "isthmus_unit": "CDC-01",
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn read(header: &Value, claims: &Value) -> Result<Caller, TokenFlaw> {
    let signer = Signer::new(1);
    caller(&signer.token(&header.to_string(), &claims.to_string()), &signer.keys(), &config(), NOW)
}

#[test]
fn a_good_token_names_its_caller() {
    let caller = read(&header(), &claims()).expect("good");
    assert_eq!(
        (caller.handle.as_str(), caller.role, caller.unit.as_deref()),
        ("tracer-7", Role::CdcTracer, Some("CDC-01"))
    );
    assert_eq!((caller.organisation.as_str(), caller.own_claim), ("city-cdc", None));
    assert!(read(&header(), &with(claims(), "aud", json!(["other", "isthmus"]))).is_ok());
}

#[test]
fn no_algorithm_a_secret_in_place_of_a_key_and_an_unknown_key_open_nothing() {
    let signer = Signer::new(1);
    for alg in ["none", "HS256", "HS512", "RS256", "ES256", "eddsa"] {
        let token = signer.token(&with(header(), "alg", json!(alg)).to_string(), &claims().to_string());
        for token in [token.clone(), token.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).expect("parts")] {
            assert!(caller(&token, &signer.keys(), &config(), NOW).is_err(), "{alg}");
        }
    }
    assert_eq!(read(&with(header(), "kid", json!("k2")), &claims()), Err(TokenFlaw::Key));
    assert_eq!(read(&json!({"alg": "EdDSA", "typ": "at+jwt"}), &claims()), Err(TokenFlaw::Form));
    let strange = Signer::new(2).token(&header().to_string(), &claims().to_string());
    assert_eq!(caller(&strange, &signer.keys(), &config(), NOW), Err(TokenFlaw::Claims));
    // A set that holds a secret gives no key that a token could be signed with.
    let secret = json!({"keys": [{"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0"}]});
    assert!(Keys::of(&serde_json::from_value::<JwkSet>(secret).expect("a key set")).is_empty());
}

#[test]
fn a_time_that_is_no_whole_number_or_out_of_reach_opens_nothing() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!("1650000200"),
            json!(1_650_000_100.5),
            json!(-1),
            json!(1e18),
            json!(null),
            json!([NOW]),
            json!(true),
        ] {
            assert!(read(&header(), &with(claims(), name, value.clone())).is_err(), "{name} {value}");
        }
        assert!(read(&header(), &with(claims(), name, json!(1_000_000_000_000_000_000_u64))).is_err(), "{name}");
    }
    for (name, value) in [("exp", NOW), ("exp", NOW + 291), ("nbf", NOW + 6), ("iat", NOW + 6), ("iat", NOW - 101)] {
        assert_eq!(read(&header(), &with(claims(), name, json!(value))), Err(TokenFlaw::Time), "{name} {value}");
    }
}

#[test]
fn every_claim_is_needed_and_none_counts_twice() {
    for name in ["exp", "nbf", "iat", "iss", "aud", "sub", "jti", "isthmus_role"] {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(name);
        assert!(read(&header(), &claims).is_err(), "{name}");
    }
    let signer = Signer::new(1);
    let twice = claims().to_string().replacen('{', "{\"exp\":1,", 1);
    assert!(caller(&signer.token(&header().to_string(), &twice), &signer.keys(), &config(), NOW).is_err());
}

#[test]
fn a_key_that_a_token_brings_along_is_not_looked_at() {
    let (signer, strange) = (Signer::new(1), Signer::new(2));
    let x = URL_SAFE_NO_PAD.encode(strange.0.public_key().as_ref());
    let own = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "x": x});
    for (name, value) in
        [("jwk", own), ("jku", json!("http://127.0.0.1:1/keys")), ("x5u", json!("http://127.0.0.1:1/c"))]
    {
        let token = strange.token(&with(header(), name, value).to_string(), &claims().to_string());
        assert_eq!(caller(&token, &signer.keys(), &config(), NOW), Err(TokenFlaw::Claims), "{name}");
    }
}

#[test]
fn a_token_of_another_kind_or_for_somebody_else_opens_nothing() {
    for typ in [json!("JWT"), json!(null), json!("id+jwt"), json!("dpop+jwt")] {
        assert_eq!(read(&with(header(), "typ", typ.clone()), &claims()), Err(TokenFlaw::Form), "{typ}");
    }
    assert_eq!(read(&with(header(), "crit", json!(["b64"])), &claims()), Err(TokenFlaw::Form));
    for (name, value) in [
        ("aud", json!("portal")),
        ("aud", json!([])),
        ("iss", json!("https://id.example/")),
        ("iss", json!(["https://id.example"])),
    ] {
        assert_eq!(read(&header(), &with(claims(), name, value.clone())), Err(TokenFlaw::Claims), "{name} {value}");
    }
    assert_eq!(read(&header(), &with(claims(), "cnf", json!({"x5t#S256": "abc"}))), Err(TokenFlaw::Bound));
}

#[test]
fn claims_that_name_no_caller_of_the_hub_open_nothing() {
    for (name, value) in [
        ("isthmus_role", json!("resident")),
        ("isthmus_role", json!("admin")),
        ("isthmus_role", json!(["auditor"])),
        ("isthmus_role", json!("Auditor")),
        ("isthmus_unit", json!("")),
        ("isthmus_unit", json!(["CDC-01"])),
        ("sub", json!("13812345678")),
        ("sub", json!("zhang san")),
        ("sub", json!("a/b")),
    ] {
        assert_eq!(read(&header(), &with(claims(), name, value.clone())), Err(TokenFlaw::Caller), "{name} {value}");
    }
    let mut worker = with(claims(), "isthmus_role", json!("community-worker"));
    worker.as_object_mut().expect("an object").remove("isthmus_unit");
    assert_eq!(read(&header(), &worker), Err(TokenFlaw::Caller));
}

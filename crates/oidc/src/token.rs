//! The rules that an access token must keep.

use access::{Caller, Role};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::Keys;
use crate::login::LoginConfig;

/// How far the clocks of the provider and of the hub may be apart, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// An OpenID provider, and which claims of its tokens say what a caller is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// Address of the provider, as it stands in its tokens.
    pub issuer: String,
    /// What a token must be meant for.
    pub audience: String,
    /// The organisation that answers for the callers; residents are told this.
    pub organisation: String,
    /// Claim with the caller's handle, a name without personal meaning.
    #[serde(default = "handle_claim")]
    pub handle_claim: String,
    /// Claim with the caller's role.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// Claim with the caller's community unit.
    #[serde(default = "unit_claim")]
    pub unit_claim: String,
    /// The longest time from issue to end of a token, in seconds.
    #[serde(default = "lifetime_max_seconds")]
    pub lifetime_max_seconds: u64,
    /// How people sign in to the console.
    pub login: Option<LoginConfig>,
}

fn handle_claim() -> String {
    "sub".to_owned()
}

fn role_claim() -> String {
    "isthmus_role".to_owned()
}

fn unit_claim() -> String {
    "isthmus_unit".to_owned()
}

const fn lifetime_max_seconds() -> u64 {
    300
}

/// Why a token opens nothing. The caller is never told which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFlaw {
    /// Not an access token in its form: three parts, typ `at+jwt`, a key id, no demands that nobody here knows.
    #[error("it is no access token")]
    Form,
    /// A key that the provider does not publish.
    #[error("its key is unknown")]
    Key,
    /// Signature, algorithm, issuer or audience, or a claim that is missing or of another type.
    #[error("its signature or its claims are not good")]
    Claims,
    /// Not yet or no more in force, or in force for longer than is allowed.
    #[error("its time is over, has not come, or is too long")]
    Time,
    /// It is bound to a certificate, which nobody here can compare.
    #[error("it is bound to a certificate")]
    Bound,
    /// Its claims do not make a caller of this hub.
    #[error("its claims name no caller of this hub")]
    Caller,
}

/// What every token states. A number is a whole one, and not below zero.
#[derive(Deserialize)]
struct Stated {
    exp: u64,
    nbf: u64,
    iat: u64,
    iss: String,
    jti: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// The id of the key that a token says it is signed with. Nothing else of its header is looked at: a key that a token
/// brings along or points at proves nothing.
pub(crate) fn key_id(token: &str) -> Result<String, TokenFlaw> {
    let header = decode_header(token).map_err(|_| TokenFlaw::Form)?;
    let typ = header.typ.as_deref().unwrap_or("");
    let is_access_token = ["at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known));
    if !is_access_token || header.crit.is_some() {
        return Err(TokenFlaw::Form);
    }
    header.kid.ok_or(TokenFlaw::Form)
}

/// The caller of a token at an instant, in seconds since 1970.
pub(crate) fn caller(token: &str, keys: &Keys, config: &OidcConfig, now: u64) -> Result<Caller, TokenFlaw> {
    let (algorithm, key) = keys.find(&key_id(token)?).ok_or(TokenFlaw::Key)?;
    let mut rules = Validation::new(*algorithm);
    rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    rules.set_issuer(&[&config.issuer]);
    rules.set_audience(&[&config.audience]);
    // Times are compared below, with the clock that the caller hands in.
    rules.validate_exp = false;
    let stated = decode::<Stated>(token, key, &rules).map_err(|_| TokenFlaw::Claims)?.claims;
    if stated.iss != config.issuer || stated.jti.is_empty() {
        return Err(TokenFlaw::Claims);
    }
    let has_begun = stated.nbf.max(stated.iat) <= now.saturating_add(LEEWAY_SECONDS);
    let lasts = stated.exp.checked_sub(stated.iat);
    if !has_begun || stated.exp <= now || lasts.is_none_or(|seconds| seconds > config.lifetime_max_seconds) {
        return Err(TokenFlaw::Time);
    }
    if stated.others.contains_key("cnf") {
        return Err(TokenFlaw::Bound);
    }
    named(&stated.others, config).ok_or(TokenFlaw::Caller)
}

/// The caller that the claims name. Residents are none of the provider's: their own file hangs on a claim that only the
/// hub's register knows.
fn named(claims: &Map<String, Value>, config: &OidcConfig) -> Option<Caller> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let handle = text(&config.handle_claim).filter(|handle| is_code(handle))?;
    let role = Role::from_code(text(&config.role_claim)?).filter(|role| *role != Role::Resident)?;
    let unit = match claims.get(&config.unit_claim) {
        None => None,
        Some(unit) => Some(unit.as_str().filter(|unit| is_code(unit))?.to_owned()),
    };
    if role == Role::CommunityWorker && unit.is_none() {
        return None;
    }
    let organisation = config.organisation.clone();
    Some(Caller { handle: handle.to_owned(), organisation, role, unit, own_claim: None })
}

/// What may stand in the access log: short, without signs, and without a number that could be a person's.
fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=48).contains(&text.len())
        && text.as_bytes()[0].is_ascii_alphanumeric()
        && text.bytes().all(plain)
        && text.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() < 11)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;

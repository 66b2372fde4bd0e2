//! A provider and its keys, which are fetched anew when they are old or when a token names one that is not known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::Caller;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::keys::Keys;
use crate::login::{Endpoints, LoginConfig};
use crate::token::{self, OidcConfig, TokenFlaw};

/// Keys are fetched anew after this long: a key that the provider took back opens nothing from then on.
const KEYS_AGE_MAX: Duration = Duration::from_secs(300);
/// Tokens with unknown keys make the hub ask the provider at most this often.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// Without the provider, keys are good this long.
const KEYS_AGE_ALONE_MAX: Duration = Duration::from_secs(3_600);
/// The longest that the provider may take to answer.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a caller whose key is known waits for newer ones.
const WAIT_WITH_KEY_MAX: Duration = Duration::from_secs(1);
/// The longest answer of a provider that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why a provider cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// Not an address that tokens may be trusted by.
    #[error("oidc.issuer {0}: https is needed, or http on this machine")]
    Address(String),
    /// It does not answer as a provider.
    #[error("the OpenID provider does not answer at {url}: {reason}")]
    Provider {
        /// What was asked.
        url: String,
        /// What was wrong.
        reason: String,
    },
}

/// A provider that callers come from; cheap to clone.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    config: OidcConfig,
    client: reqwest::Client,
    endpoints: Option<Endpoints>,
    keys: Mutex<Known>,
}

struct Known {
    keys: Keys,
    fetched: Instant,
    asked: Instant,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
    #[serde(flatten)]
    endpoints: Option<Endpoints>,
}

impl Oidc {
    /// Finds the provider and its keys.
    ///
    /// # Errors
    /// When its address is not safe, or it does not answer as a provider of that name.
    pub async fn discover(config: OidcConfig) -> Result<Self, OidcError> {
        crate::signature::install();
        check_address(&config.issuer, &config.issuer)?;
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(WAIT_MAX)
            .build()
            .map_err(|error| failed(&config.issuer, &error))?;
        let (keys, endpoints) = fetch(&client, &config.issuer).await?;
        let now = Instant::now();
        let keys = Mutex::new(Known { keys, fetched: now, asked: now });
        Ok(Self(Arc::new(Inner { config, client, endpoints, keys })))
    }

    /// Whether a bearer token has the form of a token of a provider.
    pub fn is_token(text: &str) -> bool {
        text.bytes().filter(|b| *b == b'.').count() == 2
    }

    /// The caller of a token at an instant, in seconds since 1970.
    ///
    /// # Errors
    /// What is wrong with the token.
    pub async fn caller(&self, token: &str, now: u64) -> Result<Caller, TokenFlaw> {
        let kid = token::key_id(token)?;
        let keys = self.keys(&kid).await;
        token::caller(token, &keys, &self.0.config, now)
    }

    pub(crate) fn config(&self) -> &OidcConfig {
        &self.0.config
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.0.client
    }

    /// How the hub signs people in, where provider and configuration say so.
    pub(crate) fn login(&self) -> Option<(&LoginConfig, &Endpoints)> {
        self.0.config.login.as_ref().zip(self.0.endpoints.as_ref())
    }

    /// The keys now; fetched anew when they are old, or when this one is not among them. Who has a known key does not wait long
    /// for a slow provider, and fetching goes on when the one who asked goes away.
    async fn keys(&self, kid: &str) -> Keys {
        let (is_missing, asks) = {
            let mut known = self.0.known();
            let is_missing = known.keys.find(kid).is_none();
            let is_old = is_missing || known.fetched.elapsed() > KEYS_AGE_MAX;
            let asks = is_old && known.asked.elapsed() > ASK_EVERY;
            if asks {
                known.asked = Instant::now();
            }
            (is_missing, asks)
        };
        if asks {
            let inner = Arc::clone(&self.0);
            let fetching = tokio::spawn(async move {
                match fetch(&inner.client, &inner.config.issuer).await {
                    Ok((keys, _)) => {
                        let mut known = inner.known();
                        (known.keys, known.fetched) = (keys, Instant::now());
                    }
                    Err(error) => tracing::warn!(%error, "The keys of the OpenID provider could not be fetched."),
                }
            });
            let wait = if is_missing { 2 * WAIT_MAX } else { WAIT_WITH_KEY_MAX };
            let _ = tokio::time::timeout(wait, fetching).await;
        }
        let mut known = self.0.known();
        if known.fetched.elapsed() > KEYS_AGE_ALONE_MAX {
            known.keys = Keys::default();
        }
        known.keys.clone()
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.0.config.issuer).finish_non_exhaustive()
    }
}

async fn fetch(client: &reqwest::Client, issuer: &str) -> Result<(Keys, Option<Endpoints>), OidcError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let discovery: Discovery = get(client, &url).await?;
    if discovery.issuer != issuer {
        return Err(failed(&url, &"it is the provider of another name"));
    }
    check_address(&discovery.jwks_uri, issuer)?;
    let set: JwkSet = get(client, &discovery.jwks_uri).await?;
    let keys = Keys::of(&set);
    if keys.is_empty() {
        return Err(failed(&discovery.jwks_uri, &"it has no key for signatures"));
    }
    if let Some(endpoints) = &discovery.endpoints {
        for url in endpoints.addresses() {
            check_address(url, issuer)?;
        }
    }
    Ok((keys, discovery.endpoints))
}

async fn get<T: DeserializeOwned>(client: &reqwest::Client, url: &str) -> Result<T, OidcError> {
    read(client.get(url), url).await
}

/// Sends a request and reads its answer, which is JSON and not long.
pub(crate) async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder, url: &str) -> Result<T, OidcError> {
    let answer = request.send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| failed(url, &error.without_url()))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(url, &error.without_url()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(failed(url, &"the answer is too long"));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| failed(url, &error))
}

pub(crate) fn failed(url: &str, reason: &dyn std::fmt::Display) -> OidcError {
    OidcError::Provider { url: url.to_owned(), reason: reason.to_string() }
}

/// Keys come over TLS; in the clear only from this machine, and only when the provider is there, too.
fn check_address(url: &str, issuer: &str) -> Result<(), OidcError> {
    let is_local = |url: &str| {
        let host = url.strip_prefix("http://").and_then(|rest| rest.split(['/', ':', '?']).next());
        matches!(host, Some("127.0.0.1" | "localhost"))
    };
    if url.starts_with("https://") || is_local(url) && is_local(issuer) {
        return Ok(());
    }
    Err(OidcError::Address(url.to_owned()))
}

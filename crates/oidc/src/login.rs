//! Signing somebody in at the provider: the authorization code flow with PKCE (RFC 7636, RFC 9700), for a server that keeps
//! the tokens and never shows them to the browser.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::provider::{Oidc, OidcError, failed};

/// A token with less time left than this, in milliseconds, is renewed before it is used.
const RENEW_BEFORE: i64 = 30_000;

/// How the hub itself is known at the provider; without it nobody signs in to the console there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginConfig {
    /// Name of the hub as a client of the provider.
    pub client_id: String,
    /// File with the secret of the client.
    pub client_secret_file: std::path::PathBuf,
    /// Where the provider sends browsers back to: the hub's own address and `/session/provider/back`.
    pub redirect_uri: String,
    /// Resource that access tokens are asked for (RFC 8707), where the provider wants to be told.
    pub resource: Option<String>,
    /// Scopes that are asked for, with blanks between them.
    #[serde(default = "scope")]
    pub scope: String,
}

fn scope() -> String {
    "openid offline_access".to_owned()
}

/// A browser that is on its way to the provider.
#[derive(Debug)]
pub struct Leaving {
    /// Where it goes.
    pub address: String,
    /// What this browser alone is to bring back, as a cookie.
    pub kept: String,
}

/// The tokens of somebody who signed in. They are never printed.
#[derive(Clone)]
pub struct LoginTokens {
    access: String,
    refresh: Option<String>,
    ends_at: i64,
}

impl LoginTokens {
    /// The access token.
    pub fn access(&self) -> &str {
        &self.access
    }

    /// Whether the access token opens nothing any more, at an instant in milliseconds since 1970.
    pub const fn has_ended(&self, now: i64) -> bool {
        now >= self.ends_at
    }

    /// Whether it is time to renew the access token, at an instant in milliseconds since 1970.
    pub const fn is_ending(&self, now: i64) -> bool {
        now + RENEW_BEFORE > self.ends_at
    }
}

impl std::fmt::Debug for LoginTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginTokens").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

/// Where the provider signs people in, as its discovery says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Endpoints {
    authorization_endpoint: String,
    token_endpoint: String,
}

impl Endpoints {
    /// Where secrets and browsers are sent.
    pub(crate) fn addresses(&self) -> [&str; 2] {
        [&self.authorization_endpoint, &self.token_endpoint]
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<i64>,
}

impl Oidc {
    /// Whether people can sign in at the provider.
    pub fn has_login(&self) -> bool {
        self.login().is_some()
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// When the provider is not configured for it, or there is no randomness.
    pub fn begin_login(&self) -> Result<Leaving, OidcError> {
        let (login, endpoints) = self.login().ok_or_else(|| self.no_login())?;
        let (state, verifier) = (self.random()?, self.random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", &login.client_id),
            ("redirect_uri", &login.redirect_uri),
            ("scope", &login.scope),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        parameters.extend(login.resource.as_deref().map(|resource| ("resource", resource)));
        let address = reqwest::Url::parse_with_params(&endpoints.authorization_endpoint, &parameters);
        let address = address.map_err(|error| failed(&endpoints.authorization_endpoint, &error))?;
        Ok(Leaving { address: address.into(), kept: format!("{state}.{verifier}") })
    }

    /// Ends a sign-in: what the browser kept and the query string that it came back with are changed into tokens.
    ///
    /// # Errors
    /// When the two do not belong together, or the provider refuses.
    pub async fn end_login(&self, kept: &str, query: &str, now: i64) -> Result<LoginTokens, OidcError> {
        let (login, _) = self.login().ok_or_else(|| self.no_login())?;
        let issuer = &self.config().issuer;
        let address = reqwest::Url::parse(&format!("{issuer}?{query}")).map_err(|error| failed(issuer, &error))?;
        let brought = |name: &str| {
            let value = address.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            value.ok_or_else(|| failed(issuer, &format!("it sent the browser back without {name}")))
        };
        let (state, code) = (brought("state")?, brought("code")?);
        let verifier = kept.split_once('.').filter(|(kept, _)| **kept == state).map(|(_, verifier)| verifier);
        let verifier = verifier.ok_or_else(|| failed(issuer, &"the state is of another sign-in"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &login.redirect_uri),
            ("code_verifier", verifier),
        ];
        self.ask_tokens(&form, None, now).await
    }

    /// Renews tokens.
    ///
    /// # Errors
    /// When they cannot be renewed: the person has to sign in again.
    pub async fn renew(&self, tokens: &LoginTokens, now: i64) -> Result<LoginTokens, OidcError> {
        let refresh = tokens.refresh.as_deref();
        let refresh = refresh.ok_or_else(|| failed(&self.config().issuer, &"it gave no refresh token"))?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        self.ask_tokens(&form, tokens.refresh.clone(), now).await
    }

    async fn ask_tokens(
        &self,
        form: &[(&str, &str)],
        refresh: Option<String>,
        now: i64,
    ) -> Result<LoginTokens, OidcError> {
        let (login, endpoints) = self.login().ok_or_else(|| self.no_login())?;
        let url = &endpoints.token_endpoint;
        let secret = std::fs::read_to_string(&login.client_secret_file)
            .map_err(|error| failed(url, &format!("oidc.login.client_secret_file: {error}")))?;
        let mut form = form.to_vec();
        form.extend([("client_id", login.client_id.as_str()), ("client_secret", secret.trim())]);
        form.extend(login.resource.as_deref().map(|resource| ("resource", resource)));
        let request = self.client().post(url).form(&form);
        let answer: TokenAnswer = crate::provider::read(request, url).await?;
        let seconds = answer.expires_in.unwrap_or(0).clamp(0, 86_400);
        Ok(LoginTokens {
            access: answer.access_token,
            refresh: answer.refresh_token.or(refresh),
            ends_at: now + seconds * 1_000,
        })
    }

    fn random(&self) -> Result<String, OidcError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| failed(&self.config().issuer, &error))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn no_login(&self) -> OidcError {
        failed(&self.config().issuer, &"oidc.login is not configured, or the provider has no endpoints for it")
    }
}

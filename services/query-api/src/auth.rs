//! Who calls: the register is asked on every call, for the hash of a token of the hub, and for whether the caller that a
//! provider's token names is out.

use access::{Caller, TokenHash};
use axum::http::{HeaderMap, header};
use oidc::Oidc;
use store::callers;

use crate::problem::Problem;
use crate::state::QueryState;

/// The longest bearer token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The caller of the token.
///
/// # Errors
/// [`Problem::TokenInvalid`] for a missing, doubled, malformed, unknown or disabled token, all alike, and
/// [`Problem::StoreUnavailable`] when the register cannot be read.
pub(crate) async fn authenticate(state: &QueryState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = bearer(headers).ok_or(Problem::TokenInvalid)?;
    let provider = state.setup.oidc.as_ref();
    let named = match provider.filter(|_| Oidc::is_token(token)) {
        Some(provider) => Some(named(provider, token, state).await?),
        None => None,
    };
    let found = async {
        // The primary: a copy of the database may lag behind.
        let mut conn = state.setup.store.acquire().await?;
        match named {
            Some(mut caller) => {
                if caller.role.is_of_staff() {
                    // Nobody decides about the own file, or upon an appeal of their own: whose it is, the register knows.
                    let known = callers::find_by_handle(&mut conn, &caller.handle).await?;
                    caller.own_claim = known.and_then(|known| known.caller.own_claim);
                }
                Ok((!callers::is_barred(&mut conn, &caller.handle).await?).then_some(caller))
            }
            None => {
                let caller = callers::find_by_token(&mut conn, &TokenHash::of(token)).await?;
                // Where there is a provider, it alone says who staff are.
                Ok(caller.filter(|caller| provider.is_none() || !caller.role.is_of_staff()))
            }
        }
    };
    match found.await {
        Ok(caller) => caller.ok_or(Problem::TokenInvalid),
        Err::<_, store::Error>(error) => {
            tracing::error!(%error, "The caller register could not be read.");
            Err(Problem::StoreUnavailable)
        }
    }
}

/// The caller that a token of the provider names.
async fn named(provider: &Oidc, token: &str, state: &QueryState) -> Result<Caller, Problem> {
    let now = u64::try_from(state.now().as_millis() / 1_000).unwrap_or(0);
    provider.caller(token, now).await.map_err(|flaw| {
        tracing::debug!(%flaw, "A token of the OpenID provider was refused.");
        Problem::TokenInvalid
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let plain = token.bytes().all(|b| b.is_ascii_graphic());
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && plain;
    fits.then_some(token)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_one_plain_bearer_token_is_looked_at() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["Bearer abc"]), Some("abc".to_owned()));
        assert_eq!(of(&["bearer abc"]), Some("abc".to_owned()));
        let long = format!("Bearer {}", "a".repeat(4_097));
        for values in [
            &[][..],
            &["Bearer a", "Bearer b"],
            &["Basic YTpi"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer é"],
            &[&long],
        ] {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}

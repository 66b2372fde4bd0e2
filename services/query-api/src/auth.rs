//! Who calls: the bearer token's hash is looked up in the caller register on every call.

use access::{Caller, TokenHash};
use axum::http::{HeaderMap, header};
use store::callers;

use crate::problem::Problem;
use crate::state::QueryState;

/// The longest bearer token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 256;

/// The caller of the token.
///
/// # Errors
/// [`Problem::TokenInvalid`] for a missing, doubled, malformed, unknown or disabled token, all alike, and
/// [`Problem::StoreUnavailable`] when the register cannot be read.
pub(crate) async fn authenticate(state: &QueryState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let hash = token_hash(headers).ok_or(Problem::TokenInvalid)?;
    let found = async {
        let mut conn = state.setup.store.acquire().await?;
        callers::find_by_token(&mut conn, &hash).await
    };
    match found.await {
        Ok(caller) => caller.ok_or(Problem::TokenInvalid),
        Err(error) => {
            tracing::error!(%error, "The caller register could not be read.");
            Err(Problem::StoreUnavailable)
        }
    }
}

fn token_hash(headers: &HeaderMap) -> Option<TokenHash> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let plain = token.bytes().all(|b| b.is_ascii_graphic());
    let fits = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX && plain;
    fits.then(|| TokenHash::of(token))
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
            token_hash(&headers)
        };
        assert_eq!(of(&["Bearer abc"]), Some(TokenHash::of("abc")));
        assert_eq!(of(&["bearer abc"]), Some(TokenHash::of("abc")));
        let long = format!("Bearer {}", "a".repeat(257));
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

//! What a request shows of who sends it: a feed token, or a client certificate that opens feeds.

use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::FeedId;

use crate::http::problem::FeedProblem;
use crate::ingest::Ingest;

/// The feeds that the certificate of a connection opens. A listener with mutual TLS puts it into the extensions of its
/// requests; nothing that a sender writes into a request can.
#[derive(Clone, Debug)]
pub struct OpenedFeeds(pub Arc<[FeedId]>);

/// The headers of a request, and what its connection opens.
pub(super) struct Credentials {
    headers: HeaderMap,
    by_certificate: Option<OpenedFeeds>,
}

impl<S: Sync> FromRequestParts<S> for Credentials {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { headers: parts.headers.clone(), by_certificate: parts.extensions.get().cloned() })
    }
}

impl Deref for Credentials {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        &self.headers
    }
}

impl Credentials {
    /// The feeds that certificate and token open together.
    pub(super) async fn opened_feeds(&self, ingest: &Ingest) -> Result<Vec<FeedId>, FeedProblem> {
        let mut opened = self.by_certificate.as_ref().map_or(Vec::new(), |feeds| feeds.0.to_vec());
        match self.bearer() {
            Some(token) => opened.push(feed_of(ingest, token).await?),
            None if opened.is_empty() => return Err(FeedProblem::TokenInvalid),
            None => {}
        }
        Ok(opened)
    }

    /// The token that the request carries.
    pub(super) fn bearer(&self) -> Option<&str> {
        let value = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

async fn feed_of(ingest: &Ingest, token: &str) -> Result<FeedId, FeedProblem> {
    let mut conn = ingest.core.store.acquire().await?;
    let feed = store::feed_tokens::find_feed(&mut conn, &crate::tokens::hash(token)).await?;
    feed.and_then(|feed| FeedId::parse(&feed)).ok_or(FeedProblem::TokenInvalid)
}

/// Checks what a request shows, and finds the feed.
pub(super) async fn enter(ingest: &Ingest, credentials: &Credentials, feed: &str) -> Result<FeedId, FeedProblem> {
    let opened = credentials.opened_feeds(ingest).await?;
    // Whoever opens another feed learns nothing about this one, not even whether it exists.
    let opened = opened.into_iter().find(|opened| opened.as_str() == feed).ok_or(FeedProblem::FeedForbidden)?;
    match ingest.profile(&opened) {
        Some(_) => Ok(opened),
        None => Err(FeedProblem::FeedUnknown),
    }
}

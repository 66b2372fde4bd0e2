//! Problem documents (RFC 9457) of the feed routes: the only place where an error of theirs becomes a response.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::IngestError;
use crate::reason::Reason;

/// What went wrong with a request of a sender.
#[derive(Debug)]
pub enum FeedProblem {
    /// No valid token.
    TokenInvalid,
    /// The token is of another feed.
    FeedForbidden,
    /// The token's feed is not served by this process.
    FeedUnknown,
    /// The feed has no such batch.
    BatchUnknown,
    /// The query string cannot be read.
    QueryMalformed,
    /// The stored body is not on this machine any more.
    BodyGone,
    /// The body does not fit; nothing of it was applied.
    Refused {
        /// The reason, from the closed registry.
        reason: Reason,
        /// What was expected and what was found.
        message: String,
    },
    /// A part of the hub is away.
    Unavailable,
    /// A defect.
    Internal,
}

/// A problem document as it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedProblemDocument {
    /// Where the kind of problem is explained, relative to this server.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What it means.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What was found, and what the sender can do about it.
    detail: String,
    /// Stable code.
    code: &'static str,
}

impl FeedProblem {
    fn document(&self) -> FeedProblemDocument {
        let (status, code, title, detail) = match self {
            Self::TokenInvalid => (
                401,
                "token-invalid",
                "The request carries no feed token that opens anything.",
                "Send `Authorization: Bearer <feed token>`; ask the operator for a new one.".to_owned(),
            ),
            Self::FeedForbidden => (
                403,
                "feed-forbidden",
                "The token opens another feed.",
                "A feed token opens its own feed only; GET /v1/feeds names it.".to_owned(),
            ),
            Self::FeedUnknown => (
                404,
                "feed-unknown",
                "This process does not take the feed.",
                "Ask the operator where the feed's connector runs.".to_owned(),
            ),
            Self::BatchUnknown => (
                404,
                "batch-unknown",
                "The feed has no such batch.",
                "Use the `batch_id` of a receipt as it stands.".to_owned(),
            ),
            Self::QueryMalformed => (
                400,
                "query-malformed",
                "A member of the query string is unknown, twice there or has another form.",
                "The OpenAPI document at /openapi.json names the members of each route.".to_owned(),
            ),
            Self::BodyGone => (
                410,
                "body-gone",
                "The stored file is not on this machine any more.",
                "Take the rows from your own copy: the listing names their lines.".to_owned(),
            ),
            Self::Refused { reason, message } => (
                status_of(*reason),
                reason.code(),
                reason.meaning(),
                // The detail leads with what was found here; how to mend it is the same for all.
                format!("{message}. {}", reason.mend()),
            ),
            Self::Unavailable => (
                503,
                "hub-unavailable",
                "A part of the hub is away.",
                "Push the same file again later: what was taken already is not taken twice.".to_owned(),
            ),
            Self::Internal => (
                500,
                "internal",
                "The hub has a defect.",
                "Tell the operator the time of the call; the log of the process says more.".to_owned(),
            ),
        };
        let kind = if matches!(self, Self::Refused { .. }) { "/v1/reasons" } else { "/problems" };
        FeedProblemDocument { kind, title, status, detail, code }
    }
}

const fn status_of(reason: Reason) -> u16 {
    match reason {
        Reason::BodyTooLarge | Reason::CompressionBomb => 413,
        Reason::CompressionUnknown => 415,
        Reason::BodyTruncated | Reason::CompressionBroken | Reason::EmptyBody => 400,
        _ => 422,
    }
}

impl From<IngestError> for FeedProblem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::UnknownFeed => Self::FeedUnknown,
            IngestError::Refused { reason, message } => Self::Refused { reason, message },
            IngestError::Uneven { .. } => {
                tracing::error!(%error, "A batch lost rows.");
                Self::Internal
            }
            IngestError::Raw(_) | IngestError::Store(_) | IngestError::Log(_) | IngestError::Stopped => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "A push could not be taken.");
                Self::Unavailable
            }
        }
    }
}

impl From<store::Error> for FeedProblem {
    fn from(error: store::Error) -> Self {
        Self::from(IngestError::Store(error))
    }
}

impl IntoResponse for FeedProblem {
    fn into_response(self) -> Response {
        let document = self.document();
        let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, serde_json::to_vec(&document).unwrap_or_default()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::TokenInvalid => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

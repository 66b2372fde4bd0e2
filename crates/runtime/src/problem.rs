//! Problem documents (RFC 9457): what went wrong, in the form that all routes of all processes share.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A kind of problem, with everything a reader needs to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemKind {
    /// Stable code; programs may depend on it.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What the caller can do about it.
    pub mend: &'static str,
}

/// The code of the problem that a response tells, among its extensions, for layers around the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemCode(pub &'static str);

/// A problem document as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// Where the kind of problem is explained, relative to this server.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it means.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What was found, where that may be said, and what the caller can do about it.
    pub detail: Cow<'static, str>,
    /// The detail in Chinese, of problems that the senders of feeds mend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail_zh: Option<String>,
    /// Stable code.
    pub code: &'static str,
}

impl ProblemKind {
    /// The document of a problem about which there is nothing to say but its kind: the same bytes each time.
    pub const fn document(&self) -> ProblemDocument {
        ProblemDocument {
            kind: "/problems",
            title: self.meaning,
            status: self.status,
            detail: Cow::Borrowed(self.mend),
            detail_zh: None,
            code: self.code,
        }
    }
}

impl IntoResponse for ProblemKind {
    fn into_response(self) -> Response {
        self.document().into_response()
    }
}

impl IntoResponse for ProblemDocument {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, serde_json::to_vec(&self).unwrap_or_default()).into_response();
        response.extensions_mut().insert(ProblemCode(self.code));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

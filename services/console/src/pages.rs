//! The one page of the application, which every address of it begins with.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::assets;

/// First parts of the addresses of pages; `app/areas.ts` has the same.
pub(crate) const AREAS: [&str; 10] =
    ["sign-in", "community", "control", "persons", "review", "audit", "feeds", "me", "operations", "figures"];

/// What the build writes where the nonce of an answer belongs.
const NONCE_PLACE: &str = "NONCE-OF-THE-ANSWER";

/// The page, with a fresh nonce for the styles that its component library makes while it runs.
pub(crate) fn page() -> Response {
    let Some(page) = assets::index() else {
        let text = "The console was not built into this binary: run `make console`, then build again.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let nonce = URL_SAFE_NO_PAD.encode(bytes);
    let body = String::from_utf8_lossy(&page).replace(NONCE_PLACE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

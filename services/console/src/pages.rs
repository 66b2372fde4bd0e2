//! The one page of the application, which every address of it begins with.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::assets;

/// First parts of the addresses of pages; `app/areas.ts` has the same.
pub(crate) const AREAS: [&str; 10] =
    ["sign-in", "community", "control", "persons", "review", "audit", "feeds", "me", "operations", "figures"];

/// An address of a page is at most so long.
const ADDRESS_BYTES_MAX: usize = 512;

/// Whether a text is the address of a page, with what was asked of it: nothing that leads elsewhere, and nothing that means more
/// than itself in a header or in a page. What a browser writes encoded stays so.
pub(crate) fn is_own(address: &str) -> bool {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let area = path.strip_prefix('/').and_then(|path| path.split('/').next());
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_');
    let is_query = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*' | b'+' | b'%' | b'=' | b'&')
    };
    area.is_some_and(|area| AREAS.contains(&area))
        && address.len() <= ADDRESS_BYTES_MAX
        && path.bytes().all(is_path)
        && query.bytes().all(is_query)
}

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

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_addresses_of_pages_are_led_back_to() {
        for own in [
            "/control",
            "/persons/5e4a7a0c-5a5c-4f0a-9a06-d4f7f9bb8a57/links",
            "/audit/log",
            "/control?known_at=2022-03-14T00%3A00%3A00.000Z&status=all",
            "/control?to=%2F%2Fevil.example",
        ] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/control/../session",
            "/v1/me",
            "/session",
            "/controls",
            "control",
            "/control?to=//evil.example",
            "/control?a?b",
            "?/control",
            "//evil.example?/control",
            "/session?to=/control",
            "/control?a=\"><script>",
            "/control?a;url=b",
            "/control?a\r\nb",
            "/control?a#b",
            "/control\"><script>",
            "/control;url=//evil.example",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}

//! The files of the web application, as `npm run build` leaves them in `dist/`: inside the binary of a release, read from the
//! disk by a debug build.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "dist"]
#[allow_missing = true]
struct Dist;

/// The page that all addresses of the application begin with; `None` where the application was not built.
pub(crate) fn index() -> Option<Cow<'static, [u8]>> {
    Dist::get("index.html").map(|file| file.data)
}

/// A file of the application below `/assets/`. Its name holds a hash of its content, so that it can be kept for ever.
pub(crate) fn asset(name: &str, headers: &HeaderMap) -> Response {
    let path = format!("assets/{name}");
    let Some(kind) = content_type(name) else { return StatusCode::NOT_FOUND.into_response() };
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let packed = if accepts.contains("gzip") { Dist::get(&format!("{path}.gz")) } else { None };
    let is_packed = packed.is_some();
    let Some(EmbeddedFile { data, .. }) = packed.or_else(|| Dist::get(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = Response::new(Body::from(data.into_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_packed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// What the build makes, and nothing else.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

//! Bodies of requests, read with suspicion.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The longest body that a route of the query API takes, in bytes, unless it takes a long list.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// How long a body may take to arrive.
const BODY_WAIT_MAX: Duration = Duration::from_secs(30);

/// The deepest nesting of arrays and objects that a body may have.
const DEPTH_MAX: usize = 8;

/// Reads a JSON body of so many bytes at most. Unknown and double members are refused by the type; deep nesting, a long body, NUL characters and
/// trailing text are refused here.
///
/// # Errors
/// The problem to answer with. It never repeats anything of the body.
pub(crate) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<T, Problem> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !declared.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Problem::BodyType);
    }
    parse(&bytes(headers, body, bytes_max).await?)
}

/// Reads a body of so many bytes at most.
///
/// # Errors
/// The problem to answer with.
pub(crate) async fn bytes(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > bytes_max as u64) {
        return Err(Problem::BodyTooLarge);
    }
    let read = tokio::time::timeout(BODY_WAIT_MAX, axum::body::to_bytes(body, bytes_max));
    match read.await.map_err(|_| Problem::BodyMalformed)? {
        Ok(bytes) => Ok(bytes.into()),
        // A body without length that goes on past the limit, or one that was broken off: the first is far more likely.
        Err(error) if is_length_limit(&error) => Err(Problem::BodyTooLarge),
        Err(_) => Err(Problem::BodyMalformed),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if this.to_string().contains("length limit") {
            return true;
        }
        cause = this.source();
    }
    false
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A list would be read as the members in their order, which no schema says.
    let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !is_object || depth(bytes) > DEPTH_MAX || contains_nul(bytes) {
        return Err(Problem::BodyMalformed);
    }
    serde_json::from_slice(bytes).map_err(|_| Problem::BodyMalformed)
}

/// The deepest nesting, counted without building anything.
fn depth(bytes: &[u8]) -> usize {
    let (mut deepest, mut now, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn contains_nul(bytes: &[u8]) -> bool {
    // PostgreSQL has no NUL in a text; as JSON it is either the byte or its escape.
    bytes.contains(&0) || bytes.windows(6).any(|window| window == b"\\u0000")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        #[expect(dead_code, reason = "only its parsing is of interest")]
        name: String,
    }

    #[test]
    fn only_the_expected_document_is_read() {
        assert!(parse::<Small>(br#"{"name":"[{[{[{[{[{[{"}"#).is_ok());
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        for body in [
            r#"{"name":"a","role":"auditor"}"#,
            r#"{"name":"a","name":"b"}"#,
            r#"{"name":"a"} {"name":"b"}"#,
            r#"{"name":"a\u0000"}"#,
            r#"{"name":["a"]}"#,
            r#"{"name":null}"#,
            r#"["a"]"#,
            "{",
            "",
            "\u{feff}{\"name\":\"a\"}",
            deep.as_str(),
        ] {
            assert_eq!(parse::<Small>(body.as_bytes()).err(), Some(Problem::BodyMalformed), "{body:.40}");
        }
        assert_eq!(parse::<Small>(b"{\"name\":\"\xff\"}").err(), Some(Problem::BodyMalformed));
    }
}

//! Messages read by a client that is not ours: Confluent's Python client against our registry API.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use codec::{Codec, registry};
use domain::{Body, Event};
use serde_json::Value;

use crate::arbitrary::samples;

/// The registry, mounted as a service mounts it.
async fn serve(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    match registry::answer(parts.method.as_str(), parts.uri.path(), parts.uri.query(), &body) {
        Some(answer) => (
            StatusCode::from_u16(answer.status).expect("a status"),
            [(header::CONTENT_TYPE, answer.content_type)],
            answer.body,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The Python that has the client, as `.ci/setup test` makes it. Without it the test is skipped loudly, or fails
/// when `CI=true`.
fn python() -> Option<PathBuf> {
    let python = repository().join("target/python/bin/python");
    if python.exists() {
        return Some(python);
    }
    assert!(std::env::var_os("CI").is_none(), "no Python client: run .ci/setup test");
    eprintln!("SKIPPED 1 test: no Python client; `.ci/setup test` installs it");
    None
}

fn decoded_by_python(python: &Path, registry: &str, events: &[Event]) -> Vec<Value> {
    let mut child = Command::new(python)
        .arg(repository().join("tests/clients/confluent_decode.py"))
        .args(["--registry", registry, "--hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    for event in events {
        let encoded = Codec::builtin().encode(event).expect("encodes");
        writeln!(stdin, "{} {}", encoded.topic, hex::encode(encoded.payload)).expect("written");
    }
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_client_decodes_our_messages_with_our_registry() {
    let Some(python) = python() else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/registry", listener.local_addr().expect("an address"));
    let router = Router::new().nest("/registry", Router::new().fallback(serve));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });

    let events: Vec<Event> = samples()
        .map(|mut event| {
            event.meta.event_time = domain::Timestamp::from_millis(1_646_092_931_500);
            event
        })
        .collect();
    let sent = events.clone();
    let read = tokio::task::spawn_blocking(move || decoded_by_python(&python, &url, &sent)).await.expect("runs");
    assert_eq!(read.len(), events.len());
    for (event, read) in events.iter().zip(&read) {
        let value = &read["value"];
        assert_eq!(read["topic"], event.event_type().topic());
        assert_eq!(value["meta"]["event_id"], event.meta.event_id.to_string());
        assert_eq!(value["meta"]["source"], event.meta.source.as_str());
        assert_eq!(value["meta"]["event_time"], "2022-03-01T00:02:11.500Z");
        assert_eq!(value["meta"]["op"], event.meta.op.code());
        if let Body::MeterReading(reading) = &event.body {
            assert_eq!(value["value"], reading.value.to_string());
        }
    }
}

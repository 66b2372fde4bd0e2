//! Messages read by a client that is not ours: Confluent's Python client against our registry API.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use codec::{Codec, Encoded, registry};
use domain::{Body, Event};
use event_log::{EventLog, KafkaConfig, KafkaLog, Record, TopicSpec};
use serde_json::Value;
use test_support::{ConfluentClient, confluent_client};
use uuid::Uuid;

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

/// What the client prints: one JSON object a message.
async fn decode(client: &ConfluentClient, words: &[&str], input: &str) -> Vec<Value> {
    let (client, input) = (client.clone(), input.to_owned());
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let run = move || client.decode(&words.iter().map(String::as_str).collect::<Vec<_>>(), &input);
    let lines = tokio::task::spawn_blocking(run).await.expect("runs");
    lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Mounts the registry below a path, as `query-api` does, and gives its address.
async fn start_registry() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/registry", listener.local_addr().expect("an address"));
    let router = Router::new().nest("/registry", Router::new().fallback(serve));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    url
}

fn assert_same(event: &Event, read: &Value) {
    let value = &read["value"];
    let meta = &event.meta;
    assert_eq!(value["meta"]["event_id"], meta.event_id.to_string());
    assert_eq!(value["meta"]["source"], meta.source.as_str());
    assert_eq!(value["meta"]["event_time"], "2022-03-01T00:02:11.500Z");
    assert_eq!(value["meta"]["op"], meta.op.code());
    assert_eq!(value["meta"]["source_record_version"], meta.source_record_version);
    if let Some(first) = event.body.subject().first() {
        assert_eq!(value["subject"][0]["scheme"], first.scheme.code());
        assert_eq!(value["subject"][0]["token"], hex::encode(first.token.as_bytes()));
    }
    match &event.body {
        Body::MeterReading(reading) => assert_eq!(value["value"], reading.value.to_string()),
        Body::TripSegment(trip) => assert_eq!(value["service_date"], trip.service_date.to_string()),
        Body::IdentityObserved(identity) => {
            let names: Vec<&str> = identity.person.names.iter().map(|name| name.text.expose().as_str()).collect();
            let read = value["person"]["names"].as_array().expect("names").iter();
            assert_eq!(read.map(|name| name["text"].as_str().expect("text")).collect::<Vec<_>>(), names);
        }
        _ => {}
    }
}

fn events() -> Vec<Event> {
    let at = domain::Timestamp::from_millis(1_646_092_931_500);
    samples()
        .map(|mut event| {
            event.meta.event_time = at;
            event
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_client_decodes_our_messages_with_our_registry() {
    let Some(client) = confluent_client() else { return };
    let registry = start_registry().await;
    let events = events();
    let mut input = String::new();
    for event in &events {
        let encoded = Codec::builtin().encode(event).expect("encodes");
        input.push_str(&format!("{} {}\n", encoded.topic, hex::encode(encoded.payload)));
    }
    let read = decode(&client, &["--registry", &registry, "--hex"], &input).await;
    assert_eq!(read.len(), events.len());
    for (event, read) in events.iter().zip(&read) {
        assert_eq!(read["topic"], event.event_type().topic());
        assert_same(event, read);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_client_reads_our_topics_from_kafka() {
    let (Some(client), Some(kafka)) = (confluent_client(), test_support::kafka().await) else { return };
    let registry = start_registry().await;
    let prefix = format!("clients-{}.", Uuid::new_v4().simple());
    let log = KafkaLog::open(&KafkaConfig { prefix: prefix.clone(), ..KafkaConfig::new(&kafka.bootstrap) });
    let log = EventLog::Kafka(log.expect("the broker is there"));
    for event in events() {
        let encoded = Codec::builtin().encode(&event).expect("encodes");
        let topic = TopicSpec { name: encoded.topic.to_owned(), partitions: 1, retention: None, compacted: false };
        log.ensure_topics(&[topic]).await.expect("the topic is made");
        let Encoded { topic, key, payload, headers } = encoded;
        let key_text = String::from_utf8(key.clone()).expect("text");
        let record = Record { topic: topic.to_owned(), key, payload, headers };
        log.append(vec![record]).await.expect("appended");

        let topic = format!("{prefix}{topic}");
        let words = ["--registry", &registry, "--bootstrap", &kafka.bootstrap, "--topic", &topic, "--count", "1"];
        let read = decode(&client, &words, "").await.remove(0);
        assert_eq!(read["key"], key_text);
        assert_eq!(read["headers"]["ce_id"], event.meta.event_id.to_string());
        assert_eq!(read["headers"]["ce_type"], format!("hub.v1.{}", event.event_type().name()));
        assert_same(&event, &read);
    }
}

//! A registry over HTTP: look-up, registration, schemas that only the registry knows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use codec::{Catalogue, Codec, DecodeError, RegistryConfig, RegistryError};
use domain::{Body, CodeColour, Event, EventType, Sensitive};
use serde_json::{Value, json};

use crate::arbitrary::samples;

/// What a registry remembers: schemas by subject, each with its id.
#[derive(Default)]
struct Memory {
    by_subject: BTreeMap<String, Vec<(u32, String)>>,
    by_id: BTreeMap<u32, Value>,
    registrations: usize,
    authorization: Option<String>,
}

type Shared = Arc<Mutex<Memory>>;
type Reply = (StatusCode, Json<Value>);

fn refuse(code: u32, message: &str) -> Reply {
    let status = StatusCode::from_u16((code / 100) as u16).expect("a status");
    (status, Json(json!({ "error_code": code, "message": message })))
}

async fn look_up(State(memory): State<Shared>, Path(subject): Path<String>, body: String) -> Reply {
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let memory = memory.lock().expect("not poisoned");
    let Some(schemas) = memory.by_subject.get(&subject) else { return refuse(40401, "Subject not found.") };
    match schemas.iter().find(|(_, schema)| request["schema"] == schema.as_str()) {
        Some((id, schema)) => {
            let found = json!({ "subject": subject, "version": 1, "id": id, "schema": schema });
            (StatusCode::OK, Json(found))
        }
        None => refuse(40403, "Schema not found"),
    }
}

async fn register(
    State(memory): State<Shared>,
    Path(subject): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Reply {
    let request: Value = serde_json::from_str(&body).expect("JSON");
    let mut memory = memory.lock().expect("not poisoned");
    if subject.starts_with("forbidden.") {
        return refuse(42205, "Subject is in read-only mode");
    }
    memory.registrations += 1;
    memory.authorization = headers.get("authorization").map(|value| value.to_str().expect("text").to_owned());
    let id = 100 + memory.registrations as u32;
    let schema = request["schema"].as_str().expect("a schema").to_owned();
    memory.by_id.insert(id, json!({ "schema": schema }));
    memory.by_subject.entry(subject).or_default().push((id, schema));
    (StatusCode::OK, Json(json!({ "id": id })))
}

async fn by_id(State(memory): State<Shared>, Path(id): Path<u32>) -> Reply {
    match memory.lock().expect("not poisoned").by_id.get(&id) {
        Some(schema) => (StatusCode::OK, Json(schema.clone())),
        None => refuse(40403, "Schema not found"),
    }
}

async fn start() -> (String, Shared) {
    let memory = Shared::default();
    let router = Router::new()
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", post(register))
        .route("/schemas/ids/{id}", get(by_id))
        .with_state(memory.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    (url, memory)
}

fn gate_pass() -> Event {
    let mut event = samples().find(|event| event.event_type() == EventType::GatePass).expect("a sample");
    let Body::GatePass(body) = &mut event.body else { panic!("a gate pass") };
    body.device_seq = Some(7);
    body.code_shown = CodeColour::Green;
    event
}

/// The newest schema of gate passes, changed as another version of the program might have it.
fn changed_schema(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let entry = Catalogue::builtin().latest(EventType::GatePass);
    let mut schema: Value = serde_json::from_str(&entry.schema).expect("JSON");
    change(schema["fields"].as_array_mut().expect("fields"));
    schema.to_string()
}

fn field<'a>(fields: &'a mut [Value], name: &str) -> &'a mut Value {
    fields.iter_mut().find(|field| field["name"] == name).expect("the field")
}

/// The event as a program with another schema writes it.
fn written_with(schema: &str, id: u32, event: &Event, change: impl FnOnce(&mut Vec<(String, Avro)>)) -> Vec<u8> {
    let ours = Schema::parse_str(&Catalogue::builtin().latest(event.event_type()).schema).expect("a schema");
    let payload = Codec::builtin().encode(event).expect("encodes").payload;
    let reader = GenericDatumReader::builder(&ours).build().expect("a reader");
    let Avro::Record(mut fields) = reader.read_value(&mut &payload[5..]).expect("reads") else { panic!("a record") };
    change(&mut fields);
    let theirs = Schema::parse_str(schema).expect("a schema");
    let writer = GenericDatumWriter::builder(&theirs).build().expect("a writer");
    let body = writer.write_value_to_vec(Avro::Record(fields)).expect("writes");
    [&[0][..], &id.to_be_bytes(), &body].concat()
}

#[tokio::test]
async fn absent_schemas_are_registered_once() {
    let (url, memory) = start().await;
    let first = Codec::remote(&RegistryConfig::at(&url)).await.expect("registers");
    assert_eq!(memory.lock().expect("not poisoned").registrations, EventType::ALL.len() + 1);
    let second = Codec::remote(&RegistryConfig::at(format!("{url}/"))).await.expect("looks up");
    assert_eq!(memory.lock().expect("not poisoned").registrations, EventType::ALL.len() + 1);
    for event in samples() {
        let encoded = first.encode(&event).expect("encodes");
        assert!(first.schema_id(event.event_type()) > 100, "the registry's id, not the built-in one");
        assert_eq!(second.decode(encoded.topic, &encoded.payload).expect("decodes"), event);
        assert!(Codec::builtin().decode(encoded.topic, &encoded.payload).is_err());
    }
}

#[tokio::test]
async fn credentials_and_prefix_reach_the_registry() {
    let (url, memory) = start().await;
    let config = RegistryConfig {
        url: format!("{url}/"),
        username: Some("hub".to_owned()),
        password: Some(Sensitive::from("s3cret")),
        subject_prefix: "city-a.".to_owned(),
    };
    Codec::remote(&config).await.expect("registers");
    let memory = memory.lock().expect("not poisoned");
    assert!(memory.by_subject.contains_key("city-a.gate.pass-value"));
    assert_eq!(memory.authorization.as_deref(), Some("Basic aHViOnMzY3JldA=="));
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_message_of_another_version_is_read_through_its_schema_in_the_registry() {
    let (url, memory) = start().await;
    let codec = Codec::remote(&RegistryConfig::at(&url)).await.expect("registers");
    let event = gate_pass();

    // An older program: no `device_seq` yet.
    let older = changed_schema(|fields| fields.retain(|field| field["name"] != "device_seq"));
    // A newer one: a field and a colour that this program does not know.
    let newer = changed_schema(|fields| {
        fields.push(json!({ "name": "lane", "type": ["null", "string"], "default": null }));
        let symbols = &mut field(fields, "code_shown")["type"]["symbols"];
        symbols.as_array_mut().expect("symbols").push(json!("PURPLE"));
    });
    let add = |id, schema: &String| memory.lock().expect("not poisoned").by_id.insert(id, json!({ "schema": schema }));
    add(900, &older);
    add(901, &newer);

    let payload = written_with(&older, 900, &event, |fields| fields.retain(|(name, _)| name != "device_seq"));
    assert!(matches!(codec.decode("gate.pass", &payload), Err(DecodeError::UnknownSchema { id: 900 })));
    let Body::GatePass(read) = codec.decode_fetching("gate.pass", &payload).await.expect("decodes").body else {
        panic!("a gate pass")
    };
    let Body::GatePass(written) = &event.body else { panic!("a gate pass") };
    assert_eq!(read, domain::GatePass { device_seq: None, ..written.clone() });

    let payload = written_with(&newer, 901, &event, |fields| {
        fields.push(("lane".to_owned(), Avro::Union(1, Box::new(Avro::String("3".to_owned())))));
        let colour = fields.iter_mut().find(|(name, _)| name == "code_shown").expect("the field");
        colour.1 = Avro::Enum(4, "PURPLE".to_owned());
    });
    let Body::GatePass(read) = codec.decode_fetching("gate.pass", &payload).await.expect("decodes").body else {
        panic!("a gate pass")
    };
    assert_eq!(read, domain::GatePass { code_shown: CodeColour::Unknown, ..written.clone() });

    // What was learnt stays: no need to ask again. Faults of such messages are told apart as well.
    assert!(codec.decode("gate.pass", &payload).is_ok());
    for end in 5..payload.len() {
        let error = codec.decode("gate.pass", &payload[..end]).expect_err("cut short");
        assert!(matches!(error, DecodeError::Truncated), "cut at {end}: {error:?}");
    }
    let error = codec.decode("gate.pass", &[&payload[..], b"!"].concat()).expect_err("trailing");
    assert!(matches!(error, DecodeError::TrailingBytes { count: 1, .. }), "{error:?}");
    assert!(matches!(codec.decode("test.result", &payload), Err(DecodeError::WrongTopic { .. })));
}

#[tokio::test]
async fn schemas_that_are_no_event_are_refused() {
    let (url, memory) = start().await;
    let codec = Codec::remote(&RegistryConfig::at(&url)).await.expect("registers");
    let recursive = changed_schema(|fields| {
        fields.push(json!({ "name": "again", "type": ["null", "GatePass"], "default": null }));
    });
    let retyped = changed_schema(|fields| field(fields, "gate_id")["type"] = json!("long"));
    let cases = [
        json!({ "schema": "\"string\"" }),
        json!({ "schema": "no schema at all" }),
        json!({ "schema": r#"{"type":"record","name":"Order","fields":[]}"# }),
        json!({ "schema": recursive }),
        json!({ "schema": retyped }),
    ];
    for (id, schema) in (900..).zip(cases) {
        memory.lock().expect("not poisoned").by_id.insert(id, schema.clone());
        let message = [&[0][..], &u32::to_be_bytes(id), &[0; 40]].concat();
        let error = codec.decode_fetching("gate.pass", &message).await.expect_err("refused");
        assert!(matches!(error, DecodeError::ForeignSchema { .. }), "{schema}: {error:?}");
        assert!(!error.is_transient());
    }
    let protobuf = json!({ "schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF" });
    memory.lock().expect("not poisoned").by_id.insert(990, protobuf);
    for id in [990_u32, 991] {
        let message = [&[0][..], &id.to_be_bytes(), &[0; 40]].concat();
        let error = codec.decode_fetching("gate.pass", &message).await.expect_err("unknown");
        assert!(matches!(error, DecodeError::UnknownSchema { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_or_is_away_is_said_so() {
    let (url, _) = start().await;
    let config = RegistryConfig { subject_prefix: "forbidden.".to_owned(), ..RegistryConfig::at(&url) };
    let error = Codec::remote(&config).await.err().expect("refused");
    assert!(matches!(error, RegistryError::Refused { status: 422, code: 42205, .. }), "{error:?}");
    let error = Codec::remote(&RegistryConfig::at("ftp://x")).await.err().expect("refused");
    assert!(matches!(error, RegistryError::Address), "{error:?}");

    // A port that was free a moment ago and that nobody listens on.
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let error = Codec::remote(&RegistryConfig::at(format!("http://{free}"))).await.err().expect("away");
    assert!(matches!(error, RegistryError::Http(_)), "{error:?}");
}

#[tokio::test]
async fn a_message_that_waits_for_the_registry_can_be_tried_again() {
    let (url, memory) = start().await;
    let codec = Codec::remote(&RegistryConfig::at(&url)).await.expect("registers");
    memory.lock().expect("not poisoned").by_id.insert(900, json!({ "no": "schema" }));
    let message = [&[0][..], &900_u32.to_be_bytes(), &[0; 40]].concat();
    let error = codec.decode_fetching("gate.pass", &message).await.expect_err("no answer");
    assert!(matches!(error, DecodeError::Registry { id: 900, .. }), "{error:?}");
    let schema = &Catalogue::builtin().latest(EventType::GatePass).schema;
    memory.lock().expect("not poisoned").by_id.insert(900, json!({ "schema": schema }));
    let payload =
        [&[0][..], &900_u32.to_be_bytes(), &Codec::builtin().encode(&gate_pass()).expect("encodes").payload[5..]];
    assert_eq!(codec.decode_fetching("gate.pass", &payload.concat()).await.expect("decodes"), gate_pass());
}

/// A registry that is not ours.
#[tokio::test]
async fn a_registry_that_is_not_ours_gives_ids_and_hands_schemas_out() {
    let Some(url) = test_support::schema_registry().await else { return };
    let prefix = format!("codec-{}.", uuid::Uuid::new_v4().simple());
    let config = |prefix: &str| RegistryConfig { subject_prefix: prefix.to_owned(), ..RegistryConfig::at(url) };
    let first = Codec::remote(&config(&prefix)).await.expect("registers");
    let again = Codec::remote(&config(&prefix)).await.expect("looks up");
    for event in samples() {
        assert_eq!(first.schema_id(event.event_type()), again.schema_id(event.event_type()));
        let encoded = first.encode(&event).expect("encodes");
        assert_eq!(again.decode(encoded.topic, &encoded.payload).expect("decodes"), event);
    }

    // A schema that only the registry has: that of an older program.
    let older = changed_schema(|fields| fields.retain(|field| field["name"] != "device_seq"));
    let subject = format!("{url}/subjects/{prefix}older-value/versions");
    let request = reqwest::Client::new().post(subject).json(&json!({ "schema": older }));
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let id = answer["id"].as_u64().expect("an id") as u32;
    let event = gate_pass();
    let payload = written_with(&older, id, &event, |fields| fields.retain(|(name, _)| name != "device_seq"));
    let read = first.decode_fetching("gate.pass", &payload).await.expect("decodes");
    assert!(matches!(read.body, Body::GatePass(body) if body.device_seq.is_none()));
    let error = first.decode_fetching("gate.pass", &[&[0][..], &[0x7f; 40]].concat()).await.expect_err("unknown");
    assert!(matches!(error, DecodeError::UnknownSchema { .. }), "{error:?}");
}

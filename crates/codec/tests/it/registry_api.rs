//! The registry's read API, request by request.

use codec::Catalogue;
use codec::registry::{CONTENT_TYPE_V1, answer};
use serde_json::{Value, json};

fn call(method: &str, path: &str, body: &str) -> (u16, Value) {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let answer = answer(method, path, query, body.as_bytes()).expect("a path of the registry");
    assert_eq!(answer.content_type, CONTENT_TYPE_V1);
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}

fn gate() -> &'static codec::Entry {
    Catalogue::builtin().latest(domain::EventType::GatePass)
}

#[test]
fn subjects_and_versions_can_be_listed() {
    let (status, subjects) = call("GET", "/subjects", "");
    assert_eq!((status, subjects.as_array().map(Vec::len)), (200, Some(domain::EventType::ALL.len() + 1)));
    assert_eq!(call("GET", "/subjects?subjectPrefix=gate.", ""), (200, json!(["gate.pass-value"])));
    assert_eq!(call("GET", "/subjects/gate.pass-value/versions", ""), (200, json!([1])));
    assert_eq!(call("GET", "/schemas/types", ""), (200, json!(["AVRO"])));
    assert_eq!(call("GET", "/config", ""), (200, json!({ "compatibilityLevel": "BACKWARD_TRANSITIVE" })));
    assert_eq!(call("GET", "/mode", ""), (200, json!({ "mode": "READONLY" })));
}

#[test]
fn a_schema_is_found_by_subject_and_version_and_by_id() {
    let entry = gate();
    let whole = json!({ "subject": "gate.pass-value", "version": 1, "id": entry.id, "schema": entry.schema });
    for version in ["1", "latest", "-1"] {
        assert_eq!(call("GET", &format!("/subjects/gate.pass-value/versions/{version}"), ""), (200, whole.clone()));
    }
    assert_eq!(call("GET", "/subjects/gate%2Epass-value/versions/1", ""), (200, whole));
    let parsed: Value = serde_json::from_str(&entry.schema).expect("JSON");
    assert_eq!(call("GET", "/subjects/gate.pass-value/versions/1/schema", ""), (200, parsed.clone()));
    let by_id = format!("/schemas/ids/{}", entry.id);
    assert_eq!(call("GET", &by_id, ""), (200, json!({ "schema": entry.schema })));
    assert_eq!(call("GET", &format!("{by_id}?subject=x&fetchMaxId=false"), "").0, 200);
    assert_eq!(call("GET", &format!("{by_id}/schema"), ""), (200, parsed));
    let versions = json!([{ "subject": "gate.pass-value", "version": 1 }]);
    assert_eq!(call("GET", &format!("{by_id}/versions"), ""), (200, versions));
}

#[test]
fn what_is_not_there_is_said_in_the_registrys_codes() {
    for (path, status, code) in [
        ("/subjects/nobody-value/versions", 404, 40401),
        ("/subjects/nobody-value/versions/1", 404, 40401),
        ("/subjects/gate.pass-value/versions/99", 404, 40402),
        ("/subjects/gate.pass-value/versions/0", 422, 42202),
        ("/subjects/gate.pass-value/versions/first", 422, 42202),
        ("/schemas/ids/999", 404, 40403),
        ("/schemas/ids/x/schema", 404, 40403),
        ("/schemas/ids/999/versions", 404, 40403),
    ] {
        let (got, body) = call("GET", path, "");
        assert_eq!((got, &body["error_code"]), (status, &json!(code)), "{path}");
        assert!(body["message"].is_string(), "{path}");
    }
    assert!(answer("GET", "/nothing", None, b"").is_none());
}

#[test]
fn a_schema_can_be_looked_up_however_it_is_written() {
    let entry = gate();
    let parsed: Value = serde_json::from_str(&entry.schema).expect("JSON");
    let pretty = serde_json::to_string_pretty(&parsed).expect("JSON");
    let mut without_doc = parsed.clone();
    without_doc.as_object_mut().expect("an object").remove("doc");
    for schema in [entry.schema.clone(), pretty, without_doc.to_string()] {
        let (status, body) = call("POST", "/subjects/gate.pass-value", &json!({ "schema": schema }).to_string());
        assert_eq!((status, &body["id"]), (200, &json!(entry.id)));
    }
    let string = json!({ "schema": "\"string\"" }).to_string();
    assert_eq!(call("POST", "/subjects/gate.pass-value", &string).1["error_code"], 40403);
    assert_eq!(call("POST", "/subjects/nobody-value", &string).1["error_code"], 40401);
    for body in ["", "{}", "[]", r#"{"schema":"{"}"#, r#"{"schema":7}"#] {
        assert_eq!(call("POST", "/subjects/gate.pass-value", body).1["error_code"], 42201, "{body}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let entry = gate();
    let known = json!({ "schema": entry.schema }).to_string();
    assert_eq!(call("POST", "/subjects/gate.pass-value/versions", &known), (200, json!({ "id": entry.id })));
    let string = json!({ "schema": "\"string\"" }).to_string();
    assert_eq!(call("POST", "/subjects/gate.pass-value/versions", &string).1["error_code"], 42205);
    assert_eq!(call("DELETE", "/subjects/gate.pass-value", "").0, 422);
    assert_eq!(call("PUT", "/config", "{}").0, 422);
    assert_eq!(call("DELETE", "/schemas/ids/1", "").0, 405);
}

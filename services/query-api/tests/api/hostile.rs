use axum::http::StatusCode;
use serde_json::json;

use crate::world::{CASE, PHONE, anna, anna_number, find, get, world};

#[tokio::test]
async fn hostile_bodies_are_refused_and_on_record() {
    let world = world().await;
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let fine = json!({ "scheme": "MSISDN", "value": PHONE }).to_string();
    let many = format!(r#"{{"identifiers":[{}]}}"#, [fine.as_str(); 11].join(","));
    for (body, status) in [
        (r#"{"name":"王小明","birth_date":"1990-01-02","role":"auditor"}"#, StatusCode::BAD_REQUEST),
        (r#"{"name":"王小明","birth_date":"1990-01-02","fields":["*"]}"#, StatusCode::BAD_REQUEST),
        (r#"{"name":"王小明","name":"李四","birth_date":"1990-01-02"}"#, StatusCode::BAD_REQUEST),
        (r#"{"name":{"$ne":null},"birth_date":"1990-01-02"}"#, StatusCode::BAD_REQUEST),
        ("{\"name\":\"王\u{0}\",\"birth_date\":\"1990-01-02\"}", StatusCode::BAD_REQUEST),
        ("{\"name\":\"王\\u0000\",\"birth_date\":\"1990-01-02\"}", StatusCode::BAD_REQUEST),
        (&deep, StatusCode::BAD_REQUEST),
        (&many, StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
        ("null", StatusCode::BAD_REQUEST),
        (r#"{"name":"王小明","birth_date":"1990-13-01"}"#, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let before = world.entries().len();
        let reply = world.ask(find(body).tracing()).await;
        assert_eq!(reply.status, status, "{body:.80}");
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!(world.entries().len(), before + 1, "{body:.80}");
        assert!(!reply.text().contains("王小明") && !reply.text().contains("auditor"), "{}", reply.text());
    }
}

#[tokio::test]
async fn a_body_too_long_or_of_another_type_is_refused() {
    let world = world().await;
    let ten_megabytes = format!(r#"{{"name":"{}","birth_date":"1990-01-02"}}"#, "王".repeat(3_500_000));
    let reply = world.ask(find(&ten_megabytes).tracing()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"));
    // Without a length that could be looked at first.
    let router = world.app.clone();
    let stream = axum::body::Body::new(axum::body::Body::from(ten_megabytes));
    let request = axum::http::Request::post("/v1/persons/find")
        .header("authorization", "Bearer tracer")
        .header("isthmus-purpose", "PUBHLTH")
        .header("isthmus-case", CASE)
        .header("content-type", "application/json")
        .body(stream)
        .expect("a request");
    let response = tower::ServiceExt::oneshot(router, request).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);

    let ask = get("/v1/persons/find").post().tracing().header("content-type", "text/plain").body("{}");
    assert_eq!(world.ask(ask).await.code(), "body-type");
}

#[tokio::test]
async fn sql_in_every_text_finds_nobody_and_breaks_nothing() {
    let world = world().await;
    for text in
        ["' OR '1'='1", "'; DROP TABLE person; --", "\\'; SELECT pg_sleep(9)--", "%", "王小五'--", "$1", "${jndi:x}"]
    {
        for question in [
            json!({ "name": text, "birth_date": "1990-01-02" }),
            json!({ "identifiers": [{ "scheme": "PASSPORT", "value": text }] }),
            json!({ "identifiers": [{ "scheme": text, "value": "E12345678" }] }),
            json!({ "identifiers": [{ "scheme": "MRN", "value": "77", "issuer": text }] }),
        ] {
            let reply = world.ask(find(&question.to_string()).tracing()).await;
            match reply.status {
                StatusCode::OK => assert_eq!(reply.json()["persons"], json!([]), "{question}"),
                // The problem document of the code and nothing else: no word of the database.
                _ => assert_eq!(
                    reply.json(),
                    serde_json::to_value(query_api::Problem::IdentifierMalformed.kind().document()).expect("json"),
                    "{question}"
                ),
            }
        }
    }
    assert_eq!(world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn identifiers_in_addresses_are_refused_before_anything_else() {
    let world = world().await;
    for path in [
        format!("/v1/persons/{}", anna_number()),
        format!("/v1/persons/{PHONE}"),
        format!("/v1/persons/find?phone={PHONE}"),
        format!("/v1/persons/{}/timeline?id={}", anna(), anna_number()),
        format!("/nowhere/{PHONE}"),
    ] {
        for ask in [get(path.clone()).tracing(), get(path.clone())] {
            world.advance_clock(60_000);
            let before = world.entries().len();
            let reply = world.ask(ask).await;
            assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "identifier-in-url"), "{path}");
            assert_eq!(world.entries().len(), before + 1, "{path}");
            assert!(!reply.text().contains(PHONE) && !reply.text().contains(&anna_number()));
        }
    }
}

#[tokio::test]
async fn malformed_ids_and_unknown_addresses_are_problems_too() {
    let world = world().await;
    for id in ["x", "..%2f..%2fetc%2fpasswd", "%ff", "3f2504e0-4f89-11d3-9a0c-0305e82c330g", "*"] {
        let reply = world.ask(get(format!("/v1/persons/{id}")).tracing()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "person-id-malformed"), "{id}");
    }
    assert_eq!(world.ask(get("/v1/nothing")).await.code(), "route-unknown");
    assert_eq!(world.ask(get("/v1/me").by("worker").post()).await.code(), "method-unknown");
    for query in ["", "?from=now&to=then", &format!("?{}&role=auditor", crate::world::FROM_TO)] {
        let reply = world.ask(get(format!("/v1/persons/{}/timeline{query}", anna())).tracing()).await;
        assert_eq!(reply.code(), "query-malformed", "{query}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_said_without_its_words() {
    let world = world().await;
    world.store.pool().close().await;
    let reply = world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "store-unavailable"));
    assert_eq!(world.ask(get("/readyz")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn the_schema_registry_is_served_beside_it() {
    let world = world().await;
    let reply = world.ask(get("/registry/subjects")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers["content-type"], codec::registry::CONTENT_TYPE_V1);
    assert!(reply.json().as_array().is_some_and(|subjects| !subjects.is_empty()));
    assert_eq!(world.ask(get("/registry/nothing/here")).await.code(), "route-unknown");
}

#[tokio::test]
async fn every_problem_is_explained_where_its_document_points() {
    let world = world().await;
    let problem = world.ask(get("/v1/nothing")).await.json();
    let list = world.ask(get(problem["type"].as_str().expect("an address"))).await.json();
    let codes: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|kind| kind["code"].as_str()).collect();
    assert!(codes.contains(&"route-unknown"));
    assert_eq!(codes.len(), query_api::PROBLEMS.len());
}

#[tokio::test]
async fn a_refusal_of_any_route_of_the_process_is_on_record() {
    use axum::response::IntoResponse as _;
    use tower::ServiceExt as _;
    const ELSEWHERE: query_api::ProblemKind =
        query_api::ProblemKind { code: "operators-elsewhere", status: 403, meaning: "Not you.", mend: "Be another." };
    let world = world().await;
    let others = axum::Router::new()
        .route("/v1/elsewhere", axum::routing::get(async || ELSEWHERE.into_response()))
        .route("/v1/open", axum::routing::get(async || "open"));
    let app = query_api::finish(others, Default::default(), &[], Some(world.state.clone()));
    let ask = async |ask: crate::world::Ask| app.clone().oneshot(ask.request()).await.expect("infallible");
    assert_eq!(ask(get("/v1/elsewhere").by("worker")).await.status(), StatusCode::FORBIDDEN);
    let entry = world.last_entry();
    let refused =
        |reason: &str| matches!(&entry.decision, ledger::Decision::Refused { reason: told } if told.as_str() == reason);
    assert!(entry.actor.as_str() == "worker" && refused("operators-elsewhere"), "{entry:?}");
    let stranger = ask(get("/v1/elsewhere")).await;
    assert!(stranger.headers().contains_key("isthmus-receipt"));
    assert_eq!((world.last_entry().actor.as_str(), world.entries().len()), ("unauthenticated", 2));
    // A flood of strangers is collapsed, and what is answered with an entry gets no second one.
    for _ in 0..5 {
        assert_eq!(ask(get("/v1/elsewhere")).await.status(), StatusCode::FORBIDDEN);
    }
    ask(get("/v1/open")).await;
    assert_eq!(world.entries().len(), 2);
    world.ask(get(format!("/v1/persons/{}", anna())).by("worker")).await;
    world.ask(get(format!("/v1/persons/{}", anna()))).await;
    assert_eq!(world.entries().len(), 3);
}

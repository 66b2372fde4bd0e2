//! The second wall: what the database itself does not give to a statement that went wrong.

use axum::http::StatusCode;
use domain::PersonId;
use store::views;
use uuid::Uuid;

use crate::world::{FROM_TO, World, anna, bob, get, world};

/// A handler that was decided about Anna, and whose statement is an attacker's.
async fn attacked(world: &World, sql: &'static str) -> Result<Vec<Uuid>, String> {
    let mut conn = world.store.snapshot().await.expect("a state");
    views::narrow(&mut conn, &[anna()]).await.expect("narrowed");
    sqlx::query_scalar(sql).fetch_all(&mut *conn).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_statement_of_an_attacker_finds_no_row_of_anybody_else() {
    let world = world().await;
    let persons = attacked(&world, "SELECT person_id FROM person").await.expect("allowed");
    assert_eq!(persons, [anna().as_uuid()], "whatever is asked for");
    let union = "SELECT person_id FROM person WHERE false OR true UNION ALL SELECT person_id FROM views.person";
    assert_eq!(attacked(&world, union).await.expect("allowed"), [anna().as_uuid(); 2]);

    let mut conn = world.store.acquire().await.expect("a connection");
    let of = "SELECT f.record_id FROM fact f WHERE f.subject IN (
                  SELECT c.token FROM claim c JOIN source_record r USING (record_id) WHERE r.person_id = $1
                  UNION ALL SELECT record_id FROM source_record WHERE person_id = $1)";
    let mut own: Vec<Uuid> = sqlx::query_scalar(of).bind(anna().as_uuid()).fetch_all(&mut *conn).await.expect("read");
    let all: Vec<Uuid> = sqlx::query_scalar("SELECT record_id FROM fact").fetch_all(&mut *conn).await.expect("read");
    drop(conn);
    let mut seen = attacked(&world, "SELECT record_id FROM fact").await.expect("allowed");
    seen.sort_unstable();
    own.sort_unstable();
    assert!(seen == own && seen.len() < all.len(), "{} of {} facts, {} are hers", seen.len(), all.len(), own.len());

    for sql in [
        "SELECT record_id FROM source_record WHERE statement IS NOT NULL",
        "SELECT digest FROM person",
        "SELECT person_id FROM link",
        "SELECT person_id FROM lineage.person_change",
        "SELECT batch_id FROM ingest.batch",
        "SELECT person_id FROM audit.marked_person",
        "SELECT nonce FROM access.grant_request",
        "UPDATE person SET units = '{}' RETURNING person_id",
        "DELETE FROM fact RETURNING record_id",
    ] {
        let refused = attacked(&world, sql).await.expect_err(sql);
        assert!(refused.contains("permission denied") || refused.contains("read-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn what_is_decided_about_one_person_narrows_no_other_call() {
    let world = world().await;
    let ask = async |person: PersonId, path: &str| {
        world.ask(get(format!("/v1/persons/{person}{path}")).tracing()).await.status
    };
    // More calls than the pool has connections: each narrows one, and the next finds it as wide as ever.
    for _ in 0..6 {
        for person in [anna(), bob()] {
            assert_eq!(ask(person, "").await, StatusCode::OK);
            assert_eq!(ask(person, &format!("/timeline?{FROM_TO}")).await, StatusCode::OK);
        }
    }
}

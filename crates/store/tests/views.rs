//! The store on a real PostgreSQL: migrations, instants, pages of facts, refusals.

use domain::{ClaimToken, Edition, EventId, EventType, PersonId, RecordId, Timestamp};
use store::lineage::{self, PersonChangePut};
use store::views::{self, Changes, FactFilter, FactPut, LinkPut, PersonPut, Schema};
use store::{PgInstant, Store};
use test_support::build::{NOON, record_id};
use test_support::database;
use uuid::Uuid;

async fn store() -> Store {
    let store = Store::connect(database().await.connect_options(), 4).await.expect("connected");
    store.migrate().await.expect("migrated");
    store
}

fn fact(record: RecordId, subject: ClaimToken, started_at: Timestamp, ended_at: Option<Timestamp>) -> FactPut {
    FactPut {
        record_id: record,
        kind: EventType::GatePass,
        edition: Edition { version: 1, reading: 0 },
        event_id: EventId::derive("s", "r", Edition { version: 1, reading: 0 }, "UPSERT", "GatePass"),
        source: "gates".to_owned(),
        subject: Some(subject),
        started_at,
        ended_at,
        place_id: None,
        detail: Some("{}".to_owned()),
        known_at: started_at,
    }
}

async fn write(store: &Store, facts: Vec<FactPut>) -> store::Result<()> {
    let mut tx = store.begin("test").await?;
    views::apply(&mut tx, &Changes { facts, ..Changes::default() }).await?;
    tx.commit().await
}

#[tokio::test]
async fn several_processes_may_migrate_at_once_and_again() {
    let options = database().await.connect_options();
    let first = Store::connect(options.clone(), 2).await.expect("connected");
    let second = Store::connect(options, 2).await.expect("connected");
    let (one, two) = tokio::join!(first.migrate(), second.migrate());
    one.expect("migrated");
    two.expect("migrated");
    let before = views::find_checkpoint(&mut first.acquire().await.expect("a connection")).await.expect("views");
    first.migrate().await.expect("migrated again");
    let after = views::find_checkpoint(&mut second.acquire().await.expect("a connection")).await.expect("views");
    assert_eq!(before, after);
}

#[tokio::test]
async fn whoever_gives_up_while_a_transaction_begins_leaves_no_connection_within_it() {
    let store = Store::connect(database().await.connect_options(), 1).await.expect("connected");
    store.migrate().await.expect("migrated");
    let isolation = async || {
        let mut conn = store.acquire().await.expect("a connection");
        let query = sqlx::query_scalar::<_, String>("SHOW transaction_isolation");
        query.fetch_one(&mut *conn).await.expect("an answer")
    };
    assert_eq!(isolation().await, "read committed");
    for _ in 0..50 {
        // Polled once it has sent what begins; then nobody waits any more.
        for polls in 1..4 {
            let mut begins = Box::pin(store.snapshot());
            for _ in 0..polls {
                // On a fast machine it may have begun already.
                if futures_util::poll!(&mut begins).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(begins);
            assert_eq!(isolation().await, "read committed");
        }
    }
}

#[tokio::test]
async fn instants_come_back_as_they_were_to_the_millisecond() {
    let store = store().await;
    let mut conn = store.acquire().await.expect("a connection");
    for text in
        ["1900-01-01T00:00:00.001Z", "1969-12-31T23:59:59.999Z", "2022-03-01T04:00:00.123Z", "2200-06-15T12:00:00Z"]
    {
        let instant = PgInstant(Timestamp::parse(text).expect("an instant"));
        let (back, written): (PgInstant, bool) = sqlx::query_as("SELECT $1, $1 = $2::text::timestamptz")
            .bind(instant)
            .bind(text)
            .fetch_one(&mut *conn)
            .await
            .expect("read");
        assert_eq!((back, written), (instant, true), "{text}");
    }
    for (beyond, end) in [(i64::MIN, PgInstant::MIN), (i64::MAX, PgInstant::MAX)] {
        let back: PgInstant = sqlx::query_scalar("SELECT $1")
            .bind(PgInstant(Timestamp::from_millis(beyond)))
            .fetch_one(&mut *conn)
            .await
            .expect("read");
        assert_eq!(back, end);
    }
}

#[tokio::test]
async fn a_page_of_facts_holds_what_touches_the_time_span_and_the_next_goes_on() {
    let store = store().await;
    let subject = ClaimToken::from_bytes([1; 16]);
    let at = |minutes: i64| NOON.plus_millis(minutes * 60_000);
    let mut facts: Vec<FactPut> =
        (0..10).map(|n| fact(record_id("gates", &n.to_string()), subject, at(n), None)).collect();
    facts.push(fact(record_id("cells", "long"), subject, at(-60), Some(at(3))));
    facts.push(fact(record_id("cells", "over"), subject, at(-60), Some(at(-1))));
    facts.push(fact(record_id("gates", "other"), ClaimToken::from_bytes([2; 16]), at(3), None));
    write(&store, facts).await.expect("written");
    let mut conn = store.acquire().await.expect("a connection");
    let mut filter =
        FactFilter { subjects: &[subject], kinds: &[], from: at(2), to: at(7), after: None, limit: 4, known_at: None };
    let first = views::list_facts(&mut conn, &filter).await.expect("read");
    let starts = |facts: &[views::FactRow]| facts.iter().map(|fact| fact.started_at).collect::<Vec<_>>();
    assert_eq!(starts(&first), [at(-60), at(2), at(3), at(4)]);
    filter.after = first.last().map(|fact| (fact.started_at, fact.record_id));
    let second = views::list_facts(&mut conn, &filter).await.expect("read");
    assert_eq!(starts(&second), [at(5), at(6)]);
    assert_eq!(views::count_facts(&mut conn, &[subject], at(2), at(7)).await.expect("counted"), 6);
    filter.kinds = &[EventType::TestResult];
    assert!(views::list_facts(&mut conn, &filter).await.expect("read").is_empty());
}

#[tokio::test]
async fn data_that_the_database_refuses_is_told_from_a_database_that_is_away() {
    let store = store().await;
    let mut bad = fact(record_id("gates", "g"), ClaimToken::from_bytes([1; 16]), NOON, None);
    bad.detail = Some("{".to_owned());
    let refused = write(&store, vec![bad]).await.expect_err("no JSON");
    assert_eq!(refused.refused_data().as_deref(), Some("22P02"));
    store.pool().close().await;
    let away = store.acquire().await.expect_err("closed");
    assert_eq!(away.refused_data(), None);
}

#[tokio::test]
async fn views_to_come_are_needed_for_an_exchange() {
    let store = store().await;
    let mut tx = store.begin("test").await.expect("begun");
    let missing = views::exchange(&mut tx).await;
    assert!(matches!(missing, Err(store::Error::NoViews("views_next"))));
    drop(tx);
    let mut conn = store.acquire().await.expect("a connection");
    assert!(views::exists(&mut conn, Schema::Active).await.expect("read"));
}

#[tokio::test]
async fn more_rows_than_one_statement_carries_are_all_written_once() {
    const ROWS: u128 = 40_001;
    let store = store().await;
    let record = |n: u128| RecordId::from_uuid(Uuid::from_u128(n));
    let persons: Vec<PersonId> = (1..=ROWS).map(|n| PersonId::from_uuid(Uuid::from_u128(n))).collect();
    let mut changes = Changes { relinked: persons.clone(), ..Changes::default() };
    for (n, &person_id) in (1..).zip(&persons) {
        let digest = Uuid::from_u128(n);
        changes.persons.push(PersonPut {
            person_id,
            golden: "{}".to_owned(),
            units: Vec::new(),
            record_count: 1,
            first_time: NOON,
            digest,
        });
        changes.lineage.push(PersonChangePut {
            person_id,
            digest: Some(digest),
            members: vec![record(n)],
            from_persons: Vec::new(),
            into_persons: Vec::new(),
            cause: store::lineage::Cause::of(domain::ChangeCause::Event),
        });
        let link = LinkPut {
            record_a: record(n),
            record_b: record(n + ROWS),
            weight: 1.0,
            parts: "[]".to_owned(),
            model_version: "m".to_owned(),
        };
        changes.links.push((person_id, link));
    }
    let rows = i64::try_from(ROWS).expect("small");
    // The second time replaces what is there; nobody is another by it.
    for noted in [ROWS as u64, 0] {
        let mut tx = store.begin("test").await.expect("begun");
        let noted = lineage::Noted { persons: noted, replaced: 0 };
        assert_eq!(lineage::note(&mut tx, &changes, "m").await.expect("noted"), noted);
        views::apply(&mut tx, &changes).await.expect("applied");
        let written: PgInstant = sqlx::query_scalar("SELECT date_trunc('milliseconds', clock_timestamp())")
            .fetch_one(&mut *tx)
            .await
            .expect("read");
        lineage::stamp(&mut tx, noted).await.expect("stamped");
        if !noted.is_empty() {
            let (all_later, instants): (bool, i64) =
                sqlx::query_as("SELECT bool_and(at >= $1), count(DISTINCT at) FROM lineage.person_change")
                    .bind(written)
                    .fetch_one(&mut *tx)
                    .await
                    .expect("read");
            assert_eq!((all_later, instants), (true, 1), "known at one instant, after all was written");
        }
        tx.commit().await.expect("committed");
        let mut conn = store.acquire().await.expect("a connection");
        for table in ["person", "link", "lineage.person_change"] {
            let counted: (i64, i64) =
                sqlx::query_as(sqlx::AssertSqlSafe(format!("SELECT count(*), count(DISTINCT person_id) FROM {table}")))
                    .fetch_one(&mut *conn)
                    .await
                    .expect("counted");
            assert_eq!(counted, (rows, rows), "{table}");
        }
    }
}

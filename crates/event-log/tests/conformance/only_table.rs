//! What only the table backend has.

use std::time::Duration;

use domain::Timestamp;
use event_log::{EventLog, LogConfig, LogError, Positions, TableConfig, TopicSpec};
use sqlx::Row;

use crate::subject::{numbered, read};

#[tokio::test]
async fn the_tables_can_be_made_by_many_at_once() {
    let database = test_support::database().await;
    let mut makers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = database.pool();
        makers.spawn(async move {
            let log = EventLog::open(&LogConfig::default(), &pool).await.expect("open");
            log.ensure_topics(&[TopicSpec::new("one", 3), TopicSpec::new("two", 1)]).await.expect("topics");
        });
    }
    makers.join_all().await;
}

#[tokio::test]
async fn an_append_that_fails_appends_nothing() {
    let pool = test_support::database().await.pool();
    let log = EventLog::open(&LogConfig::default(), &pool).await.expect("open");
    log.ensure_topics(&[TopicSpec::new("whole", 1)]).await.expect("topic");
    sqlx::raw_sql("ALTER TABLE log.block ADD CONSTRAINT small CHECK (plain_bytes < 250)")
        .execute(&pool)
        .await
        .expect("constraint");
    let mut bad = numbered("whole", "k", 2);
    bad.payload = vec![0; 200];
    let error = log.append(vec![numbered("whole", "k", 1), bad]).await.expect_err("refused by the table");
    assert!(matches!(error, LogError::Table { .. }), "{error}");
    assert_eq!(log.end_positions(&["whole"]).await.expect("end").get("whole", 0), Some(0));
    log.append(vec![numbered("whole", "k", 3)]).await.expect("append");
    assert_eq!(log.end_positions(&["whole"]).await.expect("end").get("whole", 0), Some(1));
}

#[tokio::test]
async fn a_transaction_that_is_slow_to_commit_holds_back_only_its_topic() {
    let pool = test_support::database().await.pool();
    let log = EventLog::open(&LogConfig::default(), &pool).await.expect("open");
    log.ensure_topics(&[TopicSpec::new("held", 1), TopicSpec::new("free", 1)]).await.expect("topics");
    let mut slow = pool.begin().await.expect("transaction");
    sqlx::query("SELECT FROM log.topic WHERE name = 'held' FOR UPDATE").execute(&mut *slow).await.expect("lock");
    let held = log.append(vec![numbered("held", "k", 1)]);
    tokio::pin!(held);
    tokio::select! {
        result = &mut held => panic!("appended beside the lock: {result:?}"),
        result = log.append(vec![numbered("free", "k", 1)]) => drop(result.expect("append to another topic")),
    }
    slow.commit().await.expect("commit");
    held.await.expect("append after the lock");
}

#[tokio::test]
async fn a_reader_finds_records_after_its_listener_was_cut_off() {
    let pool = test_support::database().await.pool();
    let log = EventLog::open(&LogConfig::default(), &pool).await.expect("open");
    log.ensure_topics(&[TopicSpec::new("cut", 1)]).await.expect("topic");
    let mut reader = log.reader(&["cut"], Positions::new()).await.expect("reader");
    let cut = sqlx::query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
          WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    );
    let cut: i64 = cut.fetch_one(&pool).await.expect("cut off").get(0);
    assert_eq!(cut, 1, "one connection listens");
    log.append(vec![numbered("cut", "k", 1)]).await.expect("append");
    assert_eq!(read(&mut reader, 1).await.len(), 1);
}

#[tokio::test]
async fn retention_keeps_what_is_young_and_what_shares_a_segment_with_it() {
    let pool = test_support::database().await.pool();
    let config = LogConfig::Table(TableConfig { segment_records_max: 100, segment_hours_max: 1 });
    let log = EventLog::open(&config, &pool).await.expect("open");
    let hour = Duration::from_secs(3_600);
    log.ensure_topics(&[TopicSpec::new("aged", 2).keep_for(10 * hour)]).await.expect("topic");
    for batch in 0..5 {
        log.append((0..100).map(|n| numbered("aged", &n.to_string(), batch * 100 + n)).collect())
            .await
            .expect("append");
    }
    // What was begun before is made to have been begun twenty hours ago.
    sqlx::raw_sql(
        "UPDATE log.segment_start SET begun_at = begun_at - interval '20 hours' WHERE segment <= 2;
         UPDATE log.topic SET segment_at = segment_at - interval '20 hours'",
    )
    .execute(&pool)
    .await
    .expect("age");
    let now: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        .fetch_one(&pool)
        .await
        .expect("clock");
    let now = Timestamp::from_millis(now);
    assert_eq!(log.drop_expired(now).await.expect("retention"), 2, "segments 0 and 1 end before segment 2 began");
    assert_eq!(log.drop_expired(now).await.expect("retention"), 0);
    let begin = log.begin_positions(&["aged"]).await.expect("begin");
    let end = log.end_positions(&["aged"]).await.expect("end");
    assert_eq!(begin.behind(&end), 300);
    let mut reader = log.reader(&["aged"], Positions::new()).await.expect("reader");
    assert_eq!(read(&mut reader, 300).await.len(), 300);
}

#[tokio::test]
async fn a_reader_that_retention_overtakes_is_told() {
    let pool = test_support::database().await.pool();
    let log = EventLog::open(&LogConfig::default(), &pool).await.expect("open");
    log.ensure_topics(&[TopicSpec::new("late", 1).keep_for(Duration::from_millis(1))]).await.expect("topic");
    let mut reader = log.reader(&["late"], Positions::new()).await.expect("reader");
    log.append(vec![numbered("late", "k", 1)]).await.expect("append");
    let far = Timestamp::from_millis(4_000_000_000_000);
    assert_eq!(log.drop_expired(far).await.expect("retention"), 1);
    let error = reader.next(1, Duration::ZERO).await.expect_err("overtaken");
    assert!(matches!(error, LogError::PositionOutOfRange { offset: 0, first: 1, end: 1, .. }), "{error}");
}

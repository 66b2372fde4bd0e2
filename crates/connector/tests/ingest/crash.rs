//! A crash at any point loses nothing acknowledged and doubles nothing.

use std::collections::BTreeSet;

use connector::Compression;
use domain::FeedId;
use futures_util::stream;

use crate::hub::{Hub, counters, push_request, ticket, ticket_file};

/// From here on no receipt can be written: what a crash between append and commit looks like.
const BREAK: &str = "CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'broken for a test'; END $$";
const BREAK_ON: &str = "CREATE TRIGGER broken BEFORE UPDATE OF next_row ON ingest.batch
    FOR EACH ROW WHEN (NEW.next_row > 4001) EXECUTE FUNCTION public.broken()";
const MEND: &str = "DROP TRIGGER broken ON ingest.batch";

fn rows() -> Vec<String> {
    (0..9_000).map(|n| ticket(&format!("E{n}"), "张伟", "2022-03-01 10:00:00")).collect()
}

async fn trips(hub: &Hub) -> (usize, BTreeSet<domain::EventId>) {
    let events = hub.events().await;
    let ids: BTreeSet<_> = events.iter().map(|event| event.meta.event_id).collect();
    (events.len(), ids)
}

#[tokio::test]
async fn a_crash_between_append_and_receipt_is_mended_by_pushing_again() {
    let hub = Hub::start().await;
    hub.execute(BREAK).await;
    hub.execute(BREAK_ON).await;
    let (status, problem) = hub.push("tickets", ticket_file(&rows())).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("hub-unavailable")));
    // The second chunk's events are in the log, its receipt is not.
    let (before, _) = trips(&hub).await;
    assert!(before > 4_001, "{before}");

    hub.execute(MEND).await;
    let (status, receipt) = hub.push("tickets", ticket_file(&rows())).await;
    assert_eq!((status, counters(&receipt)), (201, [9_000, 9_000, 0, 0, 0, 9_001]));
    let (all, ids) = trips(&hub).await;
    assert!(all > 9_001, "events of the lost receipt are there twice: {all}");
    assert_eq!(ids.len(), 9_001);
}

#[tokio::test]
async fn the_next_start_finishes_what_was_left() {
    let hub = Hub::start().await;
    hub.execute(BREAK).await;
    hub.execute(BREAK_ON).await;
    assert_eq!(hub.push("tickets", ticket_file(&rows())).await.0, 503);
    // Another body is accepted, but the process ends before a row of it is read.
    let feed = FeedId::parse("tickets").expect("a name");
    let body = ticket_file(&[ticket("E1", "张伟", "2022-03-02 10:00:00")]);
    let stream = stream::iter([Ok::<_, std::io::Error>(body.clone().into())]);
    let (accepted, _) = hub.ingest.accept(&feed, Compression::Plain, None, stream).await.expect("accepted");
    hub.execute(MEND).await;

    let Hub { database, store, raw_dir, .. } = hub;
    let hub = Hub::start_on(database, store, raw_dir).await;
    assert_eq!(hub.ingest.resume().await.expect("resumes"), 2);
    assert_eq!(hub.ingest.resume().await.expect("resumes"), 0);
    let (_, page) = hub.get("tickets", "/v1/feeds/tickets/batches").await;
    let batches = page["batches"].as_array().expect("batches");
    assert!(batches.iter().all(|batch| batch["state"] == "done"), "{page}");
    let (status, again) = hub.push("tickets", body).await;
    assert_eq!((status, &again["batch_id"]), (200, &serde_json::json!(accepted.batch_id)));
    assert_eq!(counters(&again), [1, 1, 0, 0, 0, 1]);
}

#[tokio::test]
async fn pushes_of_one_file_at_once_are_one() {
    let hub = Hub::start().await;
    let file = ticket_file(&rows());
    let ((_, one), (_, two), (_, three)) = tokio::join!(
        hub.push("tickets", file.clone()),
        hub.push("tickets", file.clone()),
        hub.push("tickets", file.clone())
    );
    for receipt in [one, two, three] {
        assert_eq!(counters(&receipt), [9_000, 9_000, 0, 0, 0, 9_001], "{receipt}");
    }
    assert_eq!(trips(&hub).await, (9_001, trips(&hub).await.1));
}

#[tokio::test]
async fn two_processes_on_one_file_double_nothing() {
    let one = Hub::start().await;
    let two = Hub::start_on(one.database.clone(), one.store.clone(), one.raw_dir.clone()).await;
    let file = ticket_file(&rows());
    let ((_, first), (_, second)) = tokio::join!(one.push("tickets", file.clone()), two.push("tickets", file.clone()));
    for receipt in [first, second] {
        // Each process has its own memory of sightings, so the statement of identity may be there twice.
        assert_eq!(counters(&receipt)[..5], [9_000, 9_000, 0, 0, 0], "{receipt}");
    }
    assert_eq!(trips(&one).await.1.len(), 9_001);
}

#[tokio::test]
async fn a_process_knows_what_another_one_has_put_on_record_since_it_last_looked() {
    let one = Hub::start().await;
    let two = Hub::start_on(one.database.clone(), one.store.clone(), one.raw_dir.clone()).await;
    for (hub, numbers, new) in [(&one, 0..20_000, 20_000), (&two, 19_000..21_000, 1_000), (&one, 20_500..21_500, 500)] {
        let rows: Vec<String> = numbers.map(|n| ticket(&format!("E{n}"), "张伟", "2022-03-01 10:00:00")).collect();
        let (status, receipt) = hub.push("tickets", ticket_file(&rows)).await;
        let all = rows.len() as i64;
        assert_eq!((status, &counters(&receipt)[..5]), (201, &[all, new, all - new, 0, 0][..]), "{receipt}");
    }
}

#[tokio::test]
async fn a_push_that_need_not_wait_is_answered_once_its_body_is_durable() {
    let hub = Hub::start().await;
    let request = push_request("tickets", "").header("prefer", "respond-async").body(ticket_file(&rows()).into());
    let (status, receipt) = hub.send_json(request.expect("a request")).await;
    assert_eq!((status, receipt["state"].as_str()), (202, Some("processing")));
    let link = receipt["links"]["self"].as_str().expect("a link").to_owned();
    let done = test_support::wait_for("the batch is read", async || {
        let (_, receipt) = hub.get("tickets", &link).await;
        (receipt["state"] == "done").then_some(receipt)
    })
    .await;
    assert_eq!(counters(&done), [9_000, 9_000, 0, 0, 0, 9_001]);
}

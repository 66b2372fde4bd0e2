//! Reviewers' decisions: the person files follow, and an undone decision leaves nothing behind.

use domain::{ChangeCause, DecisionReason, Event, EventId, LinkDecided, Op, RecordId, Sensitive, Verdict};
use runtime::Shutdown;
use store::views::{self, OrderRow, ReviewFilter, ReviewRow, Standing};
use test_support::build::{NOON, event, meta, meta_at, person, record_id, resident_number};

use crate::retraction;
use crate::support::Hub;

/// A decision on two records of the register, as its `version`.
fn decision(one: &str, other: &str, verdict: Verdict, version: i64, op: Op) -> Event {
    decision_on(record_id("register", one), record_id("register", other), verdict, version, op)
}

pub(crate) fn decision_on(one: RecordId, other: RecordId, verdict: Verdict, version: i64, op: Op) -> Event {
    let id = LinkDecided::source_record_id(one, other);
    let mut meta = meta_at(LinkDecided::SOURCE, &id, version, NOON.plus_millis(version * 1000));
    meta.op = op;
    let body = LinkDecided {
        record_a: one.min(other),
        record_b: one.max(other),
        verdict,
        reason: DecisionReason::DocumentSeen,
        note: Some(Sensitive::from("both cards seen")),
        reviewer: "steward-1".to_owned(),
    };
    event(meta, body)
}

fn decide(one: &str, other: &str, verdict: Verdict, version: i64) -> Event {
    decision(one, other, verdict, version, Op::Upsert)
}

fn decision_id(one: &str, other: &str) -> RecordId {
    let (one, other) = (record_id("register", one), record_id("register", other));
    record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(one, other))
}

/// Two records of one number, two of another, and one that could be of either.
fn town() -> Vec<Event> {
    let (a, b) = (resident_number("1980-05-06", 101), resident_number("1980-05-06", 103));
    vec![
        person("王小明").resident(&a).event(meta("register", "a1")),
        person("王小明").resident(&a).event(meta_at("register", "a2", 1, NOON.plus_millis(1))),
        person("李大明").resident(&b).event(meta_at("register", "b1", 1, NOON.plus_millis(2))),
        person("李大明").resident(&b).event(meta_at("register", "b2", 1, NOON.plus_millis(3))),
        person("王小明").born("1980-05-06").event(meta_at("register", "c", 1, NOON.plus_millis(4))),
    ]
}

async fn order(hub: &Hub, one: &str, other: &str) -> OrderRow {
    let found = views::find_order(&mut *hub.conn().await, decision_id(one, other)).await.expect("read");
    found.expect("a decision")
}

async fn tasks(hub: &Hub) -> Vec<ReviewRow> {
    let filter = ReviewFilter { limit: 100, ..ReviewFilter::default() };
    views::list_reviews(&mut *hub.conn().await, &filter).await.expect("read")
}

async fn whose(hub: &Hub, name: &str) -> domain::PersonId {
    hub.person_of(record_id("register", name)).await.expect("a person")
}

type Said = (ChangeCause, Option<EventId>, Option<RecordId>);

/// Why the last persons changed.
async fn causes(hub: &Hub, last: i64) -> Vec<Said> {
    let mut conn = hub.conn().await;
    let seq = store::lineage::last_seq(&mut conn).await.expect("read");
    let rows = store::lineage::list_changes(&mut conn, seq - last, last).await.expect("read");
    rows.into_iter().map(|row| (row.cause, row.cause_event, row.cause_decision)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn person_files_follow_a_decision_and_an_undone_one_leaves_nothing_behind() {
    let hub = Hub::new().await;
    hub.take_in(&town()).await;
    let before = hub.fingerprint().await;
    assert_ne!(whose(&hub, "a1").await, whose(&hub, "b2").await);

    hub.take_in(&[decide("a2", "b1", Verdict::Same, 1)]).await;
    let together = whose(&hub, "a1").await;
    assert_eq!(whose(&hub, "b2").await, together);
    let file = hub.person(together).await.expect("a file");
    assert!(file.record_count >= 4);
    assert!(file.golden.other_names.iter().any(|name| name.value.text.expose() == "李大明"));
    assert_eq!(order(&hub, "b1", "a2").await.standing, Standing::InForce);
    let asked = tasks(&hub).await;
    assert!(asked.iter().any(|task| task.kind == "order-joins-numbers" && task.task_id == decision_id("a2", "b1")));
    // What the decision brought about names it.
    let of_decision = |event: &Event| (ChangeCause::Decision, Some(event.meta.event_id), Some(decision_id("a2", "b1")));
    assert_eq!(causes(&hub, 2).await, [of_decision(&decide("a2", "b1", Verdict::Same, 1)); 2]);

    hub.take_in(&[decision("a2", "b1", Verdict::Same, 1, Op::Retract)]).await;
    assert_eq!(order(&hub, "a2", "b1").await.standing, Standing::Ended);
    let undo = decision("a2", "b1", Verdict::Same, 1, Op::Retract);
    assert_eq!(causes(&hub, 2).await, [of_decision(&undo); 2]);
    let after = hub.fingerprint().await;
    for table in ["source_record", "claim", "person", "link", "review", "fact"] {
        assert_eq!(after[table], before[table], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_replaced_another_gives_way_to_it_again_when_it_is_undone() {
    let hub = Hub::new().await;
    hub.take_in(&[town(), vec![decide("a2", "b1", Verdict::Same, 1)]].concat()).await;
    let before = hub.fingerprint().await;

    hub.take_in(&[decide("a2", "b1", Verdict::Different, 2)]).await;
    assert_ne!(whose(&hub, "a1").await, whose(&hub, "b2").await);
    hub.take_in(&[decision("a2", "b1", Verdict::Different, 2, Op::Retract)]).await;
    let counts = order(&hub, "a2", "b1").await;
    assert_eq!((counts.version, counts.verdict, counts.standing), (1, Verdict::Same, Standing::InForce));
    let after = hub.fingerprint().await;
    for table in ["source_record", "claim", "person", "link", "review", "fact"] {
        assert_eq!(after[table], before[table], "{table}");
    }

    // The undo first, the decision after it: the same.
    let turned = Hub::new().await;
    let undo = decision("a2", "b1", Verdict::Different, 2, Op::Retract);
    for event in [undo, decide("a2", "b1", Verdict::Different, 2), decide("a2", "b1", Verdict::Same, 1)] {
        turned.take_in(&[event]).await;
    }
    turned.take_in(&town()).await;
    assert_eq!(turned.fingerprint().await, after);
    let report = projector::check(&turned.config, &Shutdown::new()).await.expect("compared");
    assert_eq!(report.differing, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_and_any_order_of_events_give_the_same_views_and_states() {
    let straight = Hub::new().await;
    let decisions = [
        decide("a1", "b1", Verdict::Same, 3),
        decide("b1", "c", Verdict::Same, 4),
        decide("a1", "c", Verdict::Different, 5),
        decide("a2", "b2", Verdict::Different, 1),
        decide("a2", "b2", Verdict::Same, 2),
        decision("a2", "b2", Verdict::Same, 2, Op::Retract),
        decision("a2", "b2", Verdict::Different, 1, Op::Retract),
    ];
    for given in [town(), decisions.to_vec()] {
        straight.take_in(&given).await;
    }
    assert_eq!(order(&straight, "a1", "c").await.standing, Standing::InForce);
    let aside = order(&straight, "a1", "b1").await;
    assert_eq!(aside.standing, Standing::SetAside);
    let mut against = vec![decision_id("b1", "c"), decision_id("a1", "c")];
    against.sort_unstable();
    let mut said = aside.against.clone();
    said.sort_unstable();
    assert_eq!(said, against);
    let contradiction = tasks(&straight).await.into_iter().find(|task| task.kind == "orders-contradict");
    assert_eq!(contradiction.expect("a task").task_id, decision_id("a1", "b1"));

    let expected = straight.fingerprint().await;
    let shutdown = Shutdown::new();
    let report = projector::check(&straight.config, &shutdown).await.expect("compared");
    assert_eq!(report.differing, Vec::<&str>::new());

    let turned = Hub::with_batches_of(2).await;
    let mut backwards: Vec<Event> = decisions.iter().rev().cloned().collect();
    backwards.extend(town().into_iter().rev());
    // Each once more: a repeat changes nothing.
    backwards.extend(decisions);
    turned.take_in(&backwards).await;
    assert_eq!(turned.fingerprint().await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_outlives_records_that_go_and_come_back_and_a_restart() {
    let hub = Hub::new().await;
    hub.take_in(&[town(), vec![decide("a1", "b1", Verdict::Same, 1)]].concat()).await;
    hub.take_in(&[retraction("register", "b1", 2, None)]).await;
    assert_eq!(order(&hub, "a1", "b1").await.standing, Standing::Resting);
    assert_ne!(whose(&hub, "a1").await, whose(&hub, "b2").await);
    let number = resident_number("1980-05-06", 103);
    hub.take_in(&[person("李大明").resident(&number).event(meta_at("register", "b1", 3, NOON))]).await;
    assert_eq!(order(&hub, "a1", "b1").await.standing, Standing::InForce);
    assert_eq!(whose(&hub, "a1").await, whose(&hub, "b2").await);
}

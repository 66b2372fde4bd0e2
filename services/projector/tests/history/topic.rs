//! The topic `person.file` on a real Kafka: who reads it from the beginning knows every person and where every id leads.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codec::{PERSON_FILE_TOPIC, PersonFile};
use domain::{ChangeCause, ChangeKind, Op, PersonId, RecordId, Verdict};
use event_log::{EventLog, KafkaConfig, LogConfig, Positions, TopicSpec};
use projector::{published_topic, topics};
use store::lineage;
use test_support::build::record_id;
use test_support::wait_for;

use super::{id, retraction, says};
use crate::decisions::decision_on;
use crate::support::Hub;

/// A hub whose log is Kafka; `None` where there is none.
async fn hub_on_kafka() -> Option<Hub> {
    let kafka = test_support::kafka().await?;
    let mut hub = Hub::with_batches_of(2).await;
    let mut config = KafkaConfig::new(&kafka.bootstrap);
    config.prefix = format!("{}.", test_support::scratch_name());
    hub.config.log = EventLog::open(&LogConfig::Kafka(config), hub.config.store.pool()).await.expect("a log");
    let mut specs: Vec<TopicSpec> = topics().into_iter().map(|topic| TopicSpec::new(topic, 1)).collect();
    specs.extend(published_topic(&hub.config.log, 2));
    hub.config.log.ensure_topics(&specs).await.expect("topics");
    Some(hub)
}

impl Hub {
    /// Everything that is in the topic, partition by partition in its order.
    async fn messages(&self) -> Vec<PersonFile> {
        let end = self.config.log.end_positions(&[PERSON_FILE_TOPIC]).await.expect("positions");
        let mut reader = self.config.log.reader(&[PERSON_FILE_TOPIC], Positions::new()).await.expect("a reader");
        let mut messages = Vec::new();
        while !reader.positions().reached(&end) {
            for delivered in reader.next(1_000, Duration::from_secs(1)).await.expect("records") {
                let file = self.config.codec.decode_person_file(&delivered.payload).expect("a message");
                assert_eq!(delivered.key, file.person_id.as_uuid().simple().to_string().into_bytes());
                messages.push(file);
            }
        }
        messages
    }

    /// Waits until the newest change is in the topic, and gives what a consumer that starts from nothing then holds.
    async fn consumed(&self) -> BTreeMap<PersonId, PersonFile> {
        let last = self.history().await.last().expect("changes").seq;
        wait_for("all changes are published", async || {
            let mut conn = self.conn().await;
            lineage::lock_published(&mut conn).await.expect("read") >= last
        })
        .await;
        let mut newest: BTreeMap<PersonId, PersonFile> = BTreeMap::new();
        for file in self.messages().await {
            if newest.get(&file.person_id).is_none_or(|known| known.seq < file.seq) {
                newest.insert(file.person_id, file);
            }
        }
        newest
    }
}

/// Where an id leads, from the topic alone: to the persons that hold the records which were its own last.
fn leads_to(newest: &BTreeMap<PersonId, PersonFile>, id: PersonId) -> Vec<PersonId> {
    let file = &newest[&id];
    if file.kind.is_person() {
        return vec![id];
    }
    let records: BTreeSet<RecordId> = file.members.iter().copied().collect();
    let persons = newest.values().filter(|file| file.kind.is_person());
    let holders = persons.filter(|file| file.members.iter().any(|record| records.contains(record)));
    let holders: Vec<PersonId> = holders.map(|file| file.person_id).collect();
    if holders.is_empty() { file.into_persons.iter().flat_map(|id| leads_to(newest, *id)).collect() } else { holders }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_on_kafka_and_its_undo_reach_the_person_files_and_the_topic() {
    let Some(hub) = hub_on_kafka().await else { return };
    let running = hub.start();
    let records = ["0", "1"].map(|key| record_id("register", key));
    hub.publish(&[says("register", "0", 1, 0, 0), says("register", "1", 1, 1, 1)]).await;
    hub.caught_up().await;
    let persons = async || [hub.person_of(records[0]).await, hub.person_of(records[1]).await];
    let apart = persons().await;
    assert_ne!(apart[0], apart[1]);
    for (verdict, version) in [(Verdict::Same, 1), (Verdict::Different, 2)] {
        hub.publish(&[decision_on(records[0], records[1], verdict, version, Op::Upsert)]).await;
        hub.caught_up().await;
        let [one, other] = persons().await;
        assert_eq!(one == other, verdict == Verdict::Same);
    }
    // The undo of the second brings the first back.
    hub.publish(&[decision_on(records[0], records[1], Verdict::Different, 2, Op::Retract)]).await;
    hub.caught_up().await;
    let newest = hub.consumed().await;
    running.stop().await;
    let [one, other] = persons().await;
    assert_eq!(one, other);
    let file = &newest[&one.expect("a person")];
    assert_eq!((file.kind, file.cause), (ChangeKind::Joined, Some(ChangeCause::Decision)));
    assert_eq!(file.members.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_topic_from_nothing_knows_every_person_and_where_every_id_leads() {
    let Some(hub) = hub_on_kafka().await else { return };
    let running = hub.start();
    // Eight people of two records each, that merge by twos, and of which some part again.
    let events: Vec<_> = (0..8_u16)
        .flat_map(|n| {
            let key = n.to_string();
            [says("register", &key, 1, i64::from(n), n), says("lab", &key, 1, 10 + i64::from(n), n)]
        })
        .collect();
    hub.publish(&events).await;
    hub.caught_up().await;
    hub.consumed().await;
    hub.publish(&(0..8_u16).map(|n| says("lab", &n.to_string(), 2, 20, n / 2)).collect::<Vec<_>>()).await;
    hub.caught_up().await;
    hub.publish(&[retraction("register", "1", 2, None), retraction("register", "2", 2, None)]).await;
    hub.caught_up().await;
    let newest = hub.consumed().await;
    running.stop().await;

    let persons: Vec<PersonId> = newest.values().filter(|f| f.kind.is_person()).map(|f| f.person_id).collect();
    let mut conn = hub.conn().await;
    let current: Vec<PersonId> = sqlx::query_scalar::<_, uuid::Uuid>("SELECT person_id FROM person ORDER BY 1")
        .fetch_all(&mut *conn)
        .await
        .expect("read")
        .into_iter()
        .map(PersonId::from_uuid)
        .collect();
    assert_eq!(persons, current);
    assert!(newest.len() > current.len(), "some ids are none any more");
    for asked in newest.keys() {
        let holders = lineage::list_holders(&mut conn, *asked).await.expect("read");
        let holders: Vec<PersonId> = holders.into_iter().map(|holder| holder.person_id).collect();
        assert_eq!(leads_to(&newest, *asked), holders);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_is_killed_loses_nothing_and_keeps_the_order_of_each_person() {
    let Some(hub) = hub_on_kafka().await else { return };
    for version in 1..=6_u16 {
        hub.publish(
            &(0..6_u16)
                .map(|n| says("lab", &n.to_string(), i64::from(version), i64::from(version), (n + version) % 3))
                .collect::<Vec<_>>(),
        )
        .await;
        let running = hub.start();
        wait_for("something new is known", async || {
            let seen = hub.history().await;
            seen.iter().any(|change| change.person_id == id("lab", "0")) && seen.len() as i64 >= 3
        })
        .await;
        running.kill().await;
    }
    let running = hub.start();
    hub.caught_up().await;
    hub.consumed().await;
    running.stop().await;
    // As they lie in the topic, after repeats are dropped: of each person all changes, in their order.
    let mut told: BTreeMap<PersonId, Vec<i64>> = BTreeMap::new();
    for file in hub.messages().await {
        let told = told.entry(file.person_id).or_default();
        if told.last().is_none_or(|last| *last < file.seq) {
            told.push(file.seq);
        }
    }
    let mut known: BTreeMap<PersonId, Vec<i64>> = BTreeMap::new();
    for change in hub.history().await {
        known.entry(change.person_id).or_default().push(change.seq);
    }
    assert_eq!(told, known);
}

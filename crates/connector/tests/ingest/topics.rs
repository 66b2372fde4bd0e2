//! Records of a topic become rows of a feed, each of them once, whatever stops in between.

use std::sync::Arc;
use std::time::Duration;

use codec::{Documents, RegistryConfig};
use connector::topic::{TopicFeed, Values, check, follow};
use connector::{Feed, Profile, ProfileFeed};
use domain::{EventType, FeedId};
use event_log::{EventLog, KafkaConfig, KafkaLog, Record, TopicSpec};
use serde_json::{Value, json};
use test_support::wait_for;
use tokio_util::sync::CancellationToken;

use crate::hub::{Hub, SCANS, scan};

const TOPIC: &str = "theirs.scans";

fn records(payloads: impl IntoIterator<Item = Vec<u8>>) -> Vec<Record> {
    let record = |(number, payload): (usize, Vec<u8>)| {
        let key = number.to_string().into_bytes();
        Record { topic: TOPIC.to_owned(), key, payload, headers: Vec::new() }
    };
    payloads.into_iter().enumerate().map(record).collect()
}

fn source(log: &EventLog, values: Values) -> TopicFeed {
    TopicFeed {
        feed: FeedId::parse("scans").expect("a name"),
        log: log.clone(),
        topic: TOPIC.to_owned(),
        values,
        records_max: 40,
        wait_max: Duration::from_millis(50),
    }
}

/// Sums of the receipts: accepted, duplicate, quarantined.
async fn sums(hub: &Hub) -> [i64; 3] {
    let (_, page) = hub.get("scans", "/v1/feeds/scans/batches?limit=1000").await;
    let batches = page["batches"].as_array().expect("batches").clone();
    let sum = |name: &str| batches.iter().map(|batch| batch[name].as_i64().expect("a number")).sum();
    [sum("accepted"), sum("duplicate"), sum("quarantined")]
}

async fn nothing_is_lost_or_doubled(log: EventLog) {
    let hub = Hub::start().await;
    log.ensure_topics(&[TopicSpec::new(TOPIC, 3)]).await.expect("a topic");
    let good = |n: usize| scan(&format!("T{n}"), "13800000001", "36.5").into_bytes();
    log.append(records((0..300).map(good))).await.expect("appended");
    let poison = [b"{broken".to_vec(), b"\xff\xfe".to_vec(), Vec::new(), br#"{"record_id":"X"}"#.to_vec()];
    log.append(records(poison)).await.expect("appended");
    let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&good(300)).expect("JSON")).expect("JSON");
    let two_lines = [good(301), good(302)].join(&b'\n');
    log.append(records([pretty, two_lines, good(0)])).await.expect("appended");

    // Two processes read the topic, and each of them is stopped again and again.
    let rounds = async {
        loop {
            let stop = CancellationToken::new();
            let one = tokio::spawn(follow(Arc::clone(&hub.ingest), source(&log, Values::Json), stop.clone()));
            let other = tokio::spawn(follow(Arc::clone(&hub.ingest), source(&log, Values::Json), stop.clone()));
            tokio::time::sleep(Duration::from_millis(400)).await;
            stop.cancel();
            let _ = tokio::join!(one, other);
        }
    };
    let done = wait_for("every record", async || (sums(&hub).await == [303, 1, 3]).then_some(()));
    tokio::select! {
        () = done => {}
        () = rounds => {}
    }
    // The rows of a batch that a stop cut off are finished by the next start.
    hub.ingest.resume().await.expect("resumed");
    assert_eq!(sums(&hub).await, [303, 1, 3]);
    assert_eq!(hub.count(EventType::GatePass).await, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_the_table_log_is_read_once() {
    let database = test_support::database().await;
    let log = EventLog::open(&event_log::LogConfig::default(), &database.pool()).await.expect("a log");
    nothing_is_lost_or_doubled(log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_a_real_kafka_is_read_once() {
    let Some(log) = kafka_log().await else { return };
    nothing_is_lost_or_doubled(log).await;
}

async fn kafka_log() -> Option<EventLog> {
    let kafka = test_support::kafka().await?;
    let mut config = KafkaConfig::new(&kafka.bootstrap);
    config.prefix = format!("{}.", test_support::scratch_name());
    Some(EventLog::Kafka(KafkaLog::open(&config).expect("opens")))
}

/// The schema of somebody else's scans.
fn schema() -> String {
    let schema = json!({
        "type": "record", "name": "Scan", "namespace": "theirs", "fields": [
            { "name": "record_id", "type": "string" },
            { "name": "gate_id", "type": "string" },
            { "name": "scan_time", "type": { "type": "long", "logicalType": "timestamp-millis" } },
            { "name": "phone", "type": ["null", "string"], "default": null },
        ]
    });
    schema.to_string()
}

fn long(value: i64, to: &mut Vec<u8>) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        to.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    to.push(rest as u8);
}

fn text(value: &str, to: &mut Vec<u8>) {
    long(value.len() as i64, to);
    to.extend_from_slice(value.as_bytes());
}

/// A scan as the others write it.
fn framed(schema: u32, id: &str) -> Vec<u8> {
    let mut message = [&[0][..], &schema.to_be_bytes()].concat();
    text(id, &mut message);
    text("G1", &mut message);
    long(1_646_092_931_000, &mut message);
    long(1, &mut message);
    text("13800000001", &mut message);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn avro_of_somebody_elses_registry_is_read_by_a_profile_and_poison_is_quarantined() {
    let (Some(log), Some(registry)) = (kafka_log().await, test_support::schema_registry().await) else { return };
    let subject = format!("{}-value", test_support::scratch_name());
    let known = test_support::register_schema(registry, &subject, &schema()).await;
    let unknown = 2_000_000_000;
    let hub = Hub::start().await;
    let profile = SCANS.replace(r#"["%Y-%m-%d %H:%M:%S"]"#, r#"["%Y-%m-%dT%H:%M:%S%.f%:z"]"#);
    let feed = ProfileFeed::new(Profile::parse("test", &profile).expect("a profile")).expect("a feed");
    let hub = Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![Arc::new(feed) as Arc<dyn Feed>]).await;
    log.ensure_topics(&[TopicSpec::new(TOPIC, 1)]).await.expect("a topic");
    let cut = framed(known, "A2")[..12].to_vec();
    let messages = [framed(known, "A1"), cut, framed(unknown, "A3"), b"no Avro".to_vec(), framed(known, "A4")];
    log.append(records(messages)).await.expect("appended");
    let documents = Documents::new(&RegistryConfig::at(registry)).expect("an address");
    let stop = CancellationToken::new();
    let following = tokio::spawn(follow(Arc::clone(&hub.ingest), source(&log, Values::Avro(documents)), stop.clone()));
    wait_for("every message", async || (sums(&hub).await == [2, 0, 3]).then_some(())).await;
    stop.cancel();
    following.await.expect("no panic");
    let events = hub.events().await;
    let pass = events.iter().find(|event| event.event_type() == EventType::GatePass).expect("a pass");
    assert_eq!(pass.meta.event_time.to_string(), "2022-03-01T00:02:11Z");
    assert!(!pass.meta.offset_assumed);
}

#[tokio::test]
async fn a_feed_that_is_no_lines_of_json_cannot_come_from_a_topic() {
    let hub = Hub::start().await;
    let tickets = FeedId::parse("tickets").expect("a name");
    let error = check(&hub.ingest, &tickets).expect_err("a table").to_string();
    assert!(error.contains("tickets") && error.contains("ndjson"), "{error}");
    assert!(check(&hub.ingest, &FeedId::parse("scans").expect("a name")).is_ok());
}

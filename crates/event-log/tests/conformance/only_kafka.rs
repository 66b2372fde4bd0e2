//! What only the Kafka backend has: encryption and passwords, groups, new partitions.

use std::collections::BTreeSet;
use std::time::Duration;

use event_log::{EventLog, TopicSpec};
use event_log::{GroupReader, GroupStep, KafkaConfig, KafkaLog, LogError, Positions, SaslMechanism, SecurityProtocol};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use test_support::SecureListener;

use crate::subject::{number, numbered, read};

async fn plain_config() -> Option<KafkaConfig> {
    let mut config = KafkaConfig::new(&test_support::kafka().await?.bootstrap);
    config.prefix = format!("{}.", test_support::scratch_name());
    Some(config)
}

/// What an administrator does beside the log.
fn admin(config: &KafkaConfig) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", &config.bootstrap).create().expect("admin client")
}

fn secure_config(listener: &SecureListener) -> KafkaConfig {
    let mut config = KafkaConfig::new(&listener.bootstrap);
    config.prefix = format!("{}.", test_support::scratch_name());
    config.security_protocol = SecurityProtocol::SaslSsl;
    config.sasl_mechanism = Some(SaslMechanism::ScramSha512);
    config.sasl_username = Some(listener.username.clone());
    config.sasl_password_file = Some(listener.password_file.clone());
    config.ssl_ca_file = Some(listener.ca_file.clone());
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_tls_and_a_password_is_written_and_read() {
    let Some(kafka) = test_support::kafka().await else { return };
    let Some(listener) = &kafka.secure else { return };
    let log = EventLog::Kafka(KafkaLog::open(&secure_config(listener)).expect("open"));
    log.ensure_topics(&[TopicSpec::new("secured", 1)]).await.expect("topic");
    log.append(vec![numbered("secured", "k", 5)]).await.expect("append");
    let mut reader = log.reader(&["secured"], Positions::new()).await.expect("reader");
    assert_eq!(number(&read(&mut reader, 1).await[0]), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_strange_certificate_are_refused() {
    let Some(kafka) = test_support::kafka().await else { return };
    let Some(listener) = &kafka.secure else { return };
    let wrong = test_support::scratch_dir("password").join("wrong");
    std::fs::write(&wrong, "guess").expect("file");
    let mut config = secure_config(listener);
    config.sasl_password_file = Some(wrong);
    let mut strange = secure_config(listener);
    strange.ssl_ca_file = None;
    for mut config in [config, strange] {
        config.options.insert("socket.timeout.ms".to_owned(), "2000".to_owned());
        let log = KafkaLog::open(&config).expect("open");
        let log = EventLog::Kafka(log);
        let topics = [TopicSpec::new("refused", 1)];
        // librdkafka tries again and again; what matters is that it never succeeds.
        let made = tokio::time::timeout(Duration::from_secs(3), log.ensure_topics(&topics)).await;
        assert!(!matches!(made, Ok(Ok(()))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_are_away_are_an_error_and_not_a_success() {
    let mut config = KafkaConfig::new("127.0.0.1:1");
    config.options.insert("message.timeout.ms".to_owned(), "500".to_owned());
    let log = EventLog::Kafka(KafkaLog::open(&config).expect("open"));
    let append = tokio::time::timeout(Duration::from_secs(60), log.append(vec![numbered("away", "k", 1)]));
    assert!(append.await.expect("an answer").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_are_added_are_read_too() {
    let Some(mut config) = plain_config().await else { return };
    config.options.insert("topic.metadata.refresh.interval.ms".to_owned(), "200".to_owned());
    let events = EventLog::Kafka(KafkaLog::open(&config).expect("open"));
    events.ensure_topics(&[TopicSpec::new("grows", 1)]).await.expect("topic");
    let mut reader = events.reader(&["grows"], Positions::new()).await.expect("reader");
    events.append((0..10).map(|n| numbered("grows", &n.to_string(), n)).collect()).await.expect("append");
    assert_eq!(read(&mut reader, 10).await.len(), 10);
    let name = format!("{}grows", config.prefix);
    let more = [NewPartitions::new(&name, 4)];
    admin(&config).create_partitions(&more, &AdminOptions::new()).await.expect("asked")[0]
        .as_ref()
        .expect("more partitions");
    let new_client = EventLog::Kafka(KafkaLog::open(&config).expect("open"));
    let mut records = (100..300).map(|n| numbered("grows", &n.to_string(), n)).collect::<Vec<_>>();
    // A producer learns of new partitions by and by; what counts is that some records lie in them.
    let used = test_support::wait_for("a producer uses the new partitions", async || {
        let ends = new_client.append(std::mem::take(&mut records)).await.expect("append");
        records = (100..300).map(|n| numbered("grows", &n.to_string(), n)).collect();
        let used: BTreeSet<i32> = ends.iter().map(|(_, partition, _)| partition).collect();
        (used.len() == 4).then_some(used)
    })
    .await;
    let end = events.end_positions(&["grows"]).await.expect("end");
    test_support::wait_for("the reader reads the new partitions", async || {
        reader.next(1_000, Duration::from_millis(50)).await.expect("records");
        reader.positions().reached(&end)
    })
    .await;
    assert_eq!(used.len(), 4);
}

/// Runs a member until it was given partitions; begins at the kept positions.
async fn await_assignment(member: &mut GroupReader, kept: &Positions) -> Vec<(String, i32)> {
    test_support::wait_for("the group gives this member partitions", async || {
        match member.next(100, Duration::from_millis(100)).await.expect("step") {
            GroupStep::Assigned(partitions) => {
                member.begin(kept).await.expect("begin");
                Some(partitions)
            }
            _ => None,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_group_hand_partitions_over_at_kept_positions() {
    let Some(config) = plain_config().await else { return };
    let log = KafkaLog::open(&config).expect("open");
    let events = EventLog::Kafka(log.clone());
    events.ensure_topics(&[TopicSpec::new("shared", 2)]).await.expect("topic");
    events.append((0..100).map(|n| numbered("shared", &n.to_string(), n)).collect()).await.expect("append");

    let group = test_support::scratch_name();
    let mut kept = Positions::new();
    let mut seen = BTreeSet::new();
    let mut first = log.group_reader(&group, &["shared"]).await.expect("first member");
    assert_eq!(await_assignment(&mut first, &kept).await.len(), 2, "alone it has all");
    test_support::wait_for("the first member reads all", async || {
        if let GroupStep::Records(records) = first.next(10, Duration::from_millis(100)).await.expect("step") {
            for record in records {
                assert!(seen.insert(number(&record)), "a record came twice");
                kept.advance(&record.position);
            }
        }
        seen.len() == 100
    })
    .await;

    // A second member: the first is told before it loses anything, and each goes on where the group stood.
    let mut second = log.group_reader(&group, &["shared"]).await.expect("second member");
    let (kept_before, mut revoked) = (kept.clone(), false);
    let (first_has, second_has) = tokio::join!(
        test_support::wait_for("the first member is asked again", async || {
            match first.next(10, Duration::from_millis(100)).await.expect("step") {
                GroupStep::Revoked(partitions) => {
                    assert_eq!(partitions.len(), 2);
                    revoked = true;
                    None
                }
                GroupStep::Assigned(partitions) => {
                    assert!(revoked, "nothing is given anew before it was given up");
                    first.begin(&kept_before).await.expect("begin");
                    Some(partitions)
                }
                GroupStep::Records(_) => None,
            }
        }),
        await_assignment(&mut second, &kept_before),
    );
    assert_eq!((first_has.len(), second_has.len()), (1, 1));
    events.append((100..200).map(|n| numbered("shared", &n.to_string(), n)).collect()).await.expect("append");
    test_support::wait_for("both read what is new, and nothing again", async || {
        for member in [&mut first, &mut second] {
            if let GroupStep::Records(records) = member.next(10, Duration::from_millis(50)).await.expect("step") {
                for record in records {
                    assert!(seen.insert(number(&record)), "a record came twice");
                }
            }
        }
        seen.len() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_deleted_under_a_reader_is_an_error() {
    let Some(mut config) = plain_config().await else { return };
    config.options.insert("topic.metadata.refresh.interval.ms".to_owned(), "200".to_owned());
    let events = EventLog::Kafka(KafkaLog::open(&config).expect("open"));
    events.ensure_topics(&[TopicSpec::new("deleted", 1)]).await.expect("topic");
    let mut reader = events.reader(&["deleted"], Positions::new()).await.expect("reader");
    let name = format!("{}deleted", config.prefix);
    admin(&config).delete_topics(&[&name], &AdminOptions::new()).await.expect("asked")[0].as_ref().expect("deleted");
    test_support::wait_for("the reader is told", async || match reader.next(1, Duration::from_millis(100)).await {
        Ok(_) => false,
        Err(error) => {
            assert!(matches!(error, LogError::UnknownTopic { .. }), "{error}");
            true
        }
    })
    .await;
}

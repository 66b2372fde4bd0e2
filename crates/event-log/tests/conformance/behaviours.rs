//! What a log does, whatever it is kept in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use event_log::{Delivered, LogError, Positions, RECORD_BYTES_MAX, Record, TopicSpec};
use test_support::wait_for;

use crate::subject::{Subject, number, numbered, read};

const NO_WAIT: Duration = Duration::ZERO;

/// Of `key 0` to `key 19` among four.
const PARTITIONS_OF_KEYS: [i32; 20] = [3, 0, 0, 3, 2, 3, 1, 3, 0, 2, 3, 2, 1, 3, 0, 0, 0, 0, 3, 2];

pub(crate) async fn records_of_a_key_keep_their_order(subject: Subject) {
    subject.topic("order", 4).await;
    let keys: Vec<String> = (0..20).map(|key| format!("key {key}")).collect();
    let mut next = 0;
    for _ in 0..5 {
        let mut batch = Vec::new();
        for _ in 0..20 {
            for key in &keys {
                batch.push(numbered("order", key, next));
                next += 1;
            }
        }
        subject.log.append(batch).await.expect("append");
    }
    let records = subject.read("order", Positions::new(), 2_000).await;
    let mut last: BTreeMap<&[u8], (u64, i32)> = BTreeMap::new();
    for record in &records {
        let partition = record.position.partition;
        if let Some((before, at)) = last.insert(&record.key, (number(record), partition)) {
            assert!(before < number(record), "a later record came first");
            assert_eq!(at, partition, "a key changed its partition");
        }
    }
    // Where Kafka's own clients put these keys: a log can move from one backend to the other and keep its partitions.
    let partitions: Vec<i32> = keys.iter().map(|key| last[key.as_bytes()].1).collect();
    assert_eq!(partitions, PARTITIONS_OF_KEYS);
}

pub(crate) async fn appended_records_are_there_for_a_new_reader_of_another_client(subject: Subject) {
    subject.topic("durable", 1).await;
    subject.log.append(vec![numbered("durable", "k", 1), numbered("durable", "k", 2)]).await.expect("append");
    let another = subject.another().await;
    let mut reader = another.reader(&["durable"], Positions::new()).await.expect("reader");
    let numbers: Vec<u64> = read(&mut reader, 2).await.iter().map(number).collect();
    assert_eq!(numbers, [1, 2]);
}

pub(crate) async fn positions_name_the_records(subject: Subject) {
    subject.topic("named", 3).await;
    let batch: Vec<Record> = (0..500).map(|n| numbered("named", &format!("k{}", n % 17), n)).collect();
    let end = subject.log.append(batch).await.expect("append");
    let records = subject.read("named", Positions::new(), 500).await;
    let mut read = Positions::new();
    for record in &records {
        read.advance(&record.position);
    }
    assert_eq!(end, read, "an append gives the position behind what it appended");
    let places: BTreeSet<_> = records.iter().map(|record| &record.position).collect();
    assert_eq!(places.len(), 500, "no two records have one position");
    let recent = records.iter().all(|record| record.appended_at.as_millis() > 1_700_000_000_000);
    assert!(recent, "the time of appending is the log's clock");
}

pub(crate) async fn a_reader_goes_on_from_kept_positions(subject: Subject) {
    subject.topic("kept", 2).await;
    let batch: Vec<Record> = (0..1_000).map(|n| numbered("kept", &format!("k{}", n % 7), n)).collect();
    subject.log.append(batch).await.expect("append");
    let mut seen = BTreeSet::new();
    let mut kept = Positions::new();
    // Each round is another reader that knows only what the one before kept.
    for _ in 0..10 {
        let mut reader = subject.log.reader(&["kept"], kept.clone()).await.expect("reader");
        for record in read(&mut reader, 100).await {
            assert!(seen.insert(number(&record)), "a record came twice");
            kept.advance(&record.position);
        }
        assert_eq!(reader.positions().behind(&kept), 0);
    }
    assert_eq!(seen.len(), 1_000);
    assert!(kept.reached(&subject.log.end_positions(&["kept"]).await.expect("end")));
}

pub(crate) async fn a_reader_begins_in_the_middle(subject: Subject) {
    subject.topic("middle", 1).await;
    subject.log.append((0..900).map(|n| numbered("middle", "k", n)).collect()).await.expect("append");
    for offset in [0, 1, 450, 699, 700, 701, 899] {
        let mut from = Positions::new();
        from.set("middle", 0, offset);
        let first = &subject.read("middle", from, 1).await[0];
        assert_eq!((first.position.offset, number(first)), (offset, offset as u64));
    }
}

fn assert_whole(records: &[Delivered], expected: u64) {
    let mut by_partition: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for record in records {
        by_partition.entry(record.position.partition).or_default().push(record.position.offset);
    }
    for (partition, offsets) in by_partition {
        let expected: Vec<i64> = (0..offsets.len() as i64).collect();
        assert_eq!(offsets, expected, "partition {partition} has a gap or another order");
    }
    let numbers: BTreeSet<u64> = records.iter().map(number).collect();
    assert_eq!(numbers.len() as u64, expected);
}

const WRITERS: u64 = 6;
const BATCHES: u64 = 15;
const BATCH: u64 = 20;

async fn write_concurrently(subject: &Subject, topic: &'static str) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let log = subject.another().await;
        writers.spawn(async move {
            for batch in 0..BATCHES {
                let first = (writer * BATCHES + batch) * BATCH;
                let records = (first..first + BATCH).map(|n| numbered(topic, &format!("w{writer}"), n)).collect();
                log.append(records).await.expect("append");
            }
        });
    }
    writers.join_all().await;
}

pub(crate) async fn concurrent_writers_leave_no_gap_and_lose_nothing(subject: Subject) {
    subject.topic("writers", 2).await;
    write_concurrently(&subject, "writers").await;
    let all = WRITERS * BATCHES * BATCH;
    let records = subject.read("writers", Positions::new(), all as usize).await;
    assert_whole(&records, all);
}

pub(crate) async fn a_reader_among_concurrent_writers_sees_every_record_once_and_in_order(subject: Subject) {
    subject.topic("among", 2).await;
    let mut reader = subject.log.reader(&["among"], Positions::new()).await.expect("reader");
    let all = WRITERS * BATCHES * BATCH;
    let (records, ()) =
        tokio::join!(async { read(&mut reader, all as usize).await }, write_concurrently(&subject, "among"));
    assert_whole(&records, all);
    assert!(reader.next(10, NO_WAIT).await.expect("nothing more").is_empty());
}

pub(crate) async fn a_waiting_reader_wakes_soon(subject: Subject) {
    subject.topic("wake", 1).await;
    let mut reader = subject.log.reader(&["wake"], Positions::new()).await.expect("reader");
    let mut quickest = Duration::MAX;
    // The quickest of several: a loaded machine may be slow at any one, a log that only polls is slow at all.
    for n in 0..5 {
        let mut waiting = Box::pin(reader.next(10, Duration::from_secs(30)));
        // By then it has looked, found nothing, and waits.
        let early = tokio::time::timeout(Duration::from_millis(150), &mut waiting).await;
        assert!(early.is_err(), "nothing is there yet");
        subject.log.append(vec![numbered("wake", "k", n)]).await.expect("append");
        let appended = Instant::now();
        assert_eq!(waiting.await.expect("record").len(), 1);
        quickest = quickest.min(appended.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "the quickest wake-up took {quickest:?}");
}

pub(crate) async fn an_empty_wait_ends_in_time_and_empty(subject: Subject) {
    subject.topic("empty", 1).await;
    let mut reader = subject.log.reader(&["empty"], Positions::new()).await.expect("reader");
    let started = Instant::now();
    let records = reader.next(10, Duration::from_millis(700)).await.expect("nothing");
    assert!(records.is_empty());
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(690) && waited < Duration::from_secs(10), "{waited:?}");
    assert!(reader.next(10, NO_WAIT).await.expect("nothing").is_empty());
}

pub(crate) async fn end_positions_move_with_appends(subject: Subject) {
    subject.topic("ends", 2).await;
    let ends = async || subject.log.end_positions(&["ends"]).await.expect("end positions");
    let before = ends().await;
    assert_eq!((before.get("ends", 0), before.get("ends", 1)), (Some(0), Some(0)));
    let appended = subject.log.append((0..50).map(|n| numbered("ends", &n.to_string(), n)).collect()).await;
    assert_eq!(appended.expect("append"), ends().await);
    assert_eq!(before.behind(&ends().await), 50);
    assert_eq!(subject.log.begin_positions(&["ends"]).await.expect("begin"), before);
}

pub(crate) async fn headers_and_binary_keys_come_back_intact(subject: Subject) {
    subject.topic("bytes", 1).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let headers =
        vec![("ce_id".into(), b"1".to_vec()), ("名".into(), every_byte.clone()), ("ce_id".into(), Vec::new())];
    let records = vec![
        Record { topic: "bytes".to_owned(), key: every_byte.clone(), payload: every_byte, headers },
        Record { topic: "bytes".to_owned(), key: vec![0], payload: Vec::new(), headers: Vec::new() },
    ];
    subject.log.append(records.clone()).await.expect("append");
    let delivered = subject.read("bytes", Positions::new(), 2).await;
    for (record, delivered) in records.iter().zip(&delivered) {
        assert_eq!((&record.key, &record.payload), (&delivered.key, &delivered.payload));
        let appended = record.headers.iter().map(|(name, value)| (name.as_ref(), value));
        assert!(appended.eq(delivered.headers.iter().map(|(name, value)| (name.as_str(), value))));
    }
}

pub(crate) async fn large_records_pass_and_too_large_ones_are_refused(subject: Subject) {
    subject.topic("large", 1).await;
    // Bytes that do not compress.
    let noise = |length: usize| -> Vec<u8> {
        let mut state = 1_u64;
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect()
    };
    let record =
        |length| Record { topic: "large".to_owned(), key: b"k".to_vec(), payload: noise(length), headers: Vec::new() };
    let largest = record(RECORD_BYTES_MAX - 1);
    subject.log.append(vec![record(1_500_000), largest.clone()]).await.expect("append");
    let error = subject.log.append(vec![record(1), record(RECORD_BYTES_MAX)]).await.expect_err("too large");
    assert!(matches!(error, LogError::RecordTooLarge { bytes, .. } if bytes == RECORD_BYTES_MAX + 1), "{error}");
    let records = subject.read("large", Positions::new(), 2).await;
    assert_eq!(records[0].payload, noise(1_500_000));
    assert_eq!(records[1].payload, largest.payload);
    let end = subject.log.end_positions(&["large"]).await.expect("end");
    assert_eq!(end.get("large", 0), Some(2), "of a refused batch nothing is appended");
}

pub(crate) async fn an_unknown_topic_is_an_error(subject: Subject) {
    let unknown =
        |error: LogError| assert!(matches!(&error, LogError::UnknownTopic { topic } if topic == "nowhere"), "{error}");
    unknown(subject.log.append(vec![numbered("nowhere", "k", 1)]).await.expect_err("append"));
    unknown(subject.log.reader(&["nowhere"], Positions::new()).await.expect_err("reader"));
    unknown(subject.log.end_positions(&["nowhere"]).await.expect_err("end positions"));
    // Asking did not make it.
    unknown(subject.log.append(vec![numbered("nowhere", "k", 1)]).await.expect_err("append"));
}

pub(crate) async fn a_position_out_of_range_is_an_error_that_names_it(subject: Subject) {
    subject.topic("range", 1).await;
    subject.log.append((0..10).map(|n| numbered("range", "k", n)).collect()).await.expect("append");
    for wrong in [-1, 11, 5_000] {
        let mut from = Positions::new();
        from.set("range", 0, wrong);
        let error = subject.log.reader(&["range"], from).await.expect_err("out of range");
        let text = error.to_string();
        assert_eq!(text, format!("range, partition 0: position {wrong} is outside of what the log holds, 0 to 10"));
    }
    let mut from = Positions::new();
    from.set("range", 0, 10);
    let mut reader = subject.log.reader(&["range"], from).await.expect("the end is a position");
    assert!(reader.next(1, NO_WAIT).await.expect("nothing").is_empty());
}

pub(crate) async fn a_call_that_was_given_up_loses_nothing(subject: Subject) {
    subject.topic("given-up", 1).await;
    let mut reader = subject.log.reader(&["given-up"], Positions::new()).await.expect("reader");
    let mut numbers = Vec::new();
    for n in 0..200 {
        subject.log.append(vec![numbered("given-up", "k", n)]).await.expect("append");
        // Shorter than a read takes, sometimes.
        let patience = Duration::from_micros(n * 20);
        if let Ok(records) = tokio::time::timeout(patience, reader.next(7, Duration::from_secs(5))).await {
            numbers.extend(records.expect("records").iter().map(number));
        }
    }
    numbers.extend(read(&mut reader, 200 - numbers.len()).await.iter().map(number));
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

pub(crate) async fn a_busy_topic_does_not_starve_another(subject: Subject) {
    subject.topic("busy", 1).await;
    subject.topic("quiet", 1).await;
    subject.log.append((0..5_000).map(|n| numbered("busy", "k", n)).collect()).await.expect("append");
    subject.log.append(vec![numbered("quiet", "k", 1)]).await.expect("append");
    let mut reader = subject.log.reader(&["busy", "quiet"], Positions::new()).await.expect("reader");
    let mut seen = 0;
    let mut quiet_at = None;
    while seen < 5_001 {
        for record in reader.next(500, Duration::from_secs(30)).await.expect("records") {
            seen += 1;
            if record.position.topic == "quiet" {
                quiet_at = Some(seen);
            }
        }
    }
    assert!(quiet_at.is_some(), "both topics are read by one reader");
}

pub(crate) async fn making_topics_again_changes_nothing(subject: Subject) {
    let topics = [TopicSpec::new("again", 2), TopicSpec::new("again-too", 1)];
    let another = subject.another().await;
    let (one, two) = tokio::join!(subject.log.ensure_topics(&topics), another.ensure_topics(&topics));
    one.expect("topics");
    two.expect("topics at the same time");
    subject.log.append(vec![numbered("again", "k", 1)]).await.expect("append");
    // Another number of partitions would break the order of the keys: the topic stays as it is.
    subject.log.ensure_topics(&[TopicSpec::new("again", 5)]).await.expect("topics again");
    assert_eq!(subject.log.end_positions(&["again"]).await.expect("end").iter().count(), 2);
    subject.read("again", Positions::new(), 1).await;
}

pub(crate) async fn retention_drops_the_old_and_tells_a_reader_that_stood_there(subject: Subject) {
    let short = TopicSpec::new("short", 1).keep_for(Duration::from_millis(1));
    subject.log.ensure_topics(&[short, TopicSpec::new("long", 1)]).await.expect("topics");
    let mut old_reader = subject.log.reader(&["short"], Positions::new()).await.expect("reader");
    for topic in ["short", "long"] {
        subject.log.append((0..1_000).map(|n| numbered(topic, "k", n)).collect()).await.expect("append");
    }
    let first = old_reader.next(1, Duration::from_secs(30)).await.expect("first record");
    let appended_at = first[0].appended_at;
    wait_for("old records are dropped", async || {
        subject.log.drop_expired(appended_at.plus_millis(3_600_000)).await.expect("retention");
        subject.log.begin_positions(&["short"]).await.expect("begin").get("short", 0) == Some(1_000)
    })
    .await;
    let mut from = Positions::new();
    from.set("short", 0, 1);
    let error = subject.log.reader(&["short"], from).await.expect_err("a position that is gone");
    assert!(matches!(error, LogError::PositionOutOfRange { offset: 1, first: 1_000, end: 1_000, .. }), "{error}");

    // Offsets go on where they were, and a topic without retention keeps all.
    let end = subject.log.append(vec![numbered("short", "k", 7)]).await.expect("append");
    assert_eq!(end.get("short", 0), Some(1_001));
    assert_eq!(subject.read("long", Positions::new(), 1_000).await.len(), 1_000);
}

pub(crate) async fn names_that_no_topic_can_have_are_refused(subject: Subject) {
    for name in ["", "a b", "a/b", "名"] {
        let error = subject.log.ensure_topics(&[TopicSpec::new(name, 1)]).await.expect_err("refused");
        assert!(matches!(error, LogError::BadTopic { .. }), "{name}: {error}");
    }
    let error = subject.log.ensure_topics(&[TopicSpec::new("none", 0)]).await.expect_err("refused");
    assert!(matches!(error, LogError::BadTopic { partitions: 0, .. }), "{error}");
}

pub(crate) async fn appending_nothing_is_nothing(subject: Subject) {
    assert!(subject.log.append(Vec::new()).await.expect("nothing").is_empty());
}

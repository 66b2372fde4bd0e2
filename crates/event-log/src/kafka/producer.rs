//! Handing records to librdkafka and waiting for their acknowledgements, which are counted per append and not awaited
//! one by one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use tokio::sync::Notify;

use crate::{LogError, Positions, Record};

/// How long to wait before a record is handed over again when the producer's queue is full.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(1);

/// A producer that reports deliveries to the append that they belong to.
pub(super) type EventProducer = ThreadedProducer<Deliveries>;

/// Takes the reports of librdkafka.
pub(super) struct Deliveries;

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<Handed>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, handed: Arc<Handed>) {
        match delivered {
            Ok(message) => handed.note(Ok((message.topic(), message.partition(), message.offset()))),
            Err((error, _)) => handed.note(Err(error.clone())),
        }
    }
}

/// Makes a producer.
pub(super) fn open(config: &ClientConfig) -> Result<Arc<EventProducer>, LogError> {
    Ok(Arc::new(config.create_with_context(Deliveries).map_err(LogError::kafka("making a producer"))?))
}

/// The records of one append, on their way.
pub(super) struct Handed {
    tally: Mutex<Tally>,
    done: Notify,
}

#[derive(Default)]
struct Tally {
    waiting: usize,
    failed: usize,
    first_error: Option<KafkaError>,
    ends: Positions,
}

impl Handed {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, delivered: Result<(&str, i32, i64), KafkaError>) {
        let mut tally = self.tally();
        match delivered {
            Ok((topic, partition, offset)) => {
                if tally.ends.get(topic, partition).is_none_or(|end| end <= offset) {
                    tally.ends.set(topic, partition, offset + 1);
                }
            }
            Err(error) => {
                tally.failed += 1;
                tally.first_error.get_or_insert(error);
            }
        }
        tally.waiting -= 1;
        if tally.waiting == 0 {
            self.done.notify_one();
        }
    }

    /// Waits until every record is acknowledged or given up; how many were given up, and why the first of them was.
    pub(super) async fn acknowledged(&self) -> Result<(), (usize, KafkaError)> {
        while self.tally().waiting > 0 {
            self.done.notified().await;
        }
        let mut tally = self.tally();
        match tally.first_error.take() {
            Some(error) => Err((tally.failed, error)),
            None => Ok(()),
        }
    }

    /// Behind the last record of each partition; topics without their prefix.
    pub(super) fn ends(&self, prefix: &str) -> Positions {
        let mut ends = Positions::new();
        for (topic, partition, end) in self.tally().ends.iter() {
            ends.set(topic.strip_prefix(prefix).unwrap_or(topic), partition, end);
        }
        ends
    }
}

/// Hands records over, in their order. Blocks while the producer's queue, which bounds what is in flight, is full.
pub(super) fn hand_over(
    producer: &EventProducer,
    records: &[Record],
    full_name: impl Fn(&str) -> String,
) -> Arc<Handed> {
    let handed =
        Handed { tally: Mutex::new(Tally { waiting: records.len(), ..Tally::default() }), done: Notify::new() };
    let handed = Arc::new(handed);
    let mut names: HashMap<&str, String> = HashMap::new();
    for record in records {
        let name = names.entry(&record.topic).or_insert_with(|| full_name(&record.topic));
        let mut message = BaseRecord::with_opaque_to(name, Arc::clone(&handed))
            .key(&record.key)
            .payload(&record.payload)
            .headers(headers(record));
        loop {
            match producer.send(message) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => message = back,
                Err((error, _)) => {
                    handed.note(Err(error));
                    break;
                }
            }
            std::thread::sleep(QUEUE_FULL_WAIT);
        }
    }
    handed
}

fn headers(record: &Record) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(record.headers.len());
    record.headers.iter().fold(empty, |headers, (key, value)| {
        headers.insert(Header { key: key.as_ref(), value: Some(value.as_slice()) })
    })
}

//! The log in Apache Kafka.
//!
//! **One reader owns its partitions.** A [`KafkaReader`] assigns partitions itself and joins no group, so that no
//! rebalance can take one away between a batch and its checkpoint; new partitions are found by looking at the topic's
//! metadata now and then. Services that share partitions use a [`GroupReader`], which hands every rebalance to its caller.

mod group;
mod producer;
mod reader;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::Producer;

use domain::Timestamp;

use crate::{Bounds, Delivered, KafkaConfig, LogError, Position, Positions, RECORD_BYTES_MAX, Record, TopicSpec};
pub use group::{GroupReader, GroupStep};
use producer::EventProducer;
pub(crate) use reader::KafkaReader;

/// How long a question to the brokers may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the making of topics may take.
const MAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The Kafka backend.
#[derive(Clone)]
pub struct KafkaLog(Arc<Shared>);

struct Shared {
    config: KafkaConfig,
    producer_config: ClientConfig,
    /// Replaced when it breaks for good.
    producer: RwLock<Arc<EventProducer>>,
    admin: AdminClient<DefaultClientContext>,
    /// Answers questions about topics; unlike a producer it never makes a topic by asking for it.
    lookup: Arc<BaseConsumer>,
    /// Partitions of the topics that were asked for.
    topics: RwLock<BTreeMap<String, i32>>,
}

impl std::fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaLog").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl KafkaLog {
    /// Opens the log of a cluster. The brokers are contacted at the first use.
    ///
    /// # Errors
    /// When the configuration is not usable.
    pub fn open(config: &KafkaConfig) -> Result<Self, LogError> {
        let producer_config = config.producer()?;
        let producer = producer::open(&producer_config)?;
        let admin = config.client()?.create().map_err(LogError::kafka("making an admin client"))?;
        let lookup: BaseConsumer =
            config.consumer("isthmus-lookup")?.create().map_err(LogError::kafka("making a client"))?;
        Ok(Self(Arc::new(Shared {
            config: config.clone(),
            producer_config,
            producer: RwLock::new(producer),
            admin,
            lookup: Arc::new(lookup),
            topics: RwLock::default(),
        })))
    }

    /// The topic's name at the brokers.
    fn full_name(&self, topic: &str) -> String {
        format!("{}{topic}", self.0.config.prefix)
    }

    pub(crate) async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        if let Some(bad) = topics.iter().find(|topic| !topic.is_valid()) {
            return Err(LogError::BadTopic { topic: bad.name.clone(), partitions: bad.partitions });
        }
        let names: Vec<String> = topics.iter().map(|topic| self.full_name(&topic.name)).collect();
        let retentions: Vec<String> = topics.iter().map(retention_ms).collect();
        // A record with its framing must fit into a batch.
        let bytes_max = (2 * RECORD_BYTES_MAX).to_string();
        let replicas = self.0.config.replication.unwrap_or(-1);
        let new_topics: Vec<NewTopic<'_>> = (topics.iter().zip(&names).zip(&retentions))
            .map(|((topic, name), retention_ms)| {
                let policy = if topic.compacted { "compact" } else { "delete" };
                NewTopic::new(name, topic.partitions, TopicReplication::Fixed(replicas))
                    .set("cleanup.policy", policy)
                    .set("retention.ms", retention_ms)
                    .set("retention.bytes", "-1")
                    .set("max.message.bytes", &bytes_max)
                    .set("message.timestamp.type", "LogAppendTime")
            })
            .collect();
        let options = AdminOptions::new().operation_timeout(Some(MAKE_TIMEOUT)).request_timeout(Some(MAKE_TIMEOUT));
        let doing = "making topics";
        let results = self.0.admin.create_topics(&new_topics, &options).await.map_err(LogError::kafka(doing))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(LogError::kafka(doing)(KafkaError::AdminOp(code))),
            }
        }
        self.await_leaders(topics).await
    }

    /// Kafka says that a topic is made before every broker knows it.
    async fn await_leaders(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        let deadline = tokio::time::Instant::now() + MAKE_TIMEOUT;
        for topic in topics {
            loop {
                match self.bounds(&[&topic.name]).await {
                    Ok(_) => break,
                    Err(error) if tokio::time::Instant::now() > deadline => return Err(error),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn append(&self, records: Vec<Record>) -> Result<Positions, LogError> {
        for record in &records {
            if record.bytes() > RECORD_BYTES_MAX {
                return Err(LogError::RecordTooLarge { topic: record.topic.clone(), bytes: record.bytes() });
            }
            self.check_topic(&record.topic).await?;
        }
        let sending = self.0.producer.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (producer, log, all) = (Arc::clone(&sending), self.clone(), records.len());
        // Handing over compresses nothing and waits only while the queue is full, but copies every record.
        let handed =
            blocking(move || Ok(producer::hand_over(&producer, &records, |topic| log.full_name(topic)))).await?;
        let Err((failed, source)) = handed.acknowledged().await else { return Ok(handed.ends(&self.0.config.prefix)) };
        self.replace_broken_producer(&sending)?;
        if let KafkaError::MessageProduction(
            RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition,
        ) = source
        {
            // It was deleted since it was looked up.
            self.0.topics.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Err(LogError::NotAppended { failed, all, source })
    }

    /// After a fatal error a producer takes nothing any more.
    fn replace_broken_producer(&self, broken: &EventProducer) -> Result<(), LogError> {
        if let Some((code, reason)) = broken.client().fatal_error() {
            tracing::error!(error.code = %code, error.message = reason, "the Kafka producer broke and is made anew");
            let producer = producer::open(&self.0.producer_config)?;
            *self.0.producer.write().unwrap_or_else(PoisonError::into_inner) = producer;
        }
        Ok(())
    }

    /// Without this look a producer waits half a minute for an unknown topic, or makes it, as the broker is set.
    async fn check_topic(&self, topic: &str) -> Result<(), LogError> {
        if self.0.topics.read().unwrap_or_else(PoisonError::into_inner).contains_key(topic) {
            return Ok(());
        }
        self.partitions(topic).await.map(|_| ())
    }

    /// The number of partitions, asked of the brokers.
    async fn partitions(&self, topic: &str) -> Result<i32, LogError> {
        let (lookup, name, full_name) = (Arc::clone(&self.0.lookup), topic.to_owned(), self.full_name(topic));
        let count = blocking(move || partition_count(&lookup, &name, &full_name)).await?;
        self.0.topics.write().unwrap_or_else(PoisonError::into_inner).insert(topic.to_owned(), count);
        Ok(count)
    }

    pub(crate) async fn bounds(&self, topics: &[&str]) -> Result<Bounds, LogError> {
        let mut bounds = Bounds::default();
        for &topic in topics {
            let partitions = self.partitions(topic).await?;
            let (lookup, name, full_name) = (Arc::clone(&self.0.lookup), topic.to_owned(), self.full_name(topic));
            let found = blocking(move || {
                let mut found = Bounds::default();
                for partition in 0..partitions {
                    let (first, end) = lookup
                        .fetch_watermarks(&full_name, partition, ASK_TIMEOUT)
                        .map_err(LogError::kafka("reading the bounds"))?;
                    found.begin.set(&name, partition, first);
                    found.end.set(&name, partition, end);
                }
                Ok(found)
            });
            let found = found.await?;
            for (into, from) in [(&mut bounds.begin, &found.begin), (&mut bounds.end, &found.end)] {
                from.iter().for_each(|(topic, partition, offset)| into.set(topic, partition, offset));
            }
        }
        Ok(bounds)
    }

    pub(crate) async fn reader(&self, topics: &[&str], from: Positions) -> Result<KafkaReader, LogError> {
        KafkaReader::open(self.clone(), topics, from).await
    }

    /// A reader that shares the partitions of the topics with other members of a group.
    ///
    /// # Errors
    /// When a topic is unknown or the brokers are away.
    pub async fn group_reader(&self, group: &str, topics: &[&str]) -> Result<GroupReader, LogError> {
        GroupReader::open(self.clone(), group, topics).await
    }
}

fn retention_ms(topic: &TopicSpec) -> String {
    topic.retention.map_or_else(|| "-1".to_owned(), |time| time.as_millis().max(1).to_string())
}

/// Runs a question to librdkafka that blocks its thread.
async fn blocking<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    match tokio::task::spawn_blocking(question).await {
        Ok(answer) => answer,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn partition_count(lookup: &BaseConsumer, topic: &str, full_name: &str) -> Result<i32, LogError> {
    let unknown = || LogError::UnknownTopic { topic: topic.to_owned() };
    let metadata = match lookup.fetch_metadata(Some(full_name), ASK_TIMEOUT) {
        Ok(metadata) => metadata,
        Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition)) => {
            return Err(unknown());
        }
        Err(error) => return Err(LogError::kafka("looking up a topic")(error)),
    };
    let found = metadata.topics().iter().find(|found| found.name() == full_name).ok_or_else(unknown)?;
    match found.error().map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => Err(unknown()),
        Some(code) => Err(LogError::kafka("looking up a topic")(KafkaError::MetadataFetch(code))),
        None => i32::try_from(found.partitions().len()).ok().filter(|&count| count > 0).ok_or_else(unknown),
    }
}

/// A message as a reader delivers it; `topic` is its name without the prefix.
fn deliver(message: &impl Message, topic: &str) -> Delivered {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
    });
    Delivered {
        position: Position { topic: topic.to_owned(), partition: message.partition(), offset: message.offset() },
        key: message.key().unwrap_or_default().to_vec(),
        payload: message.payload().unwrap_or_default().to_vec(),
        headers,
        appended_at: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or_default()),
    }
}

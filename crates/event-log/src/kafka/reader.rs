//! Reading with partitions assigned by ourselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::JoinHandle;

use super::{KafkaLog, deliver};
use crate::{Delivered, LogError, Positions};

/// How often the reader looks for new partitions.
const LOOK_FOR_PARTITIONS: Duration = Duration::from_secs(30);

pub(crate) struct KafkaReader {
    log: KafkaLog,
    consumer: Arc<StreamConsumer>,
    topics: Vec<String>,
    positions: Positions,
    /// Fetched and not delivered: a call that was given up leaves them here.
    pending: Vec<Delivered>,
    /// Met behind records that were delivered first.
    error: Option<KafkaError>,
    looked: Instant,
    look_every: Duration,
    look: Option<JoinHandle<Result<Positions, LogError>>>,
}

impl std::fmt::Debug for KafkaReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaReader").field("positions", &self.positions).finish_non_exhaustive()
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        if let Some(look) = &self.look {
            look.abort();
        }
    }
}

impl KafkaReader {
    pub(super) async fn open(log: KafkaLog, topics: &[&str], from: Positions) -> Result<Self, LogError> {
        let positions = log.bounds(topics).await?.start(&from)?;
        let consumer: StreamConsumer =
            log.0.config.consumer("isthmus-reader")?.create().map_err(LogError::kafka("making a reader"))?;
        let assignment = partition_list(&log, &positions)?;
        consumer.assign(&assignment).map_err(LogError::kafka("assigning partitions"))?;
        let milliseconds =
            log.0.config.options.get("topic.metadata.refresh.interval.ms").and_then(|ms| ms.parse().ok());
        Ok(Self {
            consumer: Arc::new(consumer),
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            positions,
            pending: Vec::new(),
            error: None,
            looked: Instant::now(),
            look_every: milliseconds.map_or(LOOK_FOR_PARTITIONS, Duration::from_millis),
            look: None,
            log,
        })
    }

    pub(crate) const fn positions(&self) -> &Positions {
        &self.positions
    }

    pub(crate) async fn next(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Delivered>, LogError> {
        let deadline = tokio::time::Instant::now() + wait;
        while self.pending.is_empty() && records_max > 0 {
            if let Some(error) = self.error.take() {
                self.judge(error).await?;
            }
            self.take_up_new_partitions().await?;
            let look_again = tokio::time::Instant::now() + self.look_every;
            let consumer = Arc::clone(&self.consumer);
            let received = tokio::time::timeout_at(deadline.min(look_again), consumer.recv()).await;
            match received {
                Ok(Ok(message)) => self.pending.push(deliver(&message, self.log.short_name(message.topic()))),
                Ok(Err(error)) => self.judge(error).await?,
                Err(_) if tokio::time::Instant::now() >= deadline => break,
                Err(_) => {}
            }
        }
        self.take_ready(records_max);
        let rest = self.pending.split_off(records_max.min(self.pending.len()));
        let records = std::mem::replace(&mut self.pending, rest);
        for record in &records {
            self.positions.advance(&record.position);
        }
        Ok(records)
    }

    /// Takes what is already here, without waiting. An error is kept for the next call.
    fn take_ready(&mut self, records_max: usize) {
        while !self.pending.is_empty() && self.pending.len() < records_max {
            match self.consumer.recv().now_or_never() {
                Some(Ok(message)) => {
                    let record = deliver(&message, self.log.short_name(message.topic()));
                    self.pending.push(record);
                }
                Some(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
    }

    /// Tells what ends the reading from what librdkafka mends by itself.
    async fn judge(&self, error: KafkaError) -> Result<(), LogError> {
        let code = match &error {
            KafkaError::MessageConsumption(code) | KafkaError::MessageConsumptionFatal(code) => *code,
            _ => return Err(LogError::kafka("reading")(error)),
        };
        match code {
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
                // This names the partition, which the error does not.
                self.log.bounds(&topics).await?.start(&self.positions)?;
                Err(LogError::kafka("reading")(error))
            }
            RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::UnknownPartition => {
                for topic in &self.topics {
                    self.log.partitions(topic).await?;
                }
                Ok(())
            }
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::NotLeaderForPartition => {
                tracing::warn!(error = %error, "the Kafka reader lost a broker; it connects again");
                Ok(())
            }
            _ => Err(LogError::kafka("reading")(error)),
        }
    }

    /// Looks for partitions that were added to the topics, beside the reading, and reads them from their beginning.
    async fn take_up_new_partitions(&mut self) -> Result<(), LogError> {
        match &mut self.look {
            None if self.looked.elapsed() >= self.look_every => {
                let (log, topics) = (self.log.clone(), self.topics.clone());
                self.look = Some(tokio::spawn(async move {
                    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                    Ok(log.bounds(&topics).await?.begin)
                }));
            }
            Some(look) if look.is_finished() => {
                let found = look.await;
                self.look = None;
                self.looked = Instant::now();
                match found {
                    Ok(Ok(begin)) => self.add(&begin)?,
                    Ok(Err(error @ LogError::UnknownTopic { .. })) => return Err(error),
                    Ok(Err(error)) => tracing::warn!(error = %error, "looking for new partitions failed"),
                    Err(error) => tracing::warn!(error = %error, "looking for new partitions failed"),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, begin: &Positions) -> Result<(), LogError> {
        let mut new = Positions::new();
        for (topic, partition, offset) in begin.iter() {
            if self.positions.get(topic, partition).is_none() {
                new.set(topic, partition, offset);
                self.positions.set(topic, partition, offset);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let list = partition_list(&self.log, &new)?;
        self.consumer.incremental_assign(&list).map_err(LogError::kafka("adding partitions"))
    }
}

impl KafkaLog {
    /// The topic's name without the prefix.
    pub(super) fn short_name<'a>(&self, full_name: &'a str) -> &'a str {
        full_name.strip_prefix(self.0.config.prefix.as_str()).unwrap_or(full_name)
    }
}

pub(super) fn partition_list(log: &KafkaLog, positions: &Positions) -> Result<TopicPartitionList, LogError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in positions.iter() {
        list.add_partition_offset(&log.full_name(topic), partition, Offset::Offset(offset))
            .map_err(LogError::kafka("assigning partitions"))?;
    }
    Ok(list)
}

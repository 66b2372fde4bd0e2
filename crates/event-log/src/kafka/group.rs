//! Reading as a member of a consumer group, with positions that the caller keeps.
//!
//! Kafka moves partitions between members by asking each to give some up and to take some on. Here the callback of
//! librdkafka only notes the question; it is answered when the caller, who by then has finished its batch and
//! checkpointed it, asks for the next step. So a partition is never given up in the middle of a batch, and a partition
//! taken on begins at the position that its last owner checkpointed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::types::RDKafkaRespErr;

use super::reader::partition_list;
use super::{KafkaLog, deliver};
use crate::{Delivered, LogError, Positions};

/// What a member of a group has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupStep {
    /// These partitions are now this member's: load their positions and call [`GroupReader::begin`].
    Assigned(Vec<(String, i32)>),
    /// These partitions are taken away: whatever is kept for them is no longer this member's. They are given up when
    /// the next step is asked for.
    Revoked(Vec<(String, i32)>),
    /// Records, at most as many as were asked for; none when none came in time.
    Records(Vec<Delivered>),
}

/// A member of a consumer group. Dropping it leaves the group.
pub struct GroupReader {
    log: KafkaLog,
    consumer: StreamConsumer<Rebalances>,
    /// The partitions that [`GroupReader::begin`] has to be called for.
    to_begin: Option<Vec<(String, i32)>>,
    to_give_up: bool,
    pending: Vec<Delivered>,
    /// Met behind records that were delivered first.
    error: Option<KafkaError>,
}

impl std::fmt::Debug for GroupReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupReader").field("to_begin", &self.to_begin).finish_non_exhaustive()
    }
}

/// Notes what the group asks for.
#[derive(Default)]
struct Rebalances {
    asked: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
}

enum Rebalance {
    Assign(Vec<(String, i32)>),
    Revoke(Vec<(String, i32)>),
}

impl ClientContext for Rebalances {}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions = list.elements().iter().map(|part| (part.topic().to_owned(), part.partition())).collect();
        let assign = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire)
            || !(assign || err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        {
            // Nobody asks for steps any more, or the group is in error and begins anew.
            let _ = consumer.unassign();
            return;
        }
        let asked = if assign { Rebalance::Assign(partitions) } else { Rebalance::Revoke(partitions) };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push_back(asked);
    }
}

impl Drop for GroupReader {
    fn drop(&mut self) {
        self.consumer.context().closing.store(true, Ordering::Release);
        let _ = self.consumer.unassign();
    }
}

impl GroupReader {
    pub(super) async fn open(log: KafkaLog, group: &str, topics: &[&str]) -> Result<Self, LogError> {
        for topic in topics {
            log.partitions(topic).await?;
        }
        let mut config = log.0.config.consumer(group)?;
        // All partitions are given up and taken on at once, so that at each moment one answer is due.
        config.set("partition.assignment.strategy", "range");
        let consumer: StreamConsumer<Rebalances> =
            config.create_with_context(Rebalances::default()).map_err(LogError::kafka("making a group reader"))?;
        let names: Vec<String> = topics.iter().map(|topic| log.full_name(topic)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        consumer.subscribe(&names).map_err(LogError::kafka("joining a group"))?;
        Ok(Self { log, consumer, to_begin: None, to_give_up: false, pending: Vec::new(), error: None })
    }

    /// Begins reading the partitions of [`GroupStep::Assigned`], each from its kept position, or from its oldest record
    /// where none is kept.
    ///
    /// # Errors
    /// When a kept position is outside of what the log holds.
    pub async fn begin(&mut self, kept: &Positions) -> Result<(), LogError> {
        let Some(partitions) = self.to_begin.clone() else { return Ok(()) };
        let mut start = Positions::new();
        for (topic, partition) in &partitions {
            // Other partitions of the topic are another member's business.
            let mut own = Positions::new();
            if let Some(offset) = kept.get(topic, *partition) {
                own.set(topic, *partition, offset);
            }
            let bounds = self.log.bounds(&[topic]).await?.start(&own)?;
            if let Some(offset) = bounds.get(topic, *partition) {
                start.set(topic, *partition, offset);
            }
        }
        let list = partition_list(&self.log, &start)?;
        self.consumer.assign(&list).map_err(LogError::kafka("taking on partitions"))?;
        self.to_begin = None;
        Ok(())
    }

    /// The next step, waiting up to `wait` for it. To ask for it says that everything delivered before is done with.
    ///
    /// # Errors
    /// When the brokers refuse or a position is outside of what the log holds.
    pub async fn next(&mut self, records_max: usize, wait: Duration) -> Result<GroupStep, LogError> {
        if std::mem::take(&mut self.to_give_up) {
            self.consumer.unassign().map_err(LogError::kafka("giving up partitions"))?;
        }
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            if let Some(step) = self.rebalanced() {
                return Ok(step);
            }
            if let Some(error) = self.error.take() {
                judge(error)?;
            }
            if !self.pending.is_empty() {
                break;
            }
            // The wait is cut into pieces: a rebalance is noted inside of it without ending it.
            let slice = deadline.min(tokio::time::Instant::now() + Duration::from_millis(20));
            match tokio::time::timeout_at(slice, self.consumer.recv()).await {
                Ok(Ok(message)) => self.pending.push(deliver(&message, self.log.short_name(message.topic()))),
                Ok(Err(error)) => judge(error)?,
                Err(_) if tokio::time::Instant::now() >= deadline => break,
                Err(_) => {}
            }
        }
        while !self.pending.is_empty() && self.pending.len() < records_max {
            match self.consumer.recv().now_or_never() {
                Some(Ok(message)) => self.pending.push(deliver(&message, self.log.short_name(message.topic()))),
                Some(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                None => break,
            }
        }
        // Records that came before a partition was taken away are another member's now.
        if let Some(step) = self.rebalanced() {
            return Ok(step);
        }
        Ok(GroupStep::Records(std::mem::take(&mut self.pending)))
    }

    /// The oldest question of the group that is not answered, as a step.
    fn rebalanced(&mut self) -> Option<GroupStep> {
        let asked = self.consumer.context().asked.lock().unwrap_or_else(PoisonError::into_inner).pop_front()?;
        let short = |partitions: Vec<(String, i32)>| -> Vec<(String, i32)> {
            partitions.into_iter().map(|(topic, part)| (self.log.short_name(&topic).to_owned(), part)).collect()
        };
        Some(match asked {
            Rebalance::Assign(partitions) => {
                let partitions = short(partitions);
                self.to_begin = Some(partitions.clone());
                GroupStep::Assigned(partitions)
            }
            Rebalance::Revoke(partitions) => {
                let partitions = short(partitions);
                self.pending.clear();
                self.to_begin = None;
                self.to_give_up = true;
                GroupStep::Revoked(partitions)
            }
        })
    }
}

/// A broker that is lost for a moment is found again by librdkafka; anything else is the caller's to know.
fn judge(error: KafkaError) -> Result<(), LogError> {
    match error {
        KafkaError::MessageConsumption(
            RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut,
        ) => {
            tracing::warn!(error = %error, "a member of a Kafka group lost a broker; it connects again");
            Ok(())
        }
        error => Err(LogError::kafka("reading in a group")(error)),
    }
}

//! A batch of the log as items of the projection, in the order of the log.

use codec::{Codec, DecodeError};
use event_log::Delivered;
use rayon::prelude::*;
use store::views::QuarantinedRow;

use crate::Error;
use crate::item::{Item, Unusable};

/// What a batch holds.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) items: Vec<Item>,
    pub(crate) quarantined: Vec<QuarantinedRow>,
    /// Events per type, for the metrics.
    pub(crate) counts: Vec<(&'static str, u64)>,
}

/// Reads the records on all cores; asks the registry about schemas that are not known yet.
///
/// # Errors
/// [`Error::Registry`] when it is away: the records are then neither used nor quarantined.
pub(crate) async fn decode(codec: &Codec, batch: Vec<Delivered>) -> Result<Decoded, Error> {
    let codec_there = codec.clone();
    let read = move || {
        let item = |delivered: &Delivered| one(&codec_there, delivered);
        let items: Vec<Result<Item, Unusable>> = batch.par_iter().map(item).collect();
        (batch, items)
    };
    let (batch, items) = tokio::task::spawn_blocking(read).await.map_err(Error::Panicked)?;
    let mut decoded = Decoded::default();
    let mut counts = std::collections::BTreeMap::new();
    for (delivered, mut item) in batch.iter().zip(items) {
        if matches!(item, Err(Unusable::Undecodable(DecodeError::UnknownSchema { .. }))) {
            item = match codec.decode_fetching(&delivered.position.topic, &delivered.payload).await {
                Ok(event) => Item::of(event),
                Err(error) if error.is_transient() => return Err(Error::Registry(error)),
                Err(error) => Err(Unusable::Undecodable(error)),
            };
        }
        match item {
            Ok(item) => {
                *counts.entry(item.kind()).or_default() += 1;
                decoded.items.push(item);
            }
            Err(unusable) => {
                *counts.entry("unusable").or_default() += 1;
                decoded.quarantined.push(quarantined(delivered, unusable.reason()));
            }
        }
    }
    decoded.counts = counts.into_iter().collect();
    Ok(decoded)
}

pub(crate) fn quarantined(delivered: &Delivered, reason: String) -> QuarantinedRow {
    let position = &delivered.position;
    QuarantinedRow { topic: position.topic.clone(), partition: position.partition, offset: position.offset, reason }
}

fn one(codec: &Codec, delivered: &Delivered) -> Result<Item, Unusable> {
    let event = codec.decode(&delivered.position.topic, &delivered.payload).map_err(Unusable::Undecodable)?;
    Item::of(event)
}

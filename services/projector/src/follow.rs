//! Following the log: read, decode, digest, write. While one batch is being written the next one is prepared.

use std::collections::BTreeSet;
use std::mem;
use std::time::Instant;

use domain::TokenKey;
use event_log::{Delivered, Position, Positions, Reader};
use futures_util::TryStreamExt;
use store::views::{self, Changes, Checkpoint, QuarantinedRow, Schema};
use store::{Store, lineage};
use tokio::task::JoinHandle;

use crate::decode::{Decoded, decode, quarantined};
use crate::model::Deciding;
use crate::projection::Projection;
use crate::{Config, Error, topics};

/// A reader of the log and the projection that it feeds, for one set of views.
pub(crate) struct Follower<'a> {
    config: &'a Config,
    schema: Schema,
    reader: Reader,
    /// Where the preparation is; the database is at most one batch behind.
    positions: Positions,
    /// Where the database will be once the batch in flight is written.
    checkpoint: Checkpoint,
    /// Version of the model that decides what is written next.
    model_version: String,
    /// Taken out while a batch is digested on another thread.
    projection: Option<Projection>,
    in_flight: Option<JoinHandle<Result<(), Error>>>,
    /// Positions whose events the database refuses.
    poison: BTreeSet<Position>,
    /// The last position of the batch that is prepared or written, for finding poison.
    last: Option<Position>,
    events: u64,
}

/// What stopped a follower, with where it was.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// The only event of the batch that failed, when it had only one.
    pub(crate) suspect: Option<Position>,
}

impl<'a> Follower<'a> {
    /// Begins where the checkpoint of the views is.
    pub(crate) async fn begin(config: &'a Config, schema: Schema, poison: BTreeSet<Position>) -> Result<Self, Error> {
        let (checkpoint, projection, changes) = load(config, schema).await?;
        let kept: Positions = serde_json::from_value(checkpoint.positions.clone())?;
        let reader = config.log.reader(&topics(), kept).await?;
        let positions = reader.positions().clone();
        let mut follower = Self {
            config,
            schema,
            reader,
            positions,
            checkpoint,
            model_version: projection.model().version().to_owned(),
            projection: Some(projection),
            in_flight: None,
            poison,
            last: None,
            events: 0,
        };
        if changes.persons_reset {
            tracing::info!(
                model.version = follower.model_version,
                survivorship.version = config.survivorship.version(),
                "Another linkage model or other rules of survivorship: deciding all persons anew."
            );
        }
        if changes.model.is_some() {
            follower.write(changes, Vec::new()).await?;
        }
        Ok(follower)
    }

    pub(crate) const fn positions(&self) -> &Positions {
        &self.positions
    }

    /// Events taken in since the beginning.
    pub(crate) const fn events(&self) -> u64 {
        self.events
    }

    /// Reads on from where it is. To be called before a step with another end: what was read beyond the end before was
    /// left out, and is read once more.
    pub(crate) async fn read_from_here(&mut self) -> Result<(), Error> {
        self.reader = self.config.log.reader(&topics(), self.positions.clone()).await?;
        Ok(())
    }

    /// Takes in the next records, at most `records_max`, and of a partition none at or behind `end`. Says how many
    /// records it read. What it took in is written when the next step or [`Follower::settle`] returns.
    pub(crate) async fn step(&mut self, records_max: usize, end: Option<&Positions>) -> Result<usize, Failure> {
        let mut batch = match self.reader.next(records_max, self.config.limits.wait).await {
            Ok(batch) => batch,
            Err(error) => return Err(Failure { error: error.into(), suspect: None }),
        };
        let read = batch.len();
        if let Some(end) = end {
            batch.retain(|delivered| {
                let Position { topic, partition, offset } = &delivered.position;
                end.get(topic, *partition).is_some_and(|end| *offset < end)
            });
        }
        if batch.is_empty() {
            self.settle().await?;
            return Ok(read);
        }
        let suspect = (batch.len() == 1).then(|| batch[0].position.clone());
        match self.take_in(batch).await {
            Ok(()) => {
                self.last = suspect;
                Ok(read)
            }
            // The failure is that of the batch before, which was in flight.
            Err(error) => Err(Failure { error, suspect: self.last.take() }),
        }
    }

    /// Waits until everything taken in is written.
    pub(crate) async fn settle(&mut self) -> Result<(), Failure> {
        self.join().await.map_err(|error| Failure { error, suspect: self.last.take() })
    }

    async fn take_in(&mut self, mut batch: Vec<Delivered>) -> Result<(), Error> {
        for delivered in &batch {
            self.positions.advance(&delivered.position);
        }
        self.events += batch.len() as u64;
        let refused = self.set_poison_aside(&mut batch);
        let Decoded { items, quarantined, counts } = decode(&self.config.codec, batch).await?;
        let Some(mut projection) = self.projection.take() else { return Err(Error::Stopped) };
        let digest = move || {
            let changes = projection.digest(items);
            (projection, changes)
        };
        let (projection, mut changes) = tokio::task::spawn_blocking(digest).await.map_err(Error::Panicked)?;
        let (records, persons) = projection.size();
        metrics::gauge!("isthmus_projector_records").set(records as f64);
        metrics::gauge!("isthmus_projector_persons").set(persons as f64);
        projection.hot().measure();
        if changes.persons_reset {
            projection.model().version().clone_into(&mut self.model_version);
            tracing::info!(
                model.version = self.model_version,
                records,
                persons,
                "A linkage model was activated: all persons are decided anew."
            );
        }
        self.projection = Some(projection);
        changes.quarantined = quarantined;
        changes.quarantined.extend(refused);
        self.write(changes, counts).await
    }

    fn set_poison_aside(&self, batch: &mut Vec<Delivered>) -> Vec<QuarantinedRow> {
        if self.poison.is_empty() {
            return Vec::new();
        }
        let (bad, good) = mem::take(batch).into_iter().partition(|d| self.poison.contains(&d.position));
        *batch = good;
        let bad: Vec<Delivered> = bad;
        bad.iter().map(|d| quarantined(d, format!("{}: the event does not fit the views", views::REFUSED))).collect()
    }

    /// Begins to write, after the batch before is written.
    async fn write(&mut self, changes: Changes, counts: Vec<(&'static str, u64)>) -> Result<(), Error> {
        self.join().await?;
        let from = self.checkpoint.clone();
        self.checkpoint.positions = serde_json::to_value(&self.positions)?;
        let to = self.checkpoint.positions.clone();
        let (store, schema) = (self.config.store.clone(), self.schema);
        let version = self.model_version.clone();
        self.in_flight = Some(tokio::spawn(async move {
            let began = Instant::now();
            let mut tx = store.begin("advance_projection").await?;
            views::use_schema(&mut tx, schema).await?;
            let mut noted = lineage::Noted::default();
            if schema == Schema::Active {
                views::lock_writing(&mut tx).await?;
                views::advance(&mut tx, &from, &to, &version).await?;
                noted = lineage::note(&mut tx, &changes, &version).await?;
            } else {
                views::advance(&mut tx, &from, &to, &version).await?;
            }
            // What a follower of changes was told must not be undone by a crash; anything else may be done again.
            if noted.is_empty() {
                views::commit_lazily(&mut tx).await?;
            }
            views::apply(&mut tx, &changes).await?;
            lineage::stamp(&mut tx, noted).await?;
            tx.commit().await?;
            metrics::counter!("isthmus_person_changes_total").increment(noted.persons);
            metrics::histogram!("isthmus_projector_write_seconds").record(began.elapsed().as_secs_f64());
            for (kind, count) in counts {
                metrics::counter!("isthmus_projected_events_total", "type" => kind).increment(count);
            }
            Ok(())
        }));
        Ok(())
    }

    async fn join(&mut self) -> Result<(), Error> {
        match self.in_flight.take() {
            Some(writing) => writing.await.map_err(Error::Panicked)?,
            None => Ok(()),
        }
    }
}

/// Reads the records of a set of views and decides the persons from them.
async fn load(config: &Config, schema: Schema) -> Result<(Checkpoint, Projection, Changes), Error> {
    let began = Instant::now();
    let Stored { checkpoint, rows, orders, model, activations } = stored(&config.store, schema).await?;
    let deciding = Deciding::stored(activations, config)?;
    if deciding.since.is_some() && deciding.model.version() != config.model.version() {
        tracing::warn!(
            model.version = deciding.model.version(),
            model.configured = config.model.version(),
            "The log says which linkage model decides; the configured one is another and is not used."
        );
    }
    let key: TokenKey = config.token_key.clone();
    // Views without a record have no decision that another model could have made.
    let other = deciding.differs(model.as_ref()).filter(|_| !rows.is_empty());
    let shown = deciding.row();
    let records = rows.len();
    let load = move || Projection::load(rows, orders, deciding, key, other);
    let (projection, mut changes) = tokio::task::spawn_blocking(load).await.map_err(Error::Panicked)?;
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(records, duration_ms, "Source records loaded into the linkage engine.");
    if model.as_ref() != Some(&shown) {
        changes.model = Some(shown);
    }
    Ok((checkpoint, projection, changes))
}

/// What a projection begins from.
struct Stored {
    checkpoint: Checkpoint,
    rows: Vec<views::SourceRecordRow>,
    orders: Vec<views::OrderRow>,
    model: Option<views::ModelRow>,
    activations: Vec<views::ModelActivationRow>,
}

async fn stored(store: &Store, schema: Schema) -> Result<Stored, Error> {
    let mut tx = store.begin("load_projection").await?;
    views::read_one_state(&mut tx).await?;
    views::use_schema(&mut tx, schema).await?;
    let checkpoint = views::find_checkpoint(&mut tx).await?;
    let rows = views::stream_records(&mut tx).try_collect().await?;
    let orders = views::all_orders(&mut tx).await?;
    let model = views::find_model(&mut tx).await?;
    let activations = views::list_model_activations(&mut tx).await?;
    tx.commit().await?;
    Ok(Stored { checkpoint, rows, orders, model, activations })
}

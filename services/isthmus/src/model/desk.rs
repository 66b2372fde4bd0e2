//! The operator's desk: database and log of a hub that runs or does not run, and the activations on the log.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use codec::Codec;
use domain::{
    BatchId, Event, EventType, Meta, ModelAction, ModelActivated, Op, Precision, Sensitive, SourceKind, TokenKey,
};
use event_log::{EventLog, Positions, Record};
use ledger::{Code, Matter, MatterId, Released};
use linkage::Model;
use runtime::{Shutdown, keys};
use store::{SessionLock, Store, views};

use crate::config::Config;
use crate::hub::{self, AdminDatabase, Hub, now};
use crate::on_record::OnRecord;
use crate::rules;

/// The largest model that is activated, in bytes: an event of the log must stay below a megabyte.
const MODEL_BYTES_MAX: usize = 900_000;
/// What the hub itself calls itself as the source of an event, and the one record that activations are versions of.
const SOURCE: &str = "isthmus";
const RECORD: &str = "linkage-model";
/// How long the log may be silent before reading it is given up.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Database, log and configuration.
pub(crate) struct Desk {
    pub(crate) config: Config,
    store: Store,
    /// The database, when this command opened it.
    own: Option<AdminDatabase>,
    log: EventLog,
    codec: Codec,
    key: TokenKey,
}

/// An activation on the log.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    pub(crate) meta: Meta,
    pub(crate) body: ModelActivated,
}

/// A change of the model that decides.
pub(crate) struct Change {
    pub(crate) action: ModelAction,
    /// The model that decides now.
    pub(crate) current: Model,
    /// The model that decides then.
    pub(crate) next: Model,
    /// Version of the last activation on the log.
    last_version: Option<i64>,
}

impl Desk {
    pub(crate) async fn open(config: Config) -> anyhow::Result<Self> {
        let database = AdminDatabase::open(&config).await?;
        let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
        let log = EventLog::open(&config.log, database.store.pool()).await.context("the event log cannot be opened")?;
        log.ensure_topics(&hub::topics(config.partitions)).await.context("the topics cannot be made")?;
        let codec = hub::codec(&config).await?;
        let (store, own) = (database.store.clone(), Some(database));
        Ok(Self { config, store, own, log, codec, key: TokenKey::from_bytes(&key) })
    }

    /// The desk of a hub that runs in this process.
    pub(crate) fn of(hub: &Hub) -> Self {
        let (config, store, log) = (hub.config.clone(), hub.store.clone(), hub.log.clone());
        Self { config, store, own: None, log, codec: hub.codec.clone(), key: hub.token_key.clone() }
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        match self.own {
            Some(database) => database.close().await,
            None => Ok(()),
        }
    }

    /// Held while the model is changed, so that two operators do not build on the same history.
    pub(crate) async fn lock(&self) -> anyhow::Result<SessionLock> {
        SessionLock::try_take(self.store(), store::locks::MODEL)
            .await?
            .context("another change of the model is under way: wait until it is done")
    }

    /// Every activation on the log, the first one first; also those that the views do not hold yet.
    pub(crate) async fn activations(&self) -> anyhow::Result<Vec<Activation>> {
        let topic = EventType::ModelActivated.topic();
        let end = self.log.end_positions(&[topic]).await?;
        let mut reader = self.log.reader(&[topic], self.log.begin_positions(&[topic]).await?).await?;
        let mut found: Vec<Activation> = Vec::new();
        let mut heard = Instant::now();
        while !reader.positions().reached(&end) {
            ensure!(heard.elapsed() < SILENCE_MAX, "the event log does not answer");
            for delivered in reader.next(100, Duration::from_millis(200)).await? {
                heard = Instant::now();
                // What is no activation was set aside by the projector too.
                if let Ok(Event { meta, body: domain::Body::ModelActivated(body) }) =
                    self.codec.decode_fetching(topic, &delivered.payload).await
                    && meta.op == Op::Upsert
                    && Model::parse(&body.model).is_ok()
                {
                    found.push(Activation { meta, body });
                }
            }
        }
        found.sort_by_key(|activation| (activation.meta.source_record_version, activation.meta.event_id));
        found.dedup_by_key(|activation| activation.meta.event_id);
        Ok(found)
    }

    /// The model that decides the persons in the views: the activated one or, without any, the one that made them.
    pub(crate) async fn current(&self, activations: &[Activation]) -> anyhow::Result<Model> {
        if let Some(last) = activations.last() {
            return Model::parse(&last.body.model).context("the model that decides cannot be read");
        }
        let row = views::find_model(&mut *self.store().acquire().await?).await?;
        match row {
            Some(row) => Model::parse(&row.document).context("the model of the views cannot be read"),
            None => rules::model(&self.config.linkage_model),
        }
    }

    /// Whether the views show values by the rules of survivorship that this command is configured with. Where it follows the
    /// log itself it would make them anew by its own.
    pub(crate) async fn has_the_rules_of_the_views(&self) -> anyhow::Result<()> {
        let shown = views::find_model(&mut *self.store().acquire().await?).await?;
        let own = rules::survivorship(&self.config)?;
        if let Some(shown) = shown.filter(|shown| shown.survivorship_version != own.version()) {
            bail!(
                "the hub chooses values by the rules of survivorship {}, and this command has {}: give it the hub's \
                 configuration with --config",
                shown.survivorship_version,
                own.version()
            );
        }
        Ok(())
    }

    /// What is to be done so that another model decides: the one that is wanted or, without one, the one before. `None` when
    /// it decides already. The caller holds the lock.
    pub(crate) async fn plan(&self, wanted: Option<Model>) -> anyhow::Result<Option<Change>> {
        self.has_the_rules_of_the_views().await?;
        let activations = self.activations().await?;
        let current = self.current(&activations).await?;
        let (action, next) = match wanted {
            Some(model) => (ModelAction::Activated, model),
            None => match pile(&activations).as_slice() {
                [.., before, _] => (ModelAction::RolledBack, Model::parse(&before.body.model)?),
                _ => bail!("no model decided before {}: there is nothing to go back to", current.version()),
            },
        };
        if next.version() == current.version() && action == ModelAction::Activated {
            return Ok(None);
        }
        let last_version = activations.last().map(|last| last.meta.source_record_version);
        Ok(Some(Change { action, current, next, last_version }))
    }

    /// Puts a change on record and on the log, and gives where it is.
    pub(crate) async fn carry_out(
        &self,
        record: &OnRecord,
        change: &Change,
        reason: &str,
    ) -> anyhow::Result<Positions> {
        let mut version = change.last_version.unwrap_or(0);
        if change.last_version.is_none() {
            // The model that was only configured goes on the log first, so that one can go back to it.
            version += 1;
            let before = (ModelAction::Activated, &change.current);
            self.publish(record, version, before, "it decided before, as configured").await?;
        }
        self.publish(record, version + 1, (change.action, &change.next), reason).await
    }

    /// Puts an activation on record, then on the log, and gives where it is.
    async fn publish(
        &self,
        record: &OnRecord,
        version: i64,
        (action, model): (ModelAction, &Model),
        reason: &str,
    ) -> anyhow::Result<Positions> {
        let document = model.to_toml()?;
        ensure!(
            document.len() <= MODEL_BYTES_MAX,
            "the model has {} bytes and may have {MODEL_BYTES_MAX}: leave out the rarest of its names",
            document.len()
        );
        let (model_version, operator) = (model.version().to_owned(), record.operator().to_owned());
        let body = ModelActivated { action, model_version, model: document, operator, reason: reason.to_owned() };
        let event = event(&self.key, version, body);
        let act = match action {
            ModelAction::Activated => "activated",
            ModelAction::RolledBack => "rolled-back",
        };
        let matter = Matter { id: MatterId(event.meta.event_id.as_uuid().into_bytes()), act: Code::parse(act)? };
        let released = Released { matter: Some(matter), ..Released::default() };
        let (event, _receipt) = record.give("change-model", released, event).await?;
        let encoded = self.codec.encode(&event).context("the activation cannot be written")?;
        let (topic, key) = (encoded.topic.to_owned(), encoded.key);
        let record = Record { topic, key, payload: encoded.payload, headers: encoded.headers };
        self.log.append(vec![record]).await.context("the event log refuses the activation")
    }

    /// Waits until the views hold what is on the log up to `end`. Where no projector runs, one of this process does it;
    /// where one runs, that of this process waits behind it and never begins.
    pub(crate) async fn follow(&self, end: &Positions) -> anyhow::Result<()> {
        let shutdown = Shutdown::on_signals()?;
        let projector = projector::Config {
            store: self.store().clone(),
            log: self.log.clone(),
            codec: self.codec.clone(),
            model: std::sync::Arc::new(rules::model(&self.config.linkage_model)?),
            survivorship: std::sync::Arc::new(rules::survivorship(&self.config)?),
            token_key: self.key.clone(),
            limits: projector::Limits::default(),
        };
        let task = tokio::spawn(projector::run(projector, shutdown.clone()));
        let followed = loop {
            if shutdown.has_begun() {
                break false;
            }
            if projector::caught_up(self.store(), end).await? {
                break true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        shutdown.begin();
        task.await.context("the projector ended by a panic")??;
        if !followed {
            bail!("stopped: the activation is on the log, and the projector of the hub follows it when it runs");
        }
        Ok(())
    }
}

/// An activation as an event. All are versions of one record of the hub itself.
fn event(key: &TokenKey, version: i64, body: ModelActivated) -> Event {
    let record_id = key.record_id(SOURCE, RECORD);
    let at = now();
    let mut meta = Meta {
        event_id: domain::EventId::from_uuid(uuid::Uuid::nil()),
        source: SOURCE.to_owned(),
        source_kind: SourceKind::Other,
        source_record_id: Sensitive::from(RECORD),
        record_id,
        source_record_version: version,
        reading: 0,
        op: Op::Upsert,
        event_time: at,
        event_time_precision: Precision::Milli,
        source_utc_offset_min: Some(0),
        offset_assumed: false,
        source_created_time: None,
        ingest_time: at,
        schema_version: 1,
        batch_id: BatchId::from_uuid(record_id.as_uuid()),
        batch_row: version,
        raw_ref: None,
        trace_id: uuid::Uuid::new_v4().simple().to_string(),
        quality_flags: Vec::new(),
    };
    meta.event_id = Event::derive_id(&meta, EventType::ModelActivated);
    Event { meta, body: body.into() }
}

/// The models that decided one after the other, as a pile: an activation lays one on top, going back takes one away.
pub(crate) fn pile(activations: &[Activation]) -> Vec<&Activation> {
    let mut pile: Vec<&Activation> = Vec::new();
    for activation in activations {
        match activation.body.action {
            ModelAction::Activated => pile.push(activation),
            ModelAction::RolledBack => {
                pile.pop();
            }
        }
    }
    pile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_twice_goes_back_by_two_models() {
        let key = TokenKey::from_bytes(&[7; 32]);
        let happened = [("a", false), ("b", false), ("c", false), ("b", true), ("a", true), ("d", false)];
        let activations: Vec<Activation> = (1..)
            .zip(happened)
            .map(|(version, (name, back))| {
                let action = if back { ModelAction::RolledBack } else { ModelAction::Activated };
                let body = ModelActivated { action, model_version: name.to_owned(), ..ModelActivated::default() };
                let meta = event(&key, version, body.clone()).meta;
                Activation { meta, body }
            })
            .collect();
        let names = |count: usize| -> Vec<&str> {
            pile(&activations[..count]).into_iter().map(|a| a.body.model_version.as_str()).collect()
        };
        assert_eq!(names(3), ["a", "b", "c"]);
        assert_eq!(names(4), ["a", "b"]);
        assert_eq!(names(5), ["a"]);
        assert_eq!(names(6), ["a", "d"]);
    }
}

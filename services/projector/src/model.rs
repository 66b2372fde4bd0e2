//! Which linkage model decides: the one that was activated last, else the configured one.
//!
//! Invariant: the log says which model decides, so that views that are made anew end with the same persons.

use std::sync::Arc;

use domain::{ChangeCause, EventId, Meta, ModelAction, ModelActivated, Op, Survivorship};
use linkage::Model;
use store::views::{ModelActivationRow, ModelRow};

use crate::item::{Unusable, clean};
use crate::{Config, Error};

/// An activation of the log, with its model ready for use.
#[derive(Debug)]
pub(crate) struct Activation {
    pub(crate) row: ModelActivationRow,
    model: Arc<Model>,
}

impl Activation {
    /// A model that this program cannot use is set aside: it must not stop the projection.
    pub(crate) fn of(meta: &Meta, body: ModelActivated) -> Result<Self, Unusable> {
        if meta.op == Op::Retract {
            return Err(Unusable::Unfit("model: an activation is taken back by another activation"));
        }
        let model = Model::parse(&body.model).map_err(|_| Unusable::Unfit("model: this version cannot use it"))?;
        let row = ModelActivationRow {
            version: meta.source_record_version,
            event_id: meta.event_id,
            activated_at: meta.event_time,
            rolled_back: body.action == ModelAction::RolledBack,
            model_version: model.version().to_owned(),
            document: clean(&body.model),
            operator: clean(&body.operator),
            reason: clean(&body.reason),
        };
        Ok(Self { row, model: Arc::new(model) })
    }

    pub(crate) fn at(&self) -> (i64, EventId) {
        (self.row.version, self.row.event_id)
    }
}

/// The model that decides and the activation that says so; and the rules of survivorship, which are configured.
#[derive(Clone, Debug)]
pub(crate) struct Deciding {
    pub(crate) model: Arc<Model>,
    /// Version and event of the activation; `None` when no model was activated and the configured one decides.
    pub(crate) since: Option<(i64, EventId)>,
    pub(crate) survivorship: Arc<Survivorship>,
}

impl Deciding {
    /// From what is stored: the last activation, else the configured model.
    pub(crate) fn stored(activations: Vec<ModelActivationRow>, config: &Config) -> Result<Self, Error> {
        let survivorship = config.survivorship.clone();
        let last = activations.into_iter().max_by_key(|row| (row.version, row.event_id));
        let Some(row) = last else { return Ok(Self { model: config.model.clone(), since: None, survivorship }) };
        let model =
            Model::parse(&row.document).map_err(|source| Error::Model { version: row.model_version, source })?;
        Ok(Self { model: Arc::new(model), since: Some((row.version, row.event_id)), survivorship })
    }

    /// In what this differs from what decided the views; `None` when persons would be decided as they were.
    pub(crate) fn differs(&self, shown: Option<&ModelRow>) -> Option<ChangeCause> {
        let is_other_model = shown.is_none_or(|row| row.model_version != self.model.version());
        let are_other_rules = shown.is_none_or(|row| row.survivorship_version != self.survivorship.version());
        is_other_model.then_some(ChangeCause::Model).or(are_other_rules.then_some(ChangeCause::Rules))
    }

    /// What the views show.
    pub(crate) fn row(&self) -> ModelRow {
        let file = self.model.file();
        ModelRow {
            model_version: self.model.version().to_owned(),
            prior: file.prior.match_log2_odds,
            link_threshold: file.thresholds.link,
            review_threshold: file.thresholds.review,
            // A model that was read from TOML can be written as TOML.
            document: self.model.to_toml().unwrap_or_default(),
            survivorship_version: self.survivorship.version().to_owned(),
        }
    }

    /// Follows the log: a later activation decides from now on. Says whether another model does.
    pub(crate) fn follow(&mut self, activation: &Activation) -> bool {
        if self.since.is_some_and(|since| activation.at() <= since) {
            return false;
        }
        self.since = Some(activation.at());
        let is_other = self.model.version() != activation.model.version();
        self.model = activation.model.clone();
        is_other
    }
}

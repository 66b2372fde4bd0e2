//! The linkage model over HTTP, for operators: the same acts as on the command line, by the token of an operator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use domain::ModelAction;
use ledger::{LedgerClient, PolicyHash, Receipt};
use linkage::Model;
use runtime::problem::{ProblemDocument, ProblemKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::views;
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::Desk;
use super::{made_from, trial};
use crate::on_record::{self, NoOperator, OnRecord, operator_of, receipted};
use crate::rules;

/// How long an activation is waited for; it goes on without anybody waiting.
const FOLLOW_MAX: Duration = Duration::from_secs(120);
/// Models that ship.
const SHIPPED: [&str; 2] = ["zh", "latin"];
/// Sample pairs of each kind that a preview shows.
const SAMPLES: usize = 10;

/// What the routes work with.
pub(crate) struct Workshop {
    pub(crate) desk: Desk,
    pub(crate) ledger: LedgerClient,
    /// The policies in force.
    pub(crate) policy: PolicyHash,
    /// Held by the one trial or change that is made here.
    pub(crate) busy: Arc<Mutex<()>>,
}

/// The routes, and what the OpenAPI document says of them.
pub(crate) fn router(workshop: Workshop) -> (Router, OpenApi) {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(preview))
        .routes(routes!(activate))
        .routes(routes!(rollback))
        .with_state(Arc::new(workshop))
        .split_for_parts()
}

/// Every problem of these routes.
pub(crate) const PROBLEMS: &[ProblemKind] = &[MODEL_OPERATORS_ONLY, MODEL_WRONG, MODEL_BUSY, MODEL_UNAVAILABLE];

const MODEL_OPERATORS_ONLY: ProblemKind = ProblemKind {
    code: "model-operators-only",
    status: 403,
    meaning: "Only operators look after the linkage model; the refusal of somebody else is on record.",
    mend: "Use the token of an operator.",
};
const MODEL_WRONG: ProblemKind = ProblemKind {
    code: "model-wrong",
    status: 422,
    meaning: "The model cannot be used, or what is to be done with it is not said in a way that makes sense.",
    mend: "Send the name of a shipped model (zh, latin) or the whole text of a model file, and a reason that names nobody.",
};
const MODEL_BUSY: ProblemKind = ProblemKind {
    code: "model-busy",
    status: 409,
    meaning: "Another trial or another change of the model is under way.",
    mend: "Wait until it is done.",
};
const MODEL_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "model-unavailable",
    status: 503,
    meaning: "It could not be put on record, or a part of the hub is away; nothing was changed unless GET /v1/models says so.",
    mend: "Try again shortly; if it goes on, look at the log of the query API.",
};

/// Why there is no answer.
enum Problem {
    Kind(ProblemKind),
    /// A refusal that is on record.
    Refused(ProblemKind, Box<Receipt>),
    Wrong(String),
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        tracing::warn!(error = format!("{error:#}"), "An operator's work on the model was not done.");
        Self::Kind(MODEL_UNAVAILABLE)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Kind(kind) => kind.into_response(),
            Self::Refused(kind, receipt) => receipted(kind, &receipt),
            Self::Wrong(message) => {
                let document = MODEL_WRONG.document();
                ProblemDocument { detail: format!("{message}. {}", document.detail).into(), ..document }.into_response()
            }
        }
    }
}

/// What an operator is told when something is not done.
#[expect(dead_code, reason = "it describes answers that all routes give")]
#[derive(utoipa::IntoResponses)]
enum Undone {
    /// No token of an operator
    #[response(status = 403)]
    OfAnother(ProblemDocument),
    /// Another trial or change is under way
    #[response(status = 409)]
    Busy(ProblemDocument),
    /// The model or the reason makes no sense
    #[response(status = 422)]
    Senseless(ProblemDocument),
    /// It cannot be put on record, or a part of the hub is away
    #[response(status = 503)]
    Away(ProblemDocument),
}

/// The models that decided, and the one that does.
#[derive(Serialize, ToSchema)]
struct ModelsView {
    /// Version of the model that decides.
    decides: String,
    /// Names of the models that ship.
    shipped: [&'static str; 2],
    /// What was activated, the last first.
    activations: Vec<ActivationView>,
}

/// An activation of a model.
#[derive(Serialize, ToSchema)]
struct ActivationView {
    /// When.
    at: String,
    /// `activated` or `rolled-back`.
    action: &'static str,
    /// Version of the model.
    version: String,
    /// Handle of the one who did it.
    operator: String,
    /// Why.
    reason: String,
}

/// A model on trial.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrialBody {
    /// Name of a shipped model, or the whole text of a model file.
    model: String,
}

/// A change of the model.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ActivateBody {
    /// Name of a shipped model, or the whole text of a model file.
    model: String,
    /// Why, in a few words that name nobody; it stands on the log.
    reason: String,
}

/// A way back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RollbackBody {
    /// Why, in a few words that name nobody; it stands on the log.
    reason: String,
}

/// What a model on trial would do. No person can be told from it: records go by their ids.
#[derive(Serialize, ToSchema)]
struct TrialView {
    /// Version of the model that decides now.
    current: String,
    /// Version of the model on trial.
    candidate: String,
    /// Source records that state something.
    records: usize,
    /// Persons now.
    persons_before: usize,
    /// Persons then.
    persons_after: usize,
    /// Persons that keep exactly their records.
    unchanged: usize,
    /// Persons then that hold records of several persons now.
    merges: usize,
    /// Persons now whose records go to several persons.
    splits: usize,
    /// Pairs up for review now.
    review_before: usize,
    /// Pairs up for review then.
    review_after: usize,
    /// Standing orders of reviewers.
    reviewed: usize,
    /// Those in force that the model on trial would decide otherwise; they stay in force.
    conflicts: usize,
    /// How many links and pairs for review have a weight in each whole bit.
    weights: Vec<(i32, u64)>,
    /// Pairs that would come together, the weakest first.
    merge_samples: Vec<SamplePair>,
    /// Pairs that would come apart, those strongest now first.
    split_samples: Vec<SamplePair>,
}

/// A pair of records, and how it weighs by both models.
#[derive(Serialize, ToSchema)]
struct SamplePair {
    /// One record.
    a: uuid::Uuid,
    /// The other.
    b: uuid::Uuid,
    /// Weight now, in bits.
    weight_now: f64,
    /// Weight then, in bits.
    weight_then: f64,
}

/// What became of a change.
#[derive(Serialize, ToSchema)]
struct ChangedView {
    /// The views are decided by the model; without it they follow in a moment.
    applied: bool,
    /// Version of the model that decides from now on.
    version: String,
    /// Persons then, as far as the views follow.
    persons: i64,
}

/// Lists the models that were activated, and names the one that decides. For operators.
#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "system",
    operation_id = "list_models",
    security(("operator-token" = [])),
    responses((status = 200, description = "The models", body = ModelsView), Undone),
)]
async fn list(State(workshop): State<Arc<Workshop>>, headers: HeaderMap) -> Result<Response, Problem> {
    workshop.operator(&headers).await?;
    let activations = workshop.desk.activations().await?;
    let decides = workshop.desk.current(&activations).await?.version().to_owned();
    let view = |activation: &super::desk::Activation| ActivationView {
        at: activation.meta.event_time.to_string(),
        action: match activation.body.action {
            ModelAction::Activated => "activated",
            ModelAction::RolledBack => "rolled-back",
        },
        version: activation.body.model_version.clone(),
        operator: activation.body.operator.clone(),
        reason: activation.body.reason.clone(),
    };
    let activations = activations.iter().rev().map(view).collect();
    Ok(Json(ModelsView { decides, shipped: SHIPPED, activations }).into_response())
}

/// Says what a model would do to the persons, without doing it. It reads every record, which is on record. For operators.
#[utoipa::path(
    post,
    path = "/v1/models/preview",
    tag = "system",
    operation_id = "preview_model",
    security(("operator-token" = [])),
    request_body = TrialBody,
    responses(
        (status = 200, description = "The outcome; the header Isthmus-Receipt names the entry of the ledger", body = TrialView),
        Undone,
    ),
)]
async fn preview(State(workshop): State<Arc<Workshop>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = workshop.operator(&headers).await?;
    let TrialBody { model } = read(&body)?;
    let candidate = named(&model)?;
    let busy = workshop.busy.clone().try_lock_owned().map_err(|_| Problem::Kind(MODEL_BUSY))?;
    let desk = &workshop.desk;
    let current = desk.current(&desk.activations().await?).await?;
    let trial = trial::read(desk.store(), current, candidate, SAMPLES).await?;
    let (trial, receipt) = record.give("preview-model", made_from(trial.records.len()), trial).await?;
    // Who hangs up does not let the next trial begin before this one ends.
    let preview = tokio::task::spawn_blocking(move || {
        let _busy = busy;
        linkage::Preview::of(trial)
    })
    .await;
    let preview = preview.map_err(anyhow::Error::from)?;
    Ok(receipted(Json(TrialView::from(&preview)), &receipt))
}

/// Lets a model decide from now on. It goes on the log; all persons are decided anew and switched at once. For operators.
#[utoipa::path(
    post,
    path = "/v1/models/activate",
    tag = "system",
    operation_id = "activate_model",
    security(("operator-token" = [])),
    request_body = ActivateBody,
    responses((status = 200, description = "It is on the log", body = ChangedView), Undone),
)]
async fn activate(State(workshop): State<Arc<Workshop>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = workshop.operator(&headers).await?;
    let ActivateBody { model, reason } = read(&body)?;
    let model = named(&model)?;
    workshop.change_to_the_end(record, Some(model), reason).await
}

/// Lets the model decide that decided before the last activation. For operators.
#[utoipa::path(
    post,
    path = "/v1/models/rollback",
    tag = "system",
    operation_id = "rollback_model",
    security(("operator-token" = [])),
    request_body = RollbackBody,
    responses((status = 200, description = "It is on the log", body = ChangedView), Undone),
)]
async fn rollback(State(workshop): State<Arc<Workshop>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = workshop.operator(&headers).await?;
    let RollbackBody { reason } = read(&body)?;
    workshop.change_to_the_end(record, None, reason).await
}

impl Workshop {
    async fn operator(&self, headers: &HeaderMap) -> Result<OnRecord, Problem> {
        let parts = (self.desk.store(), &self.ledger, self.policy);
        operator_of(parts, headers, "change-model").await.map_err(|error| match error {
            NoOperator::Unknown => Problem::Kind(MODEL_OPERATORS_ONLY),
            NoOperator::OfAnother(receipt) => Problem::Refused(MODEL_OPERATORS_ONLY, Box::new(receipt)),
            NoOperator::Register(error) => anyhow::Error::from(error).into(),
            NoOperator::NotOnRecord(error) => error.into(),
        })
    }

    /// Changes the model also when nobody waits for it any more: what is on record is on the log, too.
    async fn change_to_the_end(
        self: Arc<Self>,
        record: OnRecord,
        wanted: Option<Model>,
        reason: String,
    ) -> Result<Response, Problem> {
        let changing = tokio::spawn(async move { self.change(&record, wanted, &reason).await });
        changing.await.map_err(anyhow::Error::from)?
    }

    async fn change(&self, record: &OnRecord, wanted: Option<Model>, reason: &str) -> Result<Response, Problem> {
        let reason = on_record::reason(reason).map_err(Problem::Wrong)?;
        let _busy = self.busy.try_lock().map_err(|_| Problem::Kind(MODEL_BUSY))?;
        let _lock = self.desk.lock().await.map_err(|_| Problem::Kind(MODEL_BUSY))?;
        let change = self.desk.plan(wanted).await.map_err(|error| Problem::Wrong(error.to_string()))?;
        let change = change.ok_or_else(|| Problem::Wrong("This model decides already".to_owned()))?;
        let end = self.desk.carry_out(record, &change, &reason).await?;
        let began = Instant::now();
        let mut applied = false;
        while !applied && began.elapsed() < FOLLOW_MAX {
            applied = projector::caught_up(self.desk.store(), &end).await.map_err(anyhow::Error::from)?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let counts = async {
            let mut conn = self.desk.store().acquire().await?;
            views::linkage_counts(&mut conn).await
        };
        let persons = counts.await.map_err(anyhow::Error::from)?.persons;
        Ok(Json(ChangedView { applied, version: change.next.version().to_owned(), persons }).into_response())
    }
}

/// A shipped model, or the text of one. No path: whoever calls does not read files of this machine.
fn named(text: &str) -> Result<Model, Problem> {
    if SHIPPED.contains(&text.trim()) {
        return Ok(rules::model(text.trim())?);
    }
    Model::parse(text).map_err(|error| Problem::Wrong(format!("The model cannot be used: {error}")))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::Wrong(format!("The body does not fit at line {}, column {}", error.line(), error.column()))
    })
}

impl From<&linkage::Preview> for TrialView {
    fn from(preview: &linkage::Preview) -> Self {
        let pair = |sample: &linkage::Sample| SamplePair {
            a: sample.then.link.a.as_uuid(),
            b: sample.then.link.b.as_uuid(),
            weight_now: sample.now.link.weight,
            weight_then: sample.then.link.weight,
        };
        Self {
            current: preview.current_version.clone(),
            candidate: preview.candidate_version.clone(),
            records: preview.records,
            persons_before: preview.persons_before,
            persons_after: preview.persons_after,
            unchanged: preview.unchanged,
            merges: preview.merges,
            splits: preview.splits,
            review_before: preview.review_before,
            review_after: preview.review_after,
            reviewed: preview.reviewed,
            conflicts: preview.conflicts.len(),
            weights: preview.weights.iter().map(|(bit, count)| (*bit, *count)).collect(),
            merge_samples: preview.merge_samples.iter().map(pair).collect(),
            split_samples: preview.split_samples.iter().map(pair).collect(),
        }
    }
}

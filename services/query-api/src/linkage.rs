//! `GET /v1/system/linkage`: what linkage has decided, in figures.

use access::{FieldGroups, Role};
use axum::extract::State;
use domain::RecordId;
use serde::Serialize;
use store::views::{self, Hot, HotRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::links;
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;

/// Hot values and blocks in one answer at most, of each.
const HOT_MAX: i64 = 200;

/// What linkage has decided, in figures. No person can be told from them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Linkage {
    /// Version of the linkage model that decides.
    pub model_version: String,
    /// Log2 of the odds that any two records are of one person, before looking at them.
    pub prior: f64,
    /// From this weight on, two records are linked.
    pub link_threshold: f64,
    /// From this weight on, a pair is put up for review.
    pub review_threshold: f64,
    /// Version of the rules of survivorship.
    pub survivorship_version: String,
    /// Source records that state something.
    pub records: i64,
    /// Persons.
    pub persons: i64,
    /// Links between records.
    pub links: i64,
    /// Pairs up for review.
    pub reviews: i64,
    /// How many values and blocking keys are left out, by kind.
    pub hot_counts: Vec<HotCount>,
    /// Values that so many different people state that they count for nothing: those of most records, at most 200.
    pub hot_values: Vec<HotValueView>,
    /// Blocking keys that propose no pairs because too many records share them: those of most records, at most 200.
    pub hot_blocks: Vec<HotBlockView>,
}

/// How many values or blocking keys of a kind are left out.
#[derive(Serialize, ToSchema)]
pub(crate) struct HotCount {
    /// `value` or `block`.
    pub what: &'static str,
    /// Field of the values, rule of the blocking keys.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// A value that counts for nothing. The value itself is told only with a record that states it, on record.
#[derive(Serialize, ToSchema)]
pub(crate) struct HotValueView {
    /// Keyed hash of the value: the same as long as the key is.
    pub handle: Uuid,
    /// The field.
    pub kind: String,
    /// Records that state it.
    pub records: i64,
    /// Different names among them; of a name, different birth dates.
    pub bearers: i64,
    /// One of the records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_id: Option<Uuid>,
}

/// A blocking key that proposes no pairs.
#[derive(Serialize, ToSchema)]
pub(crate) struct HotBlockView {
    /// Keyed hash of the key.
    pub handle: Uuid,
    /// The rule.
    pub rule: String,
    /// Records that share it.
    pub records: i64,
}

/// Says which model decides who is one person, how much it has decided, and what it leaves out because too many share it.
/// For operators and auditors.
#[utoipa::path(
    get,
    path = "/v1/system/linkage",
    tag = "system",
    operation_id = "read_linkage",
    responses(
        (status = 200, description = "The figures", body = Receipted<Linkage>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::without_purpose(state, ask, "read-linkage") {
        Ok(call) => call,
        Err(problem) => return Answered::without_entry(problem),
    };
    let found = figures(&call).await;
    call.finish(found).await
}

async fn figures(call: &Call) -> Result<Found<Linkage>, Failure> {
    if !matches!(call.caller.role, Role::Operator | Role::Auditor) {
        return Err(Problem::NotEntitled.into());
    }
    let mut conn = call.state.setup.store.snapshot().await?;
    let model = links::model(&mut conn).await?;
    let counts = views::linkage_counts(&mut conn).await?;
    let hot_counts = views::count_hot(&mut conn).await?;
    let hot_values = views::list_hot(&mut conn, Hot::Value, HOT_MAX).await?;
    let hot_blocks = views::list_hot(&mut conn, Hot::Block, HOT_MAX).await?;
    let answer = Linkage {
        model_version: model.model_version,
        prior: model.prior,
        link_threshold: model.link_threshold,
        review_threshold: model.review_threshold,
        survivorship_version: model.survivorship_version,
        records: counts.records,
        persons: counts.persons,
        links: counts.links,
        reviews: counts.reviews,
        hot_counts: hot_counts
            .into_iter()
            .map(|(what, kind, count)| HotCount { what: what.code(), kind, count })
            .collect(),
        hot_values: hot_values.into_iter().map(hot_value).collect(),
        hot_blocks: hot_blocks
            .into_iter()
            .map(|row| HotBlockView { handle: row.handle, rule: row.kind, records: row.records })
            .collect(),
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::new(), released, withheld, count: 0 })
}

fn hot_value(row: HotRow) -> HotValueView {
    HotValueView {
        handle: row.handle,
        kind: row.kind,
        records: row.records,
        bearers: row.bearers.unwrap_or_default(),
        record_id: row.record.map(RecordId::as_uuid),
    }
}

//! `GET /v1/system/linkage`: what linkage has decided, in figures.

use access::{FieldGroups, Role};
use axum::extract::State;
use serde::Serialize;
use store::views;
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::links;
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;

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
}

/// Says which model decides who is one person, and how much it has decided. For operators and auditors.
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
    let mut conn = call.state.setup.store.acquire().await?;
    let model = links::model(&mut conn).await?;
    let counts = views::linkage_counts(&mut conn).await?;
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
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::new(), released, withheld, count: 0 })
}

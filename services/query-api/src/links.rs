//! `GET /v1/persons/{person_id}/links`: why the records of a person belong together.

use access::{Action, FieldGroups};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use store::views::{self, LinkRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::subject::{self, Seen};

/// Links in one answer at most.
const LINKS_MAX: i64 = 1_000;

/// Why the records of a person belong together.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkList {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// Version of the linkage model in use.
    pub model_version: String,
    /// From this weight on, two records are linked: log2 of the odds that they are of one person.
    pub link_threshold: f64,
    /// From this weight on, a pair is put up for review.
    pub review_threshold: f64,
    /// The links, strongest first. A person of one record has none.
    pub links: Vec<LinkView>,
    /// There are more links than are listed.
    pub truncated: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A link between two source records.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkView {
    /// One record.
    pub record_a: Uuid,
    /// The other record.
    pub record_b: Uuid,
    /// Match weight: log2 of the odds that both are of one person.
    pub weight: f64,
    /// What each field contributed; the sum is the weight.
    pub parts: Vec<PartView>,
    /// Version of the model that weighed it.
    pub model_version: String,
}

/// What one field contributed to a match weight.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct PartView {
    /// The field.
    pub field: String,
    /// Level of agreement that it reached.
    pub level: String,
    /// Bits for reaching the level.
    pub weight: f64,
    /// Bits for the rarity of the value agreed on.
    #[serde(default)]
    pub frequency: f64,
}

/// Reads why the records of a person belong together: per link its weight, per field what it contributed.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/links",
    tag = "persons",
    operation_id = "read_links",
    params(crate::openapi::PersonHeaders, ("person_id" = Uuid, Path, description = "Id of the person")),
    responses(
        (status = 200, description = "The links", body = Receipted<LinkList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLinks).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = link_list(&call).await;
    call.finish(found).await
}

async fn link_list(call: &Call) -> Result<Found<LinkList>, Failure> {
    let mut conn = call.state.setup.store.acquire().await?;
    let Seen { person, asked_for, granted } = subject::see(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted);
    let mut rows = views::list_links_of_person(&mut conn, person.person_id, LINKS_MAX + 1).await?;
    let truncated = rows.len() as i64 > LINKS_MAX;
    rows.truncate(LINKS_MAX as usize);
    let links = rows.into_iter().map(link).collect::<Result<Vec<_>, _>>()?;
    let model = &call.state.setup.link_model;
    let count = links.len();
    let answer = LinkList {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        model_version: model.version.clone(),
        link_threshold: model.link_threshold,
        review_threshold: model.review_threshold,
        links,
        truncated,
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: vec![person.person_id], released, withheld, count })
}

fn link(row: LinkRow) -> Result<LinkView, Failure> {
    let LinkRow { record_a, record_b, weight, parts, model_version } = row;
    let parts = serde_json::from_value(parts).map_err(|_| {
        tracing::error!("The parts of a stored link have another shape than this version reads.");
        Problem::Internal
    })?;
    Ok(LinkView { record_a: record_a.as_uuid(), record_b: record_b.as_uuid(), weight, parts, model_version })
}

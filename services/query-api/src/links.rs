//! `GET /v1/persons/{person_id}/links`: why the records of a person belong together.

use std::collections::BTreeSet;

use access::{Action, FieldGroups};
use axum::extract::State;
use domain::{PersonId, RecordId};
use serde::{Deserialize, Serialize};
use store::lineage;
use store::views::{self, LinkRow, ModelRow, OrderRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::as_of::{self, Then};
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::link_picture;
use crate::problem::{Problem, ProblemDocument};
use crate::query;
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
    /// The instant asked about: these are the links, decisions and the model of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Version of the linkage model in use.
    pub model_version: String,
    /// Log2 of the odds that any two records are of one person, before looking at them.
    pub prior: f64,
    /// From this weight on, two records are linked: log2 of the odds that they are of one person.
    pub link_threshold: f64,
    /// From this weight on, a pair is put up for review.
    pub review_threshold: f64,
    /// The links that hold the records together, strongest first: one less than records. A person of one record has
    /// none.
    pub links: Vec<LinkView>,
    /// The link that holds the records together least: without it the person would fall into two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weakest: Option<PairView>,
    /// The decisions of reviewers on these records that stand. They outrank every weight.
    pub decisions: Vec<StandingDecision>,
    /// There are more links than are listed.
    pub truncated: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Two source records and their weight.
#[derive(Serialize, ToSchema)]
pub(crate) struct PairView {
    /// One record.
    pub record_a: Uuid,
    /// The other record.
    pub record_b: Uuid,
    /// Match weight: log2 of the odds that both are of one person.
    pub weight: f64,
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
    /// What each field contributed, the prior among them; weights and frequencies add up to the weight.
    pub parts: Vec<PartView>,
    /// Version of the model that weighed it.
    pub model_version: String,
    /// The decision of a reviewer on the two records, where one stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<StandingDecision>,
}

/// A decision of a reviewer that stands. Why it was decided is read with the decision itself.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct StandingDecision {
    /// Id of the decision.
    pub decision_id: Uuid,
    /// `SAME`: the two records are of one person. `DIFFERENT`: of two.
    pub verdict: &'static str,
    /// `in-force`, `resting` (one of the records states nothing now) or `set-aside` (newer decisions say otherwise).
    pub state: &'static str,
    /// Those of the two records that are this person's.
    pub records: Vec<Uuid>,
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

/// Reads why the records of a person belong together: per link its weight, per field what it contributed. With
/// `Accept: image/svg+xml` it draws one link: that of the two records named, or else the weakest. With `as_of` it is what
/// held the records together at that instant.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/links",
    tag = "persons",
    operation_id = "read_links",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("record_a" = Option<Uuid>, Query, description = "One record of the link to draw"),
        ("record_b" = Option<Uuid>, Query, description = "The other record of the link to draw"),
        ("as_of" = Option<String>, Query, format = DateTime,
         description = "What the hub knew at this instant, as 2022-03-01T00:00:00Z"),
    ),
    responses(
        (status = 200, description = "The links, or one of them as a picture", body = Receipted<LinkList>,
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
    if call.accepts("image/svg+xml") {
        let found = link_picture::of(&call).await;
        return call.finish_with_file("image/svg+xml", found).await;
    }
    let found = link_list(&call).await;
    call.finish(found).await
}

/// The links of a person, now or at an instant, with what decides how they are read.
pub(crate) struct Linked {
    pub(crate) person: PersonId,
    /// Whom the answer is about.
    pub(crate) subjects: Vec<PersonId>,
    pub(crate) granted: FieldGroups,
    /// Strongest first.
    pub(crate) rows: Vec<LinkRow>,
    pub(crate) weakest: Option<LinkRow>,
    pub(crate) orders: Vec<OrderRow>,
    pub(crate) model: ModelRow,
    /// Those records among the ones of the decisions that are the person's.
    own: BTreeSet<RecordId>,
}

/// Reads the links of the person that the path stands for; of now at most `limit`.
pub(crate) async fn linked(
    call: &Call,
    conn: &mut store::Conn,
    as_of: Option<&str>,
    limit: i64,
) -> Result<Linked, Failure> {
    let Some(as_of) = as_of else { return linked_now(call, conn, limit).await };
    let at = as_of::instant(as_of)?;
    let Then { known, subjects, granted } = as_of::see(call, conn, at).await?;
    let rows = lineage::list_links_then(conn, &known, at).await?;
    Ok(Linked {
        person: known.change.person_id,
        subjects,
        granted,
        weakest: rows.last().cloned(),
        rows,
        orders: lineage::list_orders_then(conn, &known, at).await?,
        model: some(lineage::find_model_then(conn, at).await?)?,
        own: known.change.members.into_iter().collect(),
    })
}

async fn linked_now(call: &Call, conn: &mut store::Conn, limit: i64) -> Result<Linked, Failure> {
    let Seen { person, granted, .. } = subject::see(call, conn).await?;
    let person = person.person_id;
    let orders = views::list_orders_of_person(conn, person).await?;
    let pairs: Vec<_> = orders.iter().flat_map(|order| [order.record_a, order.record_b]).collect();
    let whose = views::list_persons_of_records(conn, &pairs).await?;
    Ok(Linked {
        person,
        subjects: vec![person],
        granted,
        rows: views::list_links_of_person(conn, person, limit).await?,
        weakest: views::find_weakest_link(conn, person).await?,
        orders,
        model: model(conn).await?,
        own: whose.into_iter().filter(|(_, of)| *of == Some(person)).map(|(record, _)| record).collect(),
    })
}

async fn link_list(call: &Call) -> Result<Found<LinkList>, Failure> {
    let [as_of] = query::members(&call.query, ["as_of"])?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let linked = linked(call, &mut conn, as_of.as_deref(), LINKS_MAX + 1).await?;
    let Linked { person, subjects, granted, mut rows, weakest, orders, model, own } = linked;
    let (released, withheld) = call.split(&granted);
    let truncated = rows.len() as i64 > LINKS_MAX;
    rows.truncate(LINKS_MAX as usize);
    let links = rows.into_iter().map(|row| link(row, &orders)).collect::<Result<Vec<_>, _>>()?;
    let decisions = orders.iter().map(|order| standing(order, |record| own.contains(record))).collect();
    let count = links.len();
    let answer = LinkList {
        person_id: person.as_uuid(),
        asked_for: subject::asked_for(call, person)?,
        as_of,
        model_version: model.model_version,
        prior: model.prior,
        link_threshold: model.link_threshold,
        review_threshold: model.review_threshold,
        links,
        weakest: weakest.map(|row| PairView {
            record_a: row.record_a.as_uuid(),
            record_b: row.record_b.as_uuid(),
            weight: row.weight,
        }),
        decisions,
        truncated,
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects, released, withheld, count })
}

/// The model that decided the persons.
pub(crate) async fn model(conn: &mut store::Conn) -> Result<ModelRow, Failure> {
    some(views::find_model(conn).await?)
}

/// The model is written with the first person.
fn some(model: Option<ModelRow>) -> Result<ModelRow, Failure> {
    Ok(model.ok_or_else(|| {
        tracing::error!("There are persons, and no linkage model that decided them.");
        Problem::Internal
    })?)
}

/// A decision as an answer about a person tells it: the record of another person stays out.
fn standing(order: &OrderRow, is_shown: impl Fn(&RecordId) -> bool) -> StandingDecision {
    let records = [order.record_a, order.record_b].into_iter().filter(is_shown);
    StandingDecision {
        decision_id: order.decision_id.as_uuid(),
        verdict: order.verdict.code(),
        state: order.standing.code(),
        records: records.map(RecordId::as_uuid).collect(),
    }
}

/// A link, with the decision on its records among the orders of its person.
pub(crate) fn link(row: LinkRow, orders: &[OrderRow]) -> Result<LinkView, Failure> {
    let LinkRow { record_a, record_b, weight, parts, model_version } = row;
    let order = orders.iter().find(|order| (order.record_a, order.record_b) == (record_a, record_b));
    let decision = order.map(|order| standing(order, |_| true));
    let parts = serde_json::from_value(parts).map_err(|_| {
        tracing::error!("The parts of a stored link have another shape than this version reads.");
        Problem::Internal
    })?;
    let (record_a, record_b) = (record_a.as_uuid(), record_b.as_uuid());
    Ok(LinkView { record_a, record_b, weight, parts, model_version, decision })
}

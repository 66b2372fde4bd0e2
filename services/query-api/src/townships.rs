//! `GET /v1/townships`: the risk of townships on a day, with the numbers that it follows from. It is about no person.

use access::{Action, FieldGroups};
use axum::extract::State;
use domain::Timestamp;
use exposure::Risk;
use geojson::FeatureCollection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::as_of;
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::known_cases::{KnownCases, township_of};
use crate::problem::ProblemDocument;
use crate::query::{self, Malformed};
use crate::state::QueryState;

/// The risk of townships.
#[derive(Serialize, ToSchema)]
pub(crate) struct Townships {
    /// The instant that it is about.
    pub on: String,
    /// When what it follows from was known, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<String>,
    /// The instant is still to come: what holds then if nothing more becomes known.
    pub projected: bool,
    /// The first instant that disease control states anything of: before it a low risk means that nothing is known. Absent when it has
    /// stated no case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_since: Option<String>,
    /// Version of the rules of disease control.
    pub rules: String,
    /// Those that have a case, the highest risk first; every other one is low.
    pub townships: Vec<TownshipRisk>,
    /// Cases of which it is not stated where they count, whatever became of them.
    pub placeless: usize,
    /// Of these, those that exist: with the townships' `existing` they are all that do.
    pub placeless_existing: u32,
    /// Of these, those that are new.
    pub placeless_new: u32,
    /// When they are asked for: all townships whose boundaries the site gives, with and without a case, as a GeoJSON
    /// `FeatureCollection` whose features have a `code` and perhaps a `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub outlines: Option<FeatureCollection>,
}

/// The risk of a township.
#[derive(Serialize, ToSchema)]
pub(crate) struct TownshipRisk {
    /// Division code, 9 digits.
    pub township: String,
    /// Its name, where the site's boundaries state one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `LOW`, `MEDIUM` or `HIGH`.
    #[schema(value_type = String)]
    pub level: exposure::Level,
    /// Cases that exist.
    pub existing: u32,
    /// Cases confirmed in the last 14 times 24 hours, closed or not.
    pub new: u32,
    /// Clusters among them.
    pub clusters: u32,
    /// When the level falls if nothing more is known; absent when time alone does not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl TownshipRisk {
    fn of(code: &str, name: Option<String>, risk: &Risk) -> Self {
        let Risk { level, existing, new, clusters, until, rules: _ } = risk;
        Self {
            township: code.to_owned(),
            name,
            level: *level,
            existing: *existing,
            new: *new,
            clusters: *clusters,
            until: until.map(|until| until.to_string()),
        }
    }
}

/// Lists the risk of townships at an instant, as it is known now, or as it was known at another instant.
#[utoipa::path(
    get,
    path = "/v1/townships",
    tag = "townships",
    operation_id = "list_townships",
    params(
        crate::openapi::PersonHeaders,
        ("on" = Option<String>, Query, format = DateTime, description = "The instant; now unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
        ("township" = Option<String>, Query, description = "Only the township of this division code of 9 digits"),
        ("outlines" = Option<bool>, Query, description = "Whether the boundaries of townships are wanted, too"),
    ),
    responses(
        (status = 200, description = "The townships", body = Receipted<Townships>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadRisk).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = townships(&call).await;
    call.finish(found).await
}

async fn townships(call: &Call) -> Result<Found<Townships>, Failure> {
    let [on, known_at, township, outlines] = query::members(&call.query, ["on", "known_at", "township", "outlines"])?;
    let outlines = match outlines.as_deref() {
        None | Some("false") => None,
        Some("true") => Some(call.state.setup.townships.to_geojson()),
        Some(_) => return Err(Malformed::member("outlines", "true or false").into()),
    };
    let name = |code: &str| call.state.setup.townships.find(code).and_then(|one| one.name.clone());
    let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
    let on = instant(on.as_deref(), call.state.now())?;
    let wanted = township.as_deref().map(code).transpose()?;
    let rules = &call.state.setup.rules;
    let mut conn = call.state.setup.store.snapshot().await?;
    let by = (rules, &call.state.setup.key_groups);
    let known = KnownCases::read(&mut conn, by, on, known_at).await?;
    let (risks, placeless) = known.risks_and_placeless(rules, on);
    let mut townships: Vec<TownshipRisk> = risks
        .iter()
        .filter(|(code, _)| wanted.is_none_or(|wanted| wanted == **code))
        .map(|(code, risk)| TownshipRisk::of(code, name(code), risk))
        .collect();
    if let Some(wanted) = wanted.filter(|_| townships.is_empty()) {
        let level = exposure::Level::Low;
        let township = wanted.to_owned();
        let name = name(wanted);
        townships.push(TownshipRisk { township, name, level, existing: 0, new: 0, clusters: 0, until: None });
    }
    townships.sort_by(|one, other| other.level.cmp(&one.level).then_with(|| one.township.cmp(&other.township)));
    let count = townships.len();
    let answer = Townships {
        on: on.to_string(),
        known_at: known_at.map(|at| at.to_string()),
        projected: on > call.state.now(),
        known_since: known.since.map(|since| since.to_string()),
        rules: rules.version(),
        townships,
        placeless: known.placeless,
        placeless_existing: placeless.as_ref().map_or(0, |risk| risk.existing),
        placeless_new: placeless.as_ref().map_or(0, |risk| risk.new),
        outlines,
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::new(), released, withheld, count })
}

/// The instant that a query names.
pub(crate) fn instant(on: Option<&str>, now: Timestamp) -> Result<Timestamp, Malformed> {
    on.map_or(Ok(now), |text| as_of::instant_of("on", text))
}

fn code(text: &str) -> Result<&str, Malformed> {
    let code = township_of(text).filter(|code| code.len() == text.len());
    code.ok_or_else(|| Malformed::member("township", "a division code of 9 digits"))
}

//! `GET /v1/units`: the community units that somebody lives in, for whoever hands something over. Codes, and no persons.

use std::collections::BTreeSet;

use access::FieldGroups;
use axum::extract::State;
use domain::unit;
use serde::Serialize;
use store::views;
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;

/// Homes that one answer is made of.
const HOMES_MAX: i64 = 5_000;

/// Community units.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitList {
    /// The units, by code.
    pub units: Vec<UnitView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A community unit.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct UnitView {
    /// Its code.
    pub unit: String,
    /// `district`, `township`, `neighbourhood` or `grid`.
    pub level: &'static str,
}

/// Lists the community units that somebody lives in, of each level, for staff. It tells nothing of who or how many.
#[utoipa::path(
    get,
    path = "/v1/units",
    tag = "units",
    operation_id = "list_units",
    params(
        ("within" = Option<String>, Query, description = "Only this unit and those below it"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "The units", body = Receipted<UnitList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::without_purpose(state, ask, "list-units") {
        Ok(call) => call,
        Err(problem) => return Answered::without_entry(problem),
    };
    let found = unit_list(&call).await;
    call.finish(found).await
}

async fn unit_list(call: &Call) -> Result<Found<UnitList>, Failure> {
    if !call.caller.role.is_of_staff() {
        return Err(Problem::NotEntitled.into());
    }
    let [within, after] = query::members(&call.query, ["within", "after"])?;
    if within.iter().chain(&after).any(|code| !unit::is_unit(code)) {
        return Err(Problem::UnitMalformed.into());
    }
    let mut conn = call.state.setup.store.snapshot().await?;
    let (within, after) = (within.as_deref(), after.as_deref());
    let mut homes = views::list_homes_in(&mut conn, within, after, HOMES_MAX + 1).await?;
    let has_more = homes.len() as i64 > HOMES_MAX;
    homes.truncate(usize::try_from(HOMES_MAX).unwrap_or(usize::MAX));
    let next = homes.last().filter(|_| has_more).cloned();
    let units = units_of(&homes, within);
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer: UnitList { units, next }, subjects: Vec::new(), released, withheld, count: 0 })
}

/// The units of homes and those above them, as far as they are within one.
fn units_of(homes: &[String], within: Option<&str>) -> Vec<UnitView> {
    let mut units = BTreeSet::new();
    for home in homes.iter().filter(|home| unit::is_unit(home)) {
        let above = unit::LEVELS.iter().zip(["district", "township", "neighbourhood"]);
        let above = above.filter_map(|(length, level)| Some((home.get(..*length)?, level)));
        let itself = (!unit::has_units_below(home)).then_some((home.as_str(), "grid"));
        for (code, level) in above.chain(itself) {
            if within.is_none_or(|within| unit::is_home_in(within, code)) {
                units.insert(UnitView { unit: code.to_owned(), level });
            }
        }
    }
    units.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_stands_for_the_units_above_it() {
        let homes = ["320506001007G03", "320506001008", "3205060"].map(str::to_owned);
        let codes = |within| {
            let units = units_of(&homes, within);
            units.into_iter().map(|one| format!("{} {}", one.unit, one.level)).collect::<Vec<_>>()
        };
        let neighbourhoods =
            ["320506001007 neighbourhood", "320506001007G03 grid", "320506001008 neighbourhood"].map(str::to_owned);
        assert_eq!(codes(Some("320506001")), [vec!["320506001 township".to_owned()], neighbourhoods.to_vec()].concat());
        assert_eq!(codes(None)[..2], ["320506 district", "3205060 grid"]);
        assert!(codes(Some("320507")).is_empty());
    }
}

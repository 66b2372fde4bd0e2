//! Who of the town is infected, and what is said of it.

use domain::{CaseState, CaseStatus, ClaimToken, PlaceRef, ResultStatus, TestOutcome, TestResult};
use store::views::Changes;
use test_support::build::{self, NOON};

use crate::world::{OTHER_GRID, fact_put};

/// Bob is a case of a cluster, and so is somebody unknown; a test of each was positive, and another was withdrawn.
pub(crate) fn case_puts(changes: &mut Changes) {
    let hour = |n: i64| NOON.plus_millis(n * 3_600_000);
    let case = |number: &str, confirmed| CaseStatus {
        case_id: number.to_owned(),
        state: CaseState::Confirmed,
        confirmed_time: Some(confirmed),
        place: PlaceRef { division_code: Some(OTHER_GRID[..9].to_owned()), ..PlaceRef::default() },
        cluster_id: Some("cluster-1".to_owned()),
        ..CaseStatus::default()
    };
    let bob = ClaimToken::from(build::record_id("register", "bob"));
    let stranger = ClaimToken::from(build::record_id("register", "stranger"));
    fact_put(changes, "case-of-bob", bob, hour(-24), case("2022-0007", hour(-24)).into());
    fact_put(changes, "case-of-nobody", stranger, hour(-20), case("2022-0008", hour(-20)).into());
    let positive = |code: &str, status| TestResult {
        code: code.to_owned(),
        result: TestOutcome::Positive,
        status,
        ..TestResult::default()
    };
    fact_put(changes, "positive-of-bob", bob, hour(-23), positive("pcr", ResultStatus::Final).into());
    fact_put(changes, "positive-of-nobody", stranger, hour(-22), positive("pcr", ResultStatus::Final).into());
    fact_put(changes, "withdrawn-of-nobody", stranger, hour(-21), positive("pcr", ResultStatus::Cancelled).into());
}

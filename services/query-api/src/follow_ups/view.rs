//! How a follow-up is shown: what is due, what the caller may do now, and of the person what the caller's role sees.

use std::collections::{BTreeMap, BTreeSet};

use access::{Decision, FieldGroup, FieldGroups, Role, Subject};
use domain::{
    Body, CaseState, FollowUpChanged, FollowUpState, FollowUpStep, PersonId, RecordId, Referral, Sensitive, Timestamp,
};
use exposure::follow_up::{FollowUpCount, FollowUpStanding, FollowUpStock, Side, allowed, due};
use serde::Serialize;
use store::Conn;
use store::views::{self, FollowUpRow, FollowUpsOf, PersonRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Call, Failure};
use crate::find::{CardContact, CardIdentity};

/// A follow-up.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpView {
    /// Id of the follow-up.
    pub follow_up_id: Uuid,
    /// How many steps were taken.
    pub version: i64,
    /// The case whose contact the person is; for disease control only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    /// The person; absent when the records that led to one are withdrawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// The unit that has it; absent while none has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The unit that it is offered to. Until that one accepts, the other one has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<String>,
    /// `to_notify`, `notified`, `not_reached`, `refused`, `quarantined`; ended: `released`, `covered` (another follow-up looks
    /// after the person), `period_over` (by the rules a quarantine would be over, and there was none), `died`,
    /// `not_this_person`, `moved_away` (where no unit reaches them) or `withdrawn` (there is no case any more).
    pub state: &'static str,
    /// Since when, as its last step says.
    pub since: String,
    /// When the quarantine ends, or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// How often in a row the person was not reached.
    pub attempts: i32,
    /// The last referral to a hospital.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralView>,
    /// When the next step is due; absent when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// What for: `assign`, `notify`, `reach`, `persuade`, `quarantine`, `release`, `accept` or `referral`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_for: Option<&'static str>,
    /// The next step is overdue.
    pub overdue: bool,
    /// Steps that the caller may take now.
    pub steps: Vec<&'static str>,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CardIdentity>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<CardContact>,
    /// Group `residence`: the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A referral from the clinic of the community to the designated hospital.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReferralView {
    /// `screened`, `transported`, `admitted` or `closed`.
    pub stage: &'static str,
    /// Since when.
    pub since: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// `returned_home`, `discharged`, `transferred` or `died`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

impl ReferralView {
    fn of(referral: Referral) -> Self {
        Self {
            stage: referral.stage.code(),
            since: referral.since.to_string(),
            place: referral.place.map(Sensitive::into_exposed),
            outcome: referral.outcome.map(|outcome| outcome.code()),
        }
    }
}

/// A step that was taken.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepView {
    /// Which, from 1.
    pub version: i64,
    /// What was done: `begun`, `assigned`, or what a worker says.
    pub step: &'static str,
    /// When.
    pub at: String,
    /// Handle of who did it.
    pub by: String,
    /// Where the follow-up was then.
    pub state: &'static str,
    /// The unit that had it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The unit that it was offered to then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<String>,
    /// When the quarantine was to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Of a step of a referral: where, and what became of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralView>,
    /// What the next worker should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl StepView {
    pub(super) fn of(row: FollowUpRow) -> Self {
        let FollowUpRow { version, at, body, .. } = row;
        let is_of_referral = matches!(
            body.step,
            FollowUpStep::Screened | FollowUpStep::Transported | FollowUpStep::Admitted | FollowUpStep::ReferralClosed
        );
        Self {
            version,
            step: body.step.code(),
            at: at.to_string(),
            by: body.by,
            state: body.state.code(),
            unit: body.unit,
            offered_to: body.offered_to,
            until: body.until.map(|until| until.to_string()),
            referral: body.referral.filter(|_| is_of_referral).map(ReferralView::of),
            note: body.note.map(Sensitive::into_exposed),
        }
    }
}

/// How many follow-ups there are: the states add up to the total, the others are among them.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpCounts {
    /// All.
    pub total: u64,
    /// To be told.
    pub to_notify: u64,
    /// Told.
    pub notified: u64,
    /// Not reached.
    pub not_reached: u64,
    /// Not going along.
    pub refused: u64,
    /// In quarantine.
    pub quarantined: u64,
    /// Whose quarantine is over.
    pub released: u64,
    /// Looked after in another follow-up.
    pub covered: u64,
    /// Closed: a quarantine by the rules would be over, and there was none.
    pub period_over: u64,
    /// Closed: died.
    pub died: u64,
    /// Closed: whoever is at the unit is not the person who met the case.
    pub not_this_person: u64,
    /// Closed: moved away, where no unit reaches them.
    pub moved_away: u64,
    /// Without a case any more.
    pub withdrawn: u64,
    /// Of all: those whose next step is overdue.
    pub overdue: u64,
    /// Of all: those that are offered to another unit.
    pub offered: u64,
}

impl From<FollowUpCount> for FollowUpCounts {
    fn from(count: FollowUpCount) -> Self {
        let of = |state| count.of(FollowUpStanding::Now(state));
        Self {
            total: count.total(),
            to_notify: of(FollowUpState::ToNotify),
            notified: of(FollowUpState::Notified),
            not_reached: of(FollowUpState::NotReached),
            refused: of(FollowUpState::Refused),
            quarantined: of(FollowUpState::Quarantined),
            released: of(FollowUpState::Released),
            covered: of(FollowUpState::Covered),
            period_over: of(FollowUpState::PeriodOver),
            died: of(FollowUpState::Died),
            not_this_person: of(FollowUpState::NotThisPerson),
            moved_away: of(FollowUpState::MovedAway),
            withdrawn: count.of(FollowUpStanding::Withdrawn),
            overdue: count.overdue,
            offered: count.offered,
        }
    }
}

/// The follow-ups of a unit, as its figures tell them.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitFollowUps {
    /// How many.
    #[serde(flatten)]
    pub counts: FollowUpCounts,
    /// Those that have not ended.
    pub open: u64,
    /// When the last quarantine ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantined_until: Option<String>,
}

impl From<FollowUpCount> for UnitFollowUps {
    fn from(count: FollowUpCount) -> Self {
        let until = count.until.map(|until| until.to_string());
        Self { open: count.open(), quarantined_until: until, counts: count.into() }
    }
}

/// Whether the caller is disease control.
pub(super) fn is_control(call: &Call) -> bool {
    call.caller.role == Role::CdcTracer
}

/// What still is a case, in the word of disease control.
pub(crate) async fn cases(conn: &mut Conn) -> Result<BTreeSet<RecordId>, Failure> {
    let mut cases = BTreeSet::new();
    for row in views::list_case_facts(conn, None).await? {
        let Body::CaseStatus(status) = row.body()? else { continue };
        if status.state != CaseState::Excluded {
            cases.insert(row.record_id);
        }
    }
    Ok(cases)
}

/// A follow-up as it is shown.
pub(super) struct Shown {
    pub(super) view: FollowUpView,
    pub(super) person: Option<PersonId>,
    pub(super) released: FieldGroups,
    pub(super) withheld: FieldGroups,
}

/// What is needed to show follow-ups and to take steps in them.
pub(super) struct Desk {
    now: Timestamp,
    cases: BTreeSet<RecordId>,
    owners: BTreeMap<RecordId, Option<PersonId>>,
    persons: BTreeMap<PersonId, PersonRow>,
    /// Follow-ups that are carried on, by person.
    carried_on: BTreeMap<PersonId, BTreeSet<RecordId>>,
}

impl Desk {
    pub(super) async fn open(call: &Call, conn: &mut Conn, rows: &[FollowUpRow]) -> Result<Self, Failure> {
        let records: Vec<RecordId> = rows.iter().map(|row| row.body.record).collect();
        let owners = views::list_persons_of_records(conn, &records).await?;
        let ids: Vec<PersonId> = owners.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let persons = views::list_persons(conn, &ids).await?;
        let beside = views::list_records_beside(conn, &records).await?;
        let person_beside: BTreeMap<RecordId, PersonId> = beside
            .iter()
            .filter_map(|(asked, all)| Some((owners.get(asked).copied().flatten()?, all)))
            .flat_map(|(person, all)| all.iter().map(move |record| (*record, person)))
            .collect();
        let all: Vec<RecordId> = person_beside.keys().copied().collect();
        let mut desk = Self {
            now: call.state.now(),
            cases: cases(conn).await?,
            owners,
            persons: persons.into_iter().map(|row| (row.person_id, row)).collect(),
            carried_on: BTreeMap::new(),
        };
        for row in views::list_follow_ups(conn, FollowUpsOf::Records(&all)).await? {
            let is_on = matches!(row.body.state, FollowUpState::Notified | FollowUpState::Quarantined);
            if let Some(person) = person_beside.get(&row.body.record).filter(|_| is_on && desk.is_case(&row.body)) {
                desk.carried_on.entry(*person).or_default().insert(row.follow_up_id);
            }
        }
        Ok(desk)
    }

    pub(super) fn person(&self, row: &FollowUpRow) -> Option<PersonId> {
        self.owners.get(&row.body.record).copied().flatten()
    }

    pub(super) fn is_case(&self, body: &FollowUpChanged) -> bool {
        self.cases.contains(&body.case)
    }

    /// Another follow-up of the person is notified or in quarantine.
    pub(super) fn is_looked_after(&self, row: &FollowUpRow) -> bool {
        let carried_on = self.person(row).and_then(|person| self.carried_on.get(&person));
        carried_on.is_some_and(|all| all.iter().any(|other| *other != row.follow_up_id))
    }

    /// Where the caller stands to a follow-up, and which groups that gives; none when it is not the caller's. A unit that it
    /// is offered to sees whom it is about: it must know whether it can take it.
    pub(super) fn sides(&self, call: &Call, row: &FollowUpRow) -> Result<(Vec<Side>, FieldGroups), Failure> {
        let entitlement = call.entitlement()?;
        let mut groups = FieldGroups::default();
        let mut relate = |unit: Option<&String>, side| {
            let units = unit.into_iter().cloned().collect();
            match entitlement.decide(&Subject { units, ..Subject::default() }) {
                Decision::Allowed { granted, .. } => {
                    groups = groups.union(&granted);
                    Some(side)
                }
                Decision::Refused(_) => None,
            }
        };
        let sides: Vec<Side> = if is_control(call) {
            relate(None, Side::Control).into_iter().collect()
        } else {
            let has = row.body.unit.as_ref().and_then(|unit| relate(Some(unit), Side::Holder));
            let is_offered = row.body.offered_to.as_ref().and_then(|unit| relate(Some(unit), Side::Offered));
            has.into_iter().chain(is_offered).collect()
        };
        Ok((sides, groups))
    }

    /// Shows a follow-up; `None` when it is not the caller's.
    pub(super) fn show(&self, call: &Call, row: &FollowUpRow) -> Result<Option<Shown>, Failure> {
        let (sides, groups) = self.sides(call, row)?;
        if sides.is_empty() {
            return Ok(None);
        }
        let (released, withheld) = call.split(&groups);
        let rules = &call.state.setup.rules.follow_up;
        let (body, is_case) = (&row.body, self.is_case(&row.body));
        let stock = FollowUpStock::new(rules, body, is_case, self.now);
        let next = due(rules, body).filter(|_| !stock.standing.is_ended());
        let may = |side: &Side| if is_case { allowed(body, *side, self.is_looked_after(row)) } else { Vec::new() };
        let person = self.person(row);
        let golden = person.and_then(|person| self.persons.get(&person)).map(|row| &row.golden);
        let shows = |group| golden.filter(|_| released.contains(group));
        let view = FollowUpView {
            follow_up_id: row.follow_up_id.as_uuid(),
            version: row.version,
            case: is_control(call).then(|| body.case.as_uuid()),
            person_id: person.map(PersonId::as_uuid),
            unit: body.unit.clone(),
            offered_to: body.offered_to.clone(),
            state: stock.standing.code(),
            since: body.since.to_string(),
            until: body.until.map(|until| until.to_string()),
            attempts: body.attempts,
            referral: body.referral.clone().map(ReferralView::of),
            due: next.map(|(due, _)| due.to_string()),
            due_for: next.map(|(_, what)| what.code()),
            overdue: stock.is_overdue,
            steps: sides.iter().flat_map(may).map(FollowUpStep::code).collect(),
            identity: shows(FieldGroup::Identity).map(CardIdentity::of),
            contact: shows(FieldGroup::Contact).map(CardContact::of),
            address: shows(FieldGroup::Residence)
                .and_then(|golden| golden.address.as_ref())
                .map(|address| address.value.expose().clone()),
        };
        Ok(Some(Shown { view, person, released, withheld }))
    }
}

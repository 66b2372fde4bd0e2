//! `/v1/units`: the residents of a community unit, and how many of them there are.
//!
//! A resident counts in one unit of each level, so that units add up. What a hospital stated decides about key groups
//! here and is in no answer.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Decision, FieldGroup, FieldGroups, Subject};
use axum::extract::State;
use domain::{
    Body, ClaimToken, Day, EventType, HouseholdKind, HouseholdMembership, PersonId, ResidenceKind, Sensitive,
    Timestamp, attribute, unit,
};
use exposure::follow_up::{FollowUpCount, count_of_unit};
use exposure::{Census, Count, GroupCount, Membership, Resident, Standing};
use serde::Serialize;
use store::Conn;
use store::views::{self, FactRow, PersonRow, ResidentRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::find::{CardContact, CardIdentity};
use crate::follow_ups::{self, UnitFollowUps};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{facts, query, reviews};

/// Tokens that are asked for at once.
const TOKENS_AT_ONCE: usize = 5_000;

/// How many people live in a unit, and in the units below it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitSummary {
    /// Code of the unit.
    pub unit: String,
    /// The day that ages and memberships are of.
    pub day: String,
    /// Version of the rules of key groups.
    pub key_group_rules: String,
    /// The unit as a whole.
    pub total: UnitCountView,
    /// The units next below it, by code; last, without a code, those not known any closer. They add up to the whole.
    pub below: Vec<UnitCount>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// How many of whom there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitCountView {
    /// Residents, those of collective households included.
    pub residents: u64,
    /// Households. One whose members live apart is where most of them live.
    pub households: u64,
    /// Group `care`: residents by key group, in the order of the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_groups: Option<Vec<KeyGroupCount>>,
    /// Group `care`: people who met a case, at the unit that looks after them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_ups: Option<UnitFollowUps>,
}

/// Residents of a key group.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyGroupCount {
    /// Code of the group.
    pub key_group: String,
    /// Members.
    pub members: u64,
    /// Residents of whom it is not known, because a day of birth or a household is not.
    pub unknown: u64,
}

/// A unit below another.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitCount {
    /// Its code; absent for what is not known any closer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its figures.
    #[serde(flatten)]
    pub count: UnitCountView,
}

/// Residents of a unit.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResidentList {
    /// Code of the unit.
    pub unit: String,
    /// The day that ages and memberships are of.
    pub day: String,
    /// Version of the rules of key groups.
    pub key_group_rules: String,
    /// The residents, by id.
    pub residents: Vec<ResidentView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A resident, as a list shows them.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResidentView {
    /// Id of the person.
    pub person_id: Uuid,
    /// The unit that they count in, as close as it is known.
    pub unit: String,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CardIdentity>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<CardContact>,
    /// Group `residence`: the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Group `household`: households that they belong to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub households: Option<Vec<MemberView>>,
    /// Group `care`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care: Option<CareView>,
}

/// That somebody belongs to a household.
#[derive(Clone, Debug, Serialize, ToSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MemberView {
    /// Household.
    pub household_id: String,
    /// Relation to its head, in the source's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation_to_head: Option<String>,
    /// A dormitory or a firm.
    pub collective: bool,
    /// They live there; otherwise they are only registered.
    pub lives_there: bool,
}

/// Why a community looks after somebody.
#[derive(Serialize, ToSchema)]
pub(crate) struct CareView {
    /// Key groups that they belong to.
    pub key_groups: Vec<String>,
    /// Key groups of which it is not known.
    pub unknown: Vec<String>,
}

/// Counts the residents of a unit, its households and its key groups, and the same for the units next below it.
#[utoipa::path(
    get,
    path = "/v1/units/{unit}/summary",
    tag = "units",
    operation_id = "read_unit",
    params(crate::openapi::PersonHeaders, ("unit" = String, Path, description = "Code of the unit")),
    responses(
        (status = 200, description = "The figures", body = Receipted<UnitSummary>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn summary(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadUnit).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = summarize(&call).await;
    call.finish(found).await
}

/// Lists the residents of a unit and of all below it.
#[utoipa::path(
    get,
    path = "/v1/units/{unit}/residents",
    tag = "units",
    operation_id = "list_residents",
    params(
        crate::openapi::PersonHeaders,
        ("unit" = String, Path, description = "Code of the unit"),
        ("key_group" = Option<String>, Query, description = "Only members of this key group"),
        ("after" = Option<Uuid>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Residents in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The residents", body = Receipted<ResidentList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn residents(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadResidents).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = resident_list(&call).await;
    call.finish(found).await
}

/// The unit of the path, which must be the caller's, and what may be shown of its residents.
pub(crate) fn own_unit(call: &Call) -> Result<(String, FieldGroups), Failure> {
    let code = call.unit.clone().filter(|code| unit::is_unit(code)).ok_or(Problem::UnitMalformed)?;
    match call.entitlement()?.decide(&Subject { units: vec![code.clone()], ..Subject::default() }) {
        Decision::Allowed { granted, .. } => Ok((code, granted)),
        Decision::Refused(_) => Err(Problem::UnitNotFound.into()),
    }
}

async fn summarize(call: &Call) -> Result<Found<UnitSummary>, Failure> {
    let [] = query::members(&call.query, [])?;
    let (unit, granted) = own_unit(call)?;
    let (released, withheld) = call.split(&granted);
    let shows_care = released.contains(FieldGroup::Care);
    let mut conn = call.state.setup.store.snapshot().await?;
    let book = Book::open(call, &mut conn, &unit, shows_care).await?;
    let rules = &call.state.setup.key_groups;
    let census = book.census(call);
    let (whole, mut below) = census.count(&unit);
    let stocks = if shows_care { follow_ups::stocks_of_unit(call, &mut conn, &unit).await? } else { Vec::new() };
    let (all_follow_ups, mut follow_ups_below) = count_of_unit(&unit, &stocks);
    for code in follow_ups_below.keys() {
        // Who is looked after in a unit need not live there.
        below
            .entry(*code)
            .or_insert_with(|| Count { groups: vec![GroupCount::default(); rules.groups().len()], ..Count::default() });
    }
    let view = |count: Count, follow_ups: FollowUpCount| UnitCountView {
        residents: count.residents,
        households: count.households,
        key_groups: shows_care.then(|| {
            let groups = rules.groups().iter().zip(count.groups);
            groups
                .map(|(group, count)| KeyGroupCount {
                    key_group: group.code.clone(),
                    members: count.members,
                    unknown: count.undecided,
                })
                .collect()
        }),
        follow_ups: shows_care.then(|| follow_ups.into()),
    };
    let (unknown, known): (Vec<_>, Vec<_>) = below.into_iter().partition(|(code, _)| code.is_none());
    let below = known.into_iter().chain(unknown);
    let below = below.map(|(code, count)| {
        let follow_ups = follow_ups_below.remove(&code).unwrap_or_default();
        UnitCount { unit: code.map(str::to_owned), count: view(count, follow_ups) }
    });
    let below = below.collect();
    let count = usize::try_from(whole.residents).unwrap_or(usize::MAX);
    let answer = UnitSummary {
        day: book.day.to_string(),
        key_group_rules: rules.version(),
        total: view(whole, all_follow_ups),
        below,
        withheld: withheld.clone(),
        unit,
    };
    Ok(Found { answer, subjects: Vec::new(), released, withheld, count })
}

async fn resident_list(call: &Call) -> Result<Found<ResidentList>, Failure> {
    let [key_group, after, limit] = query::members(&call.query, ["key_group", "after", "limit"])?;
    let (unit, granted) = own_unit(call)?;
    let (released, withheld) = call.split(&granted);
    let rules = &call.state.setup.key_groups;
    let key_group = key_group.map(|code| {
        let place = rules.groups().iter().position(|group| group.code == code);
        place.filter(|_| released.contains(FieldGroup::Care)).ok_or(Problem::KeyGroupUnknown)
    });
    let key_group = key_group.transpose()?;
    let after: Option<PersonId> = after.map(|id| id.parse()).transpose().map_err(|_| Problem::QueryMalformed)?;
    let limit = usize::try_from(reviews::limit_of(limit)?).unwrap_or(usize::MAX);
    let mut conn = call.state.setup.store.snapshot().await?;
    let book = Book::open(call, &mut conn, &unit, released.contains(FieldGroup::Care)).await?;
    let census = book.census(call);
    let is_wanted = |index: &usize| {
        after.is_none_or(|after| book.rows[*index].person_id > after)
            && key_group.is_none_or(|group| census.standings(*index).nth(group) == Some(Standing::Member))
    };
    let mut wanted: Vec<usize> = (0..book.own).filter(is_wanted).take(limit + 1).collect();
    let has_more = wanted.len() > limit;
    wanted.truncate(limit);
    let subjects: Vec<PersonId> = wanted.iter().map(|index| book.rows[*index].person_id).collect();
    let mut persons: BTreeMap<PersonId, PersonRow> =
        views::list_persons(&mut conn, &subjects).await?.into_iter().map(|row| (row.person_id, row)).collect();
    let view = |index: usize| {
        let person = persons.remove(&book.rows[index].person_id)?;
        Some(resident(&book, &census, index, person, &released, call))
    };
    let residents: Vec<ResidentView> = wanted.into_iter().filter_map(view).collect();
    let answer = ResidentList {
        day: book.day.to_string(),
        key_group_rules: rules.version(),
        next: subjects.last().filter(|_| has_more).map(|last| last.as_uuid()),
        residents,
        withheld: withheld.clone(),
        unit,
    };
    Ok(Found { count: subjects.len(), answer, subjects, released, withheld })
}

fn resident(
    book: &Book,
    census: &Census<'_>,
    index: usize,
    person: PersonRow,
    released: &FieldGroups,
    call: &Call,
) -> ResidentView {
    let care = || {
        let mut view = CareView { key_groups: Vec::new(), unknown: Vec::new() };
        for (group, standing) in call.state.setup.key_groups.groups().iter().zip(census.standings(index)) {
            match standing {
                Standing::Member => view.key_groups.push(group.code.clone()),
                Standing::Undecided => view.unknown.push(group.code.clone()),
                Standing::Other => {}
            }
        }
        view
    };
    let golden = person.golden;
    ResidentView {
        person_id: person.person_id.as_uuid(),
        unit: book.rows[index].home.clone().unwrap_or_default(),
        identity: released.contains(FieldGroup::Identity).then(|| CardIdentity::of(&golden)),
        contact: released.contains(FieldGroup::Contact).then(|| CardContact::of(&golden)),
        address: golden
            .address
            .filter(|_| released.contains(FieldGroup::Residence))
            .map(|address| address.value.into_exposed()),
        households: released.contains(FieldGroup::Household).then(|| book.households_of(index)),
        care: released.contains(FieldGroup::Care).then(care),
    }
}

/// What the views say of a unit at an instant.
pub(crate) struct Book {
    pub(crate) day: Day,
    /// The residents of the unit, `own` of them, by id; then others who belong to their households.
    pub(crate) rows: Vec<ResidentRow>,
    pub(crate) own: usize,
    residents: Vec<Resident>,
    memberships: Vec<Membership>,
    views: BTreeMap<u32, BTreeSet<MemberView>>,
    /// Addresses where somebody is registered.
    registered: BTreeMap<u32, BTreeSet<String>>,
}

impl Book {
    /// Reads a unit. Diagnoses are read only where key groups are shown and ask for them.
    pub(crate) async fn open(call: &Call, conn: &mut Conn, unit: &str, for_care: bool) -> Result<Self, Failure> {
        let rules = &call.state.setup.key_groups;
        let now = call.state.now();
        let mut rows = views::list_residents(conn, unit).await?;
        let own = rows.len();
        let stated = views::list_facts_of_unit(conn, unit, EventType::HouseholdMembership).await?;
        let stated = stated.iter().filter(|row| is_current(row, now));
        let numbers: BTreeSet<String> =
            stated.filter_map(|row| Some(row.detail.get("household_id")?.as_str()?.to_owned())).collect();
        let members = views::list_memberships(conn, &numbers.into_iter().collect::<Vec<_>>()).await?;
        let members: Vec<FactRow> = members.into_iter().filter(|row| is_current(row, now)).collect();
        let encounters = match for_care && rules.ask_for_diagnoses() {
            true => views::list_facts_of_unit(conn, unit, EventType::EncounterChanged).await?,
            false => Vec::new(),
        };
        let owners = owners(conn, members.iter().chain(&encounters), now).await?;
        let mut index: BTreeMap<PersonId, u32> = rows.iter().map(|row| row.person_id).zip(0..).collect();
        let others = owners.values().filter(|person| !index.contains_key(person)).copied();
        let others: Vec<PersonId> = others.collect::<BTreeSet<_>>().into_iter().collect();
        let others = views::list_homes(conn, &others).await?;
        index.extend(others.iter().map(|row| row.person_id).zip(u32::try_from(own).unwrap_or(u32::MAX)..));
        rows.extend(others);
        let of = |row: &FactRow| row.subject.and_then(|token| owners.get(&token)).and_then(|person| index.get(person));
        let mut residents: Vec<Resident> = rows
            .iter()
            .map(|row| Resident { home: row.home.clone(), birth: row.birth, diagnoses: Vec::new() })
            .collect();
        for row in encounters {
            let (Some(person), Body::EncounterChanged(encounter)) = (of(&row).copied(), row.body()?) else { continue };
            let stated = encounter.diagnoses.into_iter().map(Sensitive::into_exposed);
            residents[person as usize].diagnoses.extend(stated);
        }
        let (mut memberships, mut views) = (Vec::with_capacity(members.len()), BTreeMap::<_, BTreeSet<_>>::new());
        let mut registered = BTreeMap::<_, BTreeSet<_>>::new();
        let (mut households, mut dwellings) = (Numbers::default(), Numbers::default());
        for row in members {
            let (member, Body::HouseholdMembership(stated)) = (of(&row).copied(), row.body()?) else { continue };
            let lives_there = stated.residence_kind != ResidenceKind::Registered;
            let is_collective = stated.household_kind == HouseholdKind::Collective;
            memberships.push(Membership {
                household: households.of(stated.household_id.clone()),
                member,
                dwelling: lives_there.then(|| dwellings.of(dwelling(&stated))),
                is_collective,
            });
            if let Some(member) = member {
                if matches!(stated.residence_kind, ResidenceKind::Registered | ResidenceKind::Both) {
                    let address = stated.dwelling.name.map(Sensitive::into_exposed);
                    registered.entry(member).or_default().extend(address);
                }
                views.entry(member).or_default().insert(MemberView {
                    household_id: stated.household_id,
                    relation_to_head: stated.relation_to_head,
                    collective: is_collective,
                    lives_there,
                });
            }
        }
        Ok(Self { day: rules.day_of(now), rows, own, residents, memberships, views, registered })
    }

    pub(crate) fn census<'a>(&'a self, call: &'a Call) -> Census<'a> {
        Census::new(&self.residents, &self.memberships, &call.state.setup.key_groups, self.day)
    }

    /// The addresses where a resident is registered.
    pub(crate) fn registered_of(&self, index: usize) -> BTreeSet<String> {
        let found = u32::try_from(index).ok().and_then(|index| self.registered.get(&index));
        found.cloned().unwrap_or_default()
    }

    pub(crate) fn households_of(&self, index: usize) -> Vec<MemberView> {
        let found = u32::try_from(index).ok().and_then(|index| self.views.get(&index));
        found.into_iter().flatten().cloned().collect()
    }
}

/// Small numbers for names, in the order in which they come.
#[derive(Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name).or_insert(next)
    }
}

/// People of one household may live at several addresses.
fn dwelling(stated: &HouseholdMembership) -> String {
    let name = stated.dwelling.name.as_ref().map_or("", |name| name.expose().as_str());
    format!("{}\n{name}", stated.household_id)
}

fn is_current(row: &FactRow, now: Timestamp) -> bool {
    row.started_at <= now && row.ended_at.is_none_or(|end| now < end)
}

/// Whose the facts are now; a token of which that is not sure is left out.
async fn owners<'a>(
    conn: &mut Conn,
    facts: impl Iterator<Item = &'a FactRow>,
    now: Timestamp,
) -> Result<BTreeMap<ClaimToken, PersonId>, Failure> {
    let tokens: Vec<ClaimToken> = facts.filter_map(|row| row.subject).collect::<BTreeSet<_>>().into_iter().collect();
    let mut owners = BTreeMap::new();
    for tokens in tokens.chunks(TOKENS_AT_ONCE) {
        for (token, claimants) in facts::claimants(conn, tokens).await? {
            owners.extend(attribute(&claimants, now).owner.map(|person| (token, person)));
        }
    }
    Ok(owners)
}

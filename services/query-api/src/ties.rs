//! How callers and persons of looks stand to each other, as the registers and views say now.
//!
//! Nothing of it is told to anybody: explanations and marks are codes, and the values that they were found by stay here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use access::{Action, Role};
use domain::{Attribution, ClaimToken, PersonId, PersonName, Script, Timestamp, attribute};
use exposure::{Case, Seconds, Span};
use ledger::{CaseToken, Decision, Entry, SubjectHandle};
use scrutiny::{Explanation, Mark, Ties};
use store::views::{self, FactRow, PersonRow};
use store::{Conn, callers, lineage, marks};

use crate::call::{Failure, case_token};
use crate::contacts::City;
use crate::state::QueryState;
use crate::{facts, grants, handles};

/// Callers of the register that are looked at, and marked persons.
const LISTED_MAX: i64 = 50_000;
/// More persons than this are a list: who the caller is to each of them is not looked up.
const LOOKED_AT_MAX: usize = 20;
/// Cases and their contacts are read again after so long.
const CIRCLES_FOR: Duration = Duration::from_secs(30);
/// Contacts of a case are those of so many days.
const CONTACT_DAYS: i64 = 21;
const DAY_MS: i64 = 86_400_000;

/// Persons of cases, by what entries call the case, and the contacts of those whose cases were stated.
pub(crate) struct KnownCircles {
    read: Instant,
    persons: Arc<HashMap<CaseToken, Option<PersonId>>>,
    /// Cases of entries that were not among them, such as those that were taken back since.
    absent: BTreeSet<CaseToken>,
    contacts: HashMap<PersonId, Arc<BTreeSet<PersonId>>>,
}

#[derive(Clone, Default)]
struct Circle {
    person: Option<PersonId>,
    contacts: Arc<BTreeSet<PersonId>>,
}

/// Somebody of the staff whose own person is known.
struct Official {
    organisation: String,
    person: PersonId,
}

/// What a batch of looks needs of the registers.
struct Registers {
    /// The person of today behind each handle.
    persons: HashMap<SubjectHandle, PersonId>,
    units: BTreeMap<PersonId, Vec<String>>,
    /// Files of the staff, and of the persons of looks that were at few.
    rows: BTreeMap<PersonId, PersonRow>,
    staff: BTreeMap<String, Official>,
    marked: BTreeMap<PersonId, BTreeSet<Mark>>,
    circles: HashMap<CaseToken, Circle>,
}

/// The ties of looks, in their order.
pub(crate) async fn ties(state: &QueryState, entries: &[(u64, Entry)]) -> Result<Vec<Ties>, Failure> {
    let wanted: BTreeSet<SubjectHandle> =
        entries.iter().flat_map(|(_, entry)| entry.subjects.iter().copied()).collect();
    let mut conn = state.setup.store.snapshot().await?;
    let registers = Registers::read(state, &mut conn, &wanted, entries).await?;
    let mut all: Vec<Ties> = entries.iter().map(|(_, entry)| registers.ties(entry)).collect();
    let only = |entry: &Entry| match entry.subjects[..] {
        [subject] => Some((*registers.persons.get(&subject)?, entry.stamp.time)),
        _ => None,
    };
    let (places, looks): (Vec<usize>, Vec<_>) =
        entries.iter().enumerate().filter_map(|(place, (_, entry))| Some((place, only(entry)?))).unzip();
    for (place, changed) in places.into_iter().zip(marks::list_changed(&mut conn, &looks).await?) {
        all[place].changed = changed;
    }
    Ok(all)
}

impl Registers {
    async fn read(
        state: &QueryState,
        conn: &mut Conn,
        wanted: &BTreeSet<SubjectHandle>,
        entries: &[(u64, Entry)],
    ) -> Result<Self, Failure> {
        let mut persons = handles::persons(state, conn, wanted).await?;
        let staff = staff(conn, state.now()).await?;
        let ids: Vec<PersonId> = persons.values().copied().collect();
        let mut units: BTreeMap<PersonId, Vec<String>> = views::list_units(conn, &ids).await?.into_iter().collect();
        // Ids of the past: whoever holds their records now.
        for person in persons.values_mut().filter(|person| !units.contains_key(person)) {
            if let [holder] = &lineage::list_holders(conn, *person).await?[..] {
                *person = holder.person_id;
            }
        }
        let missing: Vec<PersonId> = persons.values().copied().filter(|person| !units.contains_key(person)).collect();
        units.extend(views::list_units(conn, &missing).await?);
        // Of others there is nobody to compare the person with.
        let of_staff = entries.iter().filter(|(_, entry)| staff.contains_key(entry.actor.as_str()));
        let looked_at = of_staff.map(|(_, entry)| &entry.subjects).filter(|all| all.len() <= LOOKED_AT_MAX);
        let looked_at = looked_at.flatten().filter_map(|handle| persons.get(handle).copied());
        let ids: BTreeSet<PersonId> = looked_at.chain(staff.values().map(|one| one.person)).collect();
        let rows = views::list_persons(conn, &ids.into_iter().collect::<Vec<_>>()).await?;
        let rows = rows.into_iter().map(|row| (row.person_id, row)).collect();
        let mut marked: BTreeMap<PersonId, BTreeSet<Mark>> = BTreeMap::new();
        for row in marks::list(conn, LISTED_MAX).await? {
            let mark = if row.mark == "CANARY" { Mark::Canary } else { Mark::Prominent };
            for holder in lineage::list_holders(conn, PersonId::from_uuid(row.person_id)).await? {
                marked.entry(holder.person_id).or_default().insert(mark);
            }
        }
        let stated: BTreeSet<CaseToken> = entries.iter().filter_map(|(_, entry)| entry.case).collect();
        let circles = if stated.is_empty() { HashMap::new() } else { circles(state, conn, &stated).await? };
        Ok(Self { persons, units, rows, staff, marked, circles })
    }

    fn ties(&self, entry: &Entry) -> Ties {
        let role = Role::from_code(entry.role.as_str());
        let action = Action::from_code(entry.action.as_str());
        if action.is_some_and(|action| !action.concerns_a_person())
            || entry.subjects.is_empty() && action != Some(Action::FindPersons)
        {
            return Ties { explanations: [Explanation::AboutNobody].into(), ..Ties::default() };
        }
        let persons: Vec<PersonId> = entry.subjects.iter().filter_map(|one| self.persons.get(one).copied()).collect();
        let explanations = self.explanations(entry, role, action, &persons);
        let marks = match role {
            Some(Role::Resident) => BTreeSet::new(),
            _ => self.marks(entry, &persons),
        };
        Ties { explanations, marks, changed: None }
    }

    fn explanations(
        &self,
        entry: &Entry,
        role: Option<Role>,
        action: Option<Action>,
        persons: &[PersonId],
    ) -> BTreeSet<Explanation> {
        // A search may list namesakes of the one that it was about; everything else is about each of its persons.
        let is_search = action == Some(Action::FindPersons);
        let holds = |fits: &dyn Fn(PersonId) -> bool| match is_search {
            true => persons.iter().any(|person| fits(*person)),
            false => !persons.is_empty() && persons.iter().all(|person| fits(*person)),
        };
        let was_shown = entry.decision == Decision::Allowed;
        let mut explanations = BTreeSet::new();
        if role == Some(Role::Resident) && was_shown {
            explanations.insert(Explanation::OwnFile);
        }
        if entry.matter.as_ref().is_some_and(|matter| matter.act.as_str() == grants::INVOKED) {
            explanations.insert(Explanation::Grant);
        }
        if role == Some(Role::DataSteward) && was_shown && action.is_some_and(Action::is_review) {
            explanations.insert(Explanation::ReviewTask);
        }
        let is_register =
            |action| matches!(action, Action::ReadCases | Action::DirectFollowUps | Action::ReadFollowUps);
        if role == Some(Role::CdcTracer) && was_shown && action.is_some_and(is_register) {
            explanations.insert(Explanation::CaseRegister);
        }
        if role == Some(Role::CommunityWorker)
            && let Some((_, unit)) = entry.unit.as_str().split_once('/')
            && holds(&|person| self.is_in(person, unit))
        {
            explanations.insert(Explanation::OwnUnit);
        }
        if let Some(circle) = entry.case.and_then(|case| self.circles.get(&case)) {
            let is_case = |person| circle.person == Some(person);
            if holds(&is_case) {
                explanations.insert(Explanation::CaseNames);
            } else if holds(&|person| is_case(person) || circle.contacts.contains(&person)) {
                explanations.insert(Explanation::CaseContact);
            }
        }
        explanations
    }

    fn is_in(&self, person: PersonId, unit: &str) -> bool {
        let units = self.units.get(&person).map_or(&[][..], Vec::as_slice);
        units.iter().any(|known| known == unit || domain::unit::has_units_below(unit) && known.starts_with(unit))
    }

    fn marks(&self, entry: &Entry, persons: &[PersonId]) -> BTreeSet<Mark> {
        let mut marks: BTreeSet<Mark> =
            persons.iter().filter_map(|person| self.marked.get(person)).flatten().copied().collect();
        if entry.subjects.len() > LOOKED_AT_MAX {
            return marks;
        }
        let own = self.staff.get(entry.actor.as_str()).map(|official| official.person);
        let organisation = entry.unit.as_str().split('/').next().unwrap_or_default();
        for person in persons {
            if own == Some(*person) {
                marks.insert(Mark::OwnPerson);
                continue;
            }
            if self.staff.values().any(|other| other.person == *person && other.organisation == organisation) {
                marks.insert(Mark::Colleague);
            }
            if let Some((own, other)) = own.and_then(|own| self.rows.get(&own)).zip(self.rows.get(person)) {
                marks.extend(alike(own, other));
            }
        }
        marks
    }
}

/// What two person files have in common that a neighbour or a relative has.
fn alike(own: &PersonRow, other: &PersonRow) -> impl Iterator<Item = Mark> {
    let (own, other) = (&own.golden, &other.golden);
    let same = |one: Option<&str>, other: Option<&str>| one.is_some_and(|one| !one.is_empty() && Some(one) == other);
    let address = |golden: &domain::GoldenRecord| golden.address.as_ref().map(|field| field.value.expose().clone());
    let unit = |golden: &domain::GoldenRecord| golden.community_unit.as_ref().map(|field| field.value.clone());
    let family = |golden: &domain::GoldenRecord| golden.name.as_ref().and_then(|field| family_name(&field.value));
    let marks = [
        (same(address(own).as_deref(), address(other).as_deref()), Mark::SameDwelling),
        (same(unit(own).as_deref(), unit(other).as_deref()), Mark::Neighbour),
        (same(family(own).as_deref(), family(other).as_deref()), Mark::SameName),
    ];
    marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark))
}

/// The family name: as stated, or how a Chinese name begins.
fn family_name(name: &PersonName) -> Option<String> {
    if let Some(family) = &name.family {
        return Some(family.expose().to_lowercase());
    }
    (name.script == Script::Han).then(|| name.text.expose().chars().take(1).collect())
}

/// Everybody of the staff whose own person is known beyond doubt.
async fn staff(conn: &mut Conn, now: Timestamp) -> Result<BTreeMap<String, Official>, Failure> {
    let listed = callers::list(conn, LISTED_MAX).await?;
    let known: Vec<(String, String, ClaimToken)> = listed
        .into_iter()
        .filter(|listed| listed.caller.role.is_of_staff())
        .filter_map(|listed| Some((listed.caller.handle, listed.caller.organisation, listed.caller.own_claim?)))
        .collect();
    let claims: Vec<ClaimToken> = known.iter().map(|(.., claim)| *claim).collect();
    let claimants = facts::claimants(conn, &claims).await?;
    let official = |(handle, organisation, claim): (String, String, ClaimToken)| {
        let person = attribute(claimants.get(&claim)?, now).owner?;
        Some((handle, Official { organisation, person }))
    };
    Ok(known.into_iter().filter_map(official).collect())
}

/// The circles of cases that were stated, as far as the hub knows them.
async fn circles(
    state: &QueryState,
    conn: &mut Conn,
    stated: &BTreeSet<CaseToken>,
) -> Result<HashMap<CaseToken, Circle>, Failure> {
    let held = {
        let held = state.watch.circles.lock().unwrap_or_else(PoisonError::into_inner);
        // A case that is younger than what was read is read at once: its first looks are its own.
        let is_known = |known: &KnownCircles, case| known.persons.contains_key(case) || known.absent.contains(case);
        let is_fresh = |known: &&KnownCircles| {
            known.read.elapsed() < CIRCLES_FOR && stated.iter().all(|case| is_known(known, case))
        };
        let fresh = held.as_ref().filter(is_fresh);
        fresh.map(|known| (Arc::clone(&known.persons), known.contacts.clone()))
    };
    let (persons, mut contacts) = match held {
        Some(held) => held,
        None => {
            let persons = Arc::new(case_persons(state, conn).await?);
            let mut held = state.watch.circles.lock().unwrap_or_else(PoisonError::into_inner);
            let before = held.take().filter(|known| known.read.elapsed() < CIRCLES_FOR);
            let (read, mut absent, contacts) = match before {
                Some(known) => (known.read, known.absent, known.contacts),
                None => (Instant::now(), BTreeSet::new(), HashMap::new()),
            };
            absent.extend(stated.iter().copied().filter(|case| !persons.contains_key(case)));
            let ranked = contacts.clone();
            *held = Some(KnownCircles { read, persons: Arc::clone(&persons), absent, contacts });
            (persons, ranked)
        }
    };
    let known = || stated.iter().filter_map(|case| Some((*case, *persons.get(case)?)));
    let new: BTreeSet<PersonId> =
        known().filter_map(|(_, person)| person).filter(|person| !contacts.contains_key(person)).collect();
    let ranked = contacts_of(state, new).await;
    if let Some(known) = state.watch.circles.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        known.contacts.extend(ranked.clone());
    }
    contacts.extend(ranked);
    let circle = |person: Option<PersonId>| Circle {
        person,
        contacts: person.and_then(|person| contacts.get(&person).cloned()).unwrap_or_default(),
    };
    Ok(known().map(|(case, person)| (case, circle(person))).collect())
}

/// Whose the cases are that the hub knows.
async fn case_persons(state: &QueryState, conn: &mut Conn) -> Result<HashMap<CaseToken, Option<PersonId>>, Failure> {
    let rows = views::list_case_facts(conn, None).await?;
    let attributed = facts::attributed(conn, &rows).await?;
    let key = &state.setup.token_key;
    let person = |(row, attribution): (FactRow, Attribution)| (case_token(key, row.record_id), attribution.owner);
    Ok(rows.into_iter().zip(attributed).map(person).collect())
}

/// Whom each of these persons was near lately; nobody while that is not known yet. It takes as long as a trace of each, so the
/// threads that answer do not do it.
async fn contacts_of(state: &QueryState, persons: BTreeSet<PersonId>) -> HashMap<PersonId, Arc<BTreeSet<PersonId>>> {
    let Some(city) = state.contacts.city().ok().filter(|_| !persons.is_empty()) else { return HashMap::new() };
    let to = state.now();
    let span = Span { from: to.plus_millis(-CONTACT_DAYS * DAY_MS), to };
    let rank = move || persons.into_iter().map(|person| (person, Arc::new(contacts(&city, person, span)))).collect();
    tokio::task::spawn_blocking(rank).await.unwrap_or_default()
}

fn contacts(city: &City, person: PersonId, span: Span) -> BTreeSet<PersonId> {
    let Some((number, span)) = city.number(person).zip(Seconds::within(span)) else { return BTreeSet::new() };
    let ranking = city.index.rank(Case { person: number, span }, |_| true);
    ranking.exposed().iter().map(|exposed| city.person(exposed.person)).collect()
}

//! Cases as disease control states them, as numbers for the rules that count them.

use std::collections::BTreeMap;

use domain::{Attribution, Body, CaseState as Stated, CaseStatus, EventId, PersonId, RecordId, Timestamp};
use exposure::{
    CaseId, CaseState, KeyGroups, KnownCase, Level, Risk, Rules, Span, TOWNSHIP_DIGITS, TownshipId, township_risks,
};
use store::Conn;
use store::views::{self, FactRow};

use crate::call::Failure;
use crate::facts;

const DAY_MS: i64 = 86_400_000;

/// Everything that disease control states of cases.
#[derive(Default)]
pub(crate) struct KnownCases {
    pub(crate) cases: Vec<KnownCase>,
    /// By number of the case.
    pub(crate) details: Vec<CaseDetail>,
    townships: Vec<String>,
    /// Cases of which it is not stated where they count.
    pub(crate) placeless: usize,
    /// The first instant that anything is stated of: before it nothing is known, which is not the same as no case.
    pub(crate) since: Option<Timestamp>,
}

/// What the rules do not count.
pub(crate) struct CaseDetail {
    /// The record of the case, which names it.
    pub(crate) record: RecordId,
    pub(crate) person: Option<PersonId>,
    pub(crate) event: EventId,
    /// When others could catch it.
    pub(crate) infectious: Option<Span>,
}

/// The township that a division code lies in; `None` for what is larger, or no code.
pub(crate) fn township_of(division_code: &str) -> Option<&str> {
    division_code.get(..TOWNSHIP_DIGITS).filter(|code| code.bytes().all(|digit| digit.is_ascii_digit()))
}

impl KnownCases {
    /// Reads all cases, or as they were known at an instant. `days` says when a day begins, `now` is when somebody who is not
    /// yet isolated is still infectious.
    pub(crate) async fn read(
        conn: &mut Conn,
        (rules, days): (&Rules, &KeyGroups),
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Self, Failure> {
        let rows = views::list_case_facts(conn, known_at).await?;
        let attributed = facts::attributed(conn, &rows).await?;
        let mut known = Self::default();
        let mut clusters: BTreeMap<String, u32> = BTreeMap::new();
        for (row, attribution) in rows.into_iter().zip(attributed) {
            let Body::CaseStatus(body) = row.body()? else { continue };
            let person = owner(&attribution);
            let count = clusters.len() as u32;
            let cluster = body.cluster_id.as_ref().map(|cluster| *clusters.entry(cluster.clone()).or_insert(count));
            known.put((rules, days), now, &row, &body, person, cluster);
        }
        Ok(known)
    }

    fn put(
        &mut self,
        rules: (&Rules, &KeyGroups),
        now: Timestamp,
        row: &FactRow,
        body: &CaseStatus,
        person: Option<PersonId>,
        cluster: Option<u32>,
    ) {
        let Some(state) = state(body.state) else { return };
        let code = body.place.division_code.as_deref().and_then(township_of).unwrap_or_default();
        self.placeless += usize::from(code.is_empty());
        let first = body.confirmed_time.map_or(row.started_at, |confirmed| confirmed.min(row.started_at));
        self.since = Some(self.since.map_or(first, |since| since.min(first)));
        let (number, township) = (CaseId(self.cases.len() as u32), self.township(code));
        self.cases.push(KnownCase { cluster, ..known_case(number, township, state, body) });
        let is_one = !matches!(state, CaseState::Suspected | CaseState::Excluded);
        let infectious = infectious(rules, body, now).filter(|_| is_one);
        self.details.push(CaseDetail { record: row.record_id, person, event: row.event_id, infectious });
    }

    fn township(&mut self, code: &str) -> TownshipId {
        let known = self.townships.iter().position(|known| known == code);
        TownshipId(known.unwrap_or_else(|| {
            self.townships.push(code.to_owned());
            self.townships.len() - 1
        }) as u32)
    }

    /// The risk of each township that has a case, by its code. Cases without one colour nothing.
    pub(crate) fn risks(&self, rules: &Rules, on: Timestamp) -> BTreeMap<&str, Risk> {
        self.risks_and_placeless(rules, on).0
    }

    /// The same with the numbers of the cases that have no township.
    pub(crate) fn risks_and_placeless(&self, rules: &Rules, on: Timestamp) -> (BTreeMap<&str, Risk>, Option<Risk>) {
        let risks = township_risks(rules, &self.cases, on);
        let mut named: BTreeMap<&str, Risk> =
            risks.into_iter().map(|(township, risk)| (self.townships[township.0 as usize].as_str(), risk)).collect();
        let placeless = named.remove("");
        (named, placeless)
    }

    /// The level of a township.
    pub(crate) fn level(risks: &BTreeMap<&str, Risk>, code: &str) -> Level {
        risks.get(code).map_or(Level::Low, |risk| risk.level)
    }
}

/// Whose a case is: one that may be somebody else's is nobody's.
pub(crate) fn owner(attribution: &Attribution) -> Option<PersonId> {
    attribution.owner.filter(|_| attribution.doubt.is_none())
}

/// Whether a case exists at an instant, by the one rule that risk and codes go by.
pub(crate) fn exists(body: &CaseStatus, now: Timestamp) -> bool {
    state(body.state).is_some_and(|state| known_case(CaseId(0), TownshipId(0), state, body).exists(now))
}

fn known_case(case: CaseId, township: TownshipId, state: CaseState, body: &CaseStatus) -> KnownCase {
    let (confirmed, closed) = (body.confirmed_time, body.closed_time);
    KnownCase { case, person: exposure::PersonId(case.0), township, state, confirmed, closed, cluster: None }
}

const fn state(stated: Stated) -> Option<CaseState> {
    Some(match stated {
        Stated::Unknown => return None,
        Stated::Suspected => CaseState::Suspected,
        Stated::Confirmed => CaseState::Confirmed,
        Stated::Asymptomatic => CaseState::Asymptomatic,
        Stated::Recovered => CaseState::Recovered,
        Stated::Deceased => CaseState::Deceased,
        Stated::Excluded => CaseState::Excluded,
    })
}

/// When others could catch it: as stated, or from some days before the first symptoms or the confirmation, until the
/// person was isolated.
fn infectious((rules, days): (&Rules, &KeyGroups), body: &CaseStatus, now: Timestamp) -> Option<Span> {
    let before = i64::from(rules.contact.infectious_days_before) * DAY_MS;
    let from = body
        .infectious_from
        .map(|day| days.start_of(day))
        .or_else(|| Some(days.start_of(body.onset?).plus_millis(-before)))
        .or_else(|| Some(body.confirmed_time?.plus_millis(-before)))?;
    let to = body.isolated_time.or(body.closed_time).unwrap_or(now);
    Some(Span::new(from, to))
}

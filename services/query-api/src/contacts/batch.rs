//! `POST /v1/contacts`: the contacts of as many cases as are asked about, and whom these met, in one call.
//!
//! Everybody whom the answer will tell is found first, and is on record before its first byte. Then it is written while it
//! leaves, a case at a time, so that a long one is never whole in memory. Each case is told as
//! `GET /v1/persons/{person_id}/contacts` tells it for the same stretch; the meetings one by one are told there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use access::{Action, FieldGroups};
use axum::body::Body;
use axum::extract::State;
use domain::{PersonId, RecordId, Timestamp};
use exposure::{Carrier, Case, Crowd, Exposed, Link, Seconds, Span};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    CrowdView, Shown, SubContactView, SubContactsView, Uncounted, granted, group_of, group_of_room, minutes, second,
    table,
};
use crate::call::{Answered, Ask, Call, Failure, Found, ReceiptView, Receipted};
use crate::itinerary::{window, within_days};
use crate::known_cases::KnownCases;
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;

/// Cases in one question at most, and the bytes of their list.
const CASES_MAX: usize = 5_000;
const QUESTION_BYTES_MAX: usize = 256 * 1024;
/// Contacts in one answer at most: 32 bytes of memory each until they have left.
const CONTACTS_MAX: usize = 20_000_000;
/// Sub-contacts that are written at once.
const LINKS: usize = 10_000;
/// Parts of the answer that are written ahead of the one that leaves.
const AHEAD: usize = 4;

/// Whose contacts are asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchQuestion {
    /// Ids of cases, as `GET /v1/cases` names them.
    #[serde(default)]
    #[schema(max_items = 5000)]
    cases: Option<Vec<Uuid>>,
    /// All cases instead.
    #[serde(default)]
    all: bool,
    /// Whether the contacts of the contacts are wanted, too.
    #[serde(default)]
    sub: bool,
    /// Begin; 14 days before the end unless stated.
    #[serde(default)]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// End; now unless stated.
    #[serde(default)]
    #[schema(format = DateTime)]
    to: Option<String>,
    /// Only so many contacts of each case, the most exposed; all unless stated.
    #[serde(default)]
    #[schema(minimum = 1)]
    limit: Option<usize>,
}

/// The contacts of cases.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    #[serde(flatten)]
    head: BatchHead,
    /// The cases, in the order of the question; all of them by id.
    cases: Vec<CaseContacts>,
    /// Contacts of the contacts, when they are asked for: who met one after the contact had met a case, and is neither a
    /// contact nor a case of the question. The longest meetings first.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_contacts: Option<SubContactsView>,
}

/// What holds for all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchHead {
    /// Begin of the stretch.
    from: String,
    /// End of the stretch.
    to: String,
    /// Version of the rules of disease control.
    rules: String,
    /// When the facts were read that this is made of. Later ones are in a later answer.
    known_at: String,
    /// Before this instant nothing is known here.
    known_since: String,
    /// What makes no contacts.
    #[serde(flatten)]
    uncounted: Uncounted,
    /// How many contacts all cases have together; a contact of two cases counts twice.
    total: usize,
    /// Cases of which no contacts can be told.
    pub(super) untraceable: Vec<Untraceable>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    withheld: FieldGroups,
}

/// A case of which no contacts can be told.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Untraceable {
    /// The hub's id of the case.
    pub(super) case: Uuid,
    /// `unknown-case`; `unknown-person`: it is not known whose it is; `no-case`: it is suspected or excluded only, or nobody
    /// knows since when; `another-time`: nobody could catch it within the stretch;
    /// `not-kept`: that was before `known_since`.
    pub(super) reason: &'static str,
}

/// The contacts of one case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseContacts {
    /// The hub's id of the case.
    pub(super) case: Uuid,
    /// Whose it is.
    pub(super) person_id: Uuid,
    /// From when on others could catch it, within the stretch.
    pub(super) from: String,
    /// Until when.
    pub(super) to: String,
    /// For how many minutes of that it is known in which squares the person was.
    pub(super) seen_minutes: f64,
    /// Some of that time was before `known_since`: of it no contacts are told.
    pub(super) partly_kept: bool,
    /// How many contacts there are.
    pub(super) total: usize,
    /// The most exposed first.
    pub(super) contacts: Vec<CaseContact>,
    /// Where the person met so many that nobody is listed for it.
    pub(super) left_out: Vec<CrowdView>,
}

/// Somebody who was near a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseContact {
    /// Place in the ranking, from 1.
    pub(super) rank: usize,
    /// Who.
    pub(super) person_id: Uuid,
    /// Minutes of all meetings, each weighed by how near and how sure it is.
    pub(super) weighed_minutes: f64,
    /// Minutes of all meetings; an hour in several squares at once counts in each.
    pub(super) minutes: f64,
    /// How many meetings there were.
    pub(super) meeting_count: u32,
    /// Begin of the first.
    pub(super) first: String,
    /// End of the last.
    pub(super) last: String,
}

/// Reads whom cases were near while others could catch it, of thousands of cases at once, and whom these met afterwards.
///
/// Each case is told as `GET /v1/persons/{person_id}/contacts` tells it for the same stretch. All who are told are on record
/// and in the caller's budget as if they were asked for one by one.
#[utoipa::path(
    post,
    path = "/v1/contacts",
    tag = "cases",
    operation_id = "read_contacts_of_cases",
    request_body = BatchQuestion,
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The contacts; as a table by `Accept: text/csv`", content(
            (Receipted<BatchAnswer> = "application/json"),
            (String = "text/csv"),
         ),
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadContacts).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = batch(&call).await;
    if call.accepts("text/csv") {
        return call.finish_written(table::MEDIA_TYPE, found, |batch, _| written(batch, table::write)).await;
    }
    let json = |batch, receipt: &ledger::Receipt| {
        let receipt = ReceiptView::of(receipt);
        written(batch, move |batch, part| json(batch, part, &receipt))
    };
    call.finish_written("application/json", found, json).await
}

/// A case whose contacts are asked for.
#[derive(Clone, Copy)]
struct Wanted {
    case: Uuid,
    person: PersonId,
    /// When others could catch it, within the stretch.
    span: Span,
}

/// What is told, in numbers, until it leaves.
pub(super) struct Batch {
    pub(super) head: BatchHead,
    shown: Shown,
    cases: Vec<Met>,
    links: Option<(Vec<Link>, usize)>,
}

/// Whom one case met.
struct Met {
    wanted: Wanted,
    total: usize,
    exposed: Vec<Exposed>,
    left_out: Vec<Crowd>,
}

/// A part of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Head,
    Case(usize),
    /// Sub-contacts from here on.
    Links(usize),
    Tail,
}

async fn batch(call: &Call) -> Result<Found<Batch>, Failure> {
    let [] = query::members(&call.query, [])?;
    let question: BatchQuestion = call.json_within(QUESTION_BYTES_MAX).await?;
    let (setup, now) = (&call.state.setup, call.state.now());
    let stretch = window(question.from.as_deref(), question.to.as_deref(), now);
    let stretch = stretch.map_err(|failure| failure.instead(Problem::QueryMalformed, Problem::ContactsMalformed))?;
    within_days(call, stretch)?;
    let mut conn = setup.store.snapshot().await?;
    let known = KnownCases::read(&mut conn, (&setup.rules, &setup.key_groups), now, None).await?;
    let city = call.state.contacts.city()?;
    let (wanted, untraceable) = wanted(&question, &known, stretch, city.since)?;
    let persons: BTreeSet<PersonId> = wanted.iter().map(|wanted| wanted.person).collect();
    let (released, withheld) = call.split(&granted(call, &mut conn, &persons).await?);
    let head = BatchHead {
        from: stretch.from.to_string(),
        to: stretch.to.to_string(),
        rules: setup.rules.version(),
        known_at: city.known_at().to_string(),
        known_since: city.since.to_string(),
        uncounted: city.uncounted,
        total: 0,
        untraceable,
        withheld: withheld.clone(),
    };
    let shown = Shown { city, released: released.clone() };
    let limit = question.limit.unwrap_or(usize::MAX);
    let carried_to = Seconds::within(stretch).filter(|_| question.sub).map(|span| span.to);
    // Counting over a city takes a while: not on a thread that answers others.
    let gather = move || {
        let batch = gather(shown, head, &wanted, limit, carried_to)?;
        let subjects = batch.subjects();
        Ok::<_, Problem>((batch, subjects))
    };
    // The views may be exchanged while it is counted, and few count at once: an answer may be hundreds of megabytes.
    drop(conn);
    let _place = call.state.counting.acquire().await.map_err(|_| Problem::Internal)?;
    let (batch, subjects) = tokio::task::spawn_blocking(gather).await.map_err(|_| Problem::Internal)??;
    let mut conn = setup.store.snapshot().await?;
    granted(call, &mut conn, &subjects).await?;
    let count = batch.rows();
    Ok(Found { answer: batch, subjects: subjects.into_iter().collect(), released, withheld, count })
}

/// The cases of the question, and those of which nothing can be told.
fn wanted(
    question: &BatchQuestion,
    known: &KnownCases,
    stretch: Span,
    since: Timestamp,
) -> Result<(Vec<Wanted>, Vec<Untraceable>), Problem> {
    let by_id: BTreeMap<RecordId, usize> = known.details.iter().map(|detail| detail.record).zip(0..).collect();
    let asked: Vec<RecordId> = match (&question.cases, question.all) {
        (None, true) => by_id.keys().copied().collect(),
        (Some(cases), false) if (1..=CASES_MAX).contains(&cases.len()) => {
            cases.iter().map(|case| RecordId::from_uuid(*case)).collect()
        }
        _ => return Err(Problem::ContactsMalformed),
    };
    if asked.len() > CASES_MAX || question.limit == Some(0) {
        return Err(Problem::ContactsMalformed);
    }
    let traced = |id: RecordId| {
        let detail = by_id.get(&id).map(|place| &known.details[*place]).ok_or("unknown-case")?;
        let person = detail.person.ok_or("unknown-person")?;
        let span = detail.infectious.ok_or("no-case")?.common(stretch).ok_or("another-time")?;
        if span.to <= since {
            return Err("not-kept");
        }
        Ok(Wanted { case: id.as_uuid(), person, span })
    };
    let (mut wanted, mut untraceable, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for id in asked.into_iter().filter(|id| seen.insert(*id)) {
        match traced(id) {
            Ok(one) => wanted.push(one),
            Err(reason) => untraceable.push(Untraceable { case: id.as_uuid(), reason }),
        }
    }
    Ok((wanted, untraceable))
}

/// Finds whom the cases met, and whom these met until `carried_to`.
fn gather(
    shown: Shown,
    mut head: BatchHead,
    wanted: &[Wanted],
    limit: usize,
    carried_to: Option<u32>,
) -> Result<Batch, Problem> {
    let index = &shown.city.index;
    let cases: Vec<Option<Case>> = wanted
        .iter()
        .map(|one| {
            let (person, span) = shown.city.number(one.person).zip(Seconds::within(one.span))?;
            Some(Case { person, span })
        })
        .collect();
    let first: Vec<AtomicU32> = (0..index.people()).map(|_| AtomicU32::new(u32::MAX)).collect();
    let told = AtomicUsize::new(0);
    let placed: Vec<Case> = cases.iter().flatten().copied().collect();
    let ranked = index.rank_all(
        &placed,
        |room| shown.released.contains(group_of_room(room)),
        |ranking| {
            for one in ranking.exposed().iter().filter(|_| carried_to.is_some()) {
                first[one.person.0 as usize].fetch_min(one.first, Ordering::Relaxed);
            }
            let listed = ranking.exposed().len().min(limit);
            let is_too_many = told.fetch_add(listed, Ordering::Relaxed) + listed > CONTACTS_MAX;
            let exposed = if is_too_many { Vec::new() } else { ranking.ranked(0, limit) };
            (ranking.exposed().len(), exposed, ranking.left_out().to_vec())
        },
    );
    if told.into_inner() > CONTACTS_MAX {
        return Err(Problem::ContactsTooMany);
    }
    let mut ranked = ranked.into_iter();
    let met = wanted.iter().zip(&cases).map(|(wanted, case)| {
        let (total, exposed, left_out) = case.and_then(|_| ranked.next()).unwrap_or_default();
        Met { wanted: *wanted, total, exposed, left_out }
    });
    let met: Vec<Met> = met.collect();
    head.total = met.iter().map(|met| met.total).sum();
    let links = carried_to.map(|to| {
        let carries = |(person, first): (u32, AtomicU32)| {
            let from = first.into_inner();
            let span = Seconds { from, to };
            (from < to).then_some(Carrier { person: exposure::PersonId(person), span })
        };
        let carriers: Vec<Carrier> = (0..).zip(first).filter_map(carries).collect();
        let mut found = index.sub_contacts(&carriers);
        let own: BTreeSet<u32> = placed.iter().map(|case| case.person.0).collect();
        found
            .links
            .retain(|link| !own.contains(&link.person.0) && shown.released.contains(group_of(link.meeting.scene)));
        found.links.sort_by_key(|link| std::cmp::Reverse(link.meeting.span.count()));
        (found.links, found.left_out.len())
    });
    Ok(Batch { head, shown, cases: met, links })
}

impl Batch {
    /// Everybody of whom something is told.
    fn subjects(&self) -> BTreeSet<PersonId> {
        let mut told = vec![false; self.shown.city.index.people()];
        let contacts = self.cases.iter().flat_map(|met| &met.exposed).map(|one| one.person);
        let links = self.links.iter().flat_map(|(links, _)| links).flat_map(|link| [link.person, link.carrier]);
        contacts.chain(links).for_each(|person| told[person.0 as usize] = true);
        let told = (0..).zip(told).filter(|(_, is_told)| *is_told);
        let told = told.map(|(number, _)| self.shown.city.person(exposure::PersonId(number)));
        told.chain(self.cases.iter().map(|met| met.wanted.person)).collect()
    }

    /// How many rows the answer has.
    fn rows(&self) -> usize {
        let contacts: usize = self.cases.iter().map(|met| met.exposed.len()).sum();
        contacts + self.links.as_ref().map_or(0, |(links, _)| links.len())
    }

    fn parts(&self) -> Vec<Part> {
        let links = self.links.as_ref().map_or(0, |(links, _)| links.len());
        let middle = (0..self.cases.len()).map(Part::Case).chain((0..links).step_by(LINKS).map(Part::Links));
        [Part::Head].into_iter().chain(middle).chain([Part::Tail]).collect()
    }

    /// One case, as the answer tells it.
    pub(super) fn case(&self, number: usize) -> CaseContacts {
        let Met { wanted, total, exposed, left_out } = &self.cases[number];
        let contact = |(rank, one): (usize, &Exposed)| CaseContact {
            rank,
            person_id: self.shown.city.person(one.person).as_uuid(),
            weighed_minutes: one.exposure,
            minutes: one.seconds as f64 / 60.0,
            meeting_count: one.meetings,
            first: second(one.first),
            last: second(one.last),
        };
        CaseContacts {
            case: wanted.case,
            person_id: wanted.person.as_uuid(),
            from: wanted.span.from.to_string(),
            to: wanted.span.to.to_string(),
            seen_minutes: minutes(self.seen(wanted)),
            partly_kept: !self.shown.city.keeps(wanted.span),
            total: *total,
            contacts: (1..).zip(exposed).map(contact).collect(),
            left_out: left_out.iter().map(|crowd| self.shown.crowd(crowd)).collect(),
        }
    }

    /// For how many seconds it is known where the person of a case was.
    fn seen(&self, wanted: &Wanted) -> u32 {
        let city = &self.shown.city;
        let case = city.number(wanted.person).zip(Seconds::within(wanted.span));
        case.map_or(0, |(person, span)| city.index.seen(person, span))
    }

    /// Some sub-contacts, from one on.
    pub(super) fn links(&self, from: usize) -> Vec<SubContactView> {
        let links = self.links.iter().flat_map(|(links, _)| links).skip(from).take(LINKS);
        links.map(|link| self.shown.sub_contact(link)).collect()
    }
}

/// The answer as a stream, whose parts are written on threads of their own as it leaves.
fn written(batch: Batch, write: impl Fn(&Batch, Part) -> Vec<u8> + Send + Sync + 'static) -> Body {
    let (parts, batch) = (batch.parts(), Arc::new((batch, write)));
    let part = move |part| {
        let batch = Arc::clone(&batch);
        tokio::task::spawn_blocking(move || (batch.1)(&batch.0, part))
    };
    Body::from_stream(stream::iter(parts).map(part).buffered(AHEAD))
}

/// A part of the document that [`BatchAnswer`] describes.
fn json(batch: &Batch, part: Part, receipt: &ReceiptView) -> Vec<u8> {
    let mut text = Vec::new();
    match part {
        Part::Head => {
            put(&mut text, &batch.head);
            // The document goes on.
            text.pop();
            text.extend_from_slice(b",\"cases\":[");
            if batch.cases.is_empty() {
                end_of_cases(batch, &mut text);
            }
        }
        Part::Case(number) => {
            put(&mut text, &batch.case(number));
            match number + 1 < batch.cases.len() {
                true => text.push(b','),
                false => end_of_cases(batch, &mut text),
            }
        }
        Part::Links(from) => {
            if from > 0 {
                text.push(b',');
            }
            put(&mut text, &batch.links(from));
            // The items without the brackets of their list.
            let start = usize::from(from > 0);
            text.remove(start);
            text.pop();
        }
        Part::Tail => {
            text.extend_from_slice(if batch.links.is_some() { b"]},\"receipt\":" } else { b"\"receipt\":" });
            put(&mut text, receipt);
            text.push(b'}');
        }
    }
    text
}

fn end_of_cases(batch: &Batch, text: &mut Vec<u8>) {
    text.extend_from_slice(b"],");
    if let Some((links, left_out)) = &batch.links {
        let head = format!("\"sub_contacts\":{{\"total\":{},\"left_out\":{left_out},\"links\":[", links.len());
        text.extend_from_slice(head.as_bytes());
    }
}

fn put(text: &mut Vec<u8>, value: &impl Serialize) {
    // What is written holds no map with keys that are no text, which is all that can fail in memory.
    if let Err(error) = serde_json::to_writer(&mut *text, value) {
        tracing::error!(%error, "A part of an answer could not be written as JSON.");
    }
}

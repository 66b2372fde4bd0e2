//! What becomes of a row: compared with what is known of its records, it is new, repeated, overtaken or in conflict.
//!
//! Pure. The verdicts of one chunk see each other, in the order of rows.

use std::collections::VecDeque;
use std::fmt::Write;

use codec::Codec;
use domain::{BatchId, Edition, Event, Meta, RecordId, Timestamp, TokenKey};
use rustc_hash::{FxHashMap, FxHashSet};
use store::ingest::{Counts, FailedRecord, Origin, Progress, QuarantinedRow, Stated};
use store::runs::Run;
use uuid::Uuid;

use crate::chunk::{Chunk, MappedDraft, MappedRow, Place};
use crate::content::joined;
use crate::feed::{DraftRole, RowError, StatedVersion};
use crate::known::{Known, Statement, Verdict, position};
use crate::profile::Profile;
use crate::reason::Reason;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// New, and published.
    Accepted,
    /// The same version with the same content was published before.
    Duplicate,
    /// A newer version was published before. This one joins the record's history and overwrites nothing.
    Superseded,
    /// It cannot be used.
    Quarantined(RowError),
}

impl Outcome {
    /// The code in receipts and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

/// Sightings that were published not long ago: they need not be published again. Forgetting one is harmless.
#[derive(Default)]
pub(crate) struct Recent {
    young: FxHashSet<(RecordId, i64)>,
    old: FxHashSet<(RecordId, i64)>,
}

/// Sightings remembered in each of two generations, at 24 bytes and some.
const RECENT_MAX: usize = 500_000;

impl Recent {
    pub(crate) fn contains(&self, sighting: &(RecordId, i64)) -> bool {
        self.young.contains(sighting) || self.old.contains(sighting)
    }

    pub(crate) fn forget(&mut self, sightings: &[(RecordId, i64)]) {
        for sighting in sightings {
            self.young.remove(sighting);
            self.old.remove(sighting);
        }
    }

    pub(crate) fn add(&mut self, sightings: impl IntoIterator<Item = (RecordId, i64)>) {
        self.young.extend(sightings);
        if self.young.len() > RECENT_MAX {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

/// Bytes of all events of one row. A row is at most 1 MiB, and what a short row becomes is stored, sent and projected.
const EVENTS_OF_ROW_BYTES_MAX: usize = 4 << 20;

/// What the events of a batch have in common.
pub(crate) struct BatchFacts<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) key: &'a TokenKey,
    pub(crate) codec: &'a Codec,
    pub(crate) batch_id: BatchId,
    pub(crate) arrival: i64,
    /// The places of the quarantined rows that rows of the chunk mend.
    pub(crate) mended: &'a FxHashMap<(BatchId, i64), Origin>,
    /// Rows may be in quarantine that a statement about their record mends.
    pub(crate) records_awaited: bool,
    pub(crate) received_at: Timestamp,
    pub(crate) sha256_hex: String,
    pub(crate) trace_id: String,
}

/// What a chunk comes to.
#[derive(Default)]
pub(crate) struct Decided {
    pub(crate) records: Vec<event_log::Record>,
    pub(crate) progress: Progress,
    pub(crate) sightings: Vec<(RecordId, i64)>,
    pub(crate) outcomes: VecDeque<Outcome>,
}

/// Records whose versions must be looked up before a chunk is decided.
pub(crate) fn records_of(chunk: &Chunk) -> Vec<Uuid> {
    let drafts = chunk.rows.iter().filter_map(|row| row.result.as_ref().ok()).flatten();
    let own = drafts.filter(|draft| draft.draft.role == DraftRole::Record);
    let mut records: Vec<Uuid> = own.map(|draft| draft.record_id.as_uuid()).collect();
    records.extend(chunk.rows.iter().filter_map(|row| match row.about {
        Some((record, StatedVersion::Unreadable)) => Some(record.as_uuid()),
        _ => None,
    }));
    records.sort_unstable();
    records.dedup();
    records
}

/// The rows that rows of a chunk say they mend.
pub(crate) fn mended_by(chunk: &Chunk) -> Vec<(BatchId, i64)> {
    chunk.rows.iter().filter_map(|row| row.mends).collect()
}

/// Gives every row of a chunk its outcome, and adds the versions it publishes to `known`.
pub(crate) fn decide(facts: &BatchFacts<'_>, chunk: Chunk, known: &mut Known, recent: &Recent) -> Decided {
    let mut decided = Decided::default();
    let mut told = FxHashSet::default();
    for row in chunk.rows {
        let (place, mends) = (row.place, row.mends);
        let origin = Origin { arrival: facts.arrival, row: place.row };
        // A reference to a row that never failed says nothing.
        let mended = mends.and_then(|mends| facts.mended.get(&mends)).copied();
        let at = mended.unwrap_or(origin);
        let about = about(&row);
        let message = row.about.filter(|_| row.result.is_ok());
        let (outcome, of) = decide_row(facts, row, (origin, at), known, recent, &mut told, &mut decided);
        let failed = match &outcome {
            Outcome::Quarantined(error) => about.map(|about| failed_record(about, at, error.reason, known)),
            _ => None,
        };
        if let Some(mended) = mended {
            let fails = matches!(outcome, Outcome::Quarantined(_));
            if fails { &mut decided.progress.resent } else { &mut decided.progress.mended }.push((mended, origin));
        }
        if let Some((record_id, _)) = message.filter(|_| facts.records_awaited && failed.is_none()) {
            decided.progress.stated.push(Stated { record_id, version: position(origin), by: origin });
        }
        decided.note(place, at, outcome, of, failed);
    }
    decided.sightings = told.into_iter().collect();
    decided
}

/// What a row is about: the message that it is, or the first of its records.
fn about(row: &MappedRow) -> Option<(RecordId, StatedVersion)> {
    row.about.or_else(|| {
        let draft = row.result.as_ref().ok()?.iter().find(|draft| draft.draft.role == DraftRole::Record)?;
        Some((draft.record_id, draft.draft.version.map_or(StatedVersion::Arrival, StatedVersion::At)))
    })
}

/// From which version on a statement about the record of a failed row mends it.
fn failed_record(
    (record_id, version): (RecordId, StatedVersion),
    at: Origin,
    reason: Reason,
    known: &Known,
) -> FailedRecord {
    let settled_from = match version {
        StatedVersion::Arrival => position(at),
        // The version is known with another content.
        StatedVersion::At(version) => version.saturating_add(i64::from(reason == Reason::VersionConflict)),
        StatedVersion::Unreadable => known.newest(record_id).map_or(i64::MIN, |newest| newest.saturating_add(1)),
    };
    FailedRecord { record_id, settled_from }
}

/// Drafts of one record in a row.
struct Group {
    record_id: RecordId,
    /// The version that is stated, or the place in the order of arrival.
    version: i64,
    /// The source states none.
    by_arrival: bool,
    verdict: Verdict,
}

fn decide_row(
    facts: &BatchFacts<'_>,
    row: MappedRow,
    places: (Origin, Origin),
    known: &mut Known,
    recent: &Recent,
    told: &mut FxHashSet<(RecordId, i64)>,
    decided: &mut Decided,
) -> (Outcome, Option<Origin>) {
    let drafts = match row.result {
        Ok(drafts) => drafts,
        Err(error) => return (Outcome::Quarantined(error), None),
    };
    let groups = judge_groups(facts.key, &drafts, places, known);
    if groups.iter().any(|group| group.verdict == Verdict::Conflict) {
        let message = "this version of the record was sent before with another content";
        return (Outcome::Quarantined(RowError::row(Reason::VersionConflict, message)), None);
    }
    let (outcome, of) = outcome_of(&groups);
    if outcome == Outcome::Duplicate {
        note_groups(facts, groups, places.0, known, decided);
        return (outcome, of);
    }
    let mut records = Vec::with_capacity(drafts.len());
    let mut bytes = 0;
    let mut sightings = FxHashSet::default();
    for draft in drafts {
        let edition = match draft.draft.role {
            DraftRole::Sighting => {
                let sighting = (draft.record_id, draft.draft.version.unwrap_or(0));
                // A row may name one person several times.
                if recent.contains(&sighting) || told.contains(&sighting) || !sightings.insert(sighting) {
                    continue;
                }
                Edition { version: sighting.1, reading: 0 }
            }
            DraftRole::Record => match groups.iter().find(|group| group.record_id == draft.record_id) {
                Some(Group { verdict: Verdict::New(seen) | Verdict::Superseded(seen, _), .. }) => {
                    Edition { version: seen.version, reading: seen.reading }
                }
                _ => continue,
            },
        };
        match facts.codec.encode(&event(facts, draft, edition, row.place)) {
            Ok(encoded) => {
                bytes += encoded.payload.len();
                records.push(event_log::Record {
                    topic: encoded.topic.to_owned(),
                    key: encoded.key,
                    payload: encoded.payload,
                    headers: encoded.headers,
                });
            }
            Err(error) => return (Outcome::Quarantined(too_long(&format!("cannot become an event: {error}"))), None),
        }
        if bytes > EVENTS_OF_ROW_BYTES_MAX {
            let message = format!("would become more than {EVENTS_OF_ROW_BYTES_MAX} bytes of events");
            return (Outcome::Quarantined(too_long(&message)), None);
        }
    }
    told.extend(sightings);
    decided.records.append(&mut records);
    note_groups(facts, groups, places.0, known, decided);
    (outcome, of)
}

/// What becomes of a row whose records are judged, and because of which other row.
fn outcome_of(groups: &[Group]) -> (Outcome, Option<Origin>) {
    if groups.is_empty() || groups.iter().any(|group| matches!(group.verdict, Verdict::New(_))) {
        return (Outcome::Accepted, None);
    }
    let overtaken = groups.iter().find_map(|group| match group.verdict {
        Verdict::Superseded(_, by) | Verdict::Passed(by) => Some(by),
        _ => None,
    });
    if overtaken.is_some() {
        return (Outcome::Superseded, overtaken);
    }
    let repeated = groups.iter().find_map(|group| match group.verdict {
        Verdict::Duplicate(of, _) => Some(of),
        _ => None,
    });
    (Outcome::Duplicate, repeated)
}

/// Adds the versions of a row to what is known.
fn note_groups(facts: &BatchFacts<'_>, groups: Vec<Group>, by: Origin, known: &mut Known, decided: &mut Decided) {
    for group in groups {
        if facts.records_awaited && !matches!(group.verdict, Verdict::Passed(_)) {
            decided.progress.stated.push(Stated { record_id: group.record_id, version: group.version, by });
        }
        match group.verdict {
            Verdict::New(seen) | Verdict::Superseded(seen, _) => {
                if group.by_arrival && matches!(group.verdict, Verdict::New(_)) {
                    let before = known.overtaken(&seen).filter(|before| before.sole);
                    let restated = before.map(|before| before.origin).filter(|before| before.arrival == facts.arrival);
                    decided.progress.restated.extend(restated.map(|before| (before.row, by)));
                }
                known.add([seen]);
                let list =
                    if seen.reading == 0 { &mut decided.progress.seen } else { &mut decided.progress.seen_again };
                list.push(seen);
            }
            Verdict::Duplicate(_, Some(again)) => {
                known.add([again]);
                decided.progress.seen_again.push(again);
            }
            Verdict::Duplicate(_, None) | Verdict::Passed(_) | Verdict::Conflict => {}
        }
    }
}

fn too_long(what: &str) -> RowError {
    RowError::row(Reason::RowTooLong, format!("the row {what}"))
}

fn judge_groups(key: &TokenKey, drafts: &[MappedDraft], (origin, at): (Origin, Origin), known: &Known) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(2);
    let records = || drafts.iter().filter(|draft| draft.draft.role == DraftRole::Record);
    let sole = records().all(|draft| records().next().is_some_and(|first| first.record_id == draft.record_id));
    for draft in records() {
        if groups.iter().any(|group| group.record_id == draft.record_id) {
            continue;
        }
        let same = |other: &&MappedDraft| other.draft.role == DraftRole::Record && other.record_id == draft.record_id;
        let parts: Vec<Uuid> = drafts.iter().filter(same).map(|draft| draft.content).collect();
        let content = joined(key, &parts);
        // What is taken back may not have come yet: the retraction waits for it in the log and in the views.
        let stated = draft.draft.version.map(|version| (version, draft.draft.version_room));
        let verdict = known.judge(&Statement { record_id: draft.record_id, stated, content, origin, at, sole });
        let version = draft.draft.version.unwrap_or_else(|| position(at));
        groups.push(Group { record_id: draft.record_id, version, by_arrival: stated.is_none(), verdict });
    }
    groups
}

fn event(facts: &BatchFacts<'_>, mapped: MappedDraft, edition: Edition, place: Place) -> Event {
    let draft = mapped.draft;
    let mut meta = Meta {
        event_id: domain::EventId::from_uuid(Uuid::nil()),
        source: facts.profile.source.clone(),
        source_kind: facts.profile.source_kind,
        source_record_id: draft.source_record_id,
        record_id: mapped.record_id,
        source_record_version: edition.version,
        reading: edition.reading,
        op: draft.op,
        event_time: draft.event_time,
        event_time_precision: draft.precision,
        source_utc_offset_min: draft.utc_offset_min,
        offset_assumed: draft.offset_assumed,
        source_created_time: draft.created_time,
        ingest_time: facts.received_at,
        schema_version: 1,
        batch_id: facts.batch_id,
        batch_row: place.row,
        raw_ref: Some(raw_ref(&facts.sha256_hex, place)),
        // The batch is the trace: what came of one push can be followed through the log.
        trace_id: facts.trace_id.clone(),
        quality_flags: draft.quality_flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    meta.event_id = Event::derive_id(&meta, draft.body.event_type());
    Event { meta, body: draft.body }
}

fn raw_ref(sha256_hex: &str, place: Place) -> String {
    let mut text = String::with_capacity(sha256_hex.len() + 12);
    text.push_str(sha256_hex);
    // Writing to memory does not fail.
    let _ = write!(text, "@{}", place.offset);
    text
}

impl Decided {
    fn note(&mut self, place: Place, at: Origin, outcome: Outcome, of: Option<Origin>, about: Option<FailedRecord>) {
        let counts: &mut Counts = &mut self.progress.counts;
        match &outcome {
            Outcome::Accepted => counts.accepted += 1,
            Outcome::Duplicate => counts.duplicate += 1,
            Outcome::Superseded => counts.superseded += 1,
            Outcome::Quarantined(error) => {
                counts.quarantined += 1;
                self.progress.quarantined.push(QuarantinedRow {
                    row: place.row,
                    line: place.line,
                    byte_offset: place.offset,
                    byte_length: place.length,
                    field: error.field.clone(),
                    code: error.reason.code().to_owned(),
                    message: error.message.clone(),
                    at_arrival: at.arrival,
                    at_row: at.row,
                    about,
                });
            }
        }
        counts.events = self.records.len() as i64;
        self.progress.next_row = place.row + 1;
        match self.progress.runs.last_mut() {
            Some(run) if run.goes_on(place.row, outcome.code(), of) => run.row_to = place.row,
            _ => {
                let (row_from, row_to) = (place.row, place.row);
                self.progress.runs.push(Run { row_from, row_to, outcome: outcome.code(), of });
            }
        }
        self.outcomes.push_back(outcome);
    }
}

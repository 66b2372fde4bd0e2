//! What becomes of a row: compared with what is known of its records, it is new, repeated, overtaken or in conflict.
//!
//! Pure. The verdicts of one chunk see each other, in the order of rows.

use std::collections::{BTreeSet, VecDeque};

use codec::Codec;
use domain::{BatchId, Event, Meta, RecordId, Timestamp, TokenKey};
use rustc_hash::{FxHashMap, FxHashSet};
use store::ingest::{Counts, Progress, QuarantinedRow, Run, Seen};
use uuid::Uuid;

use crate::chunk::{Chunk, MappedDraft, MappedRow, Place};
use crate::content::joined;
use crate::feed::{DraftRole, RowError};
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

/// Versions of records that were published.
#[derive(Default)]
pub(crate) struct Known(FxHashMap<RecordId, Vec<(i64, Uuid)>>);

impl Known {
    pub(crate) fn add(&mut self, seen: impl IntoIterator<Item = Seen>) {
        for seen in seen {
            self.0.entry(seen.record_id).or_default().push((seen.version, seen.content));
        }
    }

    pub(crate) fn records(&self) -> usize {
        self.0.len()
    }

    /// A draft's verdict. A version that another content has is a conflict when there is no room above it; otherwise the
    /// draft takes the one after the last, unless its content is among those that did so before.
    fn judge(&self, record_id: RecordId, stated: Option<i64>, room: i64, content: Uuid) -> Verdict {
        let Some(versions) = self.0.get(&record_id) else { return Verdict::New(stated.unwrap_or(0)) };
        let Some(newest) = versions.iter().max_by_key(|(version, _)| *version) else {
            return Verdict::New(stated.unwrap_or(0));
        };
        let Some(stated) = stated else {
            return if newest.1 == content { Verdict::Duplicate } else { Verdict::New(newest.0 + 1) };
        };
        let free = if versions.iter().any(|(version, _)| *version == stated) {
            let range = stated..=stated.saturating_add(room);
            if versions.iter().any(|(version, before)| range.contains(version) && *before == content) {
                return Verdict::Duplicate;
            }
            let taken: BTreeSet<i64> = versions.iter().map(|known| known.0).filter(|v| range.contains(v)).collect();
            let above = taken.last().map_or(stated, |last| last + 1);
            let below = || range.clone().rev().find(|version| !taken.contains(version));
            if range.contains(&above) { Some(above) } else { below() }
        } else {
            Some(stated)
        };
        match free {
            None => Verdict::Conflict,
            Some(free) if free < newest.0 => Verdict::Superseded(free),
            Some(free) => Verdict::New(free),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    New(i64),
    Superseded(i64),
    Duplicate,
    Conflict,
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
    pub(crate) received_at: Timestamp,
    pub(crate) sha256_hex: &'a str,
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
    records.sort_unstable();
    records.dedup();
    records
}

/// Gives every row of a chunk its outcome, and adds the versions it publishes to `known`.
pub(crate) fn decide(facts: &BatchFacts<'_>, chunk: Chunk, known: &mut Known, recent: &Recent) -> Decided {
    let mut decided = Decided::default();
    let mut told = FxHashSet::default();
    for row in chunk.rows {
        let place = row.place;
        let outcome = decide_row(facts, row, known, recent, &mut told, &mut decided);
        decided.note(place, outcome);
    }
    decided.sightings = told.into_iter().collect();
    decided
}

/// Drafts of one record in a row.
struct Group {
    record_id: RecordId,
    verdict: Verdict,
    content: Uuid,
}

fn decide_row(
    facts: &BatchFacts<'_>,
    row: MappedRow,
    known: &mut Known,
    recent: &Recent,
    told: &mut FxHashSet<(RecordId, i64)>,
    decided: &mut Decided,
) -> Outcome {
    let drafts = match row.result {
        Ok(drafts) => drafts,
        Err(error) => return Outcome::Quarantined(error),
    };
    let groups = judge_groups(facts.key, &drafts, known);
    if groups.iter().any(|group| group.verdict == Verdict::Conflict) {
        let message = "this version of the record was sent before with another content";
        return Outcome::Quarantined(RowError::row(Reason::VersionConflict, message));
    }
    let any = |wanted: fn(&Verdict) -> bool| groups.iter().any(|group| wanted(&group.verdict));
    let outcome = if any(|verdict| matches!(verdict, Verdict::New(_))) || groups.is_empty() {
        Outcome::Accepted
    } else if any(|verdict| matches!(verdict, Verdict::Superseded(_))) {
        Outcome::Superseded
    } else {
        return Outcome::Duplicate;
    };
    let mut records = Vec::with_capacity(drafts.len());
    let mut bytes = 0;
    let mut sightings = Vec::new();
    for draft in drafts {
        let version = match draft.draft.role {
            DraftRole::Sighting => {
                let sighting = (draft.record_id, draft.draft.version.unwrap_or(0));
                if recent.contains(&sighting) || told.contains(&sighting) {
                    continue;
                }
                sightings.push(sighting);
                sighting.1
            }
            DraftRole::Record => match groups.iter().find(|group| group.record_id == draft.record_id) {
                Some(Group { verdict: Verdict::New(version) | Verdict::Superseded(version), .. }) => *version,
                _ => continue,
            },
        };
        match facts.codec.encode(&event(facts, draft, version, row.place)) {
            Ok(encoded) => {
                bytes += encoded.payload.len();
                records.push(event_log::Record {
                    topic: encoded.topic.to_owned(),
                    key: encoded.key,
                    payload: encoded.payload,
                    headers: encoded.headers,
                });
            }
            Err(error) => return Outcome::Quarantined(too_long(&format!("cannot become an event: {error}"))),
        }
        if bytes > EVENTS_OF_ROW_BYTES_MAX {
            let message = format!("would become more than {EVENTS_OF_ROW_BYTES_MAX} bytes of events");
            return Outcome::Quarantined(too_long(&message));
        }
    }
    told.extend(sightings);
    decided.records.append(&mut records);
    for group in groups {
        if let Verdict::New(version) | Verdict::Superseded(version) = group.verdict {
            let seen = Seen { record_id: group.record_id, version, content: group.content };
            known.add([seen]);
            decided.progress.seen.push(seen);
        }
    }
    outcome
}

fn too_long(what: &str) -> RowError {
    RowError::row(Reason::RowTooLong, format!("the row {what}"))
}

fn judge_groups(key: &TokenKey, drafts: &[MappedDraft], known: &Known) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::with_capacity(2);
    for draft in drafts.iter().filter(|draft| draft.draft.role == DraftRole::Record) {
        if groups.iter().any(|group| group.record_id == draft.record_id) {
            continue;
        }
        let same = |other: &&MappedDraft| other.draft.role == DraftRole::Record && other.record_id == draft.record_id;
        let parts: Vec<Uuid> = drafts.iter().filter(same).map(|draft| draft.content).collect();
        let content = joined(key, &parts);
        // What is taken back may not have come yet: the retraction waits for it in the log and in the views.
        let verdict = known.judge(draft.record_id, draft.draft.version, draft.draft.version_room, content);
        groups.push(Group { record_id: draft.record_id, verdict, content });
    }
    groups
}

fn event(facts: &BatchFacts<'_>, mapped: MappedDraft, version: i64, place: Place) -> Event {
    let draft = mapped.draft;
    let mut meta = Meta {
        event_id: domain::EventId::from_uuid(Uuid::nil()),
        source: facts.profile.source.clone(),
        source_kind: facts.profile.source_kind,
        source_record_id: draft.source_record_id,
        record_id: mapped.record_id,
        source_record_version: version,
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
        raw_ref: Some(format!("{}@{}", facts.sha256_hex, place.offset)),
        // The batch is the trace: what came of one push can be followed through the log.
        trace_id: facts.batch_id.as_uuid().simple().to_string(),
        quality_flags: draft.quality_flags.iter().map(|flag| (*flag).to_owned()).collect(),
    };
    meta.event_id = Event::derive_id(&meta, draft.body.event_type());
    Event { meta, body: draft.body }
}

impl Decided {
    fn note(&mut self, place: Place, outcome: Outcome) {
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
                });
            }
        }
        counts.events = self.records.len() as i64;
        self.progress.next_row = place.row + 1;
        match self.progress.runs.last_mut() {
            Some(run) if run.outcome == outcome.code() && run.row_to + 1 == place.row => run.row_to = place.row,
            _ => {
                self.progress.runs.push(Run { row_from: place.row, row_to: place.row, outcome: outcome.code() });
            }
        }
        self.outcomes.push_back(outcome);
    }
}

impl Known {
    pub(crate) fn has(&self, record: Uuid) -> bool {
        self.0.contains_key(&RecordId::from_uuid(record))
    }
}

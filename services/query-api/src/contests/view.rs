//! A contest as the resident sees it, and as who decides does.

use std::collections::BTreeMap;

use access::FieldGroups;
use domain::{PersonId, RecordId, Sensitive};
use serde::Serialize;
use store::Conn;
use store::contests::ContestRow;
use store::views::{self, SourceRecordRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::Failure;
use crate::verdicts::Told;
use crate::view;

/// A contest of a value or a record.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContestView {
    /// Id of the contest.
    pub contest_id: Uuid,
    /// Whose file it is about; for who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// When it was made.
    pub made: String,
    /// What the resident says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The record that states the value, or that is said to be of somebody else.
    pub record_id: Uuid,
    /// The value; absent when it is contested that the record is the resident's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The statement that was contested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    /// Source system, which is who can mend a value; only with the group of its kind (`health` for hospitals), and for the
    /// resident while the record is in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The batch that brought what the record states now, by which the source finds its row; only with `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Uuid>,
    /// Its row, from 1; only with `source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_row: Option<i64>,
    /// The source has stated the record anew since; the resident is not told of a record that has left the file.
    pub stated_anew: bool,
    /// The record is in the resident's file now.
    pub in_file: bool,
    /// The records beside it in the file, for a decision on a pair; for who decides, when the record is contested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Uuid>,
    /// `open`, `upheld` or `rejected`.
    pub state: &'static str,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// Why: `SOURCE_INFORMED`, `RECORD_MOVED`, `VALUE_CONFIRMED`, `RECORD_CONFIRMED` or `OTHER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the resident should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Handle of who decided; for who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What the records of contests are now.
pub(super) struct Now {
    records: BTreeMap<RecordId, SourceRecordRow>,
    owners: BTreeMap<RecordId, Option<PersonId>>,
    beside: BTreeMap<RecordId, Vec<RecordId>>,
}

impl Now {
    pub(super) async fn of(conn: &mut Conn, rows: &[ContestRow]) -> Result<Self, Failure> {
        let contested: Vec<RecordId> = rows.iter().map(|row| row.contested).collect();
        let all: Vec<RecordId> = rows.iter().flat_map(|row| [row.record, row.contested]).collect();
        let links: Vec<RecordId> = rows.iter().filter(|row| row.field.is_none()).map(|row| row.contested).collect();
        let records = views::list_records(conn, &contested).await?;
        Ok(Self {
            records: records.into_iter().map(|row| (row.record_id, row)).collect(),
            owners: views::list_persons_of_records(conn, &all).await?,
            beside: views::list_records_beside(conn, &links).await?,
        })
    }

    pub(super) fn owner(&self, record: RecordId) -> Option<PersonId> {
        self.owners.get(&record).copied().flatten()
    }

    /// As the resident sees it: once the record has left the file, what is stated of it is not about the resident.
    pub(super) fn view(&self, row: ContestRow, granted: &FieldGroups) -> ContestView {
        let seen = self.whole(row, granted);
        if seen.in_file {
            return seen;
        }
        ContestView { source: None, batch_id: None, batch_row: None, stated_anew: false, ..seen }
    }

    fn whole(&self, row: ContestRow, granted: &FieldGroups) -> ContestView {
        let Told { state, decided, reason, note } = Told::of(row.decision);
        let record = self.records.get(&row.contested);
        let known = record.filter(|record| view::may_know_source(record.source_kind, granted));
        let states = record.and_then(|record| record.stated.as_ref()).map(|stated| stated.event_id);
        let owner = self.owner(row.record);
        ContestView {
            contest_id: row.contest_id,
            person_id: None,
            made: row.made.to_string(),
            words: row.words.map(Sensitive::into_exposed),
            record_id: row.contested.as_uuid(),
            field: row.field,
            event_id: row.event.map(domain::EventId::as_uuid),
            source: known.map(|record| record.source.clone()),
            batch_id: known.map(|record| record.batch_id.as_uuid()),
            batch_row: known.map(|record| record.batch_row),
            stated_anew: row.event.is_some() && states != row.event,
            in_file: owner.is_some() && self.owner(row.contested) == owner,
            beside: Vec::new(),
            state,
            decided,
            reason,
            note,
            by: None,
        }
    }

    pub(super) fn for_who_decides(&self, row: ContestRow, granted: &FieldGroups) -> ContestView {
        let by = row.decision.as_ref().map(|decision| decision.handle.clone());
        let person_id = self.owner(row.record).map(PersonId::as_uuid);
        let contested = row.contested;
        let seen = self.whole(row, granted);
        let beside = self.beside.get(&contested).filter(|_| seen.in_file).into_iter().flatten();
        let beside = beside.filter(|record| **record != contested).map(|record| record.as_uuid()).collect();
        ContestView { person_id, by, beside, ..seen }
    }
}

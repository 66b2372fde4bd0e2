//! From canonical fields to drafts: one plain function per event type.

mod case;
mod encounter;
mod gate;
mod household;
mod meter;
mod payment;
mod place;
mod presence;
mod subscriber;
mod test_result;
mod trip;

use domain::{Body, ClaimRef, EventType, Op, PlaceKind, PlaceRef};

use crate::columns::Field;
use crate::feed::{Draft, DraftRole, RowContext, RowError};
use crate::fields::{Fields, Moment};
use crate::profile::Profile;
use crate::profile_feed::{source_record_id, version};
use crate::who::Who;

/// Whether columns map to this type.
pub(crate) fn is_mapped(emit: EventType) -> bool {
    !needed(emit).is_empty()
}

/// The fields without which a row of this type means nothing.
pub(crate) fn needed(emit: EventType) -> &'static [Field] {
    match emit {
        EventType::IdentityObserved => &[Field::ValidFrom],
        EventType::PresenceInterval => &[Field::StartTime, Field::PlaceId],
        EventType::TripSegment => &[Field::TrainNumber, Field::DepartTime, Field::Origin, Field::Destination],
        EventType::PaymentMade => &[Field::PaidTime, Field::Amount],
        EventType::TestResult => &[Field::ReportedTime, Field::Result, Field::TestCode],
        EventType::GatePass => &[Field::GateId, Field::ScanTime],
        EventType::HouseholdMembership => &[Field::Household, Field::UpdatedTime],
        EventType::MeterReading => &[Field::MeterId, Field::Value, Field::ReadTime, Field::Unit, Field::Register],
        EventType::CaseStatus => &[Field::CaseId, Field::Status, Field::UpdatedTime],
        EventType::PlaceRegistered => &[Field::PlaceId],
        EventType::EncounterChanged => &[Field::Encounter, Field::StartTime],
        EventType::IdentityRetracted
        | EventType::LinkDecided
        | EventType::ModelActivated
        | EventType::FollowUpChanged => &[],
    }
}

/// Checks that a profile has what its event type needs.
pub(crate) fn check(profile: &Profile) -> Result<(), (String, String)> {
    for field in needed(profile.emit) {
        let Profile { columns, constants, derive, .. } = profile;
        if !columns.contains_key(field) && !constants.contains_key(field) && !derive.contains_key(field) {
            let message = format!("{} needs the field {}", profile.emit.name(), field.code());
            return Err(("columns".to_owned(), message));
        }
    }
    Ok(())
}

/// Maps the fields of a row to drafts.
pub(crate) fn drafts(fields: &Fields<'_>, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
    let row = Row { fields, context, id: source_record_id(fields)?, version: version(fields)? };
    match fields.profile().emit {
        EventType::IdentityObserved => subscriber::map(&row),
        EventType::PresenceInterval => presence::map(&row),
        EventType::TripSegment => trip::map(&row),
        EventType::PaymentMade => payment::map(&row),
        EventType::TestResult => test_result::map(&row),
        EventType::GatePass => gate::map(&row),
        EventType::HouseholdMembership => household::map(&row),
        EventType::CaseStatus => case::map(&row),
        EventType::MeterReading => meter::map(&row),
        EventType::PlaceRegistered => place::map(&row),
        EventType::EncounterChanged => encounter::map(&row),
        EventType::IdentityRetracted
        | EventType::LinkDecided
        | EventType::ModelActivated
        | EventType::FollowUpChanged => Ok(Vec::new()),
    }
}

/// One row with the names of its record.
struct Row<'a> {
    fields: &'a Fields<'a>,
    context: &'a RowContext<'a>,
    id: String,
    version: Option<i64>,
}

impl Row<'_> {
    /// A draft of the row's own record.
    fn draft(&self, time: &Moment, flags: Vec<&'static str>, body: impl Into<Body>) -> Draft {
        Draft {
            role: DraftRole::Record,
            source_record_id: self.id.clone().into(),
            version: self.version,
            version_room: 0,
            op: Op::Upsert,
            event_time: time.at,
            precision: time.precision,
            utc_offset_min: Some(time.offset_min),
            offset_assumed: time.assumed,
            created_time: None,
            quality_flags: flags,
            body: body.into(),
        }
    }

    /// The drafts of a fact about whoever the row names: the fact, and before it the statement of identity, if there is
    /// one to make.
    fn fact<B: Into<Body>>(
        &self,
        time: &Moment,
        body: impl FnOnce(Vec<ClaimRef>) -> B,
    ) -> Result<Vec<Draft>, RowError> {
        let profile = self.fields.profile();
        let who = Who::read(self.fields)?;
        if profile.identity.register {
            let claims = who.register_subjects(profile, self.context.key, &self.id);
            let statement = self.draft(time, who.flags, who.statement);
            let fact = self.draft(time, Vec::new(), body(claims));
            return Ok(vec![statement, fact]);
        }
        let flags = who.flags.clone();
        let subjects = who.subjects(profile, self.context.key, time.at)?;
        let fact = self.draft(time, flags, body(subjects.claims));
        Ok(subjects.sighting.into_iter().chain([fact]).collect())
    }

    /// A place that the source names by an id of its own.
    fn place(&self, kind: PlaceKind, id: Option<&str>) -> PlaceRef {
        PlaceRef { place_id: id.map(|id| self.place_id(id)), kind, ..PlaceRef::default() }
    }

    /// The hub's id of a place. Feeds that speak of the same places share the option `place_source`.
    fn place_id(&self, id: &str) -> String {
        let profile = self.fields.profile();
        format!("{}/{id}", profile.options.get("place_source").unwrap_or(&profile.source))
    }
}

//! Admissions, discharges and transfers: the patient's record, and the stay.

use connector::{Draft, DraftRole, Reason, RowContext, RowError};
use domain::{
    Body, ClaimRef, ClaimToken, EncounterAction, EncounterChanged, IdScheme, IdentityRetracted, Op, PlaceKind,
    PlaceRef, RetractReason, Sensitive,
};

use super::message::{Message, Seg, word};
use super::person::{Patient, PatientNumber, facility, merged_away, patient};
use super::{Envelope, draft};

/// Diagnoses that one message may carry.
const DIAGNOSES_MAX: usize = 100;

/// What a trigger event does to a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Stay(EncounterAction, Op),
    PatientOnly,
    /// The number of MRG-1 is that of PID-3 from now on: two records are one, or one has another number.
    Merge,
    /// Visits of the patient of MRG-1 are those of the patient of PID-3.
    MoveVisits,
}

/// The trigger events that this feed takes (HL7 table 0003).
const TRIGGERS: &str = "A01 to A08, A11, A13, A28, A31, A40, A41, A45, A47";

fn effect(trigger: &str) -> Result<Effect, RowError> {
    use EncounterAction::{Admit, Cancel, Discharge, Register, Transfer, Update};
    Ok(match trigger {
        // A06 makes an outpatient an inpatient, A07 the reverse.
        "A01" | "A06" => Effect::Stay(Admit, Op::Upsert),
        "A02" => Effect::Stay(Transfer, Op::Upsert),
        "A03" => Effect::Stay(Discharge, Op::Upsert),
        "A04" | "A05" | "A07" => Effect::Stay(Register, Op::Upsert),
        "A08" | "A13" => Effect::Stay(Update, Op::Upsert),
        "A11" => Effect::Stay(Cancel, Op::Retract),
        // A41 merges accounts, which the hub does not keep; the patient stays who they are.
        "A28" | "A31" | "A41" => Effect::PatientOnly,
        "A40" | "A47" => Effect::Merge,
        "A45" => Effect::MoveVisits,
        _ => {
            let message = format!("this feed takes the ADT events {TRIGGERS}; MSH-9 names another");
            return Err(RowError::field("MSH-9", Reason::MessageType, message));
        }
    })
}

/// Maps an ADT message.
///
/// # Errors
/// When the message goes to quarantine.
pub(crate) fn map(
    message: &Message<'_>,
    envelope: &Envelope<'_>,
    source: &str,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let effect = effect(&envelope.trigger)?;
    if effect == Effect::Merge {
        return merges(message, envelope, source, context);
    }
    let pid = message.required("PID")?;
    if message.segments().filter(|segment| segment.name() == "PID").nth(1).is_some() {
        let message = "a message of this event is about one patient; it has several PID segments";
        return Err(RowError::field("PID", Reason::MessageSegment, message));
    }
    let patient = patient(message, &pid)?;
    let mut drafts = vec![stated(&patient, envelope)];
    match effect {
        Effect::PatientOnly | Effect::Merge => {}
        Effect::MoveVisits => drafts.extend(moved_visits(message, &patient, envelope, source, context)?),
        // A change of the patient's data needs no stay; what begins, moves or ends one does.
        Effect::Stay(EncounterAction::Update, _) if message.segment("PV1").is_none() => {}
        Effect::Stay(action, op) => {
            let visit = message.required("PV1")?;
            drafts.push(stay(message, &visit, action, op, &patient, envelope, source, context)?);
        }
    }
    Ok(drafts)
}

/// What a message states of its patient.
fn stated(patient: &Patient, envelope: &Envelope<'_>) -> Draft {
    let body = Body::from(patient.statement.clone());
    draft(DraftRole::Record, patient.number.record_id(), envelope, Op::Upsert, &patient.flags, body)
}

/// Each PID names a patient, and the MRG after it a number that is theirs from now on. A message may do several merges.
fn merges(
    message: &Message<'_>,
    envelope: &Envelope<'_>,
    source: &str,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let refused = |field: &str, text: &str| RowError::field(field, Reason::MessageSegment, text);
    message.required("PID")?;
    message.required("MRG")?;
    let mut drafts: Vec<Draft> = Vec::new();
    let mut survivor: Option<Patient> = None;
    let mut is_merged = true;
    for segment in message.segments() {
        match segment.name() {
            "PID" if !is_merged => break,
            "PID" => {
                let patient = patient(message, &segment)?;
                put(&mut drafts, stated(&patient, envelope))?;
                (survivor, is_merged) = (Some(patient), false);
            }
            "MRG" => {
                let before = || refused("PID", "an MRG segment has no PID segment of its own before it");
                let patient = survivor.as_ref().ok_or_else(before)?;
                let away = merged_away(message, &segment)?;
                if away == patient.number {
                    let message = "MRG-1 names the same number as PID-3: nothing would be merged";
                    return Err(RowError::field("MRG-1", Reason::ValueUnknown, message));
                }
                let survivor = context.key.record_id(source, &patient.number.record_id());
                let body = IdentityRetracted { reason: RetractReason::Merged, survivor: Some(survivor) };
                let gone = draft(DraftRole::Record, away.record_id(), envelope, Op::Retract, &[], Body::from(body));
                put(&mut drafts, gone)?;
                keep_number(&mut drafts, patient, &away);
                is_merged = true;
            }
            _ => {}
        }
    }
    match is_merged {
        true => Ok(drafts),
        false => Err(refused("MRG", "a PID segment has no MRG segment of its own after it")),
    }
}

/// The number stays one of the patient's: wristbands, laboratories and people go on using it.
fn keep_number(drafts: &mut [Draft], patient: &Patient, away: &PatientNumber) {
    let key = patient.number.record_id();
    let Some(draft) = drafts.iter_mut().find(|draft| *draft.source_record_id.expose() == key) else { return };
    if let Body::IdentityObserved(statement) = &mut draft.body {
        let claim = away.claim();
        if !statement.person.claims.contains(&claim) {
            statement.person.claims.push(claim);
        }
    }
}

/// Adds what a group of segments says of a number. Said twice it counts once; a number that is stated and merged away
/// further down ends as merged away.
///
/// # Errors
/// `message-segment` when the groups contradict each other.
fn put(drafts: &mut Vec<Draft>, draft: Draft) -> Result<(), RowError> {
    match drafts.iter_mut().find(|known| known.source_record_id == draft.source_record_id) {
        None => drafts.push(draft),
        Some(known) if known.body == draft.body => {}
        Some(known) if known.op == Op::Upsert && draft.op == Op::Retract => *known = draft,
        Some(_) => {
            let message = "two groups of PID and MRG segments say different things of one number";
            return Err(RowError::field("MRG", Reason::MessageSegment, message));
        }
    }
    Ok(())
}

/// Each MRG names a patient and a visit of theirs, and the PV1 after it the visit that it is now. A visit that keeps its
/// number is stated anew, with its new patient; one that gets another is taken back under the old.
fn moved_visits(
    message: &Message<'_>,
    patient: &Patient,
    envelope: &Envelope<'_>,
    source: &str,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let mut drafts = Vec::new();
    let mut merge: Option<Seg<'_>> = None;
    message.required("MRG")?;
    message.required("PV1")?;
    for segment in message.segments() {
        match segment.name() {
            "MRG" => merge = Some(segment),
            "PV1" => {
                let merge = merge.take().ok_or_else(|| {
                    RowError::field(
                        "MRG",
                        Reason::MessageSegment,
                        "a PV1 segment has no MRG segment of its own before it",
                    )
                })?;
                let away = merged_away(message, &merge)?;
                let before = Some(merge.word(5)?).filter(|number| !number.is_empty());
                let now = segment.word(19)?;
                let stays =
                    stay(message, &segment, EncounterAction::Update, Op::Upsert, patient, envelope, source, context)?;
                let old = away.visit_id(before.as_deref().unwrap_or(&now));
                if old != *stays.source_record_id.expose() {
                    let mut taken = stays.clone();
                    taken.source_record_id = old.into();
                    taken.op = Op::Retract;
                    drafts.push(taken);
                }
                drafts.push(stays);
            }
            _ => {}
        }
    }
    Ok(drafts)
}

#[expect(clippy::too_many_arguments, reason = "all of them are what one stay is made of")]
fn stay(
    message: &Message<'_>,
    visit: &Seg<'_>,
    action: EncounterAction,
    op: Op,
    patient: &Patient,
    envelope: &Envelope<'_>,
    source: &str,
    context: &RowContext<'_>,
) -> Result<Draft, RowError> {
    let start = envelope.clock.read("PV1-44", &visit.value(44))?.unwrap_or(envelope.happened);
    let end = envelope.clock.read("PV1-45", &visit.value(45))?.map(|time| time.at);
    let end = match envelope.trigger.as_str() {
        "A03" => end.or(Some(envelope.happened.at)),
        // The discharge is taken back, whatever PV1-45 still says.
        "A13" => None,
        _ => end,
    };
    if end.is_some_and(|end| end < start.at) {
        return Err(RowError::field(
            "PV1-45",
            Reason::TimeOrder,
            "the discharge (PV1-45) lies before the admission (PV1-44)",
        ));
    }
    let stated = visit.word(19)?;
    let is_named = !stated.is_empty();
    if !is_named && op == Op::Retract && visit.value(44).is_empty() {
        let message = "neither the visit number (PV1-19) nor the admission time (PV1-44) says which stay is cancelled";
        return Err(RowError::field("PV1-19", Reason::RequiredMissing, message));
    }
    let number = match is_named {
        true => stated,
        false => format!("{}@{}", patient.number.record_id(), start.at.as_millis()),
    };
    let key = patient.number.visit_id(&number);
    let location = visit.repeats(3).next();
    let part = |component| location.map(|location| location.component(component)).unwrap_or_default();
    let ward_bed: Vec<String> = [1, 2, 3].into_iter().map(part).filter(|text| !text.is_empty()).collect();
    let ward_bed = word("PV1-3", ward_bed.join(" "))?;
    let hospital = facility(message)?;
    let record = context.key.record_id(source, &patient.number.record_id());
    let body = EncounterChanged {
        subject: vec![ClaimRef { scheme: IdScheme::Record, token: ClaimToken::from(record) }],
        encounter_id: match is_named {
            true => Sensitive::from(number),
            // The number of the patient stays out of what is shown as that of a stay.
            false => Sensitive::from(context.key.record_id(source, &key).to_string()),
        },
        action,
        class: Some(visit.word(2)?).filter(|class| !class.is_empty()),
        place: PlaceRef {
            place_id: (!hospital.is_empty()).then(|| format!("{source}/{hospital}")),
            kind: PlaceKind::Hospital,
            ..PlaceRef::default()
        },
        ward_bed: Some(ward_bed).filter(|place| !place.is_empty()),
        start_time: start.at,
        end_time: end,
        diagnoses: diagnoses(message)?,
    };
    let flags: &[&str] = if is_named { &[] } else { &["visit-unnamed"] };
    Ok(draft(DraftRole::Record, key, envelope, op, flags, Body::from(body)))
}

fn diagnoses(message: &Message<'_>) -> Result<Vec<Sensitive<String>>, RowError> {
    let mut codes = Vec::new();
    for diagnosis in message.segments().filter(|segment| segment.name() == "DG1") {
        let code = diagnosis.word(3)?;
        if !code.is_empty() {
            codes.push(Sensitive::from(code));
        }
        if codes.len() > DIAGNOSES_MAX {
            let message = format!("the message carries more than {DIAGNOSES_MAX} diagnoses");
            return Err(RowError::field("DG1", Reason::RepetitionsTooMany, message));
        }
    }
    Ok(codes)
}

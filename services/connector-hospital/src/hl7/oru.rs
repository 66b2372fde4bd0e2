//! Laboratory results: one event for each observation of a message, and a sighting of the patient.

use std::collections::BTreeMap;

use connector::who::{self, Subjects};
use connector::{Draft, DraftRole, Profile, Reason, RowContext, RowError};
use domain::{Body, ClaimRef, Op, PlaceRef, ResultStatus, Sensitive, TestOutcome, TestResult, Timestamp};

use super::message::{Message, Seg, word};
use super::person::{facility, key_part, patient};
use super::{Envelope, draft};
use crate::verdict::{UNREAD, interpreted, is_qualitative, outcome};

/// Results that one message may carry.
const OBSERVATIONS_MAX: usize = 1_000;
/// Types of values (OBX-2) that are no verdict: numbers, times, pictures.
const MEASURED: [&str; 7] = ["NM", "SN", "DT", "TM", "TS", "RP", "ED"];
/// Characters of a result's text that are kept; the whole report is in the raw message.
const TEXT_CHARS_MAX: usize = 2_000;

/// The order that observations belong to.
struct Order {
    /// Who reports: where numbers are unique.
    lab: String,
    number: String,
    collected: Option<Timestamp>,
    reported: Timestamp,
    specimen: Option<String>,
    pooled: bool,
}

/// Maps an ORU message.
///
/// # Errors
/// When the message goes to quarantine.
pub(crate) fn map(
    message: &Message<'_>,
    envelope: &Envelope<'_>,
    profile: &Profile,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    if envelope.trigger != "R01" {
        return Err(RowError::field("MSH-9", Reason::MessageType, "of result messages this feed takes ORU^R01 only"));
    }
    message.required("PID")?;
    let mut drafts: Vec<Draft> = Vec::new();
    let segments: Vec<Seg<'_>> = message.segments().collect();
    let mut subject: Option<Vec<ClaimRef>> = None;
    let mut order: Option<Order> = None;
    let mut left_out = false;
    let mut results = 0;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment.name() {
            // A message may carry the results of several patients; each PID begins one.
            "PID" => {
                let Subjects { claims, sighting } = sighted(message, segment, envelope, profile, context)?;
                let known = |sighting: &Draft| drafts.iter().any(|d| d.source_record_id == sighting.source_record_id);
                let news = sighting.filter(|sighting| !known(sighting));
                drafts.extend(news);
                (subject, order, left_out) = (Some(claims), None, false);
            }
            "OBR" => order = Some(read_order(segment, &segments[at + 1..], message, envelope)?),
            "OBX" => {
                let mut behind = segments[at + 1..].iter().take_while(|segment| segment.name() != "PID");
                let measured = MEASURED.contains(&segment.value(2).as_str());
                if order.is_none() && measured && behind.any(|segment| segment.name() == "OBR") {
                    // Weight, pulse or a picture of the patient (PATIENT_OBSERVATION since version 2.7): of no order.
                    left_out = true;
                    continue;
                }
                let Some(order) = &order else {
                    let message = "an OBX segment stands before any OBR segment of its patient: its order is unknown";
                    return Err(RowError::field("OBX", Reason::MessageSegment, message));
                };
                let Some(subject) = &subject else {
                    let message = "an OBX segment stands before any PID segment: whose result it is is unknown";
                    return Err(RowError::field("PID", Reason::MessageSegment, message));
                };
                if let Some(mut result) = result(segment, order, subject, envelope)? {
                    results += 1;
                    if left_out {
                        result.quality_flags.push("observation-without-order");
                    }
                    // Observations that their sender numbers alike are told apart by their order.
                    let times = seen.entry(result.source_record_id.expose().clone()).or_insert(0);
                    *times += 1;
                    if *times > 1 {
                        result.source_record_id = format!("{}:{times}", result.source_record_id.expose()).into();
                    }
                    drafts.push(result);
                }
            }
            _ => {}
        }
        if drafts.len() > OBSERVATIONS_MAX {
            let message =
                format!("the message carries more than {OBSERVATIONS_MAX} observations; send them in several");
            return Err(RowError::row(Reason::MessageTooLong, message));
        }
    }
    if results == 0 {
        let message = "the message has no OBX segment with a result";
        return Err(RowError::field("OBX", Reason::MessageSegment, message));
    }
    Ok(drafts)
}

/// The patient of a PID segment, as a sighting.
fn sighted(
    message: &Message<'_>,
    pid: &Seg<'_>,
    envelope: &Envelope<'_>,
    profile: &Profile,
    context: &RowContext<'_>,
) -> Result<Subjects, RowError> {
    let mut patient = patient(message, pid)?;
    // A sighting is a record of its own, and its content is all that it ever states.
    patient.statement.partial = None;
    Ok(who::sighting(profile, context.key, patient.statement, patient.flags, envelope.happened.at))
}

fn read_order(
    order: &Seg<'_>,
    following: &[Seg<'_>],
    message: &Message<'_>,
    envelope: &Envelope<'_>,
) -> Result<Order, RowError> {
    let specimen = following.iter().take_while(|s| !matches!(s.name(), "OBR" | "PID")).find(|s| s.name() == "SPM");
    let specimen_collected = match specimen {
        Some(specimen) => envelope.clock.read("SPM-17", &specimen.value(17))?,
        None => None,
    };
    let collected = match specimen_collected {
        Some(time) => Some(time),
        None => envelope.clock.read("OBR-7", &order.value(7))?,
    };
    let reported = envelope.clock.read("OBR-22", &order.value(22))?.unwrap_or(envelope.stated);
    let number = [order.word(3)?, order.word(2)?].into_iter().find(|number| !number.is_empty());
    let number = number.ok_or_else(|| {
        let message =
            "OBR has neither a filler (OBR-3) nor a placer (OBR-2) order number: results could not be corrected later";
        RowError::field("OBR-3", Reason::RequiredMissing, message)
    })?;
    let specimen_id = specimen.and_then(|s| s.repeats(2).next()).map(|id| {
        let filler = id.subcomponent(2, 1);
        word("SPM-2", if filler.is_empty() { id.component(1) } else { filler })
    });
    let lab = facility(message)?;
    if lab.is_empty() {
        let message = "the message does not say whose order number OBR holds: MSH-4 and MSH-3 are empty";
        return Err(RowError::field("MSH-4", Reason::RequiredMissing, message));
    }
    Ok(Order {
        lab,
        number,
        collected: collected.map(|time| time.at),
        reported: reported.at,
        specimen: specimen_id.transpose()?.filter(|id| !id.is_empty()),
        // HL7 table 0369: L = pooled patient specimens, G = group.
        pooled: specimen.is_some_and(|s| matches!(s.value(11).as_str(), "L" | "G")),
    })
}

fn result(
    observation: &Seg<'_>,
    order: &Order,
    subject: &[ClaimRef],
    envelope: &Envelope<'_>,
) -> Result<Option<Draft>, RowError> {
    // An answer to a question at order entry (OBX-29) is no result.
    if matches!(observation.value(29).as_str(), "QST" | "SCI" | "CNM") {
        return Ok(None);
    }
    let code = observation.word(3)?;
    if code.is_empty() {
        let message = "an OBX segment does not say what was observed (OBX-3)";
        return Err(RowError::field("OBX-3", Reason::RequiredMissing, message));
    }
    let (status, op) = match observation.value(11).as_str() {
        "F" | "U" => (ResultStatus::Final, Op::Upsert),
        "P" | "R" | "S" | "I" | "B" => (ResultStatus::Preliminary, Op::Upsert),
        "C" => (ResultStatus::Corrected, Op::Upsert),
        "X" => (ResultStatus::Cancelled, Op::Upsert),
        "W" | "D" => (ResultStatus::Cancelled, Op::Retract),
        "N" | "O" => return Ok(None),
        _ => (ResultStatus::Unknown, Op::Upsert),
    };
    let structured = observation.value(2) == "SN";
    let values: Vec<String> = observation
        .repeats(5)
        .map(|value| match value.component(2) {
            // Comparator, number, separator, number: <100, 1:128, 38-40.
            _ if structured => (1..=4).map(|part| value.component(part)).collect(),
            text if text.is_empty() => value.component(1),
            text => text,
        })
        .collect();
    let mut text = values.join("; ");
    let mut flags = Vec::new();
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
        flags.push("text-shortened");
    }
    let mut stated = observation.repeats(5).map(|value| outcome(&value.component(1), &value.component(2)));
    let first = stated.next().unwrap_or_default();
    let mut outcome = match first {
        // Values that contradict each other are no verdict.
        _ if stated.any(|other| other != first) => TestOutcome::Unknown,
        TestOutcome::Unknown => interpreted(&observation.value(8)),
        verdict => {
            if matches!(
                (verdict, interpreted(&observation.value(8))),
                (TestOutcome::Positive, TestOutcome::Negative) | (TestOutcome::Negative, TestOutcome::Positive)
            ) {
                flags.push("interpretation-contradicts");
            }
            verdict
        }
    };
    if observation.value(11) == "X" {
        // No result can be obtained, whatever the value still says.
        outcome = TestOutcome::Unknown;
    } else if outcome == TestOutcome::Unknown && is_qualitative(&text) {
        flags.push(UNREAD);
    }
    if order.pooled {
        outcome = outcome.of_pool();
    }
    let collected = match order.collected {
        Some(time) => Some(time),
        None => envelope.clock.read("OBX-14", &observation.value(14))?.map(|time| time.at),
    };
    let system = observation.word_in(3, 3)?;
    let body = TestResult {
        subject: subject.to_vec(),
        specimen_id: order.specimen.clone(),
        pool_id: order.specimen.clone().filter(|_| order.pooled),
        code_system: if system.is_empty() { "L".to_owned() } else { system },
        code: code.clone(),
        result: outcome,
        value_text: Some(text).filter(|text| !text.is_empty()).map(Sensitive::from),
        ct_value: None,
        status,
        collected_time: collected,
        reported_time: order.reported,
        lab: Some(order.lab.clone()),
        collection_place: PlaceRef::default(),
    };
    let [lab, number, test] = [&order.lab, &order.number, &code].map(|part| key_part(part));
    let key = format!("result:{lab}:{number}:{test}:{}", observation.word(4)?);
    let mut draft = draft(DraftRole::Record, key, envelope, op, &flags, Body::from(body));
    draft.event_time = collected.unwrap_or(order.reported);
    Ok(Some(draft))
}

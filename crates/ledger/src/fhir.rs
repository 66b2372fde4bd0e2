//! Entries as FHIR R4 `AuditEvent`, in the pattern of IHE BALP, for those who collect such events.
//!
//! It is a view: what proves an entry is its receipt, whose id is the event's. Subjects stay the handles that they are.

use serde_json::{Value, json};

use crate::entry::{Code, Decision, Entry};

const PATIENT_READ: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

/// The entry at `index` of the log `origin` as an `AuditEvent`.
pub fn audit_event(origin: &str, index: u64, entry: &Entry) -> Value {
    let (outcome, told) = match &entry.decision {
        Decision::Allowed => ("0", None),
        Decision::Refused { reason } => ("4", Some(reason)),
    };
    let mut user = json!({
        "type": coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
        "who": identified("actor", entry.actor.as_str()),
        "role": [{ "text": entry.role.as_str() }],
        "requestor": true,
        "policy": [format!("urn:isthmus:policy:{}", entry.policy)],
    });
    if let Some(purpose) = &entry.purpose {
        user["purposeOfUse"] = json!([coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", purpose.as_str())]);
    }
    let machine = |role: &str, who: Value| json!({ "type": coding("http://dicom.nema.org/resources/ontology/DCM", role), "who": who, "requestor": false });
    let mut entities = vec![json!({
        "what": identified("request", &entry.request.to_string()),
        "type": { "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId" },
    })];
    entities.push(json!({
        "type": { "system": ENTITY_TYPE, "code": "2" },
        "role": { "system": ENTITY_ROLE, "code": "4" },
        "what": identified("answer", entry.action.as_str()),
        "detail": [
            { "type": "released", "valueString": listed(&entry.released) },
            { "type": "withheld", "valueString": listed(&entry.withheld) },
            { "type": "count", "valueString": entry.count.to_string() },
        ],
    }));
    entities.extend(entry.subjects.iter().map(|subject| {
        json!({
            "what": identified("subject", &subject.to_string()),
            "type": { "system": ENTITY_TYPE, "code": "1" },
            "role": { "system": ENTITY_ROLE, "code": "1" },
        })
    }));
    if let Some(case) = &entry.case {
        entities.push(json!({
            "what": identified("case", &case.to_string()),
            "type": { "system": ENTITY_TYPE, "code": "4" },
        }));
    }
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("entry-{index}"),
        "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
        "subtype": [{ "system": "http://hl7.org/fhir/restful-interaction", "code": "read" }],
        "action": "R",
        "recorded": entry.stamp.time.to_string(),
        "outcome": outcome,
        "agent": [
            machine("110153", identified("unit", entry.unit.as_str())),
            machine("110152", json!({ "display": origin })),
            user,
        ],
        "source": { "observer": { "display": origin } },
        "entity": entities,
    });
    if let Some(reason) = told {
        event["outcomeDesc"] = json!(reason.as_str());
    } else if entry.subjects.len() == 1 {
        // The pattern is one of successful reads of one patient; other entries are plain events.
        event["meta"] = json!({ "profile": [PATIENT_READ] });
    }
    event
}

fn coding(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn identified(kind: &str, value: &str) -> Value {
    json!({ "identifier": { "system": format!("urn:isthmus:{kind}"), "value": value } })
}

/// FHIR has no empty strings.
fn listed(codes: &[Code]) -> String {
    let codes: Vec<_> = codes.iter().map(Code::as_str).collect();
    if codes.is_empty() { "-".to_owned() } else { codes.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::entry;

    #[test]
    fn an_answer_about_one_person_has_the_form_of_a_patient_read_and_a_refusal_says_why() {
        let event = audit_event("ledger.test/fhir", 6, &entry(11));
        let mut one = entry(11);
        one.subjects.truncate(1);
        let read = audit_event("ledger.test/fhir", 11, &one);
        assert_eq!(read["meta"]["profile"][0], PATIENT_READ);
        assert_eq!((read["outcome"].as_str(), read["agent"][2]["requestor"].as_bool()), (Some("0"), Some(true)));
        assert_eq!(read["agent"][2]["purposeOfUse"][0]["coding"][0]["code"], "PUBHLTH");
        let persons =
            read["entity"].as_array().expect("entities").iter().filter(|entity| entity["type"]["code"] == "1");
        assert_eq!(persons.count(), one.subjects.len());
        assert_eq!(event["id"], "entry-6");
        let refused = audit_event("ledger.test/fhir", 4, &entry(4));
        assert_eq!((refused["outcome"].as_str(), refused["outcomeDesc"].as_str()), (Some("4"), Some("not-own-grid")));
        assert!(refused.get("meta").is_none());
    }
}

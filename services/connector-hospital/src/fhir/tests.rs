use std::sync::Arc;

use connector::{Mapped, Reason, preview};
use domain::{Body, EncounterAction, IdScheme, Op, TestOutcome, Timestamp};
use test_support::build::token_key;

use super::*;

fn feed() -> Arc<dyn Feed> {
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    feeds.find(|feed| feed.id().as_str() == "hospital-fhir").expect("a built-in feed")
}

fn read(body: &str) -> Vec<Mapped> {
    read_by(&*feed(), body)
}

/// A feed whose own server has this address.
fn feed_of(server: &str) -> Arc<dyn Feed> {
    let (_, text) = crate::PROFILES.iter().find(|(name, _)| *name == "hospital-fhir.toml").expect("built in");
    let text = text.replace("[options]\n", &format!("[options]\nserver = \"{server}\"\n"));
    crate::feed(Profile::parse("test.toml", &text).expect("a sound profile")).expect("a feed")
}

fn read_by(feed: &dyn Feed, body: &str) -> Vec<Mapped> {
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    let rows = preview(feed, body.as_bytes(), &token_key(), now).expect("a body that fits");
    rows.into_iter().map(|(_, result)| result).collect()
}

fn one(resource: &str) -> Draft {
    let drafts = read(resource).remove(0).expect("a good resource");
    drafts.into_iter().next().expect("a draft")
}

fn reason(resource: &str) -> (Reason, Option<String>) {
    let error = read(resource).remove(0).expect_err("quarantined");
    (error.reason, error.field)
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","meta":{"lastUpdated":"2022-03-01T08:00:00+08:00"},"identifier":[{"system":"urn:mr","type":{"coding":[{"code":"MR"}]},"value":"M1"},{"system":"http://gb11643.example/id","value":"11010519491231002X"}],"name":[{"use":"old","family":"李","given":["小明"]},{"family":"王","given":["小","明"]}],"telecom":[{"system":"phone","value":"13800000001"},{"system":"email","value":"a@b"}],"gender":"female","birthDate":"1949-12-31"}"#;

#[test]
fn a_patient_is_an_entry_of_a_register() {
    let draft = one(PATIENT);
    assert_eq!((draft.source_record_id.expose().as_str(), draft.version), ("patient:p1", Some(1_646_092_800_000_000)));
    let Body::IdentityObserved(who) = draft.body else { panic!("a statement") };
    let schemes: Vec<_> = who.person.claims.iter().map(|claim| claim.scheme).collect();
    assert_eq!(schemes, [IdScheme::Mrn, IdScheme::CnId]);
    assert_eq!(who.person.names[0].family.as_ref().map(|name| name.expose().as_str()), Some("王"));
    assert_eq!((who.contacts.len(), who.person.sex), (1, domain::Sex::Female));
}

#[test]
fn what_was_deleted_is_taken_back() {
    let deleted = |kind: &str| {
        let body = format!(
            r#"{{"resourceType":"Bundle","type":"history","timestamp":"2022-03-03T00:00:00Z","entry":[{{"fullUrl":"urn:x",
            "request":{{"method":"DELETE","url":"{kind}/x1"}},"response":{{"lastModified":"2022-03-02T00:00:00Z"}}}}]}}"#
        );
        read(&body).remove(0).expect("a deletion")
    };
    for (kind, record) in [
        ("Patient", "patient:x1"),
        ("Encounter", "encounter:x1"),
        ("Observation", "observation:x1"),
        ("DiagnosticReport", "report:x1"),
        ("Condition", "condition:x1"),
        ("Immunization", "immunization:x1"),
    ] {
        let drafts = deleted(kind);
        let draft = drafts.last().expect(kind);
        assert_eq!((draft.source_record_id.expose().as_str(), draft.op), (record, Op::Retract), "{kind}");
        assert_eq!(draft.version, Some(1_646_179_200_000_000), "{kind}");
    }
    assert!(deleted("Location").is_empty());
    let odd = r#"{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"Patient?name=x"}}]}"#;
    assert_eq!(reason(odd), (Reason::RequiredMissing, Some("resourceType".to_owned())));
}

#[test]
fn a_resource_that_cannot_be_used_still_says_which_one_it_is() {
    let feed = feed();
    let (key, ingest_time) = (token_key(), Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant"));
    let context = RowContext { key: &key, ingest_time, layout: None };
    for (good, version) in [(PATIENT.to_owned(), true), (PATIENT.replace("lastUpdated", "other"), false)] {
        let about = |text: &str| {
            let rows = preview(&*feed, text.as_bytes(), &key, ingest_time).expect("a body that fits");
            let (row, result) = rows.into_iter().next().expect("a row");
            (feed.about(&row, &context), result)
        };
        let (named, failed) = about(&good.replace("11010519491231002X", "110105194912310021"));
        let (named, draft) = (named.expect("named"), about(&good).1.expect("good").remove(0));
        assert!(failed.is_err());
        assert_eq!(named.source_record_id.expose(), draft.source_record_id.expose());
        assert_eq!(named.version, draft.version.map_or(StatedVersion::Arrival, StatedVersion::At));
        assert_eq!(draft.version.is_some(), version);
    }
}

#[test]
fn a_bad_entry_never_takes_its_bundle_down() {
    let body = format!(
        r#"{{"resourceType":"Bundle","type":"message","timestamp":"2022-03-02T00:00:00Z","entry":[
            {{"fullUrl":"urn:uuid:m1","resource":{{"resourceType":"MessageHeader","id":"m1"}}}},
            {{"resource":{}}},
            {{"resource":{{"resourceType":"Patient","id":7}}}},
            {{"resource":{{"resourceType":"Pateint","id":"x"}}}},
            {{"request":{{"method":"DELETE"}}}},
            {{"fullUrl":"urn:uuid:o1","resource":{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"94500-6"}}]}},"subject":{{"reference":"urn:uuid:p1"}},"valueCodeableConcept":{{"coding":[{{"code":"260373001"}}]}}}}}},
            {{"resource":{{"resourceType":"Patient" "id":"y"}}}}
        ]}}"#,
        PATIENT.replace("11010519491231002X", "110105194912310021")
    );
    let rows = read(&body);
    let reasons: Vec<_> = rows.iter().map(|row| row.as_ref().err().map(|error| error.reason)).collect();
    assert_eq!(
        reasons,
        [
            Some(Reason::IdentifierInvalid),
            Some(Reason::ResourceInvalid),
            Some(Reason::MessageType),
            Some(Reason::RequiredMissing),
            None,
            Some(Reason::ResourceInvalid)
        ]
    );
    let result = rows[4].as_ref().expect("a result");
    assert_eq!(result[0].source_record_id.expose(), "observation:o1");
    let Body::TestResult(result) = &result[0].body else { panic!("a result") };
    // It says neither when it was found nor when it was updated; the bundle does.
    assert_eq!(result.reported_time.to_string(), "2022-03-02T00:00:00Z");
    assert_eq!((result.code_system.as_str(), result.result), ("LN", TestOutcome::Positive));
    assert_eq!(result.subject[0].scheme, IdScheme::Record);
}

#[test]
fn references_lead_to_the_same_person_by_id_address_and_query() {
    let feed = feed_of("http://HIS.example/fhir/");
    let observation = |subject: &str| {
        let resource = format!(
            r#"{{"resourceType":"Observation","id":"o1","status":"final","code":{{"text":"PCR"}},"issued":"2022-03-01T08:00:00Z","subject":{subject}}}"#
        );
        let drafts = read_by(&*feed, &resource).remove(0).expect("a good resource");
        drafts[0].body.subject().to_vec()
    };
    let by_id = observation(r#"{"reference":"Patient/p1"}"#);
    for reference in ["urn:uuid:p1", "https://his.example/fhir/Patient/p1", "Patient/p1/_history/3"] {
        assert_eq!(observation(&format!(r#"{{"reference":"{reference}"}}"#)), by_id, "{reference}");
    }
    let by_number = observation(r#"{"reference":"Patient?identifier=http://gb11643.example/id|11010519491231002X"}"#);
    assert_eq!(by_number[0].scheme, IdScheme::CnId);
    let logical = r#"{"identifier":{"system":"http://gb11643.example/id","value":"11010519491231002X"}}"#;
    assert_eq!(observation(logical), by_number);
    let group = r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"PCR"},"issued":"2022-03-01T08:00:00Z","subject":{"reference":"Group/g"}}"#;
    assert_eq!(reason(group), (Reason::IdentityMissing, Some("subject".to_owned())));
}

#[test]
fn an_id_is_one_of_its_server() {
    let bundle = |base: &str, patient: &str| {
        let timed = PATIENT.replace("\"id\":\"p1\"", "\"id\":\"1\"");
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[
                {{"fullUrl":"{base}Patient/1","resource":{timed}}},
                {{"fullUrl":"{base}Observation/1","resource":{{"resourceType":"Observation","id":"1","status":"final","code":{{"text":"PCR"}},"issued":"2022-03-01T08:00:00Z","subject":{{"reference":"{patient}"}},"valueString":"阴性"}}}},
                {{"fullUrl":"{base}Location/1","resource":{{"resourceType":"Location","id":"1"}}}}
            ]}}"#
        )
    };
    // The keys of a bundle's resources, and whether the result is that patient's.
    let keys = |base: &str, patient: &str| {
        let drafts: Vec<Draft> =
            read(&bundle(base, patient)).into_iter().flat_map(|row| row.expect("a good resource")).collect();
        let keys: Vec<String> = drafts.iter().map(|draft| draft.source_record_id.expose().clone()).collect();
        let record = token_key().record_id("hospital-fhir", &keys[0]);
        let agrees = drafts[1].body.subject()[0].token == ClaimToken::from(record);
        (keys, agrees)
    };
    let a = keys("https://a.example/fhir/", "Patient/1");
    assert_eq!(a.0, ["patient:a.example/fhir#1", "observation:a.example/fhir#1", "place:a.example/fhir#1"]);
    assert!(a.1, "a relative reference is one of the entry's server");
    assert_eq!(keys("https://a.example/fhir/", "http://A.example/fhir/Patient/1/_history/2"), a);
    assert_eq!(keys("https://b.example/fhir/", "Patient/1").0[0], "patient:b.example/fhir#1");
    assert!(!keys("https://b.example/fhir/", "https://a.example/fhir/Patient/1").1, "the other server's patient");
    assert_eq!(keys("urn:uuid:", "Patient/1").0[0], "patient:1", "no server: the feed's own");
    assert!(!keys("https://a.example/fhir/", "urn:uuid:1").1, "what is unique everywhere is not on a server");
    let long = bundle(&format!("https://{}.example/", "a".repeat(130)), "Patient/1");
    assert_eq!(reason(&long), (Reason::ValueTooLong, Some("fullUrl".to_owned())));
    // The profile may say which server is the feed's own.
    let own = read_by(&*feed_of("https://a.example/fhir"), &bundle("https://a.example/fhir/", "Patient/1"));
    assert_eq!(own[0].as_ref().expect("a patient")[0].source_record_id.expose(), "patient:1");
}

#[test]
fn what_was_entered_in_error_is_taken_back_and_need_not_be_whole() {
    for resource in [
        r#"{"resourceType":"Encounter","id":"e","status":"entered-in-error"}"#,
        r#"{"resourceType":"Encounter","id":"e","status":"cancelled","subject":{"reference":"Patient/p1"}}"#,
        r#"{"resourceType":"Observation","id":"o","status":"entered-in-error"}"#,
        r#"{"resourceType":"DiagnosticReport","id":"d","status":"entered-in-error"}"#,
        r#"{"resourceType":"Condition","id":"c","verificationStatus":{"coding":[{"code":"entered-in-error"}]}}"#,
        r#"{"resourceType":"Immunization","id":"i","status":"not-done"}"#,
        r#"{"resourceType":"Patient","id":"p2","link":[{"other":{"reference":"Patient/p1"},"type":"replaced-by"}]}"#,
    ] {
        assert_eq!(one(resource).op, Op::Retract, "{resource}");
    }
    let corrected = r#"{"resourceType":"Observation","id":"o","status":"amended","code":{"text":"PCR"},"issued":"2022-03-01","subject":{"reference":"Patient/p1"}}"#;
    assert_eq!(one(corrected).op, Op::Upsert);
}

#[test]
fn an_encounter_has_its_place_and_its_state() {
    let encounter = |status: &str, class: &str| {
        let resource = format!(
            r#"{{"resourceType":"Encounter","id":"e1","status":"{status}","class":{{"code":"{class}"}},"subject":{{"reference":"Patient/p1"}},"period":{{"start":"2022-03-01T08:00:00+08:00","end":"2022-03-02"}},"reasonCode":[{{"coding":[{{"code":"840539006"}}]}}],"location":[{{"location":{{"reference":"Location/l1","display":"Ward 3"}}}}],"serviceProvider":{{"reference":"Organization?identifier=urn:x|org1"}}}}"#
        );
        let Body::EncounterChanged(stay) = one(&resource).body else { panic!("a stay") };
        stay
    };
    let stay = encounter("finished", "IMP");
    assert_eq!((stay.action, stay.ward_bed.as_deref()), (EncounterAction::Discharge, Some("Ward 3")));
    assert_eq!((stay.place.place_id.as_deref(), stay.diagnoses.len()), (Some("hospital-fhir/org1"), 1));
    assert_eq!(stay.end_time.map(|end| end.to_string()).as_deref(), Some("2022-03-01T16:00:00Z"));
    assert_eq!(encounter("in-progress", "IMP").action, EncounterAction::Admit);
    assert_eq!(encounter("in-progress", "AMB").action, EncounterAction::Register);
    assert_eq!(encounter("planned", "IMP").action, EncounterAction::Other);
}

#[test]
fn partial_dates_are_flagged_and_never_made_exact() {
    let draft = one(&PATIENT.replace("1949-12-31", "1949"));
    assert_eq!(draft.quality_flags, ["birth-date-partial"]);
    let Body::IdentityObserved(who) = draft.body else { panic!("a statement") };
    assert_eq!(who.person.birth_date, None);
    let condition = r#"{"resourceType":"Condition","id":"c","code":{"coding":[{"code":"73211009"}]},"subject":{"reference":"Patient/p1"},"encounter":{"reference":"Encounter/e1"},"onsetDateTime":"2019-05"}"#;
    let draft = one(condition);
    assert_eq!(draft.quality_flags, ["offset-assumed", "date-partial"]);
    let Body::EncounterChanged(diagnosis) = draft.body else { panic!("a diagnosis") };
    assert_eq!((diagnosis.encounter_id.expose().as_str(), diagnosis.action), ("e1", EncounterAction::Update));
    assert_eq!(reason(&PATIENT.replace("1949-12-31", "49/12/31")).0, Reason::ValueDay);
}

#[test]
fn lines_are_resources_in_any_order_and_places_keep_their_position() {
    let place = r#"{"resourceType":"Location","id":"l1","name":"门诊楼","position":{"longitude":120.6,"latitude":31.3},"managingOrganization":{"reference":"Organization/o1"}}"#;
    let shot = r#"{"resourceType":"Immunization","id":"i1","status":"completed","patient":{"reference":"Patient/p1"},"occurrenceDateTime":"2022-03-01T01:16:46-04:00","location":{"reference":"Location/l1"}}"#;
    let rows = read(&format!(
        "\u{feff}{shot}\r\n\n{place}\n{PATIENT}\n{{\"resourceType\":\"Practitioner\",\"id\":\"x\"}}\n{{\n"
    ));
    assert_eq!(rows.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, true, false]);
    let Body::EncounterChanged(visit) = &rows[0].as_ref().expect("a visit")[0].body else { panic!("a visit") };
    assert_eq!(visit.place.place_id.as_deref(), Some("hospital-fhir/l1"));
    let Body::PlaceRegistered(place) = &rows[1].as_ref().expect("a place")[0].body else { panic!("a place") };
    assert_eq!((place.place.lat, place.parent_place_id.as_deref()), (Some(31.3), Some("hospital-fhir/o1")));
}

#[test]
fn vital_signs_are_no_results() {
    let weight = r#"{"resourceType":"Observation","id":"o","status":"final","category":[{"coding":[{"code":"vital-signs"}]}],"code":{"text":"Body weight"},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2022-03-01T08:00:00Z","valueQuantity":{"value":70,"unit":"kg"}}"#;
    assert!(read(weight).is_empty());
    let both = weight.replace(r#""category":["#, r#""category":[{"coding":[{"code":"laboratory"}]},"#);
    assert_eq!(read(&both)[0].as_ref().map(Vec::len).ok(), Some(1));
    let survey = weight.replace("vital-signs", "survey");
    let notices = notices(&[weight, weight, &survey, &both].join("\n"));
    let left_out =
        "resources of which the hub keeps nothing were left out: Observation (vital-signs) 2, Observation (survey) 1";
    assert_eq!(notices, [("resources-left-out".to_owned(), left_out.to_owned())]);
}

/// What the sender of a body is told of it as a whole.
fn notices(body: &str) -> Vec<(String, String)> {
    let feed = feed();
    let mut reader = feed.open(Box::new(body.as_bytes())).expect("a body that fits");
    while reader.next_row().expect("readable").is_some() {}
    reader.notices().into_iter().map(|notice| (notice.code, notice.message)).collect()
}

#[test]
fn entries_that_have_no_resource_to_give_are_told_and_are_no_rows() {
    let body = format!(
        r#"{{"resourceType":"Bundle","type":"batch-response","entry":[{{"response":{{"status":"201","location":"Patient/9"}}}},
        {{"request":{{"method":"GET","url":"Patient/1"}}}},{{"resource":{PATIENT},"response":{{"status":"200"}}}},
        {{"request":{{"method":"PUT","url":"Patient/1"}}}},{{}}]}}"#
    );
    let rows = read(&body);
    let reasons: Vec<_> = rows.iter().map(|row| row.as_ref().err().map(|error| error.reason)).collect();
    assert_eq!(reasons, [None, Some(Reason::RequiredMissing), Some(Reason::RequiredMissing)]);
    let [(code, message)] = &notices(&body)[..] else { panic!("one notice") };
    assert!(code == "entries-without-resource" && message.ends_with(": 2"), "{message}");
}

#[test]
fn the_resources_of_a_bundle_in_a_bundle_are_rows_where_they_stand() {
    let other = PATIENT.replace("\"p1\"", "\"p2\"");
    let inner = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\n \"entry\":[ {{\"resource\":{PATIENT}}},\n {{\"resource\":{other}}}]}}"
    );
    let body = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[\n{{\"resource\":{inner},\"response\":{{\"status\":\"200\"}}}},\n{{\"resource\":{}}}]}}",
        PATIENT.replace("\"p1\"", "\"p3\"")
    );
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    for body in [body.clone(), format!("[{inner},\n{PATIENT}]")] {
        let rows = preview(&*feed(), body.as_bytes(), &token_key(), now).expect("a body that fits");
        assert_eq!(rows.len(), 3);
        for (row, result) in &rows {
            assert_eq!(result.as_ref().map(Vec::len), Ok(1));
            let place = row.offset as usize..(row.offset + row.length) as usize;
            assert!(body[place.clone()].starts_with('{') && body[place].contains("\"Patient\""));
            assert_eq!(row.line as usize, 1 + body[..row.offset as usize].matches('\n').count());
        }
        let numbers: Vec<_> = rows.iter().map(|(row, _)| row.number).collect();
        assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>());
    }
    let deeper = body.replacen(PATIENT, &inner, 1);
    assert!(read(&deeper)[0].as_ref().expect_err("too deep").message.contains("push it alone"));
}

#[test]
fn a_contained_patient_is_seen_with_the_resource_and_two_of_one_local_id_are_two_people() {
    let observation = |id: &str, name: &str| {
        format!(
            r##"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"PCR"}},"issued":"2022-03-01","valueString":"阴性","contained":[{{"resourceType":"Patient","id":"p","name":[{{"text":"{name}"}}],"birthDate":"1980-01-01"}}],"subject":{{"reference":"#p"}}}}"##
        )
    };
    let drafts = |text: &str| read(text).remove(0);
    let (one, other) =
        (drafts(&observation("a", "王小明")).expect("one"), drafts(&observation("b", "李静")).expect("other"));
    assert_eq!((one.len(), other.len()), (2, 2), "who it is, and the result");
    assert_ne!(one[1].body.subject(), other[1].body.subject());
    let dangling = observation("a", "王小明").replace("#p", "#q");
    assert_eq!(reason(&dangling).0, Reason::IdentityMissing);
}

#[test]
fn a_panel_gives_a_result_for_each_of_its_parts() {
    let panel = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"coding":[{"code":"95941-1"}]},"issued":"2022-03-01","subject":{"reference":"Patient/p1"},"component":[{"code":{"coding":[{"code":"94500-6"}]},"valueCodeableConcept":{"coding":[{"code":"260373001"}]}},{"code":{"coding":[{"code":"92142-9"}]},"interpretation":[{"coding":[{"code":"NEG"}]}]}]}"#;
    let drafts = read(panel).remove(0).expect("a panel");
    let results: Vec<_> = drafts
        .iter()
        .map(|draft| match &draft.body {
            Body::TestResult(result) => (draft.source_record_id.expose().as_str(), result.code.as_str(), result.result),
            _ => panic!("a result"),
        })
        .collect();
    let expected =
        [("observation:o:0", "94500-6", TestOutcome::Positive), ("observation:o:1", "92142-9", TestOutcome::Negative)];
    assert_eq!(results, expected);
}

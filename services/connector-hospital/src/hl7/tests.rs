use connector::{Draft, Mapped, Reason, preview};
use domain::{Body, EncounterAction, Op, ResultStatus, RetractReason, TestOutcome, Timestamp};
use test_support::build::token_key;

fn read(message: &str) -> Mapped {
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "hospital-hl7").expect("a built-in feed");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    preview(&*feed, message.as_bytes(), &token_key(), now).expect("messages").remove(0).1
}

fn adt(trigger: &str, segments: &str) -> Mapped {
    read(&format!(
        "MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^{trigger}|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明||19800101|M\r{segments}\r"
    ))
}

fn stays(drafts: &[Draft]) -> Vec<(String, Op, EncounterAction)> {
    let stay = |draft: &Draft| match &draft.body {
        Body::EncounterChanged(stay) => Some((draft.source_record_id.expose().clone(), draft.op, stay.action)),
        _ => None,
    };
    drafts.iter().filter_map(stay).collect()
}

const VISIT: &str = "PV1|1|I|W1^R2^B3||||||||||||||||V1|||||||||||||||||||||||||20220301070000";

#[test]
fn every_event_of_a_stay_does_what_the_standard_says() {
    for (trigger, op, action) in [
        ("A01", Op::Upsert, EncounterAction::Admit),
        ("A02", Op::Upsert, EncounterAction::Transfer),
        ("A03", Op::Upsert, EncounterAction::Discharge),
        ("A04", Op::Upsert, EncounterAction::Register),
        ("A05", Op::Upsert, EncounterAction::Register),
        ("A06", Op::Upsert, EncounterAction::Admit),
        ("A07", Op::Upsert, EncounterAction::Register),
        ("A08", Op::Upsert, EncounterAction::Update),
        ("A11", Op::Retract, EncounterAction::Cancel),
        ("A13", Op::Upsert, EncounterAction::Update),
    ] {
        let drafts = adt(trigger, VISIT).expect(trigger);
        assert_eq!(stays(&drafts), [("visit:HOSP:V1".to_owned(), op, action)], "{trigger}");
    }
    for trigger in ["A28", "A31", "A41"] {
        assert_eq!(adt(trigger, VISIT).expect(trigger).len(), 1, "{trigger}");
    }
    assert_eq!(adt("A99", VISIT).expect_err("unknown").reason, Reason::MessageType);
}

#[test]
fn messages_of_old_and_new_versions_are_read_alike() {
    let read = |marks: &str, kind: &str, pid: &str| {
        let message = format!(
            "MSH|{marks}|HIS|HOSP|||20220301080000||{kind}|1|P|2.7\rEVN|A01|20220301080000\r{pid}||WANG^XIAOMING\r{VISIT}\r"
        );
        let drafts = read(&message).expect(marks);
        drafts.into_iter().map(|draft| draft.source_record_id.expose().clone()).collect::<Vec<_>>()
    };
    for (marks, kind, pid) in [
        ("^~\\&", "ADT^A01", "PID|1||M1^^^HOSP^MR|"),
        // The mark of what is cut short (2.7), marks that nobody uses left out, the event in EVN alone, the number in PID-2.
        ("^~\\&#", "ADT^A01^ADT_A01", "PID|1||M1^^^HOSP^MR|"),
        ("^~", "ADT^A01", "PID|1||M1^^^HOSP^MR|"),
        ("^~\\&", "ADT", "PID|1||M1^^^HOSP^MR|"),
        ("^~\\&", "ADT^A01", "PID|1|M1^^^HOSP^MR||"),
    ] {
        assert_eq!(read(marks, kind, pid), ["patient:HOSP:M1", "visit:HOSP:V1"], "{marks} {kind} {pid}");
    }
}

#[test]
fn an_old_message_is_taken_and_flagged_and_a_time_of_entry_that_cannot_be_is_left_out() {
    let message = |stated: &str, event: &str| {
        read(&format!(
            "MSH|^~\\&|A|B|||{stated}||ADT^A01|1|P|2.5||||||UNICODE UTF-8\r{event}PID|1||M1^^^HOSP^MR||王^小明\r{VISIT}\r"
        ))
    };
    let old = message("198908181126+0215", "EVN|A01|20290801070624+0115||||20210817151943.4+0200\r").expect("taken");
    assert_eq!(old[0].event_time.to_string(), "2021-08-17T13:19:43.4Z", "when it happened, not when it was typed in");
    assert_eq!(old[0].quality_flags, ["clock-wrong"]);
    assert!(old[0].version < message("20220301080000", "").expect("taken")[0].version, "it never overtakes newer ones");
    for stated in ["19700101000000", "20290801070624"] {
        assert_eq!(message(stated, "").expect_err("no clock").reason, Reason::TimeOutOfRange);
    }
    // The times of the stay are facts.
    let future = VISIT.replace("20220301070000", "20290301070000");
    assert_eq!(adt("A01", &future).expect_err("the future").reason, Reason::TimeOutOfRange);
}

#[test]
fn a_number_that_is_merged_or_changed_has_the_other_as_its_survivor() {
    for trigger in ["A40", "A47"] {
        let drafts = adt(trigger, "MRG|M9^^^HOSP^MR").expect(trigger);
        assert_eq!(drafts[1].source_record_id.expose(), "patient:HOSP:M9", "{trigger}");
        let Body::IdentityRetracted(gone) = &drafts[1].body else { panic!("a retraction") };
        assert_eq!((drafts[1].op, gone.reason), (Op::Retract, RetractReason::Merged));
        assert_eq!(gone.survivor, Some(token_key().record_id("hospital", "patient:HOSP:M1")));
        let Body::IdentityObserved(survivor) = &drafts[0].body else { panic!("a statement") };
        let numbers: Vec<_> = survivor.person.claims.iter().map(|claim| claim.value.expose().as_str()).collect();
        assert_eq!(numbers, ["M1", "M9"], "who asks for the old number finds the patient");
    }
}

#[test]
fn a_visit_moves_to_another_patient_and_keeps_or_changes_its_number() {
    let kept = adt("A45", &format!("MRG|M9^^^HOSP^MR\r{VISIT}")).expect("moved");
    assert_eq!(stays(&kept), [("visit:HOSP:V1".to_owned(), Op::Upsert, EncounterAction::Update)]);
    // Who it is about now is the patient of PID.
    let patient = token_key().record_id("hospital", "patient:HOSP:M1");
    assert_eq!(kept[1].body.subject()[0].token, domain::ClaimToken::from(patient));
    let second = VISIT.replace("|V1|", "|V2|");
    let both =
        adt("A45", &format!("MRG|M9^^^HOSP^MR||||V0\r{VISIT}\rMRG|M8^^^HOSP^MR||||V2\r{second}")).expect("moved");
    assert_eq!(
        stays(&both),
        [
            ("visit:HOSP:V0".to_owned(), Op::Retract, EncounterAction::Update),
            ("visit:HOSP:V1".to_owned(), Op::Upsert, EncounterAction::Update),
            ("visit:HOSP:V2".to_owned(), Op::Upsert, EncounterAction::Update)
        ]
    );
    assert_eq!(adt("A45", VISIT).expect_err("whose?").reason, Reason::MessageSegment);
    let two = format!("MRG|M9^^^HOSP^MR\r{VISIT}\r{second}");
    assert_eq!(adt("A45", &two).expect_err("whose?").reason, Reason::MessageSegment);
}

#[test]
fn results_are_preliminary_final_corrected_cancelled_or_withdrawn_and_pools_are_no_people() {
    let result = |status: &str, specimen: &str| {
        let text = format!(
            "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明\r\
             OBR|1||F1|PCR^^L|||20220301070000\rOBX|1|CWE|94500-6^^LN||260373001^Detected^SCT||||||{status}\r{specimen}\r"
        );
        let draft = read(&text).expect(status).remove(1);
        let Body::TestResult(result) = draft.body else { panic!("a result") };
        (draft.op, result.status, result.result, result.pool_id)
    };
    for (status, op, stated) in [
        ("P", Op::Upsert, ResultStatus::Preliminary),
        ("F", Op::Upsert, ResultStatus::Final),
        ("C", Op::Upsert, ResultStatus::Corrected),
        ("W", Op::Retract, ResultStatus::Cancelled),
    ] {
        assert_eq!(result(status, ""), (op, stated, TestOutcome::Positive, None), "{status}");
    }
    // Of what cannot be obtained, the value that is still there is no result.
    assert_eq!(result("X", ""), (Op::Upsert, ResultStatus::Cancelled, TestOutcome::Unknown, None));
    let pooled = result("F", "SPM|1|S1^T7|||||||||L");
    assert_eq!((pooled.2, pooled.3.as_deref()), (TestOutcome::PoolRetest, Some("T7")));
}

#[test]
fn each_patient_of_a_message_has_the_results_that_follow_them() {
    let text = |between: &str| {
        format!(
            "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明\r\
             OBR|1||F1|PCR^^L|||20220301070000\rOBX|1|ST|94500-6^^LN||阴性||||||F\r{between}\
             OBR|1||F2|PCR^^L|||20220301070000\rOBX|1|ST|94500-6^^LN||阳性(+)||||||F\r"
        )
    };
    let drafts = read(&text("PID|2||M2^^^HOSP^MR||李^静\r")).expect("two patients");
    let results: Vec<_> = drafts.iter().filter(|draft| matches!(draft.body, Body::TestResult(_))).collect();
    let outcome = |draft: &Draft| match &draft.body {
        Body::TestResult(result) => result.result,
        _ => TestOutcome::Unknown,
    };
    assert_eq!([outcome(results[0]), outcome(results[1])], [TestOutcome::Negative, TestOutcome::Positive]);
    assert_eq!(drafts.len(), 4, "each patient is seen");
    assert_ne!(results[0].body.subject()[0], results[1].body.subject()[0]);
    let of_one = read(&text("")).expect("one patient");
    assert_eq!(of_one.len(), 3);
    let nobodys = "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rOBR|1||F1|PCR\rOBX|1|ST|A||阴性||||||F\r\
                   PID|1||M1^^^HOSP^MR||王^小明\r";
    assert_eq!(read(nobodys).expect_err("whose?").reason, Reason::MessageSegment);
    let next = read(&text("PID|2||M2^^^HOSP^MR||李^静\rOBX|1|ST|94500-6^^LN||阳性||||||F\r"));
    assert_eq!(next.expect_err("of no order of hers").reason, Reason::MessageSegment);
    let weight = read(&text("PID|2||M2^^^HOSP^MR||李^静\rOBX|1|NM|29463-7^^LN||61|kg|||||F\r"))
        .expect("her weight, and a result");
    let flagged = weight.iter().filter(|draft| draft.quality_flags.contains(&"observation-without-order"));
    assert_eq!((weight.len(), flagged.count()), (4, 1));
}

#[test]
fn a_value_that_is_no_known_verdict_is_unknown_and_flagged_and_a_measured_one_is_not() {
    let flags = |value: &str, interpretation: &str| {
        let text = format!(
            "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明\r\
             OBR|1||F1|PCR^^L|||20220301070000\rOBX|1|ST|94500-6^^LN||{value}|||{interpretation}|||F\r"
        );
        let draft = read(&text).expect("taken").remove(1);
        let Body::TestResult(result) = draft.body else { panic!("a result") };
        (result.result, draft.quality_flags.contains(&"result-unknown"))
    };
    assert_eq!(flags("见纸质报告", ""), (TestOutcome::Unknown, true));
    assert_eq!(flags("4.06", ""), (TestOutcome::Unknown, false));
    assert_eq!(flags("见纸质报告", "POS"), (TestOutcome::Positive, false));
}

#[test]
fn a_message_merges_as_many_numbers_as_it_names() {
    let merged = |groups: &str| {
        read(&format!("MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^A40|1|P|2.5||||||UNICODE UTF-8\r{groups}"))
            .map(|drafts| drafts.iter().map(|d| (d.source_record_id.expose().clone(), d.op)).collect::<Vec<_>>())
    };
    let number = |number: &str, op| (format!("patient:HOSP:{number}"), op);
    let pid = |number: &str| format!("PID|1||{number}^^^HOSP^MR||王^小明\r");
    let mrg = |number: &str| format!("MRG|{number}^^^HOSP^MR\r");
    let two = merged(&[pid("M1"), mrg("M2"), pid("M3"), mrg("M4")].concat()).expect("two merges");
    let expected =
        [number("M1", Op::Upsert), number("M2", Op::Retract), number("M3", Op::Upsert), number("M4", Op::Retract)];
    assert_eq!(two, expected);
    // A survivor that is itself merged away further down ends as merged away.
    let chain = merged(&[pid("M1"), mrg("M2"), pid("M3"), mrg("M1")].concat()).expect("a chain");
    assert_eq!(chain, [number("M1", Op::Retract), number("M2", Op::Retract), number("M3", Op::Upsert)]);
    for torn in [
        [pid("M1"), pid("M3"), mrg("M4")].concat(),
        [mrg("M2"), pid("M1")].concat(),
        [pid("M1"), mrg("M2"), pid("M3")].concat(),
        [pid("M1"), mrg("M2"), pid("M3"), mrg("M2")].concat(),
    ] {
        assert_eq!(merged(&torn).expect_err(&torn).reason, Reason::MessageSegment, "{torn}");
    }
    assert_eq!(adt("A01", &pid("M2")).expect_err("two patients").reason, Reason::MessageSegment);
}

#[test]
fn a_stay_without_a_number_is_flagged_and_never_cancelled_by_guess() {
    let unnamed = "PV1|1|I|W1^R2^B3";
    let admitted = adt("A01", unnamed).expect("taken");
    assert!(admitted[1].quality_flags.contains(&"visit-unnamed"));
    let Body::EncounterChanged(stay) = &admitted[1].body else { panic!("a stay") };
    assert!(!stay.encounter_id.expose().contains("M1"), "the number of the patient is not that of the stay");
    assert_eq!(adt("A11", unnamed).expect_err("which?").reason, Reason::RequiredMissing);
    assert!(adt("A11", VISIT).is_ok());
}

#[test]
fn a_resident_number_of_somebody_not_born_yet_is_none() {
    let patient = |number: &str| {
        read(&format!(
            "MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^A28|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR~{number}^^^^NI||王^小明\r"
        ))
    };
    let number = |year: i16| {
        let birth = domain::Day::from_ymd(year, 1, 1).expect("a day");
        domain::ResidentId::compose("110105", birth, 3).expect("a number").as_str().to_owned()
    };
    assert!(patient(&number(2021)).is_ok());
    assert_eq!(patient(&number(2099)).expect_err("not born").reason, Reason::IdentifierInvalid);
}

#[test]
fn observations_that_are_numbered_alike_are_all_kept_and_contradicting_values_are_no_verdict() {
    let text = "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明\r\
                OBR|1||F1|PCR^^L|||20220301070000\rOBX|1|ST|94500-6^^LN||阴性||||||F\r\
                OBX|2|ST|94500-6^^LN||阳性||||||F\rOBX|3|ST|A^^L||阴性~阳性||||||F\r";
    let drafts = read(text).expect("taken");
    let results: Vec<_> = drafts[1..]
        .iter()
        .map(|draft| match &draft.body {
            Body::TestResult(result) => (draft.source_record_id.expose().as_str(), result.result),
            _ => panic!("a result"),
        })
        .collect();
    let expected = [
        ("result:LAB:F1:94500-6:", TestOutcome::Negative),
        ("result:LAB:F1:94500-6::2", TestOutcome::Positive),
        ("result:LAB:F1:A:", TestOutcome::Unknown),
    ];
    assert_eq!(results, expected);
}

const HEAD: &str = "MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^A28|1|P|2.5||||||UNICODE UTF-8\r";

#[test]
fn a_message_for_tests_or_training_is_flagged_and_refused_where_that_is_agreed() {
    let (name, profile) = crate::PROFILES.iter().find(|(name, _)| *name == "hospital-hl7.toml").expect("built in");
    let refusing = connector::Profile::parse(name, &format!("{profile}\n[options]\ntest_messages = \"refused\"\n"));
    let feed = crate::feed(refusing.expect("sound")).expect("a feed");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    for (processing, is_test) in [("T", true), ("D", true), ("P", false)] {
        let text = format!("{HEAD}PID|1||M1^^^HOSP^MR||王^小明\r").replacen("|P|", &format!("|{processing}|"), 1);
        let drafts = read(&text).expect("it counts unless that is agreed");
        assert_eq!(drafts[0].quality_flags.contains(&"test-message"), is_test, "{processing}");
        let refused = preview(&*feed, text.as_bytes(), &token_key(), now).expect("messages").remove(0).1.err();
        let refused = refused.map(|error| (error.field, error.reason));
        assert_eq!(refused, is_test.then(|| (Some("MSH-11".into()), Reason::MessageTest)), "{processing}");
    }
}

fn patient(pid: &str) -> Result<(Draft, domain::IdentityObserved), Reason> {
    let draft = read(&format!("{HEAD}PID|{pid}\r")).map_err(|error| error.reason)?.remove(0);
    let Body::IdentityObserved(who) = draft.body.clone() else { panic!("a statement") };
    Ok((draft, who))
}

#[test]
fn nobody_was_born_before_everybody_alive() {
    for birth in ["00010101", "17530101", "18400101"] {
        assert_eq!(patient(&format!("1||M1^^^HOSP^MR||A^B||{birth}")).expect_err(birth), Reason::ValueDay);
    }
    assert!(patient("1||M1^^^HOSP^MR||A^B||18991231").is_ok());
    let old = domain::ResidentId::compose("110105", domain::Day::from_ymd(1851, 1, 1).expect("a day"), 3);
    let number = old.expect("a number").as_str().to_owned();
    assert_eq!(patient(&format!("1||M1^^^HOSP^MR~{number}^^^^NI||A^B")).expect_err("old"), Reason::IdentifierInvalid);
}

#[test]
fn a_phone_in_parts_is_the_same_number_as_in_one() {
    let phone = |parts: &str| {
        let (_, who) = patient(&format!("1||M1^^^HOSP^MR||A^B||||||||{parts}")).expect("a patient");
        who.contacts.first().map(|phone| phone.expose().clone())
    };
    for parts in [
        "^PRN^PH^^86^512^65123456",
        "^PRN^PH^^86^0512^65123456",
        "^PRN^PH^^+86^512^65123456",
        "^PRN^PH^^^512^65123456",
        "^PRN^PH^^^0512^65123456",
        "0512-65123456",
    ] {
        assert_eq!(phone(parts).as_deref(), Some("8651265123456"), "{parts}");
    }
    assert_eq!(phone("^PRN^CP^^^^13812345678").as_deref(), Some("8613812345678"));
    assert_eq!(phone("^PRN^PH^^86^512^"), None);
}

#[test]
fn a_resident_number_without_a_type_is_that_of_the_person_and_no_hospital_number() {
    let number = "11010519491231002X";
    let read = |pid: &str| {
        let (draft, who) = patient(pid).expect("a patient");
        let schemes: Vec<_> = who.person.claims.iter().map(|claim| claim.scheme).collect();
        (draft.source_record_id.expose().clone(), schemes, draft.quality_flags.contains(&"identifier-type-assumed"))
    };
    use domain::IdScheme::{CnId, Mrn};
    let named = ("patient:HOSP:M1".to_owned(), vec![Mrn, CnId], true);
    assert_eq!(read(&format!("1||{number}~M1^^^HOSP^MR||A^B||19491231")), named);
    assert_eq!(read(&format!("1||M1^^^HOSP^MR~{number}||A^B")), named);
    // A hospital that numbers its patients so still has a record of each.
    let only = (format!("patient:HOSP:{number}"), vec![Mrn, CnId], true);
    assert_eq!(read(&format!("1||{number}||A^B||19491231")), only);
    assert_eq!(read(&format!("1|{number}|||A^B||19491231")), only);
    for other in [format!("1||{number}||A^B||19500101"), "1||110105194912310021||A^B".to_owned()] {
        let (_, schemes, assumed) = read(&other);
        assert_eq!((schemes, assumed), (vec![Mrn], false), "{other}");
    }
}

#[test]
fn what_a_message_lacks_of_its_header_and_its_end_is_flagged() {
    let flags = |text: &str| read(text).expect("taken").remove(0).quality_flags;
    let whole = format!("{HEAD}PID|1||M1^^^HOSP^MR||A^B\r");
    assert!(!flags(&whole).iter().any(|flag| ["message-end-missing", "control-id-missing"].contains(flag)));
    assert!(flags(whole.trim_end()).contains(&"message-end-missing"));
    // Cut in the middle of a segment, behind a message that is whole.
    let torn = format!("{whole}{}", &whole[..whole.find("^B").expect("a name")]);
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "hospital-hl7").expect("a built-in feed");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    let rows = preview(&*feed, torn.as_bytes(), &token_key(), now).expect("messages");
    let ends = |row: usize| {
        let drafts = rows[row].1.as_ref().expect("a message");
        drafts.iter().all(|draft| draft.quality_flags.contains(&"message-end-missing"))
    };
    assert_eq!([ends(0), ends(1)], [false, true]);
    let pid = whole.replace("A^B\r", "A");
    let error = read(&pid.replace("M1^^^HOSP^MR", "")).expect_err("nobody");
    assert!(error.message.ends_with("; nothing ends the last segment: it may be cut"), "{error}");
    assert!(flags(&whole.replacen("|1|P|", "||P|", 1)).contains(&"control-id-missing"));
}

#[test]
fn values_of_several_parts_are_kept_whole_and_an_interpretation_that_contradicts_is_flagged() {
    let result = |kind: &str, value: &str, interpretation: &str| {
        let text = format!(
            "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01|1|P|2.5||||||UNICODE UTF-8\rPID|1||M1^^^HOSP^MR||王^小明\r\
             OBR|1||F1|PCR^^L|||20220301070000\rOBX|1|{kind}|94500-6^^LN||{value}|||{interpretation}|||F\r"
        );
        let draft = read(&text).expect("taken").remove(1);
        let flags = draft.quality_flags.clone();
        let Body::TestResult(result) = draft.body else { panic!("a result") };
        (result.value_text.map(|text| text.expose().clone()).unwrap_or_default(), flags)
    };
    assert_eq!(result("SN", "^38^-^40", "").0, "38-40");
    assert_eq!(result("SN", "<^100", "").0, "<100");
    assert_eq!(result("TX", "first line~second line", "").0, "first line; second line");
    assert!(result("ST", "阴性", "POS").1.contains(&"interpretation-contradicts"));
    assert!(!result("ST", "阴性", "NEG").1.contains(&"interpretation-contradicts"));
}

#[test]
fn a_control_id_is_as_long_as_the_standard_has_it_and_an_answer_repeats_a_longer_one() {
    let message = |id: &str| {
        format!("MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^A28|{id}|P|2.7\rPID|1||M1^^^HOSP^MR||WANG^XIAOMING\r")
    };
    assert!(read(&message(&"7".repeat(199))).is_ok());
    let long = "7".repeat(200);
    let error = read(&message(&long)).expect_err("too long");
    assert_eq!((error.field.as_deref(), error.reason), (Some("MSH-10"), Reason::ValueTooLong));
    assert!(error.message.contains("199") && !error.message.contains("777"), "{error}");
    assert_eq!(super::header(&message(&long)).control_id, long);
    assert_eq!(super::header(&message(&"7".repeat(9_000))).control_id.len(), 4096);
}

//! Hospital and laboratory feeds: HL7 v2 by HTTP and MLLP, FHIR R4, and laboratory tables.
//!
//! The tables are plain profiles of the shared ingest loop. Particular to hospitals are FHIR resources, HL7 v2 messages ([`feeds`]
//! gives them a feed of their own) and the MLLP listener with its acknowledgements ([`mllp`]).

mod ack;
mod feed;
mod fhir;
mod hl7;
pub mod mllp;
mod verdict;

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, FormatKind, Profile, ProfileError, ProfileFeed};

use feed::Hl7Feed;
use fhir::FhirFeed;

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("case-reports.toml", include_str!("../profiles/case-reports.toml")),
    ("hospital-fhir.toml", include_str!("../profiles/hospital-fhir.toml")),
    ("hospital-hl7.toml", include_str!("../profiles/hospital-hl7.toml")),
    ("hospital-register.toml", include_str!("../profiles/hospital-register.toml")),
    ("lab-results.toml", include_str!("../profiles/lab-results.toml")),
    ("lab-results-pdi.toml", include_str!("../profiles/lab-results-pdi.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("hospital", PROFILES, folder)?.into_iter().map(feed).collect()
}

/// The feed that a profile of this service declares.
///
/// # Errors
/// When the profile cannot be used.
pub fn feed(profile: Profile) -> Result<Arc<dyn Feed>, ProfileError> {
    Ok(match profile.format.kind {
        FormatKind::Hl7v2 => Arc::new(Hl7Feed::new(profile)),
        FormatKind::Fhir => Arc::new(FhirFeed::new(profile)?),
        _ => Arc::new(ProfileFeed::new(profile)?),
    })
}

#[cfg(test)]
mod tests {
    use connector::{Field, RowContext, preview};
    use domain::{Body, CaseState, Timestamp};
    use test_support::build::token_key;

    use super::*;

    #[test]
    fn of_a_message_the_quality_of_a_feed_knows_what_it_leaves_open_about_the_patient() {
        let feeds = feeds(None).expect("sound profiles");
        let feed = feeds.iter().find(|feed| feed.id().as_str() == "hospital-hl7").expect("a built-in feed");
        let now = Timestamp::parse("2022-04-01T00:00:00Z").expect("an instant");
        let open = |patient: &str| {
            let text =
                format!("MSH|^~\\&|HIS|HOSP|||20220301080000||ADT^A28|1|P|2.5\rPID|1||M1^^^HOSP^MR||{patient}\r");
            let mut reader = feed.open(Box::new(std::io::Cursor::new(text))).expect("a body that fits");
            let row = reader.next_row().expect("readable").expect("a message");
            let key = token_key();
            feed.empty_fields(&row, &RowContext { key: &key, ingest_time: now, layout: None })
        };
        assert_eq!(open("WANG^XIAO||19800102|M"), Some(vec![Field::IdNumber, Field::ContactPhone, Field::Address]));
        let more = open("WANG^XIAO").expect("a patient");
        assert!(more.contains(&Field::BirthDate) && more.contains(&Field::Sex), "{more:?}");
    }

    #[test]
    fn a_case_is_what_disease_control_says_and_a_confirmed_one_says_since_when() {
        let head = "病例编号,姓名,证件类型,证件号码,联系电话,病例分类,发病日期,确诊时间,结案时间,现住址区划,聚集性疫情编号,更新时间\n";
        let rows = [
            "C-1,王小明,身份证,11010519491231002X,13812345678,确诊病例,2022-03-01,2022-03-03 10:00,,110105001,JJ-1,2022-03-03 12:00\n",
            "C-1,王小明,身份证,11010519491231002X,13812345678,治愈,2022-03-01,2022-03-03 10:00,2022-03-20 09:00,110105001,JJ-1,2022-03-20 12:00\n",
            "C-2,李静,护照,E12345678,,无症状感染者,,,,110105001,,2022-03-03 12:00\n",
            "C-3,李静,护照,E12345678,,治愈,,2022-03-03 10:00,2022-03-01 09:00,110105001,,2022-03-21 12:00\n",
            "C-4,李静,护照,E12345678,,确诊病例,,2022-03-03 10:00,,乱七八糟,,2022-03-21 12:00\n",
        ];
        let text = format!("{head}{}", rows.concat());
        let (body, _, _) = encoding_rs::GB18030.encode(&text);
        let feeds = feeds(None).expect("sound profiles");
        let feed = feeds.iter().find(|feed| feed.id().as_str() == "case-reports").expect("a built-in feed");
        let now = Timestamp::parse("2022-04-01T00:00:00Z").expect("an instant");
        let read = preview(&**feed, &body, &token_key(), now).expect("a body that fits");
        let case = |row: usize| {
            let drafts = read[row].1.as_ref().expect("a case");
            match &drafts.last().expect("a fact").body {
                Body::CaseStatus(case) => {
                    (drafts.last().expect("a fact").source_record_id.expose().clone(), case.clone())
                }
                _ => panic!("a case"),
            }
        };
        let ((first, confirmed), (later, recovered)) = (case(0), case(1));
        assert_eq!(first, later, "a case is one record");
        assert_eq!((confirmed.state, recovered.state), (CaseState::Confirmed, CaseState::Recovered));
        assert_eq!(confirmed.confirmed_time, Timestamp::parse("2022-03-03T02:00:00Z").ok());
        assert_eq!(confirmed.place.division_code.as_deref(), Some("110105001"));
        assert!(!confirmed.subject.is_empty() && recovered.closed_time.is_some());
        let field = |row: usize| read[row].1.as_ref().expect_err("not usable").field.clone();
        assert_eq!([2, 3, 4].map(field), ["确诊时间", "结案时间", "现住址区划"].map(|column| Some(column.to_owned())));
    }
    #[test]
    fn a_report_with_english_columns_says_which_unit_works_on_its_case() {
        let body = "case_id,name,id_type,id_number,contact_phone,status,confirmed_time,township,case_unit,updated_time\n\
                    C-1,Ling Wen,,,13712345678,confirmed,2022-03-01 08:00,320506001,CDC-01,2022-03-01 09:00\n\
                    C-2,Wen Ling,,,13712345679,suspected,,320506001,,2022-03-01 09:00\n";
        let feeds = feeds(None).expect("sound profiles");
        let feed = feeds.iter().find(|feed| feed.id().as_str() == "case-reports").expect("a built-in feed");
        let now = Timestamp::parse("2022-04-01T00:00:00Z").expect("an instant");
        let read = preview(&**feed, body.as_bytes(), &token_key(), now).expect("a body that fits");
        let cases: Vec<(CaseState, Option<&str>)> = read
            .iter()
            .map(|(_, drafts)| match &drafts.as_ref().expect("a case").last().expect("a fact").body {
                Body::CaseStatus(case) => (case.state, case.unit.as_deref()),
                _ => panic!("a case"),
            })
            .collect();
        assert_eq!(cases, [(CaseState::Confirmed, Some("CDC-01")), (CaseState::Suspected, None)]);
    }
}

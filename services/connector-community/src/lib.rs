//! Community feeds: household register, gates, meters.
//!
//! Everything is declared in the profiles; a subtly different form of a feed is a new profile, not new code.

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, Profile, ProfileError, ProfileFeed};

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("household-register.toml", include_str!("../profiles/household-register.toml")),
    ("gate-register.toml", include_str!("../profiles/gate-register.toml")),
    ("gate-scans.toml", include_str!("../profiles/gate-scans.toml")),
    ("meter-readings.toml", include_str!("../profiles/meter-readings.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("community", PROFILES, folder)?.into_iter().map(feed).collect()
}

/// The feed that a profile of this service declares.
///
/// # Errors
/// When the profile cannot be used.
pub fn feed(profile: Profile) -> Result<Arc<dyn Feed>, ProfileError> {
    Ok(Arc::new(ProfileFeed::new(profile)?))
}

#[cfg(test)]
mod tests {
    use connector::Reason;
    use connector::{Draft, Feed, RowError, preview};
    use domain::Timestamp;
    use domain::{Body, CodeColour, Decimal, GateDecision, IdScheme, MeterQuality, Op, ResidenceKind};
    use test_support::build::token_key;

    use super::*;

    fn feed(name: &str) -> Arc<dyn Feed> {
        let mut feeds = feeds(None).expect("sound profiles").into_iter();
        feeds.find(|feed| feed.id().as_str() == name).expect("a built-in feed")
    }

    fn read(name: &str, text: &str) -> Vec<Result<Vec<Draft>, RowError>> {
        let body = match name {
            "household-register" => encoding_rs::GB18030.encode(text).0.into_owned(),
            _ => text.as_bytes().to_vec(),
        };
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let rows = preview(&*feed(name), &body, &token_key(), now).expect("a body that fits");
        rows.into_iter().map(|(_, result)| result).collect()
    }

    #[test]
    fn the_built_in_profiles_are_sound() {
        assert_eq!(feeds(None).expect("sound profiles").len(), PROFILES.len());
    }

    const HOUSEHOLD: &str = "户号,户别,与户主关系,姓名,性别,公民身份号码,出生日期,户籍地址,现住址,区划代码,网格,联系电话,迁入日期,迁出日期,更新时间";

    fn member(row: &str) -> Result<Vec<Draft>, RowError> {
        read("household-register", &format!("{HOUSEHOLD}\r\n{row}\r\n")).remove(0)
    }

    #[test]
    fn a_member_is_a_person_and_a_membership_and_lives_where_they_live() {
        let row = |lives: &str| {
            format!(
                "H1,家庭户,户主,张伟,男,11010519491231002X,1949-12-31,甲路1号,{lives},320506001007,320506001007G03,13800000001,2010-01-01,,2022-03-01 10:00:00"
            )
        };
        let apart = member(&row("乙路2号")).expect("a good row");
        let kinds: Vec<_> = apart
            .iter()
            .filter_map(|draft| match &draft.body {
                Body::HouseholdMembership(member) => Some((draft.op, member.residence_kind, member.subject.len())),
                _ => None,
            })
            .collect();
        assert_eq!(kinds, [(Op::Upsert, ResidenceKind::Actual, 2), (Op::Upsert, ResidenceKind::Registered, 2)]);
        let Body::IdentityObserved(statement) = &apart[0].body else { panic!("a statement") };
        assert_eq!(statement.community_unit.as_deref(), Some("320506001007G03"));
        assert_eq!(apart[0].source_record_id.expose(), "member|H1|11010519491231002X");
        // Once the two addresses meet, the second statement is taken back.
        let together = member(&row("甲路1号")).expect("a good row");
        assert_eq!(together[2].op, Op::Retract);
    }

    #[test]
    fn a_newborn_without_number_is_known_by_name_and_a_foreigner_by_passport() {
        let row = |name: &str, number: &str| {
            format!(
                "H1,家庭户,子,{name},女,{number},2022-02-28,甲路1号,甲路1号,320506001007,320506001007G03,,,,2022-03-01 10:00:00"
            )
        };
        let newborn = member(&row("张小", "")).expect("a good row");
        assert_eq!(newborn[0].source_record_id.expose(), "member|H1|张小");
        let foreigner = member(&row("MARIA SILVA", "AB1234567")).expect("a good row");
        let Body::IdentityObserved(statement) = &foreigner[0].body else { panic!("a statement") };
        assert_eq!(statement.person.claims[0].scheme, IdScheme::Passport);
        assert_eq!(member(&row("张小", "11010519491231002")).expect_err("17 digits").reason, Reason::IdentifierInvalid);
    }

    #[test]
    fn a_reading_at_midnight_belongs_to_the_day_before_and_has_one_unit() {
        let text = "\u{feff}户号,表号,地址,寄存器,示数,单位,倍率,抄表时间,质量\r\nH1,M1,甲路1号,正向有功总,1234500,Wh,40,2022-03-02 00:00:00,估读\r\n";
        let drafts = read("meter-readings", text).remove(0).expect("a good row");
        let Body::MeterReading(reading) = &drafts[0].body else { panic!("a reading") };
        assert_eq!(reading.value, Decimal::parse("49380").expect("a number"));
        assert_eq!((reading.unit.as_str(), reading.register.as_str()), ("kWh", "1-0:1.8.0"));
        assert_eq!(reading.quality, MeterQuality::Estimated);
        assert_eq!(reading.read_time.to_string(), "2022-03-01T16:00:00Z");
        assert_eq!(drafts[0].event_time.to_string(), "2022-02-28T16:00:00Z");
        assert_eq!(drafts[0].quality_flags, ["daily-freeze"]);
        assert_eq!(reading.dwelling.place_id.as_deref(), Some("dwelling/H1"));
    }

    #[test]
    fn a_gate_that_opened_for_nobody_known_is_still_a_pass() {
        let text = r#"{"record_id":"G1-2","gate_id":"G1","scan_time":"2022-03-01 08:02:11","direction":"in","decision":"pass","plate":"苏U00001"}"#;
        let drafts = read("gate-scans", text).remove(0).expect("a good row");
        let [pass] = &drafts[..] else { panic!("one draft") };
        assert!(pass.body.subject().is_empty());
    }

    #[test]
    fn a_gate_shows_what_it_saw() {
        let text = r#"{"record_id":"G1-1","gate_id":"G1","seq":1,"scan_time":"2022-03-01 08:02:11","direction":"in","decision":"refuse","code":"red","temp":36.5,"card":"K1","name":"张?","phone":"13800000001"}"#;
        let drafts = read("gate-scans", text).remove(0).expect("a good row");
        let [sighting, pass] = &drafts[..] else { panic!("two drafts") };
        let Body::IdentityObserved(who) = &sighting.body else { panic!("a statement") };
        // A character was lost on the way: such a name would match the wrong people.
        assert!(who.person.names.is_empty());
        assert_eq!(sighting.quality_flags, ["name-damaged"]);
        let Body::GatePass(pass) = &pass.body else { panic!("a pass") };
        assert_eq!((pass.decision, pass.code_shown), (GateDecision::Refused, CodeColour::Red));
        assert_eq!((pass.temperature_c, pass.device_seq), (Some(36.5), Some(1)));
    }
}

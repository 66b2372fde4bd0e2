//! Telecom feeds: subscriber register, cell register, location updates.
//!
//! Everything is declared in the profiles; a subtly different form of a feed is a new profile, not new code.

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, Profile, ProfileError, ProfileFeed};

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("subscriber-register.toml", include_str!("../profiles/subscriber-register.toml")),
    ("cell-register.toml", include_str!("../profiles/cell-register.toml")),
    ("location-updates.toml", include_str!("../profiles/location-updates.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("telecom", PROFILES, folder)?.into_iter().map(feed).collect()
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
    use domain::{Body, Datum, IdScheme};
    use test_support::build::token_key;

    use super::*;

    fn feed(name: &str) -> Arc<dyn Feed> {
        let mut feeds = feeds(None).expect("sound profiles").into_iter();
        feeds.find(|feed| feed.id().as_str() == name).expect("a built-in feed")
    }

    fn read(name: &str, text: &str) -> Vec<Result<Vec<Draft>, RowError>> {
        let body = encoding_rs::GB18030.encode(text).0.into_owned();
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let rows = preview(&*feed(name), &body, &token_key(), now).expect("a body that fits");
        rows.into_iter().map(|(_, result)| result).collect()
    }

    #[test]
    fn the_built_in_profiles_are_sound() {
        assert_eq!(feeds(None).expect("sound profiles").len(), PROFILES.len());
    }

    #[test]
    fn one_number_in_all_prefixes_is_one_subscription() {
        let ids = |prefix: &str| {
            let row = format!("{prefix}13800000001|张伟|居民身份证|11010519491231002X|20200101000000||正常|7");
            let drafts = read("subscriber-register", &row).remove(0).expect("a good row");
            let [draft] = &drafts[..] else { panic!("one draft") };
            (draft.source_record_id.expose().clone(), draft.version)
        };
        let plain = ids("");
        assert_eq!(plain, ("subscriber|8613800000001|20200101000000".to_owned(), Some(7)));
        for prefix in ["+86", "86", "0086"] {
            assert_eq!(ids(prefix), plain);
        }
    }

    #[test]
    fn a_company_holds_a_number_and_is_no_person() {
        let row = "13800000001|云浦软件|统一社会信用代码|91110000MA12345678|20200101000000|20210101000000|销户|8";
        let drafts = read("subscriber-register", row).remove(0).expect("a good row");
        let Body::IdentityObserved(statement) = &drafts[0].body else { panic!("a statement") };
        assert!(statement.person.names.is_empty());
        let schemes: Vec<_> = statement.person.claims.iter().map(|claim| claim.scheme).collect();
        assert_eq!(schemes, [IdScheme::Msisdn]);
        assert_eq!(statement.account_status.as_deref(), Some("CLOSED"));
        assert!(statement.valid_to.is_some());
        assert_eq!(drafts[0].quality_flags, ["organisation-holder"]);
    }

    #[test]
    fn a_machine_is_told_apart() {
        let row = "1064812345678|云浦软件|统一社会信用代码|91110000MA12345678|20200101000000||正常|8";
        assert_eq!(read("subscriber-register", row).remove(0).expect_err("no person").reason, Reason::MachineNumber);
    }

    #[test]
    fn the_longer_statement_about_a_stay_is_the_later_one() {
        let rows = "20220301080000||13800000001|460-00-1|TAU\n20220301080000|20220301081000|13800000001|460-00-1|TAU";
        let drafts: Vec<_> =
            read("location-updates", rows).into_iter().map(|row| row.expect("good").remove(0)).collect();
        assert_eq!(drafts[0].source_record_id, drafts[1].source_record_id);
        assert_eq!((drafts[0].version, drafts[1].version), (Some(0), Some(600)));
        let Body::PresenceInterval(stay) = &drafts[1].body else { panic!("a stay") };
        assert_eq!(stay.place.place_id.as_deref(), Some("telecom/460-00-1"));
        assert_eq!(stay.start_time.to_string(), "2022-03-01T00:00:00Z");
        assert!(drafts[1].offset_assumed);
        let backwards = "20220301081000|20220301080000|13800000001|460-00-1|TAU";
        assert_eq!(read("location-updates", backwards).remove(0).expect_err("backwards").reason, Reason::TimeOrder);
    }

    #[test]
    fn a_cell_is_placed_in_wgs84_and_one_without_datum_is_refused() {
        let row = "460-00-1|31.3000|120.6000|GCJ02|120|500|320506001007|20200101000000|";
        let drafts = read("cell-register", row).remove(0).expect("a good row");
        let Body::PlaceRegistered(place) = &drafts[0].body else { panic!("a place") };
        assert_eq!(place.place.place_id.as_deref(), Some("telecom/460-00-1"));
        assert_eq!((place.place.datum, place.place.radius_m), (Datum::Wgs84, Some(500.0)));
        let (lat, lon) = (place.place.lat.expect("north"), place.place.lon.expect("east"));
        assert!((31.298..31.306).contains(&lat) && (120.594..120.597).contains(&lon), "{lat} {lon}");
        assert_eq!(drafts[0].quality_flags, ["converted-gcj02"]);
        let error = read("cell-register", &row.replace("GCJ02", "")).remove(0).expect_err("no datum");
        assert_eq!((error.reason, error.field.as_deref()), (Reason::RequiredMissing, Some("column 4 (datum)")));
    }
}

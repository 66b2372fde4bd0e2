//! Transport feeds: rail tickets, passenger lists and bookings.
//!
//! Tables are declared in their profiles alone; a subtly different form of one is a new profile, not new code. Particular
//! to carriers are EDIFACT messages ([`feeds`] gives them a feed of their own).

mod edifact;

use std::path::Path;
use std::sync::Arc;

use connector::{Feed, FormatKind, Profile, ProfileError, ProfileFeed};

use edifact::EdifactFeed;

/// The built-in profiles: file name and text.
pub const PROFILES: &[(&str, &str)] = &[
    ("air-passengers.toml", include_str!("../profiles/air-passengers.toml")),
    ("gtfs-stops.toml", include_str!("../profiles/gtfs-stops.toml")),
    ("rail-tickets.toml", include_str!("../profiles/rail-tickets.toml")),
];

/// The feeds of this service; profiles in `folder` add to the built-in ones or replace them.
///
/// # Errors
/// When a profile cannot be used.
pub fn feeds(folder: Option<&Path>) -> Result<Vec<Arc<dyn Feed>>, ProfileError> {
    Profile::load("transport", PROFILES, folder)?.into_iter().map(feed).collect()
}

/// The feed that a profile of this service declares.
///
/// # Errors
/// When the profile cannot be used.
pub fn feed(profile: Profile) -> Result<Arc<dyn Feed>, ProfileError> {
    Ok(match profile.format.kind {
        FormatKind::Edifact => Arc::new(EdifactFeed::new(profile)),
        _ => Arc::new(ProfileFeed::new(profile)?),
    })
}

#[cfg(test)]
mod tests {
    use connector::Reason;
    use connector::{Draft, Feed, RowError, preview};
    use domain::Timestamp;
    use domain::{Body, IdScheme, TripStatus};
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

    const HEADER: &str = "票号,车次,乘车日期,始发日期,发站,到站,车厢,席位,开车时间,到达时间,姓名,证件类型,证件号码,订票人手机,状态,操作时间";

    fn ticket(row: &str) -> Result<Vec<Draft>, RowError> {
        read("rail-tickets", &format!("{HEADER}\r\n{row}\r\n")).remove(0)
    }

    #[test]
    fn a_ticket_is_a_trip_on_a_run_and_a_sighting_of_who_travels() {
        let drafts = ticket(
            "E1,T5317/6,2022-03-02,2022-03-01,云浦,上海,加1,无座,2022-03-02 00:10:00,2022-03-02 02:00:00,张伟,居民身份证,1101051949****002X,13800000001,已售,2022-02-28 10:00:00",
        )
        .expect("a good row");
        let [sighting, trip] = &drafts[..] else { panic!("two drafts") };
        let Body::IdentityObserved(who) = &sighting.body else { panic!("a statement") };
        assert!(who.person.claims[0].masked && sighting.quality_flags.is_empty());
        assert_eq!(who.contacts.len(), 1);
        assert!(sighting.source_record_id.expose().starts_with("who:"));
        let Body::TripSegment(segment) = &trip.body else { panic!("a trip") };
        // The train left its origin the day before, under another number.
        assert_eq!(segment.run_id, "2022-03-01/T5316/T5317");
        assert_eq!((segment.carriage.as_deref(), segment.seat.as_deref()), (Some("加1"), None));
        assert_eq!(segment.status, TripStatus::Booked);
        // A masked number leads to nobody: the record of the statement does.
        assert_eq!(segment.subject.iter().map(|claim| claim.scheme).collect::<Vec<_>>(), [IdScheme::Record]);
        assert_eq!(trip.version, Some(1_646_013_600_000));
    }

    #[test]
    fn marks_of_spreadsheets_and_invisible_characters_are_no_part_of_a_ticket() {
        let row = |number: &str, name: &str| {
            format!(
                "{number},G1,2022-03-01,2022-03-01,云浦,上海,05,08F,2022-03-01 08:00:00,,{name},居民身份证,11010519491231002X,,已售,2022-02-28 10:00:00"
            )
        };
        let told = |row: &str| {
            let drafts = ticket(row).expect("a good row");
            let keys: Vec<String> = drafts.iter().map(|draft| draft.source_record_id.expose().clone()).collect();
            (keys, drafts.last().expect("a trip").quality_flags.clone())
        };
        let (plain, none) = told(&row("E1", "张伟"));
        assert!(none.is_empty());
        for (number, name, flag) in [
            ("=\"E1\"", "张伟", "guard-removed"),
            ("'E1", "'张伟", "guard-removed"),
            ("E1", "张\u{200b}伟", "invisible-removed"),
            ("\u{202d}E1\u{202c}", "张伟", "invisible-removed"),
        ] {
            assert_eq!(told(&row(number, name)), (plain.clone(), vec![flag]), "{number:?}, {name:?}");
        }
        let error = ticket(&row("E1", "张伟").replace("2022-03-01 08:00:00", "2022-02-29 08:00:00"));
        assert!(error.expect_err("no leap year").message.contains("its month does not have"));
    }

    #[test]
    fn a_stop_of_a_timetable_is_a_place() {
        let text = "\u{feff}stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station\n\
                    S1,,\"Bridge, north\",31.3,120.6,0,P1\nS2,,Hall,,,3,\nS3,,Nowhere,31.3,,0,\n";
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let rows = preview(&*feed("gtfs-stops"), text.as_bytes(), &token_key(), now).expect("a body that fits");
        let Body::PlaceRegistered(stop) = &rows[0].1.as_ref().expect("a stop")[0].body else { panic!("a place") };
        assert_eq!((stop.place.place_id.as_deref(), stop.place.lat), (Some("timetable/S1"), Some(31.3)));
        assert_eq!(stop.place.name.as_ref().map(|name| name.expose().as_str()), Some("Bridge, north"));
        assert!(rows[1].1.is_ok());
        assert_eq!(rows[2].1.as_ref().expect_err("half a place").reason, Reason::RequiredMissing);
    }

    #[test]
    fn a_booking_ahead_is_no_wrong_clock_but_a_year_off_is() {
        let row = |depart: &str| {
            format!(
                "E1,G1,2022-03-30,2022-03-30,云浦,上海,05,08F,{depart},,张伟,居民身份证,11010519491231002X,,已售,2022-03-19 10:00:00"
            )
        };
        assert!(ticket(&row("2022-03-30 08:00:00")).is_ok());
        let error = ticket(&row("2032-03-30 08:00:00")).expect_err("years ahead");
        assert_eq!((error.reason, error.field.as_deref()), (Reason::TimeOutOfRange, Some("开车时间")));
    }
}

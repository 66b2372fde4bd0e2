use std::sync::Arc;

use connector::{Mapped, preview};
use domain::{Body, IdScheme, IdentityObserved, Sex, Timestamp, TripSegment, TripStatus};
use test_support::build::token_key;

use super::*;

fn read(body: &str) -> Vec<Mapped> {
    read_on(body, "2022-03-20T00:00:00Z")
}

fn read_on(body: &str, now: &str) -> Vec<Mapped> {
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed: Arc<dyn Feed> = feeds.find(|feed| feed.id().as_str() == "air-passengers").expect("a built-in feed");
    let now = Timestamp::parse(now).expect("an instant");
    let rows = preview(&*feed, body.as_bytes(), &token_key(), now).expect("a body that fits");
    rows.into_iter().map(|(_, result)| result).collect()
}

fn trips(drafts: &[Draft]) -> Vec<&TripSegment> {
    let trip = |draft| match draft {
        &Draft { body: Body::TripSegment(ref trip), .. } => Some(trip),
        _ => None,
    };
    drafts.iter().filter_map(trip).collect()
}

const LIST: &str = "UNA:+.? '\nUNB+UNOA:4+XX+YY+220301:0545+7++YY'\nUNH+7+PAXLST:D:05B:UN:IATA'\nBGM+745'\nNAD+MS+++HELP DESK'\n\
TDT+20+XX0877+++XX'\nLOC+92+PEK'\nDTM+189:2203011500:201'\nLOC+92+ICN'\nDTM+232:2203011855:201'\n\
TDT+20+XX12+++XX'\nLOC+92+ICN'\nDTM+189:2203012300:201'\nLOC+92+QQQ'\nDTM+232:2203020430:201'\n\
NAD+FL+++OBRIEN:PAT:LEE'\nATT+2++F'\nDTM+329:680223'\nLOC+178+PEK'\nLOC+179+QQQ'\nNAT+2+IRL'\nRFF+AVF:ABC123'\n\
DOC+P:110:111+PA1234567'\nDTM+36:281230'\nLOC+91+IRL'\n\
NAD+FL+++WANG:XIAOMING'\nATT+2++M'\nDTM+329:20150606'\nLOC+178+ICN'\nLOC+179+QQQ'\nRFF+SEA:9F'\n\
NAD+FL+++BAD:DOCUMENT'\nDOC+P:110:111+!!!'\n\
CNT+42:3'\nUNT+33+7'\nUNZ+1+7'\n";

#[test]
fn each_traveller_of_a_list_is_a_row_with_the_flights_they_are_on() {
    let rows = read(LIST);
    assert_eq!(rows.len(), 3);
    let first = rows[0].as_ref().expect("a traveller");
    let flights: Vec<_> = trips(first).iter().map(|trip| trip.run_id.clone()).collect();
    assert_eq!(flights, ["2022-03-01/XX877", "2022-03-01/XX12"]);
    // Local to Beijing, and to Seoul.
    assert_eq!(trips(first)[0].depart_time.to_string(), "2022-03-01T07:00:00Z");
    assert_eq!(trips(first)[0].arrive_time.map(|at| at.to_string()).as_deref(), Some("2022-03-01T09:55:00Z"));
    let Body::IdentityObserved(who) = &first[0].body else { panic!("a statement") };
    assert_eq!(who.person.birth_date.map(|day| day.to_string()).as_deref(), Some("1968-02-23"));
    assert_eq!(
        (who.person.claims[0].scheme, who.person.claims[0].issuer.as_deref()),
        (IdScheme::Passport, Some("IRL"))
    );
    assert_eq!(who.person.names[0].given.as_ref().map(|given| given.expose().as_str()), Some("PAT LEE"));
    let second = rows[1].as_ref().expect("a traveller");
    assert_eq!(trips(second).len(), 1);
    assert_eq!(trips(second)[0].seat.as_deref(), Some("9F"));
    // Where the arrival is local to is not known.
    assert_eq!(second[1].quality_flags, ["airport-zone-unknown"]);
    assert_eq!(first[1].version, Some(1_646_113_500_000_000));
    let error = rows[2].as_ref().expect_err("no document has that number");
    assert_eq!((error.reason, error.field.as_deref()), (Reason::IdentifierInvalid, Some("DOC")));
}

#[test]
fn times_of_flights_are_read_with_and_without_a_century() {
    let departs = |stated: &str| {
        let rows = read(&LIST.replace("DTM+189:2203011500:201", stated));
        rows[0].as_ref().map(|drafts| trips(drafts)[0].depart_time.to_string()).map_err(|error| error.reason)
    };
    for stated in
        ["DTM+189:2203011500:201", "DTM+189:202203011500:203", "DTM+189:20220301150000:204", "DTM+189:202203011500"]
    {
        assert_eq!(departs(stated).as_deref(), Ok("2022-03-01T07:00:00Z"), "{stated}");
    }
    // With seconds and without a century, of 2020: half past noon of 3 February.
    assert_eq!(departs("DTM+189:200203123000:202").as_deref(), Ok("2020-02-03T04:30:00Z"));
    assert_eq!(departs("DTM+189:20220301:102").as_deref(), Ok("2022-02-28T16:00:00Z"));
    assert_eq!(departs("DTM+189:yesterday:201"), Err(Reason::RequiredMissing));
}

fn flags(body: &str) -> Vec<&'static str> {
    let rows = read(body);
    rows[0].as_ref().expect("a traveller").iter().flat_map(|draft| draft.quality_flags.clone()).collect()
}

#[test]
fn every_repair_is_told() {
    let plain: String = LIST.lines().collect();
    assert!(!flags(&plain).iter().any(|flag| flag.starts_with("edifact")), "{:?}", flags(&plain));
    let has = |body: &str, flag: &str| assert!(flags(body).contains(&flag), "{flag}: {:?}", flags(body));
    let wrapped: Vec<String> =
        plain.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    has(
        &format!("QK XXYY\r\n.ZZZ 130631\r\n{}\r\n\r\nmail footer\r\n", wrapped.join("\r\n")),
        "edifact-lines-unwrapped",
    );
    has(&format!("QK XXYY\r\n{plain}"), "edifact-preamble-skipped");
    has(&plain.replace("UNA:+.? '", "UNA:+? '"), "edifact-una-repaired");
    has(&plain.replace("UNZ+1+7'", ""), "edifact-unz-missing");
    has(&plain.replace("UNT+33+7'", ""), "edifact-unt-missing");
    has(&plain.replace("CNT+42:3", "CNT+42:4"), "edifact-count-differs");
    has(&LIST.replace("BGM+745'", "BGM+745’"), "edifact-terminator-repaired");
    has(&LIST.replace("BGM+745'", "@@'BGM+745'"), "edifact-segment-skipped");
    has(plain.trim_end_matches('\''), "edifact-terminator-repaired");
}

#[test]
fn parts_of_a_list_are_one_list_and_other_messages_are_named() {
    let two = LIST
        .replace("UNZ+1", "UNH+8+CUSRES:D:05B:UN'\nUNT+2+8'\nUNH+9+PAXLST:D:05B:UN:IATA'\nBGM+266'\nUNT+3+9'\nUNZ+3");
    let rows = read(&two);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[3].as_ref().expect_err("another message").reason, Reason::MessageType);
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "air-passengers").expect("a built-in feed");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    assert!(preview(&*feed, b"no interchange", &token_key(), now).is_err());
}

const BOOKING: &str = "UNA:+.\\*'UNB+IATA:1+XX+YY+220301:0754+3'UNH+1+PNRGOV:11:1:IA+X'MSG+:22'ORG+XX:PEK'\
TVL+050322:1640:050322:2200+ICN+PVG+XX+609'EQN+2'SRC'RCI+1A:2LS6KP::200222:0439'\
SSR+CTCM:HK:1:XX:::::8613800000001'\
TIF+LOBB+MOLLYMRS:A:1'SSR+DOCS:HK:1:XX:::::/P/GBR/796428965/GBR/13AUG54/F/12NOV30/LOBB/MOLLY ANN'\
TIF+LOBB+OMARMR:A:2'\
TVL+050322:1640:050322:2200+ICN+PVG+KE:XX+609:B'RPI+1+HK'SSR+SEAT:HK:2:XX:::ICN:PVG+015A::1+15B::2'\
TVL+060322:0915::1130+PVG+PEK+XX+17:B'RPI+1+HX'TVL+++++303:Y'TIF+LOBB+MOLLYMRS:A:1'\
ABI+4++++XX'TVL+010101:0101+AAA+BBB+XX+1'UNT+22+1'UNZ+1+3'";

#[test]
fn a_booking_is_its_travellers_on_its_flights() {
    let rows = read(BOOKING);
    let drafts = rows[0].as_ref().expect("a booking");
    let people = drafts.iter().filter_map(|draft| match &draft.body {
        Body::IdentityObserved(who) => Some(who),
        _ => None,
    });
    let people: Vec<_> = people.collect();
    assert_eq!(people.len(), 2);
    assert_eq!(people[0].person.names[0].text.expose(), "MOLLY ANN LOBB");
    assert_eq!((people[0].person.sex, people[0].person.claims.len()), (Sex::Female, 1));
    assert_eq!(people[0].person.birth_date.map(|day| day.to_string()).as_deref(), Some("1954-08-13"));
    // A title is no part of the name of whom no document spells it.
    assert_eq!(people[1].person.names[0].text.expose(), "OMAR LOBB");
    let flights: Vec<_> = trips(drafts).iter().map(|t| (t.run_id.clone(), t.seat.clone(), t.status)).collect();
    let seat = |seat: &str| Some(seat.to_owned());
    assert_eq!(
        flights,
        [
            // Two carriers sell it; the run is that of the one that flies it.
            ("2022-03-05/XX609".to_owned(), seat("15A"), TripStatus::Booked),
            ("2022-03-06/XX17".to_owned(), None, TripStatus::Refunded),
            ("2022-03-05/XX609".to_owned(), seat("15B"), TripStatus::Booked),
            ("2022-03-06/XX17".to_owned(), None, TripStatus::Refunded)
        ]
    );
    assert_eq!(trips(drafts)[0].numbers, ["KE609", "XX609"]);
}

#[test]
fn a_date_of_an_interchange_with_letters_of_two_bytes_does_not_stop_its_reader() {
    assert!(read(&BOOKING.replace("220301:0754", "2Ë20302:0754"))[0].is_ok());
}

#[test]
fn a_title_that_a_document_copies_from_the_booking_is_no_part_of_the_name() {
    let named = |document: &str| {
        let rows = read(&BOOKING.replace("LOBB/MOLLY ANN", document));
        let drafts = rows[0].as_ref().expect("a booking");
        let who = drafts.iter().find_map(|draft| match &draft.body {
            Body::IdentityObserved(who) => Some(who.person.names[0].text.expose().clone()),
            _ => None,
        });
        who.expect("a traveller")
    };
    assert_eq!(named("LOBB/MOLLYMRS/ANN"), "MOLLY ANN LOBB");
    assert_eq!(named("LOBB/MOLLY/ANN"), "MOLLY ANN LOBB");
}

#[test]
fn the_seat_of_check_in_outranks_a_reserved_one_and_what_was_asked_for_is_none() {
    let seats = |body: &str| {
        let rows = read(body);
        let trips = trips(rows[0].as_ref().expect("a booking"));
        trips.iter().filter(|trip| trip.run_id.ends_with("XX609")).map(|trip| trip.seat.clone()).collect::<Vec<_>>()
    };
    let seat = |seat: &str| Some(seat.to_owned());
    // Behind a TVL without a flight: that of the message. The document spells the name otherwise than check-in.
    let checked_in = BOOKING.replace("TIF+LOBB+MOLLYMRS:A:1'ABI", "TIF+LOBB+MOLLYMRS:A:1'SSD+039G++++Y'ABI");
    assert_eq!(seats(&checked_in), [seat("39G"), seat("15B")]);
    // Behind the TVL of the flight itself.
    let behind = "SSR+SEAT:HK:2:XX:::ICN:PVG+015A::1+15B::2'";
    let on_flight = BOOKING.replace(behind, &format!("{behind}TIF+LOBB+OMARMR:A:2'SSD+2C++++Y'"));
    assert_eq!(seats(&on_flight), [seat("15A"), seat("2C")]);
    // Of another flight.
    let other = BOOKING.replace("XX+17:B'", "XX+17:B'TIF+LOBB+OMARMR:A:2'SSD+2C++++Y'");
    assert_eq!(seats(&other), [seat("15A"), seat("15B")]);
    assert_eq!(seats(&BOOKING.replace("SEAT:HK", "RQST:HN")), [None, None]);
    let both = BOOKING.replace(behind, &format!("SSR+RQST:HK:1:XX:::ICN:PVG+14A::1'{behind}"));
    assert_eq!(seats(&both), [seat("15A"), seat("15B")]);
    assert_eq!(seats(&BOOKING.replace("+015A::1", "+OPEN::1")), [None, seat("15B")]);
}

#[test]
fn what_is_booked_beside_flights_is_left_out_and_told() {
    let hotel = BOOKING.replace("TVL+060322:0915::1130+PVG+PEK+XX+17:B'", "TVL+060322:1400:070322:1100+PVG++XX+H1'");
    let rows = read(&hotel);
    let drafts = rows[0].as_ref().expect("a booking");
    assert_eq!(trips(drafts).len(), 2);
    assert!(drafts[0].quality_flags.contains(&"segment-without-flight"));
}

#[test]
fn of_several_snapshots_of_a_flight_the_newest_wins() {
    let version = |body: &str| read(body)[0].as_ref().expect("a booking")[1].version;
    assert!(version(&BOOKING.replace("220301:0754", "220302:0754")) > version(BOOKING));
    assert_eq!(version(&BOOKING.replace("220301:0754", "20220301:0754")), version(BOOKING));
}

fn who(mapped: &Mapped) -> (&IdentityObserved, &[&'static str]) {
    let drafts = mapped.as_ref().expect("a traveller");
    match &drafts[0] {
        Draft { body: Body::IdentityObserved(who), quality_flags, .. } => (who, quality_flags),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn who_was_not_on_board_or_cancelled_has_no_trip_that_counts() {
    let record = |mapped: &Mapped| mapped.as_ref().expect("a traveller")[1].source_record_id.clone();
    let booked = read(LIST);
    for (begin, status) in [
        ("BGM+266+CLNB'", TripStatus::Refunded),
        ("BGM+745+XR'", TripStatus::Refunded),
        ("BGM+745+XF'", TripStatus::Refunded),
        ("BGM+250+XF'", TripStatus::Refunded),
        ("BGM+745+CP'", TripStatus::Booked),
        ("BGM+266'", TripStatus::Booked),
    ] {
        let rows = read(&LIST.replace("BGM+745'", begin));
        let drafts = rows[0].as_ref().expect("a traveller");
        assert!(trips(drafts).iter().all(|trip| trip.status == status), "{begin}");
        assert!(!drafts[1].quality_flags.contains(&"edifact-function-unknown"), "{begin}");
        // It is the trip that was booked before.
        assert_eq!(record(&rows[0]), record(&booked[0]), "{begin}");
    }
    assert!(flags(&LIST.replace("BGM+745'", "BGM+745+ZZ'")).contains(&"edifact-function-unknown"));
}

#[test]
fn on_a_closed_flight_nobody_has_travelled_what_had_still_to_be_flown() {
    let statuses = |made: &str| {
        let list = LIST.replace("BGM+745'", "BGM+266+CLOB'").replace("220301:0545", made);
        let rows = read(&list);
        trips(rows[0].as_ref().expect("a traveller")).iter().map(|trip| trip.status).collect::<Vec<_>>()
    };
    // The second flight leaves Seoul at 23:00, which is 14:00 UTC.
    assert_eq!(statuses("220301:0545"), [TripStatus::Travelled, TripStatus::Booked]);
    // Made at 18:00 in UTC, or in the time of the sender before the flight left.
    assert_eq!(statuses("220301:1800"), [TripStatus::Travelled, TripStatus::Booked]);
    assert_eq!(statuses("220302:0100"), [TripStatus::Travelled, TripStatus::Travelled]);
}

#[test]
fn times_that_were_not_planned_are_read_where_the_plan_is_not_stated() {
    let flight = |departs: &str, arrives: &str| {
        let list = LIST.replace("DTM+189:2203011500:201'", departs).replace("DTM+232:2203011855:201'", arrives);
        let rows = read(&list);
        let trip = trips(rows[0].as_ref().expect("a traveller"))[0];
        let local = |at: Timestamp| at.to_string()[11..16].to_owned();
        (trip.run_id.clone(), local(trip.depart_time), trip.arrive_time.map(local))
    };
    let run = "2022-03-01/XX877";
    let at = |departs: &str, arrives: &str| (run.to_owned(), departs.to_owned(), Some(arrives.to_owned()));
    for (departs, arrives) in [("136", "178"), ("186", "178"), ("133", "132")] {
        let (departs, arrives) = (format!("DTM+{departs}:2203011510:201'"), format!("DTM+{arrives}:2203011905:201'"));
        assert_eq!(flight(&departs, &arrives), at("07:10", "10:05"), "{departs}");
    }
    // The plan names the flight, wherever it stands.
    let (late, early) = ("DTM+186:2203020010:201'", "DTM+133:2203011600:201'");
    let planned = "DTM+189:2203011500:201'";
    for departs in [format!("{late}{planned}{early}"), format!("{early}{planned}{late}")] {
        assert_eq!(flight(&departs, "DTM+232:2203011855:201'DTM+132:2203011930:201'"), at("07:00", "09:55"));
    }
}

#[test]
fn a_flight_that_is_cancelled_without_its_travellers_is_told() {
    let head = &LIST[..LIST.find("NAD+FL").expect("travellers")];
    let list = format!("{}UNT+9+7'\nUNZ+1+7'\n", head.replace("BGM+745'", "BGM+745+XF'"));
    let mut feeds = crate::feeds(None).expect("sound profiles").into_iter();
    let feed = feeds.find(|feed| feed.id().as_str() == "air-passengers").expect("a built-in feed");
    let mut reader = feed.open(Box::new(list.as_bytes())).expect("a body that fits");
    assert!(reader.next_row().expect("readable").is_none());
    let codes: Vec<String> = reader.notices().into_iter().map(|notice| notice.code).collect();
    assert_eq!(codes, ["messages-empty", "flight-cancelled"]);
}

#[test]
fn the_century_of_a_birth_is_told_by_the_flight_and_not_by_the_day_of_receipt() {
    let born = |stated: &str, received: &str| {
        let rows = read_on(&LIST.replace("DTM+329:680223", &format!("DTM+329:{stated}")), received);
        let (who, flags) = who(&rows[0]);
        let record = rows[0].as_ref().expect("a traveller")[1].source_record_id.expose().clone();
        (who.person.birth_date.map(|day| day.to_string()), flags.contains(&"birth-century-assumed"), record)
    };
    for received in ["2022-03-20T00:00:00Z", "2026-03-20T00:00:00Z"] {
        for (stated, day) in [("250612", "1925-06-12"), ("220401", "1922-04-01"), ("220201", "2022-02-01")] {
            let (birth, assumed, record) = born(stated, received);
            assert_eq!((birth.as_deref(), assumed), (Some(day), true), "{stated}");
            assert!(record.ends_with(day), "{record}");
        }
        assert!(!born("19680223", received).1);
    }
    // 13AUG54 in a booking; flown in 2022.
    let rows = read_on(&BOOKING.replace("13AUG54", "13AUG24"), "2026-03-20T00:00:00Z");
    let (who, flags) = who(&rows[0]);
    assert_eq!(who.person.birth_date.map(|day| day.to_string()).as_deref(), Some("1924-08-13"));
    assert!(flags.contains(&"birth-century-assumed"));
}

#[test]
fn a_birth_that_cannot_be_read_loses_no_traveller() {
    for (stated, flag) in [
        ("010190", "birth-date-unreadable"),
        ("19850230", "birth-date-unreadable"),
        ("00000000", "birth-date-unreadable"),
        ("1985", "birth-date-partial"),
        ("0000", "birth-date-unreadable"),
    ] {
        let rows = read(&LIST.replace("DTM+329:680223", &format!("DTM+329:{stated}")));
        let (who, flags) = who(&rows[0]);
        assert_eq!(who.person.birth_date, None, "{stated}");
        assert!(flags.contains(&flag), "{stated}: {flags:?}");
    }
}

#[test]
fn names_are_read_as_carriers_write_them() {
    let named = |stated: &str| {
        let rows = read(&LIST.replace("OBRIEN:PAT:LEE", stated));
        let (who, flags) = who(&rows[0]);
        let odd = flags.iter().find(|flag| flag.starts_with("name-") || flag.starts_with("title-"));
        (who.person.names.first().map(|name| name.text.expose().clone()).unwrap_or_default(), odd.copied())
    };
    let plain = |name: &str| (name.to_owned(), None);
    assert_eq!(named("ZHANG/WEI"), plain("WEI ZHANG"));
    assert_eq!(named("ZHANG WEI MR"), ("ZHANG WEI".to_owned(), Some("title-removed")));
    assert_eq!(named("ZHANG:WEI MR"), ("WEI ZHANG".to_owned(), Some("title-removed")));
    assert_eq!(named("ANON:BABY INF"), ("BABY ANON".to_owned(), Some("title-removed")));
    assert_eq!(named("ZHANG:OMAR"), plain("OMAR ZHANG"));
    assert_eq!(named("UNKNOWN:UNKNOWN"), (String::new(), Some("name-missing")));
}

#[test]
fn a_day_of_arrival_alone_is_no_midnight() {
    let list = LIST.replace("DTM+232:2203011855:201", "DTM+232:220301:101");
    let rows = read(&list);
    let drafts = rows[0].as_ref().expect("a traveller");
    assert_eq!(trips(drafts)[0].arrive_time, None);
    assert!(drafts[1].quality_flags.contains(&"arrival-day-only"));
}

//! Messages of made-up cards.

use connector::{Mapped, preview};
use domain::Body;
use test_support::build::token_key;

use super::*;

const PROFILE: &str = include_str!("../../profiles/card-messages.toml");

fn read(body: &[u8], options: &str) -> Vec<Mapped> {
    let text = PROFILE.replace("[options]\n", &format!("[options]\n{options}\n"));
    let feed = CardFeed::new(Profile::parse("test", &text).expect("a profile")).expect("a sound profile");
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    let rows = preview(&feed, body, &token_key(), now).expect("a body that fits");
    rows.into_iter().map(|(_, result)| result).collect()
}

/// Elements 2 3 4 7 11 22 32 41 49 as characters.
fn purchase(kind: &str, time: &str) -> String {
    let map: u64 = [2, 3, 4, 7, 11, 22, 32, 41, 49].iter().map(|number| 1 << (64 - number)).sum();
    format!("{kind}{map:016X}166222020000000008000000000000001234{time}00000105106100200T1      156")
}

fn payment(mapped: &Mapped) -> (&Draft, &PaymentMade) {
    let draft = mapped.as_ref().expect("a message").last().expect("a draft");
    match &draft.body {
        Body::PaymentMade(payment) => (draft, payment),
        other => panic!("unexpected {other:?}"),
    }
}

#[test]
fn a_message_is_a_payment_and_the_card_number_is_nowhere_in_it() {
    let rows = read(purchase("0200", "0301080211").as_bytes(), "");
    let (draft, paid) = payment(&rows[0]);
    assert_eq!(draft.event_time.to_string(), "2022-03-01T08:02:11Z");
    assert_eq!((paid.amount, paid.currency.as_deref()), (Decimal::parse("12.34"), Some("CNY")));
    assert!(paid.on_site && paid.terminal_id.as_deref() == Some("T1"));
    assert_eq!(paid.subject[0].scheme, IdScheme::BankCard);
    let everything = format!("{:?} {}", rows[0], draft.source_record_id.expose());
    assert!(!everything.contains("622202000000000"), "{everything}");
}

#[test]
fn packed_digits_and_binary_bitmaps_say_the_same_as_characters() {
    let plain = purchase("0200", "0301080211");
    let map = u64::from_str_radix(&plain[4..20], 16).expect("a bitmap");
    let mut bytes = vec![0x02, 0x00];
    bytes.extend(map.to_be_bytes());
    let packed = |digits: &str| -> Vec<u8> {
        let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        (0..even.len()).step_by(2).map(|at| u8::from_str_radix(&even[at..at + 2], 16).expect("digits")).collect()
    };
    for digits in ["16", "6222020000000008", "000000", "000000001234", "0301080211", "000001", "051", "06", "100200"] {
        bytes.extend(packed(digits));
    }
    bytes.extend(b"T1      ");
    bytes.extend(packed("156"));
    let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
    framed.extend(&bytes);
    let options = "digits = \"bcd\"\nbitmap = \"binary\"\nlength = \"binary2\"";
    let rows = read(&[framed.clone(), framed[..20].to_vec()].concat(), options);
    let characters = read(plain.as_bytes(), "");
    assert_eq!(payment(&rows[0]).1, payment(&characters[0]).1);
    // A message that is cut off is one row, and the last.
    assert_eq!(rows[1].as_ref().expect_err("cut off").reason, Reason::MessageStructure);
    assert_eq!(rows.len(), 2);
}

#[test]
fn no_message_is_of_the_future_and_the_year_turns() {
    let at = |time: &str| payment(&read(purchase("0200", time).as_bytes(), "")[0]).0.event_time.to_string();
    assert_eq!(at("1231235959"), "2021-12-31T23:59:59Z");
    assert_eq!(at("0320120000"), "2022-03-20T12:00:00Z");
    assert_eq!(at("0229000000"), "2020-02-29T00:00:00Z");
    let rows = read(purchase("0200", "1340000000").as_bytes(), "");
    assert_eq!(rows[0].as_ref().expect_err("no time").reason, Reason::ValueTime);
}

#[test]
fn a_reversal_names_what_it_takes_back_and_other_messages_are_named() {
    let map: u64 = [1, 4, 7, 11, 32, 41].iter().map(|number| 1 << (64 - number)).sum();
    let second: u64 = 1 << (128 - 90);
    let original = format!("0200000001{}{:0>11}{:0>11}", "0301080211", "100200", "");
    let text = format!("0400{map:016X}{second:016X}000000001234030109000000000206100200T1      {original}");
    let rows = read(text.as_bytes(), "");
    let (_, back) = payment(&rows[0]);
    let first = read(purchase("0200", "0301080211").as_bytes(), "");
    assert_eq!(back.reverses.as_deref(), Some(payment(&first[0]).0.source_record_id.expose().as_str()));
    assert_eq!((back.amount, back.on_site), (Decimal::parse("-12.34"), false));
    let network = read(purchase("0800", "0301080211").as_bytes(), "");
    assert_eq!(network[0].as_ref().expect_err("no payment").reason, Reason::MessageType);
    let line = purchase("0200", "0301080211");
    let long = line.replace("166222", "996222");
    for damaged in [line[..60].to_owned(), line[..10].to_owned(), "0200ZZ".to_owned(), format!("{line}7"), long] {
        assert_eq!(read(damaged.as_bytes(), "")[0].as_ref().expect_err("broken").reason, Reason::MessageStructure);
    }
}

/// A purchase of 1993: elements 2 3 4 7 11 12 22 32 39 41 49.
fn purchase_1993(kind: &str, action: &str, present: char) -> String {
    let map: u64 = [2, 3, 4, 7, 11, 12, 22, 32, 39, 41, 49].iter().map(|number| 1 << (64 - number)).sum();
    format!(
        "{kind}{map:016X}1662220200000000070000000000000012340301000211000001220301080211\
         0000{present}000000006100200{action}T1      156"
    )
}

#[test]
fn a_message_of_1993_tells_its_year_and_who_was_there() {
    let rows = read(purchase_1993("1200", "000", '0').as_bytes(), "");
    let (draft, paid) = payment(&rows[0]);
    // DE 12 is local to the profile's zone.
    assert_eq!(draft.event_time.to_string(), "2022-03-01T00:02:11Z");
    assert_eq!((draft.utc_offset_min, &draft.quality_flags[..]), (Some(480), &[][..]));
    assert_eq!((paid.amount, paid.currency.as_deref()), (Decimal::parse("12.34"), Some("CNY")));
    assert!(paid.on_site);
    let absent = read(purchase_1993("1200", "000", '5').as_bytes(), "");
    assert!(!payment(&absent[0]).1.on_site);
    let declined = read(purchase_1993("1210", "116", '0').as_bytes(), "");
    assert_eq!(payment(&declined[0]).0.op, Op::Retract);
    // A reversal names the purchase by DE 56.
    let map: u64 = [4, 7, 11, 12, 32, 41, 56].iter().map(|number| 1 << (64 - number)).sum();
    let original = "120000000122030108021106100200";
    let text = format!("1420{map:016X}000000001234030100030000000222030108030006100200T1      30{original}");
    let rows = read(text.as_bytes(), "");
    assert_eq!(payment(&rows[0]).1.reverses.as_deref(), Some(draft.source_record_id.expose().as_str()));
    let unknown = read(purchase_1993("2200", "000", '0').as_bytes(), "");
    assert_eq!(unknown[0].as_ref().expect_err("2003").reason, Reason::MessageStructure);
}

#[test]
fn a_mainframe_says_the_same_in_ebcdic() {
    let plain = purchase("0200", "0301080211");
    let mut framed = ebcdic::encode(&format!("{:04}", plain.len()));
    framed.extend(ebcdic::encode(&plain));
    let rows = read(&[framed.clone(), framed].concat(), "text = \"ebcdic\"\nlength = \"ascii4\"");
    assert_eq!(rows.len(), 2);
    assert_eq!(payment(&rows[1]).1, payment(&read(plain.as_bytes(), "")[0]).1);
    let ascii = read(plain.as_bytes(), "text = \"ebcdic\"");
    assert_eq!(ascii[0].as_ref().expect_err("not EBCDIC").reason, Reason::MessageStructure);
}

#[test]
fn two_terminals_with_one_trace_number_in_one_second_made_two_payments() {
    let other = purchase("0200", "0301080211").replace("T1      ", "T2      ");
    let lines = format!("{}\n{other}\n{}", purchase("0200", "0301080211"), purchase("0210", "0301080211"));
    let rows = read(lines.as_bytes(), "");
    let keys: Vec<&str> = rows.iter().map(|row| payment(row).0.source_record_id.expose().as_str()).collect();
    assert_eq!(keys[0], "card:100200:T1:000001:0301080211");
    assert_ne!(keys[0], keys[1]);
    assert_eq!(keys[0], keys[2], "an answer is of its request");
}

#[test]
fn a_partner_declares_the_elements_that_it_writes_otherwise() {
    let longer = purchase("0200", "0301080211").replace("000000001234", "0000000000001234");
    assert!(read(longer.as_bytes(), "")[0].is_err());
    let rows = read(longer.as_bytes(), "\"element:4\" = \"n 16\"");
    let plain = read(purchase("0200", "0301080211").as_bytes(), "");
    assert_eq!(payment(&rows[0]).1, payment(&plain[0]).1);
    let with_length = purchase("0200", "0301080211").replace("T1      ", "02T1");
    let rows = read(with_length.as_bytes(), "\"element:41\" = \"llvar ans 8\"");
    assert_eq!(payment(&rows[0]).1, payment(&plain[0]).1);
    for (option, form) in [("element:4", "n"), ("element:4", "q 12"), ("element:129", "n 1"), ("element:4", "l n 2")] {
        let text = PROFILE.replace("[options]\n", &format!("[options]\n\"{option}\" = \"{form}\"\n"));
        let error = CardFeed::new(Profile::parse("test", &text).expect("a profile")).err().expect("no such form");
        assert!(error.to_string().contains(option), "{error}");
    }
}

#[test]
fn the_time_of_transmission_may_have_a_year_or_be_that_of_the_terminal() {
    let at = |time: &str, form: &str| {
        let rows = read(purchase("0200", time).as_bytes(), &format!("\"element:7\" = \"{form}\""));
        let (draft, _) = payment(&rows[0]);
        (draft.event_time.to_string(), draft.quality_flags.contains(&"year-assumed"))
    };
    let expected = ("2021-03-01T08:02:11Z".to_owned(), false);
    assert_eq!(at("210301080211", "n 12"), expected);
    assert_eq!(at("20210301080211", "n 14"), expected);
    // Elements 4 11 12 13 32 41.
    let map: u64 = [4, 11, 12, 13, 32, 41].iter().map(|number| 1 << (64 - number)).sum();
    let text = format!("0200{map:016X}000000001234000001160211030106100200T1234567");
    let rows = read(text.as_bytes(), "");
    let (draft, _) = payment(&rows[0]);
    assert_eq!((draft.event_time.to_string().as_str(), draft.offset_assumed), ("2022-03-01T08:02:11Z", true));
    let future = read(purchase("0200", "300301080211").as_bytes(), "\"element:7\" = \"n 12\"");
    assert_eq!(future[0].as_ref().expect_err("not yet").reason, Reason::TimeOutOfRange);
}

/// A purchase with the answer of who issued the card.
fn answered(kind: &str, code: &str) -> String {
    let map: u64 = [2, 3, 4, 7, 11, 22, 32, 39, 41, 49].iter().map(|number| 1 << (64 - number)).sum();
    format!("{kind}{map:016X}166222020000000008000000000000001234030108021100000105106100200{code}T1      156")
}

#[test]
fn a_declined_answer_takes_its_request_back() {
    let lines = [purchase("0200", "0301080211"), answered("0210", "51"), answered("0210", "00")];
    let rows = read(lines.join("\n").as_bytes(), "");
    let [request, declined, approved] = [0, 1, 2].map(|at| payment(&rows[at]).0);
    assert_eq!([request.op, declined.op, approved.op], [Op::Upsert, Op::Retract, Op::Upsert]);
    assert_eq!(declined.source_record_id, request.source_record_id);
    assert_eq!(approved.body, request.body);
    // A part of the amount, or with the holder's document, is approved, too.
    for code in ["08", "10", "11"] {
        assert_eq!(payment(&read(answered("0210", code).as_bytes(), "")[0]).0.op, Op::Upsert, "{code}");
    }
    // Who asks to reverse says why there.
    assert_eq!(payment(&read(answered("0420", "68").as_bytes(), "")[0]).0.op, Op::Upsert);
    assert_eq!(payment(&read(answered("0430", "12").as_bytes(), "")[0]).0.op, Op::Retract);
}

#[test]
fn an_answer_outranks_what_was_asked_for_in_whatever_order_they_stand() {
    let version = |line: String| payment(&read(line.as_bytes(), "")[0]).0.version;
    // The order of arrival is higher than any version that is stated.
    for request in ["0200", "0201", "0220", "0100", "0400", "0421"] {
        assert_eq!(version(purchase(request, "0301080211")), Some(0), "{request}");
    }
    for (answer, code) in [("0210", "51"), ("0210", "00"), ("0230", "00"), ("0220", "51"), ("0430", "12")] {
        assert_eq!(version(answered(answer, code)), None, "{answer} {code}");
    }
    assert_eq!(version(answered("0420", "68")), Some(0), "it says why it asks");
}

#[test]
fn a_currency_is_digits_or_letters() {
    let stated = |currency: &str| {
        let line = purchase("0200", "0301080211");
        let line = format!("{}{currency}", line.strip_suffix("156").expect("a currency"));
        let rows = read(line.as_bytes(), "");
        rows[0].as_ref().map(|_| payment(&rows[0]).1.currency.clone()).map_err(|error| error.message.clone())
    };
    assert_eq!([stated("156"), stated("CNY")], [Ok(Some("CNY".to_owned())), Ok(Some("CNY".to_owned()))]);
    assert!(stated("1C6").expect_err("no currency").contains("DE 49"));
}

#[test]
fn a_header_before_a_message_is_named() {
    let line = format!("ISO015000050{}", purchase("0200", "0301080211"));
    assert!(read(line.as_bytes(), "")[0].as_ref().expect_err("a header").message.contains("header"));
}

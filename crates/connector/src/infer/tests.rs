//! Proposals for files of made-up people.

use super::*;
use crate::profile::{Encoding, Profile};
use crate::profile_feed::ProfileFeed;

/// A resident number of a division that was never assigned.
fn number(of: u16) -> String {
    let day = domain::Day::parse("1980-01-02").expect("a day");
    domain::ResidentId::compose("990101", day, of).expect("a number").as_str().to_owned()
}

fn propose(bytes: &[u8]) -> Proposal {
    infer("new-feed", bytes, true).expect("a proposal")
}

/// The proposal with what is left filled in.
fn sound(proposal: &Proposal) -> Profile {
    let profile =
        Profile::parse("proposal.toml", &proposal.toml).unwrap_or_else(|error| panic!("{error}\n{}", proposal.toml));
    if profile.format.kind.home().is_none() {
        ProfileFeed::new(profile.clone()).unwrap_or_else(|error| panic!("{error}\n{}", proposal.toml));
    }
    profile
}

fn names_of(profile: &Profile) -> Vec<(&'static str, String)> {
    let name = |column: &crate::Column| match column {
        crate::Column::Position(position) => position.to_string(),
        named => named.names()[0].clone(),
    };
    profile.columns.iter().map(|(field, column)| (field.code(), name(column))).collect()
}

fn lab() -> String {
    let mut text = String::from(
        "某市检测中心\r\n导出人：甲\r\n样本编号|受检者|身份证号|联系电话|采样时间|检测项目|检测结果|报告时间|备注\r\n",
    );
    for row in 0..60_u16 {
        let result = if row % 9 == 0 { "阳性" } else { "阴性" };
        text.push_str(&format!(
            "S{row:05}|张{}|{}|138000{row:05}|2022-03-01 08:{:02}|核酸|{result}|2022/03/01 20:{:02}:11|\r\n",
            ["伟", "小红", "建国"][usize::from(row % 3)],
            number(row + 1),
            row % 60,
            row % 60,
        ));
    }
    text.push_str("合计：60\r\n");
    text
}

#[test]
fn a_laboratory_table_in_gb18030_is_told_with_preamble_separator_columns_and_words() {
    let proposal = propose(&Encoding::Gb18030.encode(&lab()).expect("in GB 18030"));
    let profile = sound(&proposal);
    let format = &profile.format;
    assert_eq!((format.encoding, format.separator, format.header), (Encoding::Gb18030, '|', true));
    assert_eq!((format.preamble_lines, &format.trailer_prefixes[..]), (2, &["合计".to_owned()][..]));
    assert_eq!(profile.emit, EventType::TestResult);
    assert_eq!(profile.time.formats, ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S"]);
    let named = |field: &str| names_of(&profile).into_iter().find(|known| known.0 == field).map(|known| known.1);
    assert_eq!(named("id_number").as_deref(), Some("身份证号"));
    assert_eq!(named("contact_phone").as_deref(), Some("联系电话"));
    assert_eq!(named("specimen").as_deref(), Some("样本编号"));
    assert_eq!(profile.values[&Field::Result]["阳性"], "POSITIVE");
    assert!(!proposal.toml.contains("张伟") && !proposal.toml.contains(&number(1)) && !proposal.toml.contains("1380"));
    assert!(proposal.left.iter().any(|left| left.starts_with("legal_basis")));
}

#[test]
fn columns_without_header_are_told_by_their_values() {
    let rows: Vec<String> = (0..50_u16)
        .map(|row| format!("202203010802{:02},138000{row:05},46000{}-{row},{}", row % 60, row % 7, number(row + 1)))
        .collect();
    let profile = sound(&propose(rows.join("\n").as_bytes()));
    assert_eq!((profile.format.header, profile.format.width), (false, Some(4)));
    let mapped = names_of(&profile);
    assert!(mapped.contains(&("id_number", "4".to_owned())), "{mapped:?}");
    assert!(mapped.iter().any(|(field, place)| field.ends_with("phone") && place == "2"), "{mapped:?}");
}

#[test]
fn what_a_type_needs_and_no_column_has_is_left_to_fill_in() {
    let text =
        "门岗,扫码时间,体温\nG1,2022-03-01 08:00:00,36.5\nG2,2022-03-01 08:00:01,36.6\nG1,2022-03-01 08:00:02,36.4\n";
    let proposal = propose(text.as_bytes());
    assert_eq!(sound(&proposal).emit, EventType::GatePass);
    let without_place = text.replace("门岗", "杂项");
    let proposal = propose(without_place.as_bytes());
    assert!(proposal.left.iter().any(|left| left.starts_with("gate_id: GatePass needs it")), "{:?}", proposal.left);
    let error = Profile::parse("p", &proposal.toml).and_then(ProfileFeed::new).err().expect("not yet").to_string();
    assert!(error.contains("gate_id"), "{error}");
}

#[test]
fn objects_and_elements_are_told_with_their_paths() {
    let object = |row: u16| {
        format!(
            r#"{{"流水号":"{row}","门岗":"G1","扫码时间":"2022-03-01 08:00:{:02}","person":{{"phone":"138000{row:05}"}}}}"#,
            row % 60
        )
    };
    let rows: Vec<String> = (0..30).map(object).collect();
    let lines = sound(&propose(rows.join("\n").as_bytes()));
    assert_eq!(lines.format.kind.name(), "ndjson");
    assert!(names_of(&lines).iter().any(|known| known.1 == "person.phone"), "{:?}", names_of(&lines));
    let document = sound(&propose(format!(r#"{{"code":0,"data":{{"rows":[{}]}}}}"#, rows.join(",")).as_bytes()));
    assert_eq!((document.format.kind.name(), document.format.rows.as_deref()), ("json", Some("data.rows")));
    let element = |row: u16| {
        format!("<Row id=\"{row}\"><门岗>G1</门岗><扫码时间>2022-03-01 08:00:{:02}</扫码时间></Row>", row % 60)
    };
    let elements: String = (0..30).map(element).collect();
    let xml = sound(&propose(format!("<?xml version=\"1.0\"?><Export><Head/>{elements}</Export>").as_bytes()));
    assert_eq!((xml.format.kind.name(), xml.format.rows.as_deref()), ("xml", Some("Export/Row")));
    assert!(names_of(&xml).contains(&("gate_id", "门岗".to_owned())));
}

#[test]
fn messages_are_told_by_their_form() {
    let kind = |text: &str| sound(&propose(text.as_bytes())).format.kind.name();
    assert_eq!(kind("\u{b}MSH|^~\\&|A|B|C|D|20220301||ADT^A01|1|P|2.5\r"), "hl7v2");
    assert_eq!(kind("UNA:+.? 'UNB+UNOA:4+A+B+220301:0800+1'"), "edifact");
    assert_eq!(kind("QU SHAAAAA\n.PEKBBBB 010800\nUNB+UNOA:4+A+B+220301:0800+1'UNH+1+PAXLST'"), "edifact");
    assert_eq!(kind("{\"resourceType\":\"Patient\",\"id\":\"1\"}\n"), "fhir");
    assert_eq!(kind("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.04\"><a/></Document>"), "iso20022");
    assert_eq!(kind("0200723A40010A4080001612345678"), "iso8583");
}

#[test]
fn encodings_are_told_or_it_is_said_why_not() {
    let big5 = "姓名,地址,電話,時間\n".to_owned()
        + &"張小華,臺北市中正區重慶南路一段,0912345678,2022-03-01 08:00:00\n".repeat(20);
    assert_eq!(sniff::form_of(&Encoding::Big5.encode(&big5).expect("in Big5")).expect("told").encoding, Encoding::Big5);
    let latin = "Name;Straße;Größe\nMüller;Königstraße 5;groß\nLefèvre;Allée des Châtaigniers;élevé\n".repeat(8);
    let latin = Encoding::Windows1252.encode(&latin).expect("in Windows-1252");
    assert_eq!(sniff::form_of(&latin).expect("told").encoding, Encoding::Windows1252);
    let wide: Vec<u8> = "姓名,电话\n甲,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(infer("new-feed", &[&[0xFF, 0xFE], &wide[..]].concat(), true).err(), Some(InferError::Utf16));
}

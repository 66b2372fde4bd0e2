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
    infer("new-feed", bytes, true, None).expect("a proposal")
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

/// A list of results under a header of two lines, as a workbook with merged cells is saved as text.
fn grouped(title: &str, upper: &str, lower: &str) -> String {
    let mut text = format!("{title}{upper}\n{lower}\n");
    for row in 0..20_u16 {
        text.push_str(&format!(
            "{},张伟,{},1380000{:04},核酸,{},2022-03-01 20:{:02}:11,院内\n",
            row + 1,
            number(row + 1),
            row,
            if row % 5 == 0 { "阳性" } else { "阴性" },
            row
        ));
    }
    text
}

#[test]
fn the_columns_of_a_header_of_two_lines_are_counted_and_read_so() {
    let lower = ",姓名,身份证号,联系电话,检测项目,检测结果,报告时间,";
    for (title, upper, lines) in [
        ("", "序号,人员信息,,,检测信息,,,备注", 2),
        ("某市检测中心日报,,,,,,,\n", "序号,人员信息,,,检测信息,,,备注", 3),
        // Of a wide group less is filled: the line looks like a title.
        ("", "序号,信息,,,,,,备注", 2),
    ] {
        let text = grouped(title, upper, lower);
        let proposal = propose(text.as_bytes());
        let profile = sound(&proposal);
        assert_eq!((profile.format.header, profile.format.preamble_lines), (false, lines), "{}", proposal.toml);
        assert_eq!(profile.emit, EventType::TestResult);
        let named = |field: &str| names_of(&profile).into_iter().find(|known| known.0 == field).map(|known| known.1);
        for (field, place) in [("name", "2"), ("id_number", "3"), ("contact_phone", "4"), ("result", "6")] {
            assert_eq!(named(field).as_deref(), Some(place), "{field}: {}", proposal.toml);
        }
        assert!(proposal.toml.contains("# 姓名; "), "{}", proposal.toml);
        let feed = ProfileFeed::new(profile).expect("sound");
        let (key, now) = (domain::TokenKey::from_bytes(&[7; 32]), domain::Timestamp::from_millis(1_647_734_400_000));
        let rows = crate::feed::preview(&feed, text.as_bytes(), &key, now).expect("fits");
        assert_eq!((rows.len(), rows.iter().filter(|(_, row)| row.is_ok()).count()), (20, 20), "{:?}", rows[0].1);
    }
    // A header that leaves a column without a name has one line.
    let one = lab().replace("联系电话", "");
    assert!(sound(&propose(&Encoding::Gb18030.encode(&one).expect("in GB 18030"))).format.header);
}

#[test]
fn a_flat_export_of_a_laboratory_is_told_although_it_speaks_of_patients_and_providers() {
    let mut text = String::from(
        "Patient_last_name,Patient_first_name,Patient_ID,Ordered_test_code,Test_result_status,Test_result_code,\
         Illness_onset_date,Specimen_collection_date_time,Date_result_released,Patient_DOB,Patient_gender,\
         Patient_phone_number,Testing_lab_name,Ordering_provider_last_name,Ordering_provider_phone_number\n",
    );
    for row in 0..30 {
        text.push_str(&format!(
            "Example{row},Anna,p{row},94558-4,F,26037300{},20210606,202106040725-0400,20210608,1993022{},F,26075950{row:02},Lab One,Miller,2025550{row:03}\n",
            row % 3,
            row % 9 + 1,
        ));
    }
    let profile = sound(&propose(text.as_bytes()));
    assert_eq!((profile.emit, profile.connector.as_str()), (EventType::TestResult, "hospital"));
    let named = |field: &str| names_of(&profile).into_iter().find(|known| known.0 == field).map(|known| known.1);
    for (field, column) in [
        ("family_name", "Patient_last_name"),
        ("given_name", "Patient_first_name"),
        ("mrn", "Patient_ID"),
        ("test_code", "Ordered_test_code"),
        ("result", "Test_result_code"),
        ("collected_time", "Specimen_collection_date_time"),
        ("reported_time", "Date_result_released"),
        ("birth_date", "Patient_DOB"),
        ("lab", "Testing_lab_name"),
    ] {
        assert_eq!(named(field).as_deref(), Some(column), "{field}");
    }
    assert_eq!(profile.time.formats, ["%Y%m%d%H%M%z", "%Y%m%d"]);
}

#[test]
fn a_line_list_of_cases_is_a_list_of_stays_and_it_is_said_that_it_names_nobody() {
    let mut text =
        String::from("case_id,date_of_onset,date_of_hospitalisation,date_of_outcome,outcome,gender,age,province\n");
    for row in 1..=40 {
        let outcome = if row % 4 == 0 { "Death" } else { "Recover" };
        text.push_str(&format!(
            "{row},2013-02-{:02},,2013-03-{:02},{outcome},m,{},North\n",
            row % 28 + 1,
            row % 28 + 1,
            20 + row
        ));
    }
    let proposal = propose(text.as_bytes());
    let profile = sound(&proposal);
    assert_eq!((profile.emit, profile.connector.as_str()), (EventType::EncounterChanged, "hospital"));
    let mapped = names_of(&profile);
    for (field, column) in [("encounter", "case_id"), ("start_time", "date_of_onset"), ("end_time", "date_of_outcome")]
    {
        assert!(mapped.contains(&(field, column.to_owned())), "{field}: {mapped:?}");
    }
    assert!(!mapped.iter().any(|(field, _)| *field == "result"), "{mapped:?}");
    assert!(profile.identity.optional);
    assert!(proposal.left.iter().any(|left| left.starts_with("who it is")), "{:?}", proposal.left);
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
fn encodings_are_told() {
    let big5 = "姓名,地址,電話,時間\n".to_owned()
        + &"張小華,臺北市中正區重慶南路一段,0912345678,2022-03-01 08:00:00\n".repeat(20);
    assert_eq!(sniff::form_of(&Encoding::Big5.encode(&big5).expect("in Big5")).expect("told").encoding, Encoding::Big5);
    let latin = "Name;Straße;Größe\nMüller;Königstraße 5;groß\nLefèvre;Allée des Châtaigniers;élevé\n".repeat(8);
    let latin = Encoding::Windows1252.encode(&latin).expect("in Windows-1252");
    assert_eq!(sniff::form_of(&latin).expect("told").encoding, Encoding::Windows1252);
    let wide: Vec<u8> = "门岗,扫码时间\nG1,2022-03-01 08:00:00\nG2,2022-03-01 08:00:01\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let profile = sound(&propose(&[&[0xFF, 0xFE], &wide[..]].concat()));
    assert_eq!((profile.format.encoding, profile.format.header), (Encoding::Utf16, true));
}

#[test]
fn registers_meters_and_timetables_are_told_and_what_fits_nothing_is_said() {
    let towns = "code,name,areaCode\n110101001,东门街道,110101\n110101002,西门街道,110101\n110101003,北门街道,110101\n";
    let places = sound(&propose(towns.as_bytes()));
    assert_eq!((places.emit, places.connector.as_str()), (EventType::PlaceRegistered, "telecom"));
    assert!(names_of(&places).contains(&("place_id", "code".to_owned())), "{:?}", names_of(&places));
    let readings: String = (1..=20).map(|day| format!("2015-11-{day:02}T00:00:00-06:00,{day}.5\n")).collect();
    let proposal = propose(format!("start,value\n{readings}").as_bytes());
    assert!(proposal.toml.contains("emit = \"MeterReading\""), "{}", proposal.toml);
    assert!(
        proposal.left.iter().any(|left| left.starts_with("meter_id: MeterReading needs it")),
        "{:?}",
        proposal.left
    );

    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [
        ("agency.txt", "agency_id\n1\n"),
        ("stops.txt", "stop_id,stop_name,stop_lat,stop_lon\nS1,A,31.2,121.5\nS2,B,31.3,121.6\n"),
    ] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).expect("a file");
        std::io::Write::write_all(&mut archive, text.as_bytes()).expect("written");
    }
    let (stops, member) = unpacked_head(archive.finish().expect("an archive").into_inner()).expect("unpacked");
    let stops = sound(&infer("stops", &stops, true, member.as_deref()).expect("a proposal"));
    assert_eq!((stops.emit, stops.format.member.as_deref()), (EventType::PlaceRegistered, Some("stops.txt")));

    let pairs = "28820 492 938\n28860 267 272\n28880 492 938\n";
    assert!(
        infer("new-feed", pairs.as_bytes(), true, None)
            .expect_err("nothing fits")
            .to_string()
            .contains("no kind of fact")
    );
}

#[test]
fn what_follows_the_version_of_a_broken_statement_is_not_in_the_proposal() {
    let text = "<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02\nNL26VAYB8060476890\n";
    let proposal = propose(text.as_bytes());
    sound(&proposal);
    assert!(proposal.toml.contains("(camt.053.001.02)") && !proposal.toml.contains("NL26"), "{}", proposal.toml);
}

#[test]
fn a_file_whose_lines_end_with_cr_and_a_web_page_are_refused_as_such() {
    let refused = |bytes: &[u8]| sniff::form_of(bytes).expect_err("no form").to_string();
    assert!(refused("姓名,手机号\r张三,13800000001\r".as_bytes()).contains("carriage return"));
    assert!(refused(b"<html><body><table><tr><td>1</td></tr></table>").contains("web page"));
}

//! What the changes begin with: pieces of a synthetic city's files, and inputs written for the forms that a city has not.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use codec::Codec;
use connector::{Draft, Feed, FormatKind, Profile, preview};
use domain::{BatchId, Edition, Event, EventId, EventType, Meta, Timestamp, TokenKey};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_xlsxwriter::Workbook;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Bytes of a city's file that make a seed.
const PIECE_BYTES: usize = 3_000;

/// Feeds in forms that no built-in profile has.
pub(crate) const PROFILES: [&str; 3] = [
    concat!(
        include_str!("../profiles/scans.toml"),
        "[format]\nkind = \"json\"\nencoding = \"utf-8\"\nrows = \"data.rows\"\n"
    ),
    concat!(
        include_str!("../profiles/scans-xml.toml"),
        "[format]\nkind = \"xml\"\nencoding = \"gb18030\"\nrows = \"Export/Row\"\n"
    ),
    concat!(
        include_str!("../profiles/scans-workbook.toml"),
        "[format]\nkind = \"workbook\"\nencoding = \"utf-8\"\nheader = true\n"
    ),
];

/// Pieces of the files of a small city, by feed.
static CITY: LazyLock<BTreeMap<String, Vec<Vec<u8>>>> = LazyLock::new(|| {
    // Unwrap safety: without a folder for temporary files there is nothing to fuzz with.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("city");
    let options = city::Options { residents: 500, days: 2, seed: 1 };
    let city = city::generate(&options, &out, &mut |_| {}).expect("a city");
    let mut pieces: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for file in &city.files {
        let kept = pieces.entry(file.feed.to_owned()).or_default();
        if kept.len() < 8
            && let Some(piece) = piece(&out.join(&file.path))
        {
            kept.push(piece);
        }
    }
    pieces
});

fn piece(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    bytes.truncate(PIECE_BYTES);
    Some(bytes)
}

/// The seeds of a feed; never none.
pub(crate) fn of_feed(feed: &str, kind: FormatKind) -> Vec<Vec<u8>> {
    let mut seeds = CITY.get(feed).cloned().unwrap_or_default();
    let texts: &[&str] = match (feed, kind) {
        ("lab-results-pdi", _) => &[PDI],
        ("gtfs-stops", _) => &["stop_id,stop_name,stop_lat,stop_lon\nS1,\"Main, north\",31.2,121.4\nS2,Quay,,\n"],
        (_, FormatKind::Hl7v2) => &[ADMISSION, RESULT, BATCH],
        (_, FormatKind::Fhir) => &[BUNDLE, RESOURCES],
        (_, FormatKind::Edifact) => &[LIST, BOOKING],
        (_, FormatKind::Iso20022) => &[STATEMENT],
        (_, FormatKind::Iso8583) => &[CARDS],
        (_, FormatKind::Json) => &[
            r#"{"n":2,"data":{"rows":[{"record_id":"1","gate_id":"G1","scan_time":"2022-03-01 08:02:11","person":{"name":"张伟"}},{"record_id":"2"}]}}"#,
        ],
        (_, FormatKind::Xml) => &[
            "<?xml version=\"1.0\"?><Export><!-- c --><Row id=\"1\"><record_id>1</record_id><gate_id>G&amp;1</gate_id><scan_time>2022-03-01 08:02:11</scan_time><person><name><![CDATA[Li]]></name></person></Row><Row/></Export>",
        ],
        _ => &["", "{}\n", "a,b\n1,2\n"],
    };
    seeds.extend(texts.iter().map(|text| text.as_bytes().to_vec()));
    if kind == FormatKind::Workbook {
        seeds.push(workbook());
    }
    seeds
}

fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, texts) in [["record_id", "gate_id", "scan_time"], ["1", "G1", "2022-03-01 08:02:11"]].iter().enumerate() {
        for (column, text) in texts.iter().enumerate() {
            // Unwrap safety: three short texts in two rows fit any sheet.
            sheet.write_string(row as u32, column as u16, *text).expect("a cell");
        }
    }
    // Unwrap safety: it is written to memory.
    book.save_to_buffer().expect("a workbook")
}

/// Messages of the log behind a byte that chooses their topic: one of each type of event that the feeds' seeds come to.
pub(crate) fn messages(feeds: &[Arc<dyn Feed>]) -> Vec<Vec<u8>> {
    let (codec, key) = (Codec::builtin(), TokenKey::from_bytes(&[7; 32]));
    let mut messages = BTreeMap::new();
    for feed in feeds {
        let profile = feed.profile();
        let seeds = of_feed(profile.feed.as_str(), profile.format.kind);
        let rows = seeds.iter().filter_map(|seed| preview(&**feed, seed, &key, NOW).ok()).flatten();
        for draft in rows.filter_map(|(_, mapped)| mapped.ok()).flatten() {
            let event = event(profile, &key, draft);
            let Some(place) = EventType::ALL.iter().position(|known| *known == event.event_type()) else { continue };
            if let Ok(encoded) = codec.encode(&event) {
                messages.entry(place).or_insert_with(|| [&[place as u8], &encoded.payload[..]].concat());
            }
        }
    }
    messages.into_values().collect()
}

/// The instant at which everything is read: 2022-03-20T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_647_734_400_000);

fn event(profile: &Profile, key: &TokenKey, draft: Draft) -> Event {
    let edition = Edition { version: draft.version.unwrap_or(1), reading: 0 };
    let meta = Meta {
        event_id: EventId::derive(&profile.source, draft.source_record_id.expose(), edition, "", ""),
        source: profile.source.clone(),
        source_kind: profile.source_kind,
        record_id: key.record_id(&profile.source, draft.source_record_id.expose()),
        source_record_id: draft.source_record_id,
        source_record_version: edition.version,
        reading: edition.reading,
        op: draft.op,
        event_time: draft.event_time,
        event_time_precision: draft.precision,
        source_utc_offset_min: draft.utc_offset_min,
        offset_assumed: draft.offset_assumed,
        source_created_time: draft.created_time,
        ingest_time: NOW,
        schema_version: 1,
        batch_id: BatchId::derive(&profile.feed, &[7; 32]),
        batch_row: 1,
        raw_ref: None,
        trace_id: "0".repeat(32),
        quality_flags: draft.quality_flags.into_iter().map(str::to_owned).collect(),
    };
    Event { meta, body: draft.body }
}

/// Streams of MLLP blocks behind a byte that says where the network cuts them.
pub(crate) fn streams() -> Vec<Vec<u8>> {
    let block = |text: &str| format!("\u{b}{text}\u{1c}\r");
    let twice = format!("\r\n{}{}", block(RESULT), block(BATCH));
    let broken = format!("{}\u{b}\u{b}{RESULT}\u{1c}", block(""));
    let streams = [ADMISSION, &twice, &broken];
    streams.iter().zip([128, 255, 1]).map(|(stream, cut)| [&[cut], stream.as_bytes()].concat()).collect()
}

/// Packed bodies behind a byte that chooses the form for which they are unpacked.
pub(crate) fn archives() -> Vec<Vec<u8>> {
    let packed = [gzip(TABLE), zstd(TABLE), zip(&[("a.csv", TABLE), ("b/B.csv", TABLE)]), zip(&[("list.json", b"[]")])];
    let plain = [TABLE.to_vec(), workbook()];
    let all = packed.iter().chain(&plain);
    all.flat_map(|body| (0..10).map(|choice| [&[choice], &body[..]].concat())).collect()
}

/// Files of which nothing is known.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let texts = [TABLE, PDI.as_bytes(), ADMISSION.as_bytes(), BUNDLE.as_bytes(), LIST.as_bytes(), STATEMENT.as_bytes()];
    let made = [workbook(), gzip(TABLE), zip(&[("a.csv", TABLE), ("b.csv", TABLE)])];
    let pieces = CITY.values().flat_map(|pieces| pieces.iter().take(2).cloned());
    pieces.chain(texts.map(<[u8]>::to_vec)).chain(made).collect()
}

const TABLE: &[u8] =
    "record_id,gate_id,phone,scan_time\n1,G1,13800000001,2022-03-01 08:02:11\n2,G1,,2022-03-01 08:03:12\n".as_bytes();

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Unwrap safety: it is written to memory.
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("compressed")
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    // Unwrap safety: it is written to memory.
    zstd::encode_all(plain, 3).expect("compressed")
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, plain) in files {
        let begun = archive.start_file(*name, SimpleFileOptions::default());
        // Unwrap safety: it is written to memory.
        begun.map_err(std::io::Error::other).and_then(|()| archive.write_all(plain)).expect("a file");
    }
    // Unwrap safety: it is written to memory.
    archive.finish().expect("an archive").into_inner()
}

/// Texts of profiles.
pub(crate) fn profiles() -> Vec<Vec<u8>> {
    let shipped = [connector_community::PROFILES, connector_hospital::PROFILES, connector_transport::PROFILES].concat();
    shipped.iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}

/// Texts of identifiers.
pub(crate) fn identifiers() -> Vec<Vec<u8>> {
    [
        "11010519491231002X",
        "110105491231002",
        "１１０１０５１９４９１２３１００２ｘ",
        "+86 138-0000-0001",
        "008613800000001",
        "1.1E+17",
        "G*****123",
        "E12345678",
        "6222020000000008",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

const PDI: &str = "Patient_last_name,Patient_first_name,Patient_ID,Patient_DOB,Patient_gender,Patient_phone_number,Patient_street,Result_ID,\
Ordered_test_code,Test_result_code,Test_result_status,Specimen_collection_date_time,Date_result_released,Testing_lab_name,Ordering_facility_name\n\
Doe,Jane,P1,19800101,F,2125550100,\"1 Main St, Apt 2\",R1,94500-6,260373001,F,202203010800-0500,202203011200-0500,Lab,Clinic\n";

const ADMISSION: &str = "\u{b}MSH|^~\\&|HIS|HOSP|HUB|CITY|20220301080000||ADT^A01|1|P|2.5||||||UNICODE UTF-8\rEVN|A01|20220301080000||||20220301075900\r\
PID|1||M1^^^HOSP&1.2&ISO^MR~11010519491231002X^^^^NNCHN||王^小\\T\\明^^^^^L||19491231|F|||幸福路1号^^云浦||13800000001\r\
PV1|1|I|W1^2^3||||||||||||||||V1|||||||||||||||||||||||||20220301080000\rDG1|1||J18.9\rMRG|M9^^^HOSP^MR\r\u{1c}\r";

const RESULT: &str = "MSH|^~\\&|LIS|LAB|||20220301080000||ORU^R01^ORU_R01|2|P|2.5.1\rPID|1||M1^^^HOSP^MR||WANG^XIAOMING\r\
ORC|RE|P1|F1\rOBR|1|P1|F1|94500-6^SARS^LN|||20220301070000|||||||||||||||20220301080000|||F\r\
OBX|1|CWE|94500-6^^LN||260373001^Detected^SCT||||||F|||20220301073000\rOBX|2|NM|CT^^L||31.5\rSPM|1|S1^F1||258500001\r";

const BATCH: &str = "FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|A|B|||20220301||ADT^A40|3|P|2.3\nPID|1||M1^^^B^MR\nMRG|M2^^^B^MR\r\n\
MSH|^~\\&|A|B|||20220301||ADT^A45|4|P|2.3\rPID|1||M1\rMRG|M2||||V1\rPV1|1|I|||||||||||||||||V2\rBTS|2\rFTS|1\r";

const BUNDLE: &str = r#"{"resourceType":"Bundle","type":"batch","timestamp":"2022-03-01T08:00:00+08:00","entry":[
{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"p1","identifier":[{"system":"urn:oid:1","value":"M1","type":{"coding":[{"code":"MR"}]}}],"name":[{"text":"王小明","family":"王","given":["小明"]}],"telecom":[{"system":"phone","value":"13800000001"}],"birthDate":"1949-12"}},
{"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"94500-6"}]},"subject":{"reference":"Patient?identifier=urn:oid:1|M1"},"effectiveDateTime":"2022-03-01","valueQuantity":{"value":1.5e0}}},
{"resource":{"resourceType":"Encounter","id":"e1","status":"entered-in-error","class":{"code":"IMP"},"period":{"start":"2022-03-01T08:00:00Z"}}},7]}"#;

const RESOURCES: &str = "{\"resourceType\":\"Location\",\"id\":\"l1\",\"position\":{\"latitude\":31.2,\"longitude\":121.4}}\n\
{\"resourceType\":\"Immunization\",\"id\":\"i1\",\"status\":\"completed\",\"patient\":{\"reference\":\"Patient/p1\"},\"occurrenceDateTime\":\"2021\"}\n\
{\"resourceType\":\"Condition\",\"id\":\"c1\",\"subject\":{\"reference\":\"urn:uuid:1\"},\"encounter\":{\"reference\":\"Encounter/e1\"},\"code\":{\"text\":\"x\"}}\n{\n";

const LIST: &str = "UNA:+.? '\nUNB+UNOA:4+XX+YY+220301:0545+7++YY'\nUNH+7+PAXLST:D:05B:UN:IATA'\nBGM+745'\nNAD+MS+++HELP DESK'\n\
TDT+20+XX0877+++XX'\nLOC+92+PEK'\nDTM+189:2203011500:201'\nLOC+92+ICN'\nDTM+232:2203011855:201'\n\
NAD+FL+++OBRIEN:PAT:LEE'\nATT+2++F'\nDTM+329:680223'\nLOC+178+PEK'\nNAT+2+IRL'\nRFF+AVF:ABC123'\n\
DOC+P:110:111+PA1234567'\nDTM+36:281230'\nLOC+91+IRL'\nCNT+42:3'\nUNT+33+7'\nUNZ+1+7'\n";

const BOOKING: &str = "UNA:+.\\*'UNB+IATA:1+XX+YY+220301:0754+3'UNH+1+PNRGOV:11:1:IA+X'MSG+:22'ORG+XX:PEK'\
TVL+050322:1640:050322:2200+ICN+PVG+XX+609'EQN+2'SRC'RCI+1A:2LS6KP::200222:0439'SSR+CTCM:HK:1:XX:::::8613800000001'\
TIF+LOBB+MOLLYMRS:A:1'SSR+DOCS:HK:1:XX:::::/P/GBR/796428965/GBR/13AUG54/F/12NOV30/LOBB/MOLLY ANN'\
TVL+050322:1640:050322:2200+ICN+PVG+KE:XX+609:B'RPI+1+HK'SSR+SEAT:HK:2:XX:::ICN:PVG+015A::1+15B::2'UNT+22+1'UNZ+1+3'";

const STATEMENT: &str = "<?xml version='1.0' encoding='UTF-8'?><c:Document xmlns:c='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'><c:M>\
<GrpHdr><MsgId>m</MsgId><CreDtTm>2022-03-02T18:00:00+08:00</CreDtTm></GrpHdr><Stmt><Id>s1</Id><Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>\
<Ntry><Amt Ccy='CNY'>8.85</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2022-03-01T10:00:00</DtTm></BookgDt>\
<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Nm>李雷</Nm></Dbtr></RltdPties></TxDtls></NtryDtls></Ntry></Stmt></c:M></c:Document>";

const CARDS: &str = "02007220040080808000166222020000000008000000000000001234030108021100000105106100200T1      156\n\
0400F2200000008000000000004000000000166222020000000008\n080082200000000000000400000000000000\n";

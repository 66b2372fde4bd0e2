//! Bodies of every form that the hub takes, as many rows long as wanted. Everybody in them is made up; the county code of
//! the resident numbers was never assigned.

use std::fmt::Write;

use anyhow::Context;
use rust_xlsxwriter::Workbook;

/// A feed, what it is called in the table, and how a body of it is made.
pub(crate) struct Form {
    /// The feed that takes it.
    pub(crate) feed: &'static str,
    /// The form, for the reader.
    pub(crate) name: &'static str,
    /// Rows of a body that is measured, where the default would take too long.
    pub(crate) rows_max: u32,
    /// Rows from a number on, as a body.
    pub(crate) body: fn(from: u32, rows: u32) -> anyhow::Result<Vec<u8>>,
}

/// The forms, in the order of the table.
pub(crate) static FORMS: [Form; 10] = [
    Form { feed: "location-updates", name: "CSV", rows_max: u32::MAX, body: |from, rows| Ok(csv(from, rows)) },
    Form { feed: "gate-scans", name: "NDJSON", rows_max: u32::MAX, body: |from, rows| Ok(ndjson(from, rows)) },
    Form { feed: "bench-json", name: "JSON", rows_max: u32::MAX, body: |from, rows| Ok(json(from, rows)) },
    Form { feed: "bench-xml", name: "XML", rows_max: u32::MAX, body: |from, rows| Ok(xml(from, rows)) },
    Form { feed: "bench-xlsx", name: "XLSX", rows_max: 50_000, body: xlsx },
    Form { feed: "hospital-hl7", name: "HL7 v2", rows_max: 50_000, body: |from, rows| Ok(hl7(from, rows)) },
    Form { feed: "hospital-fhir", name: "FHIR R4", rows_max: 50_000, body: |from, rows| Ok(fhir(from, rows)) },
    Form { feed: "air-passengers", name: "EDIFACT", rows_max: 50_000, body: |from, rows| Ok(edifact(from, rows)) },
    Form { feed: "bank-statements", name: "camt.053", rows_max: 50_000, body: |from, rows| Ok(camt(from, rows)) },
    Form { feed: "card-messages", name: "ISO 8583", rows_max: 50_000, body: |from, rows| Ok(iso8583(from, rows)) },
];

/// Profiles of the forms that no department of the city pushes: the gate scans in another dress.
pub(crate) fn profiles() -> Vec<(String, String)> {
    let scans = include_str!("../../services/connector-community/profiles/gate-scans.toml");
    let dressed = |name: &str, format: &str| {
        let text = scans
            .replace("feed = \"gate-scans\"", &format!("feed = \"{name}\""))
            .replace("source = \"gates\"", &format!("source = \"{name}\""))
            .replace("kind = \"ndjson\"\nencoding = \"utf-8\"", format);
        (format!("{name}.toml"), text)
    };
    vec![
        dressed("bench-json", "kind = \"json\"\nencoding = \"utf-8\"\nrows = \"scans\""),
        dressed("bench-xml", "kind = \"xml\"\nencoding = \"utf-8\"\nrows = \"scans/scan\""),
        dressed("bench-xlsx", "kind = \"workbook\"\nencoding = \"utf-8\"\nheader = true"),
    ]
}

/// A second of the week in which everything happens.
fn second(row: u32) -> (u32, u32, u32, u32) {
    (1 + row / 86_400 % 7, row / 3_600 % 24, row / 60 % 60, row % 60)
}

/// One of fifty thousand phones.
fn phone(row: u32) -> String {
    format!("138{:08}", row.wrapping_mul(2_654_435_761) % 50_000)
}

fn csv(from: u32, rows: u32) -> Vec<u8> {
    let mut text = String::new();
    for row in from..from + rows {
        let (day, hour, minute, second) = second(row);
        let begun = format!("202203{day:02}{hour:02}{minute:02}{second:02}");
        let _ = writeln!(text, "{begun}|{begun}|{}|460-00-{:04}-{row}|attach", phone(row), row % 5_000);
    }
    text.into_bytes()
}

fn scan(row: u32) -> [(&'static str, String); 9] {
    let (day, hour, minute, second) = second(row);
    [
        ("record_id", format!("s{row}")),
        ("gate_id", format!("G{}", row % 400)),
        ("seq", row.to_string()),
        ("scan_time", format!("2022-03-{day:02} {hour:02}:{minute:02}:{second:02}")),
        ("direction", "in".to_owned()),
        ("decision", "pass".to_owned()),
        ("code", "green".to_owned()),
        ("card", format!("C{:06}", row % 50_000)),
        ("phone", phone(row % 50_000)),
    ]
}

fn object(row: u32) -> String {
    let fields: Vec<String> = scan(row).iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    format!("{{{}}}", fields.join(","))
}

fn ndjson(from: u32, rows: u32) -> Vec<u8> {
    let mut text = String::new();
    for row in from..from + rows {
        text.push_str(&object(row));
        text.push('\n');
    }
    text.into_bytes()
}

fn json(from: u32, rows: u32) -> Vec<u8> {
    let rows: Vec<String> = (from..from + rows).map(object).collect();
    format!("{{\"scans\":[{}]}}", rows.join(",\n")).into_bytes()
}

fn xml(from: u32, rows: u32) -> Vec<u8> {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scans>\n");
    for row in from..from + rows {
        text.push_str("<scan>");
        for (name, value) in scan(row) {
            let _ = write!(text, "<{name}>{value}</{name}>");
        }
        text.push_str("</scan>\n");
    }
    text.push_str("</scans>\n");
    text.into_bytes()
}

fn xlsx(from: u32, rows: u32) -> anyhow::Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    // A header has every column of its profile.
    let names = scan(from).map(|(name, _)| name);
    for (column, name) in names.into_iter().chain(["name", "id_no", "plate", "temp"]).enumerate() {
        sheet.write(0, column as u16, name)?;
    }
    for row in 0..rows {
        for (column, (_, value)) in scan(from + row).iter().enumerate() {
            sheet.write(row + 1, column as u16, value)?;
        }
    }
    workbook.save_to_buffer().context("a workbook in memory")
}

fn hl7(from: u32, rows: u32) -> Vec<u8> {
    let mut text = String::new();
    for row in from..from + rows {
        let (day, hour, minute, second) = second(row);
        let at = format!("202203{day:02}{hour:02}{minute:02}{second:02}");
        let _ = write!(
            text,
            "MSH|^~\\&|HIS|H1|HUB|CITY|{at}||ADT^A01|{row}|P|2.5||||||UNICODE UTF-8\rPID|1||M{row}^^^H1^MR||王^小明||19800101|M|||||{}\r\
             PV1|1|I|W1^R2^B3||||||||||||||||V{row}|||||||||||||||||||||||||{at}\r\n",
            phone(row)
        );
    }
    text.into_bytes()
}

fn fhir(from: u32, rows: u32) -> Vec<u8> {
    let mut text = String::new();
    for row in from..from + rows {
        let _ = writeln!(
            text,
            "{{\"resourceType\":\"Patient\",\"id\":\"p{row}\",\"meta\":{{\"lastUpdated\":\"2022-03-01T08:00:00+08:00\"}},\
             \"name\":[{{\"use\":\"official\",\"family\":\"王\",\"given\":[\"小明\"]}}],\
             \"telecom\":[{{\"system\":\"phone\",\"value\":\"{}\"}}],\"gender\":\"male\",\"birthDate\":\"1980-01-01\"}}",
            phone(row)
        );
    }
    text.into_bytes()
}

fn edifact(from: u32, rows: u32) -> Vec<u8> {
    let mut text = format!(
        "UNA:+.? '\nUNB+UNOA:4+XX+YY+220301:0545+{from}++YY'\nUNH+7+PAXLST:D:05B:UN:IATA'\nBGM+745'\nNAD+MS+++HELP DESK'\n\
         TDT+20+XX0877+++XX'\nLOC+92+PEK'\nDTM+189:2203011500:201'\nLOC+92+ICN'\nDTM+232:2203011855:201'\n"
    );
    for row in from..from + rows {
        let _ = write!(
            text,
            "NAD+FL+++WANG:XIAOMING'\nATT+2++M'\nDTM+329:800101'\nLOC+178+PEK'\nLOC+179+ICN'\nNAT+2+CHN'\n\
             DOC+P:110:111+E{row:08}'\nDTM+36:281230'\nLOC+91+CHN'\n"
        );
    }
    let _ = write!(text, "CNT+42:{rows}'\nUNT+{}+7'\nUNZ+1+{from}'\n", 9 + 9 * rows);
    text.into_bytes()
}

fn camt(from: u32, rows: u32) -> Vec<u8> {
    let mut text = format!(
        "<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt>\
         <GrpHdr><MsgId>m{from}</MsgId><CreDtTm>2022-03-02T18:00:00+08:00</CreDtTm></GrpHdr><Stmt><Id>s{from}</Id>\
         <Acct><Id><IBAN>NL26VAYB8060476890</IBAN></Id></Acct>"
    );
    for row in from..from + rows {
        let _ = writeln!(
            text,
            "<Ntry><Amt Ccy='CNY'>8.85</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2022-03-01</Dt></BookgDt>\
             <AcctSvcrRef>R{row}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>李雷</Nm></Pty></Dbtr>\
             <DbtrAcct><Id><IBAN>NL56AGDH9619008421</IBAN></Id></DbtrAcct></RltdPties></TxDtls></NtryDtls></Ntry>"
        );
    }
    text.push_str("</Stmt></BkToCstmrStmt></Document>");
    text.into_bytes()
}

fn iso8583(from: u32, rows: u32) -> Vec<u8> {
    // Elements 2, 3, 4, 7, 11, 22, 32, 41 and 49, as characters.
    let map: u64 = [2, 3, 4, 7, 11, 22, 32, 41, 49].iter().map(|number| 1 << (64 - number)).sum();
    let mut text = String::new();
    for row in from..from + rows {
        let (day, hour, minute, second) = second(row);
        let time = format!("03{day:02}{hour:02}{minute:02}{second:02}");
        let _ = writeln!(
            text,
            "0200{map:016X}16622202000000000800000000000{:07}{time}{:06}05106100200T{:07}156",
            row % 10_000_000,
            row % 1_000_000,
            row % 10_000_000
        );
    }
    text.into_bytes()
}

//! Forms of files and of compression: each runs to receipts and events, and its failed rows come back in its own form.

use std::io::{BufRead, Cursor, Write};
use std::sync::Arc;

use axum::body::Body;
use calamine::Reader;
use connector::{
    BatchError, Draft, Feed, Profile, ProfileFeed, RawRow, Reason, RowContext, RowError, RowReader, tokens,
};
use domain::{Body as Fact, EventType, FeedId};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::Value;
use store::Store;
use test_support::{database, scratch_dir};

use crate::biff;
use crate::hub::{Hub, SCANS, TICKET_HEADER, counters, gb18030, get_request, push_request, scan, ticket, ticket_file};

/// A hub with the gate scans in another form: `format` takes the place of the format's table.
async fn hub_of(format: &str, columns: &[(&str, &str)]) -> Hub {
    let mut text = SCANS.replace("kind = \"ndjson\"\nencoding = \"utf-8\"", format);
    for (from, to) in columns {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let feed = ProfileFeed::new(Profile::parse("test", &text).expect("a profile")).expect("a feed");
    let database = database().await;
    let store = Store::connect(database.connect_options(), 10).await.expect("connects");
    store.migrate().await.expect("migrates");
    let id = FeedId::parse("scans").expect("a name");
    tokens::grant(&store, &id, "test", "token-scans").await.expect("granted");
    Hub::start_with(database, store, scratch_dir("raw"), vec![Arc::new(feed) as Arc<dyn Feed>]).await
}

async fn failed_rows(hub: &Hub, receipt: &Value) -> Vec<Value> {
    let (_, page) = hub.get("scans", receipt["links"]["quarantined"].as_str().expect("a link")).await;
    page["quarantined"].as_array().expect("rows").clone()
}

/// The codes of the quarantined rows with their rows and fields.
async fn failures(hub: &Hub, receipt: &Value) -> Vec<(i64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = failed_rows(hub, receipt).await;
    rows.iter().map(|row| (row["line"].as_i64().expect("a line"), text(&row["code"]), text(&row["field"]))).collect()
}

async fn failed_file(hub: &Hub, receipt: &Value) -> Vec<u8> {
    let path = receipt["links"]["quarantined_file"].as_str().expect("a link");
    let (status, body) = hub.send(get_request("scans", path)).await;
    assert_eq!(status.as_u16(), 200);
    body
}

async fn push_as(hub: &Hub, feed: &str, header: (&str, &str), body: Vec<u8>) -> (u16, Value) {
    let request = push_request(feed, "").header(header.0, header.1).body(Body::from(body)).expect("a request");
    hub.send_json(request).await
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("memory");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

#[tokio::test]
async fn the_same_file_is_the_same_batch_however_it_is_packed() {
    let hub = Hub::start().await;
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00"), ticket("E2", "王芳", "2022-03-01 10:00:00")]);
    let (status, first) = push_as(&hub, "tickets", ("content-encoding", "zstd"), zstd(&file)).await;
    assert_eq!((status, counters(&first)[..2].to_vec()), (201, vec![2, 2]), "{first}");
    // Several frames are one body.
    let frames = [zstd(&file[..40]), zstd(&file[40..])].concat();
    for (header, body) in [
        (("content-encoding", "zstd"), frames),
        (("content-encoding", "zip"), zip(&[("a/b.csv", &file)])),
        (("content-type", "application/zip"), zip(&[("../../etc/passwd", &file), ("__MACOSX/._b.csv", b"x")])),
    ] {
        let (status, again) = push_as(&hub, "tickets", header, body).await;
        assert_eq!((status, &again["repeated"]), (200, &Value::Bool(true)), "{again}");
        assert_eq!(again["batch_id"], first["batch_id"]);
    }
}

#[tokio::test]
async fn files_of_an_archive_follow_each_other_under_one_header() {
    let hub = Hub::start().await;
    let first = gb18030(&format!("{TICKET_HEADER}\r\n{}", ticket("E1", "张伟", "2022-03-01 10:00:00")));
    let second = gb18030(&format!("{TICKET_HEADER}\n{}\n", ticket("E2", "王芳", "2022-03-01 10:00:00")));
    let archive = zip(&[("1.csv", &first), ("2.csv", &second)]);
    let (status, receipt) = push_as(&hub, "tickets", ("content-encoding", "zip"), archive).await;
    assert_eq!((status, counters(&receipt)[..2].to_vec()), (201, vec![2, 2]), "{receipt}");
    let other = gb18030(&format!("票号,车次\n{}\n", ticket("E3", "王芳", "2022-03-01 10:00:00")));
    let archive = zip(&[("1.csv", &first), ("2.csv", &other)]);
    let (status, problem) = push_as(&hub, "tickets", ("content-encoding", "zip"), archive).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("header-mismatch")), "{problem}");
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("file 2 of") && !detail.contains("2.csv")),
        "{problem}"
    );
    // A file without a byte is passed over.
    let archive = zip(&[("0.csv", b""), ("3.csv", &second)]);
    let (status, receipt) = push_as(&hub, "tickets", ("content-encoding", "zip"), archive).await;
    assert_eq!((status, counters(&receipt)[0]), (201, 1), "{receipt}");
}

#[tokio::test]
async fn a_body_that_is_no_text_is_named_as_what_it_is() {
    let hub = Hub::start().await;
    let workbook = zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")]);
    for (body, code) in [
        (workbook, "form-mismatch"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old".to_vec(), "form-mismatch"),
        (zip(&[]), "archive-members"),
    ] {
        let (_, problem) = push_as(&hub, "tickets", ("content-type", "text/csv"), body).await;
        assert_eq!(problem["code"].as_str(), Some(code), "{problem}");
    }
}

#[tokio::test]
async fn of_an_archive_of_several_tables_the_one_is_read_that_the_profile_names() {
    let hub = hub_of("kind = \"ndjson\"\nencoding = \"utf-8\"\nmember = \"scans.txt\"", &[]).await;
    let line = scan("s1", "13800000001", "36.5");
    let tables = zip(&[("other.txt", b"{"), ("a/Scans.TXT", line.as_bytes()), ("in.zip", &zip(&[]))]);
    let (status, receipt) = push_as(&hub, "scans", ("content-type", "application/zip"), tables).await;
    assert_eq!((status, counters(&receipt)[..2].to_vec()), (201, vec![1, 1]), "{receipt}");
    let (_, problem) = push_as(&hub, "scans", ("content-encoding", "zip"), zip(&[("other.txt", b"{")])).await;
    assert_eq!(problem["code"], "archive-members", "{problem}");
}

#[tokio::test]
async fn packed_bodies_that_are_damaged_nested_or_without_end_are_refused() {
    let hub = Hub::start().await;
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")]);
    let packed = zstd(&file);
    let mut spoiled = zip(&[("a.csv", &file)]);
    spoiled[60] ^= 0xFF;
    let zeros = vec![b'0'; 40 << 20];
    for (coding, body, code) in [
        ("zstd", packed[..packed.len() - 6].to_vec(), "body-truncated"),
        ("zstd", b"no zstd at all, but long enough to look".to_vec(), "compression-broken"),
        ("zstd", zstd(&zeros), "compression-bomb"),
        ("zstd", Vec::new(), "body-empty"),
        ("zip", zip(&[("a.csv", &zeros)]), "compression-bomb"),
        ("zip", b"PK but no archive, and long enough to look like something".to_vec(), "compression-broken"),
        ("zip", spoiled, "compression-broken"),
        ("zip", zip(&[]), "archive-members"),
        ("zip", zip(&[("a.zip", &zip(&[("a.csv", &file)]))]), "archive-nested"),
        ("zip", zip(&[("a.csv.zst", &packed)]), "archive-nested"),
    ] {
        let (_, problem) = push_as(&hub, "tickets", ("content-encoding", coding), body).await;
        assert_eq!(problem["code"].as_str(), Some(code), "{coding}: {problem}");
    }
    assert_eq!((hub.events().await.len(), hub.raw_files()), (0, 0));
}

#[tokio::test]
async fn elements_of_a_json_list_are_rows_and_their_fields_have_paths() {
    let format = "kind = \"json\"\nencoding = \"utf-8\"\nrows = \"data.rows\"";
    let hub = hub_of(format, &[("\"phone\"", "\"person.phones.0\""), ("\"name\"", "\"person.name\"")]).await;
    let row = |id: &str, person: &str| {
        format!(
            "{{\"record_id\":\"{id}\",\"gate_id\":\"G1\",\"scan_time\":\"2022-03-01 08:02:11\",\"person\":{person}}}"
        )
    };
    let body = format!(
        "{{\"code\":0,\"data\":{{\"total\":4,\"rows\":[\n{},\n{},\n{},\n{}]}},\"ok\":true}}",
        row("s1", "{\"name\":\"张伟\",\"phones\":[\"13800000001\"]}"),
        row("s2", "{\"name\":[\"张\"]}"),
        row("s3", "{\"name\":\"王芳\",\"phones\":[\"138x\"]}"),
        row("s4", "null}").replace("null}}", "{\"phones\":[\"13800000002\"]}}"),
    );
    let (status, receipt) = hub.push("scans", body).await;
    assert_eq!((status, counters(&receipt)), (201, [4, 2, 0, 0, 2, 3]), "{receipt}");
    assert_eq!(
        failures(&hub, &receipt).await,
        [
            (3, "row-json".to_owned(), "person.name".to_owned()),
            (4, "phone-invalid".to_owned(), "person.phones.0".to_owned())
        ]
    );
    // What failed is a document of the same form, and can be mended and pushed.
    let file = String::from_utf8(failed_file(&hub, &receipt).await).expect("UTF-8");
    let document: Value = serde_json::from_str(&file).expect("a JSON document");
    assert_eq!(document["data"]["rows"].as_array().map(Vec::len), Some(2));
    let mended = file.replace("[\"张\"]", "\"张伟\"").replace("138x", "13800000003");
    let (_, receipt) = hub.push("scans", mended).await;
    assert_eq!(counters(&receipt)[..2], [2, 2], "{receipt}");
}

#[tokio::test]
async fn elements_of_an_xml_document_are_rows_and_one_that_is_broken_spoils_itself() {
    mend_elements("gb18030").await;
}

#[tokio::test]
async fn a_document_that_declares_another_encoding_than_the_profile_is_read_and_mended_in_it() {
    mend_elements("utf-8").await;
}

/// Pushes a document in GB 18030 to a feed of an encoding, mends what failed, and pushes that.
async fn mend_elements(encoding: &str) {
    let format = &format!("kind = \"xml\"\nencoding = \"{encoding}\"\nrows = \"记录集/记录\"");
    let columns = [("\"record_id\"\ngate", "\"@编号\"\ngate"), ("\"gate_id\"\nscan", "\"门岗/@id\"\nscan")];
    let columns = [columns[0], columns[1], ("\"scan_time\"\ntemp", "\"时间\"\ntemp"), ("\"name\"", "\"人员/姓名\"")];
    let hub = hub_of(format, &columns).await;
    let row = |id: &str, name: &str| {
        format!(
            "<n:记录 编号='{id}'><门岗 id='G1'/><时间>2022-03-01 08:02:11</时间><人员><姓名>{name}</姓名></人员></n:记录>"
        )
    };
    let body = format!(
        "<?xml version='1.0' encoding='GB18030'?>\r\n<n:记录集 xmlns:n='urn:x:2'>\r\n{}\r\n{}\r\n{}\r\n{}\r\n</n:记录集>\r\n",
        row("s1", "张&#20255;"),
        row("s2", "<错>"),
        row("s3", "&own;"),
        row("s4", "<![CDATA[王芳]]>"),
    );
    let (status, receipt) = hub.push("scans", gb18030(&body)).await;
    assert_eq!((status, counters(&receipt)), (201, [4, 2, 0, 0, 2, 4]), "{receipt}");
    let failed = failures(&hub, &receipt).await;
    assert_eq!(failed.iter().map(|row| (row.0, row.1.as_str())).collect::<Vec<_>>(), [(4, "row-xml"), (5, "row-xml")]);
    let file = failed_file(&hub, &receipt).await;
    let (text, _, lossy) = encoding_rs::GB18030.decode(&file);
    assert!(!lossy && text.contains("row-xml") && text.contains("请"), "{text}");
    assert!(text.starts_with("<?xml") && text.trim_end().ends_with("</n:记录集>"), "{text}");
    assert!(!text.contains("s1") && text.contains("s2") && text.contains("s3") && !text.contains("s4"), "{text}");
    let mended = text.replace("<错>", "李雷").replace("&own;", "韩梅");
    let (_, receipt) = hub.push("scans", gb18030(&mended)).await;
    assert_eq!(counters(&receipt)[..2], [2, 2], "{receipt}");
}

/// A workbook with a title row, a header and rows of scans; the last one has its phone as a number.
fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("说明").expect("a name").write(0, 0, "读我").expect("a cell");
    let sheet = book.add_worksheet().set_name("名册").expect("a name");
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    sheet.write(0, 0, "门岗登记表").expect("a cell");
    for (column, name) in ["record_id", "gate_id", "scan_time", "temp", "phone", "name", "证件"].iter().enumerate() {
        sheet.write(1, column as u16, *name).expect("a cell");
    }
    for row in 2..6_u32 {
        sheet.write(row, 0, format!("s{row}")).expect("a cell");
        sheet.write(row, 1, "G1").expect("a cell");
        let at = ExcelDateTime::parse_from_str("2022-03-01T08:02:11").expect("a time");
        sheet.write_with_format(row, 2, &at, &time).expect("a cell");
        sheet.write(row, 3, 36.6).expect("a cell");
        sheet.write(row, 4, 13_800_000_001_f64).expect("a cell");
        sheet.write(row, 5, "张伟").expect("a cell");
    }
    sheet.write(2, 6, "11010519491231002X").expect("a cell");
    sheet.write(3, 6, 110_105_194_912_310_021_f64).expect("a cell");
    sheet.write_formula(4, 6, rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A")).expect("a cell");
    book.save_to_buffer().expect("memory")
}

#[tokio::test]
async fn a_workbook_is_read_by_its_sheet_and_gives_its_failed_rows_back_as_a_workbook() {
    let format = "kind = \"workbook\"\nencoding = \"utf-8\"\nsheet = \"名册\"\nheader = true\npreamble_lines = 1";
    let hub = hub_of(format, &[("name = \"name\"", "name = \"name\"\nid_number = \"证件\"")]).await;
    let (status, receipt) = hub.push("scans", workbook()).await;
    assert_eq!((status, counters(&receipt)[..5].to_vec()), (201, vec![4, 2, 0, 0, 2]), "{receipt}");
    // An id that was typed as a number has lost its last digits; a phone has not.
    assert_eq!(
        failures(&hub, &receipt).await,
        [(4, "identifier-number".to_owned(), "证件".to_owned()), (5, "cell-error".to_owned(), "证件".to_owned())]
    );
    let pass = hub.events().await.into_iter().find(|event| event.event_type() == EventType::GatePass).expect("a pass");
    assert_eq!(pass.meta.event_time.to_string(), "2022-03-01T00:02:11Z");
    let file = failed_file(&hub, &receipt).await;
    let mut book = calamine::Xlsx::new(Cursor::new(file.clone())).expect("a workbook");
    let range = book.worksheet_range("名册").expect("the sheet");
    let cell = |row: u32, column: u32| range.get_value((row, column)).map(ToString::to_string).unwrap_or_default();
    assert_eq!((range.height(), cell(0, 0)), (4, "门岗登记表".to_owned()));
    assert_eq!((cell(2, 0), cell(3, 0)), ("s3".to_owned(), "s4".to_owned()));
    assert!(
        cell(2, 7).starts_with("isthmus-mends:") && cell(2, 7).contains(" identifier-number: 证件"),
        "{}",
        cell(2, 7)
    );
    // Nothing else was changed: pushed as it is, it fails alike.
    let (_, again) = hub.push("scans", file).await;
    assert_eq!(counters(&again)[..5], [2, 0, 0, 0, 2], "{again}");
}

/// Cells of a sheet as they stand in its XML, of a workbook that counts days from 1904 or from 1900.
fn raw_workbook(rows: &[&str], of_1904: bool) -> Vec<u8> {
    let names = ["record_id", "gate_id", "scan_time", "temp", "phone", "name", "出生"];
    let header: String = names.iter().map(|name| format!("<c t=\"inlineStr\"><is><t>{name}</t></is></c>")).collect();
    let rows: String = rows.iter().map(|cells| format!("<row>{cells}</row>")).collect();
    let sheet = format!("<worksheet><sheetData><row>{header}</row>{rows}</sheetData></worksheet>");
    let book = format!(
        "<workbook xmlns:r=\"r\"><workbookPr date1904=\"{}\"/><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
        u8::from(of_1904)
    );
    let relations = "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>";
    let package = "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";
    zip(&[
        ("_rels/.rels", package.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

fn text_cell(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

const SHEET: &str = "kind = \"workbook\"\nencoding = \"utf-8\"\nheader = true";

#[tokio::test]
async fn a_formula_that_was_never_computed_is_named_with_its_cell() {
    let hub = hub_of(SHEET, &[("name = \"name\"", "name = \"name\"\nbirth_date = \"出生\"")]).await;
    let row = |name: &str| {
        let texts = [text_cell("s1"), text_cell("G1"), text_cell("2022-03-01 08:02:11")].concat();
        format!("{texts}<c/>{}{name}<c/>", text_cell("13800000001"))
    };
    // Excel keeps an empty text as the value of a formula that gives one.
    let computed = row("<c t=\"str\"><f>IF(1=1,\"\",2)</f><v></v></c>");
    let rows = [
        computed.clone(),
        row("<c><f>A1&amp;B1</f></c>").replace("s1", "s2"),
        row("<c><f>A1</f><v></v></c>").replace("s1", "s3"),
        // Filled down beyond the table, in a column that nobody reads.
        format!("{}<c><f>A4</f></c>", "<c/>".repeat(7)),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (_, receipt) = hub.push("scans", raw_workbook(&rows, false)).await;
    assert_eq!(counters(&receipt)[..5], [3, 1, 0, 0, 2], "{receipt}");
    let rows = failed_rows(&hub, &receipt).await;
    for (row, cell) in rows.iter().zip(["F3", "F4"]) {
        let message = row["message"].as_str().expect("a message");
        assert_eq!(row["code"], "cell-error");
        assert!(message.starts_with(&format!("name (cell {cell}) is a formula")), "{row}");
        assert!(row["message_zh"].as_str().is_some_and(|told| told.contains("用 Excel 打开并保存")), "{row}");
    }
}

#[tokio::test]
async fn a_time_of_which_the_format_was_lost_is_read_by_its_number_and_flagged() {
    for (of_1904, time, birth) in [(false, 44_621.334_849_537_04, 29_222), (true, 43_159.334_849_537_04, 27_760)] {
        let hub = hub_of(SHEET, &[("name = \"name\"", "name = \"name\"\nbirth_date = \"出生\"")]).await;
        let row = format!(
            "{}{}<c><v>{time}</v></c><c/>{}{}<c><v>{birth}</v></c>",
            text_cell("s1"),
            text_cell("G1"),
            text_cell("13800000001"),
            text_cell("张伟")
        );
        // A year is no number of a day.
        let year = row.replace("s1", "s2").replace(&format!("<v>{birth}</v>"), "<v>1980</v>");
        let (_, receipt) = hub.push("scans", raw_workbook(&[&row, &year], of_1904)).await;
        assert_eq!(counters(&receipt)[..5], [2, 1, 0, 0, 1], "{receipt}");
        assert!(receipt["notices"].to_string().contains("time-from-serial"), "{receipt}");
        let events = hub.events().await;
        let pass = events.iter().find(|event| event.event_type() == EventType::GatePass).expect("a pass");
        assert_eq!(pass.meta.event_time.to_string(), "2022-03-01T00:02:11Z", "{of_1904}");
        assert!(pass.meta.quality_flags.contains(&"time-from-serial".to_owned()));
        let born = events.iter().find_map(|event| match &event.body {
            Fact::IdentityObserved(who) => who.person.birth_date,
            _ => None,
        });
        assert_eq!(born.map(|day| day.to_string()).as_deref(), Some("1980-01-02"));
    }
}

#[tokio::test]
async fn a_workbook_that_cannot_be_read_is_refused_with_what_to_do() {
    let format = "kind = \"workbook\"\nencoding = \"utf-8\"\nsheet = \"登记\"\nheader = true";
    let hub = hub_of(format, &[]).await;
    let (status, problem) = hub.push("scans", workbook()).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("workbook-unreadable")));
    assert!(problem["detail"].as_str().expect("a detail").contains("说明, 名册"), "{problem}");
    let (_, problem) = hub.push("scans", scan("s1", "13800000001", "36.5")).await;
    assert_eq!(problem["code"], "workbook-unreadable");
    // A sheet that unpacks without end.
    let mut parts = zip(&[("xl/worksheets/sheet1.xml", &vec![b'x'; 4 << 20])]);
    let (_, problem) = hub.push("scans", std::mem::take(&mut parts)).await;
    assert_eq!(problem["code"], "compression-bomb", "{problem}");
}

/// A feed of messages of several rows: a line is a message, its words are rows.
struct Words(Profile);

struct WordRows(Vec<RawRow>);

impl Feed for Words {
    fn profile(&self) -> &Profile {
        &self.0
    }

    fn open<'a>(&'a self, mut input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        let mut text = String::new();
        input.read_to_string(&mut text)?;
        let (mut rows, mut offset) = (Vec::new(), 0);
        for line in text.split_inclusive('\n') {
            let words = line.split_whitespace().filter(|_| !line.starts_with('#'));
            rows.extend(words.map(|word| (word.to_owned(), offset, line.len() as u64)));
            offset += line.len() as u64;
        }
        let row = |(at, (word, offset, length)): (usize, (String, u64, u64))| RawRow {
            number: at as u64 + 1,
            line: 1,
            offset,
            length,
            bytes: word.into_bytes().into(),
            broken: None,
        };
        Ok(Box::new(WordRows(rows.into_iter().enumerate().map(row).rev().collect())))
    }

    fn map(&self, row: &RawRow, _: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        match row.bytes.expose().as_slice() {
            b"bad" => Err(RowError::row(Reason::MessageSegment, "it is bad")),
            _ => Ok(Vec::new()),
        }
    }
}

impl RowReader for WordRows {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        Ok(self.0.pop())
    }
}

#[tokio::test]
async fn of_messages_of_several_rows_those_come_back_of_which_one_failed() {
    let text = SCANS.replace("kind = \"ndjson\"", "kind = \"edifact\"");
    let database = database().await;
    let store = Store::connect(database.connect_options(), 10).await.expect("connects");
    store.migrate().await.expect("migrates");
    let id = FeedId::parse("scans").expect("a name");
    tokens::grant(&store, &id, "test", "token-scans").await.expect("granted");
    let feed = Words(Profile::parse("test", &text).expect("a profile"));
    let hub = Hub::start_with(database, store, scratch_dir("raw"), vec![Arc::new(feed) as Arc<dyn Feed>]).await;
    let body = "# begin\na b\nbad c\n# between\nd\ne bad\nf\n# end";
    let (_, receipt) = hub.push("scans", body).await;
    assert_eq!(counters(&receipt), [8, 6, 0, 0, 2, 0], "{receipt}");
    let file = String::from_utf8(failed_file(&hub, &receipt).await).expect("UTF-8");
    assert_eq!(file, "# begin\nbad c\n# between\ne bad\n# end");
}

#[tokio::test]
async fn a_spreadsheet_s_unicode_text_is_read_and_its_failed_rows_go_back_as_such() {
    let hub = hub_of("kind = \"delimited\"\nencoding = \"utf-16\"\nseparator = \"\\t\"\nheader = true", &[]).await;
    let wide = |text: &str| -> Vec<u8> {
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let row = |id: &str, phone: &str| format!("{id}\tG1\t2022-03-01 08:02:11\t36.5\t{phone}\t𠮷田\r\n");
    let head = "record_id\tgate_id\tscan_time\ttemp\tphone\tname\r\n";
    let body = wide(&format!("{head}{}{}", row("s1", "13800000001"), row("s2", "138x")));
    let (status, receipt) = hub.push("scans", body).await;
    assert_eq!((status, &counters(&receipt)[..5]), (201, &[2, 1, 0, 0, 1][..]), "{receipt}");

    let file = failed_file(&hub, &receipt).await;
    assert!(file.starts_with(&[0xFF, 0xFE]));
    let units: Vec<u16> = file[2..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).expect("UTF-16");
    assert!(
        text.starts_with("record_id\tgate_id") && text.contains("𠮷田") && text.contains("isthmus-mends:"),
        "{text}"
    );
    let (_, mended) = hub.push("scans", wide(&text.replace("138x", "13800000002"))).await;
    assert_eq!(counters(&mended)[..5], [1, 1, 0, 0, 0], "{mended}");
    let (_, page) =
        hub.get("scans", &format!("{}&all=true", receipt["links"]["quarantined"].as_str().expect("a link"))).await;
    assert_eq!(page["quarantined"][0]["state"], "mended");
}

#[tokio::test]
async fn a_workbook_of_the_old_form_is_read_like_a_new_one() {
    let hub = hub_of("kind = \"workbook\"\nencoding = \"utf-8\"\nheader = true", &[]).await;
    let row = |id, phone| {
        let texts = [id, "G1", "2022-03-01 08:02:11"].map(biff::Cell::Text);
        texts.into_iter().chain([biff::Cell::Number(36.5), phone, biff::Cell::Text("王小明")]).collect()
    };
    let head = ["record_id", "gate_id", "scan_time", "temp", "phone", "name"].map(biff::Cell::Text).into();
    let book = biff::workbook(&[
        head,
        row("s1", biff::Cell::Text("13800000001")),
        row("s2", biff::Cell::Number(13_800_000_002.0)),
        row("s3", biff::Cell::Text("138x")),
    ]);
    let (status, receipt) = hub.push("scans", book).await;
    assert_eq!((status, &counters(&receipt)[..5]), (201, &[3, 2, 0, 0, 1][..]), "{receipt}");
    assert_eq!(failures(&hub, &receipt).await, [(4, "phone-invalid".to_owned(), "phone".to_owned())]);
    let mut file =
        calamine::open_workbook_auto_from_rs(Cursor::new(failed_file(&hub, &receipt).await)).expect("a workbook");
    let cells = file.worksheet_range_at(0).expect("a sheet").expect("cells");
    let texts: Vec<String> = cells.rows().flatten().map(ToString::to_string).collect();
    assert!(
        texts.contains(&"s3".to_owned()) && texts.iter().any(|text| text.starts_with("isthmus-mends:")),
        "{texts:?}"
    );
}

//! A clear error to the sender, nothing lost of what was acknowledged, nothing half-applied.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::Value;
use test_support::wait_for;

use crate::hub::{Hub, TICKET_HEADER, counters, gb18030, push_request, scan, ticket, ticket_file};

async fn nothing_was_applied(hub: &Hub) {
    assert_eq!((hub.events().await.len(), hub.raw_files()), (0, 0));
    let (_, page) = hub.get("tickets", "/v1/feeds/tickets/batches").await;
    assert_eq!(page["batches"].as_array().map(Vec::len), Some(0), "{page}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

async fn push_gzip(hub: &Hub, body: Vec<u8>) -> (u16, Value) {
    let request = push_request("tickets", "").header("content-encoding", "gzip").body(body.into()).expect("a request");
    hub.send_json(request).await
}

#[tokio::test]
async fn a_body_that_stops_in_the_middle_is_not_applied() {
    let hub = Hub::start().await;
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")]);
    let pieces = [Ok(Bytes::from(file[..40].to_vec())), Err(std::io::Error::other("the connection is gone"))];
    let (status, problem) = hub.push("tickets", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("body-truncated")), "{problem}");

    let request = push_request("tickets", "").header("content-length", file.len() + 1);
    let whole = stream::iter([Ok::<_, std::io::Error>(Bytes::from(file.clone()))]);
    let (status, problem) = hub.send_json(request.body(Body::from_stream(whole)).expect("a request")).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("body-truncated")), "{problem}");

    let packed = gzip(&file);
    let (status, problem) = push_gzip(&hub, packed[..packed.len() - 6].to_vec()).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("body-truncated")), "{problem}");
    nothing_was_applied(&hub).await;
    assert_eq!(push_gzip(&hub, packed).await.0, 201);
}

#[tokio::test]
async fn a_body_that_unpacks_without_end_is_stopped() {
    let hub = Hub::start().await;
    let (status, problem) = push_gzip(&hub, gzip(&vec![b'0'; 40 << 20])).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("compression-bomb")), "{problem}");
    let (status, problem) = push_gzip(&hub, b"not gzip at all, but long enough to look".to_vec()).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("compression-broken")), "{problem}");
    let request =
        push_request("tickets", "").header("content-encoding", "br").body(Body::from("x")).expect("a request");
    let (status, problem) = hub.send_json(request).await;
    assert_eq!((status, problem["code"].as_str()), (415, Some("compression-unknown")), "{problem}");
    let (status, problem) = hub.push("tickets", vec![b'x'; (64 << 20) + 1]).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("body-too-large")), "{problem}");
    let (status, problem) = hub.push("tickets", "").await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("body-empty")), "{problem}");
    nothing_was_applied(&hub).await;
}

#[tokio::test]
async fn a_header_that_does_not_fit_refuses_the_file_and_says_what_was_expected() {
    let hub = Hub::start().await;
    let header = "票号,车次,发站,开车时间,姓名,证件号码,操作时间";
    let (status, problem) = hub.push("tickets", gb18030(&format!("{header}\r\nE1,G1,a,b,c,d,e\r\n"))).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("header-mismatch")));
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("missing: 到站") && detail.contains("found: 票号"), "{detail}");

    // A data row in the header's place is personal and is not repeated.
    let (_, problem) = hub.push("tickets", gb18030(&ticket("E1", "张伟", "2022-03-01 10:00:00"))).await;
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(!detail.contains("张伟") && detail.contains("none of the expected columns"), "{detail}");

    // The right text in the wrong encoding, and UTF-16.
    let (_, problem) = hub.push("tickets", format!("{TICKET_HEADER}\r\n")).await;
    assert_eq!(problem["code"], "encoding", "{problem}");
    assert!(problem["detail"].as_str().expect("a detail").contains("look like UTF-8"), "{problem}");
    let (_, problem) = hub.push("tickets", format!("\u{feff}{TICKET_HEADER}\r\n")).await;
    assert_eq!(problem["code"], "encoding", "{problem}");
    let (_, problem) = hub.push("tickets", vec![0xFF, 0xFE, b'a', 0]).await;
    assert_eq!(problem["code"], "encoding", "{problem}");
    assert_eq!(hub.events().await.len(), 0);
    let (_, page) = hub.get("tickets", "/v1/feeds/tickets/batches").await;
    assert_eq!(page["batches"][0]["state"], "refused");
}

/// How many bodies are counted as refused.
#[derive(Default)]
pub(crate) struct Refusals(pub(crate) Arc<AtomicU64>);

impl Recorder for Refusals {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "isthmus_ingest_refused_bodies_total" => Counter::from_arc(Arc::clone(&self.0)),
            _ => Counter::noop(),
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn a_refused_body_is_counted_and_a_dry_run_is_none() {
    let hub = Hub::start().await;
    let refusals = Refusals::default();
    let _recorder = metrics::set_default_local_recorder(&refusals);
    for (query, count) in [("?dry_run=true", 0), ("", 1), ("?dry_run=1", 1)] {
        let request = push_request("tickets", query).body(gb18030("票号,车次\r\nE1,G1\r\n").into()).expect("a request");
        let (status, problem) = hub.send_json(request).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("header-mismatch")), "{query}");
        assert_eq!(refusals.0.load(Ordering::Relaxed), count, "{query}");
    }
}

#[tokio::test]
async fn a_file_whose_lines_end_with_a_carriage_return_alone_is_named_and_not_repeated() {
    let hub = Hub::start().await;
    let row = ticket("E1", "张伟", "2022-03-01 10:00:00");
    for (feed, file) in [
        ("tickets", gb18030(&format!("{TICKET_HEADER}\r{row}\r"))),
        // A last line feed changes nothing.
        ("tickets", gb18030(&format!("{TICKET_HEADER}\r{row}\r\n"))),
        ("scans", format!("{0}\r{0}\r", scan("s1", "13800000001", "36.5")).into()),
    ] {
        let (status, problem) = hub.push(feed, file).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("line-ends")), "{problem}");
        let (_, page) = hub.get(feed, &format!("/v1/feeds/{feed}/batches")).await;
        assert!(!format!("{problem}{page}").contains("张伟"), "{page}");
    }
}

#[tokio::test]
async fn rows_of_utf8_in_a_feed_of_gb18030_are_not_taken_for_other_characters() {
    let hub = Hub::start().await;
    let mut file = ticket_file(&[ticket("E1", "王明", "2022-03-01 10:00:00")]);
    file.extend(ticket("E2", "王明", "2022-03-01 10:00:00").replace("上海虹桥", "上海").bytes());
    let (_, receipt) = hub.push("tickets", file).await;
    assert_eq!(counters(&receipt)[..5], [2, 1, 0, 0, 1]);
    assert_eq!(codes(&hub, &receipt).await, [(2, 3, "encoding".into())]);
}

#[tokio::test]
async fn ten_million_columns_are_an_error_and_not_a_death() {
    let hub = Hub::start().await;
    let (status, problem) = hub.push("tickets", vec![b','; 10_000_000]).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("columns-too-many")), "{problem}");
    let (_, problem) = hub.push("tickets", vec![b','; 5_000]).await;
    assert_eq!(problem["code"], "columns-too-many", "{problem}");

    let mut file = gb18030(&format!("{TICKET_HEADER}\n"));
    file.extend(std::iter::repeat_n(b',', 10_000_000));
    file.push(b'\n');
    file.extend(std::iter::repeat_n(b',', 500_000));
    file.extend(b"E0\n");
    file.extend(gb18030(&ticket("E1", "张伟", "2022-03-01 10:00:00")));
    let (_, receipt) = hub.push("tickets", file).await;
    assert_eq!(counters(&receipt), [3, 1, 0, 0, 2, 2]);
    assert_eq!(codes(&hub, &receipt).await, [(1, 2, "row-too-long".into()), (2, 3, "row-columns".into())]);
}

async fn codes(hub: &Hub, receipt: &Value) -> Vec<(i64, i64, String)> {
    let feed = receipt["feed"].as_str().expect("a feed");
    let (_, page) = hub.get(feed, receipt["links"]["quarantined"].as_str().expect("a link")).await;
    let row = |row: &Value| {
        let number = |name: &str| row[name].as_i64().expect("a number");
        (number("row"), number("line"), row["code"].as_str().expect("a code").to_owned())
    };
    page["quarantined"].as_array().expect("rows").iter().map(row).collect()
}

#[tokio::test]
async fn a_damaged_row_costs_only_itself() {
    let hub = Hub::start().await;
    let good = |n: usize| gb18030(&ticket(&format!("E{n}"), "张伟", "2022-03-01 10:00:00"));
    let spoiled = |n: usize, with: &[u8]| {
        let mut row = good(n);
        let place = row.windows(2).position(|two| two == gb18030("云")).expect("a place");
        row.splice(place..place + 2, with.iter().copied());
        row
    };
    let lines: Vec<Vec<u8>> = vec![
        gb18030(TICKET_HEADER),
        good(1),
        spoiled(2, b"\0"),
        spoiled(3, &[0xD4]),
        Vec::new(),
        // A quote that is never closed, and text behind a closing quote.
        [b"\"".as_slice(), &good(4)].concat(),
        good(5),
        gb18030(&ticket("\"E6\"x", "张伟", "2022-03-01 10:00:00")),
        // A line end inside quotes is part of the value.
        gb18030(&ticket("E7", "\"张\n伟\"", "2022-03-01 10:00:00")),
        gb18030("E8,too,short"),
        good(9),
    ];
    let (_, receipt) = hub.push("tickets", lines.join(b"\n".as_slice())).await;
    assert_eq!(receipt["rows"], 9, "{receipt}");
    assert_eq!(
        codes(&hub, &receipt).await,
        [
            (2, 3, "nul-byte".to_owned()),
            (3, 4, "encoding".to_owned()),
            (4, 6, "row-quote".to_owned()),
            (6, 8, "row-quote".to_owned()),
            // A name with a line end in it is read whole, and is no name.
            (7, 9, "control-character".to_owned()),
            (8, 11, "row-columns".to_owned()),
        ]
    );
    assert_eq!(receipt["accepted"], 3);
}

#[tokio::test]
async fn characters_survive_the_edges_of_every_buffer() {
    let hub = Hub::start().await;
    // Rows of four-byte characters, so that every edge of 64 KiB or 256 KiB cuts one somewhere.
    let name = "𠮷㛃".repeat(20);
    let rows: Vec<String> = (0..6_000).map(|n| ticket(&format!("E{n}"), &name, "2022-03-01 10:00:00")).collect();
    let file = ticket_file(&rows);
    assert!(file.len() > 1_000_000);
    // Pieces of odd size cut characters on the way, too.
    let pieces: Vec<_> = file.chunks(4_093).map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece.to_vec()))).collect();
    let (status, receipt) = hub.push("tickets", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!((status, counters(&receipt)), (201, [6_000, 6_000, 0, 0, 0, 6_001]));
}

#[tokio::test]
async fn clocks_of_1900_and_2200_go_to_quarantine() {
    let hub = Hub::start().await;
    let lines: Vec<String> =
        ["1900-01-01 00:00:00", "2200-01-01 00:00:00", "2022-03-21 12:00:00", "2022-03-20 12:00:00"]
            .iter()
            .enumerate()
            .map(|(n, time)| scan(&format!("s{n}"), "13800000001", "36.5").replace("2022-03-01 08:02:11", time))
            .collect();
    let (_, receipt) = hub.push("scans", lines.join("\n")).await;
    // A clock may run ahead by a day.
    assert_eq!(counters(&receipt), [4, 1, 0, 0, 3, 1]);
    assert!(codes(&hub, &receipt).await.iter().all(|(_, _, code)| code == "time-out-of-range"));
}

#[tokio::test]
async fn lines_that_are_no_json_objects_are_named() {
    let hub = Hub::start().await;
    let body = [scan("s1", "13800000001", "36.5"), "[1]".into(), "{\"record_id\":".into(), "{\"phone\":[1]}".into()];
    let (_, receipt) = hub.push("scans", body.join("\n")).await;
    assert_eq!(counters(&receipt), [4, 1, 0, 0, 3, 1]);
    assert!(codes(&hub, &receipt).await.iter().all(|(_, _, code)| code == "row-json"));
}

/// A body that begins and then neither goes on nor ends.
fn stalled(bytes: Vec<u8>) -> Body {
    Body::from_stream(stream::iter([Ok::<_, std::io::Error>(bytes)]).chain(stream::pending()))
}

#[test]
fn bodies_that_stop_arriving_occupy_no_thread_and_are_given_up() {
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let hub = Arc::new(Hub::start().await);
        let push = |_| {
            let hub = Arc::clone(&hub);
            tokio::spawn(async move { hub.push("tickets", stalled(ticket_file(&[]))).await })
        };
        let waiting: Vec<_> = (0..4).map(push).collect();
        wait_for("four bodies are on their way", async || hub.raw_files() == 4).await;
        // Whoever pushes to the same feed meanwhile is told to come again; other feeds notice nothing.
        let (status, problem) = hub.push("tickets", ticket_file(&[])).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("feed-busy")), "{problem}");
        let (status, receipt) = hub.push("scans", scan("s1", "13800000001", "36.5")).await;
        assert_eq!((status, counters(&receipt)), (201, [1, 1, 0, 0, 0, 1]));
        for push in waiting {
            let (status, problem) = push.await.expect("no panic");
            assert_eq!((status, problem["code"].as_str()), (408, Some("body-stalled")), "{problem}");
        }
        wait_for("nothing of them stays", async || hub.raw_files() == 1).await;
        let (status, _) = hub.push("tickets", ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")])).await;
        assert_eq!(status, 201);
    });
}

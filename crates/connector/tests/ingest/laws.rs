//! Rows in = accepted + duplicate + superseded + quarantined; a repeat changes nothing; a token opens its feed only.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::{Body as EventBody, EventType, IdScheme};
use serde_json::json;

use crate::hub::{Hub, TICKET_HEADER, counters, gb18030, get_request, push_request, scan, ticket, ticket_file};

#[tokio::test]
async fn a_file_becomes_events_and_the_same_file_again_nothing() {
    let hub = Hub::start().await;
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00"), ticket("E2", "李娜", "2022-03-01 10:00:01")]);
    let (status, first) = hub.push("tickets", file.clone()).await;
    assert_eq!(status, 201, "{first}");
    // Two trips and the two statements of who travels.
    assert_eq!(counters(&first), [2, 2, 0, 0, 0, 4]);
    assert_eq!((&first["state"], &first["repeated"]), (&json!("done"), &json!(false)));

    let (status, mut again) = hub.push("tickets", file.clone()).await;
    assert_eq!((status, again["repeated"].take()), (200, json!(true)));
    let (_, read) = hub.get("tickets", first["links"]["self"].as_str().expect("a link")).await;
    assert_eq!(read, first);
    again["repeated"] = json!(false);
    assert_eq!(again, first);
    assert_eq!(hub.events().await.len(), 4);

    // The same bytes in another wrapping are the same file.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &file).expect("memory");
    let packed = packed.finish().expect("memory");
    // What nothing is said of is told by its first bytes, however small the pieces are.
    let pieces: Vec<_> = packed.chunks(3).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let (status, sniffed) = hub.push("tickets", Body::from_stream(futures_util::stream::iter(pieces))).await;
    assert_eq!((status, &sniffed["batch_id"]), (200, &first["batch_id"]), "{sniffed}");
    let request =
        push_request("tickets", "").header("content-encoding", "gzip").body(packed.into()).expect("a request");
    let (status, wrapped) = hub.send_json(request).await;
    assert_eq!((status, &wrapped["batch_id"]), (200, &first["batch_id"]));
}

#[tokio::test]
async fn a_file_that_overlaps_with_an_earlier_one_adds_only_what_is_new() {
    let hub = Hub::start().await;
    let rows: Vec<String> = (0..5).map(|n| ticket(&format!("E{n}"), "张伟", "2022-03-01 10:00:00")).collect();
    hub.push("tickets", ticket_file(&rows[..4])).await;
    let (_, receipt) = hub.push("tickets", ticket_file(&rows[2..])).await;
    assert_eq!(counters(&receipt), [3, 1, 2, 0, 0, 1]);
    // All are one statement of one person in one week: published once.
    assert_eq!(hub.count(EventType::IdentityObserved).await, 1);
    assert_eq!(hub.count(EventType::TripSegment).await, 5);
}

#[tokio::test]
async fn versions_order_a_record_whatever_comes_first() {
    let hub = Hub::start().await;
    let newest = ticket("E1", "张伟", "2022-03-02 10:00:00");
    let older = ticket("E1", "张伟", "2022-03-01 10:00:00");
    let (_, receipt) = hub.push("tickets", ticket_file(&[newest.clone(), older.clone(), older])).await;
    assert_eq!(counters(&receipt), [3, 1, 1, 1, 0, 3]);
    let versions: Vec<i64> = hub
        .events()
        .await
        .iter()
        .filter(|event| event.event_type() == EventType::TripSegment)
        .map(|event| event.meta.source_record_version)
        .collect();
    assert_eq!(versions, [1_646_186_400_000, 1_646_100_000_000]);

    // The same version with another content is nobody's to decide but the sender's.
    let conflict = newest.replace("上海虹桥", "上海");
    let (_, receipt) = hub.push("tickets", ticket_file(&[conflict])).await;
    assert_eq!(counters(&receipt), [1, 0, 0, 0, 1, 0]);
    let (_, rows) = hub.get("tickets", receipt["links"]["quarantined"].as_str().expect("a link")).await;
    assert_eq!(rows["quarantined"][0]["code"], "version-conflict");
}

#[tokio::test]
async fn a_changed_row_without_version_gets_a_higher_one() {
    let hub = Hub::start().await;
    hub.push("scans", scan("s1", "13800000001", "36.5")).await;
    let (_, receipt) = hub.push("scans", scan("s1", "13800000001", "37.9") + "\n").await;
    assert_eq!(counters(&receipt), [1, 1, 0, 0, 0, 1]);
    let (_, receipt) = hub.push("scans", scan("s1", "13800000001", "37.9") + "\n\n").await;
    assert_eq!(counters(&receipt), [1, 0, 1, 0, 0, 0]);
    let versions: Vec<i64> = hub.events().await.iter().map(|event| event.meta.source_record_version).collect();
    assert_eq!(versions, [(1 << 32) + 1, (2 << 32) + 1]);
}

#[tokio::test]
async fn facts_hold_tokens_and_no_identifier() {
    let hub = Hub::start().await;
    hub.push("scans", scan("s1", "13800000001", "36.5")).await;
    hub.push("tickets", ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")])).await;
    for event in hub.events().await {
        let text = format!("{:?}", event.body);
        match &event.body {
            EventBody::IdentityObserved(_) => {}
            EventBody::GatePass(pass) => {
                // A row with a bare identifier has just that claim.
                assert_eq!(pass.subject.iter().map(|claim| claim.scheme).collect::<Vec<_>>(), [IdScheme::Msisdn]);
                assert!(!text.contains("13800000001"));
            }
            EventBody::TripSegment(trip) => {
                let schemes: Vec<_> = trip.subject.iter().map(|claim| claim.scheme).collect();
                assert_eq!(schemes, [IdScheme::Record, IdScheme::CnId]);
            }
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test]
async fn failed_rows_are_listed_without_their_values_and_fetched_in_their_bytes() {
    let hub = Hub::start().await;
    let bad = ticket("E2", "李娜", "2022-03-01 10:00:00").replace("11010519491231002X", "110105194912310021");
    let file = ticket_file(&[
        ticket("E1", "张伟", "2022-03-01 10:00:00"),
        bad.clone(),
        ticket("E3", "王芳", "2022-03-01 10:00:00"),
    ]);
    let (_, receipt) = hub.push("tickets", file).await;
    assert_eq!(counters(&receipt), [3, 2, 0, 0, 1, 4]);
    let (_, page) = hub.get("tickets", receipt["links"]["quarantined"].as_str().expect("a link")).await;
    assert_eq!(
        page,
        json!({
            "runs": [],
            "quarantined": [{
                "row": 2, "line": 3, "field": "证件号码", "code": "identifier-invalid",
                "message": "the check digit of the resident number does not fit: a digit is wrong or two are swapped",
                "message_zh": "“证件号码”：居民身份证号码校验位不符：有一位写错，或有两位颠倒。请与证件核对并更正。",
                "state": "open", "mended_by": null, "resolution": null
            }],
            "next": null
        })
    );
    let (_, page) = hub.get("tickets", receipt["links"]["rows"].as_str().expect("a link")).await;
    let runs: Vec<_> = page["runs"].as_array().expect("runs").iter().map(|run| run["outcome"].clone()).collect();
    assert_eq!(runs, [json!("accepted"), json!("quarantined"), json!("accepted")]);

    let link = receipt["links"]["quarantined_file"].as_str().expect("a link");
    let (status, failed) = hub.send(get_request("tickets", link)).await;
    assert_eq!(status, StatusCode::OK);
    let text = encoding_rs::GB18030.decode(&failed).0.into_owned();
    let batch = receipt["batch_id"].as_str().expect("an id");
    let head = format!("{TICKET_HEADER},isthmus_error\r\n{bad},isthmus-mends:{batch}/2 identifier-invalid: 证件号码: ");
    assert!(text.starts_with(&head) && text.ends_with("请与证件核对并更正。\r\n"), "{text}");
    // Mended, it is taken as it is, with its further column.
    let mended = gb18030(&text.replace("110105194912310021", "11010519491231002X"));
    let (_, receipt) = hub.push("tickets", mended).await;
    assert_eq!(counters(&receipt), [1, 1, 0, 0, 0, 2]);
    assert_eq!(receipt["notices"], json!([]));
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let hub = Hub::start().await;
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00"), ticket("E2", "", "2022-13-01 10:00:00")]);
    let request = push_request("tickets", "?dry_run=true").body(file.clone().into()).expect("a request");
    let (status, run) = hub.send_json(request).await;
    assert_eq!((status, counters(&run)), (200, [2, 1, 0, 0, 1, 2]));
    assert_eq!(run["failures"][0]["field"], "操作时间");
    assert_eq!((hub.events().await.len(), hub.raw_files()), (0, 0));
    let (status, receipt) = hub.push("tickets", file).await;
    assert_eq!((status, counters(&receipt)), (201, [2, 1, 0, 0, 1, 2]));
}

#[tokio::test]
async fn a_token_opens_its_own_feed_only() {
    let hub = Hub::start().await;
    let (_, receipt) = hub.push("scans", scan("s1", "13800000001", "36.5")).await;
    let link = receipt["links"]["self"].as_str().expect("a link").to_owned();
    for (token, status, code) in [
        (None, 401, "token-invalid"),
        (Some("Bearer nonsense"), 401, "token-invalid"),
        (Some("Basic token-scans"), 401, "token-invalid"),
        (Some("Bearer token-tickets"), 403, "feed-forbidden"),
    ] {
        for request in
            [Request::post("/v1/feeds/scans/batches"), Request::get(&link), Request::get(format!("{link}/rows"))]
        {
            let request = token.into_iter().fold(request, |request, token| request.header("authorization", token));
            let body = Body::from(scan("s2", "13800000002", "36.5"));
            let (found, problem) = hub.send_json(request.body(body).expect("a request")).await;
            assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        }
    }
    // One feed's batch is not another's, whoever asks.
    let (status, _) = hub.get("tickets", &link.replace("/scans/", "/tickets/")).await;
    assert_eq!(status, 404);
    assert_eq!(hub.events().await.len(), 1);
    let (_, feeds) = hub.get("scans", "/v1/feeds").await;
    assert_eq!(feeds.as_array().map(Vec::len), Some(1));
    assert_eq!(feeds[0]["feed"], "scans");
}

#[tokio::test]
async fn a_body_is_removed_after_the_retention_of_its_feed_and_its_receipt_stays() {
    let hub = Hub::start().await;
    let old = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00"), "broken".to_owned()]);
    let (_, receipt) = hub.push("tickets", old.clone()).await;
    let file = hub.raw_dir.join("tickets").read_dir().expect("a folder").flatten().next().expect("a body").path();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(file).and_then(|file| file.set_modified(long_ago)).expect("dated");
    hub.push("tickets", ticket_file(&[ticket("E2", "张伟", "2022-03-01 10:00:00")])).await;

    assert_eq!(hub.ingest.remove_expired().await.expect("removed"), 1);
    assert_eq!((hub.raw_files(), hub.ingest.remove_expired().await.expect("nothing")), (1, 0));
    let link = receipt["links"]["quarantined"].as_str().expect("a link");
    assert_eq!(hub.get("tickets", link).await.1["quarantined"][0]["code"], "row-columns");
    let batch = receipt["batch_id"].as_str().expect("an id");
    let gone = hub.get("tickets", &format!("/v1/feeds/tickets/batches/{batch}/quarantined")).await;
    assert_eq!((gone.0, gone.1["code"].as_str()), (410, Some("body-gone")));
    // The same bytes again are the same batch.
    assert_eq!(hub.push("tickets", old).await.1["repeated"], true);
}

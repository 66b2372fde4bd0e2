//! Versions of profiles, and the quality of feeds, as their senders and operators see them.

use std::sync::Arc;

use connector::{Feed, Profile, ProfileFeed};
use serde_json::json;

use crate::hub::{Hub, SCANS, TICKET_HEADER, gb18030, get_request, scan, ticket, ticket_file};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_names_the_version_of_the_profile_that_read_it_and_the_feed_keeps_all_of_them() {
    let hub = Hub::start().await;
    let (_, first) = hub.push("scans", scan("A1", "13800000001", "36.5")).await;
    let (status, feed) = hub.get("scans", "/v1/feeds/scans").await;
    assert_eq!(status, 200);
    assert_eq!(first["profile_version"], feed["profile_version"]);
    assert_eq!(feed["profile"], SCANS);
    // The same hub with the next version of the profile.
    let next = SCANS.replace("title =", "version = 2\ntitle =");
    let next = ProfileFeed::new(Profile::parse("next", &next).expect("sound")).expect("sound");
    let Hub { database, store, raw_dir, .. } = hub;
    let hub = Hub::start_with(database, store, raw_dir, vec![Arc::new(next) as Arc<dyn Feed>]).await;
    let (_, second) = hub.push("scans", scan("A2", "13800000001", "36.5")).await;
    assert!(second["profile_version"].as_str().expect("a text").starts_with("2-"));
    let (_, again) = hub.push("scans", scan("A1", "13800000001", "36.5")).await;
    assert_eq!(again["profile_version"], first["profile_version"]);
    let (_, feed) = hub.get("scans", "/v1/feeds/scans").await;
    let versions: Vec<&str> =
        feed["versions"].as_array().expect("a list").iter().filter_map(|known| known["version"].as_str()).collect();
    assert_eq!(versions.len(), 2);
    assert!(versions.contains(&first["profile_version"].as_str().expect("a text")), "{versions:?}");
    assert!(versions.contains(&second["profile_version"].as_str().expect("a text")), "{versions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_column_is_a_notice_of_the_receipt_and_bad_rows_are_none() {
    let hub = Hub::start().await;
    let body = "票号,车次,发站,到站,开车时间,姓名,证件号码,操作时间,民族\r\n".to_owned()
        + &ticket("E1", "张伟", "2022-03-01 10:00:00")
        + ",汉\r\n"
        + &ticket("E2", "张伟", "gestern")
        + ",汉\r\n";
    let (_, receipt) = hub.push("tickets", gb18030(&body)).await;
    assert_eq!(receipt["notices"][0]["code"], "columns-unknown");
    assert_eq!(receipt["notices"][0]["columns"], json!(["民族"]));
    assert_eq!((receipt["accepted"].as_i64(), receipt["quarantined"].as_i64()), (Some(1), Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quality_of_a_feed_counts_what_came_and_names_nobody() {
    let hub = Hub::start().await;
    let rows = [
        ticket("E1", "张伟", "2022-03-01 10:00:00"),
        ticket("E2", "李娜", "2022-03-01 10:00:00"),
        ticket("E3", "", "gestern"),
    ];
    hub.push("tickets", ticket_file(&rows)).await;
    let (status, quality) = hub.get("tickets", "/v1/feeds/tickets/quality").await;
    assert_eq!(status, 200);
    let day = &quality["days"][0];
    assert_eq!(day["day"], "2022-03-20");
    let (status, problem) = hub.get("tickets", "/v1/feeds/tickets/quality?from=2022-03-01").await;
    assert_eq!((status, &problem["code"]), (400, &json!("query-malformed")));
    let counted =
        ["batches", "rows", "quarantined", "late", "numbers_reused", "looked_at"].map(|name| day[name].as_i64());
    // Both tickets are of one number with two names; both trips were weeks ago.
    assert_eq!(counted, [Some(1), Some(3), Some(1), Some(2), Some(1), Some(1)]);
    assert_eq!(day["codes"], json!({ "value-time": 1 }));
    let text = quality.to_string();
    assert!(!text.contains("张伟") && !text.contains("11010519491231002X"), "{text}");
    // The same file again is no new day's work.
    hub.push("tickets", ticket_file(&rows)).await;
    assert_eq!(hub.get("tickets", "/v1/feeds/tickets/quality").await.1, quality);
    // Another feed's token learns nothing; an operator may look.
    assert_eq!(hub.send_json(get_request("scans", "/v1/feeds/tickets/quality")).await.0, 403);
    hub.execute(
        "INSERT INTO access.caller (token_sha256, handle, organisation, role)
         VALUES (sha256('token-operator'), 'operator-1', 'hub', 'operator')",
    )
    .await;
    assert_eq!(hub.send_json(get_request("operator", "/v1/feeds/tickets/quality")).await, (200, quality));
}

#[tokio::test]
async fn a_file_that_is_refused_counts_on_its_day_and_a_renamed_column_is_told_as_a_change_of_shape() {
    let hub = Hub::start().await;
    hub.push("tickets", ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")])).await;
    let renamed = gb18030(&format!(
        "{}\r\n{}\r\n",
        TICKET_HEADER.replace("到站", "终点"),
        ticket("E2", "张伟", "2022-03-01 10:00:00")
    ));
    let (status, problem) = hub.push("tickets", renamed).await;
    assert_eq!((status, &problem["code"]), (422, &json!("header-mismatch")), "{problem}");
    assert!(problem["detail_zh"].as_str().is_some_and(|told| told.contains("到站")), "{problem}");
    let (_, quality) = hub.get("tickets", "/v1/feeds/tickets/quality").await;
    let day = &quality["days"][0];
    assert_eq!((&day["rows"], &day["refusals"]), (&json!(1), &json!({ "header-mismatch": 1 })));
    let alerts: Vec<&str> =
        quality["alerts"].as_array().expect("alerts").iter().filter_map(|a| a["code"].as_str()).collect();
    assert_eq!(alerts, ["files-refused", "shape-changed"]);
}

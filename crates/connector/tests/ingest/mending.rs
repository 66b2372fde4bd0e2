//! What each row's receipt says, and what becomes of rows that their sender mends.

use std::sync::Arc;

use connector::{ChangeKind, Feed, Profile, ProfileFeed, Replayed};
use domain::{EventType, FeedId, Op, Timestamp};
use serde_json::{Value, json};
use store::quarantine::{self, Selection};

use crate::hub::{Hub, SCANS, counters, get_request, push_request, scan, ticket, ticket_file};

/// The scans of the log with their versions and temperatures, the last word last.
async fn scans(hub: &Hub) -> Vec<(i64, String)> {
    let mut scans: Vec<(i64, String)> = Vec::new();
    for event in hub.events().await {
        if let domain::Body::GatePass(pass) = &event.body {
            scans.push((event.meta.source_record_version, format!("{:?}", pass.temperature_c)));
        }
    }
    scans.sort();
    scans
}

async fn failed_file(hub: &Hub, receipt: &Value) -> String {
    let link = receipt["links"]["quarantined_file"].as_str().expect("a link");
    let (status, file) = hub.send(get_request("scans", link)).await;
    assert_eq!(status.as_u16(), 200);
    String::from_utf8(file).expect("UTF-8")
}

async fn row(hub: &Hub, feed: &str, receipt: &Value, row: u32) -> Value {
    let rows = receipt["links"]["rows"].as_str().expect("a link");
    hub.get(feed, &format!("{rows}/{row}")).await.1
}

#[tokio::test]
async fn each_row_tells_which_row_it_repeats_or_was_overtaken_by() {
    let hub = Hub::start().await;
    let day = |day: u32| format!("2022-03-{day:02} 10:00:00");
    let first = [ticket("E1", "张伟", &day(1)), ticket("E2", "李娜", &day(3)), ticket("E3", "王芳", &day(1))];
    let (_, first) = hub.push("tickets", ticket_file(&first)).await;
    let second = [
        ticket("E9", "赵敏", &day(1)),
        ticket("E1", "张伟", &day(1)),
        ticket("E2", "李娜", &day(3)),
        ticket("E2", "李娜", &day(2)),
        ticket("E9", "赵敏", &day(1)),
    ];
    let (_, second) = hub.push("tickets", ticket_file(&second)).await;
    assert_eq!(counters(&second)[..5], [5, 1, 3, 1, 0]);
    let of = |receipt: &Value, row: u32| json!({ "batch_id": receipt["batch_id"], "row": row });
    let receipts = [
        json!({ "row": 1, "outcome": "accepted", "of": null, "failure": null }),
        json!({ "row": 2, "outcome": "duplicate", "of": of(&first, 1), "failure": null }),
        json!({ "row": 3, "outcome": "duplicate", "of": of(&first, 2), "failure": null }),
        json!({ "row": 4, "outcome": "superseded", "of": of(&first, 2), "failure": null }),
        json!({ "row": 5, "outcome": "duplicate", "of": of(&second, 1), "failure": null }),
    ];
    for (number, expected) in (1..).zip(&receipts) {
        assert_eq!(row(&hub, "tickets", &second, number).await, *expected);
    }
    // Neighbours that repeat neighbours are one stretch.
    let (_, page) = hub.get("tickets", second["links"]["rows"].as_str().expect("a link")).await;
    assert_eq!(page["runs"].as_array().map(Vec::len), Some(4), "{page}");
    for unknown in ["6", "0", "x"] {
        let link = format!("{}/{unknown}", second["links"]["rows"].as_str().expect("a link"));
        let (status, problem) = hub.get("tickets", &link).await;
        assert_eq!((status, &problem["code"]), (404, &json!("row-unknown")));
    }
}

#[tokio::test]
async fn a_mended_row_takes_the_place_of_the_failed_one_and_overwrites_nothing_newer() {
    let hub = Hub::start().await;
    // Two rows fail; what one of them would have said is said anew before it is mended.
    let bad = [scan("s1", "138x", "36.1"), scan("s2", "138x", "36.2")].join("\n");
    let (_, failed) = hub.push("scans", bad).await;
    assert_eq!(counters(&failed)[..5], [2, 0, 0, 0, 2]);
    let file = failed_file(&hub, &failed).await;
    assert_eq!(file.matches("isthmus-mends:").count(), 2, "{file}");
    let (_, newer) = hub.push("scans", scan("s1", "13800000001", "37.9")).await;

    let (_, mended) = hub.push("scans", file.replace("138x", "13800000001")).await;
    assert_eq!(counters(&mended)[..5], [2, 1, 0, 1, 0], "{mended}");
    let of = json!({ "batch_id": newer["batch_id"], "row": 1 });
    assert_eq!(row(&hub, "scans", &mended, 1).await["of"], of);
    let versions: Vec<i64> = scans(&hub).await.into_iter().map(|scan| scan.0).collect();
    assert_eq!(versions, [(1 << 32) + 1, (1 << 32) + 2, (2 << 32) + 1]);
    assert!(scans(&hub).await[2].1.contains("37.9"));

    // The failed rows say what mends them, and are no longer to be mended.
    let receipt = row(&hub, "scans", &failed, 2).await;
    assert_eq!(receipt["failure"]["state"], "mended");
    assert_eq!(receipt["failure"]["mended_by"], json!({ "batch_id": mended["batch_id"], "row": 2 }));
    let list = failed["links"]["quarantined"].as_str().expect("a link");
    assert_eq!(hub.get("scans", list).await.1["quarantined"], json!([]));
    let all = hub.get("scans", &format!("{list}&all=true")).await.1;
    assert_eq!(all["quarantined"].as_array().map(Vec::len), Some(2));
    assert_eq!(hub.count(EventType::GatePass).await, 3);
}

#[tokio::test]
async fn a_row_that_fails_again_keeps_the_place_and_one_mended_twice_is_read_anew() {
    let hub = Hub::start().await;
    let (_, failed) = hub.push("scans", scan("s1", "138x", "36.1")).await;
    let file = failed_file(&hub, &failed).await;
    let (_, again) = hub.push("scans", file.replace("138x", "138y")).await;
    assert_eq!(counters(&again)[..5], [1, 0, 0, 0, 1]);
    let file = failed_file(&hub, &again).await;
    assert_eq!(file.matches("isthmus-mends:").count(), 1, "{file}");
    hub.push("scans", scan("s1", "13800000001", "37.9")).await;

    let (_, mended) = hub.push("scans", file.replace("138y", "13800000001")).await;
    assert_eq!(counters(&mended)[..5], [1, 0, 0, 1, 0], "{mended}");
    // Mended once more, otherwise: another reading of the same version.
    let (_, once_more) = hub.push("scans", file.replace("138y", "13800000002")).await;
    assert_eq!(counters(&once_more)[..5], [1, 0, 0, 1, 0], "{once_more}");
    let mut editions: Vec<(i64, i32)> =
        hub.events().await.iter().map(|event| (event.meta.source_record_version, event.meta.reading)).collect();
    editions.sort_unstable();
    assert_eq!(editions, [((1 << 32) + 1, 0), ((1 << 32) + 1, 1), ((3 << 32) + 1, 0)]);
}

/// Lines without their marks, as a tool leaves them that knows no such member.
fn without_marks(file: &str) -> String {
    let line = |line: &str| {
        let mut row: serde_json::Map<String, Value> = serde_json::from_str(line).expect("an object");
        row.remove(connector::ERROR_COLUMN);
        serde_json::to_string(&row).expect("JSON")
    };
    file.lines().map(line).collect::<Vec<_>>().join("\n")
}

async fn push_mending(hub: &Hub, query: &str, body: String) -> (u16, Value) {
    hub.send_json(push_request("scans", query).body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn mended_rows_without_marks_take_the_places_of_the_failed_ones_when_the_sender_names_the_batch() {
    let hub = Hub::start().await;
    let bad = [scan("s1", "138x", "36.1"), scan("s2", "13800000002", "36.2"), scan("s3", "138x", "36.3")].join("\n");
    let (_, failed) = hub.push("scans", bad).await;
    let mends = format!("?mends={}", failed["batch_id"].as_str().expect("an id"));
    let mended = without_marks(&failed_file(&hub, &failed).await).replace("138x", "13800000001");
    // It closes the third row, which is in the file that the sender has.
    let (_, newer) = hub.push("scans", scan("s3", "13800000001", "37.9")).await;

    // Without the batch they would be the last word; with it they are what they mend.
    let (_, dry) = push_mending(&hub, &format!("{mends}&dry_run=true"), mended.clone()).await;
    assert_eq!(counters(&dry)[..5], [2, 1, 0, 1, 0], "{dry}");
    let (status, receipt) = push_mending(&hub, &mends, mended.clone()).await;
    assert_eq!((status, &counters(&receipt)[..5]), (201, &[2, 1, 0, 1, 0][..]), "{receipt}");
    assert_eq!(row(&hub, "scans", &receipt, 2).await["of"], json!({ "batch_id": newer["batch_id"], "row": 1 }));
    for (number, by) in [(1, &receipt), (3, &newer)] {
        let mended_by = &row(&hub, "scans", &failed, number).await["failure"]["mended_by"];
        assert_eq!(*mended_by, json!({ "batch_id": by["batch_id"], "row": 1 }));
    }
    // The same bytes again are the same batch, although nothing is left to mend.
    assert_eq!(push_mending(&hub, &mends, mended).await.1["repeated"], true);
    let feed = FeedId::parse("scans").expect("a name");
    let again = hub.ingest.reprocess(&feed, false, "nothing new").await.expect("read again");
    assert_eq!((again.rows, again.events), (6, 0), "{again:?}");
}

#[tokio::test]
async fn rows_that_mend_a_batch_are_matched_surely_or_not_at_all() {
    let hub = Hub::start().await;
    let bad: Vec<String> = (1..=3).map(|id| scan(&format!("s{id}"), "138x", "36.1")).collect();
    let (_, failed) = hub.push("scans", bad.join("\n")).await;
    let mends = format!("?mends={}", failed["batch_id"].as_str().expect("an id"));
    let file = failed_file(&hub, &failed).await.replace("138x", "13800000001");
    let lines: Vec<&str> = file.lines().collect();
    let bare: Vec<String> = lines.iter().map(|line| without_marks(line)).collect();

    let (status, problem) = push_mending(&hub, &mends, bare[..2].join("\n")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("mends-uneven")), "{problem}");
    for unknown in ["6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e", "x"] {
        let (status, problem) = push_mending(&hub, &format!("?mends={unknown}"), bare.join("\n")).await;
        assert_eq!(status, if unknown == "x" { 400 } else { 422 }, "{problem}");
    }
    assert_eq!(hub.count(EventType::GatePass).await, 0);
    // A row with a mark says itself which row it is; the others are the rest.
    let (_, receipt) = push_mending(&hub, &mends, [lines[1], &bare[0], &bare[2]].join("\n")).await;
    assert_eq!(counters(&receipt)[..5], [3, 3, 0, 0, 0], "{receipt}");
    for (number, by) in [(1, 2), (2, 1), (3, 3)] {
        assert_eq!(row(&hub, "scans", &failed, number).await["failure"]["mended_by"]["row"], by);
    }
}

async fn state(hub: &Hub, feed: &str, receipt: &Value, number: u32) -> (String, Value) {
    let failure = row(hub, feed, receipt, number).await["failure"].clone();
    (failure["state"].as_str().expect("a state").to_owned(), failure["mended_by"].clone())
}

/// How many failed rows of a batch are listed as such.
async fn still_failing(hub: &Hub, feed: &str, receipt: &Value) -> usize {
    let (_, page) = hub.get(feed, receipt["links"]["quarantined"].as_str().expect("a link")).await;
    page["quarantined"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_row_pushed_back_unmended_is_not_mended_and_both_close_with_the_mended_one() {
    let hub = Hub::start().await;
    let bad = [scan("s1", "138x", "36.1"), "{\"no\":\"key\"}".to_owned()].join("\n");
    let (_, first) = hub.push("scans", bad).await;
    let (_, second) = hub.push("scans", failed_file(&hub, &first).await).await;
    assert_eq!(counters(&second)[..5], [2, 0, 0, 0, 2]);
    for number in [1, 2] {
        let by = json!({ "batch_id": second["batch_id"], "row": number });
        assert_eq!(state(&hub, "scans", &first, number).await, ("resent".to_owned(), by));
        assert_eq!(state(&hub, "scans", &second, number).await, ("open".to_owned(), Value::Null));
    }
    assert_eq!((still_failing(&hub, "scans", &first).await, still_failing(&hub, "scans", &second).await), (2, 2));
    let open = async || {
        let mut conn = hub.store.acquire().await.expect("a connection");
        let counts = quarantine::count_open(&mut conn, &Selection::default()).await.expect("counted");
        counts.iter().map(|count| count.rows).sum::<i64>()
    };
    assert_eq!(open().await, 2, "what came again is to be mended once");

    let file = failed_file(&hub, &second).await;
    let mended = file.lines().next().expect("a line").replace("138x", "13800000001");
    let (_, third) = hub.push("scans", mended).await;
    assert_eq!(counters(&third)[..5], [1, 1, 0, 0, 0], "{third}");
    let by = json!({ "batch_id": third["batch_id"], "row": 1 });
    for receipt in [&first, &second] {
        assert_eq!(state(&hub, "scans", receipt, 1).await, ("mended".to_owned(), by.clone()));
        assert_eq!(still_failing(&hub, "scans", receipt).await, 1);
    }
    // An operator who discards the newest of a row discards those before it.
    let feed = Selection { feed: Some("scans".to_owned()), ..Selection::default() };
    let mut conn = hub.store.acquire().await.expect("a connection");
    let now = Timestamp::from_millis(0);
    assert_eq!(quarantine::discard(&mut conn, &feed, "no key", now).await.expect("discarded"), 1);
    assert_eq!(state(&hub, "scans", &first, 2).await.0, "discarded");
    assert_eq!(open().await, 0);
}

#[tokio::test]
async fn an_export_of_the_same_records_without_marks_mends_the_rows_that_failed() {
    let hub = Hub::start().await;
    // Without versions: what comes later about the record.
    let (_, failed) = hub.push("scans", scan("s1", "138x", "36.1") + "\n" + &scan("s2", "138x", "36.1")).await;
    let (_, again) = hub.push("scans", scan("s1", "138y", "36.1")).await;
    assert_eq!(state(&hub, "scans", &failed, 1).await.0, "resent");
    let (_, mended) = hub.push("scans", scan("s1", "13800000001", "36.1")).await;
    let by = json!({ "batch_id": mended["batch_id"], "row": 1 });
    assert_eq!(state(&hub, "scans", &failed, 1).await, ("mended".to_owned(), by.clone()));
    assert_eq!(state(&hub, "scans", &again, 1).await, ("mended".to_owned(), by));
    assert_eq!(state(&hub, "scans", &failed, 2).await.0, "open");
    // In one file, too: a row mends those before it and none behind it.
    let rows = [("13800000002", "36.1"), ("138x", "36.2"), ("13800000003", "36.3"), ("138x", "36.4")];
    let (_, file) = hub.push("scans", rows.map(|(phone, warm)| scan("s3", phone, warm)).join("\n")).await;
    assert_eq!(state(&hub, "scans", &file, 2).await.0, "mended");
    assert_eq!(state(&hub, "scans", &file, 4).await.0, "open");

    // With versions: the same one or a higher one, and for a conflict only a higher one.
    let day = |day: u32| format!("2022-03-{day:02} 10:00:00");
    let bad = |number: &str, day: &str| ticket(number, "张伟", day).replace("2022-03-05 08:02:00", "soon");
    let rows = [bad("E1", &day(3)), bad("E2", "never"), ticket("E3", "张伟", &day(3))];
    let (_, failed) = hub.push("tickets", ticket_file(&rows)).await;
    let conflict = ticket("E3", "张伟", &day(3)).replace("上海虹桥", "上海");
    let (_, conflicting) = hub.push("tickets", ticket_file(&[conflict])).await;
    let older = [ticket("E1", "张伟", &day(2)), ticket("E3", "张伟", &day(3)), ticket("E3", "张伟", &day(2))];
    hub.push("tickets", ticket_file(&older)).await;
    for (receipt, number) in [(&failed, 1), (&failed, 2), (&conflicting, 1)] {
        assert_eq!(state(&hub, "tickets", receipt, number).await.0, "open", "{number}");
    }
    let newer = [ticket("E1", "张伟", &day(3)), ticket("E2", "张伟", &day(1)), ticket("E3", "张伟", &day(4))];
    hub.push("tickets", ticket_file(&newer)).await;
    for (receipt, number) in [(&failed, 1), (&failed, 2), (&conflicting, 1)] {
        assert_eq!(state(&hub, "tickets", receipt, number).await.0, "mended", "{number}");
    }
}

/// A process that starts on what another one left, with another profile of the scans.
async fn with_profile(hub: Hub, from: &str, to: &str) -> Hub {
    assert!(SCANS.contains(from), "{from}");
    let profile = Profile::parse("test", &SCANS.replace(from, to)).expect("a profile");
    let feed = Arc::new(ProfileFeed::new(profile).expect("a feed")) as Arc<dyn Feed>;
    Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![feed]).await
}

const TIMES: &str = "formats = [\"%Y-%m-%d %H:%M:%S\"]";
const MORE_TIMES: &str = "formats = [\"%Y-%m-%d %H:%M:%S\", \"%d/%m/%Y %H:%M\"]";

#[tokio::test]
async fn a_replay_takes_rows_out_of_quarantine_and_the_receipt_still_adds_up() {
    let hub = Hub::start().await;
    let other_time = |id: &str| scan(id, "13800000001", "36.1").replace("2022-03-01 08:02:11", "01/03/2022 08:02");
    let rows = [other_time("s1"), scan("s2", "13800000001", "36.2"), scan("s3", "138x", "36.3"), other_time("s4")];
    let (_, failed) = hub.push("scans", rows.join("\n")).await;
    assert_eq!(counters(&failed), [4, 1, 0, 0, 3, 1]);
    let (_, newer) = hub.push("scans", scan("s1", "13800000001", "37.9")).await;

    let hub = with_profile(hub, TIMES, MORE_TIMES).await;
    let feed = FeedId::parse("scans").expect("a name");
    let all = Selection::default();
    let replay = || hub.ingest.replay(&feed, &all, "knows the time form");
    let expected = Replayed { accepted: 1, quarantined: 1, events: 1, ..Replayed::default() };
    assert_eq!(replay().await.expect("replayed"), expected);
    let (_, receipt) = hub.get("scans", failed["links"]["self"].as_str().expect("a link")).await;
    assert_eq!(counters(&receipt), [4, 2, 0, 0, 2, 2]);
    // What was said anew since is not to be replayed.
    let by = json!({ "batch_id": newer["batch_id"], "row": 1 });
    assert_eq!(state(&hub, "scans", &failed, 1).await, ("mended".to_owned(), by));
    let last = row(&hub, "scans", &failed, 4).await;
    assert_eq!((&last["outcome"], &last["failure"]["state"]), (&json!("accepted"), &json!("replayed")));
    assert_eq!(last["failure"]["resolution"], "knows the time form");
    // The events point to the rows' own bytes.
    let mut places: Vec<(i64, i64)> =
        hub.events().await.iter().map(|event| (event.meta.source_record_version >> 32, event.meta.batch_row)).collect();
    places.sort_unstable();
    assert_eq!(places, [(1, 2), (1, 4), (2, 1)]);

    // Again, it does nothing; what is discarded is not read any more.
    assert_eq!(replay().await.expect("replayed"), Replayed { quarantined: 1, ..Replayed::default() });
    let selection = Selection { code: Some("phone-invalid".to_owned()), ..Selection::default() };
    let mut conn = hub.store.acquire().await.expect("a connection");
    let now = Timestamp::from_millis(0);
    assert_eq!(quarantine::discard(&mut conn, &selection, "no phone", now).await.expect("discarded"), 1);
    assert_eq!(replay().await.expect("replayed"), Replayed::default());
    assert_eq!(row(&hub, "scans", &failed, 3).await["failure"]["state"], "discarded");
    let (_, receipt) = hub.get("scans", failed["links"]["self"].as_str().expect("a link")).await;
    assert_eq!(counters(&receipt), [4, 2, 0, 0, 2, 2]);
}

#[tokio::test]
async fn a_preview_shows_the_row_and_the_fields_that_change_before_and_after() {
    let hub = Hub::start().await;
    let other = |id: &str, warm: &str| scan(id, "13800000001", warm).replace("}", ",\"feels\":39.5}");
    let (_, receipt) = hub.push("scans", scan("s1", "13800000001", "36.1") + "\n" + &other("s2", "36.2")).await;
    let hub = with_profile(hub, "temperature = \"temp\"", "temperature = [\"feels\"]").await;
    let feed = FeedId::parse("scans").expect("a name");
    let (done, changes) = hub.ingest.preview(&feed, 10).await.expect("previewed");
    assert_eq!((done.changed, done.appeared, done.vanished, done.events), (2, 0, 0, 0));
    let told: Vec<_> = changes
        .iter()
        .map(|change| {
            let field = &change.fields[0];
            let text = |value: &Option<domain::Sensitive<String>>| value.as_ref().map(|value| value.expose().clone());
            (
                change.row,
                change.event,
                change.fields.len(),
                field.field.as_str(),
                text(&field.before),
                text(&field.after),
            )
        })
        .collect();
    let value = |text: &str| Some(text.to_owned());
    assert_eq!(
        told,
        [
            (1, "GatePass", 1, "temperature_c", value("36.1"), None),
            (2, "GatePass", 1, "temperature_c", value("36.2"), value("39.5")),
        ]
    );
    assert!(changes.iter().all(|change| json!(change.batch_id) == receipt["batch_id"]));
}

/// What the log says in the end: per record and type of statement what the last edition states, if it is not taken back.
async fn last_words(hub: &Hub) -> Vec<String> {
    let mut last = std::collections::BTreeMap::new();
    for event in hub.events().await {
        let kind = match event.event_type() {
            EventType::IdentityRetracted => EventType::IdentityObserved,
            kind => kind,
        };
        let key = (event.meta.record_id, kind);
        let edition = event.meta.edition();
        if last.get(&key).is_none_or(|(known, _): &(domain::Edition, _)| *known <= edition) {
            last.insert(key, (edition, event));
        }
    }
    let stands = last.into_iter().filter(|(_, (_, event))| event.meta.op == Op::Upsert);
    stands.map(|((record, _), (_, event))| format!("{record} {} {:?}", event.meta.event_time, event.body)).collect()
}

#[tokio::test]
async fn reading_a_feed_again_leads_to_what_a_fresh_hub_would_hold() {
    let files = |hub: Hub| async {
        let named = |id: &str, name: &str| {
            scan(id, "13800000001", "36.1").replace("\"gate_id\"", &format!("\"姓名\":\"{name}\",\"gate_id\""))
        };
        let other_time = scan("s4", "13800000004", "36.4").replace("2022-03-01 08:02:11", "01/03/2022 08:02");
        let rows = [named("s1", "张伟"), scan("s2", "13800000002", "36.2"), other_time, scan("s5", "138x", "36.5")];
        hub.push("scans", rows.join("\n")).await;
        let rows = [scan("s2", "13800000002", "37.2"), named("s3", "李娜"), scan("s1", "13800000001", "36.1")];
        hub.push("scans", rows.join("\n")).await;
        hub
    };
    let feed = FeedId::parse("scans").expect("a name");
    let hub = files(Hub::start().await).await;
    let published = hub.events().await.len();
    let same = hub.ingest.reprocess(&feed, false, "nothing new").await.expect("read again");
    assert_eq!((same.batches, same.rows, same.events), (2, 7, 0));
    assert_eq!((same.changed, same.appeared, same.vanished, same.quarantined), (0, 0, 0, 2));

    // The new profile knows another form of times, reads names, and takes another column as the record's id.
    for (from, to) in [
        (TIMES, MORE_TIMES),
        ("name = \"name\"", "name = \"姓名\""),
        ("key = [\"record_id\"]", "key = [\"record_id\", \"gate_id\"]"),
    ] {
        let fresh = files(with_profile(Hub::start().await, from, to).await).await;
        let read_anew = with_profile(files(Hub::start().await).await, from, to).await;
        let preview = read_anew.ingest.reprocess(&feed, true, "").await.expect("previewed");
        assert_eq!((read_anew.events().await.len(), preview.events), (published, 0));
        let (counted, changes) = read_anew.ingest.preview(&feed, 100).await.expect("previewed");
        assert_eq!((read_anew.events().await.len(), counted), (published, preview));
        let of = |kind| changes.iter().filter(|change| change.kind == kind).count() as u64;
        let (changed, new, gone) = (of(ChangeKind::Changed), of(ChangeKind::New), of(ChangeKind::Gone));
        assert!(changed >= preview.changed && new == preview.appeared, "{to}: {preview:?} {changes:?}");
        assert_eq!(changed + gone, preview.changed + preview.vanished, "{to}: {changes:?}");
        assert!(changes.iter().all(|change| !change.fields.is_empty() && change.row > 0), "{to}: {changes:?}");
        assert_eq!(read_anew.ingest.preview(&feed, 1).await.expect("previewed").1.len(), 1);
        let done = read_anew.ingest.reprocess(&feed, false, "new profile").await.expect("read again");
        assert_eq!((done.changed, done.appeared, done.vanished), (preview.changed, preview.appeared, preview.vanished));
        assert!(done.events > 0, "{done:?}");
        assert_eq!(last_words(&read_anew).await, last_words(&fresh).await, "{to}");
        let again = read_anew.ingest.reprocess(&feed, false, "nothing new").await.expect("read again");
        assert_eq!(again.events, 0, "{to}: {again:?}");
        // Receipts are those of the fresh hub, and the next push is read as there.
        let (_, one) = read_anew.get("scans", "/v1/feeds/scans/batches").await;
        let (_, other) = fresh.get("scans", "/v1/feeds/scans/batches").await;
        for (one, other) in
            one["batches"].as_array().expect("batches").iter().zip(other["batches"].as_array().expect("batches"))
        {
            assert_eq!(counters(one)[..5], counters(other)[..5], "{to}");
        }
        let next = scan("s2", "13800000002", "38.8");
        assert_eq!(
            counters(&read_anew.push("scans", next.clone()).await.1),
            counters(&fresh.push("scans", next).await.1)
        );
        assert_eq!(last_words(&read_anew).await, last_words(&fresh).await, "{to}");
    }
}

#[tokio::test]
async fn every_event_points_to_its_own_bytes_also_when_they_are_compressed() {
    let hub = Hub::start().await;
    let rows = [scan("s1", "13800000001", "36.1"), scan("s2", "138x", "36.2"), scan("s3", "13800000003", "36.3")];
    let (_, failed) = hub.push("scans", rows.join("\n")).await;
    let file = hub.raw_dir.join("scans").read_dir().expect("a folder").flatten().next().expect("a body").path();
    let body = std::fs::read(&file).expect("read");
    for event in hub.events().await {
        let reference = event.meta.raw_ref.expect("a reference");
        let (hash, offset) = reference.split_once('@').expect("two parts");
        assert_eq!(file.file_name().and_then(|name| name.to_str()), Some(hash));
        let line = body[offset.parse::<usize>().expect("a number")..].split(|byte| *byte == b'\n').next();
        let row: Value = serde_json::from_slice(line.expect("a line")).expect("the row");
        assert_eq!(row["record_id"], event.meta.source_record_id.expose().as_str());
    }
    // Some time later the body is compressed; its places stay, and so does the file of failed rows.
    let before = failed_file(&hub, &failed).await;
    let earlier = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_647_700_000);
    std::fs::File::options().write(true).open(&file).and_then(|file| file.set_modified(earlier)).expect("dated");
    assert_eq!(hub.ingest.remove_expired().await.expect("tidied"), 0);
    assert!(!file.exists() && file.with_extension("zst").exists());
    assert_eq!(failed_file(&hub, &failed).await, before);
    // The same bytes again are the same batch, and are stored once.
    assert_eq!(hub.push("scans", rows.join("\n")).await.1["repeated"], true);
    assert_eq!(hub.raw_files(), 1);
    let feed = FeedId::parse("scans").expect("a name");
    assert_eq!(hub.ingest.reprocess(&feed, true, "").await.expect("read").rows, 3);
}

#[tokio::test]
async fn receipts_are_filtered_and_waited_for() {
    let hub = Hub::start().await;
    hub.push("scans", scan("s1", "13800000001", "36.1")).await;
    let (_, failed) = hub.push("scans", scan("s2", "138x", "36.1")).await;
    let count = async |filter: &str| {
        let (status, page) = hub.get("scans", &format!("/v1/feeds/scans/batches?{filter}")).await;
        (status, page["batches"].as_array().map(Vec::len))
    };
    for (filter, found) in [
        ("state=done", 2),
        ("state=refused", 0),
        ("outcome=quarantined", 1),
        ("code=phone-invalid", 1),
        ("code=value-time", 0),
        ("from=2022-03-20T00:00:00Z&to=2022-03-21T00:00:00Z", 2),
        ("to=2022-03-20T00:00:00Z", 0),
    ] {
        assert_eq!(count(filter).await, (200, Some(found)), "{filter}");
    }
    assert_eq!(count("state=lost").await.0, 400);
    let (_, page) = hub.get("scans", "/v1/feeds/scans/batches?state=done&limit=1").await;
    assert_eq!(page["next"], "/v1/feeds/scans/batches?state=done&before=2&limit=1");

    let link = failed["links"]["self"].as_str().expect("a link");
    let request = |tag: &str| {
        let request = axum::http::Request::get(link).header("authorization", "Bearer token-scans");
        request
            .header("prefer", "wait=5")
            .header("if-none-match", tag)
            .body(axum::body::Body::empty())
            .expect("a request")
    };
    assert_eq!(hub.send(request("\"d-0-0-0-1-0\"")).await.0.as_u16(), 304);
    assert_eq!(hub.send(request("\"other\"")).await.0.as_u16(), 200);
}

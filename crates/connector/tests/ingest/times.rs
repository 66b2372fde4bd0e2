//! Clocks that were wrong.

use std::sync::Arc;

use connector::{Feed, Profile, ProfileFeed};
use domain::{Body, Precision};

use crate::hub::{Hub, SCANS, counters};

#[tokio::test]
async fn the_numbers_of_a_device_mend_its_clock_and_a_repeat_of_the_rows_is_still_one() {
    let hub = Hub::start().await;
    let profile = SCANS.replace("[columns]\n", "[columns]\ndevice_sequence = \"seq\"\n");
    let feed = ProfileFeed::new(Profile::parse("test", &profile).expect("a profile")).expect("a feed");
    let hub = Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![Arc::new(feed) as Arc<dyn Feed>]).await;
    let scan = |seq: i64, minute: i64| {
        format!(
            r#"{{"record_id":"R{seq}","gate_id":"G1","seq":{seq},"scan_time":"2022-03-01 08:{minute:02}:00","phone":"13800000001"}}"#
        ) + "\n"
    };
    // The third scan was made with a clock that was forty minutes fast.
    let minutes = [(1, 1), (2, 2), (3, 43), (4, 4), (5, 5)];
    let body: String = minutes.iter().map(|(seq, minute)| scan(*seq, *minute)).collect();
    let (status, receipt) = hub.push("scans", body).await;
    assert_eq!((status, counters(&receipt)[1]), (201, 5), "{receipt}");
    let events = hub.events().await;
    let pass = |event: &&domain::Event| matches!(&event.body, Body::GatePass(pass) if pass.device_seq == Some(3));
    let mended = events.iter().find(pass).expect("the third scan");
    assert_eq!(mended.meta.event_time.to_string(), "2022-03-01T00:03:00Z");
    assert_eq!(mended.meta.event_time_precision, Precision::Unknown);
    assert!(mended.meta.quality_flags.iter().any(|flag| flag == "clock-repaired"));

    // Alone, the row cannot be mended; it is the same row all the same.
    let (_, receipt) = hub.push("scans", scan(3, 43)).await;
    assert_eq!(counters(&receipt), [1, 0, 1, 0, 0, 0], "{receipt}");
    let (_, receipt) = hub.push("scans", scan(9, 9).replace("2022-03-01", "2031-03-01")).await;
    assert_eq!(counters(&receipt)[4], 1, "the future is quarantined: {receipt}");
}

#[tokio::test]
async fn passes_that_contradict_those_of_an_earlier_push_are_flagged_and_keep_their_time() {
    let hub = Hub::start().await;
    let profile = SCANS.replace("[columns]\n", "[columns]\ndevice_sequence = \"seq\"\n");
    let feed = ProfileFeed::new(Profile::parse("test", &profile).expect("a profile")).expect("a feed");
    let hub = Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![Arc::new(feed) as Arc<dyn Feed>]).await;
    let scan = |seq: i64, time: &str| {
        format!(
            r#"{{"record_id":"R{seq}","gate_id":"G1","seq":{seq},"scan_time":"2022-03-01 {time}:00","phone":"13800000001"}}"#
        ) + "\n"
    };
    for body in [
        scan(3, "08:10") + &scan(4, "08:20"),
        // The clock was set back while the gate was off line.
        scan(5, "07:00") + &scan(6, "07:10"),
        scan(7, "08:50"),
        // Older passes that come late contradict nothing, and a counter that began anew tells nothing.
        scan(1, "08:00") + &scan(2, "08:05"),
        scan(5_000, "07:30"),
    ] {
        let (status, receipt) = hub.push("scans", body).await;
        assert_eq!(status, 201, "{receipt}");
    }
    let mut flagged: Vec<(i64, String)> = Vec::new();
    for event in hub.events().await {
        if let Body::GatePass(pass) = &event.body
            && event.meta.quality_flags.iter().any(|flag| flag == "sequence-contradicts")
        {
            flagged.push((pass.device_seq.expect("a number"), event.meta.event_time.to_string()));
        }
    }
    flagged.sort();
    let told = [(5, "2022-02-28T23:00:00Z"), (6, "2022-02-28T23:10:00Z")].map(|(seq, time)| (seq, time.to_owned()));
    assert_eq!(flagged, told);
    let feed = domain::FeedId::parse("scans").expect("a name");
    assert_eq!(hub.ingest.reprocess(&feed, false, "nothing new").await.expect("read again").events, 0);
}

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

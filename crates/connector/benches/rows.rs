//! Rows per second on one core from bytes to messages: read, map, hash, encode. No database, no log.

use std::fmt::Write;
use std::path::Path;

use codec::Codec;
use connector::{Draft, Feed, Profile, ProfileFeed, RawRow, RowContext};
use domain::{BatchId, Event, EventId, Meta, Timestamp, TokenKey};

const ROWS: u32 = 100_000;

fn main() {
    let locations = body(|n, text| {
        let person = n % 5_000;
        let (hour, minute, second) = (n % 24, n % 60, n / 60 % 60);
        let start = format!("202203{:02}{hour:02}{minute:02}{second:02}", 1 + n % 14);
        let _ = write!(text, "{start}||138{person:08}|460-00-6155-{}|PERIODIC", n % 300);
    });
    let tickets = body(|n, text| {
        if n == 0 {
            text.push_str("票号,车次,乘车日期,始发日期,发站,到站,车厢,席位,开车时间,到达时间,姓名,证件类型,证件号码,订票人手机,状态,操作时间\r\n");
        }
        let _ = write!(
            text,
            "E{n:09},G7301,2022-03-05,2022-03-05,云浦,上海虹桥,05,08F,2022-03-05 08:02:00,2022-03-05 09:30:00,张伟,居民身份证,1101051949****002X,138{:08},已售,2022-03-01 10:00:00",
            n % 5_000
        );
    });
    println!("| feed | rows/s on one core |\n|---|---|");
    measure("telecom/profiles/location-updates.toml", &locations);
    measure("transport/profiles/rail-tickets.toml", &tickets);
}

fn body(row: impl Fn(u32, &mut String)) -> Vec<u8> {
    let mut text = String::new();
    for n in 0..ROWS {
        row(n, &mut text);
        text.push_str("\r\n");
    }
    encoding_rs::GB18030.encode(&text).0.into_owned()
}

fn measure(file: &str, body: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services").join(format!("connector-{file}"));
    let text = std::fs::read_to_string(path).expect("a profile");
    let feed = ProfileFeed::new(Profile::parse(file, &text).expect("a profile")).expect("a feed");
    let key = TokenKey::from_bytes(&[7; 32]);
    let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
    let codec = Codec::builtin();
    let mut reader = feed.open(Box::new(body)).expect("a body");
    let layout = reader.layout();
    let context = RowContext { key: &key, ingest_time: now, layout: layout.as_deref() };
    let began = on_core_ns();
    let mut bytes = 0;
    while let Some(row) = reader.next_row().expect("a body") {
        for draft in feed.map(&row, &context).expect("a good row") {
            bytes += codec.encode(&event(feed.profile(), &key, &row, draft, now)).expect("an event").payload.len();
        }
    }
    let seconds = (on_core_ns() - began) as f64 / 1e9;
    println!("| {} | {:.0} |", feed.id(), f64::from(ROWS) / seconds);
    assert!(bytes > 0);
}

/// Time that this thread had a core, in nanoseconds: other work on the machine does not count.
fn on_core_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    text.split(' ').next().and_then(|first| first.parse().ok()).expect("a number")
}

fn event(profile: &Profile, key: &TokenKey, row: &RawRow, draft: Draft, now: Timestamp) -> Event {
    let mut meta = Meta {
        event_id: EventId::from_uuid(uuid::Uuid::nil()),
        source: profile.source.clone(),
        source_kind: profile.source_kind,
        record_id: key.record_id(&profile.source, draft.source_record_id.expose()),
        source_record_id: draft.source_record_id,
        source_record_version: draft.version.unwrap_or(0),
        op: draft.op,
        event_time: draft.event_time,
        event_time_precision: draft.precision,
        source_utc_offset_min: draft.utc_offset_min,
        offset_assumed: draft.offset_assumed,
        source_created_time: draft.created_time,
        ingest_time: now,
        schema_version: 1,
        batch_id: BatchId::from_uuid(uuid::Uuid::nil()),
        batch_row: row.number as i64,
        raw_ref: Some(format!("{:064x}@{}", 0, row.offset)),
        trace_id: "0".repeat(32),
        quality_flags: Vec::new(),
    };
    meta.event_id = Event::derive_id(&meta, draft.body.event_type());
    Event { meta, body: draft.body }
}

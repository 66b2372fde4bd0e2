//! Events per second from the log to committed views, on a private PostgreSQL: `throughput [persons] [facts per person]`.
//!
//! Identities come from three sources with several restatements each, facts by phone and by record; the log is its table.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codec::Codec;
use domain::{Event, GateDirection, IdScheme, PlaceKind, PlaceRef, PresenceInterval, SourceKind};
use event_log::{EventLog, LogConfig, Record, TopicSpec};
use linkage::Model;
use projector::{Config, Limits, caught_up, run, topics};
use runtime::Shutdown;
use store::Store;
use test_support::build::{
    NOON, claim, event, gate_pass, meta_at, person, record_claim, record_id, resident_number, token_key,
};
use test_support::database;

const SURNAMES: [&str; 16] =
    ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林"];
const GIVEN: [&str; 24] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平",
    "刚", "桂", "英", "华", "文",
];

fn identities(i: usize) -> Vec<Event> {
    let name = format!("{}{}{}", SURNAMES[i % 16], GIVEN[i / 16 % 24], GIVEN[i / 384 % 24]);
    let birth = format!("{}-{:02}-{:02}", 1940 + i % 70, 1 + i / 70 % 12, 1 + i / 840 % 28);
    let number = resident_number(&birth, (i / 23_520 * 2 + i % 2) as u16);
    let phone = phone(i);
    let unit = format!("320506001007G{:02}", i % 40);
    let kind = |mut event: Event, kind| {
        event.meta.source_kind = kind;
        event
    };
    let at = |version: i64| NOON.plus_millis(version * 604_800_000);
    let mut events = vec![
        person(&name).resident(&number).contact(&phone).lives("幸福路1号", &unit).event(meta_at(
            "register",
            &format!("{i}"),
            1,
            NOON,
        )),
        kind(
            person(&name).resident(&number).phone(&phone).event(meta_at("telecom", &format!("{i}"), 1, NOON)),
            SourceKind::Telecom,
        ),
    ];
    for version in 1..3 {
        let gate = person(&name).contact(&phone).event(meta_at("gates", &format!("who:{i}"), version, at(version)));
        events.push(gate);
        let wallet = person(&name).phone(&phone).event(meta_at("wallet", &format!("who:{i}"), version, at(version)));
        events.push(kind(wallet, SourceKind::Payment));
    }
    events
}

fn phone(i: usize) -> String {
    format!("138{i:08}")
}

fn fact(i: usize, n: usize) -> Event {
    let at = NOON.plus_millis(n as i64 * 3_600_000);
    if n.is_multiple_of(3) {
        let mut pass = gate_pass(vec![record_claim(record_id("gates", &format!("who:{i}")))]);
        pass.direction = if n.is_multiple_of(2) { GateDirection::In } else { GateDirection::Out };
        pass.scan_time = at;
        return event(meta_at("gates", &format!("{i}/{n}"), 1, at), pass);
    }
    let subject = vec![token_key().claim_ref(&claim(IdScheme::Msisdn, &phone(i)))];
    let place = PlaceRef { place_id: Some(format!("cells/{}", i % 500)), kind: PlaceKind::Cell, ..PlaceRef::default() };
    let stay = PresenceInterval {
        subject,
        place,
        start_time: at,
        end_time: Some(at.plus_millis(1_800_000)),
        ..PresenceInterval::default()
    };
    event(meta_at("cells", &format!("{i}/{n}"), 1, at), stay)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse::<usize>().ok());
    let persons = arguments.next().unwrap_or(20_000);
    let facts = arguments.next().unwrap_or(40);
    let store = Store::connect(database().await.connect_options(), 8).await.expect("connected");
    store.migrate().await.expect("migrated");
    let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
    log.ensure_topics(&topics().into_iter().map(|t| TopicSpec::new(t, 4)).collect::<Vec<_>>()).await.expect("topics");
    let codec = Codec::builtin();
    let mut events = 0;
    let began = Instant::now();
    for chunk in (0..persons).collect::<Vec<_>>().chunks(200) {
        let made = chunk.iter().flat_map(|&i| identities(i).into_iter().chain((0..facts).map(move |n| fact(i, n))));
        let record = |event: Event| {
            let encoded = codec.encode(&event).expect("encoded");
            let (topic, key) = (encoded.topic.to_owned(), encoded.key);
            Record { topic, key, payload: encoded.payload, headers: encoded.headers }
        };
        let records: Vec<Record> = made.map(record).collect();
        events += records.len();
        log.append(records).await.expect("appended");
    }
    println!("{events} events appended in {:.1} s", began.elapsed().as_secs_f64());
    let end = log.end_positions(&topics()).await.expect("positions");
    let limits = Limits { wait: Duration::from_millis(50), ..Limits::default() };
    let config =
        Config { store: store.clone(), log, codec, model: Arc::new(Model::zh()), token_key: token_key(), limits };
    let shutdown = Shutdown::new();
    let began = Instant::now();
    let task = tokio::spawn(run(config.clone(), shutdown.clone()));
    while !caught_up(&store, &end).await.expect("read") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{events} events projected in {seconds:.1} s: {:.0} per second", events as f64 / seconds);
    shutdown.begin();
    task.await.expect("no panic").expect("stopped well");
    let began = Instant::now();
    let counts = store::views::counts(&mut store.acquire().await.expect("a connection")).await.expect("counted");
    println!("{counts:?} counted in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let report = projector::check(&config, &Shutdown::new()).await.expect("rebuilt");
    println!("rebuilt in {:.1} s, differing tables: {:?}", began.elapsed().as_secs_f64(), report.differing);
}

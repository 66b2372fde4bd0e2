//! What becomes of hospital messages, from the message to the person file, whatever the order in which they come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use codec::Codec;
use connector::{BodyLimits, Ingest, IngestSetup, MessageOutcome};
use domain::{Event, FeedId, GoldenRecord, IdScheme, RecordId, Timestamp};
use event_log::{EventLog, LogConfig, Positions, TopicSpec};
use linkage::Model;
use projector::{Config, Limits, caught_up, topics};
use runtime::Shutdown;
use store::Store;
use store::views::{self, Schema};
use test_support::build::{record_id, token_key};
use test_support::{TestDatabase, database, scratch_dir, wait_for};

const NUMBER: &str = "11010519491231002X";
const ADMITTED: &str =
    "PID|1||M1^^^HOSP^MR~11010519491231002X^^^^NNCHN||王^小明||19491231|F|||幸福路1号^^云浦||13800000001";
const IN_SHORT: &str = "PID|1||M1^^^HOSP^MR||王^小明";
const STAY: &str = "PV1|1|I|W1^2^3||||||||||||||||V1|||||||||||||||||||||||||20220301080000";
const ENDED: &str = "PV1|1|I|W1^2^3||||||||||||||||V1|||||||||||||||||||||||||20220301080000|20220303090000";

/// A message of one event of March 2022; the time is that of the message.
fn adt(trigger: &str, time: &str, control_id: &str, segments: &[&str]) -> Vec<u8> {
    let head = format!("MSH|^~\\&|HIS|HOSP|HUB|CITY|202203{time}||ADT^{trigger}|{control_id}|P|2.5||||||UNICODE UTF-8");
    let mut text = format!("{head}\rEVN|{trigger}|202203{time}\r{}", segments.join("\r"));
    text.push('\r');
    text.into_bytes()
}

/// The hub's part from message to view.
struct Hub {
    ingest: Ingest,
    config: Config,
    feed: FeedId,
    _database: TestDatabase,
}

impl Hub {
    async fn start() -> Self {
        let database = database().await;
        let store = Store::connect(database.connect_options(), 10).await.expect("connected");
        store.migrate().await.expect("migrated");
        let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
        let specs: Vec<TopicSpec> = topics().into_iter().map(|topic| TopicSpec::new(topic, 2)).collect();
        log.ensure_topics(&specs).await.expect("topics");
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let ingest = Ingest::new(IngestSetup {
            store: store.clone(),
            log: log.clone(),
            codec: Codec::builtin(),
            key: token_key(),
            raw_dir: scratch_dir("raw"),
            limits: BodyLimits::default(),
            feeds: connector_hospital::feeds(None).expect("profiles"),
            clock: Arc::new(move || now),
        });
        let limits = Limits { wait: Duration::from_millis(20), ..Limits::default() };
        let (model, codec) = (Arc::new(Model::zh()), Codec::builtin());
        let survivorship = std::sync::Arc::default();
        let config = Config { store, log, codec, model, survivorship, token_key: token_key(), limits };
        let feed = FeedId::parse("hospital-hl7").expect("a name");
        Self { ingest, config, feed, _database: database }
    }

    /// A hub that took these messages one after the other, and what became of each.
    async fn of(messages: &[Vec<u8>]) -> (Self, Vec<&'static str>) {
        let hub = Self::start().await;
        let mut outcomes = Vec::new();
        for message in messages {
            outcomes.push(hub.take(message).await.code());
        }
        hub.project().await;
        (hub, outcomes)
    }

    async fn take(&self, message: &[u8]) -> MessageOutcome {
        self.ingest.message(&self.feed, message.to_vec()).await.expect("taken")
    }

    async fn project(&self) {
        let shutdown = Shutdown::new();
        let running = tokio::spawn(projector::run(self.config.clone(), shutdown.clone()));
        let end = self.config.log.end_positions(&topics()).await.expect("positions");
        wait_for("the views are at the end of the log", async || {
            caught_up(&self.config.store, &end).await.expect("read")
        })
        .await;
        shutdown.begin();
        running.await.expect("no panic").expect("stopped well");
    }

    async fn events(&self) -> Vec<Event> {
        let end = self.config.log.end_positions(&topics()).await.expect("positions");
        let mut reader = self.config.log.reader(&topics(), Positions::new()).await.expect("a reader");
        let mut events = Vec::new();
        while !reader.positions().reached(&end) {
            for record in reader.next(1000, Duration::from_secs(5)).await.expect("records") {
                events.push(self.config.codec.decode(&record.position.topic, &record.payload).expect("an event"));
            }
        }
        events
    }

    /// The golden record of whoever a record is of.
    async fn golden(&self, record: RecordId) -> GoldenRecord {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        let person = views::find_person_of_record(&mut conn, record).await.expect("read").expect("somebody");
        views::find_person(&mut conn, person).await.expect("read").expect("a file").golden
    }

    async fn fingerprint(&self) -> BTreeMap<&'static str, String> {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        views::fingerprint(&mut conn, Schema::Active).await.expect("a fingerprint")
    }

    async fn persons(&self) -> i64 {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        sqlx::query_scalar("SELECT count(*) FROM views.person").fetch_one(&mut *conn).await.expect("counted")
    }

    /// What the views say, but for when and in which batch it came.
    async fn said(&self) -> Vec<String> {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        let query = "SELECT (to_jsonb(r) - 'batch_id' - 'batch_row')::text FROM views.source_record r
                     UNION ALL SELECT to_jsonb(f)::text FROM views.fact f
                     UNION ALL SELECT to_jsonb(p)::text FROM views.person p ORDER BY 1";
        sqlx::query_scalar(query).fetch_all(&mut *conn).await.expect("read")
    }
}

fn patient(number: &str) -> RecordId {
    record_id("hospital", &format!("patient:HOSP:{number}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discharge_keeps_what_the_admission_told_in_both_orders() {
    let admission = adt("A01", "01080000", "1", &[ADMITTED, STAY]);
    let discharge = adt("A03", "03090000", "2", &[IN_SHORT, ENDED]);
    let (straight, outcomes) = Hub::of(&[admission.clone(), discharge.clone()]).await;
    assert_eq!(outcomes, ["accepted", "accepted"]);
    let golden = straight.golden(patient("M1")).await;
    assert!(golden.identifiers.iter().any(|field| field.value.value.expose() == NUMBER), "{golden:?}");
    assert_eq!(golden.birth_date.map(|field| field.value.to_string()).as_deref(), Some("1949-12-31"));
    assert_eq!(golden.phones[0].value.number.expose(), "8613800000001");
    assert!(golden.address.is_some());

    let (turned, outcomes) = Hub::of(&[discharge, admission]).await;
    assert_eq!(outcomes, ["accepted", "superseded"]);
    assert_eq!(turned.said().await, straight.said().await);
    let before = turned.fingerprint().await;
    projector::rebuild(&turned.config, &Shutdown::new()).await.expect("rebuilt");
    assert_eq!(turned.fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_mark_deletes_and_an_empty_field_does_not_in_both_orders() {
    let told = adt("A28", "01080000", "1", &[ADMITTED]);
    let pid = "PID|1||M1^^^HOSP^MR~\"\"^^^^NNCHN||王^小明||\"\"|||||||\"\"";
    let deleted = adt("A31", "02080000", "2", &[pid]);
    let (straight, _) = Hub::of(&[told.clone(), deleted.clone()]).await;
    let golden = straight.golden(patient("M1")).await;
    assert!(golden.identifiers.iter().all(|field| field.value.scheme == IdScheme::Mrn), "{golden:?}");
    assert!(golden.birth_date.is_none());
    assert!(golden.sex.is_some() && golden.address.is_some() && !golden.phones.is_empty(), "{golden:?}");
    let (turned, _) = Hub::of(&[deleted, told]).await;
    assert_eq!(turned.said().await, straight.said().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_overtakes_its_admission_cancels_it() {
    let admission = adt("A01", "01080000", "1", &[ADMITTED, STAY]);
    let cancelled = adt("A11", "01090000", "2", &[IN_SHORT, STAY]);
    let (straight, _) = Hub::of(&[admission.clone(), cancelled.clone()]).await;
    let (turned, outcomes) = Hub::of(&[cancelled, admission]).await;
    assert_eq!(outcomes, ["accepted", "superseded"]);
    let said = turned.said().await;
    assert_eq!(said, straight.said().await);
    let facts: Vec<_> = said.iter().filter(|row| row.contains("\"retracted\": true")).collect();
    assert_eq!(facts.len(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_that_overtakes_the_old_number_leaves_one_person() {
    let old = adt("A28", "01080000", "1", &["PID|1||M9^^^HOSP^MR||王^小明"]);
    let merge = adt("A40", "01120000", "2", &[ADMITTED, "MRG|M9^^^HOSP^MR"]);
    let (straight, _) = Hub::of(&[old.clone(), merge.clone()]).await;
    let (turned, outcomes) = Hub::of(&[merge, old]).await;
    assert_eq!(outcomes, ["accepted", "superseded"]);
    assert_eq!((straight.persons().await, turned.persons().await), (1, 1));
    assert_eq!(turned.said().await, straight.said().await);
    assert_eq!(turned.golden(patient("M9")).await, turned.golden(patient("M1")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stay_follows_the_number_that_changes_and_the_patient_it_moves_to_in_both_orders() {
    let admitted = adt("A01", "01080000", "1", &["PID|1||M9^^^HOSP^MR||王^小明", STAY]);
    let moved = format!("MRG|M9^^^HOSP^MR||||V1\r{STAY}");
    for (trigger, rest) in [("A40", "MRG|M9^^^HOSP^MR"), ("A47", "MRG|M9^^^HOSP^MR"), ("A45", &*moved)] {
        let changed = adt(trigger, "01120000", "2", &[ADMITTED, rest]);
        let (straight, _) = Hub::of(&[admitted.clone(), changed.clone()]).await;
        let (turned, _) = Hub::of(&[changed, admitted.clone()]).await;
        assert_eq!(turned.said().await, straight.said().await, "{trigger}");
        let mut conn = straight.config.store.acquire().await.expect("a connection");
        let query =
            "SELECT DISTINCT person_id::text FROM views.fact JOIN views.source_record r ON r.record_id = subject
                     WHERE NOT fact.retracted";
        let owners: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *conn).await.expect("read");
        let person = views::find_person_of_record(&mut conn, patient("M1")).await.expect("read").expect("somebody");
        assert_eq!(owners, [person.to_string()], "{trigger}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_second_are_all_taken_and_resent_ones_are_known() {
    let first = adt("A28", "01080000", "AAAA-b", &[IN_SHORT]);
    let second = adt("A08", "01080000", "AAAA-c", &["PID|1||M1^^^HOSP^MR||王^小明||19491231"]);
    let third = adt("A08", "01080000", "AAAA-d", &["PID|1||M1^^^HOSP^MR||王^大明"]);
    let messages = [first.clone(), second.clone(), third.clone(), second, third, first];
    let (hub, outcomes) = Hub::of(&messages).await;
    assert_eq!(outcomes, ["accepted", "accepted", "accepted", "duplicate", "duplicate", "duplicate"]);
    let golden = hub.golden(patient("M1")).await;
    assert_eq!(golden.birth_date.map(|field| field.value.to_string()).as_deref(), Some("1949-12-31"));
    assert_eq!(golden.name.expect("a name").value.text.expose(), "王大明");

    // A counter that goes on from 1999 to 2000 within the second is a counter all the same.
    let numbered = |id: &str, name: &str| adt("A08", "02080000", id, &[&format!("PID|1||M1^^^HOSP^MR||{name}")]);
    hub.take(&numbered("MSG2000", "李^新")).await;
    assert_eq!(hub.take(&numbered("MSG1999", "李^旧")).await.code(), "superseded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_message_never_becomes_large() {
    let hub = Hub::start().await;
    let repeated = |each: &str, times: usize| vec![each; times].join("~");
    let tests: String = (0..999).map(|n| format!("OBX|{n}|ST|T{n}||NEGATIVE|||||F\r")).collect();
    let oru = |pid: &str, order: &str| {
        let head = "MSH|^~\\&|LIS|HOSP|HUB|CITY|20220301080000||ORU^R01|7|P|2.5||||||UNICODE UTF-8";
        format!("{head}\rPID|1||{pid}\rOBR|1||{order}|T\r{tests}").into_bytes()
    };
    let mrn = "M1^^^HOSP^MR";
    let few = format!("{mrn}~{}", repeated("X1^^^^ZZ", 31));
    for (message, code) in [
        (oru(&format!("{mrn}~{}", repeated("X1^^^^ZZ", 32)), "O1"), "repetitions-too-many"),
        (oru(&repeated(mrn, 20_000), "O1"), "repetitions-too-many"),
        (oru(&format!("{mrn}||{}", repeated("王^小明", 17)), "O1"), "repetitions-too-many"),
        (oru(&format!("{mrn}||王^小明||||||||{}", repeated("13800000001", 17)), "O1"), "repetitions-too-many"),
        (oru(mrn, &repeated("&", 200_000)), "repetitions-too-many"),
        (oru(mrn, &"9".repeat(500_000)), "value-too-long"),
        (oru(&format!("{mrn}||{}", "王".repeat(101)), "O1"), "value-too-long"),
        (oru(&format!("{mrn}^{}", "9".repeat(201)), "O1"), "accepted"),
        (oru(&few, "O2"), "accepted"),
    ] {
        let outcome = match hub.take(&message).await {
            MessageOutcome::Quarantined(error) => error.reason.code(),
            other => other.code(),
        };
        assert_eq!(outcome, code);
    }
    let events = hub.events().await;
    let subjects = events.iter().map(|event| event.body.subject().len()).max();
    assert_eq!((events.len(), subjects), (2 * 1000, Some(4)), "999 results and who was tested, twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_without_issuer_names_nobody_and_no_two_issuers_share_a_record() {
    let hub = Hub::start().await;
    let nameless = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").replace("|HIS|HOSP|", "|||").into_bytes();
    let bare = adt("A28", "01080000", "1", &["PID|1||1001||王^小明"]);
    let MessageOutcome::Quarantined(error) = hub.take(&nameless(bare)).await else { panic!("taken") };
    assert_eq!((error.field.as_deref(), error.reason.code()), (Some("MSH-4"), "required-missing"));
    // The authority of the number is enough.
    let issued = |pid: &str| nameless(adt("A28", "01080000", "2", &[&format!("PID|1||{pid}||王^小明")]));
    assert_eq!(hub.take(&issued("1001^^^A:B^MR")).await.code(), "accepted");
    assert_eq!(hub.take(&issued("B:1001^^^A^MR")).await.code(), "accepted");
    let MessageOutcome::Quarantined(error) = hub.take(&issued("1001^^^A\\X1F\\B^MR")).await else { panic!("taken") };
    assert_eq!(error.reason.code(), "control-character");
    let records: std::collections::BTreeSet<_> = hub.events().await.iter().map(|event| event.meta.record_id).collect();
    assert_eq!(records.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_under_a_number_that_was_merged_away_is_the_survivors_in_any_order() {
    let short = |number: &str| format!("PID|1||{number}^^^HOSP^MR||王^小明||19491231|F");
    let result = format!(
        "MSH|^~\\&|LIS|HOSP|HUB|CITY|20220303100000||ORU^R01|7|P|2.5||||||UNICODE UTF-8\r{}\r\
         OBR|1||F1|PCR^^L|||20220303070000\rOBX|1|ST|94500-6^^LN||阳性||||||F\r",
        short("M2")
    );
    let messages = [
        adt("A28", "01080000", "1", &[ADMITTED]),
        adt("A28", "02080000", "2", &[&short("M2")]),
        adt("A40", "03080000", "3", &[&short("M1"), "MRG|M2^^^HOSP^MR"]),
        result.into_bytes(),
        // Later messages name the number in use only.
        adt("A31", "04080000", "4", &[&short("M1")]),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [3, 1, 0, 4, 2]] {
        let (hub, outcomes) = Hub::of(&order.map(|at| messages[at].clone())).await;
        assert!(!outcomes.contains(&"quarantined"), "{order:?}: {outcomes:?}");
        assert_eq!(hub.persons().await, 1, "{order:?}");
        let numbers = hub.golden(patient("M1")).await;
        let numbers: Vec<_> = numbers.identifiers.iter().filter(|id| id.value.scheme == IdScheme::Mrn).collect();
        assert_eq!(numbers.len(), 2, "{order:?}: both numbers lead to the person");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_under_a_number_that_is_gone_stays_the_patients_in_any_order() {
    let admitted = adt("A01", "01080000", "1", &[&ADMITTED.replace("M1^", "M9^"), STAY]);
    let deleted = "PID|1||M1^^^HOSP^MR||王^小明||||||||\"\"";
    for trigger in ["A40", "A47"] {
        let renumbered = adt(trigger, "02080000", "2", &[IN_SHORT, "MRG|M9^^^HOSP^MR"]);
        let later = adt("A31", "03080000", "3", &["PID|1||M1^^^HOSP^MR||王^小明||19491231||||||13800000002"]);
        let messages = [admitted.clone(), renumbered, later];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let (hub, outcomes) = Hub::of(&order.map(|at| messages[at].clone())).await;
            assert!(!outcomes.contains(&"quarantined"), "{trigger} {order:?}: {outcomes:?}");
            assert_eq!(hub.persons().await, 1, "{trigger} {order:?}");
            let golden = hub.golden(patient("M1")).await;
            let numbers: Vec<_> = golden.identifiers.iter().map(|id| id.value.value.expose().as_str()).collect();
            assert!(numbers.contains(&NUMBER), "{trigger} {order:?}: {numbers:?}");
            assert!(golden.address.is_some(), "{trigger} {order:?}");
            let phones: Vec<_> = golden.phones.iter().map(|phone| phone.value.number.expose().as_str()).collect();
            assert_eq!(phones, ["8613800000002"], "{trigger} {order:?}: the number in use says it otherwise");
        }
        // Without a word of its own the patient keeps the old phone, until the hospital deletes it.
        let (hub, _) = Hub::of(&messages[..2]).await;
        assert_eq!(hub.golden(patient("M1")).await.phones.len(), 1, "{trigger}");
        hub.take(&adt("A31", "04080000", "4", &[deleted])).await;
        hub.project().await;
        assert_eq!(hub.golden(patient("M1")).await.phones.len(), 0, "{trigger}");
    }
}

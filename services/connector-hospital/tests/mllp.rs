//! The MLLP listener over real sockets, with a real PostgreSQL behind it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use codec::Codec;
use connector::{BodyLimits, Ingest, IngestSetup};
use connector_hospital::mllp::{Gate, Mllp, serve};
use domain::{FeedId, Timestamp};
use event_log::{EventLog, LogConfig, TopicSpec};
use store::Store;
use store::ingest::{Origin, totals};
use store::quarantine::{self, Selection};
use test_support::build::token_key;
use test_support::{TestDatabase, database, scratch_dir};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

struct Hub {
    address: SocketAddr,
    store: Store,
    ingest: Arc<Ingest>,
    stop: CancellationToken,
    _database: TestDatabase,
}

impl Hub {
    async fn start() -> Self {
        Self::with(None).await
    }

    /// A hub whose hospitals agreed on the enhanced mode.
    async fn enhanced() -> Self {
        Self::agreed("acknowledgements = \"enhanced\"").await
    }

    /// A hub whose hospitals have systems for tests that could reach it.
    async fn refusing_tests() -> Self {
        Self::agreed("test_messages = \"refused\"").await
    }

    async fn agreed(option: &str) -> Self {
        let folder = scratch_dir("profiles");
        let mut profiles = connector_hospital::PROFILES.iter();
        let (name, text) = profiles.find(|(name, _)| *name == "hospital-hl7.toml").expect("it ships");
        let text = format!("{text}\n[options]\n{option}\n");
        std::fs::write(folder.join(name), text).expect("written");
        Self::with(Some(&folder)).await
    }

    async fn with(profiles: Option<&Path>) -> Self {
        let database = database().await;
        let store = Store::connect(database.connect_options(), 10).await.expect("connected");
        store.migrate().await.expect("migrated");
        let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
        let clock: connector::Clock = Arc::new(|| Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant"));
        let ingest = Arc::new(Ingest::new(IngestSetup {
            store: store.clone(),
            log: log.clone(),
            codec: Codec::builtin(),
            key: token_key(),
            raw_dir: scratch_dir("raw"),
            limits: BodyLimits::default(),
            feeds: connector_hospital::feeds(profiles).expect("profiles"),
            clock: Arc::clone(&clock),
        }));
        let topics: Vec<TopicSpec> =
            ingest.event_types().iter().map(|event_type| TopicSpec::new(event_type.topic(), 2)).collect();
        log.ensure_topics(&topics).await.expect("topics");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let feed = FeedId::parse("hospital-hl7").expect("a name");
        let stop = CancellationToken::new();
        let mllp = Mllp { ingest: Arc::clone(&ingest), feed, clock, gate: Gate::Open };
        tokio::spawn(serve(listener, mllp, stop.clone()));
        Self { address, store, ingest, stop, _database: database }
    }

    /// Accepted, duplicate and quarantined rows.
    async fn counts(&self) -> [i64; 3] {
        let mut conn = self.store.acquire().await.expect("a connection");
        let totals = totals(&mut conn).await.expect("totals");
        let counts = totals.iter().map(|(_, counts)| [counts.accepted, counts.duplicate, counts.quarantined]);
        counts.fold([0; 3], |sum, counts| std::array::from_fn(|place| sum[place] + counts[place]))
    }
}

fn admission(sender: usize, number: usize) -> String {
    format!(
        "MSH|^~\\&|HIS|H{sender}|HUB|CITY|20220301080000||ADT^A28|{sender}-{number}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||M{sender}-{number}^^^HOSP^MR||王^小明||19491231|F\r"
    )
}

async fn ask(stream: &mut TcpStream, message: &str) -> String {
    stream.write_all(format!("\u{b}{message}\u{1c}\r").as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        assert!(stream.read_buf(&mut answer).await.expect("read") > 0, "closed without an answer");
    }
    String::from_utf8(answer).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_connections_are_each_answered_for_their_own_messages() {
    const SENDERS: usize = 300;
    let hub = Hub::start().await;
    let senders = (0..SENDERS).map(|sender| {
        let address = hub.address;
        tokio::spawn(async move {
            // Some sixty of them come from each address.
            let socket = TcpSocket::new_v4().expect("a socket");
            let host = 2 + u8::try_from(sender / 60).expect("few");
            socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).expect("bound");
            let mut stream = socket.connect(address).await.expect("connects");
            for number in 0..3 {
                let answer = ask(&mut stream, &admission(sender, number)).await;
                assert!(answer.contains(&format!("\rMSA|AA|{sender}-{number}\r")), "{answer}");
            }
        })
    });
    for sender in senders.collect::<Vec<_>>() {
        sender.await.expect("answered");
    }
    assert_eq!(hub.counts().await, [3 * SENDERS as i64, 0, 0]);
    hub.stop.cancel();
}

#[tokio::test]
async fn a_resend_has_the_answer_of_the_first_and_does_nothing() {
    let hub = Hub::start().await;
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    let good = admission(1, 1);
    let bad = admission(1, 2).replace("PID|1||M1-2^^^HOSP^MR", "PID|1||");
    let first = [ask(&mut stream, &good).await, ask(&mut stream, &bad).await];
    assert!(first[0].contains("\rMSA|AA|1-1\r"), "{}", first[0]);
    assert!(first[1].contains("\rMSA|AE|1-2|") && first[1].contains("\rERR||PID^1^3|101^"), "{}", first[1]);
    // The answer was lost with the connection; the sender asks again.
    drop(stream);
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    assert_eq!([ask(&mut stream, &good).await, ask(&mut stream, &bad).await], first);
    let counts = hub.counts().await;
    assert_eq!(counts[..2], [1, 1], "accepted once, a duplicate after it");
}

#[tokio::test]
async fn a_message_that_is_too_long_is_in_quarantine_and_closes_when_it_comes_shorter() {
    let hub = Hub::start().await;
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    let long = admission(3, 1) + "NTE|1||" + &"x".repeat(9 << 20);
    let answer = ask(&mut stream, &long).await;
    assert!(answer.contains("\rMSA|AE|3-1|the message is longer than"), "{answer}");
    assert_eq!(hub.counts().await, [0, 0, 1]);
    let open = async || {
        let mut conn = hub.store.acquire().await.expect("a connection");
        let all = Selection { all: true, ..Selection::default() };
        let held = quarantine::list(&mut conn, &all, Origin { arrival: 0, row: 0 }, 10).await.expect("listed");
        held.into_iter().map(|held| (held.row.code, held.row.byte_length < 4096, held.state)).collect::<Vec<_>>()
    };
    assert_eq!(open().await, [("message-too-long".to_owned(), true, "open".to_owned())]);
    // With the profile of now it still is too long: what was kept is never read as a message.
    let feed = FeedId::parse("hospital-hl7").expect("a name");
    let again = hub.ingest.reprocess(&feed, false, "nothing new").await.expect("read again");
    assert_eq!((again.rows, again.quarantined, again.events), (1, 1, 0));
    assert_eq!(open().await, [("message-too-long".to_owned(), true, "open".to_owned())]);
    assert!(ask(&mut stream, &admission(3, 1)).await.contains("\rMSA|AA|3-1\r"));
    assert_eq!(open().await[0].2, "mended");
}

#[tokio::test]
async fn each_message_of_a_block_has_its_own_answer_and_its_own_row() {
    let hub = Hub::start().await;
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    let batch = format!("FHS|^~\\&\rBHS|^~\\&\r{}{}BTS|2\rFTS|1\r", admission(5, 1), admission(5, 2));
    let bad = admission(5, 4).replace("PID|1||M5-4^^^HOSP^MR", "PID|1||");
    let two = format!("{}{bad}", admission(5, 3));
    // The first of these came only to its half, and nobody says that it was taken.
    let anew = format!("{}\u{b}{}", &admission(5, 5)[..80], admission(5, 6));
    let mut answers = String::new();
    for block in [&batch, &two, &anew] {
        answers += &ask(&mut stream, block).await;
        if block != &anew && answers.matches('\u{1c}').count() % 2 == 1 {
            answers += &rest(&mut stream).await;
        }
    }
    let said: Vec<&str> = answers.split("\rMSA|").skip(1).map(|rest| &rest[..6]).collect();
    assert_eq!(said, ["AA|5-1", "AA|5-2", "AA|5-3", "AE|5-4", "AA|5-6"]);
    assert_eq!(hub.counts().await, [4, 0, 1]);
}

#[tokio::test]
async fn a_message_for_tests_is_refused_where_that_is_agreed() {
    let hub = Hub::refusing_tests().await;
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    let answer = ask(&mut stream, &admission(6, 1).replace("|P|2.5", "|T|2.5")).await;
    assert!(answer.contains("\rMSA|AE|6-1|") && answer.contains("\rERR||MSH^1^11|202^"), "{answer}");
    assert!(answer.contains("|message-test|"), "{answer}");
    assert_eq!(hub.counts().await, [0, 0, 1]);
}

#[tokio::test]
async fn a_sender_of_the_enhanced_mode_hears_of_storage_and_of_content_apart() {
    let wanting = |message: String, wanted: &str| message.replacen("|2.5||||||", &format!("|2.5|||{wanted}||"), 1);
    // Without the agreement each message has one answer, whatever its sender writes by habit.
    let usual = Hub::start().await;
    let mut stream = TcpStream::connect(usual.address).await.expect("connects");
    for (number, wanted) in ["NE|NE", "AL|NE", "AL|AL"].into_iter().enumerate() {
        let answer = ask(&mut stream, &wanting(admission(1, number), wanted)).await;
        assert!(answer.contains(&format!("\rMSA|AA|1-{number}\r")), "{wanted}: {answer}");
    }
    let hub = Hub::enhanced().await;
    let mut stream = TcpStream::connect(hub.address).await.expect("connects");
    let taken = ask(&mut stream, &wanting(admission(2, 1), "AL|AL")).await;
    let taken = if taken.contains("MSA|AA") { taken } else { taken + &rest(&mut stream).await };
    assert!(taken.find("\rMSA|CA|2-1\r").expect("stored") < taken.find("\rMSA|AA|2-1\r").expect("taken"), "{taken}");
    let bad = admission(2, 2).replace("PID|1||M2-2^^^HOSP^MR", "PID|1||");
    let failed = ask(&mut stream, &wanting(bad, "AL|NE")).await;
    assert!(failed.contains("\rMSA|CE|2-2|") && failed.contains("|required-missing|"), "{failed}");
    // Nobody answers an answer, nor a message of which nobody wants to hear.
    let silent = wanting(admission(2, 3), "NE|NE");
    let answer = "MSH|^~\\&|HIS|H2|HUB|CITY|20220301080000||ACK|2-4|P|2.5\rMSA|CA|2-1-app\r";
    for message in [&silent, answer] {
        stream.write_all(format!("\u{b}{message}\u{1c}\r").as_bytes()).await.expect("written");
    }
    let next = ask(&mut stream, &admission(2, 5)).await;
    assert!(next.starts_with('\u{b}') && next.contains("\rMSA|AA|2-5\r"), "{next}");
    assert_eq!(hub.counts().await, [3, 0, 1]);
}

/// What follows an answer.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x1c\r") {
        assert!(stream.read_buf(&mut answer).await.expect("read") > 0, "closed without an answer");
    }
    String::from_utf8(answer).expect("text")
}

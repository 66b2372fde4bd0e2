//! Faults: the connector, the broker and the database are killed at random moments under load, and nothing is lost or
//! doubled.
//!
//! The real binary, a real Apache Kafka and a real PostgreSQL, each ended by the kernel (`kill -9`) in whatever it is
//! doing and started again on what it left behind. Senders push the files of a synthetic city, one feed with every fifth line
//! spoilt, its hospitals send their messages by MLLP, and all send again whatever was not answered. Afterwards the same goes
//! through a hub that nobody disturbs, and the two are compared: receipts row by row with their reasons, answers message
//! by message, events statement by statement.
//!
//! `make faults KILLS=200` kills more often than the ordinary tests do; `FAULTS_SEED` chooses other moments.

mod effect;
mod hospital;
mod load;
mod rows;
mod site;

use std::collections::BTreeSet;
use std::time::Duration;

use hospital::Said;
use load::{Answers, Door, Load};
use site::{Part, Site};

/// Kills in the ordinary tests.
const KILLS: usize = 8;
/// Longest life of the parts between two kills.
const CALM_MAX_MS: u64 = 3_000;
/// How long a kill, with what follows, may take on a busy machine.
const KILL_MAX: Duration = Duration::from_secs(120);

/// Numbers that follow from a seed (Vigna's splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_every_row_is_accounted_for_and_every_event_is_there_once_in_effect() {
    let kills = setting("KILLS", KILLS as u64);
    let seed = setting("FAULTS_SEED", 1);
    let Some(mut site) = Site::start().await else { return };
    let door = Door::of(site.hub());
    let load = Load::new(door.clone(), seed);
    let sending = tokio::spawn(load.clone().send_until_stopped());
    let killing = async {
        let mut dice = Dice(seed);
        for kill in 1..=kills {
            // The moment is the point: nothing is waited for but time.
            tokio::time::sleep(Duration::from_millis(dice.roll(CALM_MAX_MS))).await;
            let part = match dice.roll(4) {
                0 => Part::Broker,
                1 => Part::Database,
                _ => Part::Connector,
            };
            eprintln!("kill {kill} of {kills}: the {part:?}; {} files were answered", load.answered());
            site.kill_and_restart(part).await;
        }
    };
    let longest = KILL_MAX * u32::try_from(kills).expect("a number of kills") + Duration::from_secs(600);
    tokio::time::timeout(longest, killing).await.expect("the parts come back in time");
    load.stop();
    let answers = tokio::time::timeout(longest, sending).await.expect("the senders end").expect("they do not panic");

    let reference = site.undisturbed_hub().await;
    let beside = Door::of(&reference);
    let expected = load.send_again(&beside, &answers).await;
    let rows = assert_same_files(&door, &answers, &beside, &expected).await;
    let messages = assert_same_messages(&door, &answers, &beside, &expected).await;
    let batches: BTreeSet<_> = answers.files.iter().map(|receipt| receipt.batch_id).collect();
    let events = effect::read(&site.hub().log().await, &batches).await;
    let expected = effect::read(&reference.log().await, &batches).await;
    effect::assert_same(&events, &expected);
    eprintln!(
        "{kills} kills, seed {seed}: {} files, {rows} rows, {messages} messages, {} records in the log, {} events in effect",
        answers.files.len(),
        events.records,
        events.ids.len()
    );
}

/// Asserts that every row has the same outcome as without kills, and the same reason; gives the number of rows.
async fn assert_same_files(door: &Door, answers: &Answers, beside: &Door, expected: &Answers) -> u64 {
    let (mut rows, mut codes) = (0, BTreeSet::new());
    assert_eq!(answers.files.len(), expected.files.len(), "every file has its receipt");
    for (receipt, expected) in answers.files.iter().zip(&expected.files) {
        assert_eq!(receipt, expected, "a receipt is the same as without kills");
        assert_eq!(receipt.counts.rows, receipt.counts.sum(), "rows in = rows accounted for: {receipt:?}");
        let single = rows::read(door, receipt).await;
        assert_eq!(receipt.counts.rows, single.len(), "each row has its receipt: {receipt:?}");
        assert_eq!(single, rows::read(beside, expected).await, "a row's receipt is the same as without kills");
        rows += single.len();
        codes.extend(single.codes());
    }
    assert!(codes.len() > 2, "rows fail in several ways: {codes:?}");
    rows
}

/// Asserts that every message has the same answer as without kills, and is there once; gives the number of messages.
async fn assert_same_messages(door: &Door, answers: &Answers, beside: &Door, expected: &Answers) -> usize {
    for (said, expected) in answers.messages.iter().zip(&expected.messages) {
        assert_eq!(said, expected, "an answer is the same as without kills");
    }
    let said = &answers.messages;
    assert!(said.iter().any(Said::is_taken) && said.iter().any(|said| !said.is_taken()), "both answers occur");
    let [accepted, expected] = [door.accepted_messages().await, beside.accepted_messages().await];
    assert_eq!(accepted, expected, "what is sent again is a duplicate, and what was taken is on record");
    said.len()
}

//! The log on a real disk: appends, restarts, and an offline verification that misses nothing.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{Place, access, append_many, entry};
use ledger::{Code, LedgerClient, LedgerError, LedgerHandle, Released, verify};
use rand::{RngExt as _, SeedableRng as _};

#[tokio::test(flavor = "multi_thread")]
async fn every_concurrent_append_gets_a_receipt_that_verifies_offline_and_after_a_restart() {
    let place = Place::new();
    let ledger = place.open();
    let receipts = append_many(&ledger, 0..1_500).await;
    let indices: BTreeSet<u64> = receipts.iter().map(|receipt| receipt.index).collect();
    assert_eq!(indices, (0..1_500).collect(), "each index is given once");
    for receipt in &receipts {
        receipt.verify(&ledger.verifier()).expect("it verifies");
    }
    let key = ledger.verifier();
    ledger.close().await;
    let ledger = place.open();
    assert_eq!(ledger.head().0.size, 1_500);
    for receipt in receipts.iter().step_by(37) {
        let again = ledger.prove(receipt.index).expect("the entry is in the log");
        assert_eq!(again.leaf_hash, receipt.leaf_hash);
        let head = again.verify(&key).expect("it verifies");
        let earlier = receipt.verify(&key).expect("it verifies");
        let (proof, _) = ledger.consistency(earlier.size).expect("the log had that size");
        assert!(ledger::merkle::verify_consistency(earlier.size, earlier.root, head.size, head.root, &proof));
        let (index, entry) = ledger.read(receipt.index, 1).expect("the entry can be read").remove(0);
        assert_eq!((index, entry.leaf_hash().expect("short")), (receipt.index, receipt.leaf_hash));
    }
    assert_eq!(ledger.read(250, 600).expect("readable").len(), 600);
    assert_eq!(ledger.read(1_499, 600).expect("readable").len(), 1);
    assert!(matches!(ledger.prove(1_500), Err(LedgerError::NoEntry(1_500))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_receipt_does_not_verify() {
    let place = Place::new();
    let ledger = place.open();
    let receipt = append_many(&ledger, 0..300).await.remove(200);
    receipt.verify(&ledger.verifier()).expect("it verifies");
    let text = receipt.to_tlog_proof();
    assert_eq!(ledger::Receipt::from_tlog_proof(&text, receipt.leaf_hash), Some(receipt.clone()));
    let mut other = receipt.clone();
    other.index ^= 1;
    assert!(other.verify(&ledger.verifier()).is_err());
    let mut other = receipt.clone();
    other.proof[0].0[5] ^= 1;
    assert!(other.verify(&ledger.verifier()).is_err());
    let mut other = receipt.clone();
    other.proof.pop();
    assert!(other.verify(&ledger.verifier()).is_err());
    let mut other = receipt.clone();
    other.checkpoint = other.checkpoint.replacen("\n300\n", "\n301\n", 1).replacen("files\n", "files2\n", 1);
    assert!(other.verify(&ledger.verifier()).is_err());
    let stranger = Place::new().open();
    assert!(receipt.verify(&stranger.verifier()).is_err(), "a key of the same name signed nothing here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sequencer_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let ledger = place.open();
    assert!(matches!(LedgerHandle::open(&place.options()), Err(LedgerError::Locked(_))));
    ledger.append(&entry(1)).await.expect("the first is unharmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_ledger_discloses_nothing() {
    let place = Place::new();
    let ledger = place.open();
    let client = LedgerClient::Local(ledger.clone());
    let disclosure = access(1).disclose("the file", Released::default());
    assert!(!format!("{disclosure:?}").contains("the file"));
    let disclosed = client.disclose(disclosure).await.expect("recorded");
    assert!(!format!("{disclosed:?}").contains("the file"));
    let refusal = access(2).refuse(Code::parse("not-own-grid").expect("a code"), Vec::new());
    assert_eq!(client.refuse(refusal).await.expect("recorded").receipt().index, 1);
    ledger.close().await;
    let disclosure = access(3).disclose("the file", Released::default());
    assert!(matches!(client.disclose(disclosure).await, Err(LedgerError::Unavailable)));
    assert!(!client.is_ready().await);
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_any_file_is_found_and_its_file_named() {
    let place = Place::new();
    let ledger = place.open();
    append_many(&ledger, 0..700).await;
    let key = ledger.verifier();
    ledger.close().await;
    let dir = place.dir();
    let clean = verify(&dir, Some(&key)).expect("readable");
    assert!(clean.verified, "{clean}");
    assert_eq!((clean.entries, clean.unpublished_entries), (700, 0));

    let files: Vec<_> =
        files(&dir).into_iter().filter(|file| std::fs::metadata(file).expect("a file").len() > 0).collect();
    assert!(files.len() >= 10, "{files:?}");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    for trial in 0..1_200 {
        let file = &files[trial % files.len()];
        let bytes = std::fs::read(file).expect("readable");
        let mut flipped = bytes.clone();
        let (position, bit) = (rng.random_range(0..bytes.len()), rng.random_range(0..8u8));
        flipped[position] ^= 1 << bit;
        std::fs::write(file, &flipped).expect("writable");
        let report = verify(&dir, Some(&key)).expect("readable");
        let name = file.strip_prefix(&dir).expect("below").to_string_lossy().into_owned();
        assert!(!report.verified, "missed byte {position} bit {bit} of {name}");
        assert!(report.findings.iter().any(|finding| finding.file == name), "{name} is not named: {report}");
        std::fs::write(file, &bytes).expect("writable");
    }
    let again = verify(&dir, None).expect("readable");
    assert!(again.verified && !again.key_given, "{again}");

    std::fs::write(dir.join("tile/0/999"), b"stray").expect("writable");
    assert!(!verify(&dir, Some(&key)).expect("readable").verified, "a stray file is named");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_use_verifies_while_it_grows() {
    let place = Place::new();
    let ledger = place.open();
    for round in 0..6u64 {
        append_many(&ledger, round * 400..round * 400 + 400).await;
        if round % 2 == 0 {
            ledger.publish().await.expect("published");
        }
        let (dir, key) = (place.dir(), ledger.verifier());
        let growing = tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.append(&entry(1_000_000 + round)).await.expect("appended") }
        });
        let report =
            tokio::task::spawn_blocking(move || verify(&dir, Some(&key))).await.expect("no panic").expect("readable");
        growing.await.expect("no panic");
        assert!(report.verified && report.live, "{report}");
    }
    ledger.publish().await.expect("published");
    let report = verify(&place.dir(), None).expect("readable");
    assert_eq!((report.entries, report.unpublished_entries), (2_406, 0), "{report}");

    let journal = files(&place.dir().join("journal")).pop().expect("a journal");
    let mut bytes = std::fs::read(&journal).expect("readable");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&journal, bytes).expect("writable");
    assert!(!verify(&place.dir(), None).expect("readable").verified, "damage at the end is no growth");
}

//! The log on a disk that loses power at any operation, thousands of times.

use std::path::Path;
use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::error::LedgerError;
use crate::files::Files as _;
use crate::log::Log;
use crate::merkle::{leaf_hash, root_of_inclusion};
use crate::note::{Checkpoint, LogKey};
use crate::receipt::Receipt;
use crate::simulated_disk::SimulatedDisk;

fn key() -> LogKey {
    LogKey::from_seed("ledger.test/crash", &[3; 32]).expect("the name is valid")
}

fn open(disk: &SimulatedDisk) -> Result<Log<SimulatedDisk>, LedgerError> {
    Log::open(Arc::new(disk.clone()), vec![key()], &[])
}

fn entry(rng: &mut ChaCha8Rng) -> Arc<[u8]> {
    let length = rng.random_range(0..60);
    (0..length).map(|_| rng.random::<u8>()).collect()
}

/// Appends, publishes and rotates until something fails or the steps are done; collects what was acknowledged.
fn work(log: &mut Log<SimulatedDisk>, disk: &SimulatedDisk, rng: &mut ChaCha8Rng, acknowledged: &mut Vec<Receipt>) {
    for _ in 0..rng.random_range(1..40) {
        let outcome = match rng.random_range(0..10) {
            0..=6 => {
                let size = if rng.random_bool(0.1) { rng.random_range(1..600) } else { rng.random_range(1..20) };
                let batch = (0..size).map(|_| entry(rng)).collect();
                log.append_batch(batch).map(|receipts| acknowledged.extend(receipts))
            }
            7 => log.rotate().inspect_err(|_| log.poison()),
            _ => log.publish_job().and_then(|job| {
                let Some(job) = job else { return Ok(()) };
                log.finish_publish(job.run(disk)?);
                Ok(())
            }),
        };
        if outcome.is_err() {
            log.poison();
            assert!(matches!(log.append_batch(vec![entry(rng)]), Err(LedgerError::Poisoned)));
            return;
        }
    }
}

fn assert_recovered(log: &Log<SimulatedDisk>, acknowledged: &[Receipt], seed: u64) {
    let reader = log.reader();
    let (head, _) = reader.head();
    let mut signed = Checkpoint { origin: String::new(), size: 0, root: crate::merkle::empty_root() };
    let mut note = "";
    for receipt in acknowledged {
        // The receipts of a batch share their head; its signature is checked once.
        if receipt.checkpoint != note {
            signed = receipt.verify(key().verifier()).expect("an acknowledged receipt verifies");
            note = &receipt.checkpoint;
        }
        let root = root_of_inclusion(receipt.leaf_hash, receipt.index, signed.size, &receipt.proof);
        assert_eq!(root, Some(signed.root), "seed {seed}: entry {}", receipt.index);
        assert!(signed.size <= head.size, "seed {seed}: a signed head is larger than the log");
    }
    // All proofs of a long history would take minutes; the newest and a sample of the older ones do.
    let step = acknowledged.len() / 4 + 1;
    let sample = acknowledged.iter().rev().take(2).chain(acknowledged.iter().step_by(step));
    for receipt in sample {
        let now = reader.prove(receipt.index).expect("the entry is in the log");
        assert_eq!(now.leaf_hash, receipt.leaf_hash, "seed {seed}: entry {}", receipt.index);
        assert_eq!(now.verify(key().verifier()).expect("it verifies").size, head.size);
        let entries = reader.entries(receipt.index, 1).expect("the entry can be read");
        assert_eq!(leaf_hash(&entries[0].1), receipt.leaf_hash, "seed {seed}");
        let signed = receipt.verify(key().verifier()).expect("it verifies");
        let (proof, _) = reader.consistency(signed.size).expect("the log had that size");
        assert!(
            crate::merkle::verify_consistency(signed.size, signed.root, head.size, head.root, &proof),
            "seed {seed}: a signed head is no beginning of the log"
        );
    }
    assert!(acknowledged.iter().zip(acknowledged.iter().skip(1)).all(|(a, b)| a.index < b.index), "an index twice");
}

#[test]
fn every_acknowledged_receipt_survives_crashes_anywhere() {
    let seeds: u64 = std::env::var("LEDGER_CRASH_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(600);
    let mut crashes = 0;
    for seed in 0..seeds {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let disk = SimulatedDisk::default();
        let mut acknowledged = Vec::new();
        for _ in 0..4 {
            disk.fail_after(rng.random_range(0..200));
            if let Ok(mut log) = open(&disk) {
                assert_recovered_quietly(&log, &acknowledged, seed);
                work(&mut log, &disk, &mut rng, &mut acknowledged);
            }
            disk.crash(&mut rng);
            crashes += 1;
        }
        let log = open(&disk).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_recovered(&log, &acknowledged, seed);
    }
    assert!(crashes >= seeds * 4);
}

/// Right after a start, before the planned failure may make reading fail too.
fn assert_recovered_quietly(log: &Log<SimulatedDisk>, acknowledged: &[Receipt], seed: u64) {
    let (head, _) = log.reader().head();
    if let Some(last) = acknowledged.last() {
        assert!(last.index < head.size, "seed {seed}: entry {} is lost", last.index);
    }
}

#[test]
fn a_directory_set_back_is_refused() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let disk = SimulatedDisk::default();
    let mut log = open(&disk).expect("a new log");
    log.append_batch(vec![entry(&mut rng), entry(&mut rng)]).expect("appended");
    let job = log.publish_job().expect("not poisoned").expect("something to publish");
    log.finish_publish(job.run(&disk).expect("published"));
    let yesterday = disk.copy();
    let receipts = log.append_batch(vec![entry(&mut rng)]).expect("appended");
    let seen = receipts[0].verify(key().verifier()).expect("it verifies");
    // The whole directory: only a witness can tell.
    let refused = Log::open(Arc::new(yesterday.copy()), vec![key()], &[("witness-a".into(), seen.clone())]).err();
    assert!(
        matches!(&refused, Some(LedgerError::Rollback { witness, signed: 3, recovered: 2 }) if witness == "witness-a"),
        "{refused:?}"
    );
    // A log that went on otherwise.
    let mut other = open(&yesterday).expect("without a witness nothing is amiss");
    other.append_batch(vec![entry(&mut rng)]).expect("appended");
    drop(other);
    let refused = Log::open(Arc::new(yesterday), vec![key()], &[("witness-a".into(), seen)]).err();
    assert!(matches!(refused, Some(LedgerError::Fork { size: 3, .. })), "{refused:?}");
    // The journal alone set back behind the checkpoint: the disk itself tells.
    let job = log.publish_job().expect("not poisoned").expect("something to publish");
    log.finish_publish(job.run(&disk).expect("published"));
    let name = disk.list(Path::new("journal")).expect("a folder").pop().expect("a journal");
    let path = Path::new("journal").join(name);
    let bytes = disk.read(&path).expect("a journal");
    disk.write(&path, &bytes[..bytes.len() - 1]).expect("written");
    let refused = open(&disk).err();
    assert!(matches!(&refused, Some(LedgerError::Rollback { witness, .. }) if witness == "checkpoint"), "{refused:?}");
}

#[test]
fn a_failed_sync_is_never_tried_again_and_no_receipt_is_given() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let disk = SimulatedDisk::default();
    let mut log = open(&disk).expect("a new log");
    // The write succeeds, the sync fails, and the disk is well again after.
    disk.fail_after(1);
    assert!(matches!(log.append_batch(vec![entry(&mut rng)]), Err(LedgerError::Io(_))));
    disk.fail_after(1_000);
    assert!(matches!(log.append_batch(vec![entry(&mut rng)]), Err(LedgerError::Poisoned)));
    assert!(matches!(log.publish_job(), Err(LedgerError::Poisoned)));
    assert_eq!(log.reader().head().0.size, 0);
}

#[test]
fn a_lost_checkpoint_is_not_taken_for_a_new_log() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let disk = SimulatedDisk::default();
    open(&disk).expect("a new log").append_batch(vec![entry(&mut rng)]).expect("appended");
    disk.remove(Path::new("checkpoint")).expect("removed");
    assert!(matches!(open(&disk).err(), Some(LedgerError::Damaged { file, .. }) if file == "checkpoint"));
}

//! A log and its witnesses over real HTTP.

mod support;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use ledger::{
    Archive, Checkpoint, LedgerClient, LedgerError, LedgerHandle, OpenOptions, Released, Witness, WitnessAddress,
    WitnessVerifier, Witnesses, verify,
};
use ledger_service::{Witnessing, witness_router};
use signed_note::{Note, StandardVerifier, VerifierList};

use support::access;

const ORIGIN: &str = "ledger.test/witnessed";

fn options(home: &Path) -> OpenOptions {
    OpenOptions {
        dir: home.join("ledger"),
        key_file: home.join("ledger.key"),
        origin: ORIGIN.into(),
        witnessed: Vec::new(),
    }
}

async fn append(ledger: &LedgerHandle, count: u64) {
    let client = LedgerClient::Local(ledger.clone());
    for _ in 0..count {
        client.disclose(access().disclose((), Released::default())).await.expect("recorded").into_parts();
    }
}

struct Running {
    address: WitnessAddress,
    url: String,
    server: tokio::task::JoinHandle<()>,
}

async fn witness(home: &Path, name: &str, ledger: &LedgerHandle) -> Running {
    let witness = Witness::open(&home.join(name), name, vec![ledger.verifier()]).expect("a witness");
    let key = witness.verifier().clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let app = witness_router(Arc::new(witness));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    Running { address: WitnessAddress { url: url.clone(), key }, url, server }
}

async fn witnesses(home: &Path, count: usize, ledger: &LedgerHandle) -> Vec<Running> {
    let mut running = Vec::new();
    for number in 1..=count {
        running.push(witness(home, &format!("witness.test-w{number}"), ledger).await);
    }
    running
}

fn addresses(running: &[Running]) -> Vec<WitnessAddress> {
    running.iter().map(|running| running.address.clone()).collect()
}

/// A cosigner as `signed_note` takes one: it shares no code with ours.
struct Cosigner {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl signed_note::Verifier for Cosigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, text: &[u8], bytes: &[u8]) -> bool {
        let Some((time, signature)) = bytes.split_first_chunk::<8>() else { return false };
        let time = u64::from_be_bytes(*time);
        let mut message = format!("cosignature/v1\ntime {time}\n").into_bytes();
        message.extend_from_slice(text);
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify(&message, &signature).is_ok())
    }
}

fn cosigner(witness: &WitnessVerifier) -> Cosigner {
    let vkey = witness.to_string();
    let mut parts = vkey.splitn(3, '+');
    let (name, id, key) = (parts.next().expect("a name"), parts.next().expect("an id"), parts.next().expect("a key"));
    let key = STANDARD.decode(key).expect("base 64");
    assert_eq!(key[0], 4, "the kind of a cosignature");
    Cosigner {
        name: name.to_owned(),
        id: u32::from_str_radix(id, 16).expect("hexadecimal"),
        key: VerifyingKey::from_bytes(key[1..].try_into().expect("32 bytes")).expect("a key"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_head_is_cosigned_by_all_three_witnesses_and_proves_entries_offline() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let ledger = LedgerHandle::open(&options(home.path())).expect("a new log");
    let running = witnesses(home.path(), 3, &ledger).await;
    append(&ledger, 5).await;
    let shutdown = runtime::Shutdown::new();
    let witnessing =
        Witnessing::begin(&ledger, addresses(&running)).await.expect("they agree").expect("there are some");
    let going_on = tokio::spawn(witnessing.go_on(shutdown.clone()));
    append(&ledger, 300).await;
    ledger.publish().await.expect("published");
    let note = loop {
        let note = ledger.cosigned().expect("readable").expect("cosigned at the start");
        if Checkpoint::open(&note, &ledger.verifier()).expect("signed").size == 305 {
            break note;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    shutdown.begin();
    going_on.await.expect("it ends");
    let log = StandardVerifier::new(&ledger.verifier().to_string()).expect("a key");
    let mut keys: Vec<Box<dyn signed_note::Verifier>> = vec![Box::new(log)];
    for witness in &running {
        witness.address.key.cosigned_at(&note).expect("cosigned");
        keys.push(Box::new(cosigner(&witness.address.key)));
    }
    let theirs = Note::from_bytes(note.as_bytes()).expect("a note");
    let (verified, unknown) = theirs.verify(&VerifierList::new(keys)).expect("it verifies");
    assert_eq!((verified.len(), unknown.len()), (4, 0), "with a library of others");
    append(&ledger, 20).await;
    ledger.publish().await.expect("published");
    let dir = home.path().join("ledger");
    let archive = Archive::open_cosigned(&dir, &ledger.verifier()).expect("readable").expect("there is one");
    let (receipt, _) = archive.prove(280).expect("it is in the log");
    assert_eq!(receipt.checkpoint, note);
    receipt.verify(&ledger.verifier()).expect("it verifies");

    let report = verify(&dir, Some(&ledger.verifier())).expect("readable");
    assert!(report.verified, "{report}");
    assert_eq!((report.entries, report.cosigned_entries, report.cosigned_by.len()), (325, Some(305), 3));
    for file in ["cosigned", "witnesses"] {
        let path = dir.join(file);
        let bytes = std::fs::read(&path).expect("it is there");
        for position in (0..bytes.len()).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << (position % 8);
            std::fs::write(&path, &flipped).expect("own file");
            let report = verify(&dir, Some(&ledger.verifier())).expect("readable");
            assert!(report.findings.iter().any(|finding| finding.file == file), "byte {position} of {file}: {report}");
        }
        std::fs::write(&path, bytes).expect("own file");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("own folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_yesterday_is_refused_and_the_witness_that_saw_more_is_named() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let dir = home.path().join("ledger");
    let ledger = LedgerHandle::open(&options(home.path())).expect("a new log");
    let running = witnesses(home.path(), 3, &ledger).await;
    append(&ledger, 40).await;
    Witnessing::begin(&ledger, addresses(&running)).await.expect("they agree");
    ledger.close().await;
    copy(&dir, &home.path().join("yesterday"));
    let ledger = LedgerHandle::open(&options(home.path())).expect("it opens");
    append(&ledger, 10).await;
    Witnessing::begin(&ledger, addresses(&running)).await.expect("it has grown");
    ledger.close().await;

    std::fs::remove_dir_all(&dir).expect("own folder");
    copy(&home.path().join("yesterday"), &dir);
    let ledger = LedgerHandle::open(&options(home.path())).expect("the directory alone is sound");
    let refused = Witnessing::begin(&ledger, addresses(&running)).await.expect_err("it is refused");
    assert_eq!(refused.code(), "rollback-detected");
    assert!(
        matches!(&refused, LedgerError::Rollback { witness, signed: 50, recovered: 40 } if witness.starts_with("witness.test-w")),
        "{refused}"
    );
    // Growing past what they saw does not help: it is another history.
    append(&ledger, 10).await;
    let refused = Witnessing::begin(&ledger, addresses(&running)).await.expect_err("it is refused");
    assert!(matches!(refused, LedgerError::Fork { size: 50, .. }), "{refused}");
    append(&ledger, 1).await;
    let refused = Witnessing::begin(&ledger, addresses(&running)).await.expect_err("it is refused");
    assert!(matches!(refused, LedgerError::Fork { size: 50, .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_witnesses_all_must_cosign_and_of_five_four() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let ledger = LedgerHandle::open(&options(home.path())).expect("a new log");
    let running = witnesses(home.path(), 5, &ledger).await;
    append(&ledger, 3).await;
    running[4].server.abort();
    let mut five = Witnesses::new(addresses(&running)).expect("a client");
    let cosigned = five.cosign(&ledger, false).await.expect("four of five");
    assert_eq!(cosigned.missing, ["witness.test-w5"]);
    running[3].server.abort();
    append(&ledger, 1).await;
    let refused = five.cosign(&ledger, false).await.expect_err("three of five");
    assert!(matches!(&refused, LedgerError::NoQuorum { signed: 3, needed: 4, .. }), "{refused}");
    let refused = Witnessing::begin(&ledger, addresses(&running[2..])).await.expect_err("one of three");
    assert!(refused.to_string().contains("witness.test-w4, witness.test-w5"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_answers_every_defect_with_the_status_of_the_protocol_and_never_goes_back() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let ledger = LedgerHandle::open(&options(home.path())).expect("a new log");
    append(&ledger, 4).await;
    let (_, four) = ledger.head();
    append(&ledger, 5).await;
    let (_, nine) = ledger.head();
    let proof = ledger.consistency_between(4, 9).expect("it had those sizes");
    let lines = |proof: &[ledger::Hash]| proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect::<String>();
    let good = lines(&proof);
    let mut false_proof = proof.clone();
    false_proof[0].0[3] ^= 1;

    let other_home = tempfile::tempdir().expect("a temporary directory");
    let other_options = OpenOptions { origin: "ledger.test/other".into(), ..options(other_home.path()) };
    let other = LedgerHandle::open(&other_options).expect("a new log").head().1;
    let impostor_home = tempfile::tempdir().expect("a temporary directory");
    let impostor = LedgerHandle::open(&options(impostor_home.path())).expect("a new log").head().1;
    // A second history of the same log: the same key, other entries.
    let forked_home = tempfile::tempdir().expect("a temporary directory");
    std::fs::copy(home.path().join("ledger.key"), forked_home.path().join("ledger.key")).expect("copied");
    let forked = LedgerHandle::open(&options(forked_home.path())).expect("a new log");
    append(&forked, 9).await;
    let (_, forked_nine) = forked.head();

    let running = witness(home.path(), "witness.test-w1", &ledger).await;
    let post = async |body: String| {
        let request = reqwest::Client::new().post(format!("{}/add-checkpoint", running.url)).body(body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_eq!(post(format!("old 0\n\n{other}")).await.0, 404, "an unknown origin");
    assert_eq!(post(format!("old 0\n\n{impostor}")).await.0, 403, "another key");
    assert_eq!(post(format!("old 5\n\n{four}")).await.0, 400, "an old size above the head");
    for malformed in
        ["", "old 0\n", &format!("old 00\n\n{four}"), &format!("old x\n\n{four}"), &format!("{four}\n{four}")]
    {
        assert_eq!(post(malformed.to_owned()).await.0, 400, "{malformed}");
    }
    assert_eq!(post(format!("old 0\n\n{four}")).await.0, 200, "the first head");
    assert_eq!(post(format!("old 0\n\n{nine}")).await, (409, "4\n".to_owned()), "the size seen");
    assert_eq!(post(format!("old 4\n{}\n{nine}", lines(&false_proof))).await.0, 422, "a false proof");
    assert_eq!(post(format!("old 4\n{good}\n{nine}")).await.0, 200, "it has grown");
    assert_eq!(post(format!("old 4\n{good}\n{nine}")).await, (409, "9\n".to_owned()), "once only");
    assert_eq!(post(format!("old 9\n\n{nine}")).await.0, 200, "the same head again");
    assert_eq!(post(format!("old 9\n\n{forked_nine}")).await.0, 422, "another head of the same size");
    assert_eq!(post(format!("old 9\n\n{four}")).await.0, 400, "a smaller head");

    // What was seen outlives the process.
    running.server.abort();
    let _ = running.server.await;
    let again = loop {
        match Witness::open(&home.path().join("witness.test-w1"), "witness.test-w1", vec![ledger.verifier()]) {
            Err(LedgerError::Locked(_)) => tokio::task::yield_now().await,
            opened => break opened.expect("it opens"),
        }
    };
    let refused = again.add_checkpoint(&format!("old 0\n\n{four}"), 1).expect_err("it remembers");
    assert!(matches!(refused, ledger::WitnessRefusal::Stale(9)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_advances_leave_the_witness_at_the_largest_head() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let ledger = LedgerHandle::open(&options(home.path())).expect("a new log");
    let mut heads = Vec::new();
    for _ in 0..40 {
        append(&ledger, 1).await;
        heads.push(ledger.head());
    }
    let witness = Witness::open(&home.path().join("w"), "w", vec![ledger.verifier()]).expect("a witness");
    let witness = Arc::new(witness);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (witness, heads, ledger) = (Arc::clone(&witness), heads.clone(), ledger.clone());
            std::thread::spawn(move || {
                let mut seen = 0;
                for (head, note) in &heads {
                    // What a log does: take the size that the witness names and try once more.
                    for _ in 0..2 {
                        let proof = if seen == 0 || seen >= head.size {
                            Vec::new()
                        } else {
                            ledger.consistency_between(seen, head.size).expect("it had those sizes")
                        };
                        let lines: String = proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
                        match witness.add_checkpoint(&format!("old {seen}\n{lines}\n{note}"), 1) {
                            Ok(_) => seen = head.size,
                            Err(ledger::WitnessRefusal::Stale(size)) => {
                                assert!(size > seen, "it went back from {seen} to {size}");
                                seen = size;
                            }
                            Err(ledger::WitnessRefusal::Malformed(_)) => assert!(seen > head.size),
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                seen
            })
        })
        .collect();
    let ends: Vec<u64> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(ends, [40; 4]);
}

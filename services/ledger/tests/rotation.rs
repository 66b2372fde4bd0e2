//! A new signing key while the ledger is at work: over HTTP, with clients and witnesses that know the old key only.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Sensitive;
use ledger::{
    Checkpoint, LedgerClient, LedgerHandle, LogKey, LogVerifier, NoteError, OpenOptions, Receipt, Released,
    RemoteLedger, Witness, WitnessAddress, begin_rotation, finish_rotation, verify,
};
use ledger_service::{LedgerState, Witnessing, service_router, witness_router};
use runtime::Shutdown;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use support::access;

const ORIGIN: &str = "ledger.test/rotation";
const SECRET: &str = "a secret of more than thirty-two characters";

async fn append(client: &LedgerClient) -> Receipt {
    client.disclose(access().disclose((), Released::default())).await.expect("no request fails").into_parts().1
}

/// A witness that knows the log by this key; at `at`, or anywhere.
async fn witness(
    home: &Path,
    at: Option<SocketAddr>,
    log: LogVerifier,
) -> (WitnessAddress, SocketAddr, JoinHandle<()>) {
    let witness = loop {
        match Witness::open(&home.join("w1"), "witness.test-w1", vec![log.clone()]) {
            Err(ledger::LedgerError::Locked(_)) => tokio::task::yield_now().await,
            opened => break opened.expect("a witness"),
        }
    };
    let key = witness.verifier().clone();
    let listener = TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.expect("the port is free");
    let address = listener.local_addr().expect("bound");
    let app = witness_router(Arc::new(witness));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    (WitnessAddress { url: format!("http://{address}"), key }, address, server)
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_takes_over_under_load_without_a_failed_request_and_old_receipts_verify() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let options = OpenOptions {
        dir: home.path().join("ledger"),
        key_file: home.path().join("ledger.key"),
        origin: ORIGIN.into(),
        witnessed: Vec::new(),
    };
    let ledger = LedgerHandle::open(&options).expect("a new log");
    let old = ledger.verifier();
    let old_key = LogKey::load(&options.key_file, ORIGIN).expect("it is there");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let app = service_router(LedgerState::new(ledger.clone(), &Sensitive::new(SECRET.to_owned())));
    tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    let (address, port, server) = witness(home.path(), None, old.clone()).await;
    let witnessing = Witnessing::begin(&ledger, vec![address]).await.expect("a quorum").expect("witnesses");
    let shutdown = Shutdown::new();
    tokio::spawn(witnessing.go_on(shutdown.clone()));

    // Four callers of another process, who know the first key and are told nothing.
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let remote = RemoteLedger::new(&url, Sensitive::new(SECRET.to_owned()), old.clone()).expect("a client");
            let (client, stop) = (LedgerClient::Remote(remote), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut receipts = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    receipts.push(append(&client).await);
                }
                (client, receipts)
            })
        })
        .collect();
    until("the first entries", || ledger.head().0.size > 20).await;

    let new = begin_rotation(&options.key_file, ORIGIN).expect("begun");
    assert!(matches!(begin_rotation(&options.key_file, ORIGIN), Err(NoteError::KeyFile(_))), "one at a time");
    until("both keys sign", || new.open(&ledger.head().1).is_ok()).await;
    let both = ledger.head();
    let at_overlap = both.0.size;
    Checkpoint::open(&both.1, &old).expect("who knows the old key alone still verifies");
    Checkpoint::open(&both.1, &new.clone().into()).expect("and who was given the new one");
    until("more entries", || ledger.head().0.size > at_overlap + 20).await;

    // The witness is given what the keys state of each other, and goes on where it was.
    let mut keys = old.clone();
    keys.learn(&ledger.statements().expect("readable"));
    server.abort();
    let _ = server.await;
    let _running = witness(home.path(), Some(port), keys).await;

    finish_rotation(&options.key_file, ORIGIN).expect("finished");
    until("the old key has ended", || ledger.verifier().has_ended(old.newest())).await;
    let ended_at = ledger.head().0.size;
    until("more entries", || ledger.head().0.size > ended_at + 20).await;
    let cosigned =
        || ledger.cosigned().ok().flatten().and_then(|note| Checkpoint::open(&note, &ledger.verifier()).ok());
    until("the witness cosigns under the new key", || cosigned().is_some_and(|head| head.size > ended_at)).await;
    stop.store(true, Ordering::Relaxed);

    let from_new = ledger::verifier_of(&options.dir, new.clone().into()).expect("readable");
    for caller in callers {
        let (client, receipts) = caller.await.expect("no request failed");
        assert_eq!(client.verifier().newest(), &new, "the caller followed the statements");
        for receipt in receipts {
            receipt.verify(&from_new).expect("old and new receipts verify");
        }
    }
    assert!(Checkpoint::open(&ledger.head().1, &old).is_err(), "the old key signs no longer");
    let report = verify(&options.dir, Some(&old)).expect("readable");
    assert!(report.verified, "{report}");

    // Whoever has kept the old key signs nothing larger with it, and nothing of it survives a restart.
    let forged = old_key.sign_head(&Checkpoint { size: ended_at + 1_000, ..both.0 });
    assert!(matches!(Checkpoint::open(&forged, &from_new), Err(NoteError::KeyEnded(_))));
    shutdown.begin();
    ledger.close().await;
    let again = LedgerHandle::open(&options).expect("it opens");
    assert!(again.verifier().has_ended(old.newest()));
    assert_eq!(again.head().1.matches("\u{2014} ").count(), 1);
}

//! A log in a temporary directory, and entries for it.

use std::path::PathBuf;

use domain::Timestamp;
use ledger::{Access, Code, Entry, LedgerHandle, Nonce, OpenOptions, PolicyHash, Stamp, SubjectHandle};

/// The name of the logs of these tests.
pub(crate) const ORIGIN: &str = "ledger.test/files";

/// A temporary directory with room for a log and its key.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// The log's directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.0.path().join("ledger")
    }

    /// How to open the log.
    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            dir: self.dir(),
            key_file: self.0.path().join("ledger.key"),
            origin: ORIGIN.into(),
            witnessed: Vec::new(),
        }
    }

    /// Opens the log.
    pub(crate) fn open(&self) -> LedgerHandle {
        LedgerHandle::open(&self.options()).expect("the log opens")
    }
}

/// Who asks.
pub(crate) fn access(number: u64) -> Access {
    let code = |text| Code::parse(text).expect("a valid code");
    let mut salt = [7; 16];
    salt[8..].copy_from_slice(&number.to_be_bytes());
    Access {
        stamp: Stamp {
            time: Timestamp::from_millis(1_646_092_800_000),
            boot: Nonce([1; 16]),
            monotonic_ms: number,
            salt: Nonce(salt),
        },
        actor: code("cw-0007"),
        unit: code("320506001007G03"),
        role: code("community-worker"),
        action: code("person.read"),
        purpose: Some(code("PUBHLTH")),
        case: None,
        policy: PolicyHash([9; 32]),
        request: Nonce(salt),
    }
}

/// An entry that differs with its number.
pub(crate) fn entry(number: u64) -> Entry {
    let access = access(number);
    let code = |text| Code::parse(text).expect("a valid code");
    Entry {
        stamp: access.stamp,
        actor: access.actor,
        unit: access.unit,
        role: access.role,
        action: access.action,
        purpose: access.purpose,
        case: access.case,
        subjects: vec![SubjectHandle([2; 16])],
        released: vec![code("identity"), code("contact")],
        withheld: vec![code("health")],
        count: 1,
        matter: None,
        decision: ledger::Decision::Allowed,
        policy: access.policy,
        request: access.request,
    }
}

/// Appends the entries `range`, many at once, in no particular order.
pub(crate) async fn append_many(ledger: &LedgerHandle, range: std::ops::Range<u64>) -> Vec<ledger::Receipt> {
    let mut tasks = Vec::new();
    for number in range {
        let ledger = ledger.clone();
        tasks.push(tokio::spawn(async move { ledger.append(&entry(number)).await.expect("appended") }));
    }
    let mut receipts = Vec::new();
    for task in tasks {
        receipts.push(task.await.expect("no panic"));
    }
    receipts
}

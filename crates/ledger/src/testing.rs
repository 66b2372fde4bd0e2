//! Entries for the crate's own tests.

use domain::Timestamp;

use crate::entry::{CaseToken, Code, Decision, Entry, Matter, MatterId, Nonce, PolicyHash, Stamp, SubjectHandle};

fn code(text: &str) -> Code {
    Code::parse(text).expect("a valid code")
}

/// An entry that differs with its number, in its optional parts too.
pub(crate) fn entry(number: u64) -> Entry {
    let nonce = |kind: u8| {
        let mut bytes = [kind; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    Entry {
        stamp: Stamp {
            time: Timestamp::from_millis(
                1_646_092_800_000_i64 - i64::try_from(number).expect("small") * 100_000_000_000,
            ),
            boot: Nonce(nonce(1)),
            monotonic_ms: number * 977,
            salt: Nonce(nonce(2)),
        },
        actor: code("cw-0007"),
        unit: code("320506001007G03"),
        role: code("community-worker"),
        action: code("person.read"),
        purpose: (!number.is_multiple_of(3)).then(|| code("PUBHLTH")),
        case: number.is_multiple_of(2).then(|| CaseToken(nonce(3))),
        subjects: (0..number % 5).map(|_| SubjectHandle(nonce(4))).collect(),
        released: vec![code("identity"), code("contact")],
        withheld: (0..number % 3).map(|n| code(&format!("group-{n}"))).collect(),
        count: number,
        matter: number.is_multiple_of(7).then(|| Matter { id: MatterId(nonce(6)), act: code("SAME") }),
        decision: if number.is_multiple_of(4) {
            Decision::Refused { reason: code("not-own-grid") }
        } else {
            Decision::Allowed
        },
        policy: PolicyHash([9; 32]),
        request: Nonce(nonce(5)),
    }
}

//! What every test of the service has to do with.

use domain::Timestamp;
use ledger::{Access, Code, Nonce, PolicyHash, Stamper};

/// A look of somebody at some person's file.
pub(crate) fn access() -> Access {
    let code = |text| Code::parse(text).expect("a valid code");
    Access {
        stamp: Stamper::start().stamp(Timestamp::from_millis(1_646_092_800_000)),
        actor: code("cdc-0001"),
        unit: code("320506"),
        role: code("cdc-tracer"),
        action: code("read-person"),
        purpose: Some(code("PUBHLTH")),
        case: None,
        policy: PolicyHash([1; 32]),
        request: Nonce::random(),
    }
}

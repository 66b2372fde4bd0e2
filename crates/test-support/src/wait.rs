//! Waiting for a condition.

use std::time::{Duration, Instant};

/// How long [`wait_for`] waits before it gives up: long enough for a loaded machine, since nothing is lost by it when
/// the condition comes.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// What a condition answers: `true`, or `Some` of what was waited for.
pub trait Condition {
    /// What there is once the condition holds.
    type Value;

    /// The value, if the condition holds.
    fn reached(self) -> Option<Self::Value>;
}

impl Condition for bool {
    type Value = ();

    fn reached(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Condition for Option<T> {
    type Value = T;

    fn reached(self) -> Self {
        self
    }
}

/// Asks again and again until the condition holds.
///
/// # Panics
/// After [`WAIT_MAX`], naming `what` was waited for.
pub async fn wait_for<C: Condition>(what: &str, mut condition: impl AsyncFnMut() -> C) -> C::Value {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await.reached() {
            return value;
        }
        assert!(started.elapsed() < WAIT_MAX, "waited {} s in vain: {what}", WAIT_MAX.as_secs());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

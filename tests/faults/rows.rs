//! What became of each row of a file, as its sender asks for it afterwards.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::load::{Door, Receipt};

/// Rows of one page.
const PAGE: usize = 1_000;

/// The rows of a file, from the first to the last.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    outcomes: Vec<Outcome>,
    /// The rows in quarantine: place, field, code and message.
    failed: Vec<Value>,
}

/// What became of a row, and the row that it repeats or that overtook it.
type Outcome = (String, Option<(Uuid, u64)>);

#[derive(Deserialize)]
struct Page {
    runs: Vec<Run>,
    quarantined: Vec<Value>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Run {
    row_from: u64,
    row_to: u64,
    outcome: String,
    of: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    batch_id: Uuid,
    row: u64,
}

/// Asks for the rows of a file.
pub(crate) async fn read(door: &Door, receipt: &Receipt) -> Rows {
    let mut rows = Rows { outcomes: Vec::new(), failed: Vec::new() };
    let place = format!("/v1/feeds/{}/batches/{}/rows", receipt.feed, receipt.batch_id);
    for asked in ["", "outcome=quarantined&all=true&"] {
        let mut next = Some(format!("{place}?{asked}limit={PAGE}"));
        while let Some(address) = next {
            let page: Page = door.ask(&receipt.feed, &address).await;
            page.runs.into_iter().for_each(|run| rows.add(run));
            rows.failed.extend(page.quarantined.into_iter().map(told));
            next = page.next;
        }
    }
    let quarantined = rows.outcomes.iter().filter(|(outcome, _)| outcome == "quarantined").count();
    assert_eq!(quarantined, rows.failed.len(), "each row in quarantine has its reason: {receipt:?}");
    rows
}

/// What a listing says of a failed row itself. Which later row closes it depends on what came when.
fn told(mut failed: Value) -> Value {
    if let Some(failed) = failed.as_object_mut() {
        failed.retain(|member, _| !["state", "mended_by", "resolution"].contains(&member.as_str()));
    }
    failed
}

impl Rows {
    /// Stretches are cut where transactions ended, which differs from hub to hub; rows do not.
    fn add(&mut self, run: Run) {
        assert_eq!(run.row_from, self.outcomes.len() as u64 + 1, "a row has one outcome, and none is left out");
        for row in run.row_from..=run.row_to {
            let of = run.of.as_ref().map(|of| (of.batch_id, of.row + row - run.row_from));
            self.outcomes.push((run.outcome.clone(), of));
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.outcomes.len() as u64
    }

    /// Why rows are in quarantine.
    pub(crate) fn codes(&self) -> BTreeSet<String> {
        self.failed.iter().filter_map(|failed| failed["code"].as_str().map(str::to_owned)).collect()
    }
}

//! The summary of a demo: a table for people, one JSON object for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::push::Counts;

/// What a demo found. The names of the fields are a promise to programs that read the last line.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Summary {
    /// Residents of the generated city.
    pub(crate) residents: u32,
    /// Days that its feeds cover.
    pub(crate) days: u32,
    /// Seed of the city.
    pub(crate) seed: u64,
    /// Rows read, over all batches.
    pub(crate) rows_in: u64,
    /// Rows that became events.
    pub(crate) accepted: u64,
    /// Rows that the hub had already.
    pub(crate) duplicate: u64,
    /// Rows older than what the hub had.
    pub(crate) superseded: u64,
    /// Rows kept for the sender to mend.
    pub(crate) quarantined: u64,
    /// Pushes that were recognised as a body that had been pushed before.
    pub(crate) repeated_files: u64,
    /// Events in the log.
    pub(crate) events: u64,
    /// Person files.
    pub(crate) persons: u64,
    /// People of the city who are named in at least one of the judged records.
    pub(crate) truth_persons: u64,
    /// Source records that could be judged against the truth.
    pub(crate) judged_records: u64,
    /// Share of the hub's pairs of records that are right.
    pub(crate) pair_precision: f64,
    /// Share of the true pairs of records that the hub found.
    pub(crate) pair_recall: f64,
    /// Tests of which the hub says that nobody else knows the person.
    pub(crate) tests_told: u64,
    /// Those of them of which that is true.
    pub(crate) tests_told_right: u64,
    /// Tests of people whom only the laboratory knows in truth.
    pub(crate) tests_of_strangers: u64,
    /// Seconds for writing the city.
    pub(crate) generate_seconds: f64,
    /// Seconds from the first push to the last receipt.
    pub(crate) ingest_seconds: f64,
    /// Seconds from the first push until every event was in the views.
    pub(crate) project_seconds: f64,
    /// Events in the views per second of `project_seconds`.
    pub(crate) events_per_second: f64,
    /// Entries of the access log.
    pub(crate) ledger_entries: u64,
    /// The whole access log was checked offline and is right.
    pub(crate) ledger_verified: bool,
    /// Largest resident memory of this process so far, in MiB.
    pub(crate) memory_peak_mib: u64,
    /// What became of the rows of each feed.
    #[serde(skip)]
    pub(crate) feeds: BTreeMap<String, Counts>,
}

impl Summary {
    /// Adds the rows of a feed.
    pub(crate) fn add(&mut self, feed: &str, counts: Counts) {
        *self.feeds.entry(feed.to_owned()).or_default() += counts;
        self.rows_in += counts.rows;
        self.accepted += counts.accepted;
        self.duplicate += counts.duplicate;
        self.superseded += counts.superseded;
        self.quarantined += counts.quarantined;
    }

    /// The table for people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, name: &str, c: Counts| {
            let _ = writeln!(
                text,
                "  {name:<20}{:>10}{:>10}{:>11}{:>12}{:>13}",
                c.rows, c.accepted, c.duplicate, c.superseded, c.quarantined
            );
        };
        let _ = writeln!(
            text,
            "  {:<20}{:>10}{:>10}{:>11}{:>12}{:>13}",
            "feed", "rows", "accepted", "duplicate", "superseded", "quarantined"
        );
        let mut all = Counts::default();
        for (feed, counts) in &self.feeds {
            line(&mut text, feed, *counts);
            all += *counts;
        }
        line(&mut text, "all", all);
        let _ = writeln!(
            text,
            "\n  {} events in {:.1} s until the last receipt, {:.1} s until the last view ({:.0} events/s)",
            self.events, self.ingest_seconds, self.project_seconds, self.events_per_second
        );
        let _ = writeln!(
            text,
            "  {} person files; the judged {} records name {} people: pair precision {:.4}, pair recall {:.4}",
            self.persons, self.judged_records, self.truth_persons, self.pair_precision, self.pair_recall
        );
        let _ = writeln!(
            text,
            "  {} tests of people whom only the laboratory knows: {} told, {} of them right",
            self.tests_of_strangers, self.tests_told, self.tests_told_right
        );
        let verdict = if self.ledger_verified { "every one verified offline" } else { "NOT VERIFIED" };
        let _ = writeln!(text, "  {} entries in the access log, {verdict}", self.ledger_entries);
        let _ = writeln!(text, "  peak memory of the hub's process {} MiB", self.memory_peak_mib);
        text
    }
}

/// Largest resident memory of this process in MiB, as the kernel counts it.
pub(crate) fn memory_peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

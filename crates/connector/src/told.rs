//! Flags that senders are told of: what was left out of rows that are accepted all the same.

use std::collections::{BTreeMap, BTreeSet};

use store::ingest::Notice;

use crate::feed::Draft;

/// Flags, and what is said behind the number of rows.
const TOLD: &[(&str, &str)] = &[
    ("contact-phone-invalid", "rows have a contact phone that is none; the phone was left out"),
    (
        "guard-removed",
        "rows have values with the marks by which spreadsheets keep texts (=\"…\" or \'); they were removed",
    ),
    ("invisible-removed", "rows have values with invisible characters; they were removed"),
    ("birth-date-unreadable", "rows have a day of birth that is none; the day was left out"),
    ("birth-date-partial", "rows have a day of birth without day or month; it was left out"),
    ("name-missing", "rows have a document and no name"),
    ("arrival-day-only", "rows have an arrival without a time of day; it was left out"),
    (
        "time-from-serial",
        "rows have a day or time as the bare number in which spreadsheets count days; it was read as that",
    ),
    ("birth-century-assumed", "rows have a year of birth of two digits; its century was assumed"),
    ("edifact-function-unknown", "rows are of messages whose function (BGM) is not known; they were read as bookings"),
    (
        "test-message",
        "messages say of themselves that they are for tests or training (MSH-11); they were taken all the same",
    ),
    ("control-id-missing", "messages have no control id (MSH-10): no answer can name them"),
    (
        "message-end-missing",
        "messages have no end of their last segment: what stood behind it may be lost; send the file again",
    ),
    (
        "entry-without-reference",
        "entries have payments without a reference of the bank: one that comes in two files is one only where payer and \
         second, or an id of the payer, tell it",
    ),
    ("name-damaged", "rows have a name of which characters were lost; the name was left out"),
];

/// Counts rows by what they have.
#[derive(Default)]
pub(crate) struct Told(BTreeMap<&'static str, u64>);

impl Told {
    /// Counts a row once for each flag of its drafts.
    pub(crate) fn count<'d>(&mut self, drafts: impl IntoIterator<Item = &'d Draft>) {
        let flags: BTreeSet<&str> = drafts.into_iter().flat_map(|draft| draft.quality_flags.iter().copied()).collect();
        for (code, _) in TOLD.iter().filter(|(code, _)| flags.contains(code)) {
            *self.0.entry(code).or_default() += 1;
        }
    }

    /// A notice for each.
    pub(crate) fn notices(&self) -> impl Iterator<Item = Notice> {
        let said = TOLD.iter().filter_map(|(code, said)| Some((code, said, self.0.get(code)?)));
        said.map(|(code, said, rows)| Notice::new(code, format!("{rows} {said}")))
    }
}

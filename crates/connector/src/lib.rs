//! The one ingest loop: profile, rows, events, receipts, quarantine.

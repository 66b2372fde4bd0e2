//! Gate, household and meter feeds.

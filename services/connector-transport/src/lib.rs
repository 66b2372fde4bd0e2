//! Ticket feeds.

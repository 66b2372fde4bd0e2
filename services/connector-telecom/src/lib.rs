//! Subscriber, cell and location feeds.

//! Wallet feeds.

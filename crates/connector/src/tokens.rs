//! Feed tokens: opaque texts that senders carry. Only their SHA-256 is kept.

use domain::{FeedId, Timestamp};
use sha2::{Digest, Sha256};
use store::{Store, feed_tokens};

use crate::who::hex;

/// The text of a token made of random bytes.
pub fn token_text(random: &[u8; 32]) -> String {
    format!("isthmus-feed-{}", hex(random))
}

/// What is kept of a token.
pub fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lets a token open a feed. Doing so again changes nothing.
///
/// # Errors
/// When the store cannot be reached.
pub async fn grant(store: &Store, feed: &FeedId, label: &str, token: &str) -> store::Result<()> {
    let mut conn = store.acquire().await?;
    feed_tokens::put(&mut conn, &hash(token), feed, label).await
}

/// Takes the tokens of a feed with this label back; returns how many.
///
/// # Errors
/// When the store cannot be reached.
pub async fn revoke(store: &Store, feed: &FeedId, label: &str, now: Timestamp) -> store::Result<u64> {
    let mut conn = store.acquire().await?;
    feed_tokens::revoke(&mut conn, feed, label, now).await
}

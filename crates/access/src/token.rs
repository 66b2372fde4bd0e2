//! Bearer tokens of callers.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a bearer token; the token itself is stored nowhere. A token has 256 random bits, so a plain hash
/// is enough: there is nothing to guess.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as it stands in the request.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(‹secret›)")
    }
}

/// A new bearer token out of 32 random bytes. Its beginning lets scanners for leaked secrets recognise it.
pub fn bearer_token(random: &[u8; 32]) -> String {
    format!("isthmus_{}", hex::encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_its_hash_say_nothing_about_each_other_in_debug_output() {
        let token = bearer_token(&[7; 32]);
        assert_eq!(token.len(), "isthmus_".len() + 64);
        assert_eq!(format!("{:?}", TokenHash::of(&token)), "TokenHash(‹secret›)");
        assert_ne!(TokenHash::of(&token), TokenHash::of(&token[1..]));
    }
}

//! Keyed hashes that stand for identifiers outside identity events.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use sha2::Sha256;
use uuid::Uuid;

use crate::{IdClaim, IdScheme, RecordId};

/// The first 128 bits of HMAC-SHA-256 over a claim (RFC 2104). Equal claims have equal tokens; without the key a
/// token says nothing about the identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimToken([u8; 16]);

impl ClaimToken {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As a UUID column holds it.
    pub const fn as_uuid(self) -> Uuid {
        Uuid::from_bytes(self.0)
    }
}

impl From<RecordId> for ClaimToken {
    /// A source record claims its own person: the token of scheme `RECORD`.
    fn from(record: RecordId) -> Self {
        Self(record.as_uuid().into_bytes())
    }
}

impl fmt::Debug for ClaimToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimToken({})", hex::encode(self.0))
    }
}

impl Serialize for ClaimToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let mut digits = [0; 32];
            hex::encode_to_slice(self.0, &mut digits).map_err(ser::Error::custom)?;
            serializer.serialize_str(std::str::from_utf8(&digits).map_err(ser::Error::custom)?)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

struct TokenVisitor;

impl de::Visitor<'_> for TokenVisitor {
    type Value = ClaimToken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a claim token of 16 bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        bytes.try_into().map(ClaimToken).map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| E::custom("not a claim token"))?;
        Ok(ClaimToken(bytes))
    }
}

impl<'de> Deserialize<'de> for ClaimToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(TokenVisitor)
        } else {
            deserializer.deserialize_bytes(TokenVisitor)
        }
    }
}

/// A claim as a fact holds it: which scheme, and the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClaimRef {
    /// Scheme of the claim.
    pub scheme: IdScheme,
    /// Token of the claim.
    pub token: ClaimToken,
}

/// The secret key of claim tokens and record ids. It is kept out of Kafka and out of PostgreSQL.
#[derive(Clone)]
pub struct TokenKey(Hmac<Sha256>);

impl TokenKey {
    /// From 32 secret bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        // Unwrap safety: HMAC takes a key of any length (RFC 2104, section 2).
        #[expect(clippy::unwrap_used, reason = "HMAC takes a key of any length")]
        Self(Hmac::new_from_slice(bytes).unwrap())
    }

    /// The token of an identifier claim.
    pub fn claim_token(&self, claim: &IdClaim) -> ClaimToken {
        let issuer = claim.issuer.as_deref().unwrap_or("");
        let value: &str = claim.value.expose();
        ClaimToken(self.hash(&[b"claim", claim.scheme.code().as_bytes(), issuer.as_bytes(), value.as_bytes()]))
    }

    /// The token of a name key with a birth date, as search by name uses it.
    pub fn name_token(&self, name_key: &str, birth_date: &str) -> ClaimToken {
        ClaimToken(self.hash(&[b"name", name_key.as_bytes(), birth_date.as_bytes()]))
    }

    /// Scheme and token of an identifier claim.
    pub fn claim_ref(&self, claim: &IdClaim) -> ClaimRef {
        ClaimRef { scheme: claim.scheme, token: self.claim_token(claim) }
    }

    /// The id of a source record.
    pub fn record_id(&self, source: &str, source_record_id: &str) -> RecordId {
        let parts = [b"record".as_slice(), source.as_bytes(), source_record_id.as_bytes()];
        RecordId::from_uuid(Uuid::from_bytes(self.hash(&parts)))
    }

    /// A keyed hash of any text, for keys that must not show it.
    pub fn opaque(&self, purpose: &str, text: &str) -> [u8; 16] {
        self.opaque_bytes(purpose, text.as_bytes())
    }

    /// The same of bytes.
    pub fn opaque_bytes(&self, purpose: &str, bytes: &[u8]) -> [u8; 16] {
        self.hash(&[b"opaque", purpose.as_bytes(), bytes])
    }

    /// A secret that another party may know, such as the key of a signature: it says nothing about this key.
    pub fn shared_secret(&self, purpose: &str, text: &str) -> [u8; 32] {
        self.full_hash(&[b"secret", purpose.as_bytes(), text.as_bytes()])
    }

    fn hash(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.full_hash(parts)[..16]);
        bytes
    }

    fn full_hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(‹secret›)")
    }
}

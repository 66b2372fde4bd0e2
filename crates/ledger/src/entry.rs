//! One entry of the ledger: who looked, why, at whom, and what was shown. It names nobody and holds no value.
//!
//! An entry is stored as deterministic CBOR and hashed exactly as stored: a map of integer keys, of which 0 is the
//! version of the form. Subjects are opaque handles; texts are codes whose alphabet has no room for a name, and which
//! refuse what could be an identity or phone number. The random salt keeps an entry from being guessed from its hash.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use crate::cbor::{Reader, Writer};
use crate::merkle::{Hash, leaf_hash};
use crate::tile::ENTRY_BYTES_MAX;

/// Subjects of one entry at most. An answer about more persons is several entries.
pub const SUBJECTS_MAX: usize = 2_000;

const VERSION: u64 = 1;

/// Why an entry cannot be encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The text is no code.
    #[error(
        "a code is 1 to 64 of a-z, A-Z, 0-9 and ._:/-, beginning with a letter or digit, and no number of a person"
    )]
    NotACode,
    /// The text is no handle, token or hash.
    #[error("a handle, token or hash is written in hexadecimal digits, with none missing")]
    NotAHandle,
    /// The encoded entry, or its list of subjects, is too long.
    #[error("the entry is longer than {ENTRY_BYTES_MAX} bytes or names more than {SUBJECTS_MAX} subjects")]
    TooLong,
    /// The bytes are not the deterministic encoding of an entry.
    #[error("the bytes are not an entry")]
    Malformed,
}

/// A short code from a closed or administered list: a role, a purpose, a field group, a unit, a handle of an actor.
///
/// 1 to 64 of `a-z A-Z 0-9 . _ : / -`, beginning with a letter or digit. A run of exactly 11, 15, 17, 18 or 19 digits
/// is refused: these are the lengths of phone, identity and card numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(String);

impl Code {
    /// Parses a code.
    ///
    /// # Errors
    /// [`EntryError::NotACode`].
    pub fn parse(text: &str) -> Result<Self, EntryError> {
        if Self::fits(text) { Ok(Self(text.to_owned())) } else { Err(EntryError::NotACode) }
    }

    fn fits(text: &str) -> bool {
        let byte_fits = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
        (1..=64).contains(&text.len())
            && text.as_bytes()[0].is_ascii_alphanumeric()
            && text.bytes().all(byte_fits)
            && text
                .as_bytes()
                .split(|b| !b.is_ascii_digit())
                .all(|digits| !matches!(digits.len(), 11 | 15 | 17 | 18 | 19))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Code {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        Self::parse(text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl FromStr for $name {
            type Err = EntryError;

            fn from_str(text: &str) -> Result<Self, EntryError> {
                let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
                bytes.map(Self).ok_or(EntryError::NotAHandle)
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

opaque_id! {
    /// A handle of a person that only the hub can resolve. Never a hash of an identity number.
    SubjectHandle, 16
}
opaque_id! {
    /// A keyed hash of a case reference.
    CaseToken, 16
}
opaque_id! {
    /// The hash of the set of policies that decided.
    PolicyHash, 32
}
opaque_id! {
    /// Id of a thing of the hub that an act was about: a decision, an event.
    MatterId, 16
}
opaque_id! {
    /// 128 random bits: a boot of a process, a request, a salt.
    Nonce, 16
}

impl Nonce {
    /// 128 bits from the operating system.
    pub fn random() -> Self {
        // UUIDs of version 4 carry 122 random bits; the salt needs no more.
        Self(uuid::Uuid::new_v4().into_bytes())
    }
}

/// When an entry was made, by two clocks: the wall clock can be set back, the other only runs within one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stamp {
    /// Wall clock, UTC.
    pub time: Timestamp,
    /// The run of the process.
    pub boot: Nonce,
    /// Milliseconds since that run began.
    pub monotonic_ms: u64,
    /// Makes equal entries differ.
    pub salt: Nonce,
}

/// Gives the stamps of one process.
#[derive(Clone, Debug)]
pub struct Stamper {
    boot: Nonce,
    started: std::time::Instant,
}

impl Stamper {
    /// Begins a boot.
    pub fn start() -> Self {
        Self { boot: Nonce::random(), started: std::time::Instant::now() }
    }

    /// The run of the process, as its entries state it.
    pub const fn boot(&self) -> Nonce {
        self.boot
    }

    /// A stamp with a fresh salt; `time` is the caller's wall clock.
    pub fn stamp(&self, time: Timestamp) -> Stamp {
        let monotonic_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Stamp { time, boot: self.boot, monotonic_ms, salt: Nonce::random() }
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Decision {
    /// The field groups released were shown.
    Allowed,
    /// Nothing was shown.
    Refused {
        /// Why.
        reason: Code,
    },
}

/// What an act was about, where it was about a thing of the hub: a decision, a change of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matter {
    /// Its id.
    pub id: MatterId,
    /// What was done: a verdict, an undo, an activation.
    pub act: Code,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// When.
    pub stamp: Stamp,
    /// Handle of the one who asked.
    pub actor: Code,
    /// The unit of the organisation the actor acts for.
    pub unit: Code,
    /// The role the actor acts in.
    pub role: Code,
    /// What was asked, such as `person.read`.
    pub action: Code,
    /// The purpose stated, if any was.
    pub purpose: Option<Code>,
    /// The case stated, if any was.
    pub case: Option<CaseToken>,
    /// The persons concerned.
    pub subjects: Vec<SubjectHandle>,
    /// Field groups shown.
    pub released: Vec<Code>,
    /// Field groups kept back.
    pub withheld: Vec<Code>,
    /// Records or persons in the answer.
    pub count: u64,
    /// What the act was about, where it was about a thing of the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matter: Option<Matter>,
    /// The decision.
    pub decision: Decision,
    /// The policies that decided.
    pub policy: PolicyHash,
    /// The request.
    pub request: Nonce,
}

impl Entry {
    /// The deterministic encoding.
    ///
    /// # Errors
    /// [`EntryError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, EntryError> {
        if self.subjects.len() > SUBJECTS_MAX {
            return Err(EntryError::TooLong);
        }
        let codes = |w: &mut Writer, key: u64, codes: &[Code]| {
            w.uint(key);
            w.array(codes.len() as u64);
            codes.iter().for_each(|code| w.text(code.as_str()));
        };
        let refused = matches!(self.decision, Decision::Refused { .. });
        let mut w = Writer(Vec::with_capacity(320));
        let optional = [self.purpose.is_some(), self.case.is_some(), refused].map(u64::from).iter().sum::<u64>();
        let pairs = 15 + optional + if self.matter.is_some() { 2 } else { 0 };
        w.map(pairs);
        w.uint(0);
        w.uint(VERSION);
        w.uint(1);
        w.int(self.stamp.time.as_millis());
        w.uint(2);
        w.bytes(&self.stamp.boot.0);
        w.uint(3);
        w.uint(self.stamp.monotonic_ms);
        for (key, code) in [(4, &self.actor), (5, &self.unit), (6, &self.role), (7, &self.action)] {
            w.uint(key);
            w.text(code.as_str());
        }
        if let Some(purpose) = &self.purpose {
            w.uint(8);
            w.text(purpose.as_str());
        }
        if let Some(case) = &self.case {
            w.uint(9);
            w.bytes(&case.0);
        }
        w.uint(10);
        w.array(self.subjects.len() as u64);
        self.subjects.iter().for_each(|subject| w.bytes(&subject.0));
        codes(&mut w, 11, &self.released);
        codes(&mut w, 12, &self.withheld);
        w.uint(13);
        w.uint(self.count);
        if let Decision::Refused { reason } = &self.decision {
            w.uint(14);
            w.text(reason.as_str());
        }
        for (key, bytes) in [(15, &self.policy.0[..]), (16, &self.request.0[..]), (17, &self.stamp.salt.0[..])] {
            w.uint(key);
            w.bytes(bytes);
        }
        if let Some(matter) = &self.matter {
            w.uint(18);
            w.bytes(&matter.id.0);
            w.uint(19);
            w.text(matter.act.as_str());
        }
        if w.0.len() > ENTRY_BYTES_MAX { Err(EntryError::TooLong) } else { Ok(w.0) }
    }

    /// Decodes an entry for an auditor.
    ///
    /// # Errors
    /// [`EntryError::Malformed`] for anything that [`Entry::encode`] would not write.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        Self::decode_parts(bytes)
            .filter(|entry| entry.encode().is_ok_and(|again| again == bytes))
            .ok_or(EntryError::Malformed)
    }

    /// Whether bytes are what [`Entry::encode`] writes: the same question as [`Entry::decode`], answered without making an entry.
    pub fn is_encoded(bytes: &[u8]) -> bool {
        bytes.len() <= ENTRY_BYTES_MAX && Self::keys(bytes).is_some_and(|keys| keys & NEEDED == NEEDED && paired(keys))
    }

    /// The keys of an encoded entry, as bits, when each is in its place and has a value of its form.
    fn keys(bytes: &[u8]) -> Option<u32> {
        let mut r = Reader(bytes);
        let (mut left, mut next, mut keys) = (r.map()?, 0, 0);
        while left > 0 {
            let key = r.uint().filter(|key| *key >= next && *key <= 19)?;
            let fits = match key {
                0 => r.uint()? == VERSION,
                1 => r.int().is_some(),
                3 | 13 => r.uint().is_some(),
                4..=8 | 14 | 19 => Code::fits(r.text()?),
                10 => {
                    let count = r.array()?;
                    count <= SUBJECTS_MAX as u64
                        && (0..count).all(|_| r.bytes().is_some_and(|handle| handle.len() == 16))
                }
                11 | 12 => (0..r.array()?).all(|_| r.text().is_some_and(Code::fits)),
                15 => r.bytes()?.len() == 32,
                _ => r.bytes()?.len() == 16,
            };
            if !fits {
                return None;
            }
            (left, next, keys) = (left - 1, key + 1, keys | 1 << key);
        }
        r.0.is_empty().then_some(keys)
    }

    fn decode_parts(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        let mut left = r.map()?;
        let mut fields = Fields::default();
        while left > 0 {
            let key = r.uint()?;
            fields.read(key, &mut r)?;
            left -= 1;
        }
        if r.0.is_empty() { fields.into_entry() } else { None }
    }

    /// The hash of the entry as a leaf of the log.
    ///
    /// # Errors
    /// [`EntryError::TooLong`].
    pub fn leaf_hash(&self) -> Result<Hash, EntryError> {
        Ok(leaf_hash(&self.encode()?))
    }
}

/// The keys that every entry has.
const NEEDED: u32 = 0b0011_1011_1100_1111_1111;

/// What an entry is about has an id and an act, or neither.
const fn paired(keys: u32) -> bool {
    matches!(keys >> 18, 0 | 3)
}

/// The fields of an entry as they are found.
#[derive(Default)]
struct Fields {
    version: Option<u64>,
    time: Option<i64>,
    boot: Option<Nonce>,
    monotonic_ms: Option<u64>,
    codes: [Option<Code>; 5],
    case: Option<CaseToken>,
    subjects: Vec<SubjectHandle>,
    released: Vec<Code>,
    withheld: Vec<Code>,
    count: Option<u64>,
    reason: Option<Code>,
    policy: Option<PolicyHash>,
    request: Option<Nonce>,
    salt: Option<Nonce>,
    matter: Option<MatterId>,
    act: Option<Code>,
}

impl Fields {
    fn read(&mut self, key: u64, r: &mut Reader<'_>) -> Option<()> {
        let code = |r: &mut Reader<'_>| Code::parse(r.text()?).ok();
        let nonce = |r: &mut Reader<'_>| r.bytes()?.try_into().ok().map(Nonce);
        let codes = |r: &mut Reader<'_>| (0..r.array()?).map(|_| code(r)).collect::<Option<Vec<_>>>();
        match key {
            0 => self.version = Some(r.uint()?),
            1 => self.time = Some(r.int()?),
            2 => self.boot = Some(nonce(r)?),
            3 => self.monotonic_ms = Some(r.uint()?),
            4..=8 => self.codes[usize::try_from(key - 4).ok()?] = Some(code(r)?),
            9 => self.case = Some(CaseToken(r.bytes()?.try_into().ok()?)),
            10 => {
                let count = r.array()?;
                let handle = |_| r.bytes()?.try_into().ok().map(SubjectHandle);
                self.subjects = (0..count).map(handle).collect::<Option<_>>()?;
            }
            11 => self.released = codes(r)?,
            12 => self.withheld = codes(r)?,
            13 => self.count = Some(r.uint()?),
            14 => self.reason = Some(code(r)?),
            15 => self.policy = Some(PolicyHash(r.bytes()?.try_into().ok()?)),
            16 => self.request = Some(nonce(r)?),
            17 => self.salt = Some(nonce(r)?),
            18 => self.matter = Some(MatterId(r.bytes()?.try_into().ok()?)),
            19 => self.act = Some(code(r)?),
            _ => return None,
        }
        Some(())
    }

    fn into_entry(self) -> Option<Entry> {
        if self.version != Some(VERSION) {
            return None;
        }
        let [actor, unit, role, action, purpose] = self.codes;
        Some(Entry {
            stamp: Stamp {
                time: Timestamp::from_millis(self.time?),
                boot: self.boot?,
                monotonic_ms: self.monotonic_ms?,
                salt: self.salt?,
            },
            actor: actor?,
            unit: unit?,
            role: role?,
            action: action?,
            purpose,
            case: self.case,
            subjects: self.subjects,
            released: self.released,
            withheld: self.withheld,
            count: self.count?,
            // One without the other is encoded as neither, so such bytes do not decode.
            matter: self.matter.zip(self.act).map(|(id, act)| Matter { id, act }),
            decision: self.reason.map_or(Decision::Allowed, |reason| Decision::Refused { reason }),
            policy: self.policy?,
            request: self.request?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::entry;

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        for number in 0..300 {
            let entry = entry(number);
            let bytes = entry.encode().expect("it is short");
            assert!(Entry::is_encoded(&bytes));
            assert_eq!(Entry::decode(&bytes), Ok(entry));
        }
    }

    #[test]
    fn an_entry_has_one_encoding() {
        let bytes = entry(4).encode().expect("it is short");
        // The version as a two-byte head, and a trailing byte: valid CBOR, not deterministic.
        let mut longer = bytes.clone();
        longer.splice(2..3, [0x18, 1]);
        assert_eq!(Entry::decode(&longer), Err(EntryError::Malformed));
        let mut trailing = bytes;
        trailing.push(0);
        assert_eq!(Entry::decode(&trailing), Err(EntryError::Malformed));
        assert!(!Entry::is_encoded(&longer) && !Entry::is_encoded(&trailing));
    }

    #[test]
    fn what_is_asked_of_bytes_and_of_an_entry_made_of_them_is_the_same() {
        for number in 0..60 {
            let bytes = entry(number).encode().expect("it is short");
            for place in 0..bytes.len() {
                for change in [1, 0x20, 0x80] {
                    let mut changed = bytes.clone();
                    changed[place] ^= change;
                    assert_eq!(
                        Entry::is_encoded(&changed),
                        Entry::decode(&changed).is_ok(),
                        "{number} {place} {change}"
                    );
                }
                assert_eq!(Entry::is_encoded(&bytes[..place]), Entry::decode(&bytes[..place]).is_ok());
            }
        }
    }

    #[test]
    fn a_code_has_no_room_for_a_name_or_a_number_of_a_person() {
        for text in ["person.read", "320506001007G03", "cdc-tracer", "TREAT", "a", "2022-03"] {
            assert!(Code::parse(text).is_ok(), "{text}");
        }
        for text in ["", "王芳", "Li Lei", "13800138000", "11010519491231002X", "110105194912310021", "-a", "a@b"] {
            assert_eq!(Code::parse(text), Err(EntryError::NotACode), "{text}");
        }
    }

    #[test]
    fn too_many_subjects_are_refused() {
        let mut entry = entry(1);
        entry.subjects = vec![SubjectHandle([0; 16]); SUBJECTS_MAX + 1];
        assert_eq!(entry.encode(), Err(EntryError::TooLong));
        entry.subjects.pop();
        assert!(entry.encode().is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_decode_to_an_error_or_to_themselves(
            number in 0u64..50, position in 0usize..400, byte in any::<u8>(), cut in 0usize..400,
        ) {
            let mut bytes = entry(number).encode().expect("it is short");
            let length = bytes.len();
            bytes[position % length] = byte;
            bytes.truncate(length - (cut % length).saturating_sub(200));
            prop_assert_eq!(Entry::is_encoded(&bytes), Entry::decode(&bytes).is_ok());
            if let Ok(entry) = Entry::decode(&bytes) {
                prop_assert_eq!(entry.encode().expect("it is short"), bytes);
            }
        }
    }
}

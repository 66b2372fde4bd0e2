//! The journal: the one file that is synced before an append is answered.
//!
//! A journal file begins with a head (magic, index of its first entry, hash of both) and goes on with records, one per
//! batch: length of the payload, index of the batch's first entry, number of entries, SHA-256 over these and the
//! payload, payload (entries as in a bundle). Each batch is synced before the next is written, so a crash can leave at
//! most the last record torn; anything else that does not verify is damage.

use sha2::{Digest, Sha256};

use crate::tile::{push_entry, split_bundle};

/// Folder of the journal files.
pub(crate) const DIR: &str = "journal";

const MAGIC: &[u8; 8] = b"isthmusJ";
const HEAD_BYTES: usize = 48;
const RECORD_HEAD_BYTES: usize = 48;

/// The name of the journal with this sequence number.
pub(crate) fn name(sequence: u64) -> String {
    format!("{DIR}/{sequence:016x}")
}

/// The sequence number of a name in the folder.
pub(crate) fn sequence(file_name: &str) -> Option<u64> {
    let sequence = u64::from_str_radix(file_name, 16).ok()?;
    (format!("{sequence:016x}") == file_name).then_some(sequence)
}

/// The head of a journal whose first entry is `start`.
pub(crate) fn head(start: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&start.to_be_bytes());
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    bytes.extend_from_slice(&hash);
    bytes
}

/// A batch as a record.
pub(crate) fn record<'a>(first: u64, entries: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = vec![0; RECORD_HEAD_BYTES];
    let count = entries.len();
    entries.for_each(|entry| push_entry(&mut bytes, entry));
    let length = u32::try_from(bytes.len() - RECORD_HEAD_BYTES).unwrap_or(u32::MAX);
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..12].copy_from_slice(&first.to_be_bytes());
    bytes[12..16].copy_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    let hash: [u8; 32] =
        Sha256::new().chain_update(&bytes[..16]).chain_update(&bytes[RECORD_HEAD_BYTES..]).finalize().into();
    bytes[16..RECORD_HEAD_BYTES].copy_from_slice(&hash);
    bytes
}

/// What a journal file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents<'a> {
    /// Index of the first entry.
    pub(crate) start: u64,
    /// The entries of all records that verify.
    pub(crate) entries: Vec<&'a [u8]>,
    /// Bytes after the last record that verifies.
    pub(crate) torn_bytes: usize,
}

/// Why a journal cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The head does not verify. After a crash in the middle of its creation that is as it should be.
    NoHead,
    /// A record in the middle does not verify.
    Damaged,
}

/// Reads a journal.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents<'_>, Problem> {
    let (found, mut rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(Problem::NoHead)?;
    let start = be64(&found[8..16]);
    if found != head(start) {
        return Err(Problem::NoHead);
    }
    let mut entries = Vec::new();
    while let Some((batch, length)) = read_record(rest, start + entries.len() as u64) {
        entries.extend(batch);
        rest = &rest[length..];
    }
    let next = start + entries.len() as u64;
    let valid_after = |skip: usize| read_any_record(&rest[skip..]).is_some_and(|first| first >= next);
    if (1..rest.len()).any(valid_after) {
        return Err(Problem::Damaged);
    }
    Ok(Contents { start, entries, torn_bytes: rest.len() })
}

/// Whether a record can be read anywhere behind the place of the head.
pub(crate) fn holds_record(bytes: &[u8]) -> bool {
    (HEAD_BYTES..bytes.len()).any(|at| read_any_record(&bytes[at..]).is_some())
}

fn be64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The first index of the record that begins here, if one does.
fn read_any_record(bytes: &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_at_checked(RECORD_HEAD_BYTES)?;
    let length = usize::try_from(be64(&head[..4])).ok()?;
    let payload = rest.get(..length)?;
    let hash: [u8; 32] = Sha256::new().chain_update(&head[..16]).chain_update(payload).finalize().into();
    (hash == head[16..]).then(|| be64(&head[4..12]))
}

fn read_record(bytes: &[u8], first: u64) -> Option<(Vec<&[u8]>, usize)> {
    if read_any_record(bytes)? != first {
        return None;
    }
    let length = RECORD_HEAD_BYTES + usize::try_from(be64(&bytes[..4])).ok()?;
    let entries = split_bundle(&bytes[RECORD_HEAD_BYTES..length])?;
    (entries.len() as u64 == be64(&bytes[12..16])).then_some((entries, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<u8> {
        let mut bytes = head(256);
        bytes.extend(record(256, [&b"one"[..], b"two"].into_iter()));
        bytes.extend(record(258, [&b"three"[..]].into_iter()));
        bytes
    }

    #[test]
    fn a_journal_cut_anywhere_gives_its_whole_records() {
        let bytes = journal();
        let first = head(0).len() + record(0, [&b"one"[..], b"two"].into_iter()).len();
        for cut in 0..=bytes.len() {
            let expected = match cut {
                _ if cut < HEAD_BYTES => None,
                _ if cut < first => Some(0),
                _ if cut < bytes.len() => Some(2),
                _ => Some(3),
            };
            assert_eq!(read(&bytes[..cut]).ok().map(|found| found.entries.len()), expected, "cut at {cut}");
        }
    }

    #[test]
    fn damage_before_a_whole_record_is_not_taken_for_a_torn_end() {
        let bytes = journal();
        for position in HEAD_BYTES..HEAD_BYTES + record(0, [&b"one"[..], b"two"].into_iter()).len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1;
            assert_eq!(read(&damaged), Err(Problem::Damaged), "byte {position}");
        }
    }
}

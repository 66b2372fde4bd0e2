//! What is on the disk after a stop of any kind, read back and checked against every head that was signed.
//!
//! Only an unacknowledged torn end of the journal is dropped. A head larger than what is found means that the disk was
//! set back; a head with another root means another history; both are refused, never repaired.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::LedgerError;
use crate::files::Files;
use crate::journal::{self, Problem};
use crate::log::{COSIGNED, COSIGNED_NEW};
use crate::merkle::{self, Hash, MissingNode, NodeStore, leaf_hash};
use crate::note::Checkpoint;
use crate::rotation::LogVerifier;
use crate::tile::{TILE_WIDTH, Tile, TileKind};

/// A log read back.
pub(crate) struct Recovered {
    pub(crate) nodes: NodeStore,
    /// Index of the first entry that the journals hold, a multiple of 256.
    pub(crate) start: u64,
    pub(crate) entries: VecDeque<Arc<[u8]>>,
    /// The journals found.
    pub(crate) journals: Vec<PathBuf>,
    pub(crate) next_sequence: u64,
    /// Partial tiles and leftovers that the next published head replaces.
    pub(crate) strays: Vec<PathBuf>,
}

fn damaged(file: impl Into<String>, problem: &'static str) -> LedgerError {
    LedgerError::Damaged { file: file.into(), problem }
}

pub(crate) fn read_file<F: Files>(files: &F, path: &str) -> Result<Vec<u8>, LedgerError> {
    files.read(Path::new(path)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => damaged(path, "it is missing"),
        _ => error.into(),
    })
}

/// The hashes of a full tile.
pub(crate) fn read_hashes<F: Files>(files: &F, level: u8, index: u64) -> Result<Vec<Hash>, LedgerError> {
    let path = Tile { kind: TileKind::Hashes(level), index, width: TILE_WIDTH }.path();
    let bytes = read_file(files, &path)?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if hashes.len() as u64 == TILE_WIDTH && rest.is_empty() {
        Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
    } else {
        Err(damaged(path, "it has not the length of a full tile"))
    }
}

/// A head that was kept in a file, if there is one.
pub(crate) fn read_head<F: Files>(files: &F, file: &str, key: &LogVerifier) -> Result<Option<Checkpoint>, LedgerError> {
    match files.read(Path::new(file)) {
        Ok(bytes) => {
            let note = String::from_utf8(bytes).map_err(|_| damaged(file, "it is not UTF-8"))?;
            Ok(Some(Checkpoint::open(&note, key)?))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the log back.
pub(crate) fn recover<F: Files>(
    files: &F,
    key: &LogVerifier,
    witnessed: &[(String, Checkpoint)],
) -> Result<Recovered, LedgerError> {
    let published = read_head(files, "checkpoint", key)?;
    let cosigned = read_head(files, COSIGNED, key)?;
    let mut sequences: Vec<u64> =
        files.list(Path::new(journal::DIR))?.iter().filter_map(|name| journal::sequence(name)).collect();
    sequences.sort_unstable();
    let (start, entries) = replay(files, &sequences)?.unwrap_or_default();
    if published.is_some() && sequences.is_empty() {
        return Err(damaged(journal::DIR, "it holds no journal"));
    }
    if published.is_none() && (start > 0 || !entries.is_empty() || !files.list(Path::new("tile"))?.is_empty()) {
        return Err(damaged("checkpoint", "it is missing"));
    }
    let mut nodes = NodeStore::from_tile_roots(tile_roots(files, start / TILE_WIDTH)?);
    entries.iter().for_each(|entry| nodes.push(leaf_hash(entry)));
    let own = published.iter().map(|head| ("checkpoint", head)).chain(cosigned.iter().map(|head| (COSIGNED, head)));
    for (witness, head) in own.chain(witnessed.iter().map(|(name, head)| (name.as_str(), head))) {
        check_head(files, &nodes, witness, head)?;
    }
    let strays = strays(files, published.map_or(0, |head| head.size), nodes.size())?;
    Ok(Recovered {
        nodes,
        start,
        entries,
        journals: sequences.iter().map(|sequence| journal::name(*sequence).into()).collect(),
        next_sequence: sequences.last().map_or(1, |last| last + 1),
        strays,
    })
}

type Replayed = (u64, VecDeque<Arc<[u8]>>);

/// The entries that the journals hold together, and the index of the first.
fn replay<F: Files>(files: &F, sequences: &[u64]) -> Result<Option<Replayed>, LedgerError> {
    let mut replayed: Option<Replayed> = None;
    for sequence in sequences {
        let name = journal::name(*sequence);
        let bytes = read_file(files, &name)?;
        let contents = match journal::read(&bytes) {
            Ok(contents) => contents,
            // A crash while the journal was begun: it never held an entry. A later start may have begun the next one and crashed
            // before it removed this one.
            Err(Problem::NoHead) if Some(sequence) == sequences.last() || !journal::holds_record(&bytes) => continue,
            Err(Problem::NoHead) => return Err(damaged(name, "its head does not verify")),
            Err(Problem::Damaged) => return Err(damaged(name, "a record before its end does not verify")),
        };
        if !contents.start.is_multiple_of(TILE_WIDTH) {
            return Err(damaged(name, "it does not begin at a tile"));
        }
        let (start, entries) = match &mut replayed {
            // A gap: the journals before were superfluous, tiles hold what they held.
            Some((start, entries)) if (*start..=*start + entries.len() as u64).contains(&contents.start) => {
                (*start, entries)
            }
            _ => {
                let (_, entries) = replayed.insert((contents.start, VecDeque::new()));
                (contents.start, entries)
            }
        };
        for (index, entry) in (contents.start..).zip(contents.entries) {
            match entries.get(usize::try_from(index - start).unwrap_or(usize::MAX)) {
                Some(known) if **known != *entry => return Err(damaged(name, "it contradicts the journal before")),
                Some(_) => {}
                None => entries.push_back(entry.into()),
            }
        }
    }
    Ok(replayed)
}

/// The roots of the first `count` full tiles of level 0, from the level above where that is full.
pub(crate) fn tile_roots<F: Files>(files: &F, count: u64) -> Result<Vec<Hash>, LedgerError> {
    let mut roots = Vec::new();
    for index in 0..count / TILE_WIDTH {
        roots.extend(read_hashes(files, 1, index)?);
    }
    for index in roots.len() as u64..count {
        roots.push(merkle::fold(&read_hashes(files, 0, index)?));
    }
    Ok(roots)
}

/// Checks that the log extends a head that was signed before.
pub(crate) fn check_head<F: Files>(
    files: &F,
    nodes: &NodeStore,
    witness: &str,
    head: &Checkpoint,
) -> Result<(), LedgerError> {
    let recovered = nodes.size();
    if head.size > recovered {
        return Err(LedgerError::Rollback { witness: witness.to_owned(), signed: head.size, recovered });
    }
    let root = match merkle::root(nodes, head.size) {
        Ok(root) => root,
        // The head ends within a tile that only the disk holds.
        Err(MissingNode) => {
            let tile = head.size / TILE_WIDTH;
            let mut earlier = NodeStore::from_tile_roots(tile_roots(files, tile)?);
            let width = usize::try_from(head.size % TILE_WIDTH).unwrap_or(0);
            read_hashes(files, 0, tile)?.into_iter().take(width).for_each(|leaf| earlier.push(leaf));
            merkle::root(&earlier, head.size).map_err(|MissingNode| damaged("memory", "a hash is missing"))?
        }
    };
    if root == head.root { Ok(()) } else { Err(LedgerError::Fork { witness: witness.to_owned(), size: head.size }) }
}

/// Partial tiles on disk at the places where trees from the published size to the recovered one end: a crash may have
/// left some half-written.
fn strays<F: Files>(files: &F, published: u64, recovered: u64) -> Result<Vec<PathBuf>, LedgerError> {
    let mut strays = vec![PathBuf::from("checkpoint.new"), PathBuf::from(COSIGNED_NEW)];
    for level in 0..8u8 {
        let place = |size: u64| (size >> (8 * u32::from(level))) / TILE_WIDTH;
        for index in place(published)..=place(recovered) {
            let mut kinds = vec![TileKind::Hashes(level)];
            if level == 0 {
                kinds.push(TileKind::Entries);
            }
            for kind in kinds {
                let dir = PathBuf::from(format!("{}.p", Tile { kind, index, width: TILE_WIDTH }.path()));
                strays.extend(files.list(&dir)?.into_iter().map(|name| dir.join(name)));
            }
        }
    }
    Ok(strays)
}

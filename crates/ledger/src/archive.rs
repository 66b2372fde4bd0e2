//! A log's directory, read without its sequencer: for proofs, searches and exports offline, also beside a running hub.
//!
//! Invariant: nothing is given out that does not hash to the root of the published head, whose signature was checked.
//! Entries that are acknowledged but not yet below that head are not here; they follow within about a second.

use std::path::Path;

use crate::error::LedgerError;
use crate::files::DiskFiles;
use crate::log::{CHECKPOINT, COSIGNED, WithTile, missing_node};
use crate::merkle::{self, Hash, MissingNode, NodeStore, leaf_hash};
use crate::note::Checkpoint;
use crate::receipt::Receipt;
use crate::recovery::{read_file, read_hashes, read_head, tile_roots};
use crate::rotation::{LogVerifier, verifier_of};
use crate::tile::{TILE_WIDTH, Tile, TileKind, split_bundle, width_at};

/// How often a directory is read again because its sequencer replaced the partial tile meanwhile.
const ATTEMPTS: u32 = 5;

/// A log's directory under its published head.
#[derive(Debug)]
pub struct Archive {
    files: DiskFiles,
    head: Checkpoint,
    note: String,
    nodes: NodeStore,
    /// The entries after the last full bundle.
    rest: Vec<Vec<u8>>,
}

impl Archive {
    /// Reads the published head of the log in `dir`, checks that `key` signed it and that the tiles lead to its root.
    ///
    /// # Errors
    /// [`LedgerError::Note`] when the head is not signed by the key, [`LedgerError::Damaged`] when the tiles do not fit it.
    pub fn open(dir: &Path, key: &LogVerifier) -> Result<Self, LedgerError> {
        Self::open_under(dir, key, CHECKPOINT)
    }

    /// As [`Archive::open`], under the newest head that a quorum of witnesses cosigned; `None` when there is none.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn open_cosigned(dir: &Path, key: &LogVerifier) -> Result<Option<Self>, LedgerError> {
        if dir.join(COSIGNED).exists() { Self::open_under(dir, key, COSIGNED).map(Some) } else { Ok(None) }
    }

    fn open_under(dir: &Path, key: &LogVerifier, head: &str) -> Result<Self, LedgerError> {
        let mut attempt = 1;
        loop {
            match Self::read(dir, key, head) {
                Err(LedgerError::Damaged { .. }) if attempt < ATTEMPTS && DiskFiles::is_locked(dir) => attempt += 1,
                read => return read,
            }
        }
    }

    /// The public key that lies beside the log. It proves only that the log fits itself.
    ///
    /// # Errors
    /// When there is none.
    pub fn own_key(dir: &Path) -> Result<LogVerifier, LedgerError> {
        let text = std::fs::read_to_string(dir.join("log.vkey"))?;
        Ok(text.trim_end().parse()?)
    }

    fn read(dir: &Path, key: &LogVerifier, head_file: &str) -> Result<Self, LedgerError> {
        let files = DiskFiles::new(dir);
        let damaged = |file: String, problem| LedgerError::Damaged { file, problem };
        let note = String::from_utf8(read_file(&files, head_file)?)
            .map_err(|_| damaged(head_file.into(), "it is not UTF-8"))?;
        let key = &verifier_of(dir, key.clone())?;
        let head = Checkpoint::open(&note, key)?;
        // A cosigned head may be older than the tiles, never newer.
        let published = read_head(&files, CHECKPOINT, key)?.map_or(head.size, |published| published.size);
        let full = head.size / TILE_WIDTH;
        let mut nodes = NodeStore::from_tile_roots(tile_roots(&files, full)?);
        let mut rest = Vec::new();
        if !head.size.is_multiple_of(TILE_WIDTH) {
            let tile = Tile { kind: TileKind::Entries, index: full, width: width_at(published, 0, full) };
            let bytes = read_file(&files, &tile.path())?;
            let entries = split_bundle(&bytes).ok_or_else(|| damaged(tile.path(), "its lengths do not add up"))?;
            let width = usize::try_from(head.size % TILE_WIDTH).unwrap_or(0);
            rest = entries.into_iter().take(width).map(<[u8]>::to_vec).collect();
            rest.iter().for_each(|entry| nodes.push(leaf_hash(entry)));
        }
        if nodes.size() != head.size || merkle::root(&nodes, head.size).ok() != Some(head.root) {
            return Err(damaged(head_file.into(), "the tiles have not the root that it signs"));
        }
        Ok(Self { files, head, note, nodes, rest })
    }

    /// The published head.
    pub const fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// The receipt of an entry under the published head, and the entry's bytes.
    ///
    /// # Errors
    /// [`LedgerError::NoEntry`], or what is wrong with the files.
    pub fn prove(&self, index: u64) -> Result<(Receipt, Vec<u8>), LedgerError> {
        let (_, entry) = self.entries(index, 1)?.pop().ok_or(LedgerError::NoEntry(index))?;
        let tile = index / TILE_WIDTH;
        let from_disk =
            if tile < self.head.size / TILE_WIDTH { Some((tile, read_hashes(&self.files, 0, tile)?)) } else { None };
        let nodes = WithTile { nodes: &self.nodes, tile: from_disk };
        let proof = merkle::inclusion_proof(&nodes, index, self.head.size).map_err(|MissingNode| missing_node())?;
        Ok((Receipt { index, leaf_hash: leaf_hash(&entry), proof, checkpoint: self.note.clone() }, entry))
    }

    /// The bytes of entries from `first`, at most `count`, fewer at the end; each bundle is checked against the root.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] names the bundle that is not what was signed.
    pub fn entries(&self, first: u64, count: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let end = first.saturating_add(count).min(self.head.size);
        let mut found = Vec::new();
        for bundle in first / TILE_WIDTH..end.div_ceil(TILE_WIDTH) {
            let numbered = (bundle * TILE_WIDTH..).zip(self.bundle(bundle)?);
            found.extend(numbered.filter(|(index, _)| (first..end).contains(index)));
        }
        Ok(found)
    }

    fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        if index >= self.head.size / TILE_WIDTH {
            return Ok(self.rest.clone());
        }
        let path = Tile { kind: TileKind::Entries, index, width: TILE_WIDTH }.path();
        let bytes = read_file(&self.files, &path)?;
        let entries = split_bundle(&bytes).filter(|entries| entries.len() as u64 == TILE_WIDTH);
        let leaves: Option<Vec<Hash>> = entries.as_ref().map(|all| all.iter().map(|entry| leaf_hash(entry)).collect());
        match (entries, leaves) {
            (Some(entries), Some(leaves)) if self.nodes.get(8, index) == Some(merkle::fold(&leaves)) => {
                Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
            }
            _ => Err(LedgerError::Damaged { file: path, problem: "its entries are not those that were signed" }),
        }
    }
}

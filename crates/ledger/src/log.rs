//! The log on disk: one sequencer's state, its recovery, and what readers share with it.
//!
//! Layout of the directory, as C2SP tlog-tiles publishes it, plus the journal:
//!
//! | path | what it is |
//! |---|---|
//! | `checkpoint` | the last published head, signed |
//! | `tile/0/..`, `tile/1/..` | hash tiles, full ones and the partial ones of that head |
//! | `tile/entries/..` | entry bundles, likewise |
//! | `journal/..` | entries since some full tile; synced before an append is answered |
//! | `log.vkey` | the newest public key, for convenience |
//! | `rotation/..` | what keys state of their successors |
//! | `cosigned` | the newest head that a quorum of witnesses cosigned; `witnesses` has their keys |
//! | `lock` | held by the sequencer |
//!
//! Invariant: what was acknowledged is durable in the journal, or in tiles that were synced before their journal was
//! removed. Tiles and the checkpoint follow the journal by about a second; they are derived and can be written again.
//! A failed write or sync is final: the log refuses every later append, because after a failed sync nobody knows what
//! is on the disk.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::LedgerError;
use crate::files::{Appender, Files, write_durably};
use crate::journal;
use crate::merkle::{self, Hash, MissingNode, NodeStore, Nodes, leaf_hash};
use crate::note::{Checkpoint, LogKey, NoteError};
use crate::receipt::Receipt;
use crate::recovery;
use crate::rotation::{self, LogVerifier, Statement};
use crate::tile::{TILE_WIDTH, Tile, TileKind, push_entry, split_bundle, width_at};

/// A journal longer than this is followed by a new one when tiles are published.
const JOURNAL_BYTES_MAX: u64 = 8 << 20;

/// What the sequencer and the readers share.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) nodes: NodeStore,
    /// Index of the first entry kept in memory, a multiple of 256. What is before is in full tiles on disk.
    pub(crate) base: u64,
    pub(crate) entries: VecDeque<Arc<[u8]>>,
    pub(crate) head: Checkpoint,
    pub(crate) note: String,
    /// The public keys of the log.
    pub(crate) verifier: LogVerifier,
}

impl State {
    fn entry(&self, index: u64) -> Option<&Arc<[u8]>> {
        self.entries.get(usize::try_from(index.checked_sub(self.base)?).ok()?)
    }

    /// The bytes of a tile, when memory holds all of it.
    fn tile(&self, tile: Tile) -> Option<Vec<u8>> {
        let range = tile.index * TILE_WIDTH..tile.index * TILE_WIDTH + tile.width;
        let mut bytes = Vec::new();
        match tile.kind {
            TileKind::Entries => {
                for index in range {
                    push_entry(&mut bytes, self.entry(index)?);
                }
            }
            TileKind::Hashes(level) => {
                for index in range {
                    bytes.extend_from_slice(&self.nodes.get(u32::from(level) * 8, index)?.0);
                }
            }
        }
        Some(bytes)
    }
}

/// Tiles to write, of a head that is already safe in the journal. It runs beside the sequencer.
pub(crate) struct PublishJob {
    size: u64,
    tiles: Vec<(PathBuf, Vec<u8>)>,
    note: String,
    partials: Vec<PathBuf>,
    obsolete: Vec<PathBuf>,
}

pub(crate) const CHECKPOINT: &str = "checkpoint";
const CHECKPOINT_NEW: &str = "checkpoint.new";
/// The newest head that a quorum of witnesses cosigned.
pub(crate) const COSIGNED: &str = "cosigned";
pub(crate) const COSIGNED_NEW: &str = "cosigned.new";
/// The public keys of the witnesses, one a line.
pub(crate) const WITNESSES: &str = "witnesses";

impl PublishJob {
    /// Writes the tiles, then the checkpoint that asks for them, then removes what they replace.
    pub(crate) fn run<F: Files>(self, files: &F) -> io::Result<Published> {
        write_durably(files, &self.tiles)?;
        write_durably(files, &[(CHECKPOINT_NEW.into(), self.note.into_bytes())])?;
        files.rename(Path::new(CHECKPOINT_NEW), Path::new(CHECKPOINT))?;
        files.sync_dir(Path::new(""))?;
        for path in &self.obsolete {
            files.remove(path)?;
        }
        if self.obsolete.iter().any(|path| path.starts_with(journal::DIR)) {
            files.sync_dir(Path::new(journal::DIR))?;
        }
        Ok(Published { size: self.size, partials: self.partials })
    }
}

/// A job that is done.
pub(crate) struct Published {
    size: u64,
    partials: Vec<PathBuf>,
}

/// The sequencer's side of the log.
pub(crate) struct Log<F: Files> {
    files: Arc<F>,
    /// Whose signatures new heads bear: the key, and its successor in the overlap.
    keys: Vec<LogKey>,
    state: Arc<RwLock<State>>,
    journal: Box<dyn Appender>,
    journal_sequence: u64,
    journal_bytes: u64,
    /// Journals that the next published tiles make superfluous.
    old_journals: Vec<PathBuf>,
    /// Size of the tree whose tiles are on disk.
    published: u64,
    partials: Vec<PathBuf>,
    publishing: bool,
    poisoned: bool,
}

impl<F: Files> Log<F> {
    /// Recovers the log, or creates it. `keys` are its key and perhaps a successor; `witnessed` are heads that others have
    /// seen: the log must extend each.
    pub(crate) fn open(
        files: Arc<F>,
        keys: Vec<LogKey>,
        witnessed: &[(String, Checkpoint)],
    ) -> Result<Self, LedgerError> {
        let mut verifier = keys.first().ok_or(NoteError::MalformedKey)?.verifier().clone();
        verifier.learn(&rotation::statements(&*files)?);
        let recovered = recovery::recover(&*files, &verifier, witnessed)?;
        let size = recovered.nodes.size();
        let root = merkle::root(&recovered.nodes, size).map_err(|MissingNode| missing_node())?;
        let head = Checkpoint { origin: verifier.name().to_owned(), size, root };
        let note = rotation::sign(keys.iter(), &head.to_text());
        let (nodes, base, entries) = (recovered.nodes, recovered.start, recovered.entries);
        let state = State { nodes, base, entries, head, note, verifier };
        files.create_dir(Path::new(journal::DIR))?;
        files.sync_dir(Path::new(""))?;
        let (journal, journal_bytes) = new_journal(&*files, &state, recovered.next_sequence)?;
        let mut log = Self {
            files,
            keys: Vec::new(),
            published: state.base,
            state: Arc::new(RwLock::new(state)),
            journal,
            journal_sequence: recovered.next_sequence,
            journal_bytes,
            old_journals: recovered.journals,
            partials: recovered.strays,
            publishing: false,
            poisoned: false,
        };
        log.use_keys(keys)?;
        let job = log.job();
        let published = job.run(&*log.files)?;
        log.finish_publish(published);
        Ok(log)
    }

    pub(crate) fn reader(&self) -> LogReader<F> {
        LogReader { files: Arc::clone(&self.files), state: Arc::clone(&self.state) }
    }

    /// Appends a batch. On return it is durable, and each receipt proves its entry under the head of this batch.
    pub(crate) fn append_batch(&mut self, entries: Vec<Arc<[u8]>>) -> Result<Vec<Receipt>, LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned);
        }
        let first = read_state(&self.state).nodes.size();
        let record = journal::record(first, entries.iter().map(|entry| &**entry));
        if let Err(error) = self.journal.append(&record).and_then(|()| self.journal.sync()) {
            self.poisoned = true;
            return Err(error.into());
        }
        self.journal_bytes += record.len() as u64;
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let head = {
            let mut state = write_state(&self.state);
            leaves.iter().for_each(|leaf| state.nodes.push(*leaf));
            state.entries.extend(entries);
            let size = state.nodes.size();
            let root = merkle::root(&state.nodes, size).map_err(|MissingNode| missing_node())?;
            Checkpoint { origin: state.head.origin.clone(), size, root }
        };
        let note = rotation::sign(self.keys.iter(), &head.to_text());
        let state = {
            let mut state = write_state(&self.state);
            state.head = head;
            state.note.clone_from(&note);
            drop(state);
            read_state(&self.state)
        };
        let receipt = |(position, leaf): (u64, &Hash)| {
            let index = first + position;
            let proof =
                merkle::inclusion_proof(&state.nodes, index, state.head.size).map_err(|MissingNode| missing_node())?;
            Ok(Receipt { index, leaf_hash: *leaf, proof, checkpoint: note.clone() })
        };
        (0..).zip(&leaves).map(receipt).collect()
    }

    /// Whether heads are signed by just these keys.
    pub(crate) fn uses(&self, keys: &[LogKey]) -> bool {
        self.keys.iter().map(LogKey::public).eq(keys.iter().map(LogKey::public))
    }

    /// Signs with these keys from now on. What that means for the others is stated, durably, before the first head under them:
    /// that the second key succeeds the first, and where the key before the first has ended.
    pub(crate) fn use_keys(&mut self, keys: Vec<LogKey>) -> Result<(), LedgerError> {
        let (mut verifier, head) = {
            let state = read_state(&self.state);
            (state.verifier.clone(), state.head.clone())
        };
        let mut stated = Vec::new();
        if let [old, new] = &keys[..]
            && !verifier.knows(new.public())
        {
            let statement = Statement::Successor { old: old.public().clone(), new: new.public().clone() };
            stated.push((statement.path(), statement.sign(&[old, new])));
        }
        let current = keys.first().ok_or(NoteError::MalformedKey)?;
        if let Some(old) = verifier.unended_before(current.public()) {
            let (old, new) = (old.clone(), current.public().clone());
            let statement = Statement::End { old, new, last_size: head.size };
            stated.push((statement.path(), statement.sign(&[current])));
        }
        verifier.learn(&stated.iter().map(|(_, note)| note.clone()).collect::<Vec<_>>());
        if let Some(stranger) = keys.iter().find(|key| !verifier.knows(key.public())) {
            return Err(NoteError::UnknownSigner(stranger.public().to_string()).into());
        }
        let mut writes: Vec<_> = stated.into_iter().map(|(path, note)| (path, note.into_bytes())).collect();
        writes.push((PathBuf::from("log.vkey"), format!("{verifier}\n").into_bytes()));
        writes.retain(|(path, bytes)| self.files.read(path).ok().as_ref() != Some(bytes));
        write_durably(&*self.files, &writes)?;
        self.keys = keys;
        let note = rotation::sign(self.keys.iter(), &head.to_text());
        let mut state = write_state(&self.state);
        state.note = note;
        state.verifier = verifier;
        Ok(())
    }

    /// What is to be published, unless nothing is, or a job is under way.
    pub(crate) fn publish_job(&mut self) -> Result<Option<PublishJob>, LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned);
        }
        if self.publishing || read_state(&self.state).head.size == self.published {
            return Ok(None);
        }
        if self.journal_bytes > JOURNAL_BYTES_MAX {
            self.rotate().inspect_err(|_| self.poisoned = true)?;
        }
        Ok(Some(self.job()))
    }

    /// Takes note that a job is done, and forgets what is now on disk.
    pub(crate) fn finish_publish(&mut self, published: Published) {
        self.publishing = false;
        self.published = published.size;
        self.partials = published.partials;
        let mut state = write_state(&self.state);
        let base = published.size / TILE_WIDTH * TILE_WIDTH;
        let dropped = usize::try_from(base - state.base).unwrap_or(0);
        state.entries.drain(..dropped);
        state.base = base;
        state.nodes.forget_before(base);
    }

    /// Makes every later append fail.
    pub(crate) const fn poison(&mut self) {
        self.poisoned = true;
    }

    /// Begins a new journal with the entries of the unfinished bundle.
    pub(crate) fn rotate(&mut self) -> Result<(), LedgerError> {
        let sequence = self.journal_sequence + 1;
        (self.journal, self.journal_bytes) = new_journal(&*self.files, &read_state(&self.state), sequence)?;
        self.old_journals.push(journal::name(self.journal_sequence).into());
        self.journal_sequence = sequence;
        Ok(())
    }

    fn job(&mut self) -> PublishJob {
        self.publishing = true;
        let state = read_state(&self.state);
        let size = state.head.size;
        let mut tiles = Vec::new();
        let mut partials = Vec::new();
        for tile in tiles_between(self.published, size) {
            // What is after the last published size is in memory.
            let Some(bytes) = state.tile(tile) else { continue };
            if !tile.is_full() {
                partials.push(tile.file());
            }
            tiles.push((tile.file(), bytes));
        }
        let kept: BTreeSet<_> = partials.iter().cloned().collect();
        let mut obsolete: Vec<_> = self.partials.drain(..).filter(|path| !kept.contains(path)).collect();
        obsolete.append(&mut self.old_journals);
        PublishJob { size, tiles, note: state.note.clone(), partials, obsolete }
    }
}

/// The full tiles that a tree of `new` entries has and one of `old` had not, and the partial tiles of `new`.
pub(crate) fn tiles_between(old: u64, new: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for level in 0..8 {
        let (from, to) = ((old >> (8 * level)) / TILE_WIDTH, (new >> (8 * level)) / TILE_WIDTH);
        for index in from..=to {
            let width = width_at(new, level, index);
            if width > 0 {
                tiles.push(Tile { kind: TileKind::Hashes(level), index, width });
                if level == 0 {
                    tiles.push(Tile { kind: TileKind::Entries, index, width });
                }
            }
        }
    }
    tiles
}

fn new_journal<F: Files>(files: &F, state: &State, sequence: u64) -> Result<(Box<dyn Appender>, u64), LedgerError> {
    let size = state.nodes.size();
    let start = size / TILE_WIDTH * TILE_WIDTH;
    let mut bytes = journal::head(start);
    let carried: Vec<&[u8]> = (start..size).filter_map(|index| state.entry(index).map(|entry| &**entry)).collect();
    if !carried.is_empty() {
        bytes.extend(journal::record(start, carried.into_iter()));
    }
    let mut appender = files.create_appender(Path::new(&journal::name(sequence)))?;
    appender.append(&bytes)?;
    appender.sync()?;
    files.sync_dir(Path::new(journal::DIR))?;
    Ok((appender, bytes.len() as u64))
}

/// A hash that memory should hold is missing: a defect of this program, not of the disk.
pub(crate) fn missing_node() -> LedgerError {
    LedgerError::Damaged { file: "memory".into(), problem: "a hash of the tree is missing" }
}

// A panic while the lock is held leaves the state as it was before or after a push, and the sequencer is gone with the
// panic: readers may go on.
fn read_state(state: &RwLock<State>) -> RwLockReadGuard<'_, State> {
    state.read().unwrap_or_else(PoisonError::into_inner)
}

fn write_state(state: &RwLock<State>) -> RwLockWriteGuard<'_, State> {
    state.write().unwrap_or_else(PoisonError::into_inner)
}

/// An entry's bytes with its index.
pub(crate) type Numbered = (u64, Arc<[u8]>);

/// Reads the log beside the sequencer.
pub(crate) struct LogReader<F> {
    files: Arc<F>,
    state: Arc<RwLock<State>>,
}

/// The nodes in memory and those of one tile from disk.
pub(crate) struct WithTile<'a> {
    pub(crate) nodes: &'a NodeStore,
    pub(crate) tile: Option<(u64, Vec<Hash>)>,
}

impl Nodes for WithTile<'_> {
    type Error = MissingNode;

    fn node(&self, height: u32, index: u64) -> Result<Hash, MissingNode> {
        if let Some(hash) = self.nodes.get(height, index) {
            return Ok(hash);
        }
        let (tile, hashes) = self.tile.as_ref().filter(|_| height < merkle::TILE_HEIGHT).ok_or(MissingNode)?;
        let first = (index << height).checked_sub(tile * TILE_WIDTH).ok_or(MissingNode)?;
        let first = usize::try_from(first).map_err(|_| MissingNode)?;
        hashes.get(first..first + (1 << height)).map(merkle::fold).ok_or(MissingNode)
    }
}

impl<F: Files> LogReader<F> {
    /// The public keys of the log.
    pub(crate) fn verifier(&self) -> LogVerifier {
        read_state(&self.state).verifier.clone()
    }

    /// What the keys of the log state of each other.
    pub(crate) fn statements(&self) -> Result<Vec<String>, LedgerError> {
        rotation::statements(&*self.files)
    }

    /// The newest head, which covers everything acknowledged.
    pub(crate) fn head(&self) -> (Checkpoint, String) {
        let state = read_state(&self.state);
        (state.head.clone(), state.note.clone())
    }

    /// The receipt of an entry under the newest head.
    pub(crate) fn prove(&self, index: u64) -> Result<Receipt, LedgerError> {
        let (head, _) = self.head();
        if index >= head.size {
            return Err(LedgerError::NoEntry(index));
        }
        let leaf_tile = index / TILE_WIDTH;
        self.with_tile(leaf_tile, |nodes, state| {
            let leaf = nodes.node(0, index)?;
            let proof = merkle::inclusion_proof(nodes, index, state.head.size)?;
            Ok(Receipt { index, leaf_hash: leaf, proof, checkpoint: state.note.clone() })
        })
    }

    /// The proof that the newest head extends the tree of `old_size` entries, with that head's note.
    pub(crate) fn consistency(&self, old_size: u64) -> Result<(Vec<Hash>, String), LedgerError> {
        let (head, _) = self.head();
        if old_size == 0 || old_size > head.size {
            return Err(LedgerError::NoEntry(old_size));
        }
        self.with_tile(old_size / TILE_WIDTH, |nodes, state| {
            Ok((merkle::consistency_proof(nodes, old_size, state.head.size)?, state.note.clone()))
        })
    }

    /// The proof that the tree of `size` entries, which is that of a recent head, extends the tree of `old_size` entries.
    pub(crate) fn consistency_between(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        if old_size == 0 || old_size > size || size > self.head().0.size {
            return Err(LedgerError::NoEntry(old_size));
        }
        self.with_tile(old_size / TILE_WIDTH, |nodes, _| merkle::consistency_proof(nodes, old_size, size))
    }

    /// Keeps the newest head that a quorum of witnesses cosigned, with the keys of all witnesses beside it.
    pub(crate) fn keep_cosigned(&self, note: &str, witnesses: &str) -> Result<(), LedgerError> {
        let mut writes = vec![(PathBuf::from(COSIGNED_NEW), note.as_bytes().to_vec())];
        if self.files.read(Path::new(WITNESSES)).ok().as_deref() != Some(witnesses.as_bytes()) {
            writes.push((WITNESSES.into(), witnesses.as_bytes().to_vec()));
        }
        write_durably(&*self.files, &writes)?;
        self.files.rename(Path::new(COSIGNED_NEW), Path::new(COSIGNED))?;
        Ok(self.files.sync_dir(Path::new(""))?)
    }

    /// The newest head that a quorum of witnesses cosigned; `None` before the first.
    pub(crate) fn cosigned(&self) -> Result<Option<String>, LedgerError> {
        match self.files.read(Path::new(COSIGNED)) {
            Ok(bytes) => Ok(Some(String::from_utf8(bytes).map_err(|_| NoteError::MalformedNote)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn with_tile<T>(
        &self,
        tile: u64,
        make: impl Fn(&WithTile<'_>, &State) -> Result<T, MissingNode>,
    ) -> Result<T, LedgerError> {
        let in_memory = {
            let state = read_state(&self.state);
            if tile * TILE_WIDTH >= state.base {
                Some(make(&WithTile { nodes: &state.nodes, tile: None }, &state))
            } else {
                None
            }
        };
        if let Some(made) = in_memory {
            return made.map_err(|MissingNode| missing_node());
        }
        // Full tiles never change, so the file may be read without the lock.
        let hashes = recovery::read_hashes(&*self.files, 0, tile)?;
        let state = read_state(&self.state);
        make(&WithTile { nodes: &state.nodes, tile: Some((tile, hashes)) }, &state)
            .map_err(|MissingNode| missing_node())
    }

    /// The bytes of entries from `first`, at most `count`, fewer at the log's end.
    pub(crate) fn entries(&self, first: u64, count: u64) -> Result<Vec<Numbered>, LedgerError> {
        let (head, _) = self.head();
        let end = first.saturating_add(count).min(head.size);
        let mut found = Vec::new();
        let mut index = first;
        while index < end {
            let bundle = index / TILE_WIDTH;
            let bundle_end = end.min((bundle + 1) * TILE_WIDTH);
            let from_memory: Option<Vec<_>> = {
                let state = read_state(&self.state);
                (index..bundle_end).map(|index| Some((index, Arc::clone(state.entry(index)?)))).collect()
            };
            match from_memory {
                Some(entries) => found.extend(entries),
                None => {
                    let tile = Tile { kind: TileKind::Entries, index: bundle, width: TILE_WIDTH };
                    let bytes = recovery::read_file(&*self.files, &tile.path())?;
                    let entries = split_bundle(&bytes).ok_or_else(|| LedgerError::Damaged {
                        file: tile.path(),
                        problem: "its lengths do not add up",
                    })?;
                    let numbered = (bundle * TILE_WIDTH..).zip(entries);
                    let wanted = numbered.filter(|(at, _)| (index..bundle_end).contains(at));
                    found.extend(wanted.map(|(at, entry)| (at, entry.into())));
                }
            }
            index = bundle_end;
        }
        Ok(found)
    }

    /// A tile as it is published; `None` when the newest head does not reach that far.
    pub(crate) fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, LedgerError> {
        let level = if let TileKind::Hashes(level) = tile.kind { level } else { 0 };
        let from_memory = {
            let state = read_state(&self.state);
            if tile.width > width_at(state.head.size, level, tile.index) {
                return Ok(None);
            }
            state.tile(tile)
        };
        if let Some(bytes) = from_memory {
            return Ok(Some(bytes));
        }
        let full = Tile { width: TILE_WIDTH, ..tile };
        let mut bytes = recovery::read_file(&*self.files, &full.path())?;
        if !tile.is_full() {
            bytes = cut(tile, &bytes)
                .ok_or_else(|| LedgerError::Damaged { file: full.path(), problem: "it is too short" })?;
        }
        Ok(Some(bytes))
    }
}

/// The first places of a full tile.
pub(crate) fn cut(tile: Tile, full: &[u8]) -> Option<Vec<u8>> {
    let width = usize::try_from(tile.width).ok()?;
    if tile.kind != TileKind::Entries {
        return full.get(..width * 32).map(<[u8]>::to_vec);
    }
    let entries = split_bundle(full)?;
    let mut bytes = Vec::new();
    entries.get(..width)?.iter().for_each(|entry| push_entry(&mut bytes, entry));
    Some(bytes)
}

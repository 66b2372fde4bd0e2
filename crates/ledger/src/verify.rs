//! The whole log, checked offline: every entry, every tile, the journal, the head's signature and root.
//!
//! Each file is compared with what the others say it must be, so a flipped bit anywhere is found, and the finding names
//! the file and the entries concerned. Where the files alone cannot tell which of two is wrong, both are named.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::cosign::WitnessVerifier;
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::files::{DiskFiles, Files as _};
use crate::journal;
use crate::log::{COSIGNED, WITNESSES, cut, tiles_between};
use crate::merkle::{self, Hash, MissingNode, NodeStore, leaf_hash};
use crate::note::{Checkpoint, split_note};
use crate::recovery::check_head;
use crate::rotation::{self, LogVerifier, verifier_of};
use crate::tile::{TILE_WIDTH, Tile, TileKind, split_bundle, width_at};
use crate::witnesses::quorum;

/// Something wrong in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, below the log's directory.
    pub file: String,
    /// The first entry concerned, and the one after the last; both 0 when no entries can be named.
    pub entries: (u64, u64),
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.entries;
        if from < to {
            write!(f, "{}: entries {from} to {}: {}", self.file, to - 1, self.problem)
        } else {
            write!(f, "{}: {}", self.file, self.problem)
        }
    }
}

/// What a verification saw.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether everything is as it must be.
    pub verified: bool,
    /// The log's name, when its head could be read.
    pub origin: Option<String>,
    /// The key against which the head was checked.
    pub key: Option<String>,
    /// Whether that key came from the caller; a key from the log's own directory proves only that the log fits itself.
    pub key_given: bool,
    /// Entries that the signed head covers.
    pub entries: u64,
    /// The root that the signed head names, base 64.
    pub root: Option<String>,
    /// Entries in the journal that the published head does not cover yet.
    pub unpublished_entries: u64,
    /// Entries that the newest cosigned head covers; absent without witnesses.
    pub cosigned_entries: Option<u64>,
    /// Names of the witnesses that cosigned it.
    pub cosigned_by: Vec<String>,
    /// Files that were read.
    pub files: u64,
    /// Whether a sequencer was at work meanwhile.
    pub live: bool,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.origin.as_deref().unwrap_or("unknown log");
        if self.verified {
            writeln!(f, "verified: {origin}, {} entries in {} files, every one intact", self.entries, self.files)?;
        } else {
            writeln!(f, "NOT VERIFIED: {origin}, {} problems", self.findings.len())?;
        }
        if let Some(root) = &self.root {
            writeln!(f, "head: size {}, root {root}", self.entries)?;
        }
        if let Some(key) = &self.key {
            let whence = if self.key_given { "given" } else { "from the log's own directory; give one to be sure" };
            writeln!(f, "key: {key} ({whence})")?;
        }
        if let Some(entries) = self.cosigned_entries {
            let by = self.cosigned_by.join(", ");
            writeln!(
                f,
                "cosigned: {entries} entries, by {by} (compare their keys in the file {WITNESSES} with those you were given)"
            )?;
        }
        if self.unpublished_entries > 0 {
            writeln!(
                f,
                "journal: {} more entries, synced and not yet below a published head",
                self.unpublished_entries
            )?;
        }
        self.findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))
    }
}

/// Checks the log in `dir`. Without `key`, the key in the directory is taken, and the report says so. A log in use can
/// be checked too: what its sequencer replaces meanwhile is looked at again.
///
/// # Errors
/// Only when the directory cannot be read at all; what is wrong with the log is in the report.
pub fn verify(dir: &Path, key: Option<&LogVerifier>) -> Result<Report, LedgerError> {
    std::fs::read_dir(dir)?;
    let mut report = Check::run(dir, key);
    for _ in 0..5 {
        if report.verified || !report.live {
            break;
        }
        report = Check::run(dir, key);
    }
    Ok(report)
}

struct Check {
    files: DiskFiles,
    seen: BTreeSet<String>,
    findings: Vec<Finding>,
    live: bool,
}

/// What the check of one bundle and its tile of leaf hashes gives.
struct Bundle {
    /// The hash of all leaves; `None` where not all are known.
    root: Option<Hash>,
    /// Leaves and entries of the last bundle, which may be partial.
    leaves: Vec<Hash>,
    entries: Vec<Vec<u8>>,
    findings: Vec<Finding>,
}

fn finding(file: impl Into<String>, entries: (u64, u64), problem: impl Into<String>) -> Finding {
    Finding { file: file.into(), entries, problem: problem.into() }
}

fn span(tile: Tile) -> (u64, u64) {
    let level = if let TileKind::Hashes(level) = tile.kind { level } else { 0 };
    let each = 1u64.checked_shl(8 * u32::from(level)).unwrap_or(u64::MAX);
    let first = tile.index.saturating_mul(TILE_WIDTH);
    (first.saturating_mul(each), (first + tile.width).saturating_mul(each))
}

impl Check {
    fn run(dir: &Path, given: Option<&LogVerifier>) -> Report {
        let live = DiskFiles::is_locked(dir);
        let mut check = Self { files: DiskFiles::new(dir), seen: BTreeSet::new(), findings: Vec::new(), live };
        let key = check.key(dir, given);
        let head = key.as_ref().and_then(|key| check.head(key));
        let mut cosigned = None;
        let unpublished_entries = match &head {
            Some(head) => {
                let (last_bundle, nodes) = check.tree(head);
                let unpublished = check.journals(head, &last_bundle);
                cosigned = key.as_ref().and_then(|key| check.cosigned(key, head, &nodes));
                check.everything_else(dir, head);
                unpublished
            }
            None => 0,
        };
        check.findings.sort();
        check.findings.dedup();
        Report {
            verified: check.findings.is_empty() && head.is_some(),
            origin: head.as_ref().map(|head| head.origin.clone()),
            key: key.as_ref().map(ToString::to_string),
            key_given: given.is_some(),
            entries: head.as_ref().map_or(0, |head| head.size),
            root: head.as_ref().map(|head| head.root.to_base64()),
            unpublished_entries,
            cosigned_entries: cosigned.as_ref().map(|(size, _)| *size),
            cosigned_by: cosigned.map(|(_, by)| by).unwrap_or_default(),
            files: check.seen.len() as u64,
            live,
            findings: check.findings,
        }
    }

    fn read(&mut self, file: &str, entries: (u64, u64)) -> Option<Vec<u8>> {
        self.seen.insert(file.to_owned());
        self.files
            .read(Path::new(file))
            .inspect_err(|error| {
                self.findings.push(finding(file, entries, format!("it cannot be read: {}", error.kind())))
            })
            .ok()
    }

    fn key(&mut self, dir: &Path, given: Option<&LogVerifier>) -> Option<LogVerifier> {
        let text = self.read("log.vkey", (0, 0)).and_then(|bytes| String::from_utf8(bytes).ok());
        let own = text.as_ref().and_then(|text| {
            let key: LogVerifier = text.strip_suffix('\n')?.parse().ok()?;
            (format!("{key}\n") == *text).then_some(key)
        });
        if own.is_none() {
            self.findings.push(finding("log.vkey", (0, 0), "it holds no key"));
        }
        let trusted = verifier_of(dir, given.cloned().or_else(|| own.clone())?);
        let key =
            trusted.inspect_err(|error| self.findings.push(finding(rotation::DIR, (0, 0), error.to_string()))).ok()?;
        if own.is_some_and(|own| !key.knows(own.newest())) {
            self.findings.push(finding(
                "log.vkey",
                (0, 0),
                "it is another key than the one given, and no successor of it",
            ));
        }
        for name in self.files.list(Path::new(rotation::DIR)).unwrap_or_default() {
            let file = format!("{}/{name}", rotation::DIR);
            let note = self.read(&file, (0, 0)).and_then(|bytes| String::from_utf8(bytes).ok());
            if !note.is_some_and(|note| key.confirms(&note)) {
                self.findings.push(finding(file, (0, 0), "it is no statement of a key of this log"));
            }
        }
        Some(key)
    }

    fn head(&mut self, key: &LogVerifier) -> Option<Checkpoint> {
        let bytes = self.read("checkpoint", (0, 0))?;
        let opened = match String::from_utf8(bytes) {
            // Any line that is no signature of a key of the log was changed: witnesses sign elsewhere.
            Ok(note) if split_note(&note).is_ok_and(|(_, lines)| lines.len() != key.signers(&note)) => {
                Err("it bears a signature that does not verify".to_owned())
            }
            Ok(note) => Checkpoint::open(&note, key).map_err(|error| error.to_string()),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        opened.inspect_err(|problem| self.findings.push(finding("checkpoint", (0, 0), problem.as_str()))).ok()
    }

    /// Checks the cosigned head against the tree and the keys of the witnesses; gives its size and who cosigned.
    fn cosigned(&mut self, key: &LogVerifier, published: &Checkpoint, nodes: &NodeStore) -> Option<(u64, Vec<String>)> {
        if self.files.read(Path::new(COSIGNED)).is_err() {
            // A crash before the first cosigned head was kept leaves the keys alone.
            self.seen.insert(WITNESSES.to_owned());
            return None;
        }
        let note = self.read(COSIGNED, (0, 0)).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let keys = self.read(WITNESSES, (0, 0)).and_then(|bytes| String::from_utf8(bytes).ok());
        let witnesses = keys.and_then(|keys| {
            let all: Vec<WitnessVerifier> = keys.lines().map(|line| line.parse().ok()).collect::<Option<_>>()?;
            let whole: String = all.iter().map(|key| format!("{key}\n")).collect();
            (!all.is_empty() && whole == keys).then_some(all)
        });
        let Some(witnesses) = witnesses else {
            self.findings.push(finding(WITNESSES, (0, 0), "it is no list of witness keys"));
            return None;
        };
        let cosigned = witnesses.iter().filter(|witness| witness.cosigned_at(&note).is_ok());
        let by: Vec<String> = cosigned.map(|witness| witness.name().to_owned()).collect();
        let head = match Checkpoint::open(&note, key) {
            Ok(head) => head,
            Err(error) => {
                self.findings.push(finding(COSIGNED, (0, 0), error.to_string()));
                return None;
            }
        };
        if by.len() < quorum(witnesses.len()) {
            self.findings.push(finding(COSIGNED, (0, head.size), "too few of its witnesses cosigned it"));
        }
        // The log's own signatures, and one of each witness that cosigned: any other line was changed.
        let lines = split_note(&note).map_or(0, |(_, lines)| lines.len());
        if lines != by.len() + key.signers(&note) {
            self.findings.push(finding(COSIGNED, (0, head.size), "it bears a signature that does not verify"));
        }
        // A log in use may have a newer one than the head that was read.
        let ahead = self.live && head.size > published.size;
        if !ahead && let Err(error) = check_head(&self.files, nodes, COSIGNED, &head) {
            self.findings.push(finding(COSIGNED, (0, head.size), error.to_string()));
        }
        Some((head.size, by))
    }

    /// Checks bundles, tiles and root; gives the entries of the last, partial bundle, and the tree.
    fn tree(&mut self, head: &Checkpoint) -> (Vec<Vec<u8>>, NodeStore) {
        let bundles = head.size.div_ceil(TILE_WIDTH);
        let files = &self.files;
        let mut checked: Vec<Bundle> = (0..bundles)
            .into_par_iter()
            .map(|index| {
                let width = width_at(head.size, 0, index);
                check_bundle(files, index, width, index + 1 == bundles)
            })
            .collect();
        checked.iter_mut().for_each(|bundle| self.findings.append(&mut bundle.findings));
        let last = checked.pop_if(|_| !head.size.is_multiple_of(TILE_WIDTH));
        // A bundle without a hash has its finding; the root is not compared then.
        let is_whole = checked.iter().all(|bundle| bundle.root.is_some());
        let mut nodes = NodeStore::from_tile_roots(checked.iter().map(|bundle| bundle.root.unwrap_or(Hash([0; 32]))));
        last.iter().flat_map(|bundle| &bundle.leaves).for_each(|leaf| nodes.push(*leaf));
        for tile in tiles_between(0, head.size) {
            self.seen.insert(tile.path());
            if !matches!(tile.kind, TileKind::Hashes(level) if level > 0) {
                continue;
            }
            let TileKind::Hashes(level) = tile.kind else { continue };
            let places = tile.index * TILE_WIDTH..tile.index * TILE_WIDTH + tile.width;
            let expected: Vec<u8> =
                places.filter_map(|place| nodes.get(u32::from(level) * 8, place)).flat_map(|hash| hash.0).collect();
            if self.read(&tile.path(), span(tile)).is_some_and(|bytes| bytes != expected) {
                self.findings.push(finding(tile.path(), span(tile), "it is not what the tiles below it hash to"));
            }
        }
        let root = merkle::root(&nodes, head.size);
        if is_whole && nodes.size() == head.size && !matches!(root, Ok(root) if root == head.root) {
            let problem = match root {
                Ok(_) => "the entries have not the root that it signs",
                Err(MissingNode) => "the root cannot be computed",
            };
            self.findings.push(finding("checkpoint", (0, head.size), problem));
        }
        (last.map(|bundle| bundle.entries).unwrap_or_default(), nodes)
    }

    /// Checks the journals against the bundles; gives how many entries the head does not cover.
    fn journals(&mut self, head: &Checkpoint, last_bundle: &[Vec<u8>]) -> u64 {
        let mut names = self.files.list(Path::new(journal::DIR)).unwrap_or_default();
        names.sort();
        if names.is_empty() {
            self.findings.push(finding(journal::DIR, (0, 0), "it holds no journal"));
        }
        let mut end = 0;
        let last = names.last().map(|name| format!("{}/{name}", journal::DIR)).unwrap_or_default();
        for name in &names {
            let file = format!("{}/{name}", journal::DIR);
            let Some(bytes) = self.read(&file, (0, 0)) else { continue };
            let contents = match journal::read(&bytes) {
                Ok(contents) if contents.start.is_multiple_of(TILE_WIDTH) => contents,
                Ok(_) | Err(_) => {
                    self.findings.push(finding(
                        file,
                        (head.size / TILE_WIDTH * TILE_WIDTH, head.size),
                        "it is damaged",
                    ));
                    continue;
                }
            };
            let next = contents.start + contents.entries.len() as u64;
            if contents.torn_bytes > 0 && !self.live {
                let problem = format!("its last {} bytes are no whole record", contents.torn_bytes);
                self.findings.push(finding(&file, (next, next + 1), problem));
            }
            end = end.max(next);
            let partial_start = head.size / TILE_WIDTH * TILE_WIDTH;
            let mut bundle: Option<(u64, Vec<Vec<u8>>)> = None;
            for (index, entry) in (contents.start..).zip(&contents.entries) {
                let known = if index >= head.size {
                    None
                } else if index >= partial_start {
                    last_bundle.get(usize::try_from(index - partial_start).unwrap_or(usize::MAX)).cloned()
                } else {
                    self.full_bundle_entry(&mut bundle, index)
                };
                let wrong = match known {
                    Some(known) => known != **entry,
                    None => index < head.size || !Entry::is_encoded(entry),
                };
                if wrong {
                    self.findings.push(finding(&file, (index, index + 1), "it contradicts the entry bundle"));
                }
            }
        }
        if end < head.size && !names.is_empty() {
            // The newest journal was begun no later than the published head, and read after it.
            let problem = "its last records do not verify: it ends before the published head";
            self.findings.push(finding(last, (end, head.size), problem));
        }
        end.saturating_sub(head.size)
    }

    fn full_bundle_entry(&self, cached: &mut Option<(u64, Vec<Vec<u8>>)>, index: u64) -> Option<Vec<u8>> {
        let wanted = index / TILE_WIDTH;
        if cached.as_ref().is_none_or(|(bundle, _)| *bundle != wanted) {
            let tile = Tile { kind: TileKind::Entries, index: wanted, width: TILE_WIDTH };
            let bytes = self.files.read(&tile.file()).ok()?;
            *cached = Some((wanted, split_bundle(&bytes)?.into_iter().map(<[u8]>::to_vec).collect()));
        }
        cached.as_ref()?.1.get(usize::try_from(index % TILE_WIDTH).ok()?).cloned()
    }

    /// Looks at every other file: older partial tiles must be the beginning of what replaced them, and nothing else has
    /// a place here.
    fn everything_else(&mut self, dir: &Path, head: &Checkpoint) {
        for file in walk(dir) {
            if self.seen.contains(&file) || file == "lock" {
                continue;
            }
            let tile = Tile::parse(&file).filter(|tile| {
                let level = if let TileKind::Hashes(level) = tile.kind { level } else { 0 };
                tile.width <= width_at(head.size, level, tile.index)
            });
            let Some(tile) = tile else {
                // A sequencer at work is ahead of the head that was read.
                if !self.live {
                    self.findings.push(finding(file, (0, 0), "it does not belong to the log that the head signs"));
                }
                continue;
            };
            let level = if let TileKind::Hashes(level) = tile.kind { level } else { 0 };
            let whole = Tile { width: width_at(head.size, level, tile.index), ..tile };
            let expected = self.files.read(&whole.file()).ok().and_then(|bytes| cut(tile, &bytes));
            if self.read(&file, span(tile)) != expected {
                self.findings.push(finding(file, span(tile), "it is not the beginning of the tile that replaced it"));
            }
        }
    }
}

/// Checks an entry bundle against its tile of leaf hashes, and both against the tile above where there is one.
fn check_bundle(files: &DiskFiles, index: u64, width: u64, is_last: bool) -> Bundle {
    let bundle = Tile { kind: TileKind::Entries, index, width };
    let tile = Tile { kind: TileKind::Hashes(0), index, width };
    let mut findings = Vec::new();
    let bytes = files.read(&bundle.file()).ok();
    let entries = bytes.as_deref().and_then(split_bundle).filter(|entries| entries.len() as u64 == width);
    let hashes = files.read(&tile.file()).ok().and_then(|bytes| {
        let (hashes, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && hashes.len() as u64 == width;
        fits.then(|| hashes.iter().map(|hash| Hash(*hash)).collect::<Vec<_>>())
    });
    if entries.is_none() {
        findings.push(finding(bundle.path(), span(bundle), "it is missing, or its lengths do not add up"));
    }
    if hashes.is_none() {
        findings.push(finding(tile.path(), span(tile), "it is missing, or has not the length of its tile"));
    }
    let from_entries: Option<Vec<Hash>> =
        entries.as_ref().map(|entries| entries.iter().map(|entry| leaf_hash(entry)).collect());
    if let (Some(computed), Some(stored)) = (&from_entries, &hashes) {
        let first = index * TILE_WIDTH;
        for (at, _) in (first..).zip(computed.iter().zip(stored)).filter(|(_, (computed, stored))| computed != stored) {
            let above = parent(files, index);
            if above != Some(merkle::fold(computed)) {
                findings.push(finding(bundle.path(), (at, at + 1), "it does not hash to its leaf hash"));
            }
            if above != Some(merkle::fold(stored)) {
                findings.push(finding(tile.path(), (at, at + 1), "it is not the hash of its entry"));
            }
        }
    }
    for (at, entry) in (index * TILE_WIDTH..).zip(entries.iter().flatten()) {
        if findings.is_empty() && !Entry::is_encoded(entry) {
            findings.push(finding(bundle.path(), (at, at + 1), "it is not the encoding of an entry"));
        }
    }
    // The tree is built from whichever of the two the tile above confirms.
    let confirmed = |hashes: &[Hash]| parent(files, index) == Some(merkle::fold(hashes));
    let leaves = match (from_entries, hashes) {
        (Some(computed), Some(stored)) if computed != stored && confirmed(&stored) => stored,
        (Some(computed), _) => computed,
        (None, Some(stored)) => stored,
        (None, None) => Vec::new(),
    };
    let root = (leaves.len() as u64 == TILE_WIDTH).then(|| merkle::fold(&leaves));
    if !is_last {
        return Bundle { root, leaves: Vec::new(), entries: Vec::new(), findings };
    }
    let entries = entries.iter().flatten().map(|entry| entry.to_vec()).collect();
    Bundle { root, leaves, entries, findings }
}

/// The root of a full tile of level 0 as the full tile above states it.
fn parent(files: &DiskFiles, index: u64) -> Option<Hash> {
    let above = Tile { kind: TileKind::Hashes(1), index: index / TILE_WIDTH, width: TILE_WIDTH };
    let bytes = files.read(&above.file()).ok()?;
    bytes.as_chunks::<32>().0.get(usize::try_from(index % TILE_WIDTH).ok()?).copied().map(Hash)
}

/// Every file below `dir`, with `/` between the parts.
fn walk(dir: &Path) -> Vec<String> {
    let (mut found, mut pending) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(next) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if let Ok(relative) = path.strip_prefix(dir) {
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    found
}

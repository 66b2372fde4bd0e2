//! A disk that loses power: what was not synced may be lost, torn, or partly there.
//!
//! Bytes written to a file survive only if the file was synced; of the rest, a crash keeps an arbitrary part, sector by
//! sector. Names (create, rename, remove, new directories) survive only if their directory was synced; of the rest, a
//! crash keeps a prefix in the order made.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::files::{Appender, Files};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    now: Vec<u8>,
}

#[derive(Clone)]
enum NameChange {
    File(PathBuf, usize),
    Dir(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameChange {
    fn dir(&self) -> PathBuf {
        let (Self::File(path, _) | Self::Dir(path) | Self::Rename(_, path) | Self::Remove(path)) = self;
        path.parent().map(Path::to_owned).unwrap_or_default()
    }
}

#[derive(Clone, Default)]
struct Names {
    files: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
}

impl Names {
    fn apply(&mut self, change: &NameChange) {
        match change {
            NameChange::File(path, inode) => {
                self.files.insert(path.clone(), *inode);
            }
            NameChange::Dir(path) => {
                self.dirs.insert(path.clone());
            }
            NameChange::Rename(from, to) => {
                if let Some(inode) = self.files.remove(from) {
                    self.files.insert(to.clone(), inode);
                }
            }
            NameChange::Remove(path) => {
                self.files.remove(path);
            }
        }
    }

    fn has_dir(&self, dir: &Path) -> bool {
        dir.as_os_str().is_empty() || self.dirs.contains(dir)
    }
}

#[derive(Default)]
struct Disk {
    inodes: Vec<Inode>,
    durable: Names,
    now: Names,
    pending: Vec<NameChange>,
    /// Operations left until every further one fails; none: no failure is planned.
    operations_left: Option<u64>,
}

impl Disk {
    fn operate(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) => Err(io::Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&mut self, change: NameChange) -> io::Result<()> {
        if !self.now.has_dir(&change.dir()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.now.apply(&change);
        self.pending.push(change);
        Ok(())
    }

    fn inode(&mut self, path: &Path) -> io::Result<&mut Inode> {
        let inode = *self.now.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.inodes[inode])
    }

    fn create(&mut self, path: &Path) -> io::Result<usize> {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.change(NameChange::File(path.to_owned(), inode))?;
        Ok(inode)
    }

    fn crash(&mut self, rng: &mut ChaCha8Rng) {
        for inode in &mut self.inodes {
            let mut kept = inode.durable.clone();
            if inode.now != inode.durable {
                let length = if rng.random_bool(0.2) { inode.now.len() } else { rng.random_range(0..=inode.now.len()) };
                let length = length.max(inode.durable.len().min(inode.now.len()));
                kept.resize(length, 0);
                let mut at = 0;
                while at < length {
                    let end = (at + SECTOR).min(length);
                    if inode.durable.get(at..end) != Some(&inode.now[at..end.min(inode.now.len())])
                        && rng.random_bool(0.6)
                    {
                        kept[at..end].copy_from_slice(&inode.now[at..end]);
                    }
                    at = end;
                }
            }
            inode.durable.clone_from(&kept);
            inode.now = kept;
        }
        let kept = rng.random_range(0..=self.pending.len());
        for change in self.pending.drain(..).take(kept) {
            self.durable.apply(&change);
        }
        let dirs = self.durable.dirs.clone();
        let lives = |path: &Path| path.ancestors().skip(1).all(|dir| dir.as_os_str().is_empty() || dirs.contains(dir));
        self.durable.files.retain(|path, _| lives(path));
        self.durable.dirs.retain(|path| lives(path));
        self.now = self.durable.clone();
        self.operations_left = None;
    }
}

/// The disk; clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<Disk>>);

impl SimulatedDisk {
    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> io::Result<T>) -> io::Result<T> {
        let mut disk = self.0.lock().expect("no test panics while it holds the disk");
        disk.operate()?;
        work(&mut disk)
    }

    /// Every operation after the next `operations` fails, until the crash.
    pub(crate) fn fail_after(&self, operations: u64) {
        self.0.lock().expect("no test panics while it holds the disk").operations_left = Some(operations);
    }

    /// The power goes and comes back.
    pub(crate) fn crash(&self, rng: &mut ChaCha8Rng) {
        self.0.lock().expect("no test panics while it holds the disk").crash(rng);
    }

    /// Everything as it is now, synced or not.
    pub(crate) fn copy(&self) -> Self {
        let disk = self.0.lock().expect("no test panics while it holds the disk");
        let inodes = disk.inodes.iter().map(|inode| Inode { durable: inode.now.clone(), now: inode.now.clone() });
        Self(Arc::new(Mutex::new(Disk {
            inodes: inodes.collect(),
            durable: disk.now.clone(),
            now: disk.now.clone(),
            ..Disk::default()
        })))
    }
}

struct SimulatedAppender {
    disk: SimulatedDisk,
    inode: usize,
}

impl Appender for SimulatedAppender {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let inode = self.inode;
        // Also when it fails, some of it may have reached the disk.
        let mut disk = self.disk.0.lock().expect("no test panics while it holds the disk");
        disk.inodes[inode].now.extend_from_slice(bytes);
        disk.operate()
    }

    fn sync(&mut self) -> io::Result<()> {
        let inode = self.inode;
        self.disk.with(|disk| {
            disk.inodes[inode].durable = disk.inodes[inode].now.clone();
            Ok(())
        })
    }
}

impl Files for SimulatedDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.with(|disk| Ok(disk.inode(path)?.now.clone()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.with(|disk| {
            let names = disk.now.files.keys().chain(&disk.now.dirs).filter(|path| path.parent() == Some(dir));
            Ok(names.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.with(|disk| {
            if !disk.now.files.contains_key(path) {
                disk.create(path)?;
            }
            disk.inode(path)?.now = bytes.to_vec();
            Ok(())
        })
    }

    fn create_appender(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let disk = self.clone();
        self.with(|inner| {
            if inner.now.files.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let inode = inner.create(path)?;
            Ok(Box::new(SimulatedAppender { disk, inode }) as Box<dyn Appender>)
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.with(|disk| {
            let inode = disk.inode(path)?;
            inode.durable = inode.now.clone();
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.with(|disk| {
            if !disk.now.has_dir(dir) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let (synced, pending) = disk.pending.drain(..).partition(|change| change.dir() == dir);
            disk.pending = pending;
            synced.iter().for_each(|change: &NameChange| disk.durable.apply(change));
            Ok(())
        })
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.with(
            |disk| {
                if disk.now.dirs.contains(dir) { Ok(()) } else { disk.change(NameChange::Dir(dir.to_owned())) }
            },
        )
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.with(|disk| disk.change(NameChange::Rename(from.to_owned(), to.to_owned())))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.with(|disk| {
            if disk.now.files.contains_key(path) { disk.change(NameChange::Remove(path.to_owned())) } else { Ok(()) }
        })
    }
}

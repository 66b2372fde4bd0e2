//! The few file operations that the log needs, so that tests can put a disk that loses power in their place.
//! Paths are relative to the log's directory.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A file open for appending.
pub(crate) trait Appender: Send {
    /// Writes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory tree.
pub(crate) trait Files: Send + Sync + 'static {
    /// The whole file; `NotFound` when there is none.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Names in a directory; none when it does not exist.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates or replaces a file. Not durable before [`Files::sync`] and [`Files::sync_dir`].
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Creates an empty file for appending.
    fn create_appender(&self, path: &Path) -> io::Result<Box<dyn Appender>>;
    /// Makes a file's bytes durable.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Creates a directory, whose parent exists; nothing when it exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Replaces `to` by `from`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; nothing when there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// Writes files and makes them and their names durable, with the directories they need.
pub(crate) fn write_durably<F: Files + ?Sized>(files: &F, writes: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
    let mut dirs = BTreeSet::new();
    for (path, _) in writes {
        dirs.extend(path.ancestors().skip(1).map(Path::to_owned));
    }
    // The order of a set of paths puts parents first.
    for dir in dirs.iter().filter(|dir| !dir.as_os_str().is_empty()) {
        files.create_dir(dir)?;
    }
    for (path, bytes) in writes {
        files.write(path, bytes)?;
    }
    for (path, _) in writes {
        files.sync(path)?;
    }
    dirs.iter().rev().try_for_each(|dir| files.sync_dir(dir))
}

/// A directory on a real disk.
#[derive(Debug)]
pub(crate) struct DiskFiles {
    root: PathBuf,
}

/// The right to write in a directory, as long as this value lives.
#[derive(Debug)]
pub(crate) struct DirLock(#[expect(dead_code, reason = "the lock goes when the file is closed")] File);

impl DiskFiles {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Creates the directory if need be and takes the lock; `None` when another holds it.
    pub(crate) fn lock(root: &Path) -> io::Result<Option<DirLock>> {
        fs::create_dir_all(root)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(root.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(DirLock(lock))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether some sequencer holds the lock now.
    pub(crate) fn is_locked(root: &Path) -> bool {
        File::open(root.join("lock")).is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

struct DiskAppender(File);

impl Appender for DiskAppender {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(self.root.join(path))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        match fs::read_dir(self.root.join(dir)) {
            Ok(entries) => entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.root.join(path), bytes)
    }

    fn create_appender(&self, path: &Path) -> io::Result<Box<dyn Appender>> {
        let file = OpenOptions::new().append(true).create_new(true).open(self.root.join(path))?;
        Ok(Box::new(DiskAppender(file)))
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.root.join(path))?.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(self.root.join(dir))?.sync_all()
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        match fs::create_dir(self.root.join(dir)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

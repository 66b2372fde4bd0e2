//! A directory as a way in: what a department puts into the `inbox` of its feed is pushed as by HTTP.
//!
//! A file is taken once it has kept its size and time for a while, and moved away as the last thing: to `done` when it was
//! read, to `rejects` when it was refused. Beside it lies its receipt, and in `rejects` the rows that failed, in the form of
//! the file. A crash before the move pushes the same bytes again, which gives the same receipt and nothing else. Names of
//! files may be personal and are in no log line.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use domain::FeedId;
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use crate::chinese;
use crate::error::IngestError;
use crate::http::failed_rows;
use crate::ingest::Ingest;
use crate::raw::Compression;
use crate::receipt::Receipt;

/// Ends of names that programs give to files that they still write.
const UNFINISHED: [&str; 7] = [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~"];
const READ_BYTES: usize = 256 << 10;

/// The directories to watch: `<root>/<feed>/inbox`, `done` and `rejects`.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The folder of all feeds.
    pub root: PathBuf,
    /// How long a file must have kept its size and time.
    pub steady: Duration,
}

/// Watches the directories of all feeds of this process until the wish to stop.
///
/// # Errors
/// When a directory cannot be made.
pub async fn watch(ingest: Arc<Ingest>, watch: Watch, stop: CancellationToken) -> io::Result<()> {
    let mut watchers = JoinSet::new();
    for profile in ingest.profiles() {
        let folder = watch.root.join(profile.feed.as_str());
        for name in ["inbox", "done", "rejects"] {
            fs::create_dir_all(folder.join(name)).await?;
        }
        let inbox = Inbox {
            ingest: Arc::clone(&ingest),
            feed: profile.feed.clone(),
            failed_extension: profile.format.kind.extension(),
            folder,
            steady: watch.steady,
            seen: HashMap::new(),
        };
        let (stop, every) = (stop.clone(), (watch.steady / 4).clamp(Duration::from_millis(50), Duration::from_secs(5)));
        // Each feed has a task of its own, so that none waits for another.
        watchers.spawn(async move {
            stop.run_until_cancelled(inbox.keep_looking(every)).await;
        });
    }
    while watchers.join_next().await.is_some() {}
    Ok(())
}

struct Inbox {
    ingest: Arc<Ingest>,
    feed: FeedId,
    failed_extension: &'static str,
    folder: PathBuf,
    steady: Duration,
    /// Files that lie there, and since when they have been as they are.
    seen: HashMap<OsString, (State, Instant)>,
}

/// What changes while a file is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    bytes: u64,
    modified: SystemTime,
}

async fn state(path: &Path) -> io::Result<Option<State>> {
    let metadata = fs::symlink_metadata(path).await?;
    if !metadata.is_file() {
        return Ok(None);
    }
    Ok(Some(State { bytes: metadata.len(), modified: metadata.modified()? }))
}

/// What became of a file.
enum Taken {
    Read(Box<Receipt>),
    Refused(serde_json::Value),
    /// It changed while it was read, or the hub cannot take it now: it is looked at again.
    Later,
}

impl Inbox {
    async fn keep_looking(mut self, every: Duration) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(feed = %self.feed, error.kind = ?error.kind(), "An inbox cannot be read or cleared; it is tried again.");
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Takes every file that is steady, the oldest first.
    async fn look(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let mut steady = Vec::new();
        let mut seen = HashMap::new();
        let mut entries = fs::read_dir(self.folder.join("inbox")).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            if is_unfinished(&name.to_string_lossy()) {
                continue;
            }
            let found = match state(&entry.path()).await {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let since = match self.seen.get(&name) {
                Some((before, since)) if *before == found => *since,
                _ => now,
            };
            if now - since >= self.steady {
                steady.push((found.modified, name.clone()));
            }
            seen.insert(name, (found, since));
        }
        self.seen = seen;
        steady.sort();
        for (_, name) in steady {
            let path = self.folder.join("inbox").join(&name);
            match self.take(&path, &name).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                taken => taken?,
            }
        }
        Ok(())
    }

    async fn take(&self, path: &Path, name: &OsString) -> io::Result<()> {
        match self.push(path, &name.to_string_lossy()).await? {
            Taken::Later => Ok(()),
            Taken::Refused(refusal) => self.put_away(path, name, "rejects", &refusal).await,
            Taken::Read(receipt) => {
                if receipt.quarantined > 0 {
                    self.write_failed_rows(name, &receipt).await?;
                }
                self.put_away(path, name, "done", &serde_json::to_value(&*receipt)?).await
            }
        }
    }

    async fn push(&self, path: &Path, name: &str) -> io::Result<Taken> {
        let Some(before) = state(path).await? else { return Ok(Taken::Later) };
        let changed = Arc::new(AtomicBool::new(false));
        let body = body(path, before, Arc::clone(&changed)).await?;
        let compression = Compression::of_file(name);
        match self.ingest.push(&self.feed, compression, Some(before.bytes), Box::pin(body)).await {
            Ok(receipt) => Ok(Taken::Read(Box::new(receipt))),
            Err(_) if changed.load(Ordering::Relaxed) => Ok(Taken::Later),
            Err(IngestError::Refused { reason, message }) => {
                let refusal = json!({ "code": reason.code(), "message": message, "mend": reason.mend(),
                    "message_zh": chinese::message(reason, &message) });
                Ok(Taken::Refused(json!({ "feed": self.feed.as_str(), "state": "refused", "refusal": refusal })))
            }
            Err(error) => {
                tracing::warn!(feed = %self.feed, %error, "A file of an inbox was not taken; it is tried again.");
                Ok(Taken::Later)
            }
        }
    }

    /// Writes the receipt, then moves the file beside it.
    async fn put_away(&self, path: &Path, name: &OsString, place: &str, receipt: &serde_json::Value) -> io::Result<()> {
        let folder = self.folder.join(place);
        let target = free_name(&folder, name).await?;
        let text = serde_json::to_vec_pretty(receipt)?;
        write_whole(&beside(&folder, &target, "receipt.json"), stream::iter([Ok(Bytes::from(text))])).await?;
        fs::rename(path, folder.join(target)).await
    }

    async fn write_failed_rows(&self, name: &OsString, receipt: &Receipt) -> io::Result<()> {
        let away = |_| io::Error::other("the receipts cannot be read");
        let batch = self.ingest.find_batch(&self.feed, receipt.batch_id).await.map_err(away)?;
        let Some(batch) = batch else { return Ok(()) };
        let folder = self.folder.join("rejects");
        // By the batch: two files of one name do not overwrite each other's rows.
        let mut about = name.clone();
        about.push(format!(".{}", &receipt.batch_id.as_uuid().simple().to_string()[..8]));
        let text = serde_json::to_vec_pretty(receipt)?;
        write_whole(&beside(&folder, &about, "receipt.json"), stream::iter([Ok(Bytes::from(text))])).await?;
        let gone = |_| io::Error::other("the stored file is gone");
        let rows = failed_rows(Arc::clone(&self.ingest), &self.feed, batch).await.map_err(gone)?;
        write_whole(&beside(&folder, &about, &format!("failed.{}", self.failed_extension)), rows).await
    }
}

/// The bytes of a file; an error at their end when the file is not what it was at their begin.
async fn body(
    path: &Path,
    before: State,
    changed: Arc<AtomicBool>,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
    let file = File::open(path).await?;
    let path = path.to_owned();
    let check = stream::once(async move {
        if state(&path).await? == Some(before) {
            return Ok(Bytes::new());
        }
        changed.store(true, Ordering::Relaxed);
        Err(io::Error::other("the file changed while it was read"))
    });
    Ok(ReaderStream::with_capacity(file, READ_BYTES).chain(check))
}

fn is_unfinished(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with('.') || UNFINISHED.iter().any(|end| name.ends_with(end))
}

/// A name that no file of the folder has.
async fn free_name(folder: &Path, name: &OsString) -> io::Result<OsString> {
    let mut free = name.clone();
    let mut count = 1;
    while fs::try_exists(folder.join(&free)).await? {
        count += 1;
        free = name.clone();
        free.push(format!(".{count}"));
    }
    Ok(free)
}

fn beside(folder: &Path, name: &OsString, end: &str) -> PathBuf {
    let mut name = name.clone();
    name.push(format!(".{end}"));
    folder.join(name)
}

/// Writes a file so that it is there as a whole or not at all.
async fn write_whole(path: &Path, pieces: impl Stream<Item = io::Result<Bytes>>) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".tmp");
    let mut file = File::create(&fresh).await?;
    let mut pieces = std::pin::pin!(pieces);
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece?).await?;
    }
    file.sync_all().await?;
    fs::rename(&fresh, path).await
}

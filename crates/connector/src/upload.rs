//! Bodies that come in pieces: what arrived stays when the connection breaks, and the sender goes on from there.
//!
//! An upload is two files beside the raw store, one with what was said of it and one with its bytes, whose length is the
//! offset: a process that is started anew finds every upload as it was. A complete upload is pushed like any other body,
//! so it has the same receipt as a push at once. Uploads belong to the machine that has their files.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::{BatchId, FeedId, Timestamp};
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use store::ingest::Batch;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};
use tokio::sync::OwnedMutexGuard;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::IngestError;
use crate::ingest::Ingest;
use crate::raw::{Compression, Progress, RawStore};
use crate::reason::Reason;

/// How long an upload waits for its next piece.
const KEPT_MS: i64 = 24 * 3_600_000;
/// After so long without a piece an upload gives way to a new one when there are too many.
const IDLE_MS: i64 = 600_000;
/// Unfinished uploads of one feed.
const UNFINISHED_MAX: usize = 64;
const WRITE_BYTES: usize = 512 << 10;

/// An upload as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: Uuid,
    /// Bytes that it will have.
    pub(crate) length: u64,
    compression: Compression,
    /// The batch whose failed rows it mends.
    #[serde(default)]
    mends: Option<BatchId>,
    touched_ms: i64,
    /// Set once the body is in the raw store and on record.
    pub(crate) batch_id: Option<Uuid>,
    /// Bytes that are there.
    #[serde(skip)]
    pub(crate) offset: u64,
}

impl Upload {
    /// When it is removed unless something comes.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp::from_millis(self.touched_ms + KEPT_MS)
    }
}

/// Why a piece was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// There is no such upload.
    #[error("there is no such upload")]
    Unknown,
    /// The piece does not begin where the upload stands, or is too long.
    #[error("the piece does not fit")]
    Offset,
    /// The piece does not have its checksum.
    #[error("the piece does not have its checksum")]
    Checksum,
    /// As when a body is pushed.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Unknown,
            _ => Self::Ingest(error.into()),
        }
    }
}

/// What a piece must hash to.
#[derive(Debug)]
pub(crate) enum Checksum {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

impl Checksum {
    fn hasher(&self) -> Hasher {
        match self {
            Self::Sha1(_) => Hasher::Sha1(Sha1::new()),
            Self::Sha256(_) => Hasher::Sha256(Sha256::new()),
        }
    }

    fn fits(&self, hasher: Hasher) -> bool {
        match (self, hasher) {
            (Self::Sha1(stated), Hasher::Sha1(hash)) => hash.finalize()[..] == stated[..],
            (Self::Sha256(stated), Hasher::Sha256(hash)) => hash.finalize()[..] == stated[..],
            _ => false,
        }
    }
}

enum Hasher {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    fn update(&mut self, piece: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(piece),
            Self::Sha256(hash) => hash.update(piece),
        }
    }
}

/// The unfinished uploads of a process.
pub(crate) struct Uploads {
    root: PathBuf,
    turns: Mutex<HashMap<Uuid, Turn>>,
}

/// Who works on an upload. Whoever comes later is the sender on a new connection: the one before is asked to stop.
#[derive(Default)]
struct Turn {
    stop: CancellationToken,
    working: Arc<tokio::sync::Mutex<()>>,
}

impl Uploads {
    pub(crate) fn new(raw: &RawStore) -> Self {
        Self { root: raw.beside(".uploads"), turns: Mutex::default() }
    }

    async fn take_turn(&self, id: Uuid) -> (OwnedMutexGuard<()>, CancellationToken) {
        let (working, stop) = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = turns.entry(id).or_default();
            turn.stop.cancel();
            turn.stop = CancellationToken::new();
            (Arc::clone(&turn.working), turn.stop.clone())
        };
        (working.lock_owned().await, stop)
    }

    fn folder(&self, feed: &FeedId) -> PathBuf {
        self.root.join(feed.as_str())
    }

    fn statement(&self, feed: &FeedId, id: Uuid) -> PathBuf {
        self.folder(feed).join(format!("{}.json", id.simple()))
    }

    fn bytes(&self, feed: &FeedId, id: Uuid) -> PathBuf {
        self.folder(feed).join(format!("{}.part", id.simple()))
    }

    async fn read(&self, feed: &FeedId, id: Uuid) -> Result<Upload, UploadError> {
        let text = fs::read(self.statement(feed, id)).await?;
        let mut upload: Upload = serde_json::from_slice(&text).map_err(io::Error::other)?;
        upload.offset = match upload.batch_id {
            Some(_) => upload.length,
            None => fs::metadata(self.bytes(feed, id)).await?.len(),
        };
        Ok(upload)
    }

    /// Writes what is said of an upload, whole or not at all.
    async fn write(&self, feed: &FeedId, upload: &Upload) -> io::Result<()> {
        let (path, text) = (self.statement(feed, upload.id), serde_json::to_vec(upload)?);
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh).await?;
        file.write_all(&text).await?;
        file.sync_all().await?;
        fs::rename(&fresh, &path).await
    }

    /// The uploads of a feed that are not complete.
    async fn list_unfinished(&self, feed: &FeedId) -> io::Result<Vec<Upload>> {
        let mut unfinished = Vec::new();
        for id in self.list(feed).await? {
            // What is removed meanwhile is none of them.
            unfinished.extend(self.read(feed, id).await.ok().filter(|upload| upload.batch_id.is_none()));
        }
        Ok(unfinished)
    }

    async fn list(&self, feed: &FeedId) -> io::Result<Vec<Uuid>> {
        let mut entries = match fs::read_dir(self.folder(feed)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut ids = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                ids.extend(path.file_stem().and_then(|stem| Uuid::parse_str(stem.to_str()?).ok()));
            }
        }
        Ok(ids)
    }

    async fn remove(&self, feed: &FeedId, id: Uuid) -> io::Result<()> {
        for path in [self.bytes(feed, id), self.statement(feed, id)] {
            match fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        Ok(())
    }

    /// Appends what arrives of a piece. What arrived stays, however the piece ends; a piece with a checksum stays whole or
    /// not at all.
    async fn append<E>(
        &self,
        feed: &FeedId,
        upload: &Upload,
        checksum: Option<&Checksum>,
        mut progress: Progress,
        mut piece: impl Stream<Item = Result<Bytes, E>> + Unpin,
        stop: &CancellationToken,
    ) -> Result<u64, UploadError> {
        let file = OpenOptions::new().append(true).open(self.bytes(feed, upload.id)).await?;
        let mut writer = BufWriter::with_capacity(WRITE_BYTES, file);
        let mut hasher = checksum.map(Checksum::hasher);
        let mut offset = upload.offset;
        let ended = loop {
            let next = tokio::select! {
                () = stop.cancelled() => break Ok(false),
                next = progress.within(piece.next()) => next,
            };
            match next {
                Ok(None) => break Ok(true),
                Ok(Some(Ok(bytes))) if bytes.len() as u64 > upload.length - offset => break Err(UploadError::Offset),
                Ok(Some(Ok(bytes))) => {
                    writer.write_all(&bytes).await?;
                    if let Some(hasher) = &mut hasher {
                        hasher.update(&bytes);
                    }
                    offset += bytes.len() as u64;
                    progress.note(offset - upload.offset);
                }
                // The connection broke, or stopped bringing anything: the sender goes on from what is here.
                Ok(Some(Err(_))) | Err(_) => break Ok(false),
            }
        };
        let fits = match (&ended, checksum.zip(hasher)) {
            (Ok(whole), Some((checksum, hasher))) => *whole && checksum.fits(hasher),
            _ => true,
        };
        writer.flush().await?;
        let file = writer.into_inner();
        if !fits {
            file.set_len(upload.offset).await?;
        }
        file.sync_data().await?;
        match ended? {
            true if !fits => Err(UploadError::Checksum),
            false if !fits => Ok(upload.offset),
            _ => Ok(offset),
        }
    }
}

impl Ingest {
    /// Begins an upload of a body of known length.
    pub(crate) async fn create_upload(
        &self,
        feed: &FeedId,
        mends: Option<BatchId>,
        length: u64,
        compression: Compression,
    ) -> Result<Upload, UploadError> {
        let line = self.core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        drop(line.arrive()?);
        line.raw.check_declared(length)?;
        let uploads = &self.core.uploads;
        let touched_ms = (self.core.clock)().as_millis();
        let unfinished = uploads.list_unfinished(feed).await?;
        if unfinished.len() >= UNFINISHED_MAX {
            // What nobody goes on with gives way to what somebody wants to send now.
            let idle = unfinished.iter().filter(|upload| upload.touched_ms + IDLE_MS <= touched_ms);
            let idlest = idle.min_by_key(|upload| upload.touched_ms).ok_or(IngestError::Busy)?;
            let _turn = uploads.take_turn(idlest.id).await;
            uploads.remove(feed, idlest.id).await?;
        }
        let upload = Upload { id: Uuid::new_v4(), length, compression, mends, touched_ms, batch_id: None, offset: 0 };
        fs::create_dir_all(uploads.folder(feed)).await?;
        File::create(uploads.bytes(feed, upload.id)).await?;
        uploads.write(feed, &upload).await?;
        Ok(upload)
    }

    /// An upload as it stands, once whoever wrote to it has stopped.
    pub(crate) async fn find_upload(&self, feed: &FeedId, id: Uuid) -> Result<Upload, UploadError> {
        // First without a turn: nobody makes turns for uploads that are not there.
        self.core.uploads.read(feed, id).await?;
        let _turn = self.core.uploads.take_turn(id).await;
        self.core.uploads.read(feed, id).await
    }

    /// Appends a piece that begins at `offset`; a complete upload is put on record as a batch.
    pub(crate) async fn append_upload<E>(
        &self,
        feed: &FeedId,
        id: Uuid,
        offset: u64,
        checksum: Option<Checksum>,
        piece: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Upload, UploadError> {
        let line = self.core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let uploads = &self.core.uploads;
        uploads.read(feed, id).await?;
        let (_turn, stop) = uploads.take_turn(id).await;
        let mut upload = uploads.read(feed, id).await?;
        if upload.offset != offset {
            return Err(UploadError::Offset);
        }
        if upload.batch_id.is_some() {
            return Ok(upload);
        }
        let arriving = line.arrive()?;
        upload.touched_ms = (self.core.clock)().as_millis();
        uploads.write(feed, &upload).await?;
        let progress = line.raw.progress();
        upload.offset = uploads.append(feed, &upload, checksum.as_ref(), progress, piece, &stop).await?;
        drop(arriving);
        if upload.offset == upload.length {
            self.finish_upload(feed, &mut upload).await?;
        }
        Ok(upload)
    }

    /// Ends an upload and forgets what came of it; a body that is on record stays.
    pub(crate) async fn remove_upload(&self, feed: &FeedId, id: Uuid) -> Result<(), UploadError> {
        self.core.uploads.read(feed, id).await?;
        let _turn = self.core.uploads.take_turn(id).await;
        Ok(self.core.uploads.remove(feed, id).await?)
    }

    /// Pushes a complete upload, and begins to read it.
    async fn finish_upload(&self, feed: &FeedId, upload: &mut Upload) -> Result<(), UploadError> {
        let batch = match self.accept_upload(feed, upload).await {
            Ok(batch) => batch,
            Err(error @ IngestError::Refused { .. }) => {
                // Sending the same bytes again would end the same way.
                self.core.uploads.remove(feed, upload.id).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        upload.batch_id = Some(batch.as_uuid());
        self.core.uploads.write(feed, upload).await?;
        Ok(fs::remove_file(self.core.uploads.bytes(feed, upload.id)).await?)
    }

    async fn accept_upload(&self, feed: &FeedId, upload: &Upload) -> Result<BatchId, IngestError> {
        let mut file = File::open(self.core.uploads.bytes(feed, upload.id)).await?;
        file.rewind().await?;
        let bytes = ReaderStream::with_capacity(file, WRITE_BYTES);
        let (batch, repeated): (Batch, bool) =
            self.accept_mending(feed, upload.mends, upload.compression, Some(upload.length), bytes).await?;
        if !repeated {
            self.work_aside(feed, batch.batch_id);
        }
        Ok(batch.batch_id)
    }

    /// Pushes complete uploads that a crash left, and removes those for which nothing came for a day.
    pub(crate) async fn sweep_uploads(&self) -> Result<u64, IngestError> {
        let mut removed = 0;
        for feed in self.core.lines.keys() {
            for id in self.core.uploads.list(feed).await? {
                let Ok(mut upload) = self.core.uploads.read(feed, id).await else { continue };
                if upload.expires_at() < (self.core.clock)() {
                    let _turn = self.core.uploads.take_turn(id).await;
                    self.core.uploads.remove(feed, id).await?;
                    removed += 1;
                } else if upload.batch_id.is_none() && upload.offset == upload.length {
                    let _turn = self.core.uploads.take_turn(id).await;
                    match self.finish_upload(feed, &mut upload).await {
                        Ok(()) | Err(UploadError::Ingest(IngestError::Refused { .. })) => {}
                        Err(error) => {
                            tracing::warn!(%feed, %error, "A complete upload could not be pushed; it is tried again.")
                        }
                    }
                }
            }
        }
        Ok(removed)
    }
}

/// The checksum of a header such as `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`.
pub(crate) fn checksum(algorithm: &str, digest: Vec<u8>) -> Option<Checksum> {
    match (algorithm, digest.len()) {
        ("sha1", 20) => Some(Checksum::Sha1(digest)),
        ("sha256", 32) => Some(Checksum::Sha256(digest)),
        _ => None,
    }
}

/// The error for a body without bytes.
pub(crate) fn empty() -> IngestError {
    IngestError::refused(Reason::EmptyBody, "the body is empty")
}

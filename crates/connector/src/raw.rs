//! The raw store: every body that was pushed, as a file named by its SHA-256, durable before anything is read from it.
//!
//! Bodies are kept without the compression they travelled in, so that the same file is the same batch however it was
//! sent, and an event's raw reference counts plain bytes. Memory is bounded by one piece of the body.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use domain::FeedId;
use flate2::write::MultiGzDecoder;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::IngestError;
use crate::packed::{self, packed_path};
use crate::profile::Profile;
use crate::reason::Reason;
use crate::unpack::{self, Members};
use crate::who::hex;
use crate::wide::Narrow;

/// What bounds a body.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Most bytes of a plain body.
    pub body_bytes_max: u64,
    /// How many times larger than its compressed form a body may be.
    pub unpack_ratio_max: u64,
    /// A body that brings less than 64 KiB in this time, and has not ended, is given up: 1 KiB a second by default.
    pub stalled_after: Duration,
    /// Bodies of one feed that may be on their way at once.
    pub arriving_max: usize,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 64 << 30,
            unpack_ratio_max: 200,
            stalled_after: Duration::from_secs(60),
            arriving_max: 16,
        }
    }
}

/// Bytes that are gathered before they are written: a thread is needed only while it writes, however slow the sender is.
const WRITE_BYTES: usize = 512 << 10;
/// Bytes that tell a compression.
const MAGIC_BYTES: usize = 4;
/// What a body must bring within [`BodyLimits::stalled_after`].
const PROGRESS_BYTES: u64 = 64 << 10;
/// Unpacked bytes below which the ratio does not matter.
const RATIO_FREE_BYTES: u64 = 8 << 20;

/// How a body is compressed on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip (RFC 1952), also in several members.
    Gzip,
    /// Zstandard (RFC 8878), also in several frames.
    Zstd,
    /// A zip archive of one or several files.
    Zip,
}

impl Compression {
    /// What a content encoding names; `None` when the hub does not undo it.
    pub fn of_encoding(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Plain),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            "zip" => Some(Self::Zip),
            _ => None,
        }
    }

    /// What a media type says of a body without content encoding.
    pub(crate) fn of_type(kind: &str) -> Self {
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/zip" | "application/x-zip-compressed" => Self::Zip,
            "application/gzip" | "application/x-gzip" => Self::Gzip,
            "application/zstd" => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// What the first bytes of a body say of it of which nothing else was said. A feed whose own form begins like an
    /// archive takes it as it is.
    fn of_bytes(begin: &[u8], members: &Members) -> Self {
        match begin {
            [0x1F, 0x8B, 0x08, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] if *members != (Members::One { zipped: true }) => Self::Zip,
            _ => Self::Plain,
        }
    }

    /// What the name of a file says of it.
    pub fn of_file(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
            Some("gz" | "gzip") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            Some("zip") => Self::Zip,
            _ => Self::Plain,
        }
    }
}

/// A body in the raw store.
#[derive(Debug)]
pub struct StoredBody {
    /// SHA-256 of the plain bytes.
    pub sha256: [u8; 32],
    /// Number of plain bytes.
    pub bytes: u64,
    /// Where it is.
    pub path: PathBuf,
    /// Set when it is not to be kept: dropping it removes the file.
    _temporary: Option<TempPath>,
}

/// The folder of raw bodies.
#[derive(Clone, Debug)]
pub struct RawStore {
    root: PathBuf,
    limits: BodyLimits,
    /// Bodies are UTF-16 and are stored as UTF-8.
    wide: bool,
}

impl RawStore {
    /// In a folder, which is made when it is first needed.
    pub fn new(root: PathBuf, limits: BodyLimits) -> Self {
        Self { root, limits, wide: false }
    }

    /// The same folder for the bodies of one feed, with its limits.
    pub(crate) fn of_feed(&self, profile: &Profile) -> Self {
        let body_bytes_max = profile.limits.body_bytes_max.unwrap_or(self.limits.body_bytes_max);
        let limits = BodyLimits { body_bytes_max, ..self.limits };
        Self { root: self.root.clone(), limits, wide: profile.format.is_wide() }
    }

    /// Another folder beside those of the feeds.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Refuses a body that says itself that it is too large.
    pub(crate) fn check_declared(&self, bytes: u64) -> Result<(), IngestError> {
        if bytes > self.limits.body_bytes_max { Err(too_large(&self.limits)) } else { Ok(()) }
    }

    /// The patience with a body.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.limits.stalled_after)
    }

    /// Where a body of a feed is or would be.
    pub fn path(&self, feed: &FeedId, sha256: &[u8; 32]) -> PathBuf {
        self.root.join(feed.as_str()).join(hex(sha256))
    }

    /// Streams a body to disk. With `keep` it is durable under its name when this returns; without, it is removed when
    /// the result is dropped.
    ///
    /// # Errors
    /// When the body stops in the middle, is larger than allowed or cannot be unpacked; then nothing of it stays.
    pub(crate) async fn receive<E>(
        &self,
        feed: &FeedId,
        compression: Compression,
        members: Members,
        keep: bool,
        declared_bytes: Option<u64>,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<StoredBody, IngestError> {
        let limits = self.limits;
        declared_bytes.map_or(Ok(()), |bytes| self.check_declared(bytes))?;
        let folder = self.root.join(feed.as_str());
        let begin = |first: &[u8]| {
            let compression = match compression {
                Compression::Plain => Compression::of_bytes(first, &members),
                stated => stated,
            };
            Writing::begin(folder.clone(), compression, limits, self.wide)
        };
        let mut writing: Option<Writing> = None;
        // The first pieces, until there are bytes enough to tell what they are.
        let mut first = Vec::new();
        let mut progress = self.progress();
        let mut received = 0_u64;
        let mut broken = false;
        while let Some(piece) = progress.within(body.next()).await? {
            let Ok(piece) = piece else {
                broken = true;
                break;
            };
            received += piece.len() as u64;
            progress.note(received);
            match &mut writing {
                Some(writing) => writing.take(piece).await?,
                None => {
                    first.extend_from_slice(&piece);
                    if first.len() >= MAGIC_BYTES {
                        let writing = writing.insert(begin(&first));
                        writing.take(std::mem::take(&mut first).into()).await?;
                    }
                }
            }
        }
        let mut writing = writing.unwrap_or_else(|| begin(&first));
        writing.take(first.into()).await?;
        let writer = writing.end().await?;
        if broken || declared_bytes.is_some_and(|declared| declared != received) {
            let message = match declared_bytes {
                Some(declared) => format!("{received} of {declared} declared bytes arrived"),
                None => format!("the connection ended after {received} bytes, before the end of the body"),
            };
            return Err(IngestError::refused(Reason::BodyTruncated, message));
        }
        tokio::task::spawn_blocking(move || writer.finish(members, keep)).await.map_err(|_| IngestError::Stopped)?
    }

    /// Removes the bodies of a feed that came before `before`, except those in `wanted`, and pieces of bodies of which the
    /// rest never came. Compresses those that came before `idle_before`. Gives the number of files. It blocks on the disk.
    pub(crate) fn remove_older(
        &self,
        feed: &FeedId,
        before: SystemTime,
        idle_before: SystemTime,
        wanted: &[[u8; 32]],
    ) -> io::Result<u64> {
        let entries = match std::fs::read_dir(self.root.join(feed.as_str())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        let wanted: Vec<String> = wanted.iter().map(|sha256| hex(sha256)).collect();
        let mut removed = 0;
        for entry in entries {
            let entry = entry?;
            let (name, modified) = (entry.file_name(), entry.metadata()?.modified()?);
            let is_wanted = wanted.iter().any(|wanted| name == wanted.as_str());
            if !is_wanted && modified < before {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            } else if !is_wanted && modified < idle_before && is_plain_body(&name) {
                packed::pack(&entry.path())?;
            }
        }
        Ok(removed)
    }

    /// Stores bytes that are in memory, durably.
    pub(crate) async fn store(&self, feed: &FeedId, bytes: Vec<u8>) -> Result<StoredBody, IngestError> {
        let (folder, limits) = (self.root.join(feed.as_str()), self.limits);
        let work = move || {
            let mut writer = BodyWriter::begin(&folder, Compression::Plain, limits, false)?;
            writer.write(&bytes)?;
            writer.finish(Members::Joined { head_lines: 0, header: false, only: None }, true)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| IngestError::Stopped)?
    }
}

/// Whether a file of the store is a body that is not compressed: its name is a hash.
fn is_plain_body(name: &std::ffi::OsStr) -> bool {
    name.len() == 64 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
}

/// A writer that writes on another thread while the next pieces are gathered.
struct Writing {
    task: JoinHandle<Result<BodyWriter, IngestError>>,
    gathered: Vec<Bytes>,
    bytes: usize,
}

impl Writing {
    fn begin(folder: PathBuf, compression: Compression, limits: BodyLimits, wide: bool) -> Self {
        let task = tokio::task::spawn_blocking(move || BodyWriter::begin(&folder, compression, limits, wide));
        Self { task, gathered: Vec::new(), bytes: 0 }
    }

    async fn take(&mut self, piece: Bytes) -> Result<(), IngestError> {
        self.bytes += piece.len();
        self.gathered.push(piece);
        if self.bytes >= WRITE_BYTES { self.write().await } else { Ok(()) }
    }

    /// Begins to write what is gathered, after what was gathered before is written.
    async fn write(&mut self) -> Result<(), IngestError> {
        let mut writer = (&mut self.task).await.map_err(|_| IngestError::Stopped)??;
        let pieces = std::mem::take(&mut self.gathered);
        self.bytes = 0;
        self.task = tokio::task::spawn_blocking(move || {
            pieces.iter().try_for_each(|piece| writer.write(piece))?;
            Ok(writer)
        });
        Ok(())
    }

    /// Waits until everything is written.
    async fn end(mut self) -> Result<BodyWriter, IngestError> {
        self.write().await?;
        self.task.await.map_err(|_| IngestError::Stopped)?
    }
}

/// Whether a body arrives fast enough to be waited for. Only time spent waiting for the sender counts.
pub(crate) struct Progress {
    stalled_after: Duration,
    patience: Duration,
    noted: u64,
}

impl Progress {
    fn new(stalled_after: Duration) -> Self {
        Self { stalled_after, patience: stalled_after, noted: 0 }
    }

    pub(crate) async fn within<T>(&mut self, next: impl Future<Output = T>) -> Result<T, IngestError> {
        let began = Instant::now();
        let arrived = tokio::time::timeout(self.patience, next).await.map_err(|_| {
            let message = format!("less than {PROGRESS_BYTES} bytes of the body came in {:?}", self.stalled_after);
            IngestError::refused(Reason::BodyStalled, message)
        });
        self.patience = self.patience.saturating_sub(began.elapsed());
        arrived
    }

    pub(crate) fn note(&mut self, received: u64) {
        if received - self.noted >= PROGRESS_BYTES {
            (self.noted, self.patience) = (received, self.stalled_after);
        }
    }
}

fn too_large(limits: &BodyLimits) -> IngestError {
    let message = format!("a body has at most {} bytes when unpacked", limits.body_bytes_max);
    IngestError::refused(Reason::BodyTooLarge, message)
}

enum Sink {
    Plain(Plain),
    Gzip(Box<MultiGzDecoder<Plain>>),
    /// Packed bytes that are unpacked when all of them are there.
    Packed {
        packed: BufWriter<File>,
        zipped: bool,
        plain: Box<Plain>,
    },
}

/// Writes and hashes plain bytes and stops at the limits.
struct Plain {
    file: BufWriter<NamedTempFile>,
    hash: Sha256,
    bytes: u64,
    bytes_max: u64,
    /// Bytes that what came so far may unpack to.
    unpacked_max: u64,
    /// Turns what comes into UTF-8.
    narrow: Option<Narrow>,
}

impl Plain {
    fn put(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(io::Error::from(io::ErrorKind::QuotaExceeded));
        }
        if self.bytes > self.unpacked_max {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.hash.update(piece);
        self.file.write_all(piece)
    }

    /// Writes what was held back.
    fn end(&mut self) -> io::Result<()> {
        match self.narrow.take() {
            Some(mut narrow) => self.put(narrow.take(&[], true).as_bytes()),
            None => Ok(()),
        }
    }
}

impl Write for Plain {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        match &mut self.narrow {
            Some(narrow) => {
                let text = narrow.take(piece, false);
                self.put(text.as_bytes())?;
            }
            None => self.put(piece)?,
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

struct BodyWriter {
    sink: Sink,
    folder: PathBuf,
    limits: BodyLimits,
    received: u64,
}

impl BodyWriter {
    fn begin(folder: &Path, compression: Compression, limits: BodyLimits, wide: bool) -> Result<Self, IngestError> {
        std::fs::create_dir_all(folder)?;
        let file = BufWriter::with_capacity(1 << 18, tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?);
        let bytes_max = limits.body_bytes_max;
        let narrow = wide.then(Narrow::new);
        let plain = Plain { file, hash: Sha256::new(), bytes: 0, bytes_max, unpacked_max: u64::MAX, narrow };
        let sink = match compression {
            Compression::Plain => Sink::Plain(plain),
            Compression::Gzip => Sink::Gzip(Box::new(MultiGzDecoder::new(plain))),
            Compression::Zstd | Compression::Zip => Sink::Packed {
                packed: BufWriter::with_capacity(1 << 18, tempfile::tempfile_in(folder)?),
                zipped: compression == Compression::Zip,
                plain: Box::new(plain),
            },
        };
        Ok(Self { sink, folder: folder.to_owned(), limits, received: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), IngestError> {
        self.received += piece.len() as u64;
        match &mut self.sink {
            Sink::Plain(plain) => plain.write_all(piece).map_err(|error| unwritable(error, &self.limits)),
            Sink::Gzip(decoder) => {
                // In slices, so that what one piece unpacks to is checked before much of it is on disk.
                for slice in piece.chunks(4096) {
                    decoder.get_mut().unpacked_max = unpacked_max(self.received, &self.limits);
                    decoder.write_all(slice).map_err(|error| unwritable(error, &self.limits))?;
                }
                Ok(())
            }
            Sink::Packed { .. } if self.received > self.limits.body_bytes_max => Err(too_large(&self.limits)),
            Sink::Packed { packed, .. } => Ok(packed.write_all(piece)?),
        }
    }

    fn finish(self, members: Members, keep: bool) -> Result<StoredBody, IngestError> {
        let mut plain = match self.sink {
            Sink::Plain(plain) => plain,
            Sink::Packed { .. } if self.received == 0 => {
                return Err(IngestError::refused(Reason::EmptyBody, "the body is empty"));
            }
            Sink::Packed { packed, zipped, mut plain } => {
                plain.unpacked_max = unpacked_max(self.received, &self.limits);
                let mut packed = packed.into_inner().map_err(io::IntoInnerError::into_error)?;
                let unpacked = match zipped {
                    true => unpack::zip(&mut packed, members, &mut *plain),
                    false => unpack::zstd(&mut packed, &mut *plain),
                };
                unpacked.map_err(|error| match error {
                    IngestError::Raw(error) => unwritable(error, &self.limits),
                    other => other,
                })?;
                *plain
            }
            Sink::Gzip(decoder) => {
                if self.received == 0 {
                    return Err(IngestError::refused(Reason::EmptyBody, "the body is empty"));
                }
                // Checks the trailer of the last member: length and checksum.
                decoder.finish().map_err(|error| match error.kind() {
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                        let message = "the compressed body ends in the middle, or its checksum does not fit";
                        IngestError::refused(Reason::BodyTruncated, message)
                    }
                    _ => unwritable(error, &self.limits),
                })?
            }
        };
        plain.end().map_err(|error| unwritable(error, &self.limits))?;
        if plain.bytes == 0 {
            return Err(IngestError::refused(Reason::EmptyBody, "the body is empty"));
        }
        let bytes = plain.bytes;
        let sha256: [u8; 32] = plain.hash.finalize().into();
        let file = plain.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let path = self.folder.join(hex(&sha256));
        if !keep {
            let path = file.into_temp_path();
            return Ok(StoredBody { sha256, bytes, path: path.to_path_buf(), _temporary: Some(path) });
        }
        // What is there under its name was synced before it got it.
        let there =
            std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() == bytes) || packed_path(&path).exists();
        if !there {
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
        }
        // The name is durable when its folder is; another body with these bytes may have got it a moment ago.
        File::open(&self.folder)?.sync_all()?;
        Ok(StoredBody { sha256, bytes, path, _temporary: None })
    }
}

fn unpacked_max(received: u64, limits: &BodyLimits) -> u64 {
    received.saturating_mul(limits.unpack_ratio_max).max(RATIO_FREE_BYTES)
}

fn unwritable(error: io::Error, limits: &BodyLimits) -> IngestError {
    match error.kind() {
        io::ErrorKind::QuotaExceeded => too_large(limits),
        io::ErrorKind::FileTooLarge => {
            let message = format!("the body unpacks to more than {} times its bytes", limits.unpack_ratio_max);
            IngestError::refused(Reason::CompressionBomb, message)
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            IngestError::refused(Reason::CompressionBroken, "the body is not gzip, or its checksum does not fit")
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero => {
            IngestError::refused(Reason::CompressionBroken, "the compressed body has something behind its end")
        }
        _ => IngestError::Raw(error),
    }
}

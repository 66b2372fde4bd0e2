//! Pushing feed files as a department would: over HTTP with a token, and over MLLP with acknowledgements.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use futures_util::TryStreamExt;
use indicatif::ProgressBar;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::io::ReaderStream;

/// What became of the rows of one or more batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    /// Rows read.
    pub(crate) rows: u64,
    /// Rows that became events.
    pub(crate) accepted: u64,
    /// Rows that the hub had already.
    pub(crate) duplicate: u64,
    /// Rows older than what the hub had.
    pub(crate) superseded: u64,
    /// Rows that the sender must mend.
    pub(crate) quarantined: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.superseded += other.superseded;
        self.quarantined += other.quarantined;
    }
}

/// The part of a receipt that the demo reads.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Receipt {
    /// The batch.
    pub(crate) batch_id: uuid::Uuid,
    /// What became of its rows.
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// The same body was pushed before; nothing new was done.
    #[serde(default)]
    pub(crate) repeated: bool,
}

/// One file of a feed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FeedFile {
    /// File name; files of all feeds are pushed in the order of their names.
    pub(crate) name: String,
    /// Name of the feed.
    pub(crate) feed: String,
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
}

/// The files below `<city>/feeds/<feed>/`, in the order of their names within each feed.
pub(crate) fn feed_files(city: &Path) -> anyhow::Result<Vec<FeedFile>> {
    let mut files = Vec::new();
    for feed in std::fs::read_dir(city.join("feeds")).context("the city has no feeds")? {
        let feed = feed?;
        for file in std::fs::read_dir(feed.path())? {
            let file = file?;
            files.push(FeedFile {
                name: file.file_name().to_string_lossy().into_owned(),
                feed: feed.file_name().to_string_lossy().into_owned(),
                path: file.path(),
                size: file.metadata()?.len(),
            });
        }
    }
    files.sort();
    Ok(files)
}

/// Pushes one file over HTTP and waits for its receipt.
pub(crate) async fn push_http(
    client: &reqwest::Client,
    base: &str,
    token: &str,
    file: &FeedFile,
    progress: &ProgressBar,
) -> anyhow::Result<Receipt> {
    let body = tokio::fs::File::open(&file.path).await?;
    let bar = progress.clone();
    let stream = ReaderStream::with_capacity(body, 256 * 1024).inspect_ok(move |chunk| bar.inc(chunk.len() as u64));
    let response = client
        .post(format!("{base}/v1/feeds/{}/batches", file.feed))
        .bearer_auth(token)
        .body(reqwest::Body::wrap_stream(stream))
        .send()
        .await
        .with_context(|| format!("the push of {} failed", file.name))?;
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("the push of {} was refused with {status}: {text}", file.name);
    }
    let receipt: Receipt =
        serde_json::from_str(&text).with_context(|| format!("the receipt of {} has an unknown form", file.name))?;
    let Counts { rows, accepted, duplicate, superseded, quarantined } = receipt.counts;
    ensure!(rows == accepted + duplicate + superseded + quarantined, "the receipt of {} does not add up", file.name);
    Ok(receipt)
}

/// What an MLLP sender counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Acknowledged {
    /// `AA`: taken.
    pub(crate) accept: u64,
    /// `AE`: would fail again.
    pub(crate) error: u64,
    /// `AR`: send again later.
    pub(crate) reject: u64,
}

/// Sends messages one after the other over one MLLP connection and reads each acknowledgement.
pub(crate) async fn push_mllp(
    address: SocketAddr,
    messages: Vec<Vec<u8>>,
    progress: &ProgressBar,
) -> anyhow::Result<Acknowledged> {
    let mut stream = TcpStream::connect(address).await.context("the MLLP listener does not answer")?;
    stream.set_nodelay(true)?;
    let mut counts = Acknowledged::default();
    let mut buffer = Vec::new();
    for message in messages {
        let mut frame = Vec::with_capacity(message.len() + 3);
        frame.push(0x0B);
        frame.extend_from_slice(&message);
        frame.extend_from_slice(&[0x1C, 0x0D]);
        stream.write_all(&frame).await?;
        buffer.clear();
        while !buffer.ends_with(&[0x1C, 0x0D]) {
            let mut chunk = [0; 4096];
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                bail!("the MLLP listener closed the connection without an acknowledgement");
            }
            buffer.extend_from_slice(&chunk[..read]);
        }
        match acknowledgement_code(&buffer) {
            Some(b"AA") => counts.accept += 1,
            Some(b"AE") => counts.error += 1,
            Some(b"AR") => counts.reject += 1,
            _ => bail!("the MLLP listener answered without an MSA segment"),
        }
        progress.inc(message.len() as u64);
    }
    Ok(counts)
}

/// MSA-1 of an acknowledgement.
fn acknowledgement_code(frame: &[u8]) -> Option<&[u8]> {
    let segment = frame.split(|b| *b == b'\r').find(|segment| segment.starts_with(b"MSA"))?;
    segment.get(4..6)
}

/// Splits a file of HL7 v2 messages at the segments that begin a message.
pub(crate) fn split_messages(file: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in file.split_inclusive(|b| *b == b'\r' || *b == b'\n') {
        if line.starts_with(b"MSH") || messages.is_empty() {
            messages.push(Vec::new());
        }
        if let Some(message) = messages.last_mut() {
            message.extend_from_slice(line);
        }
    }
    messages.retain(|message| message.starts_with(b"MSH"));
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_messages_is_split_where_each_begins() {
        let messages = split_messages(b"MSH|1\rPID|1\r\nMSH|2\rPID|2\r");
        assert_eq!(messages, [b"MSH|1\rPID|1\r\n".to_vec(), b"MSH|2\rPID|2\r".to_vec()]);
    }

    #[test]
    fn the_code_of_an_acknowledgement_is_found() {
        assert_eq!(acknowledgement_code(b"\x0bMSH|^~\\&|||\rMSA|AE|17|\r\x1c\r"), Some(b"AE".as_slice()));
        assert_eq!(acknowledgement_code(b"\x0bMSH|\r\x1c\r"), None);
    }
}

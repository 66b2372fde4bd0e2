//! The failed rows of a batch as a file of the original form: one that can be mended and pushed again as it is.
//!
//! Lines go behind the head of their file. Elements of a JSON list go between its brackets. Of documents whose rows mean
//! little without what stands around them (XML, messages in an interchange) everything stays but the rows that did not
//! fail. A workbook is written anew. Each row carries a mark that says what is wrong and which row it is, as far as its form
//! has room for one; a row that comes back with it mends that row.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{BatchId, FeedId};
use futures_util::{Stream, stream};
use store::ingest::{Batch, QuarantinedRow};
use store::receipts;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

use runtime::problem::ProblemDocument;

use crate::failed::{MARKED_BYTES_MAX, Marker};
use crate::feed::Feed;
use crate::http::credentials::{Credentials, enter};
use crate::http::document::{BatchPath, Stranger};
use crate::http::find;
use crate::http::problem::FeedProblem;
use crate::ingest::Ingest;
use crate::packed;
use crate::profile::FormatKind;
use crate::wide::Widen;
use crate::workbook;
use crate::xml::stated_encoding;

const PAGE: i64 = 1_000;
/// Bytes of a document in which its declaration stands.
const DECLARATION_BYTES_MAX: u64 = 1 << 10;
const PIECE_BYTES: u64 = 1 << 16;

/// The rows of a batch that cannot be used, in their original bytes, each with a mark that says what is wrong.
///
/// The file begins as the pushed one did (byte order mark, preamble, header), so it can be mended and pushed again as it is.
/// The mark is a column, member or attribute `isthmus_error`, in HL7 v2 a segment `ZIE`. It is ignored when it comes back,
/// but for what it says of the row: a mended row takes the place of the failed one in the order of arrival. EDIFACT and
/// ISO 8583 have no room for a mark; there the list to which the `Link` header leads says what is wrong.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches/{batch}/quarantined",
    tag = "feeds",
    security(("feed-token" = [])),
    params(BatchPath),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        Stranger,
        (status = 404, description = "No such batch of this feed", body = ProblemDocument),
        (status = 410, description = "The stored file is not there any more", body = ProblemDocument),
    ),
)]
pub(super) async fn download(
    State(ingest): State<Arc<Ingest>>,
    UrlPath((feed, batch)): UrlPath<(String, String)>,
    headers: Credentials,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let batch = find(&ingest, &feed, &batch).await?;
    let profile = ingest.profile(&feed).ok_or(FeedProblem::FeedUnknown)?;
    let extension = profile.format.kind.extension();
    let batch_id = batch.batch_id;
    let name = format!("attachment; filename=\"quarantined-{batch_id}.{extension}\"");
    let pieces = failed_rows(Arc::clone(&ingest), &feed, batch).await?;
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let list = format!("</v1/feeds/{feed}/batches/{batch_id}/rows?outcome=quarantined>; rel=\"describedby\"");
    for (name, value) in [(header::CONTENT_DISPOSITION, name), (header::LINK, list)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// The failed rows of a batch, piece by piece.
pub(crate) async fn failed_rows(
    ingest: Arc<Ingest>,
    feed: &FeedId,
    batch: Batch,
) -> Result<impl Stream<Item = std::io::Result<Bytes>> + use<>, FeedProblem> {
    let path = ingest.core.raw.path(feed, &batch.sha256);
    let opened = path.clone();
    let opened = tokio::task::spawn_blocking(move || packed::open(&opened)).await.map_err(|_| FeedProblem::Internal)?;
    let file = File::from_std(opened.map_err(|_| FeedProblem::BodyGone)?);
    let line = ingest.core.lines.get(feed).ok_or(FeedProblem::FeedUnknown)?;
    let kind = line.feed.profile().format.kind;
    let wide = line.feed.profile().format.is_wide().then(Widen::new);
    let source = Arc::clone(&line.feed);
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::spawn(async move {
        let sent = match shape(kind, &batch) {
            Shape::Rows => send_rows(&ingest, &batch, &*source, file, &sender).await,
            Shape::List => send_list(&ingest, &batch, &*source, file, &sender).await,
            Shape::Rest | Shape::Workbook => send_rewritten(&ingest, &batch, source, path, &sender).await,
        };
        if let Err(error) = sent {
            let _ = sender.send(Err(error)).await;
        }
    });
    Ok(stream::unfold((receiver, wide), |(mut receiver, mut wide)| async {
        let piece = receiver.recv().await?;
        let piece = piece.map(|piece| wide.as_mut().map_or(piece.clone(), |wide| wide.take(&piece).into()));
        Some((piece, (receiver, wide)))
    }))
}

/// How the failed rows of a form are put together.
enum Shape {
    Rows,
    List,
    Rest,
    Workbook,
}

fn shape(kind: FormatKind, batch: &Batch) -> Shape {
    match kind {
        // The entries of a bundle begin somewhere in it, lines of resources at once.
        FormatKind::Fhir if batch.data_start > 0 => Shape::List,
        FormatKind::Delimited | FormatKind::Ndjson | FormatKind::Hl7v2 | FormatKind::Fhir => Shape::Rows,
        FormatKind::Json => Shape::List,
        FormatKind::Xml | FormatKind::Edifact | FormatKind::Iso20022 | FormatKind::Iso8583 => Shape::Rest,
        FormatKind::Workbook => Shape::Workbook,
    }
}

async fn send_rows(
    ingest: &Ingest,
    batch: &Batch,
    feed: &dyn Feed,
    mut file: File,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let marker = Marker::new(&feed.profile().format, batch.batch_id);
    let mut head = vec![0; batch.data_start as usize];
    file.read_exact(&mut head).await?;
    send(sender, marker.head(head).into()).await?;
    let mut after = 0;
    loop {
        let rows = page(ingest, batch, after).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.row;
        for row in &rows {
            send_marked(&mut file, &marker, row, sender).await?;
        }
    }
}

/// A row with its mark.
async fn send_marked(
    file: &mut File,
    marker: &Marker<'_>,
    row: &QuarantinedRow,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    if row.byte_length > MARKED_BYTES_MAX {
        return send_piece(file, row.byte_offset as u64, row.byte_length as u64, sender).await;
    }
    let mut bytes = vec![0; row.byte_length as usize];
    file.seek(SeekFrom::Start(row.byte_offset as u64)).await?;
    file.read_exact(&mut bytes).await?;
    send(sender, marker.row(bytes, row).into()).await
}

async fn page(ingest: &Ingest, batch: &Batch, after: i64) -> std::io::Result<Vec<QuarantinedRow>> {
    let away = |_| std::io::Error::other("the receipts cannot be read");
    let mut conn = ingest.core.store.acquire().await.map_err(away)?;
    let rows = receipts::list_quarantined(&mut conn, batch.batch_id, true, after, PAGE).await.map_err(away)?;
    Ok(rows.into_iter().map(|failure| failure.row).collect())
}

/// The elements of a list, between the begin of the document and brackets that close it.
async fn send_list(
    ingest: &Ingest,
    batch: &Batch,
    feed: &dyn Feed,
    mut file: File,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let marker = Marker::new(&feed.profile().format, batch.batch_id);
    let mut begin = vec![0; batch.data_start as usize];
    file.read_exact(&mut begin).await?;
    let end = closing(&begin);
    send(sender, begin.into()).await?;
    let (mut after, mut first) = (0, true);
    loop {
        let rows = page(ingest, batch, after).await?;
        let Some(last) = rows.last() else { return send(sender, end.into()).await };
        after = last.row;
        for row in &rows {
            send(sender, if first { "\n".into() } else { ",\n".into() }).await?;
            send_marked(&mut file, &marker, row, sender).await?;
            first = false;
        }
    }
}

/// What closes the brackets that are open at the end of the begin of a JSON document.
fn closing(begin: &[u8]) -> Vec<u8> {
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    for byte in begin {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => open.push(b'}'),
            b'[' if !quoted => open.push(b']'),
            b'}' | b']' if !quoted => drop(open.pop()),
            _ => {}
        }
    }
    open.push(b'\n');
    open.reverse();
    open
}

/// A file that is put together by reading the body again.
async fn send_rewritten(
    ingest: &Ingest,
    batch: &Batch,
    feed: Arc<dyn Feed>,
    path: PathBuf,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let mut failed: Vec<QuarantinedRow> = Vec::new();
    loop {
        let mut rows = page(ingest, batch, failed.last().map_or(0, |row| row.row)).await?;
        if rows.is_empty() {
            break;
        }
        failed.append(&mut rows);
    }
    let (sender, batch_id) = (sender.clone(), batch.batch_id);
    let work = move || match feed.profile().format.kind {
        FormatKind::Workbook => {
            let marker = Marker::new(&feed.profile().format, batch_id);
            let failed: Vec<(i64, String)> = failed.iter().map(|row| (row.line, marker.mark(row))).collect();
            let file = packed::open(&path)?;
            let book = workbook::failed_rows(file, feed.profile(), &failed).map_err(std::io::Error::other)?;
            sender.blocking_send(Ok(book.into())).map_err(gone)
        }
        _ => send_rest(&*feed, batch_id, &path, &failed, &sender),
    };
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// Everything of a body but the rows that did not fail. Rows may share a stretch of the body (the travellers of a
/// message); it stays when one of them failed.
fn send_rest(
    feed: &dyn Feed,
    batch_id: BatchId,
    path: &Path,
    failed: &[QuarantinedRow],
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let mut format = feed.profile().format.clone();
    let mut file = packed::open(path)?;
    if matches!(format.kind, FormatKind::Xml | FormatKind::Iso20022) {
        let mut begin = Vec::new();
        file.by_ref().take(DECLARATION_BYTES_MAX).read_to_end(&mut begin)?;
        file.seek(SeekFrom::Start(0))?;
        format.encoding = stated_encoding(&begin).ok().flatten().unwrap_or(format.encoding);
    }
    let marker = Marker::new(&format, batch_id);
    let length = file.metadata()?.len();
    let mut rows = feed.open(Box::new(BufReader::new(packed::open(path)?))).map_err(std::io::Error::other)?;
    let mut failed = failed.iter().peekable();
    let mut sent_to = 0;
    // The stretch that the rows before shared, and the first of them that failed.
    let mut stretch: Option<(u64, u64, Option<&QuarantinedRow>)> = None;
    loop {
        let row = rows.next_row().map_err(std::io::Error::other)?;
        let failure = row.as_ref().and_then(|row| failed.next_if(|failed| failed.row == row.number as i64));
        if let (Some((offset, _, failed)), Some(row)) = (&mut stretch, &row)
            && *offset == row.offset
        {
            *failed = failed.or(failure);
            continue;
        }
        if let Some((offset, end, failed)) = stretch {
            send_range(&mut file, sent_to, offset, sender)?;
            match failed {
                Some(row) if row.byte_length <= MARKED_BYTES_MAX => {
                    let mut bytes = vec![0; (end - offset) as usize];
                    file.read_exact(&mut bytes)?;
                    sender.blocking_send(Ok(marker.row(bytes, row).into())).map_err(gone)?;
                }
                Some(_) => send_range(&mut file, offset, end, sender)?,
                None => {}
            }
            sent_to = end;
        }
        let Some(row) = row else { return send_range(&mut file, sent_to, length, sender) };
        stretch = Some((row.offset, row.offset + row.length, failure));
    }
}

fn send_range(
    file: &mut std::fs::File,
    from: u64,
    to: u64,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let mut left = to.saturating_sub(from);
    while left > 0 {
        let mut piece = vec![0; left.min(PIECE_BYTES) as usize];
        file.read_exact(&mut piece)?;
        left -= piece.len() as u64;
        sender.blocking_send(Ok(piece.into())).map_err(gone)?;
    }
    Ok(())
}

async fn send(sender: &mpsc::Sender<std::io::Result<Bytes>>, piece: Bytes) -> std::io::Result<()> {
    sender.send(Ok(piece)).await.map_err(gone)
}

/// The reader went away.
fn gone<T>(_: T) -> std::io::Error {
    std::io::ErrorKind::BrokenPipe.into()
}

async fn send_piece(
    file: &mut File,
    offset: u64,
    length: u64,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset)).await?;
    let mut left = length;
    while left > 0 {
        let mut piece = vec![0; left.min(PIECE_BYTES) as usize];
        file.read_exact(&mut piece).await?;
        left -= piece.len() as u64;
        send(sender, piece.into()).await?;
    }
    Ok(())
}

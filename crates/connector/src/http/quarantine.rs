//! The failed rows of a batch as a file of the original form.

use std::io::SeekFrom;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use store::ingest::{self, Batch};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

use runtime::problem::ProblemDocument;

use crate::http::problem::FeedProblem;
use crate::http::{enter, find};
use crate::ingest::Ingest;
use crate::profile::FormatKind;

const PAGE: i64 = 1_000;
const PIECE_BYTES: u64 = 1 << 16;

/// The rows of a batch that cannot be used, in their original bytes.
///
/// The file begins as the pushed one did (byte order mark, preamble, header), so it can be mended and pushed again as it is.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches/{batch}/quarantined",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        ("feed" = String, Path, description = "Name of the feed"),
        ("batch" = String, Path, description = "Id of the batch"),
    ),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "No valid token", body = ProblemDocument),
        (status = 403, description = "The token is of another feed", body = ProblemDocument),
        (status = 404, description = "No such batch of this feed", body = ProblemDocument),
        (status = 410, description = "The stored file is not there any more", body = ProblemDocument),
    ),
)]
pub(super) async fn download(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, batch)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let batch = find(&ingest, &feed, &batch).await?;
    let file = File::open(ingest.core.raw.path(&feed, &batch.sha256)).await.map_err(|_| FeedProblem::BodyGone)?;
    let extension = match ingest.profile(&feed).map(|profile| profile.format.kind) {
        Some(FormatKind::Delimited) => "csv",
        Some(FormatKind::Ndjson) => "ndjson",
        Some(FormatKind::Hl7v2) => "hl7",
        None => "bin",
    };
    let name = format!("attachment; filename=\"quarantined-{}.{extension}\"", batch.batch_id);
    let (sender, receiver) = mpsc::channel::<std::io::Result<Bytes>>(4);
    tokio::spawn(async move {
        if let Err(error) = send_rows(&ingest, &batch, file, &sender).await {
            let _ = sender.send(Err(error)).await;
        }
    });
    let pieces =
        stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|piece| (piece, receiver)) });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

async fn send_rows(
    ingest: &Ingest,
    batch: &Batch,
    mut file: File,
    sender: &mpsc::Sender<std::io::Result<Bytes>>,
) -> std::io::Result<()> {
    let away = |_| std::io::Error::other("the receipts cannot be read");
    send_piece(&mut file, 0, batch.data_start as u64, sender).await?;
    let mut after = 0;
    loop {
        let mut conn = ingest.core.store.acquire().await.map_err(away)?;
        let rows = ingest::list_quarantined(&mut conn, batch.batch_id, after, PAGE).await.map_err(away)?;
        drop(conn);
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.row;
        for row in &rows {
            send_piece(&mut file, row.byte_offset as u64, row.byte_length as u64, sender).await?;
        }
    }
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
        if sender.send(Ok(Bytes::from(piece))).await.is_err() {
            // The reader went away.
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
    }
    Ok(())
}

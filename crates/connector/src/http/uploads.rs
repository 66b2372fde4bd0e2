//! Uploads in pieces, by the protocol tus 1.0.0 (core, creation, creation with upload, checksum, expiration, termination),
//! for which most languages have a client.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{BatchId, FeedId};
use runtime::problem::{ProblemDocument, ProblemKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::error::IngestError;
use crate::http::credentials::{Credentials, enter};
use crate::http::document::{FeedPath, Stranger, UploadPath};
use crate::http::problem::{
    FeedProblem, UPLOAD_CHECKSUM, UPLOAD_HEADER, UPLOAD_OFFSET, UPLOAD_TYPE, UPLOAD_UNKNOWN, UPLOAD_VERSION,
};
use crate::http::{mended_batch, note, query};
use crate::ingest::Ingest;
use crate::raw::Compression;
use crate::upload::{Checksum, Upload, UploadError, checksum, empty};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
const PIECE: &str = "application/offset+octet-stream";

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");

/// The routes of uploads. Each of their answers names the protocol's version.
pub(super) fn router() -> OpenApiRouter<Arc<Ingest>> {
    OpenApiRouter::new().routes(routes!(create, options)).routes(routes!(look, append, end)).layer(map_response(
        |mut response: Response| async {
            response.headers_mut().insert(RESUMABLE, HeaderValue::from_static(VERSION));
            response
        },
    ))
}

impl From<UploadError> for FeedProblem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Unknown => Self::Upload(&UPLOAD_UNKNOWN),
            UploadError::Offset => Self::Upload(&UPLOAD_OFFSET),
            UploadError::Checksum => Self::Upload(&UPLOAD_CHECKSUM),
            UploadError::Ingest(error) => error.into(),
        }
    }
}

/// What the hub understands of the upload protocol.
#[utoipa::path(
    options,
    path = "/v1/feeds/{feed}/uploads",
    tag = "feeds",
    params(FeedPath),
    responses((status = 204, description = "Version, extensions and checksums, as headers")),
)]
async fn options(Path(_feed): Path<String>) -> Response {
    let headers = [("tus-version", VERSION), ("tus-extension", EXTENSIONS), ("tus-checksum-algorithm", "sha1,sha256")];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Begin an upload.
///
/// Protocol tus 1.0.0: `Upload-Length` says how many bytes come, `Upload-Metadata` may name `filename`, `filetype` or
/// `encoding` (`gzip`, `zstd`, `zip`), of which only the compression is taken. `Location` is the upload; send its bytes
/// there with PATCH.
#[utoipa::path(
    post,
    path = "/v1/feeds/{feed}/uploads",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        FeedPath,
        ("mends" = Option<String>, Query, description = "Batch whose failed rows these are, mended; as with a push"),
    ),
    responses(
        (status = 201, description = "Begun; Location names it"),
        (status = 400, description = "A header of the protocol is missing", body = ProblemDocument),
        Stranger,
        (status = 412, description = "Another version of the protocol", body = ProblemDocument),
        (status = 413, description = "Too large", body = ProblemDocument),
        (status = 429, description = "The feed has spent its rows a minute", body = ProblemDocument),
        (status = 503, description = "Too many uploads of the feed are unfinished", body = ProblemDocument),
    ),
)]
async fn create(
    State(ingest): State<Arc<Ingest>>,
    Path(feed): Path<String>,
    RawQuery(query): RawQuery,
    headers: Credentials,
    body: Body,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let mends = mended_batch(&query::parse(query.as_deref(), &["mends"])?)?;
    check_version(&headers)?;
    let length = number(&headers, &LENGTH)?;
    if length == 0 {
        return Err(empty().into());
    }
    let upload = begin(&ingest, &feed, mends, length, &headers, body).await;
    let upload = upload.inspect_err(|problem| note(&feed, problem))?;
    let location = format!("/v1/feeds/{feed}/uploads/{}", upload.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], state(&feed, &upload)).into_response())
}

async fn begin(
    ingest: &Ingest,
    feed: &FeedId,
    mends: Option<BatchId>,
    length: u64,
    headers: &HeaderMap,
    body: Body,
) -> Result<Upload, FeedProblem> {
    let upload = ingest.create_upload(feed, mends, length, compression(headers)?).await?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        return Ok(upload);
    }
    Ok(ingest.append_upload(feed, upload.id, 0, stated_checksum(headers)?, body.into_data_stream()).await?)
}

/// How far an upload is.
#[utoipa::path(
    head,
    path = "/v1/feeds/{feed}/uploads/{upload}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(UploadPath),
    responses(
        (status = 200, description = "Upload-Offset and Upload-Length; Content-Location is the receipt once it is complete"),
        Stranger,
        (status = 404, description = "No such upload of this feed"),
        (status = 412, description = "Another version of the protocol"),
    ),
)]
async fn look(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, upload)): Path<(String, String)>,
    headers: Credentials,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    check_version(&headers)?;
    let upload = ingest.find_upload(&feed, id(&upload)?).await?;
    let length = [(LENGTH, upload.length.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::OK, length, state(&feed, &upload)).into_response())
}

/// Send the next piece of an upload.
///
/// What arrives stays, also when the connection breaks: ask with HEAD for the offset and go on there. The piece that completes
/// the upload is answered when the whole body is durable and on record; `Content-Location` is then its receipt, the same
/// as that of one push of the same bytes. With `Upload-Checksum: sha1 …` or `sha256 …` a piece stays whole or not at all.
#[utoipa::path(
    patch,
    path = "/v1/feeds/{feed}/uploads/{upload}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(UploadPath),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream", description = "The piece"),
    responses(
        (status = 204, description = "Taken; Upload-Offset says how far"),
        (status = 400, description = "A header is missing, or the complete body is broken", body = ProblemDocument),
        Stranger,
        (status = 404, description = "No such upload of this feed", body = ProblemDocument),
        (status = 409, description = "The piece does not begin where the upload stands", body = ProblemDocument),
        (status = 412, description = "Another version of the protocol", body = ProblemDocument),
        (status = 415, description = "Another content type", body = ProblemDocument),
        (status = 429, description = "The feed has spent its rows a minute", body = ProblemDocument),
        (status = 503, description = "Too many bodies at once, or a part of the hub is away", body = ProblemDocument),
    ),
)]
async fn append(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, upload)): Path<(String, String)>,
    headers: Credentials,
    body: Body,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    check_version(&headers)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        return Err(FeedProblem::Upload(&UPLOAD_TYPE));
    }
    let offset = number(&headers, &OFFSET)?;
    let (id, checksum) = (id(&upload)?, stated_checksum(&headers)?);
    let upload = ingest.append_upload(&feed, id, offset, checksum, body.into_data_stream()).await;
    let upload = upload.map_err(FeedProblem::from).inspect_err(|problem| note(&feed, problem))?;
    Ok((StatusCode::NO_CONTENT, state(&feed, &upload)).into_response())
}

/// End an upload before it is complete.
#[utoipa::path(
    delete,
    path = "/v1/feeds/{feed}/uploads/{upload}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(UploadPath),
    responses(
        (status = 204, description = "What came of it is removed; a body that was complete stays on record"),
        Stranger,
        (status = 404, description = "No such upload of this feed", body = ProblemDocument),
        (status = 412, description = "Another version of the protocol", body = ProblemDocument),
    ),
)]
async fn end(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, upload)): Path<(String, String)>,
    headers: Credentials,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    check_version(&headers)?;
    ingest.remove_upload(&feed, id(&upload)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What every answer about an upload says.
fn state(feed: &FeedId, upload: &Upload) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(OFFSET, HeaderValue::from(upload.offset));
    let expires = jiff::Timestamp::from_millisecond(upload.expires_at().as_millis())
        .ok()
        .and_then(|at| HeaderValue::from_str(&at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok());
    if let Some(expires) = expires {
        headers.insert(HeaderName::from_static("upload-expires"), expires);
    }
    let receipt = upload.batch_id.map(|batch_id| format!("/v1/feeds/{feed}/batches/{batch_id}"));
    if let Some(receipt) = receipt.and_then(|receipt| HeaderValue::from_str(&receipt).ok()) {
        headers.insert(header::CONTENT_LOCATION, receipt);
    }
    headers
}

fn id(text: &str) -> Result<Uuid, FeedProblem> {
    Uuid::parse_str(text).map_err(|_| FeedProblem::Upload(&UPLOAD_UNKNOWN))
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn check_version(headers: &HeaderMap) -> Result<(), FeedProblem> {
    if text(headers, &RESUMABLE) == Some(VERSION) { Ok(()) } else { Err(FeedProblem::Upload(&UPLOAD_VERSION)) }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, FeedProblem> {
    text(headers, name).and_then(|text| text.parse().ok()).ok_or(malformed())
}

const fn malformed() -> FeedProblem {
    const KIND: &ProblemKind = &UPLOAD_HEADER;
    FeedProblem::Upload(KIND)
}

fn stated_checksum(headers: &HeaderMap) -> Result<Option<Checksum>, FeedProblem> {
    let Some(value) = headers.get("upload-checksum") else { return Ok(None) };
    let stated = || {
        let (algorithm, digest) = value.to_str().ok()?.trim().split_once(' ')?;
        checksum(algorithm, STANDARD.decode(digest).ok()?)
    };
    stated().map(Some).ok_or(malformed())
}

/// The compression that the metadata of an upload names.
fn compression(headers: &HeaderMap) -> Result<Compression, FeedProblem> {
    let Some(value) = headers.get("upload-metadata") else { return Ok(Compression::Plain) };
    let mut found = Compression::Plain;
    for pair in value.to_str().map_err(|_| malformed())?.split(',') {
        let (name, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| malformed())?;
        let value = String::from_utf8_lossy(&value);
        match name {
            "encoding" => {
                return Compression::of_encoding(&value).ok_or_else(|| {
                    let message = "the metadata `encoding` is none of gzip, zstd, zip and identity";
                    IngestError::refused(crate::reason::Reason::CompressionUnknown, message).into()
                });
            }
            "filetype" if found == Compression::Plain => found = Compression::of_type(&value),
            "filename" if found == Compression::Plain => found = Compression::of_file(&value),
            _ => {}
        }
    }
    Ok(found)
}

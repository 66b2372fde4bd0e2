//! Problems of the feed routes: the only place where an error of theirs becomes a response.

use std::time::Duration;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use runtime::problem::{ProblemDocument, ProblemKind};

use crate::chinese;
use crate::error::IngestError;
use crate::reason::Reason;

/// What went wrong with a request of a sender.
#[derive(Debug)]
pub enum FeedProblem {
    /// No valid token.
    TokenInvalid,
    /// The token is of another feed.
    FeedForbidden,
    /// The token's feed is not served by this process.
    FeedUnknown,
    /// The feed has no such batch.
    BatchUnknown,
    /// The batch has no such row, or it has no outcome yet.
    RowUnknown,
    /// The query string cannot be read.
    QueryMalformed,
    /// The stored body is not on this machine any more.
    BodyGone,
    /// The body does not fit; nothing of it was applied.
    Refused {
        /// The reason, from the closed registry.
        reason: Reason,
        /// What was expected and what was found.
        message: String,
    },
    /// As many bodies of the feed are on their way as are taken at once.
    Busy,
    /// The feed has spent its rows a minute.
    TooFast {
        /// When to come again.
        retry_after: Duration,
    },
    /// Something about an upload in pieces.
    Upload(&'static ProblemKind),
    /// A part of the hub is away.
    Unavailable,
    /// A defect.
    Internal,
}

/// Every problem of the feed routes; reasons for which bodies are refused are a list of their own.
pub const PROBLEMS: &[ProblemKind] = &[
    TOKEN_INVALID,
    FEED_FORBIDDEN,
    FEED_UNKNOWN,
    BATCH_UNKNOWN,
    ROW_UNKNOWN,
    QUERY_MALFORMED,
    BODY_GONE,
    BUSY,
    TOO_FAST,
    UPLOAD_UNKNOWN,
    UPLOAD_OFFSET,
    UPLOAD_HEADER,
    UPLOAD_TYPE,
    UPLOAD_VERSION,
    UPLOAD_CHECKSUM,
    UNAVAILABLE,
    INTERNAL,
];

const TOKEN_INVALID: ProblemKind = ProblemKind {
    code: "token-invalid",
    status: 401,
    meaning: "The request carries no feed token that opens anything.",
    mend: "Send `Authorization: Bearer <feed token>`; ask the operator for a new one.",
};
const FEED_FORBIDDEN: ProblemKind = ProblemKind {
    code: "feed-forbidden",
    status: 403,
    meaning: "The token opens another feed.",
    mend: "A feed token opens its own feed only; GET /v1/feeds names it.",
};
const FEED_UNKNOWN: ProblemKind = ProblemKind {
    code: "feed-unknown",
    status: 404,
    meaning: "This process does not take the feed.",
    mend: "Ask the operator where the feed's connector runs.",
};
const BATCH_UNKNOWN: ProblemKind = ProblemKind {
    code: "batch-unknown",
    status: 404,
    meaning: "The feed has no such batch.",
    mend: "Use the `batch_id` of a receipt as it stands.",
};
const ROW_UNKNOWN: ProblemKind = ProblemKind {
    code: "row-unknown",
    status: 404,
    meaning: "The batch has no such row, or the row has no outcome yet.",
    mend: "Rows are counted from 1 to `rows` of the receipt, without header, preamble, trailer and blank lines.",
};
const QUERY_MALFORMED: ProblemKind = ProblemKind {
    code: "query-malformed",
    status: 400,
    meaning: "A member of the query string is unknown, twice there or has another form.",
    mend: "The OpenAPI document at /openapi.json names the members of each route.",
};
const BODY_GONE: ProblemKind = ProblemKind {
    code: "body-gone",
    status: 410,
    meaning: "The stored file is not on this machine any more.",
    mend: "Take the rows from your own copy: the listing names their lines.",
};
const BUSY: ProblemKind = ProblemKind {
    code: "feed-busy",
    status: 503,
    meaning: "As many bodies of the feed are on their way as are taken at once.",
    mend: "Push the file again when one of them has arrived; one after the other is best.",
};
const TOO_FAST: ProblemKind = ProblemKind {
    code: "feed-too-fast",
    status: 429,
    meaning: "The feed has spent the rows a minute that its profile allows.",
    mend: "Push the file again after the seconds in Retry-After.",
};
pub(super) const UPLOAD_UNKNOWN: ProblemKind = ProblemKind {
    code: "upload-unknown",
    status: 404,
    meaning: "The feed has no such upload: it has expired, was ended, or was made on another machine.",
    mend: "Make a new upload with POST and send the file from its begin.",
};
pub(super) const UPLOAD_OFFSET: ProblemKind = ProblemKind {
    code: "upload-offset",
    status: 409,
    meaning: "The piece does not begin where the upload stands, or goes beyond its length.",
    mend: "Ask with HEAD for Upload-Offset, and send on from there.",
};
pub(super) const UPLOAD_HEADER: ProblemKind = ProblemKind {
    code: "upload-header",
    status: 400,
    meaning: "A header of the upload protocol is missing or has another form.",
    mend: "Send Upload-Length with POST and Upload-Offset with PATCH, as tus 1.0.0 has them.",
};
pub(super) const UPLOAD_TYPE: ProblemKind = ProblemKind {
    code: "upload-type",
    status: 415,
    meaning: "A piece of an upload has another content type than the protocol gives it.",
    mend: "Send Content-Type: application/offset+octet-stream.",
};
pub(super) const UPLOAD_VERSION: ProblemKind = ProblemKind {
    code: "upload-version",
    status: 412,
    meaning: "The request names another version of the upload protocol, or none.",
    mend: "Send Tus-Resumable: 1.0.0.",
};
pub(super) const UPLOAD_CHECKSUM: ProblemKind = ProblemKind {
    code: "upload-checksum",
    status: 460,
    meaning: "The piece does not have the checksum that it came with; nothing of it was kept.",
    mend: "Send the piece again, with Upload-Checksum by sha1 or sha256.",
};
const UNAVAILABLE: ProblemKind = ProblemKind {
    code: "hub-unavailable",
    status: 503,
    meaning: "A part of the hub is away.",
    mend: "Push the same file again later: what was taken already is not taken twice.",
};
const INTERNAL: ProblemKind = ProblemKind {
    code: "internal",
    status: 500,
    meaning: "The hub has a defect.",
    mend: "Tell the operator the time of the call; the log of the process says more.",
};

impl FeedProblem {
    fn document(&self) -> ProblemDocument {
        match self {
            Self::TokenInvalid => TOKEN_INVALID.document(),
            Self::FeedForbidden => FEED_FORBIDDEN.document(),
            Self::FeedUnknown => FEED_UNKNOWN.document(),
            Self::BatchUnknown => BATCH_UNKNOWN.document(),
            Self::RowUnknown => ROW_UNKNOWN.document(),
            Self::QueryMalformed => QUERY_MALFORMED.document(),
            Self::BodyGone => BODY_GONE.document(),
            Self::Refused { reason, message } => ProblemDocument {
                kind: "/v1/reasons",
                title: reason.meaning(),
                status: status_of(*reason),
                // The detail leads with what was found here; how to mend it is the same for all.
                detail: format!("{message}. {}", reason.mend()).into(),
                detail_zh: Some(chinese::message(*reason, message)),
                code: reason.code(),
            },
            Self::Busy => BUSY.document(),
            Self::TooFast { .. } => TOO_FAST.document(),
            Self::Upload(kind) => kind.document(),
            Self::Unavailable => UNAVAILABLE.document(),
            Self::Internal => INTERNAL.document(),
        }
    }
}

const fn status_of(reason: Reason) -> u16 {
    match reason {
        Reason::BodyTooLarge | Reason::CompressionBomb => 413,
        Reason::CompressionUnknown => 415,
        Reason::BodyStalled => 408,
        Reason::BodyTruncated | Reason::CompressionBroken | Reason::EmptyBody => 400,
        _ => 422,
    }
}

impl From<IngestError> for FeedProblem {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::UnknownFeed => Self::FeedUnknown,
            IngestError::Refused { reason, message } => Self::Refused { reason, message },
            IngestError::Busy => Self::Busy,
            IngestError::TooFast { retry_after } => Self::TooFast { retry_after },
            IngestError::Uneven { .. } => {
                tracing::error!(%error, "A batch lost rows.");
                Self::Internal
            }
            IngestError::Raw(_) | IngestError::Store(_) | IngestError::Log(_) | IngestError::Stopped => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "A push could not be taken.");
                Self::Unavailable
            }
        }
    }
}

impl From<store::Error> for FeedProblem {
    fn from(error: store::Error) -> Self {
        Self::from(IngestError::Store(error))
    }
}

impl IntoResponse for FeedProblem {
    fn into_response(self) -> Response {
        let mut response = self.document().into_response();
        if let Self::TooFast { retry_after } = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs() + 1));
        }
        response
    }
}

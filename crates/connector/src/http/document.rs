//! What the OpenAPI document says of all routes alike.
#![expect(dead_code, reason = "it describes parameters and answers that handlers read and give")]

use runtime::problem::ProblemDocument;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{IntoParams, IntoResponses};

use crate::receipt::DryRun;

/// What the document says beside the routes.
#[derive(utoipa::OpenApi)]
#[openapi(modifiers(&FeedToken), tags((name = "feeds", description = "Push files, read receipts, fetch what failed")), components(schemas(DryRun)))]
pub(super) struct Document;

struct FeedToken;

impl utoipa::Modify for FeedToken {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_with(Components::new);
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of one feed")).build();
        components.add_security_scheme("feed-token", SecurityScheme::Http(scheme));
    }
}

/// The path of a feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FeedPath {
    /// Name of the feed
    feed: String,
}

/// The path of a batch.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct BatchPath {
    /// Name of the feed
    feed: String,
    /// Id of the batch
    batch: String,
}

/// The path of an upload.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct UploadPath {
    /// Name of the feed
    feed: String,
    /// Id of the upload
    upload: String,
}

/// What a caller is told whom the feed is not open to.
#[derive(IntoResponses)]
pub(super) enum Stranger {
    /// No valid token
    #[response(status = 401)]
    Unknown(ProblemDocument),
    /// The token is of another feed
    #[response(status = 403)]
    OfAnother(ProblemDocument),
}

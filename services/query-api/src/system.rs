//! What is not about persons: readiness, the schema registry, the list of problems, the OpenAPI document.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

use crate::problem::{Problem, ProblemKind};
use crate::state::QueryState;

/// The longest body that the registry looks at, in bytes.
const REGISTRY_BODY_MAX: usize = 1024 * 1024;

/// Says whether persons could be answered about now: the database and the ledger are there.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    operation_id = "readiness",
    responses(
        (status = 200, description = "Ready", body = String, content_type = "text/plain"),
        (status = 503, description = "Not ready", body = String, content_type = "text/plain"),
    )
)]
pub(crate) async fn readyz(State(state): State<QueryState>) -> Response {
    let database = async {
        let mut conn = state.setup.store.acquire().await?;
        store::callers::list(&mut conn, 1).await
    };
    if database.await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database is away\n").into_response();
    }
    if !state.setup.ledger.is_ready().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "the ledger is away\n").into_response();
    }
    "ready\n".into_response()
}

/// Lists every problem that an answer can carry, with what it means and how to mend it.
#[utoipa::path(
    get,
    path = "/problems",
    tag = "system",
    operation_id = "list_problems",
    responses((status = 200, description = "The problems", body = Vec<ProblemKind>))
)]
pub(crate) async fn problems(Extension(Kinds(kinds)): Extension<Kinds>) -> Json<Vec<ProblemKind>> {
    Json(kinds.to_vec())
}

/// The problems of all routes of this process.
#[derive(Clone)]
pub(crate) struct Kinds(pub(crate) Arc<[ProblemKind]>);

/// The read part of the Confluent Schema Registry's API over the built-in catalogue.
pub(crate) async fn registry(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, REGISTRY_BODY_MAX).await else {
        return Problem::BodyTooLarge.into_response();
    };
    let path = parts.uri.path().strip_prefix("/registry").unwrap_or("");
    let path = if path.is_empty() { "/" } else { path };
    match codec::registry::answer(parts.method.as_str(), path, parts.uri.query(), &body) {
        None => Problem::RouteUnknown.into_response(),
        Some(answer) => {
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
            response
        }
    }
}

/// Answers with the OpenAPI document of all merged routes.
pub(crate) fn document(api: &OpenApi) -> impl Fn() -> std::future::Ready<Response> + Clone + Send + Sync + 'static {
    let text = api.to_json().unwrap_or_default();
    let text: std::sync::Arc<str> = text.into();
    move || {
        let body = Body::from(text.to_string());
        std::future::ready(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }
}

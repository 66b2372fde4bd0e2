//! Serving HTTP: one listener, graceful end.

use std::future::IntoFuture;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::{Shutdown, telemetry};

/// How long running requests may take to finish after the wish to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);

/// Serves `router` until the wish to stop, then lets running requests finish for at most 30 seconds.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> std::io::Result<()> {
    let wish = shutdown.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move { wish.wait().await }).into_future();
    let deadline = async {
        shutdown.wait().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        result = server => result,
        () = deadline => {
            tracing::warn!("Some requests did not finish in time and were cut off.");
            Ok(())
        }
    }
}

/// The routes that every process has: `/healthz` (alive) and `/metrics`.
pub fn process_routes() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/metrics", get(|| async { telemetry::metrics_text() }))
}

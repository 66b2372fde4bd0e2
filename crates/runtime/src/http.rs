//! Serving HTTP: one listener, bounded in connections and in patience, graceful end.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::tls::TlsListener;
use crate::{Shutdown, telemetry};

/// How long running requests may take to finish after the wish to stop.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// Connections that are served at once; further ones wait to be accepted. Below the usual limit of open files.
const CONNECTIONS_MAX: usize = 512;
/// A connection whose next request does not have its whole head in this time is closed, whether it is slow or idle.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Pause after a connection could not be accepted, so that a lack of open files does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until the wish to stop, then lets running requests finish for at most 30 seconds.
///
/// How long a body may take is the matter of whoever reads it: files of any size are pushed here.
///
/// # Errors
/// None at present: a listener that fails to accept is asked again.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) -> std::io::Result<()> {
    serve_within(listener, None, router, shutdown, HEAD_MAX).await;
    Ok(())
}

/// As [`serve`], to clients with certificates only: each request carries a [`ClientCertificate`](crate::tls::ClientCertificate)
/// in its extensions.
/// `refused` is told of each connection that was refused because of its certificate.
pub async fn serve_tls(listener: TcpListener, tls: TlsListener, refused: Refused, router: Router, shutdown: Shutdown) {
    serve_within(listener, Some((tls, refused)), router, shutdown, HEAD_MAX).await;
}

/// Is told that a connection was refused because of its certificate.
pub type Refused = Arc<dyn Fn() + Send + Sync>;

/// Counts a connection that was not made, and tells of it, when that was because of its certificate: see [`TlsListener::accept`].
/// What broke, took too long or brought something else is neither: a load balancer that only knocks was not refused.
pub fn note_not_made(error: &std::io::Error, refused: &Refused) {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        metrics::counter!("isthmus_tls_refused_connections_total").increment(1);
        refused();
    }
}

async fn serve_within(
    listener: TcpListener,
    tls: Option<(TlsListener, Refused)>,
    router: Router,
    shutdown: Shutdown,
    head_max: Duration,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.wait() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (tls, router, shutdown) = (tls.clone(), router.clone(), shutdown.clone());
                connections.spawn(async move {
                    let _ = stream.set_nodelay(true);
                    match tls {
                        None => converse(stream, router, &shutdown, head_max).await,
                        Some((tls, refused)) => match tls.accept(stream).await {
                            Ok((stream, certificate)) => {
                                // A router around the router, so that a connection costs one layer and not one for each route.
                                let router = Router::new().fallback_service(router).layer(Extension(certificate));
                                converse(stream, router, &shutdown, head_max).await;
                            }
                            Err(error) => {
                                tracing::debug!(%error, "A TLS connection was not made.");
                                note_not_made(&error, &refused);
                            }
                        },
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "An HTTP connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_MAX, drained).await.is_err() {
        tracing::warn!("Some requests did not finish in time and were cut off.");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    router: Router,
    shutdown: &Shutdown,
    head_max: Duration,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // The peer's doing: it went away, was too slow or did not speak HTTP.
        tracing::debug!(%error, "An HTTP connection ended.");
    }
}

/// The routes that every process has: `/healthz` (alive) and `/metrics`.
pub fn process_routes() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/metrics", get(|| async { telemetry::metrics_text() }))
}

#[cfg(test)]
mod tests {
    use std::io::Error;
    use std::io::ErrorKind::{ConnectionReset, InvalidData, PermissionDenied, TimedOut, UnexpectedEof};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_connection_refused_because_of_its_certificate_is_counted_and_told_and_no_other_is() {
        telemetry::init(telemetry::LogFormat::Text, "off");
        let told = Arc::new(AtomicUsize::new(0));
        let tells = Arc::clone(&told);
        let refused: Refused = Arc::new(move || {
            tells.fetch_add(1, Ordering::Relaxed);
        });
        for kind in [UnexpectedEof, ConnectionReset, TimedOut, InvalidData] {
            note_not_made(&Error::from(kind), &refused);
        }
        assert_eq!(told.load(Ordering::Relaxed), 0);
        note_not_made(&Error::from(PermissionDenied), &refused);
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert!(telemetry::metrics_text().contains("isthmus_tls_refused_connections_total"));
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_is_not_waited_for_and_running_requests_are() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let slow = get(|| async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            "done"
        });
        let shutdown = Shutdown::new();
        let router = process_routes().route("/slow", slow);
        let server = tokio::spawn(serve_within(listener, None, router, shutdown.clone(), Duration::from_millis(300)));
        let mut idle = TcpStream::connect(address).await.expect("connected");
        let mut begun = TcpStream::connect(address).await.expect("connected");
        begun.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.expect("written");
        let mut running = TcpStream::connect(address).await.expect("connected");
        running.write_all(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").await.expect("written");
        for waiting in [&mut idle, &mut begun] {
            let mut rest = Vec::new();
            let closed = tokio::time::timeout(Duration::from_secs(10), waiting.read_to_end(&mut rest)).await;
            closed.expect("the server ends it").ok();
            assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
        }
        shutdown.begin();
        let mut answer = String::new();
        running.read_to_string(&mut answer).await.expect("read");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
        server.await.expect("stopped");
    }
}

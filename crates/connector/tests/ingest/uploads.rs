//! A body that comes in pieces over connections that break is the same body.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::request::Builder;
use axum::http::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::Value;
use sha2::{Digest, Sha256};
use test_support::wait_for;
use tokio::net::{TcpListener, TcpStream};

use crate::bad_input::Refusals;
use crate::hub::{Hub, counters, scan};

const PIECE: &str = "application/offset+octet-stream";

fn ask(method: &str, path: &str) -> Builder {
    let request = Request::builder().method(method).uri(path);
    request.header("authorization", "Bearer token-scans").header("tus-resumable", "1.0.0")
}

fn header<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn begin(hub: &Hub, length: usize) -> String {
    let request = ask("POST", "/v1/feeds/scans/uploads").header("upload-length", length);
    let response = hub.response(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((response.status().as_u16(), header(&response, "tus-resumable")), (201, "1.0.0"));
    assert!(header(&response, "upload-expires").ends_with(" GMT"));
    header(&response, "location").to_owned()
}

async fn offset(hub: &Hub, upload: &str) -> usize {
    let response = hub.response(ask("HEAD", upload).body(Body::empty()).expect("a request")).await;
    assert_eq!((response.status().as_u16(), header(&response, "cache-control")), (200, "no-store"));
    header(&response, "upload-offset").parse().expect("a number")
}

async fn send(hub: &Hub, upload: &str, offset: usize, piece: impl Into<Body>) -> Response<Body> {
    let request = ask("PATCH", upload).header("upload-offset", offset).header("content-type", PIECE);
    hub.response(request.body(piece.into()).expect("a request")).await
}

/// A piece whose connection breaks behind these bytes.
fn broken(bytes: &[u8]) -> Body {
    let pieces = [Ok(Bytes::copy_from_slice(bytes)), Err(std::io::Error::other("the connection is gone"))];
    Body::from_stream(stream::iter(pieces))
}

fn scans(count: usize) -> Vec<u8> {
    (0..count).map(|n| scan(&format!("U{n}"), "13800000001", "36.5") + "\n").collect::<String>().into_bytes()
}

async fn receipt(hub: &Hub, path: &str) -> Value {
    wait_for("the receipt", async || {
        let (status, receipt) = hub.get("scans", path).await;
        (status == 200 && receipt["state"] == "done").then_some(receipt)
    })
    .await
}

#[tokio::test]
async fn an_upload_goes_on_where_the_connection_broke_and_has_the_receipt_of_one_push() {
    let hub = Hub::start().await;
    let body = scans(50);
    let upload = begin(&hub, body.len()).await;
    assert_eq!(send(&hub, &upload, 0, broken(&body[..1000])).await.status(), 204);
    assert_eq!(offset(&hub, &upload).await, 1000);
    let repeated = send(&hub, &upload, 0, body[..1000].to_vec()).await;
    assert_eq!(repeated.status(), 409, "what arrived is not sent again");

    // Another process finds the upload as it was.
    let hub = Hub::start_on(hub.database, hub.store, hub.raw_dir).await;
    assert_eq!(offset(&hub, &upload).await, 1000);
    let last = send(&hub, &upload, 1000, body[1000..].to_vec()).await;
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset")), (204, body.len().to_string().as_str()));
    let of_upload = receipt(&hub, header(&last, "content-location")).await;
    assert_eq!(counters(&of_upload), [50, 50, 0, 0, 0, 50], "{of_upload}");

    let events = hub.events().await.len();
    let (status, mut of_push) = hub.push("scans", body).await;
    assert_eq!((status, &of_push["repeated"]), (200, &Value::Bool(true)));
    of_push["repeated"] = Value::Bool(false);
    assert_eq!(of_push, of_upload);
    assert_eq!(hub.events().await.len(), events);
}

/// Hands connections on to an address, and cuts each of the first ones after so many bytes.
async fn bad_line(to: SocketAddr, cuts: usize, bytes_max: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for number in 0.. {
            let (near, _) = listener.accept().await.expect("a connection");
            tokio::spawn(async move {
                let far = TcpStream::connect(to).await.expect("connects");
                let ((near_read, mut near_write), (mut far_read, mut far_write)) =
                    (near.into_split(), far.into_split());
                let bytes_max = if number < cuts { bytes_max } else { u64::MAX };
                let mut forth = tokio::io::AsyncReadExt::take(near_read, bytes_max);
                // Whichever ends first ends both.
                tokio::select! {
                    _ = tokio::io::copy(&mut forth, &mut far_write) => {}
                    _ = tokio::io::copy(&mut far_read, &mut near_write) => {}
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_ours_gets_its_file_over_a_line_that_breaks() {
    let Some(client) = test_support::confluent_client() else { return };
    let hub = Hub::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let far = listener.local_addr().expect("an address");
    let router = hub.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    let near = bad_line(far, 4, 150_000).await;
    let body = scans(5_000);
    let file = test_support::scratch_dir("tus").join("scans.ndjson");
    std::fs::write(&file, &body).expect("written");
    let url = format!("http://{near}/v1/feeds/scans/uploads");
    let words = [url, "token-scans".to_owned(), file.display().to_string()];
    let run = move || client.run("tus_upload.py", &words.each_ref().map(String::as_str));
    let printed = tokio::task::spawn_blocking(run).await.expect("uploaded");
    let upload = printed.trim().split_once(&near.to_string()).expect("an address").1.to_owned();
    let response = hub.response(ask("HEAD", &upload).body(Body::empty()).expect("a request")).await;
    let of_upload = receipt(&hub, header(&response, "content-location")).await;
    assert_eq!(counters(&of_upload)[..2], [5_000, 5_000], "{of_upload}");
    let (status, of_push) = hub.push("scans", body).await;
    assert_eq!((status, &of_push["batch_id"]), (200, &of_upload["batch_id"]));
}

#[tokio::test]
async fn a_piece_with_a_wrong_checksum_is_not_kept() {
    let hub = Hub::start().await;
    let body = scans(3);
    let upload = begin(&hub, body.len()).await;
    for (digest, status, then) in [(Sha256::digest("other"), 460, 0), (Sha256::digest(&body), 204, body.len())] {
        let request = ask("PATCH", &upload).header("upload-offset", 0).header("content-type", PIECE);
        let request = request.header("upload-checksum", format!("sha256 {}", STANDARD.encode(digest)));
        let response = hub.response(request.body(body.clone().into()).expect("a request")).await;
        assert_eq!((response.status().as_u16(), offset(&hub, &upload).await), (status, then));
    }
}

#[tokio::test]
async fn an_upload_that_is_refused_counts_as_a_push_that_is() {
    let hub = Hub::start().await;
    let refusals = Refusals::default();
    let _recorder = metrics::set_default_local_recorder(&refusals);
    // Lines of old Macintoshes, refused when they are read; and what is no archive, refused when it is complete.
    let body = format!("{0}\r{0}\r", scan("s1", "13800000001", "36.5")).into_bytes();
    let upload = begin(&hub, body.len()).await;
    assert_eq!(send(&hub, &upload, 0, body).await.status(), 204);
    let day = wait_for("the refusal", async || {
        let (_, quality) = hub.get("scans", "/v1/feeds/scans/quality").await;
        quality["days"].get(0).cloned()
    })
    .await;
    assert_eq!(day["refusals"], serde_json::json!({ "line-ends": 1 }));
    assert_eq!(refusals.0.load(Ordering::Relaxed), 1);
    let request = ask("POST", "/v1/feeds/scans/uploads").header("upload-length", 9).header("content-type", PIECE);
    let request = request.header("upload-metadata", format!("encoding {}", STANDARD.encode("gzip")));
    let response = hub.response(request.body(Body::from("not gzip.")).expect("a request")).await;
    assert_eq!((response.status().as_u16(), refusals.0.load(Ordering::Relaxed)), (400, 2));
}

#[tokio::test]
async fn an_upload_opens_to_its_feed_only_and_says_what_is_wrong() {
    let hub = Hub::start().await;
    let upload = begin(&hub, 10).await;
    let foreign =
        Request::head(&upload).header("authorization", "Bearer token-tickets").header("tus-resumable", "1.0.0");
    assert_eq!(hub.response(foreign.body(Body::empty()).expect("a request")).await.status(), 403);
    let version = Request::head(&upload).header("authorization", "Bearer token-scans");
    assert_eq!(hub.response(version.body(Body::empty()).expect("a request")).await.status(), 412);
    let kind = ask("PATCH", &upload).header("upload-offset", 0).body(Body::from("x")).expect("a request");
    assert_eq!(hub.response(kind).await.status(), 415);
    assert_eq!(send(&hub, &upload, 0, "longer than it said").await.status(), 409);
    let large = ask("POST", "/v1/feeds/scans/uploads").header("upload-length", 1_u64 << 40);
    assert_eq!(hub.response(large.body(Body::empty()).expect("a request")).await.status(), 413);
    let end = ask("DELETE", &upload).body(Body::empty()).expect("a request");
    assert_eq!(hub.response(end).await.status(), 204);
    let gone = ask("HEAD", &upload).body(Body::empty()).expect("a request");
    assert_eq!(hub.response(gone).await.status(), 404);
    let left = std::fs::read_dir(hub.raw_dir.join(".uploads/scans")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn uploads_that_nobody_goes_on_with_give_way_and_complete_ones_do_not_count() {
    let hub = Hub::start().await;
    let body = scans(1);
    let complete = begin(&hub, body.len()).await;
    assert_eq!(send(&hub, &complete, 0, body).await.status(), 204);
    for _ in 0..64 {
        begin(&hub, 100).await;
    }
    let request = || ask("POST", "/v1/feeds/scans/uploads").header("upload-length", 100).body(Body::empty());
    assert_eq!(hub.response(request().expect("a request")).await.status(), 503);
    // Ten minutes later the idlest of them makes room.
    let folder = hub.raw_dir.join(".uploads").join("scans");
    let statements = || {
        let files = folder.read_dir().expect("a folder").flatten().map(|entry| entry.path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "json"))
    };
    let unfinished = |path: &std::path::PathBuf| path.with_extension("part").exists();
    let idle = statements().find(unfinished).expect("unfinished");
    let mut statement: Value = serde_json::from_slice(&std::fs::read(&idle).expect("read")).expect("JSON");
    statement["touched_ms"] = (statement["touched_ms"].as_i64().expect("a number") - 600_000).into();
    std::fs::write(&idle, statement.to_string()).expect("written");
    begin(&hub, 100).await;
    assert!(!idle.exists());
    assert_eq!(statements().filter(unfinished).count(), 64);
    assert_eq!(hub.response(request().expect("a request")).await.status(), 503);
}

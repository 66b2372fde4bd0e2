//! A hub that is killed between a receipt and the word of it still tells its sender.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use test_support::wait_for;

use crate::site::{Site, free_port, scan};

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_between_receipt_and_delivery_tells_its_sender_after_the_next_start() {
    let port = free_port();
    let built_in = include_str!("../../services/connector-community/profiles/gate-scans.toml");
    let profile = format!("{built_in}\n[webhook]\nurl = \"http://127.0.0.1:{port}/receipts\"\n");
    let mut site = Site::start("", &[("gate-scans.toml", profile)]).await;
    let token = site.feed_token("gate-scans");
    let body = [scan("w-1", "2022-03-01 08:02:11"), scan("w-2", "yesterday")].join("\n");
    let (status, receipt) = site.push("gate-scans", "", &token, body).await;
    assert_eq!(status, 201, "{receipt}");
    // Nobody listens at the address yet.
    site.kill();

    let told: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
    let keep = Arc::clone(&told);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        keep.lock().expect("no panic").push((headers, body));
        StatusCode::NO_CONTENT
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/receipts", post(take))).await });
    site.run().await;
    wait_for("the sender to be told", async || !told.lock().expect("no panic").is_empty()).await;
    let (headers, body) = told.lock().expect("no panic").remove(0);
    let message: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(message["type"], "receipt.done");
    assert_eq!(message["data"]["batch_id"], receipt["batch_id"]);
    assert_eq!((&message["data"]["accepted"], &message["data"]["quarantined"]), (&1.into(), &1.into()));
    let signature = headers["webhook-signature"].to_str().expect("text");
    assert!(signature.starts_with("v1,") && site.admin(&["feed", "secret", "gate-scans"]).starts_with("whsec_"));
}

//! Memory does not grow with the body. A process of its own, because what is looked at is the peak of a process.

#[path = "ingest/hub.rs"]
#[expect(dead_code, reason = "shared with tests that need all of it")]
mod hub;

use std::convert::Infallible;
use std::fs;

use axum::body::{Body, Bytes};
use futures_util::stream;

use hub::{Hub, counters};

/// Bytes of a row, and a few more.
const ROW_BYTES: usize = 1_000;
/// Rows that fill every queue of the way.
const FEW: usize = 10_000;
/// Rows of a body six times as large.
const MANY: usize = 60_000;
/// Less than the difference between the two bodies, by far.
const GROWTH_KIB_MAX: u64 = 20 << 10;

/// Pushes a body that is never in memory as a whole; gives by how much the process grew meanwhile at most.
async fn push(hub: &Hub, name: &'static str, rows: usize) -> u64 {
    let line = move |row: usize| {
        let note = "x".repeat(ROW_BYTES);
        let line = format!(
            r#"{{"record_id":"{name}{row}","gate_id":"G1","scan_time":"2022-03-01 08:02:11","phone":"13812345678","note":"{note}"}}"#
        );
        Ok::<_, Infallible>(Bytes::from(line + "\n"))
    };
    // The kernel forgets the peak, which is then what is in memory now (proc_pid_clear_refs(5)).
    fs::write("/proc/self/clear_refs", "5").expect("the peak is forgotten");
    let before = peak_kib();
    let (status, receipt) = hub.push("scans", Body::from_stream(stream::iter((0..rows).map(line)))).await;
    assert_eq!((status, counters(&receipt)[..2].to_vec()), (201, vec![rows as i64; 2]), "{receipt}");
    peak_kib().saturating_sub(before)
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the state of this process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    peak.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_takes_the_memory_of_a_small_one() {
    let hub = Hub::start().await;
    push(&hub, "warm", FEW).await;
    let few = push(&hub, "few", FEW).await;
    let many = push(&hub, "many", MANY).await;
    assert!(many < few + GROWTH_KIB_MAX, "{FEW} rows took {few} KiB more, {MANY} rows {many} KiB");
}

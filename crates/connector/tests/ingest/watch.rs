//! Files in a directory are pushed as by HTTP, and nothing of them is lost or doubled.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::watch::{Watch, watch};
use serde_json::Value;
use test_support::{scratch_dir, wait_for};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::hub::{Hub, gb18030, ticket, ticket_file};

struct Watcher {
    folder: PathBuf,
    stop: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

impl Watcher {
    fn start(hub: &Hub, root: &Path) -> Self {
        let stop = CancellationToken::new();
        let setup = Watch { root: root.to_owned(), steady: Duration::from_millis(400) };
        let task = tokio::spawn(watch(Arc::clone(&hub.ingest), setup, stop.clone()));
        Self { folder: root.join("tickets"), stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic").expect("folders");
    }

    async fn put(&self, name: &str, bytes: &[u8]) {
        wait_for("the inbox", async || self.folder.join("inbox").exists()).await;
        std::fs::write(self.folder.join("inbox").join(name), bytes).expect("written");
    }

    async fn await_file(&self, path: &str) -> Vec<u8> {
        wait_for(path, async || std::fs::read(self.folder.join(path)).ok()).await
    }

    async fn receipt(&self, path: &str) -> Value {
        serde_json::from_slice(&self.await_file(path).await).expect("JSON")
    }

    fn names(&self, place: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join(place)).expect("a folder");
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn a_file_is_read_and_its_failed_rows_lie_in_rejects() {
    let hub = Hub::start().await;
    let watcher = Watcher::start(&hub, &scratch_dir("watch"));
    let bad = ticket("E2", "王芳", "2022-03-01 10:00:00").replace("11010519491231002X", "110105194912310021");
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00"), bad.clone()]);
    watcher.put("tickets.csv", &file).await;
    watcher.put("still-coming.csv.part", b"half").await;
    let read = watcher.await_file("done/tickets.csv").await;
    assert_eq!(read, file);
    let receipt = watcher.receipt("done/tickets.csv.receipt.json").await;
    assert_eq!((receipt["accepted"].as_i64(), receipt["quarantined"].as_i64()), (Some(1), Some(1)), "{receipt}");
    let rejects = watcher.names("rejects");
    let failed = rejects.iter().find(|name| name.ends_with(".failed.csv")).expect("a file of failed rows");
    let failed = std::fs::read(watcher.folder.join("rejects").join(failed)).expect("read");
    let (header, row) = (gb18030("票号"), gb18030(&bad));
    assert!(failed.starts_with(&header) && failed.windows(row.len()).any(|piece| piece == row));
    assert_eq!(watcher.names("inbox"), ["still-coming.csv.part"]);

    watcher.put("wrong.csv", b"a,b,c\n1,2,3\n").await;
    let refusal = watcher.receipt("rejects/wrong.csv.receipt.json").await;
    assert_eq!(refusal["refusal"]["code"], "header-mismatch", "{refusal}");
    watcher.await_file("rejects/wrong.csv").await;
    watcher.end().await;
}

#[tokio::test]
async fn a_file_that_is_still_being_written_is_left_alone() {
    let hub = Hub::start().await;
    let watcher = Watcher::start(&hub, &scratch_dir("watch"));
    let rows: Vec<String> = (0..8).map(|n| ticket(&format!("W{n}"), "张伟", "2022-03-01 10:00:00")).collect();
    // Each of these is a sound file, too: only waiting tells that it is not the whole.
    for written in 1..=rows.len() {
        watcher.put("growing.csv", &ticket_file(&rows[..written])).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let receipt = watcher.receipt("done/growing.csv.receipt.json").await;
    assert_eq!(receipt["accepted"], 8, "{receipt}");
    assert_eq!(watcher.names("done"), ["growing.csv", "growing.csv.receipt.json"]);
    watcher.end().await;
}

#[tokio::test]
async fn what_was_read_before_a_crash_is_not_read_twice_after_it() {
    let hub = Hub::start().await;
    let root = scratch_dir("watch");
    let file = ticket_file(&[ticket("E1", "张伟", "2022-03-01 10:00:00")]);
    // The process before pushed the file and died before it moved it.
    let (status, before) = hub.push("tickets", file.clone()).await;
    assert_eq!(status, 201);
    let events = hub.events().await.len();
    let watcher = Watcher::start(&hub, &root);
    watcher.put("again.csv", &file).await;
    let receipt = watcher.receipt("done/again.csv.receipt.json").await;
    assert_eq!((&receipt["batch_id"], &receipt["repeated"]), (&before["batch_id"], &Value::Bool(true)));
    watcher.await_file("done/again.csv").await;
    // Another file of the same name keeps the first.
    watcher.put("again.csv", &ticket_file(&[ticket("E2", "王芳", "2022-03-01 10:00:00")])).await;
    watcher.await_file("done/again.csv.2").await;
    assert_eq!(watcher.receipt("done/again.csv.2.receipt.json").await["accepted"], 1);
    assert_eq!(hub.count(domain::EventType::TripSegment).await, 2);
    assert!(hub.events().await.len() > events);
    watcher.end().await;
}

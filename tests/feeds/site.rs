//! A hub as a process of its own, on a database of its own.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use serde_json::Value;
use test_support::{TestDatabase, database, postgres, scratch_dir, wait_for};

/// A line of gate scans.
pub(crate) fn scan(id: &str, time: &str) -> String {
    format!(
        r#"{{"record_id":"{id}","gate_id":"G1","seq":1,"scan_time":"{time}","direction":"in","decision":"pass","code":"green","temp":36.5,"card":"C-0001"}}"#
    )
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// A hub with all that belongs to it. The process is there or not.
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
    pub(crate) base: String,
    process: Option<Child>,
    _database: TestDatabase,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Site {
    /// Starts a hub whose configuration has some more lines, and profiles of its own.
    pub(crate) async fn start(more: &str, profiles: &[(&str, String)]) -> Self {
        let (dir, database) = (scratch_dir("feeds"), database().await);
        let socket = postgres().await.socket_dir().display().to_string().replace('/', "%2F");
        let http = free_port();
        let feeds = dir.join("profiles");
        std::fs::create_dir_all(&feeds).expect("a folder");
        for (name, text) in profiles {
            std::fs::write(feeds.join(name), text).expect("a profile");
        }
        let text = format!(
            "data_dir = \"{dir}\"\nfeed_dir = \"{feeds}\"\nhttp_listen = \"127.0.0.1:{http}\"\nmllp_listen = \"127.0.0.1:0\"\n\
             database_url = \"postgres://postgres@{socket}/{name}\"\npartitions = 2\n{more}",
            dir = dir.display(),
            feeds = feeds.display(),
            name = database.name(),
        );
        std::fs::write(dir.join("isthmus.toml"), text).expect("a configuration");
        let base = format!("http://127.0.0.1:{http}");
        let mut site = Self { dir, base, process: None, _database: database };
        site.run().await;
        site
    }

    /// Starts the process, and waits until it answers.
    pub(crate) async fn run(&mut self) {
        let log = File::options().create(true).append(true).open(self.dir.join("hub.log")).expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(["serve", "--config"])
            .arg(self.dir.join("isthmus.toml"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.process = Some(child.expect("the binary runs"));
        let ready = format!("{}/readyz", self.base);
        wait_for("the hub to be ready", async || {
            reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success())
        })
        .await;
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // `kill` is SIGKILL.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Runs a command of the binary, and gives what it prints.
    pub(crate) fn admin(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(words)
            .arg("--config")
            .arg(self.dir.join("isthmus.toml"))
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A token of a feed.
    pub(crate) fn feed_token(&self, feed: &str) -> String {
        self.admin(&["token", "feed", "--feed", feed])
    }

    /// Pushes a body.
    pub(crate) async fn push(
        &self,
        feed: &str,
        query: &str,
        token: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let request = Client::new().post(format!("{}/v1/feeds/{feed}/batches{query}", self.base));
        answer(request.bearer_auth(token).body(body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        answer(Client::new().get(format!("{}{path}", self.base)).bearer_auth(token)).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> (u16, Value) {
        answer(Client::new().post(format!("{}{path}", self.base)).bearer_auth(token).json(body)).await
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

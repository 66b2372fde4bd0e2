//! Python clients that are not ours: Confluent's as a reader of our topics, and one of the upload protocol tus.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Confluent's Python client with its Avro deserializer, in the environment that `.ci/setup test` makes.
#[derive(Clone, Debug)]
pub struct ConfluentClient {
    python: PathBuf,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The client. Where it is not installed the test is skipped loudly, or fails when `CI=true`.
///
/// # Panics
/// When `CI` is set and the client is missing.
pub fn confluent_client() -> Option<ConfluentClient> {
    let python = repository().join("target/python/bin/python");
    if python.exists() {
        return Some(ConfluentClient { python });
    }
    assert!(std::env::var_os("CI").is_none(), "no Python client: run .ci/setup test");
    eprintln!("SKIPPED 1 test: no Python client; `.ci/setup test` installs it");
    None
}

impl ConfluentClient {
    /// Runs another script of `tests/clients` and gives what it prints. It blocks.
    ///
    /// # Panics
    /// When it cannot be run, or fails.
    pub fn run(&self, script: &str, words: &[&str]) -> String {
        let output = Command::new(&self.python)
            .arg(repository().join("tests/clients").join(script))
            .args(words)
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .expect("Python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs `tests/clients/confluent_decode.py` and gives what it prints: one JSON object a line. It blocks.
    ///
    /// # Panics
    /// When the client cannot be run, or a message does not decode.
    pub fn decode(&self, words: &[&str], input: &str) -> Vec<String> {
        let mut child = Command::new(&self.python)
            .arg(repository().join("tests/clients/confluent_decode.py"))
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("Python ends");
        let lines = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{lines}");
        lines.lines().map(str::to_owned).collect()
    }
}

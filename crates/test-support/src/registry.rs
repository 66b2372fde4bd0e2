//! A real schema registry that is not ours: Apicurio Registry, by the API of Confluent's, one per test process.

use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::scratch::{self, must};

const START_MAX: Duration = Duration::from_secs(240);
/// Where Apicurio Registry speaks as Confluent's.
const API: &str = "/apis/ccompat/v7";

/// The address of the registry of this test process; started at the first call, or the one that `SCHEMA_REGISTRY_URL` names.
/// `None` when there is none on this machine: the test says so loudly and ends.
///
/// # Panics
/// When it does not start, and when it is missing while `CI=true`.
pub async fn schema_registry() -> Option<&'static str> {
    static REGISTRY: OnceCell<Option<String>> = OnceCell::const_new();
    let registry = REGISTRY.get_or_init(find_or_start).await.as_deref();
    if registry.is_none() {
        let missing = "no schema registry is there (run .ci/registry/fetch, or set SCHEMA_REGISTRY_URL)";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
        let _ = writeln!(std::io::stderr(), "SKIPPED 1 test: {missing}");
    }
    registry
}

/// Registers a schema (its JSON text) under a subject, and gives its id.
///
/// # Panics
/// When the registry refuses.
pub async fn register_schema(registry: &str, subject: &str, schema: &str) -> u32 {
    let (host, path) = must(registry.trim_start_matches("http://").split_once('/').ok_or("no path"), "the address");
    let body = format!("{{\"schema\":\"{}\"}}", schema.replace('\\', "\\\\").replace('"', "\\\""));
    let head = format!(
        "POST /{path}/subjects/{subject}/versions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let answer = must(ask(host, &format!("{head}{body}")).await, "asking the registry");
    let id = answer.split_once("\"id\":").map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect());
    let id: String = must(id.ok_or(answer), "registering a schema");
    must(id.parse(), "reading the id of a schema")
}

async fn find_or_start() -> Option<String> {
    if let Ok(url) = std::env::var("SCHEMA_REGISTRY_URL") {
        return Some(url);
    }
    let jar = jar()?;
    let listener = must(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)), "finding a free port");
    let port = must(listener.local_addr(), "finding a free port").port();
    drop(listener);
    let dir = scratch::scratch_dir("registry");
    let log = || Stdio::from(must(fs::File::create(dir.join("registry.log")), "making the registry's log"));
    let child = Command::new("java")
        .args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
        .args([format!("-Dquarkus.http.port={port}").as_str(), "-Dquarkus.http.host=127.0.0.1", "-jar"])
        .arg(&jar)
        .stdin(Stdio::null())
        .stdout(log())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = must(child, "starting java");
    scratch::after_the_end(&format!("kill -9 {}", child.id()));
    if let Err(reason) = await_ready(&mut child, port).await {
        let _ = child.kill();
        let _ = child.wait();
        let log = fs::read_to_string(dir.join("registry.log")).unwrap_or_default();
        panic!("the schema registry does not start: {reason}: {log}");
    }
    Some(format!("http://127.0.0.1:{port}{API}"))
}

async fn await_ready(child: &mut Child, port: u16) -> Result<(), String> {
    let started = Instant::now();
    while !is_ready(port).await.unwrap_or(false) {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended ({status})"));
        }
        if started.elapsed() > START_MAX {
            return Err("it does not answer".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn jar() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/registry");
    let jars = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    jars.into_iter().find(|path| path.to_string_lossy().ends_with("-runner.jar"))
}

async fn is_ready(port: u16) -> std::io::Result<bool> {
    let request = format!("GET {API}/subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    Ok(ask(&format!("127.0.0.1:{port}"), &request).await?.starts_with("HTTP/1.1 200"))
}

async fn ask(host: &str, request: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

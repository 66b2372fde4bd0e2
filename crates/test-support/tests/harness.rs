//! The harness gives what it promises.

use std::path::Path;
use std::process::Command;

use sqlx::Row;
use test_support::{build, database, database_prepared, kafka, wait_for};

#[tokio::test]
async fn every_database_is_its_own() {
    let (one, two) = (database().await, database().await);
    assert_ne!(one.name(), two.name());
    sqlx::raw_sql("CREATE TABLE mine ()").execute(&one.pool()).await.expect("table in one");
    sqlx::raw_sql("CREATE TABLE mine ()").execute(&two.pool()).await.expect("table in two");
}

#[tokio::test]
async fn a_prepared_database_is_prepared_once_and_copied() {
    let prepare = async |pool: sqlx::PgPool| {
        sqlx::raw_sql("CREATE TABLE filled AS SELECT 5 AS n").execute(&pool).await.expect("prepare");
    };
    for _ in 0..2 {
        let database = database_prepared("harness", prepare).await;
        let row =
            sqlx::query("UPDATE filled SET n = n + 1 RETURNING n").fetch_one(&database.pool()).await.expect("row");
        assert_eq!(row.get::<i32, _>(0), 6);
    }
}

#[test]
fn builders_make_valid_events() {
    let number = build::resident_number("1987-02-28", 11);
    let event = build::person("王小明").resident(&number).phone("13812345678").event(build::meta("register", "1"));
    assert_eq!(event.meta.event_id, domain::Event::derive_id(&event.meta, event.event_type()));
    let pass = build::event(build::meta("gates", "1"), build::gate_pass(Vec::new()));
    assert_ne!(pass.meta.event_id, build::meta("gates", "1").event_id);
}

/// Runs in a process of its own, for the test below: starts the servers, tells where they are, and is killed.
#[tokio::test]
#[ignore = "the part that another test runs in a process and kills"]
async fn start_servers_and_hang() {
    let postgres = test_support::postgres().await;
    kafka().await;
    let told = std::env::var("HARNESS_TELL").expect("where to tell");
    std::fs::write(told, postgres.socket_dir().display().to_string()).expect("tell");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn servers_end_with_a_test_process_that_is_killed() {
    let told = test_support::scratch_dir("harness").join("told");
    let mut child = Command::new(std::env::current_exe().expect("test binary"))
        .args(["--ignored", "--exact", "start_servers_and_hang"])
        .env("HARNESS_TELL", &told)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("second test process");
    let data_dir = wait_for("the other process starts its servers", async || {
        std::fs::read_to_string(&told).ok().filter(|text| !text.is_empty())
    })
    .await;
    let data_dir = Path::new(&data_dir).to_owned();
    let pid_file = std::fs::read_to_string(data_dir.join("postmaster.pid")).expect("pid file");
    let pid = pid_file.lines().next().expect("pid").to_owned();
    assert!(Path::new("/proc").join(&pid).exists());
    child.kill().expect("kill");
    child.wait().expect("wait");
    wait_for("the server ends", async || !Path::new("/proc").join(&pid).exists()).await;
    wait_for("its folder is removed", async || !data_dir.exists()).await;
}

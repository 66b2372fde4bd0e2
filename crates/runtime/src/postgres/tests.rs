use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A directory that the account of the server can reach.
fn open_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("directory");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("mode");
    dir
}

async fn number(postgres: &PrivatePostgres, statement: &'static str) -> i64 {
    let mut connection = PgConnection::connect_with(&postgres.connect_options("hub")).await.expect("connect");
    let row = sqlx::query(statement).fetch_one(&mut connection).await.expect("statement");
    row.get(0)
}

async fn run(postgres: &PrivatePostgres, statement: &'static str) {
    let mut connection = PgConnection::connect_with(&postgres.connect_options("hub")).await.expect("connect");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("statement");
}

#[tokio::test]
async fn data_survive_a_stop_and_a_crash() {
    let dir = open_dir();
    let options = PostgresOptions::durable(dir.path().join("pg"));
    let postgres = PrivatePostgres::start(&options).await.expect("first start");
    postgres.create_database("hub", None).await.expect("new database");
    postgres.create_database("hub", None).await.expect("the same database again");
    run(&postgres, "CREATE TABLE kept AS SELECT 7::bigint AS n").await;
    postgres.stop().await.expect("stop");

    let postgres = PrivatePostgres::start(&options).await.expect("second start");
    assert_eq!(number(&postgres, "SELECT n FROM kept").await, 7);
    run(&postgres, "UPDATE kept SET n = 8").await;
    postgres.server.abort();
    postgres.ended().await;
    drop(postgres);

    let postgres = PrivatePostgres::start(&options).await.expect("start after a crash");
    assert_eq!(number(&postgres, "SELECT n FROM kept").await, 8);
    postgres.stop().await.expect("stop");
}

#[tokio::test]
async fn a_data_directory_serves_one_process_at_a_time() {
    let dir = open_dir();
    let options = PostgresOptions::for_tests(dir.path().join("pg"));
    let first = PrivatePostgres::start(&options).await.expect("start");
    let error = PrivatePostgres::start(&options).await.expect_err("in use");
    assert!(matches!(error, PostgresError::InUse { .. }), "{error}");
    first.stop().await.expect("stop");
}

#[tokio::test]
async fn a_pid_file_of_another_life_does_not_stop_a_start() {
    let dir = open_dir();
    let options = PostgresOptions::for_tests(dir.path().join("pg"));
    PrivatePostgres::start(&options).await.expect("start").stop().await.expect("stop");
    // The number is a living process's, and not a server's: our own.
    let text = format!("{}\n{}\n", std::process::id(), options.data_dir.display());
    fs::write(options.data_dir.join("postmaster.pid"), text).expect("pid file");
    PrivatePostgres::start(&options).await.expect("start beside a stale file").stop().await.expect("stop");
}

#[tokio::test]
async fn a_deep_data_directory_gets_a_short_socket() {
    let dir = open_dir();
    let deep = dir.path().join("x".repeat(60)).join("y".repeat(60));
    let postgres = PrivatePostgres::start(&PostgresOptions::for_tests(&deep)).await.expect("start");
    assert!(postgres.socket_dir().as_os_str().len() < 60);
    postgres.create_database("hub", None).await.expect("database");
    assert_eq!(number(&postgres, "SELECT 1::bigint").await, 1);
    let socket_dir = postgres.socket_dir().to_owned();
    postgres.stop().await.expect("stop");
    fs::remove_dir_all(socket_dir).expect("remove");
}

#[tokio::test]
async fn what_is_not_a_data_directory_is_left_alone() {
    let dir = open_dir();
    let data_dir = dir.path().join("pg");
    fs::create_dir(&data_dir).expect("directory");
    fs::write(data_dir.join("letter.txt"), "mine").expect("file");
    let error = PrivatePostgres::start(&PostgresOptions::for_tests(&data_dir)).await.expect_err("refused");
    assert!(matches!(error, PostgresError::NotADataDirectory { .. }), "{error}");
    assert!(data_dir.join("letter.txt").exists());
}

#[tokio::test]
async fn without_an_installation_the_error_says_what_to_install() {
    let dir = open_dir();
    let mut options = PostgresOptions::for_tests(dir.path().join("pg"));
    options.bin_dir = Some(dir.path().to_owned());
    let error = PrivatePostgres::start(&options).await.expect_err("no binaries");
    assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
}

#[tokio::test]
async fn values_of_a_failing_statement_stay_out_of_the_log() {
    let dir = open_dir();
    let postgres = PrivatePostgres::start(&PostgresOptions::for_tests(dir.path().join("pg"))).await.expect("start");
    postgres.create_database("hub", None).await.expect("database");
    run(&postgres, "CREATE TABLE one (name text PRIMARY KEY); INSERT INTO one VALUES ('secret-name')").await;
    let mut connection = PgConnection::connect_with(&postgres.connect_options("hub")).await.expect("connect");
    let insert = sqlx::query("INSERT INTO one VALUES ($1)").bind("secret-name").execute(&mut connection).await;
    assert!(insert.is_err());
    drop(connection);
    let data_dir = dir.path().join("pg");
    postgres.stop().await.expect("stop");
    let logs: String = fs::read_dir(data_dir.join("log"))
        .expect("log folder")
        .map(|entry| fs::read_to_string(entry.expect("entry").path()).expect("log"))
        .collect();
    assert!(logs.contains("duplicate key"), "the failure itself is logged: {logs}");
    assert!(!logs.contains("secret-name"), "{logs}");
}

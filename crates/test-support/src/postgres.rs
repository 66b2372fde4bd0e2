//! One private PostgreSQL per test process, one database per test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtime::postgres::{PostgresOptions, PrivatePostgres};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::{Mutex, OnceCell};

use crate::scratch::{self, must};

/// The PostgreSQL of this test process; started at the first call.
///
/// # Panics
/// When it does not start: without PostgreSQL there is nothing to test.
pub async fn postgres() -> &'static PrivatePostgres {
    static POSTGRES: OnceCell<PrivatePostgres> = OnceCell::const_new();
    POSTGRES.get_or_init(start).await
}

async fn start() -> PrivatePostgres {
    let data_dir = scratch::scratch_dir("postgres").join("data");
    let options = PostgresOptions::for_tests(&data_dir);
    copy_template(&data_dir).await;
    match PrivatePostgres::start(&options).await {
        Ok(postgres) => postgres,
        // The template is of another version than the one installed now.
        Err(_) => {
            let _ = fs::remove_dir_all(&data_dir);
            must(PrivatePostgres::start(&options).await, "starting PostgreSQL for the tests")
        }
    }
}

/// Copies an initialised data directory, which is several times faster than making one; the first test process makes it.
async fn copy_template(data_dir: &Path) {
    let template = scratch::root().join("postgres-template-1");
    let lock = must(
        tokio::task::spawn_blocking(|| scratch::lock("postgres-template-1.making")).await,
        "waiting for the PostgreSQL template",
    );
    if !template.exists() {
        let made = scratch::scratch_dir("postgres-template").join("data");
        let postgres = PrivatePostgres::start(&PostgresOptions::for_tests(&made)).await;
        must(must(postgres, "starting PostgreSQL").stop().await, "stopping PostgreSQL");
        must(fs::rename(&made, &template), "keeping the PostgreSQL template");
    }
    drop(lock);
    scratch::copy(&template, data_dir);
}

/// A database of its own for one test.
#[derive(Clone, Debug)]
pub struct TestDatabase {
    name: String,
    options: PgConnectOptions,
}

impl TestDatabase {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How to connect to it.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// A pool of up to 10 connections, which are made when they are needed. A pool belongs to the test (its
    /// runtime) that made it.
    pub fn pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(10).connect_lazy_with(self.connect_options())
    }
}

/// A new empty database.
///
/// # Panics
/// When it cannot be made.
pub async fn database() -> TestDatabase {
    copy_of(None).await
}

/// A new database that is a copy of one which `prepare` filled; that happens once per test process and `template` name.
///
/// # Panics
/// When it cannot be made.
pub async fn database_prepared(template: &str, prepare: impl AsyncFnOnce(PgPool)) -> TestDatabase {
    static PREPARED: Mutex<BTreeSet<String>> = Mutex::const_new(BTreeSet::new());
    let mut prepared = PREPARED.lock().await;
    let name = format!("template_{template}");
    if !prepared.contains(&name) {
        let postgres = postgres().await;
        must(postgres.create_database(&name, None).await, "making a template database");
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(postgres.connect_options(&name));
        prepare(pool.clone()).await;
        // A database is copied only while nobody is connected to it.
        pool.close().await;
        prepared.insert(name.clone());
    }
    copy_of(Some(&name)).await
}

async fn copy_of(template: Option<&str>) -> TestDatabase {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let postgres = postgres().await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    must(postgres.create_database(&name, template).await, "making a test database");
    let options = postgres.connect_options(&name);
    TestDatabase { name, options }
}

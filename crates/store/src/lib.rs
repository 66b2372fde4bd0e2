//! What the hub keeps in PostgreSQL: views, receipts, callers. The only home of SQL, but for the event log's table.
//!
//! One database holds several schemas. `ingest`, `access` and `lineage` are made by migrations. `views` holds the active
//! projection; while it is rebuilt, `views_next` holds the one to come, and afterwards `views_previous` the one
//! before. Statements name the tables of views without a schema: the search path of the connection chooses.
//!
//! Functions are free functions on a connection, one module per concern. A transaction is begun by
//! [`Store::begin`] and dropped to undo it.
//!
//! Not here: which event changes what (`projector`), who may see a row (`access`).

pub mod appeals;
pub mod audit;
pub mod budgets;
pub mod callers;
pub mod consumers;
pub mod contests;
pub mod devices;
pub mod feed_tokens;
pub mod figures;
pub mod grants;
pub mod ingest;
mod instant;
pub mod lineage;
pub mod marks;
pub mod mending;
pub mod names;
pub mod profiles;
pub mod quality;
pub mod quarantine;
pub mod receipts;
pub mod reprocess;
pub mod runs;
pub mod seen;
pub mod suspicions;
pub mod system;
pub mod verdicts;
pub mod views;
pub mod webhooks;
pub mod weighed;

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{Connection, Postgres};

pub use instant::PgInstant;
pub use sqlx::PgConnection as Conn;

/// Why the store did not do it. No text of an error holds a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL refused or could not be reached.
    #[error("the database refused or could not be reached")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A stored document does not have the shape that this version reads.
    #[error("the column {column} holds a document of another shape")]
    Document {
        /// Table and column.
        column: &'static str,
        /// What did not fit. It may quote a value, so it is not printed with the error.
        #[source]
        source: serde_json::Error,
    },
    /// A column holds a code that this version does not know.
    #[error("the column {0} holds an unknown code")]
    Code(&'static str),
    /// The checkpoint is not where the writer left it: another writer moved it, or the views were exchanged.
    #[error("the checkpoint was moved by another writer, or the views were exchanged")]
    CheckpointMoved,
    /// The views are not there.
    #[error("the schema {0} does not exist")]
    NoViews(&'static str),
}

impl Error {
    /// The SQLSTATE code when the database refused the data itself (classes 22 data, 23 integrity, 54 limits): the same
    /// data will be refused again.
    pub fn refused_data(&self) -> Option<String> {
        let Self::Database(sqlx::Error::Database(error)) = self else { return None };
        let code = error.code()?;
        ["22", "23", "54"].iter().any(|class| code.starts_with(class)).then(|| code.into_owned())
    }
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A connection that lay idle for longer is asked whether it is still there before it is used.
const IDLE_UNTESTED_MAX: Duration = Duration::from_secs(1);

/// A pool of connections to the hub's database.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    options: PgConnectOptions,
}

impl Store {
    /// Connects, with at most `connections_max` connections. Every connection finds the tables of the active views
    /// by their bare names.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(options: PgConnectOptions, connections_max: u32) -> Result<Self> {
        let options = options.application_name("isthmus");
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(Duration::from_secs(10))
            // A question before every use would be a quarter of the round trips of a read.
            .test_before_acquire(false)
            .before_acquire(|conn, used| {
                Box::pin(async move {
                    if used.idle_for > IDLE_UNTESTED_MAX {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options.clone().options([("search_path", views::Schema::Active.name())]))
            .await?;
        Ok(Self { pool, options })
    }

    /// Brings the schemas up to date and creates the views when there are none. Safe to call from several processes
    /// at once.
    ///
    /// # Errors
    /// When a migration fails, or one that was applied has been changed since.
    pub async fn migrate(&self) -> Result<()> {
        // Not from the pool: its search path would put the table of migrations into a schema that a rebuild exchanges.
        let options = self.options.clone().options([("search_path", "public")]);
        let mut conn = PgConnection::connect_with(&options).await?;
        sqlx::migrate!("./migrations").run(&mut conn).await?;
        let mut tx = conn.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(locks::MIGRATE).execute(&mut *tx).await?;
        if !views::exists(&mut tx, views::Schema::Active).await? {
            views::create(&mut tx, views::Schema::Active).await?;
        }
        views::build_missing(&mut tx).await?;
        tx.commit().await?;
        conn.close().await?;
        Ok(())
    }

    /// The pool, for parts that bring their own statements (the event log's table).
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of the pool.
    ///
    /// # Errors
    /// When none is free within ten seconds or the database cannot be reached.
    pub async fn acquire(&self) -> Result<sqlx::pool::PoolConnection<Postgres>> {
        Ok(self.pool.acquire().await?)
    }

    /// Begins a transaction. Its name is a label of the metric that holds how long transactions take.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self, name: &'static str) -> Result<Transaction> {
        let inner = begun(&self.pool, "BEGIN").await?;
        Ok(Transaction { inner, name, began: Instant::now() })
    }

    /// One state of the views for an answer of several statements. It waits while views are exchanged, because what is read
    /// by name must be of this state.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        const BEGIN: &str =
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE lineage.views_gate IN ACCESS SHARE MODE";
        Ok(begun(&self.pool, BEGIN).await?)
    }
}

/// Begins a transaction in a task of its own. Whoever waits may be gone before the database answers, such as a caller who
/// hangs up; the connection would go back to the pool within a transaction, since only one that was seen to begin is undone.
async fn begun(pool: &PgPool, begin: &'static str) -> Result<sqlx::Transaction<'static, Postgres>, sqlx::Error> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(begin).await });
    begun.await.unwrap_or(Err(sqlx::Error::PoolClosed))
}

/// One state of the views, whatever is written or exchanged meanwhile. Dropping it ends it.
pub type Snapshot = sqlx::Transaction<'static, Postgres>;

/// A transaction; dropped without [`Transaction::commit`] it is undone.
#[derive(Debug)]
pub struct Transaction {
    inner: sqlx::Transaction<'static, Postgres>,
    name: &'static str,
    began: Instant,
}

impl Transaction {
    /// Makes it durable.
    ///
    /// # Errors
    /// When the database does not confirm; whether it was committed is then unknown.
    pub async fn commit(self) -> Result<()> {
        let (name, began) = (self.name, self.began);
        let result = self.inner.commit().await;
        let outcome = if result.is_ok() { "committed" } else { "failed" };
        metrics::histogram!("isthmus_store_transaction_seconds", "name" => name, "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        Ok(result?)
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}

/// Keys of PostgreSQL's advisory locks. One registry, so that no two uses share a key.
pub mod locks {
    /// Held while the views are first created.
    pub const MIGRATE: i64 = 0x1577_6d75_0000_0001;
    /// Held by the one projector that writes the active views.
    pub const PROJECTOR: i64 = 0x1577_6d75_0000_0002;
    /// Held while an operator changes the linkage model.
    pub const MODEL: i64 = 0x1577_6d75_0000_0010;
    /// Held while one decision about a pair of records is made.
    pub const DECIDING: i64 = 0x1577_6d75_0000_0011;
    /// Held while one step in a follow-up is taken.
    pub const FOLLOWING_UP: i64 = 0x1577_6d75_0000_0012;
    /// Held by the one rebuild that runs.
    pub const REBUILD: i64 = 0x1577_6d75_0000_0003;
    /// Held until commit by a transaction that writes or exchanges the active views.
    pub const WRITING: i64 = 0x1577_6d75_0000_0004;
}

/// A lock of PostgreSQL that lasts as long as its own connection. Dropping it gives it up as soon as the server sees that the
/// connection is gone; [`SessionLock::release`] gives it up at once.
#[derive(Debug)]
pub struct SessionLock(PgConnection);

impl SessionLock {
    /// Takes the lock when nobody holds it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn try_take(store: &Store, key: i64) -> Result<Option<Self>> {
        let mut conn = PgConnection::connect_with(&store.options).await?;
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key).fetch_one(&mut conn).await?;
        if taken {
            return Ok(Some(Self(conn)));
        }
        conn.close().await?;
        Ok(None)
    }

    /// Gives the lock up: when this returns, another can take it.
    ///
    /// # Errors
    /// When the database cannot be reached; the lock then ends with the connection.
    pub async fn release(mut self) -> Result<()> {
        sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut self.0).await?;
        self.0.close().await?;
        Ok(())
    }

    /// Whether the connection, and with it the lock, is still there.
    pub async fn is_held(&mut self) -> bool {
        self.0.ping().await.is_ok()
    }
}

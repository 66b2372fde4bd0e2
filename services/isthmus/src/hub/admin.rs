//! What an admin command works on: the database and the ledger of a hub that runs, or its own for as long as it takes.

use anyhow::Context;
use ledger::{LedgerClient, LedgerHandle};
use ledger_service::Witnessing;
use runtime::keys;
use runtime::postgres::PrivatePostgres;
use store::Store;

use super::{ADDRESS_FILE, DATABASE, database, ledger_options, remote_ledger};
use crate::config::Config;

/// Connections of an admin command.
const ADMIN_CONNECTIONS_MAX: u32 = 8;

/// A database for an admin command: that of a running hub, or the hub's own, started for the command.
pub(crate) struct AdminDatabase {
    /// The database.
    pub(crate) store: Store,
    postgres: Option<PrivatePostgres>,
}

impl AdminDatabase {
    /// Connects; a hub that runs on the same data directory is not disturbed.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let running = match &config.database_url {
            Some(_) => None,
            None => PrivatePostgres::connect_options_of_running(&config.data_dir.join("postgres"), DATABASE),
        };
        if let Some(options) = running
            && let Ok(store) = Store::connect(options, ADMIN_CONNECTIONS_MAX).await
        {
            return Ok(Self { store, postgres: None });
        }
        keys::passable_dir(&config.data_dir).context("the data directory cannot be made")?;
        let (postgres, options) = database(config).await?;
        let store = Store::connect(options, ADMIN_CONNECTIONS_MAX).await.context("the database cannot be reached")?;
        store.migrate().await.context("the database cannot be brought up to date")?;
        Ok(Self { store, postgres })
    }

    /// Disconnects, and stops what was started.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.store.pool().close().await;
        if let Some(postgres) = self.postgres {
            postgres.stop().await?;
        }
        Ok(())
    }
}

/// The ledger for an admin command: its own directory, or that of the process that holds it, over HTTP. The handle is to be
/// closed at the end.
pub(crate) async fn ledger_of_admin(config: &Config) -> anyhow::Result<(LedgerClient, Option<LedgerHandle>)> {
    if let Some(url) = &config.ledger_url {
        return Ok((LedgerClient::Remote(remote_ledger(url, &config.keys())?), None));
    }
    let options = ledger_options(config);
    match tokio::task::spawn_blocking(move || LedgerHandle::open(&options)).await? {
        Ok(handle) => {
            let witnessing = Witnessing::begin(&handle, config.witnesses()?).await;
            witnessing.context("the ledger's witnesses do not agree")?;
            Ok((LedgerClient::Local(handle.clone()), Some(handle)))
        }
        Err(ledger::LedgerError::Locked(_)) => {
            let address = std::fs::read_to_string(config.data_dir.join(ADDRESS_FILE));
            let address = address.unwrap_or_else(|_| config.http_listen.to_string());
            let url = format!("http://{}", address.trim());
            Ok((LedgerClient::Remote(remote_ledger(&url, &config.keys())?), None))
        }
        Err(error) => Err(error).context("the ledger cannot be opened"),
    }
}

//! What operators do from a terminal, on record: an entry in the access log before anything is told or changed.

use anyhow::{Context, ensure};
use ledger::{Access, Code, LedgerClient, LedgerHandle, Matter, Nonce, PolicyHash, Released, Stamper};

use crate::config::Config;
use crate::hub;

/// The access log, and who acts.
pub(crate) struct OnRecord {
    client: LedgerClient,
    /// The ledger, when this command opened it.
    own: Option<LedgerHandle>,
    operator: Code,
}

impl OnRecord {
    /// Who acts: the handle given, or the name of the account. To be asked for before anything is opened.
    pub(crate) fn operator_of(handle: Option<&str>) -> anyhow::Result<Code> {
        let operator = handle.map(str::to_owned).or_else(|| std::env::var("USER").ok()).unwrap_or_default();
        let operator = operator.trim();
        ensure!(!operator.is_empty(), "this is put on record: say who you are with --handle HANDLE");
        Code::parse(operator)
            .context("--handle stands in the access log: 1 to 64 letters, digits and - _ . : / and no long number")
    }

    /// Opens the access log of a hub that runs or does not run.
    pub(crate) async fn open(config: &Config, operator: Code) -> anyhow::Result<Self> {
        let (client, own) = hub::ledger_of_admin(config).await?;
        Ok(Self { client, own, operator })
    }

    /// Handle of the one who acts.
    pub(crate) fn operator(&self) -> &str {
        self.operator.as_str()
    }

    /// Puts on record what is done, and only then gives `value` out. `records` is how many records it was made from.
    pub(crate) async fn give<T>(
        &self,
        action: &str,
        records: usize,
        matter: Option<Matter>,
        value: T,
    ) -> anyhow::Result<T> {
        let code = |text: &str| Code::parse(text).context("a code of the access log");
        let access = Access {
            stamp: Stamper::start().stamp(hub::now()),
            actor: self.operator.clone(),
            unit: code("command-line")?,
            role: code("operator")?,
            action: code(action)?,
            purpose: Some(code("HOPERAT")?),
            case: None,
            policy: PolicyHash(*access::Policy::builtin()?.hash().as_bytes()),
            request: Nonce::random(),
        };
        let released = Released { count: records as u64, matter, ..Released::default() };
        let given = self.client.disclose(access.disclose(value, released)).await;
        let (value, _receipt) = given.context("it cannot be put on record, so it is not done")?.into_parts();
        Ok(value)
    }

    /// Closes the access log where this command opened it.
    pub(crate) async fn close(self) {
        if let Some(own) = self.own {
            own.close().await;
        }
    }
}

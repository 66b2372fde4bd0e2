//! What operators do, from a terminal or over HTTP, on record: an entry in the access log before anything is told or changed.

use access::{Role, TokenHash};
use anyhow::{Context, ensure};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use clap::Args;
use ledger::{Access, Code, LedgerClient, LedgerHandle, Nonce, PolicyHash, Receipt, Released, Stamper};

use store::{Store, callers};

use crate::config::Config;
use crate::{hub, rules};

/// Who does something that is put on record.
#[derive(Clone, Debug, Args)]
pub(crate) struct OperatorArgs {
    /// Your handle in the access log: letters, digits and - _ . : /; without it the name of the account.
    #[arg(long, env = "ISTHMUS_OPERATOR")]
    handle: Option<String>,
}

/// Why a request is not an operator's.
#[derive(Debug)]
pub(crate) enum NoOperator {
    /// Its token is nobody's.
    Unknown,
    /// It is somebody else's; the refusal is on record.
    OfAnother(Receipt),
    /// The register cannot be read.
    Register(store::Error),
    /// The refusal cannot be put on record.
    NotOnRecord(anyhow::Error),
}

/// The operator that a request comes from, with the access log that the act goes to. Somebody else's wish to do `action` is
/// put on record, too.
pub(crate) async fn operator_of(
    (store, ledger, policy): (&Store, &LedgerClient, PolicyHash),
    headers: &HeaderMap,
    action: &str,
) -> Result<OnRecord, NoOperator> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.ok_or(NoOperator::Unknown)?;
    let found = async {
        let mut conn = store.acquire().await?;
        callers::find_by_token(&mut conn, &TokenHash::of(token)).await
    };
    let caller = found.await.map_err(NoOperator::Register)?.ok_or(NoOperator::Unknown)?;
    let part = |text: &str| code(text).map_err(NoOperator::NotOnRecord);
    let actor =
        Actor { handle: part(&caller.handle)?, unit: part(&caller.organisation)?, role: part(caller.role.code())? };
    let record = OnRecord::of(ledger.clone(), actor, policy);
    if caller.role == Role::Operator {
        return Ok(record);
    }
    let refused = record.refuse(action, "not-entitled").await.map_err(NoOperator::NotOnRecord)?;
    Err(NoOperator::OfAnother(refused))
}

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 300;

/// Reads a reason: short, and without a number of a person.
pub(crate) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if text.is_empty() || text.chars().count() > REASON_CHARS_MAX || digits > 10 {
        return Err(format!("a reason has 1 to {REASON_CHARS_MAX} characters and no number of a person"));
    }
    Ok(text.to_owned())
}

/// The access log, and who acts.
pub(crate) struct OnRecord {
    client: LedgerClient,
    /// The ledger, when this command opened it.
    own: Option<LedgerHandle>,
    actor: Actor,
    /// The policies in force.
    policy: PolicyHash,
}

/// Who acts, as the access log names it.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    /// Handle of the one who acts.
    pub(crate) handle: Code,
    /// For whom.
    pub(crate) unit: Code,
    /// In which role.
    pub(crate) role: Code,
}

impl OperatorArgs {
    /// Who acts: the handle given, or the name of the account. To be asked for before anything is opened.
    pub(crate) fn operator(&self) -> anyhow::Result<Code> {
        let operator = self.handle.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_default();
        let operator = operator.trim();
        ensure!(!operator.is_empty(), "this is put on record: say who you are with --handle HANDLE");
        Code::parse(operator)
            .context("--handle stands in the access log: 1 to 64 letters, digits and - _ . : / and no long number")
    }
}

impl OnRecord {
    /// Opens the access log of a hub that runs or does not run.
    pub(crate) async fn open(config: &Config, operator: Code) -> anyhow::Result<Self> {
        let actor = Actor { handle: operator, unit: code("command-line")?, role: code("operator")? };
        let (client, own) = hub::ledger_of_admin(config).await?;
        let policy = PolicyHash(*rules::policy(config.permits.as_deref())?.hash().as_bytes());
        Ok(Self { client, own, actor, policy })
    }

    /// The access log of this process, for a caller that it knows.
    pub(crate) const fn of(client: LedgerClient, actor: Actor, policy: PolicyHash) -> Self {
        Self { client, own: None, actor, policy }
    }

    /// The access log itself. What is read there is given out by [`OnRecord::give`].
    pub(crate) const fn client(&self) -> &LedgerClient {
        &self.client
    }

    /// Handle of the one who acts.
    pub(crate) fn operator(&self) -> &str {
        self.actor.handle.as_str()
    }

    /// Puts on record what is done, and only then gives `value` out, with the entry's receipt. `released` is what the value
    /// was made from.
    pub(crate) async fn give<T>(&self, action: &str, released: Released, value: T) -> anyhow::Result<(T, Receipt)> {
        let given = self.client.disclose(self.access(action)?.disclose(value, released)).await;
        Ok(given.context("it cannot be put on record, so it is not done")?.into_parts())
    }

    /// Puts on record that somebody asked for what is not theirs to do.
    pub(crate) async fn refuse(&self, action: &str, reason: &str) -> anyhow::Result<Receipt> {
        let refused = self.client.refuse(self.access(action)?.refuse(code(reason)?, Vec::new())).await;
        Ok(refused.context("the refusal cannot be put on record")?.receipt().clone())
    }

    fn access(&self, action: &str) -> anyhow::Result<Access> {
        let Actor { handle, unit, role } = self.actor.clone();
        Ok(Access {
            stamp: Stamper::start().stamp(hub::now()),
            actor: handle,
            unit,
            role,
            action: code(action)?,
            purpose: Some(code("HOPERAT")?),
            case: None,
            policy: self.policy,
            request: Nonce::random(),
        })
    }

    /// Closes the access log where this command opened it.
    pub(crate) async fn close(self) {
        if let Some(own) = self.own {
            own.close().await;
        }
    }
}

/// The header that carries the id of the ledger's receipt.
const RECEIPT: HeaderName = HeaderName::from_static("isthmus-receipt");

/// An answer that says where its entry is.
pub(crate) fn receipted(answer: impl IntoResponse, receipt: &Receipt) -> Response {
    let mut response = answer.into_response();
    if let Ok(id) = HeaderValue::from_str(&receipt.id()) {
        response.headers_mut().insert(RECEIPT, id);
    }
    response
}

fn code(text: &str) -> anyhow::Result<Code> {
    Code::parse(text).context("a code of the access log")
}

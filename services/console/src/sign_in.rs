//! Who a visitor is: what the tokens of a session open, asked of the register each time.

use access::{Caller, TokenHash};
use oidc::Oidc;
use runtime::problem::ProblemKind;
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{callers, feed_tokens};

use crate::guests::{DemoRoleView, Guest};
use crate::problem::{SIGN_IN_REFUSED, SIGN_IN_UNAVAILABLE};
use crate::routes::Console;

/// A session as the browser is told of it: no token, nothing personal.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SessionView {
    /// Somebody is signed in.
    signed_in: bool,
    /// What the caller is, such as `cdc-tracer`; `department` where only feeds are open.
    role: Option<&'static str>,
    /// Opaque name of the caller.
    handle: Option<String>,
    /// The organisation that answers for the caller.
    organisation: Option<String>,
    /// The community unit of the caller.
    unit: Option<String>,
    /// Feeds that are open.
    feeds: Vec<String>,
    /// The demo role that was chosen.
    demo: Option<String>,
    /// Demo roles that can be chosen; none outside of the demo.
    demo_roles: Vec<DemoRoleView>,
    /// Staff sign in at an OpenID provider.
    has_provider: bool,
}

impl SessionView {
    /// Handle of the caller.
    pub(crate) fn handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// Whether anything is open to the visitor.
    pub(crate) const fn is_signed_in(&self) -> bool {
        self.signed_in
    }
}

/// What a token opens: a caller's, or a feed's.
pub(crate) async fn guest_of(console: &Console, token: &str) -> Result<Guest, ProblemKind> {
    if caller(console, token).await?.is_some() {
        return Ok(Guest { caller: Some(token.to_owned()), ..Guest::default() });
    }
    match feed(console, token).await? {
        Some(feed) => Ok(Guest { feeds: [(feed, token.to_owned())].into(), ..Guest::default() }),
        None => Err(SIGN_IN_REFUSED),
    }
}

/// The session as the browser sees it.
pub(crate) async fn view(console: &Console, guest: Option<Guest>) -> Result<SessionView, ProblemKind> {
    let mut view = SessionView {
        demo_roles: console.demo_roles().views(),
        has_provider: console.setup().oidc.as_ref().is_some_and(Oidc::has_login),
        ..SessionView::default()
    };
    let Some(guest) = guest else { return Ok(view) };
    let caller = match &guest.caller {
        Some(token) => caller(console, token).await?,
        None => None,
    };
    view.signed_in = caller.is_some() || !guest.feeds.is_empty();
    view.role = caller.as_ref().map(|caller| caller.role.code());
    view.role = view.role.or((!guest.feeds.is_empty()).then_some(access::Role::Department.code()));
    if let Some(Caller { handle, organisation, unit, .. }) = caller {
        (view.handle, view.organisation, view.unit) = (Some(handle), Some(organisation), unit);
    }
    view.feeds = guest.feeds.into_keys().collect();
    view.demo = guest.demo;
    Ok(view)
}

async fn caller(console: &Console, token: &str) -> Result<Option<Caller>, ProblemKind> {
    let setup = console.setup();
    if let Some(provider) = setup.oidc.as_ref().filter(|_| Oidc::is_token(token)) {
        let now = u64::try_from((setup.clock)().as_millis() / 1_000).unwrap_or(0);
        return Ok(provider.caller(token, now).await.ok());
    }
    let found = async {
        let mut conn = setup.store.acquire().await?;
        callers::find_by_token(&mut conn, &TokenHash::of(token)).await
    };
    let caller = found.await.map_err(unavailable)?;
    Ok(caller.filter(|caller| setup.oidc.is_none() || !caller.role.is_of_staff()))
}

async fn feed(console: &Console, token: &str) -> Result<Option<String>, ProblemKind> {
    let found = async {
        let mut conn = console.setup().store.acquire().await?;
        feed_tokens::find_feed(&mut conn, &Sha256::digest(token.as_bytes()).into()).await
    };
    found.await.map_err(unavailable)
}

fn unavailable(error: store::Error) -> ProblemKind {
    tracing::error!(%error, "The register could not be read for a sign-in.");
    SIGN_IN_UNAVAILABLE
}

//! Tokens of callers and feeds: issued, listed, revoked. A token is shown once; only its hash is kept.

use std::process::ExitCode;

use access::{Caller, Role, TokenHash, bearer_token};
use anyhow::{Context, ensure};
use domain::{ClaimToken, FeedId, PersonId};
use runtime::keys;
use store::{Store, callers, feed_tokens};

use crate::cli::{CallerTokenArgs, CommonArgs, FeedTokenArgs, HandleArgs, TokenCommand, TokenRevokeArgs};
use crate::config::Config;
use crate::hub::{self, ALL_SERVICES, AdminDatabase};

/// Callers and tokens that `token list` prints at most.
const LISTED_MAX: i64 = 10_000;

pub(crate) async fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Caller(args) => caller(args).await?,
        TokenCommand::Feed(args) => feed(args).await?,
        TokenCommand::List(args) => list(&args).await?,
        TokenCommand::Revoke(args) => revoke(args).await?,
        TokenCommand::Disable(args) => disable(&args).await?,
        TokenCommand::Enable(args) => enable(&args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn caller(args: CallerTokenArgs) -> anyhow::Result<()> {
    let roles = Role::ALL.iter().map(|role| role.code()).collect::<Vec<_>>().join(", ");
    let role = Role::from_code(&args.role).with_context(|| format!("there is no such role; there are {roles}"))?;
    ensure!(role != Role::CommunityWorker || args.unit.is_some(), "a community worker needs --unit");
    ensure!(role != Role::Resident || args.person.is_some(), "a resident needs --person, the id of the own file");
    let has_own = role == Role::Resident || role.is_of_staff();
    ensure!(has_own || args.person.is_none(), "only residents and staff have --person, the id of the own file");
    for (option, text) in
        [("--handle", Some(&args.handle)), ("--organisation", Some(&args.organisation)), ("--unit", args.unit.as_ref())]
    {
        let fits = text.is_none_or(|text| ledger::Code::parse(text).is_ok());
        ensure!(fits, "{option} stands in the access log: 1 to 64 letters, digits and - _ . / and no long number");
    }
    let joined = args.unit.as_ref().map(|unit| format!("{}/{unit}", args.organisation));
    let fits = joined.is_none_or(|joined| ledger::Code::parse(&joined).is_ok());
    ensure!(fits, "--organisation and --unit stand together in the access log: at most 63 characters in all");
    ensure!(
        !args.handle.contains('/'),
        "--handle stands in the access log: 1 to 64 letters, digits and - _ . and no long number"
    );
    let config = Config::resolve(&args.common)?;
    ensure!(
        // The row says which file is the own one; its token opens nothing where there is a provider.
        config.oidc.is_none() || !role.is_of_staff() || args.person.is_some(),
        "this deployment has an OpenID provider (key oidc): staff come from there, and the hub issues them no tokens"
    );
    let database = AdminDatabase::open(&config).await?;
    let known = callers::find_by_handle(&mut *database.store.acquire().await?, &args.handle).await?.is_some();
    ensure!(
        args.replace || !known,
        "there is a caller {}: choose another handle, or replace caller and token with --replace",
        args.handle
    );
    let own_claim = args.person.map(|person| ClaimToken::from(PersonId::from_uuid(person).as_record()));
    let caller = Caller { handle: args.handle, organisation: args.organisation, role, unit: args.unit, own_claim };
    println!("{}", issue_caller(&database.store, &caller).await?);
    database.close().await
}

async fn feed(args: FeedTokenArgs) -> anyhow::Result<()> {
    let feed = FeedId::parse(&args.feed).context("a feed name is 2 to 64 of a-z, 0-9 and -")?;
    let config = Config::resolve(&args.common)?;
    let feeds = hub::feeds(&ALL_SERVICES, config.feed_dir.as_deref())?;
    let names = || feeds.iter().map(|feed| feed.id().as_str()).collect::<Vec<_>>().join(", ");
    ensure!(feeds.iter().any(|known| *known.id() == feed), "there is no feed {feed}; there are {}", names());
    let database = AdminDatabase::open(&config).await?;
    println!("{}", issue_feed(&database.store, &feed, &args.label).await?);
    database.close().await
}

async fn list(args: &CommonArgs) -> anyhow::Result<()> {
    let database = AdminDatabase::open(&Config::resolve(args)?).await?;
    let mut conn = database.store.acquire().await?;
    for listed in callers::list(&mut conn, LISTED_MAX).await? {
        let callers::ListedCaller { caller, disabled_at } = listed;
        let state = disabled_at.map_or_else(|| "open".to_owned(), |at| format!("revoked {at}"));
        let unit = caller.unit.as_deref().unwrap_or("-");
        println!("caller\t{}\t{}\t{}\t{unit}\t{state}", caller.handle, caller.role.code(), caller.organisation);
    }
    for token in feed_tokens::list(&mut conn, LISTED_MAX).await? {
        let state = token.revoked_at.map_or_else(|| "open".to_owned(), |at| format!("revoked {at}"));
        println!("feed\t{}\t{}\t{state}", token.feed, token.label);
    }
    drop(conn);
    database.close().await
}

async fn revoke(args: TokenRevokeArgs) -> anyhow::Result<()> {
    let config = Config::resolve(&args.common)?;
    let database = AdminDatabase::open(&config).await?;
    if let Some(handle) = args.handle {
        let done = callers::disable(&mut *database.store.acquire().await?, &handle, hub::now()).await?;
        ensure!(done, "there is no caller {handle} with an open token; `isthmus token list` names them");
        println!("The token of {handle} opens nothing any more.");
        if config.oidc.is_some() {
            println!("Tokens of the OpenID provider go on: `isthmus token disable {handle}` puts the caller out.");
        }
    } else if let Some(feed) = args.feed {
        let feed = FeedId::parse(&feed).context("a feed name is 2 to 64 of a-z, 0-9 and -")?;
        let done = connector::tokens::revoke(&database.store, &feed, &args.label, hub::now()).await?;
        ensure!(done > 0, "there is no open token {} of {feed}; `isthmus token list` names them", args.label);
        println!("{done} token(s) of {feed} open nothing any more.");
    }
    database.close().await
}

async fn disable(args: &HandleArgs) -> anyhow::Result<()> {
    let database = AdminDatabase::open(&Config::resolve(&args.common)?).await?;
    let done = callers::bar(&mut *database.store.acquire().await?, &args.handle, hub::now()).await;
    database.close().await?;
    let done = done.context("a handle has 1 to 64 letters, digits and - _ . and no long number")?;
    ensure!(done, "{} is out already", args.handle);
    println!(
        "{} is out, whoever issued the token. `isthmus token enable {}` takes that back.",
        args.handle, args.handle
    );
    Ok(())
}

async fn enable(args: &HandleArgs) -> anyhow::Result<()> {
    let database = AdminDatabase::open(&Config::resolve(&args.common)?).await?;
    let done = callers::unbar(&mut *database.store.acquire().await?, &args.handle).await;
    database.close().await?;
    ensure!(done?, "{} is not out", args.handle);
    println!("{} may call again.", args.handle);
    Ok(())
}

/// Issues a token for a caller and keeps its hash; a caller with this handle is replaced.
pub(crate) async fn issue_caller(store: &Store, caller: &Caller) -> anyhow::Result<String> {
    let token = bearer_token(&keys::random_bytes()?);
    callers::put(&mut *store.acquire().await?, caller, &TokenHash::of(&token)).await?;
    Ok(token)
}

/// Issues a token for a feed and keeps its hash.
pub(crate) async fn issue_feed(store: &Store, feed: &FeedId, label: &str) -> anyhow::Result<String> {
    let token = connector::tokens::token_text(&keys::random_bytes()?);
    connector::tokens::grant(store, feed, label, &token).await?;
    Ok(token)
}

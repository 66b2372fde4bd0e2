//! Person files read over HTTP: with the record in the access log durable first, and what a read costs without it.
//!
//! The hub has no switch that answers without a record, and must not get one. So what a read costs without the ledger is
//! measured on a stand-in of this bench: the same look-ups within the same walls of the same database behind the same HTTP
//! library, which makes no entry, keeps no budget and weighs nothing. Between the two stands the hub itself with its access
//! log in memory, where a sync costs nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Action, CaseReference, Decision, FieldGroup, Policy, Purpose, Request, Subject, TokenHash};
use anyhow::{Context, anyhow, ensure};
use axum::Router;
use axum::extract::{Path as PathOf, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::get;
use domain::{ClaimToken, EventType, PersonId, Timestamp};
use store::views::{self, FactFilter};
use store::{Store, lineage};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::Progress;
use crate::machine::{Took, Watch};
use crate::site::Hub;
use crate::table::{Beside, Row, Table};

/// Clients that read at once, each waiting for its answer before it asks again.
const CLIENTS: [usize; 2] = [1, 64];
/// Persons whose files are read, in turn: the first ids, which are as good as drawn.
const PERSONS: i64 = 2_000;
/// How long a kind of read runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(1);
/// A file system in memory.
const IN_MEMORY: &str = "/dev/shm";
/// Turns that the kinds of read take.
const TURNS: u32 = 5;
/// The read that the others stand beside.
const WITHOUT: &str = "without the ledger: a stand-in";
const PURPOSE: &str = "PUBHLTH";
/// A case of every generated city.
const CASE: &str = "CASE-2022-0001";

/// Who reads whose files, and for how long.
#[derive(Clone)]
struct Reads {
    client: reqwest::Client,
    token: Arc<str>,
    persons: Arc<[Uuid]>,
    time: Duration,
}

/// Measures the three kinds of read, each with few and many clients.
pub(crate) async fn measure(hub: &Hub, time: Duration, progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    let persons: Vec<Uuid> = sqlx::query_scalar("SELECT person_id FROM person ORDER BY person_id LIMIT $1")
        .bind(PERSONS)
        .fetch_all(hub.store.pool())
        .await?;
    ensure!(!persons.is_empty(), "there is nobody to read about");
    let process = hub.start(&["query-api"], &hub.data_dir()).await?;
    let words = ["token", "caller", "--role", "cdc-tracer", "--unit", "CDC-01", "--handle", "bench"];
    let reads =
        Reads { client: reqwest::Client::new(), token: process.admin(&words)?.into(), persons: persons.into(), time };
    let (base, server) = stand_in(hub.store.clone()).await?;
    for clients in CLIENTS {
        let kinds = [(WITHOUT, base.as_str()), ("with the ledger", process.base.as_str())];
        take(&reads, kinds, clients, progress, table).await?;
    }
    process.stop().await?;
    // Not beside the other: two ledgers would take turns at the search index of one database.
    if Path::new(IN_MEMORY).is_dir() {
        let dir = tempfile::Builder::new().prefix("isthmus-bench-").tempdir_in(IN_MEMORY)?;
        let process = hub.start(&["query-api"], dir.path()).await?;
        for clients in CLIENTS {
            let kinds =
                [(WITHOUT, base.as_str()), ("with the ledger in memory: nothing to sync", process.base.as_str())];
            take(&reads, kinds, clients, progress, table).await?;
        }
        process.stop().await?;
    }
    server.abort();
    table.notes.push(
        "A read is one `GET /v1/persons/{id}` of a tracer. The stand-in does its look-ups (caller, policy, case, who holds the id, person and households within row-level security, of one state of the views) and its JSON behind the same HTTP library and makes no entry; the hub itself has no way to do that. The kinds take turns, so that other work on the machine meets all of them; `core s` over `measured` is what a read costs whatever else runs.".to_owned(),
    );
    Ok(())
}

/// Measures two kinds of read in turns; the first is what the other stands beside.
async fn take(
    reads: &Reads,
    kinds: [(&'static str, &str); 2],
    clients: usize,
    progress: &Progress,
    table: &mut Table,
) -> anyhow::Result<()> {
    let plural = if clients == 1 { "client" } else { "clients" };
    progress.say(&format!("reading person files, {clients} {plural}"));
    let mut measured = [(Vec::new(), Took::default()), (Vec::new(), Took::default())];
    let turn = Reads { time: reads.time / TURNS, ..reads.clone() };
    for (_, base) in kinds {
        run(&Reads { time: WARM_UP, ..reads.clone() }, base, clients).await?;
    }
    for _ in 0..TURNS {
        for ((_, base), (waited, took)) in kinds.into_iter().zip(&mut measured) {
            let watch = Watch::start();
            waited.extend(run(&turn, base, clients).await?);
            *took += watch.read();
        }
    }
    let mut beside = None;
    for ((kind, _), (mut waited, took)) in kinds.into_iter().zip(measured) {
        waited.sort_unstable();
        let at = |share: f64| waited.get((waited.len() as f64 * share) as usize).map(|wait| wait.as_secs_f64() * 1e3);
        let what = format!("person file {kind}, {clients} {plural}");
        let row = Row::new("read", what, "reads", waited.len() as u64, took);
        let row = Row { p50_ms: at(0.5), p99_ms: at(0.99), ..row };
        let per_second = row.per_second();
        table.rows.push(Row { beside: beside.map(|per_second| Beside { what: WITHOUT, per_second }), ..row });
        beside = beside.or(Some(per_second));
    }
    Ok(())
}

/// Reads until the time is over; gives how long each read took.
async fn run(reads: &Reads, base: &str, clients: usize) -> anyhow::Result<Vec<Duration>> {
    let until = Instant::now() + reads.time;
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (reads, base) = (reads.clone(), base.to_owned());
        tasks.spawn(async move {
            let mut took = Vec::new();
            let persons = reads.persons.iter().cycle().skip(number * reads.persons.len() / clients);
            for person in persons {
                let began = Instant::now();
                if began >= until {
                    break;
                }
                let request = reads.client.get(format!("{base}/v1/persons/{person}")).bearer_auth(&reads.token);
                let response = request.header("Isthmus-Purpose", PURPOSE).header("Isthmus-Case", CASE).send().await?;
                let status = response.status();
                let body = response.bytes().await?;
                ensure!(status == 200, "{status}: {}", String::from_utf8_lossy(&body));
                took.push(began.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut took = Vec::new();
    while let Some(done) = tasks.join_next().await {
        took.extend(done??);
    }
    Ok(took)
}

/// What the stand-in answers from.
struct StandIn {
    store: Store,
    policy: Policy,
}

/// Starts the stand-in. It knows synthetic people only and lives as long as this measurement.
async fn stand_in(store: Store) -> anyhow::Result<(String, tokio::task::AbortHandle)> {
    let state = Arc::new(StandIn { store, policy: Policy::builtin()? });
    let answer = async |State(state): State<Arc<StandIn>>, PathOf(person): PathOf<Uuid>, headers: HeaderMap| match state
        .read(&headers, PersonId::from_uuid(person))
        .await
    {
        Ok(body) => Ok(([(header::CONTENT_TYPE, "application/json")], body)),
        Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}"))),
    };
    let router = Router::new().route("/v1/persons/{person_id}", get(answer)).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((base, server.abort_handle()))
}

impl StandIn {
    /// The look-ups of the hub's own read, in its order.
    async fn read(&self, headers: &HeaderMap, asked: PersonId) -> anyhow::Result<Vec<u8>> {
        let bearer = headers.get(header::AUTHORIZATION).context("a token")?.to_str()?;
        let token = TokenHash::of(bearer.trim_start_matches("Bearer "));
        let mut conn = self.store.acquire().await?;
        let caller = store::callers::find_by_token(&mut conn, &token).await?.context("a caller")?;
        let request = Request {
            action: Action::ReadPerson,
            purpose: Purpose::from_code(PURPOSE).context("a purpose")?,
            case: Some(CaseReference::parse(CASE)?),
            grant: None,
        };
        let entitlement = self.policy.entitle(&caller, &request).map_err(|refusal| anyhow!("{}", refusal.code()))?;
        let _cases = views::list_cases_named(&mut conn, CASE).await?;
        drop(conn);
        let mut conn = self.store.snapshot().await?;
        let holder = lineage::list_holders(&mut conn, asked).await?.pop().context("a holder")?;
        let current = holder.person_id;
        let subject = Subject { units: holder.units, ..Subject::default() };
        let Decision::Allowed { granted, .. } = entitlement.decide(&subject) else { return Err(anyhow!("refused")) };
        views::narrow(&mut conn, &[current]).await?;
        let person = views::find_person(&mut conn, current).await?.context("a person")?;
        let mut households = Vec::new();
        if granted.contains(FieldGroup::Household) {
            households = self.households(&mut conn, current).await?;
        }
        Ok(serde_json::to_vec(&(person.person_id, person.record_count, &person.golden, households))?)
    }

    async fn households(&self, conn: &mut store::Conn, person: PersonId) -> anyhow::Result<Vec<String>> {
        let claims = views::list_claims_of_person(conn, person, 5_000).await?;
        let mut subjects: Vec<ClaimToken> = claims.iter().map(|claim| claim.token).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let filter = FactFilter {
            subjects: &subjects,
            kinds: &[EventType::HouseholdMembership],
            from: Timestamp::from_millis(-62_135_596_800_000),
            to: Timestamp::from_millis(253_402_300_799_999),
            after: None,
            limit: 50,
            known_at: None,
        };
        let facts = views::list_facts(conn, &filter).await?;
        let holders: Vec<ClaimToken> = facts.iter().filter_map(|fact| fact.subject).collect();
        let _claimants = views::list_claims_of_tokens(conn, &holders, 50_000).await?;
        facts.iter().map(|fact| Ok(format!("{:?}", fact.body()?.event_type()))).collect()
    }
}

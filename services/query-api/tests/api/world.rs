//! A small town with a query API over a real PostgreSQL and a real ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use access::{Caller, Policy, Role, TokenHash};
use axum::Router;
use codec::Codec;
use domain::{
    Body as EventBody, ClaimToken, Decimal, DecisionReason, Edition, Event, EventType, GoldenRecord, HouseholdKind,
    HouseholdMembership, IdScheme, IdentityObserved, LinkDecided, Member, Op, PaymentMade, PersonId, PresenceInterval,
    RecordId, SourceKind, TestOutcome, TestResult, Timestamp, Verdict, stated_claims, survive, units,
};
use event_log::{EventLog, LogConfig, Positions, TopicSpec};
use ledger::{Entry, LedgerClient, LedgerHandle, OpenOptions};
use query_api::{KeyGroups, QuerySetup, QueryState, Trust};
use runtime::Shutdown;
use store::views::{
    self, Changes, FactPut, Hot, HotRow, LinkPut, ModelRow, OrderRow, PersonPut, RecordPut, ReviewPut, Standing,
};
use store::{Store, callers};
use test_support::build::{self, NOON};
use tower::ServiceExt;

pub(crate) use crate::ask::{Ask, CASE, Reply, delete, find, get, post};

pub(crate) const GRID: &str = "320506001007G03";
pub(crate) const OTHER_GRID: &str = "320506001008G01";
pub(crate) const PHONE: &str = "13812345678";
pub(crate) const SHARED_PHONE: &str = "13987654321";
/// Bob's own, which Anna merely gave as a contact.
pub(crate) const BOBS_PHONE: &str = "13700001111";
pub(crate) const ANNA_NAME: &str = "王小明";
pub(crate) const FROM_TO: &str = "from=2022-02-25T00:00:00Z&to=2022-03-05T00:00:00Z";

pub(crate) fn anna_number() -> String {
    build::resident_number("1990-01-02", 21)
}

pub(crate) fn bob_number() -> String {
    build::resident_number("1985-05-06", 33)
}

/// The person with records of a household register and a hospital, who lives in [`GRID`].
pub(crate) fn anna() -> PersonId {
    PersonId::from_oldest(build::record_id("register", "anna"))
}

/// The id that Anna's hospital record had while it was a person of its own.
pub(crate) fn anna_old() -> PersonId {
    PersonId::from_oldest(build::record_id("hospital", "anna"))
}

/// Somebody of another grid, who shares a phone with Anna.
pub(crate) fn bob() -> PersonId {
    PersonId::from_oldest(build::record_id("register", "bob"))
}

/// A person id that names nobody.
pub(crate) fn nobody() -> PersonId {
    PersonId::from_oldest(build::record_id("register", "nobody"))
}

struct Stated {
    source: &'static str,
    id: &'static str,
    kind: SourceKind,
    person: PersonId,
    statement: IdentityObserved,
}

fn statements() -> Vec<Stated> {
    let register =
        |id, person, statement| Stated { source: "register", id, kind: SourceKind::Community, person, statement };
    vec![
        register(
            "anna",
            anna(),
            build::person(ANNA_NAME)
                .resident(&anna_number())
                .phone(PHONE)
                .contact(SHARED_PHONE)
                .contact(BOBS_PHONE)
                .lives("residence-road 7", GRID)
                .build(),
        ),
        Stated {
            source: "hospital",
            id: "anna",
            kind: SourceKind::Hospital,
            person: anna(),
            statement: build::person("王晓明").resident(&anna_number()).contact(SHARED_PHONE).build(),
        },
        register(
            "bob",
            bob(),
            build::person("李四")
                .resident(&bob_number())
                .phone(BOBS_PHONE)
                .contact(SHARED_PHONE)
                .lives("other-road 1", OTHER_GRID)
                .build(),
        ),
    ]
}

fn record_puts(changes: &mut Changes) {
    let statements = statements();
    for stated in &statements {
        let record_id = build::record_id(stated.source, stated.id);
        let meta = build::meta(stated.source, stated.id);
        changes.records.push(RecordPut {
            record_id,
            source: stated.source.to_owned(),
            source_kind: stated.kind,
            stated: Some((Edition { version: 1, reading: 0 }, meta.event_id, NOON, NOON)),
            statement: Some(serde_json::to_string(&stated.statement).expect("json")),
            parts: None,
            retraction: None,
            withdrawn: None,
            person: Some(stated.person),
            batch_id: meta.batch_id,
            batch_row: 1,
        });
        for claim in stated_claims(&build::token_key(), &stated.statement) {
            changes.claims.push((record_id, claim));
        }
    }
    for person in [anna(), bob()] {
        let members: Vec<Member<'_>> = statements
            .iter()
            .filter(|stated| stated.person == person)
            .map(|stated| Member {
                record_id: build::record_id(stated.source, stated.id),
                source: stated.source,
                source_kind: stated.kind,
                first_time: NOON,
                last_time: NOON,
                statement: &stated.statement,
            })
            .collect();
        let golden: GoldenRecord = survive(&members, &domain::Survivorship::default());
        let golden = serde_json::to_string(&golden).expect("json");
        let members_of: Vec<RecordId> = members.iter().map(|member| member.record_id).collect();
        changes.persons.push(PersonPut {
            person_id: person,
            digest: store::lineage::digest(&golden, &members_of),
            golden,
            units: units(&members),
            record_count: i32::try_from(members.len()).expect("few"),
            first_time: NOON,
        });
    }
}

pub(crate) fn fact_put(changes: &mut Changes, id: &str, subject: ClaimToken, at: Timestamp, body: EventBody) {
    let kind = body.event_type();
    let mut detail = match body {
        EventBody::GatePass(body) => serde_json::to_value(body),
        EventBody::PresenceInterval(body) => serde_json::to_value(body),
        EventBody::PaymentMade(body) => serde_json::to_value(body),
        EventBody::TestResult(body) => serde_json::to_value(body),
        EventBody::HouseholdMembership(body) => serde_json::to_value(body),
        EventBody::CaseStatus(body) => serde_json::to_value(body),
        _ => panic!("a kind that no test needs yet"),
    }
    .expect("json");
    detail.as_object_mut().expect("an object").remove("subject");
    let meta = build::meta("facts", id);
    changes.facts.push(FactPut {
        record_id: meta.record_id,
        kind,
        edition: Edition { version: 1, reading: 0 },
        event_id: Event::derive_id(&meta, kind),
        source: "source-of-facts".to_owned(),
        subject: Some(subject),
        started_at: at,
        ended_at: None,
        place_id: None,
        detail: Some(detail.to_string()),
        known_at: NOON,
    });
}

fn fact_puts(changes: &mut Changes) {
    let own = ClaimToken::from(build::record_id("register", "anna"));
    let shared = build::token_key().claim_token(&build::claim(IdScheme::Msisdn, SHARED_PHONE));
    let hour = |n: i64| NOON.plus_millis(n * 3_600_000);
    fact_put(changes, "gate", own, NOON, build::gate_pass(Vec::new()).into());
    let test = TestResult { code: "health-code".to_owned(), result: TestOutcome::Negative, ..TestResult::default() };
    fact_put(changes, "test", own, hour(1), test.into());
    let payment = PaymentMade {
        amount: Some(Decimal::from_unscaled(1_250)),
        terminal_id: Some("payment-terminal".to_owned()),
        ..PaymentMade::default()
    };
    fact_put(changes, "payment", own, hour(2), payment.into());
    let household = HouseholdMembership { household_id: "household-7".to_owned(), ..HouseholdMembership::default() };
    fact_put(changes, "household", own, hour(3), household.into());
    let dormitory = HouseholdMembership {
        household_id: "dormitory-1".to_owned(),
        household_kind: HouseholdKind::Collective,
        ..HouseholdMembership::default()
    };
    fact_put(changes, "dormitory", ClaimToken::from(build::record_id("register", "bob")), NOON, dormitory.into());
    crate::infections::case_puts(changes);
    fact_put(changes, "presence", shared, hour(4), PresenceInterval::default().into());
    let bobs = build::token_key().claim_token(&build::claim(IdScheme::Msisdn, BOBS_PHONE));
    fact_put(changes, "presence-of-bob", bobs, hour(5), PresenceInterval::default().into());
}

/// A task on Anna's and Bob's records of the register, and a decision on Anna's of the hospital and Bob's.
fn review_puts(changes: &mut Changes) {
    let id = |one: RecordId, other: RecordId| {
        build::record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(one, other))
    };
    let (anna, bob) = (build::record_id("register", "anna"), build::record_id("register", "bob"));
    let link = LinkPut {
        record_a: anna.min(bob),
        record_b: anna.max(bob),
        weight: 1.25,
        parts: r#"[{"field":"phone","level":"contact","weight":1.25,"frequency":0.0}]"#.to_owned(),
        model_version: "zh-1".to_owned(),
    };
    let (task_id, against) = (id(anna, bob), Vec::new());
    changes.reviews.push(ReviewPut { link, task_id, kind: "band", since: NOON, against });
    let patient = build::record_id("hospital", "anna");
    changes.orders.push(OrderRow {
        decision_id: decided(),
        record_a: patient.min(bob),
        record_b: patient.max(bob),
        version: 1,
        event_id: domain::EventId::from_uuid(decided().as_uuid()),
        verdict: Verdict::Different,
        reason: DecisionReason::Namesakes,
        note: None,
        reviewer: "steward".to_owned(),
        decided: NOON,
        standing: Standing::InForce,
        against: Vec::new(),
    });
}

/// The decision that stands from the beginning.
pub(crate) fn decided() -> RecordId {
    let (patient, bob) = (build::record_id("hospital", "anna"), build::record_id("register", "bob"));
    build::record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(patient, bob))
}

fn changes() -> Changes {
    let mut changes = Changes::default();
    record_puts(&mut changes);
    fact_puts(&mut changes);
    let (a, b) = (build::record_id("register", "anna"), build::record_id("hospital", "anna"));
    let (record_a, record_b): (RecordId, RecordId) = (a.min(b), a.max(b));
    changes.relinked.push(anna());
    let parts = r#"[{"field":"prior","level":"given","weight":-21.0},{"field":"national_id","level":"same","weight":30.0,"frequency":11.5}]"#;
    let put = LinkPut { record_a, record_b, weight: 20.5, parts: parts.to_owned(), model_version: "zh-1".to_owned() };
    changes.links.push((anna(), put));
    review_puts(&mut changes);
    let hot = |n, what, kind: &str, bearers, record| HotRow {
        handle: uuid::Uuid::from_u128(n),
        what,
        kind: kind.to_owned(),
        records: 40,
        bearers,
        record,
    };
    changes.hot.puts =
        vec![hot(1, Hot::Value, "phone", Some(31), Some(a)), hot(2, Hot::Block, "name_birth", None, None)];
    crate::follow_ups::begun(&mut changes);
    changes.model = Some(ModelRow {
        model_version: "zh-1".to_owned(),
        prior: -21.0,
        link_threshold: 12.0,
        review_threshold: 6.0,
        document: String::new(),
        survivorship_version: "shipped-1".to_owned(),
    });
    changes
}

/// What this API publishes, and a projector follows.
const FOLLOWED: [EventType; 2] = [EventType::LinkDecided, EventType::FollowUpChanged];

/// The callers: token and register entry.
fn callers_of_the_town() -> Vec<(&'static str, Caller)> {
    let caller = |handle: &'static str, role, unit: Option<&str>, own: Option<&str>| {
        let own_claim = own.map(|number| build::token_key().claim_token(&build::claim(IdScheme::CnId, number)));
        let unit = unit.map(str::to_owned);
        (handle, Caller { handle: handle.to_owned(), organisation: "org-1".to_owned(), role, unit, own_claim })
    };
    let elsewhere = |(handle, caller): (&'static str, Caller), organisation: &str| {
        (handle, Caller { organisation: organisation.to_owned(), ..caller })
    };
    vec![
        caller("worker", Role::CommunityWorker, Some(GRID), None),
        caller("other-worker", Role::CommunityWorker, Some(OTHER_GRID), None),
        caller("lead", Role::CommunityWorker, Some("320506001"), None),
        caller("tracer", Role::CdcTracer, None, None),
        caller("auditor", Role::Auditor, None, None),
        caller("anna", Role::Resident, None, Some(&anna_number())),
        caller("bob", Role::Resident, None, Some(&bob_number())),
        caller("department", Role::Department, None, None),
        caller("operator", Role::Operator, None, None),
        caller("steward", Role::DataSteward, None, None),
        caller("steward-bob", Role::DataSteward, None, Some(&bob_number())),
        caller("subscriber", Role::Subscriber, None, None),
        caller("tracer-2", Role::CdcTracer, Some("CDC-02"), None),
        caller("auditor-2", Role::Auditor, None, None),
        caller("analyst", Role::CdcAnalyst, None, None),
        caller("analyst-2", Role::CdcAnalyst, None, None),
        caller("chief-here", Role::CdcLead, None, None),
        elsewhere(caller("officer", Role::PrivacyOfficer, None, None), "org-2"),
        elsewhere(caller("chief", Role::CdcLead, None, None), "org-3"),
    ]
}

async fn prepare(pool: sqlx::PgPool) {
    let store = Store::connect((*pool.connect_options()).clone(), 2).await.expect("connected");
    store.migrate().await.expect("migrated");
    let mut tx = store.begin("prepare").await.expect("begun");
    views::apply(&mut tx, &changes()).await.expect("applied");
    for (token, caller) in callers_of_the_town() {
        callers::put(&mut tx, &caller, &TokenHash::of(token)).await.expect("put");
    }
    store::appeals::insert(&mut tx, &crate::appeals::made(), "anna").await.expect("put");
    store::contests::insert(&mut tx, &crate::contests::made(), "anna").await.expect("put");
    tx.commit().await.expect("committed");
    store.pool().close().await;
}

/// The town and its query API.
pub(crate) struct World {
    pub(crate) app: Router,
    pub(crate) state: QueryState,
    pub(crate) store: Store,
    pub(crate) ledger: LedgerHandle,
    pub(crate) ledger_dir: tempfile::TempDir,
    pub(crate) log: EventLog,
    pub(crate) shutdown: Shutdown,
    pub(crate) clock: Arc<AtomicI64>,
}

pub(crate) async fn world() -> World {
    let world = world_with(LedgerClient::Local).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    world
}

pub(crate) async fn world_with(client: impl FnOnce(LedgerHandle) -> LedgerClient) -> World {
    world_of(client, KeyGroups::default()).await
}

/// The town, whose community edited its key groups.
pub(crate) async fn world_of(client: impl FnOnce(LedgerHandle) -> LedgerClient, key_groups: KeyGroups) -> World {
    world_made(client, key_groups, Trust::default()).await
}

/// The town under other rules of trust.
pub(crate) async fn world_trusting(trust: Trust) -> World {
    let world = world_made(LedgerClient::Local, KeyGroups::default(), trust).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    world
}

async fn world_made(client: impl FnOnce(LedgerHandle) -> LedgerClient, key_groups: KeyGroups, trust: Trust) -> World {
    let database = test_support::database_prepared("query_api", prepare).await;
    let store = Store::connect(database.connect_options(), 4).await.expect("connected");
    let ledger_dir = tempfile::tempdir().expect("a directory");
    let options = OpenOptions {
        dir: ledger_dir.path().join("log"),
        key_file: ledger_dir.path().join("ledger.key"),
        origin: "ledger.test/access".to_owned(),
        witnessed: Vec::new(),
    };
    let ledger = LedgerHandle::open(&options).expect("opened");
    let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
    log.ensure_topics(&EventType::ALL.iter().map(|kind| TopicSpec::new(kind.topic(), 1)).collect::<Vec<_>>())
        .await
        .expect("topics");
    let clock = Arc::new(AtomicI64::new(NOON.as_millis()));
    let shutdown = Shutdown::new();
    let setup = setup(&store, client(ledger.clone()), (&log, &shutdown), &clock);
    let state = QueryState::new(QuerySetup { trust, key_groups, ..setup });
    World { app: query_api::app(state.clone()), state, store, ledger, ledger_dir, log, shutdown, clock }
}

fn setup(
    store: &Store,
    ledger: LedgerClient,
    (log, shutdown): (&EventLog, &Shutdown),
    clock: &Arc<AtomicI64>,
) -> QuerySetup {
    let wall = Arc::clone(clock);
    QuerySetup {
        store: store.clone(),
        ledger,
        token_key: build::token_key(),
        policy: Policy::builtin().expect("valid"),
        trust: Trust::default(),
        rules: exposure::Rules::default(),
        townships: crate::town::townships(),
        key_groups: KeyGroups::default(),
        oidc: None,
        log: log.clone(),
        codec: Codec::builtin(),
        clock: Arc::new(move || Timestamp::from_millis(wall.load(Ordering::Relaxed))),
        shutdown: shutdown.clone(),
    }
}

impl World {
    /// Another process on the same database and ledger.
    pub(crate) fn beside(&self) -> Self {
        let ledger = LedgerClient::Local(self.ledger.clone());
        let state = QueryState::new(setup(&self.store, ledger, (&self.log, &self.shutdown), &self.clock));
        Self {
            app: query_api::app(state.clone()),
            state,
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            ledger_dir: tempfile::tempdir().expect("a directory"),
            log: self.log.clone(),
            shutdown: self.shutdown.clone(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// The process is started anew: it remembers nothing but what is written.
    pub(crate) fn restarted(self, trust: Trust) -> Self {
        let ledger = LedgerClient::Local(self.ledger.clone());
        let setup = setup(&self.store, ledger, (&self.log, &self.shutdown), &self.clock);
        let state = QueryState::new(QuerySetup { trust, ..setup });
        Self { app: query_api::app(state.clone()), state, ..self }
    }

    /// Writes into the views what a projector would have written.
    pub(crate) async fn put(&self, changes: &Changes) {
        let mut tx = self.store.begin("put").await.expect("begun");
        let from = views::find_checkpoint(&mut tx).await.expect("a checkpoint");
        let puts = from.positions["puts"]["0"].as_i64().unwrap_or(0);
        let to = serde_json::json!({ "puts": { "0": puts + 1 } });
        views::advance(&mut tx, &from, &to, "model").await.expect("advanced");
        views::apply(&mut tx, changes).await.expect("applied");
        tx.commit().await.expect("committed");
    }

    pub(crate) async fn ask(&self, ask: Ask) -> Reply {
        let response = self.app.clone().oneshot(ask.request()).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 << 20).await.expect("a body").to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let size = self.ledger.head().0.size;
        if size == 0 {
            return Vec::new();
        }
        self.ledger.read(0, size).expect("readable").into_iter().map(|(_, entry)| entry).collect()
    }

    pub(crate) fn last_entry(&self) -> Entry {
        self.entries().pop().expect("an entry")
    }

    /// Does with decisions what the projector does, as far as the answers of this API show it.
    pub(crate) fn follow_decisions(&self) -> tokio::task::JoinHandle<()> {
        self.follow_decisions_as(|row| row)
    }

    /// The same; what counts in the end is what `outcome` makes of a decision.
    pub(crate) fn follow_decisions_as(&self, outcome: fn(OrderRow) -> OrderRow) -> tokio::task::JoinHandle<()> {
        let (store, log) = (self.store.clone(), self.log.clone());
        tokio::spawn(async move {
            let mut reader = log.reader(&FOLLOWED.map(EventType::topic), Positions::new()).await.expect("a reader");
            loop {
                let batch = reader.next(10, Duration::from_millis(20)).await.expect("read");
                if batch.is_empty() {
                    continue;
                }
                let mut changes = Changes::default();
                for delivered in &batch {
                    let event = Codec::builtin().decode(&delivered.position.topic, &delivered.payload);
                    match event.expect("an event") {
                        Event { meta, body: EventBody::FollowUpChanged(body) } => {
                            changes.follow_ups.push(crate::follow_ups::row(&meta, body));
                        }
                        event => changes.orders.push(outcome(order(event))),
                    }
                }
                let mut tx = store.begin("follow").await.expect("begun");
                let from = views::find_checkpoint(&mut tx).await.expect("a checkpoint");
                let to = serde_json::to_value(reader.positions()).expect("json");
                views::advance(&mut tx, &from, &to, "zh-1").await.expect("advanced");
                views::apply(&mut tx, &changes).await.expect("applied");
                tx.commit().await.expect("committed");
            }
        })
    }

    /// How many decisions the log holds.
    pub(crate) async fn decisions_in_the_log(&self) -> u64 {
        let end = self.log.end_positions(&[EventType::LinkDecided.topic()]).await.expect("positions");
        Positions::new().behind(&end)
    }

    pub(crate) fn clock_is(&self, now: Timestamp) {
        self.clock.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn advance_clock(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }
}

fn order(event: Event) -> OrderRow {
    let Event { meta, body: EventBody::LinkDecided(body) } = event else { panic!("a decision") };
    OrderRow {
        decision_id: meta.record_id,
        record_a: body.record_a,
        record_b: body.record_b,
        version: meta.source_record_version,
        event_id: meta.event_id,
        verdict: body.verdict,
        reason: body.reason,
        note: body.note,
        reviewer: body.reviewer,
        decided: meta.event_time,
        standing: if meta.op == Op::Retract { Standing::Ended } else { Standing::InForce },
        against: Vec::new(),
    }
}

/// The kinds of facts that Anna has.
pub(crate) const ANNA_KINDS: [EventType; 5] = [
    EventType::GatePass,
    EventType::TestResult,
    EventType::PaymentMade,
    EventType::HouseholdMembership,
    EventType::PresenceInterval,
];

/// What ledger entries call a person.
pub(crate) fn subject(person: PersonId) -> ledger::SubjectHandle {
    ledger::SubjectHandle(build::token_key().opaque("subject", &person.as_uuid().to_string()))
}

//! The laws over random histories of statements, corrections, withdrawals, merges, decisions, undos and models, from the
//! log to the views of a real PostgreSQL.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    CaseStatus, Event, FollowUpChanged, FollowUpState, FollowUpStep, GoldenRecord, IdentityObserved, ModelAction, Op,
    PersonId, RecordId, Timestamp, Verdict,
};
use futures_util::TryStreamExt;
use linkage::Model;
use proptest::prelude::*;
use proptest::sample::Index;
use runtime::Shutdown;
use store::views::{self, LinkRow, OrderRow, SourceRecordRow, Standing};
use store::{PgInstant, lineage};
use test_support::build::{NOON, event, meta_at, person, record_id, resident_number};

use crate::decisions::decision_on;
use crate::models::{activation, strict};
use crate::retraction;
use crate::support::Hub;

const RECORDS: usize = 7;
const SOURCES: [&str; 3] = ["register", "hospital", "wallet"];

/// What a record states: few values, so that records merge and part.
#[derive(Clone, Debug)]
struct Says {
    name: usize,
    number: Option<u16>,
    phone: Option<usize>,
    born: bool,
    lives: bool,
    /// It tells only this: the rest stays as it was told before.
    partly: bool,
}

/// Something that happens. An undo takes back the last decision on the pair that was not taken back.
#[derive(Clone, Debug)]
enum Step {
    State(usize, Says),
    Withdraw(usize),
    Merge(usize, usize),
    Decide(usize, usize, Verdict),
    Undo(usize, usize),
    Activate(bool),
    /// Disease control states something of a case, or takes it back.
    Report(usize, bool),
    /// A step in the follow-up of a record's person.
    Follow(usize, usize),
}

fn says() -> impl Strategy<Value = Says> {
    let number = prop::option::weighted(0.6, 0..3_u16);
    let (is, phone) = (any::<bool>, prop::option::weighted(0.5, 0..2_usize));
    (0..3_usize, number, phone, is(), is(), is()).prop_map(|(name, number, phone, born, lives, partly)| Says {
        name,
        number,
        phone,
        born,
        lives,
        partly,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![Just(Verdict::Same), Just(Verdict::Different)];
    prop_oneof![
        8 => (0..RECORDS, says()).prop_map(|(record, says)| Step::State(record, says)),
        1 => (0..RECORDS).prop_map(Step::Withdraw),
        2 => (0..RECORDS, 0..RECORDS).prop_map(|(record, into)| Step::Merge(record, into)),
        4 => (0..RECORDS, 0..RECORDS, verdict).prop_map(|(a, b, verdict)| Step::Decide(a, b, verdict)),
        2 => (0..RECORDS, 0..RECORDS).prop_map(|(a, b)| Step::Undo(a, b)),
        1 => any::<bool>().prop_map(Step::Activate),
        1 => (0..2_usize, any::<bool>()).prop_map(|(case, stands)| Step::Report(case, stands)),
        2 => (0..RECORDS, 0..2_usize).prop_map(|(record, unit)| Step::Follow(record, unit)),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 8..32)
}

fn record(number: usize) -> RecordId {
    record_id(SOURCES[number % 3], &format!("r{number}"))
}

fn stated(number: usize, says: &Says, version: i64) -> Event {
    let birth = "1980-05-06";
    let mut who = person(["王小明", "王晓明", "李娜"][says.name]);
    if let Some(number) = says.number {
        who = who.resident(&resident_number(birth, 101 + 2 * number));
    }
    if let Some(phone) = says.phone {
        who = who.contact(["13951234017", "13951234018"][phone]);
    }
    if says.born {
        who = who.born(birth);
    }
    if says.lives {
        who = who.lives("幸福路1号", "320506001007G03");
    }
    // Whatever the version: when a record was first stated is no part of what is corrected.
    let at = NOON.plus_millis(number as i64 * 3_600_000);
    let mut statement = who.build();
    statement.partial = says.partly.then(Box::default);
    event(meta_at(SOURCES[number % 3], &format!("r{number}"), version, at), statement)
}

/// The highest version of decisions on a pair, and those that stand.
type Decided = (i64, Vec<(i64, Verdict)>);

/// The log of a history.
#[derive(Clone, Debug, Default)]
struct Told {
    events: Vec<Event>,
    versions: BTreeMap<usize, i64>,
    /// Per record the version before which nothing counts: it was withdrawn, or it is stated whole since.
    begins: BTreeMap<usize, i64>,
    /// Per pair the last version of a decision, and those that were not taken back.
    decisions: BTreeMap<(usize, usize), Decided>,
    models: i64,
}

impl Told {
    fn of<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut told = Self::default();
        steps.into_iter().for_each(|step| told.take(step));
        told
    }

    fn next(&mut self, number: usize) -> i64 {
        let version = self.versions.entry(number).or_default();
        *version += 1;
        *version
    }

    fn begin(&mut self, number: usize) -> i64 {
        let version = self.next(number);
        self.begins.insert(number, version);
        version
    }

    fn take(&mut self, step: &Step) {
        let event = match step {
            Step::State(number, says) if says.partly => stated(*number, says, self.next(*number)),
            Step::State(number, says) => stated(*number, says, self.begin(*number)),
            Step::Withdraw(number) => retraction(SOURCES[number % 3], &format!("r{number}"), self.begin(*number), None),
            Step::Merge(number, into) if number == into => return,
            Step::Merge(number, into) => {
                let survivor = Some(record(*into));
                retraction(SOURCES[number % 3], &format!("r{number}"), self.next(*number), survivor)
            }
            Step::Decide(a, b, _) | Step::Undo(a, b) if a == b => return,
            Step::Decide(a, b, verdict) => {
                let (last, standing) = self.decisions.entry(pair(*a, *b)).or_default();
                *last += 1;
                standing.push((*last, *verdict));
                decision_on(record(*a), record(*b), *verdict, *last, Op::Upsert)
            }
            Step::Undo(a, b) => {
                let (_, standing) = self.decisions.entry(pair(*a, *b)).or_default();
                let Some((version, verdict)) = standing.pop() else { return };
                decision_on(record(*a), record(*b), verdict, version, Op::Retract)
            }
            Step::Report(case, stands) => {
                let name = format!("case-{case}");
                let mut meta = meta_at("disease-control", &name, self.next(RECORDS + case), NOON);
                meta.op = if *stands { Op::Upsert } else { Op::Retract };
                event(meta, CaseStatus { case_id: name, ..CaseStatus::default() })
            }
            Step::Follow(number, unit) => {
                let id = FollowUpChanged::source_record_id(record(0), record(*number), None);
                let version = self.next(2 * RECORDS + number);
                let meta = meta_at(FollowUpChanged::SOURCE, &id, version, NOON.plus_millis(version));
                let unit = Some(format!("320506001007G0{unit}"));
                event(meta, begun(record(0), record(*number), unit))
            }
            Step::Activate(is_strict) => {
                self.models += 1;
                let model = if *is_strict { strict() } else { Model::zh() };
                activation(self.models, ModelAction::Activated, &model)
            }
        };
        self.events.push(event);
    }

    /// The same history without what was corrected, withdrawn before it was stated again, or taken back.
    fn what_stands(&self) -> Vec<Event> {
        let decided = self.decisions.iter().flat_map(|((a, b), (_, standing))| {
            let id = |version| {
                (version, decision_on(record(*a), record(*b), Verdict::Same, version, Op::Upsert).meta.record_id)
            };
            standing.iter().map(move |(version, _)| id(*version))
        });
        let decided: BTreeSet<(i64, RecordId)> = decided.collect();
        let last = |event: &&Event| {
            let meta = &event.meta;
            match &event.body {
                domain::Body::LinkDecided(_) => {
                    meta.op == Op::Upsert && decided.contains(&(meta.source_record_version, meta.record_id))
                }
                domain::Body::ModelActivated(_) => meta.source_record_version == self.models,
                _ => {
                    let begins = |n: usize| self.begins.get(&n).copied().unwrap_or_default();
                    (0..RECORDS).any(|n| record(n) == meta.record_id && meta.source_record_version >= begins(n))
                }
            }
        };
        self.events.iter().filter(last).cloned().collect()
    }
}

fn begun(case: RecordId, record: RecordId, unit: Option<String>) -> FollowUpChanged {
    FollowUpChanged {
        case,
        record,
        step: FollowUpStep::Begun,
        by: "tracer-1".to_owned(),
        state: FollowUpState::ToNotify,
        since: NOON,
        until: None,
        attempts: 0,
        met: NOON,
        unit,
        offered_to: None,
        offered: None,
        referral: None,
        note: None,
    }
}

fn pair(a: usize, b: usize) -> (usize, usize) {
    (a.min(b), a.max(b))
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

/// What linkage decides and what files show, as far as it does not say how it came to be.
async fn persons(hub: &Hub) -> Vec<(&'static str, String)> {
    let prints = hub.fingerprint().await;
    ["claim", "person", "link", "review", "hot_value"].map(|table| (table, prints[table].clone())).to_vec()
}

fn stands(order: &OrderRow) -> bool {
    matches!(order.standing, Standing::InForce | Standing::Resting | Standing::SetAside)
}

async fn orders(hub: &Hub) -> Vec<OrderRow> {
    let mut orders = views::all_orders(&mut *hub.conn().await).await.expect("read");
    orders.retain(stands);
    orders.sort_by_key(|order| order.decision_id);
    orders
}

/// A person with all that can be asked about an instant.
#[derive(Debug, PartialEq)]
struct Known {
    members: Vec<RecordId>,
    golden: GoldenRecord,
    statements: Vec<(RecordId, Option<IdentityObserved>)>,
    links: Vec<LinkRow>,
    orders: Vec<OrderRow>,
    model: String,
}

fn statements(rows: Vec<SourceRecordRow>) -> Vec<(RecordId, Option<IdentityObserved>)> {
    rows.into_iter().map(|row| (row.record_id, row.stated.and_then(|stated| stated.statement))).collect()
}

/// Without the times at which records were last stated, which move when the same is stated again.
fn timeless(golden: &GoldenRecord) -> GoldenRecord {
    let mut golden = serde_json::to_value(golden).expect("json");
    fn forget(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(members) => {
                members.iter_mut().for_each(
                    |(name, value)| {
                        if name == "time" { *value = 0.into() } else { forget(value) }
                    },
                );
            }
            serde_json::Value::Array(items) => items.iter_mut().for_each(forget),
            _ => {}
        }
    }
    forget(&mut golden);
    serde_json::from_value(golden).expect("a golden record")
}

async fn known_now(hub: &Hub) -> (Timestamp, BTreeMap<PersonId, Known>) {
    let mut conn = hub.conn().await;
    let rows: Vec<SourceRecordRow> = views::stream_records(&mut conn).try_collect().await.expect("read");
    let ids: BTreeSet<PersonId> = rows.iter().filter(|row| !row.is_retracted()).filter_map(|row| row.person).collect();
    let standing = orders(hub).await;
    let model = views::find_model(&mut conn).await.expect("read").map_or_else(String::new, |row| row.model_version);
    let mut known = BTreeMap::new();
    for id in ids {
        let mut of = views::list_records_of_person(&mut conn, id, 100).await.expect("read");
        of.retain(|row| !row.is_retracted());
        let members: Vec<RecordId> = of.iter().map(|row| row.record_id).collect();
        let about = |order: &&OrderRow| members.contains(&order.record_a) || members.contains(&order.record_b);
        let person = Known {
            golden: timeless(&views::find_person(&mut conn, id).await.expect("read").expect("a person").golden),
            statements: statements(of),
            links: views::list_links_of_person(&mut conn, id, 100).await.expect("read"),
            orders: standing.iter().filter(about).cloned().collect(),
            model: model.clone(),
            members,
        };
        known.insert(id, person);
    }
    let PgInstant(now) = sqlx::query_scalar("SELECT date_trunc('milliseconds', clock_timestamp())")
        .fetch_one(&mut *conn)
        .await
        .expect("read");
    // What follows is not to fall into the same millisecond.
    tokio::time::sleep(Duration::from_millis(3)).await;
    (now, known)
}

async fn known_then(hub: &Hub, id: PersonId, at: Timestamp) -> Option<Known> {
    let mut conn = hub.conn().await;
    let then = lineage::find_as_of(&mut conn, id, at).await.expect("read")?;
    let records = lineage::list_records_then(&mut conn, &then, at, 100).await.expect("read");
    let mut orders = lineage::list_orders_then(&mut conn, &then, at).await.expect("read");
    orders.sort_by_key(|order| order.decision_id);
    Some(Known {
        statements: statements(records),
        links: lineage::list_links_then(&mut conn, &then, at).await.expect("read"),
        orders,
        model: lineage::find_model_then(&mut conn, at).await.expect("read").expect("a model").model_version,
        golden: timeless(&then.golden),
        members: then.change.members,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12, failure_persistence: None, max_shrink_iters: 40, ..ProptestConfig::default()
    })]

    #[test]
    fn any_order_of_events_any_batches_and_repeats_give_the_views_of_a_rebuild(
        steps in steps(),
        order in prop::collection::vec(any::<Index>(), 32),
        repeated in prop::collection::vec(any::<Index>(), 0..6),
        batch in 1..6_usize,
    ) {
        let events = Told::of(&steps).events;
        let mut turned = events.clone();
        for place in (1..turned.len()).rev() {
            turned.swap(place, order[place].index(place + 1));
        }
        turned.extend(repeated.iter().filter(|_| !events.is_empty()).map(|which| events[which.index(events.len())].clone()));
        let (straight, other, rebuilt) = wait(async {
            let straight = Hub::new().await;
            straight.take_in(&events).await;
            let other = Hub::with_batches_of(batch).await;
            let running = other.start();
            for part in turned.chunks(5) {
                other.publish(part).await;
                other.caught_up().await;
            }
            running.stop().await;
            let rebuilt = projector::check(&other.config, &Shutdown::new()).await.expect("compared");
            (straight.fingerprint().await, other.fingerprint().await, rebuilt.differing)
        });
        prop_assert_eq!(other, straight);
        prop_assert_eq!(rebuilt, Vec::<&str>::new());
    }

    #[test]
    fn what_was_corrected_withdrawn_or_taken_back_leaves_what_would_be_there_without(steps in steps()) {
        let told = Told::of(&steps);
        let (hub, never) = wait(async {
            let hub = Hub::with_batches_of(4).await;
            hub.take_in(&told.events).await;
            let never = Hub::new().await;
            never.take_in(&told.what_stands()).await;
            ((persons(&hub).await, orders(&hub).await), (persons(&never).await, orders(&never).await))
        });
        prop_assert_eq!(hub, never);
    }

    #[test]
    fn undoing_all_that_was_decided_on_a_pair_equals_never_having_decided_on_it(
        steps in steps(),
        (a, b) in (0..RECORDS, 0..RECORDS),
        verdict in prop_oneof![Just(Verdict::Same), Just(Verdict::Different)],
        place in any::<Index>(),
    ) {
        let on_the_pair = |step: &Step| matches!(step, Step::Decide(x, y, _) | Step::Undo(x, y) if pair(*x, *y) == pair(a, b));
        let mut with = steps.clone();
        with.insert(place.index(steps.len() + 1), Step::Decide(a, b, verdict));
        with.extend(std::iter::repeat_n(Step::Undo(a, b), steps.len() + 1));
        let (with, without) = (Told::of(&with).events, Told::of(steps.iter().filter(|step| !on_the_pair(step))).events);
        let (undone, never) = wait(async {
            let undone = Hub::with_batches_of(3).await;
            undone.take_in(&with).await;
            let never = Hub::new().await;
            never.take_in(&without).await;
            ((persons(&undone).await, orders(&undone).await), (persons(&never).await, orders(&never).await))
        });
        prop_assert_eq!(undone, never);
    }

    #[test]
    fn what_was_known_at_an_instant_is_told_of_it_ever_after_also_over_a_rebuild(
        steps in steps(),
        part in 1..7_usize,
    ) {
        let events = Told::of(&steps).events;
        let (told, expected) = wait(async {
            let hub = Hub::with_batches_of(3).await;
            let running = hub.start();
            let mut instants = Vec::new();
            for part in events.chunks(part) {
                hub.publish(part).await;
                hub.caught_up().await;
                instants.push(known_now(&hub).await);
            }
            // The projector goes on with views that another model made.
            let mut config = hub.config.clone();
            config.model = std::sync::Arc::new(strict());
            projector::rebuild(&config, &Shutdown::new()).await.expect("rebuilt");
            running.stop().await;
            let ever: BTreeSet<PersonId> = instants.iter().flat_map(|(_, known)| known.keys().copied()).collect();
            let (mut told, mut expected) = (Vec::new(), Vec::new());
            for (at, mut known) in instants {
                for id in &ever {
                    expected.push((at, *id, known.remove(id)));
                    told.push((at, *id, known_then(&hub, *id, at).await));
                }
            }
            (told, expected)
        });
        prop_assert_eq!(told, expected);
    }
}

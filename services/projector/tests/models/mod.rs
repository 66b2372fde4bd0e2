//! Which linkage model decides, and which value survives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{
    Criterion, Event, EventType, FieldChoice, GoldenField, ModelAction, ModelActivated, Op, PersonId, RecordId,
    SourceKind, Survivorship, SurvivorshipFile, Verdict,
};
use futures_util::TryStreamExt;
use linkage::{Model, Preview, Trial};
use runtime::Shutdown;
use store::views;
use test_support::build::{NOON, event, meta_at, person, record_id, resident_number};

use crate::decisions::decision_on;
use crate::support::Hub;

/// Tables that say who is one person.
const DECIDED: [&str; 5] = ["source_record", "person", "link", "review", "linkage_model"];

/// People of whom some are two records that only a name and a birth date join.
fn people(count: u16) -> Vec<Event> {
    let (families, givens) = (["王", "李", "张", "刘", "陈", "杨"], ["小明", "娜", "伟", "静", "敏", "修远", "悦"]);
    (0..count)
        .flat_map(|i| {
            let name = format!("{}{}", families[usize::from(i) % 6], givens[usize::from(i) % 7]);
            let birth = format!("19{:02}-{:02}-{:02}", 40 + i % 60, 1 + i % 12, 1 + i % 28);
            let key = format!("r{i}");
            let at = |source: &str| meta_at(source, &key, 1, NOON.plus_millis(i64::from(i)));
            let register = person(&name).resident(&resident_number(&birth, 100 + i)).event(at("register"));
            let wallet = person(&name).born(&birth).phone(&format!("138{i:08}"));
            let wallet = if i % 2 == 0 { wallet.contact("13900000001") } else { wallet };
            [register, wallet.event(at("wallet"))]
        })
        .collect()
}

/// The shipped model, which links only what agrees in nearly everything.
pub(crate) fn strict() -> Model {
    let mut file = Model::zh().file().clone();
    file.thresholds.link = 40.0;
    Model::from_file(file).expect("a model")
}

pub(crate) fn activation(version: i64, action: ModelAction, model: &Model) -> Event {
    let meta = meta_at("isthmus", "linkage-model", version, NOON);
    let (model_version, model) = (model.version().to_owned(), model.to_toml().expect("TOML"));
    event(meta, ModelActivated { action, model_version, model, ..ModelActivated::default() })
}

fn decided(prints: &BTreeMap<&'static str, String>) -> Vec<(&'static str, String)> {
    DECIDED.iter().map(|table| (*table, prints[table].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activated_model_gives_the_persons_that_a_hub_configured_with_it_has() {
    let mut configured = Hub::new().await;
    configured.config.model = Arc::new(strict());
    configured.take_in(&people(40)).await;
    let expected = decided(&configured.fingerprint().await);

    let hub = Hub::new().await;
    hub.take_in(&people(40)).await;
    assert_ne!(decided(&hub.fingerprint().await), expected, "the models differ");
    hub.take_in(&[activation(1, ModelAction::Activated, &strict())]).await;
    assert_eq!(decided(&hub.fingerprint().await), expected);

    let (first, last) = (people(40)[..31].to_vec(), people(40)[31..].to_vec());
    let between = Hub::with_batches_of(7).await;
    between.take_in(&first).await;
    between.take_in(&[activation(1, ModelAction::Activated, &strict())]).await;
    between.take_in(&last).await;
    assert_eq!(decided(&between.fingerprint().await), expected, "whenever it came");

    let before = hub.fingerprint().await;
    hub.project().await;
    assert_eq!(hub.fingerprint().await, before, "a start changes nothing");
    let report = projector::check(&hub.config, &Shutdown::new()).await.expect("checked");
    assert_eq!(report.differing, Vec::<&str>::new(), "a rebuild ends with the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_a_model_gives_the_persons_that_it_gave() {
    let hub = Hub::new().await;
    hub.take_in(&people(40)).await;
    let before = decided(&hub.fingerprint().await);
    hub.take_in(&[
        activation(1, ModelAction::Activated, &Model::zh()),
        activation(2, ModelAction::Activated, &strict()),
    ])
    .await;
    assert_ne!(decided(&hub.fingerprint().await), before);
    hub.take_in(&[activation(3, ModelAction::RolledBack, &Model::zh())]).await;
    assert_eq!(decided(&hub.fingerprint().await), before);
    // The log is read again from an older place: what was activated before does not decide once more.
    hub.take_in(&[activation(2, ModelAction::Activated, &strict())]).await;
    assert_eq!(decided(&hub.fingerprint().await), before);
    let activations = views::list_model_activations(&mut *hub.conn().await).await.expect("read");
    let listed: Vec<(i64, bool)> = activations.iter().map(|row| (row.version, row.rolled_back)).collect();
    assert_eq!(listed, [(1, false), (2, false), (3, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_used_is_set_aside_and_the_one_before_decides() {
    let hub = Hub::new().await;
    hub.take_in(&people(10)).await;
    let before = decided(&hub.fingerprint().await);
    let mut broken = activation(1, ModelAction::Activated, &strict());
    if let domain::Body::ModelActivated(body) = &mut broken.body {
        body.model = "version = 'x'".to_owned();
    }
    hub.take_in(&[broken]).await;
    assert_eq!(decided(&hub.fingerprint().await), before);
    let quarantined = views::list_quarantined(&mut *hub.conn().await, 10).await.expect("read");
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].topic, EventType::ModelActivated.topic());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_the_persons_of_the_one_model_or_of_the_other_and_never_wait() {
    let hub = Hub::new().await;
    hub.take_in(&people(400)).await;
    let state = async || {
        let mut tx = hub.config.store.begin("look").await.expect("begun");
        views::read_one_state(&mut tx).await.expect("begun");
        let model = views::find_model(&mut tx).await.expect("read").expect("a model").model_version;
        let persons = views::counts(&mut tx).await.expect("read").persons;
        let whose = views::find_person_of_record(&mut tx, record_id("wallet", "r7")).await.expect("read");
        assert!(whose.is_some(), "a record is always in a file");
        (model, persons)
    };
    let old = state().await;
    let running = hub.start();
    hub.publish(&[activation(1, ModelAction::Activated, &strict())]).await;
    let mut seen = vec![old.clone()];
    while seen.last() == Some(&old) {
        let began = std::time::Instant::now();
        seen.push(state().await);
        assert!(began.elapsed().as_secs() < 5, "a reader waited");
    }
    hub.caught_up().await;
    running.stop().await;
    let new = state().await;
    assert_eq!(new.0, strict().version());
    assert!(new.1 > old.1, "{old:?} {new:?}");
    assert!(seen.iter().all(|state| *state == old || *state == new), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_an_activation_then_does() {
    for (current, candidate) in [(Model::zh(), strict()), (strict(), Model::zh())] {
        let mut hub = Hub::new().await;
        hub.config.model = Arc::new(current.clone());
        hub.take_in(&people(60)).await;
        let decided = [("r3", Verdict::Same), ("r5", Verdict::Different)].map(|(key, verdict)| {
            decision_on(record_id("register", key), record_id("wallet", key), verdict, 1, Op::Upsert)
        });
        hub.take_in(&decided).await;
        let before = placed(&hub).await;
        let counts = views::linkage_counts(&mut *hub.conn().await).await.expect("counted");
        let orders = views::all_orders(&mut *hub.conn().await).await.expect("read");
        let preview = Preview::of(Trial {
            records: before.clone(),
            review_now: usize::try_from(counts.reviews).expect("a count"),
            orders: orders.iter().filter_map(projector::standing_order).collect(),
            current: Arc::new(current),
            candidate: Arc::new(candidate.clone()),
            samples_max: 3,
        });
        hub.take_in(&[activation(1, ModelAction::Activated, &candidate)]).await;
        let after = placed(&hub).await;
        let counts = views::linkage_counts(&mut *hub.conn().await).await.expect("counted");
        assert_eq!(preview.records, after.len());
        assert_eq!(preview.persons_after, usize::try_from(counts.persons).expect("a count"));
        assert_eq!(preview.review_after, usize::try_from(counts.reviews).expect("a count"));
        let (was, is) = (by_person(&before), by_person(&after));
        assert_eq!(preview.persons_before, was.len());
        let keeps = |set: &&BTreeSet<RecordId>| is.values().any(|other| other == *set);
        assert_eq!(preview.unchanged, was.values().filter(keeps).count());
        let parts = |set: &BTreeSet<RecordId>, others: &BTreeMap<PersonId, BTreeSet<RecordId>>| {
            others.values().filter(|other| !other.is_disjoint(set)).count()
        };
        assert_eq!(preview.merges, is.values().filter(|set| parts(set, &was) > 1).count());
        assert_eq!(preview.splits, was.values().filter(|set| parts(set, &is) > 1).count());
        assert!(preview.merges + preview.splits > 10, "{preview:?}");
        assert_eq!(preview.conflicts.len(), 1, "the model weighs both pairs alike, and they were decided contrarily");
        let samples = preview.merge_samples.iter().chain(&preview.split_samples);
        for sample in samples {
            assert_ne!(sample.now.together, sample.then.together);
            for explanation in [&sample.now, &sample.then] {
                let sum: f64 = explanation.link.parts.iter().map(|part| part.weight + part.frequency).sum();
                assert!((sum - explanation.link.weight).abs() < 1e-9);
            }
        }
        assert_eq!(preview.merge_samples.len() + preview.split_samples.len(), 3);
    }
}

/// The records as linkage sees them, with their persons.
async fn placed(hub: &Hub) -> Vec<(linkage::Record, PersonId)> {
    let mut conn = hub.conn().await;
    let rows: Vec<views::SourceRecordRow> = views::stream_records(&mut conn).try_collect().await.expect("read");
    let record = |row: views::SourceRecordRow| {
        let stated = row.stated.expect("stated");
        let statement = stated.statement.expect("a statement");
        let (key, first_time, source_kind) = (row.record_id, stated.first_time, row.source_kind);
        (linkage::Record { key, first_time, statement, source_kind }, row.person.expect("a person"))
    };
    rows.into_iter().map(record).collect()
}

fn by_person(placed: &[(linkage::Record, PersonId)]) -> BTreeMap<PersonId, BTreeSet<RecordId>> {
    let mut persons: BTreeMap<PersonId, BTreeSet<RecordId>> = BTreeMap::new();
    for (record, person) in placed {
        persons.entry(*person).or_default().insert(record.key);
    }
    persons
}

#[tokio::test(flavor = "multi_thread")]
async fn other_rules_of_survivorship_make_all_persons_anew_and_conflicting_values_stay_to_be_seen() {
    let mut hub = Hub::new().await;
    let number = resident_number("1980-05-06", 7);
    let source = |name: &str, kind, hours: i64, address: &str| {
        let mut meta = meta_at(name, "r1", 1, NOON.plus_millis(hours * 3_600_000));
        meta.source_kind = kind;
        person("王小明").resident(&number).lives(address, "320506001007G03").event(meta)
    };
    hub.take_in(&[
        source("register", SourceKind::Community, 0, "幸福路1号"),
        source("hospital", SourceKind::Hospital, 2, "和平路2号"),
        source("wallet", SourceKind::Payment, 9, "人民路3号"),
    ])
    .await;
    let whose = hub.person_of(record_id("register", "r1")).await.expect("a person");
    let address = async |hub: &Hub| hub.person(whose).await.expect("a file").golden.address.expect("an address");
    let shipped = hub.fingerprint().await;
    let chosen = address(&hub).await;
    assert_eq!((chosen.value.expose().as_str(), chosen.rule), ("幸福路1号", domain::Rule::SourceRank));
    let runner_up = chosen.runner_up.expect("a runner-up");
    assert_eq!((runner_up.value.expose().as_str(), runner_up.source.as_str()), ("和平路2号", "hospital"));
    assert_eq!(chosen.others.len(), 1);
    assert_eq!((chosen.others[0].value.expose().as_str(), chosen.others[0].source.as_str()), ("人民路3号", "wallet"));

    let mut file = SurvivorshipFile::default();
    let newest = FieldChoice { criteria: Some(vec![Criterion::Recency]), sources: None };
    file.field.insert(GoldenField::Address, newest);
    hub.config.survivorship = Arc::new(Survivorship::from_file(&file).expect("sound"));
    hub.project().await;
    let chosen = address(&hub).await;
    assert_eq!((chosen.value.expose().as_str(), chosen.rule), ("人民路3号", domain::Rule::Recency));
    let mut conn = hub.conn().await;
    let last = store::lineage::last_seq(&mut conn).await.expect("read");
    let changes = store::lineage::list_changes(&mut conn, last - 1, 1).await.expect("read");
    assert_eq!(changes[0].cause, domain::ChangeCause::Rules);
    drop(conn);
    let report = projector::check(&hub.config, &Shutdown::new()).await.expect("checked");
    assert_eq!(report.differing, Vec::<&str>::new(), "a rebuild with the same rules is the same");

    hub.config.survivorship = Arc::default();
    hub.project().await;
    assert_eq!(hub.fingerprint().await, shipped, "the rules before give the persons before");
}

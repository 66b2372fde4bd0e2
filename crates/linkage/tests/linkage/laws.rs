//! The persons are a pure function of the records: laws over random histories of a small, confusing town.

use std::sync::{Arc, LazyLock};

use domain::{IdScheme, PersonId, RecordId, Sex};
use linkage::{Change, ClusterChange, Delta, Engine, HotLimits, HotValue, Model, OrderState, Pair, Task};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::common::{Statement, key, masked, record, resident};

/// What the people of a town are called, when they were born, how they are reached and where they live.
#[derive(Debug)]
pub(crate) struct Town {
    families: [&'static str; 3],
    given: [&'static str; 5],
    births: [&'static str; 3],
    phones: [&'static str; 3],
    address: &'static str,
    hospital: &'static str,
}

pub(crate) const TOWN: Town = Town {
    families: ["王", "李", "欧阳"],
    given: ["伟", "小明", "晓明", "静怡", "小朋"],
    births: ["1987-02-11", "1987-02-12", "2009-05-20"],
    phones: ["13951234017", "13951234018", "13666661234"],
    address: "平江路12号3幢402室",
    hospital: "h1",
};

/// It shares no value and no month of birth with the other.
pub(crate) const OTHER_TOWN: Town = Town {
    families: ["赵", "孙", "司徒"],
    given: ["芳", "国强", "国墙", "雪琴", "国东"],
    births: ["1961-07-03", "1961-07-04", "1999-12-30"],
    phones: ["13777770001", "13777770002", "13888880001"],
    address: "星湖街328号1幢101室",
    hospital: "h2",
};

#[derive(Clone, Debug)]
pub(crate) struct Row {
    family: usize,
    given: usize,
    birth: usize,
    phone: usize,
    sequence: u16,
    shows: [bool; 7],
    hidden_name: bool,
    age: i64,
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    (0..3_usize, 0..5_usize, 0..3_usize, 0..3_usize, 0..3_u16, any::<[bool; 7]>(), prop::bool::weighted(0.1), 0..5_i64)
        .prop_map(|(family, given, birth, phone, sequence, shows, hidden_name, age)| Row {
            family,
            given,
            birth,
            phone,
            sequence,
            shows,
            hidden_name,
            age,
        })
}

impl Row {
    pub(crate) fn statement(&self, number: u64) -> Statement {
        self.statement_in(&TOWN, number)
    }

    pub(crate) fn statement_in(&self, town: &Town, number: u64) -> Statement {
        let mut statement = record(number);
        let family = if self.hidden_name { "*" } else { town.families[self.family] };
        statement = statement.name(&format!("{family}{}", town.given[self.given]));
        let id = resident("320506", town.births[self.birth], 341 + self.sequence);
        let [full, part, born, sex, phone, address, mrn] = self.shows;
        if full && part {
            statement = statement.id(&id);
        } else if part {
            statement = statement.id(&masked(&id));
        }
        if born {
            statement = statement.born(town.births[self.birth]);
        }
        if sex {
            statement = statement.sex(Sex::Male);
        }
        if phone {
            statement = statement.contact(town.phones[self.phone]);
        }
        if address {
            statement = statement.address(town.address);
        }
        if mrn {
            statement = statement.claim(IdScheme::Mrn, &format!("M{}", self.sequence), Some(town.hospital));
        }
        statement.0.first_time = statement.0.first_time.plus_millis(self.age * 10_000);
        statement
    }
}

/// Everything an engine can be asked for.
pub(crate) type Seen = (Vec<(PersonId, Vec<RecordId>)>, Vec<Option<ClusterChange>>, Vec<Task>, Vec<HotValue>);

pub(crate) fn seen(engine: &Engine) -> Seen {
    let clusters = engine.clusters();
    let details = clusters.iter().map(|(person, _)| engine.cluster(*person)).collect();
    (clusters, details, engine.tasks(), engine.hot_values())
}

pub(crate) fn both(mut a: Seen, b: Seen) -> Seen {
    a.0.extend(b.0);
    a.1.extend(b.1);
    a.2.extend(b.2);
    a.3.extend(b.3);
    a
}

pub(crate) fn sorted(mut seen: Seen) -> Seen {
    seen.0.sort_unstable();
    seen.1.sort_by_key(|cluster| cluster.as_ref().map(|cluster| cluster.person));
    seen.2.sort_by_key(|task| (task.link.a, task.link.b));
    seen.3.sort_by_key(|value| (value.field, value.record, value.records));
    seen
}

/// Models with limits low enough for a town of this size: in one blocks turn hot and cold, in the other values do (and
/// their blocks seldom).
pub(crate) static MODELS: LazyLock<[Arc<Model>; 2]> = LazyLock::new(|| {
    let mut blocks = Model::zh().file().clone();
    blocks.blocking.records_max = 6;
    let mut values = blocks.clone();
    values.hot = HotLimits {
        number_names_max: 3,
        address_names_max: 6,
        birth_names_max: 4,
        birth_ratio: 30.0,
        name_births_max: 1,
        people: 1.0,
    };
    [blocks, values].map(|file| Arc::new(Model::from_file(file).expect("usable")))
});

pub(crate) fn upserts(rows: &[Row]) -> Vec<Change> {
    rows.iter().enumerate().map(|(number, row)| Change::Upsert(row.statement(number as u64).0)).collect()
}

pub(crate) fn bulk(model: &Arc<Model>, changes: Vec<Change>) -> Engine {
    let mut engine = Engine::new(Arc::clone(model));
    engine.apply(changes);
    engine
}

/// What a reader of the deltas knows.
#[derive(Default)]
pub(crate) struct Reader {
    clusters: std::collections::BTreeMap<PersonId, ClusterChange>,
    review: std::collections::BTreeMap<(RecordId, RecordId), Task>,
    pub(crate) orders: std::collections::BTreeMap<Pair, OrderState>,
}

impl Reader {
    pub(crate) fn take(&mut self, delta: Delta) {
        for person in delta.dissolved {
            assert!(self.clusters.remove(&person).is_some(), "an unknown person was dissolved");
        }
        for cluster in delta.clusters {
            self.clusters.insert(cluster.person, cluster);
        }
        for pair in delta.review_ended {
            assert!(self.review.remove(&pair).is_some(), "an unknown pair was taken off review");
        }
        for task in delta.review {
            self.review.insert((task.link.a, task.link.b), task);
        }
        self.orders.extend(delta.orders);
    }

    pub(crate) fn check(&self, engine: &Engine) {
        let (_, details, review, _) = seen(engine);
        assert_eq!(self.clusters.values().cloned().map(Some).collect::<Vec<_>>(), details);
        assert_eq!(self.review.values().cloned().collect::<Vec<_>>(), review);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 320, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_records_are_called_does_not_matter(
        rows in prop::collection::vec(row(), 1..30),
        shift in 1_u64..1_000_000,
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        let persons = |offset: u64| {
            let names: std::collections::HashMap<RecordId, String> =
                rows.iter().enumerate().map(|(n, row)| (key(n as u64 * 7 + offset), format!("{row:?}"))).collect();
            let changes = rows.iter().enumerate().map(|(n, row)| Change::Upsert(row.statement(n as u64 * 7 + offset).0));
            let clusters = bulk(model, changes.collect()).clusters();
            let mut persons: Vec<Vec<String>> = clusters
                .into_iter()
                .map(|(_, members)| {
                    let mut members: Vec<String> = members.iter().map(|member| names[member].clone()).collect();
                    members.sort();
                    members
                })
                .collect();
            persons.sort();
            persons
        };
        prop_assert_eq!(persons(0), persons(shift));
    }

    #[test]
    fn any_order_and_any_batches_give_the_same_persons(
        rows in prop::collection::vec(row(), 1..24),
        order in prop::collection::vec(any::<Index>(), 24),
        cuts in prop::collection::vec(1..6_usize, 24),
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        let expected = seen(&bulk(model, upserts(&rows)));
        let mut changes = upserts(&rows);
        for place in (1..changes.len()).rev() {
            changes.swap(place, order[place].index(place + 1));
        }
        let mut engine = Engine::new(Arc::clone(model));
        let mut reader = Reader::default();
        for cut in cuts {
            let rest = changes.split_off(cut.min(changes.len()));
            reader.take(engine.apply(std::mem::replace(&mut changes, rest)));
            reader.check(&engine);
        }
        reader.take(engine.apply(changes));
        reader.check(&engine);
        prop_assert_eq!(seen(&engine), expected);
    }

    #[test]
    fn what_was_said_before_leaves_no_trace(
        rows in prop::collection::vec(row(), 1..16),
        earlier in prop::collection::vec((0..24_u64, row()), 0..16),
        gone in prop::collection::vec(16..24_u64, 0..8),
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        // Earlier statements of the same records, and records that are taken away again.
        let mut engine = Engine::new(Arc::clone(model));
        let mut reader = Reader::default();
        for (number, row) in &earlier {
            reader.take(engine.apply(vec![Change::Upsert(row.statement(*number).0)]));
        }
        reader.take(engine.apply(gone.iter().map(|number| Change::Remove(key(*number))).collect()));
        reader.take(engine.apply(upserts(&rows)));
        for number in rows.len() as u64..24 {
            reader.take(engine.apply(vec![Change::Remove(key(number))]));
        }
        reader.check(&engine);
        let expected = bulk(model, upserts(&rows));
        prop_assert_eq!(seen(&engine), seen(&expected));
        let (after, before) = (engine.statistics(), expected.statistics());
        prop_assert_eq!(
            (after.records, after.clusters, after.blocks, after.hot_blocks, after.hot_values, after.edges),
            (before.records, before.clusters, before.blocks, before.hot_blocks, before.hot_values, before.edges)
        );
    }

    #[test]
    fn a_repeat_changes_nothing(
        rows in prop::collection::vec(row(), 1..16),
        which in any::<Index>(),
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        let mut engine = bulk(model, upserts(&rows));
        let number = which.index(rows.len());
        let again = vec![Change::Upsert(rows[number].statement(number as u64).0)];
        prop_assert_eq!(engine.apply(again), Delta::default());
        prop_assert_eq!(engine.apply(upserts(&rows)), Delta::default());
    }

    #[test]
    fn unrelated_records_change_nothing(
        rows in prop::collection::vec(row(), 1..16),
        strangers in 1..20_u64,
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        let alone = bulk(model, upserts(&rows)).clusters();
        let mut engine = bulk(model, upserts(&rows));
        let unrelated = (0..strangers).map(|n| {
            let born = format!("19{:02}-08-{:02}", 30 + n, 1 + n);
            let statement = record(1000 + n).name(&format!("司徒雪{}", ["琴", "莲", "春"][n as usize % 3]));
            Change::Upsert(statement.born(&born).contact(&format!("137{:08}", 11_223_300 + n)).0)
        });
        let delta = engine.apply(unrelated.collect());
        prop_assert_eq!(delta.clusters.len() as u64, strangers);
        let known: Vec<_> = engine.clusters().into_iter().filter(|(_, members)| members.len() > 1 || alone.iter().any(|(_, old)| old == members)).collect();
        prop_assert_eq!(known, alone);
    }

    #[test]
    fn two_towns_that_share_nothing_do_not_touch_each_other(
        ours in prop::collection::vec(row(), 1..24),
        theirs in prop::collection::vec(row(), 1..24),
        cut in 1..6_usize,
        gone in any::<bool>(),
        which_model in 0..2_usize,
    ) {
        let model = &MODELS[which_model];
        let other = |number: usize, row: &Row| Change::Upsert(row.statement_in(&OTHER_TOWN, 1000 + number as u64).0);
        let others: Vec<Change> = theirs.iter().enumerate().map(|(number, row)| other(number, row)).collect();
        let (alone, beside) = (bulk(model, upserts(&ours)), bulk(model, others.clone()));
        let mut engine = bulk(model, upserts(&ours));
        let persons: Vec<PersonId> = alone.clusters().into_iter().map(|(person, _)| person).collect();
        for batch in others.chunks(cut) {
            let delta = engine.apply(batch.to_vec());
            prop_assert!(delta.clusters.iter().all(|cluster| !persons.contains(&cluster.person)));
            prop_assert!(delta.dissolved.iter().all(|person| !persons.contains(person)));
        }
        prop_assert_eq!(sorted(seen(&engine)), sorted(both(seen(&alone), seen(&beside))));
        if gone {
            engine.apply((0..theirs.len()).map(|number| Change::Remove(key(1000 + number as u64))).collect());
            prop_assert_eq!(seen(&engine), seen(&alone));
        }
    }

    #[test]
    fn a_pair_weighs_the_same_from_both_sides(a in row(), b in row()) {
        let model = Model::zh();
        let left = linkage::Standardized::of(&a.statement(0).0.statement, &model);
        let right = linkage::Standardized::of(&b.statement(1).0.statement, &model);
        prop_assert_eq!(linkage::compare(&model, &left, &right), linkage::compare(&model, &right, &left));
    }

    #[test]
    fn a_person_never_has_two_values_of_an_exclusive_number(rows in prop::collection::vec(row(), 1..24)) {
        let changes = upserts(&rows);
        let mut engine = Engine::new(Arc::new(Model::zh()));
        engine.apply(changes.clone());
        for (_, members) in engine.clusters() {
            let mut values: Vec<(IdScheme, String)> = Vec::new();
            for change in &changes {
                let Change::Upsert(record) = change else { continue };
                if members.contains(&record.key) {
                    let claims = record.statement.person.claims.iter().filter(|claim| !claim.masked);
                    values.extend(claims.map(|claim| (claim.scheme, claim.value.expose().clone())));
                }
            }
            values.sort();
            values.dedup();
            for pair in values.windows(2) {
                prop_assert_ne!(pair[0].0, pair[1].0);
            }
        }
    }
}

#[test]
fn the_histories_of_these_laws_make_values_hot_and_cold() {
    let rows = |given: usize| {
        let shows = [false, false, true, true, true, true, false];
        Row { family: given % 3, given, birth: 0, phone: 0, sequence: 0, shows, hidden_name: false, age: 0 }
    };
    let mut engine = bulk(&MODELS[1], (0..5).map(|n| Change::Upsert(rows(n as usize).statement(n).0)).collect());
    assert!(engine.statistics().hot_values > 0);
    engine.apply((2..5).map(|n| Change::Remove(key(n))).collect());
    assert_eq!(engine.hot_values(), []);
}

#[test]
fn the_oldest_record_names_the_person() {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    let row = |number| record(number).name("欧阳静怡").id(&resident("320506", "1987-02-11", 341));
    engine.apply(vec![Change::Upsert(row(5).0), Change::Upsert(row(6).0)]);
    assert_eq!(engine.person_of(key(6)), Some(PersonId::from_oldest(key(5))));
    let delta = engine.apply(vec![Change::Upsert(row(1).0)]);
    assert_eq!(delta.dissolved, [PersonId::from_oldest(key(5))]);
    assert_eq!(delta.clusters.len(), 1);
    assert_eq!(delta.clusters[0].members, [key(1), key(5), key(6)]);
    assert_eq!(engine.person_of(key(6)), Some(PersonId::from_oldest(key(1))));
    assert_eq!(engine.cluster(PersonId::from_oldest(key(5))), None);
    assert_eq!(engine.cluster(PersonId::from_oldest(key(1))).as_ref(), Some(&delta.clusters[0]));
    // The same statement, but older than was known.
    let mut older = row(6);
    older.0.first_time = row(0).0.first_time;
    let delta = engine.apply(vec![Change::Upsert(older.0)]);
    assert_eq!(delta.dissolved, [PersonId::from_oldest(key(1))]);
    assert_eq!(delta.clusters[0].person, PersonId::from_oldest(key(6)));
}

#[test]
fn a_hot_block_is_reported_and_proposes_nothing() {
    let mut engine =
        bulk(&MODELS[0], (0..7).map(|n| Change::Upsert(record(n).name("王小明").born("1987-02-11").0)).collect());
    assert_eq!(engine.clusters().len(), 7);
    let hot = engine.hot_blocks();
    assert!(hot.iter().any(|(key, records)| (key.rule(), *records) == (linkage::Rule::NameBirth, 7)), "{hot:?}");
    engine.apply(vec![Change::Remove(key(3))]);
    assert_eq!(engine.clusters().len(), 1);
    assert_eq!(engine.statistics().hot_blocks, 0);
}

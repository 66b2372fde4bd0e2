//! Standing orders outrank everything, and leave no trace when they are taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{RecordId, Timestamp, Verdict};
use linkage::{Change, Engine, Model, Order, OrderState, TaskKind};
use proptest::prelude::*;

use crate::common::{Statement, groups_of, key, record, resident};
use crate::laws::{MODELS, OTHER_TOWN, Reader, Row, TOWN, Town, both, bulk, row, seen, sorted};

fn order(a: u64, b: u64, verdict: Verdict, decided: i64) -> Order {
    Order::new(key(a), key(b), verdict, Timestamp::from_millis(decided), false)
}

fn ordered(a: u64, b: u64) -> (RecordId, RecordId) {
    (key(a).min(key(b)), key(a).max(key(b)))
}

/// Something that happens in a random history. An undo takes back the last decision on the pair that was not taken back.
#[derive(Clone, Debug)]
enum Step {
    State(u64, Row),
    Withdraw(u64),
    Decide(u64, u64, Verdict, i64),
    Undo(u64, u64),
}

const RECORDS: u64 = 9;

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![Just(Verdict::Same), Just(Verdict::Different)];
    prop_oneof![
        4 => (0..RECORDS, row()).prop_map(|(n, row)| Step::State(n, row)),
        1 => (0..RECORDS).prop_map(Step::Withdraw),
        4 => (0..RECORDS, 0..RECORDS, verdict, 0..1_000_i64).prop_map(|(a, b, v, t)| Step::Decide(a, b, v, t)),
        1 => (0..RECORDS, 0..RECORDS).prop_map(|(a, b)| Step::Undo(a, b)),
    ]
}

/// What stands at the end of a history.
#[derive(Clone, Debug)]
struct End {
    town: &'static Town,
    /// What the number of the first record is.
    first: u64,
    rows: BTreeMap<u64, Row>,
    /// Per pair the decisions that were not taken back; the last one counts.
    decisions: BTreeMap<(RecordId, RecordId), Vec<Order>>,
}

impl Default for End {
    fn default() -> Self {
        Self { town: &TOWN, first: 0, rows: BTreeMap::new(), decisions: BTreeMap::new() }
    }
}

impl End {
    /// Takes a step, and says what the engine hears of it.
    fn take(&mut self, step: &Step) -> Change {
        let at = self.first;
        match step {
            Step::State(n, row) => {
                self.rows.insert(at + n, row.clone());
                Change::Upsert(row.statement_in(self.town, at + n).0)
            }
            Step::Withdraw(n) => {
                self.rows.remove(&(at + n));
                Change::Remove(key(at + n))
            }
            Step::Decide(a, b, verdict, time) => {
                let order = order(at + a, at + b, *verdict, *time);
                if a != b {
                    self.decisions.entry(order.pair()).or_default().push(order);
                }
                Change::Order(order)
            }
            Step::Undo(a, b) => {
                let (a, b) = (at + a, at + b);
                let decisions = self.decisions.entry(ordered(a, b)).or_default();
                decisions.pop();
                decisions.last().map_or(Change::OrderEnded(key(a), key(b)), |before| Change::Order(*before))
            }
        }
    }

    fn of(steps: &[Step]) -> Self {
        let mut end = Self::default();
        steps.iter().for_each(|step| drop(end.take(step)));
        end
    }

    fn orders(&self) -> BTreeMap<(RecordId, RecordId), Order> {
        self.decisions.iter().filter_map(|(pair, decisions)| Some((*pair, *decisions.last()?))).collect()
    }

    fn changes(&self) -> Vec<Change> {
        let rows = self.rows.iter().map(|(n, row)| Change::Upsert(row.statement_in(self.town, *n).0));
        rows.chain(self.orders().into_values().map(Change::Order)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn persons_tasks_and_states_depend_on_what_stands_and_not_on_how_it_came(
        steps in prop::collection::vec(step(), 1..40),
        cuts in prop::collection::vec(1..5_usize, 40),
    ) {
        let end = End::of(&steps);
        let expected = bulk(&MODELS[0], end.changes());
        let mut engine = Engine::new(Arc::clone(&MODELS[0]));
        let mut reader = Reader::default();
        let mut heard = End::default();
        let mut changes: Vec<Change> = steps.iter().map(|step| heard.take(step)).collect();
        for cut in cuts {
            let rest = changes.split_off(cut.min(changes.len()));
            reader.take(engine.apply(std::mem::replace(&mut changes, rest)));
            reader.check(&engine);
        }
        prop_assert_eq!(seen(&engine), seen(&expected));
        prop_assert_eq!(engine.orders(), expected.orders());
        // A reader of the deltas knows the state of every order that stands.
        for (pair, state) in engine.orders() {
            prop_assert_eq!(reader.orders.get(&pair), Some(&state));
        }
        // Everything once more changes nothing.
        prop_assert_eq!(engine.apply(end.changes()), linkage::Delta::default());
        // All orders taken back: as if there had never been any.
        let ended = end.orders().keys().map(|(a, b)| Change::OrderEnded(*a, *b)).collect();
        reader.take(engine.apply(ended));
        reader.check(&engine);
        prop_assert_eq!(seen(&engine), seen(&bulk(&MODELS[0], End { decisions: BTreeMap::new(), ..end }.changes())));
    }

    #[test]
    fn an_undone_decision_is_as_if_it_had_never_been_made_also_where_it_had_replaced_another(
        before in prop::collection::vec(step(), 1..30),
        (a, b, verdict, at) in (0..RECORDS, 0..RECORDS, prop_oneof![Just(Verdict::Same), Just(Verdict::Different)], 0..1_000_i64),
    ) {
        let end = End::of(&before);
        let never = bulk(&MODELS[0], end.changes());
        let mut engine = bulk(&MODELS[0], end.changes());
        let mut heard = end;
        for step in [Step::Decide(a, b, verdict, at), Step::Undo(a, b)].iter().filter(|_| a != b) {
            engine.apply(vec![heard.take(step)]);
        }
        prop_assert_eq!(seen(&engine), seen(&never));
        prop_assert_eq!(engine.orders(), never.orders());
    }

    #[test]
    fn what_is_stated_and_decided_in_another_town_changes_nothing_here(
        ours in prop::collection::vec(step(), 1..25),
        theirs in prop::collection::vec(step(), 1..25),
        turns in prop::collection::vec(any::<bool>(), 50),
    ) {
        let mut alone = [Engine::new(Arc::clone(&MODELS[0])), Engine::new(Arc::clone(&MODELS[0]))];
        let mut beside = Engine::new(Arc::clone(&MODELS[0]));
        let mut ends = [End::default(), End { town: &OTHER_TOWN, first: 1_000, ..End::default() }];
        let mut coming = [ours.iter(), theirs.iter()];
        for turn in turns.into_iter().map(usize::from).chain([0; 25]).chain([1; 25]) {
            let Some(step) = coming[turn].next() else { continue };
            let change = ends[turn].take(step);
            alone[turn].apply(vec![change.clone()]);
            let told = beside.apply(vec![change]);
            let elsewhere: Vec<_> = alone[1 - turn].clusters().into_iter().map(|(person, _)| person).collect();
            prop_assert!(told.clusters.iter().all(|cluster| !elsewhere.contains(&cluster.person)));
            prop_assert!(told.dissolved.iter().all(|person| !elsewhere.contains(person)));
        }
        let [here, there] = &alone;
        prop_assert_eq!(sorted(seen(&beside)), sorted(both(seen(here), seen(there))));
        let mut orders = here.orders();
        orders.extend(there.orders());
        orders.sort_unstable_by_key(|(pair, _)| *pair);
        prop_assert_eq!(beside.orders(), orders);
    }

    #[test]
    fn orders_in_force_are_obeyed_and_the_rest_is_said_to_be_set_aside_or_resting(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let end = End::of(&steps);
        let engine = bulk(&MODELS[0], end.changes());
        let orders = end.orders();
        let newest = orders.values().filter(|o| engine.person_of(o.pair().0).and(engine.person_of(o.pair().1)).is_some());
        let newest = newest.max_by_key(|order| (order.decided, order.pair())).copied();
        for (pair, state) in engine.orders() {
            let (a, b) = (engine.person_of(pair.0), engine.person_of(pair.1));
            match state {
                OrderState::Resting => prop_assert!(a.is_none() || b.is_none()),
                OrderState::InForce => prop_assert_eq!(a == b, orders[&pair].verdict == Verdict::Same),
                OrderState::SetAside { against } => {
                    prop_assert_eq!(a == b, orders[&pair].verdict == Verdict::Different);
                    prop_assert!(against.iter().all(|other| orders.contains_key(other)));
                    let tasks = engine.tasks();
                    let task = tasks.iter().find(|task| (task.link.a, task.link.b) == pair);
                    let told = task.map(|task| (task.kind, &task.against));
                    prop_assert_eq!(told, Some((TaskKind::OrdersContradict, &against)));
                    prop_assert!(newest.is_some_and(|newest| newest.pair() != pair), "the newest is always honoured");
                }
            }
        }
    }
}

fn applied(records: &[Statement], orders: &[Order]) -> Engine {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    let records = records.iter().map(|statement| Change::Upsert(statement.0.clone()));
    engine.apply(records.chain(orders.iter().map(|order| Change::Order(*order))).collect());
    engine
}

fn kinds(engine: &Engine) -> Vec<(TaskKind, (RecordId, RecordId))> {
    engine.tasks().iter().map(|task| (task.kind, (task.link.a, task.link.b))).collect()
}

#[test]
fn an_order_joins_records_that_have_nothing_in_common_and_brings_their_clusters_along() {
    let number = resident("320506", "1987-02-11", 341);
    let records = [
        record(1).name("欧阳静怡").id(&number),
        record(2).name("欧阳静怡").id(&number),
        record(3).name("李小朋").born("1987-02-12").contact("13951234017").sex(domain::Sex::Female),
        record(4).name("李小朋").born("1987-02-12").contact("13951234017").sex(domain::Sex::Female),
    ];
    assert_eq!(groups_of(&applied(&records, &[])), [vec![1, 2], vec![3, 4]]);
    let mut engine = applied(&records, &[order(2, 3, Verdict::Same, 10)]);
    assert_eq!(groups_of(&engine), [vec![1, 2, 3, 4]]);
    let person = engine.person_of(key(4)).expect("a person");
    let links = engine.cluster(person).expect("a cluster").links;
    assert_eq!(links.len(), 3);
    assert!(links.iter().any(|link| (link.a, link.b) == ordered(2, 3)));
    engine.apply(vec![Change::OrderEnded(key(3), key(2))]);
    assert_eq!(groups_of(&engine), [vec![1, 2], vec![3, 4]]);
}

#[test]
fn an_order_parts_records_that_everything_speaks_for_and_their_clusters_stay_apart() {
    let number = resident("320506", "1987-02-11", 341);
    let same = |n| record(n).name("欧阳静怡").id(&number).contact("13951234017");
    let records = [same(1), same(2), same(3)];
    let engine = applied(&records, &[order(1, 3, Verdict::Different, 10)]);
    assert_ne!(engine.person_of(key(1)), engine.person_of(key(3)));
    assert_eq!(groups_of(&engine).len(), 2);
    assert_eq!(kinds(&engine), [], "what an order settles is not asked again, nor what follows from it");
}

#[test]
fn an_order_over_two_resident_numbers_is_obeyed_and_asked_about_unless_the_reviewer_knew() {
    let numbers = [resident("320506", "1987-02-11", 341), resident("320506", "1987-02-11", 343)];
    let records = [
        record(1).name("欧阳静怡").id(&numbers[0]),
        record(2).name("欧阳静怡").id(&numbers[1]),
        record(3).name("欧阳静怡").id(&numbers[1]).contact("13951234017"),
    ];
    let engine = applied(&records, &[order(1, 2, Verdict::Same, 10)]);
    assert_eq!(groups_of(&engine), [vec![1, 2, 3]]);
    assert_eq!(kinds(&engine), [(TaskKind::OrderJoinsNumbers, ordered(1, 2))]);
    let knowing = Order::new(key(1), key(2), Verdict::Same, Timestamp::from_millis(10), true);
    assert_eq!(kinds(&applied(&records, &[knowing])), []);
    // Over a record that states no number: the order that brought the numbers together.
    let bare = [records[0].clone(), records[1].clone(), record(4).name("小朋")];
    let chain = [order(1, 4, Verdict::Same, 10), order(4, 2, Verdict::Same, 20)];
    assert_eq!(kinds(&applied(&bare, &chain)), [(TaskKind::OrderJoinsNumbers, ordered(2, 4))]);
}

#[test]
fn whoever_agrees_with_one_of_two_records_that_an_order_joins_is_not_driven_away() {
    let old = |n| record(n).name("王小明").born("1987-02-11").contact("13951234017").address("平江路12号3幢402室");
    let new = record(9).name("欧阳伟").born("2009-05-20").contact("13666661234").sex(domain::Sex::Female);
    let engine = applied(&[old(1), old(2), old(3), new], &[order(1, 9, Verdict::Same, 10)]);
    assert_eq!(groups_of(&engine), [vec![1, 2, 3, 9]]);
}

#[test]
fn an_explanation_names_the_standing_order_on_the_pair_and_what_became_of_it() {
    let records = [record(1).name("王小明"), record(2).name("王小明"), record(3).name("王小明")];
    let orders = [order(1, 2, Verdict::Different, 1), order(1, 3, Verdict::Same, 2), order(2, 3, Verdict::Same, 3)];
    let engine = applied(&records, &orders);
    let said = |a, b| engine.explain(key(a), key(b)).expect("both are there").order.expect("an order");
    assert_eq!((said(3, 1).verdict, said(3, 1).state), (Verdict::Same, OrderState::InForce));
    assert_eq!(said(1, 2).verdict, Verdict::Different);
    let OrderState::SetAside { against } = said(1, 2).state else { panic!("contradicted by two newer ones") };
    assert_eq!(against.len(), 2);
    assert_eq!(applied(&records, &orders[1..2]).explain(key(1), key(2)).expect("both are there").order, None);
}
